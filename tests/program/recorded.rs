//! Downloads that `larder.lock` recorded: fetched once from where they were, compared with their digests, and carried into a build's context.

use std::{fmt::Write as _, fs};

use larder_store::digest::{Algorithm, Digest};
use larder_test_server::{Reply, noise};

use crate::{
    pyodide::{Pyodide, sha256},
    support::{Package, Run, World, finish},
    tls_front::TlsFront,
    view::files,
};

/// A project with one package of npm's, whose script downloads a file for each processor.
pub(crate) struct Recorded {
    pub(crate) world: World,
    front: TlsFront,
}

/// A file at `https://registry.example` and what its row says besides.
pub(crate) fn row(path: &str, bytes: &[u8], more: &str) -> String {
    let (sha256, size) = (sha256(bytes), bytes.len());
    format!(
        "\n[[download]]\nurl = \"https://registry.example{path}\"\nsha256 = \"{sha256}\"\nsize = {size}\n{more}by = [\"tool@1.0.0\"]\ntrust = \"first-use\"\n"
    )
}

const ABSENT: &str =
    "\n[[absent]]\nurl = \"https://registry.example/v1/tool.sha256\"\nstatus = 404\nby = [\"tool@1.0.0\"]\n";

fn x64() -> Vec<u8> {
    noise(64, 30_000)
}

/// The rows of the project: a file for each of two processors, one whose address has a query, a small answer and what was not there.
pub(crate) fn rows() -> String {
    let mut text = "version = 2\n".to_owned();
    text.push_str(&row("/v1/tool-x64.zip", &x64(), "os = \"linux\"\ncpu = \"x64\"\n"));
    text.push_str(&row("/v1/tool-arm64.zip", b"arm", "os = \"linux\"\ncpu = \"arm64\"\n"));
    text.push_str(&row("/any?version=1", b"for any", ""));
    text.push_str(&row("/index.json", b"{}", "body = \"{}\"\n"));
    text.push_str(ABSENT);
    text
}

impl Recorded {
    pub(crate) fn new() -> Self {
        Self::of(World::new(&[Package::new("tool", "tool")]))
    }

    pub(crate) fn of(world: World) -> Self {
        world.server.on("/v1/tool-x64.zip", Reply::body(x64()));
        world.server.on("/v1/tool-arm64.zip", Reply::body("arm"));
        world.server.on("/any", Reply::body("for any"));
        world.write("larder.lock", &rows());
        let front = TlsFront::of(&world.server);
        Self { world, front }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.world.command(arguments);
        command.envs(self.front.variables(&self.world));
        finish(command)
    }

    pub(crate) fn fetch(&self, arguments: &[&str]) -> Run {
        self.run(&[&["fetch", "--platform", "linux/amd64"], arguments].concat())
    }
}

