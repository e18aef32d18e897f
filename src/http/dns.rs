//! A DNS client without the C library, whose plug-ins a static binary cannot load: `localhost`, then `/etc/hosts`, then the name servers of
//! `/etc/resolv.conf` with its search domains, as resolv.conf(5) has them. `/etc/nsswitch.conf` is not read.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
};

use hickory_resolver::{
    TokioResolver,
    config::{LookupIpStrategy, ResolveHosts, ResolverConfig, ResolverOpts, ServerOrderingStrategy},
    net::{NetError, runtime::TokioRuntimeProvider},
    system_conf::parse_resolv_conf,
};

use crate::core::local_name::is_local_name;

const HOSTS: &str = "/etc/hosts";
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Looks up host names.
pub(super) struct DnsClient {
    hosts: String,
    /// `None` if no file names one.
    servers: Option<TokioResolver>,
}

impl DnsClient {
    /// What this machine's files say. A file that cannot be read says nothing.
    pub(super) fn system() -> io::Result<Self> {
        let read = |path: &str| {
            std::fs::read(path).unwrap_or_else(|error| {
                tracing::debug!(path, %error, "a file that says how names are looked up cannot be read");
                Vec::new()
            })
        };
        let servers = parse_resolv_conf(read(RESOLV_CONF)).map_err(|error| tracing::debug!(%error, "no name server"));
        Self::new(&read(HOSTS), servers.ok())
    }

    fn new(hosts: &[u8], servers: Option<(ResolverConfig, ResolverOpts)>) -> io::Result<Self> {
        let servers = servers.map(|(config, options)| resolver(config, options)).transpose()?;
        Ok(Self { hosts: String::from_utf8_lossy(hosts).into_owned(), servers })
    }

    /// The addresses of a host, those that can be reached first; the port is 0.
    pub(super) async fn look_up(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        let mut addresses = self.in_hosts_file(host);
        if addresses.is_empty() {
            let servers = self.servers.as_ref().ok_or_else(no_name_server)?;
            addresses = servers.lookup_ip(host).await.map_err(|error| failure(&error))?.iter().collect();
        }
        // The order of RFC 6724 as far as it matters: what this machine has no way to goes last.
        addresses.sort_by_key(|address| !has_route(*address));
        addresses.dedup();
        Ok(addresses.into_iter().map(|address| (address, 0).into()).collect())
    }

    fn in_hosts_file(&self, host: &str) -> Vec<IpAddr> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let listed: Vec<IpAddr> = self.hosts.lines().filter_map(|line| address_of(&host, line)).collect();
        if listed.is_empty() && is_local_name(&host) {
            return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        listed
    }
}

fn resolver(config: ResolverConfig, mut options: ResolverOpts) -> io::Result<TokioResolver> {
    options.ip_strategy = LookupIpStrategy::Ipv6AndIpv4;
    // One after another, in the file's order, as the C library does: the first may know names that the others do not.
    options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    options.num_concurrent_reqs = 1;
    // A name that the file has for one kind of address alone is not asked for on the network: it is read here.
    options.use_hosts_file = ResolveHosts::Never;
    // Answers are kept by who asks.
    options.cache_size = 0;
    let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    builder.with_options(options).build().map_err(io::Error::other)
}

// The C library would ask this machine itself. There is a name server on few, and on the others the user would wait.
fn no_name_server() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{HOSTS} does not have it, and {RESOLV_CONF} names no name server"))
}

fn failure(error: &NetError) -> io::Error {
    match error {
        NetError::Timeout => io::Error::new(io::ErrorKind::TimedOut, "no name server answered"),
        NetError::NoConnections => io::Error::new(io::ErrorKind::NotConnected, "no name server can be reached"),
        error if error.is_no_records_found() => {
            io::Error::new(io::ErrorKind::NotFound, "the name server knows no address of it")
        }
        error => io::Error::other(error.to_string()),
    }
}

/// The address of a line of `/etc/hosts` that has this name.
fn address_of(host: &str, line: &str) -> Option<IpAddr> {
    let mut words = line.split('#').next()?.split_whitespace();
    let address = words.next()?.parse().ok()?;
    words.any(|name| name.trim_end_matches('.').eq_ignore_ascii_case(host)).then_some(address)
}

