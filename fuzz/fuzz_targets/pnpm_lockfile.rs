//! Any bytes as a lockfile of pnpm.
#![no_main]

#[path = "shared/lockfile.rs"]
mod lockfile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockfile::check("pnpm-lock.yaml", bytes);
});
