//! Errors in a wheel.

use std::io;

/// Why a wheel cannot be shipped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WheelError {
    /// The archive is none, damaged, or made to do harm.
    #[error("{file}: {problem}")]
    Archive {
        /// The wheel.
        file: String,
        /// What is wrong with it.
        #[source]
        problem: ArchiveProblem,
    },
    /// No folder of metadata.
    #[error("{file} holds no folder that ends with .dist-info")]
    NoDistInfo {
        /// The wheel.
        file: String,
    },
    /// Two folders of metadata.
    #[error("{file} holds {first} and {second}, and a wheel has one of them")]
    TwoDistInfos {
        /// The wheel.
        file: String,
        /// One folder.
        first: String,
        /// Another folder.
        second: String,
    },
    /// No METADATA.
    #[error("{file} holds no {path}")]
    NoMetadata {
        /// The wheel.
        file: String,
        /// Where it should be.
        path: String,
    },
    /// METADATA without what every one has.
    #[error("{file}: METADATA states no {field}")]
    MetadataLacks {
        /// The wheel.
        file: String,
        /// The header.
        field: &'static str,
    },
    /// The inside says something else than the file name.
    #[error("{file}: {field} says `{}`, which is not what the file's name says", found.escape_debug())]
    Disagrees {
        /// The wheel.
        file: String,
        /// What says it.
        field: &'static str,
        /// What it says.
        found: String,
    },
}

/// What is wrong with an archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveProblem {
    /// The directory at its end is not there.
    #[error("it is not a zip archive, or its end is missing")]
    NoEnd,
    /// The directory does not fit what follows it.
    #[error("its directory is damaged: {what}")]
    Damaged {
        /// What does not fit, in words.
        what: &'static str,
    },
    /// More than any wheel has.
    #[error("it has more than {limit} {what}")]
    TooMuch {
        /// Of what, in words.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// A path that leads out of the folder that it is unpacked to.
    #[error("it holds `{}`, a path that leads elsewhere", path.escape_debug())]
    PathOutside {
        /// The path.
        path: String,
    },
    /// The same path twice.
    #[error("it holds `{path}` twice")]
    Duplicate {
        /// The path.
        path: String,
    },
    /// A name that is no UTF-8.
    #[error("it holds a file whose name is not UTF-8")]
    NotUtf8,
    /// A member that Python's own unpacking cannot read.
    #[error("`{path}` is {what}, which no wheel's files are")]
    Unsupported {
        /// The member.
        path: String,
        /// Encrypted, or compressed by another method.
        what: &'static str,
    },
    /// Two members that share bytes.
    #[error("`{first}` and `{second}` overlap")]
    Overlap {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// A member that is not what the directory says.
    #[error("`{path}` is damaged")]
    DamagedMember {
        /// The member.
        path: String,
    },
    /// The file cannot be read.
    #[error("it cannot be read")]
    Io(#[source] io::Error),
}
