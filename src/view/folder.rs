//! Writing a view: built beside its folder, then swapped with it.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use larder_store::{Store, StoreError};

use super::layout::{Content, Layout};

/// The file that says that a folder is a view and may be replaced.
const MARKER: &str = ".larder-view";

/// How a view came to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Files of the view, the one that says what it is not counted.
    pub files: usize,
    /// Of these, files that were there already.
    pub kept: usize,
    /// Files that share their bytes with the store.
    pub shared: usize,
    /// Files whose bytes were copied or made.
    pub written: usize,
}

/// Why a view could not be written. What was there before is there still.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The folder holds something that larder did not put there.
    #[error("{} holds something else and is not a view", path.display())]
    NotAView {
        /// The folder.
        path: PathBuf,
    },
    /// A blob could not be placed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Anything else that the system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

impl ViewError {
    /// The way out, if there is one to name.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAView { .. } => Some("name a folder that does not exist or is empty, or remove this one first"),
            _ => None,
        }
    }
}

/// Makes `target` a view of this kind with these files.
pub fn publish(store: &Store, mut layout: Layout, kind: &str, target: &Path) -> Result<Published, ViewError> {
    let at = |action, path: &Path| {
        let path = path.to_owned();
        move |source| ViewError::Io { action, path, source }
    };
    let target = std::path::absolute(target).map_err(at("find", target))?;
    let parent = target.parent().ok_or_else(|| ViewError::NotAView { path: target.clone() })?;
    fs::create_dir_all(parent).map_err(at("create", parent))?;
    let is_empty = fs::read_dir(&target).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty && !target.join(MARKER).exists() {
        return Err(ViewError::NotAView { path: target });
    }
    layout.insert(MARKER.to_owned(), Content::Bytes(format!("{kind}\n").into_bytes()));
    let scratch =
        tempfile::Builder::new().prefix(".larder-").tempdir_in(parent).map_err(at("make a folder in", parent))?;
    for folder in layout.folders() {
        let folder = scratch.path().join(folder);
        fs::create_dir(&folder).map_err(at("create", &folder))?;
    }
    for (path, content) in layout.files() {
        let file = scratch.path().join(path);
        match content {
            Content::Blob(found) => {
                let blob = store.blob_path(&found.blob);
                fs::hard_link(&blob, &file)
                    .or_else(|_| fs::copy(&blob, &file).map(|_| ()))
                    .map_err(at("copy to", &file))?;
            }
            Content::Bytes(bytes) => fs::write(&file, bytes).map_err(at("write", &file))?,
        }
    }
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o755))
        .map_err(at("set the mode of", scratch.path()))?;
    let built = scratch.keep();
    if target.exists() {
        let aside = built.with_extension("old");
        fs::rename(&target, &aside).map_err(at("rename", &target))?;
        fs::rename(&built, &target).map_err(at("rename", &built))?;
        fs::remove_dir_all(&aside).map_err(at("remove", &aside))?;
    } else {
        fs::rename(&built, &target).map_err(at("rename", &built))?;
    }
    let files = layout.files().len() - 1;
    Ok(Published { files, written: files, ..Published::default() })
}
