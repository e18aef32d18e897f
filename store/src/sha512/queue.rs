//! Where the chunks of all streams of the process meet.
//!
//! A stream is in one of three places: waiting with its chunks, with a thread that compresses them, or finished: without any. A thread has
//! several only while it compresses them, and waits for nothing then; so whoever waits for a stream gets it.

use std::{
    array,
    collections::{BTreeMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use super::lanes::{BLOCK_BYTES, Block, LANES, Lanes, State};

/// The queue of this process.
pub(super) static QUEUE: Queue = Queue::new();

/// Names a stream, from [`Queue::enter`] to [`Queue::leave`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// Of how many streams chunks wait before a thread that brings one compresses some. Twice the lanes, so that a stream that ends
/// finds company for its last chunk as well.
const CROWD: usize = 2 * LANES;

/// How many chunks of one stream may wait; so that a body that comes alone does not pile up, and one that comes in a burst can wait for others.
const BACKLOG: usize = 8;

/// What is queued of one stream: the state so far and the chunks to compress into it, each of whole blocks and not empty.
#[derive(Debug)]
struct Work {
    state: State,
    chunks: VecDeque<Vec<u8>>,
    /// How many blocks of the first chunk are in `state`.
    done: usize,
}

impl Work {
    fn blocks(&self) -> &[Block] {
        self.chunks.front().map_or(&[], |chunk| &chunk.as_chunks::<BLOCK_BYTES>().0[self.done..])
    }

    /// Takes note that so many blocks of the first chunk are in the state.
    fn advance(&mut self, count: usize) {
        self.done += count;
        if self.blocks().is_empty() {
            self.chunks.pop_front();
            self.done = 0;
        }
    }

    /// Compresses the first chunk, alone.
    fn advance_alone(&mut self) {
        let mut state = self.state;
        sha2::block_api::compress512(&mut state, self.blocks());
        self.state = state;
        self.advance(self.blocks().len());
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
    /// How many threads wait for another; to wake nobody is a system call as well.
    asleep: usize,
}

impl Queue {
    const fn new() -> Self {
        let places = Places { next: 0, waiting: VecDeque::new(), finished: BTreeMap::new(), asleep: 0 };
        Self { places: Mutex::new(places), is_back: Condvar::new() }
    }

    /// Enters a stream with the state that it has so far.
    pub(super) fn enter(&self, state: State) -> Ticket {
        let mut places = self.lock();
        let ticket = Ticket(places.next);
        places.next += 1;
        places.finished.insert(ticket, Work { state, chunks: VecDeque::new(), done: 0 });
        ticket
    }

    /// Queues the next chunk of a stream: whole blocks, at least one. If many wait, compresses some, of this stream or others.
    pub(super) fn post(&self, ticket: Ticket, chunk: Vec<u8>) {
        let mut places = self.lock();
        loop {
            if let Some(mut work) = places.finished.remove(&ticket) {
                work.chunks.push_back(chunk);
                places.waiting.push_back((ticket, work));
                break;
            }
            places = match places.position(ticket) {
                Some(position) if places.waiting[position].1.chunks.len() < BACKLOG => {
                    places.waiting[position].1.chunks.push_back(chunk);
                    break;
                }
                Some(position) => self.compress_some(places, position),
                None => self.wait(places),
            };
        }
        if places.waiting.len() >= CROWD {
            drop(self.compress_some(places, 0));
        }
    }

    /// The state after all chunks of a stream.
    pub(super) fn state(&self, ticket: Ticket) -> State {
        self.finished(ticket).finished[&ticket].state
    }

    /// Forgets a stream.
    pub(super) fn leave(&self, ticket: Ticket) {
        let mut places = self.lock();
        while places.finished.remove(&ticket).is_none() {
            if let Some(position) = places.position(ticket) {
                places.waiting.remove(position);
                break;
            }
            places = self.wait(places);
        }
    }

    /// Compresses, or waits for whoever does, until a stream has no chunks left.
    fn finished(&self, ticket: Ticket) -> MutexGuard<'_, Places> {
        let mut places = self.lock();
        while !places.finished.contains_key(&ticket) {
            places = match places.position(ticket) {
                Some(position) => self.compress_some(places, position),
                None => self.wait(places),
            };
        }
        places
    }

    /// Compresses chunks of the stream at `position` and of those that wait longest, side by side, as far as the shortest reaches.
    fn compress_some<'queue>(
        &'queue self,
        mut places: MutexGuard<'queue, Places>,
        position: usize,
    ) -> MutexGuard<'queue, Places> {
        places.waiting.swap(0, position);
        let count = places.waiting.len().min(LANES);
        let mut some: Vec<(Ticket, Work)> = places.waiting.drain(..count).collect();
        drop(places);
        compress_together(&mut some);
        let mut places = self.lock();
        for (ticket, work) in some.into_iter().rev() {
            if work.chunks.is_empty() {
                places.finished.insert(ticket, work);
            } else {
                places.waiting.push_front((ticket, work));
            }
        }
        if places.asleep > 0 {
            self.is_back.notify_all();
        }
        places
    }

    fn wait<'queue>(&self, mut places: MutexGuard<'queue, Places>) -> MutexGuard<'queue, Places> {
        places.asleep += 1;
        let mut places = self.is_back.wait(places).unwrap_or_else(PoisonError::into_inner);
        places.asleep -= 1;
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
            let count = lanes.compress(&mut states, of_lane.map(Work::blocks));
            for ((_, work), state) in several.iter_mut().zip(states) {
                work.state = state;
                work.advance(count);
            }
        }
        (works, _) => works.iter_mut().for_each(|(_, work)| work.advance_alone()),
    }
}

#[cfg(test)]
impl Queue {
    /// Whether a stream did not leave.
    pub(super) fn knows(&self, ticket: Ticket) -> bool {
        let places = self.lock();
        places.position(ticket).is_some() || places.finished.contains_key(&ticket)
    }
}
