//! Why a digest is believed: a checksum that stands beside the file agrees. Pure.

use std::collections::HashMap;

use url::Url;

use crate::lockfile::larder_lock::{RecordedContent, RecordedDownload, Trust};

/// Notes of each file whether a small text of its folder, such as `NAME.sha256` or `SHASUMS256.txt`, states its digest beside its name, or is called as the file is.
pub(super) fn beside(rows: &mut [RecordedDownload]) {
    let mut texts: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for row in rows.iter() {
        if let RecordedContent::Inline(body) = &row.content
            && let Ok(text) = std::str::from_utf8(body.as_bytes())
        {
            let (folder, name) = split(row.url.as_url());
            texts.entry(folder).or_default().push((name, text.to_ascii_lowercase()));
        }
    }
    for row in rows.iter_mut() {
        let RecordedContent::Stored { sha256, .. } = &row.content else { continue };
        let (folder, name) = split(row.url.as_url());
        let digest = sha256.to_hex();
        let states = |(text_name, text): &(String, String)| {
            let mut lines = text.lines().filter(|line| line.split_whitespace().any(|word| word == digest));
            let is_called_so = text_name.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.'));
            lines.any(|line| is_called_so || line.contains(&name.to_ascii_lowercase()))
        };
        if texts.get(&folder).is_some_and(|texts| texts.iter().any(states)) {
            row.trust = Trust::Beside;
        }
    }
}

/// The address up to the last slash, and the name behind it.
fn split(url: &Url) -> (String, String) {
    let path = url.path();
    let at = path.rfind('/').map_or(0, |at| at + 1);
    (format!("{}{}", url.origin().ascii_serialization(), &path[..at]), path[at..].to_owned())
}
