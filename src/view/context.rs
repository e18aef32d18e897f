//! The context view, a folder for `docker build --build-context larder=DIR`: larder itself and, beside it, a seed of what lockfiles name, in two parts. Pure.
//!
//! ```text
//! bin/larder          a static binary, mode 0755; it finds the parts beside it and only reads them
//! store/meta.json     a seed of what package managers' lockfiles name, and of recorded downloads: no addresses, no times, no index, no locks
//! store/blobs/…       modes 0444
//! store/receipts/…    modes 0644
//! store/gone/…        optional packages that their registry no longer has
//! store/rows/…        what `larder.lock` recorded of what scripts download, by the lockfile that a build step has
//! pyodide/…           the same of what `larder.lock` alone names of Pyodide, if it names anything
//! ```
//!
//! BuildKit's key of a step that mounts the folder is made of names, modes and bytes: all of them depend on the lockfiles, the platforms and the binary alone. A step
//! that mounts `bin` and `store` has nothing of Pyodide's part of `larder.lock` in its key, so that part does not run it again when it changes alone. For the same reason a receipt in a
//! seed has only the keys that the lockfiles ask for: a store that other projects use knows more keys of the same bytes, and a weaker digest may have been computed on one
//! machine and not on another.

use std::collections::{BTreeMap, BTreeSet};

use larder_store::{
    digest::{Algorithm, BlobId},
    key::{BlobRef, Wanted},
    receipt::{Origin, Receipt},
    seed,
};

use crate::core::layout::{Content, Layout};
use crate::{
    core::artifact::{Artifact, Ecosystem},
    lockfile::larder_lock::LARDER_LOCK,
    npm::metadata::MetadataError,
    plan::Planned,
};

/// Where larder is in the folder.
const PROGRAM: &str = "bin/larder";

/// A part of the seed, which is a store by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeedPart {
    /// What package managers' lockfiles name, and what was recorded: install scripts ask for it.
    Packages,
    /// What `larder.lock` alone names of Pyodide.
    Pyodide,
}

impl SeedPart {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Packages, Self::Pyodide];

    /// Its folder's name, beside `bin`.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Packages => "store",
            Self::Pyodide => "pyodide",
        }
    }

    /// The part in which an artifact is.
    pub fn of(planned: &Planned) -> Self {
        let is_recorded = planned.artifact.ecosystem == Ecosystem::Download;
        let is_larder_locks = planned.entries.iter().all(|entry| &*entry.lockfile == LARDER_LOCK);
        if is_larder_locks && !is_recorded { Self::Pyodide } else { Self::Packages }
    }
}

/// An artifact whose blob the seed holds.
#[derive(Clone, Debug)]
pub struct SeedEntry<'a> {
    /// The part in which it is.
    pub part: SeedPart,
    /// The artifact.
    pub artifact: &'a Artifact,
    /// What it is looked up by.
    pub wanted: Wanted,
    /// Its blob.
    pub found: BlobRef,
}

/// What the artifacts of one blob state of it.
struct BlobFacts {
    found: BlobRef,
    algorithms: BTreeSet<Algorithm>,
    origins: Vec<Origin>,
    package: String,
}

/// What a seed says besides of its blobs.
#[derive(Clone, Debug, Default)]
pub struct SeedNotes {
    /// Optional packages that are gone, with the address where they were: a build without a network goes on without them.
    pub gone: Vec<(Wanted, String)>,
    /// What was recorded beside the lockfile with this digest: a build step that has the lockfile alone knows it by that.
    pub rows: Vec<(BlobId, String)>,
}

/// A seed's files, each part's below its `place`, which is empty or ends with `/`. `known` gives the receipt that the store has of a blob.
pub fn seed_of(
    entries: &[SeedEntry<'_>],
    notes: &SeedNotes,
    known: impl Fn(&BlobId) -> Option<Receipt>,
    place: impl Fn(SeedPart) -> String,
) -> Result<Layout, MetadataError> {
    let mut layout = Layout::default();
    let mut add = |place: &str, path: String, content| layout.insert(format!("{place}{path}"), content);
    let blobs = by_blob(entries, &place);
    let packages = place(SeedPart::Packages);
    // The first part is always there, since build steps mount it by its name.
    let places: BTreeSet<&String> = blobs.keys().map(|(place, _)| place).chain([&packages]).collect();
    for place in places {
        let (path, bytes) = seed::meta();
        add(place, path, Content::Bytes(bytes));
    }
    for ((place, blob), facts) in &blobs {
        let Some(known) = known(blob) else {
            return Err(MetadataError::NoReceipt { package: facts.package.clone() });
        };
        let (path, bytes) = seed::receipt(&seed::reduced(&known, &facts.algorithms, facts.origins.clone()));
        add(place, path, Content::Bytes(bytes));
        add(place, seed::blob_path(blob), Content::Blob(facts.found));
    }
    for (wanted, address) in &notes.gone {
        for (path, bytes) in [Some(seed::gone(wanted, address)), seed::gone_anywhere(wanted)].into_iter().flatten() {
            add(&packages, path, Content::Bytes(bytes));
        }
    }
    for (lockfile, rows) in &notes.rows {
        let (path, bytes) = seed::rows(lockfile, rows.as_bytes());
        add(&packages, path, Content::Bytes(bytes));
    }
    Ok(layout)
}

/// The folder's files: those of the seed, each part in its folder, and the program.
pub fn context(program: Vec<u8>, mut seed: Layout) -> Layout {
    seed.insert(PROGRAM.to_owned(), Content::Program(program));
    seed
}

fn by_blob(entries: &[SeedEntry<'_>], place: impl Fn(SeedPart) -> String) -> BTreeMap<(String, BlobId), BlobFacts> {
    let mut all: BTreeMap<(String, BlobId), BlobFacts> = BTreeMap::new();
    for SeedEntry { part, artifact, wanted, found } in entries {
        let facts = all.entry((place(*part), found.blob)).or_insert_with(|| BlobFacts {
            found: *found,
            algorithms: BTreeSet::new(),
            origins: Vec::new(),
            package: artifact.to_string(),
        });
        let identity = match wanted {
            // What it is found by; a weaker digest may not have been computed on every machine.
            Wanted::Integrity(integrity) => {
                facts.algorithms.extend(integrity.strongest().iter().map(larder_store::digest::Digest::algorithm));
                None
            }
            Wanted::Identity(identity) => Some(identity.clone()),
        };
        facts.origins.push(Origin {
            ecosystem: artifact.ecosystem.name().to_owned(),
            name: artifact.name.to_string(),
            version: artifact.version.to_string(),
            address: None,
            identity,
        });
    }
    all
}
