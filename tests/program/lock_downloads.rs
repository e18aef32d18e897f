//! Rows of `larder.lock` for packages that download files themselves: worked out, fetched once, and fetched no more.

use std::path::Path;

use larder::core::endpoints::GITHUB_HOST;
use larder_store::digest::{Algorithm, Digest};
use larder_test_server::{Reply, noise};

use crate::{
    pyodide::sha256,
    support::{Package, Run, World, finish, gzip, lockfile, program, tar_of},
    tls_front::TlsFront,
};

/// A project whose lockfile names these packages, and a server that stands for every host.
struct Locking {
    world: World,
    front: TlsFront,
}

/// A package of this version with these files.
fn package(name: &str, version: &str, files: &[(&str, &str)]) -> Package {
    let description = format!(r#"{{"name": "{name}", "version": "{version}"}}"#);
    let files = [&[("package.json", &*description)], files].concat();
    Package::new(name, gzip(&tar_of("package", &files), 1)).with("version", &format!("\"{version}\""))
}

fn cypress() -> Package {
    package("cypress", "13.17.0", &[])
}

const CYPRESS: &str = "/desktop/13.17.0";
const CYPRESS_URL: &str = "https://download.cypress.io/desktop/13.17.0?platform=linux&arch=x64";

fn electron(digest: &str) -> Package {
    let checksums = format!(r#"{{"electron-v41.7.1-linux-x64.zip": "{digest}"}}"#);
    package("electron", "41.7.1", &[("checksums.json", &checksums)])
}

const ELECTRON: &str = "/electron/electron/releases/download/v41.7.1/electron-v41.7.1-linux-x64.zip";

fn zip() -> Vec<u8> {
    noise(1, 40_000)
}

impl Locking {
    fn new(packages: &[Package]) -> Self {
        let world = World::new(packages);
        world.server.on(CYPRESS, Reply::body("cypress").header("content-type", "application/zip; charset=binary"));
        world.server.on(ELECTRON, Reply::body(zip()));
        world.write("larder.toml", "platforms = [\"linux/amd64/glibc\"]\n");
        let front = TlsFront::of_every_host(&world.server);
        Self { world, front }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.world.command(arguments);
        command.envs(self.front.variables(&self.world));
        finish(command)
    }

    /// Locks, and gives the lock.
    fn lock(&self) -> String {
        let run = self.run(&["lock"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        self.text()
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.world.project().join("larder.lock")).unwrap()
    }

    /// Takes the store away.
    fn forget_all(&self) {
        std::fs::remove_dir_all(self.world.store()).unwrap();
        self.world.server.forget();
    }
}

/// The rows of a lock, without its head.
fn rows(lock: &str) -> &str {
    lock.split_once("\n\n").unwrap().1
}

fn stated(digest_of: &[u8]) -> String {
    Digest::of(Algorithm::Sha256, digest_of).to_hex()
}

#[test]
fn what_packages_download_is_locked_once_and_fetched_no_more() {
    let project = Locking::new(&[cypress(), electron(&sha256(&zip()))]);
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("2 downloads + 0 absences; 2 packages that download by themselves\n"), "{run:?}");
    assert!(run.out.contains(&format!("+ {CYPRESS_URL} for cypress 13.17.0: 7 B, first-use\n")), "{run:?}");
    assert!(run.out.ends_with("electron 41.7.1: 40.0 kB, package\nlarder.lock is written\n"), "{run:?}");
    let lock = project.text();
    let row = format!(
        "[[download]]\nurl = \"{CYPRESS_URL}\"\nsha256 = \"{}\"\nsize = 7\ncontent_type = \"application/zip\"\nos = \"linux\"\ncpu = \"x64\"\nby = [\"cypress@13.17.0\"]\ntrust = \"first-use\"\n",
        sha256(b"cypress")
    );
    assert!(rows(&lock).starts_with(&row), "{lock}");
    let of_electron = format!("sha256 = \"{}\"\nsize = 40000\n", sha256(&zip()));
    assert!(
        lock.contains(&of_electron) && lock.contains("by = [\"electron@41.7.1\"]\ntrust = \"package\"\n"),
        "{lock}"
    );
    let server = &project.world.server;
    assert_eq!([CYPRESS, ELECTRON].map(|path| server.count(path)), [1, 1]);
    server.forget();
    for arguments in [&["lock"][..], &["lock", "--check"], &["fetch"], &["fetch", "--offline"]] {
        let run = project.run(arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
        assert_eq!([CYPRESS, ELECTRON].map(|path| server.count(path)), [0, 0], "{arguments:?}");
    }
    assert_eq!(project.text(), lock);
    assert!(!project.run(&["plan"]).err.contains("downloads a file"), "it has its rows");
}

#[test]
fn a_check_names_what_would_come_and_asks_no_server_of_a_packages() {
    let project = Locking::new(&[cypress(), electron(&sha256(&zip()))]);
    let run = project.run(&["lock", "--check"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.contains(&format!("+ {CYPRESS_URL} for cypress 13.17.0\n")), "{run:?}");
    assert!(run.out.ends_with("larder.lock would change\n"), "{run:?}");
    assert!(run.err.contains("larder.lock does not exist, and `larder lock` would write one"), "{run:?}");
    assert_eq!([CYPRESS, ELECTRON].map(|path| project.world.server.count(path)), [0, 0]);
    assert!(!project.world.project().join("larder.lock").exists());
}

#[test]
fn a_file_that_its_package_states_another_digest_of_is_refused_and_the_rest_is_locked() {
    let project = Locking::new(&[cypress(), electron(&sha256(b"other"))]);
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    for said in ["error: electron 41.7.1: https://", &stated(b"other"), &stated(&zip()), "nothing of it was kept"] {
        assert!(run.err.contains(said), "{said}\n{}", run.err);
    }
    let lock = project.text();
    assert!(lock.contains("cypress@13.17.0") && !lock.contains("electron"), "{lock}");
    // A row that says otherwise is contradicted without a request.
    let project = Locking::new(&[electron(&sha256(&zip()))]);
    let changed = project.lock().replace(&sha256(&zip()), &sha256(b"other"));
    project.world.write("larder.lock", &changed);
    project.world.server.forget();
    for arguments in [&["lock"][..], &["lock", "--check"]] {
        let run = project.run(arguments);
        assert_eq!((run.code, project.world.server.count(ELECTRON)), (Some(1), 0), "{run:?}");
        let said = format!("larder.lock has sha256 {}, and the package states {}", stated(b"other"), stated(&zip()));
        assert!(run.err.contains(&said), "{run:?}");
        assert_eq!(project.text(), changed);
    }
}

#[test]
fn a_file_that_changed_upstream_is_refused_and_its_row_stays() {
    let project = Locking::new(&[cypress()]);
    let lock = project.lock();
    project.forget_all();
    project.world.server.on(CYPRESS, Reply::body("changed"));
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    for said in [&*stated(b"cypress"), &stated(b"changed"), "take its [[download]] out of larder.lock and lock again"] {
        assert!(run.err.contains(said), "{said}\n{}", run.err);
    }
    assert_eq!(project.text(), lock);
    project.world.server.on(CYPRESS, Reply::body("cypress"));
    assert_eq!(project.lock(), lock);
    project.world.server.forget();
    assert_eq!(project.run(&["fetch"]).code, Some(0));
    assert_eq!(project.world.server.count(CYPRESS), 0, "it is here again");
}

#[test]
fn a_file_that_is_not_there_is_an_absence_and_what_the_server_fails_at_is_said() {
    let project = Locking::new(&[cypress(), electron(&sha256(&zip()))]);
    project.world.server.on(CYPRESS, Reply::status(404));
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains(&format!("+ {CYPRESS_URL} for cypress 13.17.0: not there (404)\n")), "{run:?}");
    let absent = format!("[[absent]]\nurl = \"{CYPRESS_URL}\"\nstatus = 404\nby = [\"cypress@13.17.0\"]\n");
    assert!(project.text().ends_with(&absent), "{}", project.text());
    assert_eq!(project.run(&["lock", "--check"]).code, Some(0));
    // A server that is ill is another matter.
    std::fs::remove_file(project.world.project().join("larder.lock")).unwrap();
    project.world.server.on(CYPRESS, Reply::status(500));
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.err.contains(&format!("error: cypress 13.17.0: {CYPRESS_URL}\n")), "{run:?}");
    assert!(project.text().contains("electron@41.7.1") && !project.text().contains("cypress"), "{}", project.text());
}

#[test]
fn a_web_page_is_no_file_and_a_redirect_to_a_private_host_is_not_followed() {
    let project = Locking::new(&[cypress()]);
    project.world.write("../home/.npmrc", "//download.cypress.io/:_authToken=users\n");
    project.world.server.on(CYPRESS, Reply::body("<html>").header("content-type", "text/html"));
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("what came is a web page, and not a file"), "{run:?}");
    project.world.server.on(CYPRESS, Reply::status(302).header("location", "https://10.0.0.1/secret"));
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("redirects to https://10.0.0.1/secret, which is no public host"), "{run:?}");
    assert!(!project.world.project().join("larder.lock").exists());
    let requests = project.world.server.requests();
    let asked: Vec<_> = requests.iter().filter(|request| request.path == CYPRESS).collect();
    assert!(asked.len() >= 2 && asked.iter().all(|request| request.header("authorization").is_none()), "{asked:?}");
}

