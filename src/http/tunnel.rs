//! [`Tunnels`]: connections whose bytes are not looked at, to hosts by name; through the proxy of the settings, where they name one, by `CONNECT`.

use std::{fmt, io, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{Method, Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use reqwest::dns::{Name, Resolve as _};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use url::Url;

use super::{client::basic_auth, error::DownloadError, proxy::Proxies, resolver::Resolver, settings::ClientSettings};
use crate::core::redacted::RedactedUrl;

/// A connection.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<C: AsyncRead + AsyncWrite + Send + Unpin> Connection for C {}

/// Makes connections.
pub(crate) struct Tunnels {
    settings: ClientSettings,
    proxies: Proxies,
    resolver: Arc<Resolver>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum TunnelError {
    /// It cannot be reached.
    #[error("{host} cannot be reached")]
    Unreachable {
        /// The host, or the proxy.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The proxy wants to know who asks.
    #[error(transparent)]
    Proxy(#[from] DownloadError),
    /// The proxy does not do it.
    #[error("the proxy {proxy} refuses a connection to {host} with status {status}")]
    Refused {
        /// The proxy.
        proxy: RedactedUrl,
        /// The host.
        host: String,
        /// Its status.
        status: u16,
    },
    /// The proxy itself would have to be asked over TLS.
    #[error("the proxy {proxy} is reached over TLS, and larder cannot open a tunnel through such a one")]
    ProxyOverTls {
        /// The proxy.
        proxy: RedactedUrl,
    },
}

impl Tunnels {
    /// With the proxies and times of these settings.
    pub(crate) fn new(settings: ClientSettings) -> Self {
        Self { proxies: Proxies::from_settings(&settings), resolver: Arc::new(Resolver::system()), settings }
    }

    /// A connection to this host: a name, or an address without brackets.
    pub(crate) async fn connect(&self, host: &str, port: u16) -> Result<Box<dyn Connection>, TunnelError> {
        let bracketed = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let url = Url::parse(&format!("https://{bracketed}/"));
        let unreachable = |error: &dyn fmt::Display| TunnelError::Unreachable {
            host: bracketed.clone(),
            source: io::Error::new(io::ErrorKind::InvalidInput, error.to_string()),
        };
        let url = url.map_err(|error| unreachable(&error))?;
        match (self.proxies.for_url(&url), &self.settings.https_proxy) {
            (Some(proxy), Some(address)) => {
                let shown = RedactedUrl::new(&url);
                let permit = proxy.acquire(&shown).await?;
                let tunnel = self.through(address, &bracketed).await;
                match &tunnel {
                    Err(TunnelError::Refused { status: 407, .. }) => return Err(permit.refused(&shown).into()),
                    _ => permit.mark_tried(),
                }
                tunnel
            }
            _ => Ok(Box::new(self.direct(host, port).await?)),
        }
    }

    async fn direct(&self, host: &str, port: u16) -> Result<TcpStream, TunnelError> {
        let unreachable = |source| TunnelError::Unreachable { host: format!("{host}:{port}"), source };
        let connected = timeout(self.settings.connect_timeout, async {
            let addresses: Vec<SocketAddr> = if let Ok(address) = host.parse() {
                vec![SocketAddr::new(address, port)]
            } else {
                let name: Name = host.parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
                let found = self.resolver.resolve(name).await.map_err(io::Error::other)?;
                found.map(|address| SocketAddr::new(address.ip(), port)).collect()
            };
            TcpStream::connect(&addresses[..]).await
        });
        let stream = connected.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(unreachable)?;
        // What is passed on is somebody's request: it waits for nothing.
        stream.set_nodelay(true).map_err(unreachable)?;
        Ok(stream)
    }

    async fn through(&self, proxy: &Url, host: &str) -> Result<Box<dyn Connection>, TunnelError> {
        if proxy.scheme() != "http" {
            return Err(TunnelError::ProxyOverTls { proxy: RedactedUrl::new(proxy) });
        }
        let name = proxy.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let stream = self.direct(name, proxy.port_or_known_default().unwrap_or(80)).await?;
        let unreachable = |source: hyper::Error| TunnelError::Unreachable {
            host: proxy.host_str().unwrap_or_default().to_owned(),
            source: io::Error::other(source),
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(unreachable)?;
        tokio::spawn(connection.with_upgrades());
        let mut request = Request::builder().method(Method::CONNECT).uri(host).header(header::HOST, host);
        if let Some(value) = basic_auth(proxy) {
            request = request.header(header::PROXY_AUTHORIZATION, value);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(|error| TunnelError::Unreachable {
            host: host.to_owned(),
            source: io::Error::new(io::ErrorKind::InvalidInput, error),
        })?;
        let answered = timeout(self.settings.connect_timeout, sender.send_request(request)).await;
        let response = match answered {
            Ok(response) => response.map_err(unreachable)?,
            Err(_) => {
                return Err(TunnelError::Unreachable { host: host.to_owned(), source: io::ErrorKind::TimedOut.into() });
            }
        };
        if response.status() != StatusCode::OK {
            let status = response.status().as_u16();
            return Err(TunnelError::Refused { proxy: RedactedUrl::new(proxy), host: host.to_owned(), status });
        }
        Ok(Box::new(TokioIo::new(hyper::upgrade::on(response).await.map_err(unreachable)?)))
    }
}

impl fmt::Debug for Tunnels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnels").field("settings", &self.settings).finish_non_exhaustive()
    }
}
