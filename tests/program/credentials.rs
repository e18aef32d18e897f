//! Whose credentials go where, and the configuration files of each manager, as the program fetches.

use larder_test_server::{Reply, Server};

use crate::support::{Package, Run, World, finish};

/// A project of one package at this address, in a folder whose user has a token for `registry.example`.
fn world_with_users_token(address: &str, npmrc: &str) -> World {
    let package = Package::new("a", "private").with("resolved", &format!("\"{address}\""));
    let world = World::new(&[]);
    world.lock(&[package]);
    world.write("../home/.npmrc", "//registry.example/:_authToken=users\n//registry.example:8080/:_authToken=users\n");
    world.write(".npmrc", npmrc);
    world.write("larder.toml", "[fetch]\nretries = 0\n");
    world
}

/// Fetches as npm would, with nothing but its files.
fn fetch(world: &World, arguments: &[&str]) -> Run {
    let mut command = world.command(&[&["fetch", "--color", "never"], arguments].concat());
    command.env_remove("npm_config_registry").env_remove("npm_config_replace_registry_host");
    finish(command)
}

fn proxy() -> Server {
    let proxy = Server::start();
    proxy.fallback(|_| Reply::body("private"));
    proxy
}

fn saw_token(server: &Server) -> bool {
    server.requests().iter().any(|request| request.header("authorization") == Some("Bearer users"))
}

