//! Any bytes as a `yarn.lock`: what holds for every lockfile, and what is read is of one of yarn's two kinds.
#![no_main]

#[path = "shared/lockfile.rs"]
mod lockfile;

use larder::lockfile::YarnLock;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let kind = YarnLock::of("yarn.lock", bytes);
    assert!(!lockfile::check("yarn.lock", bytes) || kind.is_some());
});
