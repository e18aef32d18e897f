//! Certificates to trust beside the system's.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    config::{
        error::{ConfigError, ConfigWarning},
        layers::{Found, read_file},
        precedence::Origin,
    },
    core::environment::Environment,
};

/// Certificates in PEM form, and where they stand.
#[derive(Clone, PartialEq, Eq)]
pub struct PemFile {
    /// The file; `None` if the text stands in the configuration itself (`ca`).
    pub path: Option<PathBuf>,
    /// The setting that names it.
    pub origin: Origin,
    /// The bytes, not yet parsed. One or more certificates.
    pub bytes: Arc<[u8]>,
}

/// Without the bytes: a file of certificates can hold a private key too.
impl fmt::Debug for PemFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemFile")
            .field("path", &self.path)
            .field("origin", &self.origin)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

pub(super) fn extra_certificates<'a>(
    environment: &Environment,
    warnings: &mut Vec<ConfigWarning>,
    find: impl Fn(&str) -> Option<Found<'a>>,
) -> Result<Vec<PemFile>, ConfigError> {
    let mut certificates = Vec::new();
    if let Some(found) = find("ca") {
        for text in found.texts() {
            // Line breaks are often written as the two characters that JSON has for one.
            let bytes = text.replace("\\n", "\n").into_bytes().into();
            certificates.push(PemFile { path: None, origin: found.origin.clone(), bytes });
        }
    }
    let cafile = find("cafile").and_then(|found| Some((found.path()?, found.origin.clone())));
    let from_node = environment
        .variable_os("NODE_EXTRA_CA_CERTS")
        .filter(|path| !path.is_empty())
        .map(|path| (environment.current_dir().join(path), Origin::Environment));
    for (path, origin) in cafile.into_iter().chain(from_node) {
        certificates.extend(read_certificates(&path, origin, warnings)?);
    }
    Ok(certificates)
}

/// A file that does not exist is a warning: npm and node go on without it, and the system's certificates may do.
fn read_certificates(
    path: &Path,
    origin: Origin,
    warnings: &mut Vec<ConfigWarning>,
) -> Result<Option<PemFile>, ConfigError> {
    let bytes =
        read_file(path).map_err(|source: io::Error| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let Some(bytes) = bytes else {
        warnings.push(ConfigWarning::NoCertificateFile { path: path.to_owned(), origin });
        return Ok(None);
    };
    Ok(Some(PemFile { path: Some(path.to_owned()), origin, bytes: bytes.into() }))
}
