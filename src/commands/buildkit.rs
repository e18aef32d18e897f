//! `larder buildkit`: the store into a builder's cache mount, and out of it.

mod carrier;
mod harvest;
mod inside;
mod seed;

use std::time::Duration;

use serde_json::{Value, json};

use super::{CommandError, Context, Outcome};
use crate::{
    buildkit::{
        docker::BuildError,
        exchange::{ExchangeError, Faulty, Stop},
        executable::ExecutableError,
    },
    cli::buildkit::{BuilderMount, Buildkit, BuildkitJob},
    ui::{report::caused_by, units},
};

/// Why a store could not be carried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildkitError {
    /// The binary cannot run in an empty image.
    #[error(transparent)]
    Binary(#[from] ExecutableError),
    /// The system does not say where this program is.
    #[error("the system does not say where this program's own file is")]
    NoBinary,
    /// The build did not succeed.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// What passes between the two sides cannot be written or read.
    #[error("what passes between larder and the build is not what it should be")]
    Exchange(#[from] ExchangeError),
    /// The larder inside the build could not do it.
    #[error("in the build: {}", .0.causes.join("\n  caused by: "))]
    Inside(Stop),
}

impl BuildkitError {
    pub(super) const fn outcome(&self) -> Outcome {
        match self {
            Self::Build(BuildError::Interrupted) => Outcome::Interrupted,
            Self::Build(error) if error.is_of_network() => Outcome::Network,
            Self::Inside(_) => Outcome::Store,
            _ => Outcome::Wrong,
        }
    }

    pub(super) fn hint(&self) -> Option<&str> {
        match self {
            Self::Binary(_) | Self::NoBinary => {
                Some("name a static larder of the builder's platform with --binary; docker/static.sh makes one")
            }
            Self::Build(error) => error.hint(),
            Self::Inside(stop) => stop.hint.as_deref(),
            Self::Exchange(_) => None,
        }
    }
}

pub(super) fn run(arguments: &Buildkit, context: &Context<'_>) -> Result<Outcome, CommandError> {
    match &arguments.job {
        BuildkitJob::Seed(arguments) => seed::run(arguments, context),
        BuildkitJob::Harvest(arguments) => harvest::run(arguments, context),
        BuildkitJob::Inside(arguments) => inside::run(arguments, context),
    }
}

/// What a command did, to be printed.
struct Sum<'a> {
    mount: &'a BuilderMount,
    /// Blobs of which nothing was missing, and the words for it.
    there: (u64, &'static str),
    /// Blobs that crossed, and the word for it.
    crossed: (u64, &'static str),
    bytes: u64,
    supplemented: u64,
    refused: usize,
    /// Packages without a digest in any lockfile that a mount is not believed about.
    not_believed: u64,
    barrier: Duration,
    elapsed: Duration,
}

impl Sum<'_> {
    fn blobs(&self) -> u64 {
        self.there.0 + self.crossed.0 + self.supplemented + self.refused as u64
    }

    /// The same as JSON, with the keys for what was `there` and what `crossed`; `damaged` are the mount's blobs that are not what they should be.
    fn document(&self, there: &str, crossed: &str, damaged: &[Faulty], refused: &[Faulty]) -> Value {
        json!({
            "id": self.mount.id.to_string(),
            "builder": self.mount.builder,
            "blobs": self.blobs(),
            (there): self.there.0,
            (crossed): self.crossed.0,
            "supplemented": self.supplemented,
            "not_believed": self.not_believed,
            "bytes": self.bytes,
            "damaged_in_mount": damaged,
            "refused": refused,
            "barrier_seconds": self.barrier.as_secs_f64(),
            "seconds": self.elapsed.as_secs_f64(),
        })
    }

    /// `larder: 75 blobs = 70 already there + 5 carried + 0 refused`: every blob has its place.
    fn print(&self, context: &Context<'_>) {
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
        if self.not_believed > 0 {
            let packages = units::plural(self.not_believed, "package", "packages");
            context.printer.line(&format!(
                "{packages} without a digest in any lockfile: the mount is not believed about their bytes, and `larder fetch` gets them"
            ));
        }
    }
}

/// Names blobs that are not what they should be.
fn name(faulty: &[Faulty], what: &str, context: &Context<'_>) {
    for Faulty { blob, package, cause } in faulty {
        let package = package.as_deref().unwrap_or("unknown package");
        let blob = blob.as_deref().map_or_else(String::new, |blob| format!(" blob {blob}"));
        context.printer.error(&format!("{package}:{blob} {what}"), &[caused_by(cause)], None);
    }
}
