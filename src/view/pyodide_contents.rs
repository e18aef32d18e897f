//! The contents of a folder that Pyodide loads from: the digest of every file, its lock, and what is wrong with its wheels.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek as _},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use larder_store::{
    digest::{Algorithm, Digest, Hasher},
    hash::hash_into,
};

use crate::{
    core::{
        error_chain::chain,
        path_error::{AtPath as _, PathError},
    },
    pyodide::{
        lint::{FolderContents, LOCKS},
        wheel::Wheel,
    },
    python::wheel_name::WheelName,
};

/// The longest lock has 300 kB. 64 MiB.
const LONGEST_LOCK: u64 = 64 << 20;
/// The longest `pyodide.asm.js` has 2 MB. 64 MiB.
const LONGEST_GLUE: u64 = 64 << 20;
const GLUE: [&str; 2] = ["pyodide.asm.mjs", "pyodide.asm.js"];

/// What a folder holds, and how many bytes that is. Links to folders are not followed.
pub fn read_contents(folder: &Path, threads: usize) -> Result<(FolderContents, u64), PathError> {
    let mut paths = Vec::new();
    walk(folder, "", &mut paths)?;
    let next = AtomicUsize::new(0);
    let read = Mutex::new(Vec::with_capacity(paths.len()));
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, paths.len().max(1)) {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = read_file(folder, path);
                    read.lock().unwrap_or_else(PoisonError::into_inner).push((path, result));
                }
            });
        }
    });
    let mut read = read.into_inner().unwrap_or_else(PoisonError::into_inner);
    read.sort_unstable_by_key(|(path, _)| *path);
    let (mut files, mut bad_wheels, mut bytes) = (BTreeMap::new(), BTreeMap::new(), 0);
    for (path, result) in read {
        let file = result?;
        bytes += file.len;
        bad_wheels.extend(file.bad_wheel.map(|why| (path.clone(), why)));
        files.insert(path.clone(), file.sha256);
    }
    let has = |name: &&&str| files.contains_key(**name);
    let lock = LOCKS.iter().find(has).map(|name| Ok((*name, read_whole(folder, name, LONGEST_LOCK)?)));
    let glue = GLUE.iter().find(has).map(|name| read_whole(folder, name, LONGEST_GLUE));
    let glue = glue.transpose()?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok((FolderContents { lock: lock.transpose()?, glue, files, bad_wheels }, bytes))
}

fn walk(root: &Path, below: &str, paths: &mut Vec<String>) -> Result<(), PathError> {
    let folder = root.join(below);
    for entry in fs::read_dir(&folder).at("list", &folder)? {
        let entry = entry.at("list", &folder)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if entry.file_type().at("look at", &entry.path())?.is_dir() {
            walk(root, &path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

struct FileContents {
    sha256: Digest,
    len: u64,
    bad_wheel: Option<String>,
}

fn read_file(root: &Path, path: &str) -> Result<FileContents, PathError> {
    let file_path = root.join(path);
    let mut file = File::open(&file_path).at("open", &file_path)?;
    let mut hasher = Hasher::new([Algorithm::Sha256]);
    hash_into(&mut file, &mut hasher, u64::MAX).at("read", &file_path)?;
    let len = hasher.len();
    file.rewind().at("read", &file_path)?;
    let name = path.rsplit('/').next().and_then(|name| WheelName::parse(name).ok());
    // A name that is no wheel's is named where the lock is checked.
    let bad_wheel = name.and_then(|name| Wheel::read(&name, &mut file).err()).map(|error| chain(&error).join(": "));
    Ok(FileContents { sha256: hasher.finish().digests[0], len, bad_wheel })
}

fn read_whole(root: &Path, name: &str, longest: u64) -> Result<Vec<u8>, PathError> {
    let path = root.join(name);
    let mut bytes = Vec::new();
    File::open(&path).and_then(|file| file.take(longest + 1).read_to_end(&mut bytes)).at("read", &path)?;
    if bytes.len() as u64 > longest {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge)).at("read", &path);
    }
    Ok(bytes)
}
