//! What install scripts do under `larder run`: what they keep in npm's cache, and what their failed downloads mean.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{Run, World, finish, packages};

/// A project, and an `npm` that is a shell script.
struct Scripted {
    world: World,
}

impl Scripted {
    fn new() -> Self {
        let world = World::new(&packages(1));
        for name in ["bin", "tmp"] {
            fs::create_dir(world.folder.path().join(name)).unwrap();
        }
        Self { world }
    }

    fn npm(&self, script: &str) {
        let npm = self.world.folder.path().join("bin/npm");
        fs::write(&npm, format!("#!/bin/sh\nset -e\n{script}\n")).unwrap();
        fs::set_permissions(npm, Permissions::from_mode(0o755)).unwrap();
    }

    fn command(&self, command: &[&str]) -> Command {
        let mut larder = self.world.command(&[&["run", "--"], command].concat());
        let folder = self.world.folder.path();
        larder
            .env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", folder.join("bin").display()))
            .env("TMPDIR", folder.join("tmp"));
        larder
    }

    fn run(&self, command: &[&str]) -> Run {
        finish(self.command(command))
    }

    fn own_cache(&self) -> PathBuf {
        self.world.folder.path().join("home/.npm")
    }
}

/// As prebuild-install does: takes what is kept, or downloads it and keeps it.
const PREBUILD: &str = r#"kept=$npm_config_cache/_prebuilds/addon.tar.gz
if [ -f "$kept" ]; then echo "kept: $(cat "$kept")"; exit; fi
mkdir -p "$npm_config_cache/_prebuilds"
echo binary > "$kept.part"
mv "$kept.part" "$kept"
echo downloaded"#;

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn what_an_install_script_keeps_in_npms_cache_is_found_by_the_next_run_and_by_npm_itself() {
    for command in [&["npm", "ci"][..], &["sh", "-c", "npm ci"]] {
        let scripted = Scripted::new();
        scripted.npm(PREBUILD);
        assert_eq!(scripted.run(command).out, "downloaded\n");
        let kept = scripted.own_cache().join("_prebuilds/addon.tar.gz");
        assert_eq!(fs::read_to_string(&kept).unwrap(), "binary\n", "npm without larder finds it");
        assert_eq!(scripted.run(command).out, "kept: binary\n");
        let names: Vec<_> =
            fs::read_dir(scripted.own_cache()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["_prebuilds"], "what the store gives is not copied there");
        assert!(is_empty(&scripted.world.folder.path().join("tmp")));
    }
}

#[test]
fn what_npm_kept_before_is_found_and_never_overwritten() {
    let scripted = Scripted::new();
    fs::create_dir_all(scripted.own_cache().join("_prebuilds")).unwrap();
    fs::write(scripted.own_cache().join("_prebuilds/addon.tar.gz"), "older").unwrap();
    fs::create_dir_all(scripted.own_cache().join("_cacache")).unwrap();
    scripted.npm(PREBUILD);
    assert_eq!(scripted.run(&["npm", "ci"]).out, "kept: older\n");
    // Another run brings a file of the same name while this one is at work.
    let own = scripted.own_cache();
    scripted.npm(&format!(
        "mkdir \"$npm_config_cache/node-sass\"; echo ours > \"$npm_config_cache/node-sass/binding.node\"; \
         mkdir '{0}/node-sass'; echo theirs > '{0}/node-sass/binding.node'",
        own.display()
    ));
    let run = scripted.run(&["npm", "ci"]);
    assert_eq!((run.code, &*run.err.replace('\n', " ")), (Some(0), ""), "{run:?}");
    assert_eq!(fs::read_to_string(own.join("node-sass/binding.node")).unwrap(), "theirs\n");
}

