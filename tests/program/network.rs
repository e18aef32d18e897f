//! Servers that fail: what is retried, what is not, and what is said.

use std::time::Duration;

use larder_test_server::{Reply, Server};

use crate::support::{Package, Run, World};

/// A registry that answers the one package as `replies` say, the last one for ever.
fn one(replies: impl IntoIterator<Item = Reply>) -> (World, Package) {
    let package = Package::new("react", larder_test_server::noise(1, 400_000));
    let world = World::new(std::slice::from_ref(&package));
    world.server.script(&package.path(), replies);
    (world, package)
}

fn body() -> Reply {
    Reply::body(larder_test_server::noise(1, 400_000))
}

fn fetch(world: &World) -> Run {
    world.run(&["fetch", "--color", "never"])
}

#[test]
fn what_passes_is_tried_again() {
    let cases: Vec<(&str, Reply)> = vec![
        ("a body that is cut", body().cut_after(100_000)),
        ("a connection that is reset", body().reset_after(50_000)),
        ("too many requests", Reply::status(429).header("retry-after", "0")),
        ("unavailable", Reply::status(503).header("retry-after", "0")),
        ("a broken gateway", Reply::status(502)),
        ("a timeout of the server", Reply::status(408)),
    ];
    for (case, reply) in cases {
        let (world, package) = one([reply, body()]);
        let run = fetch(&world);
        assert_eq!(run.code, Some(0), "{case}: {run:?}");
        assert_eq!(world.server.count(&package.path()), 2, "{case}");
        assert!(run.err.contains("react 1.0.0: trying again in"), "{case}: {}", run.err);
    }
}

#[test]
fn a_server_that_stalls_is_left_and_asked_again() {
    let (world, package) = one([body().stall_after(100_000), body()]);
    world.write("larder.toml", "[fetch]\nstall-timeout = \"200ms\"\n");
    let run = fetch(&world);
    assert_eq!(run.code, Some(0), "{run:?}");
    let requests = world.server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].path, package.path());
    assert_eq!(requests[1].header("range"), Some("bytes=100000-"), "what came is kept");
}

#[test]
fn a_broken_body_is_resumed_in_a_later_run_and_checked_as_a_whole() {
    let (world, _) = one([body().etag("\"v1\"").cut_after(300_000)]);
    world.write("larder.toml", "[fetch]\nretries = 0\n");
    let run = fetch(&world);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.err.contains("broken off after 300000 bytes of 400000"), "{}", run.err);
    world.server.on("/react/-/react-1.0.0.tgz", body().etag("\"v1\""));
    let (run, document) = world.fetch_json(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(document["bytes"], 100_000);
    let last = world.server.requests().pop().unwrap();
    assert_eq!((last.status, last.header("if-range")), (206, Some("\"v1\"")));
}

#[test]
fn a_server_that_lies_about_the_range_is_asked_for_the_whole() {
    let lies = [
        body().saying_range("bytes 5-399999/400000"),
        body().saying_range("bytes 300000-399999/500000"),
        body().ignoring_range(),
    ];
    for lie in lies {
        let (world, _) = one([body().cut_after(300_000), lie, body()]);
        let run = fetch(&world);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(world.run(&["verify"]).code, Some(0));
    }
}

#[test]
fn the_rest_of_another_file_is_noticed_and_the_whole_fetched() {
    let other = Reply::body(larder_test_server::noise(2, 400_000));
    let (world, _) = one([body().cut_after(300_000), other, body()]);
    let run = fetch(&world);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(world.server.requests().len(), 3);
}

#[test]
fn other_bytes_are_refused_after_a_second_look_with_both_digests_and_the_address() {
    let (world, package) = one([Reply::body("other")]);
    let run = fetch(&world);
    assert_eq!(run.code, Some(1));
    let got = Package::new("x", "other").integrity();
    for part in
        [&*package.integrity(), &*got, &*world.server.url(&package.path()), "package-lock.json: node_modules/react"]
    {
        assert!(run.err.contains(part), "{part}: {}", run.err);
    }
    assert_eq!(world.server.requests().len(), 2);
    assert!(!world.store().join("receipts").read_dir().unwrap().any(|_| true));
}

