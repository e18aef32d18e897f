//! Install paths: where npm puts a package.

use crate::lockfile::error::EntryProblem;

/// How long an install path may be, in bytes: as long as one may be on Linux. Paths of nested entries are put together from their names, so that without
/// a limit a small file could ask for much memory.
pub(super) const PATH_LIMIT: usize = 4096;

/// `a/node_modules/@scope/b` → `a` and `@scope/b`; `None` for a folder that is not in `node_modules`.
pub(super) fn split_package(path: &str) -> Option<(&str, &str)> {
    let mut end = path.len();
    while let Some(slash) = path[..end].rfind('/') {
        if let Some(parent) = path[..slash].strip_suffix("node_modules")
            && (parent.is_empty() || parent.ends_with('/'))
        {
            return Some((parent.strip_suffix('/').unwrap_or(parent), &path[slash + 1..]));
        }
        end = slash;
    }
    None
}

/// The path of the package of this name below a folder.
pub(super) fn below(folder: &str, name: &str) -> String {
    let separator = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{separator}node_modules/{name}")
}

/// Paths of linked folders may lead out of the project, and no further `..` stands in any path.
pub(super) fn check(path: &str) -> Result<(), EntryProblem> {
    let leads_out = |part: &&str| *part == "..";
    let has_control = path.bytes().any(|byte| byte.is_ascii_control());
    if has_control || (path.contains("..") && path.split('/').skip_while(leads_out).any(|part| part == "..")) {
        return Err(EntryProblem::Path);
    }
    Ok(())
}