/// Whether the system would send something there. Nothing is sent.
fn has_route(address: IpAddr) -> bool {
    let from: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    UdpSocket::bind((from, 0)).and_then(|socket| socket.connect((address, 53))).is_ok()
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    use hickory_resolver::config::{ConnectionConfig, NameServerConfig};

    use super::*;

    const HOSTS_FILE: &[u8] = b"# a comment\n127.0.0.2 registry.example  Mirror.Example # mirror2.example\n\
        ::5 mirror.example\nnot-an-address broken.example\n\xff\n127.0.0.3\tone.localhost\n";

    /// A name server that knows `known.corp.example` and counts who asks for what; it never answers for `silent.example`.
    fn name_server() -> (u16, Arc<Mutex<Vec<String>>>) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((len, from)) = socket.recv_from(&mut buffer) {
                let (name, kind, question) = question(&buffer[..len]);
                log.lock().unwrap().push(format!("{name} {kind}"));
                if name == "silent.example." {
                    continue;
                }
                let data: Option<Vec<u8>> = match (name.as_str(), kind) {
                    ("known.corp.example.", 1) => Some(vec![127, 0, 0, 9]),
                    ("known.corp.example.", 28) => Some(Ipv6Addr::LOCALHOST.octets().to_vec()),
                    _ => None,
                };
                let code = if data.is_some() { 0x80 } else { 0x83 };
                let mut reply = [&buffer[..2], &[0x81, code, 0, 1, 0, u8::from(data.is_some()), 0, 0, 0, 0]].concat();
                reply.extend_from_slice(question);
                if let Some(data) = data {
                    // The question's name, its kind, the class IN, a minute.
                    reply.extend_from_slice(&[0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0]);
                    reply.push(u8::try_from(data.len()).unwrap());
                    reply.extend(data);
                }
                socket.send_to(&reply, from).unwrap();
            }
        });
        (port, asked)
    }

    fn question(message: &[u8]) -> (String, u8, &[u8]) {
        let mut at = 12;
        let mut name = String::new();
        while message[at] > 0 {
            let end = at + 1 + usize::from(message[at]);
            name.push_str(std::str::from_utf8(&message[at + 1..end]).unwrap());
            name.push('.');
            at = end;
        }
        (name.to_ascii_lowercase(), message[at + 2], &message[12..at + 5])
    }

    fn dns_client(port: u16, resolv_conf: &str) -> DnsClient {
        let (config, mut options) = parse_resolv_conf(resolv_conf).unwrap();
        options.timeout = Duration::from_millis(200);
        options.attempts = 1;
        let mut connection = ConnectionConfig::udp();
        connection.port = port;
        let server = NameServerConfig::new(Ipv4Addr::LOCALHOST.into(), true, vec![connection]);
        let config = ResolverConfig::from_parts(None, config.search().to_vec(), vec![server]);
        DnsClient::new(HOSTS_FILE, Some((config, options))).unwrap()
    }

    fn ips(addresses: &[SocketAddr]) -> Vec<String> {
        let mut ips: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
        ips.sort();
        ips
    }

    #[tokio::test]
    async fn what_is_known_here_is_not_asked_for() {
        let (port, asked) = name_server();
        let dns = dns_client(port, "nameserver 127.0.0.1\n");
        for (host, expected) in [
            ("registry.example", &["127.0.0.2"][..]),
            ("REGISTRY.example.", &["127.0.0.2"]),
            ("mirror.example", &["127.0.0.2", "::5"]),
            ("localhost", &["127.0.0.1", "::1"]),
            ("any.localhost", &["127.0.0.1", "::1"]),
            ("one.localhost", &["127.0.0.3"]),
        ] {
            assert_eq!(ips(&dns.look_up(host).await.unwrap()), expected, "{host}");
        }
        assert_eq!(*asked.lock().unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn asks_the_name_server_for_both_kinds_and_goes_through_the_search_domains() {
        let (port, asked) = name_server();
        let dns = dns_client(port, "nameserver 127.0.0.1\nsearch example corp.example\n");
        assert_eq!(ips(&dns.look_up("known").await.unwrap()), ["127.0.0.9", "::1"]);
        assert_eq!(ips(&dns.look_up("known.corp.example").await.unwrap()), ["127.0.0.9", "::1"]);
        let mut asked = asked.lock().unwrap().clone();
        asked.sort();
        asked.dedup();
        assert_eq!(asked, ["known.corp.example. 1", "known.corp.example. 28", "known.example. 1", "known.example. 28"]);
    }

    #[tokio::test]
    async fn a_name_that_nobody_knows_and_a_server_that_is_silent_are_told_apart() {
        let (port, _) = name_server();
        let dns = dns_client(port, "nameserver 127.0.0.1\n");
        let unknown = dns.look_up("mirror2.example").await.unwrap_err();
        assert_eq!(unknown.kind(), io::ErrorKind::NotFound);
        assert_eq!(unknown.to_string(), "the name server knows no address of it");
        let silent = dns.look_up("silent.example").await.unwrap_err();
        assert_eq!(silent.to_string(), "no name server answered");
    }

    #[tokio::test]
    async fn knows_localhost_without_any_file() {
        let dns = DnsClient::new(b"", None).unwrap();
        assert_eq!(ips(&dns.look_up("localhost").await.unwrap()), ["127.0.0.1", "::1"]);
        let unknown = dns.look_up("registry.example").await.unwrap_err().to_string();
        assert_eq!(unknown, "/etc/hosts does not have it, and /etc/resolv.conf names no name server");
        assert!(DnsClient::system().is_ok());
    }
}
