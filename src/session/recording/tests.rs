//! What a recording comes to.

use axum::http::Method;
use larder_store::digest::{Algorithm, Digest};

use super::{
    seen::{MOST_EXCHANGES, Seen},
    *,
};
use crate::{
    lockfile::{
        self,
        larder_lock::{LarderLock, RecordedContent, RecordedDownload, Trust},
    },
    plan::{
        Plan,
        selection::{Cpu, Os, Platform},
    },
    proxy::{Exchange, Recorder as _, SeenBody},
};

const HERE: Option<Platform> = Some(Platform { os: Os::Linux, cpu: Cpu::X64, libc: None });

fn exchange(url: &str, status: u16, body: &[u8]) -> Exchange {
    Exchange {
        url: url.parse().unwrap(),
        method: Method::GET,
        has_secrets: false,
        status,
        location: None,
        content_type: None,
        is_encoded: false,
        is_for_nobody_else: false,
        address: None,
        body: SeenBody::Whole {
            sha256: Digest::of(Algorithm::Sha256, body),
            size: body.len() as u64,
            kept: (body.len() < 100).then(|| body.into()),
        },
        environment: None,
    }
}

/// Bytes that are no text.
fn file(url: &str) -> Exchange {
    exchange(url, 200, &[0; 200])
}

fn redirect(url: &str, to: &str) -> Exchange {
    Exchange { location: Some(to.to_owned()), ..exchange(url, 302, b"") }
}

fn plan() -> Plan {
    let lockfile = r#"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/tool": {"version": "1.2.3", "resolved": "https://registry.example/tool.tgz"}, "node_modules/cypress": {"version": "13.17.0", "resolved": "https://registry.example/cypress.tgz"}}}"#;
    Plan::new(&[lockfile::read("package-lock.json", lockfile.as_bytes()).unwrap()]).unwrap()
}

fn judged(exchanges: Vec<Exchange>) -> Judged {
    let seen = Seen { exchanges, ..Seen::default() };
    judge(&seen, &LarderLock::default(), &Askers { plan: &plan(), command: "npm" }, HERE)
}

#[test]
fn the_first_request_of_a_clone_is_left_out_like_the_rest_of_it() {
    let judged = judged(vec![
        exchange("https://forge.example/a.git/info/refs?service=git-upload-pack", 200, b"\0refs"),
        exchange("https://forge.example/info/refs", 200, b"\0a file of that name"),
    ]);
    assert_eq!(urls(&judged), ["https://forge.example/info/refs"]);
    let reason = "it begins git's own protocol, which goes on with a POST";
    assert_eq!(why(&judged), [("https://forge.example/a.git/info/refs", reason)]);
}

fn urls(judged: &Judged) -> Vec<&str> {
    judged.downloads.iter().map(|row| row.url.as_str()).collect()
}

fn why(judged: &Judged) -> Vec<(&str, &str)> {
    judged.not_recorded.iter().map(|it| (it.what.as_str(), it.why.as_str())).collect()
}

fn one(exchange: Exchange) -> RecordedDownload {
    let judged = judged(vec![exchange]);
    assert_eq!(why(&judged), []);
    judged.downloads.into_iter().next().unwrap()
}

#[test]
fn a_row_keeps_the_address_that_was_asked_and_what_it_redirects_to_is_none() {
    let judged = judged(vec![
        redirect("https://forge.example/a.zip", "https://objects.example/a?X-Amz-Signature=s"),
        file("https://objects.example/a?X-Amz-Signature=s"),
        file("https://files.example/b.zip"),
        file("https://files.example/b.zip"),
    ]);
    assert_eq!(urls(&judged), ["https://files.example/b.zip", "https://forge.example/a.zip"]);
    assert_eq!(why(&judged), []);
    let sha256 = Digest::of(Algorithm::Sha256, &[0; 200]);
    assert!(judged.downloads.iter().all(|row| row.content == RecordedContent::Stored { sha256, size: 200 }));
}

