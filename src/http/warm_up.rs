//! Connection warm-up: the first request to a host goes alone, so that the others share its HTTP/2 connection instead of each opening one.

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

/// The warm-up of each origin.
#[derive(Default)]
pub(super) struct WarmUps(Mutex<HashMap<Origin, Arc<WarmUp>>>);

#[derive(Default)]
struct WarmUp {
    is_done: AtomicBool,
    first: Arc<AsyncMutex<()>>,
}

/// Permission to send a request. If the first request drops it without [`finish`](WarmUpGuard::finish), the next request is the first.
pub(super) struct WarmUpGuard(Option<(Arc<WarmUp>, OwnedMutexGuard<()>)>);

impl WarmUps {
    /// Waits until the origin's first request is answered, unless this is the first.
    pub(super) async fn wait_turn(&self, url: &Url) -> WarmUpGuard {
        let warm_up = {
            let mut warm_ups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(warm_ups.entry(url.origin()).or_default())
        };
        if warm_up.is_done.load(Ordering::Acquire) {
            return WarmUpGuard(None);
        }
        match timeout(PATIENCE, Arc::clone(&warm_up.first).lock_owned()).await {
            Ok(guard) if !warm_up.is_done.load(Ordering::Acquire) => WarmUpGuard(Some((warm_up, guard))),
            _ => WarmUpGuard(None),
        }
    }
}

impl WarmUpGuard {
    /// The request was answered or failed: all others may be sent.
    pub(super) fn finish(self) {
        if let Some((warm_up, _guard)) = self.0 {
            warm_up.is_done.store(true, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_others_wait_until_the_first_is_answered() {
        let warm_ups = WarmUps::default();
        let url: Url = "https://registry.example/a".parse().unwrap();
        let first = warm_ups.wait_turn(&url).await;
        assert!(first.0.is_some());
        let second = warm_ups.wait_turn(&url);
        tokio::pin!(second);
        assert!(timeout(Duration::from_millis(1), &mut second).await.is_err());
        first.finish();
        assert!(second.await.0.is_none());
        assert!(warm_ups.wait_turn(&url).await.0.is_none());
    }

    #[tokio::test]
    async fn when_the_first_is_cancelled_the_next_is_the_first() {
        let warm_ups = WarmUps::default();
        let url: Url = "https://registry.example/a".parse().unwrap();
        drop(warm_ups.wait_turn(&url).await);
        assert!(warm_ups.wait_turn(&url).await.0.is_some());
    }

    #[tokio::test]
    async fn another_host_has_a_warm_up_of_its_own() {
        let warm_ups = WarmUps::default();
        let _first = warm_ups.wait_turn(&"https://registry.example/a".parse().unwrap()).await;
        assert!(warm_ups.wait_turn(&"https://registry.example:8443/a".parse().unwrap()).await.0.is_some());
    }
}
