//! What install scripts keep in npm's cache: an overlay of the user's own cache on the cache of one run.
//!
//! npm hands its cache's path to install scripts as `npm_config_cache`, and some keep what they download there: `_prebuilds` of prebuild-install, `node-sass`,
//! `sentry-cli`, and `_npx` of npm itself. A run's cache is removed with the run. So the entries of the user's cache, npm's
//! `_cacache` and logs apart, are links in the run's, and what a command added is moved to the user's when it has ended: by a rename, across filesystems by a copy beside its
//! place first. A larder that is killed keeps nothing of that run.
//!
//! Nothing in the user's cache is overwritten, and every file appears there whole, by a rename. Two runs at once may bring the same: the first one's stays.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Access, CWD, RenameFlags, access, renameat_with},
    io::Errno,
};

use crate::core::scratch::Scratch;

/// What npm keeps by itself: tarballs and descriptions come from the store, logs have a folder of their own.
const NPMS: [&str; 4] = ["_cacache", "_logs", "_update-notifier-last-checked", "_lastUpdateCheck"];

/// What the folders are called in which a copy is made before it gets its name.
const PREFIX: &str = ".larder-kept-";

/// How deep folders are merged. Nothing that a script keeps is nested as deep; links are not followed.
const DEPTH: usize = 64;

/// Lends the entries of the user's cache to a run's: links, so that what is changed or added in one of them is changed there, as without larder. Of a folder that
/// may not be written to, its entries are lent one by one, so that the run can add to it. What cannot be lent is missing in the run.
pub(crate) fn lend(own: &Path, run: &Path) {
    let Ok(own) = own.canonicalize() else { return };
    for (name, path) in entries(&own) {
        let place = run.join(&name);
        let lent = if path.is_dir() && access(&path, Access::WRITE_OK).is_err() {
            fs::create_dir(&place).map(|()| {
                for (name, path) in entries(&path) {
                    link(&path, &place.join(name));
                }
            })
        } else {
            link(&path, &place);
            Ok(())
        };
        if let Err(error) = lent {
            tracing::debug!(path = %path.display(), %error, "an entry of npm's own cache is not lent to the run");
        }
    }
}

fn link(to: &Path, at: &Path) {
    if let Err(error) = std::os::unix::fs::symlink(to, at) {
        tracing::debug!(path = %to.display(), %error, "an entry of npm's own cache is not lent to the run");
    }
}

/// Moves what is new in a run's cache to the user's, which is made if there is something to keep. What is there already stays. The first error is given; the rest is
/// kept all the same.
pub(crate) fn keep(run: &Path, own: &Path) -> io::Result<()> {
    let new = added(run);
    if new.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(own)?;
    Keeper::new(own, false).keep_all(&new)
}

/// The same for these entries and a folder that is there, by copies: they stay in the run's cache.
pub(super) fn copy(new: &[PathBuf], folder: &Path) -> io::Result<()> {
    Keeper::new(folder, true).keep_all(new)
}

/// What is new in a run's cache.
pub(super) fn added(run: &Path) -> Vec<PathBuf> {
    entries(run).into_iter().map(|(_, path)| path).filter(|path| is_own_kind(path)).collect()
}

/// Name and path of what a script may have put into a cache, or npm itself for npx.
fn entries(folder: &Path) -> Vec<(std::ffi::OsString, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let entries = entries.flatten().map(|entry| (entry.file_name(), entry.path()));
    let is_npms = |name: &str| NPMS.contains(&name) || name.starts_with(PREFIX);
    entries.filter(|(name, _)| !name.to_str().is_some_and(is_npms)).collect()
}

/// A file or a folder: neither a link, which was lent or leads into the run, nor a pipe.
fn is_own_kind(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() || metadata.is_dir())
}

struct Keeper<'a> {
    own: &'a Path,
    /// Whether nothing is moved.
    copies_only: bool,
    /// On the filesystem of the user's cache, made when a rename does not reach it.
    scratch: Option<Scratch>,
    copies: usize,
    first: Option<io::Error>,
}

