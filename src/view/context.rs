//! A folder for `docker build --build-context larder=DIR`: larder itself and, beside it, a seed of what lockfiles name. Pure.
//!
//! ```text
//! bin/larder          a static binary, mode 0755; it finds the store beside it and only reads it
//! store/meta.json     a seed: no addresses, no times, no index, no locks
//! store/blobs/…       modes 0444
//! store/receipts/…    modes 0644
//! store/gone/…        optional packages that their registry no longer has
//! ```
//!
//! BuildKit's key of a step that mounts the folder is made of names, modes and bytes: all of them depend on the lockfiles, the platforms and the binary alone.

use std::collections::{BTreeMap, BTreeSet};

use larder_store::{
    digest::{Algorithm, BlobId},
    look_up::{Found, Wanted},
    receipt::{Origin, Receipt},
    seed,
};

use super::layout::{Content, Layout};
use crate::{artifact::Artifact, catalog::CatalogError};

/// Where larder is in the folder.
const PROGRAM: &str = "bin/larder";
/// Where the seed is.
const STORE: &str = "store";

/// An artifact whose blob belongs into the seed.
#[derive(Clone, Debug)]
pub struct Seeded<'a> {
    /// The artifact.
    pub artifact: &'a Artifact,
    /// What it is looked up by.
    pub wanted: Wanted,
    /// Its blob.
    pub found: Found,
}

/// What the artifacts of one blob say of it.
struct Said {
    found: Found,
    algorithms: BTreeSet<Algorithm>,
    origins: Vec<Origin>,
    package: String,
}

/// The folder's files. `known` gives the receipt that the store has of a blob.
pub fn context(
    program: Vec<u8>,
    seeded: &[Seeded<'_>],
    known: impl Fn(&BlobId) -> Option<Receipt>,
) -> Result<Layout, CatalogError> {
    let mut layout = Layout::default();
    layout.insert(PROGRAM.to_owned(), Content::Program(program));
    let mut add = |path: String, content| layout.insert(format!("{STORE}/{path}"), content);
    let (path, bytes) = seed::meta();
    add(path, Content::Bytes(bytes));
    for (blob, said) in by_blob(seeded) {
        let Some(known) = known(&blob) else { return Err(CatalogError::NoReceipt { package: said.package }) };
        let (path, bytes) = seed::receipt(&seed::reduced(&known, &said.algorithms, said.origins));
        add(path, Content::Bytes(bytes));
        add(seed::blob_path(&blob), Content::Blob(said.found));
    }
    Ok(layout)
}

/// Adds a note that an optional package is gone, so that a build without a network goes on without it.
pub fn add_gone(layout: &mut Layout, wanted: &Wanted, address: &str) {
    let (path, bytes) = seed::gone(wanted, address);
    layout.insert(format!("{STORE}/{path}"), Content::Bytes(bytes));
}

fn by_blob(seeded: &[Seeded<'_>]) -> BTreeMap<BlobId, Said> {
    let mut all: BTreeMap<BlobId, Said> = BTreeMap::new();
    for Seeded { artifact, wanted, found } in seeded {
        let said = all.entry(found.blob).or_insert_with(|| Said {
            found: *found,
            algorithms: BTreeSet::new(),
            origins: Vec::new(),
            package: artifact.to_string(),
        });
        let identity = match wanted {
            // What it is found by; a weaker digest may not have been computed on every machine.
            Wanted::Integrity(integrity) => {
                said.algorithms.extend(integrity.strongest().iter().map(larder_store::digest::Digest::algorithm));
                None
            }
            Wanted::Identity(identity) => Some(identity.clone()),
        };
        said.origins.push(Origin {
            ecosystem: artifact.ecosystem.name().to_owned(),
            name: artifact.name.to_string(),
            version: artifact.version.to_string(),
            address: None,
            identity,
        });
    }
    all
}
