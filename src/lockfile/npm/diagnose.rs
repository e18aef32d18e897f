//! Why a text is no lockfile of npm, told from its looks. Only asked when reading failed, so it may take its time.

use super::document::Document;
use crate::lockfile::{
    diagnose::by_looks,
    error::{LockfileError, OtherTool},
    format::Format,
    version::StatedVersion,
};

/// The error for text that is no JSON.
pub(super) fn no_json(lockfile: &str, text: &str, error: &serde_json::Error) -> LockfileError {
    if let Some(error) = by_looks(lockfile, text) {
        return error;
    }
    let lockfile = lockfile.to_owned();
    if error.is_eof() {
        return LockfileError::Truncated { lockfile, line: error.line() };
    }
    LockfileError::BadSyntax { lockfile, language: Format::Npm.language(), problem: error.to_string() }
}

/// A file of another tool that is JSON: it has keys that npm's lockfiles lack, and no version that npm would write.
pub(super) fn other_tool(document: &Document<'_>) -> Option<OtherTool> {
    let seen = document.tell_tales;
    let is_small = |version: &str| version.parse::<u8>().is_ok();
    if seen.workspaces && matches!(&document.version, StatedVersion::Number(version) if is_small(version)) {
        return Some(OtherTool::Bun);
    }
    if document.version != StatedVersion::Absent {
        return None;
    }
    [
        (seen.content_hash, OtherTool::Composer),
        (seen.meta, OtherTool::Pipenv),
        (seen.specifiers, OtherTool::Deno),
        (seen.info, OtherTool::Pyodide),
        (seen.manifest, OtherTool::Manifest),
    ]
    .into_iter()
    .find_map(|(seen, tool)| seen.then_some(tool))
}
