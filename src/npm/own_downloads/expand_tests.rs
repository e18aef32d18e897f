//! The addresses of each family of packages against those that are expected, and what a row says of platforms.

use super::*;

const EXPECTED: &str = include_str!("expected_addresses.txt");

fn known(name: &str, version: &str) -> &'static KnownDownload {
    KnownDownload::of(name, version).unwrap()
}

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn only(platforms: &[&str]) -> Platforms {
    Platforms::Only(platforms.iter().map(|text| text.parse().unwrap()).collect())
}

fn expanded(name: &str, version: &str, platforms: &Platforms, abis: &[u16], pairs: &[(&str, &str)]) -> Expanded {
    let values = values(pairs);
    expand(known(name, version), Given { templates: None, version, platforms, abis, values: &values })
}

/// The addresses that the expected ones have of this version of a package.
fn expected(name: &str, version: &str) -> BTreeSet<String> {
    let lines = EXPECTED.lines().filter_map(|line| line.strip_prefix(&format!("{name} {version} ")));
    let addresses = lines.map(|line| line.split_once(' ').unwrap().1);
    addresses.map(|address| address.replace("{github}", crate::core::endpoints::GITHUB_HOST)).collect()
}

/// A package, its version, its values and the platforms.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a Platforms);

#[test]
fn each_family_has_the_addresses_that_its_packages_were_seen_to_ask() {
    let chrome = ("chrome-version", "148.0.7778.97");
    let playwright = [
        ("chromium-version", "159.0.8154.6"),
        ("ffmpeg-revision", "1013"),
        ("firefox-revision", "1572"),
        ("webkit-revision", "2388"),
        ("distribution", "ubuntu-24.04"),
    ];
    let prisma = [("engines-commit", "d1b3f377ca835d73fd50954a5e22128b9ebdd6b8")];
    let everywhere = only(&["linux/amd64/glibc", "linux/arm64/musl", "darwin/arm64", "windows/amd64"]);
    let cases: [Case<'_>; 18] = [
        ("cypress", "15.3.0", &[], &everywhere),
        ("electron", "41.7.1", &[], &everywhere),
        ("electron", "45.3.4", &[], &everywhere),
        ("@playwright/test", "1.65.1", &playwright, &Platforms::All),
        ("playwright-chromium", "1.65.0", &playwright, &Platforms::All),
        ("puppeteer", "24.43.1", &[chrome], &Platforms::All),
        ("@prisma/engines", "7.10.1", &prisma, &Platforms::All),
        ("@prisma/engines", "5.22.0", &prisma, &Platforms::All),
        ("better-sqlite3", "12.11.1", &[], &everywhere),
        ("sqlite3", "6.0.1", &[], &everywhere),
        ("canvas", "3.2.3", &[], &everywhere),
        ("canvas", "2.11.2", &[], &everywhere),
        ("bcrypt", "5.1.1", &[], &everywhere),
        ("grpc-tools", "1.13.1", &[], &everywhere),
        ("onnxruntime-node", "1.21.0", &[], &Platforms::All),
        ("chromedriver", "148.0.1", &[("chromedriver-version", "148.0.7778.97")], &Platforms::All),
        ("ffmpeg-static", "5.3.0", &[("release", "b6.1.1")], &everywhere),
        ("@sentry/cli", "1.77.3", &[], &Platforms::All),
    ];
    for (name, version, pairs, platforms) in cases {
        let found = expanded(name, version, platforms, &[115], pairs);
        let files = found.addresses.iter().filter(|it| !it.url.ends_with(".sha256"));
        let urls: BTreeSet<String> = files.map(|it| it.url.clone()).collect();
        assert_eq!(urls, expected(name, version), "{name} {version}");
        assert_eq!(found.unknown, BTreeSet::new(), "{name} {version}");
    }
}

/// The rows that come of it: `os cpu libc abi` and the file's name.
fn rows(found: &Expanded) -> Vec<String> {
    let row = |it: &ExpectedAddress| {
        let platform = &it.platform;
        let word = |word: Option<&str>| word.unwrap_or("-").to_owned();
        let words = [
            word(platform.os.as_ref().map(PlatformWord::as_str)),
            word(platform.cpu.as_ref().map(PlatformWord::as_str)),
            word(platform.libc.map(RecordedLibc::name)),
            platform.abi.map_or_else(|| "-".to_owned(), |abi| abi.to_string()),
            it.url.rsplit('/').next().unwrap().to_owned(),
        ];
        words.join(" ")
    };
    found.addresses.iter().map(row).collect()
}

