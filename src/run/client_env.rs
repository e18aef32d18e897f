//! The child's environment: the variables that lead a package manager to the store. Pure.
//!
//! pnpm and bun read no cache by digest as npm does, so they get the registry. bun keeps packages by their registry's host, and pnpm descriptions: both caches go to the
//! run's folder, since the run's registry has another port each time.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::Path,
};

use super::programs::NPM;

pub(crate) mod caches;
pub(crate) mod isolated;
pub(crate) mod proxy;
pub(crate) mod yarn;

/// How the command's package manager gets its packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// npm: a cache of links.
    Cache,
    /// Anything else: a registry on loopback, and npm's cache beside it for what calls npm.
    Registry,
}

impl Mode {
    /// The fastest mode that works for a command: npm and npx read a cache of links, which costs no server and no copy.
    pub(crate) fn of(command: &[OsString]) -> Self {
        let base = |word: &OsString| Path::new(word).file_name().map(OsStr::to_owned).unwrap_or_default();
        let is_npm = |word: &OsString| {
            let base = base(word);
            NPM.iter().any(|name| base == *name)
        };
        match command {
            [program, ..] if is_npm(program) => Self::Cache,
            [program, script, ..] if base(program) == "node" && is_npm(script) => Self::Cache,
            _ => Self::Registry,
        }
    }
}

/// What the variables lead the command to.
#[derive(Clone, Debug)]
pub(crate) struct ClientEnv<'a> {
    /// npm's cache.
    pub(crate) npm_cache: &'a Path,
    /// Where npm writes its logs.
    pub(crate) npm_logs: &'a Path,
    /// The registry on loopback, where there is one.
    pub(crate) registry: Option<&'a str>,
    /// Scopes with a registry of their own, with their at signs.
    pub(crate) scopes: Vec<&'a str>,
    /// npm's `replace-registry-host`, where it must be told: see [`replaced_host`].
    pub(crate) replaced_host: Option<&'a str>,
    /// Where package managers may cache what the registry on loopback said: it is of no use to anybody after the run.
    pub(crate) caches: &'a Path,
    /// A lockfile of pnpm is among those that are installed from.
    pub(crate) has_pnpm: bool,
    /// The registry has wheels, too.
    pub(crate) has_wheels: bool,
    /// No request may leave the machine.
    pub(crate) is_offline: bool,
}

/// Variables to set. `no_proxy` is what the environment has for it.
pub(crate) fn variables(env: &ClientEnv<'_>, no_proxy: Option<&str>) -> Vec<(OsString, OsString)> {
    let mut set: Vec<(OsString, OsString)> = Vec::new();
    let mut say = |name: &str, value: &OsStr| set.push((name.into(), value.to_owned()));
    say("npm_config_cache", env.npm_cache.as_os_str());
    say("npm_config_logs_dir", env.npm_logs.as_os_str());
    // It would ask the registry for npm's own newest version.
    say("npm_config_update_notifier", "false".as_ref());
    let Some(registry) = env.registry else {
        say(if env.is_offline { "npm_config_offline" } else { "npm_config_prefer_offline" }, "true".as_ref());
        return set;
    };
    // npm's own offline mode asks no registry at all, not even this one.
    say("npm_config_prefer_offline", "true".as_ref());
    say("npm_config_registry", registry.as_ref());
    for scope in &env.scopes {
        say(&format!("npm_config_{scope}:registry"), registry.as_ref());
    }
    if let Some(host) = env.replaced_host {
        say("npm_config_replace_registry_host", host.as_ref());
    }
    // The registry knows no advisories, and silence would look like a clean bill.
    say("npm_config_audit", "false".as_ref());
    set_pnpm(registry, env.caches, env.has_pnpm, &mut say);
    set_bun(registry, env.caches, &mut say);
    if env.has_wheels {
        set_python(registry, &mut say);
    }
    // A proxy cannot reach this machine's loopback.
    let others = no_proxy.filter(|others| !others.is_empty()).map(|others| format!(",{others}")).unwrap_or_default();
    for name in ["no_proxy", "NO_PROXY"] {
        say(name, format!("127.0.0.1,localhost{others}").as_ref());
    }
    set
}

/// pnpm 10 reads npm's variables, later ones their own.
fn set_pnpm(registry: &str, caches: &Path, has_pnpm: bool, say: &mut impl FnMut(&str, &OsStr)) {
    say("pnpm_config_registry", registry.as_ref());
    // npm warns of what it does not know, so these are only there where pnpm is used.
    for prefix in if has_pnpm { &["npm_config", "pnpm_config"][..] } else { &["pnpm_config"] } {
        // Descriptions of packages, by their registry's host and port.
        say(&format!("{prefix}_cache_dir"), caches.join("pnpm").as_os_str());
        // It would ask for the pnpm that package.json names, and the registry has none.
        say(&format!("{prefix}_manage_package_manager_versions"), "false".as_ref());
    }
    // It would ask the registry for every package of the lockfile, when each version was published. (The least age itself stays what it is: pnpm notes it in
    // node_modules, and installs anew where it changes.)
    say("pnpm_config_trust_lockfile", "true".as_ref());
    say("pnpm_config_pm_on_fail", "ignore".as_ref());
    say("pnpm_config_update_notifier", "false".as_ref());
}

fn set_bun(registry: &str, caches: &Path, say: &mut impl FnMut(&str, &OsStr)) {
    say("BUN_CONFIG_REGISTRY", registry.as_ref());
    // bun keeps packages by their registry's host, and with its global store it would link to them.
    say("BUN_INSTALL_CACHE_DIR", caches.join("bun").as_os_str());
    say("BUN_INSTALL_GLOBAL_STORE", "0".as_ref());
}

