//! `larder record`: what a command downloads becomes rows of `larder.lock`. The command is larder itself, which fetches another project's recorded downloads.

use std::{fs, path::PathBuf};

use larder_store::digest::{Algorithm, Digest};
use larder_test_server::{Reply, noise};

use crate::{
    pyodide::sha256,
    support::{Package, Run, World, finish, program},
    tls_front::TlsFront,
};

const HOST: &str = "https://registry.example";

/// A project with one package of npm's, and a command that downloads.
struct Recording {
    world: World,
    front: TlsFront,
}

fn zip() -> Vec<u8> {
    noise(65, 30_000)
}

impl Recording {
    fn new() -> Self {
        let world = World::new(&[Package::new("tool", "tool")]);
        world.server.on("/v1/tool-linux-any.zip", Reply::body(zip()).header("content-type", "application/zip"));
        let sums = format!("{}  tool-linux-any.zip\n", sha256(&zip()));
        world.server.on("/v1/SHA256SUMS", Reply::body(sums).header("content-type", "text/plain"));
        let front = TlsFront::of(&world.server);
        let recording = Self { world, front };
        let zip = zip();
        let sums = format!("{}  tool-linux-any.zip\n", sha256(&zip));
        recording.asks(&[("/v1/tool-linux-any.zip", &zip), ("/v1/SHA256SUMS", sums.as_bytes())]);
        recording
    }

