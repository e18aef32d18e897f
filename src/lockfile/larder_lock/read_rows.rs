//! Reads the downloads and absences of a `larder.lock`. Whoever can propose a change to the file can write one, and everybody who has the file asks these
//! addresses: so each value is bounded and checked, and no message has more of an address than may be shown.

use std::collections::HashSet;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use larder_store::digest::{Algorithm, Digest};
use serde::Deserialize;
use url::Url;

use super::{
    download::{
        AbsentStatus, InlineBody, LONGEST_INLINE, MediaType, PlatformWord, RecordedAbsence, RecordedContent,
        RecordedDownload, RecordedLibc, RecordedPlatform, Requester, Trust,
    },
    error::LockFileError,
    lock::MOST_ROWS,
};
use crate::core::{recorded_url::RecordedUrl, redacted::redact};

/// What may ask for one address: a project's packages and scripts that share a tool are fewer.
const MOST_REQUESTERS: usize = 100;

/// Of an address that is wrong, characters that a message has.
const LONGEST_SHOWN: usize = 200;

/// The only system that has a choice of C libraries.
const LINUX: &str = "linux";

#[derive(Deserialize)]
pub(super) struct RawRows {
    #[serde(default, rename = "download")]
    downloads: Vec<RawDownload>,
    #[serde(default, rename = "absent")]
    absences: Vec<RawAbsence>,
}

#[derive(Deserialize)]
struct RawDownload {
    url: String,
    sha256: String,
    size: u64,
    content_type: Option<String>,
    os: Option<String>,
    cpu: Option<String>,
    libc: Option<String>,
    abi: Option<u16>,
    by: Vec<String>,
    trust: String,
    body: Option<String>,
    body_base64: Option<String>,
}

#[derive(Deserialize)]
struct RawAbsence {
    url: String,
    status: u16,
    by: Vec<String>,
}

/// The rows, each kind sorted by address.
pub(super) fn rows(
    lockfile: &str,
    raw: RawRows,
) -> Result<(Vec<RecordedDownload>, Vec<RecordedAbsence>), LockFileError> {
    let count = raw.downloads.len() + raw.absences.len();
    if count > MOST_ROWS {
        return Err(LockFileError::TooManyRows { lockfile: lockfile.to_owned(), count });
    }
    let mut known = HashSet::new();
    let (mut downloads, mut absences) = (Vec::new(), Vec::new());
    for (number, raw) in raw.downloads.into_iter().enumerate() {
        let row = Row::new(lockfile, "download", number, &raw.url);
        let download = download(&row, raw)?;
        row.only(&download.url, &mut known)?;
        downloads.push(download);
    }
    for (number, raw) in raw.absences.into_iter().enumerate() {
        let row = Row::new(lockfile, "absent", number, &raw.url);
        let absence = absence(&row, &raw)?;
        row.only(&absence.url, &mut known)?;
        absences.push(absence);
    }
    downloads.sort_by(|a, b| a.url.cmp(&b.url));
    absences.sort_by(|a, b| a.url.cmp(&b.url));
    Ok((downloads, absences))
}

fn download(row: &Row<'_>, raw: RawDownload) -> Result<RecordedDownload, LockFileError> {
    Ok(RecordedDownload {
        url: row.url(&raw.url)?,
        content_type: row.optional("content_type", raw.content_type.as_deref(), MediaType::parse)?,
        platform: platform(row, &raw)?,
        by: row.by(&raw.by)?,
        trust: Trust::of_name(&raw.trust)
            .ok_or_else(|| row.wrong("trust", "neither \"package\", \"beside\" nor \"first-use\""))?,
        content: content(row, raw)?,
    })
}

fn absence(row: &Row<'_>, raw: &RawAbsence) -> Result<RecordedAbsence, LockFileError> {
    let status = AbsentStatus::of_code(raw.status);
    Ok(RecordedAbsence {
        url: row.url(&raw.url)?,
        status: status
            .ok_or_else(|| row.wrong("status", "neither 404 nor 410, which alone say that nothing is there"))?,
        by: row.by(&raw.by)?,
    })
}

