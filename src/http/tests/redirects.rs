//! Redirects and proxies: which hosts get requests, and which get credentials.

use larder_test_server::{Reply, Server};
use reqwest::header::HeaderValue;

use super::*;

/// Knows a token for all addresses that begin so.
struct TokenFor(String);

impl Credentials for TokenFor {
    fn credential_for(&self, url: &url::Url) -> Option<Credential> {
        let header = Some(HeaderValue::from_static("Bearer secret"));
        url.as_str().starts_with(&self.0).then(|| Credential { header, ..Credential::default() })
    }
}

fn tokens(server: &Server) -> Vec<(String, Option<String>)> {
    let token = |name: &larder_test_server::Request| name.header("authorization").map(str::to_owned);
    server.requests().iter().map(|request| (request.path.clone(), token(request))).collect()
}

#[tokio::test]
async fn a_token_follows_on_its_host_and_port_and_not_to_another() {
    let other = Server::start();
    let mut case = Case::new("bytes");
    case.credentials = Arc::new(TokenFor(case.server.url("/private/")));
    case.server.on("/private/a.tgz", Reply::redirect("/private/b.tgz?secret"));
    case.server.on("/private/b.tgz", Reply::redirect("/public/a.tgz"));
    case.server.on("/public/a.tgz", Reply::redirect(other.url("/private/a.tgz")));
    other.on("/private/a.tgz", Reply::body("bytes"));
    let bytes = case.fetch_from(&case.server.url("/private/a.tgz")).await.unwrap();
    assert_eq!(bytes, b"bytes");
    let secret = Some("Bearer secret".to_owned());
    assert_eq!(
        tokens(&case.server),
        [
            ("/private/a.tgz".to_owned(), secret.clone()),
            ("/private/b.tgz".to_owned(), secret.clone()),
            ("/public/a.tgz".to_owned(), secret)
        ]
    );
    assert_eq!(tokens(&other), [("/private/a.tgz".to_owned(), None)]);
    assert_eq!(case.words()[..4], ["Requested"; 4]);
}

#[tokio::test]
async fn user_and_password_are_sent_to_their_address_only() {
    let case = Case::new("bytes");
    case.server.on("/a.tgz", Reply::redirect("/b.tgz"));
    case.server.on("/b.tgz", Reply::status(401));
    let url = case.server.url("/a.tgz?token=hidden").replace("http://", "http://user:p%40ss@");
    let error = case.fetch_from(&url).await.unwrap_err();
    let sent = Some("Basic dXNlcjpwQHNz".to_owned());
    assert_eq!(tokens(&case.server), [("/a.tgz".to_owned(), sent), ("/b.tgz".to_owned(), None)]);
    assert_eq!(
        case.shown(&error.to_string()),
        "http://registry.example/b.tgz: 401 Unauthorized (there are no credentials for this address)"
    );
}

#[tokio::test]
async fn refused_credentials_are_said_to_be_refused() {
    let mut case = Case::new("bytes");
    case.credentials = Arc::new(TokenFor(case.server.url("/")));
    case.server.on("/a.tgz", Reply::status(403));
    assert_eq!(
        case.fails().await,
        "http://registry.example/a.tgz: 403 Forbidden (the server refuses the credentials for this address)"
    );
}

#[tokio::test]
async fn redirects_end() {
    let case = Case::new("bytes");
    case.server.on("/a.tgz", Reply::redirect("/a.tgz"));
    assert_eq!(case.fails().await, "http://registry.example/a.tgz: more than 10 redirects");
    assert_eq!(case.server.count("/a.tgz"), 11);
}

#[tokio::test]
async fn a_redirect_to_no_web_address_is_refused() {
    let case = Case::new("bytes");
    case.server.on("/a.tgz", Reply::redirect("file:///etc/passwd"));
    assert_eq!(case.fails().await, "http://registry.example/a.tgz: redirects to an address that cannot be fetched");
    let error = case.fetch_from("ftp://registry.example/a.tgz").await.unwrap_err();
    assert_eq!(error.to_string(), "ftp://registry.example/a.tgz: only http and https can be fetched");
    assert!(!error.is_network());
}

#[tokio::test]
async fn a_resumed_body_asks_every_hop_for_its_range() {
    let case = Case::new("0123456789").keeping(b"012", Some("\"1\""));
    case.server.on("/a.tgz", Reply::redirect("/b.tgz"));
    case.server.on("/b.tgz", Reply::body("0123456789").etag("\"1\""));
    case.arrives().await;
    let range = Some("bytes=3-".to_owned());
    assert_eq!(case.ranges(), [range.clone(), range]);
}

#[tokio::test]
async fn a_proxy_is_asked_for_all_but_the_hosts_excepted() {
    let mut case = Case::new("bytes");
    let proxy: url::Url = case.server.url("/").replace("http://", "http://user:pass@").parse().unwrap();
    case.settings.http_proxy = Some(proxy);
    case.settings.no_proxy = Some("127.0.0.1".to_owned());
    case.server.on("http://registry.example/a.tgz", Reply::body("bytes"));
    case.server.on("/a.tgz", Reply::body("bytes"));
    assert_eq!(case.fetch_from("http://registry.example/a.tgz").await.unwrap(), b"bytes");
    case.arrives().await;
    let requests = case.server.requests();
    assert_eq!(requests[0].header("proxy-authorization"), Some("Basic dXNlcjpwYXNz"));
    assert_eq!(requests[1].header("proxy-authorization"), None);
}

#[tokio::test]
async fn a_proxy_that_is_no_address_is_named_without_its_password() {
    let mut settings = quick();
    settings.https_proxy = Some("data:secret".parse().unwrap());
    let error = Client::new(settings, Arc::new(NoCredentials)).unwrap_err();
    assert_eq!(error.to_string(), "proxy data:… cannot be used");
}

#[test]
fn neither_settings_nor_requests_show_a_password_when_printed_for_debugging() {
    let url: url::Url = "http://user:secret@proxy.example/?secret".parse().unwrap();
    let settings = ClientSettings { http_proxy: Some(url.clone()), https_proxy: Some(url.clone()), ..quick() };
    assert!(!format!("{settings:?}").contains("secret"));
    let request = Request { url, is_checked: true };
    assert_eq!(format!("{request:?}"), "Request { url: http://proxy.example/, is_checked: true }");
}
