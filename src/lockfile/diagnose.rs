//! Why a text is no lockfile of its format, told from its looks, for every format alike. Only asked when reading failed, so it may take its time.

use super::{
    error::{LockfileError, OtherTool},
    format::Format,
};

/// How much of a lockfile's text a message repeats, in characters.
const SHOWN_CHARACTERS: usize = 120;

/// The text of a lockfile, without its byte-order mark, which package managers pass over, too.
pub(super) fn text_of<'a>(lockfile: &str, bytes: &'a [u8]) -> Result<&'a str, LockfileError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| no_text(lockfile, bytes, error.valid_up_to()))
}

/// The error for bytes that are no UTF-8 from `offset` on.
fn no_text(lockfile: &str, bytes: &[u8], offset: usize) -> LockfileError {
    let lockfile = lockfile.to_owned();
    // bun's binary form starts like a script, whatever follows.
    if bytes.starts_with(b"#!/usr/bin/env bun") {
        return LockfileError::BinaryBun { lockfile };
    }
    LockfileError::NotText { lockfile, offset }
}

/// The error for text that is none of its format's language, if its looks tell one: nothing there, a conflict, another tool's file.
pub(super) fn by_looks(lockfile: &str, text: &str) -> Option<LockfileError> {
    let format = Format::of(lockfile);
    let lockfile = || lockfile.to_owned();
    if text.trim().is_empty() {
        return Some(LockfileError::Empty { lockfile: lockfile() });
    }
    if let Some(line) = conflict_marker(text) {
        return Some(LockfileError::ConflictMarkers { lockfile: lockfile(), line, format });
    }
    let tool = other_syntax(text).filter(|tool| tool.format() != Some(format))?;
    // Both npm's and bun's begin like this.
    if (format, tool) == (Format::Bun, OtherTool::Npm) {
        return None;
    }
    Some(LockfileError::OtherTool { lockfile: lockfile(), format, tool })
}

/// The line of the first marker that git leaves in a file with a conflict. No line of JSON, of TOML or of a lockfile in YAML can start like this.
pub(super) fn conflict_marker(text: &str) -> Option<usize> {
    let is_marker = |line: &str| {
        ["<<<<<<<", "|||||||", ">>>>>>>"].iter().any(|marker| line.strip_prefix(marker).is_some_and(is_marker_end))
            || line.trim_end() == "======="
    };
    text.lines().position(is_marker).map(|position| position + 1)
}

fn is_marker_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(' ')
}

/// What tool's file it is, as far as the first lines tell.
fn other_syntax(text: &str) -> Option<OtherTool> {
    let mut lines = text.lines().take(20);
    let is_json = text.trim_start().starts_with('{');
    lines.find_map(|line| match line {
        _ if line.starts_with("# yarn lockfile") || line.starts_with("__metadata:") => Some(OtherTool::Yarn),
        _ if line.starts_with("lockfileVersion:") => Some(OtherTool::Pnpm),
        // bun's text form is JSON with commas too many.
        _ if is_json && line.trim_start().starts_with("\"workspaces\":") => Some(OtherTool::Bun),
        _ if is_json && line.trim_start().starts_with("\"packages\":") => Some(OtherTool::Npm),
        _ => None,
    })
}

/// The beginning of a text, for a message: a lockfile may hold texts of any length.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The same, with control characters escaped and quotes left as they are, where the message itself does not escape them.
pub(super) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for part in shown(text).split_inclusive(['\'', '"']) {
        let (plain, quote) = part.split_at(part.trim_end_matches(['\'', '"']).len());
        printable.extend(plain.escape_debug());
        printable.push_str(quote);
    }
    printable
}
