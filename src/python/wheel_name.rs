//! [`WheelName`]: a parsed wheel file name.
//!
//! `name-version(-build)?-python-abi-platform.whl`, where each of the last three is a set of tags joined by dots
//! (packaging.python.org, binary distribution format).

use std::fmt;

use pep440_rs::Version;

use super::name::ProjectName;
use crate::core::file_name::FileName;

/// A wheel's file name and its parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WheelName {
    file: FileName,
    name: ProjectName,
    version: Version,
    build: Option<BuildTag>,
    tags: [Box<str>; 3],
}

/// A build tag: of two wheels that fit equally well, the one with the higher build is taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BuildTag {
    number: u64,
    rest: Box<str>,
}

/// Why a file name is not a wheel's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WheelNameError {
    /// Another ending.
    #[error("`{}` does not end with .whl", file.escape_debug())]
    NoWheel {
        /// The name.
        file: String,
    },
    /// A character that no file name may have.
    #[error("`{}` has {problem}", file.escape_debug())]
    Unsafe {
        /// The name.
        file: String,
        /// What is wrong, in words.
        problem: &'static str,
    },
    /// More or fewer than five or six parts.
    #[error("`{file}` has {parts} parts between dashes, and a wheel's name has 5 or 6")]
    Parts {
        /// The name.
        file: String,
        /// How many there are.
        parts: usize,
    },
    /// No project's name.
    #[error("`{file}` begins with {problem}")]
    Name {
        /// The name.
        file: String,
        /// What is wrong, in words.
        problem: &'static str,
    },
    /// No version.
    #[error("`{file}` names `{version}`, which is no version")]
    Version {
        /// The name.
        file: String,
        /// What stands in the version's place.
        version: String,
    },
    /// A build tag that does not begin with a digit.
    #[error("`{file}` names the build `{build}`, which does not begin with a digit")]
    Build {
        /// The name.
        file: String,
        /// What stands in the build tag's place.
        build: String,
    },
}

impl WheelName {
    /// Reads a wheel's file name.
    pub fn parse(file: &str) -> Result<Self, WheelNameError> {
        let owned = || file.to_owned();
        let stem = file.strip_suffix(".whl").ok_or_else(|| WheelNameError::NoWheel { file: owned() })?;
        let checked = FileName::parse(file).map_err(|problem| WheelNameError::Unsafe { file: owned(), problem })?;
        let parts: Vec<&str> = stem.split('-').collect();
        let (name, version, build, tags) = match parts[..] {
            [name, version, python, abi, platform] => (name, version, None, [python, abi, platform]),
            [name, version, build, python, abi, platform] => (name, version, Some(build), [python, abi, platform]),
            _ => return Err(WheelNameError::Parts { file: owned(), parts: parts.len() }),
        };
        Ok(Self {
            file: checked,
            name: ProjectName::parse(name).map_err(|problem| WheelNameError::Name { file: owned(), problem })?,
            // Tools that escape names write `_` for `-` in versions, too.
            version: version
                .replace('_', "-")
                .parse()
                .map_err(|_| WheelNameError::Version { file: owned(), version: version.to_owned() })?,
            build: build
                .map(|build| {
                    BuildTag::parse(build)
                        .ok_or_else(|| WheelNameError::Build { file: owned(), build: build.to_owned() })
                })
                .transpose()?,
            tags: tags.map(Into::into),
        })
    }

    /// The whole name.
    pub fn file(&self) -> &FileName {
        &self.file
    }

    /// The project.
    pub fn name(&self) -> &ProjectName {
        &self.name
    }

    /// The version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The build tag, if there is one.
    pub(crate) fn build(&self) -> Option<&BuildTag> {
        self.build.as_ref()
    }

    /// Every combination of its tags: Python, ABI, platform.
    pub fn tags(&self) -> impl Iterator<Item = [&str; 3]> {
        let [pythons, abis, platforms] = &self.tags;
        pythons.split('.').flat_map(move |python| {
            abis.split('.').flat_map(move |abi| platforms.split('.').map(move |platform| [python, abi, platform]))
        })
    }
}

impl BuildTag {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        // A number that does not fit is a date and more; the highest stands for all of them.
        let number = if digits == 0 { return None } else { text[..digits].parse().unwrap_or(u64::MAX) };
        Some(Self { number, rest: text[digits..].into() })
    }
}

impl fmt::Display for WheelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.file.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_read() {
        let wheel = WheelName::parse("Foo_Bar-1.0.0rc1-2b-py2.py3-none-any.whl").unwrap();
        assert_eq!((wheel.name().as_str(), wheel.version().to_string().as_str()), ("foo-bar", "1.0.0rc1"));
        assert_eq!(wheel.build(), BuildTag::parse("2b").as_ref());
        assert_eq!(wheel.tags().collect::<Vec<_>>(), [["py2", "none", "any"], ["py3", "none", "any"]]);
        let local = WheelName::parse("a-1.0+cpu_1-py3-none-any.whl").unwrap();
        assert_eq!(local.version().to_string(), "1.0+cpu.1");
    }

    #[test]
    fn what_is_no_wheel_is_named() {
        let cases = [
            ("a-1.0.tar.gz", "`a-1.0.tar.gz` does not end with .whl"),
            ("a-1.0-py3-none.whl", "`a-1.0-py3-none.whl` has 4 parts between dashes, and a wheel's name has 5 or 6"),
            (
                "-1.0-py3-none-any.whl",
                "`-1.0-py3-none-any.whl` begins with a name that is empty or longer than 214 bytes",
            ),
            ("a-one-py3-none-any.whl", "`a-one-py3-none-any.whl` names `one`, which is no version"),
            (
                "a-1.0-b2-py3-none-any.whl",
                "`a-1.0-b2-py3-none-any.whl` names the build `b2`, which does not begin with a digit",
            ),
            ("../a-1.0-py3-none-any.whl", "`../a-1.0-py3-none-any.whl` has a file name that begins with a dot"),
        ];
        for (file, message) in cases {
            assert_eq!(WheelName::parse(file).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn builds_are_ordered_by_number_and_then_by_the_rest() {
        let build = |text| BuildTag::parse(text).unwrap();
        assert!(build("2") < build("10") && build("10") < build("10a") && build("10a") < build("10b"));
        assert!(None < Some(build("0")));
    }
}
