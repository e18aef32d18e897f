//! Where the hosts that a run asks for are in its network: names at one address, addresses at themselves. Pure.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use url::Host;

use crate::core::local_name::is_local_name;

/// The address of every name in a run's network. It is one of those for documentation (RFC 5737), so no server has it; one of loopback's would not do: the C library tells
/// programs that ask for usable addresses that there is no IPv4, and the command's own servers on loopback keep their ports.
pub(crate) const EVERY_HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Ports that are listened on in any case.
const PORTS: [u16; 2] = [80, 443];

/// Where the hosts are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// Names that lead to [`EVERY_HOST`], whatever the system says of them.
    pub(crate) names: BTreeSet<String>,
    /// Addresses that loopback needs beside its own and that one.
    pub(crate) addresses: BTreeSet<IpAddr>,
    /// Where to listen.
    pub(crate) sockets: BTreeSet<SocketAddr>,
}

impl Places {
    /// The places of these hosts and ports.
    pub(crate) fn of(origins: impl IntoIterator<Item = (Host, u16)>) -> Self {
        let mut places = Self { sockets: PORTS.map(|port| (EVERY_HOST, port).into()).into(), ..Self::default() };
        for (host, port) in origins {
            let address = match host {
                Host::Domain(name) if is_local_name(&name) => Ipv4Addr::LOCALHOST.into(),
                Host::Domain(name) => {
                    places.names.insert(name.to_ascii_lowercase());
                    EVERY_HOST.into()
                }
                Host::Ipv4(address) => IpAddr::from(address),
                Host::Ipv6(address) => IpAddr::from(address),
            };
            if !address.is_loopback() && address != EVERY_HOST {
                places.addresses.insert(address);
            }
            places.sockets.insert((address, port).into());
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_at_one_address_and_addresses_at_themselves() {
        let host = |text: &str| Host::parse(text).unwrap();
        let places = Places::of([
            (host("files.example"), 443),
            (host("files.example"), 8443),
            (host("10.0.0.5"), 4873),
            (host("[fd00::1]"), 443),
            (host("localhost"), 4874),
            (host("127.0.0.1"), 4875),
        ]);
        assert_eq!(places.names, ["files.example".to_owned()].into());
        assert_eq!(places.addresses, ["10.0.0.5", "fd00::1"].map(|text| text.parse().unwrap()).into());
        let sockets = [
            "192.0.2.1:80",
            "192.0.2.1:443",
            "192.0.2.1:8443",
            "10.0.0.5:4873",
            "[fd00::1]:443",
            "127.0.0.1:4874",
            "127.0.0.1:4875",
        ];
        assert_eq!(places.sockets, sockets.map(|text| text.parse().unwrap()).into());
    }
}
