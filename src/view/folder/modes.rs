//! The modes of a view's files. They do not depend on the umask, so that a view is the same wherever it is made.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use crate::core::{
    layout::Content,
    path_error::{AtPath as _, PathError},
};

pub(super) const FOLDER_MODE: u32 = 0o755;
const BYTES_MODE: u32 = 0o644;
const PROGRAM_MODE: u32 = 0o755;

/// The mode of a file that is no blob.
pub(super) const fn mode_of_bytes(content: &Content) -> u32 {
    if matches!(content, Content::Program(_)) { PROGRAM_MODE } else { BYTES_MODE }
}

pub(super) fn set_mode(path: &Path, mode: u32) -> Result<(), PathError> {
    fs::set_permissions(path, Permissions::from_mode(mode)).at("set the mode of", path)
}
