//! Any bytes as a wheel's `METADATA`, and as a requirement: no panic.
#![no_main]

use larder::python::{metadata::Metadata, requirement::Requirement};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let metadata = Metadata::parse(bytes);
    drop(metadata);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Requirement::parse(text);
    }
});
