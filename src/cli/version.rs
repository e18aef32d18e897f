//! What `larder --version` says: the version, the commit that it was built from, where that was stated, and the platform that it runs on.

use std::{
    env::consts::{ARCH, OS},
    sync::LazyLock,
};

/// Stated by whoever builds a release. Without it a build is somebody's own, and may be of changed sources.
const COMMIT: Option<&str> = option_env!("LARDER_COMMIT");

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let commit = COMMIT.filter(|commit| !commit.is_empty()).unwrap_or("no commit stated");
    let linking = if cfg!(target_feature = "crt-static") { ", static" } else { "" };
    format!("{} ({commit}, {}{linking})", env!("CARGO_PKG_VERSION"), target())
});

/// For clap.
pub(super) fn version() -> &'static str {
    &VERSION
}

/// The target triple as rustc names it.
fn target() -> String {
    let libc = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
    match OS {
        "linux" => format!("{ARCH}-unknown-linux-{libc}"),
        "macos" => format!("{ARCH}-apple-darwin"),
        other => format!("{ARCH}-{other}"),
    }
}
