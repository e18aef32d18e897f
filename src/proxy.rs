//! A forward proxy on loopback, for one run of a command: it serves the addresses that the run knows from the store, whatever host they are on. Without a network it refuses the
//! rest; with one it passes the rest on, and tells a recorder of it, if there is one. It knows addresses and a source of bytes, and nothing of package managers.
//!
//! ```text
//! CONNECT host:port ── this machine, or with a network a host of which nothing is known? ── yes ─▶ a tunnel whose bytes nobody looks at
//!                                    └─ no ──▶ opened: TLS by the authority, HTTP/1.1 inside ─▶ source ─▶ answer: file │ refusal
//! GET http://…  ─────────────────────────────────────────────────▶ source, as inside          └─▶ link: the server itself ─▶ recorder
//! ```
//!
//! Without a network nothing leaves the machine. With one, what is passed on goes the way that it would go without the proxy, with the headers and credentials that the
//! client sends, and the server has to prove who it is. With a recorder, every public host is opened. In a network of the run's own, [`ByName`] takes the place of the proxy: there,
//! names themselves lead to it.
//!
//! Who may ask: processes of the own user (see [`loopback`](crate::loopback)) that have the password in the proxy's address, which the run's command alone is given. The
//! authority's key is in memory alone. A refusal is a response inside TLS with status 404 and the reason as its phrase: a refused `CONNECT` makes some clients end
//! without a word, and other statuses make them try for minutes.

mod answer;
mod authority;
mod beyond;
mod by_name;
mod error;
mod link;
mod opened;
mod pass_on;
mod password;
mod recorder;
mod requests;
mod service;
mod source;
mod tally;

use std::{net::TcpStream, sync::Arc, time::Duration};

use jiff::Timestamp;

use self::service::ProxyService;
pub(crate) use self::{
    beyond::{Beyond, PassOn},
    by_name::{ByName, Listening},
    error::ProxyError,
    recorder::{Exchange, Recorder, SeenBody},
    source::{Answer, ServedFile, Source},
    tally::ProxyReport,
};
use crate::loopback::LoopbackServer;

/// How long a connection on loopback may take.
const REACH: Duration = Duration::from_secs(2);

/// A proxy that runs until this value is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    server: LoopbackServer,
    shared: Arc<requests::Shared>,
}

impl Proxy {
    /// Starts serving on a free port of 127.0.0.1.
    pub(crate) fn start(source: Box<dyn Source>, beyond: Beyond, now: Timestamp) -> Result<Self, ProxyError> {
        let shared = requests::Shared::new(source, beyond, now)?;
        let service = |_| ProxyService(Arc::clone(&shared));
        let server = LoopbackServer::start(0, "larder-proxy", service).map_err(ProxyError::Listen)?;
        // In a new network namespace, loopback is down: the command would only see that its proxy is gone.
        TcpStream::connect_timeout(&server.address(), REACH).map_err(ProxyError::Unreachable)?;
        Ok(Self { server, shared })
    }

    /// Its address, with the password: `http://larder:<password>@127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}@{}", self.shared.password.userinfo(), self.server.address())
    }

    /// The certificate that the run's clients have to trust, PEM.
    pub(crate) fn certificate(&self) -> &str {
        self.shared.authority.pem()
    }

    /// What it did so far; it is told once.
    pub(crate) fn report(&self) -> ProxyReport {
        self.shared.tally.take()
    }
}

#[cfg(test)]
mod tests;
