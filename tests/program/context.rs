//! `larder view context`, and larder with a store beside it.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use larder_store::digest::BlobId;
use larder_test_server::Reply;

use crate::{
    pyodide::Pyodide,
    support::{Package, Run, World, can_unshare, finish, lockfile, packages, program},
    view::files,
};

/// The head of a program for this processor that needs no loader, which is all that larder looks at.
pub(crate) fn static_binary(machine: u8) -> Vec<u8> {
    let mut head = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, machine, 0];
    head.resize(64, 0);
    head
}

const AMD64: u8 = 62;
const ARM64: u8 = 183;

pub(crate) fn view(world: &World, arguments: &[&str]) -> Run {
    let binary = world.folder.path().join("larder-static");
    fs::write(&binary, static_binary(AMD64)).unwrap();
    let binary = binary.to_str().unwrap();
    world.run(&[&["view", "context", "out", "--binary", binary], arguments].concat())
}

fn out(world: &World) -> PathBuf {
    world.project().join("out")
}

/// Each file's inode and time of change.
fn identities(folder: &Path) -> BTreeMap<String, (u64, SystemTime)> {
    let is_file = |name: &&String| folder.join(name).is_file();
    let identity = |name: &String| {
        let metadata = fs::symlink_metadata(folder.join(name)).unwrap();
        (name.clone(), (metadata.ino(), metadata.modified().unwrap()))
    };
    files(folder).keys().filter(is_file).map(identity).collect()
}

#[test]
fn a_context_has_this_form() {
    let world = World::new(&[Package::new("a", "abc")]);
    let run = view(&world, &[]);
    assert_eq!(
        (run.code, &*run.out),
        (Some(0), "out: 4 files = 0 kept + 1 shared with the store + 3 written\n"),
        "{run:?}"
    );
    assert!(run.err.contains("larder for linux/amd64 and 3 B of what the lockfiles name"), "{run:?}");
    let name = "64/37b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
    let receipt = concat!(
        "{\"format\":1,\"blob\":\"6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85\",\"size\":3,",
        "\"digests\":[\"sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==\"],",
        "\"origins\":[{\"ecosystem\":\"npm\",\"name\":\"a\",\"version\":\"1.0.0\"}]}\n"
    );
    let folder = || (0o755, Vec::new());
    let mark = format!(
        "context\n{} bin/larder\n3 store/blobs/{name}\n28 store/meta.json\n{} store/receipts/{name}.json\n",
        static_binary(AMD64).len(),
        receipt.len()
    );
    let expected = BTreeMap::from([
        (".larder-view".to_owned(), (0o644, mark.into_bytes())),
        ("bin".to_owned(), folder()),
        ("bin/larder".to_owned(), (0o755, static_binary(AMD64))),
        ("store".to_owned(), folder()),
        ("store/blobs".to_owned(), folder()),
        ("store/blobs/64".to_owned(), folder()),
        (format!("store/blobs/{name}"), (0o444, b"abc".to_vec())),
        ("store/meta.json".to_owned(), (0o644, b"{\"format\":1,\"needs\":\"0.1.0\"}".to_vec())),
        ("store/receipts".to_owned(), folder()),
        ("store/receipts/64".to_owned(), folder()),
        (format!("store/receipts/{name}.json"), (0o644, receipt.as_bytes().to_vec())),
    ]);
    assert_eq!(files(&out(&world)), expected);
}

