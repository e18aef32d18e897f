//! Build arguments move below the steps that download: each step below an ARG runs again when its value changes.

use std::collections::BTreeSet;

use super::{
    effects::Effect,
    project::Project,
    text::{uses, whole_lines},
    work::{Changes, Work},
};
use crate::dockerfile::{Fetch, StepKind};

/// Parts of the names of arguments that say which build this is.
const OF_BUILDS: [&str; 16] = [
    "HASH",
    "SHA",
    "COMMIT",
    "REVISION",
    "VERSION",
    "BUILD_ID",
    "BUILD_NUMBER",
    "BUILD_DATE",
    "BUILD_TIME",
    "TIMESTAMP",
    "GIT_",
    "BRANCH",
    "RELEASE",
    "_TAG",
    "_REF",
    "CACHEBUST",
];

/// What the names begin with that bundlers write into a site.
const OF_SITES: [&str; 7] =
    ["VITE_", "NEXT_PUBLIC_", "REACT_APP_", "VUE_APP_", "NUXT_PUBLIC_", "EXPO_PUBLIC_", "GATSBY_"];

/// What the names begin with, or hold, that say how to install.
const OF_INSTALLS: [&str; 12] =
    ["NPM", "NODE", "YARN", "PNPM", "BUN_", "COREPACK", "TOKEN", "SECRET", "SKIP", "INSTALL", "DOWNLOAD", "BINARY"];

/// Whether an argument stays where it is: an install may read it, or it does not change from build to build.
fn stays(name: &str, project: Project<'_>) -> bool {
    let upper = name.to_ascii_uppercase();
    let is_of_build =
        OF_BUILDS.iter().any(|part| upper.contains(part)) || OF_SITES.iter().any(|it| upper.starts_with(it));
    !is_of_build
        || OF_INSTALLS.iter().any(|part| upper.contains(part))
        || project.in_settings.iter().any(|it| it == name)
}

/// Whether an install may read a variable.
fn is_of_install(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    matches!(upper.as_str(), "PATH" | "CI" | "HOME") || OF_INSTALLS.iter().any(|part| upper.contains(part))
}

/// Moves what can be moved, with the ENV and LABEL lines that use it.
pub(super) fn edit(work: &Work<'_>, changes: &mut Changes) {
    let steps = &work.stage.steps;
    let first_use = work.effects.iter().position(|it| *it == Effect::Uses).unwrap_or(steps.len());
    let Some(last_fetch) = work.effects[..first_use].iter().rposition(|it| *it == Effect::Fetches) else {
        return said_of_one_step(work, first_use, changes);
    };
    let text_of = |at: usize| &work.text[steps[at].span.clone()];
    let mut moving = BTreeSet::new();
    let mut names = Vec::new();
    for (at, step) in steps.iter().enumerate().take(last_fetch) {
        let StepKind::Arg(arguments) = &step.kind else { continue };
        let own: Vec<String> = arguments.iter().map(|it| it.name.clone()).collect();
        let staying = own.iter().filter(|name| stays(name, work.project)).count();
        if staying == own.len() {
            continue;
        }
        if staying > 0 {
            changes.note(step, "one of these arguments may be of the install, another changes with each build: give the latter a line of its own, below the install");
            continue;
        }
        match follow(work, at, last_fetch, own.clone()) {
            Ok((followers, all)) => {
                moving.insert(at);
                moving.extend(followers);
                names.extend(all);
            }
            // A folder's or an image's name does not change from build to build.
            Err(user) if !matches!(steps[user].kind, StepKind::Run(_)) => {}
            Err(user) => changes.note(
                step,
                format!(
                    "ARG {} is used on line {}, above the last download of its stage: each new value runs these steps again, and larder answers them; move it below if you can",
                    own.join(", "),
                    steps[user].line
                ),
            ),
        }
    }
    if moving.is_empty() {
        return;
    }
    let is_place = |at: &usize| work.effects[*at] == Effect::Uses || !moving.contains(at) && uses(text_of(*at), &names);
    let place = (last_fetch + 1..steps.len()).find(is_place);
    let at = place.map_or_else(
        || whole_lines(work.text, &steps[steps.len() - 1]).end,
        |at| whole_lines(work.text, &steps[at]).start,
    );
    for step in &moving {
        let lines = whole_lines(work.text, &steps[*step]);
        let mut text = work.text[lines.clone()].to_owned();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        changes.edits.insert(at, text);
        changes.edits.replace(lines, "");
    }
}

