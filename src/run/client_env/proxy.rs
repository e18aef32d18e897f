//! The variables that lead a command's programs to the proxy on loopback, and have them trust its certificates. Pure.
//!
//! No single variable leads all: npm, pnpm, yarn 1, bun, curl, git, pip and most libraries read `HTTPS_PROXY` in one of two spellings, yarn 2 and later `YARN_HTTPS_PROXY`.
//! `HTTP_PROXY` is taken away unless an address in plain HTTP is served: some programs would send what is for this machine to a proxy, too.
//!
//! Without a network nothing may leave the machine, so the user's own exceptions do not hold. With one they do, and the user's proxy for plain HTTP stays.

use std::{ffi::OsString, path::Path};

/// Opens node's https connections through the proxy, for what reads no variable.
pub(crate) const PRELOAD: &str = include_str!("../preload.cjs");

/// Hosts that are this machine, for `NO_PROXY`. Without `[::1]`, which ends Python's httpx; a tunnel to it leads to this machine.
const LOCAL: &str = "localhost,127.0.0.1,::1,0.0.0.0,.localhost";
/// The same for npm, which compares with hosts as they stand in addresses.
const LOCAL_TO_NPM: &str = "localhost,127.0.0.1,::1,[::1],0.0.0.0,.localhost";

/// Other proxies, which would lead around this one. With a network they stay: whoever reads them alone asks as without larder.
pub(crate) const TAKEN_AWAY: [&str; 7] = [
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "GLOBAL_AGENT_HTTP_PROXY",
    "GLOBAL_AGENT_HTTPS_PROXY",
    "GLOBAL_AGENT_NO_PROXY",
];

/// Variables that name the file of all certificates that a program trusts.
pub(crate) const REPLACING: [&str; 9] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
    "DENO_CERT",
    "npm_config_cafile",
    "YARN_HTTPS_CA_FILE_PATH",
];

/// Those of them that package managers alone read.
const OF_MANAGERS: [&str; 2] = ["npm_config_cafile", "YARN_HTTPS_CA_FILE_PATH"];

/// The proxy of a run.
#[derive(Clone, Debug)]
pub(crate) struct ProxyEnv<'a> {
    /// Its address, with the password.
    pub(crate) url: &'a str,
    /// A file with the certificate of its authority and those that the user adds to node's.
    pub(crate) added: &'a Path,
    /// A file with all certificates that are trusted, this one among them: for programs that replace theirs by a file.
    pub(crate) all: &'a Path,
    /// Whether it serves addresses in plain HTTP.
    pub(crate) has_plain_http: bool,
    /// The same with those that only the project's files add, which npm and yarn trust.
    pub(crate) all_of_project: &'a Path,
    /// Hosts that are asked without it, beside this machine: as the environment has them, and as npm is configured.
    pub(crate) exceptions: (&'a str, &'a str),
    /// Whether npm is configured with a proxy, which would take precedence.
    pub(crate) npm_has_proxy: bool,
    /// A file with [`PRELOAD`], where scripts' downloads are served, and the options that node has without it.
    pub(crate) preload: Option<(&'a Path, &'a str)>,
}

