//! Builds a `larder.lock` from a resolution. Pure.

use std::collections::BTreeMap;

use larder_store::digest::{Algorithm, Digest};

use super::{
    distribution::Distribution,
    resolve::{Resolution, Resolved, ResolvedFile},
};
use crate::{
    core::{artifact::Version, file_host::FileHost, file_name::FileName},
    lockfile::larder_lock::{LockedBase, LockedPackage, LockedRuntime, LockedSource, PyodideLock},
    python::{name::ProjectName, requirement::Requirement},
};

/// What the resolution was made from and for.
#[derive(Clone, Debug)]
pub struct LockInput<'a> {
    /// The runtime.
    pub runtime: LockedRuntime,
    /// The base lock's name and bytes.
    pub base: (FileName, &'a [u8]),
    /// The same, read.
    pub distribution: &'a Distribution,
    /// What `larder.toml` asks for.
    pub requirements: &'a [Requirement],
    /// The bound on the time of upload.
    pub exclude_newer: Option<jiff::Timestamp>,
    /// Where the index's files are.
    pub host: &'a FileHost,
    /// Digests and lengths of files of which the index states no digest, and which were read for it, by project.
    pub read: &'a BTreeMap<ProjectName, (Digest, Option<u64>)>,
}

/// The lock that pins a resolution.
pub fn lock(given: &LockInput<'_>, resolution: &Resolution) -> PyodideLock {
    let mut requested: Vec<String> = given.requirements.iter().map(ToString::to_string).collect();
    requested.sort();
    PyodideLock {
        runtime: given.runtime.clone(),
        base: LockedBase { file_name: given.base.0.clone(), sha256: Digest::of(Algorithm::Sha256, given.base.1) },
        requested,
        exclude_newer: given.exclude_newer,
        packages: resolution.packages.iter().map(|package| locked(given, package)).collect(),
    }
}

fn locked(given: &LockInput<'_>, package: &Resolved) -> LockedPackage {
    let (source, file_name, sha256, size) = match &package.file {
        ResolvedFile::Distribution => {
            let distributed = given.distribution.get(package.name.as_str()).expect("it was resolved from there");
            (LockedSource::Distribution, distributed.file_name.clone(), distributed.sha256, None)
        }
        ResolvedFile::Index { file, file_name } => {
            let (sha256, size) = match file.sha256 {
                Some(sha256) => (sha256, file.size),
                None => given.read[&package.name],
            };
            (LockedSource::Index { place: given.host.place_of(&file.url) }, file_name.clone(), sha256, size)
        }
    };
    LockedPackage {
        name: package.name.clone(),
        version: Version::parse(&package.version).expect("a version that was parsed before"),
        source,
        file_name,
        size,
        sha256,
        depends: package.depends.clone(),
        why: package.why.clone(),
    }
}
