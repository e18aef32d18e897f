//! Warnings of what yarn will fail for, before it starts.

use std::sync::Arc;

use crate::{
    cli,
    commands::context::Context,
    lockfile::{Format, YarnLock},
    run::yarn,
    session::ConfiguredProject,
};

/// Warns, if yarn is among the package managers that the command calls.
pub(super) fn warn(
    projects: &[Arc<ConfiguredProject>],
    called: &[Format],
    arguments: &cli::Run,
    context: &Context<'_>,
) {
    if !called.contains(&Format::Yarn) {
        return;
    }
    for project in projects {
        for lockfile in &project.read.project.lockfiles {
            let Some(lock) = YarnLock::of(&lockfile.name, &lockfile.bytes) else { continue };
            let installed = yarn::installed(&arguments.command, lockfile.folder(), context.environment);
            let is_offline = arguments.completing.fetching.offline;
            for problem in yarn::problems(lock, installed.as_ref(), is_offline) {
                context.printer.warning(&format!("{}: {problem}", lockfile.name));
                context.printer.hints(&[&problem.fix()]);
            }
        }
    }
}
