//! Credentials, and which addresses they are for.
//!
//! A secret belongs to a place: a host, a port and a path, `//host[:port]/path`. It is given to addresses on that host and port,
//! on or below that path, and to nothing else.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, OnceLock},
};

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use percent_encoding::percent_decode_str;
use url::Url;

use super::{
    NpmrcError, NpmrcWarning, Origin,
    identity::ClientIdentity,
    layers::{Found, Layers},
    registries::Registries,
    token_helper::TokenHelper,
    yarnrc,
};

/// Passwords are found with and without padding.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a request says about who asks: an `Authorization` header, a client certificate, or both. Neither `Debug` nor `Display` shows it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Authorization {
    header: Option<Box<str>>,
    identity: Option<Arc<ClientIdentity>>,
    is_users: bool,
    in_clear: Option<Box<str>>,
    is_for_one_address: bool,
}

impl Authorization {
    /// The header's value, `Bearer …` or `Basic …`: visible ASCII and single spaces, so always a legal header.
    /// For the request, and for nothing else.
    pub fn expose_header(&self) -> Option<&str> {
        self.header.as_deref()
    }

    /// The certificate with which the client proves who it is.
    pub const fn identity(&self) -> Option<&Arc<ClientIdentity>> {
        self.identity.as_ref()
    }

    /// Whether it is the user's own: it stands in no file of the project. It goes to no server, and over no connection, that only the
    /// project's files lead to.
    pub const fn is_users(&self) -> bool {
        self.is_users
    }

    /// Of a user's own: the setting of the project by which alone it would be sent in clear.
    pub fn in_clear(&self) -> Option<&str> {
        self.in_clear.as_deref()
    }

    /// Whether it stood in the very address, and so is for no other.
    pub const fn is_for_one_address(&self) -> bool {
        self.is_for_one_address
    }

    /// `None` if the secret holds what no header may.
    fn new(scheme: &str, secret: &str) -> Option<Self> {
        let is_legal = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
        is_legal.then(|| Self::of_header(format!("{scheme} {secret}")))
    }

    fn of_header(header: String) -> Self {
        Self { header: Some(header.into()), ..Self::default() }
    }

    /// A header's value as it stands, `Scheme secret`; `None` if it holds what no header may.
    pub(super) fn from_value(value: &str) -> Option<Self> {
        let (scheme, secret) = value.split_once(' ')?;
        let is_legal = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        Self::new(scheme, secret.trim_start()).filter(|_| is_legal)
    }

    /// A token alone.
    pub(super) fn from_token(token: &str) -> Option<Self> {
        Self::new("Bearer", token)
    }

