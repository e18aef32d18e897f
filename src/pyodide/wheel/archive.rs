//! The zip archive that a wheel is: its directory, read whole and checked, and single members.
//!
//! ```text
//! member …  member │ directory: one header a member │ [zip64 end, its locator] │ end
//! ```
//!
//! Names and values are those of PKWARE's APPNOTE, 4.3. What Python's `zipfile` accepts and no builder of wheels writes is refused: members that
//! lie upon each other (an archive of kilobytes that unpacks to gigabytes), bytes before the first member, names that stand twice.

use std::{
    collections::HashSet,
    io::{self, Read, Seek, SeekFrom},
};

use super::ArchiveProblem;

/// The largest wheels of the index have 20,000.
const MOST_MEMBERS: u64 = 200_000;
/// 200,000 members of 200 bytes. 64 MiB.
const LONGEST_DIRECTORY: u64 = 64 << 20;
/// A browser's WebAssembly has 4 GiB in all; packages unpack into it. 2 GiB.
const MOST_UNPACKED: u64 = 2 << 30;

const END_LEN: u64 = 22;
const END: [u8; 4] = *b"PK\x05\x06";
const END_64_LEN: u64 = 56;
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_LEN: u64 = 20;
const LOCATOR: [u8; 4] = *b"PK\x06\x07";
const HEADER_LEN: usize = 46;
const HEADER: [u8; 4] = *b"PK\x01\x02";
const LOCAL_LEN: u64 = 30;
const LOCAL: [u8; 4] = *b"PK\x03\x04";

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const ENCRYPTED: u16 = 1;
/// The extra field that holds what does not fit 32 bits.
const EXTRA_64: u16 = 1;

/// One file or folder of the archive.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) path: String,
    pub(super) is_folder: bool,
    method: u16,
    crc: u32,
    packed: u64,
    unpacked: u64,
    offset: u64,
}

/// The members, in the directory's order.
pub(super) fn members(source: &mut (impl Read + Seek)) -> Result<Vec<Member>, ArchiveProblem> {
    let directory = find_directory(source)?;
    if directory.members > MOST_MEMBERS {
        return Err(ArchiveProblem::TooMuch { what: "files", limit: MOST_MEMBERS });
    }
    if directory.len > LONGEST_DIRECTORY {
        return Err(ArchiveProblem::TooMuch { what: "bytes in its directory", limit: LONGEST_DIRECTORY });
    }
    let bytes = read_at(source, directory.offset, directory.len)?;
    let mut rest = &bytes[..];
    let mut members = Vec::new();
    for _ in 0..directory.members {
        members.push(member(&mut rest)?);
    }
    if !rest.is_empty() {
        return Err(ArchiveProblem::Damaged { what: "it is longer than its members" });
    }
    check(&members, directory.offset)?;
    Ok(members)
}

/// The bytes of a member, at most `longest`.
pub(super) fn unpack(
    source: &mut (impl Read + Seek),
    member: &Member,
    longest: u64,
) -> Result<Vec<u8>, ArchiveProblem> {
    if member.unpacked > longest {
        return Err(ArchiveProblem::TooMuch { what: "bytes of metadata", limit: longest });
    }
    let damaged = || ArchiveProblem::DamagedMember { path: member.path.clone() };
    let local = read_at(source, member.offset, LOCAL_LEN)?;
    let mut fields = Fields(&local[..]);
    if fields.take::<4>() != Some(LOCAL) {
        return Err(damaged());
    }
    fields.skip(22);
    let (Some(name_len), Some(extra_len)) = (fields.u16(), fields.u16()) else { return Err(damaged()) };
    let name = read_at(source, member.offset + LOCAL_LEN, name_len.into())?;
    if name != member.path.as_bytes() {
        return Err(damaged());
    }
    let start = member.offset + LOCAL_LEN + u64::from(name_len) + u64::from(extra_len);
    source.seek(SeekFrom::Start(start)).map_err(ArchiveProblem::Io)?;
    let packed = source.take(member.packed);
    let mut bytes = Vec::new();
    let read = if member.method == STORED {
        io::copy(&mut packed.take(member.unpacked + 1), &mut bytes)
    } else {
        io::copy(&mut flate2::read::DeflateDecoder::new(packed).take(member.unpacked + 1), &mut bytes)
    };
    let mut crc = flate2::Crc::new();
    crc.update(&bytes);
    if read.is_err() || bytes.len() as u64 != member.unpacked || crc.sum() != member.crc {
        return Err(damaged());
    }
    Ok(bytes)
}

