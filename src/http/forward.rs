//! Requests that somebody else made, passed on: for the proxy on loopback.

use bytes::Bytes;
use hyper::body::Body as HttpBody;
use reqwest::{
    Body,
    header::{self, HeaderMap, HeaderName},
};
use url::Url;

use super::{client::Client, client_pool::TrustProfile, error::DownloadError, proxy::ProxyPermit};
use crate::core::redacted::RedactedUrl;

/// Headers that are between a client and its proxy. RFC 9110, 7.6.1; `connection` names further ones.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

impl Client {
    /// Passes a request on with the body that it has, and gives the response as it comes: no redirect is followed, nothing is tried again, and no credential is added.
    pub(crate) async fn forward<B>(
        &self,
        method: reqwest::Method,
        url: &Url,
        headers: &HeaderMap,
        body: B,
    ) -> Result<reqwest::Response, DownloadError>
    where
        B: HttpBody<Data = Bytes> + Send + Sync + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let shown = RedactedUrl::new(url);
        let mut request = reqwest::Request::new(method, url.clone());
        *request.headers_mut() = end_to_end(headers);
        request.headers_mut().remove(header::HOST);
        if !body.is_end_stream() {
            *request.body_mut() = Some(Body::wrap(body));
        }
        let permit = self.proxy_permit(url).await?;
        let proxy = permit.as_ref().map(ProxyPermit::proxy);
        let profile = TrustProfile::default();
        let response = self.pooled(&profile).http.execute(request).await;
        if let Some(permit) = permit {
            permit.settle(&shown, response.as_ref())?;
        }
        response.map_err(|source| self.unsent(shown, proxy, source, &profile))
    }
}

/// The headers without those of one connection.
pub(crate) fn end_to_end(headers: &HeaderMap) -> HeaderMap {
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
    passed
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_is_between_a_client_and_its_proxy_stays_there() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, X-Own"),
            ("x-own", "1"),
            ("proxy-authorization", "Basic eA=="),
            ("transfer-encoding", "chunked"),
            ("accept", "*/*"),
            ("authorization", "Bearer t"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        let passed = end_to_end(&headers);
        let names: BTreeSet<&str> = passed.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, BTreeSet::from(["accept", "authorization"]));
    }
}
