//! Steps that download get larder: its mounts, and `larder run` in front of an install, or `larder view pyodide` in the place of a script that fetches Pyodide.

use std::collections::BTreeSet;

use super::{
    effects::{self, Effect},
    package_json::{self, Split},
    project::{Note, Project},
    text::whole_lines,
    work::{Changes, Work},
};
use crate::dockerfile::{Command, Dockerfile, Fetch, Run, Stage, Step, StepKind, commands_of};

/// Where the cache mount of a user other than root is.
const USERS_CACHE: &str = "/var/cache/larder";

/// How larder's program is called in a step.
const PROGRAM: &str = "/larder/bin/larder";

/// Names of lockfiles.
pub(crate) const LOCKFILES: [&str; 6] =
    ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"];

/// Changes a stage's steps; whether any of them uses larder then.
pub(super) fn edit(work: &Work<'_>, changes: &mut Changes) -> bool {
    let mut is_changed = false;
    for (at, step) in work.stage.steps.iter().enumerate() {
        let StepKind::Run(run) = &step.kind else { continue };
        is_changed |= edit_step(work, at, step, run, changes);
    }
    is_changed
}

/// The installs of a Dockerfile with larder that do without it.
pub(super) fn without_larder(read: &Dockerfile, project: Project<'_>) -> Vec<Note> {
    let own = |stage: &&Stage| stage.name.as_deref() != Some("larder-package");
    let steps = read.stages.iter().filter(own).flat_map(|stage| &stage.steps);
    let is_install = |it: &Command| is_install(project, it);
    let left = steps.filter(|step| matches!(&step.kind, StepKind::Run(run) if run.commands.iter().any(is_install)));
    let says = format!(
        "this install does without larder: write `{PROGRAM} run --` in front of it, and the mounts of the other steps"
    );
    left.map(|step| Note { line: step.line, says: says.clone() }).collect()
}

fn edit_step(work: &Work<'_>, at: usize, step: &Step, run: &Run, changes: &mut Changes) -> bool {
    let mounts = match work.before[at].ids() {
        Ok(ids) => Mounts { ids },
        Err(user) => {
            if run.commands.iter().any(|command| is_install(work.project, command)) {
                changes.note(step, format!("it downloads as the user {user}, whose id is not known: give its cache mount that id by hand, as docs/docker.md shows"));
            }
            return false;
        }
    };
    let is_corepack = |it: &Command| it.words[0] == "corepack" && it.words.iter().any(|word| word == "enable");
    if run.commands.iter().any(is_corepack) {
        changes.note(step, "corepack downloads the package manager when that first runs, and larder does not keep it: without a network, take a base image that has it");
    }
    let mut starts = BTreeSet::new();
    let mut is_changed = false;
    for command in &run.commands {
        match fetch_of(work.project, command) {
            Some(Fetch::Install(what)) if !is_prefixable(work.text, command) => changes.note(
                step,
                format!("`{what}` stands within another command: write `{PROGRAM} run --` in front of it, and the mounts that docs/docker.md shows"),
            ),
            Some(Fetch::Install(_)) if has_lockfile(work, at, run, command) => {
                if changes.folder.is_none() {
                    changes.folder = work.context_folder(at, run, command);
                }
                starts.insert(command.place.start);
            }
            Some(Fetch::Install(what)) => {
                changes.note(step, format!("`{what}` has no lockfile in the build context: make one or let .dockerignore leave it in, and run this again"));
            }
            Some(Fetch::System(what))
                if ["npm ", "pnpm ", "yarn ", "bun ", "corepack "].iter().any(|it| what.starts_with(it)) =>
            {
                changes.note(
                    step,
                    format!("no lockfile pins what `{what}` installs: it downloads whenever this step runs"),
                );
            }
            Some(Fetch::Other(what)) if matches!(what.as_str(), "`curl`" | "`wget`") => {
                changes.note(
                    step,
                    format!(
                        "{what} downloads whenever this step runs, and nothing pins what it gets: ADD --checksum does"
                    ),
                );
            }
            Some(Fetch::Other(what)) => is_changed |= script(work, at, command, &what, &mounts, changes),
            None if leads_to_install(work, command) => changes.note(
                step,
                format!("`{}` comes to an install: write `{PROGRAM} run --` in front of it, and the mounts that docs/docker.md shows", command.words.join(" ")),
            ),
            Some(Fetch::System(_)) | None => {}
        }
    }
    if starts.is_empty() {
        return is_changed;
    }
    changes.edits.insert(run.options, mounts.of_install(&work.text[run.options..]));
    for start in starts {
        let words = mounts.run_words();
        if run.is_exec {
            let words: Vec<String> = words.iter().map(|word| format!("\"{word}\", ")).collect();
            changes.edits.insert(after_bracket(work.text, start), words.concat());
        } else {
            changes.edits.insert(start, format!("{} ", words.join(" ")));
        }
    }
    true
}

