//! The table, row by row, and what is found of a plan. `expected_addresses.txt` has the addresses that the packages' own code was seen to make.

use std::collections::BTreeSet;

use super::*;
use crate::{
    core::{endpoints::GITHUB_HOST, manifest::Manifest},
    lockfile,
    plan::{Plan, selection::Platform},
};

const EXPECTED: &str = include_str!("expected_addresses.txt");

/// Values that stand in the packages, or that the system decides, as in the expected addresses.
const VALUES: [(&str, &str); 17] = [
    ("chromium-version", "159.0.8154.6"),
    ("ffmpeg-revision", "1013"),
    ("firefox-revision", "1572"),
    ("webkit-revision", "2388"),
    ("distribution", "ubuntu-24.04"),
    ("chrome-version", "148.0.7778.97"),
    ("engines-commit", "d1b3f377ca835d73fd50954a5e22128b9ebdd6b8"),
    ("chromedriver-version", "148.0.7778.97"),
    ("geckodriver-version", "0.36.0"),
    ("edgedriver-version", "142.0.3595.94"),
    ("release", "b6.1.1"),
    ("addon", "CPU-linux-4.22.0.tar.gz"),
    ("ripgrep-version", "v13.0.0-10"),
    ("mongodb-build", "debian12-8.2.1.tgz"),
    ("libvips-version", "8.14.5"),
    ("repository", "https://files.example/owner/addon"),
    ("runtime-and-abi", "napi-v6"),
];

/// Rows without platforms of their own are tried on these.
const EVERYWHERE: [&str; 4] = ["linux/amd64", "linux/arm64/musl", "darwin/arm64", "windows/amd64"];

/// `linux-x64-musl` as `linux/x64/musl`.
fn platform(name: &str) -> Platform {
    name.replace('-', "/").parse().unwrap()
}

fn platforms_of(row: &KnownDownload) -> Vec<Platform> {
    if row.platforms.is_empty() {
        return EVERYWHERE.map(platform).to_vec();
    }
    row.platforms.keys().map(|name| platform(name)).collect()
}

/// The addresses of a row's files.
fn addresses(row: &KnownDownload, target: Target<'_>) -> Result<Vec<String>, UnfilledAddress> {
    row.addresses.iter().map(|template| row.address(template, target)).collect()
}

/// The addresses of a row on all its platforms, as lines.
fn lines(row: &KnownDownload, name: &str, version: &str) -> Vec<String> {
    let values: Vec<(&str, &str)> = VALUES.into_iter().chain([("name", name)]).collect();
    let mut lines = Vec::new();
    for platform in platforms_of(row) {
        let target = Target { version, platform, abi: Some("115"), values: &values };
        for address in addresses(row, target).unwrap() {
            lines.push(format!("{name} {version} {platform} {}", address.replace(GITHUB_HOST, "{github}")));
        }
    }
    lines
}

/// A version that the row was read in, or the lowest of its range.
fn sample(row: &KnownDownload) -> String {
    let lowest = || nodejs_semver::Range::parse(&row.versions).unwrap().min_version().unwrap().to_string();
    row.read.last().cloned().unwrap_or_else(lowest)
}

#[test]
fn every_row_makes_the_addresses_that_are_expected_on_each_of_its_platforms() {
    let mut made = Vec::new();
    for row in KnownDownload::all() {
        let name = row.packages.first().map_or("addon", String::as_str);
        let version = if row.packages.is_empty() { "1.2.3".to_owned() } else { sample(row) };
        made.extend(lines(row, name, &version));
    }
    let expected: Vec<&str> = EXPECTED.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(made, expected);
}

#[test]
fn every_row_is_found_by_its_name_and_version_and_says_what_it_has_to() {
    for row in KnownDownload::all() {
        let version = sample(row);
        for name in &row.packages {
            assert!(std::ptr::eq(KnownDownload::of(name, &version).unwrap(), row), "{name} {version}");
            for read in &row.read {
                assert!(std::ptr::eq(KnownDownload::of(name, read).unwrap(), row), "{name} {read}");
            }
        }
        assert_eq!(row.packages.is_empty(), row.depends_on.is_some(), "{row:?}");
        assert!(!row.addresses.is_empty() || row.host.is_some() || row.depends_on.is_some(), "{row:?}");
        assert!(row.host().is_some() || row.depends_on.is_some(), "{row:?}");
        assert_eq!(row.when == When::Command, row.command.is_some() && row.when != When::FirstUse, "{row:?}");
        assert!(row.skip.iter().all(|skip| skip.contains('=')), "{row:?}");
    }
}

#[test]
fn the_names_beside_the_table_are_those_in_it() {
    let rows = KnownDownload::all().iter();
    let named = rows.flat_map(|row| row.packages.iter().chain(&row.depends_on)).map(String::as_str);
    let in_table: Vec<&str> = named.collect::<BTreeSet<_>>().into_iter().collect();
    assert_eq!(names::NAMES[..], in_table, "own_downloads/names.rs");
}

