//! Recognises a store without a `meta.json` (lost, or never written), and tells it from a foreign folder.
//!
//! Any folder may contain a `partial` or a `lock`. So names are not enough: each file must have the form that a store gives it, and `blobs/`, which a store creates
//! first, must exist. A foreign folder is left untouched.

use std::{
    ffi::OsStr,
    fs::{self, DirEntry, ReadDir},
    io,
    path::Path,
};

use crate::{
    error::{At as _, StoreError},
    layout::{ASIDE, Layout, NEW, is_hex, is_of_download},
    meta,
};

/// A folder that holds anything but parts of a store belongs to somebody else. One that does not exist holds nothing.
pub(crate) fn refuse(layout: &Layout) -> Result<(), StoreError> {
    let root = layout.root();
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(StoreError::NotAStore { root: root.to_owned() });
        }
        Err(error) => return Err(StoreError::io("list", root, error)),
    };
    // What another process makes meanwhile may have any form for a moment.
    if is_unfinished(entries).at("list", root)? || meta::check(layout)? {
        Ok(())
    } else {
        Err(StoreError::NotAStore { root: root.to_owned() })
    }
}

fn is_unfinished(entries: ReadDir) -> io::Result<bool> {
    let (mut is_empty, mut has_blobs) = (true, false);
    for entry in entries {
        let entry = entry?;
        if !is_part_of_a_store(&entry)? {
            return Ok(false);
        }
        is_empty = false;
        has_blobs |= entry.file_name() == "blobs";
    }
    Ok(is_empty || has_blobs)
}

fn is_part_of_a_store(entry: &DirEntry) -> io::Result<bool> {
    let (path, kind) = (entry.path(), entry.file_type()?);
    let shortest = |most| Ok(kind.is_file() && entry.metadata()?.len() <= most);
    match entry.file_name().to_str() {
        // Its content was looked at.
        Some("meta.json") => Ok(kind.is_file()),
        Some("lock") => shortest(0),
        Some("index.lock") => shortest(8),
        Some("rate.json") => shortest(4 << 10),
        Some("index-sled-v1" | "index-sled-v1.broken" | "script-cache") => Ok(kind.is_dir()),
        Some("blobs") => is_sharded(&path, ""),
        Some("receipts") => is_sharded(&path, ".json"),
        Some("partial") => all(&path, is_in_partial),
        Some("remembered" | "gone" | "rows") => all(&path, |name| is_hex(name, 64)),
        Some("damaged") => all(&path, |name| is_hex(name, 64) || name.starts_with(ASIDE.as_bytes())),
        name => Ok(name.is_some_and(|name| name.starts_with(NEW))),
    }
}

fn is_in_partial(name: &[u8]) -> bool {
    is_of_download(OsStr::new(std::str::from_utf8(name).unwrap_or_default()))
        || name == b"journal"
        || name.starts_with(b"larder-buildkit-")
        // A nameless file, where the system has none and it has a name until it is removed.
        || name.starts_with(b".tmp")
}

fn is_sharded(folder: &Path, suffix: &str) -> io::Result<bool> {
    let is_named = |name: &[u8]| name.strip_suffix(suffix.as_bytes()).is_some_and(|name| is_hex(name, 62));
    if !all(folder, |name| is_hex(name, 2))? {
        return Ok(false);
    }
    for shard in fs::read_dir(folder)? {
        if !all(&shard?.path(), is_named)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether this is a folder, no link, in which all names have a form, those apart of what was on its way.
fn all(folder: &Path, is_own: impl Fn(&[u8]) -> bool) -> io::Result<bool> {
    if !fs::symlink_metadata(folder)?.is_dir() {
        return Ok(false);
    }
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.as_encoded_bytes();
        if !name.starts_with(NEW.as_bytes()) && !is_own(name) {
            return Ok(false);
        }
    }
    Ok(true)
}