    fn from_user_and_password(user: &str, password: &str) -> Self {
        let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
        Self::of_header(format!("Basic {encoded}"))
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

    /// The same, for the address that it stood in alone.
    #[must_use]
    pub(crate) fn for_one_address(self) -> Self {
        Self { is_for_one_address: true, ..self }
    }

    /// The same with this client certificate, unless it has one.
    fn with_identity(self, identity: &Arc<ClientIdentity>, is_users: bool) -> Self {
        if self.identity.is_some() {
            return self;
        }
        Self { identity: Some(Arc::clone(identity)), is_users: self.is_users || is_users, ..self }
    }

    /// What is stated, or else nothing, with the client certificate that is for all, if there is one.
    pub(super) fn identified(stated: Option<Self>, identity: Option<&(Arc<ClientIdentity>, bool)>) -> Option<Self> {
        match identity {
            Some((identity, is_users)) => Some(stated.unwrap_or_default().with_identity(identity, *is_users)),
            None => stated,
        }
    }

    pub(super) fn of_user(self, is_users: bool) -> Self {
        Self { is_users, ..self }
    }

    pub(super) fn sent_in_clear_by(self, line: String) -> Self {
        Self { in_clear: Some(line.into()), ..self }
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
        match &self.header {
            Some(header) => write!(f, "{} [hidden]", header.split(' ').next().unwrap_or_default()),
            None => f.write_str("a client certificate"),
        }
    }
}

/// All credentials, by the place that each is for.
#[derive(Clone, Debug, Default)]
pub(super) struct Authorizations {
    by_place: BTreeMap<String, Authorization>,
    /// Programs that print a place's token, run when a request needs it.
    helpers: BTreeMap<String, (TokenHelper, Arc<OnceLock<Authorization>>)>,
    /// The credentials for a scope's packages below a registry that has others, too: `//host/path/@scope`.
    by_scope: BTreeMap<String, Authorization>,
    /// The client certificate for what has none of its own, and whether it is the user's.
    identity: Option<(Arc<ClientIdentity>, bool)>,
}

/// The words after a place, or, of old, alone.
const FIELDS: [&str; 4] = ["_authToken", "_auth", "username", "_password"];

/// The words after a place that have to do with credentials.
const ALL_FIELDS: [&str; 9] =
    ["_authToken", "_auth", "username", "_password", "certfile", "keyfile", "cert", "key", "tokenHelper"];

impl Authorizations {
    /// Collects what the places of the configuration say. Credentials without a place are for the default registry, those of a scope for
    /// the scope's.
    pub(super) fn read(
        layers: &Layers,
        registries: &Registries,
        trusts_project: bool,
        warnings: &mut Vec<NpmrcWarning>,
    ) -> Result<Self, NpmrcError> {
        let mut authorizations = Self::default();
        let default_registry = registries.default_registry();
        let keys = layers.keys().into_iter().filter(|key| key.starts_with("//"));
        let places: BTreeSet<&str> = keys
            .filter_map(|key| key.rsplit_once(':'))
            .filter(|(_, field)| ALL_FIELDS.contains(field))
            .map(|(place, _)| place)
            .collect();
        for place in places {
            let fields = FIELDS.map(|field| layers.find(&format!("{place}:{field}")));
            let authorization = from_fields(&fields, warnings);
            let identity = ClientIdentity::read(layers, &format!("{place}:"), warnings)?;
            let key = with_lower_case_host(place);
            if let Some(helper) = TokenHelper::read(layers, &format!("{place}:tokenHelper"), warnings) {
                authorizations.helpers.insert(key.clone(), (helper, Arc::default()));
            }
            if authorization.is_some() || identity.is_some() {
                let mut authorization = authorization.unwrap_or_default();
                authorization.is_users |= identity.as_ref().is_some_and(|(_, is_users)| *is_users);
                authorization.identity = identity.map(|(identity, _)| identity);
                authorizations.by_place.insert(key, authorization);
            }
        }
        if let Some(helper) = TokenHelper::read(layers, "tokenHelper", warnings)
            && let Some(place) = place_of(default_registry)
        {
            authorizations.helpers.entry(place).or_insert((helper, Arc::default()));
        }
        if let Some(authorization) = without_place(layers, trusts_project, warnings) {
            authorizations.insert_if_none(default_registry, authorization);
        }
        authorizations.read_scopes(layers, registries, trusts_project, warnings);
        authorizations.identity = ClientIdentity::read(layers, "", warnings)?;
        Ok(authorizations)
    }

    /// Collects what scopes have that name no registry beside it.
    fn read_scopes(
        &mut self,
        layers: &Layers,
        registries: &Registries,
        trusts_project: bool,
        warnings: &mut Vec<NpmrcWarning>,
    ) {
        let keys = layers.keys().into_iter().filter_map(|key| key.strip_prefix(yarnrc::OF_SCOPE));
        let scopes: BTreeSet<&str> = keys.filter_map(|key| Some(key.rsplit_once(':')?.0)).collect();
        for scope in scopes {
            let find = |field: &str| layers.find(&format!("{}{scope}:{field}", yarnrc::OF_SCOPE));
            let fields = [find("_authToken"), find("_auth"), None, None];
            let Some(authorization) = from_fields(&fields, warnings) else { continue };
            let scope = format!("@{scope}");
            let own = registries.of_scope(&scope);
            let key = if own.is_some() { format!("{scope}:registry") } else { "registry".to_owned() };
            if !trusts_project && is_led_away(&fields, layers.find(&key), warnings) {
                continue;
            }
            match own {
                Some(own) if own != registries.default_registry() => self.insert_if_none(own, authorization),
                _ => {
                    let place = place_of(registries.default_registry());
                    self.by_scope.extend(place.map(|place| (format!("{place}{scope}"), authorization)));
                }
            }
        }
    }

