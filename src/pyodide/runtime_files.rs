//! [`RuntimeFiles`]: the files of the runtime itself, read from its npm tarball.
//!
//! What a browser asks for, as its requests showed, and `package.json`, by which node finds the entry points:
//!
//! ```text
//! 0.21          pyodide.mjs pyodide.asm.js pyodide.asm.wasm pyodide.asm.data pyodide_py.tar distutils.tar repodata.json
//! 0.22          pyodide.mjs pyodide.asm.js pyodide.asm.wasm pyodide.asm.data pyodide_py.tar repodata.json
//! 0.23          pyodide.mjs pyodide.asm.js pyodide.asm.wasm python_stdlib.zip repodata.json
//! 0.24 to 0.29  pyodide.mjs pyodide.asm.js pyodide.asm.wasm python_stdlib.zip pyodide-lock.json
//! since 314     pyodide.mjs pyodide.asm.mjs pyodide.asm.wasm python_stdlib.zip pyodide-lock.json
//! ```
//!
//! `pyodide.js` is for scripts that are no modules. Types, source maps and consoles are left out.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read},
    ops::ControlFlow,
};

use flate2::bufread::MultiGzDecoder;

use crate::{
    archive::tar::{self, Bounds},
    core::{file_name::FileName, runtime_version::RuntimeVersion, view_marker::MARKER},
};

/// The largest file of 315, its WebAssembly, has 10 MB. 64 MiB.
const LONGEST_FILE: u64 = 64 << 20;
/// How much of the unpacked tarball is read. What is taken of it is in memory at once. 256 MiB.
const BOUNDS: Bounds = Bounds { bytes: 256 << 20, entries: 100_000 };

pub(super) const PACKAGE_JSON: &str = "package.json";
const LOCKS: [&str; 2] = ["pyodide-lock.json", "repodata.json"];
/// What is taken where the release has it, the locks aside.
const FILES: [&str; 10] = [
    PACKAGE_JSON,
    "pyodide.js",
    "pyodide.mjs",
    "pyodide.asm.js",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide.asm.data",
    "pyodide_py.tar",
    "distutils.tar",
];
/// Of each row, all files of one group have to be there.
const NEEDED: [&[&[&str]]; 5] = [
    &[&[PACKAGE_JSON]],
    &[&["pyodide.mjs"]],
    &[&["pyodide.asm.js"], &["pyodide.asm.mjs"]],
    &[&["pyodide.asm.wasm"]],
    &[&["python_stdlib.zip"], &["pyodide.asm.data", "pyodide_py.tar"]],
];

/// The files of a runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeFiles {
    files: BTreeMap<&'static str, Vec<u8>>,
    lock: (&'static str, Vec<u8>),
}

/// Why a tarball is no runtime's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeFilesError {
    /// No archive, or a damaged one.
    #[error("the npm tarball of pyodide {version} cannot be unpacked")]
    Unreadable {
        /// The release.
        version: RuntimeVersion,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file that is longer than any of its kind.
    #[error("the npm tarball of pyodide {version}: {file} is longer than {LONGEST_FILE} bytes")]
    TooLong {
        /// The release.
        version: RuntimeVersion,
        /// The file.
        file: &'static str,
    },
    /// A file without which nothing loads.
    #[error("the npm tarball of pyodide {version} holds no {file}; releases since 0.21 do")]
    Missing {
        /// The release.
        version: RuntimeVersion,
        /// The file, or those of which one is needed.
        file: String,
    },
    /// Another package's tarball, or that of another release.
    #[error("the tarball that should be pyodide {version} says that it is {found}")]
    Other {
        /// The release.
        version: RuntimeVersion,
        /// What its `package.json` says.
        found: String,
    },
}

