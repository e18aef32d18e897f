//! `larder push`, `larder pull` and `--from`: a plan's files in a place that several machines share, of which nothing is believed.

use std::{fs, path::Path};

use larder_test_server::Reply;

use self::bucket::{Bucket, blob};
use crate::support::{Package, Run, World, finish, lockfile, packages};

mod bucket;

const REF: &str = "s3://bucket/larder";

fn other_store(world: &World) -> String {
    world.folder.path().join("other").to_str().unwrap().to_owned()
}

fn run(bucket: &Bucket, world: &World, arguments: &[&str]) -> Run {
    finish(bucket.command(world, arguments))
}

/// With a fresh machine's store.
fn elsewhere(bucket: &Bucket, world: &World, arguments: &[&str]) -> Run {
    let store = other_store(world);
    run(bucket, world, &[arguments, &["--store", &store, "--color", "never"]].concat())
}

/// A plan of the first of these packages, shared.
fn pushed(some: &[Package], first: usize) -> (World, Bucket) {
    let (world, bucket) = (World::new(some), Bucket::start());
    world.lock(&some[..first]);
    let run = run(&bucket, &world, &["push", REF]);
    assert_eq!(run.code, Some(0), "{run:?}");
    world.server.forget();
    bucket.server.forget();
    (world, bucket)
}

#[test]
fn a_fresh_machine_takes_a_plan_and_where_nothing_is_new_nothing_is_sent() {
    let some = packages(20);
    let (world, bucket) = (World::new(&some), Bucket::start());
    let first = run(&bucket, &world, &["push", REF]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.out.starts_with("s3://bucket/larder: 20 blobs = 20 sent + 0 already there\n"), "{first:?}");
    assert_eq!(bucket.names().len(), 21);
    assert!(some.iter().all(|package| bucket.names().contains(&blob(&package.bytes))));
    bucket.server.forget();

    let again = run(&bucket, &world, &["push", REF]);
    assert!(again.out.contains("20 blobs = 0 sent + 20 already there; nothing is new\n0 B in "), "{again:?}");
    assert_eq!(bucket.server.requests().len(), 1, "{:?}", bucket.server.requests());
    world.server.forget();

    let pull = elsewhere(&bucket, &world, &["pull", REF]);
    assert_eq!(
        (pull.code, &*pull.out),
        (Some(0), "20 artifacts = 0 already here + 20 restored + 0 not there\n"),
        "{pull:?}"
    );
    assert!(
        pull.err.contains("restored 20 of 20 missing files, ") && pull.err.contains("/s) from s3://bucket/larder\n")
    );
    assert!(world.server.requests().is_empty(), "the registry is not asked");
    let offline = elsewhere(&bucket, &world, &["fetch", "--offline"]);
    assert!(offline.out.contains("20 artifacts = 20 already here"), "{offline:?}");
    assert_eq!(elsewhere(&bucket, &world, &["verify"]).code, Some(0));
    bucket.server.forget();
    let again = elsewhere(&bucket, &world, &["pull", REF]);
    assert!(again.out.contains("20 already here + 0 restored"), "{again:?}");
    assert!(bucket.server.requests().is_empty());
}

#[test]
fn one_changed_dependency_sends_and_takes_its_tarball() {
    let some = packages(21);
    let (world, bucket) = pushed(&some, 20);
    assert_eq!(elsewhere(&bucket, &world, &["pull", REF]).code, Some(0));
    world.lock(&some[1..]);
    let push = run(&bucket, &world, &["push", REF]);
    assert!(push.out.contains("20 blobs = 1 sent + 19 already there\n"), "{push:?}");
    assert_eq!(bucket.names().len(), 23);
    bucket.server.forget();
    let pull = elsewhere(&bucket, &world, &["pull", REF]);
    assert!(pull.out.contains("19 already here + 1 restored + 0 not there\n"), "{pull:?}");
    let asked: Vec<String> = bucket.server.requests().iter().map(|request| request.path.clone()).collect();
    assert_eq!(asked.len(), 2, "the plan's file and the blob: {asked:?}");
}

