//! Negative cache: a note in `gone/` says that an address had no file, so that a run without a network can leave out an optional package.
//!
//! ```text
//! gone/<blake3 of the file's keys and of the address>     an empty note
//! ```
//!
//! A seed has a second note for each such file with a known digest, without an address: users of a seed may have another registry for the same bytes.
//!
//! Notes are derived data. A run that may make requests makes the request again and believes the new answer; a deleted note costs one request. A note is empty, and
//! holds for this file at this address only: another registry is still asked.

use std::{fs, io};

use crate::{
    atomic_file,
    error::StoreError,
    key::Wanted,
    layout::{Layout, is_hex},
    open::is_file,
    overlay::Overlay,
    writable::Writable,
};

/// Notes that are kept. A project has a few, and each is a file without content.
const KEPT: usize = 1000;

/// What a note is called.
fn name(wanted: &Wanted, address: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for key in wanted.keys() {
        hasher.update(&[u8::try_from(key.as_bytes().len()).expect("a key has at most 65 bytes")]);
        hasher.update(key.as_bytes());
    }
    hasher.update(&[0]);
    hasher.update(address.as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// The path of a note in a store, for a seed.
pub(crate) fn path(layout: &Layout, wanted: &Wanted, address: &str) -> std::path::PathBuf {
    layout.gone(&name(wanted, address))
}

/// The path of a note that names no address, for a seed.
pub(crate) fn path_anywhere(layout: &Layout, wanted: &Wanted) -> std::path::PathBuf {
    path(layout, wanted, "")
}

/// Records that nothing is at this address. A failure costs a later run without a network the package.
pub(crate) fn note(store: &Overlay, wanted: &Wanted, address: &str) {
    let Ok(writable) = store.writable() else { return };
    if is_noted(store, wanted, address) {
        return;
    }
    if let Err(error) = write(writable, &path(writable.layout(), wanted, address)) {
        tracing::debug!(%error, "that a package is gone is not recorded");
    }
}

/// Records a note that another store has, by its name: 64 hexadecimal digits.
pub(crate) fn keep(store: Writable<'_>, name: &str) -> Result<(), StoreError> {
    let path = store.layout().gone(name);
    if !is_hex(name.as_bytes(), 64) || is_file(&path) { Ok(()) } else { write(store, &path) }
}

/// Whether nothing was at this address when it was asked last.
pub(crate) fn is_noted(store: &Overlay, wanted: &Wanted, address: &str) -> bool {
    // A link or a folder of that name is nobody's note.
    store.layouts().any(|layout| is_file(&path(layout, wanted, address)))
}

/// Whether a seed has a note that no address had this file. Only a file that a digest identifies can have one.
pub(crate) fn is_noted_anywhere(store: &Overlay, wanted: &Wanted) -> bool {
    matches!(wanted, Wanted::Integrity(_)) && is_noted(store, wanted, "")
}

/// Deletes the note: the address has the file after all.
pub(crate) fn forget(store: &Overlay, wanted: &Wanted, address: &str) {
    match fs::remove_file(path(store.layout(), wanted, address)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::debug!(%error, "that a package was gone stays recorded");
        }
        _ => {}
    }
}

fn write(store: Writable<'_>, path: &std::path::Path) -> Result<(), StoreError> {
    let layout = store.layout();
    atomic_file::write(layout, path, b"")?;
    let folder = layout.all_gone();
    let io = |source| StoreError::io("list", folder.clone(), source);
    let mut notes = Vec::new();
    for entry in fs::read_dir(&folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        if !is_hex(entry.file_name().as_encoded_bytes(), 64) {
            continue;
        }
        notes.push((entry.metadata().and_then(|metadata| metadata.modified()).map_err(io)?, entry.path()));
    }
    notes.sort();
    for (_, oldest) in notes.iter().take(notes.len().saturating_sub(KEPT)) {
        fs::remove_file(oldest).map_err(io)?;
    }
    Ok(())
}
