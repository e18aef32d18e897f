//! An index's list of files as HTML (PEP 503): its anchors. Not an HTML parser: such pages hold only tags, attributes, comments and character references.

use percent_encoding::percent_decode_str;
use url::Url;

use super::error::PageError;
use crate::pyodide::index::file::{CoreMetadata, IndexFile, address, sha256};

/// The files that a page links to.
pub(super) fn files(text: &str, url: &Url) -> Result<Vec<IndexFile>, PageError> {
    let mut base = url.clone();
    let mut files = Vec::new();
    for tag in Tags(text) {
        let Some(href) = tag.attribute("href") else { continue };
        if tag.name.eq_ignore_ascii_case("base") {
            base = base.join(&href).unwrap_or(base);
        } else if tag.name.eq_ignore_ascii_case("a") {
            files.extend(file(&tag, &href, &base)?);
        }
    }
    Ok(files)
}

/// The file behind an anchor; `None` if it leads to none.
fn file(tag: &Tag<'_>, href: &str, base: &Url) -> Result<Option<IndexFile>, PageError> {
    let Some(url) = address(base, href) else { return Ok(None) };
    let last = url.path().rsplit('/').next().unwrap_or_default();
    let file_name = percent_decode_str(last).decode_utf8_lossy().into_owned();
    if file_name.is_empty() {
        return Ok(None);
    }
    let digest = |hex: &str| sha256(hex).map_err(|problem| PageError::Entry { file_name: file_name.clone(), problem });
    let stated = href
        .split_once('#')
        .and_then(|(_, fragment)| fragment.split('&').find_map(|part| part.strip_prefix("sha256=")).map(str::to_owned));
    let offered = tag.attribute("data-core-metadata").or_else(|| tag.attribute("data-dist-info-metadata"));
    let metadata = match offered.as_deref() {
        None => CoreMetadata::Unstated,
        Some("false") => CoreMetadata::Absent,
        Some(text) => CoreMetadata::Offered(text.strip_prefix("sha256=").map(digest).transpose()?),
    };
    Ok(Some(IndexFile {
        sha256: stated.as_deref().map(digest).transpose()?,
        size: None,
        requires_python: tag.attribute("data-requires-python").filter(|text| !text.is_empty()),
        uploaded: None,
        is_yanked: tag.attribute("data-yanked").is_some(),
        metadata,
        file_name,
        url,
    }))
}

/// An opening tag.
struct Tag<'a> {
    name: &'a str,
    /// Names and values, as they are written.
    attributes: Vec<(&'a str, &'a str)>,
}

impl Tag<'_> {
    fn attribute(&self, name: &str) -> Option<String> {
        let found = self.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| unescaped(value))
    }
}

/// The opening tags of a text.
struct Tags<'a>(&'a str);

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        loop {
            let (_, rest) = self.0.split_once('<')?;
            if let Some(comment) = rest.strip_prefix("!--") {
                self.0 = comment.split_once("-->").map_or("", |(_, rest)| rest);
                continue;
            }
            self.0 = rest;
            let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/').unwrap_or(rest.len());
            if end > 0 && rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                let (name, rest) = rest.split_at(end);
                let (attributes, rest) = attributes(rest);
                self.0 = rest;
                return Some(Tag { name, attributes });
            }
        }
    }
}

/// The attributes up to the tag's end, and what follows it.
fn attributes(mut rest: &str) -> (Vec<(&str, &str)>, &str) {
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return (attributes, rest.strip_prefix('>').unwrap_or_default());
        }
        // A stray `=` begins a name.
        let stray = usize::from(rest.starts_with('='));
        let end = rest[stray..].find(|c: char| c.is_ascii_whitespace() || "=>/".contains(c));
        let (name, after) = rest.split_at(end.map_or(rest.len(), |end| end + stray));
        let (value, after) = match after.trim_ascii_start().strip_prefix('=') {
            Some(after) => value(after.trim_ascii_start()),
            None => ("", after),
        };
        attributes.push((name, value));
        rest = after;
    }
}

fn value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split_once(quote).unwrap_or((inner, ""));
        }
    }
    text.split_at(text.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(text.len()))
}

/// A value with its character references replaced: those that such pages use.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let reference = after.split_once(';').and_then(|(name, after)| Some((character(name)?, after)));
        if let Some((character, after)) = reference {
            plain.push(character);
            rest = after;
        } else {
            plain.push('&');
            rest = after;
        }
    }
    plain.push_str(rest);
    plain
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}
