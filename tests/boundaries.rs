//! The house's rules, enforced: rooms, circles, and who may do what. `docs/architecture.md` has them as two tables, which this reads.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

#[path = "boundaries/house.rs"]
mod house;
#[path = "boundaries/rules.rs"]
mod rules;

use std::{
    fs,
    path::{Path, PathBuf},
};

use house::House;
use rules::{Plan, broken};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Where the public addresses stand.
const ENDPOINTS: &str = "src/core/endpoints.rs";

/// Where the names of the store's folders and files stand.
const STORE_LAYOUT: &str = "store/src/layout.rs";

/// A page with a house of three rooms.
const PAGE: &str = "
| room | does |
|---|---|
| `main` | starts |
| `top` | asks |
| `middle` | thinks |
| `core` | values |
| `store` | keeps |

| right | who |
|---|---|
| prints | `top` |
| reads the environment | `main` |
| ends the process | `main` |
| names a public host | `core/endpoints.rs` |
| knows a path inside the store | `store` |
| does no I/O | `middle` |
";

const LIB: (&str, &str) = ("src/lib.rs", "pub mod top; pub mod middle; pub mod core;");

/// What the rules say of a made-up house.
fn said(files: &[(&str, &str)]) -> Vec<String> {
    let house = House::new([LIB].iter().chain(files).copied());
    broken(&house, &Plan::read(PAGE), &["registry.example".to_owned()], &["blobs".to_owned()])
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() && !["target", "node_modules", ".git"].iter().any(|skipped| name == *skipped) => {
                files_below(&entry.path(), found);
            }
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

fn relative(path: &Path) -> String {
    path.strip_prefix(ROOT).unwrap().to_str().unwrap().to_owned()
}

/// The hosts that `endpoints.rs` names.
fn hosts(house: &House) -> Vec<String> {
    let texts = house.files[ENDPOINTS].texts.iter().map(|(_, text)| text.trim_start_matches("https://"));
    texts.map(|text| text.split('/').next().unwrap().to_owned()).collect()
}

#[test]
fn the_house_keeps_its_rules() {
    let mut paths = Vec::new();
    files_below(&Path::new(ROOT).join("src"), &mut paths);
    files_below(&Path::new(ROOT).join("store/src"), &mut paths);
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let sources: Vec<(String, String)> =
        paths.iter().map(|path| (relative(path), fs::read_to_string(path).unwrap())).collect();
    let house = House::new(sources.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let plan = Plan::read(&fs::read_to_string(Path::new(ROOT).join("docs/architecture.md")).unwrap());
    let store_names: Vec<String> = house.files[STORE_LAYOUT].joined.iter().map(|(_, name)| name.clone()).collect();
    assert!(store_names.iter().any(|name| name == "blobs"), "{STORE_LAYOUT} joins the store's names");
    let found = broken(&house, &plan, &hosts(&house), &store_names);
    assert!(found.is_empty(), "{} rules are broken:\n{}", found.len(), found.join("\n"));
}

/// Tests, pages and scripts use loopback or made-up names, so that nothing but the product asks the public.
#[test]
fn no_other_file_names_a_public_registry() {
    let endpoints = fs::read_to_string(Path::new(ROOT).join(ENDPOINTS)).unwrap();
    let house = House::new([(ENDPOINTS, endpoints.as_str())]);
    // Lockfiles name forges in their own words.
    let is_forge = |host: &String| ["git", "bitbucket"].iter().any(|forge| host.contains(forge));
    let hosts: Vec<String> = hosts(&house).into_iter().filter(|host| !is_forge(host)).collect();
    assert!(hosts.len() > 4, "{hosts:?}");
    let mut paths = Vec::new();
    files_below(Path::new(ROOT), &mut paths);
    for path in paths.iter().filter(|path| relative(path) != ENDPOINTS) {
        let Ok(text) = fs::read_to_string(path) else { continue };
        for host in &hosts {
            assert!(!text.contains(host.as_str()), "{}: names {host}", path.display());
        }
    }
}

#[test]
fn a_house_that_keeps_the_rules_is_left_alone() {
    let files = [
        ("src/main.rs", "fn main() { larder::top::run(std::env::args().count()); std::process::exit(1) }"),
        ("src/top.rs", "use crate::middle::think; pub fn run(n: usize) { println!(\"{}\", think(n)) }"),
        ("src/middle.rs", "mod part; pub use part::think;"),
        ("src/middle/part.rs", "use crate::core::N; pub fn think(n: usize) -> usize { n + N }"),
        ("src/core.rs", "pub mod endpoints; pub const N: usize = 1; #[cfg(test)] mod tests { use crate::top; }"),
        ("src/core/endpoints.rs", "pub const R: &str = \"https://registry.example/\";"),
        ("store/src/lib.rs", "mod layout;"),
        ("store/src/layout.rs", "fn f(p: &Path) { p.join(\"blobs\"); }"),
    ];
    assert_eq!(said(&files), [""; 0]);
}

#[test]
fn an_import_upward_is_named() {
    let core = ("src/core.rs", "\nuse crate::{\n    top::{Asked, self},\n};");
    assert_eq!(
        said(&[core, ("src/top.rs", "pub struct Asked;")]),
        ["src/core.rs:2: `core` imports larder::top::Asked, and `top` stands above it"]
    );
    // Without a `use` line, and through another file's re-export.
    let inline = ("src/core.rs", "fn f() { crate::middle::think() }");
    let middle = [("src/middle.rs", "pub use crate::top::think;"), ("src/top.rs", "pub fn think() {}")];
    assert_eq!(
        said(&[inline, middle[0], middle[1]]),
        [
            "src/core.rs:1: `core` imports larder::middle::think, and `top` stands above it",
            "src/middle.rs:1: `middle` imports larder::top::think, and `top` stands above it",
        ]
    );
    let store = ("store/src/lib.rs", "use larder::core::N;");
    assert_eq!(
        said(&[store, ("src/core.rs", "pub const N: u8 = 1;")]),
        ["store/src/lib.rs:1: `store` imports larder::core::N, and `core` stands above it"]
    );
}

#[test]
fn a_circle_of_files_is_named() {
    let files = [
        ("src/core.rs", "mod a; mod b; mod c;"),
        ("src/core/a.rs", "use super::b::B; pub struct A;"),
        ("src/core/b.rs", "use super::c::C; pub struct B;"),
        ("src/core/c.rs", "pub struct C(crate::core::a::A);"),
    ];
    let circle = "a circle of 3 files:\n    src/core/a.rs:1: larder::core::b::B of src/core/b.rs\n    src/core/b.rs:1: larder::core::c::C of src/core/c.rs\n    src/core/c.rs:1: larder::core::a::A of src/core/a.rs";
    assert_eq!(said(&files), [circle]);
    // A module and its part are two files.
    let parts =
        [("src/core.rs", "mod a; use a::A; pub struct B;"), ("src/core/a.rs", "use super::B; pub struct A(B);")];
    assert_eq!(said(&parts).len(), 1);
    let store = [
        ("store/src/lib.rs", "mod a; mod b;"),
        ("store/src/a.rs", "use crate::b;"),
        ("store/src/b.rs", "use crate::a;"),
    ];
    assert_eq!(said(&store).len(), 1);
}

#[test]
fn what_only_some_may_do_is_named_with_its_line() {
    for (line, expected) in [
        ("fn f() { eprintln!(\"x\") }", "src/core.rs:1: eprintln!: not a file that prints"),
        ("use std::io; fn f() { io::stdout() }", "src/core.rs:1: std::io::stdout: not a file that prints"),
        ("fn f() { std::env::var(\"HOME\") }", "src/core.rs:1: std::env::var: not a file that reads the environment"),
        (
            "use std::env; fn f() { env::temp_dir() }",
            "src/core.rs:1: std::env::temp_dir: not a file that reads the environment",
        ),
        ("fn f() { std::process::exit(0) }", "src/core.rs:1: std::process::exit: not a file that ends the process"),
        (
            "const R: &str = \"http://registry.example/a\";",
            "src/core.rs:1: registry.example: not a file that names a public host",
        ),
        (
            "fn f(p: &Path) { p.join(\"blobs/ab\") }",
            "src/core.rs:1: blobs/ab: not a file that knows a path inside the store",
        ),
    ] {
        assert!(
            said(&[("src/core.rs", line)]).contains(&expected.to_owned()),
            "{line}: {:?}",
            said(&[("src/core.rs", line)])
        );
    }
    assert_eq!(said(&[("src/middle.rs", "use std::fs;")]), ["src/middle.rs:1: std::fs: this room does no I/O"]);
    let long = "\n".repeat(501);
    assert_eq!(said(&[("src/core.rs", &long)]), ["src/core.rs:501: a file has at most 500 lines"]);
}

#[test]
fn a_room_without_a_row_and_a_row_without_a_room_are_named() {
    let lib = ("src/lib.rs", "pub mod top; pub mod core; pub mod attic;");
    let house = House::new([lib]);
    let found = broken(&house, &Plan::read(PAGE), &[], &[]);
    assert_eq!(
        found,
        [
            "src/lib.rs: `attic` is no row of the table of rooms",
            "docs/architecture.md: `middle` is no module of src/lib.rs"
        ]
    );
}
