//! Reads a tar archive that somebody else packed: nothing of it reaches memory without a bound, and reading it ends. `write` writes one.

use std::{
    io::{self, Read},
    ops::ControlFlow,
};

use super::bounded::too_much;

mod entries;
pub(crate) mod write;

pub use entries::Bounds;
pub(crate) use entries::{BLOCK, Entries, Entry, Kind, LongNames, TarError, checksum};

/// A regular file of an archive.
pub struct TarFile<'a> {
    /// Where it stands, as the archive writes it.
    pub path: &'a [u8],
    /// Its length, as the archive states it.
    pub size: u64,
    /// Its bytes; what is not read of them is passed over.
    pub bytes: &'a mut dyn Read,
}

impl std::fmt::Debug for TarFile<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TarFile").field("path", &self.path.escape_ascii()).field("size", &self.size).finish()
    }
}

/// Shows each regular file to `visit`, in the archive's order, until that breaks; gives what it broke with. Folders, links and devices are passed over.
pub fn walk<T, E: From<io::Error>>(
    archive: impl Read,
    bounds: Bounds,
    mut visit: impl FnMut(TarFile<'_>) -> Result<ControlFlow<T>, E>,
) -> Result<Option<T>, E> {
    let mut entries = Entries::new(archive, bounds, LongNames::PassedOver);
    while let Some(entry) = entries.next().map_err(io_error)? {
        if entry.kind != Kind::File {
            continue;
        }
        let file = TarFile { path: &entry.path, size: entry.len, bytes: &mut entries };
        if let ControlFlow::Break(found) = visit(file)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn io_error(error: TarError) -> io::Error {
    match error {
        TarError::Source(error) => error,
        TarError::TooMany { .. } => too_much(error),
        _ => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}

#[cfg(test)]
mod tests {
    use tar::EntryType;

    use super::{super::bounded::is_too_much, *};

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
            let mut largest = 0;
            let measured = Measured { source: &files, largest: &mut largest };
            assert_eq!(paths(measured, BOUNDS).unwrap(), ["own"], "{kind:?}");
            assert!(largest <= 64 << 10, "{kind:?}: {largest} bytes were asked for at once");
        }
    }

    /// Notes how much of it somebody takes into memory at once.
    struct Measured<'a> {
        source: &'a [u8],
        largest: &'a mut usize,
    }

    impl Read for Measured<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            *self.largest = buffer.len().max(*self.largest);
            self.source.read(buffer)
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
    fn of_two_lengths_the_one_in_the_pax_record_counts_as_for_npm() {
        // As node-tar reads it: `header.size` is what the pax record says, where it says any.
        let files = |pax: &[u8]| {
            let meta = header("x", EntryType::XHeader, pax.len() as u64);
            let hidden = archive(&[(header("hidden", EntryType::Regular, 0), b"")]);
            let mut files = archive(&[(meta, pax), (header("file", EntryType::Regular, 1), b"1")]);
            files.truncate(files.len() - 1024);
            files.extend(hidden);
            let mut read = Vec::new();
            let walked = walk(&*files, BOUNDS, |file| {
                let mut bytes = Vec::new();
                file.bytes.read_to_end(&mut bytes)?;
                read.push((String::from_utf8_lossy(file.path).into_owned(), bytes.len()));
                Ok::<_, io::Error>(ControlFlow::<()>::Continue(()))
            });
            walked.map(|_| read)
        };
        let both = vec![("file".to_owned(), 1), ("hidden".to_owned(), 0)];
        assert_eq!(files(b"10 size=1\n").unwrap(), both);
        assert_eq!(files(b"12 size=600\n").unwrap(), [("file".to_owned(), 600)]);
        assert_eq!(files(b"13 size=9000\n").unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