/// An engine of prisma's, whose checksums stand beside it.
fn prisma() -> Locking {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let project = Locking::new(&[
        package("@prisma/engines", "7.10.1", &[]),
        package("@prisma/engines-version", &format!("7.10.0-27.{commit}"), &[]),
    ]);
    let at = |file: &str| format!("/all_commits/{commit}/debian-openssl-3.0.x/{file}");
    let server = &project.world.server;
    server.on(&at("schema-engine.gz"), Reply::body("engine"));
    server.on(&at("schema-engine.gz.sha256"), Reply::body(format!("{}  schema-engine.gz\n", sha256(b"engine"))));
    server.on(&at("schema-engine.sha256"), Reply::body(format!("{}\n", sha256(b"unpacked"))));
    project
}

#[test]
fn a_checksum_beside_a_file_is_kept_in_the_lock_and_compared_with_it() {
    let project = prisma();
    let lock = project.lock();
    let body = format!("body = \"{}  schema-engine.gz\\n\"\n", sha256(b"engine"));
    assert!(lock.contains(&body), "{lock}");
    assert!(lock.contains(&format!("body = \"{}\\n\"\n", sha256(b"unpacked"))), "{lock}");
    assert!(lock.contains("by = [\"@prisma/engines@7.10.1\"]\ntrust = \"beside\"\n"), "{lock}");
    assert_eq!(lock.matches("\n[[download]]\n").count(), 3, "{lock}");
    let project = prisma();
    project.world.server.on(
        "/all_commits/0123456789abcdef0123456789abcdef01234567/debian-openssl-3.0.x/schema-engine.gz",
        Reply::body("another"),
    );
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains(&stated(b"engine")) && run.err.contains(&stated(b"another")), "{run:?}");
}

