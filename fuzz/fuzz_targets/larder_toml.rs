//! Any bytes as a `larder.toml`: no panic, and every error names the file.
#![no_main]

use std::path::Path;

use larder::config::larder_toml::LarderToml;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = LarderToml::parse(bytes, Path::new("larder.toml")) {
        assert!(error.to_string().contains("larder.toml"), "{error}");
    }
});
