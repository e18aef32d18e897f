//! `larder run --isolate`: what the command finds in a network of its own, what is said where that cannot be had, and what is left. (What programs get there by their own
//! ways of asking is tried with real ones: `tests/clients/replay/isolate.sh`.)

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::support::{Run, World, can_unshare, finish, packages};

/// A world whose store holds its one package.
fn world() -> World {
    let world = World::new(&packages(1));
    assert_eq!(finish(world.command(&["fetch"])).code, Some(0));
    world
}

/// An isolated run of a shell script, with variables that lead to a proxy.
fn isolated(world: &World, script: &str) -> Run {
    let inner = world.command(&["run", "--offline", "--isolate", "--", "sh", "-c", script]);
    let mut command = Command::new("sh");
    command.args(["-c", "umask 077; exec \"$@\"", "sh"]).arg(inner.get_program()).args(inner.get_args());
    command.env_clear().current_dir(world.project());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    for name in ["HTTPS_PROXY", "http_proxy", "NO_PROXY", "npm_config_https-proxy"] {
        command.env(name, "http://proxy.example:3128");
    }
    command.env("TMPDIR", world.folder.path());
    finish(command)
}

/// The files that an isolated run has others in place of.
fn of_the_system() -> Vec<Option<Vec<u8>>> {
    ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"].iter().map(|path| fs::read(path).ok()).collect()
}

#[test]
fn an_isolated_run_makes_no_request() {
    let world = World::new(&packages(1));
    let run = finish(world.command(&["run", "--isolate", "--", "true"]));
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.err.contains("--offline"), "{run:?}");
}

#[test]
fn in_a_network_of_its_own_a_command_finds_loopback_alone_and_no_proxy() {
    if !can_unshare(&["--user", "--map-root-user", "--net", "--mount"], "isolation::in_a_network_of_its_own") {
        return;
    }
    let (world, before) = (world(), of_the_system());
    let run = isolated(
        &world,
        "id -u; id -g; sed 1,2d /proc/net/dev | cut -d : -f 1 | tr -d ' '; cat /etc/resolv.conf; stat -c %a /etc/resolv.conf; grep -c localhost /etc/hosts >/dev/null && echo hosts
        env | grep -i _proxy= | cut -d = -f 1; test -s \"$SSL_CERT_FILE\" && grep -q CERTIFICATE \"$NODE_EXTRA_CA_CERTS\" && echo certificates; touch its-file; exit 7",
    );
    let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    assert_eq!(run.out, format!("{user}\n{group}\nlo\nnameserver 127.0.0.1\n644\nhosts\ncertificates\n"), "{run:?}");
    assert_eq!(run.code, Some(7), "{run:?}");
    assert!(world.project().join("its-file").exists());
    assert_eq!(of_the_system(), before, "outside, nothing has changed");
    let left =
        fs::read_dir(world.folder.path()).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name.starts_with("larder-run-")).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn an_isolated_command_that_a_signal_ends_is_told_as_any_other() {
    if !can_unshare(&["--user", "--map-root-user", "--net", "--mount"], "isolation::an_isolated_command") {
        return;
    }
    let run = isolated(&world(), "kill -TERM $$");
    assert_eq!(run.code, Some(143), "{run:?}");
    assert!(run.err.contains("error: sh was ended by signal 15 (SIGTERM)"), "{run:?}");
}

/// A user namespace may forbid others below it; without the rights of root, that is where they would be.
#[test]
fn where_namespaces_cannot_be_had_what_has_to_be_set_is_said_and_nothing_starts() {
    let has_setpriv =
        Command::new("setpriv").arg("--version").stdout(Stdio::null()).status().is_ok_and(|it| it.success());
    if !has_setpriv || !can_unshare(&["--user", "--map-root-user"], "isolation::where_namespaces_cannot_be_had") {
        return;
    }
    let world = world();
    let inner = world.command(&["run", "--offline", "--isolate", "--", "touch", "started"]);
    let script = "echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all \"$@\"";
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "sh", "-c", script, "sh"])
        .arg(inner.get_program())
        .args(inner.get_args());
    command.env_clear().current_dir(world.project());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let run = finish(command);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("error: this system refuses --isolate namespaces of its own\n  caused by: "), "{run:?}");
    assert!(run.err.contains("sysctl user.max_user_namespaces=15000"), "{run:?}");
    assert!(!world.project().join("started").exists());
}
