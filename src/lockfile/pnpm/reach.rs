//! Why a package is installed, where the lockfile does not say it: version 9 has `optional` at each snapshot, and `dev` nowhere.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use super::{
    document::{Importer, Reference, Snapshot},
    key::{target, without_peers},
};
use crate::lockfile::{
    field::Field,
    shape::{Members, Part, Shaped},
};

/// Which packages the projects' dependencies lead to, by their keys.
#[derive(Debug)]
pub(super) struct Reached<'a>(HashMap<&'a str, Why>);

#[derive(Clone, Copy, Debug, Default)]
struct Why {
    /// A dependency that is not for development alone leads to it.
    outside_development: bool,
    /// A snapshot of it is not optional.
    needed: bool,
    /// It has a snapshot.
    installed: bool,
}

/// A snapshot's key: whole, or name and the rest.
type Target<'a> = (Option<&'a str>, &'a str);

impl<'a> Reached<'a> {
    /// Walks from the projects over the snapshots.
    pub(super) fn of(
        importers: Option<&'a Part<'_, Importer<'_>>>,
        snapshots: Option<&'a Part<'_, Snapshot<'_>>>,
    ) -> Self {
        let snapshots: HashMap<&str, &Snapshot<'_>> = snapshots.into_iter().flat_map(Part::objects).collect();
        let mut why: HashMap<&str, Why> = HashMap::with_capacity(snapshots.len());
        for (key, snapshot) in &snapshots {
            let why = why.entry(without_peers(key)).or_default();
            why.installed = true;
            why.needed |= !snapshot.optional.is_set();
        }
        let mut left: Vec<Target<'a>> =
            importers.into_iter().flat_map(Part::objects).flat_map(|(_, i)| roots(i)).collect();
        let mut seen: HashSet<&str> = HashSet::with_capacity(snapshots.len());
        while let Some((name, rest)) = left.pop() {
            let key: Cow<'_, str> = name.map_or(Cow::Borrowed(rest), |name| Cow::Owned(format!("{name}@{rest}")));
            let Some((key, snapshot)) = snapshots.get_key_value(&*key) else { continue };
            if !seen.insert(key) {
                continue;
            }
            why.entry(without_peers(key)).or_default().outside_development = true;
            left.extend([&snapshot.dependencies, &snapshot.optional_dependencies].into_iter().flat_map(fields));
        }
        Self(why)
    }

    /// Whether development dependencies alone lead to the package.
    pub(super) fn is_dev(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|why| why.installed && !why.outside_development)
    }

    /// Whether optional dependencies alone lead to it.
    pub(super) fn is_optional(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|why| why.installed && !why.needed)
    }
}

/// What a project asks for outside development; what pnpm itself needs is no matter of development either.
fn roots<'a>(importer: &'a Importer<'_>) -> impl Iterator<Item = Target<'a>> {
    [
        &importer.dependencies,
        &importer.optional_dependencies,
        &importer.config_dependencies,
        &importer.package_manager_dependencies,
    ]
    .into_iter()
    .flat_map(references)
}

fn references<'a>(part: &'a Shaped<Part<'_, Reference<'_>>>) -> impl Iterator<Item = Target<'a>> {
    let references = part.object().into_iter().flat_map(Part::objects);
    references.filter_map(|(alias, reference)| target(alias, reference.version.as_text()?))
}

fn fields<'a>(part: &'a Shaped<Members<'_, Field<'_>>>) -> impl Iterator<Item = Target<'a>> {
    let fields = part.object().into_iter().flat_map(Members::iter);
    fields.filter_map(|(alias, field)| target(alias, field.as_text()?))
}
