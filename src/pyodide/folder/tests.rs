//! Folders as values.

use larder_store::digest::BlobId;

use super::*;
use crate::pyodide::testing::{
    packages::{Package, distribution_lock, index_wheels, info, larder_lock},
    runtime_tarball,
};

fn ingredients<'a>(lock: &'a PyodideLock, packages: &[Package], distribution: &str) -> FolderInput<'a> {
    let tarball = runtime_tarball("0.28.3", distribution);
    let found = |package: &Package| {
        let bytes = package.bytes();
        (package.project(), BlobRef { blob: BlobId::of(&bytes), size: bytes.len() as u64 })
    };
    FolderInput {
        lock,
        runtime_files: RuntimeFiles::read(lock.runtime.release.version(), &*tarball).unwrap(),
        files: packages.iter().map(found).collect(),
        wheels: index_wheels(packages),
        elsewhere: None,
    }
}

#[test]
fn it_holds_the_runtime_the_packages_and_the_lock() {
    let packages = [Package::index("black", "numpy").requested(), Package::distribution("numpy", "")];
    let text = distribution_lock(&info(), &packages);
    let lock = larder_lock(&packages, &text);
    let folder = ingredients(&lock, &packages, &text).lay_out().unwrap();
    let names: Vec<&str> = folder.layout.files().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "black-1.0-py3-none-any.whl",
            "numpy-1.0-py3-none-any.whl",
            "package.json",
            "pyodide-lock.json",
            "pyodide.asm.js",
            "pyodide.asm.wasm",
            "pyodide.mjs",
            "python_stdlib.zip",
        ]
    );
    assert_eq!(ingredients(&lock, &packages, &text).lay_out().unwrap(), folder, "twice the same");
}

#[test]
fn a_runtime_with_another_lock_is_refused() {
    let packages = [Package::distribution("numpy", "").requested()];
    let text = distribution_lock(&info(), &packages);
    let lock = larder_lock(&packages, &text);
    let other = text.replace("numpy-1.0", "numpy-1.1");
    let message = ingredients(&lock, &packages, &other).lay_out().unwrap_err().to_string();
    assert!(
        message.starts_with("pyodide-lock.json of pyodide 0.28.3 is not the one that larder.lock was made with"),
        "{message}"
    );
}

#[test]
fn two_files_of_one_name_are_refused() {
    let packages = [Package::index("a", ""), Package::index("b", "").requested()];
    let text = distribution_lock(&info(), &packages);
    let mut lock = larder_lock(&packages, &text);
    lock.packages[1].file_name = lock.packages[0].file_name.clone();
    let message = ingredients(&lock, &packages, &text).lay_out().unwrap_err().to_string();
    assert_eq!(message, "two files of the folder have the name a-1.0-py3-none-any.whl: that of b and another");
    lock.packages[1].file_name = FileName::parse("package.json").unwrap();
    assert!(matches!(ingredients(&lock, &packages, &text).lay_out(), Err(FolderError::SameName { .. })));
}
