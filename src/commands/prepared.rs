//! Says which packages from git are built when they are installed, and what that needs.

use std::fs::File;

use larder_store::{Store, key::BlobRef};

use crate::{
    commands::context::Context, core::artifact::Source, npm::tarball::package_json, plan::Planned,
    run::git_build::prepared_for, ui::remarks,
};

/// Warns of those among these files. Only those from git are read, as far as their `package.json`.
pub(super) fn warn<'a>(store: &Store, files: impl Iterator<Item = (&'a Planned, BlobRef)>, context: &Context<'_>) {
    let from_git = files.filter(|(planned, _)| matches!(planned.artifact.source, Source::Git { .. }));
    let line = |(planned, found): (&Planned, BlobRef)| {
        let tarball = File::open(store.blob_path(&found.blob)).ok()?;
        let why = prepared_for(&package_json(tarball).ok()?)?;
        let (package, entry) = (&planned.artifact, &planned.entries[0]);
        Some(format!(
            "{package} comes from git and is built when it is installed, because of {why}: its package manager first installs build dependencies that no lockfile names\n  wanted by {entry}"
        ))
    };
    let lines: Vec<String> = from_git.filter_map(line).collect();
    if !lines.is_empty() {
        remarks::warnings(context.printer, lines.into_iter());
        context.printer.hints(&[
            "with the network cut, such a package cannot be built: depend on one that was published, or on a commit that has its built files",
        ]);
    }
}
