//! Several configurations at once: whose files are read, and which lockfile's packages they are for.

use larder_test_server::{Reply, Server};

use crate::support::{Package, World, finish, tarball};

#[test]
fn what_another_manager_left_in_the_folder_is_not_read() {
    let package = Package::new("p", "bytes");
    let entry = format!(r#"{{"version": "1.0.0", "integrity": "{}"}}"#, package.integrity());
    let npm = format!(r#"{{"lockfileVersion": 3, "packages": {{"": {{}}, "node_modules/p": {entry}}}}}"#);
    let yarn_1 = format!(
        "# yarn lockfile v1\n\n\np@1.0.0:\n  version \"1.0.0\"\n  resolved \"https://registry.example/p/-/p-1.0.0.tgz\"\n  integrity {}\n",
        package.integrity()
    );
    for (lockfile, text) in [("package-lock.json", npm), ("yarn.lock", yarn_1)] {
        let world = World::new(&[]);
        world.write(&format!("app/{lockfile}"), &text);
        world.write("app/larder.toml", &format!("lockfiles = [\"{lockfile}\"]\n"));
        if lockfile != "yarn.lock" {
            world.write("app/yarn.lock", "");
        }
        world.write("app/.yarnrc.yml", "npmScopes: {corp: [npmRegistryServer]}\n");
        world.write("app/.npmrc", &format!("registry={}\nreplace-registry-host=always\n", world.server.url("/own/")));
        world.server.on("/own/p/-/p-1.0.0.tgz", Reply::body("bytes"));
        let mut command = world.command(&["fetch", "app"]);
        command.env_remove("npm_config_registry").env_remove("npm_config_replace_registry_host");
        let run = finish(command);
        assert_eq!(run.code, Some(0), "{lockfile}: {run:?}");
    }
}

#[test]
fn each_lockfiles_own_configuration_replaces_the_address_that_a_registry_states() {
    let world = World::new(&[]);
    let registries = [Server::start(), Server::start()];
    for ((folder, name), registry) in [("one", "a"), ("two", "b")].into_iter().zip(&registries) {
        let lock = format!(
            r#"{{"lockfileVersion": 3, "packages": {{"": {{}}, "node_modules/{name}": {{"version": "1.0.0"}}}}}}"#
        );
        world.write(&format!("app/{folder}/package-lock.json"), &lock);
        world.write(
            &format!("app/{folder}/.npmrc"),
            &format!("registry={}\nreplace-registry-host=files.example\n", registry.url("/")),
        );
        let tarball_of = format!("https://files.example/files/{name}.tgz");
        registry.on(
            &format!("/{name}"),
            Reply::body(format!(r#"{{"versions": {{"1.0.0": {{"dist": {{"tarball": "{tarball_of}"}}}}}}}}"#)),
        );
        registry.on(&format!("/files/{name}.tgz"), Reply::body(tarball(name, "bytes")));
    }
    world.write("app/larder.toml", "lockfiles = [\"one/package-lock.json\", \"two/package-lock.json\"]\n");
    let mut command = world.command(&["fetch", "app"]);
    command.env_remove("npm_config_registry").env_remove("npm_config_replace_registry_host");
    let run = finish(command);
    assert_eq!(run.code, Some(0), "{run:?}");
    for (registry, name) in registries.iter().zip(["a", "b"]) {
        let path = format!("/files/{name}.tgz");
        assert_eq!(registry.requests().iter().filter(|request| request.path == path).count(), 1, "{name}");
    }
}
