//! Names of bytes: [`BlobId`] (blake3, what the store is keyed by), [`Digest`] and [`Integrity`]
//! (what lockfiles state), and the [`Hasher`] that computes all of them in one pass.
//!
//! The text form of an integrity is that of Subresource Integrity, section 3.5 of the W3C recommendation
//! (`sha512-<base64>`, several separated by white space, options after `?` ignored), which npm's lockfiles use.

mod error;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use sha2::Digest as _;

pub use self::error::DigestError;
use crate::sha512::Sha512;

/// npm reads integrities whose padding is missing; so does larder.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The blake3 of a blob's bytes: its name in the store. Written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId([u8; 32]);

impl BlobId {
    /// The id of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The 32 bytes of the blake3.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// An id from the 32 bytes of a blake3.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({self})")
    }
}

impl FromStr for BlobId {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let bytes = decode_hex(text).ok_or_else(|| DigestError::NotHex { text: text.to_owned() })?;
        let bytes = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| DigestError::WrongLength {
            algorithm: "blake3",
            expected: 32,
            actual: bytes.len(),
        })?;
        Ok(Self(bytes))
    }
}

/// A hash algorithm that a lockfile may use, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// 20 bytes; all that packages published before 2017 have.
    Sha1,
    /// 32 bytes; the Python index and Pyodide's lock.
    Sha256,
    /// 48 bytes.
    Sha384,
    /// 64 bytes; npm.
    Sha512,
}

impl Algorithm {
    /// All of them, weakest first.
    pub const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The name that Subresource Integrity uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The length of a digest, in bytes.
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The algorithm of that Subresource Integrity name, if larder knows it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// One digest: an algorithm and as many bytes as it gives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    // Unused bytes are zero, so that the derived comparisons hold.
    bytes: [u8; 64],
}

impl Digest {
    /// A digest from its bytes.
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, DigestError> {
        if bytes.len() != algorithm.digest_len() {
            return Err(DigestError::WrongLength {
                algorithm: algorithm.name(),
                expected: algorithm.digest_len(),
                actual: bytes.len(),
            });
        }
        let mut padded = [0; 64];
        padded[..bytes.len()].copy_from_slice(bytes);
        Ok(Self { algorithm, bytes: padded })
    }

    /// A digest from hexadecimal digits, as the Python index and npm's `shasum` write it.
    pub fn from_hex(algorithm: Algorithm, hex: &str) -> Result<Self, DigestError> {
        let bytes = decode_hex(hex).ok_or_else(|| DigestError::NotHex { text: hex.to_owned() })?;
        Self::new(algorithm, &bytes)
    }

    /// The digest of these bytes.
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new([algorithm]);
        hasher.update(bytes);
        hasher.finish().digests[0]
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The digest's bytes, as many as [`Algorithm::digest_len`] says.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.digest_len()]
    }

    /// The digest in lower-case hexadecimal digits, without the algorithm.
    pub fn to_hex(&self) -> String {
        let mut hex = String::with_capacity(2 * self.as_bytes().len());
        write_hex(&mut hex, self.as_bytes()).expect("writing to a String cannot fail");
        hex
    }
}

/// As Subresource Integrity writes it: `sha512-<base64>`.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.algorithm.name(), BASE64_STANDARD.encode(self.as_bytes()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a lockfile states about a file's bytes: at least one digest, strongest first, each once.
///
/// Bytes agree with it when, for each algorithm that it names, one of that algorithm's digests is theirs.
/// (Several digests of one algorithm are alternatives in Subresource Integrity.)
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Integrity(Vec<Digest>);

impl Integrity {
    /// An integrity of these digests; `None` if there are none.
    pub fn new(digests: impl IntoIterator<Item = Digest>) -> Option<Self> {
        let mut digests: Vec<Digest> = digests.into_iter().collect();
        digests.sort_by(in_order);
        digests.dedup();
        (!digests.is_empty()).then_some(Self(digests))
    }

    /// Whether it names this digest.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.0.binary_search_by(|known| in_order(known, digest)).is_ok()
    }

    /// All digests, strongest algorithm first.
    pub fn digests(&self) -> &[Digest] {
        &self.0
    }

    /// The digests of the strongest algorithm: those by which the bytes are looked up.
    pub fn strongest(&self) -> &[Digest] {
        let end = self.0.iter().take_while(|digest| digest.algorithm == self.0[0].algorithm).count();
        &self.0[..end]
    }

    /// The algorithms named, each once, strongest first.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> + '_ {
        self.0.chunk_by(|a, b| a.algorithm == b.algorithm).map(|chunk| chunk[0].algorithm)
    }

    /// Whether bytes with these digests agree; an algorithm that is named here and not among `actual` does not.
    pub fn agrees_with(&self, actual: &[Digest]) -> bool {
        self.algorithms()
            .all(|algorithm| actual.iter().any(|digest| digest.algorithm == algorithm && self.contains(digest)))
    }

    /// Whether both can hold for the same bytes: for each algorithm that both name, they share a digest.
    pub fn is_compatible_with(&self, other: &Self) -> bool {
        self.algorithms()
            .filter(|&algorithm| other.algorithms().any(|theirs| theirs == algorithm))
            .all(|algorithm| self.0.iter().any(|digest| digest.algorithm == algorithm && other.contains(digest)))
    }

    /// The digests of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::new(self.0.iter().chain(&other.0).copied()).expect("a union of non-empty sets is not empty")
    }
}