    /// What the command downloads, and the bytes that it expects.
    fn asks(&self, files: &[(&str, &[u8])]) {
        let other = self.world.folder.path().join("other");
        fs::create_dir_all(&other).unwrap();
        let mut files = files.to_vec();
        files.sort_unstable();
        let row = |(path, bytes): &(&str, &[u8])| {
            let (sha256, size) = (sha256(bytes), bytes.len());
            format!(
                "\n[[download]]\nurl = \"{HOST}{path}\"\nsha256 = \"{sha256}\"\nsize = {size}\nby = [\"tool@1.0.0\"]\ntrust = \"first-use\"\n"
            )
        };
        let text = format!("version = 2\n{}", files.iter().map(row).collect::<String>());
        fs::write(other.join("larder.lock"), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.world.command(arguments);
        command.envs(self.front.variables(&self.world));
        finish(command)
    }

    /// `larder record OPTION… -- larder fetch …`, into a store that is empty each time.
    fn record(&self, options: &[&str]) -> Run {
        let path = |name: &str| self.world.folder.path().join(name).display().to_string();
        let (store, other) = (path("others-store"), path("other"));
        drop(fs::remove_dir_all(&store));
        let command = ["--", program().to_str().unwrap(), "fetch", "--store", &store, &other];
        self.run(&[&["record"], options, &command].concat())
    }

    fn lock(&self) -> PathBuf {
        self.world.project().join("larder.lock")
    }
}

#[test]
fn what_a_command_downloads_is_recorded_once_and_replayed() {
    let recording = Recording::new();
    let run = recording.record(&["--yes"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("2 entries in larder.lock") && run.out.lines().count() == 3, "the command's: {run:?}");
    let said = run.err.split_once("new hosts, ").unwrap().1;
    let said: Vec<&str> = said.lines().filter(|line| !line.starts_with("fetch")).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    which everybody with this larder.lock will ask: registry.example
    + https://registry.example/v1/SHA256SUMS 85 B in the lock itself, first-use, by script:larder
    + https://registry.example/v1/tool-linux-any.zip 30.0 kB, linux, beside, by script:larder
    larder.lock is written: read the new rows, and commit it
    ");
    let text = fs::read_to_string(recording.lock()).unwrap();
    let sha256 = sha256(&zip());
    insta::assert_snapshot!(text.replace(&sha256, "<sha256>"), @r##"
    # Written by larder. Commit it. Pyodide's part follows larder.toml (`larder lock`); a [[download]] or [[absent]] is what was recorded.
    version = 2

    [[download]]
    url = "https://registry.example/v1/SHA256SUMS"
    sha256 = "51f7653ac03bff3327a8f8c56fd01237f3912537ae7cb2fceaaeab52cf616ee0"
    size = 85
    content_type = "text/plain"
    by = ["script:larder"]
    trust = "first-use"
    body = "<sha256>  tool-linux-any.zip\n"

    [[download]]
    url = "https://registry.example/v1/tool-linux-any.zip"
    sha256 = "<sha256>"
    size = 30000
    content_type = "application/zip"
    os = "linux"
    by = ["script:larder"]
    trust = "beside"
    "##);
    // The command and larder itself asked once each.
    let server = &recording.world.server;
    assert_eq!((server.count("/v1/tool-linux-any.zip"), server.count("/v1/SHA256SUMS")), (2, 1));
    server.forget();
    assert_eq!(recording.run(&["fetch", "--offline"]).code, Some(0));
    let again = recording.record(&["--check"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.err.ends_with("larder.lock has everything that larder saw the command download\n"), "{again:?}");
    assert_eq!(server.requests().len(), 0, "what is recorded comes from the store");
    assert_eq!(fs::read_to_string(recording.lock()).unwrap(), text);
}

#[test]
fn rows_that_are_there_stay_and_new_ones_join_them() {
    let recording = Recording::new();
    assert_eq!(recording.record(&["--yes"]).code, Some(0));
    recording.world.server.on("/v2/other.bin", Reply::body("\0other"));
    recording.asks(&[("/v1/tool-linux-any.zip", &zip()), ("/v2/other.bin", b"\0other")]);
    let before = fs::read_to_string(recording.lock()).unwrap();
    let run = recording.record(&["--check"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("larder.lock lacks what the command downloads:\n  https://registry.example/v2/other.bin 6 B, first-use, by script:larder\n"), "{run:?}");
    assert_eq!(fs::read_to_string(recording.lock()).unwrap(), before);
    // The host has rows already: nobody need be asked.
    let run = recording.record(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let after = fs::read_to_string(recording.lock()).unwrap();
    assert!(after.starts_with(&before) && after.contains("/v2/other.bin"), "{after}");
}

#[test]
fn a_check_fails_where_a_download_cannot_be_recorded_and_nothing_runs_where_nothing_can_be_written() {
    let recording = Recording::new();
    assert_eq!(recording.record(&["--yes"]).code, Some(0));
    let private = Reply::body("{}").header("content-type", "application/json").header("cache-control", "private");
    recording.world.server.on("/v3/own.json", private);
    recording.asks(&[("/v3/own.json", b"{}")]);
    let run = recording.record(&["--yes"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let unrecorded =
        "not recorded: https://registry.example/v3/own.json: its server says that nobody else may have the answer";
    assert!(run.err.contains(&format!("warning: {unrecorded}\n")), "{run:?}");
    let run = recording.record(&["--check"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.err.contains("`larder run --offline` would refuse it:\n  https://registry.example/v3/own.json\n"),
        "{run:?}"
    );
    let missing = recording.world.folder.path().join("missing/package-lock.json");
    let command = ["record", missing.to_str().unwrap(), "--", program().to_str().unwrap(), "--version"];
    let run = recording.run(&command);
    assert!(run.code != Some(0) && run.out.is_empty(), "the command did not run: {run:?}");
}

#[test]
fn a_new_host_is_recorded_only_if_somebody_agrees() {
    let recording = Recording::new();
    let run = recording.record(&[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.err.contains(
            "error: nothing is recorded: larder.lock has no row yet of registry.example, and nobody can be asked\n"
        ),
        "{run:?}"
    );
    assert!(run.err.contains("hint: if they are right, `--yes` records them\n"), "{run:?}");
    assert!(!recording.lock().exists());
}

#[test]
fn a_file_that_is_another_one_when_larder_asks_is_not_recorded() {
    let recording = Recording::new();
    let replies = [Reply::body(zip()), Reply::body("\0changed")];
    recording.world.server.script("/v1/tool-linux-any.zip", replies);
    let run = recording.record(&["--yes"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    for said in [&Digest::of(Algorithm::Sha256, &zip()).to_hex(), &Digest::of(Algorithm::Sha256, b"\0changed").to_hex()]
    {
        assert!(run.err.contains(said), "{said}: {run:?}");
    }
    let text = fs::read_to_string(recording.lock()).unwrap();
    assert!(text.contains("SHA256SUMS") && !text.contains("tool-linux-any.zip\"\n"), "{text}");
}

#[test]
fn nothing_is_recorded_of_a_command_that_fails_nor_without_a_network() {
    let recording = Recording::new();
    recording.world.server.on("/v1/SHA256SUMS", Reply::body("other"));
    let run = recording.record(&["--yes"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("error: the command failed, so nothing is recorded\n"), "{run:?}");
    let run = recording.record(&["--yes", "--offline"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("error: `--offline` makes no request, and a recording is of requests\n"), "{run:?}");
    assert!(!recording.lock().exists());
}
