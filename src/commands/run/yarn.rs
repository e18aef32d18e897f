//! What yarn would fail for, said before it starts.

use crate::{
    cli,
    commands::{Context, provision::Project},
    lockfile::YarnLock,
    npmrc::yarnrc,
    project::LockfileBytes,
    run::yarn,
};

/// Warns, if the command runs yarn.
pub(super) fn warn(projects: &[Project], arguments: &cli::Run, context: &Context<'_>) {
    if !yarn::is_called(&arguments.command) {
        return;
    }
    for project in projects {
        for lockfile in &project.input.project.lockfiles {
            let Some(lock) = YarnLock::of(&lockfile.name, &lockfile.bytes) else { continue };
            let installed = yarn::installed(&arguments.command, lockfile.folder(), context.environment);
            let named = project.input.plan.artifacts().iter();
            let named = named.filter(|planned| *planned.entries[0].lockfile == *lockfile.name);
            let is_offline = arguments.completing.fetching.offline;
            for trouble in yarn::troubles(lock, installed.as_ref(), is_offline, &own_scopes(lock, lockfile), named) {
                context.printer.warning(&format!("{}: {trouble}", lockfile.name));
                context.printer.hints(&[&trouble.cure()]);
            }
        }
    }
}

/// Only later yarns read this file.
fn own_scopes(lock: YarnLock, lockfile: &LockfileBytes) -> Vec<String> {
    match std::fs::read(lockfile.folder().join(".yarnrc.yml")) {
        Ok(bytes) if lock != YarnLock::Classic => yarnrc::scopes(&bytes),
        _ => Vec::new(),
    }
}