/// The arguments of a stage that may change from build to build.
pub(super) fn names_in(work: &Work<'_>) -> Vec<String> {
    let arguments = work.stage.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Arg(arguments) => Some(arguments),
        _ => None,
    });
    arguments.flatten().map(|it| it.name.clone()).filter(|name| !stays(name, work.project)).collect()
}

/// Says which of a front end's arguments stand above the downloads of a stage that larder has nothing to do with, though only what comes after them uses them.
pub(super) fn tell(work: &Work<'_>, of_front_ends: &[String], changes: &mut Changes) {
    let steps = &work.stage.steps;
    let is_download = |at: &usize| match &steps[*at].kind {
        StepKind::Run(run) => run.commands.iter().any(|command| {
            matches!(work.project.scripts.fetch_of(command), Some(Fetch::System(_) | Fetch::Install(_)))
        }),
        _ => false,
    };
    for (at, step) in steps.iter().enumerate() {
        let StepKind::Arg(arguments) = &step.kind else { continue };
        let names: Vec<String> =
            arguments.iter().map(|it| it.name.clone()).filter(|name| of_front_ends.contains(name)).collect();
        let user =
            (at + 1..steps.len()).find(|it| uses(&work.text[steps[*it].span.clone()], &names)).unwrap_or(steps.len());
        if let (false, Some(download)) = (names.is_empty(), (at + 1..user).find(is_download)) {
            let line = steps[download].line;
            changes.note(step, format!("ARG {} is above a step that downloads (line {line}): each new value runs it again; move it to the step that needs it", names.join(", ")));
        }
    }
}

/// A step that installs and builds in one leaves an argument no place between, nor does one that builds above the install.
fn said_of_one_step(work: &Work<'_>, first_use: usize, changes: &mut Changes) {
    let steps = &work.stage.steps;
    let above = steps[..first_use].iter().filter_map(|step| match &step.kind {
        StepKind::Arg(arguments) => Some(arguments),
        _ => None,
    });
    let names: Vec<&str> = above.flatten().map(|it| &*it.name).filter(|name| !stays(name, work.project)).collect();
    let is_install = |at: &usize| match &steps[*at].kind {
        StepKind::Run(run) => run.commands.iter().any(|command| work.project.scripts.is_install(command)),
        _ => false,
    };
    let Some(install) = (first_use..steps.len()).find(is_install).filter(|_| !names.is_empty()) else { return };
    let names = names.join(", ");
    let says = if install == first_use {
        format!(
            "it installs and builds in one step: each new value of {names} runs both again, and larder answers the install; with two RUN lines only the build would run"
        )
    } else {
        format!(
            "it may use {names}, and is above the install (line {}): each new value runs the install again, and larder answers it",
            steps[install].line
        )
    };
    changes.note(&steps[first_use], says);
}

/// The steps that have to move along with an argument up to the last download, and all names then; or the step that needs it where it is.
fn follow(
    work: &Work<'_>,
    argument: usize,
    last_fetch: usize,
    mut names: Vec<String>,
) -> Result<(Vec<usize>, Vec<String>), usize> {
    let mut followers = Vec::new();
    for at in argument + 1..=last_fetch {
        let step = &work.stage.steps[at];
        if !uses(&work.text[step.span.clone()], &names) {
            continue;
        }
        match &step.kind {
            StepKind::Env(set) if !set.iter().any(|name| is_of_install(name)) => {
                names.extend(set.iter().cloned());
            }
            StepKind::Arg(arguments) if !arguments.iter().any(|it| is_of_install(&it.name)) => {
                names.extend(arguments.iter().map(|it| it.name.clone()));
            }
            StepKind::Label => {}
            _ => return Err(at),
        }
        followers.push(at);
    }
    Ok((followers, names))
}
