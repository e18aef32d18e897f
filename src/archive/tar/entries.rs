//! A tar archive, entry by entry. Nothing of it is held but the name of the entry at hand, which has a bound: whoever packed it may mean harm.
//!
//! What tells an entry's name, target and length is read as node's tar reads it: ustar with its prefix, GNU's long names, and pax records, whose length counts
//! where the header has another.

use std::io::{self, Read};

use tar::{EntryType, Header, PaxExtensions};

use crate::archive::bounded::Bounded;

/// Everything in a tar archive is in blocks of this many bytes.
pub(crate) const BLOCK: usize = 512;
/// A name is not longer: file systems have 4 KiB. Bytes.
const LONGEST_NAME: usize = 64 << 10;
/// What stands for a name, with attributes beside it: what npm's reader takes (node-tar's `maxMetaEntrySize`). Bytes.
pub(super) const LONGEST_EXTENSION: u64 = 1 << 20;

/// How much of an archive is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes, headers included.
    pub bytes: u64,
    /// Entries, those that stand for names included.
    pub entries: usize,
}

/// What becomes of an entry that stands for a name and is longer than 1 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LongNames {
    /// It is passed over, as npm's reader does: the file keeps its header's name.
    PassedOver,
    /// It is an error: the archive is to be packed again, with every name as it is.
    Refused,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Symlink,
    HardLink,
    Folder,
    /// What no package has: a device, a pipe.
    Other,
}

/// An entry's head.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) path: Vec<u8>,
    /// Where a link leads.
    pub(crate) target: Vec<u8>,
    /// Whether its owner may run it.
    pub(crate) is_program: bool,
    /// Bytes of its content.
    pub(crate) len: u64,
}

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TarError {
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
    #[error("it has more than {most} entries")]
    TooMany {
        /// The bound.
        most: usize,
    },
}

/// The entries of an archive. As a reader, it gives the content of the one at hand.
pub(crate) struct Entries<R> {
    source: Bounded<R>,
    most: usize,
    long_names: LongNames,
    /// Bytes of the content that were not read yet, and of what fills up its last block.
    left: u64,
    padding: u64,
    count: usize,
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
    pub(crate) fn new(source: R, bounds: Bounds, long_names: LongNames) -> Self {
        let source = Bounded::new(source, bounds.bytes);
        Self { source, most: bounds.entries, long_names, left: 0, padding: 0, count: 0, is_ended: false }
    }

    /// The next entry; `None` after the last one.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, TarError> {
        let mut extensions = Extensions::default();
        loop {
            self.skip()?;
            let Some(header) = self.header()? else { return Ok(None) };
            if self.count == self.most {
                return Err(TarError::TooMany { most: self.most });
            }
            self.count += 1;
            let kind = header.entry_type();
            let len = header.entry_size().map_err(|_| TarError::Damaged)?;
            if self.long_names == LongNames::PassedOver && is_extension(kind) && len > LONGEST_EXTENSION {
                self.content(len);
                continue;
            }
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
    pub(crate) const fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Reads what is behind the last entry, so that a checksum at the very end is compared.
    pub(crate) fn drain(mut self) -> Result<(), TarError> {
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
        // Where a file is looked for, one block of zeros is an end, whatever follows.
        if self.is_ended && self.long_names == LongNames::PassedOver {
            return Ok(None);
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

/// Whether an entry says something of the one that it stands before.
fn is_extension(kind: EntryType) -> bool {
    kind.is_gnu_longname() || kind.is_gnu_longlink() || kind.is_pax_local_extensions()
}

fn until_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
    bytes
}

/// The sum of a header's bytes, those of the sum itself taken for spaces.
pub(crate) fn checksum(block: &[u8; BLOCK]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..])
}
