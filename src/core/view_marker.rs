//! A view's marker: a file that says that a folder is a view and names the files that larder wrote there.
//!
//! ```text
//! .larder-view     tarballs                 the kind
//!                  1042 a-1.0.0.tgz         each file's length and path, in the order of paths
//!                  977 b-2.0.0.tgz
//! ```
//!
//! larder replaces a view as a whole and deletes its old files. So a file that the marker does not name is foreign, and stops the replacement: a file that was added,
//! or a file of a folder into which a view was copied with its marker. A file with a named path but another length is foreign, too. A file with the right length and
//! other bytes is damaged. The marker's text depends only on the layout, as the rest of a view does. Markers of earlier versions state only the kind and name no files.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs::{self, File, Metadata},
    io::{self, Read as _, Write as _},
    path::Path,
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use super::layout::{Content, Layout};

/// The file that says that a folder is a view.
pub const MARKER: &str = ".larder-view";

/// The kinds of views that there are.
const KINDS: [&str; 5] = ["context", "npm-cache", "pyodide", "tarballs", "wheels"];
const NPM_CACHE: &str = "npm-cache";
/// The longest marker that is read: 20,000 files of npm's cache take 3 MB. 256 MiB.
const LONGEST: u64 = 256 << 20;
/// What a file manager leaves in every folder that it shows.
const OF_FILE_MANAGERS: &str = ".DS_Store";

/// A view's marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    kind: String,
    files: HashMap<String, u64>,
}

/// The marker of a view of this kind with these files.
pub fn text(kind: &str, layout: &Layout) -> Vec<u8> {
    let len = |content: &Content| match content {
        Content::Blob(found) => found.size,
        Content::Bytes(bytes) | Content::Program(bytes) => bytes.len() as u64,
    };
    text_of(kind, layout.files().map(|(path, content)| (path, len(content))))
}

fn text_of<'a>(kind: &str, files: impl Iterator<Item = (&'a str, u64)>) -> Vec<u8> {
    let mut text = format!("{kind}\n");
    for (path, len) in files.filter(|(path, _)| *path != MARKER) {
        let path = path.replace('\\', "\\\\").replace('\n', "\\n");
        writeln!(text, "{len} {path}").expect("a string takes everything");
    }
    text.into_bytes()
}

impl Marker {
    /// The marker of a folder; `None` where there is none that larder wrote.
    pub fn read(folder: &Path) -> io::Result<Option<Self>> {
        // A link or a pipe of the name is no marker, and is neither followed nor waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::open(folder.join(MARKER), flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::NXIO) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(LONGEST).read_to_end(&mut bytes)?;
        Ok(String::from_utf8(bytes).ok().and_then(|text| Self::parse(&text)))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let kind = lines.next().filter(|kind| KINDS.contains(kind))?.to_owned();
        let file = |line: &str| {
            let (len, path) = line.split_once(' ')?;
            Some((unescaped(path)?, len.parse().ok()?))
        };
        Some(Self { kind, files: lines.map(file).collect::<Option<_>>()? })
    }

    /// Whether it is of npm's cache.
    pub fn is_npm_cache(&self) -> bool {
        self.is_of(NPM_CACHE)
    }

    /// Whether it is of a view of this kind.
    pub fn is_of(&self, kind: &str) -> bool {
        self.kind == kind
    }

    /// Whether it is of an earlier version, which named no files, or of a view without any.
    pub fn names_nothing(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether what is at this path of the view may go with it: larder wrote it, or npm did into its cache.
    pub fn covers(&self, path: &str, metadata: &Metadata) -> bool {
        if self.kind == NPM_CACHE && is_npms(path) {
            return true;
        }
        // One that a power loss left empty has nothing that anybody could miss.
        let has_len = |len: u64| metadata.len() == len || metadata.len() == 0;
        metadata.is_file()
            && (path == MARKER
                || path.rsplit('/').next() == Some(OF_FILE_MANAGERS)
                || self.files.get(path).is_some_and(|len| has_len(*len)))
    }

    /// Replaces a folder's marker by one that names these files, too.
    pub fn renew<'a>(&self, folder: &Path, files: impl Iterator<Item = (&'a str, u64)>) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&text_of(&self.kind, files))?;
        file.persist(folder.join(MARKER))?;
        Ok(())
    }
}

fn unescaped(path: &str) -> Option<String> {
    let mut plain = String::with_capacity(path.len());
    let mut characters = path.chars();
    while let Some(character) = characters.next() {
        plain.push(match (character, character == '\\') {
            (character, false) => character,
            (_, true) => match characters.next()? {
                'n' => '\n',
                '\\' => '\\',
                _ => return None,
            },
        });
    }
    Some(plain)
}

/// Whether npm writes such a file when a folder is its cache: packages and what it knows of them, logs, what `npx` installed.
fn is_npms(path: &str) -> bool {
    let is_hex = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        ["_update-notifier-last-checked"] | ["_cacache", "_lastverified"] => true,
        ["_logs", log] => log.strip_suffix(".log").is_some(),
        ["_cacache", "tmp", ..] => parts.len() > 2,
        ["_cacache", "index-v5", ref rest @ ..] => rest.len() == 3 && rest.iter().all(|part| is_hex(part)),
        ["_cacache", "content-v2", _, ref rest @ ..] => rest.len() == 3 && rest.iter().all(|part| is_hex(part)),
        ["_npx", key, ..] => parts.len() > 2 && is_hex(key),
        _ => false,
    }
}

