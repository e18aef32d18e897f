//! Running a command whose package manager finds the store: what it is told, how it is run, and what its failure means. Nothing here fetches or prints.

pub mod called;
pub mod child;
pub mod explain;
pub mod gates;
pub mod install_script;
pub mod managers;
pub mod mend;
pub mod own_cache;
pub mod pointing;
pub mod prepared;
pub mod yarn;
