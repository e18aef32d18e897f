//! Making what was written durable, for many files at once.

use std::{fs::File, io, path::Path};

/// Returns when everything written to `files` is on the disk. All of them are in the filesystem of `root`.
///
/// On Linux that is one `syncfs` for the whole filesystem: with two files or a thousand it costs the same, where `fsync` of each costs 0.6 ms a file.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn wait<'a>(root: &Path, mut files: impl Iterator<Item = &'a Path>) -> io::Result<()> {
    if files.next().is_none() {
        return Ok(());
    }
    Ok(rustix::fs::syncfs(&File::open(root)?)?)
}

/// Returns when everything written to `files` is on the disk.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn wait<'a>(_root: &Path, files: impl Iterator<Item = &'a Path>) -> io::Result<()> {
    files.into_iter().try_for_each(|path| File::open(path)?.sync_all())
}
