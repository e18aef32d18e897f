//! New rows of a `larder.lock` beside its own. Pure.

use std::collections::HashSet;

use crate::{
    core::recorded_url::RecordedUrl,
    lockfile::larder_lock::{LarderLock, RecordedAbsence, RecordedDownload},
};

/// The lock with these rows beside its own, by address. Where it has a row of the same address, which did not count for this command, the new one takes its place.
pub(super) fn merged(
    mut lock: LarderLock,
    downloads: Vec<RecordedDownload>,
    absent: Vec<RecordedAbsence>,
) -> LarderLock {
    let new: HashSet<RecordedUrl> =
        downloads.iter().map(|row| row.url.clone()).chain(absent.iter().map(|row| row.url.clone())).collect();
    lock.downloads.retain(|row| !new.contains(&row.url));
    lock.absent.retain(|row| !new.contains(&row.url));
    lock.downloads.extend(downloads);
    lock.downloads.sort_by(|a, b| a.url.cmp(&b.url));
    lock.absent.extend(absent);
    lock.absent.sort_by(|a, b| a.url.cmp(&b.url));
    lock
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(rows: &str) -> LarderLock {
        LarderLock::parse("larder.lock", format!("version = 2\n{rows}").as_bytes()).unwrap()
    }

    fn download(path: &str, body: &str) -> String {
        let sha256 =
            larder_store::digest::Digest::of(larder_store::digest::Algorithm::Sha256, body.as_bytes()).to_hex();
        let size = body.len();
        format!(
            "\n[[download]]\nurl = \"https://a.example/{path}\"\nsha256 = \"{sha256}\"\nsize = {size}\nby = [\"script:x\"]\ntrust = \"first-use\"\nbody = \"{body}\"\n"
        )
    }

    fn absent(path: &str) -> String {
        format!("\n[[absent]]\nurl = \"https://a.example/{path}\"\nstatus = 404\nby = [\"script:x\"]\n")
    }

    #[test]
    fn a_new_row_takes_the_place_of_one_of_the_same_address_and_the_rest_stays() {
        let old = lock(&[download("a", "old"), download("b", "old"), absent("c"), absent("d")].concat());
        let new = lock(&[download("a", "new"), download("c", "new"), absent("b")].concat());
        let merged = merged(old, new.downloads, new.absent);
        let expected = lock(&[download("a", "new"), download("c", "new"), absent("b"), absent("d")].concat());
        assert_eq!(merged, expected);
        assert_eq!(LarderLock::parse("larder.lock", merged.to_text().as_bytes()).unwrap(), merged);
    }
}