#[test]
fn a_linux_without_a_c_library_is_one_with_each_and_each_abi_has_its_file() {
    let found = expanded("better-sqlite3", "12.11.1", &only(&["linux/amd64", "darwin/arm64"]), &[115, 127], &[]);
    assert_eq!(
        rows(&found),
        [
            "darwin arm64 - 115 better-sqlite3-v12.11.1-node-v115-darwin-arm64.tar.gz",
            "linux x64 glibc 115 better-sqlite3-v12.11.1-node-v115-linux-x64.tar.gz",
            "linux x64 musl 115 better-sqlite3-v12.11.1-node-v115-linuxmusl-x64.tar.gz",
            "darwin arm64 - 127 better-sqlite3-v12.11.1-node-v127-darwin-arm64.tar.gz",
            "linux x64 glibc 127 better-sqlite3-v12.11.1-node-v127-linux-x64.tar.gz",
            "linux x64 musl 127 better-sqlite3-v12.11.1-node-v127-linuxmusl-x64.tar.gz",
        ]
    );
}

#[test]
fn a_row_says_of_platforms_what_its_address_says_whatever_is_selected() {
    for (name, version, platform, pairs, expected) in [
        ("cypress", "13.17.0", "linux/amd64", &[][..], "linux x64 - - 13.17.0?platform=linux&arch=x64"),
        ("electron", "41.7.1", "linux/arm64/musl", &[], "linux arm64 - - electron-v41.7.1-linux-arm64.zip"),
        // One file for two processors.
        (
            "chromedriver",
            "148.0.1",
            "linux/arm64",
            &[("chromedriver-version", "1.2")],
            "linux - - - chromedriver-linux64.zip",
        ),
        ("@sentry/cli", "1.77.3", "darwin/arm64", &[], "darwin - - - sentry-cli-Darwin-universal"),
        ("onnxruntime-node", "1.21.0", "linux/amd64", &[], "linux x64 - - onnxruntime-linux-x64-gpu-1.21.0.tgz"),
        (
            "bcrypt",
            "5.1.1",
            "linux/amd64/musl",
            &[],
            "linux x64 musl - bcrypt_lib-v5.1.1-napi-v3-linux-x64-musl.tar.gz",
        ),
        ("bcrypt", "5.1.1", "windows/amd64", &[], "win32 x64 - - bcrypt_lib-v5.1.1-napi-v3-win32-x64-unknown.tar.gz"),
    ] {
        let found = expanded(name, version, &only(&[platform]), &[], pairs);
        assert!(rows(&found).contains(&expected.to_owned()), "{:?}", rows(&found));
    }
    let json = expanded("chromedriver", "148.0.1", &only(&["linux/arm64"]), &[], &[("chromedriver-version", "1.2")]);
    assert!(rows(&json).contains(&"- - - - 1.2.json".to_owned()), "{:?}", rows(&json));
}

#[test]
fn a_platform_without_files_is_passed_over_and_what_is_not_known_is_named() {
    assert_eq!(expanded("onnxruntime-node", "1.21.0", &only(&["darwin/arm64"]), &[], &[]), Expanded::default());
    let unknown = |found: Expanded| found.unknown.into_iter().collect::<Vec<_>>();
    let addon = expanded("better-sqlite3", "12.11.1", &only(&["linux/amd64"]), &[], &[]);
    assert_eq!((addon.addresses.len(), unknown(addon)), (0, vec!["abi".to_owned()]));
    // What is known is there all the same.
    let some = expanded("playwright", "1.65.1", &only(&["linux/amd64"]), &[], &[("chromium-version", "1.2")]);
    assert_eq!(some.addresses.len(), 2);
    assert_eq!(unknown(some), ["ffmpeg-revision", "firefox-revision", "webkit-revision"].map(str::to_owned));
}

#[test]
fn checksums_beside_files_are_answers_of_their_own() {
    let pairs = [("engines-commit", "c0ffee")];
    let found = expanded("@prisma/engines", "7.10.1", &only(&["linux/amd64/glibc"]), &[], &pairs);
    let at = |file: &str| format!("https://binaries.prisma.sh/all_commits/c0ffee/debian-openssl-3.0.x/{file}");
    let kinds: Vec<(String, Kind)> = found.addresses.into_iter().map(|it| (it.url, it.kind)).collect();
    assert_eq!(
        kinds,
        [
            (at("schema-engine.gz"), Kind::File { checksums: Some(at("schema-engine.gz.sha256")) }),
            (at("schema-engine.gz.sha256"), Kind::Answer),
            (at("schema-engine.sha256"), Kind::Answer),
        ]
    );
}
