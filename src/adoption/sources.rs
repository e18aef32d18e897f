//! What an install reads is copied before it, the rest after it: then an edited source does not run the install again.

use super::{
    effects::Effect,
    state::{below, join, normal},
    text::whole_lines,
    work::{Changes, Work},
};
use crate::dockerfile::{Copied, Fetch, StepKind};

/// Splits the copy that stands above a stage's first install.
pub(super) fn edit(work: &Work<'_>, changes: &mut Changes) {
    let steps = &work.stage.steps;
    let install = steps.iter().enumerate().find_map(|(at, step)| match &step.kind {
        StepKind::Run(run) => {
            let is_install = |it: &&_| matches!(work.project.scripts.fetch_of(it), Some(Fetch::Install(_)));
            Some((at, run, run.commands.iter().find(is_install)?))
        }
        _ => None,
    });
    let Some((install, run, command)) = install else { return };
    let Some(at) = (0..install).rev().find(|at| work.is_whole(*at)) else { return };
    let StepKind::Copy(copied) = &steps[at].kind else { return };
    let folder = work.context_folder(install, run, command);
    let inputs = folder.as_ref().and_then(|folder| work.project.installs.get(folder));
    let what = || work.text[steps[at].span.clone()].to_owned();
    let stays = |why: &str| {
        format!(
            "`{}` stays above the install, since {why}: an edited file runs the install again, and larder answers it",
            what()
        )
    };
    let (Some(folder), Some(inputs)) = (folder, inputs) else {
        return changes.note(&steps[at], stays("it is not clear which project is installed"));
    };
    if let Some(more) = &inputs.more {
        return changes.note(&steps[at], stays(more));
    }
    if work.effects[install] != Effect::Fetches {
        return changes.note(&steps[at], stays("that step also builds"));
    }
    if let Some(other) = (at + 1..install).find(|it| matches!(work.effects[*it], Effect::Touches | Effect::Uses)) {
        return changes.note(&steps[at], stays(&format!("line {} may need it", steps[other].line)));
    }
    let Some(manifests) =
        manifests(work.text, &work.before[at].folder, copied, &folder, &inputs.files, &steps[at].span)
    else {
        return changes.note(&steps[at], stays("it copies several things at once"));
    };
    let place = (install + 1..steps.len()).find(|it| matches!(work.effects[*it], Effect::Touches | Effect::Uses));
    let end = whole_lines(work.text, &steps[steps.len() - 1]).end;
    let lines = whole_lines(work.text, &steps[at]);
    let moved = moved(work, at, place, copied);
    changes.edits.replace(lines, manifests);
    changes.edits.insert(place.map_or(end, |it| whole_lines(work.text, &steps[it]).start), moved);
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
    (!lines.is_empty()).then_some(lines)
}

fn at_path(parts: &[&str]) -> String {
    normal(&parts.join("/"))
}
