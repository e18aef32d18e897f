//! gzip as npm reads it: several members are one stream, and what stands behind the last one is passed over.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// The first bytes of each gzip member.
pub(crate) const MAGIC: &[u8] = &[0x1f, 0x8b];

/// Unpacks gzip. Every member is checked against its own checksum; a cut one is an error.
pub(crate) struct Gunzip<R: BufRead>(Option<GzDecoder<R>>);

impl<R: BufRead> Gunzip<R> {
    pub(crate) fn new(source: R) -> Self {
        Self(Some(GzDecoder::new(source)))
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.0 {
            let read = decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let mut rest = self.0.take().expect("it was there just now").into_inner();
            let next = rest.fill_buf()?;
            // One byte may be all that the buffer has of a member's first two.
            if !next.is_empty() && MAGIC.starts_with(&next[..next.len().min(MAGIC.len())]) {
                self.0 = Some(GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write as _};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> io::Result<String> {
        // A small buffer: members end in its middle and at its end.
        let mut text = String::new();
        Gunzip::new(BufReader::with_capacity(7, bytes)).read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn members_are_one_stream_and_what_stands_behind_them_is_passed_over() {
        let two = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(unpacked(&two).unwrap(), "one two");
        assert_eq!(unpacked(&[&two[..], &[0; 512]].concat()).unwrap(), "one two");
        for cut in 1..two.len() {
            // Cut between the two, it is a whole gzip of its own.
            assert_eq!(unpacked(&two[..cut]).is_ok(), cut == gzip(b"one ").len(), "{cut}");
        }
    }
}
