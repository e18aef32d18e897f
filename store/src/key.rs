//! Keys: what a file is looked up by, and what a look-up gives for it.

use std::fmt;

use crate::digest::{Algorithm, BlobId, Digest, Integrity};

/// What a file is looked up by: a digest, or the identity of something that has none. Its bytes are those of `docs/store-format.md`, "Keys".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Box<[u8]>);

impl Key {
    /// The key of a digest.
    pub fn of_digest(digest: &Digest) -> Self {
        let tag = match digest.algorithm() {
            Algorithm::Sha1 => 1,
            Algorithm::Sha256 => 2,
            Algorithm::Sha384 => 3,
            Algorithm::Sha512 => 4,
        };
        Self([&[tag], digest.as_bytes()].concat().into())
    }

    /// The key of an identity.
    pub fn of_identity(identity: &str) -> Self {
        Self([&[0], blake3::hash(identity.as_bytes()).as_bytes().as_slice()].concat().into())
    }

    /// Whether the bytes of a blob alone prove that it has this key.
    pub(crate) fn is_of_digest(&self) -> bool {
        self.0.first() != Some(&0)
    }

    /// The key's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    pub(crate) fn hash(&self) -> KeyHash {
        KeyHash(*blake3::hash(&self.0).as_bytes())
    }
}

/// The blake3 of a key: its name in `partial/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyHash([u8; 32]);

impl KeyHash {
    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

/// How a lockfile names a file's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// By digests, all of which must hold.
    Integrity(Integrity),
    /// By what it is, where no digest is stated.
    Identity(String),
}

impl Wanted {
    /// The keys under which it may be found; the first names its download.
    pub fn keys(&self) -> Vec<Key> {
        match self {
            Self::Integrity(integrity) => integrity.strongest().iter().map(Key::of_digest).collect(),
            Self::Identity(identity) => vec![Key::of_identity(identity)],
        }
    }

    /// The key that names its download.
    pub(crate) fn download_key(&self) -> KeyHash {
        self.keys().first().expect("what is wanted has a key").hash()
    }
}

/// A blob in the store, and its length: what a look-up gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobRef {
    /// The blob.
    pub blob: BlobId,
    /// Its length in bytes.
    pub size: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The index and the names in `partial/` of every store that there is are made of these bytes.
    #[test]
    fn the_bytes_of_each_kind_of_key_are_fixed() {
        let hex = |key: &Key| key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        let of = |algorithm| hex(&Key::of_digest(&Digest::of(algorithm, b"abc")));
        assert_eq!(hex(&Key::of_identity("abc")), "006437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
        assert_eq!(of(Algorithm::Sha1), "01a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(of(Algorithm::Sha256), "02ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(
            of(Algorithm::Sha384),
            "03cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
        );
        assert_eq!(
            of(Algorithm::Sha512),
            "04ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        );
        assert_eq!(
            Key::of_identity("abc").hash().to_string(),
            blake3::hash(Key::of_identity("abc").as_bytes()).to_hex().as_str()
        );
    }
}
