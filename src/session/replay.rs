//! The source of the proxy on loopback: what `larder.lock` recorded, and what the plans of sessions name and package managers ask for at an address of its own, whatever
//! registry they are told of.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use url::Url;

use super::{open::Session, upstream::in_one_line};
use crate::{
    config::{asked_addresses::asked_addresses, package_manager::NpmConfig},
    core::{
        artifact::{Ecosystem, Source as From},
        error_chain::chain,
        recorded_url::RecordedUrl,
    },
    fetcher::Downloads,
    lockfile::{
        Format, YarnLock,
        larder_lock::{LarderLock, RecordedContent},
    },
    loopback::CheckedBlob,
    plan::{Plan, Planned},
    proxy::{Answer, ServedFile, Source},
};

/// Where an artifact is: the session, and the place in its plan.
type At = (usize, usize);

/// What an address has.
enum Known {
    /// An artifact of the store, and its media type.
    Stored(At, Option<String>),
    /// These bytes, their name and their media type.
    Inline(Bytes, String, Option<String>),
    /// Nothing; this status says so.
    Absent(u16),
}

/// Addresses that are served from the store.
pub(crate) struct Replay {
    sessions: Vec<Session>,
    known: HashMap<String, Known>,
    hosts: HashSet<(String, u16)>,
    has_plain_http: bool,
    has_recorded: bool,
}

impl Replay {
    /// What these sessions' lockfiles name beyond registries, and what their `larder.lock` recorded.
    pub(crate) fn of(sessions: &[Session]) -> Self {
        let mut replay = Self {
            sessions: sessions.to_vec(),
            known: HashMap::new(),
            hosts: HashSet::new(),
            has_plain_http: false,
            has_recorded: false,
        };
        for (session, at) in sessions.iter().zip(0..) {
            if let Some(lock) = &session.project.read.larder_lock {
                replay.add_recorded(lock, session.plan(), at);
            }
            for (npm, lockfile) in session.project.configurations.iter().zip(&session.project.read.project.lockfiles) {
                let manager = Manager::of(Format::of(&lockfile.name), &lockfile.name, &lockfile.bytes);
                let scopes: HashSet<&str> = npm.scopes().collect();
                for (planned, position) in session.plan().artifacts().iter().zip(0..) {
                    if manager.asks_itself(planned, &lockfile.name, &scopes) {
                        replay.add(planned, npm, (at, position));
                    }
                }
            }
        }
        replay
    }

    /// Whether there is nothing that a package manager asks for itself.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whether some of it is at an address in plain HTTP.
    pub(crate) const fn has_plain_http(&self) -> bool {
        self.has_plain_http
    }

    /// Whether some of it is what scripts download.
    pub(crate) const fn has_recorded(&self) -> bool {
        self.has_recorded
    }

    /// The hosts of its addresses.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().map(|(host, _)| host.as_str())
    }

    fn add(&mut self, planned: &Planned, npm: &NpmConfig, at: At) {
        for url in asked_addresses(&planned.artifact, npm) {
            self.has_plain_http |= url.scheme() == "http";
            self.know(&url, Known::Stored(at, None));
        }
    }

    fn add_recorded(&mut self, lock: &LarderLock, plan: &Plan, at: usize) {
        let recorded =
            plan.artifacts().iter().zip(0..).filter_map(|(planned, position)| match &planned.artifact.source {
                From::Recorded { url } => Some((url, position)),
                _ => None,
            });
        self.has_recorded |= !(lock.downloads.is_empty() && lock.absent.is_empty());
        let positions: HashMap<&RecordedUrl, usize> = recorded.collect();
        for row in &lock.downloads {
            let content_type = row.content_type.as_ref().map(|it| it.as_str().to_owned());
            let known = match (&row.content, positions.get(&row.url)) {
                (RecordedContent::Inline(body), _) => {
                    let bytes = Bytes::copy_from_slice(body.as_bytes());
                    Known::Inline(bytes, row.content.sha256().to_string(), content_type)
                }
                (RecordedContent::Stored { .. }, Some(&position)) => Known::Stored((at, position), content_type),
                (RecordedContent::Stored { .. }, None) => continue,
            };
            self.know(row.url.as_url(), known);
        }
        for row in &lock.absent {
            self.know(row.url.as_url(), Known::Absent(row.status.code()));
        }
    }

    /// Of two answers for one address, the first counts.
    fn know(&mut self, url: &Url, known: Known) {
        if let Some((host, port)) = url.host_str().zip(url.port_or_known_default()) {
            self.hosts.insert((host.trim_matches(['[', ']']).to_owned(), port));
            self.known.entry(key(url)).or_insert(known);
        }
    }

    /// Reads it from the store; what is missing or damaged there is fetched first.
    fn read(session: &Session, planned: &Planned) -> Result<ServedFile, String> {
        let downloads = session.project.downloads_of([planned]);
        if let Some(file) = served(session, planned, &downloads) {
            return Ok(file);
        }
        let completed = session.pull(&downloads).map_err(|error| chain(&error).join(": "))?;
        if let Some(failure) = completed.report.failures.first() {
            return Err(in_one_line(failure));
        }
        if let Some(gone) = completed.report.gone.first() {
            return Err(format!("optional and gone: {}", in_one_line(&gone.packages[0])));
        }
        served(session, planned, &downloads).ok_or_else(|| format!("{}: its blob cannot be read", planned.artifact))
    }
}

