//! Lockfiles of other package managers than npm: fetched like npm's, and together with them.

use std::fmt::Write as _;

use crate::support::{Package, World, finish, packages, tarball};

fn pnpm_lockfile(packages: &[Package]) -> String {
    let mut text = "lockfileVersion: '9.0'\nimporters:\n  .: {}\npackages:\n".to_owned();
    for package in packages {
        writeln!(text, "  {}@1.0.0:\n    resolution: {{integrity: {}}}", package.name, package.integrity()).unwrap();
    }
    text
}

fn bun_lockfile(packages: &[Package]) -> String {
    let mut text =
        "{\n  \"lockfileVersion\": 1,\n  \"workspaces\": { \"\": { \"name\": \"app\", }, },\n  \"packages\": {\n"
            .to_owned();
    for package in packages {
        writeln!(text, "    \"{0}\": [\"{0}@1.0.0\", \"\", {{}}, \"{1}\"],\n", package.name, package.integrity())
            .unwrap();
    }
    text + "  },\n}\n"
}

#[test]
fn what_the_lockfiles_of_one_folder_name_together_is_fetched_once() {
    let some = packages(4);
    let world = World::new(&some);
    world.lock(&some[..3]);
    world.write("pnpm-lock.yaml", &pnpm_lockfile(&some[1..]));
    world.write("bun.lock", &bun_lockfile(&some[2..]));
    let run = world.run(&["fetch"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    insta::assert_snapshot!(world.plain(&run.out), @r###"
    11 entries in package-lock.json and pnpm-lock.yaml and bun.lock = 4 artifacts + 4 repeats + 3 projects
    4 artifacts = 0 already here + 4 fetched + 0 failed
    4 requests, 7.9 kB in [time]
    "###);
    assert!(some.iter().all(|package| world.server.count(&package.path()) == 1));
}

#[test]
fn odd_entries_of_pnpm_are_named_with_the_way_to_a_new_lockfile() {
    let world = World::new(&[]);
    std::fs::remove_file(world.project().join("package-lock.json")).unwrap();
    world.write("pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n  a@1.0.0: {}\n  b@1.0.0: 5\n");
    let run = world.run(&["fetch", "--color", "never"]);
    assert_eq!(run.code, Some(1));
    insta::assert_snapshot!(run.err, @r###"
    error: a: cannot be fetched
      caused by: `resolution` is missing
      wanted by pnpm-lock.yaml: a@1.0.0
    error: b: cannot be fetched
      caused by: not an object
      wanted by pnpm-lock.yaml: b@1.0.0

    hint: `git checkout -- FILE` brings back the last pnpm-lock.yaml that was committed; `pnpm install --lockfile-only` makes it anew
    "###);
}

#[test]
fn the_binary_lockfile_of_bun_is_refused_with_the_way_to_its_text_and_told_beside_others() {
    let some = packages(1);
    let world = World::new(&some);
    world.write("bun.lockb", "#!/usr/bin/env bun\nbun-lockfile-format-v0\n");
    let run = world.run(&["fetch", "--color", "never"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("warning: bun.lockb is ignored, since larder cannot read it"), "{}", run.err);
    let run = world.run(&["fetch", "bun.lockb", "--color", "never"]);
    assert_eq!(run.code, Some(1));
    insta::assert_snapshot!(run.err, @r###"
    error: ./bun.lockb is a lockfile of bun in its binary form, which larder does not read

    hint: `bun install --save-text-lockfile` writes it as text, bun.lock
    "###);
}

#[test]
fn pnpm_is_not_led_back_to_the_registry_of_a_run_that_is_over() {
    let some = packages(1);
    let world = World::new(&some);
    world.write("pnpm-lock.yaml", &pnpm_lockfile(&some));
    let script = r#"test "$pnpm_config_registry" = "$npm_config_registry" && mkdir -p node_modules && printf '{\n  "registries": {\n    "default": "%s"\n  }\n}\n' "$npm_config_registry" > node_modules/.modules.yaml"#;
    let run = world.run(&["run", "--", "sh", "-c", script]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let record = std::fs::read_to_string(world.project().join("node_modules/.modules.yaml")).unwrap();
    assert_eq!(record, format!("{{\n  \"registries\": {{\n    \"default\": \"{}\"\n  }}\n}}\n", world.server.url("/")));
}

/// What a run's command finds of the run's proxy.
const PROXY_SEEN: &str = r#"printf '%s\n' "${HTTPS_PROXY:-none}" "${https_proxy:-none}" "${HTTP_PROXY:-none}" "${GLOBAL_AGENT_HTTPS_PROXY:-none}" "${NO_PROXY:-none}"; grep -c BEGIN "${NODE_EXTRA_CA_CERTS:-/dev/null}" "${npm_config_cafile:-/dev/null}"; true"#;

#[test]
fn what_pnpm_asks_for_at_its_own_address_comes_by_a_proxy_that_other_projects_do_not_get() {
    let some = packages(1);
    let world = World::new(&some);
    world.write("pnpm-lock.yaml", &pnpm_lockfile(&some));
    world.run(&["fetch"]);
    let run = world.run(&["run", "--offline", "--", "sh", "-c", PROXY_SEEN]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("none\nnone\nnone\nnone\n127.0.0.1,localhost\n/dev/null:0\n"), "{run:?}");

    let address = format!("{}files/own.tgz", world.server.url("/"));
    world.server.on("/files/own.tgz", larder_test_server::Reply::body(tarball("own", "")));
    let entry = format!("  own@{address}:\n    resolution: {{tarball: {address}}}\n    version: 1.0.0\n");
    world.write("pnpm-lock.yaml", &(pnpm_lockfile(&some) + &entry));
    let run = |options: &[&str]| {
        let command = ["--color", "never", "--", "sh", "-c", PROXY_SEEN];
        let mut larder = world.command(&[&["run"], options, &command].concat());
        larder.env("GLOBAL_AGENT_HTTPS_PROXY", "http://elsewhere.example").env("NO_PROXY", "inside.example");
        let run = finish(larder);
        assert_eq!(run.code, Some(0), "{run:?}");
        run
    };
    let online = run(&[]);
    let lines: Vec<&str> = online.out.lines().collect();
    assert!(lines[0].starts_with("http://larder:"), "{online:?}");
    let users = ["http://elsewhere.example", "localhost,127.0.0.1,::1,0.0.0.0,.localhost,inside.example"];
    assert_eq!(lines[3..5], users, "with a network the user's own stay: {online:?}");
    let run = run(&["--offline"]);
    let lines: Vec<&str> = run.out.lines().collect();
    let [https, small, http, others, none, added, replaced] = lines[..] else { panic!("{run:?}") };
    assert!(https.starts_with("http://larder:") && https.contains("@127.0.0.1:"), "{run:?}");
    assert_eq!((small, http, others), (https, https, "none"), "the address is in plain HTTP");
    assert_eq!(none, "localhost,127.0.0.1,::1,0.0.0.0,.localhost");
    assert!(added.ends_with(":1"), "{added}");
    assert!(replaced.rsplit(':').next().unwrap().parse::<u32>().unwrap() > 100, "{replaced}");
    assert!(!run.err.contains("own address") && !run.err.contains("refused"), "{}", run.err);
}
