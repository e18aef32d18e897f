//! Static folders: Pyodide's, and that of the wheels. Each layout is made at the first request for it, and kept.

use std::sync::{Mutex, OnceLock, PoisonError};

use larder_store::Store;

use super::upstream::{PyodideFolder, Upstream};
use crate::{
    core::layout::{Content, Layout},
    loopback::CheckedBlob,
};

/// The layouts that were made so far.
#[derive(Debug, Default)]
pub(super) struct Folders {
    pyodide: OnceLock<Layout>,
    wheels: OnceLock<Layout>,
    /// Held while one is made: it may take a download.
    making: Mutex<()>,
}

/// A file of a folder.
pub(super) struct FolderFile {
    pub(super) body: axum::body::Body,
    pub(super) len: u64,
    pub(super) content_type: &'static str,
}

/// What is at a path of a folder.
pub(super) enum FolderEntry {
    /// A file.
    File(FolderFile),
    /// A folder, whose address ends with a slash.
    Folder,
}

impl Folders {
    fn layout(&self, which: PyodideFolder, upstream: &dyn Upstream) -> Result<&Layout, String> {
        let layout = match which {
            PyodideFolder::Pyodide => &self.pyodide,
            PyodideFolder::Wheels => &self.wheels,
        };
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = layout.get() {
            return Ok(made);
        }
        let made = upstream.folder(which)?;
        Ok(layout.get_or_init(|| made))
    }

    /// What is at this path; in words, why nothing is.
    pub(super) fn at(
        &self,
        which: PyodideFolder,
        path: &str,
        store: &Store,
        upstream: &dyn Upstream,
    ) -> Result<FolderEntry, String> {
        let layout = self.layout(which, upstream)?;
        let is_folder = path.is_empty() || path.ends_with('/');
        let file = if is_folder { format!("{path}index.html") } else { path.to_owned() };
        let Some(content) = layout.get(&file) else {
            let is_folder_of_pages = layout.get(&format!("{file}/index.html")).is_some();
            return if is_folder_of_pages { Ok(FolderEntry::Folder) } else { Err(format!("no lockfile names {file}")) };
        };
        let (body, len) = match content {
            Content::Bytes(bytes) | Content::Program(bytes) => (bytes.clone().into(), bytes.len() as u64),
            Content::Blob(found) => {
                let checked = CheckedBlob::read(store, *found, None).map_err(|error| format!("{file}: {error}"))?;
                (checked.into_body(), found.size)
            }
        };
        Ok(FolderEntry::File(FolderFile { body, len, content_type: content_type(&file) }))
    }
}

/// What browsers insist on: WebAssembly and modules are refused under any other type.
fn content_type(file: &str) -> &'static str {
    match file.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "wasm" => "application/wasm",
        "mjs" | "js" => "text/javascript",
        "json" => "application/json",
        "html" => "text/html; charset=utf-8",
        "zip" | "whl" => "application/zip",
        _ => "application/octet-stream",
    }
}
