//! [`RuntimeVersion`]: a release of Pyodide, and its folder on a CDN.

use std::{fmt, sync::Arc};

use pep440_rs::Version;

/// A version of Pyodide as npm writes it: `0.28.3`, `315.0.0-alpha.2`. Safe in a path and in a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuntimeVersion(Arc<str>);

impl RuntimeVersion {
    /// Checks a version. What is wrong comes back in words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let is_plain = text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        if is_plain && text.parse::<Version>().is_ok() { Ok(Self(text.into())) } else { Err("no version of Pyodide") }
    }

    /// The version as npm writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder that a CDN has its files in: `v0.28.3`, `v315.0.0a2`. Never made of the lock's own `version`, which is wrong in some releases.
    pub fn folder(&self) -> String {
        let version: Version = self.0.parse().expect("checked when it was made");
        format!("v{version}")
    }
}

impl fmt::Display for RuntimeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cdn_folder_is_the_python_spelling_of_the_npm_version() {
        for (npm, folder) in [
            ("0.28.3", "v0.28.3"),
            ("315.0.0-alpha.2", "v315.0.0a2"),
            ("0.27.0-rc.1", "v0.27.0rc1"),
            ("314.0.0", "v314.0.0"),
        ] {
            assert_eq!(RuntimeVersion::parse(npm).unwrap().folder(), folder);
        }
        for text in ["", "latest", "^0.28.2", "0.28/..", "0.28.x", "v0.28.3", "1.0 "] {
            assert!(RuntimeVersion::parse(text).is_err(), "{text:?}");
        }
    }
}
