//! [`Link`]: the way on from one client's connection to the server that the client means.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header},
};
use hyper::{
    body::{Body as _, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    sync::{Mutex, OnceCell},
};
use url::Url;

use crate::{
    core::local_name::is_local_name,
    http::{Connected, RequestForm, Upstream, UpstreamError},
    loopback::Caller,
};

/// Headers that are between a client and its proxy. RFC 9110, 7.6.1; `connection` names further ones.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// How long a connection may have been idle to be used again: servers end theirs after some seconds, and a request that crosses that end is lost.
const FRESH: Duration = Duration::from_secs(4);

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// The server cannot be reached.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// This machine cannot be reached at that port.
    #[error("this machine does not answer")]
    Here(#[source] io::Error),
    /// The connection ended.
    #[error("the server ended the connection")]
    Ended(#[from] hyper::Error),
}

impl LinkError {
    /// Whether the server did not prove who it is.
    pub(super) fn is_unverified(&self) -> bool {
        let is_of_tls = |source: &io::Error| matches!(source.get_ref(), Some(inner) if inner.is::<rustls::Error>());
        matches!(self, Self::Upstream(UpstreamError::Tls { source, .. }) if is_of_tls(source))
    }
}

/// The way to one host. Its connection is made for the first request that is passed on, and kept for the next.
pub(super) struct Link {
    /// `http` or `https`.
    pub(super) scheme: &'static str,
    /// A name, or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    caller: Option<Caller>,
    environment: OnceCell<Option<Arc<[u8]>>>,
    open: Mutex<Option<Open>>,
}

struct Open {
    sender: SendRequest<Body>,
    address: Option<IpAddr>,
    form: RequestForm,
    used: Instant,
}

impl Link {
    pub(super) fn new(scheme: &'static str, host: String, port: u16, caller: Option<Caller>) -> Self {
        Self { scheme, host, port, caller, environment: OnceCell::new(), open: Mutex::default() }
    }

    /// The way to the host of an address.
    pub(super) fn to(scheme: &'static str, url: &Url, caller: Option<Caller>) -> Self {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        Self::new(scheme, host, url.port_or_known_default().unwrap_or_default(), caller)
    }

    /// The same in plain HTTP.
    pub(super) fn in_clear(self) -> Self {
        Self { scheme: "http", ..self }
    }

    /// Where this machine is, if the host is it: clients read different exceptions, and some read none.
    pub(super) fn this_machine(&self) -> Option<IpAddr> {
        this_machine(&self.host)
    }

    /// The environment of the program at the client's end.
    pub(super) async fn environment(&self) -> Option<Arc<[u8]>> {
        let caller = self.caller?;
        let look = async || {
            let found = tokio::task::spawn_blocking(move || caller.environment()).await;
            found.ok().flatten().map(Arc::from)
        };
        self.environment.get_or_init(look).await.clone()
    }

    /// Passes a request on, and gives the response as it comes and the server's address. Without an upstream, to this machine alone. A server that has closed the connection meanwhile is asked over another one.
    pub(super) async fn send(
        &self,
        upstream: Option<&Upstream>,
        request: Request<Incoming>,
    ) -> Result<(Response<Incoming>, Option<IpAddr>), LinkError> {
        let mut open = self.open.lock().await;
        let kept = open.take().filter(|kept| kept.used.elapsed() < FRESH);
        let again = kept.as_ref().and_then(|_| repeatable(&request));
        let mut request = request.map(Body::new);
        if let Some(mut kept) = kept
            && kept.sender.ready().await.is_ok()
        {
            match kept.sender.try_send_request(self.address_to(request, &kept)).await {
                Ok(response) => {
                    let address = kept.address;
                    kept.used = Instant::now();
                    *open = Some(kept);
                    return Ok((response, address));
                }
                Err(mut error) => match error.take_message().or(again) {
                    Some(unsent) => request = unsent,
                    None => return Err(error.into_error().into()),
                },
            }
        }
        let mut new = self.connect(upstream).await?;
        let request = self.address_to(request, &new);
        let response = new.sender.send_request(request).await?;
        new.used = Instant::now();
        let address = new.address;
        *open = Some(new);
        Ok((response, address))
    }

    async fn connect(&self, upstream: Option<&Upstream>) -> Result<Open, LinkError> {
        let Connected { stream, address, form } = match (upstream, self.scheme) {
            (Some(upstream), "https") => upstream.over_tls(&self.host, self.port).await?,
            (Some(upstream), _) => upstream.in_clear(&self.host, self.port).await?,
            (None, _) => {
                let address = self.this_machine().unwrap_or(Ipv4Addr::LOCALHOST.into());
                let stream = TcpStream::connect((address, self.port)).await.map_err(LinkError::Here)?;
                Connected { stream: Box::new(stream), address: Some(address), form: RequestForm::Path }
            }
        };
        let (sender, connection) =
            http1::Builder::new().preserve_header_case(true).handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "a server's connection ends early");
            }
        });
        Ok(Open { sender, address, form, used: Instant::now() })
    }

    /// The request as whoever is at the other end reads it: a proxy wants the whole address.
    fn address_to(&self, mut request: Request<Body>, open: &Open) -> Request<Body> {
        let path = request.uri().path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str).to_owned();
        let bracketed = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let is_default = self.port == if self.scheme == "https" { 443 } else { 80 };
        let host = if is_default { bracketed } else { format!("{bracketed}:{}", self.port) };
        let uri = match open.form {
            RequestForm::WholeAddress(_) => format!("{}://{host}{path}", self.scheme),
            RequestForm::Path => path,
        };
        if let Ok(uri) = uri.parse::<Uri>() {
            *request.uri_mut() = uri;
        }
        if let Ok(value) = HeaderValue::try_from(host) {
            request.headers_mut().entry(header::HOST).or_insert(value);
        }
        if let RequestForm::WholeAddress(Some(authorization)) = &open.form {
            request.headers_mut().insert(header::PROXY_AUTHORIZATION, authorization.clone());
        }
        request
    }
}

