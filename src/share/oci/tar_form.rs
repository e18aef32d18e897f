//! The bytes of a tar around its files, as POSIX has them (ustar, and pax where a name does not fit): the same for the same names, modes and lengths.
//!
//! Owner 0, time 0, no names of users. Every length is known from name and content's length alone, so that who knows these knows where each file is.

use tar::{EntryType, Header};

/// Headers and contents fill whole blocks: bytes.
const BLOCK: u64 = 512;

/// A block of nothing.
pub(super) const EMPTY: [u8; 512] = [0; 512];

/// What ends an archive: two empty blocks.
pub(super) const END: [u8; 1024] = [0; 1024];

/// The mode of folders and programs.
pub(super) const RUNNABLE: u32 = 0o755;

/// The mode of files that larder makes.
pub(super) const PLAIN: u32 = 0o644;

/// What stands in front of a file's content.
pub(super) fn file_header(path: &str, mode: u32, len: u64) -> Vec<u8> {
    header(path, EntryType::Regular, mode, len)
}

/// The whole entry of a folder.
pub(super) fn folder_header(path: &str) -> Vec<u8> {
    header(&format!("{path}/"), EntryType::Directory, RUNNABLE, 0)
}

/// How many empty bytes follow content of this length.
pub(super) fn padding(len: u64) -> usize {
    usize::try_from((BLOCK - len % BLOCK) % BLOCK).expect("it is less than a block")
}

fn header(path: &str, kind: EntryType, mode: u32, len: u64) -> Vec<u8> {
    let mut header = plain(kind, mode, len);
    // Names in a header are ASCII, whatever their reader makes of other bytes.
    if path.is_ascii() && header.set_path(path).is_ok() {
        header.set_cksum();
        return header.as_bytes().to_vec();
    }
    let record = pax_record("path", path);
    let mut extension = plain(EntryType::XHeader, PLAIN, record.len() as u64);
    extension.set_path("pax").expect("the name is short");
    extension.set_cksum();
    // Readers take the name from the record.
    header.set_path("name").expect("the name is short");
    header.set_cksum();
    let empty = &EMPTY[..padding(record.len() as u64)];
    [extension.as_bytes(), record.as_bytes(), empty, header.as_bytes()].concat()
}

fn plain(kind: EntryType, mode: u32, len: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(len);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// A record of a pax extension: its own length, a space, `key=value` and a line feed.
fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut len = rest + 1;
    // The number counts its own digits; adding one may add another.
    while len != rest + len.to_string().len() {
        len = rest + len.to_string().len();
    }
    format!("{len} {key}={value}\n")
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
        let mut archive = tar::Archive::new(bytes);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let header = entry.header().clone();
            assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (0, 0, 0));
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (String::from_utf8(entry.path_bytes().to_vec()).unwrap(), header.mode().unwrap(), content)
        });
        entries.collect()
    }

    fn file(path: &str, content: &[u8]) -> Vec<u8> {
        let len = content.len() as u64;
        [&file_header(path, PLAIN, len)[..], content, &vec![0; padding(len)]].concat()
    }

    #[test]
    fn a_short_name_has_one_block_and_a_long_one_three() {
        let long = format!("{}/{}", "d".repeat(160), "f".repeat(120));
        for (path, blocks) in [("bin/larder", 1), (&format!("{}/f", "d".repeat(150)), 1), (&long, 3), ("bücher", 3)] {
            let bytes = [file(path, b"abc"), END.to_vec()].concat();
            assert_eq!(file_header(path, PLAIN, 3).len() as u64, blocks * BLOCK, "{path}");
            assert_eq!(read(&bytes), [(path.to_owned(), PLAIN, b"abc".to_vec())]);
        }
        let folder = [folder_header("store"), END.to_vec()].concat();
        assert_eq!(read(&folder), [("store/".to_owned(), RUNNABLE, Vec::new())]);
    }

    #[test]
    fn a_length_beyond_eight_gibibytes_is_stated() {
        let bytes = file_header("a", PLAIN, 9 << 30);
        assert_eq!(Header::from_byte_slice(&bytes).size().unwrap(), 9 << 30);
    }

    #[test]
    fn a_record_counts_its_own_length() {
        for len in [0, 80, 86, 87, 88, 89, 90, 980, 990, 991, 992, 1000] {
            let record = pax_record("path", &"x".repeat(len));
            assert_eq!(record.split_once(' ').unwrap().0, record.len().to_string());
        }
    }

    proptest! {
        #[test]
        fn any_name_is_read_as_it_was_written(path in "[a-zä]{1,120}(/[a-z.é]{1,90}x){0,4}", content in prop::collection::vec(any::<u8>(), 0..1100)) {
            let bytes = [file(&path, &content), file("after", b"x"), END.to_vec()].concat();
            prop_assert_eq!(bytes.len() as u64 % BLOCK, 0);
            prop_assert_eq!(read(&bytes), [(path, PLAIN, content), ("after".to_owned(), PLAIN, b"x".to_vec())]);
        }
    }
}