#[test]
fn what_cannot_be_replayed_or_may_be_for_nobody_else_is_left_out_with_the_reason() {
    let secret = |url: &str| Exchange { has_secrets: true, ..file(url) };
    let at = |address: &str, url: &str| Exchange { address: Some(address.parse().unwrap()), ..file(url) };
    let cases = [
        (secret("https://a.example/x"), "its request says who asks, and the answer may be for nobody else"),
        (at("10.0.0.1", "https://a.example/x"), "its server is in a private network"),
        (at("127.0.0.1", "https://a.example/x"), "its server is in a private network"),
        (at("169.254.169.254", "https://a.example/x"), "its server is in a private network"),
        (at("100.64.0.1", "https://a.example/x"), "its server is in a private network"),
        (at("::1", "https://a.example/x"), "its server is in a private network"),
        (at("::ffff:10.0.0.1", "https://a.example/x"), "its server is in a private network"),
        (at("fe80::1", "https://a.example/x"), "its server is in a private network"),
        (at("fd00::1", "https://a.example/x"), "its server is in a private network"),
        (exchange("https://a.example/x", 503, b""), "it was answered with status 503"),
        (
            Exchange { is_encoded: true, ..file("https://a.example/x") },
            "its server compresses it on the way, though it is asked not to",
        ),
        (Exchange { body: SeenBody::Cut, ..file("https://a.example/x") }, "it ended early"),
        (
            Exchange { method: Method::HEAD, body: SeenBody::NotAsked, ..file("https://a.example/x") },
            "only its headers were asked for",
        ),
        (
            redirect("https://a.example/x", "https://b.example/y"),
            "it redirects to https://b.example/y, which was not asked",
        ),
    ];
    for (exchange, expected) in cases {
        let judged = judged(vec![exchange]);
        assert_eq!((urls(&judged), why(&judged)), (vec![], vec![("https://a.example/x", expected)]));
    }
    for (url, shown, expected) in [
        ("http://a.example/x", "http://a.example/x", "no address that begins with https:"),
        (
            "https://a.example/x?token=s",
            "https://a.example/x",
            "an address whose query has `token`, which looks like a signature or a secret: name the address that redirects to it",
        ),
        (
            "https://127.0.0.1/x",
            "https://127.0.0.1/x",
            "an address of a machine by its number, where a public host's name has to be",
        ),
        (
            "https://nas.local/x",
            "https://nas.local/x",
            "an address on `nas.local`, which is no public host: others have another there, or none",
        ),
    ] {
        let judged = judged(vec![file(url)]);
        assert_eq!((urls(&judged), why(&judged)), (vec![], vec![(shown, expected)]));
    }
    let posted = Exchange { method: Method::POST, ..file("https://a.example/secret-path") };
    assert_eq!(why(&judged(vec![posted])), [("a.example", "a POST cannot be replayed")]);
}

#[test]
fn a_redirect_with_a_secret_or_to_a_private_network_is_no_row_either() {
    let private = Exchange { address: Some("10.0.0.1".parse().unwrap()), ..file("https://b.example/y") };
    let judged = judged(vec![redirect("https://a.example/x", "https://b.example/y"), private]);
    assert_eq!(
        (urls(&judged), why(&judged)),
        (vec![], vec![("https://a.example/x", "its server is in a private network")])
    );
    let secret = Exchange { has_secrets: true, ..redirect("https://a.example/x", "https://b.example/y") };
    let judged = self::judged(vec![secret, file("https://b.example/y")]);
    assert_eq!(urls(&judged), [""; 0]);
}

#[test]
fn two_answers_for_one_address_are_none_unless_they_are_small() {
    let changed = exchange("https://a.example/x", 200, &[1; 200]);
    let judged = judged(vec![file("https://a.example/x"), changed]);
    assert_eq!(urls(&judged), [""; 0]);
    assert!(judged.not_recorded[0].why.starts_with("it changed meanwhile: first sha256 "), "{:?}", judged.not_recorded);
    let counter = |text: &str| Exchange {
        content_type: Some("application/json".to_owned()),
        ..exchange("https://a.example/n", 200, text.as_bytes())
    };
    assert_eq!(urls(&self::judged(vec![counter("1"), counter("2")])), ["https://a.example/n"]);
}

#[test]
fn an_address_that_had_nothing_is_an_answer_too_unless_it_had_something_later() {
    let judged = judged(vec![
        exchange("https://a.example/gone", 404, b"not found"),
        exchange("https://a.example/late", 404, b""),
        file("https://a.example/late"),
        Exchange { method: Method::HEAD, body: SeenBody::NotAsked, ..exchange("https://a.example/head", 410, b"") },
        exchange("https://a.example/busy", 503, b""),
        exchange("https://a.example/busy", 404, b""),
    ]);
    let absent: Vec<_> = judged.absent.iter().map(|row| (row.url.as_str(), row.status.code())).collect();
    assert_eq!(absent, [("https://a.example/gone", 404), ("https://a.example/head", 410)]);
    assert_eq!(urls(&judged), ["https://a.example/late"]);
    assert_eq!(why(&judged), [("https://a.example/busy", "it was answered with status 503")]);
}

