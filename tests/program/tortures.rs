//! Fault injection: bit flips anywhere in a store, and servers that send random faults. No command may ever hand out a wrong byte.
//!
//! Each test is short by default. `LARDER_TEST_LONG=1` repeats it hundreds of times. The rounds are the same in each run.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use larder_test_server::{Reply, noise};

use crate::support::{Package, World, packages, rounds};

/// Numbers that look random and are the same in every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(sides).unwrap()).unwrap()
    }
}

/// Every file below a folder that has bytes, sorted.
fn files_with_bytes(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if entry.metadata().unwrap().len() > 0 {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// The tarballs of a view, by name.
fn tarballs(view: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = fs::read_dir(view) else { return BTreeMap::new() };
    let entries = entries.map(Result::unwrap).filter(|entry| entry.path().extension().is_some_and(|end| end == "tgz"));
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

fn expected(some: &[Package]) -> BTreeMap<String, Vec<u8>> {
    some.iter().map(|package| (format!("{}-1.0.0.tgz", package.name), package.bytes.clone())).collect()
}

#[test]
fn whichever_bit_of_a_store_flips_no_wrong_byte_reaches_a_view_and_a_repair_mends_it() {
    let some = packages(6);
    let world = World::new(&some);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let (sound, view) = (world.folder.path().join("sound"), world.folder.path().join("view"));
    fs::rename(world.store(), &sound).unwrap();
    let files = files_with_bytes(&sound);
    let mut dice = Dice(7);
    for round in 0..rounds(40, 1_000) {
        copy(&sound, &world.store());
        let file = world.store().join(files[dice.roll(files.len())].strip_prefix(&sound).unwrap());
        let mut bytes = fs::read(&file).unwrap();
        let (at, bit) = (dice.roll(bytes.len()), dice.roll(8));
        bytes[at] ^= 1 << bit;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(&file, &bytes).unwrap();
        let what = format!("round {round}: bit {bit} of byte {at} of {}", file.display());

        let to = view.to_str().unwrap();
        let run = world.run(&["view", "tarballs", to, "--offline"]);
        let made = tarballs(&view);
        // meta.json may now name a format that does not exist: that is said, and is the only case in which a store refuses its work.
        let is_refusal = matches!(run.code, Some(1 | 4)) && made.is_empty();
        assert!(is_refusal || (run.code == Some(0) && made == expected(&some)), "{what}: {run:?}");
        assert!(!run.err.contains("panicked"), "{what}: {run:?}");
        let _ = fs::remove_dir_all(&view);

        if file.file_name().is_some_and(|name| name != "meta.json") {
            let run = world.run(&["verify", "--repair"]);
            assert!(matches!(run.code, Some(0 | 4)), "{what}: {run:?}");
            let run = world.run(&["fetch"]);
            assert_eq!(run.code, Some(0), "{what}: {run:?}");
            let run = world.run(&["verify"]);
            assert_eq!(run.code, Some(0), "{what}: {run:?}");
            let run = world.run(&["view", "tarballs", to, "--offline"]);
            assert_eq!((run.code, tarballs(&view)), (Some(0), expected(&some)), "{what}: {run:?}");
            fs::remove_dir_all(&view).unwrap();
        }
        fs::remove_dir_all(world.store()).unwrap();
    }
}

/// An answer that is wrong in one way or another, to a request for these bytes.
fn wrong(dice: &mut Dice, bytes: &[u8], elsewhere: &str) -> Reply {
    let right = || Reply::body(bytes);
    let middle = dice.roll(bytes.len());
    let mut flipped = bytes.to_vec();
    flipped[middle] ^= 1 << dice.roll(8);
    match dice.roll(14) {
        0 => {
            Reply::status([400, 401, 403, 404, 408, 410, 429, 500, 502, 503][dice.roll(10)]).header("retry-after", "0")
        }
        1 => right().cut_after(middle),
        2 => right().reset_after(middle),
        3 => Reply::body(flipped),
        4 => Reply::body(flipped).etag("\"1\"").cut_after(middle),
        5 => Reply::redirect(elsewhere),
        6 => right().saying_length(u64::try_from(middle).unwrap()),
        7 => right().until_closed().cut_after(middle),
        8 => right().etag("\"1\"").saying_range("bytes 0-3/4"),
        9 => Reply::body(noise(dice.0, bytes.len())),
        10 => Reply::body("<!doctype html><title>Sign in</title>"),
        11 => Reply::body(""),
        12 => Reply::body([bytes, b"and more"].concat()),
        _ => right().etag("\"1\"").cut_after(middle).ignoring_range(),
    }
}

#[test]
fn whatever_a_server_answers_no_wrong_byte_enters_and_everything_arrives_once_it_answers_right() {
    let mut dice = Dice(11);
    for round in 0..rounds(6, 150) {
        let some = packages(24);
        let world = World::new(&some);
        world.write("larder.toml", "[fetch]\nretries = 1\nstall-timeout = \"2s\"\n");
        for package in &some {
            let other = some[dice.roll(some.len())].path();
            let replies: Vec<Reply> =
                (0..6).map(|_| wrong(&mut dice, &package.bytes, &world.server.url(&other))).collect();
            world.server.script(&package.path(), replies);
        }
        for _ in 0..2 {
            let run = world.run(&["fetch", "--quiet"]);
            assert!(matches!(run.code, Some(0 | 1 | 3)), "round {round}: {run:?}");
            assert!(!run.err.contains("panicked"), "round {round}: {run:?}");
            let run = world.run(&["verify"]);
            assert_eq!(run.code, Some(0), "round {round}: {run:?}");
        }
        for package in &some {
            world.server.on(&package.path(), Reply::body(package.bytes.clone()));
        }
        let run = world.run(&["fetch"]);
        assert_eq!(run.code, Some(0), "round {round}: {run:?}");
        let view = world.folder.path().join("view");
        let run = world.run(&["view", "tarballs", view.to_str().unwrap(), "--offline"]);
        assert_eq!((run.code, tarballs(&view)), (Some(0), expected(&some)), "round {round}: {run:?}");
    }
}
