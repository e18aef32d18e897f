//! [`FetchSettings`]: the values by which missing files are fetched. They are decided in `session/settings.rs`.

use jiff::Timestamp;

use crate::http::ClientSettings;

/// How missing files are fetched.
#[derive(Clone, Debug)]
pub struct FetchSettings {
    /// How requests are made.
    pub client: ClientSettings,
    /// Downloads at once.
    pub jobs: usize,
    /// Make no request: what is missing is a failure.
    pub is_offline: bool,
    /// Refuse what the lockfile states no digest of.
    pub requires_integrity: bool,
    /// The time that is noted.
    pub now: Timestamp,
}
