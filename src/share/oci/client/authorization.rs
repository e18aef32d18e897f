//! What a registry is told about who asks: a password, or a token that its own server gives for one.
//!
//! The form is that of the distribution project's "token authentication": a registry answers 401 with the address of the server that gives tokens. Who logs in sends that server the
//! password, so the registry decides where it goes; hence the server must be reached as safely as the registry: encrypted, unless both are on this machine.

use std::time::{Duration, Instant};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::challenge::{Challenge, challenges};
use crate::share::oci::{
    credentials::{Credentials, Login, Secret},
    error::RegistryFault,
    reference::is_loopback_host,
};

/// A token without a stated life holds so long, by the specification; and so does one whose stated life is shorter.
const SHORTEST_LIFE: u64 = 60;

/// A token is not used in the last seconds of its life: a request takes some of them.
const MARGIN: Duration = Duration::from_secs(10);

/// What a repository is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read.
    Pull,
    /// To read and to write.
    Push,
}

/// Who asks, and with which token.
pub(super) struct Authorization {
    pub(super) credentials: Credentials,
    scope: String,
    held: Mutex<Option<Held>>,
}

/// What is sent with requests.
#[derive(Clone)]
struct Held {
    header: HeaderValue,
    /// Until when it is good.
    until: Option<Instant>,
}

/// How a token is asked for.
pub(super) enum TokenRequest {
    /// At this address, with this header.
    Get(Url, Option<HeaderValue>),
    /// At this address, with this form.
    Post(Url, String),
}

/// What a token server answers.
#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl Authorization {
    pub(super) fn new(credentials: Credentials, repository: &str, access: Access) -> Self {
        let actions = match access {
            Access::Pull => "pull",
            Access::Push => "pull,push",
        };
        Self { credentials, scope: format!("repository:{repository}:{actions}"), held: Mutex::new(None) }
    }

    /// What a request is sent with at first.
    pub(super) async fn header(&self) -> Option<HeaderValue> {
        if let Login::Bearer(token) = &self.credentials.login {
            return header("Bearer", &token.0);
        }
        let held = self.held.lock().await;
        held.as_ref()
            .filter(|held| held.until.is_none_or(|until| Instant::now() < until))
            .map(|held| held.header.clone())
    }

    /// What a request is sent with that was answered 401 with these headers; `used` is what it had. `None` if there is nothing else to send. `ask` asks for a token; requests that are refused at once
    /// share one.
    pub(super) async fn renew<Asked>(
        &self,
        api: &Url,
        headers: &HeaderMap,
        used: Option<&HeaderValue>,
        ask: impl FnOnce(TokenRequest) -> Asked,
    ) -> Result<Option<HeaderValue>, RegistryFault>
    where
        Asked: Future<Output = Result<Vec<u8>, RegistryFault>>,
    {
        if matches!(self.credentials.login, Login::Bearer(_)) {
            return Ok(None);
        }
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_ref().filter(|held| Some(&held.header) != used) {
            // Another request has got it meanwhile.
            return Ok(Some(held.header.clone()));
        }
        *held = None;
        let found = challenges(headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()));
        let bearer = found.iter().find(|challenge| challenge.is("Bearer"));
        let new = match bearer {
            Some(challenge) => {
                let request = self.token_request(api, challenge)?;
                Some(read_token(&ask(request).await?, Instant::now())?)
            }
            None if found.iter().any(|challenge| challenge.is("Basic")) => {
                self.basic().map(|header| Held { header, until: None })
            }
            None => None,
        };
        // What was refused is refused again.
        let new = new.filter(|new| Some(&new.header) != used);
        held.clone_from(&new);
        Ok(new.map(|new| new.header))
    }

    fn basic(&self) -> Option<HeaderValue> {
        let Login::Basic { user, password } = &self.credentials.login else { return None };
        header("Basic", &BASE64_STANDARD.encode(format!("{user}:{}", password.0)))
    }

    fn token_request(&self, api: &Url, challenge: &Challenge) -> Result<TokenRequest, RegistryFault> {
        let realm = challenge.get("realm").and_then(|realm| realm.parse::<Url>().ok());
        let mut realm = realm
            .filter(|realm| matches!(realm.scheme(), "http" | "https") && realm.host().is_some())
            .ok_or_else(|| RegistryFault::answer("it names no address that gives tokens"))?;
        let is_safe = realm.scheme() == "https" || (is_loopback_host(&realm) && is_loopback_host(api));
        if !is_safe {
            return Err(RegistryFault::answer("it gives tokens at an address that is not encrypted"));
        }
        let service = challenge.get("service");
        if let Login::Identity(Secret(token)) = &self.credentials.login {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("grant_type", "refresh_token").append_pair("client_id", "larder");
            form.append_pair("service", service.unwrap_or_default()).append_pair("scope", &self.scope);
            form.append_pair("refresh_token", token);
            return Ok(TokenRequest::Post(realm, form.finish()));
        }
        {
            let mut query = realm.query_pairs_mut();
            if let Some(service) = service {
                query.append_pair("service", service);
            }
            query.append_pair("scope", &self.scope);
        }
        Ok(TokenRequest::Get(realm, self.basic()))
    }
}