#[test]
fn an_answer_to_a_stranger_is_none_where_somebody_asks_by_name() {
    let stranger = exchange("https://a.example/x", 404, b"");
    let known = Exchange { has_secrets: true, ..file("https://a.example/x") };
    for exchanges in [vec![stranger.clone(), known.clone()], vec![known, stranger]] {
        let judged = judged(exchanges);
        assert_eq!((urls(&judged), judged.absent.len()), (vec![], 0));
        let expected = "its request says who asks, and the answer may be for nobody else";
        assert_eq!(why(&judged), [("https://a.example/x", expected)]);
    }
}

#[test]
fn who_asks_for_a_redirects_goal_himself_has_a_row_for_it() {
    let (to, goal) = ("https://a.example/v1.zip", || file("https://a.example/v1.zip"));
    let by_redirect = judged(vec![redirect("https://a.example/latest", to), goal()]);
    assert_eq!(urls(&by_redirect), ["https://a.example/latest"]);
    let by_both = judged(vec![redirect("https://a.example/latest", to), goal(), goal()]);
    assert_eq!(urls(&by_both), ["https://a.example/latest", to]);
    let from_http = judged(vec![redirect("http://a.example/v1.zip", to), goal()]);
    assert_eq!(urls(&from_http), [to]);
}

#[test]
fn a_redirect_to_what_the_lock_has_is_a_row_of_the_same_bytes() {
    let sha256 = Digest::of(Algorithm::Sha256, b"file").to_hex();
    let text = format!(
        "version = 2\n\n[[download]]\nurl = \"https://a.example/v1.zip\"\nsha256 = \"{sha256}\"\nsize = 4\nby = [\"script:x\"]\ntrust = \"first-use\"\n"
    );
    let known = LarderLock::parse("larder.lock", text.as_bytes()).unwrap();
    let exchanges = vec![redirect("https://a.example/latest", "https://a.example/v1.zip")];
    let judged = judge(&Seen { exchanges, ..Seen::default() }, &known, &Askers { plan: &plan(), command: "npm" }, HERE);
    assert_eq!(urls(&judged), ["https://a.example/latest"]);
    assert_eq!(judged.downloads[0].content, known.downloads[0].content);
}

#[test]
fn a_text_that_is_for_nobody_else_or_has_a_secret_does_not_stand_in_the_lock() {
    let json = |body: &str| Exchange {
        content_type: Some("application/json".to_owned()),
        ..exchange("https://a.example/token", 200, body.as_bytes())
    };
    let private = judged(vec![Exchange { is_for_nobody_else: true, ..json("{}") }]);
    let secret = judged(vec![json("{\"token\": \"s3cret\"}")]);
    for (judged, expected) in [
        (private, "its server says that nobody else may have the answer"),
        (secret, "its answer has `token`, which looks like a secret"),
    ] {
        assert_eq!((urls(&judged), why(&judged)), (vec![], vec![("https://a.example/token", expected)]));
    }
}

#[test]
fn small_texts_stand_in_the_lock_itself() {
    let typed = |content_type: Option<&str>, body: &[u8]| {
        let content_type = content_type.map(str::to_owned);
        let row = one(Exchange { content_type, ..exchange("https://a.example/x", 200, body) });
        matches!(row.content, RecordedContent::Inline(_))
    };
    assert!(typed(Some("application/json; charset=utf-8"), b"{}"));
    assert!(typed(Some("text/css"), b"a {}"));
    assert!(typed(None, b"0123  file"));
    assert!(typed(Some("application/octet-stream"), b"0123  file"));
    assert!(!typed(Some("application/zip"), b"PK"));
    assert!(!typed(Some("text/plain"), &[0, 1]));
    assert!(!typed(Some("text/plain"), &[b'a'; 200]), "its bytes were not kept");
}