fn after_bracket(text: &str, start: usize) -> usize {
    let bracket = text[start..].find('[').map_or(start, |at| start + at + 1);
    bracket + text[bracket..].len() - text[bracket..].trim_start().len()
}

/// Whether a command comes to an install that it does not name itself: a script of package.json, or a program that is given one.
fn leads_to_install(work: &Work<'_>, command: &Command) -> bool {
    let scripts = work.project.scripts;
    let is_install = |it: &Command| scripts.is_install(it);
    let of_script = scripts.script_of(command).and_then(|name| scripts.by_name.get(name));
    let rest = command.words[1..].join(" ");
    let is_given = matches!(
        command.words[0].as_str(),
        "su" | "gosu" | "su-exec" | "runuser" | "setpriv" | "xargs" | "retry" | "timeout"
    );
    let given = rest.match_indices(' ').map(|(at, _)| &rest[at + 1..]).chain([rest.as_str()]);
    of_script.is_some_and(|text| commands_of(text).iter().any(is_install))
        || is_given && given.into_iter().any(|text| commands_of(text).iter().any(is_install))
}

/// What a command downloads; with `verifyDepsBeforeRun`, pnpm installs before each script and program that it runs.
fn fetch_of(project: Project<'_>, command: &Command) -> Option<Fetch> {
    let is_hidden = || {
        let is_pnpm = command.words[0].rsplit('/').next() == Some("pnpm");
        project.installs_before_scripts && is_pnpm && effects::of_command(command, project.scripts) == Effect::Uses
    };
    let hidden = || is_hidden().then(|| Fetch::Install(command.words.join(" ")));
    project.scripts.fetch_of(command).or_else(hidden)
}

fn is_install(project: Project<'_>, command: &Command) -> bool {
    matches!(fetch_of(project, command), Some(Fetch::Install(_)))
}

/// Whether `larder run --` may stand where a command begins: it is the install itself, a shell that is given it, or an array of words.
fn is_prefixable(text: &str, command: &Command) -> bool {
    let written = &text[command.place.clone()];
    let first = written.split_whitespace().next().unwrap_or_default();
    let is_shell = matches!(first.rsplit('/').next(), Some("sh" | "bash" | "dash" | "ash" | "zsh"));
    is_shell || first.starts_with('[') || first.trim_matches(['"', '\'']) == command.words[0]
}

/// Whether larder can answer an install: in doubt it can.
fn has_lockfile(work: &Work<'_>, at: usize, run: &Run, command: &Command) -> bool {
    let has = |files: &[String]| files.iter().any(|file| LOCKFILES.contains(&file.as_str()));
    match work.context_folder(at, run, command).and_then(|folder| work.project.installs.get(&folder)) {
        Some(inputs) if has(&inputs.files) => true,
        // A workspace's lockfile is above it.
        _ => work.project.installs.values().any(|inputs| has(&inputs.files)),
    }
}

/// A command that comes to a script that fetches: larder lays out Pyodide, and the rest of the script runs.
fn script(work: &Work<'_>, at: usize, command: &Command, what: &str, mounts: &Mounts, changes: &mut Changes) -> bool {
    let step = &work.stage.steps[at];
    let StepKind::Run(run) = &step.kind else { return false };
    let scripts = work.project.scripts;
    let name = scripts.script_of(command);
    let is_added = |split: &Split| split.new.as_ref().is_none_or(|new| new.added_to(work.project.manifest).is_some());
    let split = name.map(|name| package_json::split(name, scripts, work.project.runs_hooks).filter(is_added));
    let is_own = work.context_folder(at, run, command).is_none_or(|folder| folder.is_empty());
    match (name, split) {
        _ if run.is_exec || !is_own => {}
        (None, _) if run.commands.len() == 1 => {
            changes.edits.replace(whole_lines_without_comment(work, at), mounts.view(work.project.pyodide_folder));
            changes.has_pyodide = true;
            return true;
        }
        (Some(name), Some(Some(split))) => {
            insert_view(work, at, mounts, changes);
            changes.edits.replace(command.place.clone(), called(work.text, command, name, &split));
            changes.new_scripts.extend(split.new);
            changes.has_pyodide = true;
            return true;
        }
        _ => {}
    }
    changes.note(
        step,
        format!(
            "{what} downloads in each run of this step, and larder cannot tell its parts apart: record it (`larder record`) and write `{PROGRAM} run --` in front of it, or build without what fetches"
        ),
    );
    false
}

