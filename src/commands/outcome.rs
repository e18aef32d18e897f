//! [`Outcome`]: how a command ends, and the number of each as an exit code. Which failure ends a command how is decided by [`EndsCommand`](super::error::EndsCommand).

use std::process::ExitCode;

use crate::fetcher::Fault;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Done,
    /// The input or its data is wrong, or something is missing.
    Wrong,
    /// The network failed.
    Network,
    /// The store is damaged or cannot be used.
    Store,
    /// The user stopped it.
    Interrupted,
    /// The command that was run ended with this code, or, if a signal ended it, with 128 and its number.
    Child(u8),
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Wrong => 1,
            Outcome::Network => 3,
            Outcome::Store => 4,
            // As a shell reports a program that the interrupt signal ended.
            Outcome::Interrupted => 130,
            Outcome::Child(code) => code,
        })
    }
}

impl From<Fault> for Outcome {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Data => Self::Wrong,
            Fault::Network => Self::Network,
            Fault::Store => Self::Store,
        }
    }
}
