//! Writes the entries of a tar archive. What an entry says is given whole, so the same entries are the same bytes.

use std::io::{self, Write};

use super::{BLOCK, checksum};

/// A ustar header has so many bytes for a name.
const SHORT_NAME: usize = 100;
/// The longest content whose length a header has in octal. Bytes.
const SHORT_LEN: u64 = (1 << 33) - 1;
/// What stands behind the last entry.
pub(crate) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];
/// 1970-01-01 00:00 UTC, in octal.
pub(crate) const EPOCH: &[u8; 11] = b"00000000000";

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    File,
    HardLink,
    Symlink,
}

/// What stands before an entry's content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) path: &'a [u8],
    /// Where a link leads.
    pub(crate) target: &'a [u8],
    pub(crate) mode: u32,
    pub(crate) flag: Flag,
    /// Bytes of the content.
    pub(crate) len: u64,
    /// Seconds since 1970, in octal.
    pub(crate) time: &'a [u8; 11],
}

impl Head<'_> {
    /// Writes a ustar header, and before it pax records for what does not fit: a path or target of more than 100 bytes, a length of 8 GiB and more.
    pub(crate) fn write(&self, target: &mut impl Write) -> io::Result<()> {
        let mut records = Vec::new();
        if self.path.len() > SHORT_NAME {
            records.extend(record(b"path", self.path));
        }
        if self.target.len() > SHORT_NAME {
            records.extend(record(b"linkpath", self.target));
        }
        if self.len > SHORT_LEN {
            records.extend(record(b"size", self.len.to_string().as_bytes()));
        }
        if !records.is_empty() {
            let len = records.len() as u64;
            let head = Head { path: b"PaxHeader", target: b"", mode: 0o644, len, ..*self };
            target.write_all(&head.block(b'x'))?;
            target.write_all(&records)?;
            pad(len, target)?;
        }
        let flag = match self.flag {
            Flag::File => b'0',
            Flag::HardLink => b'1',
            Flag::Symlink => b'2',
        };
        target.write_all(&self.block(flag))
    }

    fn block(&self, flag: u8) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &self.path[..self.path.len().min(SHORT_NAME)]);
        put(100, format!("{:07o}", self.mode).as_bytes());
        put(108, b"0000000");
        put(116, b"0000000");
        // Where it is longer, the record says so.
        put(124, format!("{:011o}", if self.len > SHORT_LEN { 0 } else { self.len }).as_bytes());
        put(136, self.time);
        put(156, &[flag]);
        put(157, &self.target[..self.target.len().min(SHORT_NAME)]);
        put(257, b"ustar\x0000");
        let sum = format!("{:06o}\0 ", checksum(&block));
        block[148..156].copy_from_slice(sum.as_bytes());
        block
    }
}

/// Fills up the last block of a content.
pub(crate) fn pad(len: u64, target: &mut impl Write) -> io::Result<()> {
    let padding = usize::try_from(len.wrapping_neg() % BLOCK as u64).expect("less than a block");
    target.write_all(&[0; BLOCK][..padding])
}

/// `22 path=package/index.js` and a line feed; the number is the record's own length.
fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut len = rest + 1;
    while len != rest + len.to_string().len() {
        len = rest + len.to_string().len();
    }
    [len.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}
