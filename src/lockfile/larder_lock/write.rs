//! The text of a `larder.lock`. One value a line, lists of several values with a line each, so that a diff shows what changed and nothing else.

use std::fmt::{Display, Write as _};

use super::lock::{FORM, LarderLock, LockedPackage, LockedSource};
use crate::core::file_host::FilePlace;

const HEAD: &str =
    "# Written by `larder lock` from larder.toml. Commit it; to change it, change larder.toml and lock again.\n";

impl LarderLock {
    /// The file's text.
    pub fn to_text(&self) -> String {
        text(self)
    }
}

/// The whole file.
fn text(lock: &LarderLock) -> String {
    let mut writer = Writer { text: HEAD.to_owned() };
    writer.raw("version", FORM);
    if let Some(time) = lock.exclude_newer {
        writer.text("exclude_newer", time);
    }
    writer.list("requested", &lock.requested);
    let runtime = &lock.runtime.release;
    writer.head("[runtime]");
    writer.text("version", runtime.version());
    writer.text("python", runtime.python());
    writer.optional("abi_version", runtime.abi_version());
    writer.text("platform", runtime.platform());
    writer.optional("url", lock.runtime.url.as_ref());
    writer.optional("integrity", lock.runtime.integrity.as_ref());
    writer.head("[base]");
    writer.text("file_name", &lock.base.file_name);
    writer.text("sha256", lock.base.sha256.to_hex());
    for package in &lock.packages {
        writer.package(package);
    }
    writer.text
}

struct Writer {
    text: String,
}

impl Writer {
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

    fn head(&mut self, head: &str) {
        self.line(&format!("\n{head}"));
    }

    fn raw(&mut self, key: &str, value: impl Display) {
        self.line(&format!("{key} = {value}"));
    }

    fn text(&mut self, key: &str, value: impl Display) {
        self.line(&format!("{key} = {}", quoted(&value.to_string())));
    }

    fn optional(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    fn list(&mut self, key: &str, values: &[impl Display]) {
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

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => {
                write!(quoted, "\\u{:04X}", u32::from(c)).expect("a string takes everything");
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
