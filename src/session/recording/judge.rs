//! [`judge`]: which of the exchanges become rows, and why the others do not. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::http::Method;
use larder_store::digest::Digest;
use url::Url;

use super::{platform::platform_of, requester::Askers, secrets::secret_in, seen::Seen, trust::beside};
use crate::{
    core::{private_address::is_private, recorded_url::RecordedUrl, redacted::redact},
    lockfile::larder_lock::{
        AbsentStatus, InlineBody, LarderLock, MediaType, RecordedAbsence, RecordedContent, RecordedDownload, Requester,
        Trust,
    },
    plan::selection::Platform,
    proxy::{Exchange, SeenBody},
};

/// Redirects that are followed: what browsers' predecessors settled on.
const MOST_REDIRECTS: usize = 10;

/// A body without a media type, or with that of any bytes, that is taken for text, bytes at most: checksums are served so.
const LONGEST_UNTYPED_TEXT: usize = 4 << 10;

/// What a recording comes to.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// Files and small texts, by address.
    pub(crate) downloads: Vec<RecordedDownload>,
    /// Addresses that had nothing, by address.
    pub(crate) absent: Vec<RecordedAbsence>,
    /// What becomes no row.
    pub(crate) not_recorded: Vec<NotRecorded>,
}

/// Something that was passed on and becomes no row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NotRecorded {
    /// The address or the host, without secrets.
    pub(crate) what: String,
    /// Why.
    pub(crate) why: String,
    /// Whether it came from a server, rather than went to one alone: without a network, a command that asks for it fails.
    pub(crate) is_download: bool,
}

/// Why the answer to who asks by name is no row.
const SECRET: &str = "its request says who asks, and the answer may be for nobody else";

/// An answer to one address.
#[derive(Clone, Debug)]
enum Answer {
    File(SeenFile),
    Absent(AbsentStatus),
    /// None that can be replayed, for this reason.
    No(String),
}

/// Bytes that passed.
#[derive(Clone, Debug)]
struct SeenFile {
    sha256: Digest,
    size: u64,
    kept: Option<Box<[u8]>>,
    content_type: Option<String>,
    is_for_nobody_else: bool,
}

/// Judges what was seen. `known` is what the lock has: it was answered from the store, and nobody saw it. `platform` is this machine's, on which it was downloaded.
pub(crate) fn judge(seen: &Seen, known: &LarderLock, askers: &Askers<'_>, platform: Option<Platform>) -> Judged {
    let mut judged = Judged::default();
    let unseen = seen.unseen.iter();
    let mut not_recorded: BTreeSet<NotRecorded> =
        unseen.map(|(what, why)| NotRecorded { what: what.clone(), why: why.clone(), is_download: true }).collect();
    let is_download = |exchange: &&Exchange| matches!(exchange.method, Method::GET | Method::HEAD);
    for other in seen.exchanges.iter().filter(|exchange| !is_download(exchange)) {
        let what = other.url.host_str().unwrap_or_default().to_owned();
        not_recorded.insert(NotRecorded {
            what,
            why: format!("a {} cannot be replayed", other.method),
            is_download: false,
        });
    }
    let mut by_address: BTreeMap<Url, Vec<&Exchange>> = BTreeMap::new();
    for exchange in seen.exchanges.iter().filter(is_download) {
        by_address.entry(exchange.url.clone()).or_default().push(exchange);
    }
    let answers = Answers { by_address, known };
    let led_to = answers.led_to();
    for (url, exchanges) in &answers.by_address {
        if led_to.get(url).is_some_and(|times| *times >= exchanges.len()) {
            continue;
        }
        let refused = |why: String| NotRecorded { what: redact(url), why, is_download: true };
        if begins_gits_protocol(url) {
            not_recorded.insert(refused("it begins git's own protocol, which goes on with a POST".to_owned()));
            continue;
        }
        let answer = match RecordedUrl::new(url.clone()) {
            Ok(address) => (address, answers.of(exchanges)),
            Err(error) => {
                not_recorded.insert(refused(error.to_string()));
                continue;
            }
        };
        let by = askers.of(url, exchanges.iter().filter_map(|exchange| exchange.environment.as_deref()));
        match answer {
            (url, Answer::Absent(status)) => judged.absent.push(RecordedAbsence { url, status, by }),
            (_, Answer::No(why)) => drop(not_recorded.insert(refused(why))),
            (url, Answer::File(file)) => match download(url, file, by, platform) {
                Ok(row) => judged.downloads.push(row),
                Err(why) => drop(not_recorded.insert(refused(why))),
            },
        }
    }
    beside(&mut judged.downloads);
    judged.not_recorded = not_recorded.into_iter().collect();
    judged
}

fn download(
    url: RecordedUrl,
    file: SeenFile,
    by: Vec<Requester>,
    platform: Option<Platform>,
) -> Result<RecordedDownload, String> {
    let SeenFile { sha256, size, kept, content_type, is_for_nobody_else } = file;
    let content_type = content_type.as_deref().and_then(MediaType::of_header);
    let content = match kept.filter(|bytes| is_text(bytes, content_type.as_ref())).and_then(InlineBody::new) {
        // What stands in the lock is read by everybody, and asked of nobody again.
        Some(_) if is_for_nobody_else => return Err("its server says that nobody else may have the answer".to_owned()),
        Some(body) => match secret_in(body.as_bytes()) {
            Some(key) => return Err(format!("its answer has `{key}`, which looks like a secret")),
            None => RecordedContent::Inline(body),
        },
        None => RecordedContent::Stored { sha256, size },
    };
    let platform = platform_of(url.as_url(), platform);
    Ok(RecordedDownload { url, content, content_type, platform, by, trust: Trust::FirstUse })
}

