//! The blake3-keyed blob store of larder: blobs, receipts, index. No network, no lockfiles, no printing.
//!
//! `docs/store-format.md` is the format on disk. The usual way through this crate:
//!
//! ```text
//! Store::open ─▶ Store::look_up(wanted) ─▶ LookUp::claim ─▶ Part::write … finish ─▶ Committer::submit … finish
//!                     what is here             the right         verified bytes        barrier, blob, receipt,
//!                                              to download       in partial/           then the index
//! ```
//!
//! [`Store::open_over`] opens one store over another, which is only read: what is in either is here.

mod amend;
pub mod barrier;
mod below;
pub mod blob;
pub mod carry;
mod check;
pub mod claim;
pub mod commit;
pub mod digest;
pub mod error;
pub mod forget;
mod gone;
pub mod index;
mod journal;
mod layout;
mod lock;
pub mod look_up;
mod meta;
mod namesakes;
pub mod open;
mod own;
pub mod part;
pub mod place;
pub mod receipt;
pub mod seed;
mod sha512;
mod store;
pub mod survey;
pub mod take_in;
pub mod verify;
pub mod wait;

mod whole_file;

pub use crate::{error::StoreError, store::Store};
