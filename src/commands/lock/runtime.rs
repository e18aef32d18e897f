//! Which release of Pyodide a project uses, and its npm tarball, which holds the distribution's lock.

use std::{collections::BTreeSet, io::Read as _};

use larder_store::{
    Store,
    digest::{Algorithm, Digest, Integrity},
};
use url::Url;

use super::error::LockError;
use crate::{
    commands::{context::Context, error::CommandError},
    config::{larder_toml::PyodideSettings, package_manager::NpmConfig, project::Project},
    core::{
        artifact::{Artifact, Conditions, Ecosystem, PackageName, Source, Version},
        redacted::without_userinfo,
        runtime_version::RuntimeVersion,
    },
    fetcher::{Downloads, Fault, WatchEvent},
    lockfile::{Entry, EntryKind, RUNTIME_PACKAGE, Reading, larder_lock::PyodideLock},
    plan::{
        Plan,
        selection::{Omit, Platforms, Selection},
    },
    pyodide::{distribution::Distribution, runtime_files::RuntimeFiles},
    python::runtime::Runtime,
    session,
    ui::{progress, report},
};

/// The release that was chosen.
pub(super) struct Chosen {
    version: RuntimeVersion,
    artifact: Artifact,
    /// The lockfile that names it.
    lockfile: String,
}

/// The release and what its tarball holds.
pub(super) struct Base {
    pub(super) version: RuntimeVersion,
    pub(super) url: Option<Url>,
    pub(super) integrity: Integrity,
    pub(super) core: RuntimeFiles,
}

/// The release that `larder.toml` names, or else the one of the npm lockfiles.
pub(super) fn choose(
    project: &Project,
    settings: &PyodideSettings,
    readings: &[Reading],
    before: Option<&PyodideLock>,
) -> Result<Chosen, LockError> {
    let stated: Vec<(&str, &Artifact)> = session::runtimes(readings).collect();
    if let Some(version) = &settings.version {
        let same = stated.iter().find(|(_, artifact)| artifact.version.as_str() == version.as_str());
        return Ok(match same {
            Some((lockfile, artifact)) => chosen(version.clone(), artifact, lockfile),
            None => unstated(version, before),
        });
    }
    let versions: BTreeSet<&str> = stated.iter().map(|(_, artifact)| artifact.version.as_str()).collect();
    let folder = || project.folder.clone();
    if versions.len() > 1 {
        let versions = versions.into_iter().collect::<Vec<_>>().join(", ");
        return Err(LockError::SeveralRuntimes { folder: folder(), versions });
    }
    let (lockfile, artifact) = stated.first().ok_or_else(|| LockError::NoRuntime { folder: folder() })?;
    let version = RuntimeVersion::parse(artifact.version.as_str()).map_err(|problem| LockError::NoRelease {
        lockfile: (*lockfile).to_owned(),
        version: artifact.version.to_string(),
        problem,
    })?;
    Ok(chosen(version, artifact, lockfile))
}

fn chosen(version: RuntimeVersion, artifact: &Artifact, lockfile: &str) -> Chosen {
    let artifact = Artifact { conditions: Conditions::default(), ..artifact.clone() };
    Chosen { version, artifact, lockfile: lockfile.to_owned() }
}

/// A release that no npm lockfile names: of the registry, with the digest of an earlier lock.
fn unstated(version: &RuntimeVersion, before: Option<&PyodideLock>) -> Chosen {
    let before = before.map(|lock| &lock.runtime).filter(|runtime| runtime.release.version() == version);
    let artifact = Artifact {
        ecosystem: Ecosystem::Npm,
        name: PackageName::parse(RUNTIME_PACKAGE).expect("a constant name is one"),
        version: Version::parse(version.as_str()).expect("a release is a version"),
        source: Source::Registry { resolved: None },
        integrity: before.and_then(|runtime| runtime.integrity.clone()),
        size: None,
        conditions: Conditions::default(),
    };
    Chosen { version: version.clone(), artifact, lockfile: "larder.toml".to_owned() }
}

/// Sees to it that the store has the tarball, and reads it.
pub(super) fn fetch(
    chosen: Chosen,
    store: &Store,
    project: &Project,
    npm: &NpmConfig,
    context: &Context<'_>,
) -> Result<Base, CommandError> {
    let Chosen { version, artifact, lockfile } = chosen;
    let url = match &artifact.source {
        Source::Registry { resolved } => resolved.as_ref().map(without_userinfo),
        Source::Remote { url } => Some(without_userinfo(url)),
        _ => None,
    };
    let stated = artifact.integrity.clone();
    let entry = Entry { path: RUNTIME_PACKAGE.into(), kind: EntryKind::Artifact(artifact) };
    let plan = Plan::new(&[Reading { lockfile: lockfile.as_str().into(), entries: vec![entry], missing: Vec::new() }])?;
    let selection = Selection { platforms: Platforms::All, omit: Omit::default() };
    let by_lockfile = [(lockfile.as_str(), npm)].into_iter().collect();
    let (downloads, _) = Downloads::of(&plan, &selection, by_lockfile, &project.settings);
    let watcher = progress::watcher(context.printer);
    let report = session::unplanned_fetcher(store.clone(), npm.clone(), &project.settings, context.now)
        .fetch(&downloads, &watcher);
    watcher.event(WatchEvent::Over);
    let report = report?;
    if let Some(failure) = report.failures.first() {
        report::failures(context.printer, &report.failures, report::Listed::Nowhere);
        let is_network = failure.kind.fault() == Fault::Network;
        return Err(LockError::Tarball { version, is_network }.into());
    }
    let wanted = downloads.all[0].wanted.clone();
    let found = store.lookup(std::slice::from_ref(&wanted), context.now)?.find(&wanted);
    let Some(found) = found else { return Err(LockError::Tarball { version, is_network: false }.into()) };
    let mut bytes = Vec::new();
    store
        .open_checked(&found.blob, stated.as_ref())?
        .read_to_end(&mut bytes)
        .map_err(|source| LockError::Blob { path: store.blob_path(&found.blob), source })?;
    let integrity = stated.unwrap_or_else(|| Digest::of(Algorithm::Sha512, &bytes).into());
    let core = RuntimeFiles::read(&version, bytes.as_slice()).map_err(LockError::from)?;
    Ok(Base { version, url, integrity, core })
}

impl Base {
    /// The release, by what its distribution's lock says.
    pub(super) fn release(&self, distribution: &Distribution) -> Result<Runtime, LockError> {
        let info = distribution.info();
        Ok(Runtime::new(self.version.clone(), &info.python, &info.platform, info.abi_version.as_deref())?)
    }
}