/// What each address was answered with.
struct Answers<'a> {
    by_address: BTreeMap<Url, Vec<&'a Exchange>>,
    known: &'a LarderLock,
}

impl Answers<'_> {
    /// How often each address was asked because another one led to it. One in plain HTTP leads nobody: it is no row, and who asks for the goal asks by himself.
    fn led_to(&self) -> HashMap<Url, usize> {
        let mut led_to = HashMap::new();
        let leading = self.by_address.values().flatten().filter(|exchange| exchange.url.scheme() == "https");
        for target in leading.filter_map(|exchange| target(exchange)) {
            *led_to.entry(target).or_default() += 1;
        }
        led_to
    }

    /// What these requests for one address were answered with, where it redirects to included.
    fn of(&self, exchanges: &[&Exchange]) -> Answer {
        let ends: Vec<(bool, Answer)> =
            exchanges.iter().map(|exchange| (exchange.method == Method::HEAD, self.end_of(exchange))).collect();
        // Who asks by name gets another answer than a stranger.
        if let Some((_, secret)) = ends.iter().find(|(_, end)| matches!(end, Answer::No(why) if why == SECRET)) {
            return secret.clone();
        }
        let files = || ends.iter().filter_map(|(_, end)| if let Answer::File(file) = end { Some(file) } else { None });
        if let Some(first) = files().next() {
            let Some(other) = files().find(|file| file.sha256 != first.sha256) else {
                return Answer::File(first.clone());
            };
            // Of several small answers, one is as good as the other.
            return if files().all(|file| file.kept.is_some()) {
                Answer::File(first.clone())
            } else {
                Answer::No(format!(
                    "it changed meanwhile: first sha256 {}, then {}",
                    first.sha256.to_hex(),
                    other.sha256.to_hex()
                ))
            };
        }
        let others = || ends.iter().filter(|(is_head, end)| !is_head && !matches!(end, Answer::Absent(_)));
        let decides = others().next().or(ends.iter().find(|(_, end)| matches!(end, Answer::Absent(_))));
        decides.or(ends.first()).map_or(Answer::No("it was not asked".to_owned()), |(_, end)| end.clone())
    }

    /// What a request was answered with in the end.
    fn end_of(&self, start: &Exchange) -> Answer {
        let mut exchange = start;
        for _ in 0..MOST_REDIRECTS {
            if exchange.has_secrets {
                return Answer::No(SECRET.to_owned());
            }
            if exchange.address.is_some_and(is_private) {
                return Answer::No("its server is in a private network".to_owned());
            }
            let Some(target) = target(exchange) else { return direct(exchange) };
            let next = self.by_address.get(&target).and_then(|all| {
                let same = |one: &&&Exchange| one.method == start.method;
                all.iter().find(same).or_else(|| all.first())
            });
            match next {
                Some(next) => exchange = next,
                None => return self.known(&target),
            }
        }
        Answer::No("it redirects too often".to_owned())
    }

    /// What the lock has of an address that nobody saw asked.
    fn known(&self, target: &Url) -> Answer {
        let Some(row) = self.known.downloads.iter().find(|row| row.url.as_url() == target) else {
            return Answer::No(format!("it redirects to {}, which was not asked", redact(target)));
        };
        let kept = match &row.content {
            RecordedContent::Inline(body) => Some(body.as_bytes().into()),
            RecordedContent::Stored { .. } => None,
        };
        Answer::File(SeenFile {
            sha256: row.content.sha256(),
            size: row.content.size(),
            kept,
            content_type: row.content_type.as_ref().map(ToString::to_string),
            is_for_nobody_else: false,
        })
    }
}

fn direct(exchange: &Exchange) -> Answer {
    if let Some(status) = AbsentStatus::of_code(exchange.status) {
        return Answer::Absent(status);
    }
    match (exchange.status, &exchange.body) {
        (200, _) if exchange.is_encoded => {
            Answer::No("its server compresses it on the way, though it is asked not to".to_owned())
        }
        (200, SeenBody::Whole { sha256, size, kept }) => Answer::File(SeenFile {
            sha256: *sha256,
            size: *size,
            kept: kept.clone(),
            content_type: exchange.content_type.clone(),
            is_for_nobody_else: exchange.is_for_nobody_else,
        }),
        (200, SeenBody::NotAsked) => Answer::No("only its headers were asked for".to_owned()),
        (200, SeenBody::Cut) => Answer::No("it ended early".to_owned()),
        (status, _) => Answer::No(format!("it was answered with status {status}")),
    }
}

fn target(exchange: &Exchange) -> Option<Url> {
    let location = exchange.location.as_ref().filter(|_| matches!(exchange.status, 301 | 302 | 303 | 307 | 308))?;
    let mut target = exchange.url.join(location).ok()?;
    target.set_fragment(None);
    Some(target)
}

/// Whether this is the first request of a clone over HTTP (gitprotocol-http): what it gets is no use without the rest.
fn begins_gits_protocol(url: &Url) -> bool {
    url.path().ends_with("/info/refs") && url.query_pairs().any(|(key, _)| key == "service")
}

/// Whether these bytes are a text that a server may well answer differently tomorrow.
fn is_text(bytes: &[u8], content_type: Option<&MediaType>) -> bool {
    let is_readable = std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
    let is_texts = match content_type.map(MediaType::as_str) {
        None | Some("application/octet-stream" | "binary/octet-stream") => bytes.len() <= LONGEST_UNTYPED_TEXT,
        Some(it) => {
            it.starts_with("text/")
                || ["json", "xml", "yaml", "toml"].iter().any(|end| it.ends_with(end))
                || it == "application/javascript"
        }
    };
    is_readable && is_texts
}
