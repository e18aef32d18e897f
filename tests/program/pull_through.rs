//! The registry's misses: one download for a file however many ask for it, several files at once, and failures that stay with who asked.

use std::{thread, time::Duration};

use larder_test_server::Reply;

use crate::{
    registry::Served,
    support::{World, packages},
};

/// How many clients ask at once.
const CLIENTS: usize = 16;

#[test]
fn many_clients_that_ask_for_one_missing_file_cause_one_download() {
    let packages = packages(1);
    let (world, path) = (World::new(&packages), packages[0].path());
    world.server.on(&path, Reply::body(packages[0].bytes.clone()).delayed(Duration::from_millis(300)));
    let served = Served::start(&world, &[]);
    thread::scope(|scope| {
        let asked: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| served.get(&path))).collect();
        for answer in asked {
            let answer = answer.join().unwrap();
            assert_eq!((answer.status, &answer.body), (200, &packages[0].bytes));
        }
    });
    assert_eq!(world.server.count(&path), 1);
    assert_eq!(served.stop().0, Some(0));
}

#[test]
fn many_clients_that_ask_for_different_missing_files_get_each_of_them_with_one_request() {
    let packages = packages(40);
    let world = World::new(&packages);
    let served = Served::start(&world, &[]);
    thread::scope(|scope| {
        for some in packages.chunks(packages.len().div_ceil(CLIENTS)) {
            let served = &served;
            scope.spawn(move || {
                for package in some {
                    let answer = served.get(&package.path());
                    assert_eq!((answer.status, &answer.body), (200, &package.bytes), "{}", package.name);
                }
            });
        }
    });
    for package in &packages {
        assert_eq!(world.server.count(&package.path()), 1, "{}", package.name);
    }
    served.stop();
    // What one process has published without telling the index, another finds.
    let fetched = world.run(&["fetch"]);
    assert!(fetched.out.contains("40 already here + 0 fetched + 0 failed"), "{fetched:?}");
}

#[test]
fn a_file_that_could_not_be_had_is_asked_for_again_by_who_asks_next() {
    let packages = packages(2);
    let world = World::new(&packages);
    let path = packages[0].path();
    world.server.script(&path, [Reply::status(404), Reply::body(packages[0].bytes.clone())]);
    let served = Served::start(&world, &[]);
    assert_eq!(served.get(&path).status, 404);
    assert_eq!(served.get(&packages[1].path()).status, 200);
    let answer = served.get(&path);
    assert_eq!((answer.status, &answer.body), (200, &packages[0].bytes));
    assert_eq!(world.server.count(&path), 2);
    served.stop();
}
