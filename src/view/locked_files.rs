//! The files of a `larder.lock`, loaded from the store: the runtime unpacked, each package's blob, and the metadata of the wheels from the index.
//!
//! Every byte is read and compared with the digests of `larder.lock`, whatever the store says of it. All files that are missing or wrong are named at once.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Seek as _},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use larder_store::{
    Store, StoreError,
    digest::{Hasher, Integrity},
    hash::hash_into,
    key::{BlobRef, Wanted},
};

use crate::{
    core::error_chain::chain,
    lockfile::larder_lock::{LockedPackage, LockedSource, PyodideLock},
    pyodide::{
        runtime_files::{RuntimeFiles, RuntimeFilesError},
        wheel::{Wheel, WheelError},
    },
    python::{
        name::ProjectName,
        wheel_name::{WheelName, WheelNameError},
    },
};

/// Of the problems, how many a message lists.
const LISTED_PROBLEMS: usize = 30;

/// The files of a `larder.lock`, from the store.
#[derive(Debug)]
pub struct LockedFiles {
    /// The runtime; `None` if it was not asked for.
    pub core: Option<RuntimeFiles>,
    /// The file of each package.
    pub files: BTreeMap<ProjectName, BlobRef>,
    /// The wheels of the index.
    pub wheels: BTreeMap<ProjectName, Wheel>,
}

/// Why they could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockedFilesError {
    /// The store cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Files that are missing or wrong.
    #[error("{}", lines(.problems))]
    Problems {
        /// All of them, by package.
        problems: Vec<LockedFileProblem>,
    },
}

/// What is wrong with one file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockedFileProblem {
    /// It is not there.
    #[error("{what} is not in the store ({integrity})")]
    Missing {
        /// The package and its version.
        what: String,
        /// What it is looked up by.
        integrity: Integrity,
    },
    /// `larder.lock` does not say which bytes it is.
    #[error("larder.lock states no integrity of {what}")]
    NoIntegrity {
        /// The package and its version.
        what: String,
    },
    /// Its bytes are others.
    #[error("{what}: the bytes in the store are not those of larder.lock ({integrity})")]
    OtherBytes {
        /// The package and its version.
        what: String,
        /// What they should be.
        integrity: Integrity,
        /// The blob.
        found: BlobRef,
    },
    /// `larder.lock` states another length than the bytes of its own digest have.
    #[error("{what}: larder.lock states {stated} bytes, and the file with its sha256 has {actual}")]
    OtherSize {
        /// The package and its version.
        what: String,
        /// What is stated, bytes.
        stated: u64,
        /// What there is, bytes.
        actual: u64,
    },
    /// It cannot be read.
    #[error("{what}: its blob cannot be read: {source}")]
    Unreadable {
        /// The package and its version.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// The runtime's tarball is none.
    #[error("{}", in_one_line(.0))]
    Core(RuntimeFilesError),
    /// A file of the index that is no wheel.
    #[error(transparent)]
    NoWheel(#[from] WheelNameError),
    /// A wheel that cannot be shipped.
    #[error("{}", in_one_line(.0))]
    Wheel(WheelError),
}

fn in_one_line(error: &(dyn std::error::Error + 'static)) -> String {
    chain(error).join(": ")
}

fn lines(problems: &[LockedFileProblem]) -> String {
    let mut lines: Vec<String> = problems.iter().take(LISTED_PROBLEMS).map(ToString::to_string).collect();
    if problems.len() > LISTED_PROBLEMS {
        lines.push(format!("and {} more", problems.len() - LISTED_PROBLEMS));
    }
    lines.join("\n  ")
}

impl LockedFileProblem {
    /// Whether fetching may help, once what is damaged is out of the way.
    pub const fn is_curable(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::OtherBytes { .. })
    }

    /// The package, the blob that holds other bytes than its own, and what they should be.
    pub fn damaged(&self) -> Option<(&str, BlobRef, &Integrity)> {
        match self {
            Self::OtherBytes { what, found, integrity } => Some((what, *found, integrity)),
            _ => None,
        }
    }
}

impl LockedFilesError {
    /// Whether it is the store's fault.
    pub fn is_of_store(&self) -> bool {
        let is_of_store = |problem: &LockedFileProblem| {
            matches!(problem, LockedFileProblem::OtherBytes { .. } | LockedFileProblem::Unreadable { .. })
        };
        match self {
            Self::Store(_) => true,
            Self::Problems { problems } => problems.iter().any(is_of_store),
        }
    }

    /// What to do about it, if that can be said.
    pub fn hint(&self) -> Option<&'static str> {
        let Self::Problems { problems } = self else { return None };
        let any = |is: fn(&LockedFileProblem) -> bool| problems.iter().any(is);
        if self.is_of_store() {
            Some("`larder verify --repair` fetches again what is damaged")
        } else if any(|problem| matches!(problem, LockedFileProblem::Missing { .. })) {
            Some("`larder fetch` gets what larder.lock names")
        } else if any(|problem| {
            matches!(problem, LockedFileProblem::NoIntegrity { .. } | LockedFileProblem::OtherSize { .. })
        }) {
            Some("`larder lock` writes it anew")
        } else {
            None
        }
    }
}