#[test]
fn a_checksum_beside_the_file_is_why_it_is_believed() {
    let digest = Digest::of(Algorithm::Sha256, &[0; 200]).to_hex();
    let trust = |url: &str, text: &str| {
        let judged = judged(vec![file("https://a.example/v1/tool.zip"), exchange(url, 200, text.as_bytes())]);
        judged.downloads.iter().find(|row| row.url.as_str().ends_with("tool.zip")).unwrap().trust
    };
    assert_eq!(trust("https://a.example/v1/tool.zip.sha256", &digest), Trust::Beside);
    assert_eq!(trust("https://a.example/v1/SUMS", &format!("{digest}  tool.zip\n")), Trust::Beside);
    assert_eq!(trust("https://a.example/v1/SUMS", &format!("{digest}  other.zip\n")), Trust::FirstUse);
    assert_eq!(trust("https://a.example/v1/SUMS", &format!("{digest}  mytool.zip\n")), Trust::FirstUse);
    assert_eq!(trust("https://a.example/v1/SUMS", &format!("{digest}\n")), Trust::FirstUse, "of which file?");
    let tagged = format!("SHA256 (tool.zip) = {}\n", digest.to_uppercase());
    assert_eq!(trust("https://a.example/v1/SUMS", &tagged), Trust::Beside);
    assert_eq!(trust("https://a.example/v2/tool.zip.sha256", &digest), Trust::FirstUse);
    assert_eq!(trust("https://b.example/v1/tool.zip.sha256", &digest), Trust::FirstUse);
    assert_eq!(trust("https://a.example/v1/tool.zip.sha256", &"0".repeat(64)), Trust::FirstUse);
}

#[test]
fn who_asked_is_known_by_the_variables_of_scripts_or_by_the_address() {
    let by = |url: &str, environment: Option<&str>| {
        let environment = environment.map(|text| text.replace(' ', "\0").into_bytes().into());
        let row = one(Exchange { environment, ..file(url) });
        row.by.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let of_package = "A=1 npm_package_name=tool npm_package_version=1.2.3 npm_lifecycle_event=postinstall";
    assert_eq!(by("https://a.example/x", Some(of_package)), "tool@1.2.3");
    let of_project = "npm_package_name=app npm_package_version=0.0.1 npm_lifecycle_event=fetch";
    assert_eq!(by("https://a.example/x", Some(of_project)), "script:fetch");
    assert_eq!(by("https://a.example/x", Some("npm_lifecycle_event=npx")), "script:npm");
    assert_eq!(by("https://a.example/x", None), "script:npm");
    let cypress = "https://download.cypress.io/desktop/13.17.0?platform=linux&arch=x64";
    assert_eq!(by(cypress, None), "cypress@13.17.0");
}

#[test]
fn an_address_says_which_platform_it_is_for() {
    let platform = |path: &str| {
        let row = one(file(&format!("https://a.example/{path}")));
        let platform = row.platform;
        let words = [platform.os.map(|os| os.to_string()), platform.cpu.map(|cpu| cpu.to_string())];
        let more = [platform.libc.map(|libc| libc.name().to_owned()), platform.abi.map(|abi| abi.to_string())];
        words.into_iter().chain(more).flatten().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(platform("tool-v1-linux-x64.zip"), "linux x64");
    assert_eq!(platform("chrome-linux64.zip"), "linux x64");
    assert_eq!(platform("desktop/13?platform=linux&arch=x64"), "linux x64");
    assert_eq!(platform("ffmpeg-linux-x86_64.gz"), "linux x64");
    assert_eq!(platform("sqlite-v12-node-v115-linuxmusl-x64.tar.gz"), "linux x64 musl 115");
    assert_eq!(platform("a-node-v115-linux-musl-x64.tar.gz"), "linux x64 musl 115");
    assert_eq!(platform("firefox-debian12-x64.zip"), "linux x64");
    assert_eq!(platform("tool-darwin-arm64.zip"), "");
    assert_eq!(platform("tool.zip"), "");
}

#[test]
fn more_exchanges_than_a_lock_has_rows_are_counted_and_not_kept() {
    let recording = Recording::default();
    for number in 0..MOST_EXCHANGES + 10 {
        recording.passed_on(exchange(&format!("https://a.example/{number}"), 404, b""));
    }
    let seen = recording.take();
    assert_eq!((seen.exchanges.len(), seen.more), (MOST_EXCHANGES, 10));
}
