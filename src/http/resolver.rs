//! A DNS cache with single flight: each host's name is looked up once, however many ask. A resolver may drop look-ups that come in bursts, and each one dropped
//! costs seconds.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Mutex as AsyncMutex;

/// How long a failure holds: those who waited for the same look-up share it, a retry looks again.
const FAILURE_HOLDS: Duration = Duration::from_millis(100);
/// How long addresses hold. A fetch is over by then; a registry that runs for days notices that a host has moved.
const ADDRESSES_HOLD: Duration = Duration::from_mins(5);

type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;
type Lookup = dyn Fn(String) -> Looking + Send + Sync;

/// Answers from memory what it has looked up.
pub(super) struct Resolver {
    lookup: Arc<Lookup>,
    known: Mutex<HashMap<Box<str>, Arc<AsyncMutex<Known>>>>,
}

#[derive(Default)]
enum Known {
    #[default]
    Nothing,
    /// They hold until then.
    Addresses(Vec<SocketAddr>, Instant),
    Failure(LookupError, Instant),
}

/// A look-up that failed, for all who waited for it.
#[derive(Clone, Debug, thiserror::Error)]
enum LookupError {
    #[error("{host}: {source}")]
    Failed { host: Arc<str>, source: Arc<io::Error> },
    #[error("{host} has no address")]
    Empty { host: Arc<str> },
}

impl Resolver {
    /// Asks the system's resolver.
    #[cfg(not(target_feature = "crt-static"))]
    pub(super) fn system() -> Self {
        // reqwest sets the port afterwards.
        Self::new(|host| Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) }))
    }

    /// Reads the files that the system's resolver would read, at each look-up: a laptop changes its network while a registry runs.
    #[cfg(target_feature = "crt-static")]
    pub(super) fn system() -> Self {
        Self::new(|host| Box::pin(async move { super::dns::DnsClient::system()?.look_up(&host).await }))
    }

    pub(super) fn new(lookup: impl Fn(String) -> Looking + Send + Sync + 'static) -> Self {
        Self { lookup: Arc::new(lookup), known: Mutex::default() }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let entry = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(name.as_str().into()).or_default())
        };
        let lookup = Arc::clone(&self.lookup);
        Box::pin(async move {
            // Held during the look-up: whoever asks meanwhile waits for its result.
            let mut known = entry.lock().await;
            match &*known {
                Known::Addresses(addresses, until) if Instant::now() < *until => {
                    return Ok(Box::new(addresses.clone().into_iter()) as Addrs);
                }
                Known::Failure(error, since) if since.elapsed() < FAILURE_HOLDS => return Err(error.clone().into()),
                _ => {}
            }
            let host: Arc<str> = name.as_str().into();
            let error = match lookup(name.as_str().to_owned()).await {
                Ok(addresses) if addresses.is_empty() => LookupError::Empty { host },
                Ok(addresses) => {
                    *known = Known::Addresses(addresses.clone(), Instant::now() + ADDRESSES_HOLD);
                    return Ok(Box::new(addresses.into_iter()) as Addrs);
                }
                Err(source) => LookupError::Failed { host, source: Arc::new(source) },
            };
            // Addresses that were good a moment ago are better than none.
            if let Known::Addresses(addresses, until) = &mut *known {
                *until = Instant::now() + FAILURE_HOLDS;
                return Ok(Box::new(addresses.clone().into_iter()) as Addrs);
            }
            *known = Known::Failure(error.clone(), Instant::now());
            Err(error.into())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn counting(fails: bool) -> (Arc<AtomicU32>, Resolver) {
        let count = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&count);
        let resolver = Resolver::new(move |_host| {
            counter.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                tokio::task::yield_now().await;
                if fails { Err(io::Error::other("no")) } else { Ok(vec![SocketAddr::from(([127, 0, 0, 1], 0))]) }
            })
        });
        (count, resolver)
    }

    #[tokio::test]
    async fn looks_a_name_up_once_however_many_ask_at_once() {
        let (count, resolver) = counting(false);
        let asked: Vec<_> =
            (0..50).map(|_| tokio::spawn(resolver.resolve("registry.example".parse().unwrap()))).collect();
        for answer in asked {
            assert_eq!(answer.await.unwrap().unwrap().count(), 1);
        }
        assert_eq!(count.load(Ordering::Relaxed), 1);
        drop(resolver.resolve("other.example".parse().unwrap()).await);
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_failure_is_shared_but_not_kept() {
        let (count, resolver) = counting(true);
        for _ in 0..2 {
            let error = resolver.resolve("registry.example".parse().unwrap()).await.err().unwrap();
            assert_eq!(error.to_string(), "registry.example: no");
        }
        assert_eq!(count.load(Ordering::Relaxed), 1);
        tokio::time::sleep(FAILURE_HOLDS).await;
        assert!(resolver.resolve("registry.example".parse().unwrap()).await.is_err());
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }
}
