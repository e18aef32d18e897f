//! The protocol between the host and the larder inside a build: files of one folder each way.
//!
//! ```text
//! request/empty/         nothing
//!         wanted         receipts, one a line: what the mount should have (ask), or what the host has (hand-out)
//!         rows/          ask: what projects recorded, each by its lockfile's digest; of one that recorded nothing, nothing
//!         only           hand-out: keys, one a line in hexadecimal; without it, everything
//!         store/         take-in: a store with what is to be taken
//! answer/report.json     what came of it
//!        store/          hand-out: a store with what the host lacks
//! ```
//!
//! The host trusts nothing in an answer: whatever a Dockerfile runs can write to a mount.

use std::{
    collections::HashSet,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use larder_store::{
    digest::BlobId,
    import::{Imported, Refusal},
    key::Key,
    receipt::{Receipt, ReceiptError},
    transfer::Missing,
};
use serde::{Deserialize, Serialize};

use crate::core::{
    error_chain::chain,
    path_error::{AtPath as _, PathError},
};

/// The store's name in a request and in an answer.
pub(crate) const STORE: &str = "store";
const WANTED: &str = "wanted";
const ONLY: &str = "only";
const ROWS: &str = "rows";
const REPORT: &str = "report.json";

/// What came of a job. Of another larder's, what is not there is nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Report {
    /// What stopped it, the last cause last.
    pub failure: Option<JobFailure>,
    /// What the mount lacks, in the order that it was asked for.
    pub lacking: Vec<MissingBlob>,
    /// Blobs of the mount that were not what their names say. They were set aside there.
    pub damaged: Vec<BadBlob>,
    /// Blobs taken in, or handed out.
    pub carried: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs whose keys alone were taken in, or handed out.
    pub supplemented: u64,
    /// Blobs of which nothing was missing.
    pub already_there: u64,
    /// Packages without a digest in any lockfile that the mount is not believed about.
    pub not_believed: u64,
    /// Of the time, what passed in waiting for the disk.
    pub barrier_seconds: f64,
    /// What was not taken.
    pub refused: Vec<BadBlob>,
}

/// Why a job could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobFailure {
    /// Sentences: what went wrong, and its causes.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A blob that is lacking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MissingBlob {
    /// Its id.
    pub blob: String,
    /// Whether its bytes are, or keys alone.
    pub bytes: bool,
}

/// A blob that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BadBlob {
    /// The blob, if it is known which.
    pub blob: Option<String>,
    /// The package that a receipt names it.
    pub package: Option<String>,
    /// What is wrong.
    pub cause: String,
}

impl Report {
    /// The report of an import.
    pub(crate) fn of(taken: &Imported) -> Self {
        Self {
            carried: taken.imported.count,
            bytes: taken.imported.bytes,
            supplemented: taken.supplemented,
            already_there: taken.already_here,
            not_believed: taken.not_believed,
            barrier_seconds: taken.barriers.as_secs_f64(),
            refused: taken.refused.iter().map(BadBlob::of).collect(),
            ..Self::default()
        }
    }
}

impl BadBlob {
    /// In words.
    pub(crate) fn of(refusal: &Refusal) -> Self {
        let cause = chain(&refusal.reason).join(": ");
        Self { blob: refusal.blob.map(|blob| blob.to_string()), package: refusal.package.clone(), cause }
    }
}

/// Why a message cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ProtocolError {
    /// A file cannot be written or read.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A line is no receipt.
    #[error("{}, line {line}", path.display())]
    Receipt {
        /// The file.
        path: PathBuf,
        /// Its line, from 1 on.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: ReceiptError,
    },
    /// A line is no key.
    #[error("{}, line {line}: not a key", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Its line, from 1 on.
        line: usize,
    },
    /// The report is none.
    #[error("{} is not a report", path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// Writes which blobs the request is about.
pub(crate) fn write_wanted(request: &Path, receipts: &[Receipt]) -> Result<(), ProtocolError> {
    let path = request.join(WANTED);
    // A receipt's bytes are one line.
    let lines: Vec<u8> = receipts.iter().flat_map(Receipt::to_json).collect();
    Ok(fs::write(&path, lines).at("write", &path)?)
}

