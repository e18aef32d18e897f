//! [`Requirement`]: what a person or a package asks for, as PEP 508 writes it.

use std::{collections::BTreeSet, fmt};

use pep440_rs::{Version, VersionSpecifier, VersionSpecifiers};
use pep508_rs::{ExtraName, MarkerEnvironment, MarkerTree, VersionOrUrl};
use pubgrub::Ranges;
use url::Url;

use super::{name::ProjectName, specifiers};

/// A requirement: name, extras, versions and the condition under which it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    name: ProjectName,
    extras: BTreeSet<ProjectName>,
    specifiers: VersionSpecifiers,
    marker: MarkerTree,
    text: Box<str>,
}

/// Why a text is no requirement that can be resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequirementError {
    /// Not what PEP 508 describes, and not what pip takes beside it.
    #[error("`{}` is not a requirement: {problem}", text.escape_debug())]
    Syntax {
        /// The text.
        text: String,
        /// What is wrong, in words.
        problem: String,
    },
    /// `name @ address`.
    #[error("`{name}` is requested by its address; larder takes packages only from the distribution and the index")]
    Address {
        /// The name. The address may hold a secret.
        name: String,
    },
}

impl Requirement {
    /// Reads a requirement, strictly first and then as pip does.
    pub fn parse(text: &str) -> Result<Self, RequirementError> {
        let text = text.trim();
        let syntax = |problem: &str| RequirementError::Syntax { text: text.to_owned(), problem: problem.to_owned() };
        // The parser panics on names that end with a separator, and on letters beyond ASCII.
        let (name, rest) = names(text).map_err(syntax)?;
        if rest.starts_with('@') {
            return Err(RequirementError::Address { name: name.to_string() });
        }
        if has_foreign_letters(rest) {
            return Err(syntax("only what stands in quotation marks may have letters beyond ASCII"));
        }
        // Nothing that a marker is compared with has such a letter, so another one in its place is as unequal.
        let ascii = text.replace(|c: char| !c.is_ascii(), "?");
        let parsed = ascii.parse::<pep508_rs::Requirement<Url>>().or_else(|error| {
            let again = mended(&ascii).and_then(|mended| mended.parse().ok());
            again.ok_or_else(|| syntax(error.message.to_string().lines().next().unwrap_or_default()))
        })?;
        let specifiers = match parsed.version_or_url {
            None => VersionSpecifiers::empty(),
            Some(VersionOrUrl::VersionSpecifier(specifiers)) => specifiers,
            Some(VersionOrUrl::Url(_)) => return Err(RequirementError::Address { name: name.to_string() }),
        };
        let normal = |name: &str| ProjectName::parse(name).map_err(syntax);
        Ok(Self {
            name,
            extras: parsed.extras.iter().map(|extra| normal(extra.as_ref())).collect::<Result<_, _>>()?,
            specifiers,
            marker: parsed.marker,
            text: text.into(),
        })
    }

    /// The project.
    pub fn name(&self) -> &ProjectName {
        &self.name
    }

    /// The extras that are asked for, normalised and sorted.
    pub fn extras(&self) -> &BTreeSet<ProjectName> {
        &self.extras
    }

    /// The versions that are accepted.
    pub fn specifiers(&self) -> &VersionSpecifiers {
        &self.specifiers
    }

    /// The versions that are accepted, pre-releases included.
    pub(crate) fn range(&self) -> Ranges<Version> {
        specifiers::range(&self.specifiers)
    }

    /// Whether it names a pre-release, which is how one asks for them.
    pub(crate) fn asks_for_prereleases(&self) -> bool {
        self.specifiers.iter().any(VersionSpecifier::any_prerelease)
    }

    /// Whether it accepts exactly one version: only so can a yanked one be had.
    pub(crate) fn is_pin(&self) -> bool {
        use pep440_rs::Operator::{Equal, ExactEqual};
        self.specifiers.iter().any(|one| matches!(one.operator(), Equal | ExactEqual))
    }

    /// Whether it holds in this environment, for the package itself or for one of its extras.
    pub(crate) fn holds(&self, environment: &MarkerEnvironment, extra: Option<&ProjectName>) -> bool {
        let extras: Vec<ExtraName> = extra
            .map(|extra| ExtraName::new(extra.to_string()).expect("a normalised name is an extra's"))
            .into_iter()
            .collect();
        self.marker.evaluate(environment, &extras)
    }
}

/// As it was written.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The name at the beginning of a requirement, and what stands behind its extras, which are checked.
fn names(text: &str) -> Result<(ProjectName, &str), &'static str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let end = text.find(|c| !is_of_name(c)).unwrap_or(text.len());
    let name = ProjectName::parse(&text[..end])?;
    let rest = text[end..].trim_start();
    let Some(inner) = rest.strip_prefix('[') else { return Ok((name, rest)) };
    let (extras, rest) = inner.split_once(']').ok_or("extras without a closing bracket")?;
    let mut extras = extras.split(',').map(str::trim).filter(|extra| !extra.is_empty());
    extras.try_for_each(|extra| ProjectName::parse(extra).map(drop))?;
    Ok((name, rest.trim_start()))
}

/// Whether letters beyond ASCII stand outside quotation marks.
fn has_foreign_letters(text: &str) -> bool {
    let mut quote = None;
    text.chars().any(|c| {
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        quote.is_none() && !c.is_ascii()
    })
}

