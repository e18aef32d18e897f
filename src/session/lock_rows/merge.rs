//! The rows of a `larder.lock` and the addresses that packages are expected to ask, joined. Pure.
//!
//! A row stays as it is, for whatever platform and whoever wrote it, until every package that asks for it has gone from the plan.

use std::collections::{BTreeMap, BTreeSet};

use larder_store::digest::Digest;

use crate::{
    core::recorded_url::RecordedUrl,
    lockfile::larder_lock::{LarderLock, RecordedAbsence, RecordedDownload, RecordedPlatform, Requester},
};

/// An address that a row should be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WantedRow {
    /// The address.
    pub(crate) url: RecordedUrl,
    /// What of a platform it says.
    pub(crate) platform: RecordedPlatform,
    /// The packages that ask.
    pub(crate) by: BTreeSet<Requester>,
    /// The digest that a package states of the file.
    pub(crate) stated: Option<Digest>,
    /// The address of a file with its digest.
    pub(crate) checksums: Option<RecordedUrl>,
    /// Whether it is a small answer, which is kept as it is.
    pub(crate) is_answer: bool,
}

/// A row whose digest is another than the package's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disagreement {
    /// The address.
    pub(crate) url: RecordedUrl,
    /// What the row has.
    pub(crate) row: Digest,
    /// What the package states.
    pub(crate) stated: Digest,
}

/// What came of joining them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Joined {
    /// Rows that were there and stay.
    pub(crate) downloads: Vec<RecordedDownload>,
    /// Absences that were there and stay.
    pub(crate) absent: Vec<RecordedAbsence>,
    /// Addresses without a row.
    pub(crate) new: Vec<WantedRow>,
    /// Of what stays, the addresses that are wanted now.
    pub(crate) wanted: BTreeSet<RecordedUrl>,
    /// Rows that went with their packages.
    pub(crate) gone: Vec<RecordedUrl>,
    /// Rows that a package contradicts. They stay.
    pub(crate) disagreements: Vec<Disagreement>,
}

/// Joins rows with what is wanted. `has_gone` says of what asked for a row whether it is a package of this table that the plan has no longer.
pub(crate) fn join(before: &LarderLock, wanted: Vec<WantedRow>, has_gone: impl Fn(&Requester) -> bool) -> Joined {
    let mut joined = Joined::default();
    let mut wanted: BTreeMap<RecordedUrl, WantedRow> = wanted.into_iter().map(|row| (row.url.clone(), row)).collect();
    let mut staying = |url: &RecordedUrl, by: &[Requester], joined: &mut Joined| {
        let wish = wanted.remove(url);
        let kept = by.iter().filter(|by| !has_gone(by)).cloned();
        let by: BTreeSet<Requester> = kept.chain(wish.iter().flat_map(|wish| wish.by.iter().cloned())).collect();
        if by.is_empty() {
            joined.gone.push(url.clone());
        } else if wish.is_some() {
            joined.wanted.insert(url.clone());
        }
        (by.into_iter().collect::<Vec<_>>(), wish.and_then(|wish| wish.stated))
    };
    for row in &before.downloads {
        let (by, stated) = staying(&row.url, &row.by, &mut joined);
        let sha256 = row.content.sha256();
        if let Some(stated) = stated.filter(|stated| *stated != sha256) {
            joined.disagreements.push(Disagreement { url: row.url.clone(), row: sha256, stated });
        }
        if !by.is_empty() {
            joined.downloads.push(RecordedDownload { by, ..row.clone() });
        }
    }
    for row in &before.absent {
        let (by, _) = staying(&row.url, &row.by, &mut joined);
        if !by.is_empty() {
            joined.absent.push(RecordedAbsence { by, ..row.clone() });
        }
    }
    joined.new = wanted.into_values().collect();
    joined
}

/// One row for each address, by all that ask.
pub(crate) fn once_each(rows: impl IntoIterator<Item = WantedRow>) -> Vec<WantedRow> {
    let mut each: BTreeMap<RecordedUrl, WantedRow> = BTreeMap::new();
    for row in rows {
        match each.get_mut(&row.url) {
            Some(known) => {
                known.by.extend(row.by);
                known.stated = known.stated.or(row.stated);
            }
            None => {
                each.insert(row.url.clone(), row);
            }
        }
    }
    each.into_values().collect()
}