#[test]
fn ranges_of_one_package_do_not_overlap() {
    for (position, row) in KnownDownload::all().iter().enumerate() {
        for other in &KnownDownload::all()[position + 1..] {
            if row.packages.iter().any(|name| other.packages.contains(name)) {
                let ranges = [row, other].map(|row| nodejs_semver::Range::parse(&row.versions).unwrap());
                assert!(!ranges[0].allows_any(&ranges[1]), "{row:?} {other:?}");
            }
        }
    }
}

#[test]
fn versions_that_download_nothing_have_no_row() {
    for (name, version) in [
        ("better-sqlite3", "13.2.0"),
        ("bcrypt", "6.0.0"),
        ("@sentry/cli", "3.8.0"),
        ("sharp", "0.34.5"),
        ("@vscode/ripgrep", "1.18.0"),
        ("onnxruntime-node", "1.17.0"),
        ("supabase", "2.99.0"),
        ("cypress", "no-version"),
        ("esbuild", "0.28.2"),
    ] {
        assert!(KnownDownload::of(name, version).is_none(), "{name} {version}");
    }
}

#[test]
fn an_address_that_cannot_be_worked_out_says_why() {
    let row = |name, version| KnownDownload::of(name, version).unwrap();
    let target = |text: &str| Target { version: "1.21.0", platform: text.parse().unwrap(), abi: None, values: &[] };
    assert_eq!(
        addresses(row("onnxruntime-node", "1.21.0"), target("darwin/arm64")).unwrap_err().to_string(),
        "it downloads nothing on darwin/arm64"
    );
    let error = addresses(row("better-sqlite3", "12.11.1"), target("linux/amd64")).unwrap_err();
    assert_eq!(error, UnfilledAddress::Placeholder("abi".to_owned()));
    let error = addresses(row("puppeteer", "24.43.1"), target("linux/amd64")).unwrap_err();
    assert_eq!(error.to_string(), "`{chrome-version}` has no value");
}

#[test]
fn advice_names_the_server_and_the_variables() {
    let advice = |name: &str, version: &str| KnownDownload::of(name, version).unwrap().advice(name, None);
    assert_eq!(
        advice("cypress", "13.17.0"),
        "run it where download.cypress.io can be reached, name a mirror with CYPRESS_DOWNLOAD_MIRROR, or leave cypress's download out with CYPRESS_INSTALL_BINARY=0"
    );
    assert_eq!(
        advice("electron", "45.3.4"),
        format!("run it where {GITHUB_HOST} can be reached, or name a mirror with ELECTRON_MIRROR")
    );
    assert_eq!(
        advice("@vscode/ripgrep", "1.17.0"),
        format!(
            "run it where {GITHUB_HOST} can be reached: @vscode/ripgrep reads no variable that names a mirror or leaves the download out"
        )
    );
    assert!(
        advice("puppeteer", "24.43.1").contains(
            "name a mirror with PUPPETEER_CHROME_DOWNLOAD_BASE_URL and PUPPETEER_CHROME_HEADLESS_SHELL_DOWNLOAD_BASE_URL, or"
        )
    );
    assert!(
        advice("sharp", "0.32.6")
            .ends_with("name a mirror with npm_config_sharp_libvips_binary_host and npm_config_sharp_binary_host")
    );
    let family = KnownDownload::of_libraries().find(|(library, _)| *library == "prebuild-install").unwrap().1;
    assert_eq!(
        family.advice("@scope/my-addon", None),
        "run it where that server can be reached, or name a mirror with npm_config_scope_my_addon_binary_host"
    );
}

#[test]
fn a_variable_counts_with_its_own_value_and_a_setting_only_where_the_package_reads_it() {
    let is_out = |name: &str, version: &str, variable: &[(&str, &str)], setting: &[(&str, &str)]| {
        let of = |set: &[(&str, &str)], name: &str| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let known = KnownDownload::of(name, version).unwrap();
        known.is_left_out(&|name| of(variable, name), &|name| of(setting, name))
    };
    let cypress = [("CYPRESS_INSTALL_BINARY", "0")];
    assert!(is_out("cypress", "13.17.0", &cypress, &[]) && is_out("cypress", "13.17.0", &[], &cypress));
    assert!(!is_out("cypress", "13.17.0", &[("CYPRESS_INSTALL_BINARY", "13.0.0")], &[]));
    let electron = [("ELECTRON_SKIP_BINARY_DOWNLOAD", "true")];
    assert!(is_out("electron", "41.7.1", &electron, &[]) && !is_out("electron", "41.7.1", &[], &electron));
    assert!(!is_out("electron", "45.3.4", &electron, &[]), "the later one does not read it");
    let onnx = [("ONNXRUNTIME_NODE_INSTALL", "skip")];
    assert!(is_out("onnxruntime-node", "1.30.0", &[], &onnx) && !is_out("onnxruntime-node", "1.21.0", &onnx, &[]));
}