/// The requirement with its specifiers mended; `None` if it is beyond that.
fn mended(text: &str) -> Option<String> {
    let (requirement, marker) = match text.split_once(';') {
        Some((requirement, marker)) => (requirement, Some(marker)),
        None => (text, None),
    };
    let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))?;
    let (name, rest) = requirement.split_at(end);
    let (extras, specified) = match rest.trim_start().strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => ("", rest),
    };
    let extras: Vec<&str> = extras.split(',').map(str::trim).filter(|extra| !extra.is_empty()).collect();
    let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
    let specified = specifiers::mended(specified)?;
    let marker = marker.map(str::trim).filter(|marker| !marker.is_empty());
    let marker = marker.map(|marker| format!(" ; {marker}")).unwrap_or_default();
    Some(format!("{name}{extras}{specified}{marker}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{core::runtime_version::RuntimeVersion, python::runtime::Runtime};

    fn markers() -> MarkerEnvironment {
        let version = RuntimeVersion::parse("314.0.7").unwrap();
        Runtime::new(version, "3.14.2", "emscripten_5_0_3", Some("2026_0")).unwrap().markers()
    }

    #[test]
    fn the_parts_are_read() {
        let read = Requirement::parse("Ruamel.YAML[Jinja2, old] >=0.17,<1 ; python_version > '3.8'").unwrap();
        let extras: Vec<&str> = read.extras().iter().map(ProjectName::as_str).collect();
        assert_eq!((read.name().as_str(), extras.as_slice()), ("ruamel-yaml", &["jinja2", "old"][..]));
        assert_eq!(read.specifiers().to_string(), ">=0.17, <1");
        assert!(read.holds(&markers(), None));
    }

    #[test]
    fn old_metadata_is_read_as_pip_reads_it() {
        for (text, specifiers) in [
            ("six (>=1.5,)", ">=1.5"),
            ("enum34 (>=1.0.4) ; python_version<'3'", ">=1.0.4"),
            ("pytz>=2011k", ""),
            ("a[] >=3.6.*", ">=3.6"),
            ("a >=1.0 <2;", ">=1.0, <2"),
        ] {
            match Requirement::parse(text) {
                Ok(read) => assert_eq!(read.specifiers().to_string(), specifiers, "{text:?}"),
                Err(error) => assert!(text.contains("2011k"), "{text:?}: {error}"),
            }
        }
    }

    #[test]
    fn markers_decide_for_the_runtime_and_the_extra() {
        let extra = |name| Some(ProjectName::parse(name).unwrap());
        for (text, asked, expected) in [
            ("a; sys_platform == 'emscripten'", None, true),
            ("a; sys_platform == 'win32'", None, false),
            ("a; platform_machine != 'wasm32'", None, false),
            ("a; extra == 'socks'", None, false),
            ("a; extra == 'Socks_X'", extra("socks-x"), true),
            ("a; extra == 'socks' and python_version < '3'", extra("socks"), false),
            ("a", extra("socks"), true),
        ] {
            let read = Requirement::parse(text).unwrap();
            assert_eq!(read.holds(&markers(), asked.as_ref()), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_resolved_is_named_without_its_secret() {
        let error = Requirement::parse("a @ https://me:secret@files.example/a.whl").unwrap_err().to_string();
        assert_eq!(
            error,
            "`a` is requested by its address; larder takes packages only from the distribution and the index"
        );
        for text in ["", "-a", "a b", "a>=one", "a[b", "a;nonsense"] {
            assert!(matches!(Requirement::parse(text), Err(RequirementError::Syntax { .. })), "{text:?}");
        }
    }

    #[test]
    fn letters_beyond_ascii_may_stand_in_quotation_marks_alone() {
        let quoted = Requirement::parse("a ; extra == '\u{e9}\"' and sys_platform == \"emscripten\"").unwrap();
        assert!(!quoted.holds(&markers(), None));
        for text in [
            "c[d]>=1,<2 ; extra == \"ion >= \"3.\u{fffd}\u{fffd}9\"",
            "a ; extra == 'b' \u{e9}",
            "a ; \u{e9} == 'b'",
            "a ; extra == 'b' and \u{e9}",
            "a ; extra \u{e9} 'b'",
            "a >= 1.\u{e9}",
            "a \u{e9}",
            "a ; extra == '\u{e9}",
            "a ; python_version >= \".3 \u{fffd}\u{fffd}[\u{fffd} \"='\0\u{fffd} \"==b\" and c\"",
        ] {
            assert!(matches!(Requirement::parse(text), Err(RequirementError::Syntax { .. })), "{text:?}");
        }
        for text in ["a @ \u{e9}", "a[b] @ https://me:s\u{e9}cret@files.example/a.whl", "a @ no address; s3cret"] {
            let error = Requirement::parse(text).unwrap_err();
            assert_eq!(error, RequirementError::Address { name: "a".to_owned() }, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_marker_is_read_or_refused(left in "(extra|python_version|sys_platform|'[a1.-]{0,3}')", right in "['\"a1. -]{0,6}") {
            if let Ok(read) = Requirement::parse(&format!("a; {left} == {right}")) {
                read.holds(&markers(), ProjectName::parse("a-1").ok().as_ref());
            }
        }
    }
}
