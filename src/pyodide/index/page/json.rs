//! An index's list of files as JSON (PEP 691, with PEP 700's sizes and times).

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use url::Url;

use super::error::PageError;
use crate::pyodide::index::file::{CoreMetadata, IndexFile, address, sha256};

#[derive(Deserialize)]
struct Project {
    #[serde(default)]
    meta: Meta,
    files: Vec<File>,
}

#[derive(Default, Deserialize)]
struct Meta {
    #[serde(rename = "api-version")]
    form: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    requires_python: Option<String>,
    size: Option<u64>,
    upload_time: Option<String>,
    yanked: Option<FlagOr<String>>,
    core_metadata: Option<FlagOr<BTreeMap<String, String>>>,
    #[serde(alias = "data-dist-info-metadata")]
    dist_info_metadata: Option<FlagOr<BTreeMap<String, String>>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FlagOr<T> {
    Flag(bool),
    Value(T),
}

pub(super) fn files(bytes: &[u8], url: &Url) -> Result<Vec<IndexFile>, PageError> {
    let project: Project = serde_json::from_slice(bytes).map_err(|error| PageError::Json(Arc::new(error)))?;
    if let Some(form) = project.meta.form.filter(|form| form != "1" && !form.starts_with("1.")) {
        return Err(PageError::Form { form });
    }
    project.files.into_iter().map(|file| file.checked(url)).collect()
}

impl File {
    fn checked(self, base: &Url) -> Result<IndexFile, PageError> {
        let wrong = |problem| PageError::Entry { file_name: self.filename.clone(), problem };
        let url = address(base, &self.url).ok_or_else(|| wrong("its address is invalid"))?;
        let sha256 = self.hashes.get("sha256").map(|hex| sha256(hex)).transpose().map_err(wrong)?;
        let offer = match self.core_metadata.or(self.dist_info_metadata) {
            None => CoreMetadata::Unstated,
            Some(FlagOr::Flag(false)) => CoreMetadata::Absent,
            Some(FlagOr::Flag(true)) => CoreMetadata::Offered(None),
            Some(FlagOr::Value(hashes)) => {
                CoreMetadata::Offered(hashes.get("sha256").map(|hex| self::sha256(hex)).transpose().map_err(wrong)?)
            }
        };
        Ok(IndexFile {
            url,
            sha256,
            size: self.size,
            requires_python: self.requires_python.filter(|text| !text.is_empty()),
            // A time that cannot be read is none: `exclude-newer` then leaves the file out.
            uploaded: self.upload_time.and_then(|text| text.parse().ok()),
            is_yanked: match self.yanked {
                None => false,
                Some(FlagOr::Flag(is_yanked)) => is_yanked,
                Some(FlagOr::Value(_)) => true,
            },
            metadata: offer,
            file_name: self.filename,
        })
    }
}
