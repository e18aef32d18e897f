//! `larder buildkit`, with a `docker` that plays the build: the larder under test runs in place of the one inside, with a folder as each mount.

mod faults;
mod inside;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use larder_store::{Store, digest::BlobId, transfer::inventory};

use crate::support::{Package, Run, World, finish, packages, program};

/// Plays a build, and notes what it was told. `BREAK` is run before the step, `BREAK_AFTER` after it, with the folders as `$request` and `$output`.
const DOCKER: &str = r#"#!/bin/sh
set -e
for argument; do
	case $argument in
	--build-context=larder-binary=*) binary=$PWD/${argument##*=} ;;
	--build-context=larder-request=*) request=$PWD/${argument##*=} ;;
	--output=type=local,dest=*) output=$PWD/${argument##*=} ;;
	-*) ;;
	*) dockerfile=$argument/Dockerfile ;;
	esac
done
job=$(sed -n 's/.*"inside", "\([a-z-]*\)".*/\1/p' "$dockerfile")
mount=$MOUNTS/$(sed -n 's/.*type=cache,\([^ ]*\),target=.*/\1/p' "$dockerfile" | tr / _)
echo "$job $(find "$request" -path '*/blobs/*' -type f | wc -l) $*" >>"$MOUNTS/log"
cat "$dockerfile" >"$MOUNTS/Dockerfile"
stat -c '%a %Y' "$binary/larder" >"$MOUNTS/binary"
eval "$BREAK"
mkdir -p "$mount" "$output/proc" "$output/answer"
"$LARDER" --store "$mount" buildkit inside "$job" "$request" "$output/answer"
eval "$BREAK_AFTER"
"#;

/// A world with a `docker`, mounts and a static binary.
pub(crate) struct Bench {
    pub(crate) world: World,
}

impl Bench {
    pub(crate) fn new(packages: &[Package]) -> Self {
        let bench = Self { world: World::new(packages) };
        for folder in ["bin", "mounts"] {
            fs::create_dir(bench.folder().join(folder)).unwrap();
        }
        fs::write(bench.binary(), static_program()).unwrap();
        bench.docker(DOCKER);
        bench
    }

    fn folder(&self) -> &Path {
        self.world.folder.path()
    }

    fn docker(&self, script: &str) {
        let path = self.folder().join("bin/docker");
        fs::write(&path, script).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn binary(&self) -> PathBuf {
        self.folder().join("static-larder")
    }

    pub(crate) fn mount(&self) -> PathBuf {
        self.folder().join("mounts/id=larder")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let binary = format!("--binary={}", self.binary().display());
        let mut command = self.world.command(&[&["buildkit", arguments[0], &binary], &arguments[1..]].concat());
        command
            .env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.folder().join("bin").display()))
            .env("LARDER", program())
            .env("MOUNTS", self.folder().join("mounts"));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        finish(self.command(arguments))
    }

    fn run_broken(&self, arguments: &[&str], variable: &str, script: &str) -> Run {
        let mut command = self.command(arguments);
        command.env(variable, script);
        finish(command)
    }

    /// The builds so far, each as its job and the number of blobs that it was given; they are forgotten.
    fn builds(&self) -> Vec<String> {
        let log = self.folder().join("mounts/log");
        let text = fs::read_to_string(&log).unwrap_or_default();
        let _ = fs::remove_file(log);
        text.lines().map(|line| line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ")).collect()
    }

    /// What is in the mount, or in the host's store.
    fn blobs(root: &Path) -> Vec<BlobId> {
        let Some(store) = Store::open_if_present(root).unwrap() else { return Vec::new() };
        inventory(&store).unwrap().into_iter().map(|receipt| receipt.blob).collect()
    }

    fn fetch_into_mount(&self) {
        let run = self.world.run(&["fetch", "--store", self.mount().to_str().unwrap()]);
        assert_eq!(run.code, Some(0), "{run:?}");
    }
}