struct Directory {
    members: u64,
    len: u64,
    offset: u64,
}

fn find_directory(source: &mut (impl Read + Seek)) -> Result<Directory, ArchiveProblem> {
    let len = source.seek(SeekFrom::End(0)).map_err(ArchiveProblem::Io)?;
    // A comment of 64 KiB may follow the end.
    let tail_start = len.saturating_sub(END_LEN + u64::from(u16::MAX));
    let tail = read_at(source, tail_start, len - tail_start)?;
    let end = (0..tail.len().saturating_sub(21)).rev().find(|&at| {
        let comment = tail.get(at + 20..at + 22).map(|two| usize::from(u16::from_le_bytes([two[0], two[1]])));
        tail[at..].starts_with(&END) && comment == Some(tail.len() - at - 22)
    });
    let end = end.ok_or(ArchiveProblem::NoEnd)?;
    let end_offset = tail_start + end as u64;
    let mut fields = Fields(&tail[end + 8..]);
    let (Some(_), Some(members), Some(size), Some(offset)) = (fields.u16(), fields.u16(), fields.u32(), fields.u32())
    else {
        return Err(ArchiveProblem::NoEnd);
    };
    let (directory, directory_end) = match zip64_end(source, end_offset)? {
        Some(found) => found,
        None => (Directory { members: members.into(), len: size.into(), offset: offset.into() }, end_offset),
    };
    if directory.offset.checked_add(directory.len) != Some(directory_end) {
        return Err(ArchiveProblem::Damaged { what: "it does not end where the archive's end begins" });
    }
    Ok(directory)
}

/// The end for large archives, if there is one, and where it begins.
fn zip64_end(source: &mut (impl Read + Seek), end: u64) -> Result<Option<(Directory, u64)>, ArchiveProblem> {
    let Some(locator_at) = end.checked_sub(LOCATOR_LEN) else { return Ok(None) };
    let locator = read_at(source, locator_at, LOCATOR_LEN)?;
    let mut fields = Fields(&locator);
    if fields.take::<4>() != Some(LOCATOR) {
        return Ok(None);
    }
    fields.skip(4);
    let damaged = || ArchiveProblem::Damaged { what: "its end for large archives is not where it should be" };
    let at = fields.u64().filter(|at| at.checked_add(END_64_LEN).is_some_and(|end| end <= locator_at));
    let at = at.ok_or_else(damaged)?;
    let record = read_at(source, at, END_64_LEN)?;
    let mut fields = Fields(&record);
    if fields.take::<4>() != Some(END_64) {
        return Err(damaged());
    }
    fields.skip(28);
    match (fields.u64(), fields.u64(), fields.u64()) {
        (Some(members), Some(len), Some(offset)) => Ok(Some((Directory { members, len, offset }, at))),
        _ => Err(damaged()),
    }
}

fn member(rest: &mut &[u8]) -> Result<Member, ArchiveProblem> {
    let short = || ArchiveProblem::Damaged { what: "it ends within a member" };
    let header = rest.get(..HEADER_LEN).ok_or_else(short)?;
    let mut fields = Fields(header);
    if fields.take::<4>() != Some(HEADER) {
        return Err(ArchiveProblem::Damaged { what: "a member does not begin as one" });
    }
    fields.skip(4);
    let mut next_u16 = || fields.u16().ok_or_else(short);
    let (flags, method) = (next_u16()?, next_u16()?);
    fields.skip(4);
    let mut next_u32 = || fields.u32().ok_or_else(short);
    let (crc, packed, unpacked) = (next_u32()?, next_u32()?, next_u32()?);
    let mut next_len = || fields.u16().map(usize::from).ok_or_else(short);
    let (name_len, extra_len, comment_len) = (next_len()?, next_len()?, next_len()?);
    fields.skip(8);
    let offset = fields.u32().ok_or_else(short)?;
    let extra_at = HEADER_LEN + name_len;
    let name = rest.get(HEADER_LEN..extra_at).ok_or_else(short)?;
    let extra = rest.get(extra_at..extra_at + extra_len).ok_or_else(short)?;
    let path = std::str::from_utf8(name).map_err(|_| ArchiveProblem::NotUtf8)?.to_owned();
    *rest = rest.get(extra_at + extra_len + comment_len..).ok_or_else(short)?;
    if flags & ENCRYPTED != 0 {
        return Err(ArchiveProblem::Unsupported { path, what: "encrypted" });
    }
    if !matches!(method, STORED | DEFLATED) {
        return Err(ArchiveProblem::Unsupported { path, what: "compressed by another method than deflate" });
    }
    let mut large = Large { extra: extra_64(extra) };
    let (unpacked, packed, offset) = (large.value(unpacked)?, large.value(packed)?, large.value(offset)?);
    Ok(Member { is_folder: path.ends_with('/'), path, method, crc, packed, unpacked, offset })
}

