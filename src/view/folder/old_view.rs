//! The old view: what is at the target before a new one takes its place, what of it can be linked, and what is not larder's.
//!
//! The marker of a view names its files and their lengths. What it does not name stops a new view before anything is changed.

use std::{
    collections::{BTreeMap, HashSet},
    ffi::OsString,
    fs::{self, Metadata},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use larder_store::{Store, blob, key::BlobRef};

use super::{
    modes::{FOLDER_MODE, mode_of_bytes},
    target::Target,
};
use crate::{
    core::{
        layout::{Content, Layout},
        path_error::AtPath as _,
        view_marker::Marker,
    },
    view::{error::ViewError, script_downloads},
};

/// What an old view has at a file's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// This very file.
    Same,
    /// Its bytes, with another mode: a package manager may have put it there.
    SameBytes,
    /// Nothing, or something else.
    Other,
}

/// What is at the target now.
pub(super) struct OldView<'a> {
    store: &'a Store,
    pub(super) root: PathBuf,
    pub(super) exists: bool,
    marker: Option<Marker>,
    entries: BTreeMap<String, Metadata>,
    /// What install scripts keep in npm's cache, which moves to the new view as it is: entries of the folder itself.
    pub(super) script_downloads: Vec<OsString>,
}

impl<'a> OldView<'a> {
    pub(super) fn read(store: &'a Store, target: &Target, kind: &str) -> Result<Self, ViewError> {
        let root = target.path.clone();
        let (mut entries, mut marker, mut script_downloads) = (BTreeMap::new(), None, Vec::new());
        let exists = match fs::symlink_metadata(&root) {
            Ok(metadata) if metadata.is_dir() => true,
            Ok(_) => return Err(ViewError::NotAFolder { path: root }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error).at("look at", &root)?,
        };
        if exists {
            // Somebody's folder may be the whole disk: it is not walked to find out.
            let is_empty = fs::read_dir(&root).at("list", &root)?.next().is_none();
            marker = Marker::read(&root).at("read the marker of", &root)?;
            if !is_empty && marker.is_none() {
                return Err(ViewError::NotAView { path: root });
            }
            if marker.as_ref().is_some_and(|marker| marker.is_npm_cache() && marker.is_of(kind)) {
                script_downloads = script_downloads::entries(&root).at("list", &root)?;
            }
            walk(&root, "", &script_downloads, &mut entries)?;
        }
        Ok(Self { store, root, exists, marker, entries, script_downloads })
    }

    /// Stops where there is something that larder did not write. The bytes of `same` files are those of the new view.
    pub(super) fn refuse_foreign(&self, same: &HashSet<&str>) -> Result<(), ViewError> {
        let Some(marker) = &self.marker else { return Ok(()) };
        let files = self.entries.iter().filter(|(_, metadata)| !metadata.is_dir());
        let foreign = files.filter(|(path, metadata)| !same.contains(path.as_str()) && !marker.covers(path, metadata));
        let files: Vec<String> = foreign.map(|(path, _)| path.clone()).collect();
        let path = self.root.clone();
        match files.is_empty() {
            true => Ok(()),
            false if marker.names_nothing() => Err(ViewError::Unnamed { path, files }),
            false => Err(ViewError::Foreign { path, files }),
        }
    }

    /// Has the marker of an old view name its files if it does not name all, so that they can be told from others when they are removed.
    pub(super) fn name_files(&self) -> Result<(), ViewError> {
        let is_unnamed = |marker: &&Marker| {
            let mut files = self.entries.iter().filter(|(_, metadata)| metadata.is_file());
            marker.names_nothing() || files.any(|(path, metadata)| !marker.covers(path, metadata))
        };
        let Some(marker) = self.marker.as_ref().filter(is_unnamed) else { return Ok(()) };
        let files = self.entries.iter().filter(|(_, metadata)| metadata.is_file());
        let named = files.map(|(path, metadata)| (path.as_str(), metadata.len()));
        Ok(marker.renew(&self.root, named).at("write the marker of", &self.root)?)
    }

    /// Whether there is this very file: its bytes are compared, since nothing keeps a view from being changed.
    pub(super) fn existing(&self, path: &str, content: &Content) -> Existing {
        let Some(metadata) = self.entries.get(path).filter(|metadata| metadata.is_file()) else {
            return Existing::Other;
        };
        let file = self.root.join(path);
        let (has_bytes, mode) = match content {
            Content::Blob(found) => (metadata.len() == found.size && self.is_blob(found, &file, metadata), blob::MODE),
            Content::Bytes(bytes) | Content::Program(bytes) => {
                let has_len = metadata.len() == bytes.len() as u64;
                (has_len && fs::read(&file).is_ok_and(|there| there == *bytes), mode_of_bytes(content))
            }
        };
        match metadata.permissions().mode() & 0o7777 == mode {
            _ if !has_bytes => Existing::Other,
            true => Existing::Same,
            false => Existing::SameBytes,
        }
    }

    fn is_blob(&self, found: &BlobRef, file: &Path, metadata: &Metadata) -> bool {
        let blob = fs::symlink_metadata(self.store.blob_path(&found.blob));
        blob.is_ok_and(|blob| (blob.dev(), blob.ino()) == (metadata.dev(), metadata.ino()))
            || blob::id_of_file(file).is_ok_and(|id| id == found.blob)
    }

    pub(super) fn has_nothing_but(&self, layout: &Layout) -> bool {
        let folders = layout.folders();
        let root_mode = fs::metadata(&self.root).map(|metadata| metadata.permissions().mode() & 0o7777);
        root_mode.is_ok_and(|mode| mode == FOLDER_MODE)
            && self.entries.iter().all(|(path, metadata)| {
                if metadata.is_dir() {
                    folders.contains(&**path) && metadata.permissions().mode() & 0o7777 == FOLDER_MODE
                } else {
                    layout.get(path).is_some()
                }
            })
    }
}

/// Everything below, but for these entries of the folder itself.
fn walk(
    root: &Path,
    below: &str,
    passed: &[OsString],
    entries: &mut BTreeMap<String, Metadata>,
) -> Result<(), ViewError> {
    let folder = root.join(below);
    for entry in fs::read_dir(&folder).at("list", &folder)? {
        let entry = entry.at("list", &folder)?;
        if passed.contains(&entry.file_name()) {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let metadata = entry.metadata().at("look at", &entry.path())?;
        let is_dir = metadata.is_dir();
        entries.insert(path.clone(), metadata);
        if is_dir {
            walk(root, &path, &[], entries)?;
        }
    }
    Ok(())
}