#[test]
fn a_recorded_file_is_fetched_once() {
    let project = Recorded::new();
    let run = project.fetch(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    insta::assert_snapshot!(project.world.plain(&run.out), @r#"
    7 entries in package-lock.json and larder.lock = 4 artifacts + 1 project + 1 recorded answer + 1 recorded as absent
    left out: 1 for other platforms than linux/amd64
    3 artifacts = 0 already here + 3 fetched + 0 failed
    3 requests, 30.0 kB in [time]
    "#);
    let server = &project.world.server;
    let counts = ["/v1/tool-x64.zip", "/any", "/v1/tool-arm64.zip", "/index.json", "/v1/tool.sha256"];
    assert_eq!(counts.map(|path| server.count(path)), [1, 1, 0, 0, 0]);
    server.forget();
    for arguments in [&[][..], &["--offline"]] {
        let run = project.fetch(arguments);
        assert_eq!((run.code, server.requests().len()), (Some(0), 0), "{run:?}");
    }
    assert_eq!(project.run(&["verify"]).code, Some(0));
    assert_eq!(project.run(&["status"]).code, Some(0));
    assert_eq!(project.run(&["fetch", "--all-platforms"]).code, Some(0));
    assert_eq!((server.requests().len(), server.count("/v1/tool-arm64.zip")), (1, 1));
}

#[test]
fn nothing_is_said_of_who_asks_also_after_a_redirect() {
    let project = Recorded::new();
    project.world.write("../home/.npmrc", "//registry.example/:_authToken=users\n");
    let moved = Reply::status(302).header("location", "https://registry.example/elsewhere");
    project.world.server.on("/any", moved);
    project.world.server.on("/elsewhere", Reply::body("for any"));
    let run = project.fetch(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let requests = project.world.server.requests();
    let of_rows = requests.iter().filter(|request| request.path != "/tool/-/tool-1.0.0.tgz");
    let seen: Vec<_> = of_rows.map(|request| (request.path.as_str(), request.header("authorization"))).collect();
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert!(seen.iter().all(|(_, authorization)| authorization.is_none()), "{seen:?}");
}

#[test]
fn a_redirect_to_a_private_host_is_not_followed() {
    let project = Recorded::new();
    for target in ["https://10.0.0.1/secret", "https://localhost/secret", "https://[::1]/secret"] {
        project.world.server.on("/any", Reply::status(302).header("location", target));
        let run = project.fetch(&[]);
        assert_eq!(run.code, Some(1), "{run:?}");
        let said = format!("https://registry.example/any: redirects to {target}, which is no public host\n");
        assert!(run.err.contains(&said), "{run:?}");
        assert!(run.err.contains("hint: a recorded download has to be public"), "{run:?}");
        assert_eq!(project.world.server.count("/any"), 1, "it is not asked again");
        project.world.server.forget();
    }
}

#[test]
fn a_file_that_changed_upstream_is_refused_with_both_digests() {
    let project = Recorded::new();
    project.world.server.on("/v1/tool-x64.zip", Reply::body("changed"));
    let run = project.fetch(&[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let stated = Digest::of(Algorithm::Sha256, &x64()).to_string();
    let sent = Digest::of(Algorithm::Sha256, b"changed").to_string();
    for said in [
        "error: tool 1.0.0: digest does not match larder.lock\n",
        "https://registry.example/v1/tool-x64.zip: ",
        &stated,
        &sent,
        "wanted by larder.lock: https://registry.example/v1/tool-x64.zip\n",
        "hint: the server has other bytes there than when it was recorded: if you trust them, take its [[download]] out of larder.lock",
    ] {
        assert!(run.err.contains(said), "{said}\n{}", run.err);
    }
    assert_eq!(project.fetch(&["--offline"]).code, Some(1), "nothing of it was kept");
}

#[test]
fn what_is_not_here_is_named_offline_and_so_is_what_is_gone() {
    let project = Recorded::new();
    let run = project.fetch(&["--offline"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    for said in [
        "error: 3 packages: not in the store, and --offline forbids fetching it\n",
        "  tool 1.0.0: wanted by larder.lock: https://registry.example/any?version=1\n",
        "  tool 1.0.0: wanted by larder.lock: https://registry.example/v1/tool-x64.zip\n",
    ] {
        assert!(run.err.contains(said), "{said}\n{}", run.err);
    }
    assert!(!run.err.contains("arm64"), "{run:?}");
    project.world.server.on("/any", Reply::status(404));
    let run = project.fetch(&[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("hint: it is not there any more: upgrade what asks for it"), "{run:?}");
}

#[test]
fn a_plan_has_a_recorded_file_with_its_whole_address() {
    let project = Recorded::new();
    let document = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
    let plan = document(&project.run(&["plan", "--json"]).out);
    let rows: Vec<String> = plan["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["ecosystem"] == "download")
        .map(|row| format!("{} {} {} {}", row["name"], row["version"], row["address"], row["cpu"]).replace('"', ""))
        .collect();
    assert_eq!(
        rows,
        [
            "tool 1.0.0 https://registry.example/any?version=1 []",
            "tool 1.0.0 https://registry.example/v1/tool-arm64.zip [arm64]",
            "tool 1.0.0 https://registry.example/v1/tool-x64.zip [x64]",
        ]
    );
    assert_eq!((&plan["entries"]["inline"], &plan["entries"]["absent"]), (&1.into(), &1.into()));
    let digest = project.run(&["plan", "--digest"]).out;
    project.world.write("larder.lock", &rows_without("any"));
    assert_ne!(project.run(&["plan", "--digest"]).out, digest);
}

/// The rows without that of this name.
fn rows_without(name: &str) -> String {
    let rows = rows();
    let (head, tables) = rows.split_once("\n[[").unwrap();
    let mut text = head.to_owned();
    for table in tables.split("\n[[").filter(|table| !table.contains(&format!("/{name}"))) {
        write!(text, "\n[[{table}").unwrap();
    }
    text
}

#[test]
fn a_context_carries_what_was_recorded_for_its_platforms_beside_npms_packages() {
    let project = Recorded::new();
    let binary = project.world.folder.path().join("larder-static");
    fs::write(&binary, crate::context::static_binary(62)).unwrap();
    let run = project.run(&["view", "context", "out", "--binary", binary.to_str().unwrap()]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let out = project.world.project().join("out");
    let names: Vec<String> = files(&out).into_keys().collect();
    let has = |bytes: &[u8]| {
        let blob = larder_store::digest::BlobId::of(bytes).to_string();
        names.contains(&format!("store/blobs/{}/{}", &blob[..2], &blob[2..]))
    };
    let carried = [&x64()[..], b"for any", b"tool", b"arm"].map(has);
    assert_eq!(carried, [true, true, true, false], "{names:?}");
    assert!(!out.join("pyodide").exists(), "no Pyodide is locked");
    // The folder is all that a build has.
    fs::remove_dir_all(project.world.store()).unwrap();
    let mut command = project.world.command(&["fetch", "--offline", "--platform", "linux/amd64"]);
    command.env("LARDER_STORE", out.join("store"));
    let run = finish(command);
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn a_lock_of_downloads_alone_has_no_pyodide() {
    let project = Recorded::new();
    fs::remove_file(project.world.project().join("package-lock.json")).unwrap();
    let run = project.fetch(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("5 entries in larder.lock = 3 artifacts + "), "{run:?}");
    let run = project.run(&["view", "wheels", "out"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    insta::assert_snapshot!(run.err, @r#"
    error: ./larder.lock has downloads, and no Pyodide

    hint: `larder lock` writes Pyodide's part from `[pyodide]` in larder.toml
    "#);
    project.world.write("larder.toml", "[pyodide]\npackages = [\"a\"]\n");
    let run = project.fetch(&[]);
    assert_eq!(run.code, Some(0), "what is recorded is not outdated by what is asked of Pyodide: {run:?}");
    assert!(run.err.contains("larder.lock does not have them: run `larder lock`"), "{run:?}");
}

#[test]
fn a_row_that_may_not_stand_there_is_named_with_the_way_out() {
    let project = Recorded::new();
    let outcome = |text: String| {
        project.world.write("larder.lock", &text);
        let run = project.run(&["fetch"]);
        assert_eq!((run.code, project.world.server.requests().len()), (Some(1), 0), "{run:?}");
        run.err
    };
    insta::assert_snapshot!(outcome(rows().replacen("registry.example", "127.0.0.1", 1)), @r#"
    error: larder.lock: download 1 (https://127.0.0.1/v1/tool-x64.zip): `url` is an address of a machine by its number, where a public host's name has to be

    hint: take that row out of the file, or bring back the last one that was committed with `git checkout -- FILE`
    "#);
    insta::assert_snapshot!(outcome(rows().replacen("?version=1", "?token=s3cret", 1)), @r#"
    error: larder.lock: download 3 (https://registry.example/any): `url` is an address whose query has `token`, which looks like a signature or a secret: name the address that redirects to it

    hint: take that row out of the file, or bring back the last one that was committed with `git checkout -- FILE`
    "#);
    insta::assert_snapshot!(outcome(rows().replacen("version = 2", "version = 3", 1)), @r#"
    error: larder.lock has version 3, and this larder reads versions up to 2

    hint: a newer larder wrote it: update this one
    "#);
    insta::assert_snapshot!(outcome("version = 1\n".to_owned()), @r#"
    error: larder.lock names nothing: it has no [runtime], no [[download]] and no [[absent]]

    hint: `larder lock` writes Pyodide's part from `[pyodide]` in larder.toml; without anything to lock, remove the file
    "#);
}

#[test]
fn locking_pyodide_anew_keeps_what_was_recorded() {
    let project = Pyodide::new(&[("numpy", "2.2.5", &[])]);
    project.ask(&["numpy"], "");
    project.world.write("larder.lock", &rows().replace("tool@1.0.0", "script:fetch"));
    assert_eq!(project.lock(), ["numpy 2.2.5*"]);
    let text = project.text();
    assert!(text.contains("\nversion = 2\n") && text.contains("[runtime]"), "{text}");
    for path in ["/v1/tool-x64.zip", "/v1/tool-arm64.zip", "/any?version=1", "/index.json", "/v1/tool.sha256"] {
        assert!(text.contains(&format!("\nurl = \"https://registry.example{path}\"\n")), "{path}\n{text}");
    }
    assert_eq!(project.run(&["lock", "--check"]).code, Some(0));
    let run = project.run(&["view", "pyodide", "out"]);
    assert_eq!(run.code, Some(0), "Pyodide's folder needs nothing of what was recorded: {run:?}");
}
