//! What `larder.lock` recorded, beside the packages that asked for it: a file is wanted where one of them is, and a row is unused if the plan has none of them.

use std::{collections::HashMap, sync::Arc};

use super::{
    merge::{both_needed, settled},
    planned::{EntryName, Planned, StaleRow, UnfetchableEntry},
};
use crate::{
    core::artifact::{Conditions, Ecosystem, Source},
    lockfile::{Entry, EntryKind, Reading, RecordedAnswer, RecordedEntry, Requester, UNSTATED_VERSION},
};

/// A row of a `larder.lock`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) lockfile: &'a Arc<str>,
    pub(super) path: &'a Arc<str>,
    pub(super) recorded: &'a RecordedEntry,
}

/// The kind of a file, which is in the digest as an artifact.
const FILE: &str = "file";
/// The kind of an answer that is in the lock itself.
pub(super) const INLINE: &str = "inline";
/// The kind of an address that had nothing.
pub(super) const ABSENT: &str = "absent";

/// What a row says besides which bytes a file has; a part of the plan's digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    /// Address, the kind of answer, its sha256 or status, and its media type.
    pub(super) texts: [Box<str>; 4],
}

/// How many there are of a kind.
pub(super) fn count(remarks: &[Remark], kind: &str) -> usize {
    remarks.iter().filter(|remark| &*remark.texts[1] == kind).count()
}

/// Gives recorded files the conditions of the packages that asked for them, and takes those out that no package asks for. Gives the rows whose packages
/// are not all there, and what the rows that are used say besides, each sorted.
pub(super) fn join(
    rows: &[Row<'_>],
    readings: &[Reading],
    artifacts: &mut Vec<Planned>,
    unfetchable: &[UnfetchableEntry],
) -> (Vec<StaleRow>, Vec<Remark>) {
    if rows.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let (mut wanted, mut stale) = (HashMap::new(), Vec::new());
    let packages = Packages::of(readings, artifacts, unfetchable);
    for Row { lockfile, path, recorded } in rows {
        let conditions = packages.conditions(&recorded.by);
        let by = packages.missing(&recorded.by);
        if !by.is_empty() {
            let entry = EntryName { lockfile: Arc::clone(lockfile), path: Arc::clone(path) };
            stale.push(StaleRow { entry, by, is_unused: conditions.is_none() });
        }
        wanted.insert(&***path, conditions);
    }
    drop(packages);
    artifacts.retain_mut(|planned| {
        let Source::Recorded { url } = &planned.artifact.source else { return true };
        let Some(of_packages) = &wanted[url.as_str()] else { return false };
        let own = std::mem::take(&mut planned.artifact.conditions);
        planned.artifact.conditions = joined(own, of_packages);
        true
    });
    let used = rows.iter().filter(|row| wanted[&**row.path].is_some());
    let mut remarks: Vec<Remark> = used.filter_map(|row| remark(row.path, row.recorded)).collect();
    stale.sort_unstable_by(|a, b| a.entry.cmp(&b.entry));
    remarks.sort_unstable_by(|a, b| a.texts.cmp(&b.texts));
    (stale, remarks)
}

/// A row's own platform, as far as it states one, and what else its packages say.
fn joined(own: Conditions, of_packages: &Conditions) -> Conditions {
    let stated = |own: Vec<Box<str>>, others: &[Box<str>]| if own.is_empty() { others.to_vec() } else { own };
    Conditions {
        os: stated(own.os, &of_packages.os),
        cpu: stated(own.cpu, &of_packages.cpu),
        libc: stated(own.libc, &of_packages.libc),
        ..of_packages.clone()
    }
}

fn remark(path: &str, recorded: &RecordedEntry) -> Option<Remark> {
    let (kind, says) = match &recorded.answer {
        RecordedAnswer::File(_) => (FILE, String::new()),
        RecordedAnswer::Inline(sha256) => (INLINE, sha256.to_hex()),
        RecordedAnswer::Absent(status) => (ABSENT, status.code().to_string()),
    };
    let media_type = recorded.content_type.as_ref().map_or("", |media_type| media_type.as_str());
    let is_told = kind != FILE || !media_type.is_empty();
    is_told.then(|| Remark { texts: [path.into(), kind.into(), says.into(), media_type.into()] })
}

/// The packages that a plan's lockfiles name, with what decides whether each is wanted.
struct Packages<'a> {
    by_version: HashMap<(&'a str, &'a str), Conditions>,
    /// Those of which no version is known.
    by_name: HashMap<&'a str, Conditions>,
    /// Whether there is no lockfile but `larder.lock`: which packages there are is not known.
    are_unknown: bool,
}

