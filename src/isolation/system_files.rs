//! The system's files that a run has others in place of, and what stands in those. Pure.

use std::{collections::BTreeSet, net::IpAddr};

/// Which servers programs ask for names.
pub(crate) const RESOLV_CONF: &str = "/etc/resolv.conf";
/// Names that no server is asked for.
pub(crate) const HOSTS: &str = "/etc/hosts";
/// What the C library of GNU asks for names.
pub(crate) const NSSWITCH_CONF: &str = "/etc/nsswitch.conf";
/// Where the kernel tells what this machine is called.
pub(crate) const HOSTNAME: &str = "/proc/sys/kernel/hostname";
/// Folders of the daemon that the C library asks for names before all else; it is in the system's network.
pub(crate) const NAME_CACHES: [&str; 2] = ["/run/nscd", "/var/run/nscd"];

/// Files of all certificates that programs trust: Debian's and Alpine's, Fedora's, SUSE's, OpenSSL's own.
pub(crate) const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The same for Java, of Debian and Fedora.
pub(crate) const JAVA_BUNDLES: [&str; 2] = ["/etc/ssl/certs/java/cacerts", "/etc/pki/ca-trust/extracted/java/cacerts"];

/// In the place of [`RESOLV_CONF`].
pub(crate) const ASK_LOOPBACK: &str = "nameserver 127.0.0.1\n";

/// In the place of [`HOSTS`]: what leads to this machine stays, and so do `localhost` and this machine's own name. `known` are names that are asked for at larder.
pub(crate) fn hosts(text: &str, own_name: &str, known: &BTreeSet<String>) -> String {
    let mut kept = String::new();
    let mut has_localhost = false;
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_ascii_whitespace();
        let Some(address) = words.next().and_then(|word| word.parse::<IpAddr>().ok()) else { continue };
        let names: Vec<&str> = words.filter(|name| !known.contains(&name.to_ascii_lowercase())).collect();
        let address = match address {
            address if address.is_loopback() => address.to_string(),
            // A container's own address is none in the run's network.
            _ if names.contains(&own_name) => "127.0.0.1".to_owned(),
            _ => continue,
        };
        if !names.is_empty() {
            has_localhost |= names.contains(&"localhost");
            kept.extend([&address, "\t", &names.join(" "), "\n"]);
        }
    }
    if !has_localhost {
        kept.insert_str(0, "127.0.0.1\tlocalhost\n");
    }
    kept
}

/// In the place of [`NSSWITCH_CONF`]: names come from the files and from DNS alone. Plug-ins ask daemons, which are in the system's network.
pub(crate) fn nsswitch(text: &str) -> String {
    let others = text.lines().filter(|line| !line.trim_start().starts_with("hosts:"));
    others.chain(["hosts: files dns"]).flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_this_machine_stays_and_the_rest_is_asked_for() {
        let text = "127.0.0.1 localhost Files.example # a comment\n::1 localhost ip6-localhost\n\n# 10.0.0.9 none\n\
            10.0.0.5 registry.example\n172.17.0.2\tbox\n127.0.1.1 app.test\n127.0.0.1 files.example\nnonsense x\n0.0.0.0 ads.example\n";
        let known = ["files.example".to_owned()].into();
        let expected = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n127.0.0.1\tbox\n127.0.1.1\tapp.test\n";
        assert_eq!(hosts(text, "box", &known), expected);
        assert_eq!(hosts("", "box", &known), "127.0.0.1\tlocalhost\n");
    }

    #[test]
    fn names_come_from_files_and_dns() {
        let text = "passwd: files systemd\nhosts:  files resolve [!UNAVAIL=return] mymachines dns\nnetworks: files";
        assert_eq!(nsswitch(text), "passwd: files systemd\nnetworks: files\nhosts: files dns\n");
    }
}
