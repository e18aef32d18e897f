//! Rows of `larder.lock` that contradict their files or the lockfiles, and rows that are not wanted.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
};

use crate::{
    recorded::{Recorded, row, rows},
    support::{Package, World},
};

/// A row of the file at `/any`, with what its keys are besides the address.
fn of_any(by: &str, size: usize) -> String {
    let row = row("/any?version=1", b"for any", "");
    row.replace("by = [\"tool@1.0.0\"]", &format!("by = [{by}]")).replace("size = 7\n", &format!("size = {size}\n"))
}

fn lock(rows: &[String]) -> String {
    format!("version = 2\n{}", rows.concat())
}

#[test]
fn a_size_that_is_not_the_files_is_named_with_file_and_entry() {
    let project = Recorded::new();
    project.world.write("larder.lock", &lock(&[of_any("\"tool@1.0.0\"", 8)]));
    let run = project.fetch(&[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.contains("2 artifacts = 0 already here + 1 fetched + 1 failed"), "{}", run.out);
    let run = project.fetch(&["--offline"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.contains("2 artifacts = 1 already here + 0 fetched + 1 failed"), "{}", run.out);
    insta::assert_snapshot!(project.world.plain(&run.err), @r#"
    error: tool 1.0.0: size does not match larder.lock
      caused by: 8 bytes are stated, and the file with the stated digest has 7
      wanted by larder.lock: https://registry.example/any?version=1

    hint: the entry contradicts itself, so somebody or something changed it: put its `size` right, or bring back the last larder.lock that was committed
    "#);
    let run = project.run(&["run", "--offline", "--", "true"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("8 bytes are stated"), "{run:?}");
}

#[test]
fn a_file_for_omitted_packages_is_left_out() {
    let world = World::new(&[Package::new("tool", "tool").with("dev", "true")]);
    let project = Recorded::of(world);
    project.world.write("larder.lock", &lock(&[of_any("\"tool@1.0.0\"", 7)]));
    let run = project.fetch(&["--omit", "dev"]);
    assert_eq!((run.code, project.world.server.requests().len()), (Some(0), 0), "{run:?}");
    assert!(run.out.contains("left out: 2 of omitted groups"), "{}", run.out);
    project.world.write("larder.lock", &lock(&[of_any("\"script:fetch\", \"tool@1.0.0\"", 7)]));
    let run = project.fetch(&["--omit", "dev"]);
    assert_eq!((run.code, project.world.server.count("/any")), (Some(0), 1), "{run:?}");
}

#[test]
fn a_row_whose_package_went_is_told_and_not_fetched() {
    let project = Recorded::new();
    project.world.write("larder.lock", &lock(&[of_any("\"gone@1.0.0\", \"tool@0.9.0\"", 7)]));
    let run = project.fetch(&[]);
    assert_eq!((run.code, project.world.server.count("/any")), (Some(0), 0), "{run:?}");
    let run = project.fetch(&["--offline"]);
    assert_eq!(run.code, Some(0), "nothing is missing: {run:?}");
    insta::assert_snapshot!(project.world.plain(&run.err), @r#"
    warning: larder.lock: https://registry.example/any?version=1: unused, since no lockfile has any of gone@1.0.0, tool@0.9.0, for which it was recorded

    hint: what nobody asks for is neither fetched nor served: take such a [[download]] or [[absent]] out of larder.lock, or, if another package asks for it now, name that one in its `by`
    "#);
    assert!(
        run.out.starts_with("3 entries in package-lock.json and larder.lock = 1 artifact + 1 project + 1 unused row"),
        "{}",
        run.out
    );
}

#[test]
fn a_check_of_the_lock_names_rows_that_contradict_the_lockfiles_or_the_store() {
    let project = Recorded::new();
    assert_eq!(project.fetch(&[]).code, Some(0));
    let check = || project.run(&["lock", "--check"]);
    assert!(!check().err.contains("does not hold"), "{:?}", check());
    let text = rows().replacen("size = 30000", "size = 30001", 1).replacen(
        "by = [\"tool@1.0.0\"]",
        "by = [\"tool@2.0.0\"]",
        3,
    );
    project.world.write("larder.lock", &text);
    let run = check();
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("larder.lock: what was recorded does not hold:\n"), "{run:?}");
    for said in ["v1/tool-x64.zip: `by` names tool@2.0.0, which no lockfile has", "v1/tool-arm64.zip: `by` names"] {
        assert!(run.err.contains(said), "{said}\n{}", run.err);
    }
    project.world.write("larder.lock", &rows().replacen("size = 30000", "size = 30001", 1));
    let said =
        "https://registry.example/v1/tool-x64.zip: `size` is 30001, and the file with that sha256 has 30000 bytes";
    assert!(check().err.contains(said), "{:?}", check());
    fs::remove_dir_all(project.world.store()).unwrap();
    assert!(!check().err.contains("`size`"), "nobody knows");
}

#[test]
fn offline_a_used_row_is_served_and_an_unused_one_refused_with_the_packages_that_it_was_for() {
    let url = "https://registry.example/any?version=1";
    let curl = |project: &Recorded| project.run(&["run", "--offline", "--allow-refused", "--", "curl", "-sS", url]);
    if std::process::Command::new("curl").arg("--version").output().is_err() {
        return;
    }
    let project = Recorded::new();
    project.world.write("larder.lock", &lock(&[of_any("\"tool@1.0.0\"", 7)]));
    assert_eq!(project.fetch(&[]).code, Some(0));
    assert_eq!(curl(&project).out, "for any");
    let other = url.replace("version=1", "version=2");
    let run = project.run(&["run", "--offline", "--", "curl", "-fsS", &other]);
    let why = "larder.lock has it with `?version=1`, and the command asks with another query";
    assert_eq!(run.code, Some(22), "the command's own: {run:?}");
    assert!(run.err.contains(&format!("warning: refused https://registry.example/any: {why}\n")), "{run:?}");
    assert!(
        run.err.contains("`larder record` records what a command downloads"),
        "the way out, whatever the code: {run:?}"
    );
    // Silent, and as bad: what is refused stands in the error then.
    let quietly = format!("curl -sS '{other}' >/dev/null");
    let run = project.run(&["--quiet", "run", "--offline", "--", "sh", "-c", &quietly]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains(&format!("\n  refused https://registry.example/any: {why}\n")), "{run:?}");
    // A head promises what the receipt says; the bytes are looked at when they are asked for. The proxy's own head comes first.
    let blob = larder_store::digest::BlobId::of(b"for any").to_string();
    let path = project.world.store().join("blobs").join(&blob[..2]).join(&blob[2..]);
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let damaging = format!("printf damaged > '{}'; curl -sS --head '{url}'; curl -sS '{url}'", path.display());
    let run = project.run(&["run", "--offline", "--allow-refused", "--", "sh", "-c", &damaging]);
    let (head, body) = run.out.rsplit_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 ") && head.to_lowercase().contains("\ncontent-length: 7"), "{head}");
    assert!(body.starts_with("larder: ") && body != "damaged", "{body}");
    project.world.write("larder.lock", &lock(&[of_any("\"tool@0.9.0\"", 7)]));
    let run = curl(&project);
    let why = "larder.lock has it for tool@0.9.0 alone, which no lockfile has";
    assert_eq!(run.out, format!("larder: {why}\n"));
    assert!(run.err.contains(&format!("warning: refused https://registry.example/any: {why}\n")), "{run:?}");
}
