//! Why a run has no network of its own, and what to set.

use std::{io, path::PathBuf};

/// Why a run has no network of its own.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum IsolationError {
    /// The system has no namespaces.
    #[cfg(not(target_os = "linux"))]
    #[error("--isolate needs the namespaces of Linux")]
    NotLinux,
    /// The system refuses them.
    #[cfg(target_os = "linux")]
    #[error("this system refuses --isolate namespaces of its own")]
    Namespaces(#[source] io::Error),
    /// The user's numbers cannot be kept.
    #[cfg(target_os = "linux")]
    #[error("{path} cannot be written for --isolate")]
    Ids {
        /// The kernel's file.
        path: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The mounts cannot be parted from the system's.
    #[cfg(target_os = "linux")]
    #[error("--isolate cannot have mounts of its own")]
    Mounts(#[source] io::Error),
    /// There is no loopback.
    #[cfg(target_os = "linux")]
    #[error("--isolate cannot set up loopback")]
    Loopback(#[source] io::Error),
    /// A file of the system cannot be replaced.
    #[cfg(target_os = "linux")]
    #[error("{path} cannot be replaced for the run")]
    Replace {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of the run's cannot be written.
    #[error("{path} cannot be written")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl IsolationError {
    /// What has to be set, as far as the system's settings tell.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            #[cfg(not(target_os = "linux"))]
            Self::NotLinux => Some("without --isolate, a proxy on 127.0.0.1 serves most programs".to_owned()),
            Self::Write { .. } => None,
            #[cfg(target_os = "linux")]
            _ => Some(way_out(|setting| std::fs::read_to_string(setting).ok()).to_owned()),
        }
    }
}

/// The first setting that is in the way. Where none is, it is the container's.
#[cfg(target_os = "linux")]
fn way_out(setting: impl Fn(&str) -> Option<String>) -> &'static str {
    let is = |name: &str, value: &str| setting(name).is_some_and(|stated| stated.trim() == value);
    if is("/proc/sys/user/max_user_namespaces", "0") {
        "user namespaces are turned off: `sysctl user.max_user_namespaces=15000` turns them on"
    } else if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "user namespaces are root's alone: `sysctl kernel.unprivileged_userns_clone=1` lets every user have them"
    } else if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "AppArmor restricts user namespaces: `sysctl kernel.apparmor_restrict_unprivileged_userns=0` lifts that, or a profile for larder with `userns,`"
    } else {
        "a container needs `--security-opt seccomp=unconfined --security-opt apparmor=unconfined`, a step of a build `RUN --security=insecure`; without --isolate, a proxy on 127.0.0.1 serves most programs"
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_setting_that_is_in_the_way_is_named() {
        for (file, value, named) in [
            ("/proc/sys/user/max_user_namespaces", "0\n", "user.max_user_namespaces=15000"),
            ("/proc/sys/kernel/unprivileged_userns_clone", "0\n", "kernel.unprivileged_userns_clone=1"),
            (
                "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
                "1\n",
                "apparmor_restrict_unprivileged_userns=0",
            ),
            ("/proc/sys/user/max_user_namespaces", "96365\n", "seccomp=unconfined"),
            ("/proc/sys/kernel/unprivileged_userns_clone", "1\n", "seccomp=unconfined"),
            ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "0\n", "seccomp=unconfined"),
        ] {
            let hint = way_out(|asked| (asked == file).then(|| value.to_owned()));
            assert!(hint.contains(named), "{file} {value}: {hint}");
        }
    }
}
