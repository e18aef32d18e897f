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
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
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
    std::fs::create_dir_all(root).at("create", root)?;
    let may_be_ours =
        |name: &str| matches!(name, "blobs" | "receipts" | "partial" | "lock") || name.starts_with(".new-");
    for entry in std::fs::read_dir(root).at("list", root)? {
        let name = entry.at("list", root)?.file_name();
        if !name.to_str().is_some_and(may_be_ours) && name != "meta.json" {
            return Err(StoreError::NotAStore { root: root.to_owned() });
        }
    }
    for folder in [layout.blobs(), layout.receipts(), layout.partial()] {
        std::fs::create_dir_all(&folder).at("create", &folder)?;
    }
    let meta = Meta { format: FORMAT, needs: "0.1.0".to_owned() };
    whole_file::write(&layout.meta(), &serde_json::to_vec(&meta).expect("two plain fields can be written"))
}
