//! A store in an object store: S3, Google's, Azure's, or a folder that several machines have.
//!
//! ```text
//! blobs/ab/<62 hex>       a blob under its blake3; written once, never changed
//! plans/<64 hex>.jsonl    what was shared of the plan with this digest: {"format":1}, then a receipt a line, sorted by blob
//! ```
//!
//! A plan's file is written last, so who finds a receipt finds its blob, unless somebody has deleted that: then it is fetched from elsewhere, and `push --repair` sends it again. Any
//! number of writers share one place: a blob that is there is not sent again, and two that share the same plan at once put their receipts together.

mod catalog;
mod engine;
mod error;
mod folder;
mod push;
mod reader;
mod reference;

use std::sync::Arc;

use larder_store::{
    Store,
    import::{Blobs, RefusalReason},
    receipt::Receipt,
};

use engine::Connection;
pub(crate) use engine::ObjectSettings;
pub(crate) use error::ObjectError;
pub(crate) use push::{PushOptions, Pushed};
pub use reference::{ObjectReference, ObjectReferenceError};

use self::reader::ObjectReader;
use super::remote::{MOST_OTHERS, Remote, RemoteError, Shared};

/// A place in an object store.
pub(crate) struct ObjectRemote {
    connection: Arc<Connection>,
}

impl ObjectRemote {
    /// Connects to nothing yet. Without credentials in the environment, it asks the machine that it runs on, where that is one of the store's cloud.
    pub(crate) fn open(reference: &ObjectReference, settings: &ObjectSettings<'_>) -> Result<Self, ObjectError> {
        Ok(Self { connection: Arc::new(Connection::open(reference, settings)?) })
    }

    /// Shares a plan with these receipts, whose blobs `store` has. Nothing is written where nothing is new.
    pub(crate) fn push(
        &self,
        plan: &str,
        receipts: &[Receipt],
        store: &Store,
        options: PushOptions<'_>,
    ) -> Result<Pushed, ObjectError> {
        push::push(&self.connection, plan, receipts, store, options)
    }

    /// Whether plans can be listed: who may not write there may still read.
    pub(crate) fn can_read(&self) -> bool {
        self.connection.plans(1).is_ok()
    }
}

impl Remote for ObjectRemote {
    fn plan(&self, plan: &str) -> Result<Option<Shared<'_>>, RemoteError> {
        let Some((catalog, _)) = self.connection.catalog(plan)? else { return Ok(None) };
        let blobs: Box<dyn Blobs> = match self.connection.folder() {
            Some(folder) => Box::new(folder),
            None => Box::new(Single(&self.connection)),
        };
        Ok(Some(Shared { receipts: catalog.receipts, blobs, registry: catalog.registry }))
    }

    fn others(&self) -> Result<Vec<String>, RemoteError> {
        Ok(self.connection.plans(MOST_OTHERS)?)
    }
}

/// Blobs of an object store.
struct Single<'a>(&'a Arc<Connection>);

impl Blobs for Single<'_> {
    fn open<'a>(&'a self, receipt: &Receipt) -> Result<Box<dyn std::io::Read + 'a>, RefusalReason> {
        Ok(Box::new(ObjectReader::open(self.0, receipt)?))
    }
}
