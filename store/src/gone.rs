//! `gone/<64 hex>`: that an address had no file, so that a run without a network can go on without a package that may be left out.
//!
//! ```text
//! gone/<blake3 of the file's keys and of the address>     an empty note
//! ```
//!
//! In a seed there is a second note of each file that is known by a digest, without an address: who uses the seed may ask another registry for the same bytes.
//!
//! Derived: whoever may ask the address asks it again and believes the answer, and a note that is deleted costs one such question. A note has no content to believe; it
//! is one about this file at this address, so that another registry is asked.

use std::{fs, io};

use crate::{error::StoreError, layout::Layout, look_up::Wanted, open::is_hex, store::Store, whole_file};

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

impl Store {
    /// Notes that nothing is at this address. A failure costs a later run without a network the package.
    pub fn note_gone(&self, wanted: &Wanted, address: &str) {
        if !self.is_writable() || self.is_noted_gone(wanted, address) {
            return;
        }
        if let Err(error) = write(self.layout(), &path(self.layout(), wanted, address)) {
            tracing::debug!(%error, "that a package is gone is not noted");
        }
    }

    /// Whether nothing was at this address when it was asked last.
    pub fn is_noted_gone(&self, wanted: &Wanted, address: &str) -> bool {
        let below = self.below().into_iter().flat_map(crate::below::Below::layouts);
        // A link or a folder of that name is nobody's note.
        let is_there = |layout: &Layout| {
            fs::symlink_metadata(path(layout, wanted, address)).is_ok_and(|metadata| metadata.is_file())
        };
        is_there(self.layout()) || below.into_iter().any(is_there)
    }

    /// Whether a seed says that nobody had this file: by its digest, at whatever address. A file that only an address tells from others is asked for there.
    pub fn is_noted_gone_anywhere(&self, wanted: &Wanted) -> bool {
        matches!(wanted, Wanted::Integrity(_)) && self.is_noted_gone(wanted, "")
    }

    /// Forgets the note: the address has the file after all.
    pub fn forget_gone(&self, wanted: &Wanted, address: &str) {
        match fs::remove_file(path(self.layout(), wanted, address)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::debug!(%error, "that a package was gone stays noted");
            }
            _ => {}
        }
    }
}

fn write(layout: &Layout, path: &std::path::Path) -> Result<(), StoreError> {
    whole_file::write(layout, path, b"")?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Algorithm, Digest, Integrity};

    fn wanted(text: &str) -> Wanted {
        Wanted::Integrity(Integrity::from(Digest::of(Algorithm::Sha512, text.as_bytes())))
    }

    #[test]
    fn a_note_is_about_one_file_at_one_address_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let (one, identity) = (wanted("one"), Wanted::Identity("npm a 1.0.0".to_owned()));
        store.note_gone(&one, "https://registry.example/a.tgz");
        store.note_gone(&identity, "https://registry.example/a.tgz");
        assert!(store.is_noted_gone(&one, "https://registry.example/a.tgz"));
        assert!(store.is_noted_gone(&identity, "https://registry.example/a.tgz"));
        assert!(!store.is_noted_gone(&one, "https://other.example/a.tgz"));
        assert!(!store.is_noted_gone(&wanted("other"), "https://registry.example/a.tgz"));
        store.forget_gone(&one, "https://registry.example/a.tgz");
        store.forget_gone(&one, "https://registry.example/a.tgz");
        assert!(!store.is_noted_gone(&one, "https://registry.example/a.tgz"));
        assert!(store.is_noted_gone(&identity, "https://registry.example/a.tgz"));
    }

    #[test]
    fn a_seeds_note_without_an_address_is_about_bytes_that_a_digest_names() {
        let folder = tempfile::tempdir().unwrap();
        let (seed, one) = (folder.path().join("seed"), wanted("one"));
        drop(Store::open(&seed).unwrap());
        let identity = Wanted::Identity("npm a 1.0.0".to_owned());
        let (name, bytes) = crate::seed::gone_anywhere(&one).unwrap();
        fs::create_dir(seed.join("gone")).unwrap();
        fs::write(seed.join(name), bytes).unwrap();
        fs::write(path(&Layout::new(&seed), &identity, ""), "").unwrap();
        let store = Store::open_over(&folder.path().join("store"), &seed).unwrap();
        assert!(store.is_noted_gone_anywhere(&one) && !store.is_noted_gone_anywhere(&wanted("other")));
        assert!(crate::seed::gone_anywhere(&identity).is_none() && !store.is_noted_gone_anywhere(&identity));
    }

    #[test]
    fn a_note_of_the_store_below_counts_and_a_link_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (above, below) = (folder.path().join("above"), folder.path().join("below"));
        let (one, address) = (wanted("one"), "https://registry.example/a.tgz");
        Store::open(&below).unwrap().note_gone(&one, address);
        let store = Store::open_over(&above, &below).unwrap();
        assert!(store.is_noted_gone(&one, address));
        let note = path(&Layout::new(&below), &one, address);
        fs::remove_file(&note).unwrap();
        std::os::unix::fs::symlink("/dev/null", &note).unwrap();
        assert!(!store.is_noted_gone(&one, address));
    }

    #[test]
    fn the_newest_thousand_notes_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let notes = store.layout().all_gone();
        fs::create_dir(&notes).unwrap();
        for number in 0..KEPT {
            let old = fs::File::create(notes.join(format!("{number:064}"))).unwrap();
            old.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(number as u64)).unwrap();
        }
        let one = wanted("one");
        store.note_gone(&one, "a");
        assert_eq!(fs::read_dir(&notes).unwrap().count(), KEPT);
        assert!(store.is_noted_gone(&one, "a") && !notes.join(format!("{:064}", 0)).exists());
    }
}
