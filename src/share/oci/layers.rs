//! The layers of a build context: which file is in which, and where in it. Pure but for [`Layer::write`].
//!
//! ```text
//! first    one blob    each of 2 MiB and more; the 32 largest at most
//! then     buckets     the other blobs, by the first bits of their name: 32 of packages, 8 of Pyodide
//! then     metadata    everything of the seed but blobs: receipts, rows, notes; of both parts
//! last     program     bin/…                          another for each platform
//! ```
//!
//! What changes least is lowest: engines name an unpacked layer by all that are below it, and unpack, or even fetch, what is above a changed one again. And what is above wins: whatever a layer with
//! blobs may hold, it does not stand in larder's place.
//!
//! One changed dependency changes the metadata and two buckets at most, or one layer of its own. Empty buckets are no layer, so an image has 74 layers at most; Docker
//! stops at 127. The layers are uncompressed tars, because blobs are compressed already, and because a file of one can so be asked for by its place. That place follows from
//! the receipts: who has read the metadata computes where every blob is.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read, Write},
    ops::Range,
};

use larder_store::{blob, digest::BlobId, key::BlobRef, seed};

use super::{
    digest::{ContentDigest, Measure},
    store_blobs::Blobs,
    tar_form::{EMPTY, END, PLAIN, RUNNABLE, file_header, folder_header, padding},
};
use crate::{
    core::layout::{Content, Layout},
    view::context::SeedPart,
};

/// Layers that follow those with blobs.
pub const LAYERS_AFTER_BLOBS: usize = 2;

/// From this length on a blob may have a layer of its own. A smaller one takes less time than the requests that a layer costs. 2 MiB.
const LARGE: u64 = 2 << 20;

/// So many blobs have layers of their own.
const MOST_LARGE: usize = 32;

/// What a layer holds. The order is that of an image's layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerKind {
    /// One blob.
    Large(SeedPart, BlobId),
    /// The blobs whose names begin with these bits.
    Bucket(SeedPart, u8),
    /// The seed without its blobs.
    Metadata,
    /// larder itself.
    Program,
}

/// A layer: a tar whose every byte but the files' is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// What it holds.
    pub kind: LayerKind,
    /// Its length in bytes.
    pub len: u64,
    members: Vec<Member>,
}

/// Where a blob is in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobSpan {
    /// The part of the seed.
    pub part: SeedPart,
    /// The blob.
    pub blob: BlobRef,
    /// Its first byte in the layer.
    pub offset: u64,
}

/// Blobs of a layer that are asked for together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobRun {
    /// From the first byte of the first of them to the last byte of the last one.
    pub range: Range<u64>,
    /// The blobs, in their order.
    pub blobs: Vec<BlobSpan>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    path: String,
    kind: MemberKind,
    /// The first byte of its content.
    offset: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MemberKind {
    Folder,
    /// Bytes of the layout.
    Made {
        len: u64,
        mode: u32,
    },
    Blob(BlobRef),
}

/// The layers of a build context, the lowest first.
pub fn layers(layout: &Layout) -> Vec<Layer> {
    let (mut programs, mut metadata, mut blobs) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for (path, content) in layout.files() {
        match content {
            Content::Program(bytes) => programs.insert(path.to_owned(), made(bytes, RUNNABLE)),
            Content::Bytes(bytes) => metadata.insert(path.to_owned(), made(bytes, PLAIN)),
            Content::Blob(found) => match place_of_blob(path) {
                Some((part, blob)) if blob == found.blob => {
                    blobs.push((part, *found));
                    None
                }
                // What the rule cannot find again is where everything is read.
                _ => metadata.insert(path.to_owned(), MemberKind::Blob(*found)),
            },
        };
    }
    let last = [(LayerKind::Metadata, metadata), (LayerKind::Program, programs)];
    let last = last.into_iter().map(|(kind, files)| Layer::new(kind, files));
    blob_layers(blobs).into_iter().chain(last).collect()
}

/// The layers without the last [`LAYERS_AFTER_BLOBS`], from the blobs alone: what an image's receipts name.
pub fn blob_layers(blobs: impl IntoIterator<Item = (SeedPart, BlobRef)>) -> Vec<Layer> {
    let mut blobs: Vec<(SeedPart, BlobRef)> = blobs.into_iter().collect();
    blobs.sort_unstable_by_key(|(part, found)| (*part, found.blob));
    blobs.dedup();
    let mut large: Vec<(u64, SeedPart, BlobId)> = blobs
        .iter()
        .filter(|(_, found)| found.size >= LARGE)
        .map(|(part, found)| (found.size, *part, found.blob))
        .collect();
    large.sort_unstable_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let large: BTreeSet<(SeedPart, BlobId)> =
        large.into_iter().take(MOST_LARGE).map(|(_, part, blob)| (part, blob)).collect();
    let mut by_layer: BTreeMap<LayerKind, BTreeMap<String, MemberKind>> = BTreeMap::new();
    for (part, found) in blobs {
        let kind = if large.contains(&(part, found.blob)) {
            LayerKind::Large(part, found.blob)
        } else {
            LayerKind::Bucket(part, found.blob.as_bytes()[0] >> (8 - bucket_bits(part)))
        };
        by_layer.entry(kind).or_default().insert(path_of_blob(part, &found.blob), MemberKind::Blob(found));
    }
    by_layer.into_iter().map(|(kind, files)| Layer::new(kind, files)).collect()
}

/// Pyodide's blobs are few, and most of them large.
const fn bucket_bits(part: SeedPart) -> u32 {
    match part {
        SeedPart::Packages => 5,
        SeedPart::Pyodide => 3,
    }
}