/// The values that did not fit, in the order in which they are missing.
struct Large<'a> {
    extra: Fields<'a>,
}

impl Large<'_> {
    fn value(&mut self, value: u32) -> Result<u64, ArchiveProblem> {
        if value < u32::MAX {
            return Ok(value.into());
        }
        self.extra.u64().ok_or(ArchiveProblem::Damaged { what: "a large member does not state its size" })
    }
}

fn extra_64(extra: &[u8]) -> Fields<'_> {
    let mut fields = Fields(extra);
    while let (Some(id), Some(len)) = (fields.u16(), fields.u16()) {
        let Some(data) = fields.0.get(..len.into()) else { break };
        if id == EXTRA_64 {
            return Fields(data);
        }
        fields.skip(len.into());
    }
    Fields(&[])
}

fn check(members: &[Member], directory: u64) -> Result<(), ArchiveProblem> {
    let mut paths = HashSet::with_capacity(members.len());
    let mut unpacked = 0u64;
    for member in members {
        if !is_inside(&member.path) {
            return Err(ArchiveProblem::PathOutside { path: member.path.clone() });
        }
        if !paths.insert(member.path.trim_end_matches('/')) {
            return Err(ArchiveProblem::Duplicate { path: member.path.clone() });
        }
        unpacked = unpacked.saturating_add(member.unpacked);
        if member.method == STORED && member.packed != member.unpacked {
            return Err(ArchiveProblem::DamagedMember { path: member.path.clone() });
        }
    }
    if unpacked > MOST_UNPACKED {
        return Err(ArchiveProblem::TooMuch { what: "bytes when unpacked", limit: MOST_UNPACKED });
    }
    let mut by_offset: Vec<&Member> = members.iter().collect();
    by_offset.sort_unstable_by_key(|member| member.offset);
    for (position, member) in by_offset.iter().enumerate() {
        let next = by_offset.get(position + 1);
        let own = LOCAL_LEN + member.path.len() as u64;
        let end = member.offset.checked_add(own).and_then(|start| start.checked_add(member.packed));
        if end.is_none_or(|end| end > next.map_or(directory, |next| next.offset)) {
            return Err(match next {
                Some(next) => ArchiveProblem::Overlap { first: member.path.clone(), second: next.path.clone() },
                None => ArchiveProblem::DamagedMember { path: member.path.clone() },
            });
        }
    }
    Ok(())
}

/// Whether a path stays in the folder that it is unpacked to, on every system.
fn is_inside(path: &str) -> bool {
    let inner = path.strip_suffix('/').unwrap_or(path);
    let is_drive = path.as_bytes().get(1) == Some(&b':');
    !is_drive
        && !path.contains('\\')
        && !path.chars().any(char::is_control)
        && inner.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn read_at(source: &mut (impl Read + Seek), offset: u64, len: u64) -> Result<Vec<u8>, ArchiveProblem> {
    source.seek(SeekFrom::Start(offset)).map_err(ArchiveProblem::Io)?;
    let mut bytes = Vec::new();
    source.take(len).read_to_end(&mut bytes).map_err(ArchiveProblem::Io)?;
    if bytes.len() as u64 == len {
        Ok(bytes)
    } else {
        Err(ArchiveProblem::Damaged { what: "it leads past the file's end" })
    }
}

/// Little-endian numbers, one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    fn skip(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}
