//! A validating reader of the zip archive that a wheel is: its directory, read whole and checked, and single members.
//!
//! ```text
//! member …  member │ directory: one header a member │ [zip64 end, its locator] │ end
//! ```
//!
//! Names and values are those of PKWARE's APPNOTE, 4.3. What Python's `zipfile` accepts and no builder of wheels writes is refused: members that
//! overlap (an archive of kilobytes that unpacks to gigabytes), bytes before the first member, names that stand twice.

use std::{
    collections::HashSet,
    io::{Read, Seek, SeekFrom},
};

use super::error::ArchiveProblem;
use crate::archive::zip::{self, DEFLATED, End, Fields, Header, LOCAL_LEN, NoHeader, STORED};

/// The largest wheels of the index have 20,000.
const MOST_MEMBERS: u64 = 200_000;
/// 200,000 members of 200 bytes. 64 MiB.
const LONGEST_DIRECTORY: u64 = 64 << 20;
/// A browser's WebAssembly has 4 GiB in all; packages unpack into it. 2 GiB.
const MOST_UNPACKED: u64 = 2 << 30;

const END_64_LEN: u64 = 56;
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_LEN: u64 = 20;
const LOCATOR: [u8; 4] = *b"PK\x06\x07";

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
    let local = read_at(source, member.offset, LOCAL_LEN as u64)?;
    let (name_len, extra_len) = zip::local_lens(&local).ok_or_else(damaged)?;
    let name = read_at(source, member.offset + LOCAL_LEN as u64, name_len.into())?;
    if name != member.path.as_bytes() {
        return Err(damaged());
    }
    let start = member.offset + LOCAL_LEN as u64 + u64::from(name_len) + u64::from(extra_len);
    source.seek(SeekFrom::Start(start)).map_err(ArchiveProblem::Io)?;
    zip::unpack(source.take(member.packed), member.method, member.unpacked, member.crc).ok_or_else(damaged)
}

struct Directory {
    members: u64,
    len: u64,
    offset: u64,
}

fn find_directory(source: &mut (impl Read + Seek)) -> Result<Directory, ArchiveProblem> {
    let len = source.seek(SeekFrom::End(0)).map_err(ArchiveProblem::Io)?;
    // A comment of 64 KiB may follow the end.
    let tail_start = len.saturating_sub(zip::END_LEN as u64 + u64::from(u16::MAX));
    let tail = read_at(source, tail_start, len - tail_start)?;
    let End { at, members, len, offset } = End::find(&tail).ok_or(ArchiveProblem::NoEnd)?;
    let end_offset = tail_start + at as u64;
    let (directory, directory_end) = match zip64_end(source, end_offset)? {
        Some(found) => found,
        None => (Directory { members: members.into(), len: len.into(), offset: offset.into() }, end_offset),
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
    let header = Header::take(rest).map_err(|problem| ArchiveProblem::Damaged {
        what: match problem {
            NoHeader::Other => "a member does not begin as one",
            NoHeader::Short => "it ends within a member",
        },
    })?;
    let path = std::str::from_utf8(header.name).map_err(|_| ArchiveProblem::NotUtf8)?.to_owned();
    if header.flags & ENCRYPTED != 0 {
        return Err(ArchiveProblem::Unsupported { path, what: "encrypted" });
    }
    let method = header.method;
    if !matches!(method, STORED | DEFLATED) {
        return Err(ArchiveProblem::Unsupported { path, what: "compressed by another method than deflate" });
    }
    let mut large = Large { extra: extra_64(header.extra) };
    let values = (large.value(header.unpacked)?, large.value(header.packed)?, large.value(header.offset)?);
    let (unpacked, packed, offset) = values;
    Ok(Member { is_folder: path.ends_with('/'), path, method, crc: header.crc, packed, unpacked, offset })
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
        let own = (LOCAL_LEN + member.path.len()) as u64;
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
