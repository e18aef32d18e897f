//! `larder init --docker`: the changes with which a project's image builds take their downloads from larder, shown as a diff or made.

mod inputs;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;
use similar::TextDiff;

use super::{
    error::InitError,
    found::{Found, look},
    own_files,
};
use crate::{
    adoption::{self, Adoption, IgnoreLine, Note, ignore_file},
    commands::{context::Context, error::CommandError, lock::write_whole, outcome::Outcome},
    dockerfile::Scripts,
};

/// What has to be in a build's context for Pyodide.
const PYODIDE_FILES: [&str; 2] = ["larder.toml", "larder.lock"];

/// Where packages are installed.
const MODULES: &str = "node_modules";

/// A file as it is and as it will be.
struct Changed {
    path: PathBuf,
    /// Its path in the project.
    name: String,
    old: String,
    new: String,
}

#[derive(Serialize)]
struct Document {
    written: bool,
    files: Vec<FileDiff>,
    unsure: Vec<NoteLine>,
}

/// A file and its unified diff.
#[derive(Serialize)]
struct FileDiff {
    file: String,
    diff: String,
}

/// A line that is left to a person.
#[derive(Serialize)]
struct NoteLine {
    file: String,
    line: usize,
    says: String,
}

/// What all changes come to.
#[derive(Default)]
struct Plan {
    changed: Vec<Changed>,
    notes: Vec<(String, Note)>,
    has_pyodide: bool,
    /// Whether a Dockerfile uses larder already.
    is_adopted: bool,
}

pub(super) fn run(
    folder: &Path,
    file: Option<&Path>,
    is_writing: bool,
    context: &Context<'_>,
) -> Result<Outcome, CommandError> {
    let found = look(folder)?;
    let plan = plan(folder, file, &found)?;
    let printer = context.printer;
    if is_writing {
        for Changed { path, new, .. } in &plan.changed {
            write(path, new).map_err(|source| InitError::Write { path: path.clone(), source })?;
            printer.line(&format!("{} is written", path.display()));
        }
    } else {
        for line in plan.changed.iter().flat_map(|it| it.diff().lines().map(str::to_owned).collect::<Vec<_>>()) {
            printer.line(&line);
        }
    }
    for (file, Note { line, says }) in &plan.notes {
        printer.line(&format!("{file}:{line}: {says}"));
    }
    tell_what_is_next(folder, &plan, is_writing, context);
    printer.json(&Document {
        written: is_writing,
        files: plan.changed.iter().map(|it| FileDiff { file: it.name.clone(), diff: it.diff() }).collect(),
        unsure: plan.notes.into_iter().map(|(file, Note { line, says })| NoteLine { file, line, says }).collect(),
    });
    Ok(Outcome::Done)
}

/// How many lines `--docker` would change; `None` without a Dockerfile that it would.
pub(super) fn count(folder: &Path, found: &Found) -> Option<usize> {
    let plan = plan(folder, None, found).ok()?;
    let is_change = |line: &&str| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---");
    let lines = plan.changed.iter().map(|it| it.diff().lines().filter(is_change).count()).sum();
    (lines > 0).then_some(lines)
}

