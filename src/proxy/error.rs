//! Why the proxy does not run.

use std::{io, net::SocketAddr};

use super::authority;

/// Why the proxy does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ProxyError {
    /// There is no certificate authority.
    #[error(transparent)]
    Authority(#[from] authority::AuthorityError),
    /// It cannot listen.
    #[error("the proxy cannot listen on 127.0.0.1")]
    Listen(#[source] io::Error),
    /// Nobody can reach it.
    #[error("the proxy on 127.0.0.1 cannot be reached: the loopback interface seems to be down")]
    Unreachable(#[source] io::Error),
    /// It cannot listen in the run's own network.
    #[error("cannot listen on {address} in the run's network")]
    ListenAt {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}
