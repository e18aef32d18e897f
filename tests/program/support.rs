//! A project, a registry and a store, each of its own for every test.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use larder_store::digest::{Algorithm, Digest};
use larder_test_server::{Reply, Server};
use tempfile::TempDir;

/// A project, a registry and a store.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) server: Server,
}

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A package of the registry.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// Further fields of its lockfile entry, as JSON.
    pub(crate) fields: Vec<(&'static str, String)>,
}

impl Package {
    pub(crate) fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), bytes: bytes.into(), fields: Vec::new() }
    }

    pub(crate) fn with(mut self, field: &'static str, json: &str) -> Self {
        self.fields.retain(|(name, _)| *name != field);
        self.fields.push((field, json.to_owned()));
        self
    }

    pub(crate) fn integrity(&self) -> String {
        Digest::of(Algorithm::Sha512, &self.bytes).to_string()
    }

    /// Where the registry has it.
    pub(crate) fn path(&self) -> String {
        let base = self.name.rsplit('/').next().unwrap();
        format!("/{}/-/{base}-1.0.0.tgz", self.name)
    }

    fn entry(&self) -> String {
        let mut fields: BTreeMap<&str, String> = BTreeMap::from([
            ("version", "\"1.0.0\"".to_owned()),
            ("resolved", format!("\"https://registry.example{}\"", self.path())),
            ("integrity", format!("\"{}\"", self.integrity())),
        ]);
        for (name, json) in &self.fields {
            fields.insert(name, json.clone());
        }
        fields.retain(|_, json| !json.is_empty());
        let fields: Vec<String> = fields.iter().map(|(name, json)| format!("\"{name}\": {json}")).collect();
        format!("    \"node_modules/{}\": {{ {} }}", self.name, fields.join(", "))
    }
}

/// `count` packages of some kilobytes each.
pub(crate) fn packages(count: u64) -> Vec<Package> {
    let len = |number: u64| usize::try_from(500 + number * 977 % 9000).unwrap();
    (0..count)
        .map(|number| Package::new(&format!("package-{number}"), larder_test_server::noise(number, len(number))))
        .collect()
}

/// A lockfile of version 3 that names them.
pub(crate) fn lockfile(packages: &[Package]) -> String {
    let mut text = String::from(
        "{\n  \"name\": \"app\", \"version\": \"1.0.0\", \"lockfileVersion\": 3, \"requires\": true,\n  \"packages\": {\n    \"\": { \"name\": \"app\", \"version\": \"1.0.0\" }",
    );
    for package in packages {
        write!(text, ",\n{}", package.entry()).unwrap();
    }
    text.push_str("\n  }\n}\n");
    text
}

impl World {
    /// A registry that has these packages, and a project whose lockfile names them.
    pub(crate) fn new(packages: &[Package]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["project", "home"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let server = Server::start();
        for package in packages {
            server.on(&package.path(), Reply::body(package.bytes.clone()));
        }
        let world = Self { folder, server };
        world.lock(packages);
        world
    }

    /// Writes the lockfile anew.
    pub(crate) fn lock(&self, packages: &[Package]) {
        self.write("package-lock.json", &lockfile(packages));
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.project().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// The program, to be run in the project, with an environment of its own and the world's registry.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        self.prepare(&mut command);
        command.args(arguments);
        command
    }

    /// The same through a launcher: `unshare … larder arguments`.
    pub(crate) fn command_through(&self, launcher: &[&str], arguments: &[&str]) -> Command {
        let mut command = Command::new(launcher[0]);
        self.prepare(&mut command);
        command.args(&launcher[1..]).arg(program()).args(arguments);
        command
    }

    fn prepare(&self, command: &mut Command) {
        command
            .current_dir(self.project())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", self.folder.path().join("home"))
            .env("LARDER_STORE", self.store())
            // The machine's own configuration of npm is none of the test's.
            .env("npm_config_globalconfig", self.folder.path().join("none"))
            .env("npm_config_registry", self.server.url("/"))
            .env("npm_config_replace_registry_host", "registry.example")
            .env("npm_config_fetch_retry_mintimeout", "10")
            .env("npm_config_fetch_retry_maxtimeout", "20")
            .stdin(Stdio::null());
    }

    /// Runs the program.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        finish(self.command(arguments))
    }

