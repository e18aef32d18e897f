//! All credentials, and which addresses they are for.
//!
//! A secret belongs to a place: a host, a port and a path, `//host[:port]/path`. It is given to addresses on that host and port,
//! on or below that path, and to nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use url::Url;

use self::token_helper::TokenHelper;
use super::{
    authorization::Authorization,
    client_identity::ClientIdentity,
    credential_place::{hides_dots, place_of, places_of, with_lower_case_host},
    error::{ConfigError, ConfigWarning},
    layers::{Found, Layers},
    precedence::Origin,
    registries::Registries,
    yarnrc,
};

mod token_helper;

/// Passwords are found with and without padding.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// All credentials, by the place that each is for.
#[derive(Clone, Debug, Default)]
pub(super) struct Credentials {
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

impl Credentials {
    /// Collects what the places of the configuration say. Credentials without a place are for the default registry, those of a scope for
    /// the scope's.
    pub(super) fn read(
        layers: &Layers,
        registries: &Registries,
        trusts_project: bool,
        warnings: &mut Vec<ConfigWarning>,
    ) -> Result<Self, ConfigError> {
        let mut credentials = Self::default();
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
                credentials.helpers.insert(key.clone(), (helper, Arc::default()));
            }
            if authorization.is_some() || identity.is_some() {
                credentials.by_place.extend(
                    Authorization::identified(authorization, identity.as_ref())
                        .map(|authorization| (key, authorization)),
                );
            }
        }
        if let Some(helper) = TokenHelper::read(layers, "tokenHelper", warnings)
            && let Some(place) = place_of(default_registry)
        {
            credentials.helpers.entry(place).or_insert((helper, Arc::default()));
        }
        if let Some(authorization) = without_place(layers, trusts_project, warnings) {
            credentials.insert_if_none(default_registry, authorization);
        }
        credentials.read_scopes(layers, registries, trusts_project, warnings);
        credentials.identity = ClientIdentity::read(layers, "", warnings)?;
        Ok(credentials)
    }

    /// Collects what scopes have that name no registry beside it.
    fn read_scopes(
        &mut self,
        layers: &Layers,
        registries: &Registries,
        trusts_project: bool,
        warnings: &mut Vec<ConfigWarning>,
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
    pub(super) fn ask_helpers<'a>(&self, urls: impl Iterator<Item = &'a Url>) -> Result<(), ConfigError> {
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

/// The credentials that name no host, as npm wrote them long ago.
///
/// They are for the default registry. Where the project names that and somebody else the secret, they are for nothing: any
/// repository could draw the user's secret to a host of its choice.
fn without_place(layers: &Layers, trusts_project: bool, warnings: &mut Vec<ConfigWarning>) -> Option<Authorization> {
    // A variable's name arrives in lower case.
    let token = layers.find("_authToken").or_else(|| layers.find("_authtoken"));
    let fields = [token, layers.find("_auth"), layers.find("username"), layers.find("_password")];
    let authorization = from_fields(&fields, warnings)?;
    let is_withheld = !trusts_project && is_led_away(&fields, layers.find("registry"), warnings);
    Some(authorization).filter(|_| !is_withheld)
}

/// Whether only the project names the registry of a secret that somebody else has and that names no host. Says so.
fn is_led_away(
    fields: &[Option<Found<'_>>; 4],
    registry: Option<Found<'_>>,
    warnings: &mut Vec<ConfigWarning>,
) -> bool {
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
    warnings.push(ConfigWarning::SecretWithoutHost { origin, key, registry, cure });
    true
}

/// The credentials of one place: a token before `_auth` before user name and password.
///
/// What cannot be a secret is a warning. So is a text that still names an unset variable: it is never sent, since the server would
/// refuse what it gives to anybody. It hides the secret of a lower place all the same, as in npm.
fn from_fields(fields: &[Option<Found<'_>>; 4], warnings: &mut Vec<ConfigWarning>) -> Option<Authorization> {
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
        warnings.push(ConfigWarning::UnsetVariable { origin, key, variable: variable.clone() });
        return None;
    }
    if authorization.is_none() {
        let (origin, key) = of(parts[0]);
        warnings.push(ConfigWarning::UnusableSecret { origin, key });
    }
    let is_users = parts.iter().any(|found| found.level.has_users_secrets());
    authorization.map(|authorization| authorization.of_user(is_users))
}
