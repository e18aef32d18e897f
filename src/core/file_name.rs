//! [`FileName`]: the name of one file in a distribution or an index.

use std::{fmt, sync::Arc};

/// A file's bare name: safe to join to a folder and to put at the end of an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(Arc<str>);

impl FileName {
    /// Checks a name: 1 to 255 bytes, visible ASCII without slashes, backslashes and `:?#%"<>|*`, and does not begin with a dot. What is wrong
    /// comes back in words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() || text.len() > 255 {
            return Err("a file name that is empty or longer than 255 bytes");
        }
        if text.starts_with('.') {
            return Err("a file name that begins with a dot");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"/\\:?#%\"<>|*".contains(&byte)) {
            return Err("a file name with a character that larder accepts in none");
        }
        Ok(Self(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it ends with `.whl`.
    pub fn is_wheel(&self) -> bool {
        self.0.ends_with(".whl")
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        for text in ["a-1.0-py3-none-any.whl", "python_stdlib.zip", "a-1!1.0+b.1-py3-none-any.whl"] {
            assert_eq!(FileName::parse(text).unwrap().as_str(), text);
        }
        for text in ["", ".", "..", ".a", "a/b", "../a", "/a", "a\\b", "c:a", "a?b", "a#b", "a%2fb", "a b", "a\0", "ä"]
        {
            assert!(FileName::parse(text).is_err(), "{text:?}");
        }
    }
}
