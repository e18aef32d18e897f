//! `meta.json`: what format the store has.

use std::io;

use serde::{Deserialize, Serialize};

use crate::{
    error::{At as _, StoreError},
    layout::Layout,
    whole_file,
};

/// The format that this crate reads and writes.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Meta {
    format: u32,
    /// The oldest larder that reads the format.
    needs: String,
}

/// Whether there is a store, of a format that this crate reads.
pub(crate) fn check(layout: &Layout) -> Result<bool, StoreError> {
    let path = layout.meta();
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(false);
        }
        Err(error) => return Err(StoreError::io("read", path, error)),
    };
    let meta: Meta =
        serde_json::from_slice(&bytes).map_err(|source| StoreError::DamagedMeta { path: path.clone(), source })?;
    if meta.format > FORMAT {
        return Err(StoreError::NewerFormat { root: layout.root().to_owned(), format: meta.format, needs: meta.needs });
    }
    Ok(true)
}

/// Makes an empty store. Several processes may do this at once: all write the same.
pub(crate) fn create(layout: &Layout) -> Result<(), StoreError> {
    let root = layout.root();
    refuse_strangers(layout)?;
    std::fs::create_dir_all(root).at("create", root)?;
    for folder in [layout.blobs(), layout.receipts(), layout.partial()] {
        std::fs::create_dir_all(&folder).at("create", &folder)?;
    }
    whole_file::write(&layout.meta(), &bytes())
}

/// What the file says of a store of this format.
pub(crate) fn bytes() -> Vec<u8> {
    let meta = Meta { format: FORMAT, needs: "0.1.0".to_owned() };
    serde_json::to_vec(&meta).expect("two plain fields can be written")
}

/// A folder that holds anything but parts of a store belongs to somebody else. One that does not exist holds nothing.
pub(crate) fn refuse_strangers(layout: &Layout) -> Result<(), StoreError> {
    let root = layout.root();
    let entries = match std::fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(StoreError::NotAStore { root: root.to_owned() });
        }
        Err(error) => return Err(StoreError::io("list", root, error)),
    };
    for entry in entries {
        let name = entry.at("list", root)?.file_name();
        if !name.to_str().is_some_and(is_part_of_a_store) {
            return Err(StoreError::NotAStore { root: root.to_owned() });
        }
    }
    Ok(())
}

fn is_part_of_a_store(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        "meta.json",
        "blobs",
        "receipts",
        "partial",
        "damaged",
        "remembered",
        "gone",
        "lock",
        "index.lock",
        "index-sled-v1",
        "index-sled-v1.broken",
    ];
    NAMES.contains(&name) || name.starts_with(".new-")
}