/// The head of a program for Linux on amd64 without a loader.
fn static_program() -> Vec<u8> {
    let mut head = vec![0; 120];
    head[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\x00");
    head[16] = 2;
    head[18] = 62;
    head[32] = 64;
    head[54] = 56;
    head[56] = 1;
    head[64] = 1;
    head
}

fn json(run: &Run) -> serde_json::Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

fn id(package: &Package) -> BlobId {
    BlobId::of(&package.bytes)
}

#[test]
fn a_seed_carries_what_the_mount_lacks_and_the_next_one_nothing() {
    let some = packages(6);
    let bench = Bench::new(&some);
    bench.world.lock(&some[..5]);
    let run = bench.run(&["seed"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("larder: 5 blobs = 0 already there + 5 carried + 0 refused\n"), "{run:?}");
    assert!(run.err.contains("fetched 5 artifacts"), "what the store lacks is fetched: {run:?}");
    assert_eq!(bench.builds(), ["ask 0", "take-in 5"]);
    assert_eq!(Bench::blobs(&bench.mount()), Bench::blobs(&bench.world.store()));

    bench.world.lock(&some);
    let run = bench.run(&["seed", "--json"]);
    let document = json(&run);
    assert_eq!(
        (&document["blobs"], &document["already_there"], &document["carried"]),
        (&6.into(), &5.into(), &1.into())
    );
    assert_eq!(document["bytes"], some[5].bytes.len());
    assert_eq!(bench.builds(), ["ask 0", "take-in 1"], "one blob crossed");

    let run = bench.run(&["seed"]);
    assert!(
        run.out.starts_with("larder: 6 blobs = 6 already there + 0 carried + 0 refused\n0 B carried in "),
        "{run:?}"
    );
    assert_eq!(bench.builds(), ["ask 0"]);
    let run = bench.run(&["seed", "--quiet"]);
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(0), "", ""));

    // A build on this mount needs no network.
    bench.world.server.forget();
    let run = bench.world.run(&["fetch", "--offline", "--store", bench.mount().to_str().unwrap()]);
    assert!(run.out.contains("6 artifacts = 6 already here"), "{run:?}");
    assert!(bench.world.server.requests().is_empty());
    assert_eq!(bench.world.left_in_partial(), 0, "nothing is left behind");
}

