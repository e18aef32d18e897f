//! [`judge`]: which of the exchanges become rows, and why the others do not. Pure.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    net::IpAddr,
};

use axum::http::Method;
use larder_store::digest::Digest;
use url::Url;

use super::{platform::platform_of, requester::Askers, seen::Seen, trust::beside};
use crate::{
    core::{recorded_url::RecordedUrl, redacted::redact},
    lockfile::larder_lock::{
        AbsentStatus, InlineBody, MediaType, RecordedAbsence, RecordedContent, RecordedDownload, Requester, Trust,
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
}

/// An answer to one address.
enum Answer {
    File {
        sha256: Digest,
        size: u64,
        kept: Option<Box<[u8]>>,
        content_type: Option<String>,
    },
    Absent(AbsentStatus),
    /// None that can be replayed, for this reason.
    No(String),
}

/// Judges what was seen. `platform` is this machine's, on which it was downloaded.
pub(crate) fn judge(seen: &Seen, askers: &Askers<'_>, platform: Option<Platform>) -> Judged {
    let mut judged = Judged::default();
    let mut not_recorded: BTreeSet<NotRecorded> = seen
        .tunnels
        .iter()
        .map(|(host, why)| NotRecorded { what: host.clone(), why: format!("passed through unseen: {why}") })
        .collect();
    let is_download = |exchange: &&Exchange| matches!(exchange.method, Method::GET | Method::HEAD);
    for other in seen.exchanges.iter().filter(|exchange| !is_download(exchange)) {
        let what = other.url.host_str().unwrap_or_default().to_owned();
        not_recorded.insert(NotRecorded { what, why: format!("a {} cannot be replayed", other.method) });
    }
    let goals: HashSet<Url> = seen.exchanges.iter().filter_map(target).collect();
    let mut by_address: BTreeMap<Url, Vec<&Exchange>> = BTreeMap::new();
    for exchange in seen.exchanges.iter().filter(is_download) {
        by_address.entry(exchange.url.clone()).or_default().push(exchange);
    }
    for (url, exchanges) in by_address.iter().filter(|(url, _)| !goals.contains(url)) {
        let refused = |why: String| NotRecorded { what: redact(url), why };
        let answer = match RecordedUrl::new(url.clone()) {
            Ok(address) => (address, answer(exchanges, &by_address)),
            Err(error) => {
                not_recorded.insert(refused(error.to_string()));
                continue;
            }
        };
        let by = askers.of(url, exchanges.iter().filter_map(|exchange| exchange.environment.as_deref()));
        match answer {
            (url, Answer::Absent(status)) => judged.absent.push(RecordedAbsence { url, status, by }),
            (_, Answer::No(why)) => drop(not_recorded.insert(refused(why))),
            (url, file) => judged.downloads.extend(download(url, file, by, platform)),
        }
    }
    beside(&mut judged.downloads);
    judged.not_recorded = not_recorded.into_iter().collect();
    judged
}

fn download(
    url: RecordedUrl,
    file: Answer,
    by: Vec<Requester>,
    platform: Option<Platform>,
) -> Option<RecordedDownload> {
    let Answer::File { sha256, size, kept, content_type } = file else { return None };
    let content_type = content_type.and_then(|text| media_type(&text));
    let inline = kept.filter(|bytes| is_text(bytes, content_type.as_ref())).and_then(InlineBody::new);
    let content = inline.map_or(RecordedContent::Stored { sha256, size }, RecordedContent::Inline);
    let platform = platform_of(url.as_url(), platform);
    Some(RecordedDownload { url, content, content_type, platform, by, trust: Trust::FirstUse })
}

/// What these requests for one address were answered with, where it redirects to included.
fn answer(exchanges: &[&Exchange], by_address: &BTreeMap<Url, Vec<&Exchange>>) -> Answer {
    let mut files: Vec<Answer> = Vec::new();
    let mut others: Vec<Answer> = Vec::new();
    for exchange in exchanges {
        match ends_as(exchange, by_address) {
            file @ Answer::File { .. } => files.push(file),
            other => others.push(other),
        }
    }
    let digest = |answer: &Answer| if let Answer::File { sha256, .. } = answer { Some(*sha256) } else { None };
    let mut digests = files.iter().filter_map(digest);
    let first = digests.next();
    if let (Some(first), Some(other)) = (first, digests.find(|digest| Some(*digest) != first)) {
        let is_inline = files.iter().all(|file| matches!(file, Answer::File { kept: Some(_), .. }));
        if !is_inline {
            return Answer::No(format!("it changed meanwhile: first {first}, then {other}"));
        }
    }
    // Of several small answers, a later one is as good.
    let absent = others.iter().position(|other| matches!(other, Answer::Absent(_)));
    files.into_iter().next().unwrap_or_else(|| others.swap_remove(absent.unwrap_or_default()))
}

/// What a request was answered with in the end.
fn ends_as(start: &Exchange, by_address: &BTreeMap<Url, Vec<&Exchange>>) -> Answer {
    let mut exchange = start;
    for _ in 0..MOST_REDIRECTS {
        if exchange.has_secrets {
            return Answer::No("its request says who asks, and the answer may be for nobody else".to_owned());
        }
        if exchange.address.is_some_and(is_private) {
            return Answer::No("its server is in a private network".to_owned());
        }
        let Some(target) = target(exchange) else { return direct(exchange) };
        let next = by_address.get(&target).and_then(|all| {
            let same = |one: &&&Exchange| one.method == start.method;
            all.iter().find(same).or_else(|| all.first())
        });
        match next {
            Some(next) => exchange = next,
            None => return Answer::No(format!("it redirects to {}, which was not asked", redact(&target))),
        }
    }
    Answer::No("it redirects too often".to_owned())
}

fn direct(exchange: &Exchange) -> Answer {
    if let Some(status) = AbsentStatus::of_code(exchange.status) {
        return Answer::Absent(status);
    }
    match (exchange.status, &exchange.body) {
        (200, _) if exchange.is_encoded => {
            Answer::No("its server compresses it on the way, though it is asked not to".to_owned())
        }
        (200, SeenBody::Whole { sha256, size, kept }) => Answer::File {
            sha256: *sha256,
            size: *size,
            kept: kept.clone(),
            content_type: exchange.content_type.clone(),
        },
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

/// Whether an address is of this machine, or of a network that others do not share.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(it) => {
            let [first, second, ..] = it.octets();
            // RFC 6598: carriers' own networks.
            let is_shared = first == 100 && (64..128).contains(&second);
            it.is_loopback() || it.is_private() || it.is_link_local() || it.is_unspecified() || is_shared
        }
        IpAddr::V6(it) => it.is_loopback() || it.is_unspecified() || it.is_unique_local() || it.is_unicast_link_local(),
    }
}

fn media_type(text: &str) -> Option<MediaType> {
    MediaType::parse(text.split(';').next()?.trim().to_ascii_lowercase().as_str()).ok()
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