impl<'a> Keeper<'a> {
    const fn new(own: &'a Path, copies_only: bool) -> Self {
        Self { own, copies_only, scratch: None, copies: 0, first: None }
    }

    fn keep_all(mut self, new: &[PathBuf]) -> io::Result<()> {
        for path in new {
            let name = path.file_name().expect("an entry has a name");
            self.keep(path, &self.own.join(name), DEPTH);
        }
        self.first.map_or(Ok(()), Err)
    }

    fn keep(&mut self, from: &Path, to: &Path, depth: usize) {
        if let Err(error) = self.try_to_keep(from, to, depth) {
            tracing::debug!(path = %from.display(), %error, "what a script kept in npm's cache is not kept");
            self.first.get_or_insert(error);
        }
    }

    fn try_to_keep(&mut self, from: &Path, to: &Path, depth: usize) -> io::Result<()> {
        let there = match to.symlink_metadata() {
            Ok(there) => there,
            Err(error) if error.kind() == ErrorKind::NotFound && self.copies_only => {
                return self.copy(from, to, depth);
            }
            Err(error) if error.kind() == ErrorKind::NotFound => match rename_to_free(from, to) {
                Ok(()) => return Ok(()),
                Err(Errno::XDEV) => return self.copy(from, to, depth),
                // Somebody was faster.
                Err(Errno::EXIST | Errno::NOTEMPTY) => to.symlink_metadata()?,
                Err(error) => return Err(error.into()),
            },
            Err(error) => return Err(error),
        };
        if there.is_dir() && from.symlink_metadata()?.is_dir() {
            self.merge(from, to, depth);
        }
        Ok(())
    }

    fn merge(&mut self, from: &Path, to: &Path, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        for entry in fs::read_dir(from).into_iter().flatten().flatten() {
            // A link that was lent leads to what is there already.
            if !entry.path().is_symlink() || !to.join(entry.file_name()).exists() {
                self.keep(&entry.path(), &to.join(entry.file_name()), depth);
            }
        }
    }

    /// To another filesystem: beside its place first, then by a rename.
    fn copy(&mut self, from: &Path, to: &Path, depth: usize) -> io::Result<()> {
        if self.scratch.is_none() {
            self.scratch = Some(Scratch::new(self.own, PREFIX)?);
        }
        let scratch = self.scratch.as_ref().expect("it was made just now").path();
        self.copies += 1;
        let copy = scratch.join(self.copies.to_string());
        copy_tree(from, &copy, depth)?;
        match rename_to_free(&copy, to) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST | Errno::NOTEMPTY) => {
                if copy.is_dir() && to.is_dir() {
                    self.merge(&copy, to, depth);
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Renames where nothing is; what is there stays.
fn rename_to_free(from: &Path, to: &Path) -> Result<(), Errno> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            // This filesystem cannot say it in one step. A link does not replace either; folders only replace empty ones.
            if from.is_dir() {
                rustix::fs::rename(from, to)
            } else {
                rustix::fs::link(from, to).and_then(|()| rustix::fs::unlink(from))
            }
        }
        renamed => renamed,
    }
}

