//! Where the value of a placeholder stands: the version of a package, or a file of its tarball, at a key of its JSON or between two texts. Pure.

use serde::Deserialize;
use serde_json::Value;

/// Bytes that a value may have: of an address, it is part of a path.
const OF_VALUE: &[u8] = b"-_.+~";
/// The longest value, bytes.
const LONGEST: usize = 200;

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum ValueSource {
    /// Where it is decided, in words: not in a package.
    Words(String),
    /// In a package.
    Place(ValuePlace),
}

/// A place in a package that the plan has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ValuePlace {
    /// The package; without it, the one that downloads.
    #[serde(default)]
    pub package: Option<String>,
    /// The file's path in the package; without it, the package's version.
    #[serde(default)]
    pub file: Option<String>,
    /// In JSON: the keys that lead to it. `name=chromium` is the element of a list in which `name` is that.
    #[serde(default)]
    pub key: Vec<String>,
    /// What stands before it, for the first time.
    #[serde(default)]
    pub after: Option<String>,
    /// What stands before it, for the last time.
    #[serde(default)]
    pub after_last: Option<String>,
    /// What stands behind it.
    #[serde(default)]
    pub until: Option<String>,
}

impl ValuePlace {
    /// The value, out of the text of the file or of the version. `None` if it is not there, or is nothing that an address may have in its path.
    pub fn value_in(&self, text: &str) -> Option<String> {
        let found = if self.key.is_empty() { text.to_owned() } else { at_key(text, &self.key)? };
        let found = match (&self.after, &self.after_last) {
            (Some(before), _) => found.split_once(before.as_str())?.1,
            (None, Some(before)) => found.rsplit_once(before.as_str())?.1,
            (None, None) => &found,
        };
        let found = self.until.as_ref().map_or(Some(found), |behind| Some(found.split_once(behind.as_str())?.0))?;
        is_value(found).then(|| found.to_owned())
    }

    /// Where it stands, in words.
    pub fn words(&self) -> String {
        match (&self.file, &self.package) {
            (Some(file), Some(package)) => format!("{file} of {package}"),
            (Some(file), None) => file.clone(),
            (None, Some(package)) => format!("the version of {package}"),
            (None, None) => "its version".to_owned(),
        }
    }
}

/// Whether it can be a part of an address's path: neither empty nor a way up.
fn is_value(text: &str) -> bool {
    let is_of_value = |byte: u8| byte.is_ascii_alphanumeric() || OF_VALUE.contains(&byte);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_of_value) && !text.contains("..") && text != "."
}

fn at_key(json: &str, key: &[String]) -> Option<String> {
    let document: Value = serde_json::from_str(json.trim_start_matches('\u{feff}')).ok()?;
    let found = key.iter().try_fold(&document, |at, part| match (at, part.split_once('=')) {
        (Value::Array(elements), Some((name, wanted))) => elements.iter().find(|element| element[name] == wanted),
        (_, _) => at.get(part),
    })?;
    match found {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(toml: &str) -> ValuePlace {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn a_value_is_read_where_its_place_says() {
        let browsers = r#"{"browsers": [{"name": "chromium", "browserVersion": "159.0.8154.6"}, {"name": "firefox", "revision": 1572}]}"#;
        let revisions =
            "exports.R = Object.freeze({\n    chrome: '148.0.7778.97',\n    'chrome-headless-shell': '1',\n});";
        for (toml, text, expected) in [
            ("key = ['browsers', 'name=chromium', 'browserVersion']", browsers, Some("159.0.8154.6")),
            ("key = ['browsers', 'name=firefox', 'revision']", browsers, Some("1572")),
            ("key = ['browsers', 'name=webkit', 'revision']", browsers, None),
            ("key = ['browsers']", browsers, None),
            ("key = ['browsers']", "no JSON", None),
            ("after = \"chrome: '\"\nuntil = \"'\"", revisions, Some("148.0.7778.97")),
            ("after = \"firefox: '\"\nuntil = \"'\"", revisions, None),
            ("after-last = '.'", "7.10.0-27.d1b3f377", Some("d1b3f377")),
            ("until = '-'", "7.10.0-27", Some("7.10.0")),
        ] {
            assert_eq!(place(toml).value_in(text).as_deref(), expected, "{toml}");
        }
    }

    #[test]
    fn what_could_lead_an_address_elsewhere_is_no_value() {
        for text in
            ["", "a/b", "..", ".", "a..b", "a?b", "a#b", "a b", "{abi}", "a%2fb", "a\\b", "a@b", &"a".repeat(201)]
        {
            assert_eq!(place("").value_in(text), None, "{text}");
        }
        assert_eq!(place("").value_in("v1.2.3-rc.1+b_~").as_deref(), Some("v1.2.3-rc.1+b_~"));
    }
}
