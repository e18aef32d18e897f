//! Why nothing is recorded.

use std::{io, path::PathBuf};

use crate::{
    commands::{error::EndsCommand, outcome::Outcome},
    lockfile::larder_lock::MOST_ROWS,
};

/// Why nothing is recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum RecordError {
    /// There is no network.
    #[error("`--offline` makes no request, and a recording is of requests")]
    Offline,
    /// Something that the lock has could not be had.
    #[error("larder refused what the command asked for, so what it did is not what it does")]
    Refused,
    /// Too much.
    #[error("the command asked for more than {MOST_ROWS} addresses, which are more than a larder.lock may have")]
    TooMany,
    /// The user does not want these hosts.
    #[error("nothing is recorded")]
    NotAgreed,
    /// New hosts, and nobody at a terminal.
    #[error("nothing is recorded: larder.lock has no row yet of {hosts}, and nobody can be asked")]
    NobodyToAsk {
        /// The hosts.
        hosts: String,
    },
    /// `--check`, and rows would be added.
    #[error("{} lacks what the command downloads:\n  {}", path.display(), rows.join("\n  "))]
    Lacking {
        /// The lock.
        path: PathBuf,
        /// The rows that it lacks.
        rows: Vec<String>,
    },
    /// `--check`, and the command downloads what no row can be for.
    #[error("the command downloads what cannot be recorded, so `larder run --offline` would refuse it:\n  {}", unreplayable.join("\n  "))]
    Unreplayable {
        /// What was asked for.
        unreplayable: Vec<String>,
    },
    /// The lock cannot be written. What was there before is there still.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The lock.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl EndsCommand for RecordError {
    fn outcome(&self) -> Outcome {
        Outcome::Wrong
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Offline => "`larder run --offline` runs a command with what was recorded",
            Self::Refused => "take the rows that are named above out of larder.lock to record them anew",
            Self::TooMany => "record the steps that download one by one: `larder record -- npm ci`",
            Self::NobodyToAsk { .. } => "if they are right, `--yes` records them",
            Self::Lacking { .. } => "run the same without `--check`, and commit larder.lock",
            Self::Unreplayable { .. } => {
                "the warnings say why; let the command do without it, or leave out the check and run with `--allow-refused`"
            }
            Self::NotAgreed | Self::Write { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
