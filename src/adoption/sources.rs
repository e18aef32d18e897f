//! What an install reads is copied before it, the rest after it: then an edited source does not run the install again.

use super::{
    effects::{self, Effect},
    ignore::is_ignored,
    installs::LOCKFILES,
    state::{below, join, normal},
    text::whole_lines,
    work::{Changes, Work},
};
use crate::dockerfile::{Command, Copied, Fetch, StepKind};

/// How the names of installs begin that read files of the project.
const READ_FILES: [&str; 10] =
    ["pip ", "pip3 ", "uv ", "poetry ", "bundle ", "composer ", "cargo ", "go ", "gem ", "git submodule"];

/// Splits the copy that stands above a stage's first install.
pub(super) fn edit(work: &Work<'_>, changes: &mut Changes) {
    let steps = &work.stage.steps;
    let Some(install) = (0..steps.len()).find(|at| !installs_of(work, *at).is_empty()) else { return };
    let Some(at) = (0..install).rev().find(|at| work.is_whole(*at)) else { return };
    let StepKind::Copy(copied) = &steps[at].kind else { return };
    match split(work, at, install, copied) {
        Ok((manifests, place)) => {
            let end = whole_lines(work.text, &steps[steps.len() - 1]).end;
            let moved = moved(work, at, place, copied);
            changes.edits.replace(whole_lines(work.text, &steps[at]), manifests);
            changes.edits.insert(place.map_or(end, |it| whole_lines(work.text, &steps[it]).start), moved);
        }
        Err(why) => {
            let what = &work.text[steps[at].span.clone()];
            let says = format!(
                "`{what}` stays above the install, since {why}: an edited file runs the install again, and larder answers it"
            );
            changes.note(&steps[at], says);
        }
    }
}

/// What takes the place of the copy, and the step that it goes above: the first one that may need it. Or why not.
fn split(work: &Work<'_>, at: usize, install: usize, copied: &Copied) -> Result<(String, Option<usize>), String> {
    let steps = &work.stage.steps;
    let place = (at + 1..steps.len()).find(|it| needs_files(work, *it));
    match place {
        Some(place) if place == install => return Err("that step does more than install".to_owned()),
        Some(place) if place < install => return Err(format!("line {} may need it", steps[place].line)),
        _ => {}
    }
    let mut folders = Vec::new();
    let mut lines = String::new();
    for folder in (at + 1..place.unwrap_or(steps.len())).flat_map(|step| installs_of(work, step)) {
        let inputs = folder.as_ref().and_then(|folder| work.project.installs.get(folder));
        let (Some(folder), Some(inputs)) = (folder, inputs) else {
            return Err("it is not clear which project is installed".to_owned());
        };
        if let Some(more) = &inputs.more {
            return Err(more.clone());
        }
        if !folders.contains(&folder) && (!folder.is_empty() || !are_there(work, at, &inputs.files)) {
            let manifests =
                manifests(work.text, &work.before[at].folder, copied, &folder, &inputs.files, &steps[at].span);
            lines.push_str(&manifests.ok_or("it is written in another way than larder changes")?);
            folders.push(folder);
        }
    }
    Ok((lines, place))
}

/// The folder of the context that each install of a step is of, where it is known.
fn installs_of(work: &Work<'_>, at: usize) -> Vec<Option<String>> {
    let StepKind::Run(run) = &work.stage.steps[at].kind else { return Vec::new() };
    let is_install = |it: &&Command| work.project.scripts.is_install(it);
    run.commands.iter().filter(is_install).map(|command| work.context_folder(at, run, command)).collect()
}