/// pip and uv find the wheels that `larder.lock` names.
fn set_python(registry: &str, say: &mut impl FnMut(&str, &OsStr)) {
    let index = format!("{registry}-/python/simple/");
    for name in ["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"] {
        say(name, index.as_ref());
    }
    say("PIP_DISABLE_PIP_VERSION_CHECK", "1".as_ref());
}

/// Which hosts npm has to replace in the lockfiles' addresses to find the registry on loopback. `addressed` are the hosts of registries that they name, one for each
/// artifact; `None` if they name none.
///
/// The one host that is named is replaced; of several, `always` replaces all, but npm then puts the registry before the path of a local tarball too, and
/// does not find it: where there are such, the host of most artifacts is replaced.
pub(crate) fn replaced_host<'a>(
    addressed: impl IntoIterator<Item = &'a str>,
    has_local_tarballs: bool,
) -> Option<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for host in addressed {
        *counts.entry(host).or_default() += 1;
    }
    if counts.len() > 1 && !has_local_tarballs {
        return Some("always");
    }
    // Of equally many the first by name, so that two runs agree.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(host, _)| host)
}

/// The inherited variables that set the same in another spelling, such as `NPM_CONFIG_CACHE`: they are removed, or npm would have to choose.
pub(crate) fn contradicting<'a>(
    inherited: impl Iterator<Item = &'a str>,
    set: &[(OsString, OsString)],
) -> Vec<OsString> {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let set: Vec<String> = set.iter().map(|(name, _)| plain(&name.to_string_lossy())).collect();
    // npm lets `offline` decide over `prefer-offline`, and `prefer-online` over both.
    let is_mode =
        |name: &str| matches!(name, "npm_config_offline" | "npm_config_prefer_offline" | "npm_config_prefer_online");
    let says_the_same = |name: &&str| {
        let plain = plain(name);
        let is_read = ["npm_config_", "pnpm_config_", "yarn_"].iter().any(|prefix| plain.starts_with(prefix));
        is_read && (set.contains(&plain) || is_mode(&plain))
    };
    inherited.filter(says_the_same).map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(command: &[&str]) -> Mode {
        Mode::of(&command.iter().map(OsString::from).collect::<Vec<_>>())
    }

    fn env<'a>(registry: Option<&'a str>, scopes: Vec<&'a str>) -> ClientEnv<'a> {
        ClientEnv {
            npm_cache: Path::new("/c"),
            npm_logs: Path::new("/l"),
            registry,
            scopes,
            replaced_host: None,
            caches: Path::new("/m"),
            has_pnpm: true,
            has_wheels: true,
            is_offline: true,
        }
    }

    #[test]
    fn npm_gets_a_cache_and_everything_else_a_registry() {
        for command in [&["npm", "ci"][..], &["/usr/bin/npx", "vite"], &["node", "/opt/npm/bin/npm-cli.js", "ci"]] {
            assert_eq!(mode(command), Mode::Cache, "{command:?}");
        }
        for command in [&["sh", "-c", "npm ci"][..], &["pnpm", "install"], &["node", "build.js"], &["npm-run-all"]] {
            assert_eq!(mode(command), Mode::Registry, "{command:?}");
        }
    }

    #[test]
    fn the_hosts_that_the_lockfile_names_are_replaced_as_far_as_npm_can() {
        for (hosts, has_local_tarballs, expected) in [
            (&[][..], false, None),
            (&["a", "a"], false, Some("a")),
            (&["a", "a"], true, Some("a")),
            (&["a", "b"], false, Some("always")),
            (&["a", "b", "b"], true, Some("b")),
            (&["b", "a"], true, Some("a")),
        ] {
            assert_eq!(replaced_host(hosts.iter().copied(), has_local_tarballs), expected, "{hosts:?}");
        }
    }

    #[test]
    fn what_the_environment_says_otherwise_in_any_spelling_is_taken_away() {
        let set = variables(&env(None, Vec::new()), None);
        let inherited =
            ["NPM_CONFIG_CACHE", "npm_config_cache", "npm_config_prefer-online", "npm_config_registry", "CACHE"];
        let gone = contradicting(inherited.into_iter(), &set);
        assert_eq!(gone, ["NPM_CONFIG_CACHE", "npm_config_cache", "npm_config_prefer-online"].map(OsString::from));
    }

    #[test]
    fn each_package_manager_is_told_of_the_registry_in_its_own_words() {
        let set = variables(&env(Some("http://127.0.0.1:1/"), vec!["@s"]), None);
        let value = |name: &str| {
            let found = set.iter().find(|(variable, _)| variable == name);
            found.map(|(_, value)| value.to_str().unwrap())
        };
        for name in ["npm_config_registry", "npm_config_@s:registry", "pnpm_config_registry", "BUN_CONFIG_REGISTRY"] {
            assert_eq!(value(name), Some("http://127.0.0.1:1/"), "{name}");
        }
        for name in ["PIP_INDEX_URL", "UV_DEFAULT_INDEX"] {
            assert_eq!(value(name), Some("http://127.0.0.1:1/-/python/simple/"), "{name}");
        }
        assert_eq!(value("pnpm_config_trust_lockfile"), Some("true"));
        assert_eq!((value("pnpm_config_cache_dir"), value("BUN_INSTALL_CACHE_DIR")), (Some("/m/pnpm"), Some("/m/bun")));
        assert_eq!(
            contradicting(["PNPM_CONFIG_REGISTRY"].into_iter(), &set),
            ["PNPM_CONFIG_REGISTRY"].map(OsString::from)
        );
    }
}
