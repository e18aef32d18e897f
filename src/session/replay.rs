//! The source of the proxy on loopback: what `larder.lock` recorded, and what the plans of sessions name and package managers ask for at an address of its own, whatever
//! registry they are told of.

mod manager;

use std::{
    collections::{BTreeSet, HashMap, HashSet, hash_map::Entry},
    fmt,
    path::PathBuf,
};

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use self::manager::Manager;
use super::{open::Session, upstream::in_one_line};
use crate::{
    config::{asked_addresses::asked_addresses, package_manager::NpmConfig},
    core::{artifact::Source as From, error_chain::chain, recorded_url::RecordedUrl, redacted::redact},
    fetcher::Downloads,
    lockfile::{
        Format,
        larder_lock::{LARDER_LOCK, LarderLock, RecordedContent},
    },
    loopback::CheckedBlob,
    plan::{Plan, Planned, StaleRow},
    proxy::{Answer, ServedFile, Source},
};

/// Where an artifact is: the session, and the place in its plan.
type At = (usize, usize);

/// Two `larder.lock`s say different things of one address.
#[derive(Debug, thiserror::Error)]
#[error("{} and {} have different files for {address}: one run can have one alone", first.display(), second.display())]
pub(crate) struct TwoAnswers {
    first: PathBuf,
    second: PathBuf,
    address: String,
}

/// What was recorded of an address.
struct Known {
    /// Whose session it is.
    at: usize,
    /// Its digest, or the status that says that nothing is there.
    says: String,
    answer: Recorded,
}

/// The answer to who asks.
enum Recorded {
    /// An artifact of the store, by its position in the plan, and its media type.
    Stored(usize, Option<String>),
    /// These bytes, and their media type.
    Inline(Bytes, Option<String>),
    /// Nothing; this status says so.
    Absent(u16),
    /// Nothing, since no package of the plan asks for it.
    Unused(String),
}

/// Addresses that are served from the store.
pub(crate) struct Replay {
    sessions: Vec<Session>,
    /// What lockfiles name, by [`key`].
    named: HashMap<String, At>,
    /// What was recorded, by the address as it is written.
    recorded: HashMap<Url, Known>,
    /// The hosts and ports of all these.
    hosts: BTreeSet<(Host, u16)>,
    has_plain_http: bool,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    Bytes,
    Head,
}

impl Replay {
    /// What these sessions' lockfiles name beyond registries, and what their `larder.lock` recorded.
    pub(crate) fn of(sessions: &[Session]) -> Result<Self, TwoAnswers> {
        let mut replay = Self {
            sessions: sessions.to_vec(),
            named: HashMap::new(),
            recorded: HashMap::new(),
            hosts: BTreeSet::new(),
            has_plain_http: false,
        };
        for (session, at) in sessions.iter().zip(0..) {
            if let Some(lock) = &session.project.read.larder_lock {
                replay.add_recorded(lock, session.plan(), at)?;
            }
            for (npm, lockfile) in session.project.configurations.iter().zip(&session.project.read.project.lockfiles) {
                let manager = Manager::of(Format::of(&lockfile.name), &lockfile.name, &lockfile.bytes);
                if manager == Manager::Npm {
                    continue;
                }
                let scopes: HashSet<&str> = npm.scopes().collect();
                for (planned, position) in session.plan().artifacts().iter().zip(0..) {
                    if manager.asks_itself(planned, &lockfile.name, &scopes) {
                        replay.add(planned, npm, (at, position));
                    }
                }
            }
        }
        Ok(replay)
    }

