//! [`Manager`]: which packages of a lockfile its package manager asks for itself.

use std::collections::HashSet;

use url::Url;

use crate::{
    core::artifact::{Ecosystem, Source as From},
    lockfile::{Format, YarnLock},
    plan::Planned,
};

/// What decides which packages of a lockfile its package manager asks for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manager {
    /// It finds all by their digests or addresses in the run's cache.
    Npm,
    /// It finds tarballs in the run's mirror, but not what comes from git.
    Yarn1,
    /// They ask a registry for what the lockfile gives no address of, and for nothing else.
    Other,
}

impl Manager {
    pub(super) fn of(format: Format, lockfile: &str, bytes: &[u8]) -> Self {
        match format {
            Format::Npm => Self::Npm,
            Format::Yarn if YarnLock::of(lockfile, bytes) == Some(YarnLock::Classic) => Self::Yarn1,
            _ => Self::Other,
        }
    }

    /// Whether it asks for this artifact at an address of its own. `scopes` have a registry of their own.
    pub(super) fn asks_itself(self, planned: &Planned, lockfile: &str, scopes: &HashSet<&str>) -> bool {
        let artifact = &planned.artifact;
        let mut is_named = planned.entries.iter().map(|entry| &*entry.lockfile == lockfile);
        if artifact.ecosystem != Ecosystem::Npm || !is_named.clone().any(|is_named| is_named) {
            return false;
        }
        // Where another lockfile names it too, the address may be that one's.
        let mut has_address = |resolved: &Option<Url>| resolved.is_some() && is_named.all(|is_named| is_named);
        let has_own_registry = || artifact.name.scope().is_some_and(|scope| scopes.contains(scope));
        match (self, &artifact.source) {
            (Self::Npm, _) => false,
            (_, From::Git { .. } | From::Remote { .. } | From::Named { .. }) => true,
            (Self::Other, From::Registry { resolved }) => has_address(resolved) || has_own_registry(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::package_manager::NpmConfig, core::environment::Environment, lockfile, plan::Plan};

    /// The packages that this lockfile's package manager asks for itself.
    fn asked(lockfile: &str, text: &str, scopes: &[&str]) -> Vec<String> {
        let plan = Plan::new(&[lockfile::read(lockfile, text.as_bytes()).unwrap()]).unwrap();
        let manager = Manager::of(Format::of(lockfile), lockfile, text.as_bytes());
        let scopes = scopes.iter().copied().collect();
        let asked = plan.artifacts().iter().filter(|planned| manager.asks_itself(planned, lockfile, &scopes));
        asked.map(|planned| planned.artifact.to_string()).collect()
    }

    #[test]
    fn pnpm_asks_for_what_has_an_address_of_its_own_and_for_scopes_with_a_registry() {
        let packages = [
            ("a0", "integrity: ''"),
            ("a1", "tarball: https://files.example/a.tgz"),
            ("a2", "tarball: https://r.example/a2/-/a2-1.0.0.tgz"),
            ("'@own/a3", "integrity: ''"),
        ];
        let entry = |(name, resolution): &(&str, &str)| {
            let end = if name.starts_with('\'') { "'" } else { "" };
            format!("  {name}@1.0.0{end}: {{resolution: {{{resolution}}}}}\n")
        };
        let text = format!("lockfileVersion: '9.0'\npackages:\n{}", packages.iter().map(entry).collect::<String>());
        assert_eq!(asked("pnpm-lock.yaml", &text, &[]), ["a1 1.0.0", "a2 1.0.0"]);
        assert_eq!(asked("pnpm-lock.yaml", &text, &["@own"]), ["@own/a3 1.0.0", "a1 1.0.0", "a2 1.0.0"]);
    }

    #[test]
    fn later_yarns_ask_for_all_but_their_registrys_packages_and_npm_for_nothing() {
        let entry = |name: &str, resolution: &str| {
            format!("\"{name}@x\":\n  version: 1.0.0\n  resolution: \"{name}@{resolution}\"\n\n")
        };
        let forge = crate::core::endpoints::GITHUB_HOST;
        let text = [
            "__metadata:\n  version: 10\n\n".to_owned(),
            entry("a", "npm:1.0.0"),
            entry("@other/a", "npm:1.0.0"),
            entry("@own/a", "npm:1.0.0"),
            entry("b", "https://files.example/b.tgz"),
            entry("c", &format!("https://{forge}/o/c.git#commit={}", "0".repeat(40))),
        ]
        .concat();
        assert_eq!(asked("yarn.lock", &text, &["@own"]), ["@own/a 1.0.0", "b 1.0.0", "c 1.0.0"]);
        let text = r#"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/b": {"version": "1.0.0", "resolved": "https://files.example/b.tgz"}}}"#;
        assert_eq!(asked("package-lock.json", text, &[]), [""; 0]);
    }

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
        assert_eq!(npm.scopes().collect::<Vec<_>>(), ["@company", "@team"]);
    }
}
