//! Who is at the other end of a connection on loopback: other users of the machine must not read private packages from a registry that has its owner's
//! credentials.

use std::{fs, net::SocketAddr};

/// Where Linux lists its sockets: each line has the socket's own address, the other end's, and, as the eighth field, its owner.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// Whether the program at `peer`, which is connected to this server, is run by the server's own user or by root. Where the system does not tell, everybody may ask.
pub(super) fn may_ask(peer: SocketAddr, server: SocketAddr) -> bool {
    let tables: Vec<String> = TABLES.iter().filter_map(|table| fs::read_to_string(table).ok()).collect();
    // A table in which the server itself is not says nothing of others either.
    let is_told = tables.iter().any(|table| owner(table, server.port(), None).is_some());
    if !is_told {
        return true;
    }
    let owner = tables.iter().find_map(|table| owner(table, peer.port(), Some(server.port())));
    owner.is_some_and(|owner| owner == 0 || owner == rustix::process::getuid().as_raw())
}

/// Who owns the socket of this port that is connected to the other port, or, without one, that listens.
fn owner(table: &str, port: u16, other: Option<u16>) -> Option<u32> {
    let (own_end, other_end) = (format!(":{port:04X}"), format!(":{:04X}", other.unwrap_or(0)));
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let is_it = fields.get(1)?.ends_with(&own_end) && fields.get(2)?.ends_with(&other_end);
        if is_it { fields.get(7)?.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 100 1 0 100 0 0 10 0
   1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000 65534        0 101 1 0 20 4 30 10 -1
   2: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 102 1 0 20 4 30 10 -1
";

    #[test]
    fn the_owner_of_each_end_is_found() {
        assert_eq!(owner(TABLE, 8080, None), Some(1000), "who listens");
        assert_eq!(owner(TABLE, 50000, Some(8080)), Some(65534), "who has connected");
        assert_eq!(owner(TABLE, 50001, Some(8080)), None);
    }
}
