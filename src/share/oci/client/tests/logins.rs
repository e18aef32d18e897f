//! Who asks: tokens, passwords, and what a registry says to those it does not know.

use super::{
    mock::{Mock, reply},
    *,
};
use crate::fetcher::Fault;

#[tokio::test]
async fn a_token_is_asked_for_once_and_again_when_it_is_refused() {
    let mock = Mock::start().await;
    let digest = mock.add_blob(b"abc");
    let realm = format!("http://{}/token?account=me", mock.address);
    let challenge = format!("Bearer realm=\"{realm}\",service=\"registry\",scope=\"whatever\"");
    mock.hook(move |seen| {
        if seen.path() == "/token" {
            return Some(reply(200, &[], format!(r#"{{"token":"t{}","expires_in":300}}"#, seen.number)));
        }
        // The first token is good for two requests.
        let is_good = match seen.header("authorization") {
            Some("Bearer t0") => seen.number < 3,
            Some("Bearer t1") => true,
            _ => false,
        };
        (!is_good).then(|| reply(401, &[("www-authenticate", &challenge)], ""))
    });
    let repository = opened(&mock, Access::Push, Credentials::basic("me", "s3cret"));
    for _ in 0..4 {
        assert!(repository.has_blob(&digest).await.unwrap());
    }
    let blob = format!("HEAD /v2/team/app/blobs/{digest}");
    let token = "GET /token?account=me&service=registry&scope=repository%3Ateam%2Fapp%3Apull%2Cpush".to_owned();
    let expected = [&blob, &token, &blob, &blob, &blob, &token, &blob, &blob].map(String::clone);
    assert_eq!(mock.lines(), expected);
    let asked = mock.seen().into_iter().find(|seen| seen.path() == "/token").unwrap();
    assert_eq!(asked.header("authorization"), Some("Basic bWU6czNjcmV0"));
}

#[tokio::test]
async fn many_requests_that_are_refused_at_once_share_a_token() {
    let mock = Mock::start().await;
    let digest = mock.add_blob(b"abc");
    let challenge = format!("Bearer realm=\"http://{}/token\"", mock.address);
    mock.hook(move |seen| match (seen.path(), seen.header("authorization")) {
        ("/token", _) => Some(reply(200, &[], r#"{"access_token":"t"}"#)),
        (_, Some("Bearer t")) => None,
        _ => Some(reply(401, &[("www-authenticate", &challenge)], "")),
    });
    let repository = anonymous(&mock);
    let asked: Vec<_> = (0..8)
        .map(|_| {
            let repository = repository.clone();
            tokio::spawn(async move { repository.has_blob(&digest).await.unwrap() })
        })
        .collect();
    for one in asked {
        assert!(one.await.unwrap());
    }
    assert_eq!(mock.lines().iter().filter(|line| line.contains("/token")).count(), 1);
}

#[tokio::test]
async fn an_identity_is_exchanged_for_a_token() {
    let mock = Mock::start().await;
    let digest = mock.add_blob(b"abc");
    let challenge = format!("Bearer realm=\"http://{}/token\",service=\"s\"", mock.address);
    mock.hook(move |seen| match (seen.path(), seen.header("authorization")) {
        ("/token", _) => Some(reply(200, &[], r#"{"access_token":"t"}"#)),
        (_, Some("Bearer t")) => None,
        _ => Some(reply(401, &[("www-authenticate", &challenge)], "")),
    });
    let home = tempfile::tempdir().unwrap();
    let config = format!(r#"{{"auths":{{"{}":{{"identitytoken":"i d"}}}}}}"#, mock.address);
    std::fs::write(home.path().join("config.json"), config).unwrap();
    let environment =
        crate::core::environment::Environment::new(std::path::Path::new("/"), [("DOCKER_CONFIG", home.path())]);
    let reference = Reference::parse(&format!("oci://{}/team/app", mock.address), None).unwrap();
    let credentials = Credentials::find(&environment, &reference).unwrap();
    assert!(opened(&mock, Access::Pull, credentials).has_blob(&digest).await.unwrap());
    let asked = mock.seen().into_iter().find(|seen| seen.path() == "/token").unwrap();
    assert_eq!(
        (asked.method.as_str(), str::from_utf8(&asked.body).unwrap()),
        (
            "POST",
            "grant_type=refresh_token&client_id=larder&service=s&scope=repository%3Ateam%2Fapp%3Apull&refresh_token=i+d"
        )
    );
    assert_eq!(asked.header("authorization"), None);
}

#[tokio::test]
async fn a_password_is_sent_where_the_registry_wants_one() {
    let mock = Mock::start().await;
    let digest = mock.add_blob(b"abc");
    mock.hook(|seen| {
        let is_known = seen.header("authorization") == Some("Basic bWU6czNjcmV0");
        (!is_known).then(|| reply(401, &[("www-authenticate", "Basic realm=\"here\"")], ""))
    });
    assert!(opened(&mock, Access::Pull, Credentials::basic("me", "s3cret")).has_blob(&digest).await.unwrap());
    assert_eq!(mock.seen().len(), 2);
    // Another password is sent once and not again.
    let error = opened(&mock, Access::Pull, Credentials::basic("me", "other")).has_blob(&digest).await.unwrap_err();
    assert_eq!(mock.seen().len(), 4);
    assert_eq!(
        text(&mock, &error),
        format!(
            "registry.example/team/app: cannot look for the blob {digest}: denied (401) with the credentials that were given"
        )
    );
    assert_eq!(error.fault(), Fault::Data);
}

#[tokio::test]
async fn a_denied_push_says_what_the_registry_says_and_whether_there_were_credentials() {
    let mock = Mock::start().await;
    mock.hook(|_| Some(reply(403, &[], r#"{"errors":[{"code":"DENIED","message":"no push for you"}]}"#)));
    let denied = |credentials| {
        let repository = opened(&mock, Access::Push, credentials);
        async move { repository.put_manifest(&v1(), MANIFEST, b"{}").await.unwrap_err() }
    };
    let start = "registry.example/team/app: cannot write the manifest v1: denied (403) with";
    assert_eq!(
        text(&mock, &denied(Credentials::anonymous()).await),
        format!(
            "{start} no credentials: DENIED: no push for you; log in with `docker login`, or check the name: registries deny what they do not have, too"
        )
    );
    assert_eq!(
        text(&mock, &denied(Credentials::basic("me", "s3cret")).await),
        format!("{start} the credentials that were given: DENIED: no push for you")
    );
    assert_eq!(mock.seen().len(), 2, "nothing is asked again");
}
