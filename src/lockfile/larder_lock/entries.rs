//! `larder.lock` as entries: the runtime's tarball and each package's file, and each download.

use larder_store::digest::{Digest, Integrity};

use super::{
    download::{PlatformWord, RecordedAbsence, RecordedContent, RecordedDownload, RecordedLibc, Requester},
    lock::{LarderLock, LockedPackage, LockedSource, PyodideLock},
};
use crate::{
    core::{
        artifact::{Artifact, Conditions, Ecosystem, PackageName, Source, Version},
        recorded_url::RecordedUrl,
    },
    lockfile::{
        entry::{Entry, EntryKind, Reading, RecordedAnswer, RecordedEntry},
        package::UNSTATED_VERSION,
    },
};

/// The entry of the runtime's tarball: no package is called so, since a name in its normal form has no brackets.
const RUNTIME: &str = "[runtime]";

/// The npm package that a runtime is.
pub const RUNTIME_PACKAGE: &str = "pyodide";

/// The entries of a lock.
pub(in crate::lockfile) fn entries(lockfile: &str, lock: &LarderLock) -> Reading {
    let mut entries: Vec<Entry> = lock.pyodide.iter().flat_map(of_pyodide).collect();
    // No package's name is an address.
    let entry = |url: &RecordedUrl, recorded| Entry {
        path: url.as_str().into(),
        kind: EntryKind::Recorded(Box::new(recorded)),
    };
    entries.extend(lock.downloads.iter().map(|row| entry(&row.url, of_download(row))));
    entries.extend(lock.absent.iter().map(|row| entry(&row.url, of_absence(row))));
    Reading { lockfile: lockfile.into(), entries, missing: Vec::new() }
}

fn of_pyodide(lock: &PyodideLock) -> impl Iterator<Item = Entry> {
    let packages = lock.packages.iter().map(|package| Entry {
        path: package.name.as_str().into(),
        kind: EntryKind::Artifact(artifact(lock, package)),
    });
    let runtime = Entry { path: RUNTIME.into(), kind: EntryKind::Artifact(runtime(lock)) };
    [runtime].into_iter().chain(packages)
}

fn of_absence(row: &RecordedAbsence) -> RecordedEntry {
    RecordedEntry { answer: RecordedAnswer::Absent(row.status), content_type: None, by: row.by.clone() }
}

fn of_download(row: &RecordedDownload) -> RecordedEntry {
    let answer = match &row.content {
        RecordedContent::Stored { sha256, size } => RecordedAnswer::File(file(row, *sha256, *size)),
        RecordedContent::Inline(_) => RecordedAnswer::Inline(row.content.sha256()),
    };
    RecordedEntry { answer, content_type: row.content_type.clone(), by: row.by.clone() }
}

fn file(row: &RecordedDownload, sha256: Digest, size: u64) -> Artifact {
    let (name, version) = called(row);
    let one = |word: Option<&str>| word.into_iter().map(Into::into).collect();
    let platform = &row.platform;
    Artifact {
        ecosystem: Ecosystem::Download,
        name,
        version,
        source: Source::Recorded { url: row.url.clone() },
        integrity: Some(Integrity::from(sha256)),
        size: Some(size),
        conditions: Conditions {
            os: one(platform.os.as_ref().map(PlatformWord::as_str)),
            cpu: one(platform.cpu.as_ref().map(PlatformWord::as_str)),
            libc: one(platform.libc.map(RecordedLibc::name)),
            ..Conditions::default()
        },
    }
}

/// What a download is called: as the first package that asks for it; where scripts alone do, as its file, or its host if the address has no file's name.
fn called(row: &RecordedDownload) -> (PackageName, Version) {
    let package = row.by.iter().find_map(|requester| match requester {
        Requester::Package { name, version } => Some((name.clone(), version.clone())),
        Requester::Script(_) => None,
    });
    package.unwrap_or_else(|| {
        let file = row.url.as_url().path().rsplit('/').find(|part| !part.is_empty());
        let name = file.and_then(|file| PackageName::parse(file).ok());
        let host = || PackageName::parse(row.url.host()).expect("a host is a name");
        (name.unwrap_or_else(host), Version::parse(UNSTATED_VERSION).expect("a constant version is one"))
    })
}

fn runtime(lock: &PyodideLock) -> Artifact {
    let version = lock.runtime.release.version();
    Artifact {
        ecosystem: Ecosystem::Npm,
        name: PackageName::parse(RUNTIME_PACKAGE).expect("a constant name is one"),
        version: Version::parse(version.as_str()).expect("a release is a version"),
        source: Source::Registry { resolved: lock.runtime.url.clone() },
        integrity: lock.runtime.integrity.clone(),
        size: None,
        conditions: Conditions::default(),
    }
}

fn artifact(lock: &PyodideLock, package: &LockedPackage) -> Artifact {
    let (ecosystem, source) = match &package.source {
        LockedSource::Distribution => {
            let release = lock.runtime.release.version().clone();
            (Ecosystem::Pyodide, Source::Distribution { release, file_name: package.file_name.clone() })
        }
        LockedSource::Index { place } => (Ecosystem::Python, Source::Index { place: place.clone() }),
    };
    Artifact {
        ecosystem,
        name: PackageName::parse(package.name.as_str()).expect("a normalised name is one"),
        version: package.version.clone(),
        source,
        integrity: Some(Integrity::from(package.sha256)),
        size: package.size,
        conditions: Conditions::default(),
    }
}