/// Whether a step may need more of the project's files than an install does, or may change some.
fn needs_files(work: &Work<'_>, at: usize) -> bool {
    let step = &work.stage.steps[at];
    let StepKind::Run(run) = &step.kind else { return work.effects[at] > Effect::Fetches };
    let scripts = work.project.scripts;
    let has_install = run.commands.iter().any(|it| scripts.is_install(it));
    let is_harmless = |it: &Command| match scripts.fetch_of(it) {
        Some(Fetch::System(what)) if READ_FILES.iter().any(|it| what.starts_with(it)) => false,
        _ if has_install && is_about_lockfiles(it) => true,
        _ => effects::of_command(it, scripts) <= Effect::Fetches,
    };
    effects::is_redirected(&work.text[step.span.clone()]) || !run.commands.iter().all(is_harmless)
}

/// `cd web`, `[ -f yarn.lock ]`
fn is_about_lockfiles(command: &Command) -> bool {
    let is_known = |word: &String| {
        let name = word.rsplit('/').next().unwrap_or(word);
        word.starts_with('-') || matches!(name, "]" | "!" | "package.json") || LOCKFILES.contains(&name)
    };
    match command.words[0].as_str() {
        "cd" => true,
        "[" | "test" => command.words[1..].iter().all(is_known),
        _ => false,
    }
}

/// Whether copies above already bring all of these files.
fn are_there(work: &Work<'_>, at: usize, files: &[String]) -> bool {
    let patterns: Vec<&String> = work.stage.steps[..at]
        .iter()
        .filter_map(|step| match &step.kind {
            StepKind::Copy(copied) if copied.from.is_none() => Some(&copied.sources),
            _ => None,
        })
        .flatten()
        .collect();
    files.iter().all(|file| patterns.iter().any(|pattern| is_ignored(&normal(pattern), file)))
}

/// The copy, with its comment, as it has to stand where it goes.
fn moved(work: &Work<'_>, at: usize, place: Option<usize>, copied: &Copied) -> String {
    let step = &work.stage.steps[at];
    let lines = whole_lines(work.text, step);
    let mut text = work.text[lines.clone()].to_owned();
    let folder = &work.before[at].folder;
    let is_elsewhere = place.is_some_and(|place| work.before[place].folder != *folder);
    if is_elsewhere && !copied.target.starts_with('/') {
        let comment = &work.text[lines.start..step.span.start];
        let head = &work.text[step.span.start..copied.sources_start];
        text = format!("{comment}{head}{} {}/\n", copied.sources.join(" "), join(folder, &copied.target));
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The lines that copy what an install reads: one for each folder.
fn manifests(
    text: &str,
    workdir: &str,
    copied: &Copied,
    folder: &str,
    files: &[String],
    span: &std::ops::Range<usize>,
) -> Option<String> {
    let [source] = copied.sources.as_slice() else { return None };
    let within = below(folder, &normal(source))?;
    if text[copied.sources_start..].starts_with('[') {
        return None;
    }
    let head = &text[span.start..copied.sources_start];
    let is_known = |flag: &str| ["--link", "--chown", "--chmod"].iter().any(|known| flag.starts_with(known));
    if !head.split_whitespace().skip(1).all(is_known) {
        return None;
    }
    let base = if copied.target.starts_with('/') { join(workdir, &copied.target) } else { normal(&copied.target) };
    let mut lines = String::new();
    let mut folders: Vec<&str> = Vec::new();
    for file in files {
        let of = file.rsplit_once('/').map_or("", |(of, _)| of);
        if !folders.contains(&of) {
            folders.push(of);
        }
    }
    for of in folders {
        let own = files.iter().filter(|file| file.rsplit_once('/').map_or("", |(of, _)| of) == of);
        let sources: Vec<String> = own.map(|file| at_path(&[folder, file])).collect();
        let target = at_path(&[&base, within, of]);
        let target = match (target.is_empty(), base.starts_with('/')) {
            (true, _) => "./".to_owned(),
            (false, true) => format!("/{target}/"),
            (false, false) => format!("{target}/"),
        };
        lines.extend([head, &sources.join(" "), " ", &target, "\n"]);
    }
    Some(lines)
}

fn at_path(parts: &[&str]) -> String {
    normal(&parts.join("/"))
}
