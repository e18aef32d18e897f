//! What is said of servers' answers, of many failures at once, and of names that are made to mislead.

use larder_test_server::{Reply, Server};

use crate::support::{Package, Run, World, finish, packages};

fn fetch(world: &World) -> Run {
    world.run(&["fetch", "--color", "never"])
}

/// A registry that answers for the one package so.
fn answering(reply: Reply) -> World {
    let some = packages(1);
    let world = World::new(&some);
    world.server.on(&some[0].path(), reply);
    world
}

#[test]
fn why_a_registry_refuses_is_shown_and_no_token_asked_for_where_one_was_sent() {
    let why = "package-0@1.0.0 is quarantined: CVE-2026-0001";
    let world = answering(
        Reply::body(format!(r#"{{"error": "{why}"}}"#))
            .with_status(403)
            .phrase("Forbidden quarantined")
            .header("content-type", "application/json"),
    );
    let host = world.server.url("/").replace("http:", "");
    world.write(".npmrc", &format!("{host}:_authToken=t0ken\n"));
    let run = fetch(&world);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("403 Forbidden") && run.err.contains(why), "{}", run.err);
    assert!(!run.err.contains("put a token"), "{}", run.err);
}

#[test]
fn what_will_be_the_same_next_time_is_no_failure_of_the_network() {
    let path = packages(1)[0].path();
    let answers = [
        ("a loop", Reply::redirect(path)),
        ("no location", Reply::status(302)),
        ("no content", Reply::status(204)),
        ("no credentials", Reply::status(401)),
        ("a refusal", Reply::status(403)),
        ("a wrong request", Reply::status(400)),
    ];
    for (name, reply) in answers {
        let run = fetch(&answering(reply));
        assert_eq!(run.code, Some(1), "{name}: {run:?}");
        assert!(!run.err.contains("run it again"), "{name}: {}", run.err);
    }
    let world = answering(Reply::status(503).header("retry-after", "0"));
    world.write("larder.toml", "[fetch]\nretries = 0\n");
    let run = fetch(&world);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.err.contains("run it again"), "{}", run.err);
}

