//! A Dockerfile as it is built: its stages, their steps, what each copies, which commands it runs, and what those fetch. Read, never changed. Pure.
//!
//! ```text
//! text ─▶ read: stages, steps ─▶ shell: commands of a RUN ─▶ fetching: what a command downloads
//! ```

mod fetching;
mod read;
mod shell;

pub(crate) use self::{
    fetching::{Fetch, Scripts},
    read::{Argument, Copied, Dockerfile, DockerfileError, Run, Stage, Step, StepKind},
    shell::{Command, commands_of},
};