    /// Runs `larder fetch --json` and gives the one project of its document.
    pub(crate) fn fetch_json(&self, arguments: &[&str]) -> (Run, serde_json::Value) {
        let run = self.run(&[&["fetch", "--json"], arguments].concat());
        let document: serde_json::Value =
            serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        (run, document["projects"][0].clone())
    }

    /// Files in the store's `partial/`, the empty journal aside.
    pub(crate) fn left_in_partial(&self) -> usize {
        let entries = std::fs::read_dir(self.store().join("partial")).unwrap().map(Result::unwrap);
        entries.filter(|entry| entry.file_name() != "journal" || entry.metadata().unwrap().len() > 0).count()
    }

    /// What a person reads, without what differs from run to run.
    pub(crate) fn plain(&self, text: &str) -> String {
        let text = text.replace(self.server.url("").trim_end_matches('/'), "[registry]");
        let text = text.replace(&*self.folder.path().to_string_lossy(), "[folder]");
        // `123 B in 4 ms, 5 ms of it waiting for the disk`.
        let lines = text.lines().map(|line| match line.split_once(" in ") {
            Some((before, _)) if before.contains("request") || before.contains(" read, ") => {
                format!("{before} in [time]")
            }
            _ => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// How often a torture repeats itself: `short` times, or `long` times where `LARDER_TEST_LONG` is set.
pub(crate) fn rounds(short: u64, long: u64) -> u64 {
    if std::env::var_os("LARDER_TEST_LONG").is_some_and(|value| !value.is_empty()) { long } else { short }
}

/// A tar archive of these files in one folder.
pub(crate) fn tar_of(top: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o664);
        builder.append_data(&mut header, format!("{top}/{path}"), text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(crate) fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

/// A package's tarball; `index` is what is in its one file.
pub(crate) fn tarball(name: &str, index: &str) -> Vec<u8> {
    let description = format!(r#"{{"name": "{name}", "version": "1.0.0"}}"#);
    gzip(&tar_of("package", &[("package.json", &description), ("index.js", index)]), 9)
}

/// The program under test.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_larder"))
}

/// Runs a command to its end.
pub(crate) fn finish(mut command: Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Says that a test was skipped, and why: in its output, and to `tests/run`, which names it at the end.
#[expect(clippy::print_stdout, reason = "a test that was skipped should say so")]
pub(crate) fn skipped(test: &str, why: &str) {
    println!("skipped: {test}: {why}");
    if let Some(results) = std::env::var_os("LARDER_TEST_RESULTS") {
        let mut results = std::fs::OpenOptions::new().append(true).open(results).unwrap();
        std::io::Write::write_all(&mut results, format!("skip\t0\thermetic\t{test}: {why}\n").as_bytes()).unwrap();
    }
}

/// Whether this machine lets tests have namespaces of their own.
pub(crate) fn may_unshare(arguments: &[&str]) -> bool {
    Command::new("unshare").args(arguments).arg("true").output().is_ok_and(|output| output.status.success())
}

/// The same; where it does not, the test that asks is skipped.
pub(crate) fn can_unshare(arguments: &[&str], test: &str) -> bool {
    let can = may_unshare(arguments);
    if !can {
        skipped(test, &format!("`unshare {}` is not allowed here", arguments.join(" ")));
    }
    can
}

/// Runs `script` in a mount namespace of its own; `$LARDER` is the program, `$STORE` the store's folder.
pub(crate) fn in_mount_namespace(world: &World, script: &str) -> Run {
    let environment: Vec<_> =
        world.command(&[]).get_envs().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect();
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-ec", script])
        .env_clear()
        .envs(environment)
        .env("LARDER", program())
        .env("STORE", world.store())
        .current_dir(world.project());
    finish(command)
}
