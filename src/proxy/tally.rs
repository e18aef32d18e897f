//! What the proxy did that somebody should know of at the end of the run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Addresses and hosts that are noted; any script can cause one.
const MOST_NOTED: usize = 1000;

/// What the proxy did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProxyReport {
    /// Addresses that were refused, each with the reason, in order.
    pub(crate) refused: BTreeMap<String, String>,
    /// Whether a download was among them, rather than what was sent somewhere alone.
    pub(crate) has_refused_download: bool,
    /// Hosts whose clients did not accept the run's certificate.
    pub(crate) distrusting: BTreeMap<String, String>,
    /// Hosts whose servers' certificates larder does not trust, so that their connections are passed through unopened.
    pub(crate) unverified: BTreeMap<String, String>,
    /// What was passed on to servers without having been known: addresses, and hosts to which there was a tunnel.
    pub(crate) passed_on: BTreeSet<String>,
    /// How many more there were.
    pub(crate) more: usize,
}

/// Takes notes.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<ProxyReport>);

impl Tally {
    pub(super) fn refused(&self, address: &str, why: &str, is_download: bool) {
        let mut report = self.report();
        report.has_refused_download |= is_download;
        let has_room = report.refused.len() < MOST_NOTED;
        note(&mut report, |report| &mut report.refused, has_room, address, why);
    }

    pub(super) fn distrusted(&self, host: &str, why: &str) {
        let mut report = self.report();
        let has_room = report.distrusting.len() < MOST_NOTED;
        note(&mut report, |report| &mut report.distrusting, has_room, host, why);
    }

    pub(super) fn passed_on(&self, what: String) {
        let mut report = self.report();
        if report.passed_on.len() < MOST_NOTED {
            report.passed_on.insert(what);
        }
    }

    pub(super) fn unverified(&self, host: &str, why: &str) {
        let mut report = self.report();
        let has_room = report.unverified.len() < MOST_NOTED;
        note(&mut report, |report| &mut report.unverified, has_room, host, why);
    }

    /// Whether connections to this host cannot be opened: a client refused the certificate, or larder that of the server.
    pub(super) fn is_unopenable(&self, host: &str) -> bool {
        let report = self.report();
        report.distrusting.contains_key(host) || report.unverified.contains_key(host)
    }

    pub(super) fn take(&self) -> ProxyReport {
        std::mem::take(&mut *self.report())
    }

    fn report(&self) -> MutexGuard<'_, ProxyReport> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note(
    report: &mut ProxyReport,
    part: impl Fn(&mut ProxyReport) -> &mut BTreeMap<String, String>,
    has_room: bool,
    name: &str,
    why: &str,
) {
    if has_room || part(report).contains_key(name) {
        part(report).entry(name.to_owned()).or_insert_with(|| why.to_owned());
    } else {
        report.more += 1;
    }
}
