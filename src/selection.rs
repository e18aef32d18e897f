//! The selection: which part of a plan a fetch or a view is for. Pure.

use std::collections::BTreeSet;

use crate::artifact::Conditions;

mod platform;

pub use platform::{Cpu, Libc, Os, Platform, PlatformError, default_platforms};

/// The platforms that optional packages are wanted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Platforms {
    /// All of them.
    All,
    /// These.
    Only(BTreeSet<Platform>),
}

/// The groups of dependencies that are left out, as with npm's `--omit`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Omit {
    /// Development dependencies.
    pub dev: bool,
    /// Optional dependencies.
    pub optional: bool,
    /// Peer dependencies.
    pub peer: bool,
}

/// Which part of a plan is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// For which platforms.
    pub platforms: Platforms,
    /// Without which groups.
    pub omit: Omit,
}

/// Whether an artifact is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Wanted,
    /// It is optional, and runs on none of the platforms.
    OtherPlatform,
    /// Its group is left out.
    Omitted,
}

impl Selection {
    /// Everything.
    pub const fn all() -> Self {
        Self { platforms: Platforms::All, omit: Omit { dev: false, optional: false, peer: false } }
    }

    /// Whether an artifact with these conditions is wanted.
    ///
    /// Groups follow npm's rule: a package that only development and optional dependencies together lead to is left out when both are.
    /// Platforms limit optional packages only: npm refuses to install where any other does not run.
    pub fn verdict(&self, conditions: &Conditions) -> Verdict {
        let Omit { dev, optional, peer } = self.omit;
        let omitted = (conditions.dev && dev)
            || (conditions.optional && optional)
            || (conditions.dev_optional && dev && optional)
            || (conditions.peer && peer);
        if omitted {
            return Verdict::Omitted;
        }
        match &self.platforms {
            Platforms::Only(platforms)
                if conditions.optional && !platforms.iter().any(|platform| platform.runs(conditions)) =>
            {
                Verdict::OtherPlatform
            }
            _ => Verdict::Wanted,
        }
    }
}
