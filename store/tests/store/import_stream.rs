//! What comes in a stream from another store is believed in nothing, and nothing of it is waited for that does not come.

use std::{
    collections::VecDeque,
    io::{self, Read},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use larder_store::{
    Store,
    digest::BlobId,
    import::{BlobStream, Identities, Imported, Offered, RefusalReason, import_stream},
    transfer::inventory,
    verify::verify,
};

use crate::support::{begun, left_in_partial, now, options, origin, put, sha512, store};

/// Blobs by name, with any bytes, and perhaps an end before their end.
struct Stream {
    blobs: VecDeque<(BlobId, Vec<u8>)>,
    at_hand: io::Cursor<Vec<u8>>,
    /// Bytes that come before it breaks off.
    left: usize,
}

impl Stream {
    fn of(bodies: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::named(bodies.into_iter().map(|bytes| (BlobId::of(&bytes), bytes)))
    }

    fn named(blobs: impl IntoIterator<Item = (BlobId, Vec<u8>)>) -> Self {
        Self { blobs: blobs.into_iter().collect(), at_hand: io::Cursor::default(), left: usize::MAX }
    }
}

impl BlobStream for Stream {
    fn next(&mut self) -> io::Result<Option<(BlobId, u64)>> {
        if self.left == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((blob, bytes)) = self.blobs.pop_front() else { return Ok(None) };
        let len = bytes.len() as u64;
        self.at_hand = io::Cursor::new(bytes);
        Ok(Some((blob, len)))
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.left);
        let count = self.at_hand.read(&mut buffer[..most])?;
        self.left -= count;
        Ok(count)
    }
}

fn bodies() -> Vec<Vec<u8>> {
    let lengths = [0, 1, 3000, 128 << 10, (128 << 10) + 1, 5_000_000, 70_000, 12];
    lengths.iter().zip(0_u8..).map(|(&len, byte)| vec![byte; len]).collect()
}

fn offered(store: &Store) -> Offered {
    inventory(store).unwrap().into_iter().map(Ok).collect()
}

fn take(ours: &Store, offered: Offered, stream: &mut Stream) -> Imported {
    import_stream(ours, offered, stream, options(Identities::Believed, 3, &|| false)).unwrap()
}

#[test]
fn what_is_missing_is_taken_in_any_order_and_what_is_here_is_passed_over() {
    let ((_there, theirs), (here, ours)) = (store(), store());
    for body in bodies() {
        put(&theirs, &body);
    }
    put(&ours, &vec![5; 5_000_000]);
    let taken = take(&ours, offered(&theirs), &mut Stream::of(bodies().into_iter().rev()));
    assert_eq!((taken.imported.count, taken.already_here, taken.refused.len()), (7, 1, 0), "{taken:?}");
    assert!(taken.broke_off.is_none() && !taken.is_stopped);
    let verification = verify(&ours, 1, &|_| ()).unwrap();
    assert_eq!((verification.checked.count, verification.faults.len()), (8, 0));
    assert_eq!(left_in_partial(here.path()), 0);
}

#[test]
fn what_breaks_off_gives_what_was_whole_and_the_next_one_the_rest() {
    let (_there, theirs) = store();
    for body in bodies() {
        put(&theirs, &body);
    }
    for left in [0, 1, 2000, 130_000, 300_000, 4_000_000, 5_300_000] {
        let (here, ours) = store();
        let mut stream = Stream { left, ..Stream::of(bodies()) };
        let taken = take(&ours, offered(&theirs), &mut stream);
        assert!(taken.broke_off.is_some() && taken.refused.is_empty(), "{left}: {taken:?}");
        let verification = verify(&ours, 1, &|_| ()).unwrap();
        assert_eq!((verification.checked.count, verification.faults.len()), (taken.imported.count, 0), "{left}");
        assert_eq!(left_in_partial(here.path()), 0, "{left}");
        let rest = take(&ours, offered(&theirs), &mut Stream::of(bodies()));
        assert_eq!(rest.imported.count + taken.imported.count, 8, "{left}");
        assert_eq!(rest.already_here, taken.imported.count, "{left}");
    }
}

