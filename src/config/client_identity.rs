//! Client certificates (mTLS): `certfile` with `keyfile`, `cert` with `key`.

use std::{fmt, path::Path, sync::Arc};

use super::{
    error::{ConfigError, ConfigWarning},
    layers::{Found, Layers, read_file},
};

/// A certificate with its key, both PEM, with which a client proves who it is. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientIdentity {
    /// What to call it in an error: the file or the setting of the certificate.
    pub origin: String,
    certificates: Box<[u8]>,
    key: Box<[u8]>,
}

impl ClientIdentity {
    /// One of these bytes.
    pub fn new(origin: String, certificates: &[u8], key: &[u8]) -> Self {
        Self { origin, certificates: certificates.into(), key: key.into() }
    }

    /// The certificate, and perhaps those that vouch for it.
    pub const fn certificates(&self) -> &[u8] {
        &self.certificates
    }

    /// The key. For the client, and for nothing else.
    pub const fn expose_key(&self) -> &[u8] {
        &self.key
    }

    /// The one of a place (`//host/:`) or, with an empty one, of all; and whether it is the user's own. As in npm, half of one is none. A file
    /// that does not exist is a warning: npm goes on without it, too.
    pub(super) fn read(
        layers: &Layers,
        place: &str,
        warnings: &mut Vec<ConfigWarning>,
    ) -> Result<Option<(Arc<Self>, bool)>, ConfigError> {
        let pair = |certificate: &str, key: &str| {
            let find = |field: &str| layers.find(&format!("{place}{field}")).filter(|found| found.text().is_some());
            Some((find(certificate)?, find(key)?))
        };
        let (parts, certificates, key) = if let Some((certificate, key)) = pair("certfile", "keyfile") {
            let (Some(certificates), Some(bytes)) = (file(&certificate, warnings)?, file(&key, warnings)?) else {
                return Ok(None);
            };
            ([certificate, key], certificates, bytes)
        } else if let Some((certificate, key)) = pair("cert", "key") {
            ([certificate, key], inline(&certificate), inline(&key))
        } else {
            return Ok(None);
        };
        let is_users = parts.iter().any(|found| found.level.has_users_secrets());
        let identity = Self::new(parts[0].line(), &certificates, &key);
        Ok(Some((Arc::new(identity), is_users)))
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity").field("origin", &self.origin).finish_non_exhaustive()
    }
}

fn file(found: &Found<'_>, warnings: &mut Vec<ConfigWarning>) -> Result<Option<Vec<u8>>, ConfigError> {
    let Some(path) = found.path() else { return Ok(None) };
    let unreadable = |path: &Path, source| ConfigError::Unreadable { path: path.to_owned(), source };
    let bytes = read_file(&path).map_err(|source| unreadable(&path, source))?;
    if bytes.is_none() {
        warnings.push(ConfigWarning::NoCertificateFile { path, origin: found.origin.clone() });
    }
    Ok(bytes)
}

/// Line breaks are often written as the two characters that JSON has for one.
fn inline(found: &Found<'_>) -> Vec<u8> {
    found.text().unwrap_or_default().replace("\\n", "\n").into_bytes()
}
