//! The canonical tar of a git commit: rewrites a forge's archive into a form that depends only on the files in it. A forge may generate its archive again at any time,
//! with another gzip or other times, and promises only the content.
//!
//! The form, which [the store's format](../../../docs/store-format.md) promises:
//!
//! - Files, symbolic links and hard links; the one top folder is called `package`, and folders have no entries of their own. Sorted by path, byte by byte, the hard
//!   links last, since what they lead to must be there.
//! - ustar: modes 0644, 0755 and 0777 (links), the time that npm gives the files that it packs, no owners. A path or target of more than 100 bytes, and a length of 8 GiB and
//!   more, stand in a pax record before the entry. Two empty blocks end it.
//! - gzip with stored blocks of 65,535 bytes, the last one shorter: no compression, since two versions of a compressor need not give the same bytes. Time 0, system 255.
//!
//! Repacking is idempotent.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    os::unix::fs::FileExt as _,
};

use flate2::Crc;

use super::shape::{NotAPackage, Seen, Shape, broken, walk};
use crate::archive::tar::{
    Entry, Kind,
    write::{END, Flag, Head, pad},
};

/// The time of every entry, in octal: 1985-10-26 08:15 UTC, as in what npm packs.
const TIME: &[u8; 11] = b"03560116604";
/// What the top folder is called.
const TOP: &[u8] = b"package";
/// The longest stored block of deflate. Bytes.
const STORED: usize = 0xffff;
/// All names together, which are held in memory. Bytes.
const LONGEST_NAMES: usize = 64 << 20;
/// Copied at once, bytes.
const BATCH: usize = 128 << 10;

/// An entry whose content is in the spool.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    /// Sorted by: no, then yes.
    is_hard_link: bool,
    path: Vec<u8>,
    target: Vec<u8>,
    kind: MemberKind,
    start: u64,
    len: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum MemberKind {
    File,
    Program,
    Symlink,
    HardLink,
}

/// An archive's members, and their bytes in a file of their own.
pub(super) struct Unpacked {
    spool: File,
    members: Vec<Member>,
}

/// Why an archive could not be packed again.
#[derive(Debug, thiserror::Error)]
pub(super) enum RepackError {
    /// It is none.
    #[error(transparent)]
    Shape(#[from] NotAPackage),
    /// The spool cannot be written or read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Unpacks an archive into `spool`, which is empty; at most `longest` bytes. It must have the shape.
pub(super) fn unpack(packed: impl Read, spool: File, shape: &Shape, longest: u64) -> Result<Unpacked, RepackError> {
    let mut seen = Seen::default();
    let mut members = Vec::new();
    let (mut end, mut names) = (0, 0);
    let mut writer = BufWriter::with_capacity(BATCH, &spool);
    let mut failed = None;
    let walked = walk(packed, longest, |entry, content| {
        names += entry.path.len() + entry.target.len();
        if names > LONGEST_NAMES {
            let why = format!("its names have more than {LONGEST_NAMES} bytes");
            return Err(NotAPackage::Refused(io::Error::other(why)));
        }
        let mut both = Copying { from: content, to: &mut writer, copied: 0, failed: &mut failed };
        let Some(kind) = member_kind(entry) else { return Ok(()) };
        if kind != MemberKind::File && kind != MemberKind::Program {
            members.push(member(entry, kind, end, 0));
            return Ok(());
        }
        // The description is looked at on its way into the spool.
        seen.look(shape, entry, &mut both)?;
        io::copy(&mut both, &mut io::sink()).map_err(broken)?;
        members.push(member(entry, kind, end, both.copied));
        end += both.copied;
        Ok(())
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    walked?;
    writer.flush()?;
    drop(writer);
    shape.judge(&seen)?;
    Ok(Unpacked { spool, members: arranged(members) })
}

/// Gives what it reads to a second place.
struct Copying<'a, W> {
    from: &'a mut dyn Read,
    to: W,
    copied: u64,
    failed: &'a mut Option<io::Error>,
}

impl<W: Write> Read for Copying<'_, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        if let Err(error) = self.to.write_all(&buffer[..read]) {
            let kind = error.kind();
            self.failed.get_or_insert(error);
            return Err(kind.into());
        }
        self.copied += read as u64;
        Ok(read)
    }
}