#[test]
fn a_plan_that_nobody_has_shared_takes_what_it_has_in_common_with_the_last_ones() {
    let some = packages(12);
    let (world, bucket) = pushed(&some, 6);
    world.lock(&some[4..10]);
    assert_eq!(run(&bucket, &world, &["push", REF]).code, Some(0));
    world.server.forget();
    // All but one of each, and one that nobody has.
    world.lock(&some[1..11]);
    let fetch = elsewhere(&bucket, &world, &["fetch", "--from", REF]);
    assert_eq!(fetch.code, Some(0), "{fetch:?}");
    assert!(fetch.err.contains("restored 9 of 10 missing files, "), "{fetch:?}");
    assert!(fetch.err.contains("from s3://bucket/larder, shared with other plans\n"), "{fetch:?}");
    assert!(fetch.out.contains("10 artifacts = 9 already here + 1 fetched + 0 failed\n"), "{fetch:?}");
    let asked: Vec<String> = world.server.requests().iter().map(|request| request.path.clone()).collect();
    assert_eq!(asked, [some[10].path()]);
    let pull = elsewhere(&bucket, &world, &["pull", REF]);
    assert_eq!(pull.code, Some(0), "{pull:?}");
}

#[test]
fn larder_toml_names_the_places_and_any_command_that_fetches_asks_them() {
    let some = packages(4);
    let (world, bucket) = (World::new(&some), Bucket::start());
    let none = run(&bucket, &world, &["push", "--color", "never"]);
    assert_eq!(none.code, Some(1), "{none:?}");
    assert!(none.err.contains("error: there is no place to push to: neither"), "{none:?}");
    assert!(none.err.contains("hint: name one, such as s3://bucket/larder, or set `to` below [share]"), "{none:?}");
    assert!(run(&bucket, &world, &["pull"]).err.contains("there is no place to pull from"));
    world.write(
        "larder.toml",
        "[share]\nfrom = [\"s3://none/x\", \"s3://bucket/larder\"]\nto = \"s3://bucket/larder\"\n",
    );
    let push = run(&bucket, &world, &["push"]);
    assert!(push.out.starts_with("s3://bucket/larder: 4 blobs = 4 sent"), "{push:?}");
    world.server.forget();
    let view = elsewhere(&bucket, &world, &["view", "tarballs", "out"]);
    assert_eq!(view.code, Some(0), "{view:?}");
    assert!(view.err.contains("warning: s3://none/x: cannot "), "{view:?}");
    assert!(view.err.contains("restored 4 of 4 missing files"), "{view:?}");
    assert!(world.server.requests().is_empty());
    fs::remove_dir_all(other_store(&world)).unwrap();
    bucket.server.forget();
    let offline = elsewhere(&bucket, &world, &["fetch", "--offline"]);
    assert_eq!(offline.code, Some(1), "{offline:?}");
    assert!(bucket.server.requests().is_empty(), "--offline makes no request");
}

#[test]
fn what_a_place_says_of_itself_is_of_no_weight() {
    let some = packages(3);
    let (world, bucket) = pushed(&some, some.len());
    // Other bytes of the same length, fewer bytes, and a receipt that states the lockfile's digest of other bytes.
    let (planted, short) = (blob(&some[0].bytes), blob(&some[1].bytes));
    let evil = larder_test_server::noise(99, some[2].bytes.len());
    bucket.change(|objects| {
        objects.get_mut(&planted).unwrap().0.fill(7);
        objects.get_mut(&short).unwrap().0.truncate(100);
        objects.insert(blob(&evil), (evil.clone(), 50));
        let plan = objects.iter_mut().find(|(name, _)| name.contains("plans/")).unwrap().1;
        let id = |bytes: &[u8]| larder_store::digest::BlobId::of(bytes).to_string();
        let text = String::from_utf8(plan.0.clone()).unwrap().replace(&id(&some[2].bytes), &id(&evil));
        plan.0 = text.into_bytes();
    });
    let fetch = elsewhere(&bucket, &world, &["fetch", "--from", REF]);
    assert_eq!(fetch.code, Some(0), "{fetch:?}");
    assert!(fetch.err.contains("package-0 1.0.0 is refused: its bytes are blake3 "), "{fetch:?}");
    assert!(fetch.err.contains("package-1 1.0.0 is refused: "), "{fetch:?}");
    assert!(fetch.err.contains("package-2 1.0.0 is refused: "), "{fetch:?}");
    assert!(fetch.out.contains("3 artifacts = 0 already here + 3 fetched + 0 failed\n"), "{fetch:?}");
    assert_eq!(elsewhere(&bucket, &world, &["verify"]).code, Some(0));
    assert!(!Path::new(&other_store(&world)).join(blob(&evil).replace("larder/", "")).exists());
}