impl<'a> Packages<'a> {
    fn of(readings: &'a [Reading], artifacts: &'a [Planned], unfetchable: &'a [UnfetchableEntry]) -> Self {
        let is_row = |entry: &Entry| matches!(entry.kind, EntryKind::Recorded(_));
        let are_unknown = readings.iter().all(|reading| reading.entries.iter().any(is_row));
        let mut packages = Self { by_version: HashMap::new(), by_name: HashMap::new(), are_unknown };
        for planned in artifacts.iter().filter(|planned| planned.artifact.ecosystem == Ecosystem::Npm) {
            let artifact = &planned.artifact;
            let version = artifact.version.as_str();
            // Of a commit, a lockfile may state another version than the package does.
            let is_stated = version != UNSTATED_VERSION && !matches!(artifact.source, Source::Git { .. });
            packages.add(artifact.name.as_str(), is_stated.then_some(version), artifact.conditions.clone());
        }
        for entry in unfetchable {
            let package = &entry.unfetchable;
            packages.add(&package.name, package.version.as_deref(), Conditions::default());
        }
        let is_local = |entry: &&Entry| matches!(entry.kind, EntryKind::NoDownload(_));
        for entry in readings.iter().flat_map(|reading| &reading.entries).filter(is_local) {
            for name in names_in(&entry.path) {
                packages.add(name, None, Conditions::default());
            }
        }
        packages
    }

    fn add(&mut self, name: &'a str, version: Option<&'a str>, conditions: Conditions) {
        let known = match version {
            Some(version) => self.by_version.get_mut(&(name, version)),
            None => self.by_name.get_mut(name),
        };
        match (known, version) {
            (Some(known), _) => *known = both_needed(std::mem::take(known), &conditions),
            (None, Some(version)) => drop(self.by_version.insert((name, version), conditions)),
            (None, None) => drop(self.by_name.insert(name, conditions)),
        }
    }

    fn get<'s>(&'s self, requester: &'s Requester) -> Option<&'s Conditions> {
        let Requester::Package { name, version } = requester else { return None };
        let (name, version) = (name.as_str(), version.as_str());
        self.by_version.get(&(name, version)).or_else(|| self.by_name.get(name))
    }

    /// Those of the requesters that are packages and not there.
    fn missing(&self, by: &[Requester]) -> Vec<Requester> {
        let is_missing = |requester: &&Requester| {
            matches!(requester, Requester::Package { .. }) && !self.are_unknown && self.get(requester).is_none()
        };
        by.iter().filter(is_missing).cloned().collect()
    }

    /// What decides whether a row of these requesters is wanted; `None` if there is none of them.
    fn conditions(&self, by: &[Requester]) -> Option<Conditions> {
        if self.are_unknown || by.is_empty() {
            return Some(Conditions::default());
        }
        let mut joined: Option<Conditions> = None;
        for requester in by {
            if matches!(requester, Requester::Script(_)) {
                return Some(Conditions::default());
            }
            let Some(conditions) = self.get(requester) else { continue };
            joined = Some(match joined {
                Some(ours) => both_needed(ours, conditions),
                None => conditions.clone(),
            });
        }
        joined.map(settled)
    }
}

