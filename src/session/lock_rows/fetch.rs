//! Fetches what new rows are for, and writes down what came. Answers come first: some state the digests of the files.

use std::{collections::BTreeMap, sync::Arc};

use larder_store::digest::Digest;

use super::merge::{Disagreement, Joined, WantedRow};
use crate::{
    core::recorded_url::RecordedUrl,
    fetcher::{Came, Fault, FetchError, FirstFetch, FirstFetchError, WatchEvent, Watcher},
    lockfile::larder_lock::{
        AbsentStatus, InlineBody, LONGEST_INLINE, MediaType, RecordedAbsence, RecordedContent, RecordedDownload,
        Requester, Trust,
    },
    npm::own_downloads::in_checksums,
    session::open::Session,
};

/// A row that came, or would come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewRow {
    /// The address.
    pub(crate) url: RecordedUrl,
    /// The first package that asks.
    pub(crate) by: String,
    /// What came; `None` before it is fetched.
    pub(crate) came: Option<NewContent>,
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewContent {
    /// A file or an answer.
    Bytes {
        /// How many.
        size: u64,
        /// Why its digest is believed.
        trust: Trust,
    },
    /// Nothing is there.
    Absent(AbsentStatus),
}

/// A row that is refused, or whose file could not be had.
#[derive(Clone, Debug)]
pub(crate) struct RowFailure {
    /// The address.
    pub(crate) url: RecordedUrl,
    /// The first package that asks.
    pub(crate) by: String,
    /// What is wrong.
    pub(crate) problem: RowProblem,
}

/// What is wrong with a row.
#[derive(Clone, Debug)]
pub(crate) enum RowProblem {
    /// The row has another digest than the package states.
    Disagrees(Disagreement),
    /// A file without a row could not be had.
    New(FirstFetchError),
    /// The file of a row could not be had.
    Known(FirstFetchError),
}

impl RowProblem {
    /// Whose fault it is.
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::Disagrees(_) => Fault::Data,
            Self::New(error) | Self::Known(error) => error.fault(),
        }
    }
}

impl RowFailure {
    pub(super) fn of_disagreement((disagreement, by): (&Disagreement, String)) -> Self {
        Self { url: disagreement.url.clone(), by, problem: RowProblem::Disagrees(disagreement.clone()) }
    }
}

impl NewRow {
    /// A row that would come.
    pub(super) fn would_come(row: &WantedRow) -> Self {
        Self { url: row.url.clone(), by: first(&row.by), came: None }
    }
}

/// The rows, and what came of those that were fetched.
#[derive(Debug, Default)]
pub(super) struct FetchedRows {
    pub(super) downloads: Vec<RecordedDownload>,
    pub(super) absent: Vec<RecordedAbsence>,
    pub(super) new: Vec<NewRow>,
    pub(super) failures: Vec<RowFailure>,
}

