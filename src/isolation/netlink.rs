//! Loopback and its addresses, by messages to the kernel (rtnetlink(7)): images for builds often have no `ip`.

use std::{io, net::IpAddr};

use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, netlink::SocketAddrNetlink, recv, sendto,
    socket_with,
};

/// Loopback is the first interface of every network namespace.
const LOOPBACK: u32 = 1;

/// The family of messages about interfaces, which is number 0.
const NETLINK_ROUTE: Option<Protocol> = None;

// From Linux's netlink.h, rtnetlink.h, if.h and if_addr.h.
const NLMSG_ERROR: u16 = 2;
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_ACK: u16 = 0x4;
const NLM_F_REPLACE: u16 = 0x100;
const NLM_F_CREATE: u16 = 0x400;
const IFF_UP: u32 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
/// Nobody is asked whether an address of IPv6 is taken.
const IFA_F_NODAD: u8 = 2;
const AF_UNSPEC: u8 = 0;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// A message's header, and the answer to it with an error's number.
const HEADER: usize = 16;
const ANSWER: usize = HEADER + 4;

/// Turns loopback on; it then has its own addresses.
pub(super) fn loopback_up() -> io::Result<()> {
    ask(&up())
}

/// Gives loopback another address. One that it has already stays.
pub(super) fn add_address(address: IpAddr) -> io::Result<()> {
    ask(&new_address(address))
}

fn ask(message: &[u8]) -> io::Result<()> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, NETLINK_ROUTE)?;
    sendto(&socket, message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0; 4096];
    let (len, _) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
    read(&answer[..len])
}

/// Reads the answer: an error's number, negative; 0 says that it is done.
fn read(answer: &[u8]) -> io::Result<()> {
    let unreadable = || io::Error::new(io::ErrorKind::InvalidData, "the kernel's answer cannot be read");
    let kind = answer.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
    let number = answer.get(HEADER..ANSWER).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    match (kind, number) {
        (Some(NLMSG_ERROR), Some(0)) => Ok(()),
        (Some(NLMSG_ERROR), Some(number)) => Err(io::Error::from_raw_os_error(number.wrapping_neg())),
        _ => Err(unreadable()),
    }
}

/// `struct ifinfomsg`: family, type, index, flags, and which flags change.
fn up() -> Vec<u8> {
    let mut body = vec![AF_UNSPEC, 0];
    body.extend_from_slice(&0_u16.to_ne_bytes());
    for word in [LOOPBACK, IFF_UP, IFF_UP] {
        body.extend_from_slice(&word.to_ne_bytes());
    }
    message(RTM_NEWLINK, 0, &body)
}

/// `struct ifaddrmsg`: family, length of the prefix, flags, scope and index; then the address, twice, as attributes.
fn new_address(address: IpAddr) -> Vec<u8> {
    let (family, flags, bytes) = match address {
        IpAddr::V4(address) => (AF_INET, 0, address.octets().to_vec()),
        IpAddr::V6(address) => (AF_INET6, IFA_F_NODAD, address.octets().to_vec()),
    };
    let bits = bytes.len() * 8;
    let mut body = vec![family, u8::try_from(bits).expect("an address has 128 bits at most"), flags, 0];
    body.extend_from_slice(&LOOPBACK.to_ne_bytes());
    for kind in [IFA_LOCAL, IFA_ADDRESS] {
        let len = u16::try_from(4 + bytes.len()).expect("an address has 16 bytes at most");
        body.extend_from_slice(&len.to_ne_bytes());
        body.extend_from_slice(&kind.to_ne_bytes());
        body.extend_from_slice(&bytes);
    }
    message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &body)
}

/// `struct nlmsghdr`: length, type, flags, number, sender; then the body.
fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(HEADER + body.len()).expect("these bodies are short");
    let mut message = len.to_ne_bytes().to_vec();
    message.extend_from_slice(&kind.to_ne_bytes());
    message.extend_from_slice(&(NLM_F_REQUEST | NLM_F_ACK | flags).to_ne_bytes());
    message.extend_from_slice(&1_u32.to_ne_bytes());
    message.extend_from_slice(&0_u32.to_ne_bytes());
    message.extend_from_slice(body);
    message
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    #[test]
    fn the_messages_are_those_that_ip_sends() {
        // `ip link set lo up`
        let up_by_ip = [
            32, 0, 0, 0, 16, 0, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, // the header
            0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0,
        ];
        assert_eq!(up(), up_by_ip);
        // `ip address replace 192.0.2.1 dev lo`
        let address_by_ip = [
            40, 0, 0, 0, 20, 0, 5, 5, 1, 0, 0, 0, 0, 0, 0, 0, // the header
            2, 32, 0, 0, 1, 0, 0, 0, // the interface
            8, 0, 2, 0, 192, 0, 2, 1, 8, 0, 1, 0, 192, 0, 2, 1,
        ];
        assert_eq!(new_address("192.0.2.1".parse().unwrap()), address_by_ip);
        let six = new_address("fd00::1".parse().unwrap());
        assert_eq!((six.len(), &six[16..24], six[0]), (64, &[10, 128, 2, 0, 1, 0, 0, 0][..], 64));
    }

    #[test]
    fn an_answer_is_a_number_of_an_error_or_nothing() {
        let answer = |kind: u16, number: i32| {
            let mut bytes = message(kind, 0, &number.to_ne_bytes());
            bytes.extend_from_slice(&[0; 16]);
            read(&bytes).map_err(|error| (error.kind(), error.raw_os_error()))
        };
        assert_eq!(answer(NLMSG_ERROR, 0), Ok(()));
        assert_eq!(answer(NLMSG_ERROR, -1), Err((io::ErrorKind::PermissionDenied, Some(1))));
        assert_eq!(answer(RTM_NEWLINK, 0), Err((io::ErrorKind::InvalidData, None)));
        assert_eq!(read(&[0; 5]).map_err(|error| error.kind()), Err(io::ErrorKind::InvalidData));
    }
}
