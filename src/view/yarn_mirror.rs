//! An offline mirror of yarn 1: a folder of tarballs in which yarn looks for each file before it makes a request. Pure.
//!
//! yarn derives the file's name from the address in its lockfile. For a registry's address it is the scope and the last path segment (`@scope-name-1.0.0.tgz`); for any
//! other it is the last segment alone.

use percent_encoding::percent_decode_str;

use crate::core::layout::{Content, Layout};
use crate::npm::PackageVersion;

/// A mirror, and what has no place in it.
#[derive(Debug, Default)]
pub struct Mirror {
    /// The files.
    pub layout: Layout,
    /// Packages whose file would have the name of another one's: the first in the plan has it.
    pub left_out: Vec<LeftOut>,
}

/// A package that another one's file stands in the way of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Name and version.
    pub package: String,
    /// The file's name.
    pub file: String,
}

/// Every tarball that is here, under the name that yarn looks for.
pub fn yarn_mirror(versions: &[PackageVersion]) -> Mirror {
    let mut mirror = Mirror::default();
    for version in versions {
        let Some(found) = version.found else { continue };
        let Some(file) = file_name(version.address.path()) else { continue };
        match mirror.layout.get(&file) {
            Some(Content::Blob(other)) if other.blob != found.blob => {
                mirror.left_out.push(LeftOut { package: version.artifact.to_string(), file });
            }
            _ => mirror.layout.insert(file, Content::Blob(found)),
        }
    }
    mirror
}

/// The name that yarn looks for, by an address's path; `None` for an address that ends in no name.
fn file_name(path: &str) -> Option<String> {
    let (folder, file) = path.rsplit_once('/')?;
    if matches!(file, "" | "." | "..") {
        return None;
    }
    Some(match scope(folder) {
        Some(scope) => format!("{scope}-{file}"),
        None => file.to_owned(),
    })
}

/// The scope in a registry's folder, `…/@scope/name/-`, `…/@scope%2fname/-`; some registries repeat it behind.
fn scope(folder: &str) -> Option<String> {
    let is_scope = |part: &str| part.starts_with('@') && part.len() > 1;
    let folder = folder.rsplit_once('/').filter(|(_, last)| is_scope(last)).map_or(folder, |(before, _)| before);
    let package = folder.strip_suffix("/-").or_else(|| folder.strip_suffix("/_attachments"))?;
    let (before, name) = package.rsplit_once('/')?;
    let name = percent_decode_str(name).decode_utf8_lossy();
    let scope = match name.split_once('/') {
        Some((scope, _)) => scope.to_owned(),
        None => before.rsplit('/').next()?.to_owned(),
    };
    is_scope(&scope).then_some(scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_name_that_yarn_looks_for() {
        for (path, name) in [
            ("/react/-/react-18.2.0.tgz", Some("react-18.2.0.tgz")),
            ("/@scope/name/-/name-1.0.0.tgz", Some("@scope-name-1.0.0.tgz")),
            ("/npm/mirror/@scope/name/-/name-1.0.0.tgz", Some("@scope-name-1.0.0.tgz")),
            ("/@scope%2fname/-/name-1.0.0.tgz", Some("@scope-name-1.0.0.tgz")),
            ("/@scope/name/-/@scope/name-1.0.0.tgz", Some("@scope-name-1.0.0.tgz")),
            ("/name/_attachments/name-1.0.0.tgz", Some("name-1.0.0.tgz")),
            ("/owner/name/tar.gz/0123456789abcdef", Some("0123456789abcdef")),
            ("/files/a.tgz", Some("a.tgz")),
            ("/@scope/files/a.tgz", Some("a.tgz")),
            ("/files/", None),
            ("/", None),
        ] {
            assert_eq!(file_name(path).as_deref(), name, "{path}");
        }
    }
}
