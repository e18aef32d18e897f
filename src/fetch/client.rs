//! [`Client`]: makes single requests.

use std::{fmt, sync::Arc};

use reqwest::header::HeaderValue;
use url::Url;

use super::{ClientError, ClientSettings};

/// Knows which address is to be sent which `Authorization`.
pub trait Credentials: Send + Sync {
    /// The header's value for this very address, marked sensitive; `None` if none belongs there.
    fn authorization_for(&self, url: &Url) -> Option<HeaderValue>;
}

/// Knows none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCredentials;

impl Credentials for NoCredentials {
    fn authorization_for(&self, _url: &Url) -> Option<HeaderValue> {
        None
    }
}

/// Makes requests. Cheap to clone; clones share connections and look-ups.
#[derive(Clone)]
pub struct Client {
    #[expect(dead_code, reason = "types first")]
    settings: Arc<ClientSettings>,
    #[expect(dead_code, reason = "types first")]
    credentials: Arc<dyn Credentials>,
}

impl Client {
    /// A client. Reads the system's certificates, which takes milliseconds: make one only when something is to be fetched.
    pub fn new(settings: ClientSettings, credentials: Arc<dyn Credentials>) -> Result<Self, ClientError> {
        Ok(Self { settings: Arc::new(settings), credentials })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