#[test]
fn a_package_without_a_digest_is_the_registrys_whatever_a_place_has() {
    let unstated = Package::new("unstated", crate::support::tarball("unstated", "1")).with("integrity", "");
    let (world, bucket) = (World::new(std::slice::from_ref(&unstated)), Bucket::start());
    world.server.on("/unstated", Reply::status(404));
    assert_eq!(run(&bucket, &world, &["push", REF]).code, Some(0));
    world.server.forget();
    let pull = elsewhere(&bucket, &world, &["pull", REF]);
    assert_eq!(pull.code, Some(1), "{pull:?}");
    assert!(pull.err.contains("error: 1 artifact is not there: unstated 1.0.0"), "{pull:?}");
    let fetch = elsewhere(&bucket, &world, &["fetch", "--from", REF]);
    assert_eq!(fetch.code, Some(0), "{fetch:?}");
    assert_eq!(world.server.count(&unstated.path()), 1);
}

#[test]
fn a_blob_that_was_lost_is_fetched_from_the_registry_and_sent_again_on_request() {
    let some = packages(3);
    let (world, bucket) = pushed(&some, some.len());
    bucket.change(|objects| drop(objects.remove(&blob(&some[1].bytes))));
    let fetch = elsewhere(&bucket, &world, &["fetch", "--from", REF]);
    assert_eq!(fetch.code, Some(0), "{fetch:?}");
    assert!(fetch.err.contains("package-1 1.0.0 is refused: it has a receipt and no file"), "{fetch:?}");
    assert!(fetch.out.contains("2 already here + 1 fetched"), "{fetch:?}");
    assert!(run(&bucket, &world, &["push", REF]).out.contains("0 sent + 3 already there; nothing is new"));
    assert!(run(&bucket, &world, &["push", REF, "--repair"]).out.contains("1 sent + 2 already there; nothing is new"));
    assert!(bucket.names().contains(&blob(&some[1].bytes)));
}

#[test]
fn a_place_that_fails_is_said_with_its_cause_and_the_registry_is_asked() {
    let some = packages(3);
    let (world, bucket) = pushed(&some, some.len());
    let faults: [(&str, &str); 5] = [
        ("503", "503"),
        ("429", "429"),
        ("403", "the object store denies it"),
        ("html", "not a list of receipts"),
        ("newer", "format 2"),
    ];
    for (fault, cause) in faults {
        let _ = fs::remove_dir_all(other_store(&world));
        world.server.forget();
        bucket.fails(move |request, _| {
            let is_plan = request.path.contains("/plans/");
            match fault {
                "html" => is_plan.then(|| Reply::body("<html>log in</html>")),
                "newer" => is_plan.then(|| Reply::body("{\"format\":2}\n")),
                status => Some(Reply::status(status.parse().unwrap())),
            }
        });
        let fetch = elsewhere(&bucket, &world, &["fetch", "--from", REF]);
        assert_eq!(fetch.code, Some(0), "{fault}: {fetch:?}");
        assert!(fetch.err.contains("warning: s3://bucket/larder: cannot read plans/"), "{fault}: {fetch:?}");
        assert!(fetch.err.contains(cause), "{fault}: {fetch:?}");
        assert!(!fetch.err.contains("a secret"), "{fault}: {fetch:?}");
        assert!(fetch.out.contains("0 already here + 3 fetched + 0 failed"), "{fault}: {fetch:?}");
    }
    let _ = fs::remove_dir_all(other_store(&world));
    bucket.fails(|_, _| Some(Reply::status(503)));
    let pull = elsewhere(&bucket, &world, &["pull", REF]);
    assert_eq!(pull.code, Some(3), "another run may succeed: {pull:?}");
    bucket.recovers();
    assert_eq!(elsewhere(&bucket, &world, &["pull", REF]).code, Some(0));
}

