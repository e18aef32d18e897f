//! The `METADATA` of a remote wheel, read from parts of the file: the end of the archive, its directory, and the one member.
//!
//! Enough of ZIP for what wheels are. Nothing is trusted: every offset is checked, and what unpacks to more than metadata can have is refused.

use crate::{
    archive::zip::{self, DEFLATED, End, HEADER, Header, LOCAL_LEN, STORED},
    python::name::ProjectName,
};

/// The most that is asked for at first: a directory of some hundred files and what stands after it.
pub(super) const TAIL: u64 = 32 << 10;

/// The longest metadata, bytes: descriptions of some hundred kilobytes are known.
const LONGEST_METADATA: u64 = 16 << 20;

/// The longest directory, bytes: 100,000 files.
const LONGEST_DIRECTORY: u64 = 16 << 20;

/// What is between a member's header and its bytes, beside its name: `extra` fields may be longer there than in the directory.
const SLACK: u64 = 512;

/// Some bytes of the archive, by their offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByteSpan {
    /// The first byte.
    pub(super) offset: u64,
    /// How many.
    pub(super) len: u64,
}

/// A member of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Its header and its bytes, and perhaps a little more.
    pub(super) span: ByteSpan,
    packed: usize,
    size: u64,
    method: u16,
    crc: u32,
}

/// Why an archive cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// No end, no directory, or one that lies outside.
    #[error("it is not a zip archive, or is not whole")]
    NotZip,
    /// More than 4 GiB or 65,535 members.
    #[error("it is a ZIP64 archive")]
    Zip64,
    /// No `NAME-VERSION.dist-info/METADATA`, or several.
    #[error("it has {found} METADATA files of {expected}, and a wheel has one")]
    Metadata {
        /// How many there are.
        found: usize,
        /// What the folder's name has to begin with.
        expected: &'static str,
    },
    /// A way of packing that wheels do not use.
    #[error("its METADATA is compressed with method {method}; larder supports 0 and 8")]
    Method {
        /// The method's number.
        method: u16,
    },
    /// Bytes that do not unpack, or to another length than stated.
    #[error("its METADATA does not unpack to what it states")]
    Unpack,
    /// Longer than metadata can be.
    #[error("its METADATA or directory is longer than {limit} bytes")]
    TooLong {
        /// The bound.
        limit: u64,
    },
}

/// Where the directory is. `tail` is the end of an archive of `total` bytes.
pub(super) fn directory(tail: &[u8], total: u64) -> Result<ByteSpan, ArchiveError> {
    let End { at, members, len, offset } = End::find(tail).ok_or(ArchiveError::NotZip)?;
    if members == u16::MAX || len == u32::MAX || offset == u32::MAX {
        return Err(ArchiveError::Zip64);
    }
    let span = ByteSpan { offset: offset.into(), len: len.into() };
    let end = total - (tail.len() - at) as u64;
    if span.len > LONGEST_DIRECTORY {
        return Err(ArchiveError::TooLong { limit: LONGEST_DIRECTORY });
    }
    if span.offset + span.len > end { Err(ArchiveError::NotZip) } else { Ok(span) }
}

