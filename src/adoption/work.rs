//! A stage that is being changed, what is known of its project, and what comes of it.

use super::{
    effects::Effect,
    package_json::NewScript,
    project::{Note, Project},
    state::{State, below, join, normal},
    text::Edits,
};
use crate::dockerfile::{Command, Run, Stage, Step, StepKind};

/// A stage that is being changed.
pub(super) struct Work<'a> {
    pub(super) text: &'a str,
    pub(super) stage: &'a Stage,
    /// The state before each step, and what it does.
    pub(super) before: &'a [State],
    pub(super) effects: Vec<Effect>,
    pub(super) project: Project<'a>,
}

impl Work<'_> {
    /// Whether a stage copies the context, or a project in it, whole.
    pub(super) fn copies_everything(&self) -> bool {
        (0..self.stage.steps.len()).any(|at| self.is_whole(at))
    }

    /// Whether a step copies a folder that has a project.
    pub(super) fn is_whole(&self, at: usize) -> bool {
        let StepKind::Copy(copied) = &self.stage.steps[at].kind else { return false };
        let holds = |source: &String| {
            let source = normal(source);
            self.project.installs.keys().any(|known| below(known, &source).is_some())
        };
        copied.from.is_none() && copied.sources.iter().any(holds)
    }

    /// The folder that a command of a step runs in.
    fn folder_of(&self, at: usize, run: &Run, command: &Command) -> String {
        let mut folder = self.before[at].folder.clone();
        for other in &run.commands {
            if other.place.start >= command.place.start {
                break;
            }
            if let [cd, to, ..] = other.words.as_slice()
                && cd == "cd"
            {
                folder = join(&folder, to);
            }
        }
        let is_folder = |word: &String| matches!(word.as_str(), "--prefix" | "-C" | "--cwd" | "--dir");
        let joined = ["--prefix=", "--cwd=", "--dir=", "-C="];
        let joined = command.words.iter().find_map(|word| joined.iter().find_map(|it| word.strip_prefix(it)));
        let named = command.words.iter().position(is_folder).and_then(|at| command.words.get(at + 1));
        joined.or(named.map(String::as_str)).map_or(folder.clone(), |named| join(&folder, named))
    }

    /// The folder of the context that a command of a step runs in, if it is known.
    pub(super) fn context_folder(&self, at: usize, run: &Run, command: &Command) -> Option<String> {
        // A subshell's `cd` ends with it.
        let is_unclear = run.commands.iter().any(|it| it.words[0] == "cd")
            && self.text[self.stage.steps[at].span.clone()].contains('(');
        if is_unclear {
            return None;
        }
        self.before[at].context_folder(&self.folder_of(at, run, command), self.project)
    }
}

/// What is changed, and what is said.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) edits: Edits,
    pub(super) notes: Vec<Note>,
    pub(super) new_scripts: Vec<NewScript>,
    pub(super) has_pyodide: bool,
    /// The folder of the context that the first install is of.
    pub(super) folder: Option<String>,
}

impl Changes {
    pub(super) fn note(&mut self, step: &Step, says: impl Into<String>) {
        self.notes.push(Note { line: step.line, says: says.into() });
    }
}
