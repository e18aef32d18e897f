//! Who wrote a setting and where it stands: the levels of precedence, which are levels of trust too.

use std::{fmt, path::PathBuf};

/// Who wrote a place that settings come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The user, in a variable of the environment.
    Environment,
    /// Whoever wrote the project: a file of its folder.
    Project,
    /// Anybody: a file that the project names in place of the user's or the global one. Its secrets may be the user's.
    NamedByProject,
    /// The user.
    User,
    /// Whoever set the machine up.
    Global,
}

impl Level {
    /// Whether the project decides what stands there. No secret of the user's goes where only such a place leads.
    pub const fn is_of_project(self) -> bool {
        matches!(self, Self::Project | Self::NamedByProject)
    }

    /// Whether a secret that stands there is the user's own, and not one that everybody has who has the project.
    pub const fn has_users_secrets(self) -> bool {
        !matches!(self, Self::Project)
    }
}

/// Where a setting stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a variable of the environment.
    Environment,
    /// In this file.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("the environment"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}
