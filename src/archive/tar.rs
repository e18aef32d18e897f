//! Reads a tar archive that somebody else packed: nothing of it reaches memory without a bound, and reading it ends.
//!
//! Names that are too long for a header stand in entries of their own, before the file that they name (GNU's `L`, pax's `x`). A reader that takes those whole
//! takes as much memory as the archive says. Here they are read up to a bound, and a longer one is passed over, as npm's own reader does.

use std::{
    io::{self, Read},
    ops::ControlFlow,
};

use tar::EntryType;

/// The longest entry that stands for a name, bytes: what npm's reader takes (node-tar's `maxMetaEntrySize`). 1 MiB.
const LONGEST_META: u64 = 1 << 20;

/// How much of an archive is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes, headers included.
    pub bytes: u64,
    /// Entries, those that stand for names included.
    pub entries: usize,
}

/// A regular file of an archive.
pub struct TarFile<'a> {
    /// Where it stands, as the archive writes it.
    pub path: &'a [u8],
    /// Its length, as its header states it.
    pub size: u64,
    /// Its bytes; what is not read of them is passed over.
    pub bytes: &'a mut dyn Read,
}

impl std::fmt::Debug for TarFile<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TarFile").field("path", &self.path.escape_ascii()).field("size", &self.size).finish()
    }
}

/// Whether an error says that an archive holds more than its bounds.
pub fn is_too_much(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::FileTooLarge
}

