//! [`Upstream`]: connections to the servers that other programs ask, through the proxy that these programs would use themselves.

use std::{
    fmt, io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{
    client::{
        legacy::connect::{
            HttpConnector,
            dns::Name,
            proxy::{SocksV5, Tunnel},
        },
        proxy::matcher::{Intercept, Matcher},
    },
    rt::TokioIo,
};
use reqwest::{
    dns::{Addrs, Resolve as _},
    header::HeaderValue,
};
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::Url;

use super::{ClientError, ExtraCertificates, RedactedUrl, resolver::Resolver, root_certs};

/// How long a connection may take, its name look-up and TLS included.
const CONNECT: Duration = Duration::from_secs(30);

/// How long a connection is silent before it is looked at whether its other end is there still.
const KEEP_ALIVE: Duration = Duration::from_mins(1);

/// Schemes of proxies that can be passed through.
const KINDS: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// The proxies of the programs that are passed on, as their environment names them. Empty: none.
#[derive(Clone, Default)]
pub(crate) struct UpstreamProxies {
    /// For `http:` addresses.
    pub(crate) http: String,
    /// For `https:` addresses.
    pub(crate) https: String,
    /// For what has none of its own.
    pub(crate) all: String,
    /// Hosts that are asked without one.
    pub(crate) no: String,
}

impl UpstreamProxies {
    /// What is wrong with one that cannot be passed through, if there is such a one: its scheme, or that it is no address.
    pub(crate) fn unknown_kind(&self) -> Option<&str> {
        [&self.http, &self.https, &self.all].into_iter().filter(|proxy| !proxy.is_empty()).find_map(|proxy| {
            let scheme = proxy.split_once("://").map_or("http", |(scheme, _)| scheme);
            if !KINDS.iter().any(|kind| kind.eq_ignore_ascii_case(scheme)) {
                return Some(scheme);
            }
            let matcher = Matcher::builder().all(proxy.as_str()).build();
            matcher.intercept(&Uri::from_static("https://files.example/")).is_none().then_some("no address")
        })
    }

    /// Hosts that are asked without a proxy, as the library reads them: without a port, and with a dot in the place of `*.`.
    fn exceptions(&self) -> String {
        let plain = |entry: &str| {
            let entry = entry.trim();
            let name = entry.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(entry);
            match name.rsplit_once(':') {
                Some((host, port)) if !host.contains(':') && port.parse::<u16>().is_ok() => host.to_owned(),
                _ => name.to_owned(),
            }
        };
        self.no.split(',').map(plain).collect::<Vec<_>>().join(",")
    }
}

/// A connection: bytes both ways.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<C: AsyncRead + AsyncWrite + Send + Unpin> Connection for C {}

/// A connection to a server, or to a proxy that is asked for whole addresses.
pub(crate) struct Connected {
    /// Its bytes.
    pub(crate) stream: Box<dyn Connection>,
    /// The address at its other end; `None` if that is a proxy's.
    pub(crate) address: Option<IpAddr>,
    /// What requests over it look like.
    pub(crate) form: RequestForm,
}

/// What a request names.
#[derive(Clone, Debug)]
pub(crate) enum RequestForm {
    /// The path: the server itself reads it.
    Path,
    /// The whole address: a proxy reads it, and wants this in `Proxy-Authorization`.
    WholeAddress(Option<HeaderValue>),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum UpstreamError {
    /// The host is no host.
    #[error("`{host}` is no host that can be asked")]
    NoHost {
        /// What was asked for.
        host: String,
    },
    /// It cannot be reached.
    #[error("{host} cannot be reached")]
    Unreachable {
        /// The host, and the proxy that leads there.
        host: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No TLS with it.
    #[error("{host}: no secure connection")]
    Tls {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The proxy speaks a protocol that is not known here.
    #[error("a proxy of the kind `{scheme}` cannot be passed through: HTTP, HTTPS and SOCKS 5 can")]
    Kind {
        /// The scheme of its address.
        scheme: String,
    },
}

type Connector = HttpsConnector<HttpConnector<Names>>;

/// Makes connections.
pub(crate) struct Upstream {
    matcher: Matcher,
    connector: Connector,
    tls: TlsConnector,
}

impl Upstream {
    /// Through these proxies. Servers have to prove who they are, to the system's roots and these certificates. `others` are PEM files of which what cannot be read is
    /// passed over: those that the user names to some programs alone.
    pub(crate) fn new(
        proxies: &UpstreamProxies,
        certificates: &[ExtraCertificates],
        others: &[u8],
    ) -> Result<Self, ClientError> {
        let mut tls = root_certs::tls_config_with(certificates, others, None)?;
        tls.alpn_protocols.clear();
        let mut tcp = HttpConnector::new_with_resolver(Names(Arc::new(Resolver::system())));
        tcp.enforce_http(false);
        // What is passed on is somebody's request: it waits for nothing.
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        // The client's own ends at loopback.
        tcp.set_keepalive(Some(KEEP_ALIVE));
        let mut inside = tls.clone();
        inside.alpn_protocols = vec![b"http/1.1".to_vec()];
        let UpstreamProxies { http, https, all, .. } = proxies;
        let matcher = Matcher::builder().http(&**http).https(&**https).all(&**all).no(proxies.exceptions()).build();
        Ok(Self { matcher, connector: HttpsConnector::from((tcp, tls)), tls: TlsConnector::from(Arc::new(inside)) })
    }

    /// A connection to this host, a name or an address without brackets, whose bytes nobody looks at.
    pub(crate) async fn tunnel(&self, host: &str, port: u16) -> Result<Connected, UpstreamError> {
        let uri = uri("https", host, port)?;
        let connect = async {
            match self.matcher.intercept(&uri) {
                Some(proxy) => through(self.connector.clone(), &proxy, uri.clone()).await,
                // As `http:`, so that the connection itself is the result.
                None => direct(self.connector.clone(), self::uri("http", host, port)?).await,
            }
        };
        in_time(connect, host).await
    }

    /// A connection to this host over TLS, for HTTP/1.1.
    pub(crate) async fn over_tls(&self, host: &str, port: u16) -> Result<Connected, UpstreamError> {
        let Connected { stream, address, form } = self.tunnel(host, port).await?;
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| UpstreamError::NoHost { host: host.to_owned() })?;
        let tls = async {
            let connected = self.tls.connect(name, stream).await;
            connected.map_err(|source| UpstreamError::Tls { host: host.to_owned(), source })
        };
        Ok(Connected { stream: Box::new(in_time(tls, host).await?), address, form })
    }

    /// A connection for requests in plain HTTP to this host, or to the proxy that takes whole addresses of it.
    pub(crate) async fn in_clear(&self, host: &str, port: u16) -> Result<Connected, UpstreamError> {
        let uri = uri("http", host, port)?;
        let Some(proxy) = self.matcher.intercept(&uri) else {
            return in_time(direct(self.connector.clone(), uri), host).await;
        };
        if !matches!(proxy.uri().scheme_str(), Some("http" | "https")) {
            return in_time(through(self.connector.clone(), &proxy, uri), host).await;
        }
        let asked = in_time(direct(self.connector.clone(), proxy.uri().clone()), host).await?;
        Ok(Connected { address: None, form: RequestForm::WholeAddress(proxy.basic_auth().cloned()), ..asked })
    }
}

/// Through a proxy, by `CONNECT` or SOCKS.
async fn through(connector: Connector, proxy: &Intercept, uri: Uri) -> Result<Connected, UpstreamError> {
    let at = proxy.uri().clone();
    let shown = Url::parse(&at.to_string()).map_or_else(|_| String::new(), |url| RedactedUrl::new(&url).to_string());
    let host = format!("{} through {shown}", uri.host().unwrap_or_default());
    let stream = match at.scheme_str() {
        Some("http" | "https") => {
            let mut tunnel = Tunnel::new(at, connector);
            if let Some(auth) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(auth.clone());
            }
            tunnel.call(uri).await.map_err(|source| unreachable(&host, source))?
        }
        Some("socks5" | "socks5h") => {
            // To the connector it is a host and a port.
            let at = self::uri("http", at.host().unwrap_or_default(), at.port_u16().unwrap_or(1080))?;
            let mut socks = SocksV5::new(at, connector);
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            socks.call(uri).await.map_err(|source| unreachable(&host, source))?
        }
        other => return Err(UpstreamError::Kind { scheme: other.unwrap_or_default().to_owned() }),
    };
    Ok(Connected { stream: Box::new(TokioIo::new(stream)), address: None, form: RequestForm::Path })
}

async fn direct(mut connector: Connector, uri: Uri) -> Result<Connected, UpstreamError> {
    let host = uri.host().unwrap_or_default().to_owned();
    let stream = connector.call(uri).await.map_err(|source| unreachable(&host, source))?;
    let address = peer(&stream);
    Ok(Connected { stream: Box::new(TokioIo::new(stream)), address, form: RequestForm::Path })
}

fn peer(stream: &MaybeHttpsStream<TokioIo<TcpStream>>) -> Option<IpAddr> {
    match stream {
        MaybeHttpsStream::Http(stream) => stream.inner().peer_addr().ok().map(|address| address.ip()),
        MaybeHttpsStream::Https(_) => None,
    }
}

async fn in_time<T>(making: impl Future<Output = Result<T, UpstreamError>>, host: &str) -> Result<T, UpstreamError> {
    let late = || Err(unreachable(host, io::Error::from(io::ErrorKind::TimedOut)));
    timeout(CONNECT, making).await.unwrap_or_else(|_| late())
}

fn unreachable(host: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> UpstreamError {
    UpstreamError::Unreachable { host: host.to_owned(), source: source.into() }
}

fn uri(scheme: &str, host: &str, port: u16) -> Result<Uri, UpstreamError> {
    let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let uri = format!("{scheme}://{bracketed}:{port}/").parse();
    uri.map_err(|_| UpstreamError::NoHost { host: host.escape_debug().to_string() })
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("matcher", &self.matcher).finish_non_exhaustive()
    }
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The resolver, as the connector calls it.
#[derive(Clone)]
struct Names(Arc<Resolver>);

impl Service<Name> for Names {
    type Response = Addrs;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Addrs, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = Arc::clone(&self.0);
        Box::pin(async move { resolver.resolve(name.as_str().parse()?).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_of_another_kind_is_known_before_it_is_needed() {
        let kind = |https: &str, all: &str| {
            let proxies =
                UpstreamProxies { https: https.to_owned(), all: all.to_owned(), ..UpstreamProxies::default() };
            proxies.unknown_kind().map(str::to_owned)
        };
        assert_eq!(kind("", ""), None);
        assert_eq!(kind("proxy.example:3128", "socks5h://proxy.example"), None);
        assert_eq!(kind("http://proxy.example", "socks4://proxy.example"), Some("socks4".to_owned()));
        assert_eq!(kind("http://a b", ""), Some("no address".to_owned()));
    }

    #[test]
    fn exceptions_are_read_as_programs_write_them() {
        let proxies = UpstreamProxies {
            all: "http://proxy.example:1".to_owned(),
            no: "*.corp.example, registry.example:8443,10.0.0.0/8, fd00::1".to_owned(),
            ..UpstreamProxies::default()
        };
        let upstream = Upstream::new(&proxies, &[], b"no certificate").unwrap();
        let is_direct = |host: &str| upstream.matcher.intercept(&uri("https", host, 443).unwrap()).is_none();
        for host in ["a.corp.example", "registry.example", "10.1.2.3", "fd00::1"] {
            assert!(is_direct(host), "{host}");
        }
        assert!(!is_direct("files.example"));
    }
}
