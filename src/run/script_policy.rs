//! Whether a package manager runs the install scripts of dependencies by itself. npm 12, pnpm 10 and yarn 4.14, each with what came after it, and every bun run only those that are allowed: by the project, by the user, or by
//! a list of bun's own. No manager is run: its `package.json` is read.

use std::{ffi::OsString, path::Path};

use super::{npm12_policy, support, yarn};
use crate::{core::environment::Environment, lockfile::Format};

/// The first pnpm that runs only allowed scripts.
const PNPM: u64 = 10;

/// npm's, pnpm's and yarn's option that turns them off.
const OPTION: &str = "--ignore-scripts";

/// What a package manager does with the install scripts of dependencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ScriptPolicy {
    /// It runs them, as far as is known.
    Runs,
    /// This manager runs only those that are allowed.
    AllowedOnly(String),
    /// They are turned off.
    Off,
}

impl ScriptPolicy {
    /// The less, the more scripts run.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::Runs => 0,
            Self::AllowedOnly(_) => 1,
            Self::Off => 2,
        }
    }

    /// What can be told from the lockfile alone: which version will install is not known.
    pub(crate) fn of_lockfile(format: Format) -> Self {
        match format {
            Format::Bun => Self::AllowedOnly(format.manager().to_owned()),
            Format::Npm | Format::Pnpm | Format::Yarn => Self::Runs,
        }
    }

    /// That of the package manager which a command in this folder runs, or would find.
    pub(crate) fn of_command(format: Format, command: &[OsString], folder: &Path, environment: &Environment) -> Self {
        let has_option = |word: &OsString| word.to_string_lossy().split_whitespace().any(|word| word == OPTION);
        if command.iter().any(has_option) {
            return Self::Off;
        }
        let restricted = match format {
            Format::Npm => npm12_policy::npm_version(command, environment)
                .filter(|major| *major >= npm12_policy::FIRST_VERSION)
                .map(|major| major.to_string()),
            Format::Pnpm => support::installed(format, command, environment)
                .filter(|(major, _)| *major >= PNPM)
                .map(|(major, _)| major.to_string()),
            Format::Yarn => yarn::installed(command, folder, environment)
                .filter(|yarn| yarn.version.runs_allowed_scripts_only())
                .map(|yarn| yarn.version.to_string()),
            Format::Bun => return Self::of_lockfile(format),
        };
        restricted.map_or(Self::Runs, |version| Self::AllowedOnly(format!("{} {version}", format.manager())))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A machine with a manager of this version, whose program is a link as installers make it.
    fn machine(manager: &str, version: &str) -> (tempfile::TempDir, Environment) {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("lib").join(manager);
        fs::create_dir_all(package.join("bin")).unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        let json = format!(r#"{{"name": "{manager}", "version": "{version}"}}"#);
        fs::write(package.join("package.json"), json).unwrap();
        fs::write(package.join("bin/cli.js"), "").unwrap();
        std::os::unix::fs::symlink(package.join("bin/cli.js"), folder.path().join("bin").join(manager)).unwrap();
        let path = folder.path().join("bin");
        let environment = Environment::new(folder.path(), [("PATH", path.to_str().unwrap())]);
        (folder, environment)
    }

    fn policy(format: Format, version: &str, command: &[&str]) -> ScriptPolicy {
        let (folder, environment) = machine(format.manager(), version);
        let command: Vec<OsString> = command.iter().map(OsString::from).collect();
        ScriptPolicy::of_command(format, &command, folder.path(), &environment)
    }

    #[test]
    fn the_installed_manager_decides() {
        let allowed = |manager: &str| ScriptPolicy::AllowedOnly(manager.to_owned());
        assert_eq!(policy(Format::Npm, "11.6.2", &["npm", "ci"]), ScriptPolicy::Runs);
        assert_eq!(policy(Format::Npm, "12.0.1", &["npm", "ci"]), allowed("npm 12"));
        assert_eq!(policy(Format::Pnpm, "9.15.9", &["pnpm", "i"]), ScriptPolicy::Runs);
        assert_eq!(policy(Format::Pnpm, "10.0.0", &["sh", "-c", "pnpm i"]), allowed("pnpm 10"));
        assert_eq!(policy(Format::Yarn, "1.22.22", &["yarn"]), ScriptPolicy::Runs);
        assert_eq!(policy(Format::Bun, "1.4.5", &["bun", "i"]), allowed("bun"));
    }

    #[test]
    fn an_option_turns_them_off_and_nothing_known_lets_them_run() {
        for command in [&["npm", "ci", "--ignore-scripts"][..], &["sh", "-c", "npm ci --ignore-scripts && true"]] {
            assert_eq!(policy(Format::Npm, "12.0.1", command), ScriptPolicy::Off);
        }
        assert_eq!(policy(Format::Npm, "none", &["npm", "ci"]), ScriptPolicy::Runs);
        assert_eq!(ScriptPolicy::of_lockfile(Format::Npm), ScriptPolicy::Runs);
        assert_eq!(ScriptPolicy::of_lockfile(Format::Bun), ScriptPolicy::AllowedOnly("bun".to_owned()));
    }
}
