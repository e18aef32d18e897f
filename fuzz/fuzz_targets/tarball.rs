#![no_main]
#![doc = "Runs one property of `larder::properties`."]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| larder::properties::tarball(bytes));
