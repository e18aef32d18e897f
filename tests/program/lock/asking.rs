//! How the index is asked: as little as it allows, and nothing is believed that it states otherwise.

use super::*;

fn offered(bytes: &str) -> Listed {
    let field = format!(r#""core-metadata": {{"sha256": "{}"}}"#, sha256(bytes.as_bytes()));
    Listed { has_metadata: true, is_large: true, ..plain() }.with(&field)
}

const HEAD: &str = "Metadata-Version: 2.1\nName: a\nVersion: 1.0\n\n";

#[test]
fn metadata_that_is_offered_is_all_that_is_asked_for() {
    let project = Pyodide::new(&[]);
    let path = project.publish("a", "1.0", &[], &offered(HEAD));
    project.ask(&["a"], "");
    assert_eq!(project.lock(), ["a 1.0"]);
    assert_eq!((project.requests_below("/files/"), project.world.server.count(&path)), (1, 0));
    let asked = project.world.server.requests();
    let page = asked.iter().find(|request| request.path == "/simple/a/").unwrap();
    assert!(page.header("accept").unwrap().starts_with("application/vnd.pypi.simple.v1+json, "), "{page:?}");
}

#[test]
fn metadata_that_is_not_what_the_index_states_is_an_error() {
    let project = Pyodide::new(&[]);
    project.publish("a", "1.0", &[], &offered("other bytes"));
    project.ask(&["a"], "");
    let run = project.run(&["lock"]);
    assert_eq!((run.code, project.text().as_str()), (Some(1), ""));
    let message = format!(
        "a-1.0-py3-none-any.whl.metadata: the index states {}, but the file is {}",
        larder_store::digest::Digest::of(larder_store::digest::Algorithm::Sha256, b"other bytes"),
        larder_store::digest::Digest::of(larder_store::digest::Algorithm::Sha256, HEAD.as_bytes()),
    );
    assert!(run.err.contains(&message), "{run:?}");
}

#[test]
fn metadata_that_is_not_offered_is_tried_and_then_read_out_of_pieces_of_the_wheel() {
    let project = Pyodide::new(&[]);
    let path = project.publish("a", "1.0", &["Requires-Dist: b"], &Listed { is_large: true, ..plain() });
    project.publish("b", "1.0", &[], &Listed { has_metadata: true, ..plain() });
    project.ask(&["a"], "");
    assert_eq!(project.lock(), ["a 1.0", "b 1.0"]);
    assert_eq!(project.world.server.count(&format!("{path}.metadata")), 1);
    let pieces = project.world.server.requests();
    let pieces: Vec<_> = pieces.iter().filter(|request| request.path == path).collect();
    assert_eq!((pieces.len(), pieces.iter().all(|piece| piece.status == 206)), (2, true), "{pieces:?}");
    assert!(pieces.iter().map(|piece| piece.sent).sum::<u64>() < 40_000, "{pieces:?}");
    assert_eq!(project.world.server.count("/files/b-1.0-py3-none-any.whl"), 0);
}

#[test]
fn where_pieces_are_refused_the_whole_wheel_is_read_and_checked() {
    let project = Pyodide::new(&[]);
    let listed = Listed { is_large: true, refuses_pieces: true, ..plain() };
    let path = project.publish("a", "1.0", &["Requires-Dist: b"], &listed);
    project.publish("b", "1.0", &[], &plain());
    project.ask(&["a"], "");
    assert_eq!(project.lock(), ["a 1.0", "b 1.0"]);
    assert_eq!(project.world.server.count(&path), 2);
    project.publish("c", "1.0", &[], &Listed { sha256: Some("0".repeat(64)), ..listed });
    project.ask(&["c"], "");
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("c-1.0-py3-none-any.whl: the index states sha256-AAAA"), "{run:?}");
}

#[test]
fn a_truncated_wheel_is_passed_over_for_an_older_one() {
    let project = Pyodide::new(&[]);
    project.publish("a", "1.0", &[], &plain());
    let (file, bytes) = wheel("a", "2.0", "py3-none-any", &[]);
    let cut = &bytes[..bytes.len() / 2];
    project.list("a", &file, cut, &plain());
    project.world.server.on(&format!("/files/{file}"), Reply::body(cut));
    project.ask(&["a"], "");
    let run = project.run(&["lock"]);
    assert_eq!((run.code, project.locked()), (Some(0), vec!["a 1.0".to_owned()]), "{run:?}");
    let warning = "a 2.0 is skipped: a-2.0-py3-none-any.whl: it is not a zip archive, or is not whole";
    assert!(run.err.contains(warning), "{run:?}");
}

