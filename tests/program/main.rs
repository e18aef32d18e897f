//! The program as a user runs it, against servers on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod answers;
mod buildkit;
mod configuration;
mod configurations;
mod context;
mod credentials;
mod disk;
mod docs;
mod embed;
mod fetch;
mod first_bytes;
mod identity;
mod init;
mod input;
mod install_scripts;
mod kills;
mod leftover;
mod lock;
mod managers;
mod network;
mod odd_entries;
mod optional;
mod own_downloads;
mod plan;
mod planted;
mod pull_through;
mod pyodide;
mod racing;
mod recorded;
mod recorded_rows;
mod registry;
mod registry_guard;
mod run;
mod scripts;
mod store;
mod support;
mod tls_front;
mod tortures;
mod truth;
mod view;
mod view_pyodide;
mod view_safety;
mod waits;
mod yarn;