/// Variables to set, after all others.
pub(crate) fn variables(env: &ProxyEnv<'_>) -> Vec<(OsString, OsString)> {
    let mut set: Vec<(OsString, OsString)> = Vec::new();
    let mut say = |names: &[&str], value: OsString| set.extend(names.iter().map(|name| (name.into(), value.clone())));
    say(&["HTTPS_PROXY", "https_proxy", "YARN_HTTPS_PROXY", "CARGO_HTTP_PROXY"], env.url.into());
    // Elsewhere it stays unset: node-gyp writes npm's variables that it does not know into what it builds.
    if env.npm_has_proxy {
        say(&["npm_config_https_proxy"], env.url.into());
    }
    // yarn 2 and later know no exceptions: with a value, they ask the proxy for the run's registry, too.
    say(&["YARN_HTTP_PROXY"], "".into());
    if env.has_plain_http {
        say(&["HTTP_PROXY", "http_proxy"], env.url.into());
    }
    // Some libraries of install scripts read nothing else, for https either.
    if env.has_plain_http || env.preload.is_some() {
        say(&["npm_config_proxy"], env.url.into());
    }
    if let Some((preload, options)) = env.preload {
        let mut all = OsString::from("--require \"");
        all.push(preload);
        all.push(if options.is_empty() { "\"" } else { "\" " });
        all.push(options);
        say(&["NODE_OPTIONS"], all);
    }
    let exceptions = |local: &str, own: &str| {
        if own.is_empty() { local.into() } else { format!("{local},{own}").into() }
    };
    say(&["NO_PROXY", "no_proxy"], exceptions(LOCAL, env.exceptions.0));
    say(&["npm_config_noproxy"], exceptions(LOCAL_TO_NPM, env.exceptions.1));
    // It would ask for its newest version, and the refusal would be the command's.
    say(&["DENO_NO_UPDATE_CHECK"], "1".into());
    say(&["NODE_EXTRA_CA_CERTS"], env.added.into());
    let (of_managers, others): (Vec<&str>, Vec<&str>) = REPLACING.iter().partition(|name| OF_MANAGERS.contains(name));
    say(&of_managers, env.all_of_project.into());
    say(&others, env.all.into());
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://larder:word@127.0.0.1:1";

    fn env<'a>(is_full: bool, preload: Option<(&'a Path, &'a str)>) -> ProxyEnv<'a> {
        ProxyEnv {
            url: URL,
            added: Path::new("/added.pem"),
            all: Path::new("/all.pem"),
            all_of_project: Path::new("/project.pem"),
            exceptions: if is_full { ("env.example", "npm.example") } else { ("", "") },
            has_plain_http: is_full,
            npm_has_proxy: is_full,
            preload,
        }
    }

    fn value(env: &ProxyEnv<'_>, name: &str) -> Option<String> {
        let found = variables(env).into_iter().filter(|(variable, _)| variable == name);
        let mut values = found.map(|(_, value)| value.into_string().unwrap());
        let first = values.next();
        assert_eq!(values.next(), None, "{name} is set twice");
        first
    }

    #[test]
    fn each_program_is_told_of_the_proxy_and_its_certificate_in_its_own_words() {
        let (least, full) = (env(false, None), env(true, None));
        let url = Some(URL.to_owned());
        for name in ["HTTPS_PROXY", "https_proxy", "YARN_HTTPS_PROXY"] {
            assert_eq!((value(&least, name), value(&full, name)), (url.clone(), url.clone()), "{name}");
        }
        for name in ["HTTP_PROXY", "http_proxy", "npm_config_proxy", "npm_config_https_proxy"] {
            assert_eq!((value(&least, name), value(&full, name)), (None, url.clone()), "{name}");
        }
        assert_eq!(value(&least, "NODE_EXTRA_CA_CERTS").as_deref(), Some("/added.pem"));
        for (name, file) in [
            ("YARN_HTTPS_CA_FILE_PATH", "/project.pem"),
            ("npm_config_cafile", "/project.pem"),
            ("SSL_CERT_FILE", "/all.pem"),
        ] {
            assert_eq!(value(&least, name).as_deref(), Some(file), "{name}");
        }
        // yarn ends with an error where it finds this one.
        assert_eq!(value(&full, "YARN_CAFILE"), None);
        assert_eq!(value(&full, "YARN_HTTP_PROXY").as_deref(), Some(""));
        assert_eq!(value(&least, "no_proxy").as_deref(), Some(LOCAL));
        assert_eq!(value(&full, "NO_PROXY"), Some(format!("{LOCAL},env.example")));
        assert_eq!(value(&full, "npm_config_noproxy"), Some(format!("{LOCAL_TO_NPM},npm.example")));
        assert_eq!(value(&least, "DENO_NO_UPDATE_CHECK").as_deref(), Some("1"));
        assert_eq!(value(&full, "NODE_OPTIONS"), None);
    }

    #[test]
    fn scripts_get_a_preload_beside_the_users_own_options() {
        let preload = Path::new("/a folder/preload.cjs");
        let (alone, beside) =
            (env(false, Some((preload, ""))), env(false, Some((preload, "--max-old-space-size=4096"))));
        assert_eq!(value(&alone, "NODE_OPTIONS").as_deref(), Some("--require \"/a folder/preload.cjs\""));
        let both = "--require \"/a folder/preload.cjs\" --max-old-space-size=4096";
        assert_eq!(value(&beside, "NODE_OPTIONS").as_deref(), Some(both));
        assert_eq!(value(&alone, "npm_config_proxy").as_deref(), Some(URL));
        assert_eq!(value(&alone, "npm_config_https_proxy"), None);
    }
}
