//! The graph of a lockfile of bun: why a package is installed, the lockfile says nowhere, so it is found by walking from the workspaces.
//!
//! A name in a package at `a/b` means the package at `a/b/name`, else at `a/name`, else at `name`, as node looks for it.

use std::collections::{HashMap, HashSet};

use super::document::{Tuple, Wants};
use crate::lockfile::{
    lenient::{Field, List, Members, Part, Shaped},
    reachability::{Reachability, reachable},
};

/// Which dependencies are followed.
#[derive(Clone, Copy, Debug)]
struct Follow {
    development: bool,
    optional: bool,
}

/// Walks from the workspaces over the packages.
pub(super) fn reachability<'a>(
    workspaces: Option<&'a Part<'_, Wants<'_>>>,
    packages: Option<&'a Members<'_, Tuple<'_>>>,
) -> Reachability<'a> {
    let packages = packages.into_iter().flat_map(Members::iter);
    let wants: HashMap<&str, Option<&Wants<'_>>> = packages.map(|(key, tuple)| (&**key, tuple.wants())).collect();
    let walk = |development, optional| walk(workspaces, &wants, Follow { development, optional });
    Reachability { installed: walk(true, true), outside_development: walk(false, true), needed: walk(true, false) }
}

fn walk<'a>(
    workspaces: Option<&'a Part<'_, Wants<'_>>>,
    packages: &HashMap<&'a str, Option<&'a Wants<'_>>>,
    follow: Follow,
) -> HashSet<&'a str> {
    let mut path = String::new();
    let mut roots = Vec::new();
    for (folder, wants) in workspaces.into_iter().flat_map(Part::objects) {
        let from = if folder.is_empty() { "" } else { wants.name.as_text().unwrap_or_default() };
        roots.extend(names(wants, follow).filter_map(|name| find(packages, from, name, &mut path)));
    }
    // Development dependencies of a package are not installed.
    let follow = Follow { development: false, ..follow };
    reachable(roots, |key, next| {
        if let Some(Some(wants)) = packages.get(key) {
            next.extend(names(wants, follow).filter_map(|name| find(packages, key, name, &mut path)));
        }
    })
}

/// What is asked for, by its name.
fn names<'a>(wants: &'a Wants<'_>, follow: Follow) -> impl Iterator<Item = &'a str> {
    let optional_peers = match &wants.optional_peers {
        List::Names(names) if !follow.optional => &**names,
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
