//! The variables for yarn.
//!
//! What yarn does, and what larder does about it:
//!
//! | yarn | larder |
//! |---|---|
//! | 1 asks for the lockfile's absolute addresses, unless its offline mirror has a file of that name | gives it a mirror of links (`view::yarn_mirror`), by `npm_config_…`, which it reads too: later yarns fail at a variable `YARN_…` that they do not know |
//! | 1 fetches packages for every platform, and only then reads what they are for | fetches them, too |
//! | 2 and later work an address out from registry, name and version | serves it there |
//! | 2 and later fetch the package that a patch is of, even for another platform | counts it as needed |
//! | 2 and later leave out a package for another platform if only optional dependencies lead to it | leaves it out if no dependency names it otherwise, so that yarn never asks for a file that is not there |
//! | 2 and later keep the zip that they make of a tarball, under its own checksum | leaves that cache alone: PnP's loader reads it after the run |

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

/// What yarn is led to, by the kinds of `yarn.lock` that the projects have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct YarnEnv<'a> {
    /// The offline mirror, if a lockfile is of yarn 1.
    pub(crate) mirror: Option<&'a Path>,
    /// The registry on loopback, if a lockfile is of yarn 2 or later.
    pub(crate) registry: Option<&'a str>,
}

/// Variables to set.
pub(crate) fn variables(env: YarnEnv<'_>) -> Vec<(OsString, OsString)> {
    let mut set: Vec<(OsString, OsString)> = Vec::new();
    let mut say = |name: &str, value: &OsStr| set.push((name.into(), value.to_owned()));
    if let Some(mirror) = env.mirror {
        // Not as YARN_YARN_OFFLINE_MIRROR, at which later yarns fail.
        say("npm_config_yarn_offline_mirror", mirror.as_os_str());
    }
    if let Some(registry) = env.registry {
        // yarn puts a path with a slash behind it.
        say("YARN_NPM_REGISTRY_SERVER", registry.trim_end_matches('/').as_ref());
        say("YARN_UNSAFE_HTTP_WHITELIST", "127.0.0.1".as_ref());
        // A proxy cannot reach this machine's loopback, and yarn knows no exception from it. Registries are asked by https.
        say("YARN_HTTP_PROXY", OsStr::new(""));
        say("YARN_ENABLE_TELEMETRY", "0".as_ref());
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(env: YarnEnv<'_>) -> Vec<String> {
        let shown = |(name, value): (OsString, OsString)| format!("{}={}", name.display(), value.display());
        variables(env).into_iter().map(shown).collect()
    }

    #[test]
    fn each_yarn_is_told_what_it_understands() {
        assert_eq!(
            said(YarnEnv { mirror: Some(Path::new("/m")), registry: None }),
            ["npm_config_yarn_offline_mirror=/m"]
        );
        assert_eq!(
            said(YarnEnv { mirror: None, registry: Some("http://127.0.0.1:4873/") }),
            [
                "YARN_NPM_REGISTRY_SERVER=http://127.0.0.1:4873",
                "YARN_UNSAFE_HTTP_WHITELIST=127.0.0.1",
                "YARN_HTTP_PROXY=",
                "YARN_ENABLE_TELEMETRY=0"
            ]
        );
        assert!(said(YarnEnv::default()).is_empty());
    }
}