/// What the package of an entry without a download may be called: `node_modules/a/node_modules/@s/b` and `a/@s/b` are `@s/b`, and so is `@s/b@workspace:b`.
fn names_in(path: &str) -> [&str; 2] {
    let below = path.rsplit_once("node_modules/").map_or(path, |(_, name)| name);
    let at = below.char_indices().skip(1).find(|(_, c)| *c == '@').map_or(below.len(), |(at, _)| at);
    // The at sign of a scope follows a slash.
    let name = if below[..at].ends_with('/') { below } else { &below[..at] };
    let mut slashes = name.rmatch_indices('/');
    let last = slashes.next().map_or(name, |(slash, _)| {
        let scope = name[..slash].rfind('/').map_or(0, |slash| slash + 1);
        if name[scope..].starts_with('@') { &name[scope..] } else { &name[slash + 1..] }
    });
    [name, last]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        lockfile::{
            self,
            larder_lock::{LARDER_LOCK, LarderLock},
        },
        plan::{
            Plan,
            selection::{Omit, Platform, Platforms, Selection, Verdict},
        },
    };

    /// npm's lockfile: path, and the rest of the entry.
    fn npm(packages: &[(&str, &str)]) -> Reading {
        let entry = |(path, rest): &(&str, &str)| format!("\"{path}\": {{\"version\": \"1.0.0\"{rest}}}");
        let packages: Vec<String> = packages.iter().map(entry).collect();
        let text = format!("{{\"lockfileVersion\": 3, \"packages\": {{{}}}}}", packages.join(","));
        lockfile::read("package-lock.json", text.as_bytes()).unwrap()
    }

    /// A lock with a file for each of these: what asked for it, and other keys.
    fn rows(rows: &[(&str, &str)]) -> Reading {
        let row = |(position, (by, rest)): (usize, &(&str, &str))| {
            let sha256 = format!("{position:064x}");
            let url = format!("https://files.example/{position}");
            format!(
                "[[download]]\nurl = \"{url}\"\nsha256 = \"{sha256}\"\nsize = 1\nby = [{by}]\ntrust = \"first-use\"\n{rest}\n"
            )
        };
        let rows: String = rows.iter().enumerate().map(row).collect();
        let lock = LarderLock::parse(LARDER_LOCK, format!("version = 2\n{rows}").as_bytes()).unwrap();
        lockfile::of_larder_lock(LARDER_LOCK, &lock)
    }

    fn verdicts(plan: &Plan, platform: &str, dev: bool) -> Vec<Verdict> {
        let platforms = Platforms::Only([platform.parse::<Platform>().unwrap()].into_iter().collect());
        let selection = Selection { platforms, omit: Omit { dev, ..Omit::default() } };
        let recorded = plan.artifacts().iter().filter(|planned| planned.artifact.ecosystem == Ecosystem::Download);
        let mut by_address: Vec<_> =
            recorded.map(|planned| (&planned.entries[0], selection.verdict(&planned.artifact))).collect();
        by_address.sort_by_key(|(entry, _)| *entry);
        by_address.into_iter().map(|(_, verdict)| verdict).collect()
    }

    #[test]
    fn a_file_is_wanted_where_one_of_its_packages_is_and_always_for_a_script() {
        let npm = npm(&[
            ("node_modules/dev", ",\"dev\":true"),
            ("node_modules/app", ""),
            ("node_modules/mac", ",\"optional\":true,\"os\":[\"darwin\"]"),
        ]);
        let rows = rows(&[
            ("\"dev@1.0.0\"", ""),
            ("\"dev@1.0.0\", \"app@1.0.0\"", ""),
            ("\"dev@1.0.0\", \"script:fetch\"", ""),
            ("\"mac@1.0.0\"", ""),
            ("\"app@1.0.0\"", "os = \"darwin\""),
        ]);
        let plan = Plan::new(&[npm, rows]).unwrap();
        let (wanted, omitted, other) = (Verdict::Wanted, Verdict::Omitted, Verdict::OtherPlatform);
        assert_eq!(verdicts(&plan, "linux/amd64", false), [wanted, wanted, wanted, other, other]);
        assert_eq!(verdicts(&plan, "linux/amd64", true), [omitted, wanted, wanted, other, other]);
        assert_eq!(verdicts(&plan, "darwin/arm64", true), [omitted, wanted, wanted, wanted, wanted]);
        assert_eq!(plan.stale(), []);
    }

    #[test]
    fn a_row_whose_packages_are_gone_is_no_part_of_the_plan() {
        let npm = npm(&[("node_modules/app", ""), ("node_modules/app/node_modules/inside", ",\"inBundle\":true")]);
        let used = ("\"app@1.0.0\", \"gone@1.0.0\"", "");
        let lock = rows(&[used, ("\"app@2.0.0\", \"gone@1.0.0\"", ""), ("\"inside@7.0.0\"", "")]);
        let plan = Plan::new(&[npm, lock]).unwrap();
        let stale: Vec<_> = plan.stale().iter().map(|row| (&*row.entry.path, row.by.len(), row.is_unused)).collect();
        assert_eq!(stale, [("https://files.example/0", 1, false), ("https://files.example/1", 2, true)]);
        let sum = plan.sum();
        assert_eq!((sum.entries, sum.artifacts, sum.bundled, sum.unused), (5, 3, 1, 1));
    }

    #[test]
    fn an_unused_row_does_not_change_the_digest() {
        let npm = npm(&[("node_modules/app", "")]);
        let used = ("\"app@1.0.0\"", "");
        let digest = |lock| Plan::new(&[npm.clone(), lock]).unwrap().digest();
        assert_eq!(digest(rows(&[used])), digest(rows(&[used, ("\"gone@1.0.0\"", "")])));
        assert_ne!(digest(rows(&[used])), digest(rows(&[used, used])));
    }

    #[test]
    fn where_no_packages_are_known_each_row_is_wanted() {
        let plan = Plan::new(&[rows(&[("\"gone@1.0.0\"", "")])]).unwrap();
        assert_eq!((plan.sum().artifacts, plan.stale().len()), (1, 0));
        let anyones = rows(&[("\"gone@1.0.0\"", "")]).for_any_packages();
        let plan = Plan::new(&[npm(&[("node_modules/app", "")]), anyones]).unwrap();
        assert_eq!((plan.sum().artifacts, plan.stale().len()), (2, 0));
    }

    #[test]
    fn an_entry_that_needs_no_download_tells_its_packages_name() {
        for (path, name) in [
            ("node_modules/a", "a"),
            ("node_modules/a/node_modules/@s/b", "@s/b"),
            ("@s/b@workspace:packages/b", "@s/b"),
            ("a@workspace:.", "a"),
            ("parent/child", "child"),
            ("parent/@s/child", "@s/child"),
            ("@s/parent/child", "child"),
        ] {
            assert!(names_in(path).contains(&name), "{path}: {:?}", names_in(path));
        }
    }
}