impl RuntimeFiles {
    /// Reads the npm tarball of a release; what is not needed is passed over.
    pub fn read(version: &RuntimeVersion, tarball: impl Read) -> Result<Self, RuntimeFilesError> {
        let unreadable = |source| RuntimeFilesError::Unreadable { version: version.clone(), source };
        let tarball = BufReader::with_capacity(64 << 10, tarball);
        let mut files = read_files(tarball).map_err(|error| match error {
            ReadError::Io(source) => unreadable(source),
            ReadError::TooLong(file) => RuntimeFilesError::TooLong { version: version.clone(), file },
        })?;
        let missing = |file: String| RuntimeFilesError::Missing { version: version.clone(), file };
        if let Some(files) = self::missing(|file| files.contains_key(file)).next() {
            return Err(missing(files));
        }
        let lock = LOCKS.into_iter().find_map(|name| Some((name, files.remove(name)?)));
        let lock = lock.ok_or_else(|| missing(LOCKS.join(" or ")))?;
        check_package_json(version, &files[PACKAGE_JSON])?;
        Ok(Self { files, lock })
    }

    /// The distribution's lock: its name and its bytes.
    pub fn lock(&self) -> (FileName, &[u8]) {
        let (name, bytes) = &self.lock;
        (FileName::parse(name).expect("a name of the list above"), bytes)
    }

    /// The files but the lock, by name.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.files.iter().map(|(name, bytes)| (*name, bytes.as_slice()))
    }

    /// The same, given away.
    pub fn into_files(self) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
        self.files.into_iter()
    }
}

/// The files without which nothing loads and which are not there, the lock aside; where one of several would do, all of them in one text.
pub(super) fn missing(is_there: impl Fn(&str) -> bool) -> impl Iterator<Item = String> {
    let has = move |row: &[&[&str]]| row.iter().any(|group| group.iter().all(|file| is_there(file)));
    NEEDED.into_iter().filter(move |row| !has(row)).map(|row| {
        let groups: Vec<String> = row.iter().map(|group| group.join(" and ")).collect();
        groups.join(" or ")
    })
}

/// Whether a file belongs to the runtime's npm tarball, needed or not, or is a view's own mark.
pub(super) fn is_of_runtime(file: &str) -> bool {
    let is_extra =
        matches!(file, "README.md" | "LICENSE" | "ffi.d.ts" | "pyodide.d.ts" | "console.html" | "console-v2.html");
    let is_source_map = matches!(file, "pyodide.js.map" | "pyodide.mjs.map");
    FILES.contains(&file) || is_extra || is_source_map || file == MARKER
}

