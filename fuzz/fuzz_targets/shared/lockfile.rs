//! What has to hold for any bytes as a lockfile.

use larder::{lockfile, plan::Plan};

/// Whether it can be read. No panic, and a plan whose sum adds up and whose digest the order of entries does not change; or an error that names the file.
pub fn check(name: &str, bytes: &[u8]) -> bool {
    let reading = match lockfile::read(name, bytes) {
        Ok(reading) => reading,
        Err(error) => {
            assert!(error.to_string().starts_with(name), "{error}");
            return false;
        }
    };
    // What else the same bytes say is read leniently.
    lockfile::manifests(name, bytes).all().for_each(|manifest| drop(manifest.peers()));
    lockfile::local_tarballs(name, bytes);
    lockfile::stated_version(bytes);
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
    true
}
