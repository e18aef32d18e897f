//! Yarn's configuration file: reads registries, credentials and network settings from `.yarnrc.yml` and translates them to npm's keys.
//!
//! ```text
//! npmRegistryServer: "https://packages.example"      registry=…
//! npmAuthToken: t                                    //packages.example/:_authToken=t
//! npmScopes:
//!   company:
//!     npmRegistryServer: "https://npm.example"       @company:registry=…
//!     npmAuthToken: t                                //npm.example/:_authToken=t
//! npmRegistries:
//!   "//npm.example":
//!     npmAuthIdent: "user:password"                  //npm.example/:_auth=…, in base64
//! httpProxy, httpsProxy, httpsCaFilePath, …          proxy, https-proxy, cafile, …
//! enableScripts: false                               enable-scripts=false, which npm does not have
//! ```
//!
//! A YAML parser reads it, so every form of YAML counts. A scope that larder overlooked would be requested from the default registry.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value as Tree};

use super::{
    credential_place::place,
    document::{Table, yaml},
    expand::expand,
    settings::{Misread, Settings, one},
};
use crate::core::environment::Environment;

/// yarn's keys for the network, and npm's. Of two that mean the same, the later wins.
const NETWORK: [(&str, &str); 10] = [
    ("httpProxy", "yarn:http-proxy"),
    ("httpsProxy", "yarn:https-proxy"),
    ("caFilePath", "cafile"),
    ("httpsCaFilePath", "cafile"),
    ("enableStrictSsl", "strict-ssl"),
    ("httpTimeout", "fetch-timeout"),
    ("httpRetry", "fetch-retries"),
    ("networkConcurrency", "maxsockets"),
    ("httpsCertFilePath", "certfile"),
    ("httpsKeyFilePath", "keyfile"),
];

/// What the secrets of a scope start with that names no registry, `yarn:scope:@company:_authToken`.
pub(super) const OF_SCOPE: &str = "yarn:scope:@";

/// What a person wrote for a key of [`OF_SCOPE`]: `npmScopes.company.npmAuthToken`.
pub(super) fn key_of_scope(key: &str) -> Option<String> {
    let (scope, field) = key.strip_prefix(OF_SCOPE)?.rsplit_once(':')?;
    Some(format!("npmScopes.{scope}.{}", if field == "_auth" { "npmAuthIdent" } else { "npmAuthToken" }))
}

/// What a person wrote for one of the keys that are here and are not npm's.
pub(super) fn written(key: &str) -> Cow<'_, str> {
    match key {
        "yarn:http-proxy" => "httpProxy".into(),
        "yarn:https-proxy" => "httpsProxy".into(),
        _ => key_of_scope(key).map_or(key.into(), Cow::Owned),
    }
}

/// The variables that stand for keys at the top, in the order in which yarn's own are written.
const VARIABLES: [(&str, &str); 11] = [
    ("YARN_NPM_REGISTRY_SERVER", "npmRegistryServer"),
    ("YARN_NPM_AUTH_TOKEN", "npmAuthToken"),
    ("YARN_NPM_AUTH_IDENT", "npmAuthIdent"),
    ("YARN_HTTP_PROXY", "httpProxy"),
    ("YARN_HTTPS_PROXY", "httpsProxy"),
    ("YARN_CA_FILE_PATH", "caFilePath"),
    ("YARN_HTTPS_CA_FILE_PATH", "httpsCaFilePath"),
    ("YARN_ENABLE_STRICT_SSL", "enableStrictSsl"),
    ("YARN_HTTPS_CERT_FILE_PATH", "httpsCertFilePath"),
    ("YARN_HTTPS_KEY_FILE_PATH", "httpsKeyFilePath"),
    ("YARN_ENABLE_SCRIPTS", "enableScripts"),
];

/// What a registry or a scope is said to have.
struct Server<'a> {
    address: Option<&'a str>,
    token: Option<&'a str>,
    ident: Option<&'a str>,
}

impl<'a> Server<'a> {
    fn read(table: &Table<'a>) -> Result<Self, Misread> {
        // Whether it always authenticates changes nothing here, but what it says must be understood.
        table.scalar("npmAlwaysAuth")?;
        Ok(Self {
            address: table.text("npmRegistryServer")?,
            token: table.text("npmAuthToken")?,
            ident: table.text("npmAuthIdent")?,
        })
    }

    const fn has_secret(&self) -> bool {
        self.token.is_some() || self.ident.is_some()
    }

