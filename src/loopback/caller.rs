//! [`Caller`]: who is at the other end of a connection, for those who want to know more than its user.

use std::{fs, net::SocketAddr, path::Path};

use super::peer_uid;

/// A longer environment is not looked at, bytes.
const LONGEST_ENVIRONMENT: u64 = 4 << 20;

/// The other end of a connection. Each request has it in its extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(super) peer: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) is_checked: bool,
}

impl Caller {
    /// Whether it is known to be of the server's own user.
    pub(crate) const fn is_checked(self) -> bool {
        self.is_checked
    }

    /// The environment with which the program at the other end was started: `NAME=value`, each ended by a zero byte. `None` where the system does not tell. Reads each
    /// process of the user's: some milliseconds.
    pub(crate) fn environment(self) -> Option<Vec<u8>> {
        let socket = format!("socket:[{}]", peer_uid::inode_of(self.peer, self.server)?);
        let processes = fs::read_dir("/proc").ok()?.flatten();
        let mut numbered = processes.map(|entry| entry.path()).filter(|path| is_process(path));
        let process = numbered.find(|process| has_open(process, &socket))?;
        let file = fs::File::open(process.join("environ")).ok()?;
        let mut environment = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(file, LONGEST_ENVIRONMENT), &mut environment).ok()?;
        Some(environment)
    }
}

fn is_process(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
}

fn has_open(process: &Path, socket: &str) -> bool {
    let files = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    files.filter_map(|file| fs::read_link(file.path()).ok()).any(|target| target.as_os_str() == socket)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_program_at_the_other_end_is_found_by_its_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (_server, peer) = listener.accept().unwrap();
        let caller = Caller { peer, server: listener.local_addr().unwrap(), is_checked: true };
        let own = fs::read("/proc/self/environ").unwrap();
        assert_eq!(caller.environment(), Some(own));
        drop(client);
        assert_eq!(caller.environment(), None);
    }
}
