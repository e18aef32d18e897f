//! [`Licence`]: what a package says that its licence is. An expression of SPDX's list is told from any other words; nothing is guessed.

use ::spdx::{Expression, ParseMode};
use serde::Deserialize;
use serde_json::Value;

/// Longer words are no licence's name but its text, bytes.
const LONGEST_NAME: usize = 200;

/// Deprecated names (`GPL-2.0`, `GPL-2.0+`) are on SPDX's list, too, and most packages of npm that have one were published before they were deprecated.
const MODE: ParseMode = ParseMode { allow_deprecated: true, allow_postfix_plus_on_gpl: true, ..ParseMode::STRICT };

/// A licence, as the package states it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Licence {
    /// An expression of licences of SPDX's list: `MIT OR Apache-2.0`.
    Expression(String),
    /// Other words: `SEE LICENSE IN LICENSE.txt`, `UNLICENSED`.
    Name(String),
}

/// The fields of a `package.json` that state a licence, those of before 2014 too.
#[derive(Deserialize)]
struct PackageJson {
    #[serde(default)]
    license: Value,
    #[serde(default)]
    licenses: Value,
}

impl Licence {
    /// What these words say; `None` if they say nothing, or are a licence's whole text.
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        if text.is_empty() || text.len() > LONGEST_NAME || text.chars().any(char::is_control) {
            return None;
        }
        // SPDX 2.3 knows the operators in upper case alone.
        let upper = |word: &&str| match word.to_ascii_uppercase() {
            operator if matches!(operator.as_str(), "AND" | "OR" | "WITH") => operator,
            _ => (*word).to_owned(),
        };
        let expression = words.iter().map(upper).collect::<Vec<_>>().join(" ");
        Some(if is_of_the_list(&expression) { Self::Expression(expression) } else { Self::Name(text) })
    }

    /// What a `package.json` states: `license`, as words or as an object with `type`, or `licenses`, a list of such objects of which anyone may be chosen.
    pub fn of_package_json(bytes: &[u8]) -> Option<Self> {
        let stated: PackageJson = serde_json::from_slice(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)).ok()?;
        Self::of_json(&stated.license).or_else(|| Self::of_json(&stated.licenses))
    }

    /// What the value of `license` or `licenses` states.
    pub fn of_json(stated: &Value) -> Option<Self> {
        match stated {
            Value::String(text) => Self::parse(text),
            Value::Object(fields) => ["type", "name"].iter().find_map(|key| Self::parse(fields.get(*key)?.as_str()?)),
            Value::Array(choices) => Self::any_of(choices.iter().filter_map(Self::of_json)),
            _ => None,
        }
    }

    /// What the head of a wheel's METADATA states: `License-Expression`, else `License` if it is a name, else the classifiers.
    pub fn of_wheel(metadata: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(metadata);
        let head = || text.trim_start_matches('\u{feff}').lines().take_while(|line| !line.is_empty());
        let field = |name: &'static str| {
            head().enumerate().filter_map(move |(at, line)| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| (at, value.trim()))
            })
        };
        let is_folded = |at: usize| head().nth(at + 1).is_some_and(|next| next.starts_with([' ', '\t']));
        let named = |name| {
            let (at, value) = field(name).next()?;
            // A licence's text goes on in the next lines.
            if is_folded(at) || value.eq_ignore_ascii_case("UNKNOWN") { None } else { Self::parse(value) }
        };
        let classifiers = || {
            let of_licences = field("Classifier").filter_map(|(_, value)| value.strip_prefix("License ::"));
            let last: Vec<&str> = of_licences.filter_map(|value| Some(value.rsplit("::").next()?.trim())).collect();
            // Several may be a choice or not.
            Self::parse(&last.join(", "))
        };
        named("License-Expression").or_else(|| named("License")).or_else(classifiers)
    }

    /// One licence of which any of these may be chosen, as npm's documentation says of `licenses`.
    fn any_of(choices: impl Iterator<Item = Self>) -> Option<Self> {
        let choices: Vec<Self> = choices.collect();
        let is_compound = |text: &str| choices.len() > 1 && text.contains(' ');
        let each = choices.iter().map(|choice| match choice {
            Self::Expression(text) if is_compound(text) => format!("({text})"),
            Self::Expression(text) | Self::Name(text) => text.clone(),
        });
        Self::parse(&each.collect::<Vec<_>>().join(" OR "))
    }
}

