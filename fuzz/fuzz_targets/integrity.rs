//! Any text as an integrity: no panic, and what is read is read again from what is written.
#![no_main]

use larder_store::digest::Integrity;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(integrity) = text.parse::<Integrity>() {
        let again: Integrity = integrity.to_string().parse().expect("what is written is an integrity");
        assert_eq!(again, integrity);
    }
});
