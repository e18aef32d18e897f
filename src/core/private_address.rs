//! Addresses of this machine and of networks that others do not share.

use std::net::IpAddr;

/// Whether an address is of this machine, or of a network that others do not share.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(it) => {
            let [first, second, ..] = it.octets();
            // RFC 6598: carriers' own networks.
            let is_shared = first == 100 && (64..128).contains(&second);
            it.is_loopback() || it.is_private() || it.is_link_local() || it.is_unspecified() || is_shared
        }
        IpAddr::V6(it) => it.is_loopback() || it.is_unspecified() || it.is_unique_local() || it.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_cannot_reach_is_private_also_in_the_clothes_of_ipv6() {
        for address in [
            "127.0.0.9",
            "10.9.8.7",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "::",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_private(address.parse().unwrap()), "{address}");
        }
        for address in ["198.51.100.1", "100.63.0.1", "2001:db8::1", "::ffff:198.51.100.1"] {
            assert!(!is_private(address.parse().unwrap()), "{address}");
        }
    }
}
