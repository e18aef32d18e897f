//! The selection of a project: what its user asks for, what `larder.toml` says, and the default, joined.

use std::path::PathBuf;

use crate::{
    config::{larder_toml::OmittedGroup, project::Project},
    plan::selection::{self, Libc, Omit, Platform, PlatformError, Platforms, Selection},
};

/// Which part of a plan is asked for.
#[derive(Clone, Debug, Default)]
pub struct SelectionOptions {
    /// The platforms; none leaves it to `larder.toml` and the default.
    pub platforms: Vec<Platform>,
    /// All platforms.
    pub all_platforms: bool,
    /// Groups that are left out, besides those of `larder.toml`.
    pub omit: Omit,
}

/// A platform in `larder.toml` that is none.
#[derive(Debug, thiserror::Error)]
#[error("{}: `platforms` names one that larder does not know", file.display())]
pub struct UnknownPlatform {
    /// The file.
    file: PathBuf,
    /// What is wrong with it.
    #[source]
    source: PlatformError,
}

/// Which part of the plan is wanted. `default` are the platforms where nobody names one.
pub(super) fn select(
    options: &SelectionOptions,
    project: &Project,
    default: Platforms,
) -> Result<Selection, UnknownPlatform> {
    let settings = &project.settings;
    let stated = if options.platforms.is_empty() { platforms_of(project)? } else { options.platforms.clone() };
    let is_all = options.all_platforms || (settings.all_platforms && options.platforms.is_empty());
    let platforms = if is_all {
        Platforms::All
    } else if stated.is_empty() {
        default
    } else {
        Platforms::Only(stated.into_iter().collect())
    };
    let omits = |group| settings.omit.contains(&group);
    let omit = Omit {
        dev: options.omit.dev || omits(OmittedGroup::Dev),
        optional: options.omit.optional || omits(OmittedGroup::Optional),
        peer: options.omit.peer || omits(OmittedGroup::Peer),
    };
    Ok(Selection { platforms, omit })
}

/// The platforms that `larder.toml` names.
pub(super) fn platforms_of(project: &Project) -> Result<Vec<Platform>, UnknownPlatform> {
    let read = |text: &String| {
        let file = project.folder.join("larder.toml");
        text.parse().map_err(|source| UnknownPlatform { file, source })
    };
    project.settings.platforms.iter().map(read).collect()
}

/// This machine, and Linux on its processor with both C libraries: what a developer and the containers that he builds need.
pub fn default_platforms() -> Platforms {
    selection::default_platforms(std::env::consts::OS, std::env::consts::ARCH)
}

/// This machine alone, for what runs on it at once.
pub fn host_platforms() -> Platforms {
    selection::host_platforms(std::env::consts::OS, std::env::consts::ARCH, host_libc())
}

/// The C library of the programs on this machine, by their loaders; `None` if there are loaders of both, or of neither.
fn host_libc() -> Option<Libc> {
    let has_loader = |beginning: &str| {
        ["/lib", "/lib64", "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu"].iter().any(|folder| {
            let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
            names.into_iter().any(|name| name.as_encoded_bytes().starts_with(beginning.as_bytes()))
        })
    };
    match (has_loader("ld-linux"), has_loader("ld-musl-")) {
        (true, false) => Some(Libc::Glibc),
        (false, true) => Some(Libc::Musl),
        _ => None,
    }
}