    /// Says its secrets for the packages of a scope, wherever their registry is: another file can name it.
    fn say_of_scope(&self, scope: &str, settings: &mut Settings, environment: &Environment) {
        let secrets = [self.token.map(one), self.ident.map(|ident| one(basic(ident, environment)))];
        for (field, secret) in ["_authToken", "_auth"].into_iter().zip(secrets) {
            if let Some(secret) = secret {
                settings.insert(format!("{OF_SCOPE}{scope}:{field}"), secret);
            }
        }
    }

    /// Says its secrets, for the place of this address or, without one, for the registry that others name.
    fn say(&self, address: Option<&str>, settings: &mut Settings, environment: &Environment) {
        let place = address.and_then(place).map(|place| format!("{place}:")).unwrap_or_default();
        if let Some(token) = self.token {
            settings.insert(format!("{place}_authToken"), one(token));
        }
        if let Some(ident) = self.ident {
            settings.insert(format!("{place}_auth"), one(basic(ident, environment)));
        }
    }
}

/// npm's keys and their values.
pub(super) fn parse(bytes: &[u8], environment: &Environment) -> Result<Settings, Misread> {
    settings(&yaml(bytes)?, environment)
}

/// The same for what variables say.
pub(super) fn from_variables(environment: &Environment) -> Result<Settings, Misread> {
    let said = VARIABLES.iter().filter_map(|(variable, key)| {
        let text = environment.variable(variable).filter(|text| !text.is_empty())?;
        Some(((*key).to_owned(), Tree::String(text.to_owned())))
    });
    settings(&said.collect(), environment)
}

fn settings(document: &Map<String, Tree>, environment: &Environment) -> Result<Settings, Misread> {
    let top = Table::top(document);
    let mut settings = Settings::new();
    let default = Server::read(&top)?;
    default.say(default.address, &mut settings, environment);
    if let Some(address) = default.address {
        settings.insert("registry".to_owned(), one(address));
    }
    if let Some(value) = top.lenient("enableScripts") {
        settings.insert("enable-scripts".to_owned(), value);
    }
    let mut places = Vec::new();
    for (name, map) in &top.tables("npmRegistries")? {
        let prefix = format!("npmRegistries.{name}.");
        let server = Server::read(&Table::below(map, &prefix))?;
        server.say(Some(name), &mut settings, environment);
        places.extend(place(name).filter(|_| server.has_secret()));
    }
    for (name, map) in &top.tables("npmScopes")? {
        let prefix = format!("npmScopes.{name}.");
        let server = Server::read(&Table::below(map, &prefix))?;
        let scope = name.trim_start_matches('@');
        let Some(address) = server.address else {
            server.say_of_scope(scope, &mut settings, environment);
            continue;
        };
        let has_none = !server.has_secret() && !place(address).is_some_and(|place| places.contains(&place));
        // As yarn has it: what is said at the top is for every registry of which nothing else is said.
        let secrets = if has_none { &default } else { &server };
        secrets.say(Some(address), &mut settings, environment);
        settings.insert(format!("@{scope}:registry"), one(address));
    }
    network(&top, &mut settings)?;
    for (host, map) in &top.tables("networkSettings")? {
        let prefix = format!("networkSettings.{host}.");
        let table = Table::below(map, &prefix);
        if *host == "*" {
            let mut all = Settings::new();
            network(&table, &mut all)?;
            all.extend(settings);
            settings = all;
        } else if let Some((key, _)) = NETWORK.iter().find(|(key, _)| map.contains_key(*key)) {
            settings.insert(format!("yarn:unread:{}", table.full(key)), one("set"));
        }
    }
    Ok(settings)
}

