//! Reads an archive: first what it says that it has, then its blobs as they come.

use std::{
    collections::HashSet,
    io::{self, Read},
};

use larder_store::{
    digest::BlobId,
    import::{BlobStream, Offered, receipt},
    receipt::MOST_BYTES,
    seed::{Member, UnfitMeta, check_meta, member, rows_in},
};

use crate::{
    archive::tar::{Bounds, Entries, Entry, Kind, LongNames, TarError},
    core::escape::escaped,
};

/// All receipts and rows together, which are held in memory: of some 90,000 blobs. Bytes.
const MOST_HELD: u64 = 32 << 20;
/// No file but a blob is longer: bytes.
const LONGEST_FILE: u64 = 16 << 20;

/// Why what is read is no archive, or no more of one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    /// It begins as something else.
    #[error("it is not an archive of larder's")]
    NotAnArchive,
    /// It begins as gzip, zstd, xz or bzip2 do.
    #[error("it is compressed ({0})")]
    Compressed(&'static str),
    /// What says that it is a seed does not.
    #[error(transparent)]
    Meta(#[from] UnfitMeta),
    /// Something in it has no place in an archive.
    #[error("{path} in it {what}")]
    Entry {
        /// Its path, fit to be printed.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// There is too much that has to be held in memory.
    #[error("its receipts have more than {MOST_HELD} bytes")]
    TooLong,
    /// It ends before its end.
    #[error("it is cut off")]
    Cut,
    /// It cannot be read any further.
    #[error("it cannot be read")]
    Unread(#[source] io::Error),
}

impl From<TarError> for ArchiveError {
    fn from(error: TarError) -> Self {
        match error {
            TarError::NotTar => Self::NotAnArchive,
            TarError::Cut => Self::Cut,
            TarError::Source(error) => Self::Unread(error),
            error => Self::Unread(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }
}

impl From<ArchiveError> for io::Error {
    fn from(error: ArchiveError) -> Self {
        Self::other(error)
    }
}

/// An archive, read up to its first blob.
pub(crate) struct Archive<R> {
    /// Its receipts, as they were judged.
    pub(crate) offered: Offered,
    /// Notes that nothing is at an address, by their names.
    pub(crate) gone: Vec<String>,
    /// What was recorded beside each lockfile.
    pub(crate) rows: Vec<(BlobId, Vec<u8>)>,
    /// Its blobs.
    pub(crate) blobs: Blobs<R>,
}

/// The blobs of an archive, one after the other.
pub(crate) struct Blobs<R> {
    entries: Entries<R>,
    /// The first blob, which ended the reading of what is before.
    pending: Option<(BlobId, u64)>,
    /// Blobs that may come.
    announced: HashSet<BlobId>,
}

/// A source whose beginning was looked at.
type Begun<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

impl<R: Read> Archive<Begun<R>> {
    /// Reads up to the first blob.
    pub(crate) fn open(mut source: R) -> Result<Self, ArchiveError> {
        let mut beginning = Vec::new();
        let read = (&mut source).take(6).read_to_end(&mut beginning);
        read.map_err(ArchiveError::Unread)?;
        if let Some(compression) = compression(&beginning) {
            return Err(ArchiveError::Compressed(compression));
        }
        let source = io::Cursor::new(beginning).chain(source);
        // Each entry is looked at by itself, and of blobs only those come that have a receipt.
        let bounds = Bounds { bytes: u64::MAX, entries: usize::MAX };
        let mut entries = Entries::new(source, bounds, LongNames::Refused);
        let mut opened = Opening::default();
        let pending = loop {
            let Some(entry) = entries.next()? else { break None };
            let member = file_of(&entry, opened.has_meta)?;
            if let Member::Blob(blob) = member {
                break Some((blob, entry.len));
            }
            opened.take(member, &entry, &mut entries)?;
        };
        if !opened.has_meta {
            return Err(ArchiveError::NotAnArchive);
        }
        if pending.is_none() && !entries.is_ended() {
            return Err(ArchiveError::Cut);
        }
        let Opening { offered, gone, rows, announced, .. } = opened;
        Ok(Self { offered, gone, rows, blobs: Blobs { entries, pending, announced } })
    }
}

#[derive(Default)]
struct Opening {
    has_meta: bool,
    held: u64,
    offered: Offered,
    gone: Vec<String>,
    rows: Vec<(BlobId, Vec<u8>)>,
    announced: HashSet<BlobId>,
    seen: HashSet<Vec<u8>>,
}

impl Opening {
    fn take(&mut self, member: Member, entry: &Entry, content: &mut impl Read) -> Result<(), ArchiveError> {
        if !self.seen.insert(entry.path.clone()) {
            return Err(unfit(entry, "is there twice"));
        }
        // Of an empty file, its name is held.
        self.held += entry.len + entry.path.len() as u64;
        if self.held > MOST_HELD {
            return Err(ArchiveError::TooLong);
        }
        let longest = if matches!(member, Member::Receipt(_)) { MOST_BYTES } else { LONGEST_FILE };
        if entry.len > longest {
            return Err(unfit(entry, "is too long"));
        }
        let mut bytes = Vec::new();
        content.take(entry.len).read_to_end(&mut bytes).map_err(cut_or_unread)?;
        match member {
            Member::Meta => {
                check_meta(&bytes)?;
                self.has_meta = true;
            }
            Member::Gone(_) if !bytes.is_empty() => return Err(unfit(entry, "is not empty")),
            Member::Gone(name) => self.gone.push(name),
            Member::Rows(lockfile) => match rows_in(&lockfile, &bytes) {
                Some(rows) => self.rows.push((lockfile, rows.to_vec())),
                None => return Err(unfit(entry, "is damaged")),
            },
            Member::Receipt(blob) => {
                self.offered.push(receipt(blob, &bytes));
                self.announced.insert(blob);
            }
            Member::Blob(_) => unreachable!("a blob ends the reading of what is before"),
        }
        Ok(())
    }
}

/// What an entry is; an error if an archive has no such file.
fn file_of(entry: &Entry, has_meta: bool) -> Result<Member, ArchiveError> {
    let member = std::str::from_utf8(&entry.path).ok().and_then(member);
    if !has_meta && (entry.kind != Kind::File || member != Some(Member::Meta)) {
        return Err(ArchiveError::NotAnArchive);
    }
    match entry.kind {
        Kind::File => member.ok_or_else(|| unfit(entry, "has no place in an archive")),
        Kind::Symlink | Kind::HardLink => Err(unfit(entry, "is a link")),
        Kind::Folder => Err(unfit(entry, "is a folder")),
        Kind::Other => Err(unfit(entry, "is not a file")),
    }
}

fn unfit(entry: &Entry, what: &'static str) -> ArchiveError {
    ArchiveError::Entry { path: escaped(&String::from_utf8_lossy(&entry.path)).into_owned(), what }
}

fn cut_or_unread(error: io::Error) -> ArchiveError {
    if error.kind() == io::ErrorKind::UnexpectedEof { ArchiveError::Cut } else { ArchiveError::Unread(error) }
}

fn compression(beginning: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 4] =
        [(b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"\xfd7zXZ\0", "xz"), (b"BZh", "bzip2")];
    known.into_iter().find(|(magic, _)| beginning.starts_with(magic)).map(|(_, name)| name)
}

impl<R: Read> Blobs<R> {
    fn next_blob(&mut self) -> Result<Option<(BlobId, u64)>, ArchiveError> {
        let Some(entry) = self.entries.next()? else {
            return if self.entries.is_ended() { Ok(None) } else { Err(ArchiveError::Cut) };
        };
        match file_of(&entry, true)? {
            Member::Blob(blob) => Ok(Some((blob, entry.len))),
            _ => Err(unfit(&entry, "comes after the first blob")),
        }
    }
}

impl<R: Read> BlobStream for Blobs<R> {
    fn next(&mut self) -> io::Result<Option<(BlobId, u64)>> {
        let Some((blob, len)) = self.pending.take().map_or_else(|| self.next_blob(), |first| Ok(Some(first)))? else {
            return Ok(None);
        };
        // Each once.
        if !self.announced.remove(&blob) {
            let path = larder_store::seed::blob_path(&blob);
            return Err(ArchiveError::Entry { path, what: "is there twice, or has no receipt" }.into());
        }
        Ok(Some((blob, len)))
    }
}

impl<R: Read> Read for Blobs<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.entries.read(buffer).map_err(|error| cut_or_unread(error).into())
    }
}