/// One file that is looked for.
struct Item<'a> {
    what: String,
    integrity: Option<Integrity>,
    package: Option<&'a LockedPackage>,
}

/// What one file gave.
enum Loaded {
    Core(RuntimeFiles),
    Package(ProjectName, BlobRef, Option<Wheel>),
}

/// Loads the packages and, if `with_runtime`, the runtime, with `threads` threads.
pub fn load(
    store: &Store,
    lock: &PyodideLock,
    with_runtime: bool,
    now: jiff::Timestamp,
    threads: usize,
) -> Result<LockedFiles, LockedFilesError> {
    let items = items(lock, with_runtime);
    let wanted: Vec<Wanted> = items.iter().filter_map(|item| item.integrity.clone()).map(Wanted::Integrity).collect();
    let look_up = store.lookup(&wanted, now)?;
    let next = AtomicUsize::new(0);
    let loaded = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let position = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(position) else { break };
                    let found =
                        item.integrity.clone().and_then(|integrity| look_up.find(&Wanted::Integrity(integrity)));
                    let result = item.load(store, lock, found);
                    loaded.lock().unwrap_or_else(PoisonError::into_inner).push((position, result));
                }
            });
        }
    });
    let mut loaded = loaded.into_inner().unwrap_or_else(PoisonError::into_inner);
    loaded.sort_unstable_by_key(|(position, _)| *position);
    gather(loaded.into_iter().map(|(_, result)| result))
}

fn items(lock: &PyodideLock, with_runtime: bool) -> Vec<Item<'_>> {
    let runtime = Item {
        what: format!("pyodide {}", lock.runtime.release.version()),
        integrity: lock.runtime.integrity.clone(),
        package: None,
    };
    let packages = lock.packages.iter().map(|package| Item {
        what: format!("{} {}", package.name, package.version),
        integrity: Some(package.sha256.into()),
        package: Some(package),
    });
    // The runtime first: unpacking it takes as long as all else.
    with_runtime.then_some(runtime).into_iter().chain(packages).collect()
}

fn gather(results: impl Iterator<Item = Result<Loaded, LockedFileProblem>>) -> Result<LockedFiles, LockedFilesError> {
    let mut loaded = LockedFiles { core: None, files: BTreeMap::new(), wheels: BTreeMap::new() };
    let mut problems = Vec::new();
    for result in results {
        match result {
            Ok(Loaded::Core(core)) => loaded.core = Some(core),
            Ok(Loaded::Package(name, found, wheel)) => {
                loaded.wheels.extend(wheel.map(|wheel| (name.clone(), wheel)));
                loaded.files.insert(name, found);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(loaded) } else { Err(LockedFilesError::Problems { problems }) }
}

impl Item<'_> {
    fn load(&self, store: &Store, lock: &PyodideLock, found: Option<BlobRef>) -> Result<Loaded, LockedFileProblem> {
        let what = || self.what.clone();
        let Some(integrity) = &self.integrity else { return Err(LockedFileProblem::NoIntegrity { what: what() }) };
        let Some(found) = found else {
            return Err(LockedFileProblem::Missing { what: what(), integrity: integrity.clone() });
        };
        let unreadable = |source| LockedFileProblem::Unreadable { what: what(), source };
        let opened = store.open_blob(&found.blob);
        let mut file = opened.map_err(|error| unreadable(io::Error::other(error)))?;
        if !is(&mut file, found, integrity).map_err(unreadable)? {
            return Err(LockedFileProblem::OtherBytes { what: what(), integrity: integrity.clone(), found });
        }
        let actual = file.metadata().map_err(unreadable)?.len();
        if let Some(stated) = self.package.and_then(|package| package.size).filter(|stated| *stated != actual) {
            return Err(LockedFileProblem::OtherSize { what: what(), stated, actual });
        }
        file.rewind().map_err(unreadable)?;
        let Some(package) = self.package else {
            return RuntimeFiles::read(lock.runtime.release.version(), file)
                .map(Loaded::Core)
                .map_err(LockedFileProblem::Core);
        };
        let wheel = match package.source {
            LockedSource::Distribution => None,
            LockedSource::Index { .. } => {
                let name = WheelName::parse(package.file_name.as_str())?;
                Some(Wheel::read(&name, &mut file).map_err(LockedFileProblem::Wheel)?)
            }
        };
        Ok(Loaded::Package(package.name.clone(), found, wheel))
    }
}

/// Whether a blob's bytes are those of its name and of the lock.
fn is(file: &mut File, found: BlobRef, integrity: &Integrity) -> io::Result<bool> {
    let mut hasher = Hasher::new(integrity.algorithms());
    hash_into(file, &mut hasher, u64::MAX)?;
    let actual = hasher.finish();
    Ok(actual.blob == found.blob && integrity.agrees_with(&actual.digests))
}
