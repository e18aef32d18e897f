//! Where everything is, and what it is called. The only module that knows the store's paths.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use crate::{digest::BlobId, key::KeyHash};

/// How the names of files begin that are being written: [`crate::atomic_file`].
pub(crate) const NEW: &str = ".new-";
/// How the names of the folders in `damaged/` begin in which something lies that was in the way.
pub(crate) const ASIDE: &str = "aside-";

/// The paths of one store.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn meta(&self) -> PathBuf {
        self.root.join("meta.json")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(crate) fn index_lock(&self) -> PathBuf {
        self.root.join("index.lock")
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.root.join("index-sled-v1")
    }

    pub(crate) fn broken_index(&self) -> PathBuf {
        self.root.join("index-sled-v1.broken")
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(crate) fn receipts(&self) -> PathBuf {
        self.root.join("receipts")
    }

    pub(crate) fn partial(&self) -> PathBuf {
        self.root.join("partial")
    }

    pub(crate) fn damaged(&self) -> PathBuf {
        self.root.join("damaged")
    }

    pub(crate) fn script_cache(&self) -> PathBuf {
        self.root.join("script-cache")
    }

    pub(crate) fn blob(&self, id: &BlobId) -> PathBuf {
        let hex = id.to_string();
        let (folder, rest) = hex.split_at(2);
        self.root.join(format!("blobs/{folder}/{rest}"))
    }

    pub(crate) fn receipt(&self, id: &BlobId) -> PathBuf {
        let hex = id.to_string();
        let (folder, rest) = hex.split_at(2);
        self.root.join(format!("receipts/{folder}/{rest}.json"))
    }

    pub(crate) fn part_of(&self, key: &KeyHash) -> PathBuf {
        self.root.join(format!("partial/{key}.part"))
    }

    pub(crate) fn lookup_cache(&self) -> PathBuf {
        self.root.join("remembered")
    }

    pub(crate) fn cached_lookup(&self, name: &str) -> PathBuf {
        self.lookup_cache().join(name)
    }

    pub(crate) fn all_gone(&self) -> PathBuf {
        self.root.join("gone")
    }

    pub(crate) fn gone(&self, name: &str) -> PathBuf {
        self.all_gone().join(name)
    }

    pub(crate) fn all_rows(&self) -> PathBuf {
        self.root.join("rows")
    }

    pub(crate) fn rows(&self, lockfile: &BlobId) -> PathBuf {
        self.all_rows().join(lockfile.to_string())
    }

    pub(crate) fn rate(&self) -> PathBuf {
        self.root.join("rate.json")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join("partial/journal")
    }
}

/// Whether a name has this many lower-case hexadecimal digits, and nothing else.
pub(crate) fn is_hex(name: &[u8], digits: usize) -> bool {
    name.len() == digits && name.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether this is the name of a download's bytes, or of what is known of them.
pub(crate) fn is_of_download(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    let key = name.strip_suffix(b".part").or_else(|| name.strip_suffix(b".json"));
    key.is_some_and(|key| is_hex(key, 64))
}

/// The blob that a path in `blobs/` or `receipts/` names, if it names one.
pub(crate) fn named_blob(path: &Path) -> Option<BlobId> {
    let shard = path.parent()?.file_name()?.to_str()?;
    let name = path.file_name()?.to_str()?;
    let rest = name.strip_suffix(".json").unwrap_or(name);
    (shard.len() == 2).then(|| format!("{shard}{rest}").parse().ok()).flatten()
}