    /// Whether there is nothing that a package manager asks for itself.
    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty() && self.recorded.is_empty()
    }

    /// Whether some of it is at an address in plain HTTP.
    pub(crate) const fn has_plain_http(&self) -> bool {
        self.has_plain_http
    }

    /// Whether some of it is what scripts download.
    pub(crate) fn has_recorded(&self) -> bool {
        !self.recorded.is_empty()
    }

    /// The hosts and ports of its addresses.
    pub(crate) const fn hosts(&self) -> &BTreeSet<(Host, u16)> {
        &self.hosts
    }

    fn add(&mut self, planned: &Planned, npm: &NpmConfig, at: At) {
        for url in asked_addresses(&planned.artifact, npm) {
            self.has_plain_http |= url.scheme() == "http";
            self.hosts.extend(host_of(&url));
            self.named.entry(key(&url)).or_insert(at);
        }
    }

    fn add_recorded(&mut self, lock: &LarderLock, plan: &Plan, at: usize) -> Result<(), TwoAnswers> {
        let recorded =
            plan.artifacts().iter().zip(0..).filter_map(|(planned, position)| match &planned.artifact.source {
                From::Recorded { url } => Some((url, position)),
                _ => None,
            });
        let positions: HashMap<&RecordedUrl, usize> = recorded.collect();
        let unused: HashMap<&str, &StaleRow> = plan.unused().map(|row| (&*row.entry.path, row)).collect();
        let unused = |url: &RecordedUrl| unused.get(url.as_str()).copied();
        for row in &lock.downloads {
            if let Some(unused) = unused(&row.url) {
                self.record_unused(row.url.as_url(), unused, at);
                continue;
            }
            let says = row.content.sha256().to_string();
            let content_type = row.content_type.as_ref().map(|it| it.as_str().to_owned());
            let answer = match (&row.content, positions.get(&row.url)) {
                (RecordedContent::Inline(body), _) => {
                    Recorded::Inline(Bytes::copy_from_slice(body.as_bytes()), content_type)
                }
                (RecordedContent::Stored { .. }, Some(&position)) => Recorded::Stored(position, content_type),
                (RecordedContent::Stored { .. }, None) => continue,
            };
            self.record(row.url.as_url(), Known { at, says, answer })?;
        }
        for row in &lock.absent {
            if let Some(unused) = unused(&row.url) {
                self.record_unused(row.url.as_url(), unused, at);
                continue;
            }
            let status = row.status.code();
            let known = Known { at, says: status.to_string(), answer: Recorded::Absent(status) };
            self.record(row.url.as_url(), known)?;
        }
        Ok(())
    }

    /// Notes why an address is refused without a network, unless another lock has it. With one, nothing is known of it.
    fn record_unused(&mut self, url: &Url, row: &StaleRow, at: usize) {
        if !self.sessions[at].is_offline {
            return;
        }
        let by: Vec<String> = row.by.iter().map(ToString::to_string).collect();
        let why = format!("larder.lock has it for {} alone, which no lockfile has", by.join(" and "));
        self.hosts.extend(host_of(url));
        let known = Known { at, says: String::new(), answer: Recorded::Unused(why) };
        self.recorded.entry(url.clone()).or_insert(known);
    }

    fn record(&mut self, url: &Url, known: Known) -> Result<(), TwoAnswers> {
        match self.recorded.entry(url.clone()) {
            Entry::Occupied(mut first) if matches!(first.get().answer, Recorded::Unused(_)) => {
                first.insert(known);
                Ok(())
            }
            Entry::Occupied(first) if first.get().says != known.says => {
                let lock = |at: usize| self.sessions[at].project.read.project.folder.join(LARDER_LOCK);
                let (first, second) = (lock(first.get().at), lock(known.at));
                Err(TwoAnswers { first, second, address: redact(url) })
            }
            Entry::Occupied(_) => Ok(()),
            Entry::Vacant(vacant) => {
                self.hosts.extend(host_of(url));
                vacant.insert(known);
                Ok(())
            }
        }
    }

    fn stored(&self, (at, position): At, content_type: Option<String>, wants: Wants) -> Answer {
        let session = &self.sessions[at];
        match read(session, &session.plan().artifacts()[position], wants) {
            Ok(file) => Answer::File(ServedFile { content_type, ..file }),
            Err(why) => Answer::Refused(why),
        }
    }
}

impl Source for Replay {
    fn answer(&self, url: &Url) -> Answer {
        self.find(url, Wants::Bytes)
    }

    fn head(&self, url: &Url) -> Answer {
        self.find(url, Wants::Head)
    }

    fn has_host(&self, host: &str, port: u16) -> bool {
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        Host::parse(&bracketed).is_ok_and(|host| self.hosts.contains(&(host, port)))
    }
}

