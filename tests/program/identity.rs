//! What the store knows a file by where no lockfile states a digest: where it was really asked for.

use std::{fs, path::Path};

use larder_test_server::{Reply, Server};

use crate::support::{Run, World, tarball};

const COMMIT: &str = "0123456789012345678901234567890123456789";

/// The tarballs of a view of the project in `folder`.
fn view(world: &World, folder: &str, options: &[&str]) -> (Run, Vec<Vec<u8>>) {
    let out = world.folder.path().join("view");
    let _ = fs::remove_dir_all(&out);
    let run = world.run(&[&["view", "tarballs", out.to_str().unwrap(), folder], options].concat());
    let mut files: Vec<_> =
        fs::read_dir(&out).map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default();
    files.sort();
    let is_tarball = |path: &&std::path::PathBuf| path.extension().is_some_and(|extension| extension == "tgz");
    let files = files.iter().filter(is_tarball).map(|path| fs::read(path).unwrap()).collect();
    (run, files)
}

fn npm_lock(entries: &[(&str, &str)]) -> String {
    let entries: Vec<String> = entries
        .iter()
        .map(|(path, address)| {
            format!("\"node_modules/{path}\": {{\"version\": \"1.0.0\", \"resolved\": \"{address}\"}}")
        })
        .collect();
    format!("{{\"lockfileVersion\": 3, \"packages\": {{\"\": {{}}, {}}}}}", entries.join(", "))
}

fn has_text(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            has_text(&path, text)
        } else {
            String::from_utf8_lossy(&fs::read(path).unwrap()).contains(text)
        }
    })
}

#[test]
fn two_addresses_that_differ_in_their_query_alone_are_two_files_in_every_format() {
    let (one, two) = (tarball("lib", "one"), tarball("lib", "two"));
    let world = World::new(&[]);
    let bodies = (one.clone(), two.clone());
    world.server.route("/files/archive.tar.gz", move |request| {
        Reply::body(if request.query == "sha=s3cret1" { bodies.0.clone() } else { bodies.1.clone() })
    });
    let address = |number: u32| world.server.url(&format!("/files/archive.tar.gz?sha=s3cret{number}"));
    let (first, second) = (address(1), address(2));
    world.write("npm/package-lock.json", &npm_lock(&[("lib", &first), ("a/node_modules/lib", &second)]));
    world.write("yarn1/yarn.lock", &format!("# yarn lockfile v1\n\n\n\"lib@{first}\":\n  version \"1.0.0\"\n  resolved \"{first}\"\n\n\"lib@{second}\":\n  version \"1.0.0\"\n  resolved \"{second}\"\n"));
    let berry = |address: &str| {
        format!(
            "\"lib@{address}\":\n  version: 1.0.0\n  resolution: \"lib@{address}\"\n  checksum: 10c0/00\n  languageName: node\n  linkType: hard\n\n"
        )
    };
    world.write(
        "yarn4/yarn.lock",
        &format!("__metadata:\n  version: 8\n  cacheKey: 10c0\n\n{}{}", berry(&first), berry(&second)),
    );
    let pnpm =
        |address: &str| format!("  lib@{address}:\n    resolution: {{tarball: {address}}}\n    version: 1.0.0\n");
    let snapshots = format!("  lib@{first}: {{}}\n  lib@{second}: {{}}\n");
    world.write("pnpm/pnpm-lock.yaml", &format!("lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      lib:\n        specifier: {first}\n        version: {first}\n\npackages:\n{}{}\nsnapshots:\n{snapshots}", pnpm(&first), pnpm(&second)));
    world.write("bun/bun.lock", &format!("{{\"lockfileVersion\": 1, \"workspaces\": {{\"\": {{\"name\": \"app\", \"dependencies\": {{\"lib\": \"{first}\", \"b\": \"{second}\"}}}}}}, \"packages\": {{\"lib\": [\"lib@{first}\", {{}}], \"b\": [\"lib@{second}\", {{}}]}}}}"));
    for format in ["npm", "yarn1", "yarn4", "pnpm", "bun"] {
        // A store for each: the addresses are the same in all.
        let _ = fs::remove_dir_all(world.store());
        world.server.forget();
        let (run, document) = world.fetch_json(&[format]);
        assert_eq!((run.code, &document["recorded"]), (Some(0), &2.into()), "{format}: {run:?}");
        assert_eq!(world.server.count("/files/archive.tar.gz"), 2, "{format}");
        let (run, mut files) = view(&world, format, &["--offline"]);
        files.sort();
        let mut both = vec![one.clone(), two.clone()];
        both.sort();
        assert!(run.code == Some(0) && files == both, "{format}: {run:?}");
        assert!(!has_text(&world.store(), "s3cret"), "{format}: a query can hold a secret");
    }
}

