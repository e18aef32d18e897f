//! Progress of a resolution: a line that moves on a terminal; elsewhere a plain one, if it takes long.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use indicatif::{ProgressBar, ProgressDrawTarget};

use super::{
    printer::{Mode, Printer},
    progress::{DRAWS, PLAIN_STEP, Retries, TICK, style},
    units,
};
use crate::{
    core::escape::escaped,
    pyodide::index::events::{IndexEvent, IndexWatcher},
};

/// Of what is being asked for, how much a line names.
const NAMED: usize = 3;

/// A watcher that prints as the printer's mode and the terminal ask for.
pub fn watcher(printer: Printer) -> Arc<dyn IndexWatcher> {
    let line = match printer.mode {
        Mode::Json | Mode::Quiet => return Arc::new(Unwatched),
        Mode::Text if printer.is_terminal => {
            let target = ProgressDrawTarget::stderr_with_hz(DRAWS);
            let bar = ProgressBar::with_draw_target(None, target).with_style(style("{prefix} {msg}"));
            bar.set_prefix(printer.styled("choosing", "1;32"));
            bar.enable_steady_tick(TICK);
            Some(bar)
        }
        Mode::Text => None,
    };
    let now = Instant::now();
    let asked = Asked { start: now, printed: now, open: BTreeSet::new(), answers: 0, received: 0 };
    Arc::new(Lines { printer, line, asked: Mutex::new(asked), retries: Retries::default() })
}

struct Unwatched;

impl IndexWatcher for Unwatched {
    fn event(&self, _event: IndexEvent<'_>) {}
}

struct Lines {
    printer: Printer,
    /// `None`: lines that stay.
    line: Option<ProgressBar>,
    asked: Mutex<Asked>,
    retries: Retries,
}

struct Asked {
    start: Instant,
    printed: Instant,
    open: BTreeSet<String>,
    answers: usize,
    received: u64,
}

impl Asked {
    /// `12 answers, 3.4 MB; waiting for black, numpy and 2 more`.
    fn text(&self) -> String {
        let mut text = format!("{}, {}", units::plural(self.answers, "answer", "answers"), units::bytes(self.received));
        let named: Vec<&str> = self.open.iter().take(NAMED).map(String::as_str).collect();
        if !named.is_empty() {
            text.push_str("; waiting for ");
            text.push_str(&named.join(", "));
        }
        if self.open.len() > NAMED {
            text.push_str(" and ");
            text.push_str(&units::count(self.open.len() - NAMED));
            text.push_str(" more");
        }
        text
    }
}

impl IndexWatcher for Lines {
    fn event(&self, event: IndexEvent<'_>) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            IndexEvent::Asked { what } => drop(asked.open.insert(escaped(what).into_owned())),
            IndexEvent::Received { bytes } => asked.received += bytes,
            IndexEvent::Waiting => {}
            IndexEvent::Over => {
                if let Some(line) = &self.line {
                    line.finish_and_clear();
                }
                return;
            }
            IndexEvent::Ended { what } => asked.answers += usize::from(asked.open.remove(&*escaped(what))),
            IndexEvent::Retrying { what, after, why } => {
                if let Some(text) = self.retries.line(what, after, &why) {
                    match &self.line {
                        Some(line) => line.println(text),
                        None => self.printer.note(&text),
                    }
                }
            }
        }
        match &self.line {
            // What is given up after the end says so, too.
            Some(line) if line.is_finished() => {}
            Some(line) => line.set_message(asked.text()),
            None if asked.printed.elapsed() >= PLAIN_STEP => {
                asked.printed = Instant::now();
                self.printer.note(&format!("choosing: {} in {}", asked.text(), units::duration(asked.start.elapsed())));
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_was_answered_and_what_is_waited_for() {
        let now = Instant::now();
        let mut asked = Asked { start: now, printed: now, open: BTreeSet::new(), answers: 1, received: 1200 };
        assert_eq!(asked.text(), "1 answer, 1.2 kB");
        asked.open.extend(["e", "d", "c", "b", "a"].map(str::to_owned));
        assert_eq!(asked.text(), "1 answer, 1.2 kB; waiting for a, b, c and 2 more");
    }
}