#[test]
fn two_machines_make_the_same_context_whatever_else_their_stores_hold() {
    let mut packages = packages(6);
    packages.push(Package::new("native", "for another system").with("os", "[\"darwin\"]").with("optional", "true"));
    let native = Package::new("native-linux", "for linux").with("os", "[\"linux\"]").with("optional", "true");
    packages.push(native);
    // Without a digest, and with an old one.
    let home = larder_test_server::Server::start();
    let tarball = crate::support::tarball("open", "without a digest");
    home.on("/files/open.tgz", Reply::body(tarball.clone()));
    let address = format!("\"{}\"", home.url("/files/open.tgz"));
    packages.push(Package::new("open", tarball).with("integrity", "").with("resolved", &address));
    let sha1 = larder_store::digest::Digest::of(larder_store::digest::Algorithm::Sha1, b"an old one").to_string();
    packages.push(Package::new("old", "an old one").with("integrity", &format!("\"{sha1}\"")));
    let (one, other) = (World::new(&packages), World::new(&packages));
    // The other machine knows more: another project with an unrelated package, and with the same bytes under other names and digests.
    let more = [Package::new("unrelated", "unrelated"), Package::new("alias", "an old one")];
    for package in &more {
        other.server.on(&package.path(), Reply::body(package.bytes.clone()));
    }
    other.write("more/package-lock.json", &lockfile(&more));
    assert_eq!(other.run(&["fetch", "more", "--all-platforms"]).code, Some(0));
    // And another umask.
    let mut command = Command::new("sh");
    let prepared = other.command(&[]);
    let environment = prepared.get_envs().filter_map(|(key, value)| Some((key, value?)));
    let binary = other.folder.path().join("larder-static");
    fs::write(&binary, static_binary(AMD64)).unwrap();
    command
        .args(["-c", "umask 077; exec \"$0\" view context out --binary \"$1\""])
        .arg(program())
        .arg(&binary)
        .env_clear()
        .envs(environment)
        .current_dir(other.project());
    let run = finish(command);
    assert_eq!(run.code, Some(0), "{run:?}");
    let run = view(&one, &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(files(&out(&one)), files(&out(&other)));
    let blob_of = |bytes: &[u8]| {
        let hex = BlobId::of(bytes).to_string();
        out(&one).join("store/blobs").join(&hex[..2]).join(&hex[2..])
    };
    assert!(blob_of(b"for linux").is_file() && !blob_of(b"for another system").exists());
    assert!(!blob_of(b"unrelated").exists());
    let is_link = |name: &&String| fs::symlink_metadata(out(&one).join(name)).unwrap().is_symlink();
    assert_eq!(files(&out(&one)).keys().find(is_link), None, "links would travel as links");
}

#[test]
fn what_larder_lock_alone_names_is_a_part_of_its_own_that_the_install_does_not_mount() {
    let project = Pyodide::new(&[("numpy", "2.2.5", &[]), ("pandas", "2.2.3", &["numpy"])]);
    let parts = |packages: &[&str]| {
        project.ask(packages, "");
        project.lock();
        let run = view(&project.world, &[]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let out = out(&project.world);
        (files(&out.join("store")), files(&out.join("pyodide")))
    };
    let (packages, pyodide) = parts(&["numpy"]);
    let (same_packages, more_pyodide) = parts(&["numpy", "pandas"]);
    assert_eq!(packages, same_packages, "a changed larder.lock changes nothing for the step that installs");
    let blobs = |files: &BTreeMap<String, (u32, Vec<u8>)>| {
        files.iter().filter(|(name, (mode, _))| name.starts_with("blobs/") && *mode == 0o444).count()
    };
    // The runtime is npm's package, and stays with npm's.
    assert_eq!((blobs(&packages), blobs(&pyodide), blobs(&more_pyodide)), (1, 1, 2));
    assert_eq!(pyodide.get("meta.json"), packages.get("meta.json"));

    // Mounted whole, both parts are there.
    let beside = project.world.folder.path().join("beside");
    fs::rename(out(&project.world), &beside).unwrap();
    fs::remove_file(beside.join("bin/larder")).unwrap();
    fs::copy(program(), beside.join("bin/larder")).unwrap();
    fs::remove_dir_all(project.world.store()).unwrap();
    project.world.server.forget();
    let prepared = project.world.command(&[]);
    let environment: Vec<_> = prepared.get_envs().filter_map(|(key, value)| Some((key, value?))).collect();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(beside.join("bin/larder"));
        command.args(arguments).env_clear().envs(environment.iter().copied()).current_dir(project.world.project());
        finish(command)
    };
    let viewed = run(&["view", "pyodide", "served", "--offline"]);
    assert_eq!(viewed.code, Some(0), "{viewed:?}");
    let fetched = run(&["fetch", "--offline"]);
    assert!(fetched.out.contains("3 artifacts = 3 already here + 0 fetched + 0 failed"), "{fetched:?}");
    // Without the part that the install does not mount, its own is still there.
    fs::remove_dir_all(beside.join("pyodide")).unwrap();
    let installed = run(&["run", "--offline", "--project", "package-lock.json", "--", "true"]);
    assert_eq!((installed.code, project.world.server.requests().len()), (Some(0), 0), "{installed:?}");
}

#[test]
fn what_is_unchanged_keeps_its_file_and_what_nobody_names_any_more_goes() {
    let mut packages = packages(5);
    let world = World::new(&packages);
    assert_eq!(view(&world, &[]).code, Some(0));
    let before = identities(&out(&world));
    let run = view(&world, &[]);
    assert_eq!(run.out, "out: 12 files = 12 kept + 0 shared with the store + 0 written\n");
    assert_eq!(identities(&out(&world)), before);

    let changed = Package::new("package-4", "another version");
    world.server.on(&changed.path(), Reply::body(changed.bytes.clone()));
    packages[4] = changed;
    world.lock(&packages);
    // What the store forgets and fetches again gets new times there.
    fs::remove_dir_all(world.store()).unwrap();
    assert_eq!(view(&world, &[]).code, Some(0));
    let after = identities(&out(&world));
    let differing: Vec<&String> =
        after.iter().filter(|(name, it)| before.get(*name) != Some(it)).map(|(name, _)| name).collect();
    let hex = BlobId::of(b"another version").to_string();
    let (shard, rest) = hex.split_at(2);
    let [blob, receipt] = [format!("store/blobs/{shard}/{rest}"), format!("store/receipts/{shard}/{rest}.json")];
    assert_eq!(differing, [".larder-view", &blob, &receipt]);
    assert_eq!(before.keys().filter(|name| !after.contains_key(*name)).count(), 2);
}

#[test]
fn a_binary_that_would_not_run_in_the_build_is_refused() {
    let world = World::new(&[Package::new("a", "abc")]);
    let own = world.run(&["view", "context", "out"]);
    let said = own.err.replace(&*program().to_string_lossy(), "larder");
    assert_eq!(own.code, Some(1));
    assert!(said.contains("larder is not a static binary"), "{said}");
    assert!(said.contains("hint: name a static larder for Linux with --binary"), "{said}");
    let arm = world.folder.path().join("larder-arm");
    fs::write(&arm, static_binary(ARM64)).unwrap();
    let arm = arm.to_str().unwrap();
    let other = world.run(&["view", "context", "out", "--binary", arm, "--platform", "linux/amd64"]);
    assert_eq!(other.code, Some(1));
    let said = world.plain(&other.err);
    assert!(said.contains("[folder]/larder-arm runs on linux/arm64, and the context is for linux/amd64"), "{said}");
    assert!(!out(&world).exists() && !world.store().exists(), "nothing was begun");
    let run = world.run(&["view", "context", "out", "--binary", arm]);
    assert!(run.code == Some(0) && run.err.contains("larder for linux/arm64"), "{run:?}");
}

#[test]
fn a_context_that_cannot_be_complete_is_not_made() {
    let world = World::new(&[Package::new("a", "abc")]);
    let run = view(&world, &["--offline"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("a 1.0.0: not in the store"), "{run:?}");
    assert!(!out(&world).exists());
}

/// A context whose larder can run here, and the folder for another store.
struct Placed {
    world: World,
    larder: PathBuf,
}

impl Placed {
    fn new(packages: &[Package]) -> Self {
        let world = World::new(packages);
        let run = view(&world, &[]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let larder = world.folder.path().join("beside/bin/larder");
        fs::create_dir_all(larder.parent().unwrap()).unwrap();
        fs::rename(out(&world).join("store"), world.folder.path().join("beside/store")).unwrap();
        if fs::hard_link(program(), &larder).is_err() {
            fs::copy(program(), &larder).unwrap();
        }
        fs::remove_dir_all(world.store()).unwrap();
        world.server.forget();
        Self { world, larder }
    }

    fn store(&self) -> PathBuf {
        self.world.folder.path().join("beside/store")
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let prepared = self.world.command(&[]);
        let environment = prepared.get_envs().filter_map(|(key, value)| Some((key, value?)));
        let mut command = Command::new(&self.larder);
        command.args(arguments).env_clear().envs(environment).current_dir(self.world.project());
        finish(command)
    }

    fn blob(&self, bytes: &[u8]) -> PathBuf {
        let hex = BlobId::of(bytes).to_string();
        self.store().join("blobs").join(&hex[..2]).join(&hex[2..])
    }
}

#[test]
fn larder_reads_the_store_beside_it_and_never_writes_it() {
    let packages = packages(4);
    let placed = Placed::new(&packages);
    let before = (files(&placed.store()), identities(&placed.store()));
    let fetched = placed.run(&["fetch", "--offline", "--platform", "linux/amd64"]);
    assert!(fetched.out.contains("4 artifacts = 4 already here + 0 fetched + 0 failed"), "{fetched:?}");
    let status = placed.run(&["status"]);
    assert!(status.out.contains("blobs      0 files, 0 B\nbelow      4 files, "), "{status:?}");
    let ran = placed.run(&["run", "--offline", "--", "true"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let verified = placed.run(&["verify"]);
    assert!(verified.out.contains("4 blobs read") && verified.code == Some(0), "{verified:?}");
    assert_eq!((files(&placed.store()), identities(&placed.store())), before);

    // What is missing is fetched, into the writable one.
    let new = Package::new("new", "new");
    placed.world.server.on(&new.path(), Reply::body(new.bytes.clone()));
    placed.world.lock(&[packages, vec![new.clone()]].concat());
    let fetched = placed.run(&["fetch", "--platform", "linux/amd64"]);
    assert!(fetched.out.contains("5 artifacts = 4 already here + 1 fetched + 0 failed"), "{fetched:?}");
    assert_eq!(placed.world.server.requests().len(), 1);
    assert_eq!((files(&placed.store()), identities(&placed.store())), before);
}

#[test]
fn a_damaged_blob_beside_larder_is_named_offline_and_fetched_again_otherwise() {
    let packages = packages(3);
    let placed = Placed::new(&packages);
    let blob = placed.blob(&packages[1].bytes);
    fs::set_permissions(&blob, Permissions::from_mode(0o644)).unwrap();
    fs::write(&blob, vec![0; packages[1].bytes.len()]).unwrap();
    let offline = placed.run(&["run", "--offline", "--", "true"]);
    assert_eq!(offline.code, Some(4), "{offline:?}");
    assert!(offline.err.contains("package-1 1.0.0: "), "{offline:?}");
    assert_eq!(placed.world.server.requests().len(), 0);
    let online = placed.run(&["run", "--", "true"]);
    assert_eq!(online.code, Some(0), "{online:?}");
    assert!(online.err.contains("package-1 1.0.0: its blob was damaged, and was fetched again"), "{online:?}");
    assert_eq!(placed.world.server.requests().len(), 1);
    let again = placed.run(&["run", "--offline", "--", "true"]);
    assert_eq!((again.code, placed.world.server.requests().len()), (Some(0), 1), "{again:?}");
}

#[test]
fn without_a_place_for_a_store_the_one_beside_larder_serves() {
    let placed = Placed::new(&packages(3));
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(&placed.larder);
        command.args(arguments).env_clear().envs(variables.iter().copied()).current_dir(placed.world.project());
        finish(command)
    };
    let place = placed.store();
    let place = place.to_str().unwrap();
    // Named on purpose, and found without a home.
    for (arguments, variables) in [
        (&["status"][..], &[("LARDER_STORE", place)][..]),
        (&["status", "--store", place], &[]),
        (&["fetch", "--offline", "--platform", "linux/amd64"], &[("LARDER_STORE", place)]),
        (&["run", "--offline", "--", "true"], &[("LARDER_STORE", place), ("PATH", "/usr/bin:/bin")]),
    ] {
        let run = run(arguments, variables);
        assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
        assert!(!run.out.contains("status") || run.out.contains("(read-only)"), "{run:?}");
    }
    assert!(!placed.store().join("lock").exists() && !placed.store().join("remembered").exists());
}

#[test]
fn a_read_only_system_is_no_obstacle() {
    let test = "a_read_only_system_is_no_obstacle";
    let arguments = ["--user", "--map-root-user", "--mount"];
    if !can_unshare(&arguments, test) {
        return;
    }
    let placed = Placed::new(&packages(3));
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=1m none \"$HOME\"; mount -o remount,ro \"$HOME\"; \
                  exec \"$0\" fetch --offline --platform linux/amd64";
    command
        .args(arguments)
        .args(["sh", "-ec", script])
        .arg(&placed.larder)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", placed.world.folder.path().join("home"))
        .current_dir(placed.world.project());
    let run = finish(command);
    assert!(run.out.contains("3 artifacts = 3 already here"), "{run:?}");
    assert_eq!(run.code, Some(0));
}
