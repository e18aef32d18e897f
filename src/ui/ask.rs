//! A question to a person at a terminal.

use std::io::{self, BufRead as _, IsTerminal as _};

use super::printer::Printer;

/// Asks, and takes `y` or `yes` for yes. `None`: nobody is there to be asked.
pub fn yes_or_no(printer: Printer, question: &str) -> Option<bool> {
    let stdin = io::stdin();
    if !printer.is_terminal || !stdin.is_terminal() {
        return None;
    }
    printer.note(&format!("{question} [y/N]"));
    let mut line = String::new();
    stdin.lock().read_line(&mut line).ok()?;
    Some(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