fn platform(row: &Row<'_>, raw: &RawDownload) -> Result<RecordedPlatform, LockFileError> {
    let libc = |text: &str| RecordedLibc::of_name(text).ok_or("neither \"glibc\" nor \"musl\"");
    let platform = RecordedPlatform {
        os: row.optional("os", raw.os.as_deref(), PlatformWord::os)?,
        cpu: row.optional("cpu", raw.cpu.as_deref(), PlatformWord::cpu)?,
        libc: row.optional("libc", raw.libc.as_deref(), libc)?,
        abi: raw.abi,
    };
    if platform.libc.is_some() && platform.os.as_ref().is_some_and(|os| os.as_str() != LINUX) {
        return Err(row.wrong("libc", "there beside another `os` than linux, which alone has a choice of it"));
    }
    Ok(platform)
}

fn content(row: &Row<'_>, raw: RawDownload) -> Result<RecordedContent, LockFileError> {
    let sha256 = Digest::from_hex(Algorithm::Sha256, &raw.sha256);
    let sha256 = sha256.map_err(|error| row.wrong("sha256", format!("no digest: {error}")))?;
    let (key, bytes) = match (raw.body, raw.body_base64) {
        (None, None) => return Ok(RecordedContent::Stored { sha256, size: raw.size }),
        (Some(_), Some(_)) => return Err(row.wrong("body", "there beside `body_base64`")),
        (Some(text), None) => ("body", text.into_bytes()),
        (None, Some(text)) => {
            let bytes = BASE64_STANDARD.decode(text);
            ("body_base64", bytes.map_err(|_| row.wrong("body_base64", "no base64"))?)
        }
    };
    let too_long = || row.wrong(key, format!("longer than {LONGEST_INLINE} bytes: such an answer is a file"));
    let content = RecordedContent::Inline(InlineBody::new(bytes).ok_or_else(too_long)?);
    if content.size() != raw.size {
        return Err(row.wrong("size", format!("{}, and `{key}` has {} bytes", raw.size, content.size())));
    }
    if content.sha256() != sha256 {
        return Err(row.wrong("sha256", format!("not that of `{key}`, which is {}", content.sha256().to_hex())));
    }
    Ok(content)
}

/// A row of the file, for messages.
struct Row<'a> {
    lockfile: &'a str,
    name: String,
}

impl<'a> Row<'a> {
    fn new(lockfile: &'a str, kind: &str, number: usize, url: &str) -> Self {
        let shown = Url::parse(url).map_or_else(|_| "no address".to_owned(), |url| redact(&url));
        let shown: String = shown.chars().take(LONGEST_SHOWN).collect();
        Self { lockfile, name: format!("{kind} {} ({})", number + 1, shown.escape_debug()) }
    }

    fn wrong(&self, key: &'static str, problem: impl Into<String>) -> LockFileError {
        let (lockfile, row) = (self.lockfile.to_owned(), self.name.clone());
        LockFileError::Row { lockfile, row, key, problem: problem.into() }
    }

    fn url(&self, text: &str) -> Result<RecordedUrl, LockFileError> {
        RecordedUrl::parse(text).map_err(|error| self.wrong("url", error.to_string()))
    }

    /// Refuses an address that a row had before.
    fn only(&self, url: &RecordedUrl, known: &mut HashSet<RecordedUrl>) -> Result<(), LockFileError> {
        if known.insert(url.clone()) {
            return Ok(());
        }
        Err(LockFileError::SameAddress { lockfile: self.lockfile.to_owned(), row: self.name.clone() })
    }

    fn optional<T>(
        &self,
        key: &'static str,
        text: Option<&str>,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Result<Option<T>, LockFileError> {
        text.map(parse).transpose().map_err(|problem| self.wrong(key, problem))
    }

    fn by(&self, texts: &[String]) -> Result<Vec<Requester>, LockFileError> {
        if texts.is_empty() || texts.len() > MOST_REQUESTERS {
            return Err(self.wrong("by", format!("a list of {}, and should name 1 to {MOST_REQUESTERS}", texts.len())));
        }
        let by = texts.iter().map(|text| Requester::parse(text));
        let mut by = by.collect::<Result<Vec<_>, _>>().map_err(|problem| self.wrong("by", problem))?;
        by.sort();
        by.dedup();
        Ok(by)
    }
}
