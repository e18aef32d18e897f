//! The preload for node, in a file that stays: a program that a run has started and that outlives it starts node with it, too.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::client_env::proxy::PRELOAD;
use crate::core::environment::Environment;

/// The preload's file in the user's cache, named by its content; `None` if there is no place for it.
pub(crate) fn kept(environment: &Environment) -> Option<PathBuf> {
    let folder = environment.cache_dir()?.join("larder");
    let file = folder.join(format!("preload-{}.cjs", &blake3::hash(PRELOAD.as_bytes()).to_hex()[..16]));
    match keep(&folder, &file) {
        Ok(()) => Some(file),
        Err(error) => {
            tracing::debug!(%error, "the preload is made for this run alone");
            None
        }
    }
}

/// Writes it, unless it is there whole.
fn keep(folder: &Path, file: &Path) -> io::Result<()> {
    if std::fs::read(file).is_ok_and(|bytes| bytes == PRELOAD.as_bytes()) {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(PRELOAD.as_bytes())?;
    new.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_once_and_put_right_where_it_is_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::new(folder.path(), [("HOME", folder.path())]);
        let file = kept(&environment).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), PRELOAD.as_bytes());
        std::fs::write(&file, "throw 1").unwrap();
        assert_eq!(kept(&environment).as_deref(), Some(&*file));
        assert_eq!(std::fs::read(&file).unwrap(), PRELOAD.as_bytes());
        assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn without_a_place_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".cache"), "").unwrap();
        assert_eq!(kept(&Environment::new(folder.path(), [("HOME", folder.path())])), None);
    }
}
