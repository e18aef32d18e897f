//! [`Problem`]: what the lint reports.

use std::fmt;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key of the package that it is about, if it is about one.
    pub package: Option<String>,
    /// What it is.
    pub kind: ProblemKind,
}

impl Problem {
    pub(super) const fn of_folder(kind: ProblemKind) -> Self {
        Self { package: None, kind }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.package {
            Some(package) => write!(f, "{}: {}", package.escape_debug(), self.kind),
            None => self.kind.fmt(f),
        }
    }
}

/// Kinds of what can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    /// A file of the runtime is not there.
    #[error("the runtime's {files} is missing")]
    NoRuntimeFile {
        /// The file, or those of which one is needed.
        files: String,
    },
    /// No lock.
    #[error("there is no pyodide-lock.json and no repodata.json")]
    NoLock,
    /// The lock is no JSON.
    #[error("the lock is not JSON: {why}")]
    LockNotJson {
        /// What the reader says.
        why: String,
    },
    /// The lock lacks one of its parts.
    #[error("the lock has no object `{field}`: the loader fails")]
    LockWithout {
        /// The part.
        field: &'static str,
    },
    /// The lock is for another runtime.
    #[error("the lock's `info.{field}` is {}, and the runtime demands {expected}: the loader fails", found.escape_debug())]
    OtherRuntime {
        /// The field that the loader compares.
        field: &'static str,
        /// What the lock says.
        found: String,
        /// What the runtime is.
        expected: String,
    },
    /// An entry is no object.
    #[error("the entry is not an object: the loader fails")]
    NoObject,
    /// A field that the loader needs of every entry.
    #[error("`{field}` is {what}: {effect}")]
    Field {
        /// The field.
        field: &'static str,
        /// Missing, or of which wrong kind.
        what: &'static str,
        /// What comes of it.
        effect: &'static str,
    },
    /// A key by which the loader never looks.
    #[error("the key is not in its normalized form, `{normal}`, which the loader looks up")]
    Key {
        /// The normal form.
        normal: String,
    },
    /// The key is no name.
    #[error("the key is {problem}")]
    NoName {
        /// What it is, in words.
        problem: &'static str,
    },
    /// The name is another than the key.
    #[error("its name is `{}`", name.escape_debug())]
    OtherName {
        /// The name.
        name: String,
    },
    /// A dependency that the loader finds, and does not wait for.
    #[error("needs `{}`, which is not in its normal form: the loader does not wait for it", need.escape_debug())]
    Need {
        /// The dependency as it is written.
        need: String,
    },
    /// A dependency that the lock does not have.
    #[error("needs `{}`, which the lock does not have: `loadPackage` fails", need.escape_debug())]
    Open {
        /// The dependency.
        need: String,
    },
    /// A dependency of a package in the folder that is not in the folder.
    #[error("needs `{}`, whose file is not in the folder but at {}", need.escape_debug(), address.escape_debug())]
    Elsewhere {
        /// The dependency.
        need: String,
        /// Where it is.
        address: String,
    },
    /// A file that is not there.
    #[error("its file {} is missing", file.escape_debug())]
    NoFile {
        /// The file.
        file: String,
    },
    /// Bytes that are not those of the lock. Node loads them; a browser says "Failed to fetch".
    #[error("the sha256 of {file} is {found}, and the lock says {expected}: browsers refuse it")]
    OtherBytes {
        /// The file.
        file: String,
        /// The digest of the file.
        found: String,
        /// The digest in the lock.
        expected: String,
    },
    /// Two packages with one file.
    #[error("its file {file} is also that of {other}")]
    SameFile {
        /// The other package.
        other: String,
        /// The file.
        file: String,
    },
    /// A file name that Python cannot understand.
    #[error("{why}: it cannot be installed")]
    WheelName {
        /// What is wrong with it.
        why: String,
    },
    /// A wheel of something else.
    #[error("{file} is {found}, but the lock says {expected}")]
    OtherWheel {
        /// The wheel.
        file: String,
        /// Name and version in the wheel's name.
        found: String,
        /// Key and version in the lock.
        expected: String,
    },
    /// A wheel for another runtime.
    #[error("{file} is built for another Python or another ABI")]
    OtherAbi {
        /// The wheel.
        file: String,
    },
    /// A wheel that is none, is damaged or says something else inside.
    #[error("{why}")]
    BadWheel {
        /// What is wrong with it.
        why: String,
    },
    /// Packages that need each other.
    #[error("{cycle} is a cycle: the loader waits forever")]
    Cycle {
        /// The packages, from the first to itself.
        cycle: String,
    },
    /// A file that nothing names.
    #[error("nothing names {}", path.escape_debug())]
    Orphan {
        /// The file.
        path: String,
    },
}

impl ProblemKind {
    /// A stable name, for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoRuntimeFile { .. } => "core-file",
            Self::NoLock | Self::LockNotJson { .. } | Self::LockWithout { .. } => "lock",
            Self::OtherRuntime { .. } => "runtime",
            Self::NoObject | Self::Field { .. } => "field",
            Self::Key { .. } | Self::NoName { .. } | Self::OtherName { .. } | Self::Need { .. } => "name",
            Self::Open { .. } => "closure",
            Self::Elsewhere { .. } => "elsewhere",
            Self::NoFile { .. } => "missing",
            Self::OtherBytes { .. } => "digest",
            Self::SameFile { .. } => "same-file",
            Self::WheelName { .. } | Self::OtherWheel { .. } => "wheel-name",
            Self::OtherAbi { .. } => "abi",
            Self::BadWheel { .. } => "wheel",
            Self::Cycle { .. } => "cycle",
            Self::Orphan { .. } => "orphan",
        }
    }
}
