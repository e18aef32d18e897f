//! What install scripts keep in npm's cache, kept in the store's folder too: for machines on which npm's own cache does not outlast the run, such as a step of a Docker build
//! that has the store in a cache mount.
//!
//! ```text
//! <store>/script-cache/_prebuilds/…        mode 0700, and its user's: what is in it will be run
//! ```
//!
//! It is used where npm's own cache is on another filesystem than the store. Its entries are lent to runs after those of the user's cache, and get copies of what a command
//! added. It is bounded, in bytes and in age, and anybody may delete it.

use std::{
    fs::{self, DirBuilder},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::script_cache;

/// All of it: some dozens of prebuilt programs. 1 GiB.
const MOST_BYTES: u64 = 1 << 30;
/// Since it was downloaded. What is needed longer is downloaded again then. 90 days.
const LONGEST: Duration = Duration::from_hours(90 * 24);
/// How deep folders are measured.
const DEPTH: usize = 64;
/// npx keeps whole trees of packages there, which are no script's.
const NPXS: &str = "_npx";

/// The folder in a store, where npm's own cache may not outlast the run.
#[derive(Debug)]
pub(crate) struct ScriptStore(PathBuf);

impl ScriptStore {
    /// The folder, if npm's own cache is on another filesystem than the store.
    pub(crate) fn beside(folder: PathBuf, own: &Path) -> Option<Self> {
        let device = |path: &Path| path.ancestors().find_map(|path| path.metadata().ok()).map(|found| found.dev());
        (device(&folder)? != device(own)?).then_some(Self(folder))
    }

    /// Lends its entries to a run, as far as those of the user's own cache are not there already.
    pub(crate) fn lend(&self, run: &Path) {
        match check(&self.0) {
            Ok(()) => script_cache::lend(&self.0, run),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => tracing::debug!(%error, "what scripts kept in the store's folder is not used"),
        }
    }

    /// Copies what is new in a run's cache, and deletes what is too old or too much.
    pub(crate) fn keep(&self, run: &Path, now: SystemTime) -> io::Result<()> {
        let new: Vec<PathBuf> = script_cache::added(run).into_iter().filter(|path| is_small_scripts(path)).collect();
        if !new.is_empty() {
            match DirBuilder::new().mode(0o700).create(&self.0) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        match check(&self.0) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        let copied = script_cache::copy(&new, &self.0);
        // With nothing new, too: what scripts add to folders that were lent is there at once, and is bounded here alone.
        collect(&self.0, now, MOST_BYTES);
        copied
    }
}

fn is_small_scripts(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name != NPXS) && bytes_of(path, DEPTH) <= MOST_BYTES
}

/// Refuses a folder that another user has made or can write to, and a link to any.
fn check(folder: &Path) -> io::Result<()> {
    let found = folder.symlink_metadata()?;
    let is_own = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o022 == 0;
    if is_own { Ok(()) } else { Err(io::Error::new(ErrorKind::PermissionDenied, "it is not this user's alone")) }
}

/// One thing that is kept: a file, or a folder of one version.
struct Kept {
    path: PathBuf,
    modified: SystemTime,
    bytes: u64,
}

/// Deletes what is older than [`LONGEST`], and then the oldest until the rest has at most this many bytes.
fn collect(folder: &Path, now: SystemTime, most: u64) {
    let mut all = kept(folder);
    all.sort_by_key(|kept| std::cmp::Reverse(kept.modified));
    let mut total = 0_u64;
    for kept in &all {
        total = total.saturating_add(kept.bytes);
        let is_old = now.duration_since(kept.modified).is_ok_and(|age| age > LONGEST);
        if total <= most && !is_old {
            continue;
        }
        let removed = if kept.path.is_dir() && !kept.path.is_symlink() {
            fs::remove_dir_all(&kept.path)
        } else {
            fs::remove_file(&kept.path)
        };
        if let Err(error) = removed {
            tracing::debug!(path = %kept.path.display(), %error, "what a script kept is not deleted");
        }
    }
}

/// The entries of each tool's folder; what a tool keeps at the top is one by itself.
fn kept(folder: &Path) -> Vec<Kept> {
    let entries = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let is_folder = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_dir());
    let of_tool = |path: PathBuf| if is_folder(&path) { entries(&path) } else { vec![path] };
    let all = entries(folder).into_iter().flat_map(of_tool);
    all.filter_map(|path| {
        let modified = path.symlink_metadata().and_then(|found| found.modified()).ok()?;
        let bytes = bytes_of(&path, DEPTH);
        Some(Kept { path, modified, bytes })
    })
    .collect()
}