/// A file to fetch: that of a new row or, with its place, that of one that stays.
enum File<'a> {
    New(&'a WantedRow, Option<Digest>, Trust),
    Known(&'a RecordedDownload),
}

impl Session {
    /// Fetches what new rows are for, and of those that stay and are wanted now what the store lacks.
    pub(super) fn fetch_rows(&self, joined: Joined, watcher: &Arc<dyn Watcher>) -> Result<FetchedRows, FetchError> {
        let (answers, files): (Vec<&WantedRow>, Vec<&WantedRow>) = joined.new.iter().partition(|row| row.is_answer);
        let mut fetched = FetchedRows::default();
        let requests: Vec<FirstFetch> = answers.iter().map(|row| request(row, None)).collect();
        let came = self.first_fetch(&requests, watcher)?;
        for (row, came) in answers.into_iter().zip(came) {
            fetched.note(row, came, Trust::FirstUse);
        }
        let texts = texts(fetched.downloads.iter().chain(&joined.downloads));
        let files: Vec<File<'_>> = files
            .into_iter()
            .map(|row| {
                let beside =
                    || row.checksums.as_ref().and_then(|url| in_checksums(texts.get(url)?, row.url.file_name()).ok());
                match (row.stated, row.stated.is_none().then(beside).flatten()) {
                    (Some(stated), _) => File::New(row, Some(stated), Trust::Package),
                    (None, Some(beside)) => File::New(row, Some(beside), Trust::Beside),
                    (None, None) => File::New(row, None, Trust::FirstUse),
                }
            })
            .chain(joined.downloads.iter().filter(|row| is_wanted_file(row, &joined)).map(File::Known))
            .collect();
        let requests: Vec<FirstFetch> = files.iter().map(File::request).collect();
        let came = self.first_fetch(&requests, watcher);
        watcher.event(WatchEvent::Over);
        for (file, came) in files.iter().zip(came?) {
            match (file, came) {
                (File::New(row, _, trust), came) => fetched.note(row, came, *trust),
                (File::Known(_), Ok(_)) => {}
                (File::Known(row), Err(error)) => {
                    let (url, by) = (row.url.clone(), first(&row.by));
                    fetched.failures.push(RowFailure { url, by, problem: RowProblem::Known(error) });
                }
            }
        }
        fetched.new.sort_by(|a, b| a.url.cmp(&b.url));
        fetched.downloads.extend(joined.downloads);
        fetched.absent.extend(joined.absent);
        Ok(fetched)
    }
}

impl FetchedRows {
    /// Notes what became of a new row.
    fn note(&mut self, row: &WantedRow, came: Result<Came, FirstFetchError>, trust: Trust) {
        let (url, by) = (row.url.clone(), first(&row.by));
        let came = match came {
            Ok(came) => came,
            Err(error) => {
                match error.status().and_then(AbsentStatus::of_code) {
                    Some(status) => {
                        let by_all = row.by.iter().cloned().collect();
                        self.absent.push(RecordedAbsence { url: url.clone(), status, by: by_all });
                        self.new.push(NewRow { url, by, came: Some(NewContent::Absent(status)) });
                    }
                    None => self.failures.push(RowFailure { url, by, problem: RowProblem::New(error) }),
                }
                return;
            }
        };
        let Came { sha256, size, content_type, answer } = came;
        let inline = answer.and_then(InlineBody::new).map(RecordedContent::Inline);
        self.downloads.push(RecordedDownload {
            url: url.clone(),
            content: inline.unwrap_or(RecordedContent::Stored { sha256, size }),
            content_type: content_type.as_deref().and_then(MediaType::of_header),
            platform: row.platform.clone(),
            by: row.by.iter().cloned().collect(),
            trust,
        });
        self.new.push(NewRow { url, by, came: Some(NewContent::Bytes { size, trust }) });
    }
}

impl File<'_> {
    fn request(&self) -> FirstFetch {
        match self {
            Self::New(row, expected, _) => request(row, *expected),
            Self::Known(row) => FirstFetch {
                url: row.url.clone(),
                package: package(&row.by),
                expected: Some(row.content.sha256()),
                has_row: true,
                is_named_by_command: false,
                longest_answer: None,
            },
        }
    }
}

fn request(row: &WantedRow, expected: Option<Digest>) -> FirstFetch {
    let longest_answer = row.is_answer.then_some(LONGEST_INLINE);
    FirstFetch {
        url: row.url.clone(),
        package: package(&row.by),
        expected,
        has_row: false,
        is_named_by_command: false,
        longest_answer,
    }
}

fn is_wanted_file(row: &RecordedDownload, joined: &Joined) -> bool {
    matches!(row.content, RecordedContent::Stored { .. })
        && joined.wanted.contains(&row.url)
        && !joined.disagreements.iter().any(|disagreement| disagreement.url == row.url)
}

/// The texts of answers, by address.
fn texts<'a>(rows: impl Iterator<Item = &'a RecordedDownload>) -> BTreeMap<RecordedUrl, String> {
    let text = |row: &RecordedDownload| match &row.content {
        RecordedContent::Inline(body) => Some((row.url.clone(), str::from_utf8(body.as_bytes()).ok()?.to_owned())),
        RecordedContent::Stored { .. } => None,
    };
    rows.filter_map(text).collect()
}

/// What asks first.
pub(super) fn first<'a>(by: impl IntoIterator<Item = &'a Requester>) -> String {
    by.into_iter().next().map(ToString::to_string).unwrap_or_default()
}

/// Name and version of the first package that asks.
fn package<'a>(by: impl IntoIterator<Item = &'a Requester>) -> (String, String) {
    let package = by.into_iter().find_map(|by| match by {
        Requester::Package { name, version } => Some((name.to_string(), version.to_string())),
        Requester::Script(_) => None,
    });
    package.expect("a package of the table asks for it")
}