fn plan(folder: &Path, file: Option<&Path>, found: &Found) -> Result<Plan, CommandError> {
    let files: Vec<PathBuf> = match file {
        Some(file) => vec![file.to_owned()],
        None => own_files::dockerfiles(folder).into_iter().map(|name| folder.join(name)).collect(),
    };
    if files.is_empty() {
        return Err(InitError::NoDockerfile { folder: folder.to_owned() }.into());
    }
    let scripts = own_files::npm_scripts(folder);
    let fetching: Vec<String> = found.own.scripts.iter().map(|(file, _)| file.clone()).collect();
    let pyodide_folder = format!("{}/pyodide", found.static_folder.unwrap_or("static"));
    let (in_settings, runs_hooks) = (inputs::in_settings(folder), !inputs::is_yarn_berry(folder));
    let manifest = fs::read_to_string(folder.join("package.json")).unwrap_or_default();
    let is_one = files.len() == 1 || file.is_some();
    let mut plan = Plan::default();
    let mut new_scripts = Vec::new();
    for path in files {
        let text = read(&path)?;
        let name = name_of(folder, &path);
        let installs = inputs::of_context(folder, &fs::read_to_string(ignore_path(folder, &path)).unwrap_or_default());
        let project = adoption::Project {
            scripts: Scripts { by_name: &scripts, fetching: &fetching },
            manifest: &manifest,
            installs: &installs,
            pyodide_folder: &pyodide_folder,
            in_settings: &in_settings,
            installs_before_scripts: inputs::installs_before_scripts(folder),
            runs_hooks,
        };
        let adoption = match adoption::adopt(&text, project) {
            Ok(adoption) => adoption,
            Err(source) if is_one => return Err(InitError::Dockerfile { path, source }.into()),
            Err(source) => {
                plan.notes
                    .push((name, Note { line: source.line, says: format!("it cannot be read: {}", source.message) }));
                continue;
            }
        };
        plan.is_adopted |= adoption.text == text && text.contains("from=larder");
        plan.has_pyodide |= adoption.has_pyodide;
        plan.notes.extend(adoption.notes.iter().map(|note| (name.clone(), note.clone())));
        if adoption.text != text {
            plan.ignore_files(folder, &path, &adoption, &pyodide_folder, &installs)?;
            for script in adoption.new_scripts {
                if !new_scripts.contains(&script) {
                    new_scripts.push(script);
                }
            }
            plan.changed.insert(0, Changed { path, name, old: text, new: adoption.text });
        }
    }
    plan.manifest(folder, &new_scripts)?;
    plan.larder_toml(folder, found);
    Ok(plan)
}

impl Plan {
    /// The lines that .dockerignore lacks, or the one that is this Dockerfile's alone.
    fn ignore_files(
        &mut self,
        folder: &Path,
        dockerfile: &Path,
        adoption: &Adoption,
        pyodide_folder: &str,
        installs: &std::collections::BTreeMap<String, adoption::InstallInputs>,
    ) -> Result<(), CommandError> {
        let one = |line: &str| IgnoreLine { line: line.to_owned(), paths: vec![line.to_owned()] };
        let mut lines = Vec::new();
        if adoption.copies_everything {
            let places =
                installs.keys().map(|at| if at.is_empty() { MODULES.to_owned() } else { format!("{at}/{MODULES}") });
            let paths: Vec<String> = places.collect();
            let line = if paths.len() > 1 { format!("**/{MODULES}") } else { paths.concat() };
            lines.push(IgnoreLine { line, paths });
            lines.extend([".git"].into_iter().filter(|_| !inputs::reads_git(folder, &adoption.text)).map(one));
            lines.push(one(".larder"));
        }
        if adoption.has_pyodide {
            lines.push(one(pyodide_folder));
        }
        let path = ignore_path(folder, dockerfile);
        if self.changed.iter().any(|it| it.path == path) {
            return Ok(());
        }
        let old = if path.exists() { read(&path)? } else { String::new() };
        let needed = if adoption.has_pyodide { &PYODIDE_FILES[..] } else { &[] };
        if let Some(new) = ignore_file(&old, &lines, needed) {
            self.changed.push(Changed { name: name_of(folder, &path), path, old, new });
        }
        Ok(())
    }

    fn manifest(&mut self, folder: &Path, scripts: &[adoption::NewScript]) -> Result<(), CommandError> {
        if scripts.is_empty() {
            return Ok(());
        }
        let path = folder.join("package.json");
        let old = read(&path)?;
        let mut new = old.clone();
        for script in scripts {
            match script.added_to(&new) {
                Some(text) => new = text,
                None => self.notes.push((
                    "package.json".to_owned(),
                    Note { line: 1, says: format!("it needs the script {:?}: {:?}", script.name, script.text) },
                )),
            }
        }
        self.changed.push(Changed { name: name_of(folder, &path), path, old, new });
        Ok(())
    }

