//! Where everything is. The only module that knows the store's paths.

use std::path::{Path, PathBuf};

use crate::{digest::BlobId, look_up::KeyHash};

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

    pub(crate) fn all_remembered(&self) -> PathBuf {
        self.root.join("remembered")
    }

    pub(crate) fn remembered(&self, name: &str) -> PathBuf {
        self.all_remembered().join(name)
    }

    pub(crate) fn all_gone(&self) -> PathBuf {
        self.root.join("gone")
    }

    pub(crate) fn gone(&self, name: &str) -> PathBuf {
        self.all_gone().join(name)
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join("partial/journal")
    }
}
