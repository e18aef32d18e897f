//! `larder export` and `larder import`: one archive of a plan's files, of which nothing is believed.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
};

use larder_store::{digest::BlobId, seed};
use tar::{EntryType, Header};

use crate::support::{Package, Run, World, can_unshare, finish, in_mount_namespace, packages};

/// Another machine's store.
fn other_store(world: &World) -> String {
    world.folder.path().join("other").to_str().unwrap().to_owned()
}

fn export(world: &World, arguments: &[&str]) -> Run {
    world.run(&[&["export", "a.tar"], arguments].concat())
}

/// Imports into the other store.
fn import(world: &World, arguments: &[&str]) -> Run {
    let store = other_store(world);
    world.run(&[&["import", "a.tar", "--color", "never", "--store", &store], arguments].concat())
}

fn archive(world: &World) -> PathBuf {
    world.project().join("a.tar")
}

/// What an archive has, in its order.
fn names(archive: &Path) -> Vec<String> {
    let mut archive = tar::Archive::new(fs::File::open(archive).unwrap());
    let entries = archive.entries().unwrap();
    entries.map(|entry| entry.unwrap().path().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn an_archive_fills_another_machines_store_and_is_the_same_wherever_it_is_made() {
    let some = packages(30);
    let world = World::new(&some);
    let run = export(&world, &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("a.tar: 30 blobs, "), "{run:?}");
    world.server.forget();

    let run = import(&world, &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("a.tar: 30 blobs = 30 imported + 0 already here + 0 refused\n"), "{run:?}");
    let again = import(&world, &[]);
    assert!(again.out.starts_with("a.tar: 30 blobs = 0 imported + 30 already here + 0 refused\n"), "{again:?}");
    let store = other_store(&world);
    let run = world.run(&["fetch", "--offline", "--store", &store]);
    assert!(run.out.contains("30 artifacts = 30 already here + 0 fetched + 0 failed\n"), "{run:?}");
    assert_eq!(world.run(&["verify", "--store", &store]).code, Some(0));

    let first = fs::read(archive(&world)).unwrap();
    // What other projects have in the same store is no part of it.
    let others = world.folder.path().join("others");
    fs::create_dir(&others).unwrap();
    world.server.on("/x/-/x-1.0.0.tgz", larder_test_server::Reply::body("x"));
    fs::write(others.join("package-lock.json"), crate::support::lockfile(&[Package::new("x", "x")])).unwrap();
    assert_eq!(world.run(&["fetch", "../others", "--store", &store]).code, Some(0));
    assert_eq!(world.run(&["export", "a.tar", "--store", &store]).code, Some(0));
    assert!(fs::read(archive(&world)).unwrap() == first, "the same bytes from another store");
    let names = names(&archive(&world));
    assert_eq!((names.len(), &*names[0]), (61, "meta.json"));
    assert!(names[1..31].iter().all(|name| name.starts_with("receipts/")), "{names:?}");
    assert!(names[31..].iter().all(|name| name.starts_with("blobs/")), "{names:?}");
    assert!(names[1..31].is_sorted() && names[31..].is_sorted());
}

#[test]
fn through_a_pipe_nothing_but_the_archive_is_on_standard_output() {
    let some = packages(5);
    let world = World::new(&some);
    let mut command = world.command(&["export", "-"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("5 blobs, "));
    assert_eq!(export(&world, &[]).code, Some(0));
    assert!(fs::read(archive(&world)).unwrap() == output.stdout);

    let store = other_store(&world);
    let mut command = world.command(&["import", "-", "--store", &store]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&output.stdout).unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(out.starts_with("standard input: 5 blobs = 5 imported + 0 already here + 0 refused\n"), "{out}");
}

#[test]
fn a_delta_has_what_an_older_archive_or_lockfile_lacks() {
    let some = packages(10);
    let world = World::new(&some);
    world.lock(&some[..9]);
    assert_eq!(world.run(&["export", "old.tar"]).code, Some(0));
    world.write("old/package-lock.json", &crate::support::lockfile(&some[..9]));
    world.lock(&some[1..]);
    let new = BlobId::of(&some[9].bytes);
    for since in ["old.tar", "old/package-lock.json", "old"] {
        let run = export(&world, &["--since", since]);
        assert!(run.out.starts_with("a.tar: 1 blob, "), "{since}: {run:?}");
        assert_eq!(names(&archive(&world))[2..], [seed::blob_path(&new)], "{since}");
        assert_eq!(import(&world, &[]).code, Some(0), "{since}");
    }
    let store = other_store(&world);
    assert_eq!(world.run(&["import", "old.tar", "--store", &store]).code, Some(0));
    assert_eq!(world.run(&["fetch", "--offline", "--store", &store]).code, Some(0));
    assert!(export(&world, &["--since", "old.tar", "--since", "package-lock.json"]).out.starts_with("a.tar: 0 blobs"));
    let run = export(&world, &["--since", "none"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("none cannot be taken in"), "{run:?}");
}

#[test]
fn an_archive_that_is_cut_off_gives_what_was_whole_in_it() {
    let some = packages(20);
    let world = World::new(&some);
    export(&world, &[]);
    let whole = fs::read(archive(&world)).unwrap();
    let receipts = 512 + 512 + 20 * (512 + 512);
    for len in [receipts + 1000, receipts + 70_000, whole.len() - 5000] {
        let _ = fs::remove_dir_all(other_store(&world));
        fs::write(archive(&world), &whole[..len]).unwrap();
        let run = import(&world, &[]);
        assert_eq!(run.code, Some(1), "{len}: {run:?}");
        assert!(run.out.contains(" that did not come\n"), "{len}: {run:?}");
        assert!(run.err.contains("error: a.tar ended before its end: "), "{len}: {run:?}");
        assert!(run.err.contains("caused by: it is cut off\n"), "{len}: {run:?}");
        assert!(!run.err.contains("refused"), "{len}: {run:?}");
        assert_eq!(world.run(&["verify", "--store", &other_store(&world)]).code, Some(0), "{len}");
        let came: u64 = run.out.split(' ').nth(4).unwrap().parse().unwrap();
        fs::write(archive(&world), &whole).unwrap();
        let rest = import(&world, &[]);
        let expected = format!("= {} imported + {came} already here + 0 refused\n", 20 - came);
        assert!(rest.out.contains(&expected), "{len}: {rest:?}");
    }
    // Within what says what it has, nothing of it can be used.
    fs::write(archive(&world), &whole[..receipts - 700]).unwrap();
    let run = import(&world, &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("a.tar cannot be taken in\n  caused by: it is cut off\n"), "{run:?}");
    // The last blob is there, and what ends an archive is not.
    fs::write(archive(&world), &whole[..whole.len() - 1024]).unwrap();
    assert_eq!(import(&world, &[]).code, Some(1));
}

#[test]
fn what_is_no_archive_is_said_with_the_way_out() {
    let world = World::new(&packages(2));
    export(&world, &[]);
    let whole = fs::read(archive(&world)).unwrap();
    let tar = crate::support::tar_of("package", &[("package.json", "{}")]);
    let newer = world_archive(&[("meta.json", EntryType::Regular, br#"{"format": 2, "needs": "3.1.4"}"#)]);
    let cases: [(&[u8], &str, &str); 6] = [
        (b"", "it is not an archive of larder's", "hint: `larder export` writes one"),
        (b"hello, world", "it is not an archive of larder's", "hint: `larder export` writes one"),
        (&tar, "it is not an archive of larder's", "hint: `larder export` writes one"),
        (&crate::support::gzip(&whole, 1), "it is compressed (gzip)", "hint: unpack it on the way: gzip -dc a.tar"),
        (b"\x28\xb5\x2f\xfd....", "it is compressed (zstd)", "hint: unpack it on the way: zstd -dc a.tar"),
        (&newer, "it has format 2, which larder 3.1.4 and later can read", "update this one"),
    ];
    for (bytes, cause, hint) in cases {
        fs::write(archive(&world), bytes).unwrap();
        let run = import(&world, &[]);
        assert_eq!(run.code, Some(1), "{cause}: {run:?}");
        assert!(run.err.contains(&format!("error: a.tar cannot be taken in\n  caused by: {cause}\n")), "{run:?}");
        assert!(run.err.contains(hint), "{run:?}");
    }
    assert!(!Path::new(&other_store(&world)).exists(), "no store is made for nothing");
    fs::remove_file(archive(&world)).unwrap();
    let run = import(&world, &[]);
    assert!(run.err.contains("No such file"), "{run:?}");
}

/// An archive of these entries, and its end.
fn world_archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, bytes) in entries {
        let mut header = Header::new_ustar();
        // As it is: the library's own way refuses what leads out.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(if *kind == EntryType::Regular { bytes.len() as u64 } else { 0 });
        if matches!(kind, EntryType::Symlink | EntryType::Link) {
            header.set_link_name("target").unwrap();
        }
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, if *kind == EntryType::Regular { *bytes } else { b"" }).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn nothing_that_has_no_place_in_an_archive_is_taken() {
    let world = World::new(&packages(1));
    export(&world, &[]);
    let mut whole = tar::Archive::new(fs::File::open(archive(&world)).unwrap());
    let files: Vec<(String, Vec<u8>)> = whole
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
        })
        .collect();
    let [meta, receipt, blob] = &files[..] else { panic!("{files:?}") };
    let regular = |file: &'_ (String, Vec<u8>)| (file.0.clone(), EntryType::Regular, file.1.clone());
    let file = |name: &str| (name.to_owned(), EntryType::Regular, b"planted".to_vec());
    let of_kind = |kind: EntryType| (blob.0.clone(), kind, Vec::new());
    let other = seed::blob_path(&BlobId::of(b"planted"));
    let (meta, receipt, blob) = (regular(meta), regular(receipt), regular(blob));
    let wrong = (blob.0.clone(), EntryType::Regular, vec![7; blob.2.len()]);
    let longer = (blob.0.clone(), EntryType::Regular, [&*blob.2, b"!"].concat());
    let damaged = (receipt.0.clone(), EntryType::Regular, b"{}".to_vec());
    let cases = [
        (vec![file("../planted")], "../planted in it has no place in an archive"),
        (vec![file("/planted")], "/planted in it has no place in an archive"),
        (vec![file("blobs/../../planted")], "blobs/../../planted in it has no place in an archive"),
        (vec![file("lock")], "lock in it has no place in an archive"),
        (vec![file("partial/journal")], "partial/journal in it has no place in an archive"),
        (vec![file("a\u{1b}[2Jb")], "a\\u{1b}[2Jb in it has no place in an archive"),
        (vec![of_kind(EntryType::Symlink)], "in it is a link"),
        (vec![of_kind(EntryType::Link)], "in it is a link"),
        (vec![of_kind(EntryType::Fifo)], "in it is not a file"),
        (vec![of_kind(EntryType::Char)], "in it is not a file"),
        (vec![("blobs/".to_owned(), EntryType::Directory, Vec::new())], "blobs/ in it is a folder"),
        (vec![meta.clone()], "meta.json in it is there twice"),
        (vec![receipt.clone(), receipt.clone()], "in it is there twice"),
        (vec![receipt.clone(), blob.clone(), blob.clone()], "in it is there twice, or has no receipt"),
        (vec![blob.clone()], "in it is there twice, or has no receipt"),
        (vec![receipt.clone(), blob.clone(), receipt.clone()], "in it comes after the first blob"),
        (vec![receipt.clone(), (other, EntryType::Regular, b"planted".to_vec())], "is there twice, or has no receipt"),
        (vec![file(&format!("gone/{}", "a".repeat(64)))], "in it is not empty"),
        (vec![file(&format!("rows/{}", "a".repeat(64)))], "in it is damaged"),
        (vec![damaged, blob.clone()], "its receipt is damaged"),
        (vec![receipt.clone(), wrong], "its bytes are blake3 "),
        (vec![receipt.clone(), longer], "bytes, and its receipt says "),
        (vec![receipt.clone()], "it has a receipt and no file"),
    ];
    for (entries, cause) in cases {
        let _ = fs::remove_dir_all(other_store(&world));
        let all: Vec<_> = [&meta].into_iter().chain(&entries).collect();
        let all: Vec<(&str, EntryType, &[u8])> =
            all.iter().map(|(name, kind, bytes)| (&**name, *kind, &**bytes)).collect();
        fs::write(archive(&world), world_archive(&all)).unwrap();
        let run = import(&world, &[]);
        assert_eq!(run.code, Some(1), "{cause}: {run:?}");
        assert!(run.err.contains(cause), "{cause}: {run:?}");
        assert!(!world.folder.path().join("planted").exists() && !Path::new("/planted").exists(), "{cause}");
        if Path::new(&other_store(&world)).exists() {
            assert_eq!(world.run(&["verify", "--store", &other_store(&world)]).code, Some(0), "{cause}");
        }
    }
}

#[test]
fn of_what_no_digest_proves_an_archive_is_believed_when_it_is_trusted() {
    let proven = Package::new("proven", "proven");
    let unstated = Package::new("unstated", crate::support::tarball("unstated", "1")).with("integrity", "");
    let gone = Package::new("gone", "gone").with("optional", "true");
    let world = World::new(&[proven.clone(), unstated.clone()]);
    world.server.on(&gone.path(), larder_test_server::Reply::status(404));
    world.server.on("/unstated", larder_test_server::Reply::status(404));
    world.lock(&[proven, unstated.clone(), gone]);
    let run = export(&world, &[]);
    assert_eq!(run.code, Some(0), "{run:?}");

    let run = import(&world, &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("2 blobs = 2 imported"), "{run:?}");
    assert!(
        run.out.contains("1 package without a digest in any lockfile: the archive is not believed about them"),
        "{run:?}"
    );
    assert!(run.out.contains("notes of what is gone or was recorded: not kept; --trust keeps them"), "{run:?}");
    let store = other_store(&world);
    let offline = || world.run(&["fetch", "--offline", "--store", &store, "--color", "never"]);
    let run = offline();
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("unstated 1.0.0") && run.err.contains("gone 1.0.0"), "{run:?}");

    let run = import(&world, &["--trust"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("0 imported + 1 already here + 1 made known under more names"), "{run:?}");
    let run = offline();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("2 already here + 0 fetched + 0 failed + 1 optional and gone"), "{run:?}");
}

#[test]
fn nothing_half_written_is_left_where_an_archive_cannot_be_written() {
    let world = World::new(&packages(3));
    fs::write(archive(&world), "an older one").unwrap();
    world.run(&["fetch"]);
    // A blob of which nothing can be fetched again.
    let blob = world.store().join(seed::blob_path(&BlobId::of(&packages(3)[1].bytes)));
    fs::remove_file(&blob).unwrap();
    fs::write(&blob, vec![0; packages(3)[1].bytes.len()]).unwrap();
    let run = export(&world, &["--offline"]);
    assert_ne!(run.code, Some(0), "{run:?}");
    assert_eq!(fs::read_to_string(archive(&world)).unwrap(), "an older one");
    assert_eq!(export(&world, &[]).code, Some(0), "it is fetched again");

    let run = world.run(&["export", "none/a.tar", "--color", "never"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("error: cannot write none/a.tar\n"), "{run:?}");
    let run = world.run(&["export", "../home", "--color", "never"]);
    assert!(run.err.contains("error: cannot write ../home\n  caused by: is a directory"), "{run:?}");
    let mut command = world.command(&["export", "-", "--color", "never"]);
    command.stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let run = finish(command);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("No space left on device"), "{run:?}");
    let left: Vec<_> = fs::read_dir(world.project()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn killed_or_without_room_an_import_leaves_a_store_that_goes_on() {
    let some: Vec<Package> =
        (0..40).map(|number| Package::new(&format!("p{number}"), larder_test_server::noise(number, 100_000))).collect();
    let world = World::new(&some);
    export(&world, &[]);
    let whole = fs::read(archive(&world)).unwrap();
    let store = other_store(&world);
    for fed in [50_000, 1_000_000, 3_500_000] {
        let mut command = world.command(&["import", "-", "--store", &store]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(&whole[..fed]).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        // It may be killed before it has made a store.
        let is_there = Path::new(&store).join("meta.json").exists();
        assert!(!is_there || world.run(&["verify", "--store", &store]).code == Some(0), "{fed}");
    }
    let run = import(&world, &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(world.run(&["fetch", "--offline", "--store", &store]).code, Some(0));

    if can_unshare(&["--user", "--map-root-user", "--mount"], "an_import_without_room") {
        let script = "mkdir -p $STORE; mount -t tmpfs -o size=2500k none $STORE
            \"$LARDER\" import a.tar --color never && exit 99 || echo \"exit $?\"
            \"$LARDER\" verify --json >/dev/null || echo \"verify $?\"
            mount -o remount,size=20M $STORE
            \"$LARDER\" import a.tar; \"$LARDER\" verify";
        fs::remove_dir_all(world.store()).unwrap();
        let run = in_mount_namespace(&world, script);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.out.starts_with("exit 4\n") && !run.out.contains("verify 4"), "{run:?}");
        assert!(run.err.contains("error: no space is left for "), "{run:?}");
        assert!(run.out.contains("a.tar: 40 blobs = "), "{run:?}");
    }
}