/// The same request once more, if it may be made twice: a server that ends its connection may have got it, or not.
fn repeatable(request: &Request<Incoming>) -> Option<Request<Body>> {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD) && request.body().is_end_stream();
    if !is_safe || request.headers().contains_key(header::UPGRADE) {
        return None;
    }
    let mut again = Request::new(Body::empty());
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    Some(again)
}

/// Where this machine is, if the host is it.
pub(super) fn this_machine(host: &str) -> Option<IpAddr> {
    if is_local_name(host) {
        return Some(Ipv4Addr::LOCALHOST.into());
    }
    host.parse().ok().filter(IpAddr::is_loopback)
}

/// The headers without those of one connection. `keeps_upgrade`: but for those with which another protocol is asked for, or agreed on.
pub(super) fn end_to_end(headers: &HeaderMap, keeps_upgrade: bool) -> HeaderMap {
    let named = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<String> =
        named.flat_map(|value| value.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect();
    let mut passed = headers.clone();
    for name in HOP_BY_HOP {
        passed.remove(name);
    }
    for name in named {
        passed.remove(name.as_str());
    }
    if keeps_upgrade && let Some(protocol) = headers.get(header::UPGRADE) {
        passed.insert(header::UPGRADE, protocol.clone());
        passed.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
    passed
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn this_machine_has_many_names() {
        for host in ["localhost", "a.localhost", "127.0.0.1", "127.0.0.2", "::1"] {
            assert!(this_machine(host).is_some(), "{host}");
        }
        for host in ["files.example", "10.0.0.1", "0.0.0.0", "localhost.example", "fe80::1", ""] {
            assert!(this_machine(host).is_none(), "{host}");
        }
    }

    #[test]
    fn what_is_between_a_client_and_its_proxy_stays_there() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, X-Own, Upgrade"),
            ("upgrade", "websocket"),
            ("x-own", "1"),
            ("proxy-authorization", "Basic eA=="),
            ("transfer-encoding", "chunked"),
            ("accept", "*/*"),
            ("authorization", "Bearer t"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        let passed = |keeps_upgrade| {
            let passed = end_to_end(&headers, keeps_upgrade);
            passed.keys().map(|name| name.as_str().to_owned()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        };
        assert_eq!(passed(false), ["accept", "authorization"]);
        assert_eq!(passed(true), ["accept", "authorization", "connection", "upgrade"]);
    }
}