#[test]
fn a_value_is_read_out_of_the_package_that_has_it() {
    let revisions = "exports.PUPPETEER_REVISIONS = Object.freeze({\n    chrome: '1.2.3.4',\n});\n";
    let core = package("puppeteer-core", "24.43.1", &[("lib/cjs/puppeteer/revisions.js", revisions)]);
    let project = Locking::new(&[package("puppeteer", "24.43.1", &[]), core]);
    for file in ["chrome-linux64.zip", "chrome-headless-shell-linux64.zip"] {
        project.world.server.on(&format!("/chrome-for-testing-public/1.2.3.4/linux64/{file}"), Reply::body(file));
    }
    assert_eq!(project.lock().matches("by = [\"puppeteer@24.43.1\"]").count(), 2);
    let without = package("puppeteer-core", "24.43.1", &[("lib/cjs/puppeteer/revisions.js", "nothing")]);
    let project = Locking::new(&[package("puppeteer", "24.43.1", &[]), without, cypress()]);
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(0), "the rest is locked: {run:?}");
    for said in [
        "warning: puppeteer 24.43.1 downloads files that larder.lock does not have: `{chrome-version}` is not where it should be: lib/cjs/puppeteer/revisions.js of puppeteer-core\n",
        "hint: `larder record -- npm ci` records what puppeteer downloads\n",
    ] {
        assert!(run.err.contains(said), "{said}{}", run.err);
    }
    assert!(project.text().contains("cypress@13.17.0"));
}

#[test]
fn an_addon_is_locked_for_each_version_of_node_that_the_project_runs_on() {
    let project = Locking::new(&[package("better-sqlite3", "12.11.1", &[])]);
    let at = |abi: u16| {
        format!(
            "/WiseLibs/better-sqlite3/releases/download/v12.11.1/better-sqlite3-v12.11.1-node-v{abi}-linux-x64.tar.gz"
        )
    };
    for abi in [115, 127] {
        project.world.server.on(&at(abi), Reply::body(format!("addon {abi}")));
    }
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("no file of the project names one"), "{run:?}");
    assert!(
        run.err.contains(
            "hint: name the versions of node that the project runs on in larder.toml: `node = \"22\"` below [npm]"
        ),
        "{run:?}"
    );
    assert!(!project.world.project().join("larder.lock").exists());
    project.world.write("Dockerfile", "FROM node:20-slim\n");
    assert_eq!(project.lock().matches("\nabi = 115\n").count(), 1);
    project.world.write("larder.toml", "platforms = [\"linux/amd64/glibc\"]\n[npm]\nnode = [\"20\", \"22\"]\n");
    let lock = project.lock();
    assert!(lock.contains("\nabi = 115\n") && lock.contains("\nabi = 127\n"), "{lock}");
    assert_eq!([115, 127].map(|abi| project.world.server.count(&at(abi))), [1, 1]);
}

