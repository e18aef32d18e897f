//! What goes wrong on the way: damage, no Docker, a build that fails, and the user who stops.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::Stdio,
    time::{Duration, Instant},
};

use super::{Bench, id, json};
use crate::support::{can_unshare, finish, in_mount_namespace, packages, program};

/// Flips the first byte of the first blob below `$1`.
const FLIP: &str = r#"
blob=$(find "$1" -path '*/blobs/*' -type f | sort | head -n 1)
chmod u+w "$blob"; copy=$(mktemp); cp "$blob" "$copy"
first=$(od -An -tu1 -N1 "$copy"); printf "\\$(printf %o $((first ^ 1)))" | dd of="$copy" conv=notrunc status=none
rm -f "$blob"; mv "$copy" "$blob"; basename "$blob" >"$MOUNTS/flipped""#;

#[test]
fn a_byte_that_flips_on_the_way_in_is_refused_and_named_and_the_rest_enters() {
    let some = packages(4);
    let bench = Bench::new(&some);
    let flip = format!("if [ $job = take-in ]; then set -- \"$request\"; {FLIP}; fi");
    let run = bench.run_broken(&["seed", "--color", "never"], "BREAK", &flip);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.out.starts_with("larder: 4 blobs = 0 already there + 3 carried + 1 refused\n"), "{run:?}");
    let flipped = fs::read_to_string(bench.folder().join("mounts/flipped")).unwrap();
    let bad = some.iter().find(|package| id(package).to_string().ends_with(flipped.trim())).unwrap();
    let named = format!("error: {} 1.0.0: blob {} is refused\n  caused by: its bytes are blake3 ", bad.name, id(bad));
    assert!(run.err.contains(&named), "{run:?}");
    assert!(!Bench::blobs(&bench.mount()).contains(&id(bad)));
    assert_eq!(
        fs::read(bench.world.store().join("blobs").join(&id(bad).to_string()[..2]).join(flipped.trim())).unwrap(),
        bad.bytes
    );

    let run = bench.run(&["seed"]);
    assert!(run.out.starts_with("larder: 4 blobs = 3 already there + 1 carried + 0 refused\n"), "{run:?}");
}

#[test]
fn a_byte_that_flips_on_the_way_out_is_refused_and_named() {
    let some = packages(4);
    let bench = Bench::new(&some);
    bench.fetch_into_mount();
    let flip = format!("set -- \"$output\"; {FLIP}");
    let run = bench.run_broken(&["harvest", "--json", "--color", "never"], "BREAK_AFTER", &flip);
    assert_eq!(run.code, Some(4), "{run:?}");
    let document = json(&run);
    assert_eq!((&document["brought"], document["refused"].as_array().unwrap().len()), (&3.into(), 1));
    let flipped = fs::read_to_string(bench.folder().join("mounts/flipped")).unwrap();
    let bad = some.iter().find(|package| id(package).to_string().ends_with(flipped.trim())).unwrap();
    assert_eq!(document["refused"][0]["blob"], id(bad).to_string());
    assert!(run.err.contains(&format!("error: {} 1.0.0: blob {} is refused", bad.name, id(bad))), "{run:?}");
    assert!(!Bench::blobs(&bench.world.store()).contains(&id(bad)));
    assert_eq!(bench.world.run(&["verify"]).code, Some(0));
}

