//! Version specifiers: parsed leniently, and converted into ranges for the resolver.
//!
//! PEP 440 is strict and old metadata is not. What pip once took is taken here: a comma too many or too few, `>=3.6.*`, `!=3.0*`, quotes, parentheses.

use pep440_rs::{Operator, Version, VersionSpecifier, VersionSpecifiers};
use pubgrub::Ranges;

const OPERATORS: [&str; 8] = ["===", "~=", "==", "!=", "<=", ">=", "<", ">"];

/// Post-releases whose own pre-releases a range leaves out, the last ones: a post-release may be called after a day, 20261127.
const MOST_POSTS: u64 = 64;

/// Reads specifiers, strictly first and then leniently; `None` if neither succeeds.
pub(crate) fn parse(text: &str) -> Option<VersionSpecifiers> {
    text.parse().ok().or_else(|| mended(text)?.parse().ok())
}

/// The specifiers in the form that PEP 440 asks for; `None` if they cannot be told apart.
pub(crate) fn mended(text: &str) -> Option<String> {
    let mut rest = text.trim();
    rest = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(rest);
    let mut specifiers = Vec::new();
    let is_between = |c: char| c.is_whitespace() || c == ',';
    loop {
        rest = rest.trim_start_matches(is_between);
        if rest.is_empty() {
            return Some(specifiers.join(", "));
        }
        let operator = OPERATORS.into_iter().find(|operator| rest.starts_with(operator))?;
        let after = &rest[operator.len()..];
        let end = after.find(['<', '>', '=', '!', '~', ',']).unwrap_or(after.len());
        // An epoch's `!` is followed by no `=`.
        let end = if after[end..].starts_with('!') && !after[end..].starts_with("!=") {
            after[end + 1..].find(['<', '>', '=', '!', '~', ',']).map_or(after.len(), |more| end + 1 + more)
        } else {
            end
        };
        let version = after[..end].trim().trim_matches(['\'', '"']);
        specifiers.push(format!("{operator}{}", mended_version(operator, version)));
        rest = &after[end..];
    }
}

fn mended_version(operator: &str, version: &str) -> String {
    match version.strip_suffix('*').map(|stem| stem.trim_end_matches('.')) {
        None => version.to_owned(),
        Some(stem) if matches!(operator, "==" | "!=") => format!("{stem}.*"),
        // No prefix is meant by an order, whatever stands there.
        Some(stem) => stem.to_owned(),
    }
}

/// The versions that the specifiers accept, pre-releases included.
pub(crate) fn range(specifiers: &VersionSpecifiers) -> Ranges<Version> {
    specifiers.iter().fold(Ranges::full(), |range, one| range.intersection(&range_of(one)))
}

fn range_of(specifier: &VersionSpecifier) -> Ranges<Version> {
    let version = specifier.version();
    match specifier.operator() {
        // A version without a local part accepts every local part.
        Operator::Equal if !version.is_local() => with_locals(version),
        Operator::NotEqual if !version.is_local() => with_locals(version).complement(),
        Operator::LessThanEqual if !version.is_local() => Ranges::strictly_lower_than(after_locals(version)),
        Operator::Equal | Operator::ExactEqual => Ranges::singleton(version.clone()),
        Operator::NotEqual => Ranges::singleton(version.clone()).complement(),
        Operator::LessThanEqual => Ranges::lower_than(version.clone()),
        Operator::GreaterThanEqual => Ranges::higher_than(version.clone()),
        Operator::LessThan if version.any_prerelease() => Ranges::strictly_lower_than(version.clone()),
        Operator::LessThan => {
            Ranges::strictly_lower_than(version.clone()).intersection(&prereleases_below(version).complement())
        }
        // `>1` accepts neither 1.post1 nor 1+local; `>1.post1` and `>1.dev1` no local of theirs.
        Operator::GreaterThan if version.is_post() || version.is_dev() => Ranges::higher_than(after_locals(version)),
        Operator::GreaterThan => Ranges::strictly_higher_than(version.clone().with_max(Some(0))),
        Operator::TildeEqual => {
            let release = version.release();
            let upper = after_prefix(version, &release[..release.len() - 1]);
            Ranges::from_range_bounds(version.clone()..upper)
        }
        Operator::EqualStar => with_prefix(version),
        Operator::NotEqualStar => with_prefix(version).complement(),
    }
}

/// What `<2` and `<2.post1` do not accept of what is lower: the pre-releases of 2, and those of its post-releases (`2.post1.dev0`).
fn prereleases_below(version: &Version) -> Ranges<Version> {
    let release = version.only_release();
    let of = |release: Version| Ranges::from_range_bounds(release.clone().with_dev(Some(0))..release);
    let posts = version.post().map_or(0..0, |post| post.saturating_sub(MOST_POSTS)..post.saturating_add(1));
    posts.fold(of(release.clone()), |all, post| all.union(&of(release.clone().with_post(Some(post)))))
}