    /// Adds credentials for what lies below this address, unless it has some.
    pub(super) fn insert_if_none(&mut self, registry: &Url, authorization: Authorization) {
        if let Some(place) = place_of(registry).filter(|_| self.stated(registry).is_none()) {
            self.by_place.insert(place, authorization);
        }
    }

    /// The client certificate for all https addresses that have none of their own, and whether it is the user's.
    pub(super) const fn identity(&self) -> Option<&(Arc<ClientIdentity>, bool)> {
        self.identity.as_ref()
    }

    /// The credentials that are stated for this address: those of its scope, else those of the longest path.
    pub(super) fn stated(&self, url: &Url) -> Option<Authorization> {
        self.of_scope(url).or_else(|| self.of_place(url))
    }

    /// Those of the scope whose package the address is of: `…/@scope/name/-/name-1.0.0.tgz`, `…/@scope%2fname`.
    fn of_scope(&self, url: &Url) -> Option<Authorization> {
        if self.by_scope.is_empty() || hides_dots(url) {
            return None;
        }
        let place = place_of(url)?;
        let is_within = |scope: &str| {
            let rest = place.strip_prefix(scope);
            rest.is_some_and(|rest| ["/", "%2f", "%2F"].iter().any(|slash| rest.starts_with(slash)))
        };
        self.by_scope.iter().find(|(scope, _)| is_within(scope)).map(|(_, authorization)| authorization.clone())
    }

    fn of_place(&self, url: &Url) -> Option<Authorization> {
        if self.by_place.is_empty() && self.helpers.is_empty() {
            return None;
        }
        places_of(url).into_iter().find_map(|place| {
            let by_helper = || self.helpers.get(&place).and_then(|(_, token)| token.get());
            self.by_place.get(&place).or_else(by_helper).cloned()
        })
    }

    /// Runs the programs that print the tokens of these addresses, each once.
    pub(super) fn ask_helpers<'a>(&self, urls: impl Iterator<Item = &'a Url>) -> Result<(), NpmrcError> {
        if self.helpers.is_empty() {
            return Ok(());
        }
        let wanted: BTreeSet<String> = urls.flat_map(places_of).collect();
        for (place, (helper, token)) in &self.helpers {
            let is_needed = wanted.contains(place) && !self.by_place.contains_key(place) && token.get().is_none();
            if is_needed {
                let authorization = helper.run()?;
                token.get_or_init(|| authorization);
            }
        }
        Ok(())
    }

    /// All client certificates.
    pub(super) fn identities(&self) -> impl Iterator<Item = &Arc<ClientIdentity>> {
        self.by_place.values().filter_map(Authorization::identity).chain(self.identity.as_ref().map(|(it, _)| it))
    }
}

/// The places that an address lies in, the narrowest first: `//host/a/b`, `//host/a/`, `//host/a`, `//host/`, `//host`. npm takes a place with
/// and without its last slash.
///
/// An address that hides dots or slashes (`..%2f`) lies only where both its text and what a server may make of it lie.
fn places_of(url: &Url) -> Vec<String> {
    let Some(mut place) = place_of(url) else { return Vec::new() };
    let host_end = place.len() - url.path().len();
    let plain = plain_path(url.path());
    // Nearly every path is written as it is meant.
    let is_within = |folder: &str| {
        let folder = plain_path(folder);
        let below = plain.strip_prefix(folder.trim_end_matches('/'));
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mut places = Vec::new();
    while place.len() > "//".len() {
        let path = place.get(host_end..).unwrap_or_default();
        if matches!(plain, Cow::Borrowed(_)) || is_within(path) {
            places.push(place.clone());
        }
        let shorter = place.strip_suffix('/').unwrap_or_else(|| place.trim_end_matches(|c| c != '/'));
        place.truncate(shorter.len());
    }
    places
}

/// Whether a server may take the path for one above itself: a `..` stands in it behind percent signs or backslashes.
pub(super) fn hides_dots(url: &Url) -> bool {
    has_dots(&decoded(url.path()))
}

/// A path as a server may understand it: percent signs decoded, however often they were encoded, backslashes taken for slashes, dots followed.
fn plain_path(path: &str) -> Cow<'_, str> {
    let decoded = decoded(path);
    if !has_dots(&decoded) {
        return decoded;
    }
    let mut folders: Vec<&str> = Vec::new();
    for part in decoded.split('/').skip(1) {
        match without_parameters(part) {
            ".." => drop(folders.pop()),
            "." => {}
            _ => folders.push(part),
        }
    }
    Cow::Owned(format!("/{}", folders.join("/")))
}

