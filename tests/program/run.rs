//! `larder run`: what the command finds, and what is left when it has ended.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use larder_store::digest::{Algorithm, BlobId, Digest};

use crate::{
    pyodide::{Pyodide, distributed},
    support::{Package, Run, World, can_unshare, finish, in_mount_namespace, packages},
};

/// A world whose PATH begins with a folder for stand-ins, and whose temporary files have a folder of their own.
struct Bench {
    world: World,
}

impl Bench {
    fn new(packages: &[Package]) -> Self {
        Self::of(World::new(packages))
    }

    fn of(world: World) -> Self {
        for name in ["bin", "tmp"] {
            std::fs::create_dir(world.folder.path().join(name)).unwrap();
        }
        Self { world }
    }

    /// A program of that name: a shell script.
    fn program(&self, name: &str, script: &str) {
        let path = self.world.folder.path().join("bin").join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(arguments);
        let folder = self.world.folder.path();
        command
            .env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", folder.join("bin").display()))
            .env("TMPDIR", folder.join("tmp"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        finish(self.command(&[&["run"], arguments].concat()))
    }

    fn left_behind(&self) -> usize {
        std::fs::read_dir(self.world.folder.path().join("tmp")).unwrap().count()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.world.project().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    fn blob(&self, package: &Package) -> PathBuf {
        let blob = BlobId::of(&package.bytes).to_string();
        self.world.store().join(format!("blobs/{}/{}", &blob[..2], &blob[2..]))
    }

    /// Turns a bit of a package's blob over.
    fn damage(&self, package: &Package) {
        let path = self.blob(package);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[10] ^= 1;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
}

fn wait_for(path: &Path) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !path.exists() {
        assert!(Instant::now() < deadline, "{} does not come", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap().success());
}

fn spawn(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn npm_finds_every_tarball_by_its_digest_in_a_cache_of_links() {
    let some = packages(3);
    let bench = Bench::new(&some);
    bench.program("npm", "env > env; cp -R \"$npm_config_cache\" cache; echo out of npm; exit 7");
    let run = bench.run(&["--", "npm", "ci", "--omit", "dev"]);
    assert_eq!((run.code, run.out.as_str()), (Some(7), "out of npm\n"), "{run:?}");
    let environment = bench.read("env");
    assert!(environment.contains("\nnpm_config_prefer_offline=true\n"), "{environment}");
    assert!(!environment.contains("npm_config_registry=http://127.0.0.1:0"), "{environment}");
    for package in &some {
        let hex = Digest::of(Algorithm::Sha512, &package.bytes).to_hex();
        let content = format!("cache/_cacache/content-v2/sha512/{}/{}/{}", &hex[..2], &hex[2..4], &hex[4..]);
        assert_eq!(std::fs::read_link(bench.file(&content)).unwrap(), bench.blob(package));
    }
    assert_eq!(bench.left_behind(), 0);

    bench.world.server.forget();
    assert_eq!(bench.run(&["--offline", "--", "npm", "ci"]).code, Some(7));
    assert!(bench.read("env").contains("\nnpm_config_offline=true\n"));
    assert!(bench.world.server.requests().is_empty());
}

#[test]
fn npm_waits_for_no_wheel_and_what_could_install_one_does() {
    let project = Pyodide::new(&[("numpy", "2.2.5", &[])]);
    project.ask(&["numpy"], "");
    project.lock();
    let wheel = format!("/dist/{}", distributed("numpy", "2.2.5").0);
    let bench = Bench::of(project.world);
    bench.world.server.forget();
    bench.program("npm", "echo installed");
    let run = bench.run(&["--", "npm", "ci"]);
    assert_eq!((run.code, run.out.as_str(), bench.world.server.count(&wheel)), (Some(0), "installed\n", 0), "{run:?}");
    let view = finish(bench.command(&["view", "npm-cache", "cache"]));
    assert_eq!((view.code, bench.world.server.count(&wheel)), (Some(0), 0), "{view:?}");
    let run = bench.run(&["--", "sh", "-c", "npm ci"]);
    assert_eq!((run.code, bench.world.server.count(&wheel)), (Some(0), 1), "{run:?}");
}

#[test]
fn a_variable_that_says_otherwise_in_capitals_does_not_reach_npm() {
    let bench = Bench::new(&packages(1));
    bench.program("npm", "env > env");
    let mut command = bench.command(&["run", "--", "npm", "ci"]);
    command.env("NPM_CONFIG_CACHE", "/elsewhere").env("npm_config_prefer_online", "true");
    assert_eq!(finish(command).code, Some(0));
    let environment = bench.read("env");
    assert!(!environment.contains("/elsewhere") && !environment.contains("prefer_online"), "{environment}");
}

#[test]
fn without_a_folder_for_temporary_files_a_run_of_npm_ci_is_in_memory_where_there_is_such_a_place() {
    let bench = Bench::new(&packages(2));
    bench.program("npm", "echo $npm_config_cache");
    let place = |arguments: &[&str]| {
        let mut command = bench.command(&[&["run"], arguments].concat());
        command.env_remove("TMPDIR");
        let run = finish(command);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(!Path::new(run.out.trim()).exists(), "it is gone: {run:?}");
        run.out
    };
    let memory = std::fs::read_to_string("/proc/mounts").unwrap();
    let memory = if memory.contains(" /dev/shm tmpfs ") { "/dev/shm/larder-run-" } else { "/tmp/larder-run-" };
    assert!(place(&["--", "npm", "ci"]).starts_with(memory));
    assert!(place(&["--offline", "--", "npm", "install"]).starts_with(memory));
    assert!(place(&["--", "npm", "exec", "thing"]).starts_with("/tmp/larder-run-"), "npm may put anything there");
}

#[test]
fn what_npm_writes_again_into_its_cache_is_not_for_a_small_filesystem_in_memory() {
    if !can_unshare(&["--user", "--map-root-user", "--mount"], "what_npm_writes_again_into_its_cache") {
        return;
    }
    let large = |name: &str| Package::new(name, larder_test_server::noise(7, 400_000));
    for (package, expected) in
        [(large("a"), "/dev/shm/larder-run-"), (large("a").with("resolved", ""), "/tmp/larder-run-")]
    {
        let bench = Bench::new(&[package]);
        bench.program("npm", "echo $npm_config_cache");
        let programs = bench.world.folder.path().join("bin");
        let script = format!(
            "mount -t tmpfs -o size=300k none /dev/shm; PATH={}:$PATH \"$LARDER\" run -- npm ci",
            programs.display()
        );
        let run = in_mount_namespace(&bench.world, &script);
        assert!(run.code == Some(0) && run.out.starts_with(expected), "{expected}: {run:?}");
    }
}

#[test]
fn what_cannot_be_run_has_the_exit_code_that_a_shell_gives_it() {
    let bench = Bench::new(&packages(1));
    std::fs::write(bench.file("text"), "").unwrap();
    let run = bench.run(&["--", "no-such-program"]);
    assert_eq!(run.code, Some(127), "{run:?}");
    assert!(run.err.contains("error: no-such-program: there is no such program"), "{run:?}");
    let run = bench.run(&["--", "./text"]);
    assert_eq!(run.code, Some(126), "{run:?}");
    assert!(run.err.contains("error: ./text cannot be run\n  caused by: Permission denied"), "{run:?}");
    assert_eq!(bench.left_behind(), 0);
}

#[test]
fn a_command_that_a_signal_ends_is_told_and_gives_128_and_its_number() {
    let bench = Bench::new(&packages(1));
    let run = bench.run(&["--", "sh", "-c", "kill -KILL $$"]);
    assert_eq!(run.code, Some(137), "{run:?}");
    assert!(run.err.contains("error: sh was ended by signal 9 (SIGKILL)"), "{run:?}");
    assert_eq!(bench.left_behind(), 0);
}

#[test]
fn what_is_missing_is_fetched_before_the_command_starts_or_named_where_that_is_forbidden() {
    let some = packages(4);
    let bench = Bench::new(&some);
    bench.program("npm", "touch started");
    let run = bench.run(&["--offline", "--color", "never", "--", "npm", "ci"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("error: 4 packages: not in the store, and --offline forbids fetching it\n"), "{run:?}");
    for package in &some {
        assert!(run.err.contains(&format!("  {} 1.0.0: wanted by package-lock.json: ", package.name)), "{run:?}");
    }
    assert!(!bench.file("started").exists(), "npm must not fail in its middle");
    let run = bench.run(&["--", "npm", "ci"]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "{run:?}");
    assert!(run.err.contains("fetched 4 artifacts"), "{run:?}");
    assert!(bench.file("started").exists());
}

#[test]
fn a_damaged_blob_is_fetched_again_or_named_before_the_command_starts() {
    let some = packages(3);
    let bench = Bench::new(&some);
    bench.program("npm", "echo started >> started");
    assert_eq!(bench.run(&["--", "npm", "ci"]).code, Some(0));
    bench.damage(&some[1]);
    let run = bench.run(&["--offline", "--color", "never", "--", "npm", "ci"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.err.contains("error: package-1 1.0.0: its blob ") && run.err.contains(" is damaged\n"), "{run:?}");
    assert!(run.err.contains("wanted by package-lock.json: node_modules/package-1"), "{run:?}");
    assert_eq!(bench.read("started"), "started\n");

    bench.damage(&some[2]);
    let run = bench.run(&["--color", "never", "--", "npm", "ci"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(bench.read("started"), "started\nstarted\n");
    assert_eq!(std::fs::read(bench.blob(&some[1])).unwrap(), some[1].bytes);
    bench.damage(&some[0]);
    let run = bench.run(&["--color", "never", "--", "npm", "ci"]);
    assert!(run.err.contains("warning: package-0 1.0.0: its blob was damaged, and was fetched again"), "{run:?}");
    assert_eq!(bench.world.run(&["verify"]).code, Some(0));
}

#[test]
fn npms_not_cached_is_explained_and_its_log_kept() {
    let some = packages(2);
    let bench = Bench::new(&some);
    bench.program(
        "npm",
        r#"mkdir -p "$npm_config_logs_dir"
tail="failed: cache mode is 'only-if-cached' but no cached response is available."
{ echo "9 error request to ${npm_config_registry}other/-/other-2.0.0.tgz $tail"
  echo "10 error request to ${npm_config_registry}package-0/-/package-0-1.0.0.tgz $tail"
  echo "11 error request to ${npm_config_registry}other/-/other-2.0.0.tgz $tail"; } > "$npm_config_logs_dir/x-debug-0.log"
rm -r "$npm_config_cache/_cacache/content-v2"
exit 1"#,
    );
    let run = bench.run(&["--color", "never", "--", "npm", "ci"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let expected = "\
error: npm asked for [registry]/other/-/other-2.0.0.tgz, which no lockfile of the project names
error: package-0 1.0.0: npm found other bytes than the lockfile states, and dropped them
  wanted by package-lock.json: node_modules/package-0

hint: `npm install --package-lock-only` brings";
    assert!(bench.world.plain(&run.err).contains(expected), "{}", bench.world.plain(&run.err));
    let kept = bench.world.folder.path().join("home/.npm/_logs/x-debug-0.log");
    assert!(kept.exists() && run.err.contains("npm's log is kept as "), "{run:?}");
}

#[test]
fn a_signal_for_larder_alone_reaches_the_command() {
    let bench = Bench::new(&packages(1));
    for (name, code) in [("TERM", 31), ("HUP", 32), ("INT", 33), ("USR1", 34)] {
        let script = format!("trap 'exit {code}' {name}; touch ready-{name}; while :; do sleep 0.02; done");
        let child = spawn(bench.command(&["run", "--", "sh", "-c", &script]));
        wait_for(&bench.file(&format!("ready-{name}")));
        signal(child.id(), name);
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(code), "{name}");
    }
    assert_eq!(bench.left_behind(), 0);
}

#[test]
fn ctrl_c_on_the_terminal_reaches_the_command_once() {
    let bench = Bench::new(&packages(1));
    bench.program(
        "counts",
        "trap 'echo INT >> signals' INT; touch ready; until [ -e done ]; do sleep 0.02; done; [ -t 0 ] && exit 5",
    );
    let larder = format!("exec {} run -- counts", crate::support::program().display());
    let inner = bench.command(&[]);
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &larder, "/dev/null"]).env_clear().current_dir(bench.world.project());
    terminal.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let Ok(mut terminal) = terminal.stdin(Stdio::piped()).stdout(Stdio::null()).spawn() else { return };
    wait_for(&bench.file("ready"));
    std::io::Write::write_all(terminal.stdin.as_mut().unwrap(), b"\x03").unwrap();
    wait_for(&bench.file("signals"));
    // A second one would have been sent on by now.
    std::thread::sleep(Duration::from_millis(200));
    std::fs::write(bench.file("done"), "").unwrap();
    assert_eq!(terminal.wait().unwrap().code(), Some(5), "the command had a terminal, and larder its exit code");
    assert_eq!(bench.read("signals"), "INT\n");
    assert_eq!(bench.left_behind(), 0);
}

#[test]
fn what_a_killed_run_left_goes_with_the_next_run_once_its_command_has_ended() {
    let bench = Bench::new(&packages(1));
    let script = "trap 'exit 0' TERM; echo $$ > pid; while :; do sleep 0.02; done";
    let mut child = spawn(bench.command(&["run", "--", "sh", "-c", script]));
    wait_for(&bench.file("pid"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(bench.run(&["--", "true"]).code, Some(0));
    assert_eq!(bench.left_behind(), 1, "the command of the killed run uses its folder still");
    let deadline = Instant::now() + Duration::from_secs(20);
    let pid: u32 = loop {
        // The file is there before what is in it.
        match bench.read("pid").trim().parse() {
            Ok(pid) => break pid,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    };
    signal(pid, "TERM");
    while bench.left_behind() > 0 {
        assert!(Instant::now() < deadline, "it is never swept");
        assert_eq!(bench.run(&["--", "true"]).code, Some(0));
    }
}

#[test]
fn ten_runs_at_once_fetch_once_and_leave_nothing() {
    let some = packages(30);
    let bench = Bench::new(&some);
    bench.program("npm", "find \"$npm_config_cache\" -type l | wc -l");
    let mut children: Vec<(bool, Child)> = Vec::new();
    for number in 0..10 {
        let is_npm = number % 2 == 0;
        let command: &[&str] = if is_npm { &["npm", "ci"] } else { &["sh", "-c", "echo $npm_config_registry"] };
        children.push((is_npm, spawn(bench.command(&[&["run", "--quiet", "--"], command].concat()))));
    }
    let mut registries = Vec::new();
    for (is_npm, child) in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        if is_npm {
            assert_eq!(text.trim(), "30", "{text}");
        } else {
            registries.push(text.trim().trim_start_matches("http://").trim_end_matches('/').to_owned());
        }
    }
    assert!(some.iter().all(|package| bench.world.server.count(&package.path()) == 1));
    assert!(registries.iter().all(|address| std::net::TcpStream::connect(address).is_err()), "{registries:?}");
    assert_eq!(bench.left_behind(), 0);
}

#[test]
fn a_store_on_a_read_only_mount_feeds_a_command_and_says_what_it_lacks() {
    const MOUNT: [&str; 3] = ["--user", "--map-root-user", "--mount"];
    if !can_unshare(&MOUNT, "a_store_on_a_read_only_mount") {
        return;
    }
    let some = packages(3);
    let world = World::new(&some);
    world.lock(&some[..2]);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let read_only = "mount --bind $STORE $STORE; mount -o remount,bind,ro $STORE; ";
    let command = "\"$LARDER\" run -- sh -c 'find \"$npm_config_cache\" -type l -exec cat {} + | wc -c'";
    let run = in_mount_namespace(&world, &format!("{read_only} {command}"));
    let bytes: usize = some[..2].iter().map(|package| package.bytes.len()).sum();
    assert_eq!((run.code, run.out.trim()), (Some(0), bytes.to_string().as_str()), "{run:?}");

    world.lock(&some);
    let run = in_mount_namespace(&world, &format!("{read_only} \"$LARDER\" run --color never -- touch started"));
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.err.contains("cannot be written\n\nhint: it is on a read-only place"), "{run:?}");
    assert!(!world.project().join("started").exists());
}

#[test]
fn npm_12s_gates_are_told_before_it_fails() {
    let elsewhere =
        Package::new("elsewhere", "a").with("resolved", "\"http://127.0.0.1:1/elsewhere/-/elsewhere-1.0.0.tgz\"");
    let git = Package::new("widgets", "b")
        .with("resolved", "\"git+ssh://git@github.com/owner/widgets.git#0123456789012345678901234567890123456789\"")
        .with("integrity", "");
    let bench = Bench::new(&[]);
    bench.world.lock(&[elsewhere, git]);
    let module = bench.world.folder.path().join("lib/npm");
    std::fs::create_dir_all(module.join("bin")).unwrap();
    std::fs::write(module.join("bin/npm-cli.js"), "#!/bin/sh\n").unwrap();
    std::os::unix::fs::symlink(module.join("bin/npm-cli.js"), bench.world.folder.path().join("bin/npm")).unwrap();
    for (version, is_told) in [("11.9.0", false), ("12.0.1", true)] {
        std::fs::write(module.join("package.json"), format!("{{\"name\": \"npm\", \"version\": \"{version}\"}}"))
            .unwrap();
        let run = bench.run(&["--offline", "--color", "never", "--", "npm", "ci"]);
        assert_eq!(run.code, Some(1), "{run:?}");
        let gates = [
            "warning: npm 12 refuses widgets 1.0.0 (EALLOWGIT): it comes from git\n  wanted by package-lock.json: node_modules/widgets",
            "warning: npm 12 refuses elsewhere 1.0.0 (EALLOWREMOTE): its address is on 127.0.0.1:1, which is not the configured registry",
            "replace-registry-host=always",
            "allow-git=all",
        ];
        for gate in gates {
            assert_eq!(run.err.contains(gate), is_told, "{version}: {gate}: {run:?}");
        }
    }
}