#[test]
fn a_package_that_is_known_by_its_library_says_itself_where_its_files_are() {
    let description = r#"{"name": "my-addon", "version": "1.0.0", "scripts": {"install": "prebuild-install -r napi"}, "binary": {"napi_versions": [3], "host": "https://files.example/addons"}}"#;
    let addon = Package::new("my-addon", gzip(&tar_of("package", &[("package.json", description)]), 1))
        .with("hasInstallScript", "true")
        .with("dependencies", r#"{"prebuild-install": "^7.0.0"}"#);
    let project = Locking::new(&[addon, package("prebuild-install", "7.1.3", &[])]);
    project.world.server.on("/addons/my-addon-v1.0.0-napi-v3-linux-x64.tar.gz", Reply::body("addon"));
    assert!(
        project.lock().contains("url = \"https://files.example/addons/my-addon-v1.0.0-napi-v3-linux-x64.tar.gz\"\n")
    );
}

#[test]
fn rows_go_with_their_package_and_others_stay() {
    let project = Locking::new(&[cypress()]);
    let recorded = format!(
        "\n[[download]]\nurl = \"https://files.example/a\"\nsha256 = \"{}\"\nsize = 1\nby = [\"tool@1.0.0\"]\ntrust = \"first-use\"\n",
        sha256(b"a")
    );
    project.world.write("larder.lock", &format!("{}{recorded}", project.lock()));
    assert!(project.lock().ends_with(&recorded));
    project.world.lock(&[package("cypress", "13.17.1", &[])]);
    project.world.server.on("/desktop/13.17.1", Reply::body("later"));
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains(&format!("- {CYPRESS_URL}\n+ https://download.cypress.io/desktop/13.17.1")), "{run:?}");
    assert!(project.text().ends_with(&recorded) && !project.text().contains("13.17.0"), "{}", project.text());
    // Without any such package, what is left of its rows goes, and the rest is as it was.
    project.world.lock(&[package("tool", "2.0.0", &[])]);
    let lock = project.lock();
    assert!(lock.ends_with(&recorded) && !lock.contains("cypress"), "{lock}");
    let odd = lock.replace("# Written", "#  Written");
    project.world.write("larder.lock", &odd);
    let run = project.run(&["lock"]);
    assert_eq!((run.code, project.text()), (Some(0), odd), "not a byte of it is changed: {run:?}");
}

