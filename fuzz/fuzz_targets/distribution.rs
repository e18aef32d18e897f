//! Any bytes as the lock of a distribution, and as the lock of a folder that is checked: no panic, and every key is a name.
#![no_main]

use larder::{pyodide::{check::{Contents, check}, distribution::Distribution}, python::name::ProjectName};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = Distribution::read("pyodide-lock.json", bytes) {
        for (name, package) in read.packages() {
            assert_eq!(ProjectName::parse(&package.key).as_ref(), Ok(name));
        }
    }
    check(&Contents { lock: Some(("pyodide-lock.json", bytes.to_vec())), ..Contents::default() });
});
