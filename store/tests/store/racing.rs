//! Several at once: the lock files decide, in threads as in processes.

use std::{sync::Barrier, thread, time::Duration};

use larder_store::{Store, commit::Committer, download_lock::DownloadLock};

use crate::support::{now, origin, sha512, store};

#[test]
fn one_of_many_downloads_and_the_others_find_it() {
    let (folder, _store) = store();
    let bodies: Vec<Vec<u8>> = (0..40_u32).map(|number| number.to_le_bytes().repeat(100)).collect();
    let start = Barrier::new(6);
    let downloads: usize = thread::scope(|scope| {
        let runs: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    // Each its own store, opened like a process does.
                    let store = Store::open(folder.path()).unwrap();
                    start.wait();
                    run(&store, &bodies)
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    assert_eq!(downloads, bodies.len(), "each was downloaded once in all");
    let store = Store::open(folder.path()).unwrap();
    let verification = larder_store::verify::verify(&store, 2, &|_| {}).unwrap();
    assert_eq!((verification.checked.count, verification.faults.len()), (40, 0));
    assert_eq!(crate::support::left_in_partial(folder.path()), 0);
}

pub(crate) fn run(store: &Store, bodies: &[Vec<u8>]) -> usize {
    let wanted: Vec<_> = bodies.iter().map(|body| sha512(body)).collect();
    let lookup = store.lookup(&wanted, now()).unwrap();
    let committer = Committer::start(&lookup, now());
    let mut downloads = 0;
    let mut todo: Vec<usize> = (0..bodies.len()).filter(|at| lookup.find(&wanted[*at]).is_none()).collect();
    while let Some(at) = todo.pop() {
        match DownloadLock::acquire(&lookup, &wanted[at], None, vec![origin("react")]).unwrap() {
            DownloadLock::Present(_) => {}
            DownloadLock::Busy => {
                todo.insert(0, at);
                thread::sleep(Duration::from_millis(1));
            }
            DownloadLock::Acquired(mut part) => {
                downloads += 1;
                part.begin(0, None).unwrap();
                part.write(&bodies[at]).unwrap();
                let receipt = part.finish().unwrap();
                committer.submit(at as u64, part.seal(receipt));
            }
        }
    }
    let outcome = committer.finish();
    assert!(outcome.published.iter().all(|(_, outcome)| outcome.is_ok()), "{:?}", outcome.published);
    downloads
}