/// The project's `METADATA`, by the bytes of the directory.
pub(super) fn find_metadata(directory: &[u8], project: &ProjectName) -> Result<Member, ArchiveError> {
    let mut rest = directory;
    let mut found: Vec<Member> = Vec::new();
    while rest.starts_with(&HEADER) {
        let header = Header::take(&mut rest).map_err(|_| ArchiveError::NotZip)?;
        if is_metadata_of(header.name, project) {
            found.push(member(&header)?);
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        found => Err(ArchiveError::Metadata { found, expected: "the project that its name states" }),
    }
}

fn member(header: &Header<'_>) -> Result<Member, ArchiveError> {
    let &Header { method, crc, packed, unpacked, offset, name, extra, .. } = header;
    if [packed, unpacked, offset].contains(&u32::MAX) {
        return Err(ArchiveError::Zip64);
    }
    let size = u64::from(unpacked);
    if size > LONGEST_METADATA || u64::from(packed) > LONGEST_METADATA {
        return Err(ArchiveError::TooLong { limit: LONGEST_METADATA });
    }
    if !matches!(method, STORED | DEFLATED) {
        return Err(ArchiveError::Method { method });
    }
    let before = (LOCAL_LEN + name.len() + extra.len()) as u64 + SLACK;
    let span = ByteSpan { offset: offset.into(), len: before + u64::from(packed) };
    Ok(Member { span, packed: packed as usize, size, method, crc })
}

/// Unpacks a member; `bytes` begin at its span and may be shorter than it, if the archive ends before.
pub(super) fn unpack(bytes: &[u8], member: &Member) -> Result<Vec<u8>, ArchiveError> {
    let (name_len, extra_len) = zip::local_lens(bytes).ok_or(ArchiveError::NotZip)?;
    let start = LOCAL_LEN + usize::from(name_len) + usize::from(extra_len);
    let packed = bytes.get(start..start + member.packed).ok_or(ArchiveError::NotZip)?;
    zip::unpack(packed, member.method, member.size, member.crc).ok_or(ArchiveError::Unpack)
}

/// The `METADATA` of a whole wheel.
pub fn metadata_of(wheel: &[u8], project: &ProjectName) -> Result<Vec<u8>, ArchiveError> {
    let part = |span: ByteSpan| {
        let start = usize::try_from(span.offset).ok()?;
        wheel.get(start..wheel.len().min(start.checked_add(usize::try_from(span.len).ok()?)?))
    };
    let directory = directory(wheel, wheel.len() as u64)?;
    let member = find_metadata(part(directory).ok_or(ArchiveError::NotZip)?, project)?;
    unpack(part(member.span).ok_or(ArchiveError::NotZip)?, &member)
}

/// `Name-1.0.dist-info/METADATA` of this project.
fn is_metadata_of(path: &[u8], project: &ProjectName) -> bool {
    let folder = str::from_utf8(path).ok().and_then(|path| path.strip_suffix(".dist-info/METADATA"));
    let name = folder.filter(|folder| !folder.contains('/')).and_then(|folder| folder.rsplit_once('-'));
    name.is_some_and(|(name, _)| ProjectName::parse(name).as_ref() == Ok(project))
}

#[cfg(test)]
mod tests {
    use larder_test_server::{Zip, wheel};

    use super::*;

    fn name(text: &str) -> ProjectName {
        ProjectName::parse(text).unwrap()
    }

    const METADATA: &str = "a-1.0.dist-info/METADATA";

    #[test]
    fn the_metadata_is_found_and_unpacked() {
        let (_, bytes) = wheel("a-b", "1.0", "py3-none-any", &["Requires-Dist: c"]);
        let metadata = metadata_of(&bytes, &name("A_b")).unwrap();
        assert_eq!(metadata, b"Metadata-Version: 2.1\nName: a-b\nVersion: 1.0\nRequires-Dist: c\n");
    }

    #[test]
    fn what_is_no_wheel_is_refused() {
        let zip = |zip: Zip| metadata_of(&zip.build(), &name("a")).unwrap_err();
        let (_, whole) = wheel("a", "1.0", "py3-none-any", &[]);
        for len in 0..whole.len() {
            assert!(metadata_of(&whole[..len], &name("a")).is_err(), "{len} of {}", whole.len());
        }
        let none = |found| ArchiveError::Metadata { found, expected: "the project that its name states" };
        assert_eq!(zip(Zip::new()), none(0));
        assert_eq!(zip(Zip::new().with("b-1.0.dist-info/METADATA", "")), none(0));
        assert_eq!(zip(Zip::new().with("x/a-1.0.dist-info/METADATA", "")), none(0));
        assert_eq!(zip(Zip::new().with(METADATA, "").with("A-2.dist-info/METADATA", "")), none(2));
        assert_eq!(zip(Zip::new().with_false_length(METADATA, "x", 2)), ArchiveError::Unpack);
        let limit = ArchiveError::TooLong { limit: LONGEST_METADATA };
        assert_eq!(zip(Zip::new().with_false_length(METADATA, "x", 1 << 30)), limit);
        assert_eq!(zip(Zip::new().with_false_length(METADATA, "x", u32::MAX)), ArchiveError::Zip64);
    }

    proptest::proptest! {
        #[test]
        fn a_wheel_with_a_changed_byte_is_read_or_refused(at in 0_usize..400, to in proptest::num::u8::ANY) {
            let (_, mut bytes) = wheel("a", "1.0", "py3-none-any", &[]);
            let at = at % bytes.len();
            bytes[at] = to;
            let _ = metadata_of(&bytes, &name("a"));
        }

        #[test]
        fn any_bytes_are_refused(bytes in "(PK\x01\x02|PK\x03\x04|PK\x05\x06|[\x00-\x7f])*") {
            let _ = metadata_of(bytes.as_bytes(), &name("a"));
        }
    }
}
