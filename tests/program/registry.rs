//! The registry on loopback, as `larder serve` and `larder run` have it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::{Child, Stdio},
};

use larder_store::digest::BlobId;
use serde_json::Value;

use crate::{
    pyodide::{Listed, Pyodide},
    support::{Package, World, packages, skipped},
};

/// `larder serve`, until it is stopped.
pub(crate) struct Served {
    child: Child,
    pub(crate) host: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Served {
    pub(crate) fn start(world: &World, arguments: &[&str]) -> Self {
        let mut command = world.command(&[&["serve", "--color", "never"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let host = line.trim().strip_prefix("http://").and_then(|rest| rest.strip_suffix('/')).unwrap().to_owned();
        Self { child, host }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &format!("Host: {}\r\n", self.host))
    }

    fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n").unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head[9..12].parse().unwrap();
        Answer { status, head: head.to_lowercase(), body: bytes[end + 4..].to_vec() }
    }

    /// Stops it as a supervisor would; its exit code and what it said.
    pub(crate) fn stop(self) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let output = self.child.wait_with_output().unwrap();
        assert!(TcpStream::connect(&self.host).is_err(), "it serves no more");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

fn with_dependencies() -> Vec<Package> {
    vec![
        Package::new("@scope/a", "bytes of a")
            .with("dependencies", "{\"b\": \"^1.0.0\"}")
            .with("bin", "{\"a\": \"a.js\"}"),
        Package::new("b", larder_test_server::noise(1, 700_000)),
    ]
}

#[test]
fn the_plan_is_served_as_a_registry_has_it_and_nothing_else() {
    let some = with_dependencies();
    let world = World::new(&some);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    world.server.forget();
    let served = Served::start(&world, &["--offline"]);

    for path in ["/@scope/a", "/@scope%2fa", "/@scope%2Fa"] {
        let packument = served.get(path);
        assert_eq!(packument.status, 200, "{packument:?}");
        let document = packument.json();
        let version = &document["versions"]["1.0.0"];
        assert_eq!(document["dist-tags"]["latest"], "1.0.0");
        assert_eq!((&version["dependencies"]["b"], &version["bin"]["a"]), (&"^1.0.0".into(), &"a.js".into()));
        assert_eq!(version["dist"]["integrity"], some[0].integrity());
        assert_eq!(version["dist"]["tarball"], format!("http://{}/@scope/a/-/a-1.0.0.tgz", served.host));
    }
    let headers =
        format!("Host: {}\r\nAccept: application/vnd.npm.install-v1+json\r\nUser-Agent: npm/11\r\n", served.host);
    let for_npm = served.ask("GET", "/b", &headers);
    assert!(for_npm.head.contains("content-type: application/vnd.npm.install-v1+json"), "{for_npm:?}");
    assert_eq!(for_npm.json()["versions"]["1.0.0"]["dist"]["tarball"], world.server.url("/b/-/b-1.0.0.tgz"));
    for path in ["/b/1.0.0", "/b/latest"] {
        assert_eq!(served.get(path).json()["version"], "1.0.0", "{path}");
    }
    for package in &some {
        let tarball = served.get(&package.path());
        assert_eq!((tarball.status, &tarball.body), (200, &package.bytes), "{}", package.name);
        assert!(tarball.head.contains(&format!("content-length: {}", package.bytes.len())), "{}", tarball.head);
    }
    assert_eq!(served.ask("HEAD", "/b/-/b-1.0.0.tgz", &format!("Host: {}\r\n", served.host)).body, b"");

    let refused = ["/c", "/b/2.0.0", "/b/-/b-2.0.0.tgz", "/-/npm/v1/security/advisories/bulk", "/", "/../etc/passwd"];
    for path in refused {
        assert_eq!(served.get(path).status, 404, "{path}");
    }
    assert_eq!(served.get("/c").json()["error"], "larder: no lockfile names c");
    assert_eq!(served.get("/-/ping").status, 200);
    assert!(world.server.requests().is_empty());
    let (code, said) = served.stop();
    assert_eq!(code, Some(0));
    assert_eq!(said.matches("warning: refused /c: no lockfile names c\n").count(), 1, "{said}");
    assert!(said.contains("refused /b/-/b-2.0.0.tgz: no lockfile names this version of b"), "{said}");
}

#[test]
fn it_answers_to_loopbacks_names_alone_and_takes_nothing() {
    let world = World::new(&packages(1));
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let served = Served::start(&world, &[]);
    let port = served.host.split(':').nth(1).unwrap().to_owned();
    for (host, status) in [
        (served.host.clone(), 200),
        (format!("localhost:{port}"), 200),
        (format!("evil.example:{port}"), 421),
        ("127.0.0.1".to_owned(), 421),
        ("127.0.0.1:1".to_owned(), 421),
    ] {
        assert_eq!(served.ask("GET", "/package-0", &format!("Host: {host}\r\n")).status, status, "{host}");
    }
    let mine = format!("Host: {}\r\nContent-Length: 0\r\n", served.host);
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(served.ask(method, "/package-0", &mine).status, 405, "{method}");
    }
    let any = std::net::Ipv4Addr::new(127, 0, 0, 2);
    assert!(TcpStream::connect((any, port.parse().unwrap())).is_err(), "no other address");
    served.stop();
}

#[test]
fn what_the_store_lacks_is_fetched_through_once_and_kept() {
    let some = packages(3);
    let world = World::new(&some);
    let served = Served::start(&world, &[]);
    for _ in 0..2 {
        assert_eq!(served.get(&some[1].path()).body, some[1].bytes);
    }
    assert_eq!(served.get("/package-2").json()["versions"]["1.0.0"]["dist"]["integrity"], some[2].integrity());
    assert_eq!(world.server.requests().len(), 1, "a description needs no tarball where the lockfile has it all");
    served.stop();

    world.server.forget();
    let served = Served::start(&world, &["--offline"]);
    assert_eq!(served.get(&some[1].path()).body, some[1].bytes);
    let answer = served.get(&some[0].path());
    assert_eq!(answer.status, 404);
    let why = "package-0 1.0.0: not in the store, and --offline forbids fetching it";
    assert!(answer.json()["error"].as_str().unwrap().contains(why), "{answer:?}");
    let (_, said) = served.stop();
    assert!(said.contains(why) && said.contains("wanted by package-lock.json: node_modules/package-0"), "{said}");
    assert!(world.server.requests().is_empty());
}

#[test]
fn a_blob_is_checked_before_its_first_byte_leaves() {
    let small = Package::new("small", larder_test_server::noise(1, 9_000));
    let large = Package::new("large", larder_test_server::noise(2, 2_000_000));
    let world = World::new(&[small.clone(), large.clone()]);
    let damage = |package: &Package| {
        let blob = BlobId::of(&package.bytes).to_string();
        let path = world.store().join(format!("blobs/{}/{}", &blob[..2], &blob[2..]));
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    for package in [&small, &large] {
        assert_eq!(world.run(&["fetch"]).code, Some(0));
        let served = Served::start(&world, &["--offline"]);
        damage(package);
        let answer = served.get(&package.path());
        assert_eq!(answer.status, 404, "{}", package.name);
        let (_, said) = served.stop();
        assert!(said.contains(&format!("{} 1.0.0: its blob", package.name)) && said.contains("was damaged"), "{said}");

        assert_eq!(world.run(&["fetch"]).code, Some(0));
        let served = Served::start(&world, &[]);
        damage(package);
        assert_eq!(served.get(&package.path()).body, package.bytes, "fetched again: {}", package.name);
        served.stop();
    }
}

#[test]
fn a_client_that_dies_in_the_middle_disturbs_nobody() {
    let large = Package::new("large", larder_test_server::noise(3, 8_000_000));
    let world = World::new(std::slice::from_ref(&large));
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let served = Served::start(&world, &["--offline"]);
    for _ in 0..20 {
        let mut stream = TcpStream::connect(&served.host).unwrap();
        write!(stream, "GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", large.path(), served.host).unwrap();
        stream.read_exact(&mut [0; 1000]).unwrap();
    }
    assert_eq!(served.get(&large.path()).body, large.bytes);
    let (code, said) = served.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn several_projects_share_one_registry_and_a_taken_port_is_said() {
    let some = packages(2);
    let world = World::new(&some);
    world.lock(&some[..1]);
    world.write("admin/package-lock.json", &crate::support::lockfile(&some[1..]));
    let served = Served::start(&world, &[".", "admin"]);
    for package in &some {
        assert_eq!(served.get(&package.path()).body, package.bytes);
    }
    let port = served.host.split(':').nth(1).unwrap().to_owned();
    let run = world.run(&["serve", "--port", &port, "--color", "never"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains(&format!("error: cannot serve on port {port} of 127.0.0.1")), "{run:?}");
    assert!(run.err.contains("hint: another program may have that port"), "{run:?}");
    served.stop();
}

#[test]
fn entries_of_one_name_in_two_projects_are_kept_apart() {
    let old = Package::new("ms", "bytes of 1.0.0");
    let new = Package::new("ms", "bytes of 2.0.0")
        .with("version", "\"2.0.0\"")
        .with("resolved", "\"https://registry.example/ms/-/ms-2.0.0.tgz\"");
    let world = World::new(std::slice::from_ref(&old));
    world.server.on("/ms/-/ms-2.0.0.tgz", larder_test_server::Reply::body(new.bytes.clone()));
    world.write("admin/package-lock.json", &crate::support::lockfile(std::slice::from_ref(&new)));
    let served = Served::start(&world, &[".", "admin"]);
    assert_eq!(served.get("/ms/-/ms-2.0.0.tgz").body, new.bytes);
    assert_eq!(served.get("/ms/-/ms-1.0.0.tgz").body, old.bytes);
    let versions = served.get("/ms").json()["versions"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(versions, ["1.0.0", "2.0.0"]);
    served.stop();
}

#[test]
fn a_blob_that_goes_while_the_registry_runs_is_fetched_again() {
    let some = packages(2);
    let world = World::new(&some);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let served = Served::start(&world, &[]);
    for package in &some {
        let blob = BlobId::of(&package.bytes).to_string();
        let path = world.store().join(format!("blobs/{}/{}", &blob[..2], &blob[2..]));
        assert_eq!(served.get(&package.path()).body, package.bytes);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(served.get(&package.path()).body, package.bytes, "{}", package.name);
    }
    served.stop();
}

#[test]
fn a_command_that_is_not_npm_finds_the_registry_in_its_environment() {
    let some = packages(1);
    let world = World::new(&some);
    let run =
        world.run(&["run", "--", "sh", "-c", "echo $npm_config_registry; echo $npm_config_replace_registry_host"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines: Vec<&str> = run.out.lines().collect();
    let [registry, "registry.example"] = lines.as_slice() else { panic!("{run:?}") };
    let address = registry.strip_prefix("http://").and_then(|rest| rest.strip_suffix('/')).unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{run:?}");
    assert!(TcpStream::connect(address).is_err(), "the server ends with the command");
}

#[test]
fn another_user_of_the_machine_gets_nothing() {
    let world = World::new(&packages(1));
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let served = Served::start(&world, &[]);
    let (host, port) = served.host.split_once(':').unwrap();
    let script = format!(
        "exec 3<>/dev/tcp/{host}/{port}; printf 'GET /package-0 HTTP/1.1\\r\\nHost: {}\\r\\nConnection: close\\r\\n\\r\\n' >&3; cat <&3",
        served.host
    );
    let ask = |user: Option<u32>| {
        let mut command = std::process::Command::new("bash");
        command.args(["-c", &script]).current_dir("/");
        user.map(|user| command.uid(user));
        command.output().ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert!(ask(None).unwrap().starts_with("HTTP/1.1 200 "), "its own user");
    match ask(Some(65534)) {
        Some(answer) => assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}"),
        None => skipped("another_user_of_the_machine", "only root can be another user"),
    }
    served.stop();
}

#[test]
fn pyodides_folder_and_the_wheels_are_served_beside_the_packages() {
    let pyodide = Pyodide::new(&[("numpy", "2.2.5", &[])]);
    pyodide.publish("black", "26.5.1", &[], &Listed::default());
    pyodide.ask(&["black", "numpy"], "");
    pyodide.lock();
    let wheel = "black-26.5.1-py3-none-any.whl";
    let served = Served::start(&pyodide.world, &["--offline"]);
    let answer = served.get("/-/pyodide/pyodide-lock.json");
    assert_eq!(answer.status, 404);
    let why = answer.json()["error"].as_str().unwrap().to_owned();
    assert!(why.contains("black 26.5.1: not in the store, and --offline forbids fetching it"), "{why}");
    served.stop();

    let served = Served::start(&pyodide.world, &[]);
    let lock = served.get("/-/pyodide/pyodide-lock.json").json();
    assert_eq!(lock["packages"].as_object().unwrap().keys().collect::<Vec<_>>(), ["black", "numpy"]);
    for (path, content_type) in [
        ("/-/pyodide/pyodide.asm.wasm", "application/wasm"),
        ("/-/pyodide/pyodide.mjs", "text/javascript"),
        (&format!("/-/pyodide/{wheel}"), "application/zip"),
        ("/-/python/simple/", "text/html; charset=utf-8"),
    ] {
        let answer = served.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(answer.head.contains(&format!("content-type: {content_type}")), "{path}: {}", answer.head);
    }
    let page = String::from_utf8(served.get("/-/python/simple/black/").body).unwrap();
    assert!(page.contains(&format!("<a href=\"../../{wheel}#sha256=")), "{page}");
    assert_eq!(served.get(&format!("/-/python/{wheel}")).body, served.get(&format!("/-/pyodide/{wheel}")).body);
    let redirect = served.get("/-/python/simple/black");
    assert!(redirect.status == 308 && redirect.head.contains("location: /-/python/simple/black/"), "{redirect:?}");
    for path in ["/-/python/simple/scipy/", "/-/pyodide/scipy.whl", "/-/pyodide/", "/-/python/%2e%2e/x"] {
        assert_eq!(served.get(path).status, 404, "{path}");
    }
    for (origin, is_let_in) in [("http://localhost:5173", true), ("https://evil.example", false), ("null", false)] {
        let headers = format!("Host: {}\r\nOrigin: {origin}\r\n", served.host);
        let answer = served.ask("GET", "/-/pyodide/pyodide.mjs", &headers);
        let allowed = format!("access-control-allow-origin: {origin}");
        assert_eq!(answer.head.contains(&allowed), is_let_in, "{}", answer.head);
    }
    served.stop();
    let world = World::new(&packages(1));
    let served = Served::start(&world, &[]);
    let answer = served.get("/-/pyodide/pyodide.mjs");
    assert_eq!(answer.json()["error"], "larder: no project has a larder.lock: `larder lock` writes one");
    served.stop();
}