/// A header that is not shown, or none if the text cannot be in one.
fn header(scheme: &str, value: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::try_from(format!("{scheme} {value}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

fn read_token(bytes: &[u8], now: Instant) -> Result<Held, RegistryFault> {
    // The parser's words could show a part of the token.
    let answer: TokenAnswer =
        serde_json::from_slice(bytes).map_err(|_| RegistryFault::answer("what gives tokens answers something else"))?;
    let text = [answer.token, answer.access_token].into_iter().flatten().find(|text| !text.is_empty());
    let header = text
        .and_then(|text| header("Bearer", &text))
        .ok_or_else(|| RegistryFault::answer("what gives tokens answers without one"))?;
    let life = Duration::from_secs(answer.expires_in.unwrap_or(SHORTEST_LIFE).max(SHORTEST_LIFE));
    Ok(Held { header, until: now.checked_add(life.saturating_sub(MARGIN)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_holds_for_its_life_but_some_seconds() {
        let now = Instant::now();
        let life = |text: &str| read_token(text.as_bytes(), now).map(|held| (held.until.unwrap() - now).as_secs());
        assert_eq!(life(r#"{"token":"t","expires_in":300}"#).unwrap(), 290);
        assert_eq!(life(r#"{"access_token":"t"}"#).unwrap(), 50);
        assert_eq!(life(r#"{"token":"","access_token":"t","expires_in":1}"#).unwrap(), 50);
        for wrong in ["", "{}", r#"{"token":"a\nb"}"#, r#"{"token":7}"#] {
            assert!(matches!(life(wrong), Err(RegistryFault::Answer { .. })), "{wrong}");
        }
        let held = read_token(br#"{"token":"s3cret"}"#, now).unwrap();
        assert_eq!((held.header.to_str().unwrap(), held.header.is_sensitive()), ("Bearer s3cret", true));
    }

    #[test]
    fn a_password_goes_only_where_it_is_encrypted() {
        let authorization = Authorization::new(Credentials::basic("u", "p"), "a/b", Access::Push);
        let request = |api: &str, realm: &str| {
            let value = format!("Bearer realm=\"{realm}\",service=\"s\"");
            let challenge = challenges([value.as_str()]).remove(0);
            match authorization.token_request(&api.parse().unwrap(), &challenge) {
                Ok(TokenRequest::Get(url, header)) => format!("{url} {}", header.is_some()),
                Ok(TokenRequest::Post(..)) => "post".to_owned(),
                Err(error) => error.to_string(),
            }
        };
        let query = "service=s&scope=repository%3Aa%2Fb%3Apull%2Cpush";
        assert_eq!(
            request("https://registry.example/", "https://auth.example/token?a=b"),
            format!("https://auth.example/token?a=b&{query} true")
        );
        assert_eq!(
            request("http://127.0.0.1:5000/", "http://localhost:1/token"),
            format!("http://localhost:1/token?{query} true")
        );
        let unsafe_realm = "the registry's answer is wrong: it gives tokens at an address that is not encrypted";
        assert_eq!(request("https://registry.example/", "http://auth.example/token"), unsafe_realm);
        assert_eq!(request("https://registry.example/", "http://127.0.0.1/token"), unsafe_realm);
        for realm in ["", "token", "file:///etc/passwd"] {
            assert_eq!(
                request("https://registry.example/", realm),
                "the registry's answer is wrong: it names no address that gives tokens"
            );
        }
    }
}