/// The order of an integrity's digests.
fn in_order(a: &Digest, b: &Digest) -> std::cmp::Ordering {
    b.algorithm.cmp(&a.algorithm).then_with(|| a.cmp(b))
}

impl From<Digest> for Integrity {
    fn from(digest: Digest) -> Self {
        Self(vec![digest])
    }
}

/// As Subresource Integrity writes it, strongest first, separated by a space.
impl fmt::Display for Integrity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, digest) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            fmt::Display::fmt(digest, f)?;
        }
        Ok(())
    }
}

/// Reads Subresource Integrity. Algorithms that larder does not know are passed over, as the recommendation says;
/// if none is left, or one that larder knows has the wrong length, that is an error.
impl FromStr for Integrity {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let mut digests = Vec::with_capacity(1);
        for token in text.split_ascii_whitespace() {
            let (name, rest) = token.split_once('-').ok_or_else(|| DigestError::NotSri { text: token.to_owned() })?;
            let Some(algorithm) = Algorithm::from_name(name) else { continue };
            let encoded = rest.split_once('?').map_or(rest, |(encoded, _options)| encoded);
            let bytes = LENIENT_BASE64
                .decode(encoded)
                .map_err(|source| DigestError::NotBase64 { text: token.to_owned(), source })?;
            digests.push(Digest::new(algorithm, &bytes)?);
        }
        Self::new(digests).ok_or_else(|| DigestError::NoKnownAlgorithm { text: text.to_owned() })
    }
}

/// Computes the blake3 and any further digests of a stream in one pass.
#[derive(Clone, Debug)]
pub struct Hasher {
    blake3: Box<blake3::Hasher>,
    sha1: Option<sha1::Sha1>,
    sha256: Option<sha2::Sha256>,
    sha384: Option<sha2::Sha384>,
    sha512: Option<Sha512>,
    len: u64,
}

/// What a [`Hasher`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// The blake3.
    pub blob: BlobId,
    /// The further digests that were asked for, strongest first.
    pub digests: Vec<Digest>,
    /// How many bytes there were.
    pub len: u64,
}

impl Hasher {
    /// A hasher for the blake3 and these algorithms.
    pub fn new(algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        let mut hasher = Self { blake3: Box::default(), sha1: None, sha256: None, sha384: None, sha512: None, len: 0 };
        for algorithm in algorithms {
            match algorithm {
                Algorithm::Sha1 => hasher.sha1 = Some(sha1::Sha1::new()),
                Algorithm::Sha256 => hasher.sha256 = Some(sha2::Sha256::new()),
                Algorithm::Sha384 => hasher.sha384 = Some(sha2::Sha384::new()),
                Algorithm::Sha512 => hasher.sha512 = Some(Sha512::new()),
            }
        }
        hasher
    }

    /// Takes the next bytes of the stream.
    pub fn update(&mut self, bytes: &[u8]) {
        self.blake3.update(bytes);
        if let Some(sha1) = &mut self.sha1 {
            sha1.update(bytes);
        }
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
        if let Some(sha384) = &mut self.sha384 {
            sha384.update(bytes);
        }
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
        self.len += bytes.len() as u64;
    }

    /// How many bytes were taken.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether no byte was taken.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// No more bytes come: several that are closed before the first is finished are computed side by side.
    pub(crate) fn close(&mut self) {
        if let Some(sha512) = &mut self.sha512 {
            sha512.close();
        }
    }

    /// The digests of all bytes taken.
    pub fn finish(self) -> Digests {
        let of = |algorithm, bytes: &[u8]| Digest::new(algorithm, bytes).expect("a hash has its algorithm's length");
        let mut digests = Vec::with_capacity(2);
        digests.extend(self.sha512.map(|hash| of(Algorithm::Sha512, &hash.finalize())));
        digests.extend(self.sha384.map(|hash| of(Algorithm::Sha384, &hash.finalize())));
        digests.extend(self.sha256.map(|hash| of(Algorithm::Sha256, &hash.finalize())));
        digests.extend(self.sha1.map(|hash| of(Algorithm::Sha1, &hash.finalize())));
        Digests { blob: BlobId(*self.blake3.finalize().as_bytes()), digests, len: self.len }
    }
}

fn write_hex(f: &mut impl fmt::Write, bytes: &[u8]) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // Every path of a blob is written so: a formatting macro for each byte was a twentieth of a fetch that has nothing to do.
    bytes.iter().try_for_each(|byte| {
        f.write_char(DIGITS[usize::from(byte >> 4)].into())?;
        f.write_char(DIGITS[usize::from(byte & 15)].into())
    })
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
            _ => None,
        })
        .collect()
}
