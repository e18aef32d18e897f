//! Any bytes as a tarball and as the `package.json` in it: no panic, and no more memory than a `package.json` may have.
#![no_main]

use larder::{core::manifest::Manifest, npm::tarball::package_json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(found) = package_json(bytes) {
        assert!(found.len() <= 16 << 20);
    }
    if let Ok(manifest) = Manifest::from_package_json(bytes) {
        manifest.peers();
    }
});
