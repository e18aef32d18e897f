//! The router: from a request's path to what it asks for. Pure.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;

use super::upstream::PyodideFolder;
use crate::{
    core::artifact::{PackageName, Version},
    npm::PackageVersion,
};

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// Whether the registry is there.
    Ping,
    /// The description of a package.
    Packument(String),
    /// The description of one version of a package, or of a tag's.
    Version(String, String),
    /// A tarball: the version's position in the catalog.
    Tarball(usize),
    /// A tarball of this package that no lockfile names.
    UnknownTarball(String),
    /// A file of a folder that is served as it is; the path is empty or ends with a slash for a folder's page.
    File(PyodideFolder, String),
    /// A service of registries beyond packages: audit, search, …
    Service,
    /// Nothing that a registry has.
    Nothing,
}

/// No address of a package is longer: npm's names have at most 214 characters. Refusals are printed.
const LONGEST_PATH: usize = 1000;

/// Where the folders are that are served as they are.
const FOLDERS: [(&str, PyodideFolder); 2] =
    [("-/pyodide/", PyodideFolder::Pyodide), ("-/python/", PyodideFolder::Wheels)];

/// Where each tarball is: at the registry's usual place, and at the path of the address that the lockfile states, with its query and without.
#[derive(Debug, Default)]
pub(super) struct Router(HashMap<String, usize>);

impl Router {
    /// The paths of these versions; of two with the same path, the first has it, and a query tells them apart.
    pub(super) fn of(versions: &[PackageVersion]) -> Self {
        let mut paths = HashMap::new();
        for (position, version) in versions.iter().enumerate() {
            if version.is_in_registry() {
                let with_query = version.address.query().map(|query| format!("{}?{query}", stated_path(version)));
                for path in [usual_path(version), stated_path(version)].into_iter().chain(with_query) {
                    paths.entry(path).or_insert(position);
                }
            }
        }
        Self(paths)
    }

    /// What a path asks for. `query` is what follows its question mark; a slash at its beginning does not count.
    pub(super) fn route(&self, path: &str, query: Option<&str>) -> Route {
        if path.len() > LONGEST_PATH {
            return Route::Nothing;
        }
        let path = percent_decode_str(path).decode_utf8_lossy();
        let path = path.trim_start_matches('/');
        for (folder, which) in FOLDERS {
            if let Some(file) = path.strip_prefix(folder) {
                return Route::File(which, file.to_owned());
            }
        }
        let path = path.trim_end_matches('/');
        let with_query = query.and_then(|query| self.0.get(&format!("{path}?{query}")));
        if let Some(position) = with_query.or_else(|| self.0.get(path)) {
            return Route::Tarball(*position);
        }
        if path == "-/ping" {
            return Route::Ping;
        }
        if path.starts_with("-/") {
            return Route::Service;
        }
        let (name, rest) = split_name(path);
        if PackageName::parse(name).is_err() {
            return Route::Nothing;
        }
        match rest.split('/').collect::<Vec<_>>().as_slice() {
            [""] => Route::Packument(name.to_owned()),
            ["-", ..] => Route::UnknownTarball(name.to_owned()),
            [version] if Version::parse(version).is_ok() => Route::Version(name.to_owned(), (*version).to_owned()),
            _ => Route::Nothing,
        }
    }
}

/// `name/-/name-1.0.0.tgz`, `@scope/name/-/name-1.0.0.tgz`: where npm puts tarballs, and where packuments of this registry say that they are.
pub(super) fn usual_path(version: &PackageVersion) -> String {
    let name = &version.artifact.name;
    format!("{name}/-/{}-{}.tgz", name.base(), version.artifact.version)
}

fn stated_path(version: &PackageVersion) -> String {
    percent_decode_str(version.address.path()).decode_utf8_lossy().trim_start_matches('/').to_owned()
}

/// `@scope/name/rest` → `@scope/name` and `rest`.
fn split_name(path: &str) -> (&str, &str) {
    let parts = if path.starts_with('@') { 2 } else { 1 };
    match path.match_indices('/').nth(parts - 1) {
        Some((slash, _)) => (&path[..slash], &path[slash + 1..]),
        None => (path, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_asks_for_what_a_registry_has_there() {
        let router = Router(HashMap::from([("a/-/a-1.0.0.tgz".to_owned(), 0), ("@s/b/-/b-2.0.0.tgz".to_owned(), 1)]));
        let packument = |name: &str| Route::Packument(name.to_owned());
        let version = |name: &str, version: &str| Route::Version(name.to_owned(), version.to_owned());
        let cases = [
            ("/a/-/a-1.0.0.tgz", Route::Tarball(0)),
            ("/@s/b/-/b-2.0.0.tgz", Route::Tarball(1)),
            ("/@s%2fb/-/b-2.0.0.tgz", Route::Tarball(1)),
            ("/a", packument("a")),
            ("/a/", packument("a")),
            ("/@s/b", packument("@s/b")),
            ("/@s%2Fb", packument("@s/b")),
            ("/a/1.0.0", version("a", "1.0.0")),
            ("/@s/b/latest", version("@s/b", "latest")),
            ("/c/-/c-1.0.0.tgz", Route::UnknownTarball("c".to_owned())),
            ("/-/ping", Route::Ping),
            ("/-/pyodide/pyodide.mjs", Route::File(PyodideFolder::Pyodide, "pyodide.mjs".to_owned())),
            ("/-/python/simple/", Route::File(PyodideFolder::Wheels, "simple/".to_owned())),
            ("/-/python/a-1%2B2.whl", Route::File(PyodideFolder::Wheels, "a-1+2.whl".to_owned())),
            ("/pyodide", packument("pyodide")),
            ("/-/npm/v1/security/advisories/bulk", Route::Service),
            ("/", Route::Nothing),
            ("/../../etc/passwd", Route::Nothing),
            ("/a/b/c/d", Route::Nothing),
            ("/a/%1b%5b31m%0aerror:%20forged", Route::Nothing),
            (&format!("/{}", "a".repeat(1000)), Route::Nothing),
        ];
        for (path, route) in cases {
            assert_eq!(router.route(path, None), route, "{path}");
        }
    }

    #[test]
    fn a_query_tells_two_tarballs_of_one_path_apart() {
        let paths = ["a/-/a-1.0.0.tgz", "a/-/a-1.0.0.tgz?sha=1", "a/-/a-1.0.0.tgz?sha=2"];
        let router = Router(paths.iter().zip([0, 0, 1]).map(|(path, at)| ((*path).to_owned(), at)).collect());
        for (query, position) in [(None, 0), (Some("sha=1"), 0), (Some("sha=2"), 1), (Some("other"), 0)] {
            assert_eq!(router.route("/a/-/a-1.0.0.tgz", query), Route::Tarball(position), "{query:?}");
        }
    }
}