/// What is in the store and sound.
fn served(session: &Session, planned: &Planned, downloads: &Downloads<'_>) -> Option<ServedFile> {
    let found = session.find(downloads).ok()?.items.first()?.found;
    match CheckedBlob::read(session.store(), found, planned.artifact.integrity.as_ref()) {
        Ok(blob) => Some(ServedFile { blob, len: found.size, tag: found.blob.to_string(), content_type: None }),
        Err(error) => {
            tracing::debug!(%error, "a blob is not served");
            None
        }
    }
}

impl Source for Replay {
    fn knows_host(&self, host: &str, port: u16) -> bool {
        self.hosts.contains(&(host.to_owned(), port))
    }

    fn answer(&self, url: &Url) -> Answer {
        let (&(at, position), content_type) = match self.known.get(&key(url)) {
            Some(Known::Stored(at, content_type)) => (at, content_type),
            Some(Known::Inline(bytes, tag, content_type)) => {
                let (len, blob) = (bytes.len() as u64, CheckedBlob::of_bytes(bytes.clone()));
                return Answer::File(ServedFile { blob, len, tag: tag.clone(), content_type: content_type.clone() });
            }
            Some(Known::Absent(status)) => return Answer::Absent(*status),
            None => return Answer::Unknown,
        };
        let session = &self.sessions[at];
        match Self::read(session, &session.plan().artifacts()[position]) {
            Ok(file) => Answer::File(ServedFile { content_type: content_type.clone(), ..file }),
            Err(why) => Answer::Refused(why),
        }
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("addresses", &self.known.len()).finish_non_exhaustive()
    }
}

/// An address as clients may write it, escaped or not: scope, port and query tell two apart.
fn key(url: &Url) -> String {
    let path = percent_decode_str(url.path()).decode_utf8_lossy();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{path}{query}", url.origin().ascii_serialization())
}

/// What decides which packages of a lockfile its package manager asks for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manager {
    /// It finds all by their digests or addresses in the run's cache.
    Npm,
    /// It finds tarballs in the run's mirror, but not what comes from git.
    Yarn1,
    /// They ask a registry for what the lockfile gives no address of, and for nothing else.
    Other,
}

impl Manager {
    fn of(format: Format, lockfile: &str, bytes: &[u8]) -> Self {
        match format {
            Format::Npm => Self::Npm,
            Format::Yarn if YarnLock::of(lockfile, bytes) == Some(YarnLock::Classic) => Self::Yarn1,
            _ => Self::Other,
        }
    }

