//! Why a package is installed: the lockfile says it nowhere, so it is found by walking from the workspaces.
//!
//! A name in a package at `a/b` means the package at `a/b/name`, else at `a/name`, else at `name`, as node looks for it.

use std::collections::{HashMap, HashSet};

use super::document::{Tuple, Wants};
use crate::{
    core::artifact::Conditions,
    lockfile::{
        field::{Field, List},
        shape::{Members, Part, Shaped},
    },
};

/// Which packages lead where, by their keys.
#[derive(Debug, Default)]
pub(super) struct Reached<'a> {
    all: HashSet<&'a str>,
    /// Without development dependencies.
    outside_development: HashSet<&'a str>,
    /// Without optional dependencies.
    needed: HashSet<&'a str>,
}

/// Which dependencies are followed.
#[derive(Clone, Copy, Debug)]
struct Follow {
    development: bool,
    optional: bool,
}

impl<'a> Reached<'a> {
    /// Walks from the workspaces over the packages.
    pub(super) fn of(
        workspaces: Option<&'a Part<'_, Wants<'_>>>,
        packages: Option<&'a Members<'_, Tuple<'_>>>,
    ) -> Self {
        let packages = packages.into_iter().flat_map(Members::iter);
        let wants: HashMap<&str, Option<&Wants<'_>>> = packages.map(|(key, tuple)| (&**key, tuple.wants())).collect();
        let walk = |development, optional| walk(workspaces, &wants, Follow { development, optional });
        Self { all: walk(true, true), outside_development: walk(false, true), needed: walk(true, false) }
    }

    /// Why the package is installed. What nothing leads to counts as needed.
    pub(super) fn conditions(&self, key: &str) -> Conditions {
        let is_reached = self.all.contains(key);
        Conditions {
            dev: is_reached && !self.outside_development.contains(key),
            optional: is_reached && !self.needed.contains(key),
            ..Conditions::default()
        }
    }
}

fn walk<'a>(
    workspaces: Option<&'a Part<'_, Wants<'_>>>,
    packages: &HashMap<&'a str, Option<&'a Wants<'_>>>,
    follow: Follow,
) -> HashSet<&'a str> {
    let mut reached = HashSet::with_capacity(packages.len());
    let mut left: Vec<&str> = Vec::new();
    let mut path = String::new();
    for (folder, wants) in workspaces.into_iter().flat_map(Part::objects) {
        let from = if folder.is_empty() { "" } else { wants.name.as_text().unwrap_or_default() };
        left.extend(names(wants, follow).filter_map(|name| find(packages, from, name, &mut path)));
    }
    while let Some(key) = left.pop() {
        if !reached.insert(key) {
            continue;
        }
        if let Some(Some(wants)) = packages.get(key) {
            // Development dependencies of a package are not installed.
            let follow = Follow { development: false, ..follow };
            left.extend(names(wants, follow).filter_map(|name| find(packages, key, name, &mut path)));
        }
    }
    reached
}

/// What is asked for, by its name.
fn names<'a>(wants: &'a Wants<'_>, follow: Follow) -> impl Iterator<Item = &'a str> {
    let optional_peers = match &wants.optional_peers {
        List::Names(names) if !follow.optional => names.as_slice(),
        _ => &[],
    };
    let peers = members(&wants.peer_dependencies);
    let peers = peers.filter(move |name| optional_peers.binary_search_by(|peer| (**peer).cmp(*name)).is_err());
    let development = members(&wants.dev_dependencies).filter(move |_| follow.development);
    let optional = members(&wants.optional_dependencies).filter(move |_| follow.optional);
    members(&wants.dependencies).chain(peers).chain(development).chain(optional)
}

fn members<'a>(part: &'a Shaped<Members<'_, Field<'_>>>) -> impl Iterator<Item = &'a str> {
    part.object().into_iter().flat_map(Members::iter).map(|(name, _)| &**name)
}

/// The key of the package that a name means at this place.
fn find<'a>(
    packages: &HashMap<&'a str, Option<&'a Wants<'_>>>,
    from: &str,
    name: &str,
    path: &mut String,
) -> Option<&'a str> {
    let mut folder = from;
    loop {
        path.clear();
        path.push_str(folder);
        if !folder.is_empty() {
            path.push('/');
        }
        path.push_str(name);
        if let Some((key, _)) = packages.get_key_value(path.as_str()) {
            return Some(key);
        }
        if folder.is_empty() {
            return None;
        }
        folder = above(folder);
    }
}

/// `a/@scope/b` → `a`, `@scope/b` → nothing.
fn above(key: &str) -> &str {
    let Some(slash) = key.rfind('/') else { return "" };
    let start = key[..slash].rfind('/').map_or(0, |before| before + 1);
    if key[start..slash].starts_with('@') { key[..start].trim_end_matches('/') } else { &key[..slash] }
}

#[cfg(test)]
mod tests {
    use super::above;

    #[test]
    fn what_is_above_a_package_is_found_with_and_without_scopes() {
        for (key, expected) in [
            ("a", ""),
            ("@s/a", ""),
            ("a/b", "a"),
            ("@s/a/b", "@s/a"),
            ("a/@s/b", "a"),
            ("@s/a/@s/b", "@s/a"),
            ("a/b/c", "a/b"),
        ] {
            assert_eq!(above(key), expected, "{key}");
        }
    }
}
