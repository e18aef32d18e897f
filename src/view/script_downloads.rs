//! What install scripts keep in a view that is npm's cache: `_prebuilds` of prebuild-install, `node-sass`, `sentry-cli`, and `_npx` of npm itself.
//!
//! These are downloads that no lockfile names, so larder neither reads nor removes them: each entry is renamed into the next view.

use std::{ffi::OsString, fs, io, path::Path};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::core::view_marker::MARKER;

/// What npm itself, larder and file managers keep in such a folder.
const OWN_ENTRIES: [&str; 6] =
    [MARKER, "_cacache", "_logs", "_update-notifier-last-checked", "_lastUpdateCheck", ".DS_Store"];

/// The entries of a folder that move to the next view.
pub(super) fn entries(folder: &Path) -> io::Result<Vec<OsString>> {
    let names = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name()));
    let is_foreign = |name: &io::Result<OsString>| !matches!(name, Ok(name) if OWN_ENTRIES.iter().any(|no| name == no));
    names.filter(is_foreign).collect()
}

/// Moves these entries. If one cannot be moved, those that were are moved back.
pub(super) fn move_entries(from: &Path, to: &Path, names: &[OsString]) -> io::Result<()> {
    for (position, name) in names.iter().enumerate() {
        if let Err(error) = to_free(&from.join(name), &to.join(name)) {
            for name in &names[..position] {
                to_free(&to.join(name), &from.join(name))?;
            }
            return Err(error);
        }
    }
    Ok(())
}

/// A rename that overwrites nothing.
fn to_free(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::io::Errno;
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if to.symlink_metadata().is_err() => fs::rename(from, to),
        renamed => Ok(renamed?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_entries_go_over_or_none_does() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        for path in [old.join("_prebuilds"), old.join("_cacache"), old.join("node-sass"), new.clone()] {
            fs::create_dir_all(path).unwrap();
        }
        let mut carried = entries(&old).unwrap();
        carried.sort();
        assert_eq!(carried, ["_prebuilds", "node-sass"]);
        fs::write(new.join("node-sass"), "in the way").unwrap();
        move_entries(&old, &new, &carried).unwrap_err();
        assert!(old.join("_prebuilds").exists() && old.join("node-sass").exists());
        fs::remove_file(new.join("node-sass")).unwrap();
        move_entries(&old, &new, &carried).unwrap();
        assert!(new.join("_prebuilds").exists() && new.join("node-sass").exists());
        assert_eq!(entries(&old).unwrap(), [""; 0]);
    }
}
