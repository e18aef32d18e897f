//! The smallest change of a Dockerfile, and of the files beside it, with which its builds take their downloads from larder. Texts in, texts out. Pure.
//!
//! ```text
//! Dockerfile ─▶ state: folder, user and copies before each step ─▶ per stage: arguments, sources, installs, scripts ─▶ edits ─▶ Dockerfile
//! ```
//! What is not sure stays as it is, and is said.

mod arguments;
mod effects;
mod ignore;
mod installs;
mod package_json;
mod project;
mod sources;
mod stages;
mod state;
mod text;
mod work;

use std::borrow::Cow;

use self::work::{Changes, Work};
pub(crate) use self::{
    ignore::{IgnoreLine, ignore_file, is_ignored},
    package_json::NewScript,
    project::{InstallInputs, Note, Project},
};
use crate::dockerfile::{Dockerfile, DockerfileError, Stage};

/// The name of the stage that has larder.
const LARDER: &str = "larder";

/// A Dockerfile that uses larder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Adoption {
    /// Its text, the same as before if nothing has to change.
    pub(crate) text: String,
    /// What it is not sure of, in the order of the lines.
    pub(crate) notes: Vec<Note>,
    /// Scripts that package.json lacks.
    pub(crate) new_scripts: Vec<NewScript>,
    /// Whether a step lays out Pyodide: `larder.toml` has to name its packages.
    pub(crate) has_pyodide: bool,
    /// Whether a step copies a project whole.
    pub(crate) copies_everything: bool,
}

/// Changes a Dockerfile. One that has a stage called larder stays as it is.
pub(crate) fn adopt(written: &str, project: Project<'_>) -> Result<Adoption, DockerfileError> {
    if let Some(bare) = written.strip_prefix('\u{feff}') {
        let adoption = adopt(bare, project)?;
        return Ok(Adoption { text: format!("\u{feff}{}", adoption.text), ..adoption });
    }
    // What comes after the last line begins a line of its own.
    let text: &str = &if written.ends_with('\n') { Cow::Borrowed(written) } else { Cow::Owned(format!("{written}\n")) };
    let read = Dockerfile::read(text)?;
    let mut adoption = Adoption {
        text: written.to_owned(),
        notes: Vec::new(),
        new_scripts: Vec::new(),
        has_pyodide: false,
        copies_everything: false,
    };
    if read.stages.iter().any(|stage| stage.name.as_deref() == Some(LARDER)) {
        adoption.notes = installs::without_larder(&read, project);
        return Ok(adoption);
    }
    if let Some(stage) = read.stages.iter().find(|stage| is_taken(stage)) {
        let line = 1 + text[..stage.from.start].matches('\n').count();
        let says = "its name, or that of its image, is one that larder's stages have: give it another".to_owned();
        adoption.notes.push(Note { line, says });
        return Ok(adoption);
    }
    if read.escape != '\\' {
        let says = format!("lines go on after {:?}: a Dockerfile for Windows is left as it is", read.escape);
        adoption.notes.push(Note { line: 1, says });
        return Ok(adoption);
    }
    let states = state::walk(&read, project);
    let mut changes = Changes::default();
    let works: Vec<Work<'_>> = read
        .stages
        .iter()
        .zip(&states)
        .map(|(stage, before)| {
            let effects = stage.steps.iter().map(|step| effects::of(step, text, project.scripts)).collect();
            Work { text, stage, before, effects, project }
        })
        .collect();
    adoption.copies_everything = works.iter().any(Work::copies_everything);
    let (users, others): (Vec<&Work<'_>>, Vec<&Work<'_>>) =
        works.iter().partition(|work| installs::edit(work, &mut changes));
    let mut names = Vec::new();
    for work in &users {
        sources::edit(work, &mut changes);
        arguments::edit(work, &mut changes);
        names.extend(arguments::names_in(work));
    }
    for work in others {
        arguments::tell(work, &names, &mut changes);
    }
    let users: Vec<&Stage> = users.into_iter().map(|work| work.stage).collect();
    if !users.is_empty() {
        let folder = std::mem::take(&mut changes.folder).unwrap_or_default();
        stages::insert(text, &read, &users, &folder, &mut changes);
        stages::without_questions(text, &read, &mut changes);
    }
    changes.notes.sort();
    changes.notes.dedup();
    adoption.text = changes.edits.apply(text);
    if adoption.text == text {
        written.clone_into(&mut adoption.text);
    } else if text.contains("\r\n") && text.matches('\n').count() == text.matches("\r\n").count() {
        adoption.text = adoption.text.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    adoption.notes = changes.notes;
    adoption.new_scripts = changes.new_scripts;
    adoption.has_pyodide = changes.has_pyodide;
    Ok(adoption)
}

/// Whether a stage is in the way of larder's.
fn is_taken(stage: &Stage) -> bool {
    let is_own = |name: &str| [LARDER, "no-larder", "larder-package"].contains(&name);
    stage.name.as_deref().is_some_and(is_own) || is_own(&stage.image)
}

#[cfg(test)]
mod tests;
