//! Why a digest is believed: a checksum that stands beside the file agrees. Pure.

use std::collections::HashMap;

use url::Url;

use crate::{
    lockfile::larder_lock::{RecordedContent, RecordedDownload, Trust},
    npm::own_downloads::{in_checksums, in_lines},
};

/// Notes of each file whether a small text of its folder, such as `NAME.sha256` or `SHASUMS256.txt`, states its digest beside its name, or alone and is called as the file is.
pub(super) fn beside(rows: &mut [RecordedDownload]) {
    let mut texts: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for row in rows.iter() {
        if let RecordedContent::Inline(body) = &row.content
            && let Ok(text) = std::str::from_utf8(body.as_bytes())
        {
            texts.entry(folder(row.url.as_url())).or_default().push((row.url.file_name().to_owned(), text.to_owned()));
        }
    }
    for row in rows.iter_mut() {
        let RecordedContent::Stored { sha256, .. } = &row.content else { continue };
        let name = row.url.file_name();
        let states = |(text_name, text): &(String, String)| {
            let is_called_so = text_name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
            let stated = if is_called_so { in_checksums(text, name).ok() } else { in_lines(text, name) };
            stated == Some(*sha256)
        };
        if texts.get(&folder(row.url.as_url())).is_some_and(|texts| texts.iter().any(states)) {
            row.trust = Trust::Beside;
        }
    }
}

/// The address up to the last slash.
fn folder(url: &Url) -> String {
    let path = url.path();
    let end = path.rfind('/').map_or(0, |at| at + 1);
    format!("{}{}", url.origin().ascii_serialization(), &path[..end])
}
