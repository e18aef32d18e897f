//! A layout: a view as a value, its files by path, each a blob of the store or made bytes.

use std::collections::{BTreeMap, BTreeSet};

use larder_store::key::BlobRef;

/// What a file of a view holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A blob.
    Blob(BlobRef),
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes, which can be run.
    Program(Vec<u8>),
}

/// A view's files. Paths are relative, with `/` between their parts, none of which is empty, `.` or `..`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout(BTreeMap<String, Content>);

impl Layout {
    /// Adds a file; one that is there is replaced.
    pub fn insert(&mut self, path: String, content: Content) {
        debug_assert!(path.split('/').all(|part| !matches!(part, "" | "." | "..")), "{path} stays in the view");
        self.0.insert(path, content);
    }

    /// The files, by path.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&str, &Content)> {
        self.0.iter().map(|(path, content)| (path.as_str(), content))
    }

    /// The file at a path.
    pub fn get(&self, path: &str) -> Option<&Content> {
        self.0.get(path)
    }

    /// Every folder that holds a file or another folder, outer ones first; not the view's own.
    pub fn folders(&self) -> BTreeSet<&str> {
        self.0.keys().flat_map(|path| path.match_indices('/').map(|(slash, _)| &path[..slash])).collect()
    }
}
