//! The stages that bring larder into a build, as Dockerfile.snippet has them.

use super::{project::Note, text::with_comment, work::Changes};
use crate::dockerfile::{Dockerfile, Stage, Step, StepKind};

/// The snippet, whose stages up to the front end are taken as they are.
const SNIPPET: &str = include_str!("../../Dockerfile.snippet");

/// What stands above the stages.
const COMMENT: &str = "# What the lockfiles name comes from larder: a context (--build-context larder=.larder), an image (LARDER_IMAGE), or the package in the lockfile.";

/// Keeps npm from asking for advisories and for a newer npm.
const QUESTIONS: &str = "ARG NPM_CONFIG_AUDIT=false NPM_CONFIG_UPDATE_NOTIFIER=false";

/// How the snippet writes the platform of the machine that builds.
const PLATFORM: &str = "--platform=$BUILDPLATFORM ";

/// How the snippet writes an image with node.
const IMAGE: &str = "${NODE_IMAGE}";

/// Puts larder's argument in front of the first stage, and its stages in front of the first one that uses them.
pub(super) fn insert(text: &str, read: &Dockerfile, users: &[&Stage], folder: &str, changes: &mut Changes) {
    let (Some(first), Some(user)) = (read.stages.first(), users.first()) else { return };
    for other in users.iter().filter(|other| other.platform != user.platform) {
        changes.notes.push(Note {
            line: 1 + text[..other.from.start].matches('\n').count(),
            says: "this stage is for another platform than the first one that installs: a context has files for one platform".to_owned(),
        });
    }
    let (argument, stages) = parts();
    changes.edits.insert(with_comment(text, first.from.start), format!("{argument}\n\n"));
    let image = image_of(read, user);
    if !image.to_ascii_lowercase().contains("node") {
        changes.notes.push(Note {
            line: 1 + text[..user.from.start].matches('\n').count(),
            says: format!("if {image} has no node and npm, a build with neither a context nor LARDER_IMAGE needs another image for the stage larder-package"),
        });
    }
    let platform = user.platform.as_ref().map_or(String::new(), |platform| format!("--platform={platform} "));
    renumber(text, read, user, stages.matches("FROM ").count(), changes);
    let stages = stages.replace(PLATFORM, &platform).replace(IMAGE, &image);
    changes.edits.insert(with_comment(text, user.from.start), format!("{COMMENT}\n{}\n\n", in_folder(&stages, folder)));
}

/// Stages that are named by their numbers, after those that come before them: `--from=0`, `from=1` in a mount.
fn renumber(text: &str, read: &Dockerfile, user: &Stage, added: usize, changes: &mut Changes) {
    let first = read.stages.iter().position(|stage| stage.from == user.from).unwrap_or_default();
    for step in read.stages.iter().flat_map(|stage| &stage.steps) {
        let words = &text[step.span.clone()];
        for (at, found) in words.match_indices("from=") {
            let at = step.span.start + at + found.len();
            let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
            let is_end =
                !text[at + digits..].starts_with(|char: char| char.is_alphanumeric() || ".-_/:".contains(char));
            if let (true, Ok(number)) = (is_end, text[at..at + digits].parse::<usize>())
                && (first..read.stages.len()).contains(&number)
            {
                changes.edits.replace(at..at + digits, (number + added).to_string());
            }
        }
    }
}

/// npm asks the registry for advisories in each install, and for a newer npm after a command: stages that run npm are told not to. An ARG is no part of the image.
pub(super) fn without_questions(text: &str, read: &Dockerfile, changes: &mut Changes) {
    if text.to_ascii_uppercase().contains("UPDATE_NOTIFIER") {
        return;
    }
    let is_npm = |step: &Step| match &step.kind {
        StepKind::Run(run) => {
            run.commands.iter().any(|it| matches!(it.words[0].rsplit('/').next(), Some("npm" | "npx")))
        }
        _ => false,
    };
    for stage in read.stages.iter().filter(|stage| stage.steps.iter().any(is_npm)) {
        let end = text[stage.from.end..].find('\n').map_or(text.len(), |at| stage.from.end + at + 1);
        changes.edits.insert(end, format!("{QUESTIONS}\n"));
    }
}

/// The snippet's line `ARG LARDER_IMAGE=…`, and its stages up to the one called larder, without comments.
fn parts() -> (&'static str, String) {
    let argument = SNIPPET.lines().find(|line| line.starts_with("ARG LARDER_IMAGE")).unwrap_or_default();
    let mut stages = Vec::new();
    for line in SNIPPET.lines().skip_while(|line| !line.starts_with("FROM ")).filter(|line| !line.starts_with('#')) {
        stages.push(line);
        if line.ends_with(" AS larder") {
            break;
        }
    }
    (argument, stages.join("\n"))
}

/// The lockfiles that a stage copies are in a folder of the context.
fn in_folder(stages: &str, folder: &str) -> String {
    let lines = stages.lines().map(|line| match line.strip_prefix("COPY ") {
        Some(files) if files.ends_with(" ./") && !folder.is_empty() => {
            let files = files.split(' ').map(|it| if it == "./" { it.to_owned() } else { format!("{folder}/{it}") });
            format!("COPY {}", files.collect::<Vec<_>>().join(" "))
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The image that a stage begins with, through the stages that it is made from.
fn image_of(read: &Dockerfile, stage: &Stage) -> String {
    let mut image = stage.image.clone();
    for _ in &read.stages {
        let named =
            read.stages.iter().find(|it| it.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&image)));
        let Some(named) = named else { break };
        image.clone_from(&named.image);
    }
    image
}
