//! An import from a store whose blobs can be had one by one: several threads take from one queue.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    thread,
};

use super::{
    blobs::Blobs,
    work::{BUSY_PAUSE, Work},
};

/// Imports all that is offered.
pub(super) fn run(work: &Work<'_>, blobs: &dyn Blobs, threads: usize) {
    let queue = Mutex::new((0..work.offered.len()).collect());
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, work.offered.len().max(1)) {
            scope.spawn(|| take(work, blobs, &queue));
        }
    });
}

fn take(work: &Work<'_>, blobs: &dyn Blobs, queue: &Mutex<VecDeque<usize>>) {
    let held = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    while !work.is_over() {
        let Some(at) = held().pop_front() else { return };
        let is_busy = work.import(at, &mut || blobs.open(&work.offered[at]));
        if is_busy {
            held().push_back(at);
            thread::sleep(BUSY_PAUSE);
        }
    }
}
