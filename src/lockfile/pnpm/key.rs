//! The keys of packages and snapshots: name, version and peers in one text.

/// How keys are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Version 5: `/name/1.0.0`, `/name/1.0.0_peers`; 5.0 and 5.1 `/name/1.0.0/peer@1.0.0`.
    Slashes,
    /// Version 6: `/name@1.0.0`, `/name@1.0.0(peers)`.
    SlashAndAt,
    /// Version 9: `name@1.0.0`, `name@1.0.0(peers)`.
    At,
}

/// What a key names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    /// The version, or the address of what no registry has.
    pub(super) reference: &'a str,
}

/// The name and version in a key; `None` where there are none, as in keys that are addresses alone.
pub(super) fn parse(form: Form, key: &str) -> Option<Named<'_>> {
    match form {
        Form::At => at(without_peers(key)),
        Form::SlashAndAt => at(without_peers(below_registry(key))),
        Form::Slashes => slashes(below_registry(key)),
    }
}

/// The key of the package that a snapshot is of.
pub(super) fn without_peers(key: &str) -> &str {
    key.split_once('(').map_or(key, |(package, _)| package)
}

/// `/name/1.0.0` and `registry.example/name/1.0.0` → `name/1.0.0`.
fn below_registry(key: &str) -> &str {
    if key.starts_with('@') { key } else { key.split_once('/').map_or(key, |(_, rest)| rest) }
}

/// `@scope/name@1.0.0` → `@scope/name` and `1.0.0`.
fn at(text: &str) -> Option<Named<'_>> {
    let (name, reference) = text.get(1..)?.split_once('@')?;
    Some(Named { name: &text[..=name.len()], reference })
}

fn slashes(text: &str) -> Option<Named<'_>> {
    let parts = if text.starts_with('@') { 2 } else { 1 };
    let (slash, _) = text.match_indices('/').nth(parts - 1)?;
    let (name, rest) = (&text[..slash], &text[slash + 1..]);
    let reference = rest.split(['/', '_']).next()?;
    Some(Named { name, reference })
}

/// The key of the snapshot that a dependency leads to, as version 9 writes it; `None` for a folder that is linked. The key's name is given apart, where the
/// reference leaves it out.
pub(super) fn target<'a>(alias: &'a str, reference: &'a str) -> Option<(Option<&'a str>, &'a str)> {
    if reference.starts_with("link:") {
        return None;
    }
    let first = |character| reference.find(character).unwrap_or(usize::MAX);
    let at = first('@');
    let is_whole = reference.starts_with('@') || (at < first('(') && at < first(':'));
    Some((Some(alias).filter(|_| !is_whole), reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_key_names_its_package() {
        for (form, key, expected) in [
            (Form::At, "a@1.0.0", Some(("a", "1.0.0"))),
            (Form::At, "@s/a@1.0.0(react@18.0.0(x@1.0.0))", Some(("@s/a", "1.0.0"))),
            (Form::At, "a@https://files.example/a.tgz", Some(("a", "https://files.example/a.tgz"))),
            (Form::At, "a@file:a.tgz", Some(("a", "file:a.tgz"))),
            (Form::At, "a", None),
            (Form::At, "", None),
            (Form::SlashAndAt, "/a@1.0.0-rc.1+build(b@1.0.0)", Some(("a", "1.0.0-rc.1+build"))),
            (Form::SlashAndAt, "/@s/a@1.0.0", Some(("@s/a", "1.0.0"))),
            (Form::SlashAndAt, "registry.example/@s/a@1.0.0", Some(("@s/a", "1.0.0"))),
            (Form::SlashAndAt, "@codeload.example/o/r/tar.gz/abc", None),
            (Form::Slashes, "/a/1.0.0", Some(("a", "1.0.0"))),
            (Form::Slashes, "/a/1.0.0_react@18.0.0+b@1.0.0", Some(("a", "1.0.0"))),
            (Form::Slashes, "/@s/a/1.0.0/react@16.0.0", Some(("@s/a", "1.0.0"))),
            (Form::Slashes, "registry.example/a/1.0.0", Some(("a", "1.0.0"))),
            (Form::Slashes, "a", None),
        ] {
            let named = parse(form, key).map(|named| (named.name, named.reference));
            assert_eq!(named, expected, "{key}");
        }
    }

    #[test]
    fn a_reference_leads_to_a_snapshot() {
        for (reference, expected) in [
            ("1.0.0", Some((Some("alias"), "1.0.0"))),
            ("1.0.0(react@18.0.0)", Some((Some("alias"), "1.0.0(react@18.0.0)"))),
            ("real@1.0.0", Some((None, "real@1.0.0"))),
            ("@s/real@1.0.0(a@1.0.0)", Some((None, "@s/real@1.0.0(a@1.0.0)"))),
            ("https://me@files.example/a.tgz", Some((Some("alias"), "https://me@files.example/a.tgz"))),
            ("real@file:a.tgz", Some((None, "real@file:a.tgz"))),
            ("link:../a", None),
        ] {
            assert_eq!(target("alias", reference), expected, "{reference}");
        }
    }
}
