//! Lockfiles that cannot be planned together.

use std::fmt;

use super::planned::EntryName;

/// How many contradictions a message lists.
const LISTED_CONTRADICTIONS: usize = 20;

/// Two entries that state digests of the same file that cannot both hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The artifact, as [`Artifact`](crate::core::artifact::Artifact) is displayed.
    pub package: String,
    /// An entry, and the integrity that it states.
    pub first: (EntryName, String),
    /// Another entry, and the integrity that it states.
    pub second: (EntryName, String),
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, first, second } = self;
        write!(f, "{package}: {} states {}, {} states {}", first.0, first.1, second.0, second.1)
    }
}

/// Lockfiles that cannot be planned together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The same name, version and address with digests that cannot all hold for the same bytes.
    #[error("lockfile entries contradict each other:{}", Listed(.contradictions))]
    Contradictions {
        /// All of them, sorted by package.
        contradictions: Vec<Contradiction>,
    },
}

struct Listed<'a>(&'a [Contradiction]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for contradiction in self.0.iter().take(LISTED_CONTRADICTIONS) {
            write!(f, "\n  {contradiction}")?;
        }
        match self.0.len().saturating_sub(LISTED_CONTRADICTIONS) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}
