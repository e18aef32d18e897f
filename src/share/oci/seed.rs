//! What a puller reads of an image's layers: the seed in the metadata layer, the places of its blobs, and, where these do not hold, a whole layer.

use std::{
    io::{self, BufReader, Read},
    ops::ControlFlow,
};

use larder_store::{digest::BlobId, key::BlobRef, receipt::Receipt, seed};

use super::{
    image::{Descriptor, Packing},
    layers::{LAYERS_AFTER_BLOBS, Layer, blob_layers, part_of, place_of_blob},
};
use crate::{
    archive::{
        gzip::Gunzip,
        tar::{Bounds, walk},
    },
    view::context::SeedPart,
};

/// Of one file of a seed that is no blob, so much is read: bytes. The largest are rows, and a megabyte is a thousand of them.
const MOST_FILE_BYTES: u64 = 32 << 20;

/// Of a whole metadata layer, so much is read: bytes. 100,000 receipts have 100 MB.
const MOST_SEED_BYTES: u64 = 512 << 20;

/// So long are all blobs of an image at most, bytes: lengths that somebody has made up must not go beyond what can be counted. A pebibyte.
const MOST_BLOB_BYTES: u64 = 1 << 50;

/// So many files has a layer at most.
const MOST_FILES: usize = 1 << 20;

/// What is in the metadata layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seed {
    /// The receipts of all blobs of the image, sorted by part and blob.
    pub receipts: Vec<(SeedPart, Receipt)>,
    /// The other files: what makes each part a store, rows, notes.
    pub others: Vec<SeedFile>,
}

/// A file of a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedFile {
    /// The part that it is in.
    pub part: SeedPart,
    /// Its path in that part.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why a layer cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// It is packed in a way that larder does not know.
    #[error("a layer of the type {}, which larder does not unpack", media_type.escape_debug())]
    Packing {
        /// The type that the manifest states.
        media_type: String,
    },
    /// Its bytes do not arrive, or are no tar. The error of who reads it for larder is the inner one.
    #[error("a layer cannot be read")]
    Read(#[source] io::Error),
    /// A file of it is longer than such files are.
    #[error("a layer has a file of {actual} bytes, {}, where {MOST_FILE_BYTES} are accepted", path.escape_debug())]
    TooLong {
        /// The file.
        path: String,
        /// Its length.
        actual: u64,
    },
}

impl From<io::Error> for LayerError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// Reads the metadata layer. Files that are no seed's are passed over.
pub fn read_seed(described: &Descriptor, layer: impl Read) -> Result<Seed, LayerError> {
    let mut seed = Seed::default();
    let bounds = Bounds { bytes: MOST_SEED_BYTES, entries: MOST_FILES };
    read_files(described, layer, bounds, |path, len, bytes| {
        let Some((part, rest)) = part_of(path) else { return Ok(()) };
        if place_of_blob(path).is_some() {
            return Ok(());
        }
        if len > MOST_FILE_BYTES {
            return Err(LayerError::TooLong { path: path.to_owned(), actual: len });
        }
        let mut content = Vec::new();
        bytes.read_to_end(&mut content)?;
        match Receipt::from_json(&content) {
            Ok(receipt) if self::seed::receipt(&receipt).0 == rest => seed.receipts.push((part, receipt)),
            _ => seed.others.push(SeedFile { part, path: rest.to_owned(), bytes: content }),
        }
        Ok(())
    })?;
    seed.receipts.sort_by_key(|(part, receipt)| (*part, receipt.blob));
    Ok(seed)
}

/// The layers with blobs and what is where in them, from the receipts alone; `layers` are all of a manifest. `None` if the image is not as larder writes it, and its layers are to be
/// [read whole](read_blobs): another tool packed them anew or put them together, or another larder made them by another rule.
pub fn locate(
    layers: &[Descriptor],
    blobs: impl IntoIterator<Item = (SeedPart, BlobRef)>,
) -> Option<Vec<(&Descriptor, Layer)>> {
    let with_blobs = layers.get(..layers.len().checked_sub(LAYERS_AFTER_BLOBS)?)?;
    let computed = expected_layers(blobs)?;
    let agree = |(described, layer): (&Descriptor, &Layer)| {
        described.packing() == Packing::Plain && described.size == layer.len
    };
    if with_blobs.len() != computed.len() || !with_blobs.iter().zip(&computed).all(agree) {
        return None;
    }
    Some(with_blobs.iter().zip(computed).collect())
}

/// The layers that an image with these blobs has by the rule, without the last two; `None` if no image is so long.
pub(super) fn expected_layers(blobs: impl IntoIterator<Item = (SeedPart, BlobRef)>) -> Option<Vec<Layer>> {
    let blobs: Vec<(SeedPart, BlobRef)> = blobs.into_iter().collect();
    let add = |sum: u64, (_, found): &(SeedPart, BlobRef)| sum.checked_add(found.size);
    blobs.iter().try_fold(0, add).filter(|sum| *sum <= MOST_BLOB_BYTES)?;
    Some(blob_layers(blobs))
}

/// Reads a layer whole and shows each blob of it, with the length that the tar states. Nothing is verified here: whoever keeps a blob compares it with its name.
pub fn read_blobs(
    described: &Descriptor,
    layer: impl Read,
    most_bytes: u64,
    mut visit: impl FnMut(SeedPart, BlobId, u64, &mut dyn Read) -> io::Result<()>,
) -> Result<(), LayerError> {
    read_files(described, layer, Bounds { bytes: most_bytes, entries: MOST_FILES }, |path, len, bytes| {
        match place_of_blob(path) {
            Some((part, blob)) => Ok(visit(part, blob, len, bytes)?),
            None => Ok(()),
        }
    })
}

fn read_files(
    described: &Descriptor,
    layer: impl Read,
    bounds: Bounds,
    mut visit: impl FnMut(&str, u64, &mut dyn Read) -> Result<(), LayerError>,
) -> Result<(), LayerError> {
    let layer = BufReader::with_capacity(128 << 10, layer);
    let mut layer: Box<dyn Read + '_> = match described.packing() {
        Packing::Plain => Box::new(layer),
        Packing::Gzip => Box::new(Gunzip::new(layer)),
        Packing::Unknown => return Err(LayerError::Packing { media_type: described.media_type.clone() }),
    };
    walk(&mut layer, bounds, |file| {
        // Tools write `./store/…` as well.
        let path = str::from_utf8(file.path).map(|path| path.trim_start_matches("./")).unwrap_or_default();
        visit(path, file.size, file.bytes)?;
        Ok::<_, LayerError>(ControlFlow::<()>::Continue(()))
    })?;
    // What compares the bytes with their digest does so at their end.
    io::copy(&mut layer.take(bounds.bytes), &mut io::sink())?;
    Ok(())
}
