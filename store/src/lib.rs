//! The blake3-keyed blob store of larder: blobs, receipts, index. No network, no lockfiles, no printing.
//!
//! `docs/store-format.md` is the format on disk. The usual way through this crate:
//!
//! ```text
//! Store::open ─▶ Store::lookup(wanted) ─▶ DownloadLock::acquire ─▶ Part::write … finish ─▶ Committer::submit … finish
//!                which have a blob         the right to download    verified bytes          barrier, blob, receipt,
//!                                                                   in partial/             then the index
//! ```
//!
//! [`Store::open_over`] opens one store over another, which is only read: what is in either is in the store.
//!
//! The files in their order; each imports only from those before it:
//!
//! | | |
//! |---|---|
//! | values | `sha512`, `digest`, `clock`, `key`, `layout`, `receipt`, `unfit`, `holder`, `error` |
//! | files of a store | `open`, `wait`, `lock`, `atomic_file`, `meta`, `foreign`, `create`, `writable`, `receipt_files`, `hash`, `blob`, `barrier` |
//! | finding | `index`, `journal`, `alternate_digests`, `lookup_cache`, `lower`, `overlay`, `gone`, `rows`, `rate`, `lookup` |
//! | a download that becomes a blob | `part_file`, `part`, `download_lock`, `commit` |
//! | whole stores | `store`, `hash_blobs`, `amend`, `verify`, `stats`, `link`, `transfer`, `import`, `forget`, `seed` |

mod alternate_digests;
mod amend;
mod atomic_file;
pub mod barrier;
pub mod blob;
mod clock;
pub mod commit;
mod create;
pub mod digest;
pub mod download_lock;
pub mod error;
mod foreign;
pub mod forget;
mod gone;
pub mod hash;
mod hash_blobs;
pub mod holder;
pub mod import;
pub mod index;
mod journal;
pub mod key;
mod layout;
pub mod link;
mod lock;
pub mod lookup;
mod lookup_cache;
mod lower;
mod meta;
mod open;
mod overlay;
pub mod part;
mod part_file;
pub mod rate;
pub mod receipt;
mod receipt_files;
mod rows;
pub mod seed;
mod sha512;
pub mod stats;
mod store;
pub mod transfer;
pub mod unfit;
pub mod verify;
pub mod wait;
mod writable;

pub use crate::{error::StoreError, rows::Rows, store::Store, writable::Writable};