#[test]
fn bodies_that_break_off_are_continued_and_servers_that_fail_for_a_while_asked_again() {
    let some = [Package::new("large", larder_test_server::noise(1, 3_000_000)), Package::new("small", "small")];
    let (world, bucket) = pushed(&some, some.len());
    bucket.fails(|request, objects| {
        let (bytes, version) = objects.get(request.path.strip_prefix("/bucket/")?)?;
        let whole = Reply::body(bytes.clone()).etag(&format!("\"{version}-{}\"", bytes.len()));
        let whole = whole.header("last-modified", "Sun, 01 Feb 2026 12:00:00 GMT");
        match request.number {
            0 => Some(Reply::status(503)),
            1 | 2 if bytes.len() > 1000 => Some(whole.cut_after(bytes.len() / 3)),
            _ => None,
        }
    });
    let pull = elsewhere(&bucket, &world, &["pull", REF]);
    assert_eq!(pull.code, Some(0), "{pull:?}");
    assert_eq!(elsewhere(&bucket, &world, &["verify"]).code, Some(0));
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for_for_ever() {
    let some = packages(2);
    let (world, bucket) = pushed(&some, some.len());
    world.write("larder.toml", "[fetch]\nstall-timeout = \"300ms\"\n");
    bucket.fails(|request, objects| {
        let (bytes, _) = objects.get(request.path.strip_prefix("/bucket/")?)?;
        Some(Reply::body(bytes.clone()).header("last-modified", "Sun, 01 Feb 2026 12:00:00 GMT").stall_after(10))
    });
    let fetch = elsewhere(&bucket, &world, &["fetch", "--from", REF]);
    assert_eq!(fetch.code, Some(0), "{fetch:?}");
    assert!(fetch.err.contains("nothing came for "), "{fetch:?}");
}

#[test]
fn with_credentials_that_can_only_read_nothing_is_pushed_and_all_is_well() {
    let some = packages(2);
    let (world, bucket) = pushed(&some, 1);
    world.lock(&some);
    bucket.fails(|request, _| (request.method == "PUT").then(|| Reply::status(403)));
    let push = run(&bucket, &world, &["push", REF, "--color", "never"]);
    assert_eq!(push.code, Some(0), "{push:?}");
    assert!(
        push.err.contains(
            "warning: nothing was pushed: these credentials can only read: s3://bucket/larder: cannot send blobs/"
        ),
        "{push:?}"
    );
    assert_eq!(bucket.names().len(), 2);
    bucket.recovers();
    bucket.server.forget();
    let read_only = run(&bucket, &world, &["push", REF, "--read-only"]);
    assert_eq!((read_only.code, &*read_only.out), (Some(0), "nothing was pushed: --read-only\n"));
    assert!(bucket.server.requests().is_empty());
    // Who may not even read has wrong credentials.
    bucket.fails(|_, _| Some(Reply::status(403)));
    let push = run(&bucket, &world, &["push", REF, "--color", "never"]);
    assert_eq!(push.code, Some(1), "{push:?}");
}

#[test]
fn a_push_that_breaks_off_leaves_nothing_that_others_find() {
    let some = packages(6);
    let (world, bucket) = (World::new(&some), Bucket::start());
    let last = blob(&some[3].bytes);
    bucket.fails(move |request, _| {
        (request.method == "PUT" && request.path.ends_with(&last)).then(|| Reply::status(500))
    });
    let push = run(&bucket, &world, &["push", REF, "--color", "never"]);
    assert_eq!(push.code, Some(3), "{push:?}");
    assert!(push.err.contains("error: s3://bucket/larder: cannot send blobs/"), "{push:?}");
    assert!(bucket.names().iter().all(|name| !name.contains("plans/")), "{:?}", bucket.names());
    bucket.recovers();
    let push = run(&bucket, &world, &["push", REF]);
    assert_eq!(push.code, Some(0), "{push:?}");
    assert_eq!(bucket.names().len(), 7);
}

#[test]
fn eight_push_and_eight_pull_at_once_and_every_plan_is_whole() {
    let some = packages(24);
    let (world, bucket) = (World::new(&some), Bucket::start());
    for number in 0..8 {
        world.write(&format!("p{number}/package-lock.json"), &lockfile(&some[number..number + 16]));
    }
    assert_eq!(run(&bucket, &world, &["push", REF, "p0"]).code, Some(0));
    std::thread::scope(|scope| {
        let mut all = Vec::new();
        for number in 0..8 {
            let (bucket, world, folder) = (&bucket, &world, world.folder.path());
            let store = |what: &str| folder.join(format!("{what}{number}")).to_str().unwrap().to_owned();
            let (pushes, pulls) = (store("push"), store("pull"));
            let project = format!("p{number}");
            // The same plan from two, one of which has less of it.
            let again = project.clone();
            all.push(scope.spawn(move || run(bucket, world, &["push", REF, &project, "--store", &pushes])));
            all.push(scope.spawn(move || run(bucket, world, &["fetch", "--from", REF, &again, "--store", &pulls])));
        }
        for one in all {
            let run = one.join().unwrap();
            assert_eq!(run.code, Some(0), "{run:?}");
            assert!(!run.err.contains("refused"), "{run:?}");
        }
    });
    for number in 0..8 {
        let _ = fs::remove_dir_all(other_store(&world));
        let pull = elsewhere(&bucket, &world, &["pull", REF, &format!("p{number}")]);
        assert!(pull.out.contains("16 restored + 0 not there"), "{number}: {pull:?}");
    }
    // As many blobs as there are packages in the plans, and a file for each plan.
    assert_eq!(bucket.names().len(), 23 + 8);
}

#[test]
fn two_that_share_one_plan_put_their_receipts_together() {
    let some = packages(4);
    let world = World::new(&[some[0].clone(), some[1].clone(), some[2].clone().with("dev", "true"), some[3].clone()]);
    let bucket = Bucket::start();
    assert!(run(&bucket, &world, &["push", REF, "--omit", "dev"]).out.contains("3 blobs = 3 sent"));
    assert!(run(&bucket, &world, &["push", REF]).out.contains("4 blobs = 1 sent + 3 already there\n"));
    assert!(run(&bucket, &world, &["push", REF, "--omit", "dev"]).out.contains("3 already there; nothing is new"));
    let pull = elsewhere(&bucket, &world, &["pull", REF]);
    assert!(pull.out.contains("4 restored + 0 not there"), "{pull:?}");
    assert_eq!(bucket.names().len(), 5);
}

#[test]
fn a_folder_is_a_place_too() {
    let some = packages(5);
    let world = World::new(&some);
    let folder = world.folder.path().join("mnt/larder");
    let place = format!("file://{}", folder.display());
    let pull = |place: &str| world.run(&["pull", place, "--store", &other_store(&world), "--color", "never"]);
    let none = pull(&place);
    assert_eq!(none.code, Some(1), "{none:?}");
    assert!(none.err.contains("cannot read ") && !folder.exists(), "{none:?}");
    assert_eq!(world.run(&["push", &place]).code, Some(0));
    assert!(world.run(&["push", &place]).out.contains("nothing is new"));
    let pulled = pull(&place);
    assert!(pulled.out.contains("5 restored + 0 not there"), "{pulled:?}");
    // Nothing planted is followed or waited for.
    fs::remove_dir_all(other_store(&world)).unwrap();
    let file = folder.join(blob(&some[1].bytes).replace("larder/", ""));
    fs::remove_file(&file).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    let pulled = pull(&place);
    assert!(pulled.out.contains("4 restored + 1 not there"), "{pulled:?}");
    assert!(pulled.err.contains("is refused"), "{pulled:?}");
}

#[test]
fn what_names_no_place_and_a_place_without_encryption_are_said() {
    let world = World::new(&packages(1));
    let cases = [
        ("http://registry.example/x", "it begins with none of "),
        ("s3://", "it names no bucket"),
        ("s3://me:secret@bucket/x", "credentials come from the environment"),
        ("file://relative", "a folder is named by its whole path"),
    ];
    for (text, cause) in cases {
        let run = world.run(&["pull", text]);
        assert_eq!(run.code, Some(2), "{text}: {run:?}");
        assert!(run.err.contains(cause), "{text}: {run:?}");
    }
    let mut command = world.command(&["fetch", "--from", REF, "--color", "never"]);
    command
        .env("AWS_ENDPOINT_URL", "http://registry.example:9000")
        .env("AWS_ACCESS_KEY_ID", "x")
        .env("AWS_SECRET_ACCESS_KEY", "y");
    let run = finish(command);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("registry.example:9000/ has no encryption; AWS_ALLOW_HTTP=true allows that"), "{run:?}");
    world.write("larder.toml", "[share]\nfrom = \"s3://x\"\n");
    assert!(world.run(&["fetch"]).err.contains("share.from"));
}
