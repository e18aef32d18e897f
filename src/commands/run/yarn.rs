//! Warnings of what yarn will fail for, before it starts.

use std::sync::Arc;

use crate::{
    cli,
    commands::context::Context,
    config::package_manager::NpmConfig,
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
        let configurations = project.by_lockfile();
        for lockfile in &project.read.project.lockfiles {
            let Some(lock) = YarnLock::of(&lockfile.name, &lockfile.bytes) else { continue };
            let installed = yarn::installed(&arguments.command, lockfile.folder(), context.environment);
            let named = project.read.plan.artifacts().iter();
            let named = named.filter(|planned| *planned.entries[0].lockfile == *lockfile.name);
            let is_offline = arguments.completing.fetching.offline;
            let own_scopes = own_scopes(lock, configurations[&*lockfile.name]);
            for problem in yarn::problems(lock, installed.as_ref(), is_offline, &own_scopes, named) {
                context.printer.warning(&format!("{}: {problem}", lockfile.name));
                context.printer.hints(&[&problem.fix()]);
            }
        }
    }
}

/// Scopes that yarn asks another registry for, by its whole configuration. yarn 1 follows the variables that larder sets for scopes.
fn own_scopes(lock: YarnLock, npm: &NpmConfig) -> Vec<String> {
    if lock == YarnLock::Classic { Vec::new() } else { npm.scopes().map(str::to_owned).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::environment::Environment;

    #[test]
    fn a_later_yarns_scopes_are_those_of_its_whole_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let (home, project) = (folder.path().join("home"), folder.path().join("home/project"));
        std::fs::create_dir_all(&project).unwrap();
        std::fs::write(project.join("yarn.lock"), "__metadata:\n  version: 8\n").unwrap();
        let scope = |name: &str| format!("npmScopes: {{{name}: {{npmRegistryServer: 'https://npm.example'}}}}\n");
        std::fs::write(home.join(".yarnrc.yml"), scope("company")).unwrap();
        std::fs::write(project.join(".yarnrc.yml"), scope("team")).unwrap();
        let environment = Environment::new(&project, [("HOME", home.to_str().unwrap())]);
        let npm = NpmConfig::load(&environment, &project).unwrap();
        assert_eq!(own_scopes(YarnLock::Berry { version: 8 }, &npm), ["@company", "@team"]);
        assert_eq!(own_scopes(YarnLock::Classic, &npm), [""; 0]);
    }
}
