//! Which package or script asked: by the variables that package managers give to scripts, or by the table of packages that download files themselves. Pure.

use std::collections::BTreeSet;

use url::Url;

use crate::{
    core::artifact::{Ecosystem, PackageName, Version},
    lockfile::larder_lock::{Requester, ScriptName},
    npm::own_downloads::KnownDownload,
    plan::Plan,
};

/// What npm, pnpm, yarn and bun tell scripts: the package, and the script of it that runs.
const NAME: &str = "npm_package_name";
const VERSION: &str = "npm_package_version";
const EVENT: &str = "npm_lifecycle_event";

/// What the event is called while `npx` and its like run a program.
const NOT_SCRIPTS: [&str; 2] = ["npx", "exec"];

/// Who may ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Askers<'a> {
    /// Whose packages they are.
    pub(crate) plan: &'a Plan,
    /// What the command is called, for what neither a package nor a script of the project asks.
    pub(crate) command: &'a str,
}

impl Askers<'_> {
    /// Who asked for an address, sorted; at least one. The environments are those of the programs that asked.
    pub(super) fn of<'e>(&self, url: &Url, environments: impl Iterator<Item = &'e [u8]>) -> Vec<Requester> {
        let mut by: BTreeSet<Requester> =
            environments.filter_map(|environment| self.by_variables(environment)).collect();
        if !by.iter().any(|by| matches!(by, Requester::Package { .. })) {
            by.extend(self.by_table(url));
        }
        if by.is_empty() {
            let command = ScriptName::parse(self.command).or_else(|_| ScriptName::parse("command"));
            by.extend(command.map(Requester::Script));
        }
        by.into_iter().collect()
    }

    fn by_variables(&self, environment: &[u8]) -> Option<Requester> {
        let value = |name: &str| {
            let mut variables = environment.split(|byte| *byte == 0);
            let value = variables.find_map(|variable| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
            std::str::from_utf8(value).ok().filter(|value| !value.is_empty())
        };
        if let (Some(name), Some(version)) = (value(NAME), value(VERSION))
            && self.has(name, version)
        {
            return Some(Requester::Package {
                name: PackageName::parse(name).ok()?,
                version: Version::parse(version).ok()?,
            });
        }
        let event = value(EVENT).filter(|event| !NOT_SCRIPTS.contains(event))?;
        ScriptName::parse(event).ok().map(Requester::Script)
    }

    fn by_table(&self, url: &Url) -> Option<Requester> {
        self.plan.artifacts().iter().map(|planned| &planned.artifact).find_map(|artifact| {
            let known = KnownDownload::of(artifact.name.as_str(), artifact.version.as_str())?;
            let is_it = artifact.ecosystem == Ecosystem::Npm && known.may_be_at(url.as_str());
            is_it.then(|| Requester::Package { name: artifact.name.clone(), version: artifact.version.clone() })
        })
    }

    fn has(&self, name: &str, version: &str) -> bool {
        self.plan.artifacts().iter().any(|planned| {
            let artifact = &planned.artifact;
            artifact.ecosystem == Ecosystem::Npm
                && artifact.name.as_str() == name
                && artifact.version.as_str() == version
        })
    }
}
