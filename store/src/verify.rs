//! Checking a whole store: every blob's bytes against its name and the digests that its receipts state, the blobs against the receipts, the index against both;
//! and checking some blobs for who is about to use them.

mod blobs;
mod fault;
mod wanted;
mod whole;

pub use blobs::verify_blobs;
pub use fault::{Depth, Fault, FaultKind};
pub use wanted::{UnfitBlob, verify_wanted};
pub use whole::{Verification, repair, verify, verify_to};
