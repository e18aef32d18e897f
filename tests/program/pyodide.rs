//! A project with Pyodide: a runtime, its distribution and an index, on one loopback server.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use larder_store::digest::{Algorithm, Digest};
use larder_test_server::{Reply, wheel};

use crate::support::{Package, Run, World, finish};

/// The release that the tests use.
pub(crate) const RELEASE: &str = "0.28.3";

/// A project with Pyodide.
pub(crate) struct Pyodide {
    pub(crate) world: World,
    /// The index: the entries of each project's page.
    pages: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
}

/// What the index says of a file beside its name and its digest, and how its server behaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listed {
    /// Further fields of the entry, as JSON: `"yanked": true`.
    pub(crate) fields: Vec<String>,
    /// Its address; the server's own if `None`.
    pub(crate) url: Option<String>,
    /// The digest that is stated; the right one if `None`.
    pub(crate) sha256: Option<String>,
    /// Whether `.metadata` is there.
    pub(crate) has_metadata: bool,
    /// Whether pieces are refused.
    pub(crate) refuses_pieces: bool,
    /// Whether the wheel is padded until its pieces are worth asking for.
    pub(crate) is_large: bool,
}

impl Listed {
    pub(crate) fn with(mut self, field: &str) -> Self {
        self.fields.push(field.to_owned());
        self
    }
}

/// A distribution package: name, version, what it depends on.
type Distributed<'a> = (&'a str, &'a str, &'a [&'a str]);

/// The hexadecimal digits of a sha256.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Digest::of(Algorithm::Sha256, bytes).to_hex()
}

/// The file of a distribution's package: its name and bytes.
pub(crate) fn distributed(name: &str, version: &str) -> (String, Vec<u8>) {
    wheel(name, version, "cp313-cp313-pyodide_2025_0_wasm32", &[])
}

