//! The values of `larder.toml`: what is accepted, and in words what would be. An error's message is those words alone.

use std::{
    fmt,
    ops::RangeInclusive,
    path::{Component, Path, PathBuf},
    time::Duration,
};

use jiff::SignedDuration;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, SeqAccess, Visitor},
};
use url::Url;

/// A truth value.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    bool::deserialize(deserializer).map_err(|_| D::Error::custom("true or false"))
}

/// A whole number of this range.
pub(super) fn count<'de, D: Deserializer<'de>>(
    deserializer: D,
    range: RangeInclusive<u32>,
    accepted: &str,
) -> Result<Option<u32>, D::Error> {
    let number = u32::deserialize(deserializer).ok().filter(|number| range.contains(number));
    number.map(Some).ok_or_else(|| D::Error::custom(accepted))
}

/// A text that `read` accepts.
pub(super) fn text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    accepted: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer).ok();
    text.and_then(|text| read(&text)).map(Some).ok_or_else(|| D::Error::custom(accepted))
}

/// A number of what a quantity is counted in, or a text with a unit.
#[derive(Deserialize)]
#[serde(untagged)]
enum Quantity {
    Number(u64),
    Text(String),
}

/// Seconds, or `500ms`, `30s`, `5m`, `1h 30m`. More than nothing.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let duration = match Quantity::deserialize(deserializer) {
        Ok(Quantity::Number(seconds)) => Some(Duration::from_secs(seconds)),
        Ok(Quantity::Text(text)) => duration_of(&text),
        Err(_) => None,
    };
    let accepted = "a time such as 30 (seconds), \"500ms\", \"30s\", \"5m\" or \"1h\", above 0";
    duration.filter(|duration| !duration.is_zero()).map(Some).ok_or_else(|| D::Error::custom(accepted))
}

/// Bytes, or `500MB`, `2GiB`. More than nothing.
pub(super) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let size = match Quantity::deserialize(deserializer) {
        Ok(Quantity::Number(bytes)) => Some(bytes),
        Ok(Quantity::Text(text)) => byte_count(&text),
        Err(_) => None,
    };
    let accepted = "a size such as 1048576 (bytes), \"500MB\" or \"2GiB\", above 0";
    size.filter(|&bytes| bytes > 0).map(Some).ok_or_else(|| D::Error::custom(accepted))
}

/// An address below which others lie.
pub(super) fn base_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let accepted = "an address such as \"https://mirror.example/\", without user name and query";
    text(deserializer, accepted, parse_base_url)
}

/// A list of texts that `read` accepts, each result once. An error is that of the element.
pub(super) fn list<'de, D: Deserializer<'de>, T: PartialEq>(
    deserializer: D,
    accepted: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_any(List { accepted, read })
}

/// The same, or one of them without its list.
pub(super) fn one_or_list<'de, D: Deserializer<'de>, T: PartialEq>(
    deserializer: D,
    accepted: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_any(OneOrList(List { accepted, read }))
}

struct OneOrList<'a, Read>(List<'a, Read>);

impl<'de, T: PartialEq, Read: Fn(&str) -> Option<T>> Visitor<'de> for OneOrList<'_, Read> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        (self.0.read)(text).map(|value| vec![value]).ok_or_else(|| E::custom(self.0.accepted))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Vec<T>, A::Error> {
        self.0.visit_seq(elements)
    }
}

struct List<'a, Read> {
    accepted: &'a str,
    read: Read,
}

impl<'de, T: PartialEq, Read: Fn(&str) -> Option<T>> Visitor<'de> for List<'_, Read> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.accepted)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = elements.next_element_seed(Element { list: &self, before: &list })? {
            list.push(value);
        }
        Ok(list)
    }
}

struct Element<'a, T, Read> {
    list: &'a List<'a, Read>,
    before: &'a [T],
}

impl<'de, T: PartialEq, Read: Fn(&str) -> Option<T>> DeserializeSeed<'de> for Element<'_, T, Read> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}

/// The error has to come from here for the reader to know the element's line.
impl<T: PartialEq, Read: Fn(&str) -> Option<T>> Visitor<'_> for Element<'_, T, Read> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.list.accepted)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let value = (self.list.read)(text).filter(|value| !self.before.contains(value));
        value.ok_or_else(|| E::custom(self.list.accepted))
    }
}

/// A path that means the same on every machine, without its `.` parts.
pub(super) fn relative_path(text: &str) -> Option<PathBuf> {
    let path = Path::new(text);
    let parts: PathBuf = path.components().filter(|part| !matches!(part, Component::CurDir)).collect();
    let is_usable = path.is_relative() && !text.contains('\0') && parts.file_name().is_some();
    is_usable.then_some(parts)
}

/// An address below which others lie, with a slash at its end. Secrets have no place in a file that is committed.
pub(super) fn parse_base_url(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let is_plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    is_plain.then_some(url)
}

fn duration_of(text: &str) -> Option<Duration> {
    text.parse::<SignedDuration>().ok()?.try_into().ok()
}

/// `1048576B`, `500MB`, `2GiB`, in bytes. More than nothing. Units in powers of 1000 (`kB`, `MB`, `GB`) and 1024 (`KiB`, `MiB`, `GiB`).
fn byte_count(text: &str) -> Option<u64> {
    let (count, unit) = split(text)?;
    let bytes = match unit {
        "B" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    count.checked_mul(bytes).filter(|&total| total > 0)
}

/// The whole number that a text starts with, and the unit after it.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit())?;
    let (count, unit) = text.split_at(end);
    Some((count.parse().ok()?, unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times() {
        let cases = [
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("30 s", Some(30_000)),
            ("5m", Some(300_000)),
            ("1h", Some(3_600_000)),
            ("0s", None),
            ("30", None),
            ("s", None),
            ("-1s", None),
            ("1.5s", Some(1500)),
            ("1h 30m", Some(5_400_000)),
            ("1d", None),
            ("99999999999999999999s", None),
            ("9999999999999999999h", None),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(
                duration_of(text).filter(|time| !time.is_zero()),
                milliseconds.map(Duration::from_millis),
                "{text}"
            );
        }
    }

    #[test]
    fn reads_sizes() {
        let cases = [
            ("1B", Some(1)),
            ("1kB", Some(1000)),
            ("500MB", Some(500_000_000)),
            ("3GB", Some(3_000_000_000)),
            ("1KiB", Some(1024)),
            ("2 MiB", Some(2_097_152)),
            ("2GiB", Some(2_147_483_648)),
            ("0B", None),
            ("2G", None),
            ("GiB", None),
            ("99999999999GiB", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(byte_count(text), bytes, "{text}");
        }
    }
}
