//! `.yarnrc.yml`, of which registries and what is said to them are read, as the keys that npm has for the same.
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
//! ```
//!
//! It is YAML. These settings are read from its block form, in which yarn and people write it; what stands in another form is passed over.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::ini::{Setting, Value};

/// What a registry or a scope is said to have.
#[derive(Default)]
struct Server {
    address: Option<String>,
    token: Option<String>,
    ident: Option<String>,
}

/// npm's keys and their values.
pub(super) fn parse(bytes: &[u8]) -> BTreeMap<String, Setting> {
    let text = String::from_utf8_lossy(bytes);
    let mut servers: BTreeMap<(&str, String), Server> = BTreeMap::new();
    // The keys that lead to a line, each with its indentation.
    let mut above: Vec<(usize, String)> = Vec::new();
    for line in text.lines() {
        let Some((indent, key, value)) = pair(line) else { continue };
        above.retain(|(outer, _)| *outer < indent);
        let path: Vec<&str> = above.iter().map(|(_, key)| key.as_str()).collect();
        let group = match path.as_slice() {
            [] => Some(("", String::new())),
            ["npmScopes", scope] => Some(("npmScopes", (*scope).to_owned())),
            ["npmRegistries", registry] => Some(("npmRegistries", (*registry).to_owned())),
            _ => None,
        };
        let field: Option<fn(&mut Server) -> &mut Option<String>> = match key.as_str() {
            "npmRegistryServer" => Some(|server| &mut server.address),
            "npmAuthToken" => Some(|server| &mut server.token),
            "npmAuthIdent" => Some(|server| &mut server.ident),
            _ => None,
        };
        if let (Some(group), Some(field), Some(value)) = (group, field, &value) {
            *field(servers.entry(group).or_default()) = Some(value.clone());
        }
        above.push((indent, key));
    }
    let default = servers.get(&("", String::new())).and_then(|server| server.address.clone());
    let mut settings = BTreeMap::new();
    for ((group, name), server) in servers {
        let address = match group {
            "npmRegistries" => Some(name.clone()),
            // A scope without a registry of its own has what is said to the default one.
            "npmScopes" => server.address.clone().or_else(|| default.clone()),
            _ => server.address.clone(),
        };
        let mut say = |key: String, value: String| settings.insert(key, Setting::One(Value::Text(value)));
        if let Some(token) = server.token {
            say(format!("{}_authToken", prefix(address.as_deref())), token);
        }
        if let Some(ident) = server.ident {
            let auth = if ident.contains(':') { STANDARD.encode(ident) } else { ident };
            say(format!("{}_auth", prefix(address.as_deref())), auth);
        }
        if let Some(address) = server.address {
            let key = if group.is_empty() { "registry".to_owned() } else { format!("@{name}:registry") };
            say(key, address);
        }
    }
    settings
}

/// The scopes, with their at signs, that have a registry of their own: yarn asks it for their packages, whatever the environment says.
pub fn scopes(bytes: &[u8]) -> Vec<String> {
    parse(bytes).keys().filter_map(|key| key.strip_suffix(":registry")).map(str::to_owned).collect()
}

/// `//packages.example/npm/:`; nothing for the registry that others name.
fn prefix(address: Option<&str>) -> String {
    let place = address.and_then(|address| address.find("//").map(|start| &address[start..]));
    place.map(|place| format!("{}/:", place.trim_end_matches('/'))).unwrap_or_default()
}

/// A line's indentation, its key, and its value if it has one; `None` for lists, comments and what is in no block form.
fn pair(line: &str) -> Option<(usize, String, Option<String>)> {
    let content = line.trim_start_matches(' ');
    if content.trim().is_empty() || content.starts_with(['#', '-', '{', '[']) {
        return None;
    }
    let (key, rest) = scalar(content, ':')?;
    let rest = rest.strip_prefix(':')?;
    let value = rest.trim_start();
    let has_value = !value.is_empty() && !value.starts_with('#');
    let value = if has_value { Some(scalar(value, '#')?.0) } else { None };
    Some((line.len() - content.len(), key, value))
}

/// A text in quotes, or one that ends before `end`: a colon that a space or nothing follows, or a number sign that a space precedes. Then what follows it.
fn scalar(text: &str, end: char) -> Option<(String, &str)> {
    let quote = text.chars().next()?;
    if matches!(quote, '"' | '\'') {
        let (inner, rest) = text[1..].split_once(quote)?;
        return Some((inner.to_owned(), rest));
    }
    let is_end = |(at, character): &(usize, char)| {
        let after = &text[at + character.len_utf8()..];
        *character == end
            && match end {
                ':' => after.is_empty() || after.starts_with(' '),
                _ => text[..*at].ends_with(' '),
            }
    };
    let at = text.char_indices().find(is_end).map_or(text.len(), |(at, _)| at);
    Some((text[..at].trim_end().to_owned(), &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let shown = |(key, setting)| match setting {
            Setting::One(Value::Text(value)) => format!("{key}={value}"),
            other => panic!("{other:?}"),
        };
        parse(text.as_bytes()).into_iter().map(shown).collect()
    }

    #[test]
    fn registries_and_secrets_have_npms_keys() {
        let text = "nodeLinker: node-modules\n\nnpmRegistryServer: \"https://packages.example/npm/\" # ours\nnpmAuthToken: ${TOKEN:-none}\n\nnpmScopes:\n  company:\n    npmAlwaysAuth: true\n    npmRegistryServer: 'https://npm.example'\n    npmAuthToken: secret\n  other:\n    npmAuthIdent: user:password\n\nnpmRegistries:\n  \"//third.example:8443\":\n      npmAuthIdent: dXNlcjpwYXNzd29yZA==\n";
        assert_eq!(
            read(text),
            [
                "//npm.example/:_authToken=secret",
                "//packages.example/npm/:_auth=dXNlcjpwYXNzd29yZA==",
                "//packages.example/npm/:_authToken=${TOKEN:-none}",
                "//third.example:8443/:_auth=dXNlcjpwYXNzd29yZA==",
                "@company:registry=https://npm.example",
                "registry=https://packages.example/npm/",
            ]
        );
        assert_eq!(scopes(text.as_bytes()), ["@company"]);
    }

    #[test]
    fn what_is_no_setting_of_a_registry_is_passed_over() {
        let text = "plugins:\n  - path: a\n    spec: b\nnpmRegistryServer:\npackageExtensions:\n  a:\n    npmRegistryServer: https://no.example\n# npmAuthToken: x\nnpmScopes: {a: {npmAuthToken: b}}\n\"unclosed\nnpmAuthToken: \"t\"\n";
        assert_eq!(read(text), ["_authToken=t"]);
    }
}
