//! What the registry asks the rest of larder for: on a miss, the upstream of a pull-through cache.

use larder_store::key::BlobRef;

use crate::{
    core::{artifact::Artifact, layout::Layout},
    plan::EntryName,
};

/// Where the registry gets what it does not have. Called on threads that may block.
pub(crate) trait Upstream: Send + Sync {
    /// Makes sure that an artifact of the plan is in the store. The error says in words why it is not. Entries of several projects may have the same name.
    fn pull(&self, artifact: &Artifact, entry: &EntryName) -> Result<BlobRef, String>;
    /// The files of one of Pyodide's folders, all of which are in the store. The error says in words why there are none.
    fn folder(&self, which: PyodideFolder) -> Result<Layout, String>;
    /// Takes note of a request that was refused, and why.
    fn refused(&self, request: &str, why: &str);
}

/// A folder that the registry serves as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PyodideFolder {
    /// What Pyodide loads from.
    Pyodide,
    /// Wheels and their index.
    Wheels,
}
