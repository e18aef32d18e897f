//! Where lines go: results to standard output, everything else to standard error.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::core::escape::{escaped_json, printable};

/// How much is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Text for people.
    Text,
    /// One JSON document on standard output.
    Json,
    /// Errors alone.
    Quiet,
}

/// Prints.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    /// How much is printed.
    pub mode: Mode,
    /// Whether standard error takes colours.
    pub has_colors: bool,
    /// Whether standard error is a terminal.
    pub is_terminal: bool,
}

impl Printer {
    /// A line of the result.
    pub fn line(&self, line: &str) {
        if self.mode == Mode::Text {
            write_out(&format!("{}\n", printable(line)));
        }
    }

    /// The result, as a program wants it.
    pub fn json(&self, document: &impl Serialize) {
        if self.mode == Mode::Json {
            let text = serde_json::to_string_pretty(document).expect("results have string keys and finite numbers");
            write_out(&format!("{}\n", escaped_json(&text)));
        }
    }

    /// The one thing that was asked for, whatever the mode. A program gets it as it is, a terminal what it may be given.
    pub fn value(&self, value: &str) {
        let shown = if io::stdout().is_terminal() { printable(value) } else { value.into() };
        write_out(&format!("{shown}\n"));
    }

    /// Whether errors alone are printed.
    pub fn is_quiet(&self) -> bool {
        self.mode == Mode::Quiet
    }

    /// A line about what goes on.
    pub fn note(&self, line: &str) {
        if self.mode != Mode::Quiet {
            write_error(&format!("{}\n", printable(line)));
        }
    }

    /// Something that a person should know, and that stops nothing.
    pub fn warning(&self, text: &str) {
        if self.mode != Mode::Quiet {
            write_error(&format!("{} {}\n", self.styled("warning:", "1;33"), printable(text)));
        }
    }

    /// An error: what went wrong, why, and the way out.
    pub fn error(&self, what: &str, causes: &[String], hint: Option<&str>) {
        let mut text = format!("{} {}\n", self.styled("error:", "1;31"), printable(what));
        for cause in causes {
            text.push_str("  ");
            text.push_str(&printable(cause));
            text.push('\n');
        }
        write_error(&text);
        self.hints(hint.as_slice());
    }

    /// Ways out, after a blank line.
    pub fn hints(&self, hints: &[&str]) {
        if !hints.is_empty() {
            write_error("\n");
        }
        for hint in hints {
            write_error(&format!("{} {}\n", self.styled("hint:", "1;36"), printable(hint)));
        }
    }

    /// `text` in a style of the terminal, where there are colours.
    pub fn styled(&self, text: &str, style: &str) -> String {
        if self.has_colors { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

// A reader that is gone (`larder plan | head`) is no reason to fail.
fn write_out(text: &str) {
    if let Err(error) = io::stdout().lock().write_all(text.as_bytes()) {
        tracing::debug!(%error, "nobody reads the output");
    }
}

fn write_error(text: &str) {
    if let Err(error) = io::stderr().lock().write_all(text.as_bytes()) {
        tracing::debug!(%error, "nobody reads the errors");
    }
}