/// Files with their modes, folders, and links as links. Pipes and devices are left out.
fn copy_tree(from: &Path, to: &Path, depth: usize) -> io::Result<()> {
    let kind = from.symlink_metadata()?.file_type();
    if kind.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from)?, to)
    } else if kind.is_file() {
        fs::copy(from, to).map(|_| ())
    } else if kind.is_dir() {
        fs::create_dir(to)?;
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy_tree(&entry.path(), &to.join(entry.file_name()), depth)?;
        }
        Ok(())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Caches {
        folder: tempfile::TempDir,
    }

    impl Caches {
        fn new(own: &[(&str, &str)]) -> Self {
            let caches = Self { folder: tempfile::tempdir().unwrap() };
            fs::create_dir(caches.run()).unwrap();
            for (path, text) in own {
                write(&caches.own().join(path), text);
            }
            caches
        }

        fn own(&self) -> PathBuf {
            self.folder.path().join("own")
        }

        fn run(&self) -> PathBuf {
            self.folder.path().join("run")
        }

        fn kept(&self, path: &str) -> Option<String> {
            fs::read_to_string(self.own().join(path)).ok()
        }
    }

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn what_is_kept_is_found_and_what_is_added_is_kept() {
        let caches = Caches::new(&[("_prebuilds/a", "old"), ("_cacache/index", "npm's"), ("_logs/l", "npm's")]);
        lend(&caches.own(), &caches.run());
        assert_eq!(fs::read_to_string(caches.run().join("_prebuilds/a")).unwrap(), "old");
        assert!(!caches.run().join("_cacache").exists() && !caches.run().join("_logs").exists());
        write(&caches.run().join("_prebuilds/b"), "new");
        write(&caches.run().join("node-sass/1/binding.node"), "new, too");
        write(&caches.run().join("_cacache/content"), "larder's");
        keep(&caches.run(), &caches.own()).unwrap();
        assert_eq!(caches.kept("_prebuilds/b").as_deref(), Some("new"));
        assert_eq!(caches.kept("node-sass/1/binding.node").as_deref(), Some("new, too"));
        assert_eq!((caches.kept("_cacache/content"), caches.kept("_cacache/index").as_deref()), (None, Some("npm's")));
    }

    #[test]
    fn nothing_that_is_there_is_overwritten() {
        // Another run has brought the same folder meanwhile.
        let caches = Caches::new(&[]);
        lend(&caches.own(), &caches.run());
        for (path, text) in [("_prebuilds/a", "ours"), ("_prebuilds/deep/b", "ours"), ("file", "ours")] {
            write(&caches.run().join(path), text);
        }
        for (path, text) in
            [("_prebuilds/a", "theirs"), ("_prebuilds/deep/c", "theirs"), ("file/is-a-folder", "theirs")]
        {
            write(&caches.own().join(path), text);
        }
        keep(&caches.run(), &caches.own()).unwrap();
        let kept = ["_prebuilds/a", "_prebuilds/deep/b", "_prebuilds/deep/c", "file/is-a-folder"]
            .map(|path| caches.kept(path));
        assert_eq!(
            kept.each_ref().map(Option::as_deref),
            [Some("theirs"), Some("ours"), Some("theirs"), Some("theirs")]
        );
    }

    #[test]
    fn links_and_pipes_are_not_moved_and_nothing_makes_no_folder() {
        let caches = Caches::new(&[]);
        std::os::unix::fs::symlink("/etc", caches.run().join("link")).unwrap();
        std::os::unix::net::UnixListener::bind(caches.run().join("socket")).unwrap();
        keep(&caches.run(), &caches.own()).unwrap();
        assert!(!caches.own().exists());
    }

    #[test]
    fn a_copy_to_another_filesystem_is_whole_and_leaves_nothing_beside_it() {
        let caches = Caches::new(&[("_prebuilds/there", "theirs")]);
        write(&caches.run().join("_prebuilds/a"), "ours");
        write(&caches.run().join("_prebuilds/there"), "ours");
        std::os::unix::fs::symlink("a", caches.run().join("_prebuilds/link")).unwrap();
        let own = caches.own();
        let mut keeper = Keeper::new(&own, false);
        keeper.copy(&caches.run().join("_prebuilds"), &own.join("_prebuilds"), DEPTH).unwrap();
        keeper.copy(&caches.run().join("_prebuilds"), &own.join("elsewhere"), DEPTH).unwrap();
        drop(keeper);
        let kept = ["_prebuilds/a", "_prebuilds/there", "_prebuilds/link", "elsewhere/a"].map(|path| caches.kept(path));
        assert_eq!(kept.each_ref().map(Option::as_deref), [Some("ours"), Some("theirs"), Some("ours"), Some("ours")]);
        let names: Vec<_> = entries(&own).into_iter().map(|(name, _)| name).collect();
        assert_eq!((names.len(), fs::read_dir(&own).unwrap().count()), (2, 2), "{names:?}");
    }
}
