//! Reads a folder that Pyodide is to load from: the digest of every file, its lock, and what is wrong with its wheels.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use larder_store::digest::{Algorithm, Digest, Hasher};

use crate::{
    fetcher::chain,
    pyodide::{
        check::{Contents, LOCKS},
        wheel::Wheel,
    },
    python::wheel_name::WheelName,
};

const READ_BYTES: usize = 256 << 10;
/// The longest lock has 300 kB. 64 MiB.
const LONGEST_LOCK: u64 = 64 << 20;
/// The longest `pyodide.asm.js` has 2 MB. 64 MiB.
const LONGEST_GLUE: u64 = 64 << 20;
const GLUE: [&str; 2] = ["pyodide.asm.mjs", "pyodide.asm.js"];

/// Why a folder cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct InspectError {
    /// What was tried.
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// The system's error.
    #[source]
    pub source: io::Error,
}

/// What a folder holds, and how many bytes that is. Links to folders are not followed.
pub fn inspect(folder: &Path, threads: usize) -> Result<(Contents, u64), InspectError> {
    let mut paths = Vec::new();
    walk(folder, "", &mut paths)?;
    let next = AtomicUsize::new(0);
    let read = Mutex::new(Vec::with_capacity(paths.len()));
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, paths.len().max(1)) {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = inspect_file(folder, path);
                    read.lock().unwrap_or_else(PoisonError::into_inner).push((path, result));
                }
            });
        }
    });
    let mut read = read.into_inner().unwrap_or_else(PoisonError::into_inner);
    read.sort_unstable_by_key(|(path, _)| *path);
    let (mut files, mut bad_wheels, mut bytes) = (BTreeMap::new(), BTreeMap::new(), 0);
    for (path, result) in read {
        let inspected = result?;
        bytes += inspected.len;
        bad_wheels.extend(inspected.bad_wheel.map(|why| (path.clone(), why)));
        files.insert(path.clone(), inspected.sha256);
    }
    let has = |name: &&&str| files.contains_key(**name);
    let lock = LOCKS.iter().find(has).map(|name| Ok((*name, read_whole(folder, name, LONGEST_LOCK)?)));
    let glue = GLUE.iter().find(has).map(|name| read_whole(folder, name, LONGEST_GLUE));
    let glue = glue.transpose()?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok((Contents { lock: lock.transpose()?, glue, files, bad_wheels }, bytes))
}

fn at<T>(result: io::Result<T>, action: &'static str, path: &Path) -> Result<T, InspectError> {
    result.map_err(|source| InspectError { action, path: path.to_owned(), source })
}

fn walk(root: &Path, below: &str, paths: &mut Vec<String>) -> Result<(), InspectError> {
    let folder = root.join(below);
    for entry in at(fs::read_dir(&folder), "list", &folder)? {
        let entry = at(entry, "list", &folder)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if at(entry.file_type(), "look at", &entry.path())?.is_dir() {
            walk(root, &path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

struct Inspected {
    sha256: Digest,
    len: u64,
    bad_wheel: Option<String>,
}

fn inspect_file(root: &Path, path: &str) -> Result<Inspected, InspectError> {
    let file_path = root.join(path);
    let mut file = at(File::open(&file_path), "open", &file_path)?;
    let mut hasher = Hasher::new([Algorithm::Sha256]);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return at(Err(error), "read", &file_path),
        }
    }
    let len = hasher.len();
    at(file.rewind(), "read", &file_path)?;
    let name = path.rsplit('/').next().and_then(|name| WheelName::parse(name).ok());
    // A name that is no wheel's is named where the lock is checked.
    let bad_wheel = name.and_then(|name| Wheel::read(&name, &mut file).err()).map(|error| chain(&error).join(": "));
    Ok(Inspected { sha256: hasher.finish().digests[0], len, bad_wheel })
}

fn read_whole(root: &Path, name: &str, longest: u64) -> Result<Vec<u8>, InspectError> {
    let path = root.join(name);
    let mut bytes = Vec::new();
    at(File::open(&path).and_then(|file| file.take(longest + 1).read_to_end(&mut bytes)), "read", &path)?;
    if bytes.len() as u64 > longest {
        return at(Err(io::ErrorKind::FileTooLarge.into()), "read", &path);
    }
    Ok(bytes)
}