fn bytes_of(path: &Path, depth: usize) -> u64 {
    let Ok(found) = path.symlink_metadata() else { return 0 };
    let Some(depth) = depth.checked_sub(1).filter(|_| found.is_dir()) else { return found.len() };
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| bytes_of(&entry.path(), depth)).sum()
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{File, Permissions},
        os::unix::fs::PermissionsExt as _,
    };

    use super::*;

    fn write(path: &Path, bytes: &[u8]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn what_one_run_added_is_there_in_the_next_one_and_in_the_users_cache() {
        let folder = tempfile::tempdir().unwrap();
        let (run, next, own) = (folder.path().join("run"), folder.path().join("next"), folder.path().join("own"));
        let store = ScriptStore(folder.path().join("script-cache"));
        write(&run.join("_prebuilds/a.tar.gz"), b"prebuilt");
        write(&run.join("_npx/1/package.json"), b"{}");
        write(&run.join("_cacache/index"), b"npm's");
        store.keep(&run, SystemTime::now()).unwrap();
        script_cache::keep(&run, &own).unwrap();
        assert_eq!(fs::read(own.join("_prebuilds/a.tar.gz")).unwrap(), b"prebuilt");
        fs::create_dir(&next).unwrap();
        store.lend(&next);
        let lent: Vec<_> = fs::read_dir(&next).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(lent, ["_prebuilds"]);
        assert_eq!(fs::read(next.join("_prebuilds/a.tar.gz")).unwrap(), b"prebuilt");
        // What a script adds to a folder that was lent is kept at once.
        write(&next.join("_prebuilds/b.tar.gz"), b"another");
        assert_eq!(fs::read(store.0.join("_prebuilds/b.tar.gz")).unwrap(), b"another");
        assert_eq!(fs::metadata(&store.0).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn nothing_is_lent_from_or_kept_in_a_folder_that_others_can_write_to() {
        let folder = tempfile::tempdir().unwrap();
        let (run, elsewhere) = (folder.path().join("run"), folder.path().join("elsewhere"));
        write(&elsewhere.join("_prebuilds/planted"), b"planted");
        write(&run.join("node-sass/9/binding.node"), b"ours");
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        for place in [open, link] {
            let store = ScriptStore(place.clone());
            store.lend(&run);
            assert!(!run.join("_prebuilds").exists());
            store.keep(&run, SystemTime::now()).unwrap_err();
            assert!(!place.join("node-sass").exists(), "{}", place.display());
        }
    }

    #[test]
    fn what_is_old_and_what_is_too_much_is_deleted_the_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let day = Duration::from_hours(24);
        for (path, days) in [("a/new", 0), ("a/older", 2), ("b/1/file", 1), ("oldest", 3), ("a/too-old", 91)] {
            write(&folder.path().join(path), &[0; 100]);
            // Of a folder, its own time counts.
            let item = folder.path().join(path.trim_end_matches("/file"));
            File::open(item).unwrap().set_modified(now - day * days).unwrap();
        }
        let there = || ["a/new", "a/older", "b/1", "oldest", "a/too-old"].map(|path| folder.path().join(path).exists());
        collect(folder.path(), now, 1000);
        assert_eq!(there(), [true, true, true, true, false]);
        collect(folder.path(), now, 250);
        assert_eq!(there(), [true, false, true, false, false]);
    }

    #[test]
    fn a_cache_on_the_stores_own_filesystem_is_enough() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("not/there/yet");
        assert!(ScriptStore::beside(folder.path().join("script-cache"), &own).is_none());
        assert!(ScriptStore::beside("/proc/script-cache".into(), &own).is_some());
    }
}
