//! A command whose package manager finds the store: its environment, its run as a child process, and what its failure means. Nothing here fetches or prints.
//!
//! ```text
//! invocation ── which package managers a command calls
//! support, yarn, npm12_policy ── what the installed ones will refuse; script_policy, script_permission ── which scripts they leave out: known before they start
//! client_env, preload ── variables that lead them to the store script_cache, script_store, restore ── what a run may leave in the user's folders and the store's
//! child ── the process, its signals and its end                enotcached, install_script ── why it failed, from npm's log
//! ```

pub(crate) mod child;
pub(crate) mod client_env;
pub(crate) mod enotcached;
pub(crate) mod git_build;
pub(crate) mod install_script;
pub(crate) mod invocation;
pub(crate) mod npm12_policy;
pub(crate) mod preload;
mod programs;
pub(crate) mod restore;
pub(crate) mod script_cache;
pub(crate) mod script_permission;
pub(crate) mod script_policy;
pub(crate) mod script_store;
pub(crate) mod support;
pub(crate) mod yarn;
