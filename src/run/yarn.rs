//! What a frozen install with yarn will fail for, known before yarn starts.
//!
//! | yarn does | so larder warns of |
//! |---|---|
//! | `--immutable` rejects a lockfile of another version than this yarn writes | the two versions, where they differ |
//! | yarn 1 rejects a project whose `packageManager` names another yarn | that |
//! | corepack downloads the yarn that `packageManager` names | that, offline, if it is not in corepack's folder |
//!
//! yarn 2 and later keep the zip that they make of a tarball, under its own checksum. larder leaves that cache alone: yarn's loader without `node_modules` reads it after the run.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use super::programs::{self, package_json};
use crate::{core::environment::Environment, lockfile::YarnLock};

/// A yarn's version: major and minor number, and all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct YarnVersion {
    major: u64,
    minor: u64,
    text: String,
}

impl YarnVersion {
    /// Reads `4.5.3` or `4.5.3+sha224.…`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.split('+').next()?;
        let mut numbers = text.split('.');
        let (major, minor) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
        Some(Self { major, minor, text: text.to_owned() })
    }

    /// Whether it runs only the install scripts that are allowed.
    pub(super) const fn runs_allowed_scripts_only(&self) -> bool {
        matches!((self.major, self.minor), (4, 14..) | (5.., _))
    }

    /// The version of the lockfiles that it writes, as releases from 2.4 to 4.18 were seen to.
    const fn writes(&self) -> u32 {
        match (self.major, self.minor) {
            (..3, _) | (3, 0) => 4,
            (3, 1) => 5,
            (3, _) => 6,
            (4, ..14) => 8,
            (4, 14) => 9,
            _ => 10,
        }
    }
}

impl fmt::Display for YarnVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The yarn that a command would run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InstalledYarn {
    /// Its version.
    pub(crate) version: YarnVersion,
    /// Whether corepack would have to download it.
    pub(crate) is_missing: bool,
    /// The version that `packageManager` in `package.json` names, if it is another one's.
    pub(crate) pinned: Option<YarnVersion>,
}

/// Why a frozen install would fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum YarnProblem {
    /// A later yarn, and a lockfile of version 1.
    ClassicLock(YarnVersion),
    /// yarn 1, and a lockfile of a later one.
    LaterLock(YarnVersion),
    /// A lockfile of another version than yarn writes.
    OtherVersion(YarnVersion, u32),
    /// yarn 1, and a project that names a later one.
    Pinned(YarnVersion, YarnVersion),
    /// corepack has to download yarn.
    NotHere(YarnVersion),
}

/// What it is, without the lockfile's name.
impl fmt::Display for YarnProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClassicLock(yarn) => write!(
                f,
                "yarn {yarn} turns a yarn.lock of yarn 1 into its own form, and `yarn install --immutable` refuses to (YN0028)"
            ),
            Self::LaterLock(yarn) => write!(
                f,
                "yarn {yarn} does not understand a yarn.lock of yarn 2 or later, and `yarn install --frozen-lockfile` refuses it"
            ),
            Self::OtherVersion(yarn, version) => write!(
                f,
                "yarn {yarn} writes yarn.lock in version {}, this one has version {version}, and `yarn install --immutable` refuses it (YN0028)",
                yarn.writes()
            ),
            Self::Pinned(yarn, pinned) => {
                write!(
                    f,
                    "yarn {yarn} refuses a project whose package.json names yarn {pinned} as its `packageManager`"
                )
            }
            Self::NotHere(yarn) => write!(f, "yarn {yarn} is not here: corepack would download it first"),
        }
    }
}

impl YarnProblem {
    /// What to do about it.
    pub(crate) fn fix(&self) -> String {
        match self {
            Self::ClassicLock(yarn) | Self::OtherVersion(yarn, _) => format!(
                "run `yarn install` with yarn {yarn} and commit the new yarn.lock; or name the yarn that wrote it as `packageManager` in package.json"
            ),
            Self::LaterLock(_) | Self::Pinned(..) => {
                "`corepack enable` lets `yarn` be the one that package.json names as `packageManager`".to_owned()
            }
            Self::NotHere(yarn) => format!(
                "`corepack install` with a network puts yarn {yarn} where it is found offline; `yarn set version {yarn}` puts it into the project"
            ),
        }
    }
}

