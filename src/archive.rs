//! Bounded readers of tar and zip archives: bytes in, entries out. They unpack nothing onto the disk and trust no length that an archive states.

pub(crate) mod bounded;
pub(crate) mod gzip;
pub mod tar;
pub mod zip;
