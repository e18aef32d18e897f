//! The diagnosis of a command that failed: what npm's log says of it, and where that log is kept.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use larder_store::digest::Integrity;

use super::run_dir::RunDir;
use crate::{
    commands::context::Context,
    config::package_manager::NpmConfig,
    npm::{PackageVersion, metadata::Metadata},
    run::{child::Ended, enotcached, install_script::failed_download},
    session::ConfiguredProject,
    view::npm_cache::content_path,
};

/// Says which signal ended the command.
pub(super) fn tell(ended: Ended, command: &[OsString], context: &Context<'_>) {
    if let Ended::Signal(signal) = ended {
        let name = signal_hook::low_level::signal_name(signal).unwrap_or("a signal without a name");
        let program = Path::new(&command[0]).display();
        context.printer.error(&format!("{program} was ended by signal {signal} ({name})"), &[], None);
    }
}

/// Says what npm's log has of requests that its cache did not answer.
pub(super) fn explain_log(run_dir: &RunDir, catalog: &Metadata, context: &Context<'_>) {
    let has_content = |version: &PackageVersion| {
        let mut digests = version.integrity.iter().flat_map(Integrity::digests);
        digests.all(|digest| run_dir.cache.join(content_path(digest)).symlink_metadata().is_ok())
    };
    let mut hints: Vec<&'static str> = Vec::new();
    for log in files_of(&run_dir.logs) {
        let Ok(text) = std::fs::read(&log) else { continue };
        for url in enotcached::not_cached(&String::from_utf8_lossy(&text)) {
            let explanation = enotcached::explain(&url, catalog.versions(), has_content);
            context.printer.error(&explanation.to_string(), &[], None);
            let hint = explanation.cause.hint();
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
    }
    context.printer.hints(&hints);
}

/// Says of a dependency's install script that could not download something what that means.
pub(super) fn tell_failed_scripts(run_dir: &RunDir, context: &Context<'_>) {
    for log in files_of(&run_dir.logs) {
        let Ok(text) = std::fs::read(&log) else { continue };
        if let Some(failed) = failed_download(&String::from_utf8_lossy(&text)) {
            context.printer.error(&failed.to_string(), &[], Some(&failed.hint()));
        }
    }
}

/// npm has told where its log is; the folder goes with the run, so the log moves to where npm's logs are.
pub(super) fn keep_logs(run_dir: &RunDir, projects: &[Arc<ConfiguredProject>], context: &Context<'_>) {
    let Some(kept) = projects.iter().flat_map(|project| &project.configurations).find_map(NpmConfig::logs) else {
        return;
    };
    let logs = files_of(&run_dir.logs);
    if !logs.is_empty()
        && let Err(error) = std::fs::create_dir_all(&kept)
    {
        tracing::debug!(%error, "npm's log is not kept");
        return;
    }
    for log in logs {
        let Some(name) = log.file_name() else { continue };
        let kept = kept.join(name);
        match std::fs::copy(&log, &kept) {
            Ok(_) => context.printer.note(&format!("npm's log is kept as {}", kept.display())),
            Err(error) => tracing::debug!(%error, "npm's log is not kept"),
        }
    }
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}
