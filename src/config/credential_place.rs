//! The scope of a secret, `//host[:port]/path` (npm's "nerf dart"): parses it from a setting, and lists the scopes that a URL lies in.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use url::Url;

/// `//host[:port]/path/`, the place that secrets of this address are for; of what is no address, the text from its slashes on.
pub(super) fn place(address: &str) -> Option<String> {
    let slashes = address.find("//").map(|start| &address[start..])?;
    let text = if address.starts_with("//") { format!("https:{address}") } else { address.to_owned() };
    let path = |path: &str| format!("{}/", path.trim_end_matches('/'));
    Some(match Url::parse(&text) {
        Ok(url) if url.has_host() && !text.contains("${") => {
            let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
            path(&format!("//{}{port}{}", url.host_str().unwrap_or_default(), url.path()))
        }
        _ => path(slashes),
    })
}

/// `//host[:port]/path` of an address; the port only where it is not the scheme's own.
pub(super) fn place_of(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    Some(format!("//{host}{port}{}", url.path()))
}

/// A setting's place as addresses have it.
pub(super) fn with_lower_case_host(place: &str) -> String {
    let host_end = place.get(2..).and_then(|rest| rest.find('/')).map_or(place.len(), |slash| slash + 2);
    let (host, path) = place.split_at(host_end);
    format!("{}{path}", host.to_lowercase())
}

/// The places that an address lies in, the narrowest first: `//host/a/b`, `//host/a/`, `//host/a`, `//host/`, `//host`. npm takes a place with
/// and without its last slash.
///
/// An address that hides dots or slashes (`..%2f`) lies only where both its text and what a server may make of it lie.
pub(super) fn places_of(url: &Url) -> Vec<String> {
    let Some(mut place) = place_of(url) else { return Vec::new() };
    let host_end = place.len() - url.path().len();
    let plain = plain_path(url.path());
    // Nearly every path is written as it is meant.
    let is_within = |folder: &str| {
        let folder = plain_path(folder);
        let below = plain.strip_prefix(folder.trim_end_matches('/'));
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mut places = Vec::new();
    while place.len() > "//".len() {
        let path = place.get(host_end..).unwrap_or_default();
        if matches!(plain, Cow::Borrowed(_)) || is_within(path) {
            places.push(place.clone());
        }
        let shorter = place.strip_suffix('/').unwrap_or_else(|| place.trim_end_matches(|c| c != '/'));
        place.truncate(shorter.len());
    }
    places
}

/// Whether a server may take the path for one above itself: a `..` stands in it behind percent signs or backslashes.
pub(super) fn hides_dots(url: &Url) -> bool {
    has_dots(&decoded(url.path()))
}

/// A path as a server may understand it: percent signs decoded, however often they were encoded, backslashes taken for slashes, dots followed.
fn plain_path(path: &str) -> Cow<'_, str> {
    let decoded = decoded(path);
    if !has_dots(&decoded) {
        return decoded;
    }
    let mut folders: Vec<&str> = Vec::new();
    for part in decoded.split('/').skip(1) {
        match without_parameters(part) {
            ".." => drop(folders.pop()),
            "." => {}
            _ => folders.push(part),
        }
    }
    Cow::Owned(format!("/{}", folders.join("/")))
}

fn decoded(path: &str) -> Cow<'_, str> {
    /// Nobody encodes what is encoded more often than this; what is left then is no dot and no slash to any server.
    const MOST_ROUNDS: usize = 8;
    if !path.contains(['%', '\\']) {
        return Cow::Borrowed(path);
    }
    let mut text = path.to_owned();
    for _ in 0..MOST_ROUNDS {
        let next = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if next == text {
            break;
        }
        text = next;
    }
    Cow::Owned(text.replace('\\', "/"))
}

fn has_dots(path: &str) -> bool {
    path.split('/').any(|part| without_parameters(part) == "..")
}

/// Some servers read `..;a` as `..`.
fn without_parameters(part: &str) -> &str {
    part.split(';').next().unwrap_or(part)
}
