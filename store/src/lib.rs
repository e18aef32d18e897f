//! The blake3-keyed blob store of larder: blobs, receipts, index. No network, no lockfiles, no printing.

pub mod digest;
