//! A reader with a bound: a small archive can unpack to any number of bytes.

use std::io::{self, Read};

/// More was unpacked than the bound allows.
#[derive(Debug, thiserror::Error)]
#[error("it unpacks to more than {limit} bytes")]
pub(crate) struct TooLong {
    limit: u64,
}

/// Refuses to give more than a number of bytes.
pub(crate) struct Bounded<R> {
    source: R,
    limit: u64,
    left: u64,
}

impl<R: Read> Bounded<R> {
    pub(crate) fn new(source: R, limit: u64) -> Self {
        Self { source, limit, left: limit }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| too_much(TooLong { limit: self.limit }))?;
        Ok(read)
    }
}

/// The error for an archive that holds more than its bounds.
pub(crate) fn too_much(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, why)
}

/// Whether an error says that an archive holds more than its bounds.
pub(crate) fn is_too_much(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::FileTooLarge
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_limit_is_an_error() {
        let read = |limit| Bounded::new(&b"12345"[..], limit).read_to_end(&mut Vec::new());
        assert_eq!(read(5).unwrap(), 5);
        assert_eq!(read(4).unwrap_err().to_string(), "it unpacks to more than 4 bytes");
        assert!(is_too_much(&read(4).unwrap_err()));
    }
}