fn member_kind(entry: &Entry) -> Option<MemberKind> {
    match entry.kind {
        Kind::File if entry.is_program => Some(MemberKind::Program),
        Kind::File => Some(MemberKind::File),
        Kind::Symlink => Some(MemberKind::Symlink),
        Kind::HardLink => Some(MemberKind::HardLink),
        Kind::Folder | Kind::Other => None,
    }
}

fn member(entry: &Entry, kind: MemberKind, start: u64, len: u64) -> Member {
    let is_hard_link = kind == MemberKind::HardLink;
    let target = match kind {
        MemberKind::HardLink => plain(&entry.target),
        MemberKind::Symlink => entry.target.clone(),
        MemberKind::File | MemberKind::Program => Vec::new(),
    };
    Member { is_hard_link, path: plain(&entry.path), target, kind, start, len }
}

/// A path without what says nothing: `./`, a second slash, a slash at its beginning or end.
fn plain(path: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !matches!(part, [] | [b'.'])).collect();
    parts.join(&b'/')
}

/// Sorted, and below `package` where all of it is in one folder. Of two with one path the later one stays the later one, which counts.
fn arranged(mut members: Vec<Member>) -> Vec<Member> {
    let top = |path: &[u8]| path.iter().position(|byte| *byte == b'/').map(|slash| path[..slash].to_vec());
    let first = members.first().and_then(|member| top(&member.path));
    if let Some(first) = first.filter(|first| first != b"..")
        && members.iter().all(|member| top(&member.path).as_ref() == Some(&first))
    {
        let below = |path: &mut Vec<u8>| {
            if top(path).as_ref() == Some(&first) {
                path.splice(..first.len(), TOP.iter().copied());
            }
        };
        for member in &mut members {
            below(&mut member.path);
            if member.is_hard_link {
                below(&mut member.target);
            }
        }
    }
    members.sort_by(|a, b| (a.is_hard_link, &a.path).cmp(&(b.is_hard_link, &b.path)));
    members
}

impl Unpacked {
    /// Writes the archive in its one form.
    pub(super) fn pack<W: Write>(&self, target: W) -> io::Result<W> {
        let mut gzip = StoredGzip::new(target)?;
        let mut buffer = vec![0; BATCH];
        for member in &self.members {
            head(member, &mut gzip)?;
            let (mut at, end) = (member.start, member.start + member.len);
            while at < end {
                let most = usize::try_from(end - at).map_or(BATCH, |left| left.min(BATCH));
                self.spool.read_exact_at(&mut buffer[..most], at)?;
                gzip.write_all(&buffer[..most])?;
                at += most as u64;
            }
            pad(member.len, &mut gzip)?;
        }
        gzip.write_all(&END)?;
        gzip.finish()
    }
}

/// A member's header, with what does not fit into it before it.
fn head(member: &Member, target: &mut impl Write) -> io::Result<()> {
    let (mode, flag) = match member.kind {
        MemberKind::File => (0o644, Flag::File),
        MemberKind::Program => (0o755, Flag::File),
        MemberKind::HardLink => (0o644, Flag::HardLink),
        MemberKind::Symlink => (0o777, Flag::Symlink),
    };
    Head { path: &member.path, target: &member.target, mode, flag, len: member.len, time: TIME }.write(target)
}

/// gzip that compresses nothing.
struct StoredGzip<W> {
    target: W,
    block: Vec<u8>,
    crc: Crc,
}

impl<W: Write> StoredGzip<W> {
    fn new(mut target: W) -> io::Result<Self> {
        target.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])?;
        Ok(Self { target, block: Vec::with_capacity(STORED), crc: Crc::new() })
    }

    fn put_block(&mut self, is_last: bool) -> io::Result<()> {
        let len = u16::try_from(self.block.len()).expect("a block is not longer").to_le_bytes();
        self.target.write_all(&[u8::from(is_last), len[0], len[1], !len[0], !len[1]])?;
        self.target.write_all(&self.block)?;
        self.crc.update(&self.block);
        self.block.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<W> {
        self.put_block(true)?;
        self.target.write_all(&self.crc.sum().to_le_bytes())?;
        self.target.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(self.target)
    }
}

impl<W: Write> Write for StoredGzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full block waits for the next byte: the last one must be known as such.
        if self.block.len() == STORED {
            self.put_block(false)?;
        }
        let taken = bytes.len().min(STORED - self.block.len());
        self.block.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "repack_tests.rs"]
mod tests;
