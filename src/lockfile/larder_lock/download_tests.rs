//! Downloads and absences: what is written is read again; what may not stand there is named, with its row.

use larder_store::digest::{Algorithm, Digest, Integrity};

use super::{tests::lock, *};
use crate::{
    core::{
        artifact::{Ecosystem, Source},
        recorded_url::RecordedUrl,
    },
    lockfile::{Entry, EntryKind, RecordedAnswer, UNSTATED_VERSION},
    plan::Plan,
};

fn url(text: &str) -> RecordedUrl {
    RecordedUrl::parse(text).unwrap()
}

fn by(texts: &[&str]) -> Vec<Requester> {
    texts.iter().map(|text| Requester::parse(text).unwrap()).collect()
}

fn stored(address: &str, bytes: &str, requesters: &[&str]) -> RecordedDownload {
    let sha256 = Digest::of(Algorithm::Sha256, bytes.as_bytes());
    RecordedDownload {
        url: url(address),
        content: RecordedContent::Stored { sha256, size: bytes.len() as u64 },
        content_type: None,
        platform: RecordedPlatform::default(),
        by: by(requesters),
        trust: Trust::FirstUse,
    }
}

fn inline(address: &str, bytes: &[u8]) -> RecordedDownload {
    let body = InlineBody::new(bytes).unwrap();
    let content = RecordedContent::Inline(body);
    RecordedDownload { content, trust: Trust::Beside, ..stored(address, "", &["script:fetch tools"]) }
}

fn rows() -> LarderLock {
    let (os, cpu) = (PlatformWord::os("linux").ok(), PlatformWord::cpu("x64").ok());
    let mut native = stored("https://files.example/v1/a-linux-x64.zip", "native", &["@scope/b@2.0.0", "a@1.0.0"]);
    native.content_type = Some(MediaType::parse("application/zip").unwrap());
    native.platform = RecordedPlatform { os, cpu, libc: Some(RecordedLibc::Musl), abi: Some(115) };
    native.trust = Trust::Package;
    let absent = |path: &str, status| RecordedAbsence {
        url: url(&format!("https://files.example/{path}")),
        status,
        by: by(&["a@1.0.0"]),
    };
    LarderLock {
        pyodide: None,
        downloads: vec![
            stored("https://files.example/desktop/13?arch=x64&platform=linux", "app", &["a@1.0.0"]),
            inline("https://files.example/index.json", b"{\"a\": \"\\\\\"}\r\n\t\x7f\0\xc3\xa4"),
            inline("https://files.example/raw", b"\xff\xfe"),
            native,
        ],
        absent: vec![absent("v1/a.sha256", AbsentStatus::NotFound), absent("v1/b.sha256", AbsentStatus::Gone)],
    }
}

fn parse(text: &str) -> Result<LarderLock, LockFileError> {
    LarderLock::parse(LARDER_LOCK, text.as_bytes())
}

