//! Any bytes as a `larder.lock`: no panic, and what is read is read again from what it is written as.
#![no_main]

use larder::lockfile::larder_lock::{LARDER_LOCK, LarderLock};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(lock) = LarderLock::parse(LARDER_LOCK, bytes) {
        assert_eq!(LarderLock::parse(LARDER_LOCK, lock.to_text().as_bytes()), Ok(lock));
    }
});