#[test]
fn a_seed_is_what_the_lockfiles_name_and_all_is_what_the_store_has() {
    let some = packages(5);
    let bench = Bench::new(&some);
    assert_eq!(bench.world.run(&["fetch"]).code, Some(0));
    let dev = some[1].clone().with("dev", "true");
    let mac = some[2].clone().with("optional", "true").with("os", "[\"darwin\"]");
    bench.world.lock(&[some[0].clone(), dev, mac]);
    bench.world.write("admin/package-lock.json", &crate::support::lockfile(&some[3..4]));
    let has = |count: u64| {
        let blobs = Bench::blobs(&bench.mount());
        assert_eq!(blobs.len() as u64, count, "{blobs:?}");
        fs::remove_dir_all(bench.mount()).unwrap();
    };
    for (arguments, count) in [
        (&["seed"][..], 2),
        (&["seed", "--omit", "dev"], 1),
        (&["seed", "--all-platforms"], 3),
        (&["seed", "--platform", "darwin/arm64", "--omit", "dev"], 2),
        (&["seed", ".", "admin"], 3),
        (&["seed", "--all"], 5),
    ] {
        let run = bench.run(arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
        has(count);
    }
    let run = bench.run(&["seed", "--all", "admin"]);
    assert_eq!(run.code, Some(2), "{run:?}");
}

#[test]
fn the_mount_is_the_one_that_its_dockerfile_names() {
    let bench = Bench::new(&packages(1));
    let dockerfile = |arguments: &[&str]| {
        let run = bench.run(arguments);
        assert_eq!(run.code, Some(0), "{run:?}");
        fs::read_to_string(bench.folder().join("mounts/Dockerfile")).unwrap()
    };
    let text = dockerfile(&["seed"]);
    assert!(text.contains("--mount=type=cache,id=larder,target=/store ") && !text.contains("USER"), "{text}");
    let log = fs::read_to_string(bench.folder().join("mounts/log")).unwrap();
    assert!(log.contains("--platform=linux/amd64") && !log.contains("--builder") && !log.contains("no-cache"), "{log}");
    let nonces: std::collections::BTreeSet<&str> =
        log.split(' ').filter(|word| word.starts_with("--build-arg=LARDER_NONCE=")).collect();
    assert_eq!(nonces.len(), 2, "no step is a repetition: {log}");

    let text =
        dockerfile(&["seed", "--id", "/root/.cache/larder", "--sharing", "locked", "--uid", "1000", "--mode", "700"]);
    assert!(text.contains("type=cache,id=/root/.cache/larder,sharing=locked,uid=1000,mode=0700,target="), "{text}");
    assert!(text.contains("\nUSER 1000:0\n"), "{text}");
    bench.run(&["seed", "--builder", "ci"]);
    let log = fs::read_to_string(bench.folder().join("mounts/log")).unwrap();
    assert!(log.contains("buildx build --progress=plain --builder=ci --platform"), "{log}");

    for wrong in [["--id", "a,target=/"], ["--mode", "8"], ["--uid", "me"]] {
        let run = bench.run(&["seed", wrong[0], wrong[1]]);
        assert_eq!(run.code, Some(2), "{wrong:?}: {run:?}");
    }
}

#[test]
fn the_binary_keeps_its_time_so_that_a_builder_that_has_it_is_not_sent_it_again() {
    let bench = Bench::new(&packages(1));
    fs::set_permissions(bench.binary(), fs::Permissions::from_mode(0o644)).unwrap();
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    fs::File::options().write(true).open(bench.binary()).unwrap().set_modified(time).unwrap();
    assert_eq!(bench.run(&["seed"]).code, Some(0));
    assert_eq!(fs::read_to_string(bench.folder().join("mounts/binary")).unwrap(), "755 1700000000\n");
}

#[test]
fn a_harvest_brings_what_the_store_lacks_and_the_next_one_nothing() {
    let some = packages(6);
    let bench = Bench::new(&some);
    bench.fetch_into_mount();
    bench.world.lock(&some[..2]);
    assert_eq!(bench.world.run(&["fetch"]).code, Some(0));
    bench.world.server.forget();
    let run = bench.run(&["harvest"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("larder: 6 blobs = 2 already here + 4 brought + 0 refused\n"), "{run:?}");
    assert_eq!(bench.builds(), ["hand-out 0"]);
    let run = bench.run(&["harvest", "--json"]);
    let document = json(&run);
    assert_eq!(
        (&document["already_here"], &document["brought"], &document["bytes"]),
        (&6.into(), &0.into(), &0.into())
    );
    assert_eq!(Bench::blobs(&bench.world.store()), Bench::blobs(&bench.mount()));

    bench.world.lock(&some);
    let (run, document) = bench.world.fetch_json(&["--offline"]);
    assert_eq!((run.code, &document["already_here"]), (Some(0), &6.into()), "the lockfile's digests find it");
    assert_eq!(bench.world.run(&["verify"]).code, Some(0));
    assert!(bench.world.server.requests().is_empty());
    assert_eq!(bench.world.left_in_partial(), 0, "nothing is left behind");
}

#[test]
fn a_harvest_for_projects_brings_what_their_lockfiles_name() {
    let some = packages(5);
    let bench = Bench::new(&some);
    bench.fetch_into_mount();
    bench.world.lock(&[some[0].clone(), some[1].clone().with("dev", "true"), some[4].clone()]);
    let run = bench.run(&["harvest", ".", "--omit", "dev"]);
    assert!(run.out.starts_with("larder: 2 blobs = 0 already here + 2 brought + 0 refused\n"), "{run:?}");
    let mut expected = [id(&some[0]), id(&some[4])];
    expected.sort();
    assert_eq!(Bench::blobs(&bench.world.store()), expected);
}

#[test]
fn an_empty_mount_has_nothing_to_bring() {
    let bench = Bench::new(&packages(1));
    let run = bench.run(&["harvest"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("larder: 0 blobs = 0 already here + 0 brought + 0 refused\n"), "{run:?}");
}

#[test]
fn several_seeds_at_once_fill_one_mount() {
    let some = packages(40);
    let bench = Bench::new(&some);
    assert_eq!(bench.world.run(&["fetch"]).code, Some(0));
    let children: Vec<_> = (0..4)
        .map(|_| bench.command(&["seed", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    let mut carried = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["carried"].as_u64().unwrap() + document["already_there"].as_u64().unwrap(), 40);
        carried += document["carried"].as_u64().unwrap();
    }
    assert_eq!(carried, 40, "each blob was taken once");
    let run = bench.world.run(&["verify", "--store", bench.mount().to_str().unwrap()]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(bench.world.left_in_partial(), 0);
}
