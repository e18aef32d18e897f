//! Where the chunks of all streams of the process meet.
//!
//! Each is in one of three places: waiting, with a thread that compresses it, or finished. A thread has several only while it compresses
//! them, and waits for nothing then; so whoever waits for a chunk gets it.

use std::{
    array,
    collections::{BTreeMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use super::lanes::{BLOCK_BYTES, Block, LANES, Lanes, State};

/// The queue of this process.
pub(super) static QUEUE: Queue = Queue::new();

/// Names a queued chunk. It must be given back once, to [`Queue::settle`] or [`Queue::withdraw`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// A chunk of whole blocks and the state that they are compressed into.
#[derive(Debug)]
pub(super) struct Work {
    state: State,
    bytes: Vec<u8>,
    /// How many blocks are in `state`.
    done: usize,
}

impl Work {
    pub(super) const fn new(state: State, bytes: Vec<u8>) -> Self {
        Self { state, bytes, done: 0 }
    }

    pub(super) fn into_state(self) -> State {
        self.state
    }

    pub(super) fn into_parts(self) -> (State, Vec<u8>) {
        (self.state, self.bytes)
    }

    fn blocks(&self) -> &[Block] {
        &self.bytes.as_chunks::<BLOCK_BYTES>().0[self.done..]
    }
}

#[derive(Debug)]
pub(super) struct Queue {
    places: Mutex<Places>,
    /// Notified when a thread is done with what it compressed.
    is_back: Condvar,
}

#[derive(Debug)]
struct Places {
    next: u64,
    waiting: VecDeque<(Ticket, Work)>,
    finished: BTreeMap<Ticket, Work>,
}

impl Queue {
    const fn new() -> Self {
        let places = Places { next: 0, waiting: VecDeque::new(), finished: BTreeMap::new() };
        Self { places: Mutex::new(places), is_back: Condvar::new() }
    }

    /// Queues a chunk. If that fills the lanes, compresses some, this or others.
    pub(super) fn post(&self, mut work: Work) -> Ticket {
        let lanes = Lanes::detect();
        if lanes.is_none() {
            compress_one(&mut work);
        }
        let mut places = self.lock();
        let ticket = Ticket(places.next);
        places.next += 1;
        if lanes.is_none() {
            places.finished.insert(ticket, work);
        } else {
            places.waiting.push_back((ticket, work));
            if places.waiting.len() >= LANES {
                drop(self.compress_some(places));
            }
        }
        ticket
    }

    /// Takes a chunk out when it is finished.
    pub(super) fn settle(&self, ticket: Ticket) -> Work {
        self.finished(ticket).finished.remove(&ticket).expect("it is finished")
    }

    /// The state after a chunk, which stays.
    pub(super) fn state_of(&self, ticket: Ticket) -> State {
        self.finished(ticket).finished[&ticket].state
    }

    /// Takes out a chunk that nobody needs any more.
    pub(super) fn withdraw(&self, ticket: Ticket) {
        let mut places = self.lock();
        if let Some(position) = places.position(ticket) {
            places.waiting.remove(position);
        } else {
            drop(places);
            self.settle(ticket);
        }
    }

    /// Compresses, or waits for whoever does, until a chunk is finished.
    fn finished(&self, ticket: Ticket) -> MutexGuard<'_, Places> {
        let mut places = self.lock();
        while !places.finished.contains_key(&ticket) {
            places = match places.position(ticket) {
                Some(position) => {
                    places.waiting.swap(0, position);
                    self.compress_some(places)
                }
                None => self.is_back.wait(places).unwrap_or_else(PoisonError::into_inner),
            };
        }
        places
    }

    /// Compresses the first that wait side by side, as far as the shortest reaches.
    fn compress_some<'queue>(&'queue self, mut places: MutexGuard<'queue, Places>) -> MutexGuard<'queue, Places> {
        let count = places.waiting.len().min(LANES);
        let mut some: Vec<(Ticket, Work)> = places.waiting.drain(..count).collect();
        drop(places);
        compress_together(&mut some);
        let mut places = self.lock();
        for (ticket, work) in some.into_iter().rev() {
            if work.blocks().is_empty() {
                places.finished.insert(ticket, work);
            } else {
                places.waiting.push_front((ticket, work));
            }
        }
        self.is_back.notify_all();
        places
    }

    /// No thread leaves the places half changed.
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn position(&self, ticket: Ticket) -> Option<usize> {
        self.waiting.iter().position(|(waiting, _)| *waiting == ticket)
    }
}

fn compress_together(some: &mut [(Ticket, Work)]) {
    match (some, Lanes::detect()) {
        ([], _) => {}
        (several @ [_, _, ..], Some(lanes)) => {
            // Idle lanes repeat the last one's work.
            let of_lane = array::from_fn(|lane| &several[lane.min(several.len() - 1)].1);
            let mut states = of_lane.map(|work| work.state);
            let done = lanes.compress(&mut states, of_lane.map(Work::blocks));
            for ((_, work), state) in several.iter_mut().zip(states) {
                work.state = state;
                work.done += done;
            }
        }
        (works, _) => works.iter_mut().for_each(|(_, work)| compress_one(work)),
    }
}

fn compress_one(work: &mut Work) {
    let blocks = &work.bytes.as_chunks::<BLOCK_BYTES>().0[work.done..];
    sha2::block_api::compress512(&mut work.state, blocks);
    work.done += blocks.len();
}

#[cfg(test)]
impl Queue {
    /// Whether a chunk waits here or was not taken out.
    pub(super) fn knows(&self, ticket: Ticket) -> bool {
        let places = self.lock();
        places.position(ticket).is_some() || places.finished.contains_key(&ticket)
    }
}
