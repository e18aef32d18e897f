//! What is accepted, and what is said of the rest.

use super::*;

fn parse(text: &str) -> Result<LarderToml, LarderTomlError> {
    LarderToml::parse(text.as_bytes(), Path::new("larder.toml"))
}

fn message(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn every_key_is_read() {
    let read = parse(
        r#"
        lockfiles = ["package-lock.json", "./web/package-lock.json"]
        platforms = ["linux/amd64", "linux/arm64"]
        omit = ["dev", "peer"]
        require-integrity = true
        [store]
        over = "../base"
        [fetch]
        jobs = 32
        retries = 0
        stall-timeout = 30
        total-timeout = "1h"
        max-artifact-size = "2GiB"
        [forges]
        github = "http://127.0.0.1:8080"
        gitlab = "https://mirror.example/gitlab/"
        bitbucket = "https://mirror.example/bitbucket"
        [npm]
        node = ["v20.11.0", "lts/jod"]
        [share]
        from = ["s3://bucket/larder", "file:///mnt/larder"]
        to = "oci://registry.example/web:{plan}"
        "#,
    );
    let url = |text| Some(Url::parse(text).unwrap());
    let expected = LarderToml {
        lockfiles: vec!["package-lock.json".into(), "web/package-lock.json".into()],
        platforms: vec!["linux/amd64".into(), "linux/arm64".into()],
        all_platforms: false,
        omit: vec![OmittedGroup::Dev, OmittedGroup::Peer],
        require_integrity: true,
        store: StoreSettings { over: Some("../base".into()) },
        fetch: FetchSettings {
            jobs: Some(32),
            retries: Some(0),
            stall_timeout: Some(Duration::from_secs(30)),
            total_timeout: Some(Duration::from_hours(1)),
            max_artifact_size: Some(2 << 30),
        },
        forges: ForgeAddresses {
            github: url("http://127.0.0.1:8080/"),
            gitlab: url("https://mirror.example/gitlab/"),
            bitbucket: url("https://mirror.example/bitbucket/"),
        },
        npm: NpmSettings { node: ["20", "22"].map(|text| NodeMajor::parse(text).unwrap()).to_vec() },
        share: ShareSettings {
            from: vec!["s3://bucket/larder".to_owned(), "file:///mnt/larder".to_owned()],
            to: Some("oci://registry.example/web:{plan}".to_owned()),
        },
        pyodide: None,
    };
    assert_eq!(read, Ok(expected));
    assert_eq!(parse("npm.node = '22'").map(|read| read.npm.node), Ok(NodeMajor::parse("22").into_iter().collect()));
    assert_eq!(parse("all-platforms = true").map(|read| read.all_platforms), Ok(true));
}

#[test]
fn an_empty_file_says_nothing() {
    assert_eq!(parse(""), Ok(LarderToml::default()));
    assert_eq!(parse("# a comment\n[fetch]\n[forges]\n"), Ok(LarderToml::default()));
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    let cases = [
        ("\nplatfroms = []", "larder.toml:2: unknown key `platfroms`; the nearest known one is `platforms`"),
        ("lockfile = []", "larder.toml:1: unknown key `lockfile`; the nearest known one is `lockfiles`"),
        ("all_platforms = true", "unknown key `all_platforms`; the nearest known one is `all-platforms`"),
        ("[fetch]\njob = 1", "larder.toml:2: unknown key `fetch.job`; the nearest known one is `fetch.jobs`"),
        (
            "fetch.stall-timout = 1",
            "larder.toml:1: unknown key `fetch.stall-timout`; the nearest known one is `fetch.stall-timeout`",
        ),
        ("jobs = 3", "unknown key `jobs`; there is `fetch.jobs`"),
        ("[fetch]\ngithub = 'x'", "unknown key `fetch.github`; there is `forges.github`"),
        ("[forges]\nsourcehut = 'x'", "known here are `forges.github`, `forges.gitlab`, `forges.bitbucket`"),
        ("omit = []\n\n[fetches]\n", "larder.toml:3: unknown key `fetches`; the nearest known one is `fetch`"),
    ];
    for (text, expected) in cases {
        assert!(message(text).contains(expected), "{text:?}: {}", message(text));
    }
}

#[test]
fn the_list_of_keys_is_that_of_the_tables() {
    let mut known = Vec::new();
    for table in ["", "store", "fetch", "forges", "npm", "share", "pyodide"] {
        let prefix = if table.is_empty() { String::new() } else { format!("{table}.") };
        let error = toml::from_str::<LarderToml>(&format!("{prefix}no-such-key = 1")).unwrap_err();
        let (_, expected) = error.message().split_once(", expected ").unwrap();
        let expected = expected.trim_start_matches("one of ");
        known.extend(
            expected
                .split(", ")
                .flat_map(|keys| keys.split(" or "))
                .map(|key| format!("{prefix}{}", key.trim_matches('`'))),
        );
    }
    assert_eq!(known, KEYS);
}

#[test]
fn of_two_slips_the_first_in_the_file_is_named() {
    assert!(message("zzz = 1\naaa = 2").starts_with("larder.toml:1: unknown key `zzz`"));
}

#[test]
fn a_wrong_value_is_named_with_its_line_and_what_is_accepted() {
    let cases = [
        ("lockfiles = 'a'", "larder.toml:1: `lockfiles` has to be a list of relative paths"),
        ("lockfiles = [\n'a',\n'/b']", "larder.toml:3: `lockfiles`"),
        ("lockfiles = ['']", "larder.toml:1: `lockfiles`"),
        ("lockfiles = ['.']", "larder.toml:1: `lockfiles`"),
        ("lockfiles = ['a', './a']", "relative paths, each once"),
        ("platforms = [1]", "`platforms` has to be a list of platforms such as \"linux/arm64\""),
        ("platforms = ['']", "`platforms` has to be"),
        ("all-platforms = 'yes'", "`all-platforms` has to be true or false"),
        ("omit = ['prod']", "`omit` has to be a list of \"dev\", \"optional\" and \"peer\""),
        ("omit = ['dev', 'dev']", "each at most once"),
        ("require-integrity = 1", "`require-integrity` has to be true or false"),
        ("fetch = 3", "`fetch` has to be a table"),
        ("[fetch]\n\njobs = 0", "larder.toml:3: `fetch.jobs` has to be a whole number from 1 to 1024"),
        ("fetch.jobs = 1025", "`fetch.jobs` has to be"),
        ("fetch.jobs = 1.5", "`fetch.jobs` has to be"),
        ("fetch.jobs = 99999999999999999999", "`fetch.jobs` has to be"),
        ("fetch.retries = -1", "`fetch.retries` has to be a whole number from 0 to 100"),
        ("fetch.stall-timeout = 0", "`fetch.stall-timeout` has to be a time such as 30 (seconds)"),
        ("fetch.total-timeout = '1 day'", "`fetch.total-timeout` has to be a time"),
        ("fetch.max-artifact-size = '2 gigs'", "`fetch.max-artifact-size` has to be a size such as"),
        ("npm.node = 22", "larder.toml:1: `npm.node` has to be a version of node from 12 to 25"),
        ("[npm]\nnode = ['20', 'v20']", "larder.toml:2: `npm.node` has to be"),
        ("npm.node = '99'", "`npm.node` has to be"),
        ("forges.github = 'github.example'", "`forges.github` has to be an address"),
        ("forges.github = 'ssh://mirror.example/'", "`forges.github` has to be an address"),
        ("forges.gitlab = 'https://u:p@mirror.example/'", "without user name and query"),
        ("forges.bitbucket = 'https://mirror.example/?a'", "without user name and query"),
    ];
    for (text, expected) in cases {
        assert!(message(text).contains(expected), "{text:?}: {}", message(text));
    }
}

#[test]
fn platforms_and_all_platforms_exclude_each_other() {
    let expected = "larder.toml:2: `platforms` and `all-platforms = true` exclude each other";
    assert_eq!(message("platforms = ['linux/arm64']\nall-platforms = true"), expected);
    assert!(parse("platforms = ['linux/arm64']\nall-platforms = false").is_ok());
}

#[test]
fn what_is_not_toml_is_named_with_its_line() {
    assert!(
        message("omit = []\nplatforms = [").starts_with("larder.toml:2: "),
        "{}",
        message("omit = []\nplatforms = [")
    );
    assert!(message("omit = []\nomit = []").starts_with("larder.toml:2: "), "{}", message("omit = []\nomit = []"));
    assert!(message("<<<<<<< HEAD\n").starts_with("larder.toml:1: "));
    let error = LarderToml::parse(b"\xff", Path::new("larder.toml")).unwrap_err();
    assert_eq!(error.to_string(), "larder.toml is not UTF-8");
}
