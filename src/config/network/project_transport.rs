//! The proxies and certificates that the project's own files name. The author of those files could use them to answer in a server's place.

use std::collections::BTreeSet;

use crate::config::layers::{Layers, read_file};

/// The keys of proxies, whoever's file they stand in, and those that are about certificates.
const KEYS: [&str; 7] = ["proxy", "https-proxy", "yarn:http-proxy", "yarn:https-proxy", "strict-ssl", "ca", "cafile"];

/// What they say, as a digest of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectTransport {
    digest: blake3::Hash,
    /// Whether it is about certificates: then https proves nothing.
    is_about_trust: bool,
}

impl ProjectTransport {
    /// `None` if they say nothing of the kind, as nearly always.
    pub(in crate::config) fn read(layers: &Layers) -> Option<Self> {
        let mut hasher = blake3::Hasher::new();
        let (mut says_something, mut is_about_trust) = (false, false);
        for key in KEYS {
            let found = layers
                .find(key)
                .filter(|found| (key == "strict-ssl" || !found.is_nothing()) && found.level.is_of_project());
            let Some(found) = found.filter(|found| key != "strict-ssl" || found.flag() == Some(false)) else {
                continue;
            };
            says_something = true;
            is_about_trust |= !key.ends_with("proxy");
            let mut note = |bytes: &[u8]| {
                hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
            };
            note(key.as_bytes());
            found.texts().for_each(|text| note(text.as_bytes()));
            if key == "cafile"
                && let Some(Ok(Some(bytes))) = found.path().map(|path| read_file(&path))
            {
                note(&bytes);
            }
        }
        // A proxy of the project's answers in a server's place where nobody verifies certificates.
        is_about_trust |= says_something && layers.find("strict-ssl").and_then(|found| found.flag()) == Some(false);
        says_something.then(|| Self { digest: hasher.finalize(), is_about_trust })
    }

    /// What several lockfiles' projects say together: which of them a request goes by is not told apart. Those that say the same count once.
    pub fn together(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        let (mut digests, mut is_about_trust) = (BTreeSet::new(), false);
        for one in all {
            digests.insert(*one.digest.as_bytes());
            is_about_trust |= one.is_about_trust;
        }
        let digest = match digests.len() {
            0 => return None,
            1 => digests.pop_first().map(blake3::Hash::from_bytes)?,
            _ => blake3::hash(&digests.into_iter().collect::<Vec<_>>().concat()),
        };
        Some(Self { digest, is_about_trust })
    }

    /// Whether it can change what comes from an address with this scheme.
    pub fn reaches(&self, scheme: &str) -> bool {
        self.is_about_trust || scheme != "https"
    }

    /// The digest, in hexadecimal digits.
    pub fn digest(&self) -> String {
        self.digest.to_hex().to_string()
    }
}
