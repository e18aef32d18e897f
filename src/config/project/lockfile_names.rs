//! What package managers call their lockfiles, and which of them a folder has.

use std::path::Path;

use crate::lockfile::Format;

/// The names of those that the folder has, one of each package manager.
pub(super) fn lockfile_names(folder: &Path) -> impl Iterator<Item = &'static str> {
    let of = |format: Format| format.file_names().iter().copied().find(|name| folder.join(name).is_file());
    Format::ALL.into_iter().filter_map(of)
}

/// `a, b and c`: the names that are looked for.
pub(super) fn names_of(formats: &[Format]) -> String {
    let names: Vec<&str> = formats.iter().flat_map(|format| format.file_names()).copied().collect();
    match names.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and no {last}", first.join(", no ")),
        names => names.concat(),
    }
}
