//! What the registry serves, shared by all of its connections.

use std::{
    fmt,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use larder_store::Store;

use super::{folders::Folders, route::Router, upstream::Upstream};
use crate::npm::metadata::Metadata;

/// The store, the catalog of package versions, and the upstream.
pub(crate) struct RegistryState {
    pub(super) store: Store,
    catalog: RwLock<Metadata>,
    pub(super) router: Router,
    pub(super) folders: Folders,
    pub(super) upstream: Box<dyn Upstream>,
}

impl fmt::Debug for RegistryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryState").field("store", &self.store).finish_non_exhaustive()
    }
}

impl RegistryState {
    /// A registry over this catalog.
    pub(crate) fn new(store: Store, catalog: Metadata, upstream: Box<dyn Upstream>) -> Self {
        let router = Router::of(catalog.versions());
        Self { store, catalog: RwLock::new(catalog), router, folders: Folders::default(), upstream }
    }

    pub(super) fn catalog(&self) -> RwLockReadGuard<'_, Metadata> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn catalog_mut(&self) -> RwLockWriteGuard<'_, Metadata> {
        self.catalog.write().unwrap_or_else(PoisonError::into_inner)
    }
}
