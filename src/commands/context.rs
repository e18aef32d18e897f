//! [`Context`]: what every command is given, and the store that it opens.

use std::path::PathBuf;

use jiff::Timestamp;
use larder_store::{Store, StoreError};

use crate::{core::environment::Environment, ui::printer::Printer};

/// What every command gets.
#[derive(Debug)]
pub struct Context<'a> {
    /// What `main` read of the environment.
    pub environment: &'a Environment,
    /// Where to print.
    pub printer: Printer,
    /// The store's folder.
    pub store: PathBuf,
    /// The parts of the store that is only read, below that one.
    pub below: Vec<PathBuf>,
    /// The time that is noted.
    pub now: Timestamp,
}

impl Context<'_> {
    /// Opens the store, making it if there is none.
    pub(super) fn open_store(&self) -> Result<Store, StoreError> {
        // Links lead to the store, wherever a command changes its folder to.
        let root = self.environment.current_dir().join(&self.store);
        match self.below.split_first() {
            Some((below, others)) => over_others(Store::open_over(&root, below)?, others),
            None => Store::open(&root),
        }
    }

    /// Opens the store if there is one.
    pub(super) fn open_store_if_present(&self) -> Result<Option<Store>, StoreError> {
        let Some((below, others)) = self.below.split_first() else { return Store::open_if_present(&self.store) };
        match Store::open_over_if_present(&self.store, below)? {
            Some(store) => over_others(store, others).map(Some),
            None => Ok(None),
        }
    }

    /// Opens the store, if there is one, for a command that writes nothing there.
    pub(super) fn open_store_to_read(&self) -> Result<Option<Store>, StoreError> {
        let mut roots = [&self.store].into_iter().chain(&self.below);
        roots.try_fold(None, |store: Option<Store>, root| match store {
            Some(store) => store.over_another(root).map(Some),
            None => Store::open_to_read(root),
        })
    }

    /// Whether the store or a part below it may have what projects recorded: told without opening it.
    pub(super) fn may_have_rows(&self) -> bool {
        [&self.store].into_iter().chain(&self.below).any(|root| Store::may_have_rows(root))
    }
}

fn over_others(store: Store, others: &[PathBuf]) -> Result<Store, StoreError> {
    others.iter().try_fold(store, |store, other| store.over_another(other))
}