/// A reference (`LicenseRef-…`) leads to a text that the package has somewhere, and the document has not.
fn is_of_the_list(text: &str) -> bool {
    Expression::parse_mode(text, MODE).is_ok_and(|expression| {
        expression.requirements().all(|term| term.req.license.id().is_some()) && !text.contains("Ref-")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An expression as it is, other words in quotes.
    fn shown(licence: Option<Licence>) -> String {
        match licence {
            Some(Licence::Expression(text)) => text,
            Some(Licence::Name(text)) => format!("`{text}`"),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn an_expression_of_the_list_is_told_from_other_words() {
        for text in ["MIT", "(MIT OR Apache-2.0)", "GPL-2.0", "GPL-2.0+", "GPL-2.0-only WITH Classpath-exception-2.0"] {
            assert_eq!(shown(Licence::parse(text)), text);
        }
        assert_eq!(shown(Licence::parse(" MIT  or\nApache-2.0 ")), "MIT OR Apache-2.0");
        for text in [
            "mit",
            "Apache 2",
            "MIT/X11",
            "UNLICENSED",
            "SEE LICENSE IN ./a",
            "LicenseRef-x",
            "MIT OR LicenseRef-x",
            "\"><script>",
        ] {
            assert_eq!(shown(Licence::parse(text)), format!("`{text}`"));
        }
        for text in ["", " \n", "a\u{1b}[31m", &"word ".repeat(100)] {
            assert_eq!(shown(Licence::parse(text)), "nothing", "{text:?}");
        }
    }

    #[test]
    fn a_package_json_states_it_in_several_forms() {
        let cases = [
            (r#"{"license": "MIT"}"#, "MIT"),
            ("\u{feff}{\"license\": {\"type\": \"ISC\", \"url\": \"https://x.example/\"}}", "ISC"),
            (r#"{"licenses": [{"type": "MIT"}, {"type": "GPL-2.0"}]}"#, "MIT OR GPL-2.0"),
            (r#"{"licenses": ["MIT AND ISC", "BSD"]}"#, "`(MIT AND ISC) OR BSD`"),
            (r#"{"license": "", "licenses": [{"type": "MIT"}]}"#, "MIT"),
            (r#"{"license": 7, "licenses": {}}"#, "nothing"),
            (r#"{"license": ["MIT", null, {"type": []}]}"#, "MIT"),
            ("[]", "nothing"),
            ("no json", "nothing"),
        ];
        for (json, expected) in cases {
            assert_eq!(shown(Licence::of_package_json(json.as_bytes())), expected, "{json}");
        }
    }

    #[test]
    fn a_wheel_states_it_in_several_forms() {
        let classifiers = "Classifier: License :: OSI Approved :: BSD License\nClassifier: Topic :: X\n";
        let cases = [
            (format!("Name: a\nLicense-Expression: MIT\nLicense: x\n{classifiers}"), "MIT"),
            (format!("Name: a\nLicense: BSD-3-Clause\n{classifiers}"), "BSD-3-Clause"),
            (format!("Name: a\nLicense: Copyright me\n        All of the text\n{classifiers}"), "`BSD License`"),
            (
                format!("License: UNKNOWN\r\n{classifiers}Classifier: License :: Public Domain\n"),
                "`BSD License, Public Domain`",
            ),
            ("Name: a\n\nLicense: MIT\n".to_owned(), "nothing"),
            ("PK\u{3}".to_owned(), "nothing"),
        ];
        for (metadata, expected) in cases {
            assert_eq!(shown(Licence::of_wheel(metadata.as_bytes())), expected, "{metadata}");
        }
    }
}
