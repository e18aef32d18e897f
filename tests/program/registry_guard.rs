//! Who may ask the registry on loopback, and that nobody can keep it from answering.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::Command,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, getuid, setrlimit};
use tokio::net::TcpSocket;

use crate::{
    registry::Served,
    support::{Package, World, packages, skipped},
};

/// What the test that is another user is told: the registry's address.
const REGISTRY: &str = "LARDER_TEST_REGISTRY";
const ANOTHER_USER: &str = "registry_guard::as_another_user";

/// Connects from an address and a port of its own.
async fn connect(from: SocketAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(from)?;
    let stream = socket.connect(to).await?.into_std()?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Leaves a closed connection behind from `from` to port `port` of another address of loopback: the kernel says that it is root's.
async fn leave_closed(from: SocketAddr, port: u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    let other = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), port));
    socket.bind(other).unwrap();
    let listener = socket.listen(8).unwrap();
    let (client, accepted) = tokio::join!(connect(from, other), listener.accept());
    let mut accepted = accepted.unwrap().0.into_std().unwrap();
    accepted.set_nonblocking(false).unwrap();
    // Who closes first keeps the state.
    drop(client.unwrap());
    assert_eq!(accepted.read(&mut [0]).unwrap(), 0);
}

#[test]
#[ignore = "another test runs it as another user"]
#[expect(clippy::print_stdout, reason = "the test that runs it reads what is printed")]
fn as_another_user() {
    let Some(registry) = std::env::var_os(REGISTRY) else { return };
    let registry: SocketAddr = registry.to_str().unwrap().parse().unwrap();
    runtime().block_on(async {
        for number in 1..=8_u8 {
            let port = 40_000 + u16::from(number) * 7;
            leave_closed((Ipv4Addr::new(127, 0, 1, number), port).into(), registry.port()).await;
            let mut stream = connect((Ipv4Addr::new(127, 0, 2, number), port).into(), registry).await.unwrap();
            write!(stream, "GET /package-0 HTTP/1.1\r\nHost: {registry}\r\nConnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            println!("answer: {}", answer.lines().next().unwrap_or_default());
        }
    });
}

#[test]
fn another_user_gets_nothing_whatever_closed_sockets_lie_about() {
    if !getuid().is_root() {
        return skipped("another_user_gets_nothing", "only root can be another user");
    }
    let world = World::new(&packages(1));
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let served = Served::start(&world, &[]);
    // Where another user may read it.
    let test = world.folder.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &test).unwrap();
    std::fs::set_permissions(world.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(test);
    command.args(["--exact", ANOTHER_USER, "--ignored", "--nocapture"]).env(REGISTRY, &served.host).current_dir("/");
    let output = command.uid(65534).gid(65534).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<&str> = said.lines().filter_map(|line| line.split_once("answer: ")).map(|(_, it)| it).collect();
    assert_eq!(answers, ["HTTP/1.1 403 Forbidden"; 8], "{said}");
    assert_eq!(served.get("/package-0").status, 200, "its own user");
    served.stop();
}

#[test]
fn many_who_do_not_read_what_they_asked_for_keep_nobody_waiting() {
    const SLOW: usize = 600;
    let files = getrlimit(Resource::Nofile);
    let wanted = Some(4096.min(files.maximum.unwrap_or(4096)));
    setrlimit(Resource::Nofile, Rlimit { current: wanted, ..files }).unwrap();
    let large = Package::new("large", larder_test_server::noise(1, 6_000_000));
    let small = packages(1).remove(0);
    let world = World::new(&[large.clone(), small.clone()]);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let served = Served::start(&world, &["--offline"]);
    let address: SocketAddr = served.host.parse().unwrap();
    let slow: Vec<TcpStream> = runtime().block_on(async {
        let mut slow = Vec::new();
        for _ in 0..SLOW {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4096).unwrap();
            let mut stream = socket.connect(address).await.unwrap().into_std().unwrap();
            stream.set_nonblocking(false).unwrap();
            write!(stream, "GET {} HTTP/1.1\r\nHost: {address}\r\n\r\n", large.path()).unwrap();
            slow.push(stream);
        }
        slow
    });
    // Each has its answer's beginning, so each body is being sent.
    for mut stream in &slow {
        stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        stream.read_exact(&mut [0; 12]).unwrap();
    }
    for package in [&small, &large] {
        assert_eq!(served.get(&package.path()).body, package.bytes, "{}", package.name);
    }
    drop(slow);
    served.stop();
}
