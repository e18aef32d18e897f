//! From a resolution to a `larder.lock`. Pure.

use std::collections::BTreeMap;

use larder_store::digest::{Algorithm, Digest};

use super::{
    distribution::Distribution,
    file_name::FileName,
    lock_file::{LarderLock, LockedBase, LockedPackage, LockedRuntime, LockedSource},
    name::ProjectName,
    requirement::Requirement,
    resolve::{Resolution, Resolved, ResolvedFile},
};
use crate::artifact::Version;

/// What the resolution was made from and for.
#[derive(Clone, Debug)]
pub struct Given<'a> {
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
    /// Lengths of files, by their digests, as far as they are known.
    pub sizes: &'a BTreeMap<Vec<u8>, u64>,
    /// Digests of the index's files that it states none of, by project.
    pub digests: &'a BTreeMap<ProjectName, Digest>,
}

/// The lock that pins a resolution.
pub fn lock(given: &Given<'_>, resolution: &Resolution) -> LarderLock {
    let mut requested: Vec<String> = given.requirements.iter().map(ToString::to_string).collect();
    requested.sort();
    LarderLock {
        runtime: given.runtime.clone(),
        base: LockedBase { file_name: given.base.0.clone(), sha256: Digest::of(Algorithm::Sha256, given.base.1) },
        requested,
        exclude_newer: given.exclude_newer,
        packages: resolution.packages.iter().map(|package| locked(given, package)).collect(),
    }
}

fn locked(given: &Given<'_>, package: &Resolved) -> LockedPackage {
    let (source, file_name, sha256, stated) = match &package.file {
        ResolvedFile::Distribution => {
            let distributed = given.distribution.get(package.name.as_str()).expect("it was resolved from there");
            (LockedSource::Distribution, distributed.file_name.clone(), distributed.sha256, None)
        }
        ResolvedFile::Index { file, file_name } => {
            let mut url = crate::redacted::without_userinfo(&file.url);
            url.set_query(None);
            let sha256 = file.sha256.unwrap_or_else(|| given.digests[&package.name]);
            (LockedSource::Index { url }, file_name.clone(), sha256, file.size)
        }
    };
    LockedPackage {
        name: package.name.clone(),
        version: Version::parse(&package.version).expect("a version that was parsed before"),
        source,
        file_name,
        size: stated.or_else(|| given.sizes.get(sha256.as_bytes()).copied()),
        sha256,
        depends: package.depends.clone(),
        why: package.why.clone(),
    }
}
