//! Which lockfile versions the installed pnpm or bun supports in its frozen mode, as tried with pnpm 7, 8, 9, 10 and 12 and with bun 1.2, 1.3 and 1.4. The manager is
//! not run: its `package.json` is read.

use std::{ffi::OsString, path::Path};

use super::programs::{self, package_json};
use crate::{core::environment::Environment, lockfile::Format};

/// A manager's major and minor version.
pub(crate) type ManagerVersion = (u64, u64);

/// If the manager rejects a lockfile of this version: what it will say, and what to do about it.
pub(crate) fn refusal(format: Format, stated: &str, installed: ManagerVersion) -> Option<(String, String)> {
    let (major, minor) = installed;
    let form = stated.split('.').next()?.parse::<u64>().ok()?;
    let (is_read, readers) = match (format, form) {
        (Format::Pnpm, 5) => ((3..=7).contains(&major), "pnpm 3 to 7"),
        (Format::Pnpm, 6) => ((8..=9).contains(&major), "pnpm 8 and 9"),
        (Format::Pnpm, 7..=9) => (major >= 9, "pnpm 9 and later"),
        (Format::Bun, 2) => (installed >= (1, 4), "bun 1.4 and later"),
        _ => return None,
    };
    let what = match format {
        Format::Bun => format!("bun {major}.{minor}"),
        _ => format!("{format} {major}"),
    };
    let text = format!("{what} refuses a lockfile of version {stated}: {readers} reads it");
    let cure = format!("install with {readers}, or let {what} write the lockfile anew: `{}`", format.renewal());
    (!is_read).then_some((text, cure))
}

/// The version of a manager that a command runs: of the command itself, else of the one that would be found.
pub(crate) fn installed(manager: Format, command: &[OsString], environment: &Environment) -> Option<ManagerVersion> {
    let name = manager.manager();
    let program = programs::locate(command, &[name], environment)?;
    // `pnpm/bin/pnpm.cjs`, `pnpm/pnpm`, `bun/bin/bun.exe`.
    let program = program.canonicalize().ok()?;
    let version = program.ancestors().skip(1).take(2).find_map(|folder| version_of(folder, name))?;
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// The version that the package in this folder has, if it is called so.
fn version_of(folder: &Path, name: &str) -> Option<String> {
    let package = package_json(folder)?;
    package.get("version").filter(|_| package["name"] == name)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn a_lockfile_that_the_manager_refuses_is_told_with_the_way_out() {
        for (format, stated, installed, is_refused) in [
            (Format::Pnpm, "5.4", (7, 33), false),
            (Format::Pnpm, "5.4", (8, 15), true),
            (Format::Pnpm, "6.0", (7, 33), true),
            (Format::Pnpm, "6.0", (9, 15), false),
            (Format::Pnpm, "6.1", (10, 34), true),
            (Format::Pnpm, "9.0", (8, 15), true),
            (Format::Pnpm, "9.0", (9, 0), false),
            (Format::Pnpm, "9.0", (12, 21), false),
            (Format::Bun, "1", (1, 2), false),
            (Format::Bun, "2", (1, 3), true),
            (Format::Bun, "2", (1, 4), false),
            (Format::Npm, "3", (6, 0), false),
        ] {
            assert_eq!(refusal(format, stated, installed).is_some(), is_refused, "{format} {stated} {installed:?}");
        }
        let (text, cure) = refusal(Format::Pnpm, "6.0", (10, 34)).unwrap();
        assert_eq!(text, "pnpm 10 refuses a lockfile of version 6.0: pnpm 8 and 9 reads it");
        assert_eq!(
            cure,
            "install with pnpm 8 and 9, or let pnpm 10 write the lockfile anew: `pnpm install --lockfile-only`"
        );
    }

    #[test]
    fn the_installed_version_is_read_from_beside_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for (package, program, version) in [("pnpm", "bin/pnpm.cjs", "10.34.9"), ("bun", "bin/bun.exe", "1.4.5")] {
            fs::create_dir_all(at(package).join("bin")).unwrap();
            fs::write(at(package).join(program), "").unwrap();
            let text = format!(r#"{{"name": "{package}", "version": "{version}"}}"#);
            fs::write(at(package).join("package.json"), text).unwrap();
            fs::create_dir_all(at(".bin")).unwrap();
            symlink(at(package).join(program), at(".bin").join(package)).unwrap();
        }
        let environment = Environment::new(folder.path(), [("PATH", at(".bin"))]);
        let of = |format, command: &[&str]| {
            installed(format, &command.iter().map(OsString::from).collect::<Vec<_>>(), &environment)
        };
        assert_eq!(of(Format::Pnpm, &["pnpm", "install"]), Some((10, 34)));
        assert_eq!(of(Format::Pnpm, &["sh", "-c", "pnpm install"]), Some((10, 34)));
        assert_eq!(of(Format::Bun, &[".bin/bun", "install"]), Some((1, 4)));
        assert_eq!(of(Format::Yarn, &["yarn"]), None);
    }
}