enum ReadError {
    Io(io::Error),
    TooLong(&'static str),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn read_files(tarball: impl BufRead) -> Result<BTreeMap<&'static str, Vec<u8>>, ReadError> {
    let mut files = BTreeMap::new();
    tar::walk(MultiGzDecoder::new(tarball), BOUNDS, |file| {
        let Some(name) = wanted(file.path) else { return Ok(ControlFlow::<()>::Continue(())) };
        if file.size > LONGEST_FILE {
            return Err(ReadError::TooLong(name));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(file.size).unwrap_or_default());
        file.bytes.read_to_end(&mut bytes)?;
        files.insert(name, bytes);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(files)
}

/// `package/pyodide.mjs`: a file that is taken, in the outermost folder.
fn wanted(path: &[u8]) -> Option<&'static str> {
    let path = path.strip_prefix(b"./").unwrap_or(path);
    let slash = path.iter().position(|byte| *byte == b'/')?;
    FILES.into_iter().chain(LOCKS).find(|name| name.as_bytes() == &path[slash + 1..])
}

fn check_package_json(version: &RuntimeVersion, bytes: &[u8]) -> Result<(), RuntimeFilesError> {
    #[derive(serde::Deserialize)]
    struct PackageJson {
        name: String,
        version: String,
    }
    let found = match serde_json::from_slice::<PackageJson>(bytes) {
        Ok(json) if json.name == "pyodide" && json.version == version.as_str() => return Ok(()),
        Ok(json) => format!("{} {}", json.name.escape_debug(), json.version.escape_debug()),
        Err(_) => "something without a name and a version".to_owned(),
    };
    Err(RuntimeFilesError::Other { version: version.clone(), found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pyodide::testing::{runtime_tarball, tarball};

    fn version() -> RuntimeVersion {
        RuntimeVersion::parse("0.28.3").unwrap()
    }

    fn read(bytes: &[u8]) -> Result<RuntimeFiles, RuntimeFilesError> {
        RuntimeFiles::read(&version(), bytes)
    }

    const WHOLE: [(&str, &str); 8] = [
        ("package/package.json", r#"{"name": "pyodide", "version": "0.28.3"}"#),
        ("package/pyodide.mjs", "mjs"),
        ("package/pyodide.asm.js", "asm"),
        ("package/pyodide.asm.wasm", "wasm"),
        ("package/python_stdlib.zip", "zip"),
        ("package/pyodide-lock.json", "lock"),
        ("package/pyodide.d.ts", "types"),
        ("package/sub/pyodide.mjs", "another"),
    ];

    #[test]
    fn what_loads_is_taken_and_the_rest_is_left() {
        let core = read(&tarball(&WHOLE)).unwrap();
        let names: Vec<_> = core.files().map(|(name, _)| name).collect();
        assert_eq!(names, ["package.json", "pyodide.asm.js", "pyodide.asm.wasm", "pyodide.mjs", "python_stdlib.zip"]);
        assert_eq!(core.lock(), (FileName::parse("pyodide-lock.json").unwrap(), b"lock".as_slice()));
        assert_eq!(core.into_files().find(|(name, _)| *name == "pyodide.mjs").unwrap().1, b"mjs");
    }

    #[test]
    fn files_of_other_times_do_as_well() {
        let old = WHOLE.map(|(path, text)| match path {
            "package/python_stdlib.zip" => ("package/pyodide.asm.data", text),
            "package/pyodide-lock.json" => ("package/repodata.json", text),
            "package/pyodide.d.ts" => ("package/pyodide_py.tar", text),
            _ => (path, text),
        });
        let core = read(&tarball(&old)).unwrap();
        assert_eq!(core.lock().0.as_str(), "repodata.json");
        assert_eq!(core.files().count(), 6);
        let new =
            WHOLE.map(|(path, text)| (path.strip_suffix("asm.js").map_or(path, |_| "package/pyodide.asm.mjs"), text));
        assert!(read(&tarball(&new)).is_ok());
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let cases = [
            ("package/pyodide.mjs", "pyodide.mjs"),
            ("package/pyodide.asm.js", "pyodide.asm.js or pyodide.asm.mjs"),
            ("package/python_stdlib.zip", "python_stdlib.zip or pyodide.asm.data and pyodide_py.tar"),
            ("package/pyodide-lock.json", "pyodide-lock.json or repodata.json"),
        ];
        for (gone, named) in cases {
            let files: Vec<_> = WHOLE.into_iter().filter(|(path, _)| *path != gone).collect();
            let message = read(&tarball(&files)).unwrap_err().to_string();
            assert_eq!(message, format!("the npm tarball of pyodide 0.28.3 holds no {named}; releases since 0.21 do"));
        }
    }

    #[test]
    fn another_package_or_release_is_refused() {
        let other = RuntimeFiles::read(&RuntimeVersion::parse("0.28.2").unwrap(), &*runtime_tarball("0.28.3", "{}"));
        let message = other.unwrap_err().to_string();
        assert_eq!(message, "the tarball that should be pyodide 0.28.2 says that it is pyodide 0.28.3");
    }

    #[test]
    fn a_damaged_tarball_is_refused() {
        let whole = tarball(&WHOLE);
        for len in [0, 1, 10, whole.len() / 2] {
            assert!(read(&whole[..len]).is_err(), "{len} bytes of {}", whole.len());
        }
        assert!(matches!(read(b"no tarball"), Err(RuntimeFilesError::Unreadable { .. })));
    }
}
