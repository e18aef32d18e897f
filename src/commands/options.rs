//! What was typed, as the session takes it.

use std::path::PathBuf;

use crate::{
    cli::{Fetching, Group, Selecting},
    plan::selection::Omit,
    session::{FetchOptions, SelectionOptions},
};

/// How what is missing is fetched.
pub(super) fn fetch_options(typed: &Fetching) -> FetchOptions {
    FetchOptions {
        is_offline: typed.offline,
        requires_integrity: typed.require_integrity,
        jobs: typed.jobs,
        from: typed.from.clone(),
        trusts_project: typed.trust_project_config,
    }
}

/// Which part of the plan is wanted.
pub(super) fn selection_options(typed: &Selecting) -> SelectionOptions {
    let omits = |group| typed.omit.contains(&group);
    SelectionOptions {
        platforms: typed.platforms.clone(),
        all_platforms: typed.all_platforms,
        omit: Omit { dev: omits(Group::Dev), optional: omits(Group::Optional), peer: omits(Group::Peer) },
    }
}

/// The projects that are meant where none is named.
pub(super) fn or_here(paths: &[PathBuf]) -> Vec<PathBuf> {
    if paths.is_empty() { vec![PathBuf::from(".")] } else { paths.to_vec() }
}
