//! Stores with false receipts or a false index: no command serves another package's bytes from them.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use larder_store::digest::BlobId;
use larder_test_server::Reply;

use crate::support::{Package, Run, World, finish, program};

/// A package of the project, and one whose receipt says that it is the other.
struct Forged {
    world: World,
    good: Package,
    evil: Package,
}

impl Forged {
    /// The store in `seed` has the evil one alone.
    fn new(seed: &str) -> Self {
        let good = Package::new("good", larder_test_server::noise(1, 3000));
        let evil = Package::new("evil", larder_test_server::noise(2, 3000));
        let world = World::new(std::slice::from_ref(&evil));
        world.server.on(&good.path(), Reply::body(good.bytes.clone()));
        let root = world.folder.path().join(seed);
        let forged = Self { world, good, evil };
        let mut command = forged.world.command(&["fetch"]);
        command.env("LARDER_STORE", &root);
        assert_eq!(finish(command).code, Some(0));
        forged.forge(&root);
        forged.world.lock(std::slice::from_ref(&forged.good));
        forged.world.server.forget();
        forged
    }

    fn forge(&self, root: &Path) {
        let blob = BlobId::of(&self.evil.bytes).to_string();
        let path = root.join(format!("receipts/{}/{}.json", &blob[..2], &blob[2..]));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(&self.evil.integrity()));
        fs::write(path, text.replace(&self.evil.integrity(), &self.good.integrity())).unwrap();
        for derived in ["index-sled-v1", "remembered"] {
            fs::remove_dir_all(root.join(derived)).unwrap();
        }
    }

    fn view(&self, kind: &str) -> (Run, PathBuf) {
        let folder = self.world.folder.path().join(kind);
        (self.world.run(&["view", kind, folder.to_str().unwrap()]), folder)
    }
}

#[test]
fn a_view_never_has_the_bytes_that_a_false_receipt_leads_to() {
    let forged = Forged::new("store");
    let fetched = forged.world.run(&["fetch"]);
    assert!(fetched.out.contains("1 already here"), "fetch trusts the store: {fetched:?}");
    let (run, folder) = forged.view("tarballs");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(fs::read(folder.join("good-1.0.0.tgz")).unwrap(), forged.good.bytes);
    assert!(run.err.contains("good 1.0.0: the store had another file for it; the right one is used"), "{run:?}");
    assert_eq!(forged.world.server.requests().len(), 1);
    assert_eq!(forged.world.run(&["verify"]).code, Some(0), "the receipt is corrected");

    let (again, _) = forged.view("npm-cache");
    assert_eq!((again.code, forged.world.server.requests().len()), (Some(0), 1), "{again:?}");
}

#[test]
fn offline_the_false_receipt_is_named_and_nothing_is_written() {
    let forged = Forged::new("store");
    let folder = forged.world.folder.path().join("view");
    let run = forged.world.run(&["view", "npm-cache", folder.to_str().unwrap(), "--offline"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    let cause = format!("the store has it for {}, which its bytes are not", forged.good.integrity());
    assert!(run.err.contains("good 1.0.0") && run.err.contains(&cause), "{run:?}");
    assert!(!folder.exists());
}

#[test]
fn verify_names_a_false_receipt_and_repair_corrects_it() {
    let forged = Forged::new("store");
    let fast = forged.world.run(&["verify", "--fast"]);
    assert_eq!(fast.code, Some(0), "names alone are right: {fast:?}");
    let run = forged.world.run(&["verify"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    let cause = format!("the receipt states {}, which its bytes do not have", forged.good.integrity());
    assert!(run.err.contains("evil 1.0.0: blob") && run.err.contains(&cause), "{run:?}");
    let repaired = forged.world.run(&["verify", "--repair"]);
    assert_eq!(repaired.code, Some(0), "{repaired:?}");
    assert!(repaired.out.contains("1 receipt was corrected"), "{repaired:?}");
    assert_eq!(forged.world.run(&["verify"]).code, Some(0));
    let fetched = forged.world.run(&["fetch"]);
    assert!(fetched.out.contains("0 already here + 1 fetched"), "{fetched:?}");
}

#[test]
fn the_registry_compares_with_the_lockfile_before_it_answers() {
    let forged = Forged::new("store");
    let mut serve = forged.world.command(&["serve"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(serve.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let host = line.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut stream = TcpStream::connect(&host).unwrap();
    write!(stream, "GET {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", forged.good.path()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    serve.kill().unwrap();
    serve.wait().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(&forged.good.bytes));
}

#[test]
fn a_store_beside_larder_is_believed_no_more_than_the_users_own() {
    let forged = Forged::new("beside/store");
    let larder = forged.world.folder.path().join("beside/bin/larder");
    fs::create_dir_all(larder.parent().unwrap()).unwrap();
    fs::copy(program(), &larder).unwrap();
    let run = |arguments: &[&str]| {
        let environment: Vec<_> =
            forged.world.command(&[]).get_envs().map(|(k, v)| (k.to_owned(), v.map(ToOwned::to_owned))).collect();
        let mut command = Command::new(&larder);
        command.args(arguments).current_dir(forged.world.project()).env_clear();
        command.envs(environment.into_iter().filter_map(|(key, value)| Some((key, value?))));
        finish(command)
    };
    let folder = forged.world.folder.path().join("view");
    let viewed = run(&["view", "tarballs", folder.to_str().unwrap()]);
    assert_eq!(viewed.code, Some(0), "{viewed:?}");
    assert_eq!(fs::read(folder.join("good-1.0.0.tgz")).unwrap(), forged.good.bytes);
    assert_eq!(forged.world.server.requests().len(), 1);
    let verified = run(&["verify"]);
    assert_eq!(verified.code, Some(4), "{verified:?}");
    assert!(verified.err.contains("it is in a store that is only read"), "{verified:?}");
    let again = run(&["run", "--offline", "--", "true"]);
    assert_eq!((again.code, forged.world.server.requests().len()), (Some(0), 1), "the right one is above: {again:?}");
}
