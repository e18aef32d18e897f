//! The base store: a store that is only read, below the one that is written. What is typed wins over what `larder.toml` says; a seed beside larder's own file is read in any case.

use std::path::{Path, PathBuf};

use larder_store::{Store, StoreError};

use super::{
    error::{CommandError, EndsCommand},
    outcome::Outcome,
};
use crate::{config::larder_toml::LarderToml, core::error_chain::chain, ui::printer::Printer};

/// A base store that the program was started with.
#[derive(Clone, Debug)]
pub struct NamedBase {
    /// Its folder, absolute.
    pub path: PathBuf,
    /// Whether it was typed for this one run, which thus has to have it.
    pub is_required: bool,
}

/// Why a folder is no base store.
#[derive(Debug, thiserror::Error)]
enum BaseStoreError {
    /// There is none.
    #[error("the base store {}: there is no store", path.display())]
    Missing { path: PathBuf },
    /// It is the one that is written.
    #[error("the base store {} is the store itself", path.display())]
    Itself { path: PathBuf },
    /// It cannot be read.
    #[error("the base store {} cannot be used", path.display())]
    Unfit {
        path: PathBuf,
        #[source]
        source: StoreError,
    },
}

impl EndsCommand for BaseStoreError {
    fn outcome(&self) -> Outcome {
        Outcome::Store
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing { path } => {
                return Some(format!(
                    "mount it, or make it with `larder fetch --store {}`; without --over, larder does without one",
                    path.display()
                ));
            }
            Self::Itself { .. } => "leave out --over, or name another folder with --store or LARDER_STORE",
            Self::Unfit { .. } => "without --over, larder does without one",
        };
        Some(hint.to_owned())
    }
}

/// What a base store is looked for with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings<'a> {
    /// Where relative paths begin.
    pub(super) current_dir: &'a Path,
    /// The folder of the store that is written.
    pub(super) store: &'a Path,
    /// The base store that the program was started with.
    pub(super) over: Option<&'a NamedBase>,
    /// Who tells what is left out.
    pub(super) printer: Printer,
}

/// Whether what is left out is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    /// It is.
    Yes,
    /// The same command opens the store once more, and tells it then.
    Later,
}

/// The base stores for these projects. One that was typed has to be there; any other is left out with a warning.
pub(super) fn base_stores<'a>(
    projects: impl IntoIterator<Item = &'a LarderToml>,
    telling: Telling,
    Surroundings { current_dir, store, over, printer }: Surroundings<'_>,
) -> Result<Vec<PathBuf>, CommandError> {
    let own = current_dir.join(store);
    if let Some(NamedBase { path, is_required: true }) = over {
        check(path, &own)?;
        return Ok(vec![path.clone()]);
    }
    let named = over.iter().map(|base| base.path.clone());
    let mut bases: Vec<PathBuf> = named.collect();
    if bases.is_empty() {
        let of_projects = projects.into_iter().filter_map(|settings| settings.store.over.as_ref());
        let whole = |path: &PathBuf| current_dir.join(path).components().collect();
        bases.extend(of_projects.map(whole));
    }
    bases.sort_unstable();
    bases.dedup();
    bases.retain(|path| match check(path, &own) {
        Ok(()) => true,
        // Who fills the base store has the same settings.
        Err(BaseStoreError::Itself { .. }) => false,
        Err(error) => {
            if telling == Telling::Yes {
                printer.warning(&format!("{}, and larder does without it", chain(&error).join(": ")));
            }
            false
        }
    });
    Ok(bases)
}

fn check(path: &Path, own: &Path) -> Result<(), BaseStoreError> {
    if resolved(path) == resolved(own) {
        return Err(BaseStoreError::Itself { path: path.to_owned() });
    }
    match Store::open_to_read(path) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(BaseStoreError::Missing { path: path.to_owned() }),
        Err(source) => Err(BaseStoreError::Unfit { path: path.to_owned(), source }),
    }
}

/// Where a path leads, also if its last part is not there yet.
fn resolved(path: &Path) -> PathBuf {
    let of_parent = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(of_parent).unwrap_or_else(|| path.to_owned())
}
