//! What holds for any bytes that a parser is given: the properties that the fuzz targets (`fuzz/`) and the tests beside this file state.
//!
//! Each function takes bytes from anywhere, and panics if its property does not hold. It is compiled for tests and for fuzzing alone.

use std::{io::Cursor, path::Path};

use larder_store::digest::Integrity;

use crate::{
    config::{larder_toml::LarderToml, npmrc},
    core::{artifact::Source, manifest::Manifest, recorded_url::RecordedUrl},
    lockfile::{
        self, EntryKind, Reading, YarnLock,
        larder_lock::{LARDER_LOCK, LarderLock},
    },
    npm::tarball::package_json,
    plan::Plan,
    pyodide::{
        distribution::Distribution,
        index::{page, wheel_metadata},
        lint::{FolderContents, lint},
        wheel::Wheel,
    },
    python::{metadata::Metadata, name::ProjectName, requirement::Requirement, wheel_name::WheelName},
};

#[cfg(test)]
mod tests;

/// A property of any bytes: it panics if it does not hold.
pub type Property = fn(&[u8]);

/// Every property, by the name of its fuzz target.
pub const ALL: [(&str, Property); 13] = [
    ("bun_lockfile", bun_lockfile),
    ("distribution", distribution),
    ("integrity", integrity),
    ("larder_lock", larder_lock),
    ("larder_toml", larder_toml),
    ("npm_lockfile", npm_lockfile),
    ("npmrc", npmrc),
    ("pnpm_lockfile", pnpm_lockfile),
    ("python_index", python_index),
    ("python_metadata", python_metadata),
    ("tarball", tarball),
    ("wheel", wheel),
    ("yarn_lockfile", yarn_lockfile),
];

/// Any bytes as bun's lockfile.
pub fn bun_lockfile(bytes: &[u8]) {
    lockfile("bun.lock", bytes);
}

/// Any bytes as npm's lockfile: what git gives has no digest of a tarball.
pub fn npm_lockfile(bytes: &[u8]) {
    let Some(reading) = lockfile("package-lock.json", bytes) else { return };
    for entry in reading.entries {
        if let EntryKind::Artifact(artifact) = entry.kind {
            assert!(!matches!(artifact.source, Source::Git { .. }) || artifact.integrity.is_none(), "{artifact:?}");
        }
    }
}

/// Any bytes as pnpm's lockfile.
pub fn pnpm_lockfile(bytes: &[u8]) {
    lockfile("pnpm-lock.yaml", bytes);
}

/// Any bytes as a `yarn.lock`: what is read is of one of yarn's two kinds.
pub fn yarn_lockfile(bytes: &[u8]) {
    let kind = YarnLock::of("yarn.lock", bytes);
    let Some(reading) = lockfile("yarn.lock", bytes) else { return };
    // Nobody can tell whose a blank one is.
    let is_blank = std::str::from_utf8(bytes).is_ok_and(|text| text.trim_start_matches('\u{feff}').trim().is_empty());
    assert!(if is_blank { kind.is_none() && reading.entries.is_empty() } else { kind.is_some() });
}

/// What holds for every lockfile: no panic, and a plan whose sum adds up and whose digest the order of entries does not change; or an error that names the file.
fn lockfile(name: &str, bytes: &[u8]) -> Option<Reading> {
    let reading = match lockfile::read(name, bytes) {
        Ok(reading) => reading,
        Err(error) => {
            assert!(error.to_string().starts_with(name), "{error}");
            return None;
        }
    };
    // What else the same bytes say is read leniently.
    lockfile::manifests(name, bytes).all().for_each(|manifest| drop(manifest.peers()));
    lockfile::local_tarballs(name, bytes);
    lockfile::stated_version(bytes);
    let mut turned = reading.clone();
    turned.entries.reverse();
    match (Plan::new(std::slice::from_ref(&reading)), Plan::new(&[turned])) {
        (Ok(plan), Ok(turned)) => {
            let sum = plan.sum();
            let none = sum.bundled + sum.patches + sum.links + sum.local_folders + sum.local_files + sum.projects;
            assert_eq!((sum.inline, sum.absent, sum.unused), (0, 0, 0), "they are larder.lock's");
            assert_eq!(sum.entries, sum.artifacts + sum.repeats + none + sum.unfetchable);
            assert_eq!(plan, turned);
            assert_eq!(plan.digest(), turned.digest());
        }
        (one, other) => assert_eq!(one.is_err(), other.is_err()),
    }
    Some(reading)
}