/// Reads which blobs the request is about.
pub(crate) fn read_wanted(request: &Path) -> Result<Vec<Receipt>, ProtocolError> {
    let path = request.join(WANTED);
    let bytes = fs::read(&path).at("read", &path)?;
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let read = lines.enumerate().map(|(at, line)| {
        Receipt::from_json(line).map_err(|source| ProtocolError::Receipt { path: path.clone(), line: at + 1, source })
    });
    read.collect()
}

/// Writes what the mount shall have of what projects recorded, by their lockfiles' digests.
pub(crate) fn write_rows(
    request: &Path,
    rows: impl IntoIterator<Item = (BlobId, Option<String>)>,
) -> Result<(), ProtocolError> {
    let folder = request.join(ROWS);
    fs::create_dir(&folder).at("create", &folder)?;
    for (lockfile, text) in rows {
        let path = folder.join(lockfile.to_string());
        fs::write(&path, text.unwrap_or_default()).at("write", &path)?;
    }
    Ok(())
}

/// A lockfile's digest, and what was recorded beside it, if anything was.
pub(crate) type LockfileRows = (BlobId, Option<Vec<u8>>);

/// Reads what the mount shall have of what projects recorded.
pub(crate) fn read_rows(request: &Path) -> Result<Vec<LockfileRows>, ProtocolError> {
    let folder = request.join(ROWS);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.at("list", &folder)?,
    };
    let mut rows = Vec::new();
    for entry in entries {
        let path = entry.at("list", &folder)?.path();
        let Some(lockfile) = path.file_name().and_then(|name| name.to_str()?.parse().ok()) else { continue };
        let text = fs::read(&path).at("read", &path)?;
        rows.push((lockfile, (!text.is_empty()).then_some(text)));
    }
    Ok(rows)
}

/// Writes by which keys alone blobs are handed out.
pub(crate) fn write_only<'a>(request: &Path, keys: impl IntoIterator<Item = &'a Key>) -> Result<(), ProtocolError> {
    let path = request.join(ONLY);
    let mut text = String::new();
    for key in keys {
        for byte in key.as_bytes() {
            write!(text, "{byte:02x}").expect("a string can be written");
        }
        text.push('\n');
    }
    Ok(fs::write(&path, text).at("write", &path)?)
}

/// Reads by which keys alone blobs are handed out; `None`: all are.
pub(crate) fn read_only(request: &Path) -> Result<Option<HashSet<Vec<u8>>>, ProtocolError> {
    let path = request.join(ONLY);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.at("read", &path)?,
    };
    let keys = text.lines().enumerate().map(|(at, line)| {
        let byte = |at| line.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let bytes: Option<Vec<u8>> = (0..line.len()).step_by(2).map(byte).collect();
        bytes.ok_or_else(|| ProtocolError::Key { path: path.clone(), line: at + 1 })
    });
    keys.collect::<Result<_, _>>().map(Some)
}

/// Writes what came of a job.
pub(crate) fn write_report(answer: &Path, report: &Report) -> Result<(), ProtocolError> {
    fs::create_dir_all(answer).at("create", answer)?;
    let path = answer.join(REPORT);
    let text = serde_json::to_vec(report).expect("a report has strings and numbers alone");
    Ok(fs::write(&path, text).at("write", &path)?)
}

/// Reads what came of a job. Whatever a terminal would obey is taken out of its texts.
pub(crate) fn read_report(answer: &Path) -> Result<Report, ProtocolError> {
    let path = answer.join(REPORT);
    let bytes = fs::read(&path).at("read", &path)?;
    let mut report: Report =
        serde_json::from_slice(&bytes).map_err(|source| ProtocolError::Report { path: path.clone(), source })?;
    for faulty in report.damaged.iter_mut().chain(&mut report.refused) {
        faulty.blob.iter_mut().chain(&mut faulty.package).for_each(plain);
        plain(&mut faulty.cause);
    }
    if let Some(failure) = &mut report.failure {
        failure.causes.iter_mut().chain(&mut failure.hint).for_each(plain);
    }
    Ok(report)
}

fn plain(text: &mut String) {
    *text = text.replace(char::is_control, "\u{fffd}");
}

/// What of `receipts` is lacking, as a report says it.
pub(crate) fn lacking<'a>(receipts: &'a [Receipt], report: &Report) -> Vec<(&'a Receipt, Missing)> {
    let lack_of = |lacking: &MissingBlob| (lacking.blob.parse::<BlobId>().ok(), lacking.bytes);
    let named: std::collections::HashMap<_, _> = report.lacking.iter().map(lack_of).collect();
    let lack = |bytes: &bool| if *bytes { Missing::Bytes } else { Missing::Keys };
    receipts.iter().filter_map(|receipt| Some((receipt, named.get(&Some(receipt.blob)).map(lack)?))).collect()
}

