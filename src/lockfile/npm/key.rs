//! The keys of an entry that larder reads.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

/// A field that holds `true` or `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    Link,
    InBundle,
    Bundled,
    Dev,
    Optional,
    DevOptional,
    Peer,
}

impl Flag {
    /// The key that npm has for it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::InBundle => "inBundle",
            Self::Bundled => "bundled",
            Self::Dev => "dev",
            Self::Optional => "optional",
            Self::DevOptional => "devOptional",
            Self::Peer => "peer",
        }
    }

    /// Its place in a set of flags.
    pub(super) const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A key of an entry.
pub(super) enum Key {
    Name,
    Version,
    Resolved,
    Integrity,
    Os,
    Cpu,
    Libc,
    Dependencies,
    OptionalDependencies,
    Workspaces,
    Flag(Flag),
    Other,
}

/// Reads a [`Key`].
pub(super) struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "name" => Key::Name,
            "version" => Key::Version,
            "resolved" => Key::Resolved,
            "integrity" => Key::Integrity,
            "os" => Key::Os,
            "cpu" => Key::Cpu,
            "libc" => Key::Libc,
            "dependencies" => Key::Dependencies,
            "optionalDependencies" => Key::OptionalDependencies,
            "workspaces" => Key::Workspaces,
            "link" => Key::Flag(Flag::Link),
            "inBundle" => Key::Flag(Flag::InBundle),
            "bundled" => Key::Flag(Flag::Bundled),
            "dev" => Key::Flag(Flag::Dev),
            "optional" => Key::Flag(Flag::Optional),
            "devOptional" => Key::Flag(Flag::DevOptional),
            "peer" => Key::Flag(Flag::Peer),
            _ => Key::Other,
        })
    }
}
