//! Concurrency: several larder processes on one store at once.

use std::process::{Child, Command, Stdio};

use larder_test_server::Reply;

use crate::support::{World, can_unshare, may_unshare, packages};

fn finish_all(children: Vec<Child>) {
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

fn spawn(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn slow_world() -> (World, Vec<crate::support::Package>) {
    let some = packages(120);
    let world = World::new(&some);
    for package in &some {
        let body = Reply::body(package.bytes.clone()).delayed(std::time::Duration::from_millis(5));
        world.server.on(&package.path(), body);
    }
    (world, some)
}

#[test]
fn four_processes_in_two_pid_namespaces_request_each_file_once() {
    let own = ["--user", "--map-root-user", "--pid", "--fork"];
    let as_root = ["--pid", "--fork"];
    let name = "four_processes_in_two_pid_namespaces";
    let unshare: &[&str] = if may_unshare(&as_root) { &as_root } else { &own };
    let (world, some) = slow_world();
    let mut children: Vec<Child> = (0..2).map(|_| spawn(world.command(&["fetch", "--jobs", "6"]))).collect();
    if can_unshare(unshare, name) {
        // Both of one namespace, where they have the PIDs 2 and 3, or nearly.
        let both =
            format!("'{0}' fetch --jobs 6 & '{0}' fetch --jobs 6 && wait $!", crate::support::program().display());
        let mut command = world.command_through(&["true"], &[]);
        let environment: Vec<_> =
            command.get_envs().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect();
        command = Command::new("unshare");
        command.args(unshare).args(["sh", "-c", &both]).env_clear().envs(environment).current_dir(world.project());
        children.push(spawn(command));
    } else {
        children.extend((0..2).map(|_| spawn(world.command(&["fetch", "--jobs", "6"]))));
    }
    finish_all(children);
    for package in &some {
        assert_eq!(world.server.count(&package.path()), 1, "{}", package.name);
    }
    assert_eq!(world.run(&["verify"]).code, Some(0));
    assert_eq!(world.left_in_partial(), 0);
}

#[test]
fn eight_processes_that_find_everything_all_succeed() {
    let (world, _) = slow_world();
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    world.server.forget();
    finish_all((0..8).map(|_| spawn(world.command(&["fetch", "--offline"]))).collect());
    assert!(world.server.requests().is_empty());
}

#[test]
fn who_waits_for_another_takes_over_when_it_dies() {
    let some = packages(1);
    let world = World::new(&some);
    let path = some[0].path();
    world
        .server
        .script(&path, [Reply::body(some[0].bytes.clone()).stall_after(100), Reply::body(some[0].bytes.clone())]);
    let mut first = spawn(world.command(&["fetch"]));
    world.server.wait_until(|requests| requests.iter().any(|request| request.path == path));
    let second = spawn(world.command(&["fetch"]));
    first.kill().unwrap();
    first.wait().unwrap();
    finish_all(vec![second]);
    assert_eq!(world.run(&["verify"]).code, Some(0));
}