    fn larder_toml(&mut self, folder: &Path, found: &Found) {
        let path = folder.join("larder.toml");
        let is_needed = self.has_pyodide || !self.changed.is_empty() && !found.lockfiles.is_empty();
        if self.has_pyodide && found.own.packages().is_empty() && !path.exists() {
            let says = "name the Python packages in larder.toml: those of the script were not found".to_owned();
            self.notes.push(("larder.toml".to_owned(), Note { line: 1, says }));
        }
        if is_needed && !path.exists() {
            self.changed.push(Changed {
                name: name_of(folder, &path),
                path,
                old: String::new(),
                new: larder_toml(found, self.has_pyodide),
            });
        }
    }
}

/// The shortest `larder.toml` that says what was found.
fn larder_toml(found: &Found, has_pyodide: bool) -> String {
    let mut text = String::new();
    if !found.lockfiles.is_empty() {
        text = format!("lockfiles = {:?}\n", found.lockfiles);
    }
    let packages = found.own.packages();
    if !has_pyodide {
        return text;
    }
    text.push_str("# `larder lock` pins these and what they need in larder.lock.\n[pyodide]\n");
    if let (None, Some(release)) = (&found.runtime, found.own.release()) {
        text = [text, format!("version = {release:?}\n")].concat();
    }
    let lines: Vec<String> = packages.iter().map(|package| format!("    {package:?},\n")).collect();
    let folder = found.static_folder.unwrap_or("static");
    [text, format!("packages = [\n{}]\nfolder = \"{folder}/pyodide\"\n", lines.concat())].concat()
}

impl Changed {
    fn diff(&self) -> String {
        let diff = TextDiff::from_lines(&self.old, &self.new);
        let old = if self.old.is_empty() { "/dev/null".to_owned() } else { format!("a/{}", self.name) };
        diff.unified_diff().context_radius(2).header(&old, &format!("b/{}", self.name)).to_string()
    }
}

fn tell_what_is_next(folder: &Path, plan: &Plan, is_writing: bool, context: &Context<'_>) {
    let printer = context.printer;
    if plan.changed.is_empty() {
        let why = match plan.is_adopted {
            _ if !plan.notes.is_empty() => "see above",
            true => "it takes its downloads from larder already",
            false => "no step installs what a lockfile names",
        };
        printer.line(&format!("nothing is changed: {why}"));
        return;
    }
    if !is_writing {
        printer.hints(&["nothing is written; `--write` makes these changes"]);
        return;
    }
    let at = if folder == Path::new(".") { String::new() } else { format!(" {}", folder.display()) };
    let mut next = Vec::new();
    if plan.has_pyodide {
        next.push(format!("`larder lock{at}` pins Pyodide's packages in larder.lock; commit it"));
    }
    if !fs::read_to_string(folder.join("package.json")).is_ok_and(|text| text.contains("\"larder\"")) {
        next.push("with larder among the dev dependencies, a plain `docker build` takes it from the lockfile (not from yarn 4's); LARDER_IMAGE names an image instead".to_owned());
    }
    next.push(format!("`larder view context .larder{at}` and `docker buildx build --build-context larder=.larder …` build from this machine's store; name .larder in .gitignore"));
    printer.hints(&next.iter().map(String::as_str).collect::<Vec<_>>());
}

/// The file that says what a Dockerfile's context leaves out.
fn ignore_path(folder: &Path, dockerfile: &Path) -> PathBuf {
    let own = dockerfile.with_added_extension("dockerignore");
    if own.is_file() { own } else { folder.join(".dockerignore") }
}

fn name_of(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

/// Writes a file as a whole, where a link leads to, with the permissions that it has.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let permissions = fs::metadata(&path).map(|it| it.permissions());
    write_whole(&path, text.as_bytes())?;
    permissions.map_or(Ok(()), |permissions| fs::set_permissions(&path, permissions))
}

fn read(path: &Path) -> Result<String, CommandError> {
    let read = fs::read(path)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)));
    Ok(read.map_err(|source| InitError::Read { path: path.to_owned(), source })?)
}