/// The call of a script, as that of what is left of it, between the hooks that are left.
fn called(text: &str, command: &Command, name: &str, split: &Split) -> String {
    let manager = command.words[0].as_str();
    let written = &text[command.place.clone()];
    let calls = |hooks: &[String]| hooks.iter().map(|hook| format!("{manager} run {hook}")).collect::<Vec<_>>();
    let at = written.match_indices(name).find(|(at, _)| written[..*at].ends_with([' ', '\t'])).map(|(at, _)| at);
    let main = at.map_or_else(
        || format!("{manager} run {}", split.name),
        |at| format!("{}{}{}", &written[..at], split.name, &written[at + name.len()..]),
    );
    let all: Vec<String> = calls(&split.before).into_iter().chain([main]).chain(calls(&split.after)).collect();
    all.join(" && ")
}

fn whole_lines_without_comment(work: &Work<'_>, at: usize) -> std::ops::Range<usize> {
    let step = &work.stage.steps[at];
    step.span.start..whole_lines(work.text, step).end
}

/// Lays out Pyodide right after the last install above a step or, without one, above the first copy of everything, else above the step itself.
fn insert_view(work: &Work<'_>, at: usize, mounts: &Mounts, changes: &mut Changes) {
    if changes.has_pyodide {
        return;
    }
    let steps = &work.stage.steps;
    let is_install = |step: &Step| match &step.kind {
        StepKind::Run(run) => run.commands.iter().any(|command| work.project.scripts.is_install(command)),
        _ => false,
    };
    let is_here = |other: &usize| work.before[*other].folder == work.before[at].folder;
    let after = (0..at).rev().filter(is_here).find(|other| is_install(&steps[*other]));
    let above = (0..at).filter(is_here).find(|other| work.is_whole(*other));
    let place = match (after, above) {
        (Some(install), _) => whole_lines(work.text, &steps[install]).end,
        (None, Some(copy)) => whole_lines(work.text, &steps[copy]).start,
        (None, None) => whole_lines(work.text, &steps[at]).start,
    };
    changes.edits.insert(place, mounts.view(work.project.pyodide_folder));
}

/// The mounts of a step, for its user.
struct Mounts {
    /// User and group, if it is not root.
    ids: Option<(String, String)>,
}

impl Mounts {
    fn cache(&self) -> String {
        match &self.ids {
            None => "--mount=type=cache,id=larder,target=/root/.cache/larder".to_owned(),
            Some((user, group)) => {
                format!("--mount=type=cache,id=larder,target={USERS_CACHE},uid={user},gid={group}")
            }
        }
    }

    fn store(&self) -> Vec<&'static str> {
        if self.ids.is_some() { vec!["--store", USERS_CACHE] } else { Vec::new() }
    }

    /// In front of what follows.
    fn of_install(&self, rest: &str) -> String {
        let end = if rest.starts_with("\\\n") { " " } else { " \\\n    " };
        format!(
            "--mount=type=bind,from=larder,source=bin,target=/larder/bin \\\n    --mount=type=bind,from=larder,source=store,target=/larder/store \\\n    {}{end}",
            self.cache()
        )
    }

    fn run_words(&self) -> Vec<&'static str> {
        [vec![PROGRAM, "run"], self.store(), vec!["--"]].concat()
    }

    fn view(&self, folder: &str) -> String {
        let words = [vec![PROGRAM, "view", "pyodide"], self.store(), vec![folder]].concat().join(" ");
        format!(
            "COPY larder.toml larder.lock ./\nRUN --mount=type=bind,from=larder,target=/larder \\\n    {} \\\n    {words}\n",
            self.cache()
        )
    }
}
