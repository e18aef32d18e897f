//! What holds before each step: its folder, its user, and which folders of the build context stand where.

use std::collections::BTreeMap;

use super::project::Project;
use crate::dockerfile::{Copied, Dockerfile, Run, Step, StepKind};

/// What holds before a step.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// The folder that commands run in.
    pub(super) folder: String,
    /// The user, if one was named.
    pub(super) user: Option<String>,
    /// Ids of users that were made here.
    ids: BTreeMap<String, String>,
    /// Folders of the context, and where they were copied.
    copies: Vec<(String, String)>,
}

/// The state before each step of each stage.
pub(super) fn walk(dockerfile: &Dockerfile, project: Project<'_>) -> Vec<Vec<State>> {
    let mut ends = BTreeMap::<String, State>::new();
    let mut all = Vec::new();
    for (number, stage) in dockerfile.stages.iter().enumerate() {
        let root = State { folder: "/".to_owned(), ..State::default() };
        let mut state = ends.get(&stage.image.to_ascii_lowercase()).cloned().unwrap_or(root);
        let mut before = Vec::new();
        for step in &stage.steps {
            before.push(state.clone());
            state.after(step, project);
        }
        let name = stage.name.clone().unwrap_or_else(|| number.to_string());
        ends.insert(name.to_ascii_lowercase(), state);
        all.push(before);
    }
    all
}

impl State {
    fn after(&mut self, step: &Step, project: Project<'_>) {
        match &step.kind {
            StepKind::Workdir(folder) => self.folder = join(&self.folder, folder),
            StepKind::User(user) => self.user = Some(user.clone()),
            StepKind::Copy(copied) if copied.from.is_none() => self.copied(copied, project),
            StepKind::Run(run) => self.made_users(run),
            _ => {}
        }
    }

    fn copied(&mut self, copied: &Copied, project: Project<'_>) {
        let target = join(&self.folder, &copied.target);
        for source in &copied.sources {
            let path = normal(source);
            if is_folder(&path, project) {
                self.copies.push((path, target.clone()));
            } else if let Some((folder, "package.json" | "package*.json" | "package-lock.json" | "*.json")) =
                path.rsplit_once('/').or(Some(("", &path)))
            {
                let is_into = copied.target.ends_with(['/', '.']) || copied.sources.len() > 1 || source.contains('*');
                let into = if is_into { target.clone() } else { join(&target, "..") };
                self.copies.push((folder.to_owned(), into));
            }
        }
    }

    /// `adduser -u 1001 name`: the id is that of the option.
    fn made_users(&mut self, run: &Run) {
        for command in &run.commands {
            let words = &command.words;
            let is_making = matches!(words.first().map(String::as_str), Some("adduser" | "useradd"));
            let id =
                words.iter().position(|word| matches!(word.as_str(), "-u" | "--uid")).and_then(|at| words.get(at + 1));
            let id =
                id.cloned().or_else(|| words.iter().find_map(|word| word.strip_prefix("--uid=").map(str::to_owned)));
            if let (true, Some(id), Some(name)) = (is_making, id, words.last()) {
                self.ids.insert(name.clone(), id);
            }
        }
    }

    /// The folder of the context that stands at a path.
    pub(super) fn context_folder(&self, path: &str, project: Project<'_>) -> Option<String> {
        self.copies.iter().rev().find_map(|(folder, at)| {
            let rest = below(path, at)?;
            let found = normal(&format!("{folder}/{rest}"));
            project.installs.contains_key(&found).then_some(found)
        })
    }

    /// The ids that a cache mount needs: `None` for root, an error for a user whose id is not known.
    pub(super) fn ids(&self) -> Result<Option<(String, String)>, String> {
        let Some(user) = &self.user else { return Ok(None) };
        let (name, group) = user.split_once(':').unwrap_or((user, ""));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let id = match name {
            "root" | "0" => return Ok(None),
            // The images of node have it.
            "node" | "bun" => "1000".to_owned(),
            name if is_number(name) => name.to_owned(),
            name => self.ids.get(name).cloned().ok_or_else(|| name.to_owned())?,
        };
        let group = if is_number(group) { group.to_owned() } else { id.clone() };
        Ok(Some((id, group)))
    }
}

/// Whether it is a folder with projects in it, or one.
fn is_folder(path: &str, project: Project<'_>) -> bool {
    path.is_empty() || project.installs.keys().any(|known| below(known, path).is_some())
}

/// What comes after a folder in a path that is in it, or is it.
pub(super) fn below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    if folder.is_empty() || folder == "/" {
        return Some(path.trim_start_matches('/'));
    }
    let rest = path.strip_prefix(folder)?;
    (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_start_matches('/'))
}

/// A path in the context, without `./` and slashes at its ends.
pub(super) fn normal(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.join("/")
}

/// A path in the image, from a folder on.
pub(super) fn join(folder: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") };
    let mut parts = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_and_shortened() {
        assert_eq!(
            [join("/app", "."), join("/app", "./web/"), join("/app", "/srv/"), join("/app", "../b")],
            ["/app", "/app/web", "/srv", "/b"]
        );
        assert_eq!([normal("."), normal("./web/"), normal("/a//b")], ["", "web", "a/b"]);
        assert_eq!(
            (below("/app/web", "/app"), below("/apple", "/app"), below("/app", "/app")),
            (Some("web"), None, Some(""))
        );
    }
}
