//! [`ContentDigest`]: how a registry names bytes. [`Measure`] computes it of a stream.

use std::{
    fmt,
    io::{self, Write},
    str::FromStr,
};

use larder_store::digest::{Algorithm, Digest, Hasher};

/// The sha256 of a blob or document of a registry. Written `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentDigest([u8; 32]);

/// Why a text is no digest that larder can check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not `sha256:` and 64 lower-case hexadecimal digits")]
pub struct ContentDigestError;

impl ContentDigest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut measure = Measure::default();
        measure.add(bytes);
        measure.finish().0
    }

    fn new(digest: &Digest) -> Self {
        Self(digest.as_bytes().try_into().expect("a sha256 has 32 bytes"))
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentDigest {
    type Err = ContentDigestError;

    fn from_str(text: &str) -> Result<Self, ContentDigestError> {
        let hex = text.strip_prefix("sha256:").ok_or(ContentDigestError)?;
        // Two texts of one digest would be two names in a registry.
        if hex.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(ContentDigestError);
        }
        let digest = Digest::from_hex(Algorithm::Sha256, hex).map_err(|_| ContentDigestError)?;
        Ok(Self::new(&digest))
    }
}

/// Computes digest and length of what is written to it, and keeps nothing.
#[derive(Clone, Debug)]
pub struct Measure(Hasher);

impl Default for Measure {
    // The store's hasher computes a blake3 as well: a third of the sha256's time where the processor has instructions for that.
    fn default() -> Self {
        Self(Hasher::new([Algorithm::Sha256]))
    }
}

impl Measure {
    /// Takes the next bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest, and how many bytes there were.
    pub fn finish(self) -> (ContentDigest, u64) {
        let found = self.0.finish();
        (ContentDigest::new(&found.digests[0]), found.len)
    }
}

impl Write for Measure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_written_and_read_in_one_form_alone() {
        let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(ContentDigest::of(b"abc").to_string(), text);
        assert_eq!(text.parse(), Ok(ContentDigest::of(b"abc")));
        for wrong in ["", "sha256:", &text[7..], &text[..70], &text.to_uppercase(), &text.replace("sha256", "sha512")] {
            assert_eq!(wrong.parse::<ContentDigest>(), Err(ContentDigestError), "{wrong}");
        }
        let mixed = text.replace("ba78", "BA78");
        assert_eq!(mixed.parse::<ContentDigest>(), Err(ContentDigestError));
    }

    #[test]
    fn what_is_written_in_pieces_has_the_digest_and_the_length_of_the_whole() {
        let mut measure = Measure::default();
        for piece in [&b"a"[..], b"", b"bc"] {
            measure.write_all(piece).unwrap();
        }
        assert_eq!(measure.finish(), (ContentDigest::of(b"abc"), 3));
    }
}
