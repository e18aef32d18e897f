//! [`ProjectName`]: a Python project's name in its normal form.

use std::{borrow::Borrow, fmt, sync::Arc};

/// A Python project's name, normalised as PEP 503 says: lower case, and runs of `-`, `_` and `.` are one `-`. Safe in a path and in a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectName(Arc<str>);

impl ProjectName {
    /// Checks a name in any spelling and normalises it: letters, digits, `-`, `_` and `.`, the first and the last a letter or digit, 1 to 214 bytes. What is
    /// wrong comes back in words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() || text.len() > 214 {
            return Err("a name that is empty or longer than 214 bytes");
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_separator(byte)) {
            return Err("a character that no Python project's name has");
        }
        if text.starts_with(['-', '_', '.']) || text.ends_with(['-', '_', '.']) {
            return Err("a name that begins or ends with a separator");
        }
        let mut normal = String::with_capacity(text.len());
        for byte in text.bytes() {
            match (is_separator(byte), normal.ends_with('-')) {
                (true, true) => {}
                (true, false) => normal.push('-'),
                (false, _) => normal.push(char::from(byte.to_ascii_lowercase())),
            }
        }
        Ok(Self(normal.into()))
    }

    /// The normalised name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const fn is_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'_' | b'.')
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for ProjectName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl serde::Serialize for ProjectName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_equal() {
        let cases = [
            ("Jinja2", "jinja2"),
            ("ruamel.yaml", "ruamel-yaml"),
            ("a-_.b", "a-b"),
            ("Friendly-._.-Bard", "friendly-bard"),
            ("7", "7"),
        ];
        for (text, expected) in cases {
            assert_eq!(ProjectName::parse(text).unwrap().as_str(), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "-a", "a-", ".", "..", "a b", "a/b", "a\\b", "ä", "a\n", "a%2f", &"a".repeat(215)] {
            assert!(ProjectName::parse(text).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_normalised_name_is_its_own_normal_form(text in "[A-Za-z0-9._-]{0,20}") {
            if let Ok(name) = ProjectName::parse(&text) {
                proptest::prop_assert_eq!(ProjectName::parse(name.as_str()), Ok(name.clone()));
                proptest::prop_assert!(!name.as_str().contains("--"));
            }
        }
    }
}
