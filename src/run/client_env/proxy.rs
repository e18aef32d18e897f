//! The variables that lead a command's programs to the proxy on loopback, and have them trust its certificates. Pure.
//!
//! No single variable leads all: npm, pnpm, yarn 1, bun, curl, git, pip and most libraries read `HTTPS_PROXY` in one of two spellings, yarn 2 and later `YARN_HTTPS_PROXY`.
//! `HTTP_PROXY` is taken away unless an address in plain HTTP is served: programs would send what is for this machine to a proxy, too.

use std::{ffi::OsString, path::Path};

/// Opens node's https connections through the proxy, for what reads no variable.
pub(crate) const PRELOAD: &str = include_str!("../preload.cjs");

/// Hosts that are this machine, for `NO_PROXY`: programs read different forms.
const LOCAL: &str = "localhost,127.0.0.1,::1,[::1],0.0.0.0,.localhost";

/// Other proxies, which would lead around this one.
pub(crate) const TAKEN_AWAY: [&str; 7] = [
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "GLOBAL_AGENT_HTTP_PROXY",
    "GLOBAL_AGENT_HTTPS_PROXY",
    "GLOBAL_AGENT_NO_PROXY",
];

/// The proxy of a run.
#[derive(Clone, Debug)]
pub(crate) struct ProxyEnv<'a> {
    /// Its address, with the password.
    pub(crate) url: &'a str,
    /// A file with the certificate of its authority and those that the user adds to node's.
    pub(crate) added: &'a Path,
    /// A file with all certificates that are trusted, this one among them: for programs that replace theirs by a file.
    pub(crate) all: &'a Path,
    /// Hosts that the user's programs reach without a proxy.
    pub(crate) no_proxy: &'a str,
    /// Whether it serves addresses in plain HTTP.
    pub(crate) has_plain_http: bool,
    /// A file with [`PRELOAD`], where scripts' downloads are served, and the options that node has without it.
    pub(crate) preload: Option<(&'a Path, &'a str)>,
}

/// Variables to set, after all others.
pub(crate) fn variables(env: &ProxyEnv<'_>) -> Vec<(OsString, OsString)> {
    let mut set: Vec<(OsString, OsString)> = Vec::new();
    let mut say = |names: &[&str], value: OsString| set.extend(names.iter().map(|name| (name.into(), value.clone())));
    say(
        &["HTTPS_PROXY", "https_proxy", "npm_config_https_proxy", "YARN_HTTPS_PROXY", "CARGO_HTTP_PROXY"],
        env.url.into(),
    );
    // yarn 2 and later end with an error if both have a value and the registry is in plain HTTP.
    let plain = if env.has_plain_http { env.url } else { "" };
    say(&["YARN_HTTP_PROXY"], plain.into());
    if env.has_plain_http {
        say(&["HTTP_PROXY", "http_proxy"], plain.into());
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
    let others = if env.no_proxy.is_empty() { String::new() } else { format!(",{}", env.no_proxy) };
    say(&["NO_PROXY", "no_proxy", "npm_config_noproxy"], format!("{LOCAL}{others}").into());
    say(&["NODE_EXTRA_CA_CERTS"], env.added.into());
    say(
        &[
            "SSL_CERT_FILE",
            "CURL_CA_BUNDLE",
            "REQUESTS_CA_BUNDLE",
            "PIP_CERT",
            "GIT_SSL_CAINFO",
            "CARGO_HTTP_CAINFO",
            "DENO_CERT",
            "npm_config_cafile",
            "YARN_HTTPS_CA_FILE_PATH",
        ],
        env.all.into(),
    );
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(has_plain_http: bool, name: &str) -> Option<String> {
        let env = ProxyEnv {
            url: "http://larder:word@127.0.0.1:1",
            added: Path::new("/added.pem"),
            all: Path::new("/all.pem"),
            no_proxy: "inside.example",
            has_plain_http,
            preload: None,
        };
        let found = variables(&env).into_iter().filter(|(variable, _)| variable == name);
        let mut values = found.map(|(_, value)| value.into_string().unwrap());
        let first = values.next();
        assert_eq!(values.next(), None, "{name} is set twice");
        first
    }

    #[test]
    fn each_program_is_told_of_the_proxy_and_its_certificate_in_its_own_words() {
        let url = Some("http://larder:word@127.0.0.1:1".to_owned());
        for name in ["HTTPS_PROXY", "https_proxy", "npm_config_https_proxy", "YARN_HTTPS_PROXY"] {
            assert_eq!(value(false, name), url, "{name}");
        }
        for name in ["HTTP_PROXY", "http_proxy", "npm_config_proxy"] {
            assert_eq!((value(false, name), value(true, name)), (None, url.clone()), "{name}");
        }
        assert_eq!(value(false, "NODE_EXTRA_CA_CERTS").as_deref(), Some("/added.pem"));
        assert_eq!(value(false, "YARN_HTTPS_CA_FILE_PATH").as_deref(), Some("/all.pem"));
        // yarn ends with an error where it finds this one.
        assert_eq!(value(true, "YARN_CAFILE"), None);
        assert_eq!(value(false, "NODE_OPTIONS"), None);
        assert_eq!(value(false, "no_proxy"), Some(format!("{LOCAL},inside.example")));
    }

    #[test]
    fn scripts_get_a_preload_beside_the_users_own_options() {
        let env = |options| {
            let env = ProxyEnv {
                url: "http://larder:word@127.0.0.1:1",
                added: Path::new("/added.pem"),
                all: Path::new("/all.pem"),
                no_proxy: "",
                has_plain_http: false,
                preload: Some((Path::new("/a folder/preload.cjs"), options)),
            };
            let found = |name: &str| variables(&env).into_iter().find(|(variable, _)| variable == name);
            (found("NODE_OPTIONS").unwrap().1, found("npm_config_proxy").unwrap().1)
        };
        let url = OsString::from("http://larder:word@127.0.0.1:1");
        assert_eq!(env(""), ("--require \"/a folder/preload.cjs\"".into(), url.clone()));
        let both = "--require \"/a folder/preload.cjs\" --max-old-space-size=4096";
        assert_eq!(env("--max-old-space-size=4096"), (both.into(), url));
    }
}
