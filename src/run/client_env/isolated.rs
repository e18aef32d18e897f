//! The environment of a command in a network of its own: no proxy, and certificates for the programs that do not read the system's. Pure.

use std::{ffi::OsString, path::Path};

use super::proxy::REPLACING;

/// Whether a variable is about a proxy, in any spelling: `HTTPS_PROXY`, `npm_config_https-proxy`, `YARN_HTTP_PROXY`, `NO_PROXY`, `GLOBAL_AGENT_NO_PROXY`.
pub(crate) fn is_of_proxies(name: &str) -> bool {
    let plain = name.to_lowercase().replace('-', "_");
    plain.ends_with("_proxy") || matches!(&*plain, "npm_config_noproxy" | "pnpm_config_noproxy")
}

/// Variables to set, after all others. `added` is a file with the certificate of the run's authority and those that the user adds to node's, `all` one with all that are
/// trusted.
pub(crate) fn variables(added: &Path, all: &Path) -> Vec<(OsString, OsString)> {
    let replacing = REPLACING.iter().map(|name| (name.into(), all.into()));
    [("NODE_EXTRA_CA_CERTS".into(), added.into())].into_iter().chain(replacing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_of_a_proxy_and_each_program_is_told_of_the_certificate() {
        for name in
            ["HTTPS_PROXY", "http_proxy", "npm_config_https-proxy", "NPM_CONFIG_NOPROXY", "YARN_HTTP_PROXY", "no_proxy"]
        {
            assert!(is_of_proxies(name), "{name}");
        }
        for name in ["PROXY_PASSWORD_FILE", "npm_config_registry", "PATH"] {
            assert!(!is_of_proxies(name), "{name}");
        }
        let set = variables(Path::new("/added.pem"), Path::new("/all.pem"));
        assert!(set.iter().all(|(name, _)| !is_of_proxies(&name.to_string_lossy())));
        assert!(set.contains(&("NODE_EXTRA_CA_CERTS".into(), "/added.pem".into())));
        assert!(set.contains(&("SSL_CERT_FILE".into(), "/all.pem".into())));
    }
}
