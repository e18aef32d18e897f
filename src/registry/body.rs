//! A blob as a body: read whole and compared with its name and its digests first, then sent.

use std::{
    fs::File,
    io::{self, Read as _},
};

use axum::body::Body;
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use larder_store::{
    Store, StoreError,
    digest::{Hasher, Integrity},
    key::{BlobRef, Wanted},
    verify::{FaultKind, verify_blobs, verify_wanted},
};
use tokio::task::spawn_blocking;

/// Up to this size a blob is read once and kept in memory until it is sent. Nine of ten tarballs are smaller. 256 KiB.
const SMALL: u64 = 256 << 10;
/// Read and sent at once of a larger one. Two of them wait in memory at most until the client takes them. 64 KiB.
const PIECE: usize = 64 << 10;

/// The body of a blob whose bytes are those of its name, and what the lockfile states of them. A damaged one is set aside, if the store can be written.
pub(super) fn checked(store: &Store, found: BlobRef, stated: Option<&Integrity>) -> Result<Body, StoreError> {
    if found.size > SMALL {
        // The same file is sent that was read.
        return match store.open_checked(&found.blob, stated) {
            Ok(file) => Ok(streamed(file)),
            Err(error) => {
                verify(store, found, stated)?;
                Err(error)
            }
        };
    }
    let mut bytes = Vec::new();
    // A file that is longer than it was is not the blob, and is not read to its end.
    let read = store.open_blob(&found.blob)?.take(found.size + 1).read_to_end(&mut bytes);
    read.map_err(|source| StoreError::Io { action: "read", path: store.blob_path(&found.blob), source })?;
    let mut hasher = Hasher::new(stated.into_iter().flat_map(Integrity::algorithms));
    hasher.update(&bytes);
    let actual = hasher.finish();
    if actual.blob == found.blob && stated.is_none_or(|stated| stated.agrees_with(&actual.digests)) {
        return Ok(Body::from(bytes));
    }
    // Sets it aside, unless somebody has put it right since: these bytes are wrong all the same.
    verify(store, found, stated)?;
    Err(StoreError::DamagedBlob { path: store.blob_path(&found.blob), actual: actual.blob })
}

fn verify(store: &Store, found: BlobRef, stated: Option<&Integrity>) -> Result<(), StoreError> {
    let kind = match stated.map(|stated| Wanted::Integrity(stated.clone())) {
        Some(wanted) => verify_wanted(store, &[(found, &wanted)], 1).pop().map(|unfit| unfit.fault.kind),
        None => verify_blobs(store, &[found], 1).pop().map(|fault| fault.kind),
    };
    match kind {
        None => Ok(()),
        Some(FaultKind::Misstated { .. }) => Err(StoreError::Misstated {
            path: store.blob_path(&found.blob),
            stated: stated.expect("nothing else is compared").clone(),
        }),
        Some(FaultKind::Damaged { actual, .. }) => {
            Err(StoreError::DamagedBlob { path: store.blob_path(&found.blob), actual })
        }
        Some(FaultKind::Unreadable(error) | FaultKind::InTheWay(error) | FaultKind::Lower { error, .. }) => Err(error),
        Some(FaultKind::Missing) => Err(StoreError::Io {
            action: "read",
            path: store.blob_path(&found.blob),
            source: std::io::ErrorKind::NotFound.into(),
        }),
    }
}

fn streamed(file: File) -> Body {
    let (sender, channel) = Channel::<Bytes, io::Error>::new(1);
    tokio::spawn(async move {
        // An error here is a client that has gone, or a disk that fails: the connection ends before the body does, and says so.
        if let Err(error) = send(file, sender).await {
            tracing::debug!(%error, "a body ends early");
        }
    });
    Body::new(channel)
}

/// No thread waits for the client: one reads each piece, when the one before was taken.
async fn send(mut file: File, mut sender: Sender<Bytes, io::Error>) -> io::Result<()> {
    loop {
        let read = spawn_blocking(move || {
            let piece = read_piece(&mut file);
            (file, piece)
        });
        let (back, piece) = read.await.map_err(io::Error::other)?;
        file = back;
        let piece = match piece {
            Ok(piece) if piece.is_empty() => return Ok(()),
            Ok(piece) => piece,
            Err(error) => {
                sender.abort(io::Error::from(error.kind()));
                return Err(error);
            }
        };
        sender.send_data(piece).await.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
    }
}

/// The next bytes of a file; none at its end.
fn read_piece(file: &mut File) -> io::Result<Bytes> {
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece) {
            Ok(count) => {
                piece.truncate(count);
                return Ok(piece.into());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
