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
    #[error("nothing is recorded: {hosts} have no row in larder.lock yet, and nobody can be asked")]
    NobodyToAsk {
        /// The hosts.
        hosts: String,
    },
    /// `--check`, and rows would be added.
    #[error("{} lacks what the command downloads", path.display())]
    Lacking {
        /// The lock.
        path: PathBuf,
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
            Self::NotAgreed | Self::Write { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
