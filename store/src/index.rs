//! The index: a note of what the receipts say, for fast look-ups. Never the truth: it can be lost or made again at any time.
//!
//! One trait, two implementations (`sled`, and `memory` for stores that cannot be written), one filler
//! (`rebuild`) and one way back from any damage: set aside, and make again from the receipts.

pub(crate) mod generation;
mod interface;
mod memory;
mod open;
mod rebuild;
mod sled;

pub use interface::{Addition, Entry, Index, IndexError, IndexState};
pub(crate) use memory::MemoryIndex;
pub(crate) use open::{discard, with, with_memory};
pub(crate) use rebuild::{in_memory, keys_of_receipts};
