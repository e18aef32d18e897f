//! The records of a zip archive (PKWARE's APPNOTE 6.3.10, 4.3), as bytes: what those who read whole wheels and those who read pieces of them share. Pure. Nothing
//! is trusted, and nothing is judged: what a record states is the reader's to check.

use std::io::{self, Read};

use flate2::read::DeflateDecoder;

/// The record at an archive's end, without its comment.
pub(crate) const END_LEN: usize = 22;
/// What begins a record of the directory.
pub(crate) const HEADER: [u8; 4] = *b"PK\x01\x02";
/// What stands before a member's name.
pub(crate) const LOCAL_LEN: usize = 30;
/// The method of a member that is kept as it is.
pub(crate) const STORED: u16 = 0;
/// The method of one that is deflated.
pub(crate) const DEFLATED: u16 = 8;

const END: [u8; 4] = *b"PK\x05\x06";
const HEADER_LEN: usize = 46;
const LOCAL: [u8; 4] = *b"PK\x03\x04";

/// The record at the end: where the directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// Where it begins in the bytes that were given.
    pub(crate) at: usize,
    /// Members of the archive.
    pub(crate) members: u16,
    /// The directory's length, bytes.
    pub(crate) len: u32,
    /// Where the directory begins in the archive.
    pub(crate) offset: u32,
}

impl End {
    /// Looks for it in an archive's last bytes. A comment may stand behind it, and has to fill what is left.
    pub(crate) fn find(tail: &[u8]) -> Option<Self> {
        let is_end = |&at: &usize| {
            let comment = Fields(&tail[at + END_LEN - 2..]).u16().map(usize::from);
            tail[at..].starts_with(&END) && comment == Some(tail.len() - at - END_LEN)
        };
        let at = (0..=tail.len().checked_sub(END_LEN)?).rev().find(is_end)?;
        let mut fields = Fields(&tail[at + 10..]);
        Some(Self { at, members: fields.u16()?, len: fields.u32()?, offset: fields.u32()? })
    }
}

/// A record of the directory: what is said of a member. Values of `u32::MAX` stand in `extra`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) packed: u32,
    pub(crate) unpacked: u32,
    pub(crate) offset: u32,
    pub(crate) name: &'a [u8],
    pub(crate) extra: &'a [u8],
}

/// Why there is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoHeader {
    /// Something else begins here.
    Other,
    /// The bytes end within it.
    Short,
}

impl<'a> Header<'a> {
    /// Takes the first record of what is left of a directory.
    pub(crate) fn take(rest: &mut &'a [u8]) -> Result<Self, NoHeader> {
        let mut fields = Fields(rest.get(..HEADER_LEN).ok_or(NoHeader::Short)?);
        if fields.take::<4>() != Some(HEADER) {
            return Err(NoHeader::Other);
        }
        Self::rest(fields, rest).ok_or(NoHeader::Short)
    }

    fn rest(mut fields: Fields<'_>, rest: &mut &'a [u8]) -> Option<Self> {
        fields.skip(4);
        let (flags, method) = (fields.u16()?, fields.u16()?);
        fields.skip(4);
        let (crc, packed, unpacked) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let lens = [fields.u16()?, fields.u16()?, fields.u16()?].map(usize::from);
        fields.skip(8);
        let offset = fields.u32()?;
        let name_end = HEADER_LEN + lens[0];
        let (name, extra) = (rest.get(HEADER_LEN..name_end)?, rest.get(name_end..name_end + lens[1])?);
        *rest = rest.get(name_end + lens[1] + lens[2]..)?;
        Some(Self { flags, method, crc, packed, unpacked, offset, name, extra })
    }
}

/// The lengths of the name and of what follows it, by the bytes that stand before a member's name.
pub(crate) fn local_lens(bytes: &[u8]) -> Option<(u16, u16)> {
    let mut fields = Fields(bytes);
    if fields.take::<4>() != Some(LOCAL) {
        return None;
    }
    fields.skip(LOCAL_LEN - 8);
    Some((fields.u16()?, fields.u16()?))
}

/// The bytes of a member, if they are what its record states: its method, its length, its checksum.
pub(crate) fn unpack(packed: impl Read, method: u16, unpacked: u64, crc: u32) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than stated would show that it lies.
    let read = match method {
        STORED => io::copy(&mut packed.take(unpacked + 1), &mut bytes),
        DEFLATED => io::copy(&mut DeflateDecoder::new(packed).take(unpacked + 1), &mut bytes),
        _ => return None,
    };
    let mut sum = flate2::Crc::new();
    sum.update(&bytes);
    (read.is_ok() && bytes.len() as u64 == unpacked && sum.sum() == crc).then_some(bytes)
}

/// Little-endian numbers, one after the other.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn skip(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}
