//! Follows redirects by hand: every hop is a request of its own, with the credentials that belong to its address or, on the same host and port, to the
//! address before it, as in npm. A request without credentials is not led to private hosts either.

use reqwest::{
    StatusCode,
    header::{HeaderMap, LOCATION},
};
use url::Url;

use super::{client::Client, error::DownloadError, progress::Progress, response::Response};
use crate::core::{
    recorded_url::has_public_host,
    redacted::{RedactedUrl, without_userinfo},
};

/// What browsers' predecessors settled on, and more than any registry needs.
const MAX_REDIRECTS: usize = 10;

/// Requests `url`, and what it redirects to, until a response is no redirect. That response may have any other status.
pub(super) async fn exchange(
    client: &Client,
    url: &Url,
    headers: &HeaderMap,
    progress: &dyn Progress,
) -> Result<Response, DownloadError> {
    let mut next = url.clone();
    let mut carried = None;
    for _ in 0..=MAX_REDIRECTS {
        let response = client.send(&next, headers, carried.take(), progress).await?;
        match target(&next, response.inner.status(), response.inner.headers())? {
            Some(target) if client.is_anonymous() && !has_public_host(&target) => {
                let (url, target) = (RedactedUrl::new(&next), RedactedUrl::new(&target));
                return Err(DownloadError::RedirectToPrivate { url, target });
            }
            Some(target) => {
                carried = response.credential.filter(|it| !it.is_for_one_address && is_same_origin(&next, &target));
                next = target;
            }
            None => return Ok(response),
        }
    }
    Err(DownloadError::TooManyRedirects { url: RedactedUrl::new(url), limit: MAX_REDIRECTS })
}

/// Whether two addresses are of one server, which may know the credentials of the other.
pub(crate) fn is_same_origin(from: &Url, to: &Url) -> bool {
    from.scheme() == to.scheme()
        && from.host_str() == to.host_str()
        && from.port_or_known_default() == to.port_or_known_default()
}

/// Where a response redirects to; `None` if it does not.
pub(crate) fn target(from: &Url, status: StatusCode, headers: &HeaderMap) -> Result<Option<Url>, DownloadError> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let unusable = || DownloadError::RedirectTarget { url: RedactedUrl::new(from) };
    let location =
        headers.get(LOCATION).and_then(|value| str::from_utf8(value.as_bytes()).ok()).ok_or_else(unusable)?;
    let target = without_userinfo(from).join(location).map_err(|_| unusable())?;
    match (from.scheme(), target.scheme()) {
        ("https", "http") => {
            Err(DownloadError::RedirectToPlain { url: RedactedUrl::new(from), target: RedactedUrl::new(&target) })
        }
        (_, "http" | "https") => Ok(Some(target)),
        _ => Err(unusable()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(from: &str, location: &str) -> Result<Option<Url>, DownloadError> {
        let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
        target(&from.parse().unwrap(), StatusCode::FOUND, &headers)
    }

    #[test]
    fn a_relative_target_does_not_inherit_the_user() {
        let target = redirect("https://user:secret@registry.example/a/b", "../c?d").unwrap().unwrap();
        assert_eq!(target.as_str(), "https://registry.example/c?d");
    }

    #[test]
    fn refuses_a_target_that_is_less_safe_or_no_address() {
        let cases = [
            (
                "http://other.example/?secret",
                "https://registry.example/a: redirects from https to http://other.example/, which is not encrypted",
            ),
            ("ftp://other.example/", "https://registry.example/a: redirects to an address that cannot be fetched"),
            ("https://", "https://registry.example/a: redirects to an address that cannot be fetched"),
        ];
        for (location, message) in cases {
            assert_eq!(redirect("https://registry.example/a", location).unwrap_err().to_string(), message);
        }
        let error = target(&"http://registry.example".parse().unwrap(), StatusCode::FOUND, &HeaderMap::new());
        assert!(matches!(error, Err(DownloadError::RedirectTarget { .. })));
    }

    #[test]
    fn only_redirects_redirect() {
        let headers = HeaderMap::from_iter([(LOCATION, "/b".parse().unwrap())]);
        let from = "http://registry.example/a".parse().unwrap();
        for status in [200, 201, 300, 304, 404] {
            assert_eq!(target(&from, StatusCode::from_u16(status).unwrap(), &headers).unwrap(), None);
        }
    }
}