#[test]
fn a_server_that_keeps_failing_is_given_up_with_the_exit_code_of_the_network() {
    let (world, _) = one([Reply::status(503).header("retry-after", "0")]);
    world.write("larder.toml", "[fetch]\nretries = 2\n");
    let run = fetch(&world);
    assert_eq!(run.code, Some(3));
    assert_eq!(world.server.requests().len(), 3);
    assert!(run.err.contains("gave up after 3 tries") && run.err.contains("503 Service Unavailable"), "{}", run.err);
}

#[test]
fn a_server_that_is_not_there_is_a_network_error_with_a_hint() {
    let (mut world, _) = one([body()]);
    world.write("larder.toml", "[fetch]\nretries = 0\n");
    world.server = Server::start();
    let mut command = world.command(&["fetch"]);
    command.env("npm_config_registry", "http://127.0.0.1:1/");
    let run = crate::support::finish(command);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.err.contains("cannot connect") && run.err.contains("hint: is there a network?"), "{}", run.err);
}

#[test]
fn a_body_that_is_too_long_is_refused_with_both_numbers() {
    for reply in [body(), body().chunked()] {
        let (world, _) = one([reply]);
        world.write("larder.toml", "[fetch]\nmax-artifact-size = \"100 kB\"\n");
        let run = fetch(&world);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains("only 100000 are accepted"), "{}", run.err);
        assert_eq!(world.server.requests().len(), 1);
    }
}

#[test]
fn a_slow_server_is_not_a_stalled_one() {
    let (world, _) = one([body().trickling(40_000, Duration::from_millis(30))]);
    world.write("larder.toml", "[fetch]\nstall-timeout = \"200ms\"\n");
    let run = fetch(&world);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(world.server.requests().len(), 1);
}

#[test]
fn the_total_timeout_ends_a_server_that_trickles_for_ever() {
    let (world, _) = one([body().trickling(1000, Duration::from_millis(30))]);
    world.write("larder.toml", "[fetch]\ntotal-timeout = \"400ms\"\nretries = 0\n");
    let run = fetch(&world);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.err.contains("not complete after 0.4 s"), "{}", run.err);
}

#[test]
fn a_token_goes_to_its_registry_and_follows_no_redirect() {
    let elsewhere = Server::start();
    elsewhere.on("/cdn/react.tgz", body());
    let (world, package) = one([Reply::redirect(elsewhere.url("/cdn/react.tgz"))]);
    let secret = "npm_s3cr3t-t0ken";
    let host = world.server.url("/").replace("http:", "");
    world.write(".npmrc", &format!("{host}:_authToken=${{TOKEN}}\n"));
    let mut command = world.command(&["fetch", "-vv", "--color", "never"]);
    command.env("TOKEN", secret);
    let run = crate::support::finish(command);
    assert_eq!(run.code, Some(0), "{run:?}");
    let first = &world.server.requests()[0];
    assert_eq!(
        (first.path.as_str(), first.header("authorization")),
        (&*package.path(), Some("Bearer npm_s3cr3t-t0ken"))
    );
    assert_eq!(elsewhere.requests()[0].header("authorization"), None);
    assert!(!run.out.contains(secret) && !run.err.contains(secret));
    let found = std::process::Command::new("grep").args(["-r", secret]).arg(world.store()).output().unwrap();
    assert_eq!(found.status.code(), Some(1), "no file of the store holds it");
}

#[test]
fn an_address_with_a_password_is_used_and_never_shown() {
    let (world, package) = one([Reply::status(403)]);
    let address = world.server.url(&package.path()).replace("http://", "http://user:hunter2@") + "?sig=topsecret";
    world.lock(&[package.with("resolved", &format!("\"{address}\""))]);
    let run = world.run(&["fetch", "-vv"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(world.server.requests()[0].header("authorization"), Some("Basic dXNlcjpodW50ZXIy"));
    assert!(run.err.contains("403 Forbidden"), "{}", run.err);
    assert!(!run.err.contains("hunter2") && !run.err.contains("topsecret"), "{}", run.err);
    let (run, _) = world.fetch_json(&[]);
    assert!(!run.out.contains("hunter2") && !run.out.contains("topsecret"), "{}", run.out);
    assert!(!world.run(&["plan", "--json"]).out.contains("hunter2"));
}
