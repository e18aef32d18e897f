//! Docker's `config.json`, and Podman's `auth.json`, which has the same form.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;

use super::{
    error::CredentialsError,
    login::{Login, Secret},
};
use crate::{core::endpoints, share::oci::reference::Reference};

/// No such file is as long: bytes.
const MOST_BYTES: u64 = 4 << 20;

/// A file that was read.
pub(super) struct ConfigFile {
    path: PathBuf,
    written: Written,
}

/// What a file has for a registry.
pub(super) enum Found {
    /// It stands in the file.
    Login(Login),
    /// A helper has it.
    Helper {
        /// The end of its program's name.
        name: String,
        /// What it is asked for.
        server: String,
        /// What stands in the file, if the helper has nothing.
        or: Option<Login>,
    },
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Written {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

impl ConfigFile {
    /// Reads a file; `None` if there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, CredentialsError> {
        let unreadable = |source| CredentialsError::Unreadable { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        match File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes)) {
            // A parent that is a file is no folder with one either.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            read => read.map_err(unreadable)?,
        };
        let malformed = |line| CredentialsError::Malformed { path: path.to_owned(), line };
        if bytes.trim_ascii().is_empty() {
            return Ok(None);
        }
        let written = serde_json::from_slice(&bytes).map_err(|error| malformed(error.line()))?;
        Ok(Some(Self { path: path.to_owned(), written }))
    }

    /// What it has for a repository of a registry.
    pub(super) fn find(&self, reference: &Reference) -> Result<Option<Found>, CredentialsError> {
        let login = self.login(reference)?;
        let server = server(&reference.registry);
        let named =
            [reference.registry.as_str(), &server].into_iter().find_map(|key| self.written.cred_helpers.get(key));
        let helper = named.or(Some(&self.written.creds_store)).filter(|name| !name.is_empty());
        Ok(match helper {
            Some(name) => Some(Found::Helper { name: name.clone(), server, or: login }),
            None => login.map(Found::Login),
        })
    }

    /// What `auths` has. Of several keys, the one that says most of the repository.
    fn login(&self, reference: &Reference) -> Result<Option<Login>, CredentialsError> {
        let fitting = self.written.auths.iter().filter_map(|(key, entry)| Some((fit(key, reference)?, key, entry)));
        let Some((_, key, entry)) = fitting.max_by_key(|(fit, ..)| *fit) else { return Ok(None) };
        entry.login().map_err(|()| CredentialsError::Auth { path: self.path.clone(), registry: key.clone() })
    }
}

impl Entry {
    fn login(&self) -> Result<Option<Login>, ()> {
        let secret = |text: &str| Secret(text.to_owned());
        if !self.identitytoken.is_empty() {
            return Ok(Some(Login::Identity(secret(&self.identitytoken))));
        }
        if !self.registrytoken.is_empty() {
            return Ok(Some(Login::Bearer(secret(&self.registrytoken))));
        }
        if !self.auth.is_empty() {
            let plain = BASE64_STANDARD.decode(self.auth.trim()).map_err(drop)?;
            let plain = String::from_utf8(plain).map_err(drop)?;
            let (user, password) = plain.split_once(':').ok_or(())?;
            // Old clients filled what they encoded up with zeros.
            let password = secret(password.trim_end_matches('\0'));
            return Ok(Some(Login::Basic { user: user.to_owned(), password }));
        }
        let has_user = !self.username.is_empty() && !self.password.is_empty();
        Ok(has_user.then(|| Login::Basic { user: self.username.clone(), password: secret(&self.password) }))
    }
}

/// What a helper is asked for.
fn server(registry: &str) -> String {
    if endpoints::is_docker_hub(registry) { endpoints::DOCKER_HUB_LOGIN.to_owned() } else { registry.to_owned() }
}

/// How much of a reference a key of `auths` says, if it is for it: a host, an address on it, or, as Podman has them, a host and the beginning of a repository.
fn fit(key: &str, reference: &Reference) -> Option<usize> {
    let (has_scheme, rest) = match key.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (false, key),
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.trim_end_matches('/');
    let is_same_host =
        host == reference.registry || (endpoints::is_docker_hub(host) && endpoints::is_docker_hub(&reference.registry));
    if !is_same_host {
        return None;
    }
    // Of an address, the path is the API's.
    if has_scheme || matches!(path, "" | "v1" | "v2") {
        return Some(1);
    }
    let rest = reference.repository.strip_prefix(path)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(1 + path.len())
}
