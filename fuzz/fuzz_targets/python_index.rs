//! Any bytes as an index's list of files, in both forms, and as a wheel whose metadata is looked for: no panic.
#![no_main]

use larder::{pyodide::index::{archive, page}, python::name::ProjectName};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let url = "https://index.example/simple/a/".parse().expect("a constant address is one");
    let _ = page::read(bytes, Some("application/vnd.pypi.simple.v1+json"), &url);
    let _ = page::read(bytes, Some("text/html"), &url);
    let _ = archive::metadata_of(bytes, &ProjectName::parse("a").expect("a constant name is one"));
});