#[test]
fn what_a_script_kept_crosses_to_another_filesystem_and_outlives_a_failed_command() {
    let memory = fs::read_to_string("/proc/mounts").unwrap_or_default();
    if !memory.contains(" /dev/shm tmpfs ") {
        return;
    }
    let scripted = Scripted::new();
    scripted.npm(&format!("case $npm_config_cache in /dev/shm/*) ;; *) exit 9 ;; esac\n{PREBUILD}\nexit 7"));
    let mut command = scripted.command(&["npm", "ci"]);
    command.env_remove("TMPDIR");
    let run = finish(command);
    assert_eq!(run.code, Some(7), "{run:?}");
    let kept = fs::read_dir(scripted.own_cache().join("_prebuilds")).unwrap().count();
    assert_eq!((kept, fs::read_dir(scripted.own_cache()).unwrap().count()), (1, 1));
}

#[test]
fn what_a_script_kept_is_there_in_the_next_build_step_whose_store_is_in_a_mount() {
    let scripted = Scripted::new();
    let Ok(mount) = tempfile::tempdir_in("/dev/shm") else { return };
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    if device(mount.path()) == device(scripted.world.folder.path()) {
        return;
    }
    scripted.npm(PREBUILD);
    let step = || {
        // Each step begins with the folders of its image.
        let _ = fs::remove_dir_all(scripted.own_cache());
        let mut command = scripted.command(&["npm", "ci"]);
        command.env("LARDER_STORE", mount.path().join("store"));
        finish(command)
    };
    assert_eq!(step().out, "downloaded\n");
    assert!(scripted.own_cache().join("_prebuilds/addon.tar.gz").is_file(), "npm itself finds it, too");
    assert_eq!(step().out, "kept: binary\n");
    fs::set_permissions(mount.path().join("store/script-cache"), Permissions::from_mode(0o777)).unwrap();
    let run = step();
    assert_eq!((run.code, &*run.out), (Some(0), "downloaded\n"), "others could have written there: {run:?}");
}

#[test]
fn the_cache_that_npm_is_configured_with_is_the_one_that_keeps() {
    let scripted = Scripted::new();
    scripted.npm(PREBUILD);
    let elsewhere = scripted.world.folder.path().join("elsewhere");
    let mut command = scripted.command(&["npm", "ci"]);
    command.env("NPM_CONFIG_CACHE", &elsewhere);
    assert_eq!(finish(command).out, "downloaded\n");
    assert!(elsewhere.join("_prebuilds/addon.tar.gz").is_file() && !scripted.own_cache().exists());
}

#[test]
fn an_install_script_that_could_not_download_is_named_with_what_it_would_need() {
    let scripted = Scripted::new();
    scripted.npm(
        r#"mkdir -p "$npm_config_logs_dir"
cat > "$npm_config_logs_dir/2026-11-26T00_00_00_000Z-debug-0.log" <<'LOG'
18 info run cypress@15.3.0 postinstall node_modules/cypress node dist/index.js --exec install
20 verbose stack Error: command failed
21 verbose pkgid cypress@15.3.0
22 error code 1
23 error path /app/node_modules/cypress
24 error command failed
25 error command sh -c node dist/index.js --exec install
26 error Error: getaddrinfo ENOTFOUND files.registry.example
LOG
exit 1"#,
    );
    for command in [&["npm", "ci"][..], &["sh", "-c", "npm ci"]] {
        let run = scripted.run(command);
        assert_eq!(run.code, Some(1), "{run:?}");
        let said = "error: cypress 15.3.0: its install script could not reach files.registry.example (ENOTFOUND)\n  \
                    larder.lock does not have what it downloads, so larder does not store it\n";
        assert!(run.err.contains(said), "{run:?}");
        let hint = "hint: record it where there is a network (`larder record -- npm ci`), or run it where files.registry.example can be reached, name a mirror with CYPRESS_DOWNLOAD_MIRROR, \
                    or leave cypress's download out with CYPRESS_INSTALL_BINARY=0";
        assert!(run.err.contains(hint), "{run:?}");
    }
}
