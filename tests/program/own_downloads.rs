//! What is said of packages that download files themselves, before they do.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    process::Command,
};

use crate::{
    context::view,
    support::{Package, Run, World, finish, packages},
};

const CYPRESS: &str = "warning: cypress 13.17.0 downloads a file when it is installed, and larder.lock does not have it: larder does not store it
  wanted by package-lock.json: node_modules/cypress

hint: `larder lock` writes the rows of such downloads to larder.lock, and `larder record -- COMMAND` those of whatever COMMAND downloads
hint: cypress: run it where download.cypress.io can be reached, name a mirror with CYPRESS_DOWNLOAD_MIRROR, or leave cypress's download out with CYPRESS_INSTALL_BINARY=0
";

fn cypress() -> Package {
    Package::new("cypress", "cypress").with("version", "\"13.17.0\"").with("dev", "true")
}

/// A project with cypress, which is for development, and a package that downloads nothing.
fn world() -> World {
    World::new(&[cypress(), packages(1).remove(0)])
}

/// An npm of this version that does nothing.
fn npm(world: &World, version: &str) {
    let folder = world.folder.path().join("lib/npm");
    fs::create_dir_all(folder.join("bin")).unwrap();
    fs::create_dir_all(world.folder.path().join("bin")).unwrap();
    fs::write(folder.join("package.json"), format!(r#"{{"name": "npm", "version": "{version}"}}"#)).unwrap();
    let program = folder.join("bin/npm-cli.js");
    fs::write(&program, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(program, world.folder.path().join("bin/npm")).unwrap();
}

fn run_command(world: &World, arguments: &[&str]) -> Command {
    let mut larder = world.command(&[&["run"], arguments].concat());
    larder.env("PATH", format!("{}:/usr/bin:/bin", world.folder.path().join("bin").display()));
    larder
}

/// How often it is said.
fn said(run: &Run, text: &str) -> usize {
    assert_eq!(run.code, Some(0), "{run:?}");
    run.err.matches(text).count()
}

#[test]
fn each_command_says_once_what_a_package_will_download() {
    let world = world();
    npm(&world, "11.6.2");
    for run in [
        world.run(&["plan"]),
        world.run(&["fetch"]),
        view(&world, &[]),
        finish(run_command(&world, &["--", "npm", "ci"])),
        finish(run_command(&world, &["--offline", "--", "sh", "-c", "npm ci"])),
    ] {
        assert_eq!((said(&run, CYPRESS), said(&run, "downloads a file")), (1, 1), "{}", run.err);
    }
    let json = world.run(&["plan", "--json"]);
    assert_eq!(said(&json, CYPRESS), 1);
    serde_json::from_str::<serde_json::Value>(&json.out).unwrap();
    for option in ["--digest", "--quiet"] {
        let run = world.run(&["plan", option]);
        assert_eq!((run.code, &*run.err), (Some(0), ""), "{option}");
    }
}

#[test]
fn what_is_left_out_is_not_spoken_of() {
    let world = world();
    npm(&world, "11.6.2");
    let is_silent = |run: &Run| said(run, "download") == 0;
    assert!(is_silent(&world.run(&["fetch", "--omit", "dev"])));
    assert!(is_silent(&view(&world, &["--omit", "dev"])));
    assert!(is_silent(&finish(run_command(&world, &["--omit", "dev", "--", "npm", "ci"]))));
    // The package reads a variable, and settings of npm's.
    for arguments in [&["plan"][..], &["fetch"]] {
        let mut command = world.command(arguments);
        command.env("CYPRESS_INSTALL_BINARY", "0");
        assert!(is_silent(&finish(command)));
    }
    world.write(".npmrc", "cypress_install_binary=0\n");
    assert!(is_silent(&world.run(&["plan"])));
    assert!(is_silent(&finish(run_command(&world, &["--", "npm", "ci"]))));
    world.write(".npmrc", "cypress_install_binary=13.0.0\n");
    assert!(!is_silent(&world.run(&["plan"])));
    world.write(".npmrc", "");
    world.write("larder.toml", "omit = [\"dev\"]\n");
    assert!(is_silent(&world.run(&["plan"])));
    assert!(is_silent(&World::new(&packages(3)).run(&["plan"])), "no such package");
}

#[test]
fn a_package_for_one_platform_counts_for_that_alone() {
    let world = World::new(&[Package::new("onnxruntime-node", "onnx").with("version", "\"1.21.0\"")]);
    let fetch = |platform| world.run(&["fetch", "--platform", platform]);
    assert_eq!(
        said(&fetch("linux/amd64"), "warning: onnxruntime-node 1.21.0 downloads a file when it is installed"),
        1
    );
    assert_eq!(said(&fetch("linux/arm64"), "onnxruntime-node"), 0);
}

#[test]
fn run_says_what_its_package_manager_does_with_install_scripts() {
    let world = world();
    npm(&world, "12.0.1");
    let run = finish(run_command(&world, &["--", "npm", "ci"]));
    let allowed = "warning: cypress 13.17.0 downloads a file if its install script is allowed to run (npm 12 runs no others), or else at an explicit step or at its first use, and larder.lock does not have it";
    assert_eq!(said(&run, allowed), 1, "{run:?}");
    let off = "warning: cypress 13.17.0 downloads a file at an explicit step or at its first use, since install scripts are turned off, and larder.lock does";
    assert_eq!(said(&finish(run_command(&world, &["--", "npm", "ci", "--ignore-scripts"])), off), 1);
    world.write(".npmrc", "ignore-scripts=true\n");
    assert_eq!(said(&finish(run_command(&world, &["--", "npm", "ci"])), off), 1);
}

#[test]
fn what_a_project_says_of_install_scripts_is_told_with_each_lockfile() {
    let off = "cypress 13.17.0 downloads a file at an explicit step or at its first use, since install scripts are turned off";
    let runs = "cypress 13.17.0 downloads a file when it is installed";
    let allowed = "cypress 13.17.0 downloads a file if its install script is allowed to run";
    let world = World::new(&[]);
    fs::remove_file(world.project().join("package-lock.json")).unwrap();
    let told = |text: &str| {
        let run = world.run(&["plan"]);
        assert_eq!((said(&run, text), said(&run, "cypress 13.17.0 downloads")), (1, 1), "{text}\n{}", run.err);
    };
    world.write(
        "pnpm-lock.yaml",
        "lockfileVersion: '9.0'\npackages:\n  cypress@13.17.0: {resolution: {integrity: ''}}\n",
    );
    told(runs);
    world.write("pnpm-workspace.yaml", "ignoreScripts: true\n");
    told(off);
    // Another manager's lockfile beside it: one of the two installs.
    world.write("bun.lock", "{\"lockfileVersion\": 1, \"workspaces\": {\"\": {}}, \"packages\": {\"cypress\": [\"cypress@13.17.0\", \"\", {}, \"\"]}}\n");
    told(allowed);
    world.write("package.json", "{\"trustedDependencies\": [\"cypress\"]}\n");
    told(runs);
    world.write("bunfig.toml", "[install]\nignoreScripts = true\n");
    told(off);
    for file in ["pnpm-lock.yaml", "bun.lock"] {
        fs::remove_file(world.project().join(file)).unwrap();
    }
    world.write(
        "yarn.lock",
        "__metadata:\n  version: 8\n\n\"cypress@npm:13\":\n  version: 13.17.0\n  resolution: \"cypress@npm:13.17.0\"\n",
    );
    told(runs);
    world.write(".yarnrc.yml", "enableScripts: false\n");
    told(off);
    world.write("package.json", "{\"dependenciesMeta\": {\"cypress\": {\"built\": true}}}\n");
    told(runs);
}

#[test]
fn downloads_at_first_use_and_by_a_command_are_told_as_such() {
    let package = |name, version: &str| Package::new(name, name).with("version", &format!("\"{version}\""));
    let addon = package("my-addon", "1.0.0")
        .with("hasInstallScript", "true")
        .with("dependencies", r#"{"prebuild-install": "^7.0.0"}"#);
    let world = World::new(&[
        package("@playwright/test", "1.65.1"),
        package("electron", "45.3.4"),
        addon,
        package("playwright", "1.65.1"),
        package("playwright-core", "1.65.1"),
        package("prebuild-install", "7.1.3"),
    ]);
    let run = world.run(&["plan"]);
    assert_eq!(run.err.matches("warning: ").count(), 3, "{}", run.err);
    for text in [
        "warning: @playwright/test 1.65.1 downloads files with `playwright install`, and larder.lock does not have them: larder does not store them\n",
        "warning: electron 45.3.4 downloads a file when it is first used, and larder.lock does not have it: larder does not store it\n",
        "warning: my-addon 1.0.0 downloads a file when it is installed, and larder.lock does not have it: larder does not store it\n",
        "hint: my-addon: run it where that server can be reached, or name a mirror with npm_config_my_addon_binary_host\n",
    ] {
        assert!(run.err.contains(text), "{text}{}", run.err);
    }
}

#[test]
fn many_packages_are_counted() {
    let nested = |number: u64| {
        let name = format!("package-{number}/node_modules/cypress");
        Package::new(&name, name.as_str()).with("version", &format!("\"13.0.{number}\""))
    };
    let world = World::new(&(0..13).map(nested).collect::<Vec<_>>());
    let run = world.run(&["plan"]);
    assert_eq!((said(&run, "warning: cypress"), said(&run, "hint: ")), (10, 10), "{}", run.err);
    assert_eq!(said(&run, "warning: and 3 more like that\n"), 1);
}

#[test]
fn a_recorded_browser_says_nothing_of_another() {
    let package = |name: &str| Package::new(name, name).with("version", "\"1.49.0\"");
    let world = World::new(&["@playwright/browser-chromium", "@playwright/browser-firefox"].map(package));
    let row = format!(
        "version = 2\n\n[[download]]\nurl = \"https://files.registry.example/chromium.zip\"\nsha256 = \"{}\"\nsize = 1\nby = [\"@playwright/browser-chromium@1.49.0\"]\ntrust = \"first-use\"\n",
        "0".repeat(64)
    );
    world.write("larder.lock", &row);
    let run = world.run(&["plan"]);
    assert_eq!(
        (said(&run, "browser-firefox 1.49.0 downloads"), said(&run, "browser-chromium 1.49.0 downloads")),
        (1, 0)
    );
}

#[test]
fn a_package_whose_file_larder_lock_names_is_not_told() {
    let here = |extra: &str| format!("by = [\"cypress@13.17.0\"]\n{extra}");
    for (host, row, count) in [
        ("files.registry.example", here(""), 0),
        ("files.registry.example", here("os = \"aix\"\n"), 1),
        ("files.registry.example", "by = [\"cypress@13.16.0\"]\n".to_owned(), 1),
        ("files.registry.example", "by = [\"script:install\"]\n".to_owned(), 1),
        ("download.cypress.io", "by = [\"script:install\"]\n".to_owned(), 0),
    ] {
        let world = world();
        let row = format!(
            "version = 2\n\n[[download]]\nurl = \"https://{host}/desktop/13.17.0?platform=linux\"\nsha256 = \"{}\"\nsize = 1\n{row}trust = \"first-use\"\n",
            "0".repeat(64)
        );
        world.write("larder.lock", &row);
        assert_eq!(said(&world.run(&["plan"]), "downloads a file when it is installed"), count, "{row}");
    }
}
