//! [`Context`]: what every command is given, and the store that it opens.

use std::path::PathBuf;

use jiff::Timestamp;
use larder_store::{Store, StoreError};

use super::{
    base_store::{NamedBase, Surroundings, Telling, base_stores},
    error::CommandError,
};
use crate::{
    config::{larder_toml::LarderToml, project::settings_of},
    core::{environment::Environment, error_chain::chain},
    ui::printer::Printer,
};

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
    /// A store that is only read, below all of those.
    pub over: Option<NamedBase>,
    /// The time that is noted.
    pub now: Timestamp,
}

impl Context<'_> {
    /// Opens the store for projects with these settings, making it if there is none.
    pub(super) fn open_store<'p>(
        &self,
        projects: impl IntoIterator<Item = &'p LarderToml>,
    ) -> Result<Store, CommandError> {
        // Links lead to the store, wherever a command changes its folder to.
        let root = self.environment.current_dir().join(&self.store);
        let store = match self.lower(projects, Telling::Yes)?.split_first() {
            Some((lower, others)) => over_others(Store::open_over(&root, lower)?, others)?,
            None => Store::open(&root)?,
        };
        Ok(store)
    }

    /// Opens the store if there is one.
    pub(super) fn open_store_if_present<'p>(
        &self,
        projects: impl IntoIterator<Item = &'p LarderToml>,
        telling: Telling,
    ) -> Result<Option<Store>, CommandError> {
        let lower = self.lower(projects, telling)?;
        let Some((first, others)) = lower.split_first() else { return Ok(Store::open_if_present(&self.store)?) };
        match Store::open_over_if_present(&self.store, first)? {
            Some(store) => Ok(Some(over_others(store, others)?)),
            None => Ok(None),
        }
    }

    /// Opens the store, if there is one, for a command that writes nothing there.
    pub(super) fn open_store_to_read<'p>(
        &self,
        projects: impl IntoIterator<Item = &'p LarderToml>,
    ) -> Result<Option<Store>, CommandError> {
        let lower = self.lower(projects, Telling::Yes)?;
        let mut roots = [&self.store].into_iter().chain(&lower);
        let store = roots.try_fold(None, |store: Option<Store>, root| match store {
            Some(store) => store.over_another(root).map(Some),
            None => Store::open_to_read(root),
        })?;
        Ok(store)
    }

    /// Whether the store or a part below it may have what projects recorded: told without opening it.
    pub(super) fn may_have_rows<'p>(
        &self,
        projects: impl IntoIterator<Item = &'p LarderToml>,
    ) -> Result<bool, CommandError> {
        let lower = self.lower(projects, Telling::Later)?;
        Ok([&self.store].into_iter().chain(&lower).any(|root| Store::may_have_rows(root)))
    }

    /// What `larder.toml` says in the folder that a command without a project is started in. One that cannot be read is told, and says nothing.
    pub(super) fn settings_here(&self) -> LarderToml {
        settings_of(self.environment.current_dir()).unwrap_or_else(|error| {
            self.printer.warning(&chain(&error).join(": "));
            LarderToml::default()
        })
    }

    /// What is only read, nearest first: a seed belongs to this very larder, a base store to many.
    fn lower<'p>(
        &self,
        projects: impl IntoIterator<Item = &'p LarderToml>,
        telling: Telling,
    ) -> Result<Vec<PathBuf>, CommandError> {
        let surroundings = Surroundings {
            current_dir: self.environment.current_dir(),
            store: &self.store,
            over: self.over.as_ref(),
            printer: self.printer,
        };
        let bases = base_stores(projects, telling, surroundings)?;
        Ok(self.below.iter().cloned().chain(bases).collect())
    }
}

fn over_others(store: Store, others: &[PathBuf]) -> Result<Store, StoreError> {
    others.iter().try_fold(store, |store, other| store.over_another(other))
}
