//! A blob as a body: read whole and compared with its name and its digests first, then sent, all of it or a part.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    ops::Range,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::Frame;
use larder_store::{
    Store, StoreError,
    digest::{BlobId, Hasher, Integrity},
    key::{BlobRef, Wanted},
    verify::{Depth, FaultKind, verify_blobs, verify_wanted},
};
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::spawn_blocking,
};

use crate::fetcher::CheckedFiles;

/// Up to this size a blob is read once and kept in memory until it is sent. Nine of ten tarballs are smaller. 256 KiB.
const SMALL: u64 = 256 << 10;
/// Read and sent at once of a larger one. Two of them wait in memory at most until the client takes them. 256 KiB.
const PIECE: usize = 256 << 10;

/// A blob whose bytes are those of its name, and what the lockfile states of them.
#[derive(Debug)]
pub(crate) struct CheckedBlob(Checked);

#[derive(Debug)]
enum Checked {
    Bytes(Bytes),
    /// The same file that was read, and its length.
    File(File, u64),
}

impl CheckedBlob {
    /// Reads a blob. A damaged one is set aside, if the store can be written.
    pub(crate) fn read(store: &Store, found: BlobRef, stated: Option<&Integrity>) -> Result<Self, StoreError> {
        Self::of_checked(store, found, stated, |blob| store.open_checked(blob, stated))
    }

    /// The same, without reading a large blob whose file was checked before and is unchanged.
    pub(crate) fn read_once(
        store: &Store,
        found: BlobRef,
        stated: Option<&Integrity>,
        checked: &CheckedFiles,
    ) -> Result<Self, StoreError> {
        Self::of_checked(store, found, stated, |blob| checked.open(store, blob, stated))
    }

    fn of_checked(
        store: &Store,
        found: BlobRef,
        stated: Option<&Integrity>,
        open: impl FnOnce(&BlobId) -> Result<File, StoreError>,
    ) -> Result<Self, StoreError> {
        if found.size > SMALL {
            return match open(&found.blob) {
                Ok(file) => Ok(Self(Checked::File(file, found.size))),
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
            return Ok(Self(Checked::Bytes(bytes.into())));
        }
        // Sets it aside, unless somebody has put it right since: these bytes are wrong all the same.
        verify(store, found, stated)?;
        Err(StoreError::DamagedBlob { path: store.blob_path(&found.blob), actual: actual.blob })
    }

    /// Bytes that are not the store's: nobody need check them.
    pub(crate) fn of_bytes(bytes: Bytes) -> Self {
        Self(Checked::Bytes(bytes))
    }

    /// All of it as a body. Called where the server's runtime is entered.
    pub(crate) fn into_body(self) -> Body {
        match self.0 {
            Checked::Bytes(bytes) => Body::from(bytes),
            Checked::File(file, len) => streamed(file, len),
        }
    }

    /// These bytes of it as a body; they are within its length.
    pub(crate) fn into_part(self, bytes: Range<u64>) -> io::Result<Body> {
        match self.0 {
            Checked::Bytes(all) => {
                let at = |place: u64| usize::try_from(place).map_err(io::Error::other);
                Ok(Body::from(all.slice(at(bytes.start)?..at(bytes.end)?)))
            }
            Checked::File(mut file, _) => {
                file.seek(SeekFrom::Start(bytes.start))?;
                Ok(streamed(file, bytes.end - bytes.start))
            }
        }
    }
}

fn verify(store: &Store, found: BlobRef, stated: Option<&Integrity>) -> Result<(), StoreError> {
    let kind = match stated.map(|stated| Wanted::Integrity(stated.clone())) {
        Some(wanted) => {
            verify_wanted(store, &[(found, &wanted, Depth::Digests)], 1).pop().map(|unfit| unfit.fault.kind)
        }
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

fn streamed(file: File, len: u64) -> Body {
    let (sender, pieces) = channel(1);
    tokio::spawn(async move {
        // An error here is a client that has gone, or a disk that fails: the connection ends before the body does, and says so.
        if let Err(error) = send(file, len, sender).await {
            tracing::debug!(%error, "a body ends early");
        }
    });
    Body::new(Pieces(pieces))
}

/// A body of pieces as they come. One channel carries pieces and the error: with two, a last piece that came between a look at the one and a look at the other was lost.
struct Pieces(Receiver<io::Result<Bytes>>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|data| data.map(Frame::data)))
    }
}

/// No thread waits for the client: one reads each piece, when the one before was taken.
async fn send(mut file: File, mut left: u64, sender: Sender<io::Result<Bytes>>) -> io::Result<()> {
    while left > 0 {
        let read = spawn_blocking(move || {
            let piece = read_piece(&mut file, left);
            (file, piece)
        });
        let (back, piece) = read.await.map_err(io::Error::other)?;
        file = back;
        let piece = match piece {
            // The file was cut: the body ends before its length, and the connection with it.
            Ok(piece) if piece.is_empty() => return Ok(()),
            Ok(piece) => piece,
            Err(error) => {
                // A client that has gone needs no end.
                drop(sender.send(Err(error.kind().into())).await);
                return Err(error);
            }
        };
        left -= piece.len() as u64;
        sender.send(Ok(piece)).await.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
    }
    Ok(())
}

/// The next bytes of a file, `left` at most; none at its end.
fn read_piece(file: &mut File, left: u64) -> io::Result<Bytes> {
    let mut piece = vec![0; usize::try_from(left).map_or(PIECE, |left| left.min(PIECE))];
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
