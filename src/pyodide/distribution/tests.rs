//! Excerpts of the locks of real releases, and what can be wrong with one.

use super::*;

macro_rules! excerpt {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pyodide/locks/", $path)).as_slice()
    };
}

/// The release, its lock, what it states, the number of packages, and how names are looked up.
#[expect(clippy::type_complexity, reason = "a table")]
fn releases() -> [(&'static str, &'static [u8], [Option<&'static str>; 4], usize, Spelling); 12] {
    use Spelling::{LowerCase, Normal};
    let info = |python, platform, abi, version| [Some(python), Some(platform), abi, version];
    [
        (
            "0.21.3",
            excerpt!("0.21.3/repodata.json"),
            info("3.10.2", "emscripten_3_1_14", None, Some("0.21.3")),
            14,
            LowerCase,
        ),
        (
            "0.22.1",
            excerpt!("0.22.1/repodata.json"),
            info("3.10.2", "emscripten_3_1_27", None, Some("0.22.1")),
            8,
            LowerCase,
        ),
        (
            "0.23.4",
            excerpt!("0.23.4/repodata.json"),
            info("3.11.2", "emscripten_3_1_32", None, Some("0.23.4")),
            6,
            LowerCase,
        ),
        (
            "0.24.1",
            excerpt!("0.24.1/pyodide-lock.json"),
            info("3.11.3", "emscripten_3_1_45", None, Some("0.24.1")),
            5,
            LowerCase,
        ),
        (
            "0.25.1",
            excerpt!("0.25.1/pyodide-lock.json"),
            info("3.11.3", "emscripten_3_1_46", None, Some("0.25.1")),
            16,
            Normal,
        ),
        (
            "0.26.4",
            excerpt!("0.26.4/pyodide-lock.json"),
            info("3.12.1", "emscripten_3_1_58", Some("2024_0"), Some("0.26.4")),
            13,
            Normal,
        ),
        (
            "0.27.8",
            excerpt!("0.27.8/pyodide-lock.json"),
            info("3.12.7", "emscripten_3_1_58", Some("2024_0"), Some("0.27.8")),
            13,
            Normal,
        ),
        (
            "0.28.3",
            excerpt!("0.28.3/pyodide-lock.json"),
            info("3.13.2", "emscripten_4_0_9", Some("2025_0"), Some("0.28.0.dev0")),
            12,
            Normal,
        ),
        (
            "0.29.5",
            excerpt!("0.29.5/pyodide-lock.json"),
            info("3.13.2", "emscripten_4_0_9", Some("2025_0"), None),
            13,
            Normal,
        ),
        (
            "314.0.3",
            excerpt!("314.0.3/pyodide-lock.json"),
            info("3.14.0", "emscripten_5_0_3", Some("2026_0"), None),
            11,
            Normal,
        ),
        (
            "314.0.7",
            excerpt!("314.0.7/pyodide-lock.json"),
            info("3.14.2", "emscripten_5_0_3", Some("2026_0"), None),
            11,
            Normal,
        ),
        (
            "315.0.0-alpha.2",
            excerpt!("315.0.0-alpha.2/pyodide-lock.json"),
            info("3.15.0rc1", "emscripten_6_0_5", Some("2026_5"), None),
            3,
            Normal,
        ),
    ]
}

fn read(text: &str) -> Result<Distribution, DistributionError> {
    Distribution::read("pyodide-lock.json", text.as_bytes())
}

const ENTRY: &str = r#"{"name": "A.b", "version": "1.0", "file_name": "a_b-1.0-py3-none-any.whl", "install_dir": "site", "sha256": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", "imports": ["a"], "depends": ["C_d"], "tool": {"x": 1}}"#;

fn with_packages(packages: &str) -> String {
    format!(
        r#"{{"info": {{"arch": "wasm32", "platform": "emscripten_4_0_9", "python": "3.13.2"}}, "packages": {{{packages}}}, "zeta": 1, "alpha": [2]}}"#
    )
}

#[test]
fn every_release_is_read() {
    for (release, bytes, [python, platform, abi, version], packages, spelling) in releases() {
        let read = Distribution::read(release, bytes).unwrap();
        let info = read.info();
        assert_eq!((Some(&*info.python), Some(&*info.platform)), (python, platform), "{release}");
        assert_eq!((info.abi_version.as_deref(), info.version.as_deref()), (abi, version), "{release}");
        assert_eq!((read.packages().len(), read.spelling()), (packages, spelling), "{release}");
        for (name, package) in read.packages() {
            assert_eq!(ProjectName::parse(&package.name).as_ref(), Ok(name), "{release}");
        }
    }
}

#[test]
fn dependencies_that_a_release_spells_otherwise_are_found() {
    for (release, bytes, ..) in releases() {
        let read = Distribution::read(release, bytes).unwrap();
        for (name, package) in read.packages().iter().filter(|(name, _)| !name.as_str().ends_with("-tests")) {
            for needed in &package.depends {
                assert!(read.get(needed.as_str()).is_some(), "{release}: {name} needs {needed}");
            }
        }
    }
}

#[test]
fn types_are_told_where_the_release_states_none() {
    let types = |release: &[u8]| {
        let read = Distribution::read("repodata.json", release).unwrap();
        let special = read.packages().iter().filter(|(_, package)| package.package_type != PackageType::Package);
        special.map(|(name, package)| format!("{name} {}", package.package_type)).collect::<Vec<_>>()
    };
    assert_eq!(types(excerpt!("0.21.3/repodata.json")), ["distutils cpython_module", "openssl shared_library"]);
    assert_eq!(
        types(excerpt!("0.22.1/repodata.json")),
        ["libheif shared_library", "openssl shared_library", "ssl cpython_module"]
    );
}

#[test]
fn unknown_fields_stay_as_they_are_and_in_order() {
    let read = read(&with_packages(&format!("\"a-b\": {ENTRY}"))).unwrap();
    assert_eq!(read.others().keys().collect::<Vec<_>>(), ["info", "zeta", "alpha"]);
    let package = read.get("a-b").unwrap();
    let keys = ["name", "version", "file_name", "install_dir", "sha256", "imports", "depends", "tool"];
    assert_eq!(package.fields.keys().collect::<Vec<_>>(), keys);
    assert_eq!(package.fields["tool"], serde_json::json!({"x": 1}));
    assert_eq!(package.depends, [ProjectName::parse("c-d").unwrap()]);
}

#[test]
fn what_is_no_lock_is_named() {
    let cases = [
        ("", "pyodide-lock.json is not JSON"),
        ("[]", "pyodide-lock.json: `the document` is a list instead of an object"),
        (r#"{"packages": []}"#, "`packages` is a list instead of an object"),
        (r#"{"packages": {}}"#, "`info` is missing instead of an object"),
        (r#"{"packages": {}, "info": {"python": 3}}"#, "`info.python` is a number instead of a text"),
        (r#"{"packages": {}, "info": {"python": "3.13.2"}}"#, "`info.platform` is missing instead of a text"),
    ];
    for (text, message) in cases {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
}

#[test]
fn all_packages_that_cannot_be_used_are_named_at_once() {
    let change = |from: &str, to: &str| {
        assert!(ENTRY.contains(from), "{from}");
        ENTRY.replacen(from, to, 1)
    };
    let cases = [
        ("no-object", "1".to_owned(), "the entry is not an object"),
        ("no-imports", change("\"imports\": [\"a\"], ", ""), "`imports` is missing"),
        ("bad-imports", change("[\"a\"]", "[1]"), "`imports` is not a list of texts"),
        ("no-depends", change("\"depends\": [\"C_d\"], ", ""), "`depends` is missing"),
        ("bad-depends", change("C_d", "c>=3"), "`depends` is a character that no Python project's name has"),
        ("no-sha256", change("ca978112ca1b", ""), "`sha256` is not 64 hexadecimal digits"),
        ("outside", change("a_b-1.0-py3", "../a_b-1.0-py3"), "`file_name` is a file name that begins with a dot"),
        ("bad-type", change("\"tool\"", "\"package_type\": \"conda\", \"tool\""), "`package_type` is `conda`"),
        ("bad key", ENTRY.to_owned(), "its key is a character that no Python project's name has"),
        ("a-b", ENTRY.to_owned(), "its name is the same as that of `A.b`"),
    ];
    let packages: Vec<String> = cases.iter().map(|(key, entry, _)| format!("\"{key}\": {entry}")).collect();
    let text = with_packages(&format!("\"A.b\": {ENTRY}, {}", packages.join(", ")));
    let error = read(&text).unwrap_err().to_string();
    let lines: Vec<String> = cases.iter().map(|(key, _, problem)| format!("  {key}: {problem}")).collect();
    assert_eq!(error, format!("pyodide-lock.json: packages that cannot be used:\n{}", lines.join("\n")));
}
