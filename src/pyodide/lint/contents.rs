//! [`FolderContents`]: what a folder holds, as a value.

use std::collections::BTreeMap;

use larder_store::digest::Digest;

/// What a folder holds.
#[derive(Debug, Default)]
pub struct FolderContents {
    /// The digest of each file, by its path.
    pub files: BTreeMap<String, Digest>,
    /// The bytes of the lock, if there is one: its name and what it holds.
    pub lock: Option<(&'static str, Vec<u8>)>,
    /// The text of `pyodide.asm.js` or `.mjs`, as far as it is text.
    pub glue: Option<String>,
    /// What is wrong with wheels, by path.
    pub bad_wheels: BTreeMap<String, String>,
}

impl FolderContents {
    /// What the runtime's own code says: `API.version="0.28.3";API.abiVersion="2025_0"`.
    pub(super) fn stated(&self, what: &str) -> Option<&str> {
        let glue = self.glue.as_deref()?;
        let after = glue.split_once(&format!("{what}=\""))?.1;
        after.split('"').next()
    }
}