/// `1.0` and `1.0+anything`.
fn with_locals(version: &Version) -> Ranges<Version> {
    Ranges::from_range_bounds(version.clone()..after_locals(version))
}

/// The lowest version above all local ones of this version.
fn after_locals(version: &Version) -> Version {
    match (version.dev(), version.post()) {
        (Some(dev), _) => version.clone().with_dev(Some(dev + 1)),
        (None, Some(post)) => version.clone().with_post(Some(post + 1)).with_dev(Some(0)),
        (None, None) => version.clone().with_post(Some(0)).with_dev(Some(0)),
    }
}

/// `1.2.*`.
fn with_prefix(version: &Version) -> Ranges<Version> {
    let low = version.clone().only_release().with_epoch(version.epoch()).with_dev(Some(0));
    Ranges::from_range_bounds(low..after_prefix(version, version.release()))
}

/// The lowest version above all that begin with this release: `1.3.dev0` for `1.2`.
fn after_prefix(version: &Version, prefix: &[u64]) -> Version {
    let (last, before) = prefix.split_last().expect("a release has a number");
    Version::new(before.iter().copied().chain([last.saturating_add(1)])).with_epoch(version.epoch()).with_dev(Some(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_pip_took_is_taken() {
        let cases = [
            (">=3.6,", ">=3.6"),
            (">=3.6.*", ">=3.6"),
            (">=2.7, !=3.0.*, !=3.1*", ">=2.7, !=3.0.*, !=3.1.*"),
            ("(>=1.0)", ">=1.0"),
            (">=1.0 <2.0", ">=1.0, <2.0"),
            (">='2.7'", ">=2.7"),
            ("<4,>=1!2.0,!=1!2.1", "<4, >=1!2.0, !=1!2.1"),
            ("", ""),
        ];
        for (text, expected) in cases {
            let (read, expected) = (parse(text), expected.parse::<VersionSpecifiers>().unwrap());
            assert_eq!(read.map(|read| read.to_string()), Some(expected.to_string()), "{text:?}");
        }
        for text in ["1.0", "^1.0", ">=", ">=one", "~=1", "=1.0", ">=1.0;"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn ranges_accept_what_the_specifiers_accept() {
        let cases = [
            ("==1.0", "1.0+local", true),
            ("==1.0", "1.0.post1", false),
            ("!=1.0", "1.0+local", false),
            ("<=1.0", "1.0+local", true),
            ("<=1.0", "1.0.post1", false),
            ("<2", "2.0a1", false),
            ("<2a2", "2.0a1", true),
            ("<2.post1", "2.0.post1.dev0", false),
            ("<2.post1", "2.0.post0.dev3", false),
            ("<2.post1", "2.0.post0", true),
            ("<2.post20261127", "2.0.post20261126", true),
            ("<2.post20261127", "2.0.post20261127.dev1", false),
            (">1", "1.post1", false),
            (">1", "1.0.1", true),
            (">1.post1", "1.post2", true),
            ("~=1.4.2", "1.4.9", true),
            ("~=1.4.2", "1.5.0a1", false),
            ("==1.2.*", "1.2.dev1", true),
            ("==1.2.*", "1.3.dev1", false),
            ("==1!1.*", "1.5", false),
            ("===1.0", "1.0", true),
        ];
        for (text, version, expected) in cases {
            let range = range(&parse(text).unwrap());
            assert_eq!(range.contains(&version.parse::<Version>().unwrap()), expected, "{text} {version}");
        }
    }

    proptest! {
        #[test]
        fn ranges_and_specifiers_agree(
            operator in prop::sample::select(vec!["~=", "==", "!=", "<=", ">=", "<", ">"]),
            bound in "[0-3]\\.[0-3](\\.[0-3])?((a|rc)[0-2])?(\\.post[0-2])?(\\.dev[0-2])?",
            version in "[0-3](\\.[0-3]){0,2}((a|rc)[0-2])?(\\.post[0-2])?(\\.dev[0-2])?",
        ) {
            let specifiers: VersionSpecifiers = format!("{operator}{bound}").parse().unwrap();
            let version: Version = version.parse().unwrap();
            // There the crate is stricter than packaging is.
            prop_assume!(!(operator.len() == 1 && specifiers.iter().any(VersionSpecifier::any_prerelease)));
            prop_assert_eq!(range(&specifiers).contains(&version), specifiers.contains(&version));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9.*<>=!~, ()'a-c]{0,20}") {
            if let Some(mended) = mended(&text) {
                let _ = mended.parse::<VersionSpecifiers>();
            }
        }
    }
}
