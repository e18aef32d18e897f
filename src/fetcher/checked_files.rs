//! Large files that were read whole and compared, so that whoever serves one, or parts of it, need not read all of it again: a memo of one process.
//!
//! A file counts as unchanged if it is the same file with the same length and times. The time of its last change of any kind (ctime) is the system's: no program sets it. Its
//! clock has steps of some milliseconds, so a file that was changed a moment ago is read again, whatever its times say.

use std::{
    collections::HashMap,
    fs::{File, Metadata},
    os::unix::fs::MetadataExt as _,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use larder_store::{
    Store, StoreError,
    digest::{BlobId, Integrity},
};

/// How long a file has to be unchanged before its times can tell of the next change. Filesystems count in steps of 2 s at most.
const SETTLED: Duration = Duration::from_secs(3);

/// Files that were checked, each with what it was compared with.
#[derive(Debug)]
pub(crate) struct CheckedFiles {
    files: Mutex<HashMap<Compared, State>>,
    settled: Duration,
}

/// A blob, and what else is stated of its bytes.
type Compared = (BlobId, Option<Integrity>);

impl Default for CheckedFiles {
    fn default() -> Self {
        Self { files: Mutex::default(), settled: SETTLED }
    }
}

/// Files that are being read.
pub(super) struct Reading {
    states: Vec<(State, Compared)>,
    begun: SystemTime,
}

impl Reading {
    /// Notes what these blobs' files are like before all of them are read and compared.
    pub(super) fn begin(store: &Store, blobs: impl Iterator<Item = Compared>) -> Self {
        let begun = SystemTime::now();
        let states = blobs.filter_map(|compared| Some((state_of(store, &compared.0)?, compared)));
        Self { states: states.collect(), begun }
    }
}

fn state_of(store: &Store, blob: &BlobId) -> Option<State> {
    Some(State::of(&std::fs::symlink_metadata(store.blob_path(blob)).ok()?))
}

/// What changes when a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl State {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether it was unchanged for this long at this time.
    fn is_settled(&self, now: SystemTime, long: Duration) -> bool {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (seconds, nanoseconds) = (u64::try_from(self.changed.0), u32::try_from(self.changed.1));
        let changed = Duration::new(seconds.unwrap_or(u64::MAX), nanoseconds.unwrap_or_default());
        changed.checked_add(long).is_some_and(|settled| settled < now)
    }
}

impl CheckedFiles {
    /// They were read; those that are sound and did not change meanwhile are checked.
    pub(super) fn finish(&self, store: &Store, Reading { states, begun }: Reading, is_sound: impl Fn(&BlobId) -> bool) {
        for (before, compared) in states.into_iter().filter(|(_, (blob, _))| is_sound(blob)) {
            if state_of(store, &compared.0) == Some(before) && before.is_settled(begun, self.settled) {
                self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(compared, before);
            }
        }
    }

    /// Opens the file of a blob whose bytes are those of its name, and of what is stated of them.
    pub(crate) fn open(&self, store: &Store, blob: &BlobId, stated: Option<&Integrity>) -> Result<File, StoreError> {
        let key = (*blob, stated.cloned());
        let known = self.known(&key);
        let state_of = |file: &File| file.metadata().ok().map(|metadata| State::of(&metadata));
        let begun = SystemTime::now();
        let before = match store.open_blob(blob).ok().and_then(|file| Some((state_of(&file)?, file))) {
            Some((state, file)) if known == Some(state) => return Ok(file),
            other => other.map(|(state, _)| state),
        };
        let file = store.open_checked(blob, stated)?;
        let is_same = |state: &State| before == Some(*state) && state.is_settled(begun, self.settled);
        if let Some(state) = state_of(&file).filter(is_same) {
            self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(key, state);
        }
        Ok(file)
    }

    fn known(&self, compared: &Compared) -> Option<State> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).get(compared).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt as _,
    };

    use super::*;

    /// A store with a blob of these bytes, which anybody may change.
    fn store_with(bytes: &[u8]) -> (tempfile::TempDir, Store, BlobId) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let blob = BlobId::of(bytes);
        let path = store.blob_path(&blob);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        (folder, store, blob)
    }

    fn state(store: &Store, blob: &BlobId) -> State {
        State::of(&fs::metadata(store.blob_path(blob)).unwrap())
    }

    #[test]
    fn a_file_that_was_checked_is_not_read_again_until_it_changes() {
        let (_folder, store, blob) = store_with(b"bytes");
        let checked = CheckedFiles { settled: Duration::ZERO, ..CheckedFiles::default() };
        // A step of the filesystem's clock.
        std::thread::sleep(Duration::from_millis(50));
        checked.open(&store, &blob, None).unwrap();
        assert_eq!(checked.known(&(blob, None)), Some(state(&store, &blob)));
        fs::write(store.blob_path(&blob), b"BYTES").unwrap();
        let error = checked.open(&store, &blob, None).unwrap_err();
        assert!(matches!(error, StoreError::DamagedBlob { .. }), "{error}");
        // What is known to be unchanged is believed.
        checked.files.lock().unwrap().insert((blob, None), state(&store, &blob));
        checked.open(&store, &blob, None).unwrap();
        let stated = Integrity::from(larder_store::digest::Digest::of(larder_store::digest::Algorithm::Sha256, b"x"));
        assert!(checked.open(&store, &blob, Some(&stated)).is_err(), "it was not compared with this one");
    }

    #[test]
    fn what_was_read_together_is_checked_if_it_is_sound_and_did_not_change_meanwhile() {
        let (_folder, store, blob) = store_with(b"bytes");
        let checked = CheckedFiles { settled: Duration::ZERO, ..CheckedFiles::default() };
        std::thread::sleep(Duration::from_millis(50));
        let known = |checked: &CheckedFiles| checked.known(&(blob, None));
        let begin = || Reading::begin(&store, [(blob, None)].into_iter());
        checked.finish(&store, begin(), |_| false);
        assert_eq!(known(&checked), None);
        let reading = begin();
        fs::write(store.blob_path(&blob), b"BYTES").unwrap();
        checked.finish(&store, reading, |_| true);
        assert_eq!(known(&checked), None, "it changed while it was read");
        std::thread::sleep(Duration::from_millis(50));
        checked.finish(&store, begin(), |_| true);
        assert_eq!(known(&checked), Some(state(&store, &blob)));
    }

    #[test]
    fn a_file_that_has_changed_just_now_is_read_again() {
        let (_folder, store, blob) = store_with(b"bytes");
        let checked = CheckedFiles::default();
        checked.open(&store, &blob, None).unwrap();
        assert_eq!(checked.known(&(blob, None)), None);
        let now = SystemTime::now();
        let state = state(&store, &blob);
        assert!(!state.is_settled(now, SETTLED) && state.is_settled(now + 2 * SETTLED, SETTLED));
    }
}
