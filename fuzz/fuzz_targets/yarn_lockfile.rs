//! Any bytes as a yarn.lock: no panic, and a plan whose sum adds up and whose digest the order of entries does not change.
#![no_main]

use larder::{
    lockfile::{self, YarnLock},
    plan::Plan,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let kind = YarnLock::of("yarn.lock", bytes);
    let reading = match lockfile::read("yarn.lock", bytes) {
        Ok(reading) => reading,
        Err(error) => {
            assert!(error.to_string().starts_with("yarn.lock"), "{error}");
            return;
        }
    };
    assert!(kind.is_some());
    let mut turned = reading.clone();
    turned.entries.reverse();
    match (Plan::new(&[reading]), Plan::new(&[turned])) {
        (Ok(plan), Ok(turned)) => {
            let sum = plan.sum();
            let none = sum.bundled + sum.patches + sum.links + sum.local_folders + sum.local_files + sum.projects;
            assert_eq!(sum.entries, sum.artifacts + sum.repeats + none + sum.unfetchable);
            assert_eq!(plan, turned);
            assert_eq!(plan.digest(), turned.digest());
        }
        (one, other) => assert_eq!(one.is_err(), other.is_err()),
    }
});
