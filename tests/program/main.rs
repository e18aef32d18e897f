//! The program as a user runs it, against servers on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod buildkit;
mod configuration;
mod context;
mod disk;
mod fetch;
mod init;
mod input;
mod install_scripts;
mod kills;
mod lock;
mod managers;
mod network;
mod plan;
mod pyodide;
mod racing;
mod registry;
mod run;
mod store;
mod support;
mod view;
mod view_pyodide;
mod yarn;
