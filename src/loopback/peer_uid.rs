//! The user check: finds the user at the other end of a loopback connection. The registry has its owner's credentials, so other users of the machine must not read
//! private packages from it.
//!
//! The kernel's table of sockets states the owner of each socket. The other end of an accepted connection is the one established socket that has the connection's two
//! addresses and ports in reverse. A closed socket has no owner: the table then shows root's number for it (`TIME_WAIT` and others), so other states do not count.
//!
//! A socket's owner never changes, so each connection is checked once, when it is accepted.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// Where Linux lists its sockets. A program that talks IPv4 through a socket for IPv6 is in the second one; where there is no IPv6, that one is missing.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// How often the tables are read before a socket that is not there counts as gone: a table changes while it is read, and a row may be missed.
const TRIES: usize = 4;

/// The states of a row, from Linux's `tcp_states.h`.
const ESTABLISHED: u8 = 1;
const LISTENS: u8 = 10;

/// Whether the system tells whose a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PeerCheck {
    /// It tells.
    Available,
    /// There are no tables, or they do not show this server's own socket and so no other either. Every user is answered.
    Unavailable,
}

impl PeerCheck {
    /// Whether the tables show the listening socket of the server at this address.
    pub(super) fn of(server: SocketAddr) -> Self {
        let is_it = |row: &Row| row.own == server && row.state == LISTENS;
        let is_shown = fs::read_to_string(TABLES[0]).is_ok_and(|table| rows(&table).any(|row| is_it(&row)));
        if is_shown { Self::Available } else { Self::Unavailable }
    }

    /// Whether the program at `peer`, which is connected to the server at this address, is run by the server's own user or by root.
    pub(super) fn may_ask(self, peer: SocketAddr, server: SocketAddr) -> bool {
        match self {
            Self::Unavailable => true,
            Self::Available => {
                let row = (0..TRIES).find_map(|_| client_end(&read().ok()?, peer, server));
                row.is_some_and(|row| row.owner == 0 || row.owner == rustix::process::getuid().as_raw())
            }
        }
    }
}

fn read() -> io::Result<[String; 2]> {
    let second = match fs::read_to_string(TABLES[1]) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        read => read.unwrap_or_default(),
    };
    Ok([fs::read_to_string(TABLES[0])?, second])
}

/// The one established socket at `peer` that is connected to `server`.
fn client_end(tables: &[String; 2], peer: SocketAddr, server: SocketAddr) -> Option<Row> {
    let is_it = |row: &Row| row.state == ESTABLISHED && row.own == peer && row.other == server;
    let mut found = tables.iter().flat_map(|table| rows(table)).filter(is_it);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The number of the socket's file at `peer`, of a connection to `server`.
pub(super) fn inode_of(peer: SocketAddr, server: SocketAddr) -> Option<u64> {
    client_end(&read().ok()?, peer, server).map(|row| row.inode)
}

/// A socket: its own address, the other end's, and whose it is.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    own: SocketAddr,
    other: SocketAddr,
    state: u8,
    owner: u32,
    /// The number of the socket's file.
    inode: u64,
}

fn rows(table: &str) -> impl Iterator<Item = Row> {
    table.lines().skip(1).filter_map(row)
}

/// `0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 …`
fn row(line: &str) -> Option<Row> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (own, other) = (address(fields.next()?)?, address(fields.next()?)?);
    let state = u8::from_str_radix(fields.next()?, 16).ok()?;
    let owner = fields.nth(3)?.parse().ok()?;
    Some(Row { own, other, state, owner, inode: fields.nth(1)?.parse().ok()? })
}

/// `0100007F:1F90`. Of an address of IPv6 that stands for one of IPv4, that one.
fn address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let word = |at: usize| {
        let word = address.get(at * 8..at * 8 + 8)?;
        // The kernel writes the address's bytes in their order as one number of this processor.
        Some(u32::from_str_radix(word, 16).ok()?.to_ne_bytes())
    };
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let mut bytes = [0; 16];
            for (place, byte) in bytes.iter_mut().zip(words.iter().flatten()) {
                *place = *byte;
            }
            IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    const HEAD: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
    const LISTENING: &str = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 100 1 0 100 0 0 10 0\n";
    const CONNECTED: &str = "   1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000 65534        0 101 1 0 20 4 30 10 -1\n";
    const SERVERS_END: &str = "   2: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 102 1 0 20 4 30 10 -1\n";

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn asks(rows: &[&str], rows6: &[&str]) -> Option<u32> {
        let table = |rows: &[&str]| format!("{HEAD}{}", rows.concat());
        let row = client_end(&[table(rows), table(rows6)], at("127.0.0.1:50000"), at("127.0.0.1:8080"))?;
        Some(row.owner)
    }

    #[test]
    fn the_owner_of_the_other_end_is_found() {
        assert_eq!(asks(&[LISTENING, CONNECTED, SERVERS_END], &[]), Some(65534));
        assert_eq!(asks(&[LISTENING, SERVERS_END], &[]), None);
        let listening = rows(&format!("{HEAD}{LISTENING}")).next().unwrap();
        assert_eq!((listening.own, listening.state, listening.owner), (at("127.0.0.1:8080"), LISTENS, 1000));
    }

    #[test]
    fn a_socket_of_the_same_ports_at_other_addresses_is_another_one() {
        let decoys =
            [CONNECTED.replace("0100007F:C350", "0101007F:C350"), CONNECTED.replace("0100007F:1F90", "0200007F:1F90")];
        for decoy in decoys {
            let decoy = decoy.replace("65534", "    0");
            assert_eq!(asks(&[&decoy], &[]), None, "{decoy}");
            assert_eq!(asks(&[&decoy, CONNECTED], &[]), Some(65534), "{decoy}");
        }
    }

    #[test]
    fn a_closed_socket_is_nobodys_though_the_table_says_root() {
        for state in ["02", "03", "04", "05", "06", "07", "08", "09", "0A", "0B", "0C"] {
            let closed = CONNECTED.replace(" 01 ", &format!(" {state} ")).replace("65534", "    0");
            assert_eq!(asks(&[&closed], &[]), None, "{state}");
        }
    }

    #[test]
    fn a_socket_for_both_protocols_is_found_and_two_rows_say_nothing() {
        let mapped = "   1: 0000000000000000FFFF00000100007F:C350 0000000000000000FFFF00000100007F:1F90 01 00000000:00000000 00:00000000 00000000 65534 0 101\n";
        assert_eq!(asks(&[LISTENING], &[mapped]), Some(65534));
        assert_eq!(asks(&[CONNECTED], &[mapped]), None);
        let of_ipv6 = mapped.replace("0000FFFF0000", "000000000000");
        assert_eq!(asks(&[], &[&of_ipv6]), None);
    }

    #[test]
    fn a_line_that_is_no_socket_is_passed_over() {
        for line in ["", "x", "1: 0100007F 0100007F:1F90 01", "1: 0100007F:C350 0100007F:1F90 zz 0 0 0 0 0"] {
            assert_eq!(row(line), None, "{line}");
        }
    }
}