/// Any bytes as a `larder.lock`: what is read is read again from what it is written as, is planned whole, and leads to no private address; an error names the
/// file.
pub fn larder_lock(bytes: &[u8]) {
    let lock = match LarderLock::parse(LARDER_LOCK, bytes) {
        Ok(lock) => lock,
        Err(error) => {
            assert!(error.to_string().starts_with(LARDER_LOCK), "{error}");
            return;
        }
    };
    let text = lock.to_text();
    let again = LarderLock::parse(LARDER_LOCK, text.as_bytes()).expect("what is written is a larder.lock");
    assert_eq!(again.to_text(), text);
    assert_eq!(again, lock);
    let urls = lock.downloads.iter().map(|row| &row.url).chain(lock.absent.iter().map(|row| &row.url));
    for url in urls {
        assert_eq!(RecordedUrl::parse(url.as_str()).as_ref(), Ok(url));
        assert!(url.as_url().domain().is_some_and(|host| host.contains('.')), "{url}");
    }
    let reading = lockfile::of_larder_lock(LARDER_LOCK, &lock);
    let entries = lock.pyodide.as_ref().map_or(0, |pyodide| 1 + pyodide.packages.len());
    assert_eq!(reading.entries.len(), entries + lock.downloads.len() + lock.absent.len());
    if let Ok(plan) = Plan::new(&[reading]) {
        let sum = plan.sum();
        assert_eq!(sum.entries, sum.artifacts + sum.repeats + sum.inline + sum.absent);
    }
}

/// Any bytes as a `larder.toml`: every error names the file.
pub fn larder_toml(bytes: &[u8]) {
    if let Err(error) = LarderToml::parse(bytes, Path::new("larder.toml")) {
        assert!(error.to_string().contains("larder.toml"), "{error}");
    }
}

/// Any bytes as an `.npmrc`: no more settings than lines, no key over two lines but by an escape, and a comment at the end changes nothing.
pub fn npmrc(bytes: &[u8]) {
    let settings = npmrc::parse(bytes);
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).count();
    assert!(settings.len() <= lines, "{} settings in {lines} lines", settings.len());
    // A quoted key is JSON, in which a line end is an escape.
    let escapes = bytes.contains(&b'\\');
    assert!(escapes || settings.keys().all(|key| !key.contains(['\n', '\r'])), "{:?}", settings.keys());
    let with_comment = [bytes, b"\n; a comment\n"].concat();
    assert_eq!(npmrc::parse(&with_comment), settings);
}

/// Any text as an integrity: what is read is read again from what it is written as.
pub fn integrity(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(integrity) = text.parse::<Integrity>() {
        let again: Integrity = integrity.to_string().parse().expect("what is written is an integrity");
        assert_eq!(again, integrity);
    }
}

/// Any bytes as a tarball and as the `package.json` in it: no more memory than a `package.json` may have.
pub fn tarball(bytes: &[u8]) {
    if let Ok(found) = package_json(bytes) {
        assert!(found.len() <= 16 << 20);
    }
    if let Ok(manifest) = Manifest::from_package_json(bytes) {
        manifest.peers();
    }
}

/// Any bytes as a distribution's lock, and as the lock of a folder that is checked: every key is a name.
pub fn distribution(bytes: &[u8]) {
    if let Ok(read) = Distribution::read("pyodide-lock.json", bytes) {
        for (name, package) in read.packages() {
            assert_eq!(ProjectName::parse(&package.key).as_ref(), Ok(name));
        }
    }
    lint(&FolderContents { lock: Some(("pyodide-lock.json", bytes.to_vec())), ..FolderContents::default() });
}

/// Any bytes as an index's list of files, in both forms, and as a wheel whose metadata is looked for.
pub fn python_index(bytes: &[u8]) {
    let url = "https://index.example/simple/a/".parse().expect("a constant address is one");
    let _ = page::read(bytes, Some("application/vnd.pypi.simple.v1+json"), &url);
    let _ = page::read(bytes, Some("text/html"), &url);
    let _ = wheel_metadata::metadata_of(bytes, &ProjectName::parse("a").expect("a constant name is one"));
}

/// Any bytes as a wheel's `METADATA`, as a requirement, and as a wheel's name, which is written as it was read.
pub fn python_metadata(bytes: &[u8]) {
    drop(Metadata::parse(bytes));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = Requirement::parse(text);
    if let Ok(wheel) = WheelName::parse(text) {
        assert_eq!(wheel.to_string(), text);
        assert!(wheel.tags().count() > 0);
    }
}

/// Any bytes as a wheel: no more memory than its metadata may have, and modules that are names.
pub fn wheel(bytes: &[u8]) {
    let name = WheelName::parse("a-1.0-py3-none-any.whl").expect("a constant name is one");
    if let Ok(wheel) = Wheel::read(&name, &mut Cursor::new(bytes)) {
        assert!(wheel.metadata().len() <= 8 << 20);
        assert!(wheel.imports().iter().all(|module| !module.contains('/')));
    }
}
