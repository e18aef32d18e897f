//! pnpm's configuration file: reads registries and network settings from `pnpm-workspace.yaml` and translates them to npm's keys.
//!
//! ```text
//! registries:
//!   default: https://npm.example/                    registry=…
//!   '@company': https://packages.example/            @company:registry=…
//! namedRegistries:
//!   work: https://work.example/                      named-registry:work=…
//! httpsProxy, cafile, strictSsl, …                   https-proxy, cafile, strict-ssl, …
//! ignoreScripts: true                                ignore-scripts=true
//! onlyBuiltDependencies: [cypress]                   only-built-dependencies[]=cypress
//! allowBuilds: {cypress: true, core-js: false}       only-built-dependencies[]=cypress, never-built-dependencies[]=core-js
//! ```

use serde_json::Value as Tree;

use super::{
    document::{Table, yaml},
    settings::{Misread, Setting, Settings, Value, one},
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

/// Which install scripts run.
const OF_SCRIPTS: [(&str, &str); 4] = [
    ("ignoreScripts", "ignore-scripts"),
    ("dangerouslyAllowAllBuilds", "dangerously-allow-all-builds"),
    ("onlyBuiltDependencies", "only-built-dependencies"),
    ("neverBuiltDependencies", "never-built-dependencies"),
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
    say_of_scripts(&top, &mut settings);
    Ok(settings)
}

fn say_of_scripts(top: &Table<'_>, settings: &mut Settings) {
    for (key, name) in OF_SCRIPTS {
        if let Some(value) = top.lenient(key) {
            settings.insert(name.to_owned(), value);
        }
    }
    let allowed: Vec<(&str, &Tree)> = top.entries("allowBuilds").into_iter().flatten().collect();
    for (name, is_allowed) in [("only-built-dependencies", true), ("never-built-dependencies", false)] {
        let packages = allowed.iter().filter(|(_, value)| value.as_bool() == Some(is_allowed));
        let mut listed: Vec<Value> = packages.map(|(package, _)| Value::Text((*package).to_owned())).collect();
        match settings.remove(name) {
            Some(Setting::Many(others)) => listed.extend(others),
            Some(Setting::One(other)) => listed.push(other),
            None => {}
        }
        if !listed.is_empty() {
            settings.insert(name.to_owned(), Setting::Many(listed));
        }
    }
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
    fn what_is_said_of_install_scripts_is_kept_as_far_as_it_is_understood() {
        let text = "ignoreScripts: true\nonlyBuiltDependencies: [a]\nallowBuilds: {b: true, c: false, d: maybe}\nneverBuiltDependencies: {a: b}\n";
        let settings = parse(text.as_bytes()).unwrap();
        let list = |names: &[&str]| Setting::Many(names.iter().map(|&name| Value::Text(name.to_owned())).collect());
        assert_eq!(settings["ignore-scripts"], Setting::One(Value::Flag(true)));
        assert_eq!(settings["only-built-dependencies"], list(&["b", "a"]));
        assert_eq!(settings["never-built-dependencies"], list(&["c"]));
        assert!(parse(b"onlyBuiltDependencies: {a: b}\nallowBuilds: [a]").unwrap().is_empty());
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
