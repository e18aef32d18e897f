//! Stage 5 of a fetch, single flight: of all callers that need a file, the leader downloads it, and the followers wait. This holds within one process; the store's
//! download lock does the same between processes.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use larder_store::key::Key;
use tokio::sync::watch;

use super::FailureKind;
use crate::config::address::Address;

/// The downloads under way.
#[derive(Clone, Debug, Default)]
pub(super) struct SingleFlight(Arc<Mutex<HashMap<Key, watch::Receiver<Ended>>>>);

/// What followers learn at the end: `None` if the download was published or given up, else its failure.
type Ended = Option<Arc<Failed>>;

/// A failure of these addresses.
#[derive(Debug)]
struct Failed {
    addresses: Vec<Address>,
    kind: FailureKind,
}

/// The role of a caller that needs a file.
pub(super) enum Role {
    /// Downloads it.
    Leader(Leader),
    /// Waits for the leader.
    Follower(Follower),
}

/// The caller that downloads a file. Dropping it ends the flight.
#[derive(Debug)]
pub(super) struct Leader {
    key: Key,
    ended: watch::Sender<Ended>,
    flights: SingleFlight,
}

/// A caller that waits for the leader's download.
pub(super) struct Follower(watch::Receiver<Ended>);

impl SingleFlight {
    /// Makes the caller the leader for the file of this key, or a follower if it has a leader.
    pub(super) fn join(&self, key: Key) -> Role {
        match self.lock().entry(key) {
            Entry::Occupied(flight) => Role::Follower(Follower(flight.get().clone())),
            Entry::Vacant(place) => {
                let (ended, receiver) = watch::channel(None);
                let key = place.key().clone();
                place.insert(receiver);
                Role::Leader(Leader { key, ended, flights: self.clone() })
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, watch::Receiver<Ended>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leader {
    /// Ends the flight with a failure. Followers with the same addresses fail with it.
    pub(super) fn fail(self, addresses: &[Address], kind: &FailureKind) {
        self.ended.send_replace(Some(Arc::new(Failed { addresses: addresses.to_vec(), kind: kind.clone() })));
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        // The next caller becomes a leader.
        self.flights.lock().remove(&self.key);
    }
}

impl Follower {
    /// Waits for the end of the download. Returns its failure, if the caller has the same addresses.
    pub(super) async fn wait(mut self, addresses: &[Address]) -> Option<FailureKind> {
        while self.0.changed().await.is_ok() {}
        let ended = self.0.borrow();
        ended.as_ref().filter(|failed| failed.addresses == addresses).map(|failed| failed.kind.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(flights: &SingleFlight, key: &Key) -> Leader {
        match flights.join(key.clone()) {
            Role::Leader(leader) => leader,
            Role::Follower(_) => panic!("there is a leader"),
        }
    }

    fn follow(flights: &SingleFlight, key: &Key) -> Follower {
        match flights.join(key.clone()) {
            Role::Leader(_) => panic!("there is no leader"),
            Role::Follower(follower) => follower,
        }
    }

    #[tokio::test]
    async fn followers_with_the_same_addresses_share_a_failure_and_later_callers_do_not() {
        let (flights, key) = (SingleFlight::default(), Key::of_identity("a"));
        let address =
            |text: &str| Address { url: text.parse().unwrap(), authorization: None, is_anonymous: false, member: None };
        let (one, other) = ([address("http://registry.example/a")], [address("http://other.example/a")]);
        let leader = lead(&flights, &key);
        let waiting = [follow(&flights, &key), follow(&flights, &key)];
        drop(lead(&flights, &Key::of_identity("b")));
        leader.fail(&one, &FailureKind::Offline);
        let [same, another] = waiting;
        assert!(matches!(same.wait(&one).await, Some(FailureKind::Offline)));
        assert!(another.wait(&other).await.is_none());
        drop(lead(&flights, &key));
    }

    #[tokio::test]
    async fn a_follower_of_a_download_that_was_given_up_may_lead() {
        let (flights, key) = (SingleFlight::default(), Key::of_identity("a"));
        let leader = lead(&flights, &key);
        let waiting = follow(&flights, &key);
        drop(leader);
        assert!(waiting.wait(&[]).await.is_none());
        drop(lead(&flights, &key));
    }
}
