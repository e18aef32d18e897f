//! The text of a `larder.lock`. One value a line, lists of several values with a line each, so that a diff shows what changed and nothing else.

use std::fmt::{Display, Write as _};

use super::lock::{FORM, FORM_WITH_DOWNLOADS, LarderLock, LockedPackage, LockedSource, PyodideLock};
use crate::core::file_host::FilePlace;

const HEAD: &str =
    "# Written by `larder lock` from larder.toml. Commit it; to change it, change larder.toml and lock again.\n";

/// The same of a file that has more than Pyodide.
const HEAD_WITH_DOWNLOADS: &str = "# Written by larder. Commit it. Pyodide's part follows larder.toml (`larder lock`); a [[download]] or [[absent]] is what was recorded.\n";

impl LarderLock {
    /// The file's text.
    pub fn to_text(&self) -> String {
        text(self)
    }
}

/// The whole file.
fn text(lock: &LarderLock) -> String {
    let (head, form) = if lock.has_rows() { (HEAD_WITH_DOWNLOADS, FORM_WITH_DOWNLOADS) } else { (HEAD, FORM) };
    let mut writer = Writer { text: head.to_owned() };
    writer.raw("version", form);
    if let Some(pyodide) = &lock.pyodide {
        writer.pyodide(pyodide);
    }
    writer.rows(lock);
    writer.text
}

pub(super) struct Writer {
    text: String,
}

impl Writer {
    fn pyodide(&mut self, lock: &PyodideLock) {
        if let Some(time) = lock.exclude_newer {
            self.text("exclude_newer", time);
        }
        self.list("requested", &lock.requested);
        let runtime = &lock.runtime.release;
        self.head("[runtime]");
        self.text("version", runtime.version());
        self.text("python", runtime.python());
        self.optional("abi_version", runtime.abi_version());
        self.text("platform", runtime.platform());
        self.optional("url", lock.runtime.url.as_ref());
        self.optional("integrity", lock.runtime.integrity.as_ref());
        self.head("[base]");
        self.text("file_name", &lock.base.file_name);
        self.text("sha256", lock.base.sha256.to_hex());
        for package in &lock.packages {
            self.package(package);
        }
    }

    fn package(&mut self, package: &LockedPackage) {
        self.head("[[package]]");
        self.text("name", &package.name);
        self.text("version", &package.version);
        let (source, key, place) = match &package.source {
            LockedSource::Distribution => ("distribution", "url", package.file_name.to_string()),
            LockedSource::Index { place: place @ FilePlace::Hosted(_) } => ("index", "path", place.to_string()),
            LockedSource::Index { place: place @ FilePlace::Url(_) } => ("index", "url", place.to_string()),
        };
        self.text("source", source);
        self.text("file_name", &package.file_name);
        self.text(key, place);
        self.text("sha256", package.sha256.to_hex());
        if let Some(size) = package.size {
            self.raw("size", size);
        }
        self.list("depends", &package.depends);
        self.list("why", &package.why);
    }

    pub(super) fn head(&mut self, head: &str) {
        self.line(&format!("\n{head}"));
    }

    pub(super) fn raw(&mut self, key: &str, value: impl Display) {
        self.line(&format!("{key} = {value}"));
    }

    pub(super) fn text(&mut self, key: &str, value: impl Display) {
        self.line(&format!("{key} = {}", quoted(&value.to_string())));
    }

    pub(super) fn optional(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    pub(super) fn list(&mut self, key: &str, values: &[impl Display]) {
        let quoted: Vec<String> = values.iter().map(|value| quoted(&value.to_string())).collect();
        match &quoted[..] {
            [] => self.line(&format!("{key} = []")),
            [only] => self.line(&format!("{key} = [{only}]")),
            several => {
                self.line(&format!("{key} = ["));
                for value in several {
                    self.line(&format!("    {value},"));
                }
                self.line("]");
            }
        }
    }

    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    quoted_with(text, |_| None)
}

/// A basic string of TOML; `short` has short forms of control characters.
pub(super) fn quoted_with(text: &str, short: impl Fn(char) -> Option<&'static str>) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match (c, short(c)) {
            (_, Some(short)) => quoted.push_str(short),
            ('"', None) => quoted.push_str("\\\""),
            ('\\', None) => quoted.push_str("\\\\"),
            (c, None) if c.is_control() => {
                write!(quoted, "\\u{:04X}", u32::from(c)).expect("a string takes everything");
            }
            (c, None) => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
