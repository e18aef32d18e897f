//! The files of a project that tell what its builds fetch besides what lockfiles name: scripts, a Pyodide lock, Dockerfiles. They are read and never changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read as _,
    path::Path,
};

use super::{
    dockerfile::{self, Seen},
    package_lists::{self, Locked},
};
use crate::dockerfile::Scripts;

/// Folders that bundlers copy as they are, the likeliest first.
pub(super) const STATIC_FOLDERS: [&str; 3] = ["static", "public", "assets"];

/// Folders that such scripts are in; the first is the project's own.
const SCRIPT_FOLDERS: [&str; 5] = ["", "scripts", "tools", "bin", "build"];

/// What scripts of node end with.
const SCRIPT_ENDS: [&str; 6] = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"];

/// What files are called that only begin as a Dockerfile is.
const NO_DOCKERFILES: [&str; 9] = [".dockerignore", ".md", ".txt", ".orig", ".bak", ".tmpl", ".template", ".j2", "~"];

/// Source code about Dockerfiles is called so, in lower case; `Dockerfile.go` may well be one.
const CODE_ENDS: [&str; 8] = [".rs", ".go", ".py", ".rb", ".sh", ".json", ".yaml", ".yml"];

/// Longer files are nobody's script or Dockerfile; a distribution's lock has 200 kB.
const LONGEST: u64 = 8 * 1024 * 1024;

/// What was found, each with its file's path in the project.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct OwnFiles {
    /// Scripts that fetch Pyodide, and the packages that they name.
    pub(super) scripts: Vec<(String, Vec<String>)>,
    /// Locks of Pyodide.
    pub(super) locks: Vec<(String, Locked)>,
    /// Dockerfiles, and what was seen in them.
    pub(super) dockerfiles: Vec<(String, Vec<Seen>)>,
}

impl OwnFiles {
    /// Looks into a project's folder. What cannot be read is not there.
    pub(super) fn find(folder: &Path) -> Self {
        let npm_scripts = npm_scripts(folder);
        let scripts: Vec<(String, Vec<String>)> = script_files(folder, &npm_scripts)
            .into_iter()
            .filter_map(|file| {
                let text = read(&folder.join(&file))?;
                let text = String::from_utf8_lossy(&text);
                (is_about_pyodide(&file) || is_about_pyodide(&text)).then(|| (file, package_lists::of_script(&text)))
            })
            .collect();
        let fetching: Vec<String> = scripts.iter().map(|(file, _)| file.clone()).collect();
        let dockerfiles = dockerfiles(folder).into_iter().filter_map(|name| {
            let text = read(&folder.join(&name))?;
            let scripts = Scripts { by_name: &npm_scripts, fetching: &fetching };
            let seen = dockerfile::look(&String::from_utf8_lossy(&text), scripts);
            Some((name, seen))
        });
        Self { dockerfiles: dockerfiles.collect(), locks: locks(folder), scripts }
    }

    /// The packages that a script names or, if none does, those of a lock.
    pub(super) fn packages(&self) -> Vec<String> {
        let of_scripts: BTreeSet<&String> = self.scripts.iter().flat_map(|(_, packages)| packages).collect();
        let of_locks: BTreeSet<&String> = self.locks.iter().flat_map(|(_, lock)| &lock.chosen).collect();
        let packages = if of_scripts.is_empty() { of_locks } else { of_scripts };
        packages.into_iter().cloned().collect()
    }

    /// The release that a lock was made for.
    pub(super) fn release(&self) -> Option<&str> {
        self.locks.iter().find_map(|(_, lock)| lock.release.as_deref())
    }
}

/// The names of a folder's Dockerfiles.
pub(super) fn dockerfiles(folder: &Path) -> Vec<String> {
    names_in(folder).into_iter().filter(|name| is_dockerfile(name) && folder.join(name).is_file()).collect()
}

fn is_about_pyodide(text: &str) -> bool {
    text.to_ascii_lowercase().contains("pyodide")
}

fn is_dockerfile(name: &str) -> bool {
    if name.starts_with("dockerfile.") && (is_script(name) || CODE_ENDS.iter().any(|end| name.ends_with(end))) {
        return false;
    }
    let name = name.to_ascii_lowercase();
    name == "containerfile"
        || name == "dockerfile"
        || name.starts_with("dockerfile.") && NO_DOCKERFILES.iter().all(|end| !name.ends_with(end))
        || name.ends_with(".dockerfile")
}

fn is_script(name: &str) -> bool {
    SCRIPT_ENDS.iter().any(|end| name.ends_with(end)) && !name.ends_with(".d.ts")
}

/// Those named for Pyodide in the usual folders, and those that package.json runs.
fn script_files(folder: &Path, npm_scripts: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for below in SCRIPT_FOLDERS {
        let named = names_in(&folder.join(below)).into_iter().filter(|name| is_script(name) && is_about_pyodide(name));
        files.extend(named.map(|name| if below.is_empty() { name } else { format!("{below}/{name}") }));
    }
    let words = npm_scripts.values().flat_map(|text| text.split([' ', '"', '\'', ';', '&', '|']));
    let own = words.filter(|word| is_script(word) && !word.starts_with('/') && !word.contains(".."));
    // A configuration of a bundler may well speak of Pyodide; a program that node is given does something.
    let own = own.filter(|word| !word.contains(".config.") && folder.join(word).is_file());
    files.extend(own.map(|word| word.trim_start_matches("./").to_owned()));
    files
}

/// The `scripts` of package.json.
pub(super) fn npm_scripts(folder: &Path) -> BTreeMap<String, String> {
    let manifest = read(&folder.join("package.json")).and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let manifest: serde_json::Value = manifest.unwrap_or_default();
    let scripts = manifest.get("scripts").and_then(|scripts| scripts.as_object());
    let texts =
        scripts.into_iter().flatten().filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned())));
    texts.collect()
}

fn locks(folder: &Path) -> Vec<(String, Locked)> {
    let below = STATIC_FOLDERS.iter().flat_map(|name| [format!("{name}/pyodide/"), format!("{name}/")]);
    let below = below.chain([String::new(), "pyodide/".to_owned()]);
    below
        .filter_map(|below| {
            let file = format!("{below}pyodide-lock.json");
            let bytes = read(&folder.join(&file))?;
            // A name is nothing but a name: it leads nowhere else.
            let is_there = |name: &str| !name.contains('/') && folder.join(&below).join(name).is_file();
            Some((file, package_lists::of_lock(&bytes, is_there)?))
        })
        .collect()
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// An ordinary file of a bounded length.
fn read(path: &Path) -> Option<Vec<u8>> {
    let is_short = fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LONGEST);
    if !is_short {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_about_dockerfiles_is_none() {
        for name in [
            "Dockerfile",
            "dockerfile",
            "Containerfile",
            "Dockerfile.web",
            "dockerfile.web",
            "web.Dockerfile",
            "Dockerfile.go",
        ] {
            assert!(is_dockerfile(name), "{name}");
        }
        for name in [
            "dockerfile.rs",
            "dockerfile.ts",
            "dockerfile.yml",
            "Dockerfile.md",
            "Dockerfile.dockerignore",
            "mydockerfile",
        ] {
            assert!(!is_dockerfile(name), "{name}");
        }
    }
}
