//! The layout of a folder that Pyodide loads from: the runtime's files, the packages under their real names, and the lock that names them. Pure.
//!
//! ```text
//! pyodide.mjs pyodide.asm.… python_stdlib.zip package.json   the runtime, out of its npm tarball
//! numpy-….whl openblas-….zip …                               blobs of the store
//! pyodide-lock.json                                          or repodata.json, where the release reads that
//! ```

use std::collections::BTreeMap;

use larder_store::{
    digest::{Algorithm, Digest},
    key::BlobRef,
};
use url::Url;

pub use super::folder_lock::Disagreement;
use super::{
    cycles::{BackEdge, Loss},
    distribution::{Distribution, DistributionError},
    folder_lock::FolderLockInput,
    runtime_files::RuntimeFiles,
    wheel::Wheel,
};
use crate::{
    core::{
        file_name::FileName,
        layout::{Content, Layout},
    },
    lockfile::larder_lock::PyodideLock,
    python::name::ProjectName,
};

/// What a folder is made from.
#[derive(Debug)]
pub struct FolderInput<'a> {
    /// What is to be shipped.
    pub lock: &'a PyodideLock,
    /// The runtime.
    pub runtime_files: RuntimeFiles,
    /// The file of each package.
    pub files: BTreeMap<ProjectName, BlobRef>,
    /// The wheels of the index.
    pub wheels: BTreeMap<ProjectName, Wheel>,
    /// Where the rest of the distribution is, if its entries are to stay in the lock. Ends with a slash.
    pub elsewhere: Option<Url>,
}

/// A folder as a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its files.
    pub layout: Layout,
    /// The dependencies that were left out of its lock, since they close cycles.
    pub cut: Vec<BackEdge>,
    /// The requested packages that load less because of that.
    pub losses: Vec<Loss>,
}

/// Why there is no such folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// The runtime's own lock is not the one that was resolved against.
    #[error(
        "{file} of pyodide {runtime} is not the one that larder.lock was made with: its sha256 is {found}, and should be {expected}"
    )]
    OtherBase {
        /// The release.
        runtime: String,
        /// The lock's name.
        file: FileName,
        /// The digest in `larder.lock`.
        expected: String,
        /// The digest of the runtime's file.
        found: String,
    },
    /// The runtime's own lock cannot be read.
    #[error(transparent)]
    Distribution(#[from] DistributionError),
    /// The two locks disagree.
    #[error("larder.lock and the distribution of pyodide {runtime} disagree:\n  {}", lines(.disagreements))]
    Disagree {
        /// The release.
        runtime: String,
        /// All that disagrees.
        disagreements: Vec<Disagreement>,
    },
    /// Two files of one name.
    #[error("two files of the folder have the name {file}: that of {package} and another")]
    SameName {
        /// The name.
        file: String,
        /// A package that has a file of that name.
        package: ProjectName,
    },
}

fn lines(disagreements: &[Disagreement]) -> String {
    disagreements.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  ")
}

impl FolderInput<'_> {
    /// The folder.
    pub fn lay_out(self) -> Result<Folder, FolderError> {
        let runtime = self.lock.runtime.release.version().to_string();
        let (lock_name, lock_bytes) = self.runtime_files.lock();
        let found = Digest::of(Algorithm::Sha256, lock_bytes);
        if found != self.lock.base.sha256 || lock_name != self.lock.base.file_name {
            let (expected, found) = (self.lock.base.sha256.to_hex(), found.to_hex());
            return Err(FolderError::OtherBase { runtime, file: lock_name, expected, found });
        }
        let distribution = Distribution::read(lock_name.as_str(), lock_bytes)?;
        let names = self.runtime_files.files().map(|(name, _)| name).collect();
        let input = FolderLockInput {
            distribution: &distribution,
            lock: self.lock,
            wheels: &self.wheels,
            runtime_file_names: &names,
            elsewhere: self.elsewhere.as_ref(),
        };
        let folder_lock = input.build().map_err(|disagreements| FolderError::Disagree { runtime, disagreements })?;
        let mut layout = Layout::default();
        let mut text = serde_json::to_vec(&folder_lock.document).expect("a document that was read can be written");
        text.push(b'\n');
        layout.insert(lock_name.to_string(), Content::Bytes(text));
        for (name, bytes) in self.runtime_files.into_files() {
            layout.insert(name.to_owned(), Content::Bytes(bytes));
        }
        for package in &self.lock.packages {
            let Some(found) = self.files.get(&package.name) else { continue };
            let file = package.file_name.to_string();
            if layout.get(&file).is_some() {
                return Err(FolderError::SameName { file, package: package.name.clone() });
            }
            layout.insert(file, Content::Blob(*found));
        }
        Ok(Folder { layout, cut: folder_lock.cut, losses: folder_lock.losses })
    }
}

#[cfg(test)]
mod tests;
