//! Atomic replacement of a file: readers see the old one or the new one.

use std::{fs::Permissions, io, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path};

use tempfile::NamedTempFile;

/// Writes a file beside its place and moves it there.
pub(in crate::commands) fn whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = beside(path)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Whether that can begin. Nothing is left.
pub(in crate::commands) fn can_begin(path: &Path) -> io::Result<()> {
    beside(path)?.close()
}

fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The process's mask takes away what it takes away of every new file.
    tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder)
}
