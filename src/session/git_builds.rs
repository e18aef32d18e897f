//! Packages from git that are built when they are installed, and what that needs.

use std::{fmt, fs::File};

use larder_store::{Store, key::BlobRef};

use crate::{
    core::artifact::Source,
    npm::tarball::package_json,
    plan::{EntryName, Planned},
    run::git_build::prepared_for,
};

/// A package from git that is built when it is installed.
#[derive(Clone, Debug)]
pub struct GitBuild {
    package: String,
    why: String,
    entry: EntryName,
}

impl fmt::Display for GitBuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, why, entry } = self;
        write!(
            f,
            "{package} comes from git and is built when it is installed, because of {why}: its package manager first installs build dependencies that no lockfile names\n  wanted by {entry}"
        )
    }
}

/// Warns of those among these files. Only those from git are read, as far as their `package.json`.
pub(super) fn git_builds<'a>(store: &Store, files: impl Iterator<Item = (&'a Planned, BlobRef)>) -> Vec<GitBuild> {
    let from_git = files.filter(|(planned, _)| matches!(planned.artifact.source, Source::Git { .. }));
    let build = |(planned, found): (&Planned, BlobRef)| {
        let tarball = File::open(store.blob_path(&found.blob)).ok()?;
        let why = prepared_for(&package_json(tarball).ok()?)?;
        Some(GitBuild { package: planned.artifact.to_string(), why, entry: planned.entries[0].clone() })
    };
    from_git.filter_map(build).collect()
}
