//! Views: a plan's files laid out for one kind of consumer. Derived, and never the truth.

pub mod folder;
pub mod layout;
pub mod stock;
pub mod wheelhouse;
