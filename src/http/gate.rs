//! Lets one request to a host go first, so that the others find its HTTP/2 connection instead of each making one.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
    time::timeout,
};
use url::{Origin, Url};

/// How long the others wait for the first. A server that takes longer to answer its first request should not hold up the rest.
const PATIENCE: Duration = Duration::from_secs(1);

/// A gate for each origin.
#[derive(Default)]
pub(super) struct Gates(Mutex<HashMap<Origin, Arc<Gate>>>);

#[derive(Default)]
struct Gate {
    is_open: AtomicBool,
    first: Arc<AsyncMutex<()>>,
}

/// Leave to go. Dropped by the first without [`open`](Pass::open), the next one is the first.
pub(super) struct Pass(Option<(Arc<Gate>, OwnedMutexGuard<()>)>);

impl Gates {
    /// Waits until the origin's first request is answered, unless this is the first.
    pub(super) async fn enter(&self, url: &Url) -> Pass {
        let gate = {
            let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(gates.entry(url.origin()).or_default())
        };
        if gate.is_open.load(Ordering::Acquire) {
            return Pass(None);
        }
        match timeout(PATIENCE, Arc::clone(&gate.first).lock_owned()).await {
            Ok(guard) if !gate.is_open.load(Ordering::Acquire) => Pass(Some((gate, guard))),
            _ => Pass(None),
        }
    }
}

impl Pass {
    /// The request has been answered or has failed: all others may go.
    pub(super) fn open(self) {
        if let Some((gate, _guard)) = self.0 {
            gate.is_open.store(true, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_others_wait_until_the_first_is_answered() {
        let gates = Gates::default();
        let url: Url = "https://registry.example/a".parse().unwrap();
        let first = gates.enter(&url).await;
        assert!(first.0.is_some());
        let second = gates.enter(&url);
        tokio::pin!(second);
        assert!(timeout(Duration::from_millis(1), &mut second).await.is_err());
        first.open();
        assert!(second.await.0.is_none());
        assert!(gates.enter(&url).await.0.is_none());
    }

    #[tokio::test]
    async fn when_the_first_is_cancelled_the_next_is_the_first() {
        let gates = Gates::default();
        let url: Url = "https://registry.example/a".parse().unwrap();
        drop(gates.enter(&url).await);
        assert!(gates.enter(&url).await.0.is_some());
    }

    #[tokio::test]
    async fn another_host_has_a_gate_of_its_own() {
        let gates = Gates::default();
        let _first = gates.enter(&"https://registry.example/a".parse().unwrap()).await;
        assert!(gates.enter(&"https://registry.example:8443/a".parse().unwrap()).await.0.is_some());
    }
}
