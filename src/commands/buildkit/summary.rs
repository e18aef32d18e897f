//! The summary of `larder buildkit`, as lines and as JSON: every blob has its place in it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    buildkit::protocol::BadBlob,
    cli::buildkit::BuilderMount,
    commands::context::Context,
    ui::{report::caused_by, units},
};

/// What a command did.
pub(super) struct Summary<'a> {
    pub(super) mount: &'a BuilderMount,
    /// Blobs of which nothing was missing, and the words for it.
    pub(super) there: (u64, &'static str),
    /// Blobs that crossed, and the word for it.
    pub(super) crossed: (u64, &'static str),
    pub(super) bytes: u64,
    pub(super) supplemented: u64,
    pub(super) refused: usize,
    /// Packages without a digest in any lockfile that a mount is not trusted with.
    pub(super) not_trusted: u64,
    pub(super) barrier: Duration,
    pub(super) elapsed: Duration,
}

impl Summary<'_> {
    fn blobs(&self) -> u64 {
        self.there.0 + self.crossed.0 + self.supplemented + self.refused as u64
    }

    /// The same as JSON, with the keys for what was `there` and what `crossed`; `damaged` are the mount's blobs that are not what they should be.
    pub(super) fn document(&self, there: &str, crossed: &str, damaged: &[BadBlob], refused: &[BadBlob]) -> Value {
        json!({
            "id": self.mount.id.to_string(),
            "builder": self.mount.builder,
            "blobs": self.blobs(),
            (there): self.there.0,
            (crossed): self.crossed.0,
            "supplemented": self.supplemented,
            "not_believed": self.not_trusted,
            "bytes": self.bytes,
            "damaged_in_mount": damaged,
            "refused": refused,
            "barrier_seconds": self.barrier.as_secs_f64(),
            "seconds": self.elapsed.as_secs_f64(),
        })
    }

    /// `larder: 75 blobs = 70 already there + 5 carried + 0 refused`: every blob has its place.
    pub(super) fn print(&self, context: &Context<'_>) {
        let term = |(number, words): (u64, &str)| format!("{} {words}", units::count(number));
        let mut terms = vec![term(self.there), term(self.crossed)];
        if self.supplemented > 0 {
            terms.push(term((self.supplemented, "made known under more names")));
        }
        terms.push(term((self.refused as u64, "refused")));
        let blobs = units::plural(self.blobs(), "blob", "blobs");
        context.printer.line(&format!("{}: {blobs} = {}", self.mount.id, terms.join(" + ")));
        let (bytes, elapsed) = (units::bytes(self.bytes), units::duration(self.elapsed));
        let barrier = if self.barrier.as_millis() > 0 {
            format!(", {} of it waiting for the disk", units::duration(self.barrier))
        } else {
            String::new()
        };
        context.printer.line(&format!("{bytes} {} in {elapsed}{barrier}", self.crossed.1));
        if self.not_trusted > 0 {
            let packages = units::plural(self.not_trusted, "package", "packages");
            context.printer.line(&format!(
                "{packages} without a digest in any lockfile: the mount is not trusted with their bytes, and `larder fetch` gets them"
            ));
        }
    }
}

/// Prints an error for each blob that is not what it should be.
pub(super) fn name_bad_blobs(blobs: &[BadBlob], what: &str, context: &Context<'_>) {
    for BadBlob { blob, package, cause } in blobs {
        let package = package.as_deref().unwrap_or("unknown package");
        let blob = blob.as_deref().map_or_else(String::new, |blob| format!(" blob {blob}"));
        context.printer.error(&format!("{package}:{blob} {what}"), &[caused_by(cause)], None);
    }
}