fn network(table: &Table<'_>, settings: &mut Settings) -> Result<(), Misread> {
    for (key, name) in NETWORK {
        if let Some(value) = table.setting(key)? {
            settings.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

/// `user:password` in base64, as `_auth` has it; what is in base64 already stays, and so does what names a variable that is not set, which
/// is then told.
fn basic(ident: &str, environment: &Environment) -> String {
    let expanded = expand(ident.trim(), environment);
    if !expanded.unset.is_empty() {
        return ident.to_owned();
    }
    if expanded.text.contains(':') { STANDARD.encode(expanded.text) } else { expanded.text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::{Setting, Value};

    fn read(text: &str) -> Vec<String> {
        let shown = |(key, setting)| match setting {
            Setting::One(Value::Text(value)) => format!("{key}={value}"),
            other => format!("{key}={other:?}"),
        };
        parse(text.as_bytes(), &Environment::default()).unwrap().into_iter().map(shown).collect()
    }

    #[test]
    fn registries_and_secrets_have_npms_keys_in_block_form_and_in_flow_form() {
        let block = "nodeLinker: node-modules\n\nnpmRegistryServer: \"https://packages.example/npm/\" # ours\nnpmAuthToken: ${TOKEN:-none}\n\nnpmScopes:\n  company:\n    npmAlwaysAuth: true\n    npmRegistryServer: 'https://npm.example'\n    npmAuthToken: secret\n  other:\n    npmAuthIdent: user:password\n\nnpmRegistries:\n  \"//third.example:8443\":\n      npmAuthIdent: dXNlcjpwYXNzd29yZA==\n";
        let flow = "{nodeLinker: node-modules, npmRegistryServer: 'https://packages.example/npm/', npmAuthToken: \"${TOKEN:-none}\", npmScopes: {company: {npmAlwaysAuth: true, npmRegistryServer: 'https://npm.example', npmAuthToken: secret}, other: {npmAuthIdent: 'user:password'}}, npmRegistries: {'//third.example:8443': {npmAuthIdent: dXNlcjpwYXNzd29yZA==}}}";
        for text in [block, flow] {
            assert_eq!(
                read(text),
                [
                    "//npm.example/:_authToken=secret",
                    "//packages.example/npm/:_authToken=${TOKEN:-none}",
                    "//third.example:8443/:_auth=dXNlcjpwYXNzd29yZA==",
                    "@company:registry=https://npm.example",
                    "registry=https://packages.example/npm/",
                    "yarn:scope:@other:_auth=dXNlcjpwYXNzd29yZA==",
                ]
            );
        }
    }

    #[test]
    fn what_is_said_at_the_top_is_for_every_registry_of_which_nothing_else_is_said() {
        let text = "npmAuthToken: t\nnpmScopes:\n  a: {npmRegistryServer: 'https://a.example'}\n  b: {npmRegistryServer: 'https://b.example'}\nnpmRegistries:\n  https://b.example/: {npmAuthToken: b}\n";
        let secrets: Vec<_> = read(text).into_iter().filter(|line| line.contains("_auth")).collect();
        assert_eq!(secrets, ["//a.example/:_authToken=t", "//b.example/:_authToken=b", "_authToken=t"]);
    }

    #[test]
    fn an_ident_is_put_together_from_variables_before_it_is_encoded() {
        let environment = Environment::new(std::path::Path::new("/"), [("PASSWORD", "p"), ("USER_NAME", "u")]);
        let text = "npmAuthIdent: \"${USER_NAME}:${PASSWORD}\"";
        let settings = parse(text.as_bytes(), &environment).unwrap();
        assert_eq!(settings["_auth"], one("dTpw"));
    }

    #[test]
    fn the_network_has_npms_keys_too() {
        let text = "httpsProxy: http://p.example:1\nhttpsCaFilePath: ./ca.pem\nenableStrictSsl: false\nnetworkSettings:\n  '*': {httpProxy: 'http://q.example', httpsProxy: 'http://no.example'}\n  '*.corp.example': {httpsProxy: 'http://r.example'}\n";
        assert_eq!(
            read(text),
            [
                "cafile=./ca.pem",
                "strict-ssl=One(Flag(false))",
                "yarn:http-proxy=http://q.example",
                "yarn:https-proxy=http://p.example:1",
                "yarn:unread:networkSettings.*.corp.example.httpsProxy=set",
            ]
        );
    }

    #[test]
    fn what_is_no_setting_of_a_registry_is_passed_over() {
        let text = "plugins:\n  - path: a\n    spec: b\nnpmRegistryServer:\npackageExtensions:\n  a:\n    npmRegistryServer: https://no.example\n# npmAuthToken: x\nnpmAuthToken: \"t\"\n";
        assert_eq!(read(text), ["_authToken=t"]);
        assert_eq!(read(""), [""; 0]);
    }

    #[test]
    fn what_is_not_understood_is_named_by_its_key() {
        for (text, key) in [
            ("npmScopes: [a]", "npmScopes"),
            ("npmScopes: {a: 'https://a.example'}", "npmScopes.a"),
            ("npmScopes: {a: {npmRegistryServer: [x]}}", "npmScopes.a.npmRegistryServer"),
            ("npmRegistryServer: {a: b}", "npmRegistryServer"),
            ("npmAuthToken: 0123", "npmAuthToken"),
            ("networkSettings: all", "networkSettings"),
        ] {
            let misread = parse(text.as_bytes(), &Environment::default()).unwrap_err();
            assert!(matches!(&misread, Misread::Value { key: named, .. } if named == key), "{text}: {misread:?}");
        }
        let misread = parse(b"a: b\nnpmAuthToken: \"s3cret\n", &Environment::default()).unwrap_err();
        assert!(matches!(&misread, Misread::Syntax { language: "YAML", .. }));
        assert!(!format!("{misread:?}").contains("s3cret"), "{misread:?}");
    }
}