#[test]
fn rows_of_packages_that_a_lockfile_may_have_which_is_not_read_stay() {
    let project = Locking::new(&[cypress()]);
    let lock = project.lock();
    let other = [package("tool", "2.0.0", &[])];
    for (unread, text) in [("bun.lockb", "#!/usr/bin/env bun\n"), ("yarn.lock", "# yarn lockfile v1\n")] {
        project.world.lock(&other);
        project.world.write(unread, text);
        project.world.write("package.json", r#"{"packageManager": "npm@11.0.0"}"#);
        assert_eq!(project.lock(), lock, "{unread}");
        assert_eq!(project.run(&["lock", "--check"]).code, Some(0), "{unread}");
        std::fs::remove_file(project.world.project().join(unread)).unwrap();
    }
    let run = project.run(&["lock"]);
    assert!(run.out.contains(&format!("- {CYPRESS_URL}\n")), "{run:?}");
}

#[test]
fn what_a_project_leaves_out_is_not_locked() {
    let project = Locking::new(&[cypress().with("dev", "true")]);
    project.world.write(".npmrc", "cypress_install_binary=0\n");
    let silent = |arguments: &[&str]| {
        let run = project.run(arguments);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(!project.world.project().join("larder.lock").exists(), "{run:?}");
    };
    silent(&["lock"]);
    project.world.write(".npmrc", "");
    silent(&["lock", "--omit", "dev"]);
    assert!(project.lock().contains("cypress@13.17.0"));
}

#[test]
fn what_one_lockfile_leaves_out_and_another_does_not_is_locked() {
    let project = Locking::new(&[cypress()]);
    project.world.write("sub/package-lock.json", &lockfile(&[cypress()]));
    let lockfiles = "lockfiles = [\"package-lock.json\", \"sub/package-lock.json\"]\n";
    project.world.write("larder.toml", &format!("platforms = [\"linux/amd64/glibc\"]\n{lockfiles}"));
    project.world.write(".npmrc", "cypress_install_binary=0\n");
    project.world.write("sub/.npmrc", "cypress_install_binary=0\n");
    assert_eq!(project.run(&["lock"]).code, Some(0));
    assert!(!project.world.project().join("larder.lock").exists());
    project.world.write("sub/.npmrc", "");
    assert!(project.lock().contains("cypress@13.17.0"));
}

#[test]
fn a_new_row_is_the_same_whether_the_store_has_the_file_or_not() {
    let project = Locking::new(&[electron(&sha256(&zip()))]);
    project.world.server.on(ELECTRON, Reply::body(zip()).header("content-type", "application/zip"));
    let lock = project.lock();
    assert!(lock.contains("content_type = \"application/zip\"\n"), "{lock}");
    std::fs::remove_file(project.world.project().join("larder.lock")).unwrap();
    assert_eq!(project.lock(), lock);
}

#[test]
fn what_only_its_code_knows_is_named_and_a_check_names_what_would_go() {
    let project = Locking::new(&[package("hugo-extended", "0.148.0", &[]), cypress()]);
    let run = project.run(&["lock", "--json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let downloads = &document["downloads"];
    assert_eq!(downloads["unknown"][0]["package"], "hugo-extended 0.148.0");
    assert_eq!((&downloads["new"][0]["size"], &downloads["new"][0]["trust"]), (&7.into(), &"first-use".into()));
    assert_eq!((&downloads["packages"], &downloads["rows"]), (&2.into(), &1.into()));
    let lock = project.text();
    project.world.lock(&[package("tool", "1.0.0", &[])]);
    let run = project.run(&["lock", "--check"]);
    assert_eq!((run.code, project.text()), (Some(1), lock), "{run:?}");
    assert!(run.out.contains(&format!("- {CYPRESS_URL}\nlarder.lock would change\n")), "{run:?}");
    assert_eq!(project.run(&["lock"]).code, Some(0));
    assert!(!project.world.project().join("larder.lock").exists(), "nothing is left to name");
}

#[test]
fn a_package_whose_tarball_cannot_be_had_is_not_trusted_on_first_use() {
    let electron = electron(&sha256(&zip()));
    let project = Locking::new(&[cypress(), electron.clone()]);
    project.world.server.on(&electron.path(), Reply::status(404));
    let run = project.run(&["lock"]);
    assert_eq!((run.code, project.world.server.count(ELECTRON)), (Some(1), 0), "{run:?}");
    assert!(run.err.contains("error: electron 41.7.1: "), "{run:?}");
    assert!(project.text().contains("cypress@13.17.0") && !project.text().contains("electron"));
}

#[test]
fn what_a_package_states_of_its_file_is_believed_by_a_recording_and_a_false_file_is_not_recorded() {
    let locked = |digest_in_package: &str| {
        let project = Locking::new(&[electron(digest_in_package)]);
        // The command downloads what a larder.lock elsewhere has.
        let other = project.world.folder.path().join("other");
        std::fs::create_dir_all(&other).unwrap();
        let row = format!(
            "url = \"https://{GITHUB_HOST}{ELECTRON}\"\nsha256 = \"{}\"\nsize = 40000\nby = [\"electron@41.7.1\"]\ntrust = \"first-use\"\n",
            sha256(&zip())
        );
        std::fs::write(other.join("larder.lock"), format!("version = 2\n\n[[download]]\n{row}")).unwrap();
        let store = project.world.folder.path().join("others-store");
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let (larder, store, other) = (path(program()), path(&store), path(&other));
        let run = project.run(&["record", "--yes", "--", &larder, "fetch", "--store", &store, &other]);
        (project, run)
    };
    let (project, run) = locked(&sha256(&zip()));
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(project.text().ends_with("trust = \"package\"\n"), "{}", project.text());
    let (project, run) = locked(&sha256(b"other"));
    assert_eq!(run.code, Some(1), "{run:?}");
    let said = format!("its server has sha256 {}, and the package states {}", stated(&zip()), stated(b"other"));
    assert!(run.err.contains(&said) && run.err.contains("nothing is recorded"), "{run:?}");
    assert!(!project.world.project().join("larder.lock").exists());
}
