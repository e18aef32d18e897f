//! Making an empty store.

use crate::{
    atomic_file,
    error::{At as _, StoreError},
    foreign,
    layout::Layout,
    meta, open,
};

/// Makes an empty store. Several processes may do this at once: all write the same.
pub(crate) fn create(layout: &Layout) -> Result<(), StoreError> {
    let root = layout.root();
    foreign::refuse(layout)?;
    std::fs::create_dir_all(root).at("create", root)?;
    // `blobs/` first: by it, a store that is killed here is known again.
    for folder in [layout.blobs(), layout.receipts(), layout.partial()] {
        open::make_folder(&folder).at("create", &folder)?;
    }
    // On the disk before it has its name: an empty file of that name would be what a power loss leaves.
    atomic_file::stage(&layout.meta(), &meta::bytes())?.synced()?.publish(layout)
}