impl Pyodide {
    /// A project whose npm lockfile names a runtime with this distribution, whose files are at `/dist/`.
    pub(crate) fn new(packages: &[Distributed<'_>]) -> Self {
        let path = format!("/pyodide/-/pyodide-{RELEASE}.tgz");
        let runtime = Package::new("pyodide", tarball(RELEASE, packages))
            .with("version", &format!("{RELEASE:?}"))
            .with("resolved", &format!("\"https://registry.example{path}\""));
        let world = World::new(std::slice::from_ref(&runtime));
        world.server.on(&path, Reply::body(runtime.bytes));
        for (name, version, _) in packages {
            let (file, bytes) = distributed(name, version);
            world.server.on(&format!("/dist/{file}"), Reply::body(bytes));
        }
        let pages: Arc<Mutex<BTreeMap<String, Vec<String>>>> = Arc::default();
        let listed = Arc::clone(&pages);
        world.server.fallback(move |request| {
            let name = request.path.strip_prefix("/simple/").and_then(|rest| rest.strip_suffix('/'));
            let pages = listed.lock().unwrap();
            let Some(entries) = name.and_then(|name| pages.get(name)) else { return Reply::status(404) };
            let page = format!(r#"{{"meta": {{"api-version": "1.1"}}, "files": [{}]}}"#, entries.join(", "));
            Reply::body(page).header("content-type", "application/vnd.pypi.simple.v1+json")
        });
        Self { world, pages }
    }

    /// Writes a `larder.toml` that asks for these packages, with further keys of `[pyodide]`.
    pub(crate) fn ask(&self, packages: &[&str], keys: &str) {
        let list: Vec<String> = packages.iter().map(|name| format!("{name:?}")).collect();
        let mut text = format!("[pyodide]\npackages = [{}]\n", list.join(", "));
        if !keys.contains("index") {
            writeln!(text, "index = {:?}", self.world.server.url("/simple/")).unwrap();
        }
        if !keys.contains("sources") {
            writeln!(text, "sources = [{:?}]", self.world.server.url("/dist/")).unwrap();
        }
        self.world.write("larder.toml", &format!("{text}{keys}\n"));
    }

    /// Lists a pure wheel whose metadata has these lines; gives the path of its file.
    pub(crate) fn publish(&self, name: &str, version: &str, lines: &[&str], listed: &Listed) -> String {
        let (file, mut bytes) = wheel(name, version, "py3-none-any", lines);
        if listed.is_large {
            let stem = name.replace('-', "_");
            let head = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{}\n", lines.join("\n"));
            let zip = larder_test_server::Zip::new().with("padding", larder_test_server::noise(1, 200_000));
            bytes = zip.with(&format!("{stem}-{version}.dist-info/METADATA"), head).build();
        }
        self.list(name, &file, &bytes, listed);
        let path = format!("/files/{file}");
        if listed.has_metadata {
            let head = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{}\n", lines.join("\n"));
            self.world.server.on(&format!("{path}.metadata"), Reply::body(head));
        }
        let reply = Reply::body(bytes);
        self.world.server.on(&path, if listed.refuses_pieces { reply.ignoring_range() } else { reply });
        path
    }

    /// Lists a file in the index, without serving it.
    pub(crate) fn list(&self, name: &str, file: &str, bytes: &[u8], listed: &Listed) {
        let digest = listed.sha256.clone().unwrap_or_else(|| sha256(bytes));
        let mut fields = vec![
            format!(r#""filename": "{file}""#),
            format!(r#""url": "{}""#, listed.url.clone().unwrap_or_else(|| format!("../../files/{file}"))),
            format!(r#""hashes": {{"sha256": "{digest}"}}"#),
            format!(r#""size": {}"#, bytes.len()),
        ];
        fields.extend(listed.fields.iter().cloned());
        let entry = format!("{{{}}}", fields.join(", "));
        self.pages.lock().unwrap().entry(name.to_owned()).or_default().push(entry);
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        finish(self.world.command(arguments))
    }

    /// Runs `larder lock` and gives `name version` of each package that was locked.
    pub(crate) fn lock(&self) -> Vec<String> {
        let run = self.run(&["lock"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        self.locked()
    }

    /// `name version` of each package of `larder.lock`, with `*` after those of the distribution.
    pub(crate) fn locked(&self) -> Vec<String> {
        let text = self.text();
        let value = |block: &str, key: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")));
            line.unwrap_or_default().trim_matches('"').to_owned()
        };
        let blocks = text.split("[[package]]").skip(1);
        let shown = |block: &str| {
            let mark = if value(block, "source") == "distribution" { "*" } else { "" };
            format!("{} {}{mark}", value(block, "name"), value(block, "version"))
        };
        blocks.map(shown).collect()
    }

    /// The text of `larder.lock`; empty if there is none.
    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(self.world.project().join("larder.lock")).unwrap_or_default()
    }

    /// Requests below a path.
    pub(crate) fn requests_below(&self, path: &str) -> usize {
        self.world.server.requests().iter().filter(|request| request.path.starts_with(path)).count()
    }
}

/// The npm tarball of a runtime: the files that a loader needs, and the lock of this distribution.
pub(crate) fn tarball(release: &str, packages: &[Distributed<'_>]) -> Vec<u8> {
    let package_json = format!(r#"{{"name": "pyodide", "version": "{release}"}}"#);
    let lock = distribution_lock(packages);
    let files = [
        ("package.json", package_json.as_str()),
        ("pyodide.mjs", "export {}"),
        ("pyodide.asm.js", ""),
        ("pyodide.asm.wasm", "wasm"),
        ("python_stdlib.zip", "zip"),
        ("pyodide-lock.json", &lock),
    ];
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    for (name, text) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("package/{name}"), text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

fn distribution_lock(packages: &[Distributed<'_>]) -> String {
    let entry = |(name, version, depends): &Distributed<'_>| {
        let (file, bytes) = distributed(name, version);
        let depends: Vec<String> = depends.iter().map(|name| format!("{name:?}")).collect();
        format!(
            r#""{name}": {{"name": "{name}", "version": "{version}", "file_name": "{file}", "install_dir": "site", "sha256": "{}",
            "package_type": "package", "imports": ["{name}"], "depends": [{}], "unvendored_tests": false}}"#,
            sha256(&bytes),
            depends.join(", ")
        )
    };
    let entries: Vec<String> = packages.iter().map(entry).collect();
    format!(
        r#"{{"info": {{"arch": "wasm32", "platform": "emscripten_4_0_9", "python": "3.13.2", "abi_version": "2025_0", "version": "0.28.0.dev0"}},
        "packages": {{{}}}}}"#,
        entries.join(", ")
    )
}
