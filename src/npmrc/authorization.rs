//! Credentials, and which addresses they are for.
//!
//! A secret belongs to a place: a host, a port and a path, `//host[:port]/path`. It is given to addresses on that host and port,
//! on or below that path, and to nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use percent_encoding::percent_decode_str;
use url::Url;

use super::{
    NpmrcWarning,
    layers::{Found, Layers},
};

/// Passwords are found with and without padding.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What an `Authorization` header says. Neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    header: Box<str>,
}

impl Authorization {
    /// The header's value, `Bearer …` or `Basic …`: visible ASCII and single spaces, so always a legal header.
    /// For the request, and for nothing else.
    pub fn expose_header(&self) -> &str {
        &self.header
    }

    /// `None` if the secret holds what no header may.
    fn new(scheme: &str, secret: &str) -> Option<Self> {
        let is_legal = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
        is_legal.then(|| Self { header: format!("{scheme} {secret}").into() })
    }

    fn from_user_and_password(user: &str, password: &str) -> Self {
        let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
        Self { header: format!("Basic {encoded}").into() }
    }

    /// Takes user name and password out of an address. `None` if it has none.
    pub(crate) fn take_from(url: &mut Url) -> Option<Self> {
        if url.username().is_empty() && url.password().is_none() {
            return None;
        }
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let authorization =
            Self::from_user_and_password(&decode(url.username()), &decode(url.password().unwrap_or_default()));
        // Both fail only for addresses without a host, and those have no user name.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Some(authorization)
    }
}

/// The scheme alone.
impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorization({self})")
    }
}

/// The scheme alone: `Bearer [hidden]`.
impl fmt::Display for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.header.split(' ').next().unwrap_or_default();
        write!(f, "{scheme} [hidden]")
    }
}

/// All credentials, by the place that each is for.
#[derive(Clone, Debug, Default)]
pub(super) struct Authorizations {
    by_place: BTreeMap<String, Authorization>,
}

/// The words after a place, or, of old, alone.
const FIELDS: [&str; 4] = ["_authToken", "_auth", "username", "_password"];

impl Authorizations {
    /// Collects what the places of the configuration say; `default_registry` is what credentials without a place are for.
    pub(super) fn read(layers: &Layers, default_registry: &Url, warnings: &mut Vec<NpmrcWarning>) -> Self {
        let mut authorizations = Self::default();
        let mut places = BTreeSet::new();
        for key in layers.keys().into_iter().filter(|key| key.starts_with("//")) {
            let Some((place, field)) = key.rsplit_once(':') else { continue };
            if FIELDS.contains(&field) {
                places.insert(place);
            }
            if matches!(field, "certfile" | "keyfile") {
                warnings.extend(layers.find(key).map(|found| NpmrcWarning::ClientCertificate {
                    origin: found.origin.clone(),
                    key: key.to_owned(),
                }));
            }
        }
        for place in places {
            let fields = FIELDS.map(|field| layers.find(&format!("{place}:{field}")));
            if let Some(authorization) = from_fields(&fields, warnings) {
                authorizations.by_place.insert(with_lower_case_host(place), authorization);
            }
        }
        if let Some(authorization) = without_place(layers, warnings) {
            authorizations.insert_if_none(default_registry, authorization);
        }
        authorizations
    }

    /// Adds credentials for what lies below this address, unless it has some.
    pub(super) fn insert_if_none(&mut self, registry: &Url, authorization: Authorization) {
        if let Some(place) = place_of(registry).filter(|_| self.find(registry).is_none()) {
            self.by_place.insert(place, authorization);
        }
    }

    /// The credentials for this address: those of the longest path.
    pub(super) fn find(&self, url: &Url) -> Option<&Authorization> {
        if self.by_place.is_empty() {
            return None;
        }
        let mut place = place_of(url)?;
        // `//host/a/b`, `//host/a/`, `//host/a`, `//host/`, `//host`: npm takes a place with and without its last slash.
        while place.len() > "//".len() {
            if let Some(authorization) = self.by_place.get(&place) {
                return Some(authorization);
            }
            let shorter = place.strip_suffix('/').unwrap_or_else(|| place.trim_end_matches(|c| c != '/'));
            place.truncate(shorter.len());
        }
        None
    }
}

/// The credentials that name no host, as npm wrote them long ago.
///
/// They are for the default registry. Where the project names that and somebody else the secret, they are for nothing: any
/// repository could draw the user's secret to a host of its choice.
fn without_place(layers: &Layers, warnings: &mut Vec<NpmrcWarning>) -> Option<Authorization> {
    // A variable's name arrives in lower case.
    let token = layers.find("_authToken").or_else(|| layers.find("_authtoken"));
    let fields = [token, layers.find("_auth"), layers.find("username"), layers.find("_password")];
    let authorization = from_fields(&fields, warnings)?;
    let registry = layers.find("registry").filter(|registry| layers.is_from_project(registry));
    let foreign = fields.iter().flatten().find(|found| !layers.is_from_project(found));
    let (Some(registry), Some(secret)) = (registry, foreign) else { return Some(authorization) };
    warnings.push(NpmrcWarning::SecretWithoutHost {
        origin: secret.origin.clone(),
        key: secret.key.to_owned(),
        registry: registry.origin.clone(),
    });
    None
}

/// The credentials of one place: a token before `_auth` before user name and password.
///
/// What cannot be a secret is a warning. So is a text that still names an unset variable: it is never sent, since the server would
/// refuse what it gives to anybody. It hides the secret of a lower place all the same, as in npm.
fn from_fields(fields: &[Option<Found<'_>>; 4], warnings: &mut Vec<NpmrcWarning>) -> Option<Authorization> {
    let [token, auth, user, password] =
        fields.each_ref().map(|field| field.as_ref().and_then(|found| Some((found, found.text()?))));
    let (parts, authorization) = match (token, auth, user, password) {
        (Some((found, token)), ..) => (vec![found], Authorization::new("Bearer", token)),
        (_, Some((found, auth)), ..) => (vec![found], Authorization::new("Basic", auth)),
        (_, _, Some((user, name)), Some((password, encoded))) => {
            let decoded = LENIENT_BASE64.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let authorization = decoded.map(|decoded| Authorization::from_user_and_password(name, &decoded));
            (vec![password, user], authorization)
        }
        _ => return None,
    };
    let of = |found: &Found<'_>| (found.origin.clone(), found.key.to_owned());
    if let Some((found, variable)) = parts.iter().find_map(|&found| Some((found, found.unset.first()?))) {
        let (origin, key) = of(found);
        warnings.push(NpmrcWarning::UnsetVariable { origin, key, variable: variable.clone() });
        return None;
    }
    if authorization.is_none() {
        let (origin, key) = of(parts[0]);
        warnings.push(NpmrcWarning::UnusableSecret { origin, key });
    }
    authorization
}

/// `//host[:port]/path` of an address; the port only where it is not the scheme's own.
fn place_of(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    Some(format!("//{host}{port}{}", url.path()))
}

fn with_lower_case_host(place: &str) -> String {
    let host_end = place.get(2..).and_then(|rest| rest.find('/')).map_or(place.len(), |slash| slash + 2);
    let (host, path) = place.split_at(host_end);
    format!("{}{path}", host.to_lowercase())
}