/// What is found of a lockfile of npm's with these entries, as `name version when`.
fn found(entries: &str, selection: &Selection) -> Vec<String> {
    let text = format!(r#"{{"lockfileVersion": 3, "packages": {{"": {{}}, {entries}}}}}"#);
    let reading = lockfile::read("package-lock.json", text.as_bytes()).unwrap();
    let plan = Plan::new(&[reading]).unwrap();
    let manifests = || lockfile::manifests("package-lock.json", text.as_bytes());
    let found = own_downloads(plan.artifacts(), selection, manifests);
    found.iter().map(|download| format!("{} {:?}", download.planned.artifact, download.known.when)).collect()
}

fn entry(name: &str, version: &str, rest: &str) -> String {
    format!(r#""node_modules/{name}": {{"version": "{version}"{rest}}}"#)
}

fn on(platforms: &[&str]) -> Selection {
    let platforms: BTreeSet<Platform> = platforms.iter().map(|name| name.parse().unwrap()).collect();
    Selection { platforms: Platforms::Only(platforms), ..Selection::all() }
}

#[test]
fn packages_of_the_table_are_found_each_thing_once() {
    let entries = [
        entry("@playwright/test", "1.65.1", ""),
        entry("cypress", "13.17.0", r#", "dev": true"#),
        entry("electron", "45.3.4", ""),
        entry("esbuild", "0.28.2", r#", "hasInstallScript": true"#),
        entry("playwright", "1.65.1", ""),
        entry("playwright-core", "1.65.1", ""),
        entry("a/node_modules/cypress", "15.3.0", ""),
    ]
    .join(",");
    let expected = [
        "@playwright/test 1.65.1 Command",
        "cypress 13.17.0 Install",
        "cypress 15.3.0 Install",
        "electron 45.3.4 FirstUse",
    ];
    assert_eq!(found(&entries, &Selection::all()), expected);
    let mut without_dev = Selection::all();
    without_dev.omit.dev = true;
    assert!(!found(&entries, &without_dev).contains(&"cypress 13.17.0 Install".to_owned()));
}

#[test]
fn each_browser_package_is_a_thing_of_its_own() {
    let entries = ["chromium", "firefox"].map(|browser| entry(&format!("@playwright/browser-{browser}"), "1.49.0", ""));
    let expected = ["@playwright/browser-chromium 1.49.0 Install", "@playwright/browser-firefox 1.49.0 Install"];
    assert_eq!(found(&entries.join(","), &Selection::all()), expected);
}

#[test]
fn what_downloads_on_other_platforms_alone_is_not_found() {
    let entries = entry("onnxruntime-node", "1.21.0", "");
    assert_eq!(found(&entries, &on(&["linux/amd64"])), ["onnxruntime-node 1.21.0 Install"]);
    assert_eq!(found(&entries, &on(&["darwin/arm64", "linux/arm64"])), [""; 0]);
    assert_eq!(found(&entries, &Selection::all()).len(), 1);
}

#[test]
fn a_package_is_known_by_the_library_that_it_depends_on_and_its_install_script() {
    let depends = |library: &str| format!(r#", "dependencies": {{"{library}": "*"}}"#);
    let script = r#", "hasInstallScript": true"#;
    let library = entry("prebuild-install", "7.1.3", "");
    let addon = |rest: &str| [entry("my-addon", "1.0.0", rest), library.clone()].join(",");
    assert_eq!(
        found(&addon(&format!("{}{script}", depends("prebuild-install"))), &Selection::all()),
        ["my-addon 1.0.0 Install"]
    );
    assert_eq!(found(&addon(&depends("prebuild-install")), &Selection::all()), [""; 0]);
    assert_eq!(found(&addon(script), &Selection::all()), [""; 0]);
    assert_eq!(found(&addon(&format!("{}{script}", depends("prebuild"))), &Selection::all()), [""; 0]);
}

#[test]
fn nothing_is_asked_of_a_lockfile_where_no_such_library_is_in_it() {
    let reading = lockfile::read(
        "package-lock.json",
        br#"{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0"}}}"#,
    );
    let plan = Plan::new(&[reading.unwrap()]).unwrap();
    let manifests = || panic!("the lockfile is not read again");
    assert!(own_downloads(plan.artifacts(), &Selection::all(), manifests).is_empty());
    let manifest =
        Manifest::from_package_json(br#"{"optionalDependencies": {"b": "1"}, "scripts": {"install": "x"}}"#).unwrap();
    assert!(manifest.depends_on("b") && !manifest.depends_on("a") && manifest.has_install_script());
}