#[cfg(test)]
mod tests {
    use larder_store::{
        digest::{Algorithm, Digest},
        receipt::Origin,
    };

    use super::*;

    fn receipt(bytes: &[u8]) -> Receipt {
        let origin = Origin {
            ecosystem: "npm".to_owned(),
            name: "a\nb".to_owned(),
            version: "1.0.0".to_owned(),
            address: None,
            identity: Some("git x".to_owned()),
        };
        Receipt {
            blob: BlobId::of(bytes),
            size: bytes.len() as u64,
            digests: Digest::of(Algorithm::Sha512, bytes).into(),
            origins: vec![origin],
            fetched: None,
        }
    }

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let receipts = [receipt(b"one"), receipt(b"two")];
        assert!(matches!(read_wanted(folder.path()), Err(ProtocolError::Path(_))));
        write_wanted(folder.path(), &receipts).unwrap();
        assert_eq!(read_wanted(folder.path()).unwrap(), receipts);
        assert_eq!(read_only(folder.path()).unwrap(), None);
        let keys: Vec<Key> = receipts.iter().flat_map(Receipt::keys).collect();
        write_only(folder.path(), &keys).unwrap();
        let read = read_only(folder.path()).unwrap().unwrap();
        assert_eq!(read, keys.iter().map(|key| key.as_bytes().to_vec()).collect());
        assert_eq!(read.len(), 3, "two digests and one identity");
        write_only(folder.path(), &[]).unwrap();
        assert_eq!(read_only(folder.path()).unwrap(), Some(HashSet::new()), "nothing is not everything");
    }

    #[test]
    fn a_line_that_is_damaged_is_named() {
        let folder = tempfile::tempdir().unwrap();
        write_wanted(folder.path(), &[receipt(b"one")]).unwrap();
        let mut bytes = fs::read(folder.path().join(WANTED)).unwrap();
        bytes.extend(b"{}\n");
        fs::write(folder.path().join(WANTED), bytes).unwrap();
        assert!(matches!(read_wanted(folder.path()), Err(ProtocolError::Receipt { line: 2, .. })));
        for text in ["00ff\n0g\n", "00ff\n012\n", "00\nü\n"] {
            fs::write(folder.path().join(ONLY), text).unwrap();
            assert!(matches!(read_only(folder.path()), Err(ProtocolError::Key { line: 2, .. })), "{text}");
        }
    }

    #[test]
    fn a_report_comes_back_without_what_a_terminal_obeys() {
        let folder = tempfile::tempdir().unwrap();
        let faulty = BadBlob { blob: None, package: Some("\u{1b}[2Jreact".to_owned()), cause: "a\nb".to_owned() };
        let stop = JobFailure { causes: vec!["a\rb".to_owned()], hint: None };
        let report = Report { refused: vec![faulty], failure: Some(stop), carried: 3, ..Report::default() };
        write_report(&folder.path().join("new"), &report).unwrap();
        let read = read_report(&folder.path().join("new")).unwrap();
        assert_eq!(read.refused[0].package.as_deref(), Some("\u{fffd}[2Jreact"));
        assert_eq!((read.refused[0].cause.as_str(), read.carried), ("a\u{fffd}b", 3));
        assert_eq!(read.failure.unwrap().causes, ["a\u{fffd}b"]);
        fs::write(folder.path().join(REPORT), "{").unwrap();
        assert!(matches!(read_report(folder.path()), Err(ProtocolError::Report { .. })));
    }

    #[test]
    fn of_what_is_said_to_be_lacking_only_what_was_asked_for_counts() {
        let receipts = [receipt(b"one"), receipt(b"two"), receipt(b"three")];
        let row = |blob: String, bytes| MissingBlob { blob, bytes };
        let report = Report {
            lacking: vec![
                row(receipts[2].blob.to_string(), false),
                row(BlobId::of(b"other").to_string(), true),
                row("../../etc".to_owned(), true),
                row(receipts[0].blob.to_string(), true),
            ],
            ..Report::default()
        };
        assert_eq!(lacking(&receipts, &report), [(&receipts[0], Missing::Bytes), (&receipts[2], Missing::Keys)]);
    }
}
