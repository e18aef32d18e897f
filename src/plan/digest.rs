//! The plan's digest, and the bytes that it is of.

use std::{borrow::Cow, fmt};

use super::{
    planned::{Planned, UnfetchableEntry},
    recorded::Remark,
};
use crate::{
    core::{
        artifact::{Artifact, Forge, Source},
        file_host::FilePlace,
        redacted::without_userinfo,
    },
    lockfile::{Unfetchable, UnfetchableReason},
};

/// The first bytes: a change of anything below changes them, too.
const FORM: &[u8] = b"larder plan 1\n";

/// blake3 is fastest on pieces of this many bytes and more.
const PIECE: usize = 64 * 1024;

/// The plan's digest. Written `blake3:` and 64 lower-case hexadecimal digits.
///
/// It is the blake3 of the following bytes. A *count* is a number of 8 bytes, the lowest first; a *text* is the count of its bytes, then those;
/// a *list* is the count of its members, then those.
///
/// 1. `larder plan 1` and a line feed.
/// 2. The list of artifacts, sorted by ecosystem, name, version and source, each of them: the texts ecosystem, name, version; the source as a list of texts (`registry`
///    and the address, if one is stated; or `remote` and the address; or `git`, forge, repository, commit;
///    or `distribution`, release, file name; or `index` and the address, or the path on the public index's file host; or `recorded` and the address); the integrity as a list of texts, alternately the name of
///    an algorithm and the bytes of a digest, the strongest first; one byte of flags (1 dev, 2 optional, 4 development or optional, 8 peer); the lists of texts os, cpu, libc.
/// 3. The list of what cannot be fetched, sorted, each once: a list of texts: name, the word for the reason, what the reason is about, and the version if one is stated.
/// 4. If `larder.lock` has answers of its own or media types: the list of these, sorted, each a list of four texts: the address; `inline` and the sha256 in hexadecimal digits, or `absent` and
///    the status, or `file` and nothing; the media type or nothing.
///
/// Addresses stand there without user name and password. Install paths, lockfiles' labels, stated lengths, unused rows and entries that need no download have no part in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanDigest([u8; 32]);

impl PlanDigest {
    /// The 32 bytes of the blake3.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    pub(super) fn of(artifacts: &[Planned], unfetchable: &[UnfetchableEntry], remarks: &[Remark]) -> Self {
        let mut writer = Writer::default();
        writer.buffer.extend_from_slice(FORM);
        writer.count(artifacts.len());
        for planned in artifacts {
            writer.artifact(&planned.artifact);
        }
        let mut unfetchable: Vec<&Unfetchable> = unfetchable.iter().map(|entry| &entry.unfetchable).collect();
        unfetchable.sort_unstable();
        unfetchable.dedup();
        writer.count(unfetchable.len());
        for unfetchable in unfetchable {
            writer.unfetchable(unfetchable);
        }
        // Without any, the digest is that of a larder that knew none.
        if !remarks.is_empty() {
            writer.count(remarks.len());
            for remark in remarks {
                writer.texts(&remark.texts);
            }
        }
        writer.hasher.update(&writer.buffer);
        Self(*writer.hasher.finalize().as_bytes())
    }
}

impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blake3:{}", blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl serde::Serialize for PlanDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[derive(Default)]
struct Writer {
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

impl Writer {
    fn count(&mut self, count: usize) {
        self.buffer.extend_from_slice(&(count as u64).to_le_bytes());
    }

    fn text(&mut self, text: impl AsRef<[u8]>) {
        self.count(text.as_ref().len());
        self.buffer.extend_from_slice(text.as_ref());
        if self.buffer.len() >= PIECE {
            self.hasher.update(&self.buffer);
            self.buffer.clear();
        }
    }

    fn texts<T: AsRef<str>>(&mut self, texts: &[T]) {
        self.count(texts.len());
        for text in texts {
            self.text(text.as_ref());
        }
    }

    fn artifact(&mut self, artifact: &Artifact) {
        self.text(artifact.ecosystem.name());
        self.text(artifact.name.as_str());
        self.text(artifact.version.as_str());
        match &artifact.source {
            Source::Registry { resolved: None } => self.texts(&["registry"]),
            Source::Registry { resolved: Some(url) } => self.texts(&["registry", without_userinfo(url).as_str()]),
            Source::Named { registry } => self.texts(&["named registry", registry]),
            Source::Remote { url } => self.texts(&["remote", without_userinfo(url).as_str()]),
            Source::Git { forge, repository, commit } => self.texts(&["git", forge_name(*forge), repository, commit]),
            Source::Distribution { release, file_name } => {
                self.texts(&["distribution", release.as_str(), file_name.as_str()]);
            }
            Source::Index { place: FilePlace::Hosted(path) } => self.texts(&["index", path.as_str()]),
            Source::Index { place: FilePlace::Url(url) } => self.texts(&["index", without_userinfo(url).as_str()]),
            Source::Recorded { url } => self.texts(&["recorded", url.as_str()]),
        }
        let digests = artifact.integrity.as_ref().map_or(&[][..], |integrity| integrity.digests());
        self.count(2 * digests.len());
        for digest in digests {
            self.text(digest.algorithm().name());
            self.text(digest.as_bytes());
        }
        let conditions = &artifact.conditions;
        let flags = [conditions.dev, conditions.optional, conditions.dev_optional, conditions.peer];
        self.buffer.push(flags.iter().rev().fold(0, |byte, &flag| byte << 1 | u8::from(flag)));
        for list in [&conditions.os, &conditions.cpu, &conditions.libc] {
            self.count(list.len());
            for name in list {
                self.text(name.as_bytes());
            }
        }
    }

    fn unfetchable(&mut self, unfetchable: &Unfetchable) {
        let (reason, about): (_, Cow<'_, str>) = match &unfetchable.reason {
            UnfetchableReason::GitHost { host } => ("git host", host.into()),
            UnfetchableReason::GitCommit { committish } => {
                ("git commit", committish.as_deref().unwrap_or_default().into())
            }
            UnfetchableReason::GitRepository { host } => ("git repository", host.into()),
            UnfetchableReason::Resolution { kind } => ("resolution", kind.into()),
            UnfetchableReason::NothingStated => ("nothing stated", "".into()),
            UnfetchableReason::PluginProtocol { protocol } => ("plugin protocol", protocol.into()),
            UnfetchableReason::NotUnderstood { problem } => ("not understood", problem.to_string().into()),
        };
        let mut texts = vec![unfetchable.name.as_str(), reason, &about];
        texts.extend(unfetchable.version.as_deref());
        self.texts(&texts);
    }
}

/// The word that the digest has for a forge.
const fn forge_name(forge: Forge) -> &'static str {
    match forge {
        Forge::GitHub => "github",
        Forge::GitLab => "gitlab",
        Forge::Bitbucket => "bitbucket",
    }
}