/// Removes a view: the files that its marker covers, then the marker, and the folders that are empty then. What else is there stays. A folder without a marker goes if it
/// is empty. Says whether it is gone.
pub fn remove(folder: &Path) -> io::Result<bool> {
    let is_gone = match Marker::read(folder) {
        Ok(None) => true,
        Ok(Some(marker)) => {
            let is_gone = remove_below(folder, "", &marker)?;
            if is_gone {
                fs::remove_file(folder.join(MARKER))?;
            }
            is_gone
        }
        Err(error) => return Err(error),
    };
    match if is_gone { fs::remove_dir(folder) } else { Ok(()) } {
        Ok(()) => Ok(is_gone),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(error) => Err(error),
    }
}

fn remove_below(root: &Path, below: &str, marker: &Marker) -> io::Result<bool> {
    let mut is_empty = true;
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = entry.file_name();
        let path = name.to_str().map(|name| if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") });
        let (Some(path), metadata) = (path, entry.metadata()?) else {
            is_empty = false;
            continue;
        };
        if path == MARKER {
            continue;
        }
        is_empty &= if metadata.is_dir() {
            remove_below(root, &path, marker)? && fs::remove_dir(entry.path()).map(|()| true)?
        } else if marker.covers(&path, &metadata) {
            fs::remove_file(entry.path()).map(|()| true)?
        } else {
            false
        };
    }
    Ok(is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(files: &[(&str, &str)]) -> Layout {
        let mut layout = Layout::default();
        for (path, text) in files {
            layout.insert((*path).to_owned(), Content::Bytes(text.as_bytes().to_vec()));
        }
        layout
    }

    #[test]
    fn a_mark_names_each_file_and_its_length() {
        let text = text("tarballs", &layout(&[("b", "22"), ("a/x y", "1"), ("odd\n\\n", "")]));
        assert_eq!(text, b"tarballs\n1 a/x y\n2 b\n0 odd\\n\\\\n\n");
        let marker = Marker::parse(str::from_utf8(&text).unwrap()).unwrap();
        assert_eq!(marker.files, HashMap::from([("a/x y".into(), 1), ("b".into(), 2), ("odd\n\\n".into(), 0)]));
        assert!(Marker::parse("tarballs\n").unwrap().names_nothing());
    }

    #[test]
    fn what_larder_did_not_write_is_no_mark() {
        for text in
            ["", "tarballs", "thesis\n", "tarballs\nx\n", "tarballs\n1 \\x\n", "tarballs\n\n", "tarballs\nx y\n"]
        {
            assert_eq!(Marker::parse(text), None, "{text:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join(MARKER);
        assert_eq!(Marker::read(folder.path()).unwrap(), None);
        std::os::unix::fs::symlink("/nonexistent", &mark).unwrap();
        assert_eq!(Marker::read(folder.path()).unwrap(), None);
        fs::remove_file(&mark).unwrap();
        fs::create_dir(&mark).unwrap();
        assert_eq!(Marker::read(folder.path()).unwrap(), None);
    }

    #[test]
    fn npms_own_files_are_told_from_a_persons() {
        for path in [
            "_logs/2026-01-01T00_00_00_000Z-debug-0.log",
            "_update-notifier-last-checked",
            "_cacache/_lastverified",
            "_cacache/tmp/0a1b2c",
            "_cacache/index-v5/00/ab/0123",
            "_cacache/content-v2/sha512/00/ab/0123",
            "_npx/0123456789abcdef/node_modules/a/index.js",
        ] {
            assert!(is_npms(path), "{path}");
        }
        for path in [
            "thesis.log",
            "_logs/thesis",
            "_cacache/notes.txt",
            "_cacache/tmp",
            "_npx/thesis",
            "_cacache/index-v5/my/ab/0",
        ] {
            assert!(!is_npms(path), "{path}");
        }
    }

    #[test]
    fn removing_a_view_leaves_what_is_not_of_it() {
        let parent = tempfile::tempdir().unwrap();
        let view = parent.path().join("view");
        let files = [("a/b", "1"), ("c", "22")];
        let make = || {
            fs::create_dir_all(view.join("a")).unwrap();
            for (path, text) in files {
                fs::write(view.join(path), text).unwrap();
            }
            fs::write(view.join(MARKER), text("tarballs", &layout(&files))).unwrap();
        };
        make();
        assert!(remove(&view).unwrap());
        assert!(!view.exists());
        make();
        fs::write(view.join("a/thesis"), "mine").unwrap();
        fs::write(view.join("c"), "my own").unwrap();
        assert!(!remove(&view).unwrap());
        let left = |path: &str| view.join(path).exists();
        assert_eq!(["a/thesis", "c", "a/b"].map(left), [true, true, false]);
        let unmarked = parent.path().join("unmarked");
        fs::create_dir_all(unmarked.join("x")).unwrap();
        assert!(!remove(&unmarked).unwrap());
        assert!(unmarked.join("x").exists());
    }
}
