//! [`Beyond`]: the difference between a run with a network and one without.

use std::sync::Arc;

use super::recorder::Recorder;
use crate::http::Upstream;

/// What becomes of what the source does not know.
#[derive(Debug)]
pub(crate) enum Beyond {
    /// It is refused, for this reason.
    Refuse(&'static str),
    /// It is passed on.
    PassOn(Box<PassOn>),
}

/// How it is passed on.
pub(crate) struct PassOn {
    /// The way to servers.
    pub(crate) upstream: Upstream,
    /// Who is told of what is passed on. Without one, connections to hosts that the source does not know are tunnels.
    pub(crate) recorder: Option<Arc<dyn Recorder>>,
}

impl std::fmt::Debug for PassOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PassOn").field("is_recorded", &self.recorder.is_some()).finish_non_exhaustive()
    }
}
