//! One `larder.lock` for several people: on other machines, at another time, with a mirror and without.

use larder::core::endpoints;

use super::*;

#[test]
fn the_same_inputs_give_the_same_lock_a_month_and_a_machine_apart() {
    let project = Pyodide::new(&[NUMPY]);
    let at = |time: &str| plain().with(&format!(r#""upload-time": "{time}""#));
    project.publish("a", "1.0", &["Requires-Dist: b"], &at("2026-01-30T10:00:00.000000Z"));
    project.publish("b", "1.0", &["Requires-Dist: numpy"], &at("2026-01-30T23:59:59.999999Z"));
    project.ask(&["a"], "exclude-newer = \"2026-01-31\"");
    assert_eq!(project.lock(), ["a 1.0", "b 1.0", "numpy 2.2.5*"]);
    let first = project.text();
    project.publish("a", "2.0", &[], &at("2026-01-31T00:00:00Z"));
    project.publish("b", "1.1", &[], &at("2026-02-28T10:00:00Z"));
    std::fs::remove_file(project.world.project().join("larder.lock")).unwrap();
    let mut command = project.world.command(&["lock"]);
    command.env("LARDER_STORE", project.world.folder.path().join("another-store"));
    let run = finish(command);
    assert_eq!((run.code, project.text() == first), (Some(0), true), "{run:?}");
}

/// `a` and `b`, as the public index lists them: on its file host.
fn publish_on_public_host(project: &Pyodide) {
    for (name, lines) in [("a", &["Requires-Dist: b"][..]), ("b", &[])] {
        let (file, bytes) = wheel(name, "1.0", "py3-none-any", lines);
        let url = format!("{}packages/{name}/{file}", endpoints::PYTHON_FILES);
        project.list(name, &file, &bytes, &Listed { url: Some(url), ..plain() });
        project.world.server.on(&format!("/mirror/packages/{name}/{file}"), Reply::body(bytes));
    }
}

#[test]
fn files_of_the_public_host_are_locked_by_their_path_and_come_from_a_mirror_of_it() {
    let project = Pyodide::new(&[]);
    publish_on_public_host(&project);
    let mirror = project.world.server.url("/mirror/");
    project.ask(&["a"], &format!("files = {mirror:?}"));
    assert_eq!(project.lock(), ["a 1.0", "b 1.0"]);
    let text = project.text();
    assert!(text.contains("\npath = \"packages/a/a-1.0-py3-none-any.whl\"\n"), "{text}");
    assert!(!text.contains(&mirror) && !text.contains(endpoints::PYTHON_FILES), "{text}");
    project.world.server.forget();
    let run = project.run(&["fetch"]);
    assert_eq!((run.code, project.requests_below("/mirror/packages/")), (Some(0), 2), "{run:?}");
    let plan: serde_json::Value = serde_json::from_str(&project.run(&["plan", "--json"]).out).unwrap();
    assert_eq!(plan["artifacts"][1]["address"], "packages/a/a-1.0-py3-none-any.whl");
}

#[test]
fn a_mirror_that_lists_its_own_addresses_gives_the_same_lock_and_plan() {
    let project = Pyodide::new(&[]);
    publish_on_public_host(&project);
    project.ask(&["a"], &format!("files = {:?}", project.world.server.url("/mirror/")));
    project.lock();
    let (first, digest) = (project.text(), project.run(&["plan", "--digest"]).out);

    let other = Pyodide::new(&[]);
    for (name, lines) in [("a", &["Requires-Dist: b"][..]), ("b", &[])] {
        let (file, bytes) = wheel(name, "1.0", "py3-none-any", lines);
        let url = format!("../../cache/python/packages/{name}/{file}");
        other.list(name, &file, &bytes, &Listed { url: Some(url), ..plain() });
        other.world.server.on(&format!("/cache/python/packages/{name}/{file}"), Reply::body(bytes));
    }
    other.ask(&["a"], &format!("files = {:?}", other.world.server.url("/cache/python")));
    other.lock();
    assert_eq!((other.text(), other.run(&["plan", "--digest"]).out), (first, digest));
    // Without `files`, they are on another host than the public one.
    other.ask(&["a"], "");
    other.lock();
    assert!(
        other.text().contains(&format!(
            "url = {:?}",
            other.world.server.url("/cache/python/packages/b/b-1.0-py3-none-any.whl")
        ))
    );
}

#[test]
fn a_lock_does_not_depend_on_who_could_be_reached() {
    let project = Pyodide::new(&[NUMPY]);
    project.ask(&["numpy"], "");
    project.lock();
    let first = project.text();
    project.ask(&["numpy"], "sources = [\"nowhere\"]");
    std::fs::remove_file(project.world.project().join("larder.lock")).unwrap();
    project.lock();
    assert_eq!(project.text(), first);
    assert!(!first.contains("\nsize = "), "the distribution's lock states no lengths: {first}");
}