#[test]
fn other_bytes_another_length_and_what_does_not_come_are_refused_by_name() {
    let ((_there, theirs), (here, ours)) = (store(), store());
    let names: Vec<BlobId> = [&b"right"[..], b"wrong", b"long", b"never"].map(|body| put(&theirs, body).blob).into();
    let blobs = [(0, &b"right"[..]), (1, b"wrung"), (2, b"longer"), (0, b"right")];
    let unknown = (BlobId::of(b"unknown"), b"unknown".to_vec());
    let blobs = blobs.map(|(at, bytes)| (names[at], bytes.to_vec())).into_iter().chain([unknown]);
    let taken = take(&ours, offered(&theirs), &mut Stream::named(blobs));
    assert_eq!(taken.imported.count, 1, "{taken:?}");
    let reason = |blob: &BlobId| {
        let refusal = taken.refused.iter().find(|refusal| refusal.blob == Some(*blob)).unwrap();
        refusal.reason.to_string()
    };
    assert_eq!(taken.refused.len(), 3);
    assert_eq!(reason(&names[1]), format!("its bytes are blake3 {}", BlobId::of(b"wrung")));
    assert_eq!(reason(&names[2]), "it has 6 bytes, and its receipt says 4");
    assert_eq!(reason(&names[3]), "it has a receipt and no file");
    assert_eq!(left_in_partial(here.path()), 0);
    assert_eq!(inventory(&ours).unwrap().len(), 1);
}

#[test]
fn a_blob_that_another_process_is_at_is_waited_for() {
    let ((_there, theirs), (_here, ours)) = (store(), store());
    put(&theirs, b"both");
    let wanted = sha512(b"both");
    let lookup = ours.lookup(std::slice::from_ref(&wanted), now()).unwrap();
    let part = begun(&lookup, &wanted, vec![origin("react")]);
    thread::scope(|scope| {
        let taken = scope.spawn(|| take(&ours, offered(&theirs), &mut Stream::of([b"both".to_vec()])));
        thread::sleep(Duration::from_millis(60));
        assert!(!taken.is_finished());
        drop(part);
        assert_eq!(taken.join().unwrap().imported.count, 1);
    });
}

#[test]
fn stopped_it_keeps_what_is_whole() {
    let ((_there, theirs), (here, ours)) = (store(), store());
    for body in bodies() {
        put(&theirs, &body);
    }
    let is_stopped = AtomicBool::new(false);
    let mut stream = Stopping { stream: Stream::of(bodies()), is_stopped: &is_stopped };
    let stopping = || is_stopped.load(Ordering::Relaxed);
    let taken =
        import_stream(&ours, offered(&theirs), &mut stream, options(Identities::Believed, 2, &stopping)).unwrap();
    assert!(taken.is_stopped && taken.refused.is_empty(), "{taken:?}");
    assert!(taken.imported.count < 6, "{taken:?}");
    let verification = verify(&ours, 1, &|_| ()).unwrap();
    assert_eq!((verification.checked.count, verification.faults.len()), (taken.imported.count, 0));
    assert_eq!(left_in_partial(here.path()), 0);
}

/// Asks to stop when the largest blob is under way.
struct Stopping<'a> {
    stream: Stream,
    is_stopped: &'a AtomicBool,
}

impl BlobStream for Stopping<'_> {
    fn next(&mut self) -> io::Result<Option<(BlobId, u64)>> {
        self.stream.next()
    }
}

impl Read for Stopping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stream.at_hand.position() > 1_000_000 {
            self.is_stopped.store(true, Ordering::Relaxed);
        }
        self.stream.read(buffer)
    }
}

#[test]
fn what_the_stream_says_of_itself_is_of_no_weight() {
    let ((_there, theirs), (_here, ours)) = (store(), store());
    put(&theirs, b"bytes");
    let mut offered = offered(&theirs);
    let lying = offered[0].as_mut().unwrap();
    lying.digests = larder_store::digest::Digest::of(larder_store::digest::Algorithm::Sha512, b"other").into();
    let taken = take(&ours, offered, &mut Stream::of([b"bytes".to_vec()]));
    assert_eq!(taken.imported.count, 0);
    assert!(
        matches!(taken.refused[0].reason, RefusalReason::Digests { .. } | RefusalReason::Bytes { .. }),
        "{taken:?}"
    );
}
