//! Any bytes as an `.npmrc`: no panic, no more settings than lines, and a comment at the end changes nothing.
#![no_main]

use larder::config::npmrc::ini;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let settings = ini::parse(bytes);
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).count();
    assert!(settings.len() <= lines, "{} settings in {lines} lines", settings.len());
    let with_comment = [bytes, b"\n; a comment\n"].concat();
    assert_eq!(ini::parse(&with_comment), settings);
});
