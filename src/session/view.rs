//! Views of sessions: npm's cache.

use std::path::Path;

use larder_store::digest::{Digest, Integrity};

use super::{open::Session, project::ReadProject, settings::threads, warning::Warning};
use crate::{
    config::project::LockfileBytes,
    core::layout::Layout,
    fetcher::Completed,
    lockfile::{self, LocalTarball},
    npm::metadata::{Metadata, MetadataError},
    view::{
        error::ViewError,
        folder::{Published, publish},
        npm_cache::{Index, add_local, npm_cache},
        protected::refuse_protected,
    },
};

/// Why a view of npm packages is not laid out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpmViewError {
    /// A package cannot be described.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The folder cannot be made.
    #[error(transparent)]
    View(#[from] ViewError),
}

impl Session {
    /// Makes `folder` an npm cache of what is here. One that is the project, or holds it, is refused.
    pub fn view_npm_cache(
        &self,
        completed: &Completed<'_>,
        folder: &Path,
        warn: &mut dyn FnMut(Warning),
    ) -> Result<Published, NpmViewError> {
        let read = &self.project.read;
        refuse_protected(folder, None, &[&read.project.folder])?;
        let mut metadata = self.metadata(completed)?;
        metadata.describe(self.store(), threads()).into_iter().map(Warning::NoDescription).for_each(&mut *warn);
        let layout = npm_cache_of(&metadata, [read], warn);
        Ok(publish(self.store(), layout, "npm-cache", folder, &|| false)?)
    }
}

/// The npm cache of these projects' packages, with the tarballs that stand in the projects themselves.
pub fn npm_cache_of<'a>(
    metadata: &Metadata,
    projects: impl IntoIterator<Item = &'a ReadProject>,
    warn: &mut dyn FnMut(Warning),
) -> Layout {
    let mut layout = npm_cache(metadata.versions(), metadata.packuments(), Index::Whole);
    for lockfile in projects.into_iter().flat_map(|read| &read.project.lockfiles) {
        add_local_tarballs(&mut layout, lockfile, warn);
    }
    layout
}

/// Those that are what the lockfile says. npm finds the others itself, and says what is wrong with them.
fn add_local_tarballs(layout: &mut Layout, lockfile: &LockfileBytes, warn: &mut dyn FnMut(Warning)) {
    for LocalTarball { path, integrity } in lockfile::local_tarballs(&lockfile.name, &lockfile.bytes) {
        let file = lockfile.folder().join(&path);
        match std::fs::read(&file) {
            Ok(bytes) => {
                let digests: Vec<_> = integrity.algorithms().map(|algorithm| Digest::of(algorithm, &bytes)).collect();
                if let (true, Some(digests)) = (integrity.agrees_with(&digests), Integrity::new(digests)) {
                    add_local(layout, &path, &bytes, &digests);
                } else {
                    warn(Warning::LocalTarball { file, lockfile: lockfile.name.clone() });
                }
            }
            Err(error) => warn(Warning::UnreadableTarball { file, error }),
        }
    }
}