#[test]
fn what_is_damaged_in_the_mount_is_mended_by_a_seed_and_not_brought_by_a_harvest() {
    let some = packages(3);
    let bench = Bench::new(&some);
    bench.fetch_into_mount();
    let hex = id(&some[1]).to_string();
    let path = bench.mount().join(format!("blobs/{}/{}", &hex[..2], &hex[2..]));
    let damage = || {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let mut bytes = some[1].bytes.clone();
        bytes[7] ^= 1;
        fs::write(&path, bytes).unwrap();
    };
    damage();
    let run = bench.run(&["harvest", "--color", "never"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.out.starts_with("larder: 3 blobs = 0 already here + 2 brought + 1 refused\n"), "{run:?}");
    assert!(run.err.contains(&format!("error: package-1 1.0.0: blob {hex} is damaged in the mount\n")), "{run:?}");

    bench.run(&["seed"]);
    damage();
    let run = bench.run(&["seed", "--color", "never"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("larder: 3 blobs = 2 already there + 1 carried + 0 refused\n"), "{run:?}");
    assert!(run.err.contains("warning: package-1 1.0.0: its blob in the mount was damaged"), "{run:?}");
    assert_eq!(fs::read(&path).unwrap(), some[1].bytes);
}

#[test]
fn a_build_that_cannot_be_is_told_with_the_way_out() {
    let bench = Bench::new(&packages(1));
    assert_eq!(bench.world.run(&["fetch"]).code, Some(0));
    let cases = [
        (
            "docker: unknown command: docker buildx",
            1,
            "error: docker has no buildx\n\nhint: install the docker-buildx plugin",
        ),
        (
            "ERROR: Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?",
            3,
            "error: docker does not reach its engine\n  ERROR: Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?\n\nhint: start it",
        ),
        ("ERROR: no builder \"ci\" found", 1, "error: there is no builder ci\n\nhint: `docker buildx ls` lists them"),
        (
            "#6 0.1 exec /binary/larder: exec format error",
            1,
            "error: the builder cannot run a binary for linux/amd64\n\nhint: name a static larder of the builder's platform",
        ),
        (
            "unknown flag: --build-context",
            1,
            "is too old: it does not know named contexts\n\nhint: named contexts need",
        ),
        (
            "#5 ERROR: something\\nERROR: failed to solve: \\033[31mno space left",
            1,
            "error: the build that carries the store failed; its last lines:\n  #5 ERROR: something\n  ERROR: failed to solve:  [31mno space left\n",
        ),
    ];
    for (said, code, told) in cases {
        bench.docker(&format!("#!/bin/sh\nprintf '{said}\\n' >&2\nexit 1\n"));
        for job in ["seed", "harvest"] {
            let run = bench.run(&[job, "--builder", "ci", "--color", "never"]);
            assert_eq!(run.code, Some(code), "{said}: {run:?}");
            assert!(run.err.contains(told), "{said}: {}", run.err);
            assert_eq!(bench.world.left_in_partial(), 0);
        }
    }
    // One that says nothing of what happened.
    bench.docker("#!/bin/sh\n");
    let run = bench.run(&["seed", "--color", "never"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("error: cannot exchange files with the build\n  caused by: cannot read"), "{run:?}");
    fs::remove_file(bench.folder().join("bin/docker")).unwrap();
    let mut command = bench.command(&["seed", "--color", "never"]);
    command.env("PATH", bench.folder().join("bin"));
    let run = finish(command);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(
        run.err,
        "error: docker: there is no such program\n\nhint: install Docker's client, or put it into PATH\n"
    );
}

#[test]
fn a_binary_that_needs_a_loader_is_refused_before_anything_is_fetched() {
    let bench = Bench::new(&packages(1));
    let dynamic = program().to_str().unwrap();
    for job in ["seed", "harvest"] {
        let mut command = bench.world.command(&["buildkit", job, "--binary", dynamic, "--color", "never"]);
        command.env("PATH", bench.folder().join("bin"));
        let run = finish(command);
        assert_eq!(run.code, Some(1), "{run:?}");
        let told = format!("error: {dynamic} is not a static binary");
        assert!(run.err.starts_with(&told) && run.err.contains("\n\nhint: name a static larder"), "{run:?}");
    }
    // Without the option, it is the program itself.
    let run = bench.world.run(&["buildkit", "seed"]);
    assert!(run.code == Some(1) && run.err.contains("is not a static binary"), "{run:?}");
    fs::write(bench.binary(), "#!/bin/sh\n").unwrap();
    let run = bench.run(&["seed"]);
    assert!(run.code == Some(1) && run.err.contains("is not a program for Linux"), "{run:?}");
    assert!(bench.world.server.requests().is_empty() && bench.builds().is_empty());
}

#[test]
fn what_the_store_lacks_is_named_before_a_build_where_it_may_not_be_fetched() {
    let bench = Bench::new(&packages(2));
    let run = bench.run(&["seed", "--offline"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("2 packages: not in the store, and --offline forbids fetching it"), "{run:?}");
    assert!(bench.builds().is_empty());
}

#[test]
fn a_mount_that_holds_something_else_or_is_of_a_newer_larder_is_told() {
    let bench = Bench::new(&packages(2));
    fs::create_dir_all(bench.mount()).unwrap();
    fs::write(bench.mount().join("notes"), "").unwrap();
    for job in ["seed", "harvest"] {
        let run = bench.run(&[job, "--color", "never"]);
        assert_eq!(run.code, Some(4), "{run:?}");
        assert!(
            run.err.contains("error: in the build: ") && run.err.contains("holds something else and is not a store"),
            "{run:?}"
        );
        assert!(
            run.err.contains("\n\nhint: another program's mount has that id: name larder's with --id\n"),
            "{run:?}"
        );
    }
    fs::remove_file(bench.mount().join("notes")).unwrap();
    fs::write(bench.mount().join("meta.json"), r#"{"format": 2, "needs": "3.1.4"}"#).unwrap();
    let run = bench.run(&["seed"]);
    assert!(run.code == Some(4) && run.err.contains("needs larder 3.1.4 or newer"), "{run:?}");
}

#[test]
fn who_stops_it_ends_the_build_and_leaves_no_folder() {
    let bench = Bench::new(&packages(2));
    assert_eq!(bench.world.run(&["fetch"]).code, Some(0));
    let gives_up =
        "trap 'echo told >>\"$MOUNTS/told\"; exit 1' INT; : >\"$MOUNTS/started\"; while :; do sleep 0.05; done";
    // One that does not listen, and has a child that does not either.
    let goes_on =
        "trap '' INT; sh -c 'trap \"\" INT; sleep 60' & : >\"$MOUNTS/started\"; echo $! >\"$MOUNTS/child\"; wait";
    for (script, signal) in [(gives_up, "-INT"), (gives_up, "-TERM"), (goes_on, "-INT")] {
        bench.docker(&format!("#!/bin/sh\n{script}\n"));
        let started = bench.folder().join("mounts/started");
        let _ = fs::remove_file(&started);
        let mut command = bench.command(&["seed"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while !started.exists() {
            assert!(Instant::now() < deadline, "the build does not begin");
            std::thread::sleep(Duration::from_millis(5));
        }
        let pid = child.id().to_string();
        assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{signal}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("stopped"), "{output:?}");
        assert_eq!(bench.world.left_in_partial(), 0, "{signal}");
    }
    assert_eq!(fs::read_to_string(bench.folder().join("mounts/told")).unwrap(), "told\ntold\n");
    let child = fs::read_to_string(bench.folder().join("mounts/child")).unwrap();
    // Ended, and perhaps not yet taken note of by whoever has to.
    let state = fs::read_to_string(format!("/proc/{}/stat", child.trim()));
    assert!(state.is_err() || state.is_ok_and(|state| state.contains(") Z ")), "the build's own children end with it");
}

#[test]
fn a_store_on_a_read_only_mount_can_be_carried_and_takes_nothing_in() {
    const MOUNT: [&str; 3] = ["--user", "--map-root-user", "--mount"];
    if !can_unshare(&MOUNT, "a_store_on_a_read_only_mount_can_be_carried") {
        return;
    }
    let some = packages(3);
    let bench = Bench::new(&some);
    assert_eq!(bench.world.run(&["fetch"]).code, Some(0));
    let folder = bench.folder().to_str().unwrap();
    let script = format!(
        "mount --bind $STORE $STORE; mount -o remount,bind,ro $STORE; mkdir {folder}/tmp
         export MOUNTS={folder}/mounts PATH={folder}/bin:$PATH TMPDIR={folder}/tmp
         \"$LARDER\" buildkit seed --binary {folder}/static-larder; ls -A {folder}/tmp
         \"$LARDER\" buildkit harvest --binary {folder}/static-larder --color never"
    );
    let run = in_mount_namespace(&bench.world, &script);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.out.starts_with("larder: 3 blobs = 0 already there + 3 carried + 0 refused\n"), "{run:?}");
    assert_eq!(run.out.lines().count(), 2, "nothing is left in TMPDIR: {run:?}");
    assert!(run.err.contains("cannot be written\n\nhint: it is on a read-only place"), "{run:?}");
    assert_eq!(bench.builds(), ["ask 0", "take-in 3"], "the harvest starts no build");
}
