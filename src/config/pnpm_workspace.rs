//! pnpm's configuration file: reads registries and network settings from `pnpm-workspace.yaml` and translates them to npm's keys.
//!
//! ```text
//! registries:
//!   default: https://npm.example/                    registry=…
//!   '@company': https://packages.example/            @company:registry=…
//! namedRegistries:
//!   work: https://work.example/                      named-registry:work=…
//! httpsProxy, cafile, strictSsl, …                   https-proxy, cafile, strict-ssl, …
//! ```

use serde_json::Value as Tree;

use super::{
    document::{Table, yaml},
    settings::{Misread, Settings, one},
};

/// Before the name of a registry that packages are asked of as `name:version`.
pub(super) const NAMED: &str = "named-registry:";

/// pnpm's keys, and npm's.
const SAME: [(&str, &str); 13] = [
    ("registry", "registry"),
    ("httpProxy", "proxy"),
    ("proxy", "proxy"),
    ("httpsProxy", "https-proxy"),
    ("noProxy", "noproxy"),
    ("noproxy", "noproxy"),
    ("ca", "ca"),
    ("cafile", "cafile"),
    ("strictSsl", "strict-ssl"),
    ("fetchRetries", "fetch-retries"),
    ("fetchRetryMintimeout", "fetch-retry-mintimeout"),
    ("fetchRetryMaxtimeout", "fetch-retry-maxtimeout"),
    ("fetchTimeout", "fetch-timeout"),
];

/// npm's keys and their values.
pub(super) fn parse(bytes: &[u8]) -> Result<Settings, Misread> {
    let document = yaml(bytes)?;
    let top = Table::top(&document);
    let mut settings = Settings::new();
    for (key, name) in SAME {
        if let Some(value) = top.setting(key)? {
            settings.insert(name.to_owned(), value);
        }
    }
    let address = |table: &str, name: &str, value: &Tree| match value {
        Tree::String(text) => Ok(one(text.as_str())),
        _ => Err(Misread::Value { key: format!("{table}.{name}"), accepted: "an address" }),
    };
    for (name, value) in top.entries("registries")? {
        let key = if name == "default" { "registry".to_owned() } else { format!("{name}:registry") };
        settings.insert(key, address("registries", name, value)?);
    }
    for (name, value) in top.entries("namedRegistries")? {
        settings.insert(format!("{NAMED}{name}"), address("namedRegistries", name, value)?);
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_have_npms_keys() {
        let text = "packages: [a]\nregistries:\n  default: https://npm.example/\n  '@company': https://packages.example/\nnamedRegistries: {work: 'https://work.example/${TEAM}'}\nstrictSsl: false\n";
        let settings = parse(text.as_bytes()).unwrap();
        let keys: Vec<&str> = settings.keys().map(String::as_str).collect();
        assert_eq!(keys, ["@company:registry", "named-registry:work", "registry", "strict-ssl"]);
        assert_eq!(settings["named-registry:work"], one("https://work.example/${TEAM}"));
    }

    #[test]
    fn what_is_not_understood_is_named_by_its_key() {
        for (text, key) in [
            ("registries: https://npm.example/", "registries"),
            ("namedRegistries: {work: [a]}", "namedRegistries.work"),
            ("registry: {a: b}", "registry"),
        ] {
            let misread = parse(text.as_bytes()).unwrap_err();
            assert!(matches!(&misread, Misread::Value { key: named, .. } if named == key), "{text}: {misread:?}");
        }
    }
}