#[test]
fn a_404_says_whether_the_package_the_version_or_the_file_is_gone() {
    let some = packages(3);
    let world = World::new(&some);
    for package in &some {
        world.server.on(&package.path(), Reply::status(404));
    }
    let listing = |version: &str| Reply::body(format!(r#"{{"versions": {{"{version}": {{"dist": {{}}}}}}}}"#));
    world.server.on("/package-1", listing("2.0.0"));
    world.server.on("/package-2", listing("1.0.0"));
    let run = fetch(&world);
    assert_eq!(run.code, Some(1), "{run:?}");
    for (package, why) in [
        (&some[0], "the registry has no package of this name"),
        (&some[1], "the registry has the package, and not this version"),
        (&some[2], "the registry lists this version, and its file is gone"),
    ] {
        let said = format!("{}: 404 Not Found: {why}\n", world.server.url(&package.path()));
        assert!(run.err.contains(&said), "{said}: {}", run.err);
    }
    assert_eq!(world.server.requests().len(), 6);
}

#[test]
fn a_description_that_is_cut_or_compressed_is_read_all_the_same() {
    let package = Package::new("react", "bytes").with("integrity", "");
    let integrity = Package::new("react", "bytes").integrity();
    let text = format!(r#"{{"versions": {{"1.0.0": {{"dist": {{"integrity": "{integrity}"}}}}}}}}"#);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
    let compressed = Reply::body(encoder.finish().unwrap()).header("content-encoding", "gzip");
    let cut = Reply::body(text[..20].to_owned()).until_closed();
    for replies in [vec![compressed], vec![cut, Reply::body(text.clone())]] {
        let world = World::new(std::slice::from_ref(&package));
        let count = replies.len();
        world.server.script("/react", replies);
        let (run, document) = world.fetch_json(&[]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(document["integrity_from_registry"], 1, "{document}");
        assert_eq!(world.server.count("/react"), count);
    }
}

#[test]
fn many_files_that_are_gone_are_ten_lines_and_a_number() {
    let some = packages(60);
    let world = World::new(&some);
    for package in &some {
        world.server.on(&package.path(), Reply::status(404));
    }
    let run = fetch(&world);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("error: 60 packages: could not be fetched\n  caused by: 404 Not Found\n"), "{}", run.err);
    assert!(run.err.contains("  and 50 more\n") && run.err.lines().count() < 20, "{}", run.err);
    assert_eq!(world.server.requests().len(), 60, "nobody is asked what is gone of so many");
    let (_, document) = world.fetch_json(&["--offline"]);
    assert_eq!(document["failures"].as_array().unwrap().len(), 60, "{document}");
}

#[test]
fn each_failure_has_its_own_reason() {
    let some = packages(3);
    let world = World::new(&some);
    for package in [&some[0], &some[2]] {
        world.server.on(&package.path(), Reply::status(410));
    }
    world.server.on(&some[1].path(), Reply::status(400));
    let run = fetch(&world);
    let url = |package: &Package| world.server.url(&package.path());
    let expected = format!(
        "\
error: 2 packages: could not be fetched
  caused by: 410 Gone: the registry has no package of this name
  package-0 1.0.0: {}, wanted by package-lock.json: node_modules/package-0
  package-2 1.0.0: {}, wanted by package-lock.json: node_modules/package-2
error: package-1 1.0.0: could not be fetched
  caused by: {}: 400 Bad Request
  wanted by package-lock.json: node_modules/package-1
",
        url(&some[0]),
        url(&some[2]),
        url(&some[1]),
    );
    assert!(run.err.contains(&expected), "{}", run.err);
}

#[test]
fn a_name_that_cannot_be_looked_up_is_one_line() {
    let world = World::new(&packages(1));
    world.write("larder.toml", "[fetch]\nretries = 0\n");
    let mut command = world.command(&["fetch", "--color", "never"]);
    command.env("npm_config_registry", "http://no-such-host.invalid/");
    let run = finish(command);
    assert_eq!(run.code, Some(3), "{run:?}");
    let causes: Vec<&str> = run.err.lines().filter(|line| line.contains("caused by")).collect();
    assert_eq!(causes.len(), 1, "{}", run.err);
    assert!(causes[0].contains("the host's name cannot be looked up: "), "{}", run.err);
}

#[test]
fn a_proxy_that_wants_another_authentication_is_named_and_asked_once() {
    let proxy = Server::start();
    proxy.fallback(|_| Reply::status(407).header("proxy-authenticate", "NTLM"));
    let world = World::new(&packages(5));
    let mut command = world.command(&["fetch", "--color", "never"]);
    command
        .env("npm_config_registry", "https://mirror.example/")
        .env("npm_config_https_proxy", proxy.url("/").replace("http://", "http://joe:wrong@"));
    let run = finish(command);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(proxy.requests().len(), 1);
    assert!(run.err.contains("answers 407") && run.err.contains("NTLM"), "{}", run.err);
    assert!(!run.err.contains("is there a network?") && !run.err.contains("wrong@"), "{}", run.err);
}

#[test]
fn no_name_turns_what_the_terminal_shows() {
    let package = Package::new("re\u{202e}act\u{2066}", "bytes");
    let world = World::new(&[package]);
    let run = world.run(&["fetch", "--offline"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("re\\u{202e}act\\u{2066} 1.0.0"), "{}", run.err);
    for text in [&run.err, &run.out, &world.run(&["fetch", "--offline", "--json"]).out, &world.run(&["plan"]).out] {
        assert!(!text.contains('\u{202e}') && !text.contains('\u{2066}'), "{text}");
    }
}

#[test]
fn a_name_of_a_megabyte_is_refused_in_few_words() {
    let world = World::new(&[Package::new(&"x".repeat(1_000_000), "bytes")]);
    let run = fetch(&world);
    assert_eq!(run.code, Some(1));
    assert!(
        run.err.contains("…: cannot be fetched\n  caused by: a path that no package is installed to"),
        "{:.2000}",
        run.err
    );
    assert!(run.err.len() < 20_000, "{}", run.err.len());
}

#[test]
fn few_open_files_are_enough_for_many_packages() {
    let some = packages(300);
    for limits in ["ulimit -S -n 256", "ulimit -n 256", "ulimit -n 100"] {
        let world = World::new(&some);
        let launcher = format!("{limits}; exec \"$@\"");
        let run = finish(world.command_through(&["sh", "-c", &launcher, "sh"], &["fetch"]));
        assert_eq!(run.code, Some(0), "{limits}: {run:?}");
        assert_eq!(world.run(&["fetch", "--offline"]).code, Some(0), "{limits}");
    }
}

#[test]
fn a_command_has_the_limit_that_larder_was_started_with() {
    let world = World::new(&packages(1));
    let launcher = "ulimit -S -n 300; exec \"$@\"";
    let run = finish(world.command_through(&["sh", "-c", launcher, "sh"], &["run", "--", "sh", "-c", "ulimit -S -n"]));
    assert_eq!((run.code, run.out.as_str()), (Some(0), "300\n"), "{run:?}");
}

#[test]
fn many_packages_of_one_digest_are_one_download() {
    let some: Vec<Package> = (0..5_000).map(|number| Package::new(&format!("p{number}"), "the same")).collect();
    let world = World::new(&some[..1]);
    world.lock(&some);
    let (run, document) = world.fetch_json(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!((&document["fetched"], &document["requests"]), (&5_000.into(), &1.into()));
    let (_, document) = world.fetch_json(&[]);
    assert_eq!((&document["already_here"], &document["requests"]), (&5_000.into(), &0.into()));
}