#[cfg(test)]
mod tests {
    use larder_store::digest::Algorithm;

    use super::*;
    use crate::lockfile::larder_lock::{AbsentStatus, RecordedContent, Trust};

    fn url(name: &str) -> RecordedUrl {
        RecordedUrl::parse(&format!("https://files.example/{name}")).unwrap()
    }

    fn by(text: &str) -> Requester {
        Requester::parse(text).unwrap()
    }

    fn digest(text: &str) -> Digest {
        Digest::of(Algorithm::Sha256, text.as_bytes())
    }

    fn download(name: &str, by: &[Requester]) -> RecordedDownload {
        RecordedDownload {
            url: url(name),
            content: RecordedContent::Stored { sha256: digest(name), size: 1 },
            content_type: None,
            platform: RecordedPlatform::default(),
            by: by.to_vec(),
            trust: Trust::FirstUse,
        }
    }

    fn wish(name: &str, asks: &str) -> WantedRow {
        WantedRow {
            url: url(name),
            platform: RecordedPlatform::default(),
            by: [by(asks)].into(),
            stated: None,
            checksums: None,
            is_answer: false,
        }
    }

    fn names(rows: &[RecordedDownload]) -> Vec<String> {
        let row = |row: &RecordedDownload| {
            let by: Vec<String> = row.by.iter().map(ToString::to_string).collect();
            format!("{} {}", row.url.as_url().path(), by.join(" "))
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn rows_stay_until_all_their_packages_have_gone() {
        let before = LarderLock {
            downloads: vec![
                download("a", &[by("old@1.0.0")]),
                download("b", &[by("old@1.0.0"), by("script:fetch")]),
                download("c", &[by("old@1.0.0")]),
                download("d", &[by("other@1.0.0")]),
            ],
            absent: vec![RecordedAbsence { url: url("e"), status: AbsentStatus::NotFound, by: vec![by("old@1.0.0")] }],
            ..LarderLock::default()
        };
        let joined =
            join(&before, vec![wish("c", "old@2.0.0"), wish("f", "old@2.0.0")], |by| *by == self::by("old@1.0.0"));
        assert_eq!(names(&joined.downloads), ["/b script:fetch", "/c old@2.0.0", "/d other@1.0.0"]);
        assert_eq!((joined.absent.len(), joined.gone), (0, vec![url("a"), url("e")]));
        assert_eq!(joined.new.iter().map(|row| row.url.clone()).collect::<Vec<_>>(), [url("f")]);
        assert_eq!(joined.wanted, [url("c")].into());
    }

    #[test]
    fn nothing_changes_where_nothing_is_wanted() {
        let before = LarderLock { downloads: vec![download("a", &[by("tool@1.0.0")])], ..LarderLock::default() };
        let joined = join(&before, Vec::new(), |_| false);
        assert_eq!((joined.downloads, joined.new, joined.gone), (before.downloads, Vec::new(), Vec::new()));
    }

    #[test]
    fn a_row_that_its_package_contradicts_stays_and_is_named() {
        let before = LarderLock { downloads: vec![download("a", &[by("tool@1.0.0")])], ..LarderLock::default() };
        let stated = |text: &str| WantedRow { stated: Some(digest(text)), ..wish("a", "tool@1.0.0") };
        assert_eq!(join(&before, vec![stated("a")], |_| false).disagreements, []);
        let joined = join(&before, vec![stated("b")], |_| false);
        let expected = Disagreement { url: url("a"), row: digest("a"), stated: digest("b") };
        assert_eq!((joined.downloads, joined.disagreements), (before.downloads, vec![expected]));
    }

    #[test]
    fn an_address_that_several_packages_ask_is_one_row() {
        let rows = once_each([wish("a", "x@1.0.0"), wish("b", "x@1.0.0"), wish("a", "y@1.0.0")]);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].by, [by("x@1.0.0"), by("y@1.0.0")].into());
    }
}
