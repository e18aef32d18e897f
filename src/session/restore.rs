//! What a session takes from the places where stores are shared, before it asks the registries.

use larder_store::{
    StoreError,
    import::{Identities, Options},
    key::Wanted,
};

use super::open::Session;
use crate::{
    core::{environment::Environment, interrupt},
    fetcher::Downloads,
    share::{
        object::ObjectSettings,
        reference::{Reference, ReferenceError},
        remote::RemoteError,
        restore::{Restored, restore},
    },
};

/// Blobs that are asked for at once: what hides a way of 20 ms for blobs of 100 kB.
const AT_ONCE: usize = 32;

/// Why nothing was taken from anywhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// `larder.toml` names no place.
    #[error("larder.toml: `share.from` names a place that larder does not know")]
    Reference(#[from] ReferenceError),
    /// The store cannot go on.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What came of one place.
pub(crate) struct RestoredFrom {
    /// Its reference.
    pub(crate) name: String,
    /// Files that were missing before.
    pub(crate) missing: usize,
    /// What came of it, or why it cannot be asked at all.
    pub(crate) outcome: Result<Restored, RemoteError>,
}

impl Session {
    /// The places that are asked before the registries.
    pub(crate) fn shared_from(&self) -> Result<Vec<Reference>, ReferenceError> {
        if self.is_offline {
            return Ok(Vec::new());
        }
        if !self.from.is_empty() {
            return Ok(self.from.to_vec());
        }
        self.project.read.project.settings.share.from.iter().map(|text| text.parse()).collect()
    }

    /// Takes what the store lacks of these downloads from the session's places, one after another, until nothing is missing.
    pub(crate) fn restore(
        &self,
        downloads: &Downloads<'_>,
        environment: &Environment,
        tell: &mut dyn FnMut(RestoredFrom),
    ) -> Result<(), RestoreError> {
        let places = self.shared_from()?;
        if places.is_empty() {
            return Ok(());
        }
        let mut wanted: Vec<Wanted> = downloads.all.iter().map(|download| download.wanted.clone()).collect();
        let lookup = self.store().lookup(&wanted, self.now)?;
        wanted.retain(|wanted| lookup.find(wanted).is_none());
        drop(lookup);
        let plan = self.plan().digest().hex();
        for place in &places {
            // What no digest proves is not asked for.
            if !wanted.iter().any(|wanted| matches!(wanted, Wanted::Integrity(_))) || interrupt::came() {
                break;
            }
            let missing = wanted.len();
            let settings = ObjectSettings { environment, client: self.client_settings(), is_to_write: false };
            let options = Options {
                identities: Identities::Known,
                now: self.now,
                threads: AT_ONCE,
                is_stopped: &interrupt::came,
            };
            let outcome = match place.open(&settings, self.store().scratch_parent()) {
                Ok(remote) => Ok(restore(&*remote, &plan, &mut wanted, self.store(), options)?),
                Err(error) => Err(error),
            };
            tell(RestoredFrom { name: place.to_string(), missing, outcome });
        }
        Ok(())
    }
}