#[test]
fn a_users_token_does_not_go_through_a_proxy_that_only_the_project_names() {
    let proxy = proxy();
    let line = format!("https-proxy={}\n", proxy.url("/"));
    let world = world_with_users_token("https://registry.example/a/-/a-1.0.0.tgz", &line);
    let run = fetch(&world, &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let said = "larder does not send your credentials through a proxy if only the project's files configure that: `https-proxy` in ./.npmrc";
    assert!(run.err.contains(said) && run.err.contains("--trust-project-config"), "{}", run.err);
    assert_eq!(proxy.requests().len(), 0);
    // The user's own files may say the same.
    world.write("../home/.npmrc", &format!("//registry.example/:_authToken=users\n{line}"));
    assert!(!fetch(&world, &[]).err.contains("your credentials"));
    assert!(!proxy.requests().is_empty(), "the proxy is asked");
}

#[test]
fn a_users_token_is_sent_in_clear_only_where_the_user_says_so() {
    let proxy = proxy();
    let environment = proxy.url("/");
    let world =
        world_with_users_token("http://registry.example/a/-/a-1.0.0.tgz", "registry=http://registry.example/\n");
    let fetch = |arguments: &[&str]| {
        let mut command = world.command(&[&["fetch", "--color", "never"], arguments].concat());
        command.env_remove("npm_config_registry").env("HTTP_PROXY", &environment);
        finish(command)
    };
    let run = fetch(&[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let said = "without encryption if only the project's files configure that: `registry` in ./.npmrc";
    assert!(run.err.contains(said), "{}", run.err);
    assert_eq!(proxy.requests().len(), 0);
    let run = fetch(&["--trust-project-config"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(saw_token(&proxy));
}

#[test]
fn a_projects_own_token_goes_where_the_project_says() {
    let proxy = proxy();
    let npmrc = format!(
        "proxy={}\nregistry=http://registry.example/\n//registry.example/:_authToken=projects\n",
        proxy.url("/")
    );
    let world = world_with_users_token("http://registry.example/a/-/a-1.0.0.tgz", &npmrc);
    let run = fetch(&world, &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(proxy.requests()[0].header("authorization"), Some("Bearer projects"));
}

#[test]
fn a_registrys_token_is_for_its_tarballs_on_another_path_and_for_redirects_on_its_host() {
    let package = Package::new("@x/p", "private");
    let world = World::new(&[]);
    let url = world.server.url("/projects/7/p.tgz");
    world.lock(&[package.with("resolved", &format!("\"{url}\""))]);
    let base = world.server.url("/npm/");
    world.write(".npmrc", &format!("@x:registry={base}\n{}:_authToken=t\n", base.replace("http:", "")));
    world.server.on("/projects/7/p.tgz", Reply::redirect("/files/p.tgz"));
    world.server.on("/files/p.tgz", Reply::body("private"));
    let run = fetch(&world, &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let requests = world.server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.header("authorization") == Some("Bearer t")), "{requests:?}");
}

#[test]
fn a_token_does_not_leave_its_path_by_hidden_dots() {
    let world = World::new(&[]);
    let url = world.server.url("/private/..%2fpublic.tgz");
    world.lock(&[Package::new("a", "public").with("resolved", &format!("\"{url}\""))]);
    let base = world.server.url("/private/");
    world.write(".npmrc", &format!("registry={base}\n{}:_authToken=t\n", base.replace("http:", "")));
    world.server.fallback(|_| Reply::body("public"));
    let run = fetch(&world, &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(world.server.requests()[0].header("authorization"), None);
}

fn world_without_npms_lockfile(lockfile: &str, text: &str) -> World {
    let world = World::new(&[]);
    std::fs::remove_file(world.project().join("package-lock.json")).unwrap();
    world.write(lockfile, text);
    world
}

#[test]
fn a_package_of_a_named_registry_of_pnpm_comes_from_there() {
    let package = Package::new("p", "work");
    let lock = format!(
        "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      p:\n        specifier: work:^1.0.0\n        version: work:1.0.0\npackages:\n  p@work:1.0.0:\n    resolution: {{integrity: {}}}\nsnapshots:\n  p@work:1.0.0: {{}}\n",
        package.integrity()
    );
    let world = world_without_npms_lockfile("pnpm-lock.yaml", &lock);
    let run = fetch(&world, &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("the named registry `work` is not known"), "{}", run.err);
    assert_eq!(world.server.requests().len(), 0, "no other registry is asked");
    world.write("pnpm-workspace.yaml", &format!("namedRegistries:\n  work: {}\n", world.server.url("/team")));
    world.server.on("/team/p/-/p-1.0.0.tgz", Reply::body("work"));
    let run = fetch(&world, &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn a_scope_of_bunfig_is_asked_of_its_own_registry() {
    let package = Package::new("@corp/p", "corp");
    let lock = format!(
        "{{\n  \"lockfileVersion\": 1,\n  \"workspaces\": {{ \"\": {{ \"name\": \"app\", }}, }},\n  \"packages\": {{\n    \"@corp/p\": [\"@corp/p@1.0.0\", \"\", {{}}, \"{}\"],\n  }},\n}}\n",
        package.integrity()
    );
    let world = world_without_npms_lockfile("bun.lock", &lock);
    let scopes = format!(
        "[install.scopes]\n\"@corp\" = {{ url = \"{}\", token = \"$CORP_TOKEN\" }}\n",
        world.server.url("/corp/")
    );
    world.write("bunfig.toml", &scopes);
    world.server.on("/corp/@corp/p/-/p-1.0.0.tgz", Reply::body("corp"));
    let mut command = world.command(&["fetch"]);
    command.env("npm_config_registry", "http://127.0.0.1:1/").env("CORP_TOKEN", "t");
    let run = finish(command);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(world.server.requests()[0].header("authorization"), Some("Bearer t"));
}

#[test]
fn a_yarnrc_that_is_not_understood_is_named_and_nothing_is_asked() {
    let world = world_without_npms_lockfile(
        "yarn.lock",
        "__metadata:\n  version: 8\n\n\"@corp/p@npm:1.0.0\":\n  version: 1.0.0\n  resolution: \"@corp/p@npm:1.0.0\"\n  languageName: node\n  linkType: hard\n",
    );
    world.write(".yarnrc.yml", "npmScopes: {corp: [npmRegistryServer]}\n");
    let run = fetch(&world, &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains(".yarnrc.yml: `npmScopes.corp` is not a mapping"), "{}", run.err);
    assert_eq!(world.server.requests().len(), 0);
}