/// Shows each regular file to `visit`, in the archive's order, until that breaks; gives what it broke with. Folders, links and devices are passed over.
pub fn walk<T, E: From<io::Error>>(
    archive: impl Read,
    bounds: Bounds,
    mut visit: impl FnMut(TarFile<'_>) -> Result<ControlFlow<T>, E>,
) -> Result<Option<T>, E> {
    let mut archive = tar::Archive::new(Bounded { source: archive, left: bounds.bytes, most: bounds.bytes });
    let mut stated = Stated::default();
    for (position, entry) in archive.entries()?.raw(true).enumerate() {
        if position == bounds.entries {
            return Err(too_much(format!("it has more than {} entries", bounds.entries)).into());
        }
        let mut entry = entry?;
        let (kind, size) = (entry.header().entry_type(), entry.size());
        if is_meta(kind) {
            stated.read(kind, size, &mut entry)?;
            continue;
        }
        let Stated { path, size: stated_size } = std::mem::take(&mut stated);
        if stated_size.is_some_and(|stated| stated != size) {
            // Of two readers each could find other files in it.
            return Err(io::Error::new(io::ErrorKind::InvalidData, "an entry states two lengths").into());
        }
        if !kind.is_file() {
            continue;
        }
        let path = path.unwrap_or_else(|| entry.path_bytes().into_owned());
        if let ControlFlow::Break(found) = visit(TarFile { path: &path, size, bytes: &mut entry })? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Whether an entry says something of others, and is no file itself.
fn is_meta(kind: EntryType) -> bool {
    kind.is_gnu_longname()
        || kind.is_gnu_longlink()
        || kind.is_pax_local_extensions()
        || kind.is_pax_global_extensions()
}

/// What the entries before a file state of it.
#[derive(Default)]
struct Stated {
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Stated {
    fn read(&mut self, kind: EntryType, size: u64, entry: &mut impl Read) -> io::Result<()> {
        let says_nothing_of_a_name = kind.is_gnu_longlink() || kind.is_pax_global_extensions();
        if says_nothing_of_a_name || size > LONGEST_META {
            return Ok(());
        }
        let mut bytes = Vec::new();
        entry.take(LONGEST_META).read_to_end(&mut bytes)?;
        if kind.is_gnu_longname() {
            bytes.truncate(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
            self.path = Some(bytes);
            return Ok(());
        }
        for record in tar::PaxExtensions::new(&bytes).flatten() {
            match record.key_bytes() {
                b"path" => self.path = Some(record.value_bytes().to_vec()),
                b"size" => self.size = record.value().ok().and_then(|value| value.parse().ok()),
                _ => {}
            }
        }
        Ok(())
    }
}

fn too_much(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, what)
}

/// Refuses to give more than a number of bytes.
struct Bounded<R> {
    source: R,
    left: u64,
    most: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| too_much(format!("it unpacks to more than {} bytes", self.most)))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { bytes: 64 << 20, entries: 1000 };

    fn header(name: &str, kind: EntryType, size: u64) -> tar::Header {
        let mut header = tar::Header::new_ustar();
        header.set_path(name).unwrap();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        header
    }

    /// Entries one after the other, as they are.
    fn archive(entries: &[(tar::Header, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (header, bytes) in entries {
            builder.append(header, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn paths(bytes: impl Read, bounds: Bounds) -> io::Result<Vec<String>> {
        let mut paths = Vec::new();
        walk(bytes, bounds, |file| {
            paths.push(String::from_utf8_lossy(file.path).into_owned());
            Ok::<_, io::Error>(ControlFlow::<()>::Continue(()))
        })?;
        Ok(paths)
    }

    #[test]
    fn a_name_that_stands_before_its_file_is_that_files_alone() {
        let pax = "17 path=from/pax\n16 comment=some\n";
        let files = archive(&[
            (header("x", EntryType::GNULongName, 9), b"from/gnu\0"),
            (header("short", EntryType::Regular, 1), b"1"),
            (header("second", EntryType::Regular, 1), b"2"),
            (header("x", EntryType::XHeader, pax.len() as u64), pax.as_bytes()),
            (header("short", EntryType::Regular, 1), b"3"),
            (header("x", EntryType::XGlobalHeader, pax.len() as u64), pax.as_bytes()),
            (header("folder", EntryType::Directory, 0), b""),
            (header("last", EntryType::Regular, 1), b"4"),
        ]);
        assert_eq!(paths(&*files, BOUNDS).unwrap(), ["from/gnu", "second", "from/pax", "last"]);
    }

    #[test]
    fn a_name_of_many_megabytes_is_passed_over_and_never_in_memory() {
        for kind in [EntryType::GNULongName, EntryType::XHeader, EntryType::GNULongLink, EntryType::XGlobalHeader] {
            let long = vec![b'n'; 8 << 20];
            let files =
                archive(&[(header("x", kind, long.len() as u64), &long), (header("own", EntryType::Regular, 1), b"1")]);
            assert_eq!(paths(&*files, BOUNDS).unwrap(), ["own"], "{kind:?}");
            let mut stated = Stated::default();
            let mut unread = NeverRead;
            stated.read(kind, long.len() as u64, &mut unread).unwrap();
        }
    }

    /// What would be in memory if somebody read it.
    struct NeverRead;

    impl Read for NeverRead {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("it was read"))
        }
    }

    #[test]
    fn more_entries_or_bytes_than_the_bounds_end_the_reading() {
        let empty = vec![(header("file", EntryType::Regular, 0), &b""[..]); 12];
        let few = Bounds { entries: 11, ..BOUNDS };
        let error = paths(&*archive(&empty), few).unwrap_err();
        assert_eq!((is_too_much(&error), error.to_string().as_str()), (true, "it has more than 11 entries"));
        assert_eq!(paths(&*archive(&empty[..11]), few).unwrap().len(), 11);
        let zeros = archive(&[(header("file", EntryType::Regular, 100_000), &vec![0; 100_000])]);
        let error = paths(&*zeros, Bounds { bytes: 50_000, ..BOUNDS }).unwrap_err();
        assert_eq!((is_too_much(&error), error.to_string().as_str()), (true, "it unpacks to more than 50000 bytes"));
    }

    #[test]
    fn an_entry_of_two_lengths_is_refused() {
        let files = |pax: &[u8]| {
            let meta = header("x", EntryType::XHeader, pax.len() as u64);
            paths(&*archive(&[(meta, pax), (header("file", EntryType::Regular, 1), b"1")]), BOUNDS)
        };
        assert_eq!(files(b"10 size=1\n").unwrap(), ["file"]);
        assert_eq!(files(b"10 size=5\n").unwrap_err().to_string(), "an entry states two lengths");
    }
}
