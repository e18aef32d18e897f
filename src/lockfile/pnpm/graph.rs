//! The graph of a lockfile of pnpm since version 9: `optional` stands at each snapshot, and `dev` nowhere, so it is found by walking from the importers.

use std::{borrow::Cow, collections::HashMap};

use super::{
    document::{Importer, Reference, Snapshot},
    key::{target, without_peers},
};
use crate::lockfile::{
    lenient::{Field, Members, Part, Shaped},
    reachability::{Reachability, reachable},
};

/// A snapshot's key: whole, or name and the rest.
type Target<'a> = (Option<&'a str>, &'a str);

/// Walks from the projects over the snapshots; several may be of one package.
pub(super) fn reachability<'a>(
    importers: Option<&'a Part<'_, Importer<'_>>>,
    snapshots: Option<&'a Part<'_, Snapshot<'_>>>,
) -> Reachability<'a> {
    let snapshots: HashMap<&str, &Snapshot<'_>> = snapshots.into_iter().flat_map(Part::objects).collect();
    let find = |(name, rest): Target<'a>| {
        let key: Cow<'_, str> = name.map_or(Cow::Borrowed(rest), |name| Cow::Owned(format!("{name}@{rest}")));
        snapshots.get_key_value(&*key).map(|(key, _)| *key)
    };
    let importers = importers.into_iter().flat_map(Part::objects);
    let roots = importers.flat_map(|(_, importer)| roots(importer)).filter_map(find).collect();
    let outside_development = reachable(roots, |key, next| {
        let snapshot: &Snapshot<'_> = snapshots[key];
        let dependencies = [&snapshot.dependencies, &snapshot.optional_dependencies];
        next.extend(dependencies.into_iter().flat_map(fields).filter_map(find));
    });
    let needed = snapshots.iter().filter(|(_, snapshot)| !snapshot.optional.is_set());
    Reachability {
        installed: snapshots.keys().copied().map(without_peers).collect(),
        outside_development: outside_development.into_iter().map(without_peers).collect(),
        needed: needed.map(|(key, _)| without_peers(key)).collect(),
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
