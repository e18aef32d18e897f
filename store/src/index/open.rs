//! Opening the index, whatever state it is in.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use super::{
    generation,
    interface::{Index, IndexError, IndexState},
    rebuild::{self, RebuildError},
    sled::SledIndex,
};
use crate::{
    error::{At as _, StoreError},
    layout::Layout,
    lock,
    open::{self, Names},
    wait::Patience,
    writable::Writable,
};

/// How long another larder may use an index that is to be removed: it may make the whole of it again.
const DISCARD_PATIENCE: Patience = Patience::up_to(Duration::from_secs(30));

/// Calls `work` with the store's index, and says where it was. `work` may be called again, with an index made anew.
///
/// Nothing but a store whose receipts cannot be listed is an error. The index is closed when this returns.
pub(crate) fn with<T>(
    store: Writable<'_>,
    mut work: impl FnMut(&mut dyn Index) -> Result<T, IndexError>,
) -> Result<(T, IndexState), StoreError> {
    let layout = store.layout();
    let lock_path = layout.index_lock();
    let lock_file = match lock::open(layout, &lock_path, Names::One) {
        Ok(file) => file,
        Err(error) => return with_memory(layout, work, error.to_string()),
    };
    // An index in memory does as well, and takes about as long.
    match lock::exclusive(&lock_file, &lock_path, Patience::brief()) {
        Err(StoreError::Held { .. }) => return with_memory(layout, work, IndexError::Held.to_string()),
        locked => locked?,
    }
    let first = match on_disk(store, &mut work) {
        Ok((value, IsNew(true))) => return Ok((value, IndexState::Rebuilt("there was none".to_owned()))),
        Ok((value, IsNew(false))) => return Ok((value, IndexState::Sled)),
        Err(error) => error,
    };
    if matches!(first, OnDiskError::Index(IndexError::Interrupted)) {
        return Err(StoreError::Interrupted);
    }
    if !first.is_damage() {
        return with_memory(layout, work, first.to_string());
    }
    tracing::warn!(error = %first, "the index is damaged: it is made again from the receipts");
    if let Err(error) = set_aside(layout) {
        return with_memory(layout, work, error.to_string());
    }
    match on_disk(store, &mut work) {
        Ok((value, _)) => Ok((value, IndexState::Rebuilt(first.to_string()))),
        Err(second) => with_memory(layout, work, second.to_string()),
    }
}

/// Removes the index, so that the next one is made from the receipts. Others who use it now are waited for; who has looked something up before looks again.
pub(crate) fn discard(store: Writable<'_>) -> Result<(), StoreError> {
    let layout = store.layout();
    let path = layout.index_lock();
    let lock_file = lock::open(layout, &path, Names::One)?;
    lock::exclusive(&lock_file, &path, DISCARD_PATIENCE)?;
    match std::fs::remove_dir_all(layout.index()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        // Another user's, in a store that two share: by the generation, its owner notices that it is of no use any more.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
        removed => removed.at("remove", &layout.index())?,
    }
    generation::write(store, generation::read(layout).wrapping_add(1))
}

struct IsNew(bool);

#[derive(Debug, thiserror::Error)]
enum OnDiskError {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RebuildError> for OnDiskError {
    fn from(error: RebuildError) -> Self {
        match error {
            RebuildError::Store(error) => Self::Store(error),
            RebuildError::Index(error) => Self::Index(error),
        }
    }
}

impl OnDiskError {
    /// Whether making the index again can help.
    fn is_damage(&self) -> bool {
        match self {
            Self::Store(_) | Self::Index(IndexError::Held | IndexError::Interrupted) => false,
            Self::Index(IndexError::Sled(::sled::Error::Io(error))) => !matches!(
                error.kind(),
                io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ReadOnlyFilesystem
            ),
            Self::Index(_) => true,
        }
    }
}

fn on_disk<T>(
    store: Writable<'_>,
    work: &mut impl FnMut(&mut dyn Index) -> Result<T, IndexError>,
) -> Result<(T, IsNew), OnDiskError> {
    let layout = store.layout();
    // sled panics on some kinds of damage. Its state is dropped with the closure; what remains is on disk, and is set aside.
    catch_unwind(AssertUnwindSafe(|| {
        if let Some((path, unfit)) = open::unfit_in(&layout.index()).at("look at", &layout.index())? {
            return Err(OnDiskError::Index(IndexError::Unfit { path, unfit }));
        }
        let mut index = SledIndex::open(&layout.index())?;
        let made = generation::read(layout);
        let is_new = !index.is_filled()?;
        if is_new {
            rebuild::fill(layout, &mut index)?;
            index.set_filled()?;
        } else if index.generation()? != made {
            return Err(OnDiskError::Index(IndexError::Behind { has: index.generation()?, made }));
        }
        let value = work(&mut index)?;
        if is_new || index.is_changed() {
            index.set_generation(made.wrapping_add(1))?;
            generation::write(store, made.wrapping_add(1))?;
        }
        Ok((value, IsNew(is_new)))
    }))
    .unwrap_or(Err(OnDiskError::Index(IndexError::Panic)))
}

/// Calls `work` with an index in memory, and says why.
pub(crate) fn with_memory<T>(
    layout: &Layout,
    mut work: impl FnMut(&mut dyn Index) -> Result<T, IndexError>,
    why: String,
) -> Result<(T, IndexState), StoreError> {
    tracing::debug!(why, "the index is made in memory");
    let mut index = rebuild::in_memory(layout)?;
    let value = work(&mut index).expect("the index in memory answers everything");
    Ok((value, IndexState::Memory(why)))
}

/// Keeps one damaged index, for whoever wants to know what happened.
fn set_aside(layout: &Layout) -> Result<(), StoreError> {
    let (index, broken) = (layout.index(), layout.broken_index());
    let removed = match std::fs::symlink_metadata(&broken) {
        // Of a link, the name goes.
        Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(&broken),
        Ok(_) => std::fs::remove_file(&broken),
        Err(_) => Ok(()),
    };
    removed.at("remove", &broken)?;
    match std::fs::rename(&index, &broken) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("set aside", index, error)),
        _ => Ok(()),
    }
}
