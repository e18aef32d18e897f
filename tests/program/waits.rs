//! Locks that somebody else holds: commands go on, or say why not; and Ctrl-C ends them.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use larder_test_server::Reply;

use crate::support::{Package, Run, World, packages};

/// No command may take longer, whoever holds a lock: the patience with a program that is not larder, and some for a machine that is busy.
const LONGEST: Duration = Duration::from_secs(12);

/// A project whose files are in the store, and another file that is not.
fn world() -> (World, Package) {
    let some = packages(2);
    let world = World::new(&some);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let new = Package::new("new", larder_test_server::noise(7, 5000));
    world.server.on(&new.path(), Reply::body(new.bytes.clone()));
    (world, new)
}

fn hold(path: &Path) -> File {
    let file = File::open(path).unwrap();
    file.lock().unwrap();
    file
}

/// Runs a command that must end in time.
fn soon(world: &World, arguments: &[&str]) -> Run {
    let start = Instant::now();
    let run = world.run(arguments);
    assert!(start.elapsed() < LONGEST, "{arguments:?} took {:?}: {run:?}", start.elapsed());
    run
}

fn says_who_holds(run: &Run, lock: &Path) {
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.err.contains(&format!("waiting for {}: ", lock.display())), "{run:?}");
    let held = format!("error: {}: ", lock.display());
    assert!(run.err.contains(&held) || run.err.contains(&lock.display().to_string()), "{run:?}");
    if cfg!(target_os = "linux") {
        assert!(run.err.contains(&format!("process {} ", std::process::id())), "{run:?}");
        assert!(run.err.contains("holds an exclusive lock on it"), "{run:?}");
    }
    assert!(run.err.contains("hint: end that process"), "{run:?}");
}

#[test]
fn a_store_that_another_program_keeps_to_itself_is_an_error_that_names_it() {
    let (world, _) = world();
    let lock = world.store().join("lock");
    let held = hold(&lock);
    for command in ["status", "fetch"] {
        says_who_holds(&soon(&world, &[command, "--color", "never"]), &lock);
    }
    drop(held);
    let shared = File::open(&lock).unwrap();
    shared.lock_shared().unwrap();
    assert_eq!(world.run(&["status"]).code, Some(0), "others may use it at the same time");
}

#[test]
fn a_journal_that_is_held_stops_only_what_has_to_write_into_it() {
    let (world, new) = world();
    let journal = world.store().join("partial/journal");
    // A record that is cut: there is something to fold.
    std::fs::write(&journal, [1; 63]).unwrap();
    let held = hold(&journal);
    for command in ["fetch", "status", "verify"] {
        let run = soon(&world, &[command]);
        assert_eq!(run.code, Some(0), "{run:?}");
    }
    world.lock(std::slice::from_ref(&new));
    let run = soon(&world, &["fetch", "--color", "never"]);
    says_who_holds(&run, &journal);
    drop(held);
    world.server.forget();
    let run = world.run(&["fetch"]);
    assert_eq!((run.code, world.server.requests().len()), (Some(0), 0), "what had arrived was kept: {run:?}");
}

#[test]
fn a_folder_of_receipts_that_is_held_is_waited_for_once_and_not_for_each_file() {
    let (world, _) = world();
    let some: Vec<Package> =
        (0..8).map(|seed| Package::new(&format!("new-{seed}"), larder_test_server::noise(100 + seed, 900))).collect();
    for package in &some {
        world.server.on(&package.path(), Reply::body(package.bytes.clone()));
    }
    world.lock(&some);
    let held: Vec<File> = (0..=255_u8)
        .map(|number| {
            let folder = world.store().join(format!("receipts/{number:02x}"));
            std::fs::create_dir_all(&folder).unwrap();
            hold(&folder)
        })
        .collect();
    let run = soon(&world, &["fetch", "--color", "never"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.err.contains("/receipts/") && run.err.contains("holds an exclusive lock on it"), "{run:?}");
    drop(held);
    world.server.forget();
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    assert!(world.server.requests().is_empty(), "nothing was lost");
    assert_eq!(world.run(&["verify"]).code, Some(0));
}

#[test]
fn the_folder_above_a_view_that_is_held_is_an_error_and_ctrl_c_ends_the_wait() {
    let (world, _) = world();
    let above = world.folder.path().join("views");
    std::fs::create_dir(&above).unwrap();
    let _held = hold(&above);
    let view = above.join("view");
    let arguments = ["view", "tarballs", view.to_str().unwrap(), "--color", "never"];
    says_who_holds(&soon(&world, &arguments), &above.canonicalize().unwrap());
    assert!(!view.exists());

    let mut child = world.command(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(said.any(|line| line.starts_with("waiting for ")), "it says what it waits for");
    let start = Instant::now();
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn a_download_whose_larder_is_stopped_is_named_and_other_files_go_on() {
    let (world, new) = world();
    let stuck = Package::new("stuck", larder_test_server::noise(8, 500_000));
    world.server.on(&stuck.path(), Reply::body(stuck.bytes.clone()).stall_after(100_000));
    world.lock(std::slice::from_ref(&stuck));
    let mut first = world.command(&["fetch"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    world.server.wait_until(|requests| requests.iter().any(|request| request.path == stuck.path()));
    signal(&first, "STOP");
    world.lock(&[stuck.clone(), new.clone()]);
    let run = soon(&world, &["fetch", "--color", "never"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.out.contains("0 already here + 1 fetched + 1 failed"), "{run:?}");
    assert!(run.err.contains("waiting for another larder, which is fetching 1 file"), "{run:?}");
    if cfg!(target_os = "linux") {
        let holder = format!("process {} (larder), which is stopped, holds an exclusive lock", first.id());
        assert!(run.err.contains("stuck 1.0.0") && run.err.contains(&holder), "{run:?}");
    }
    first.kill().unwrap();
    first.wait().unwrap();
    world.server.on(&stuck.path(), Reply::body(stuck.bytes.clone()));
    assert_eq!(world.run(&["fetch"]).code, Some(0));
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
}