fn decoded(path: &str) -> Cow<'_, str> {
    /// Nobody encodes what is encoded more often than this; what is left then is no dot and no slash to any server.
    const MOST_ROUNDS: usize = 8;
    if !path.contains(['%', '\\']) {
        return Cow::Borrowed(path);
    }
    let mut text = path.to_owned();
    for _ in 0..MOST_ROUNDS {
        let next = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if next == text {
            break;
        }
        text = next;
    }
    Cow::Owned(text.replace('\\', "/"))
}

fn has_dots(path: &str) -> bool {
    path.split('/').any(|part| without_parameters(part) == "..")
}

/// Some servers read `..;a` as `..`.
fn without_parameters(part: &str) -> &str {
    part.split(';').next().unwrap_or(part)
}

/// The credentials that name no host, as npm wrote them long ago.
///
/// They are for the default registry. Where the project names that and somebody else the secret, they are for nothing: any
/// repository could draw the user's secret to a host of its choice.
fn without_place(layers: &Layers, trusts_project: bool, warnings: &mut Vec<NpmrcWarning>) -> Option<Authorization> {
    // A variable's name arrives in lower case.
    let token = layers.find("_authToken").or_else(|| layers.find("_authtoken"));
    let fields = [token, layers.find("_auth"), layers.find("username"), layers.find("_password")];
    let authorization = from_fields(&fields, warnings)?;
    let is_withheld = !trusts_project && is_led_away(&fields, layers.find("registry"), warnings);
    Some(authorization).filter(|_| !is_withheld)
}

/// Whether only the project names the registry of a secret that somebody else has and that names no host. Says so.
fn is_led_away(fields: &[Option<Found<'_>>; 4], registry: Option<Found<'_>>, warnings: &mut Vec<NpmrcWarning>) -> bool {
    let registry = registry.filter(|registry| registry.level.is_of_project());
    let foreign = fields.iter().flatten().find(|found| found.level.has_users_secrets());
    let (Some(registry), Some(secret)) = (registry, foreign) else { return false };
    let (key, cure) = match secret.key {
        // npm's variables arrive in lower case.
        "_authToken" if *secret.origin == Origin::Environment => {
            ("YARN_NPM_AUTH_TOKEN".to_owned(), "set YARN_NPM_REGISTRY_SERVER to the registry, too".to_owned())
        }
        key => match yarnrc::key_of_scope(key) {
            Some(key) => (key, "write `npmRegistryServer` beside it".to_owned()),
            None => (key.to_owned(), format!("write `//host/:{key}`")),
        },
    };
    let (origin, registry) = (secret.origin.clone(), registry.origin.clone());
    warnings.push(NpmrcWarning::SecretWithoutHost { origin, key, registry, cure });
    true
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
    let key = |found: &Found<'_>| yarnrc::key_of_scope(found.key).unwrap_or_else(|| found.key.to_owned());
    let of = |found: &Found<'_>| (found.origin.clone(), key(found));
    if let Some((found, variable)) = parts.iter().find_map(|&found| Some((found, found.unset.first()?))) {
        let (origin, key) = of(found);
        warnings.push(NpmrcWarning::UnsetVariable { origin, key, variable: variable.clone() });
        return None;
    }
    if authorization.is_none() {
        let (origin, key) = of(parts[0]);
        warnings.push(NpmrcWarning::UnusableSecret { origin, key });
    }
    let is_users = parts.iter().any(|found| found.level.has_users_secrets());
    authorization.map(|authorization| authorization.of_user(is_users))
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
