//! A wheelhouse: the wheels of a `larder.lock`, and an index of them for pip and micropip. Pure.
//!
//! ```text
//! black-26.5.1-py3-none-any.whl …    pip install --no-index --find-links DIR
//! simple/index.html                  the projects, as PEP 503 has them
//! simple/black/index.html            pip install --index-url file://DIR/simple
//! ```
//!
//! Addresses are relative, so the folder can be served from anywhere. Archives of shared libraries are no wheels and are left out.

use std::{collections::BTreeMap, fmt::Write as _};

use larder_store::key::BlobRef;

use crate::core::layout::{Content, Layout};
use crate::{
    lockfile::larder_lock::{LockedPackage, PyodideLock},
    python::name::ProjectName,
};

const INDEX: &str = "simple";

/// The wheels that are here, and their index.
pub fn wheelhouse(lock: &PyodideLock, files: &BTreeMap<ProjectName, BlobRef>) -> Layout {
    let mut layout = Layout::default();
    let wheels = lock.packages.iter().filter(|package| package.file_name.is_wheel());
    let mut projects = String::new();
    for package in wheels {
        let Some(found) = files.get(&package.name) else { continue };
        layout.insert(package.file_name.to_string(), Content::Blob(*found));
        layout.insert(format!("{INDEX}/{}/index.html", package.name), Content::Bytes(project(package).into_bytes()));
        writeln!(projects, "<a href=\"{0}/\">{0}</a><br>", package.name).expect("a string takes everything");
    }
    layout.insert(format!("{INDEX}/index.html"), Content::Bytes(page("Simple index", &projects).into_bytes()));
    layout
}

// Names of files and projects hold nothing that HTML would read as its own; a plus sign is the only character that an address writes otherwise.
fn project(package: &LockedPackage) -> String {
    let file = package.file_name.as_str();
    let sha256 = package.sha256.to_hex();
    let link = format!("<a href=\"../../{}#sha256={sha256}\">{file}</a><br>\n", file.replace('+', "%2B"));
    page(&format!("Links for {}", package.name), &link)
}

fn page(title: &str, links: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"pypi:repository-version\" content=\"1.0\">\n<title>{title}</title>\n</head>\n\
         <body>\n<h1>{title}</h1>\n{links}</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use larder_store::digest::BlobId;

    use super::*;
    use crate::{
        core::file_name::FileName,
        pyodide::testing::packages::{Package, distribution_lock, info, larder_lock},
    };

    #[test]
    fn every_wheel_has_its_page() {
        let packages = [
            Package::index("black", "numpy").requested(),
            Package::distribution("numpy", ""),
            Package::distribution("openblas", ""),
        ];
        let mut lock = larder_lock(&packages, &distribution_lock(&info(), &packages));
        lock.packages[1].file_name = FileName::parse("numpy-1.0+a-py3-none-any.whl").unwrap();
        lock.packages[2].file_name = FileName::parse("openblas-1.0.zip").unwrap();
        let found = |package: &Package| (package.project(), BlobRef { blob: BlobId::of(&package.bytes()), size: 1 });
        let layout = wheelhouse(&lock, &packages.iter().map(found).collect());
        let paths: Vec<&str> = layout.files().map(|(path, _)| path).collect();
        assert_eq!(
            paths,
            [
                "black-1.0-py3-none-any.whl",
                "numpy-1.0+a-py3-none-any.whl",
                "simple/black/index.html",
                "simple/index.html",
                "simple/numpy/index.html",
            ]
        );
        let text = |path: &str| match layout.get(path) {
            Some(Content::Bytes(bytes)) => String::from_utf8(bytes.clone()).unwrap(),
            other => panic!("{path}: {other:?}"),
        };
        let digest = lock.packages[1].sha256.to_hex();
        assert!(text("simple/numpy/index.html").contains(&format!(
            "<a href=\"../../numpy-1.0%2Ba-py3-none-any.whl#sha256={digest}\">numpy-1.0+a-py3-none-any.whl</a>"
        )));
        assert!(text("simple/index.html").contains("<a href=\"black/\">black</a><br>\n<a href=\"numpy/\">numpy</a>"));
    }
}