    fn asks_itself(self, planned: &Planned, lockfile: &str, scopes: &HashSet<&str>) -> bool {
        let artifact = &planned.artifact;
        let mut is_named = planned.entries.iter().map(|entry| &*entry.lockfile == lockfile);
        if artifact.ecosystem != Ecosystem::Npm || !is_named.clone().any(|is_named| is_named) {
            return false;
        }
        // Where another lockfile names it too, the address may be that one's.
        let mut has_address = |resolved: &Option<Url>| resolved.is_some() && is_named.all(|is_named| is_named);
        let has_own_registry = || artifact.name.scope().is_some_and(|scope| scopes.contains(scope));
        match (self, &artifact.source) {
            (Self::Npm, _) => false,
            (_, From::Git { .. } | From::Remote { .. } | From::Named { .. }) => true,
            (Self::Other, From::Registry { resolved }) => has_address(resolved) || has_own_registry(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{core::environment::Environment, lockfile};

    /// The packages that this lockfile's package manager asks for itself.
    fn asked(lockfile: &str, text: &str, scopes: &[&str]) -> Vec<String> {
        let plan = Plan::new(&[lockfile::read(lockfile, text.as_bytes()).unwrap()]).unwrap();
        let manager = Manager::of(Format::of(lockfile), lockfile, text.as_bytes());
        let scopes = scopes.iter().copied().collect();
        let asked = plan.artifacts().iter().filter(|planned| manager.asks_itself(planned, lockfile, &scopes));
        asked.map(|planned| planned.artifact.to_string()).collect()
    }

    #[test]
    fn pnpm_asks_for_what_has_an_address_of_its_own_and_for_scopes_with_a_registry() {
        let packages = [
            ("a0", "integrity: ''"),
            ("a1", "tarball: https://files.example/a.tgz"),
            ("a2", "tarball: https://r.example/a2/-/a2-1.0.0.tgz"),
            ("'@own/a3", "integrity: ''"),
        ];
        let entry = |(name, resolution): &(&str, &str)| {
            let end = if name.starts_with('\'') { "'" } else { "" };
            format!("  {name}@1.0.0{end}: {{resolution: {{{resolution}}}}}\n")
        };
        let text = format!("lockfileVersion: '9.0'\npackages:\n{}", packages.iter().map(entry).collect::<String>());
        assert_eq!(asked("pnpm-lock.yaml", &text, &[]), ["a1 1.0.0", "a2 1.0.0"]);
        assert_eq!(asked("pnpm-lock.yaml", &text, &["@own"]), ["@own/a3 1.0.0", "a1 1.0.0", "a2 1.0.0"]);
    }

    #[test]
    fn later_yarns_ask_for_all_but_their_registrys_packages_and_npm_for_nothing() {
        let entry = |name: &str, resolution: &str| {
            format!("\"{name}@x\":\n  version: 1.0.0\n  resolution: \"{name}@{resolution}\"\n\n")
        };
        let forge = crate::core::endpoints::GITHUB_HOST;
        let text = [
            "__metadata:\n  version: 10\n\n".to_owned(),
            entry("a", "npm:1.0.0"),
            entry("@other/a", "npm:1.0.0"),
            entry("@own/a", "npm:1.0.0"),
            entry("b", "https://files.example/b.tgz"),
            entry("c", &format!("https://{forge}/o/c.git#commit={}", "0".repeat(40))),
        ]
        .concat();
        assert_eq!(asked("yarn.lock", &text, &["@own"]), ["@own/a 1.0.0", "b 1.0.0", "c 1.0.0"]);
        let text = r#"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/b": {"version": "1.0.0", "resolved": "https://files.example/b.tgz"}}}"#;
        assert_eq!(asked("package-lock.json", text, &[]), [""; 0]);
    }

    #[test]
    fn a_later_yarns_scopes_are_those_of_its_whole_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let (home, project) = (folder.path().join("home"), folder.path().join("home/project"));
        std::fs::create_dir_all(&project).unwrap();
        std::fs::write(project.join("yarn.lock"), "__metadata:\n  version: 8\n").unwrap();
        let scope = |name: &str| format!("npmScopes: {{{name}: {{npmRegistryServer: 'https://npm.example'}}}}\n");
        std::fs::write(home.join(".yarnrc.yml"), scope("company")).unwrap();
        std::fs::write(project.join(".yarnrc.yml"), scope("team")).unwrap();
        let environment = Environment::new(&project, [("HOME", home.to_str().unwrap())]);
        let npm = NpmConfig::load(&environment, &project).unwrap();
        assert_eq!(npm.scopes().collect::<Vec<_>>(), ["@company", "@team"]);
    }

    #[test]
    fn an_address_is_the_same_escaped_or_not_and_another_one_with_another_query() {
        let key = |text: &str| key(&Url::parse(text).unwrap());
        assert_eq!(key("https://own.example/@s%2Fa/-/a.tgz"), key("https://own.example:443/@s/a/-/a.tgz"));
        assert_ne!(key("https://own.example/a?x=1"), key("https://own.example/a?x=2"));
        assert_ne!(key("https://own.example/a"), key("http://own.example/a"));
    }
}
