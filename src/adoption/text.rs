//! Edits of a text: what is inserted or replaced at which place, and the lines that an instruction takes.

use std::ops::Range;

use crate::dockerfile::Step;

/// Edits, applied at once.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Puts a text in front of an offset. Of several at one place the first one comes first.
    pub(super) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.0.push((at..at, text.into()));
    }

    /// Puts a text in the place of another.
    pub(super) fn replace(&mut self, place: Range<usize>, text: impl Into<String>) {
        self.0.push((place, text.into()));
    }

    /// The text with all edits. One within another's place is dropped.
    pub(super) fn apply(mut self, text: &str) -> String {
        self.0.sort_by_key(|(place, _)| (place.start, place.end));
        let (mut out, mut done) = (String::with_capacity(text.len()), 0);
        for (place, new) in self.0 {
            if place.start < done {
                continue;
            }
            out.push_str(&text[done..place.start]);
            out.push_str(&new);
            done = place.end;
        }
        out.push_str(&text[done..]);
        out
    }
}

/// The lines of a step, with the comment right above it.
pub(super) fn whole_lines(text: &str, step: &Step) -> Range<usize> {
    let end = text[step.span.end..].find('\n').map_or(text.len(), |at| step.span.end + at + 1);
    with_comment(text, step.span.start)..end
}

/// Where the comment begins that stands right above an offset's line or, without one, that line.
pub(super) fn with_comment(text: &str, at: usize) -> usize {
    let mut start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    loop {
        let above = text[..start].strip_suffix('\n').unwrap_or_default();
        let line = above.rfind('\n').map_or(0, |end| end + 1);
        let is_comment = text[line..start].trim_start().starts_with('#');
        // `# syntax=…` has to stay the first line.
        if !is_comment || line == 0 && is_directive(&text[line..start]) {
            return start;
        }
        start = line;
    }
}

fn is_directive(line: &str) -> bool {
    let name = line.trim_start_matches('#').trim().split('=').next().unwrap_or_default().trim();
    matches!(name.to_ascii_lowercase().as_str(), "syntax" | "escape" | "check")
}

/// Whether a text uses one of these variables: `$NAME`, `${NAME}`, `${NAME:-…}`.
pub(super) fn uses<'n>(text: &str, names: impl IntoIterator<Item = &'n String>) -> bool {
    let is_end = |rest: &str| !rest.starts_with(|char: char| char.is_ascii_alphanumeric() || char == '_');
    names.into_iter().any(|name| {
        text.match_indices('$').any(|(at, _)| {
            let rest = text[at + 1..].trim_start_matches('{');
            rest.strip_prefix(name.as_str()).is_some_and(is_end)
        })
    })
}