/// The path of a blob in a context.
fn path_of_blob(part: SeedPart, blob: &BlobId) -> String {
    format!("{}/{}", part.folder(), seed::blob_path(blob))
}

/// The part of a context that a path is in, and the path in it.
pub(super) fn part_of(path: &str) -> Option<(SeedPart, &str)> {
    let (folder, rest) = path.split_once('/')?;
    Some((SeedPart::ALL.into_iter().find(|part| part.folder() == folder)?, rest))
}

/// The blob that is at a path of a context.
pub(super) fn place_of_blob(path: &str) -> Option<(SeedPart, BlobId)> {
    let (part, rest) = part_of(path)?;
    let mut names = rest.rsplit('/');
    let (end, start) = (names.next()?, names.next()?);
    let blob = format!("{start}{end}").parse().ok()?;
    (seed::blob_path(&blob) == rest).then_some((part, blob))
}

fn made(bytes: &[u8], mode: u32) -> MemberKind {
    MemberKind::Made { len: bytes.len() as u64, mode }
}

impl Layer {
    fn new(kind: LayerKind, files: BTreeMap<String, MemberKind>) -> Self {
        let folders: BTreeSet<String> =
            files.keys().flat_map(|path| path.match_indices('/').map(|(slash, _)| path[..slash].to_owned())).collect();
        let folders = folders.into_iter().map(|path| (path, MemberKind::Folder));
        let mut members = Vec::with_capacity(folders.len() + files.len());
        let mut at = 0;
        for (path, kind) in folders.chain(files) {
            let mut member = Member { path, kind, offset: at };
            member.offset += member.header().len() as u64;
            at = member.offset + member.len() + padding(member.len()) as u64;
            members.push(member);
        }
        Self { kind, len: at + END.len() as u64, members }
    }

    /// Where its blobs are, in their order.
    pub fn blobs(&self) -> impl Iterator<Item = BlobSpan> + '_ {
        self.members.iter().filter_map(|member| match (member.kind, self.kind) {
            (MemberKind::Blob(blob), LayerKind::Large(part, _) | LayerKind::Bucket(part, _)) => {
                Some(BlobSpan { part, blob, offset: member.offset })
            }
            _ => None,
        })
    }

    /// The blobs of it that are wanted, in as few requests as there are gaps of more than `most_gap` bytes between them. Between two that are beside each other are a header and
    /// some empty bytes: 1023 at most.
    pub fn runs(&self, most_gap: u64, mut is_wanted: impl FnMut(&BlobSpan) -> bool) -> Vec<BlobRun> {
        let mut runs: Vec<BlobRun> = Vec::new();
        for span in self.blobs().filter(|span| is_wanted(span)) {
            let end = span.offset + span.blob.size;
            match runs.last_mut().filter(|run| span.offset - run.range.end <= most_gap) {
                Some(run) => {
                    run.range.end = end;
                    run.blobs.push(span);
                }
                None => runs.push(BlobRun { range: span.offset..end, blobs: vec![span] }),
            }
        }
        runs
    }

    /// Its digest. Reads every blob that it holds once and keeps none of it: who pushes reads a store twice, here for the digests and then for what the registry lacks. That
    /// costs a second for about a gigabyte, and a disk full of temporary tars is saved.
    pub fn digest(&self, layout: &Layout, blobs: &dyn Blobs) -> io::Result<ContentDigest> {
        let mut measure = Measure::default();
        self.write(layout, blobs, &mut measure)?;
        Ok(measure.finish().0)
    }

    /// Writes it. `layout` is the one that it was made of. Every blob is compared with its name while it is read: if one is damaged, this fails in its course, and what was written
    /// is of no use.
    pub fn write(&self, layout: &Layout, blobs: &dyn Blobs, out: &mut dyn Write) -> io::Result<()> {
        let mut buffer = vec![0; 128 << 10];
        for member in &self.members {
            out.write_all(&member.header())?;
            match member.kind {
                MemberKind::Folder => {}
                MemberKind::Made { .. } => match layout.get(&member.path) {
                    Some(Content::Bytes(bytes) | Content::Program(bytes)) if bytes.len() as u64 == member.len() => {
                        out.write_all(bytes)?;
                    }
                    _ => return Err(io::Error::other("the layer is of another layout")),
                },
                MemberKind::Blob(found) => copy(&mut *blobs.open(&found)?, found.size, out, &mut buffer)?,
            }
            out.write_all(&EMPTY[..padding(member.len())])?;
        }
        out.write_all(&END)
    }
}

impl Member {
    fn header(&self) -> Vec<u8> {
        match self.kind {
            MemberKind::Folder => folder_header(&self.path),
            MemberKind::Made { len, mode } => file_header(&self.path, mode, len),
            MemberKind::Blob(found) => file_header(&self.path, blob::MODE, found.size),
        }
    }

    const fn len(&self) -> u64 {
        match self.kind {
            MemberKind::Folder => 0,
            MemberKind::Made { len, .. } => len,
            MemberKind::Blob(found) => found.size,
        }
    }
}

/// Copies exactly `len` bytes, and reads on to the end, where the reader compares.
fn copy(from: &mut dyn Read, len: u64, out: &mut dyn Write, buffer: &mut [u8]) -> io::Result<()> {
    let mut left = len;
    loop {
        let count = match from.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        match (count, left.checked_sub(count as u64)) {
            (0, Some(0)) => return Ok(()),
            (1.., Some(rest)) => {
                out.write_all(&buffer[..count])?;
                left = rest;
            }
            _ => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a blob has not the length that is known of it",
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests;
