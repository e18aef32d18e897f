//! Protected folders: no view may replace the store, a project or somebody's home, or a folder around one of them, or lie in the store.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use larder_store::Store;

use super::error::ViewError;

/// Refuses a view's folder that lies in the store or holds it.
pub(super) fn refuse_store(store: &Store, target: &Path) -> Result<(), ViewError> {
    for root in std::iter::once(store.root()).chain(store.lower_roots()) {
        if is_within(target, root) {
            return Err(refused(target, "lies in the store", root));
        }
        refuse_around(target, "is, or holds, the store", root)?;
    }
    Ok(())
}

/// Refuses a view's folder that is one of these, or that one of them is in.
pub fn refuse_protected(target: &Path, home: Option<&Path>, projects: &[&Path]) -> Result<(), ViewError> {
    for project in projects {
        refuse_around(target, "is, or holds, the project", project)?;
    }
    home.map_or(Ok(()), |home| refuse_around(target, "is, or holds, your home folder", home))
}

fn refuse_around(target: &Path, relation: &'static str, other: &Path) -> Result<(), ViewError> {
    if is_within(other, target) { Err(refused(target, relation, other)) } else { Ok(()) }
}

fn refused(target: &Path, relation: &'static str, other: &Path) -> ViewError {
    ViewError::Precious { path: target.to_owned(), relation, other: other.to_owned() }
}

/// Whether a path leads into a folder or to the folder itself, by whatever name.
fn is_within(inner: &Path, outer: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
    let inner = real(inner);
    match identity(outer) {
        Some(outer) => inner.ancestors().any(|folder| identity(folder) == Some(outer)),
        None => inner.starts_with(real(outer)),
    }
}

/// A path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let exists = |folder: &Path| Some((folder.canonicalize().ok()?, absolute.strip_prefix(folder).ok()?.to_owned()));
    absolute.ancestors().find_map(exists).map_or_else(|| absolute.clone(), |(real, rest)| real.join(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_found_around_a_path_through_links_and_before_it_exists() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir_all(at("store/blobs")).unwrap();
        fs::create_dir(at("beside")).unwrap();
        std::os::unix::fs::symlink(at("store/blobs"), at("beside/link")).unwrap();
        for inside in ["store", "store/new", "store/a/b", "beside/link/new", "beside/../store"] {
            assert!(is_within(&at(inside), &at("store")), "{inside}");
        }
        for outside in ["beside", "storeroom", "new/store", ""] {
            assert!(!is_within(&at(outside), &at("store")), "{outside}");
        }
        assert!(is_within(&at("none/view"), &at("none")));
    }
}
