//! Progress of a fetch: one line for the whole and one for each of the largest files in flight on a terminal; a plain line now and then elsewhere.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    printer::{Mode, Printer},
    units,
};
use crate::{
    core::escape::escaped,
    fetcher::{WatchEvent, Watcher},
};

/// Lines for single files.
const FILE_LINES: usize = 4;
/// A file gets a line of its own from this size on: smaller ones are gone before they are read.
const LARGE: u64 = 1 << 20;
/// How often the lines are drawn at most, times a second.
pub(super) const DRAWS: u8 = 10;
/// How often a plain line is printed: often enough for CI not to think that it hangs.
pub(super) const PLAIN_STEP: Duration = Duration::from_secs(5);
/// How often a moving line moves by itself: its figures must fall when nothing comes.
pub(super) const TICK: Duration = Duration::from_millis(250);
/// Lines about tries that failed.
const RETRY_LINES: usize = 8;

/// A watcher that prints as the printer's mode and the terminal ask for.
pub fn watcher(printer: Printer) -> Arc<dyn Watcher> {
    match printer.mode {
        Mode::Text if printer.is_terminal => Arc::new(Bars::new(printer)),
        Mode::Text => Arc::new(PlainLines::new(printer)),
        Mode::Json | Mode::Quiet => Arc::new(crate::fetcher::Unwatched),
    }
}

/// Lines that are drawn again and again.
struct Bars {
    printer: Printer,
    drawn: MultiProgress,
    whole: OnceLock<ProgressBar>,
    received: AtomicU64,
    files: Mutex<HashMap<u64, ProgressBar>>,
    retries: Retries,
}

impl Bars {
    fn new(printer: Printer) -> Self {
        let drawn = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWS));
        Self {
            printer,
            drawn,
            whole: OnceLock::new(),
            received: AtomicU64::new(0),
            files: Mutex::default(),
            retries: Retries::default(),
        }
    }

    fn start(&self, missing: usize) {
        let bar = self.drawn.add(ProgressBar::new(missing as u64));
        bar.set_style(style("{prefix} [{bar:24}] {pos}/{len} files  {msg}"));
        bar.set_prefix(self.printer.styled("fetching", "1;32"));
        bar.enable_steady_tick(TICK);
        // A second start would be a second fetch, which has a watcher of its own.
        drop(self.whole.set(bar));
    }

    fn begin(&self, file: u64, package: &str, offset: u64, total: Option<u64>) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = files.get(&file) {
            bar.set_position(offset);
        } else if files.len() < FILE_LINES && total.is_none_or(|total| total >= LARGE) {
            let bar = self.drawn.add(ProgressBar::new(total.unwrap_or(0)));
            bar.set_style(match total {
                Some(_) => style("  {decimal_bytes:>10} of {decimal_total_bytes:10} {msg}"),
                None => style("  {decimal_bytes:>10}               {msg}"),
            });
            bar.set_message(escaped(package).into_owned());
            bar.set_position(offset);
            files.insert(file, bar);
        }
    }

    fn receive(&self, file: u64, bytes: u64) {
        let received = self.received.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if let Some(whole) = self.whole.get() {
            let seconds = whole.elapsed().as_secs_f64().max(0.001);
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate for people"
            )]
            let rate = (received as f64 / seconds) as u64;
            whole.set_message(format!("{}  {}/s{}", units::bytes(received), units::bytes(rate), eta(whole)));
        }
        if let Some(bar) = self.files.lock().unwrap_or_else(PoisonError::into_inner).get(&file) {
            bar.inc(bytes);
        }
    }

    fn clear(&self) {
        if let Some(whole) = self.whole.get() {
            whole.finish_and_clear();
        }
        if let Err(error) = self.drawn.clear() {
            tracing::debug!(%error, "nobody reads the progress");
        }
    }

    fn end(&self, file: u64) {
        if let Some(whole) = self.whole.get() {
            whole.inc(1);
        }
        if let Some(bar) = self.files.lock().unwrap_or_else(PoisonError::into_inner).remove(&file) {
            self.drawn.remove(&bar);
        }
    }
}