/// What this yarn would fail for with this lockfile; nothing if the yarn is not known.
pub(crate) fn problems(lock: YarnLock, installed: Option<&InstalledYarn>, is_offline: bool) -> Vec<YarnProblem> {
    let mut problems = Vec::new();
    if let Some(InstalledYarn { version, is_missing, pinned }) = installed {
        if let Some(pinned) = pinned.as_ref().filter(|pinned| version.major == 1 && pinned.major > 1) {
            problems.push(YarnProblem::Pinned(version.clone(), pinned.clone()));
        }
        if *is_missing && is_offline {
            problems.push(YarnProblem::NotHere(version.clone()));
        }
        match lock {
            YarnLock::Classic if version.major > 1 => problems.push(YarnProblem::ClassicLock(version.clone())),
            YarnLock::Berry { .. } if version.major == 1 => problems.push(YarnProblem::LaterLock(version.clone())),
            YarnLock::Berry { version: stated } if version.writes() != stated => {
                problems.push(YarnProblem::OtherVersion(version.clone(), stated));
            }
            _ => {}
        }
    }
    problems
}

/// The yarn that a command in this folder would run: the project's own, the one that corepack would choose, or the one that is found. None of them is run.
pub(crate) fn installed(command: &[OsString], folder: &Path, environment: &Environment) -> Option<InstalledYarn> {
    let pinned = pinned(folder);
    if let Some(version) = own_release(folder) {
        return Some(InstalledYarn { version, is_missing: false, pinned: None });
    }
    // `yarn` is a link to `…/yarn/bin/yarn.js`, or to `…/corepack/dist/yarn.js`.
    let program = programs::locate(command, &programs::YARN, environment)?.canonicalize().ok()?;
    let package = package_json(program.parent()?.parent()?)?;
    match package["name"].as_str()? {
        "yarn" | "@yarnpkg/cli-dist" => {
            let version = YarnVersion::parse(package["version"].as_str()?)?;
            Some(InstalledYarn { version, is_missing: false, pinned })
        }
        "corepack" => {
            let version = pinned?;
            let kept = corepack_folder(environment)?.join("v1/yarn").join(&version.text);
            Some(InstalledYarn { is_missing: !kept.is_dir(), version, pinned: None })
        }
        _ => None,
    }
}

/// The yarn that the folder's `package.json` names.
fn pinned(folder: &Path) -> Option<YarnVersion> {
    YarnVersion::parse(package_json(folder)?["packageManager"].as_str()?.strip_prefix("yarn@")?)
}

/// The yarn that lies in the project: `yarnPath: .yarn/releases/yarn-4.5.3.cjs`.
fn own_release(folder: &Path) -> Option<YarnVersion> {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let version = |path: &str| {
        let file = path.rsplit('/').next()?;
        let version = file.strip_prefix("yarn-")?;
        YarnVersion::parse(version.strip_suffix(".cjs").or_else(|| version.strip_suffix(".js"))?)
    };
    let of_later = read(".yarnrc.yml").and_then(|text| version(&yarn_path(&text)?));
    let of_classic = |text: String| {
        version(text.lines().find_map(|line| line.strip_prefix("yarn-path "))?.trim().trim_matches(['"', '\'']))
    };
    of_later.or_else(|| read(".yarnrc").and_then(of_classic))
}

/// `yarnPath` of `.yarnrc.yml`, in whatever form of YAML.
fn yarn_path(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Settings {
        yarn_path: String,
    }
    serde_saphyr::from_str::<Settings>(text).ok().map(|settings| settings.yarn_path)
}

/// Where corepack keeps what it has downloaded.
fn corepack_folder(environment: &Environment) -> Option<PathBuf> {
    if let Some(folder) = environment.variable_os("COREPACK_HOME").filter(|folder| !folder.is_empty()) {
        return Some(PathBuf::from(folder));
    }
    let cache = environment.variable_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    Some(cache.or_else(|| Some(environment.home()?.join(".cache")))?.join("node/corepack"))
}

#[cfg(test)]
mod tests;
