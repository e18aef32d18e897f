//! Single flight: one download for one file, however many ask for it at once in this process. Across processes, the store's download lock does the same.

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
pub(super) struct Flights(Arc<Mutex<HashMap<Key, watch::Receiver<Ended>>>>);

/// What those who wait for a download learn at its end: nothing if it was published or given up, else how it failed.
type Ended = Option<Arc<Failed>>;

/// A failure, of these addresses.
#[derive(Debug)]
struct Failed {
    addresses: Vec<Address>,
    kind: FailureKind,
}

/// Who makes a download.
pub(super) enum Boarding {
    /// The caller.
    Pilot(Flight),
    /// Somebody else, already.
    Passenger(Passenger),
}

/// The right to make a download in this process, until it is dropped.
#[derive(Debug)]
pub(super) struct Flight {
    key: Key,
    ended: watch::Sender<Ended>,
    flights: Flights,
}

/// Waits for somebody else's download.
pub(super) struct Passenger(watch::Receiver<Ended>);

impl Flights {
    /// Makes the caller the one who downloads the file of this key, unless somebody is.
    pub(super) fn board(&self, key: Key) -> Boarding {
        match self.lock().entry(key) {
            Entry::Occupied(flight) => Boarding::Passenger(Passenger(flight.get().clone())),
            Entry::Vacant(place) => {
                let (ended, receiver) = watch::channel(None);
                let key = place.key().clone();
                place.insert(receiver);
                Boarding::Pilot(Flight { key, ended, flights: self.clone() })
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, watch::Receiver<Ended>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Ends it with a failure, which is that of everybody who would ask the same addresses.
    pub(super) fn fail(self, addresses: &[Address], kind: &FailureKind) {
        self.ended.send_replace(Some(Arc::new(Failed { addresses: addresses.to_vec(), kind: kind.clone() })));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        // Whoever asks from now on makes a download of his own.
        self.flights.lock().remove(&self.key);
    }
}

impl Passenger {
    /// Waits for its end. How it failed, if the caller's addresses are the same.
    pub(super) async fn wait(mut self, addresses: &[Address]) -> Option<FailureKind> {
        while self.0.changed().await.is_ok() {}
        let ended = self.0.borrow();
        ended.as_ref().filter(|failed| failed.addresses == addresses).map(|failed| failed.kind.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pilot(flights: &Flights, key: &Key) -> Flight {
        match flights.board(key.clone()) {
            Boarding::Pilot(flight) => flight,
            Boarding::Passenger(_) => panic!("somebody else is at it"),
        }
    }

    fn passenger(flights: &Flights, key: &Key) -> Passenger {
        match flights.board(key.clone()) {
            Boarding::Pilot(_) => panic!("nobody is at it"),
            Boarding::Passenger(passenger) => passenger,
        }
    }

    #[tokio::test]
    async fn a_failure_is_for_those_who_wait_and_ask_the_same_and_for_nobody_after() {
        let (flights, key) = (Flights::default(), Key::of_identity("a"));
        let address = |text: &str| Address { url: text.parse().unwrap(), authorization: None, member: None };
        let (one, other) = ([address("http://registry.example/a")], [address("http://other.example/a")]);
        let flight = pilot(&flights, &key);
        let waiting = [passenger(&flights, &key), passenger(&flights, &key)];
        drop(pilot(&flights, &Key::of_identity("b")));
        flight.fail(&one, &FailureKind::Offline);
        let [same, another] = waiting;
        assert!(matches!(same.wait(&one).await, Some(FailureKind::Offline)));
        assert!(another.wait(&other).await.is_none());
        drop(pilot(&flights, &key));
    }

    #[tokio::test]
    async fn who_waits_for_a_download_that_was_given_up_makes_it() {
        let (flights, key) = (Flights::default(), Key::of_identity("a"));
        let flight = pilot(&flights, &key);
        let waiting = passenger(&flights, &key);
        drop(flight);
        assert!(waiting.wait(&[]).await.is_none());
        drop(pilot(&flights, &key));
    }
}