impl Watcher for Bars {
    fn event(&self, event: WatchEvent<'_>) {
        match event {
            WatchEvent::Missing { files } => self.start(files),
            WatchEvent::Started { file, package, offset, total } => self.begin(file, package, offset, total),
            WatchEvent::Received { file, bytes } => self.receive(file, bytes),
            WatchEvent::Ended { file } => self.end(file),
            WatchEvent::Retrying { package, after, why } => {
                if let Some(line) = self.retries.line(package, after, &why)
                    && let Err(error) = self.drawn.println(line)
                {
                    tracing::debug!(%error, "nobody reads the progress");
                }
            }
            WatchEvent::WaitingForOthers { files } => {
                if let Some(whole) = self.whole.get() {
                    whole.set_message(waiting(files));
                }
            }
            WatchEvent::Committing => {
                if let Some(whole) = self.whole.get() {
                    whole.set_message("waiting for the disk");
                }
            }
            WatchEvent::Over => self.clear(),
            WatchEvent::Here { .. } => {}
        }
    }
}

pub(super) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is right").progress_chars("=> ")
}

/// `  ETA 12.0 s`, once some files have arrived: how large the others are, no lockfile says.
fn eta(whole: &ProgressBar) -> String {
    let (ended, all) = (whole.position(), whole.length().unwrap_or(0));
    if ended == 0 || ended >= all {
        return String::new();
    }
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    let left = whole.elapsed().mul_f64((all - ended) as f64 / ended as f64);
    format!("  ETA {}", units::duration(left))
}

/// Lines about tries that failed: more say nothing new, and a dead registry makes hundreds.
#[derive(Default)]
pub(super) struct Retries(AtomicUsize);

impl Retries {
    pub(super) fn line(&self, package: &str, after: Duration, why: &str) -> Option<String> {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0..RETRY_LINES => Some(retrying(package, after, why)),
            RETRY_LINES => Some("further retries are not shown".to_owned()),
            _ => None,
        }
    }
}

fn retrying(package: &str, after: Duration, why: &str) -> String {
    format!("{}: trying again in {}: {}", escaped(package), units::duration(after), escaped(why))
}

fn waiting(files: usize) -> String {
    format!("waiting for another larder, which is fetching {}", units::plural(files, "file", "files"))
}

/// A line now and then, for logs.
struct PlainLines {
    printer: Printer,
    state: Mutex<Plain>,
    retries: Retries,
}

struct Plain {
    start: Instant,
    printed: Instant,
    missing: usize,
    ended: usize,
    received: u64,
    has_said_waiting: bool,
}

impl PlainLines {
    fn new(printer: Printer) -> Self {
        let now = Instant::now();
        let state = Plain { start: now, printed: now, missing: 0, ended: 0, received: 0, has_said_waiting: false };
        Self { printer, state: Mutex::new(state), retries: Retries::default() }
    }
}

impl Watcher for PlainLines {
    fn event(&self, event: WatchEvent<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            WatchEvent::Missing { files } => {
                state.missing = files;
                self.printer.note(&format!("fetching {}", units::plural(files, "file", "files")));
            }
            WatchEvent::Received { bytes, .. } => state.received += bytes,
            WatchEvent::Ended { .. } => state.ended += 1,
            WatchEvent::Retrying { package, after, why } => {
                if let Some(line) = self.retries.line(package, after, &why) {
                    self.printer.note(&line);
                }
            }
            WatchEvent::WaitingForOthers { files } if !state.has_said_waiting => {
                state.has_said_waiting = true;
                self.printer.note(&waiting(files));
            }
            _ => {}
        }
        if state.missing > 0 && state.printed.elapsed() >= PLAIN_STEP {
            state.printed = Instant::now();
            self.printer.note(&format!(
                "fetched {} of {} files, {} in {}",
                units::count(state.ended),
                units::count(state.missing),
                units::bytes(state.received),
                units::duration(state.start.elapsed())
            ));
        }
    }
}
