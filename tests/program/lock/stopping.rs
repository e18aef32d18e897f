//! Ctrl-C: what is left as it was, and what is said of it.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::*;

/// Starts the program, sends it the interrupt signal once it asks for a path, and gives its exit code and what it said.
fn stopped(project: &Pyodide, arguments: &[&str], path: &str) -> (Option<i32>, String) {
    project.world.server.forget();
    let mut command = project.world.command(arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    project.world.server.wait_until(|requests| requests.iter().any(|request| request.path == path));
    let asked = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn late(reply: Reply) -> Reply {
    reply.delayed(Duration::from_secs(30))
}

#[test]
fn a_lock_that_is_stopped_leaves_the_old_one() {
    let project = Pyodide::new(&[NUMPY]);
    project.ask(&["numpy"], "");
    project.lock();
    let before = project.text();
    project.world.server.on("/simple/a/", late(Reply::status(404)));
    project.ask(&["numpy", "a"], "");
    let (code, said) = stopped(&project, &["lock"], "/simple/a/");
    assert_eq!((code, project.text() == before), (Some(130), true), "{said}");
    assert_eq!(said, "stopped; larder.lock is as it was\n");
    // The first of all commands fetches the runtime before it asks: from then on the signal has no effect of its own.
    let fresh = Pyodide::new(&[]);
    fresh.world.server.on("/simple/a/", late(Reply::status(404)));
    fresh.ask(&["a"], "");
    let (code, said) = stopped(&fresh, &["lock"], "/simple/a/");
    assert_eq!((code, fresh.text().as_str()), (Some(130), ""), "{said}");
}

#[test]
fn a_run_and_a_view_that_are_stopped_say_what_the_next_one_finds() {
    let project = Pyodide::new(&[NUMPY]);
    project.ask(&["numpy"], "");
    project.lock();
    let path = format!("/dist/{}", distributed("numpy", "2.2.5").0);
    project.world.server.on(&path, late(Reply::status(404)));
    let (code, said) = stopped(&project, &["view", "pyodide", "out"], &path);
    assert_eq!(code, Some(130), "{said}");
    assert!(
        said.ends_with(
            "stopped; the folder is as it was, what has arrived is kept, and the next view goes on from there\n"
        ),
        "{said}"
    );
    assert!(!project.world.project().join("out").exists());
    let (code, said) = stopped(&project, &["run", "--", "true"], &path);
    assert_eq!(code, Some(130), "{said}");
    assert!(
        said.ends_with(
            "stopped before the command started; what has arrived is kept, and the next run goes on from there\n"
        ),
        "{said}"
    );
}

#[test]
fn a_lock_that_takes_long_says_what_it_waits_for_and_a_quiet_one_does_not() {
    let project = Pyodide::new(&[NUMPY]);
    project.publish("a", "1.0", &["Requires-Dist: b"], &plain());
    project.world.server.on("/simple/b/", Reply::status(404).delayed(Duration::from_secs(6)));
    project.ask(&["numpy"], "");
    project.lock();
    project.ask(&["a"], "");
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let line = run.err.lines().find(|line| line.starts_with("choosing: "));
    assert!(line.is_some_and(|line| line.contains(" answers, ") && line.contains("; waiting for b in ")), "{run:?}");
    let quiet = project.run(&["lock", "--quiet"]);
    assert!(!quiet.err.contains("choosing"), "{quiet:?}");
}
