//! Bun's configuration file: reads registries, credentials and certificates from `bunfig.toml` and translates them to npm's keys.
//!
//! ```text
//! [install]
//! registry = "https://user:password@npm.example/"          registry=…
//! cafile = "ca.pem"                                        cafile=…
//! [install.scopes]
//! company = { url = "https://packages.example/", token = "$TOKEN" }
//!                                                          @company:registry=…, //packages.example/:_authToken=…
//! ```
//!
//! `$NAME` as a whole value stands for that environment variable, as in bun; `${NAME}` is npm's syntax for the same.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value as Tree};

use super::{
    credential_place::place,
    document::Table,
    expand::expand,
    settings::{Misread, Settings, one},
};
use crate::core::environment::Environment;

/// npm's keys and their values.
pub(super) fn parse(bytes: &[u8], environment: &Environment) -> Result<Settings, Misread> {
    let text = String::from_utf8_lossy(bytes);
    let document: Map<String, Tree> = toml::from_str(&text).map_err(|error: toml::de::Error| {
        let line = |start: usize| 1 + text.get(..start).unwrap_or(&text).matches('\n').count();
        let place = error.span().map_or_else(String::new, |span| format!(" (line {})", line(span.start)));
        Misread::Syntax { language: "TOML", place }
    })?;
    let mut settings = Settings::new();
    let Some(install) = Table::top(&document).one_table("install")? else { return Ok(settings) };
    let table = Table::below(install, "install.");
    for key in ["ca", "cafile"] {
        if let Some(value) = table.setting(key)? {
            settings.insert(key.to_owned(), value);
        }
    }
    if let Some(value) = table.lenient("ignoreScripts") {
        settings.insert("ignore-scripts".to_owned(), value);
    }
    if let Some(registry) = install.get("registry") {
        say("registry", "install.registry", registry, environment, &mut settings)?;
    }
    for (name, registry) in table.entries("scopes")? {
        let key = format!("@{}:registry", name.trim_start_matches('@'));
        say(&key, &format!("install.scopes.{name}"), registry, environment, &mut settings)?;
    }
    Ok(settings)
}

/// Says one registry: an address, or a table with one.
fn say(
    key: &str,
    full: &str,
    registry: &Tree,
    environment: &Environment,
    settings: &mut Settings,
) -> Result<(), Misread> {
    let map = match registry {
        Tree::String(text) => {
            settings.insert(key.to_owned(), one(variable(text)));
            return Ok(());
        }
        Tree::Object(map) => map,
        _ => return Err(Misread::Value { key: full.to_owned(), accepted: "an address or a table with `url`" }),
    };
    let prefix = format!("{full}.");
    let table = Table::below(map, &prefix);
    let address = table.text("url")?.map(variable);
    if let Some(address) = &address {
        settings.insert(key.to_owned(), one(address.as_str()));
    }
    // Where the secrets are for: that of the address with its variables put in.
    let address = address.map(|address| expand(&address, environment).text);
    let place = address.as_deref().and_then(place).map(|place| format!("{place}:")).unwrap_or_default();
    if place.is_empty() && key != "registry" {
        return match table.text("token")?.or(table.text("password")?) {
            None => Ok(()),
            Some(_) => Err(Misread::Value { key: format!("{full}.url"), accepted: "there, beside a secret for it" }),
        };
    }
    if let Some(token) = table.text("token")? {
        settings.insert(format!("{place}_authToken"), one(variable(token)));
    }
    if let (Some(user), Some(password)) = (table.text("username")?, table.text("password")?) {
        settings.insert(format!("{place}username"), one(variable(user)));
        let password = variable(password);
        let expanded = expand(&password, environment);
        let is_set = expanded.unset.is_empty();
        let password = if is_set { STANDARD.encode(expanded.text) } else { password };
        settings.insert(format!("{place}_password"), one(password));
    }
    Ok(())
}

/// `$NAME` as npm writes it, `${NAME}`; any other text as it is.
fn variable(text: &str) -> String {
    match text.strip_prefix('$') {
        Some(name) if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
            format!("${{{name}}}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::settings::{Setting, Value};

    fn read(text: &str) -> Vec<String> {
        let environment = Environment::new(Path::new("/"), [("PASSWORD", "p"), ("HOST", "h.example")]);
        let shown = |(key, setting)| match setting {
            Setting::One(Value::Text(value)) => format!("{key}={value}"),
            other => format!("{key}={other:?}"),
        };
        parse(text.as_bytes(), &environment).unwrap().into_iter().map(shown).collect()
    }

    #[test]
    fn registries_and_secrets_have_npms_keys() {
        let text = "[install]\nregistry = { url = \"https://${HOST}/npm/\", username = \"u\", password = \"$PASSWORD\" }\ncafile = \"ca.pem\"\n[install.scopes]\n\"@a\" = \"https://u:p@a.example/\"\nb = { url = \"https://b.example:8443\", token = \"$TOKEN\" }\n";
        assert_eq!(
            read(text),
            [
                "//b.example:8443/:_authToken=${TOKEN}",
                "//h.example/npm/:_password=cA==",
                "//h.example/npm/:username=u",
                "@a:registry=https://u:p@a.example/",
                "@b:registry=https://b.example:8443",
                "cafile=ca.pem",
                "registry=https://${HOST}/npm/",
            ]
        );
        assert_eq!(read("[test]\nregistry = 1\n"), [""; 0]);
    }

    #[test]
    fn what_is_not_understood_is_named_by_its_key_or_line() {
        for (text, key) in [
            ("install = 1", "install"),
            ("[install]\nregistry = 1", "install.registry"),
            ("[install]\nscopes = [1]", "install.scopes"),
            ("[install.scopes]\na = { url = 1 }", "install.scopes.a.url"),
            ("[install.scopes]\na = { token = \"t\" }", "install.scopes.a.url"),
        ] {
            let misread = parse(text.as_bytes(), &Environment::default()).unwrap_err();
            assert!(matches!(&misread, Misread::Value { key: named, .. } if named == key), "{text}: {misread:?}");
        }
        let misread = parse(b"a = 1\ntoken = \"s3cret\n", &Environment::default()).unwrap_err();
        assert_eq!(misread, Misread::Syntax { language: "TOML", place: " (line 2)".to_owned() });
    }
}