impl Replay {
    fn find(&self, url: &Url, wants: Wants) -> Answer {
        if let Some(Known { at, says, answer }) = self.recorded.get(url) {
            return match answer {
                Recorded::Stored(position, content_type) => self.stored((*at, *position), content_type.clone(), wants),
                Recorded::Inline(bytes, content_type) => Answer::File(ServedFile {
                    blob: CheckedBlob::of_bytes(bytes.clone()),
                    len: bytes.len() as u64,
                    tag: says.clone(),
                    content_type: content_type.clone(),
                }),
                Recorded::Absent(status) => Answer::Absent(*status),
                Recorded::Unused(why) => Answer::Refused(why.clone()),
            };
        }
        self.named.get(&key(url)).map_or_else(|| self.of_another_query(url), |at| self.stored(*at, None, wants))
    }

    /// An address that nobody recorded. Without a network, it is said if there is a row of the same one with another query.
    fn of_another_query(&self, url: &Url) -> Answer {
        let is_like_it = |(recorded, known): &(&Url, &Known)| {
            recorded.origin() == url.origin()
                && recorded.path() == url.path()
                && self.sessions[known.at].is_offline
                && !matches!(known.answer, Recorded::Unused(_))
        };
        let like_it = self.recorded.iter().filter(is_like_it).map(|(recorded, _)| recorded).min();
        like_it.map_or(Answer::Unknown, |recorded| {
            let query =
                recorded.query().map_or_else(|| "without a query".to_owned(), |query| format!("with `?{query}`"));
            Answer::Refused(format!("larder.lock has it {query}, and the command asks with another query"))
        })
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("addresses", &(self.named.len() + self.recorded.len())).finish_non_exhaustive()
    }
}

/// Reads it from the store. What is missing or damaged there may be there as another lockfile's package; else the error says why it cannot be had.
fn read(session: &Session, planned: &Planned, wants: Wants) -> Result<ServedFile, String> {
    let downloads = session.project.downloads_of([planned]);
    if let Some(file) = served(session, planned, &downloads, wants) {
        return Ok(file);
    }
    let completed = session.pull(&downloads).map_err(|error| chain(&error).join(": "))?;
    if let Some(failure) = completed.report.failures.first() {
        return Err(in_one_line(failure));
    }
    if let Some(gone) = completed.report.gone.first() {
        return Err(format!("optional and gone: {}", in_one_line(&gone.packages[0])));
    }
    served(session, planned, &downloads, wants).ok_or_else(|| format!("{}: its blob cannot be read", planned.artifact))
}

/// What is in the store and sound. A head promises what the receipt says: a blob that turns out to be damaged is put right, or refused, when its bytes are asked for.
fn served(session: &Session, planned: &Planned, downloads: &Downloads<'_>, wants: Wants) -> Option<ServedFile> {
    let found = session.find(downloads).ok()?.items.first()?.found;
    let stated = planned.artifact.integrity.as_ref();
    let blob = match wants {
        Wants::Head => Ok(CheckedBlob::of_bytes(Bytes::new())),
        Wants::Bytes => CheckedBlob::read_once(session.store(), found, stated, session.checked_files()),
    };
    match blob {
        Ok(blob) => Some(ServedFile { blob, len: found.size, tag: found.blob.to_string(), content_type: None }),
        Err(error) => {
            tracing::debug!(%error, "a blob is not served");
            None
        }
    }
}

fn host_of(url: &Url) -> Option<(Host, u16)> {
    Some((url.host()?.to_owned(), url.port_or_known_default()?))
}

/// An address of a lockfile as clients may write it, a scope's slash escaped or not. Port and query tell two apart.
fn key(url: &Url) -> String {
    let decoded = percent_decode_str(url.path()).decode_utf8_lossy();
    // What would be read as something else than a path stays escaped.
    let path = decoded.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{path}{query}", url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_escaped_or_not_and_another_one_with_another_query() {
        let key = |text: &str| key(&Url::parse(text).unwrap());
        assert_eq!(key("https://own.example/@s%2Fa/-/a.tgz"), key("https://own.example:443/@s/a/-/a.tgz"));
        assert_ne!(key("https://own.example/a?x=1"), key("https://own.example/a?x=2"));
        assert_ne!(key("https://own.example/a"), key("http://own.example/a"));
        assert_ne!(key("https://own.example/a%3Fx=1"), key("https://own.example/a?x=1"));
    }
}