#[test]
fn the_text_is_made_for_review() {
    insta::assert_snapshot!(rows().to_text(), @r##"
    # Written by larder. Commit it. Pyodide's part follows larder.toml (`larder lock`); a [[download]] or [[absent]] is what was recorded.
    version = 2

    [[download]]
    url = "https://files.example/desktop/13?arch=x64&platform=linux"
    sha256 = "a172cedcae47474b615c54d510a5d84a8dea3032e958587430b413538be3f333"
    size = 3
    by = ["a@1.0.0"]
    trust = "first-use"

    [[download]]
    url = "https://files.example/index.json"
    sha256 = "6fb578e947f1eaf5d3556e86a2de28af3199a255b56032a8b335c0537bc28830"
    size = 18
    by = ["script:fetch tools"]
    trust = "beside"
    body = "{\"a\": \"\\\\\"}\r\n\t\u007F\u0000ä"

    [[download]]
    url = "https://files.example/raw"
    sha256 = "b3d510ef04275ca8e698e5b3cbb0ece3949ef9252f0cdc839e9ee347409a2209"
    size = 2
    by = ["script:fetch tools"]
    trust = "beside"
    body_base64 = "//4="

    [[download]]
    url = "https://files.example/v1/a-linux-x64.zip"
    sha256 = "bef32d2c315a289576f2a6828d27edb16bb316a4d85c271f2d794045f3ea668d"
    size = 6
    content_type = "application/zip"
    os = "linux"
    cpu = "x64"
    libc = "musl"
    abi = 115
    by = [
        "@scope/b@2.0.0",
        "a@1.0.0",
    ]
    trust = "package"

    [[absent]]
    url = "https://files.example/v1/a.sha256"
    status = 404
    by = ["a@1.0.0"]

    [[absent]]
    url = "https://files.example/v1/b.sha256"
    status = 410
    by = ["a@1.0.0"]
    "##);
    assert_eq!(parse(&rows().to_text()), Ok(rows()));
}

#[test]
fn downloads_stand_behind_pyodide_which_stays_as_it_was() {
    let both = LarderLock { pyodide: lock().pyodide, ..rows() };
    let text = both.to_text();
    assert_eq!(parse(&text), Ok(both));
    let after_head = |text: &str| text.split_once("version = ").unwrap().1[2..].to_owned();
    let (alone, rows) = (after_head(&lock().to_text()), rows().to_text());
    let (_, rows) = rows.split_once("version = 2\n").unwrap();
    assert_eq!(after_head(&text), format!("{alone}{rows}"));
}

#[test]
fn any_order_is_written_and_read_as_one() {
    let mut turned = rows();
    turned.downloads.reverse();
    turned.absent.reverse();
    assert_eq!(turned.to_text(), rows().to_text());
    let text = rows().to_text();
    let (head, rest) = text.split_once("\n[[").unwrap();
    let mut tables: Vec<&str> = rest.split("\n[[").collect();
    tables.reverse();
    let turned = format!("{head}\n[[{}", tables.join("\n[["));
    let swapped =
        turned.replacen("\"@scope/b@2.0.0\",\n    \"a@1.0.0\",", "\"a@1.0.0\", \"@scope/b@2.0.0\", \"a@1.0.0\"", 1);
    assert!(swapped.contains("\"a@1.0.0\", \"@scope"), "{swapped}");
    assert_eq!(parse(&swapped), Ok(rows()));
}

#[test]
fn an_older_larder_is_told_by_the_version_and_a_newer_one_is_told_of() {
    assert!(lock().to_text().contains("\nversion = 1\n"));
    assert!(rows().to_text().contains("\nversion = 2\n"));
    let absent = LarderLock { absent: rows().absent, ..LarderLock::default() };
    assert!(absent.to_text().contains("\nversion = 2\n"));
    let of_pyodide = lock().to_text().replace("version = 1\n", "version = 2\n");
    assert_eq!(parse(&of_pyodide), Ok(lock()));
    let error = parse(&rows().to_text().replace("version = 2\n", "version = 1\n")).unwrap_err();
    assert_eq!(error.to_string(), "larder.lock has [[download]] or [[absent]], which need `version = 2`");
}

#[test]
fn a_file_without_any_part_is_refused() {
    for text in ["version = 1\n", "version = 2\n", "version = 2\ndownload = []\n", "version = 1\nlater = 1\n"] {
        let error = parse(text).unwrap_err();
        assert_eq!(
            error.to_string(),
            "larder.lock names nothing: it has no [runtime], no [[download]] and no [[absent]]",
            "{text}"
        );
    }
}

#[test]
fn what_may_not_stand_in_a_row_is_named_with_the_row() {
    let text = rows().to_text();
    let cases: [(&str, &str, &str); 31] = [
        ("https://files.example/v1/a-", "http://files.example/v1/a-", "`url` is no address that begins with https:"),
        (
            "https://files.example/v1/a-",
            "https://me:s3cret@files.example/v1/a-",
            "`url` is an address with a user name or a password",
        ),
        ("x64.zip\"", "x64.zip#s3cret\"", "`url` is an address with a fragment"),
        ("x64.zip\"", "x64.zip?v=1&X-Amz-Signature=s3cret\"", "`url` is an address whose query has `X-Amz-Signature`"),
        ("x64.zip\"", "x64.zip?sig=s3cret\"", "`url` is an address whose query has `sig`"),
        ("x64.zip\"", "x64.zip?Key-Pair-Id=s3cret\"", "`url` is an address whose query has `Key-Pair-Id`"),
        ("files.example/v1/a-", "localhost:1/v1/a-", "`url` is an address on `localhost`, which is no public host"),
        ("files.example/v1/a-", "nas.local/v1/a-", "`url` is an address on `nas.local`"),
        ("files.example/v1/a-", "127.0.0.1/v1/a-", "`url` is an address of a machine by its number"),
        ("files.example/v1/a-", "[fe80::1]/v1/a-", "`url` is an address of a machine by its number"),
        ("files.example/v1/a-", "169.254.169.254/v1/a-", "`url` is an address of a machine by its number"),
        ("https://files.example/v1/a-", "a-", "download 4 (no address): `url` is no address"),
        ("sha256 = \"bef", "sha256 = \"xef", "`sha256` is no digest: `xef"),
        ("size = 6", "size = -6", "larder.lock:"),
        ("application/zip", "application/zip; charset=utf-8", "`content_type` is no plain media type"),
        ("application/zip", "Application/Zip", "`content_type` is no plain media type"),
        ("os = \"linux\"", "os = \"macos\"", "`os` is none of node's names of a system"),
        ("os = \"linux\"", "os = \"darwin\"", "`libc` is there beside another `os` than linux"),
        ("cpu = \"x64\"", "cpu = \"amd64\"", "`cpu` is none of node's names of a processor"),
        ("libc = \"musl\"", "libc = \"bionic\"", "`libc` is neither \"glibc\" nor \"musl\""),
        ("abi = 115", "abi = \"115\"", "larder.lock:"),
        ("\"@scope/b@2.0.0\",\n    \"a@1.0.0\",", "", "`by` is a list of 0, and should name 1 to 100"),
        ("\"@scope/b@2.0.0\"", "\"@scope/b\"", "`by` is neither a package's name@version nor script:NAME"),
        ("\"@scope/b@2.0.0\"", "\"script:\"", "`by` is a script's name that is empty"),
        ("\"@scope/b@2.0.0\"", "\"a b@2.0.0\"", "`by` is a character that no package name has"),
        ("trust = \"package\"", "trust = \"mine\"", "`trust` is neither \"package\", \"beside\" nor \"first-use\""),
        ("trust = \"package\"", "trust = \"package\"\nbody = \"native\"\nbody_base64 = \"\"", "`body` is there beside"),
        ("trust = \"package\"", "trust = \"package\"\nbody = \"nativ\"", "`size` is 6, and `body` has 5 bytes"),
        ("trust = \"package\"", "trust = \"package\"\nbody = \"naTive\"", "`sha256` is not that of `body`, which is "),
        ("trust = \"package\"", "trust = \"package\"\nbody_base64 = \"?\"", "`body_base64` is no base64"),
        ("https://files.example/v1/a-linux-x64.zip", "https://files.example/raw", "another row has the same address"),
    ];
    let (before, rest) = text.split_at(text.find("[[download]]\nurl = \"https://files.example/v1/").unwrap());
    for (from, to, expected) in cases {
        assert!(rest.contains(from), "{from}");
        let message = parse(&format!("{before}{}", rest.replacen(from, to, 1))).unwrap_err().to_string();
        assert!(message.starts_with("larder.lock:") && message.contains(expected), "{from:?}: {message}");
        assert!(!message.contains("s3cret"), "{message}");
        // What is of another type in TOML is named by its line.
        let is_of_row = message.starts_with("larder.lock: download 4 (");
        assert_eq!(is_of_row, expected != "larder.lock:", "{message}");
    }
    assert!(parse(&text.replace("abi = 115", "abi = 65536")).is_err());
    let message = parse(&text.replace("x64.zip\"", "x64.zip\"\nlater = 1").replace("abi = 115", "abi = 115\nby2 = 3"));
    assert_eq!(message, Ok(rows()), "a later larder may add keys");
    let message = parse(&text.replace("os = \"linux\"", "os = \"\"")).unwrap_err().to_string();
    let expected = "larder.lock: download 4 (https://files.example/v1/a-linux-x64.zip): `os` is none of node's names of a system, such as linux, darwin or win32";
    assert_eq!(message, expected);
}

#[test]
fn what_may_not_stand_in_an_absence_is_named_with_the_row() {
    let text = rows().to_text();
    let cases = [
        (
            "status = 404",
            "status = 403",
            "absent 1 (https://files.example/v1/a.sha256): `status` is neither 404 nor 410",
        ),
        (
            "v1/b.sha256",
            "v1/a.sha256",
            "absent 2 (https://files.example/v1/a.sha256): another row has the same address",
        ),
        ("v1/a.sha256", "raw", "absent 1 (https://files.example/raw): another row has the same address"),
        ("https://files.example/v1/b", "https://10.0.0.1/v1/b", "absent 2 (https://10.0.0.1/v1/b.sha256): `url` is"),
    ];
    for (from, to, expected) in cases {
        let message = parse(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(message.contains(expected), "{from:?}: {message}");
    }
}

#[test]
fn a_file_is_bounded() {
    let row = |number: usize| {
        format!("[[absent]]\nurl = \"https://a.example/{number}\"\nstatus = 404\nby = [\"script:a\"]\n")
    };
    let rows = |count: usize| format!("version = 2\n{}", (0..count).map(row).collect::<String>());
    assert_eq!(parse(&rows(MOST_ROWS)).unwrap().absent.len(), MOST_ROWS);
    let message = parse(&rows(MOST_ROWS + 1)).unwrap_err().to_string();
    assert_eq!(message, "larder.lock has 10001 [[download]] and [[absent]], and may have 10000");
    let many: Vec<String> = (0..101).map(|number| format!("\"script:{number}\"")).collect();
    let message = parse(&rows(1).replace("\"script:a\"", &many.join(","))).unwrap_err().to_string();
    assert!(message.contains("`by` is a list of 101"), "{message}");
    assert!(InlineBody::new(vec![0; LONGEST_INLINE]).is_some());
    assert_eq!(InlineBody::new(vec![0; LONGEST_INLINE + 1]), None);
    let long = "a".repeat(LONGEST_INLINE + 1);
    let text = LarderLock { downloads: vec![inline("https://a.example/a", b"a")], ..LarderLock::default() }.to_text();
    let message = parse(&text.replace("body = \"a\"", &format!("body = \"{long}\""))).unwrap_err().to_string();
    assert!(message.contains("`body` is longer than 65536 bytes: such an answer is a file"), "{message}");
}

#[test]
fn each_row_is_an_entry_and_those_with_a_file_are_artifacts() {
    let mut lock = rows();
    lock.downloads.push(stored("https://files.example/tools/tool-1.2.tar.gz", "tool", &["script:fetch"]));
    lock.downloads.push(stored("https://files.example/with%20space", "space", &["script:fetch"]));
    let reading = entries(LARDER_LOCK, &lock);
    let answer = |entry: &Entry| match &entry.kind {
        EntryKind::Recorded(recorded) => recorded.answer.clone(),
        other => panic!("{other:?}"),
    };
    let called = |entry: &Entry| match answer(entry) {
        RecordedAnswer::File(artifact) => {
            assert_eq!(artifact.ecosystem, Ecosystem::Download);
            assert_eq!(artifact.source, Source::Recorded { url: url(&entry.path) });
            artifact.to_string()
        }
        RecordedAnswer::Inline(_) => "inline".to_owned(),
        RecordedAnswer::Absent(_) => "absent".to_owned(),
    };
    let names: Vec<String> = reading.entries.iter().map(called).collect();
    let unstated = |name: &str| format!("{name} {UNSTATED_VERSION}");
    let expected = [
        "a 1.0.0",
        "inline",
        "inline",
        "@scope/b 2.0.0",
        &unstated("tool-1.2.tar.gz"),
        &unstated("files.example"),
        "absent",
        "absent",
    ];
    assert_eq!(names, expected);
    let RecordedAnswer::File(native) = answer(&reading.entries[3]) else { panic!("{reading:?}") };
    assert_eq!(native.size, Some(6));
    assert_eq!(native.integrity, Some(Integrity::from(Digest::of(Algorithm::Sha256, b"native"))));
    let conditions = &native.conditions;
    let words = [&conditions.os, &conditions.cpu, &conditions.libc].map(|list| list.join(","));
    assert_eq!((words, conditions.optional), (["linux", "x64", "musl"].map(str::to_owned), false));
    let plan = Plan::new(&[reading]).unwrap();
    let sum = plan.sum();
    assert_eq!((sum.entries, sum.artifacts, sum.inline, sum.absent), (8, 4, 2, 2));
}

#[test]
fn the_digest_of_a_plan_follows_the_files_and_their_addresses() {
    let digest = |lock: &LarderLock| Plan::new(&[entries(LARDER_LOCK, lock)]).unwrap().digest();
    let (first, mut other) = (digest(&rows()), rows());
    other.downloads[0].content = RecordedContent::Stored { sha256: Digest::of(Algorithm::Sha256, b"x"), size: 1 };
    assert_ne!(digest(&other), first);
    let mut other = rows();
    other.downloads[0].url = url("https://files.example/desktop/13?arch=arm64&platform=linux");
    assert_ne!(digest(&other), first);
}

#[test]
fn the_digest_of_a_plan_follows_answers_that_are_in_the_lock_itself() {
    let digest = |lock: &LarderLock| Plan::new(&[entries(LARDER_LOCK, lock)]).unwrap().digest();
    let mut all = vec![rows()];
    let mut other = |change: &dyn Fn(&mut LarderLock)| {
        all.push(rows());
        change(all.last_mut().unwrap());
    };
    let is_inline = |row: &&mut RecordedDownload| matches!(row.content, RecordedContent::Inline(_));
    let is_stored = |row: &&mut RecordedDownload| matches!(row.content, RecordedContent::Stored { .. });
    other(&|lock| drop(lock.absent.pop()));
    other(&|lock| lock.absent[0].status = AbsentStatus::Gone);
    other(&|lock| lock.downloads.retain(|row| !matches!(row.content, RecordedContent::Inline(_))));
    other(&|lock| {
        let row = lock.downloads.iter_mut().find(is_inline).unwrap();
        row.content = RecordedContent::Inline(InlineBody::new(*b"another").unwrap());
    });
    for row in [&is_inline as &dyn Fn(&&mut RecordedDownload) -> bool, &is_stored] {
        other(&|lock| {
            let row = lock.downloads.iter_mut().find(|it| row(it)).unwrap();
            row.content_type = Some(MediaType::parse("application/x-other").unwrap());
        });
    }
    let digests: std::collections::BTreeSet<_> = all.iter().map(digest).collect();
    assert_eq!(digests.len(), all.len());
}
