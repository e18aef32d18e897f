//! The first lines of a summary: how a project's entries add up, and what its lockfiles leave open.

use crate::{config::project::LockfileBytes, lockfile::YarnLock, session::ReadProject, ui::units};

/// What a lockfile of yarn 1 leaves open, if there is one.
pub(super) fn silence_line(read: &ReadProject) -> Option<String> {
    let is_classic =
        |lockfile: &&LockfileBytes| YarnLock::of(&lockfile.name, &lockfile.bytes) == Some(YarnLock::Classic);
    let lockfile = read.project.lockfiles.iter().find(is_classic)?;
    let name = &lockfile.name;
    Some(format!(
        "{name} does not say what is optional, for development or for one platform: all of it is taken, as yarn 1 does"
    ))
}

/// `entries in package-lock.json: 1,187 = 1,031 artifacts + …`: every entry has its place.
pub(super) fn sum_line(read: &ReadProject) -> String {
    let sum = read.plan.sum();
    let names: Vec<&str> = read.lockfiles().map(|lockfile| lockfile.name.as_str()).collect();
    let mut terms = vec![units::plural(sum.artifacts, "artifact", "artifacts")];
    let others = [
        (sum.repeats, "repeat of one", "repeats"),
        (sum.bundled, "bundled", "bundled"),
        (sum.patches, "patch of one", "patches"),
        (sum.links, "link", "links"),
        (sum.local_folders, "local folder", "local folders"),
        (sum.local_files, "local file", "local files"),
        (sum.projects, "project", "projects"),
        (sum.inline, "recorded answer", "recorded answers"),
        (sum.absent, "recorded as absent", "recorded as absent"),
        (sum.unused, "unused row", "unused rows"),
        (sum.unfetchable, "that cannot be fetched", "that cannot be fetched"),
    ];
    terms.extend(
        others
            .into_iter()
            .filter(|(number, ..)| *number > 0)
            .map(|(number, one, many)| units::plural(number, one, many)),
    );
    format!("{} in {} = {}", units::plural(sum.entries, "entry", "entries"), names.join(" and "), terms.join(" + "))
}
