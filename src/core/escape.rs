//! Terminal escaping of text from outside: names, addresses and folders are whatever somebody put into a lockfile.

use std::{borrow::Cow, fmt::Write as _};

/// A longer line is cut in its middle. Addresses with signatures have some hundred characters.
const LONGEST_LINE: usize = 4096;
/// Of a line that is cut, so many characters at its end stay: a message often ends with what it is about.
const KEPT_END: usize = 512;

/// The text with every character that a terminal would obey written as `\u{…}`: control characters, and those that turn the direction
/// of what follows.
pub fn escaped(text: &str) -> Cow<'_, str> {
    escaped_but(text, |_| false)
}

/// Lines of text for a terminal: line feeds and tabs stay, the rest is [`escaped`], and very long lines are cut.
pub fn printable(text: &str) -> Cow<'_, str> {
    let stays = |c| matches!(c, '\n' | '\t');
    if text.len() <= LONGEST_LINE && !text.chars().any(|c| is_dangerous(c) && !stays(c)) {
        return Cow::Borrowed(text);
    }
    let mut printable = String::with_capacity(text.len().min(2 * LONGEST_LINE));
    for line in text.split_inclusive('\n') {
        printable.push_str(&cut(&escaped_but(line, stays)));
    }
    Cow::Owned(printable)
}

/// A JSON document's text with the same characters as JSON's own escapes: it stays the same document.
pub fn escaped_json(text: &str) -> Cow<'_, str> {
    let is_left = |c: char| is_dangerous(c) && !matches!(c, '\n' | '\r' | '\t');
    if !text.chars().any(is_left) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_left(c) {
            write!(escaped, "\\u{:04x}", u32::from(c)).expect("writing to a String cannot fail");
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

fn escaped_but(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| is_dangerous(c) && !stays(c)) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_dangerous(c) && !stays(c) {
            escaped.extend(c.escape_unicode());
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

fn cut(line: &str) -> Cow<'_, str> {
    let count = line.chars().count();
    if count <= LONGEST_LINE {
        return Cow::Borrowed(line);
    }
    let start: String = line.chars().take(LONGEST_LINE - KEPT_END).collect();
    let end: String = line.chars().skip(count - KEPT_END).collect();
    Cow::Owned(format!("{start}…{end}"))
}

/// C0, DEL and C1; the marks, embeddings, overrides and isolates of the bidirectional algorithm; what separates lines and paragraphs.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let text = "a\u{1b}[31m\u{7f}\u{9b}\u{202e}b\u{2066}\u{200f}\u{61c}\r\n\té";
        assert_eq!(escaped(text), "a\\u{1b}[31m\\u{7f}\\u{9b}\\u{202e}b\\u{2066}\\u{200f}\\u{61c}\\u{d}\\u{a}\\u{9}é");
        assert_eq!(printable(text), "a\\u{1b}[31m\\u{7f}\\u{9b}\\u{202e}b\\u{2066}\\u{200f}\\u{61c}\\u{d}\n\té");
        assert!(matches!(printable("as it is\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_very_long_line_is_cut_in_its_middle() {
        let text = format!("short\n{}end\nshort\n", "x".repeat(100_000));
        let shown = printable(&text);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!((lines[0], lines[2]), ("short", "short"));
        assert!(lines[1].ends_with("xend") && lines[1].chars().count() == LONGEST_LINE, "{}", lines[1].len());
    }

    #[test]
    fn json_stays_the_same_document() {
        let document = serde_json::json!({ "name": "a\u{202e}\u{7f}\u{1b}é" });
        let text = serde_json::to_string_pretty(&document).unwrap();
        let escaped = escaped_json(&text);
        assert!(escaped.is_ascii() || escaped.contains('é'));
        assert!(!escaped.contains('\u{202e}') && !escaped.contains('\u{7f}'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), document);
    }
}