#[test]
fn a_forge_that_one_project_names_decides_nothing_for_another_one() {
    let (evil, good) = (tarball("lib", "evil"), tarball("lib", "good"));
    let world = World::new(&[]);
    let forges = [Server::start(), Server::start()];
    for (forge, body) in forges.iter().zip([&evil, &good]) {
        forge.on(&format!("/owner/lib/tar.gz/{COMMIT}"), Reply::body(body.clone()));
    }
    let lock = npm_lock(&[("lib", &format!("git+ssh://git@github.com/owner/lib.git#{COMMIT}"))]);
    for (project, forge) in ["somebodys", "ours", "public"].iter().zip(forges.iter().map(Some).chain([None])) {
        world.write(&format!("{project}/package-lock.json"), &lock);
        if let Some(forge) = forge {
            world.write(&format!("{project}/larder.toml"), &format!("[forges]\ngithub = \"{}\"\n", forge.url("/")));
        }
    }
    assert_eq!(world.run(&["fetch", "somebodys"]).code, Some(0));
    let (run, _) = view(&world, "ours", &["--offline"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let (of_somebody, of_us) = (view(&world, "somebodys", &["--offline"]).1, view(&world, "ours", &[]).1);
    assert!(of_somebody != of_us && of_us.len() == 1, "each has what its own forge gave");
    assert_eq!(forges[1].requests().len(), 1);
    let (run, _) = view(&world, "public", &["--offline"]);
    assert!(run.code == Some(1) && run.err.contains("lib 1.0.0: not in the store"), "{run:?}");
}

#[test]
fn a_registry_that_one_project_names_decides_nothing_for_another_one() {
    let (evil, good) = (tarball("lib", "evil"), tarball("lib", "good"));
    let world = World::new(&[]);
    let registries = [Server::start(), Server::start()];
    for (registry, body) in registries.iter().zip([&evil, &good]) {
        let integrity = larder_store::digest::Digest::of(larder_store::digest::Algorithm::Sha512, body);
        registry.on(
            "/lib",
            Reply::body(format!(r#"{{"versions": {{"1.0.0": {{"dist": {{"integrity": "{integrity}"}}}}}}}}"#)),
        );
        registry.on("/lib/-/lib-1.0.0.tgz", Reply::body(body.clone()));
    }
    // A lockfile that states an address, and one that does not.
    for (kind, entry) in [
        ("stated", r#"{"version": "1.0.0", "resolved": "https://registry.example/lib/-/lib-1.0.0.tgz"}"#),
        ("open", r#"{"version": "1.0.0"}"#),
    ] {
        // Through one mirror, both are one file.
        let _ = fs::remove_dir_all(world.store());
        let lock = format!(r#"{{"lockfileVersion": 3, "packages": {{"": {{}}, "node_modules/lib": {entry}}}}}"#);
        let fetch = |project: &str, registry: &Server, offline: &[&str]| {
            let project = format!("{kind}-{project}");
            world.write(&format!("{project}/package-lock.json"), &lock);
            world.write(&format!("{project}/.npmrc"), &format!("registry={}\n", registry.url("/")));
            let mut command = world.command(&[&["fetch", &project], offline].concat());
            command.env_remove("npm_config_registry");
            crate::support::finish(command)
        };
        assert_eq!(fetch("somebodys", &registries[0], &[]).code, Some(0));
        registries[1].forget();
        let run = fetch("ours", &registries[1], &["--offline"]);
        assert_eq!(run.code, Some(1), "{kind}: {run:?}");
        assert_eq!(fetch("ours", &registries[1], &[]).code, Some(0));
        assert_eq!(fetch("ours", &registries[1], &["--offline"]).code, Some(0));
        assert!(!registries[1].requests().is_empty(), "{kind}");
    }
}

#[test]
fn a_registrys_word_about_anothers_file_is_not_recorded_as_that_ones() {
    // The lockfile's address is not replaced, and the digest comes from somebody's registry: which bytes the address has is for the address to say.
    let world = World::new(&[]);
    let (evil, good) = (tarball("lib", "evil"), tarball("lib", "good"));
    let (somebody, home) = (Server::start(), Server::start());
    let sri =
        |bytes: &[u8]| larder_store::digest::Digest::of(larder_store::digest::Algorithm::Sha512, bytes).to_string();
    let described = |bytes: &[u8]| {
        Reply::body(format!(r#"{{"versions": {{"1.0.0": {{"dist": {{"integrity": "{}"}}}}}}}}"#, sri(bytes)))
    };
    let address = home.url("/lib/-/lib-1.0.0.tgz");
    home.on("/lib/-/lib-1.0.0.tgz", Reply::body(good.clone()));
    home.on("/lib", described(&good));
    somebody.on("/lib", described(&evil));
    somebody.on("/lib/-/lib-1.0.0.tgz", Reply::body(evil.clone()));
    let fetch = |project: &str, registry: &Server| {
        world.write(
            &format!("{project}/.npmrc"),
            &format!("registry={}\nreplace-registry-host=never\n", registry.url("/")),
        );
        let mut command = world.command(&["fetch", project]);
        command.env_remove("npm_config_registry").env_remove("npm_config_replace_registry_host");
        crate::support::finish(command)
    };
    // First the bytes, under a digest of its own; then the digest, for the address of another server.
    let stated = format!(
        r#"{{"version": "1.0.0", "resolved": "{}", "integrity": "{}"}}"#,
        somebody.url("/lib/-/lib-1.0.0.tgz"),
        sri(&evil)
    );
    world.write(
        "bytes/package-lock.json",
        &format!(r#"{{"lockfileVersion": 3, "packages": {{"": {{}}, "node_modules/lib": {stated}}}}}"#),
    );
    assert_eq!(fetch("bytes", &somebody).code, Some(0));
    world.write("digest/package-lock.json", &npm_lock(&[("lib", &address)]));
    assert_eq!(fetch("digest", &somebody).code, Some(0), "it has what its own registry names");
    world.write("ours/package-lock.json", &npm_lock(&[("lib", &address)]));
    let run = fetch("ours", &home);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(home.count("/lib/-/lib-1.0.0.tgz"), 1, "the home registry's own file was asked for");
}
