//! A tar archive, entry by entry. Nothing of it is held but the name of the entry at hand, which has a bound: whoever packed it may mean harm.
//!
//! What tells an entry's name, target and length is read as node's tar reads it: ustar with its prefix, GNU's long names, and pax records.

use std::io::{self, Read};

use tar::{EntryType, Header, PaxExtensions};

/// Everything in a tar archive is in blocks of this many bytes.
pub(super) const BLOCK: usize = 512;
/// A name is not longer: file systems have 4 KiB. Bytes.
const LONGEST_NAME: usize = 64 << 10;
/// What stands for a name, with attributes beside it. Bytes.
const LONGEST_EXTENSION: u64 = 1 << 20;
/// The largest packages have some ten thousand files.
const MOST_ENTRIES: u64 = 1_000_000;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Symlink,
    HardLink,
    Folder,
    /// What no package has: a device, a pipe.
    Other,
}

/// An entry's head.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) path: Vec<u8>,
    /// Where a link leads.
    pub(super) target: Vec<u8>,
    /// Whether its owner may run it.
    pub(super) is_program: bool,
    /// Bytes of its content.
    pub(super) len: u64,
}

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum TarError {
    /// What comes first is no entry.
    #[error("it is no tar archive")]
    NotTar,
    /// Its bytes cannot be had: a gzip that is cut off or damaged.
    #[error(transparent)]
    Source(io::Error),
    /// It ends in the middle of an entry.
    #[error("the tar archive is cut off")]
    Cut,
    /// A later entry is none.
    #[error("the tar archive is damaged")]
    Damaged,
    /// A name is too long.
    #[error("a name in it has more than {LONGEST_NAME} bytes")]
    LongName,
    /// There is no end to it.
    #[error("it has more than {MOST_ENTRIES} entries")]
    TooMany,
}

/// The entries of an archive. As a reader, it gives the content of the one at hand.
pub(super) struct Entries<R> {
    source: R,
    /// Bytes of the content that were not read yet, and of what fills up its last block.
    left: u64,
    padding: u64,
    count: u64,
    /// Whether the blocks came that say that this is all.
    is_ended: bool,
}

/// What stands before an entry and is about it.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    len: Option<u64>,
}

impl<R: Read> Entries<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, left: 0, padding: 0, count: 0, is_ended: false }
    }

    /// The next entry; `None` after the last one.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, TarError> {
        let mut extensions = Extensions::default();
        loop {
            self.skip()?;
            let Some(header) = self.header()? else { return Ok(None) };
            self.count += 1;
            if self.count > MOST_ENTRIES {
                return Err(TarError::TooMany);
            }
            let kind = header.entry_type();
            let len = header.entry_size().map_err(|_| TarError::Damaged)?;
            match kind {
                EntryType::GNULongName => extensions.path = Some(self.extension(len).map(until_nul)?),
                EntryType::GNULongLink => extensions.target = Some(self.extension(len).map(until_nul)?),
                EntryType::XHeader => extensions.read(&self.extension(len)?),
                EntryType::XGlobalHeader => self.content(len),
                _ => return self.entry(&header, kind, extensions, len).map(Some),
            }
        }
    }

    /// Whether the archive says where it ends. Asked after the last entry.
    pub(super) const fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Reads what is behind the last entry, so that a checksum at the very end is compared.
    pub(super) fn drain(mut self) -> Result<(), TarError> {
        io::copy(&mut self.source, &mut io::sink()).map(drop).map_err(TarError::Source)
    }

    fn entry(&mut self, header: &Header, kind: EntryType, extensions: Extensions, len: u64) -> Result<Entry, TarError> {
        let path = extensions.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let own_target = || header.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default();
        let target = extensions.target.unwrap_or_else(own_target);
        if path.len() > LONGEST_NAME || target.len() > LONGEST_NAME {
            return Err(TarError::LongName);
        }
        let kind = match kind {
            // What old archives call a file may be a folder.
            EntryType::Regular | EntryType::Continuous if path.ends_with(b"/") => Kind::Folder,
            EntryType::Regular | EntryType::Continuous => Kind::File,
            EntryType::Symlink => Kind::Symlink,
            EntryType::Link => Kind::HardLink,
            EntryType::Directory => Kind::Folder,
            _ => Kind::Other,
        };
        // As node's tar: whatever a folder's length says, nothing follows it.
        let len = if kind == Kind::Folder { 0 } else { extensions.len.unwrap_or(len) };
        self.content(len);
        let is_program = header.mode().unwrap_or_default() & 0o100 != 0;
        Ok(Entry { kind, path, target, is_program, len })
    }

    fn content(&mut self, len: u64) {
        self.left = len;
        self.padding = len.wrapping_neg() % BLOCK as u64;
    }

    /// A header; `None` at the end.
    fn header(&mut self) -> Result<Option<Header>, TarError> {
        let mut block = [0; BLOCK];
        loop {
            match self.block(&mut block)? {
                0 => return Ok(None),
                BLOCK => {}
                _ if self.count == 0 => return Err(TarError::NotTar),
                _ => return Err(TarError::Cut),
            }
            if block.iter().any(|&byte| byte != 0) {
                break;
            }
            if self.is_ended {
                return Ok(None);
            }
            self.is_ended = true;
        }
        let header = Header::from_byte_slice(&block);
        if header.cksum().ok() == Some(checksum(&block)) {
            self.is_ended = false;
            return Ok(Some(header.clone()));
        }
        Err(if self.count == 0 { TarError::NotTar } else { TarError::Damaged })
    }

    fn block(&mut self, block: &mut [u8]) -> Result<usize, TarError> {
        let mut have = 0;
        while have < block.len() {
            match self.source.read(&mut block[have..]) {
                Ok(0) => break,
                Ok(read) => have += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(TarError::Source(error)),
            }
        }
        Ok(have)
    }

    fn extension(&mut self, len: u64) -> Result<Vec<u8>, TarError> {
        if len > LONGEST_EXTENSION {
            return Err(TarError::LongName);
        }
        self.content(len);
        let mut bytes = Vec::new();
        let left = self.left;
        let read = (&mut self.source).take(left).read_to_end(&mut bytes).map_err(TarError::Source)?;
        self.left -= read as u64;
        if self.left > 0 { Err(TarError::Cut) } else { Ok(bytes) }
    }

    /// Passes over what was not read of the entry at hand.
    fn skip(&mut self) -> Result<(), TarError> {
        let rest = self.left.saturating_add(self.padding);
        let skipped = io::copy(&mut (&mut self.source).take(rest), &mut io::sink()).map_err(TarError::Source)?;
        (self.left, self.padding) = (0, 0);
        if skipped < rest { Err(TarError::Cut) } else { Ok(()) }
    }
}

impl<R: Read> Read for Entries<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.source.read(&mut buffer[..most])?;
        if read == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

impl Extensions {
    fn read(&mut self, records: &[u8]) {
        for record in PaxExtensions::new(records).flatten() {
            match record.key_bytes() {
                b"path" => self.path = Some(record.value_bytes().to_vec()),
                b"linkpath" => self.target = Some(record.value_bytes().to_vec()),
                b"size" => self.len = record.value().ok().and_then(|value| value.parse().ok()),
                _ => {}
            }
        }
    }
}

fn until_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
    bytes
}

/// The sum of a header's bytes, those of the sum itself taken for spaces.
pub(super) fn checksum(block: &[u8; BLOCK]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..])
}
