//! Checks the folder that a view is to replace.

use std::{path::Path, sync::Arc};

use crate::{
    commands::{context::Context, error::CommandError},
    session::ConfiguredProject,
    view::protected,
};

/// Refuses a folder that is a project's or the user's home, or around one, before anything is fetched for it.
pub(super) fn check_target(
    folder: &Path,
    projects: &[Arc<ConfiguredProject>],
    context: &Context<'_>,
) -> Result<(), CommandError> {
    let projects: Vec<&Path> = projects.iter().map(|project| &*project.read.project.folder).collect();
    Ok(protected::refuse_protected(folder, context.environment.home(), &projects)?)
}
