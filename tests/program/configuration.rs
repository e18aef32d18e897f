//! npm's configuration, honoured; larder's own.

use larder_test_server::{Reply, Server};

use crate::support::{Package, World, finish};

#[test]
fn a_scope_has_its_own_registry_and_token() {
    let company = Server::start();
    let private = Package::new("@company/app", "private").with("resolved", "");
    company.on(&format!("/npm{}", private.path()), Reply::body("private"));
    let world = World::new(&[Package::new("public", "public")]);
    world.lock(&[Package::new("public", "public"), private]);
    let base = company.url("/npm/");
    world.write(".npmrc", &format!("@company:registry={base}\n{}:_authToken=abc123\n", base.replace("http:", "")));
    let run = world.run(&["fetch"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(company.requests()[0].header("authorization"), Some("Bearer abc123"));
    assert!(world.server.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn a_proxy_is_used_unless_the_host_is_excepted() {
    let proxy = Server::start();
    proxy.fallback(|_| Reply::body("through the proxy"));
    let package =
        Package::new("a", "through the proxy").with("resolved", "\"http://files.registry.example/a/-/a-1.0.0.tgz\"");
    let world = World::new(&[]);
    world.lock(&[package]);
    let mut command = world.command(&["fetch"]);
    command.env("HTTP_PROXY", proxy.url("/"));
    let run = finish(command);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(proxy.requests().len(), 1);

    std::fs::remove_dir_all(world.store()).unwrap();
    world.write("larder.toml", "[fetch]\nretries = 0\n");
    let mut command = world.command(&["fetch"]);
    command.env("HTTP_PROXY", proxy.url("/")).env("NO_PROXY", ".registry.example");
    assert_eq!(finish(command).code, Some(3), "the name is looked up, and there is none");
    assert_eq!(proxy.requests().len(), 1);
}

#[test]
fn an_unset_variable_in_a_token_is_a_warning_that_names_it() {
    let package = Package::new("a", "a");
    let world = World::new(std::slice::from_ref(&package));
    world.write(".npmrc", "//registry.example/:_authToken=${NPM_TOKEN}\n");
    let run = world.run(&["fetch"]);
    assert_eq!(run.code, Some(0));
    assert!(run.err.contains("warning: ") && run.err.contains("NPM_TOKEN"), "{}", run.err);
}

#[test]
fn larder_toml_selects_platforms_groups_and_lockfiles() {
    let some = [
        Package::new("tool", "tool").with("dev", "true"),
        Package::new("native", "native").with("optional", "true").with("os", "[\"win32\"]"),
    ];
    let world = World::new(&some);
    std::fs::rename(world.project().join("package-lock.json"), world.project().join("npm-shrinkwrap.json")).unwrap();
    world.write(
        "larder.toml",
        "lockfiles = [\"npm-shrinkwrap.json\"]\nplatforms = [\"windows/amd64\"]\nomit = [\"dev\"]\n",
    );
    let (run, document) = world.fetch_json(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!((&document["artifacts"], &document["left_out"]["omitted"]), (&1.into(), &1.into()));
    assert_eq!(world.server.count("/native/-/native-1.0.0.tgz"), 1);
}