#[test]
fn an_index_that_knows_no_json_is_read_too() {
    let project = Pyodide::new(&[]);
    let (file, bytes) = wheel("a", "1.0", "py3-none-any", &[]);
    let page = format!(r#"<html><a href="/files/{file}#sha256={}">{file}</a></html>"#, sha256(&bytes));
    project.world.server.on("/simple/a/", Reply::body(page).header("content-type", "text/html"));
    project.world.server.on(&format!("/files/{file}"), Reply::body(bytes.clone()));
    project.ask(&["a"], "");
    assert_eq!(project.lock(), ["a 1.0"]);
    let text = project.text();
    // A page says nothing of lengths, and nobody is asked for one. Two pieces of the wheel hold its metadata.
    assert!(text.contains(&format!("sha256 = \"{}\"\ndepends", sha256(&bytes))), "{text}");
    assert_eq!(project.world.server.count(&format!("/files/{file}")), 2);
}

#[test]
fn what_comes_for_a_file_without_a_digest_must_be_a_wheel() {
    let project = Pyodide::new(&[]);
    let (file, bytes) = wheel("a", "1.0", "py3-none-any", &[]);
    let page = format!(r#"<a href="/files/{file}" data-core-metadata="true">{file}</a>"#);
    project.world.server.on("/simple/a/", Reply::body(page).header("content-type", "text/html"));
    let metadata = "Metadata-Version: 2.1\nName: a\nVersion: 1.0\n";
    project.world.server.on(&format!("/files/{file}.metadata"), Reply::body(metadata));
    project.ask(&["a"], "");
    for wrong in [&b"<html>Sign in</html>"[..], &bytes[..bytes.len() / 2]] {
        project.world.server.on(&format!("/files/{file}"), Reply::body(wrong));
        let run = project.world.run(&["lock"]);
        assert!(run.code == Some(1) && run.err.contains("it is not a zip archive, or is not whole"), "{run:?}");
        assert!(!project.world.project().join("larder.lock").exists());
    }
    project.world.server.on(&format!("/files/{file}"), Reply::body(bytes));
    assert_eq!(project.lock(), ["a 1.0"]);
}

#[test]
fn a_file_without_a_digest_is_fetched_whole_for_it() {
    let project = Pyodide::new(&[]);
    let (file, bytes) = wheel("a", "1.0", "py3-none-any", &[]);
    let page = format!(r#"<a href="/files/{file}">{file}</a>"#);
    project.world.server.on("/simple/a/", Reply::body(page).header("content-type", "text/html"));
    project.world.server.on(&format!("/files/{file}"), Reply::body(bytes.clone()));
    project.ask(&["a"], "");
    assert_eq!(project.lock(), ["a 1.0"]);
    assert!(project.text().contains(&format!("sha256 = \"{}\"\nsize = {}\n", sha256(&bytes), bytes.len())));
}

#[test]
fn an_index_that_does_not_answer_is_the_networks_fault() {
    let project = Pyodide::new(&[]);
    project.world.server.on("/simple/a/", Reply::status(503));
    project.ask(&["a"], "");
    let run = project.run(&["lock"]);
    assert_eq!((run.code, project.text().as_str()), (Some(3), ""), "{run:?}");
    assert!(run.err.contains("cannot download the index's list of a"), "{run:?}");
    project.world.server.on("/simple/a/", Reply::body("PK").header("content-type", "application/zip"));
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("its type is `application/zip`"), "{run:?}");
}

#[test]
fn credentials_of_npmrc_reach_the_index_and_not_the_lock() {
    let project = Pyodide::new(&[]);
    project.publish("a", "1.0", &[], &plain());
    let host = project.world.server.url("/simple/");
    let host = host.trim_start_matches("http:");
    project.world.write(".npmrc", &format!("{host}:_authToken=s3cret\n"));
    project.ask(&["a"], "");
    assert_eq!(project.lock(), ["a 1.0"]);
    let asked = project.world.server.requests();
    let header = |path: &str| {
        let request = asked.iter().find(|request| request.path == path).unwrap();
        request.header("authorization").map(str::to_owned)
    };
    assert_eq!(header("/simple/a/").as_deref(), Some("Bearer s3cret"));
    assert_eq!(header("/files/a-1.0-py3-none-any.whl"), None);
    assert!(!project.text().contains("s3cret"));
}
