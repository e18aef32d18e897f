//! Bounded readers of tar and zip archives: bytes in, entries out. They unpack nothing onto the disk and trust no length that an archive states. Beside them, the writer of
//! a tar's entries.
//!
//! ```text
//! tar.rs       tar entries, with bounds on names, lengths and count
//! zip.rs       the records of a zip archive
//! gzip.rs      gzip of several members, as npm reads it
//! bounded.rs   a reader that stops at a bound
//! ```

pub(crate) mod bounded;
pub(crate) mod gzip;
pub mod tar;
pub mod zip;
