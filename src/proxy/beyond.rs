//! [`Beyond`]: the difference between online and offline.

use crate::http::{Client, Tunnels};

/// What the proxy does with what it does not know.
#[derive(Debug)]
pub(crate) enum Beyond {
    /// It is passed on, or tunnelled.
    PassOn {
        /// Passes requests on.
        client: Client,
        /// Makes tunnels.
        tunnels: Box<Tunnels>,
    },
    /// It is refused, for this reason.
    Refuse(&'static str),
}
