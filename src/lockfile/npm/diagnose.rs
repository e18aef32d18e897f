//! Why a text is no lockfile of npm, told from its looks. Only asked when reading failed, so it may take its time.

use super::{
    super::{LockfileError, OtherTool},
    document::{Document, Stated},
};

/// The error for bytes that are no UTF-8 from `offset` on.
pub(super) fn no_text(lockfile: &str, bytes: &[u8], offset: usize) -> LockfileError {
    let lockfile = lockfile.to_owned();
    // bun's binary form starts like a script, whatever follows.
    if bytes.starts_with(b"#!/usr/bin/env bun") {
        return LockfileError::OtherTool { lockfile, tool: OtherTool::Bun };
    }
    LockfileError::NotText { lockfile, offset }
}

/// The error for text that is no JSON.
pub(super) fn no_json(lockfile: &str, text: &str, error: &serde_json::Error) -> LockfileError {
    let lockfile = lockfile.to_owned();
    if text.trim().is_empty() {
        return LockfileError::Empty { lockfile };
    }
    if let Some(line) = conflict_marker(text) {
        return LockfileError::ConflictMarkers { lockfile, line };
    }
    if let Some(tool) = other_syntax(text) {
        return LockfileError::OtherTool { lockfile, tool };
    }
    if error.is_eof() {
        return LockfileError::Truncated { lockfile, line: error.line() };
    }
    LockfileError::NotJson { lockfile, problem: error.to_string() }
}

/// The line of the first marker that git leaves in a file with a conflict. No line of JSON can start like this.
fn conflict_marker(text: &str) -> Option<usize> {
    let is_marker = |line: &str| {
        ["<<<<<<<", "|||||||", ">>>>>>>"].iter().any(|marker| line.strip_prefix(marker).is_some_and(is_marker_end))
            || line.trim_end() == "======="
    };
    text.lines().position(is_marker).map(|position| position + 1)
}

fn is_marker_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(' ')
}

/// A file of another tool that is no JSON.
fn other_syntax(text: &str) -> Option<OtherTool> {
    // Each of them says what it is in its first lines.
    let mut lines = text.lines().take(20);
    let is_json = text.trim_start().starts_with('{');
    lines.find_map(|line| match line {
        _ if line.starts_with("# yarn lockfile") || line.starts_with("__metadata:") => Some(OtherTool::Yarn),
        _ if line.starts_with("lockfileVersion:") => Some(OtherTool::Pnpm),
        // bun's text form is JSON with commas too many.
        _ if is_json && line.trim_start().starts_with("\"workspaces\":") => Some(OtherTool::Bun),
        _ => None,
    })
}

/// A file of another tool that is JSON: it has keys that npm's lockfiles lack, and no version that npm would write.
pub(super) fn other_tool(document: &Document<'_>) -> Option<OtherTool> {
    let seen = document.tell_tales;
    if seen.workspaces && matches!(document.version, Stated::Number(_)) {
        return Some(OtherTool::Bun);
    }
    if document.version != Stated::Nothing {
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
