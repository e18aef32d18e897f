//! Any bytes as a lockfile of npm.
#![no_main]

#[path = "shared/lockfile.rs"]
mod lockfile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockfile::check("package-lock.json", bytes);
});
