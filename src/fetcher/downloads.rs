//! Downloads, one for each file that is wanted, and orders, one for each that is missing.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::Arc,
};

use larder_store::{
    digest::{Digest, Integrity},
    key::{Key, Wanted},
    receipt::Origin,
};

use super::{
    Failure, FailureKind,
    first_bytes::{ManifestPlace, Shape},
};
use crate::{
    config::{
        address::{
            Address, AddressError, addresses_of, identity_of, is_commit_archive, named_registry, packument_below,
            packument_url,
        },
        larder_toml::LarderToml,
        network::project_transport::ProjectTransport,
        package_manager::NpmConfig,
    },
    core::{
        artifact::{Artifact, Ecosystem, Forge, Source},
        redacted::redact,
    },
    lockfile::{self, Format, UNSTATED_VERSION},
    plan::{
        EntryName, Plan, Planned,
        selection::{Selection, Verdict},
    },
};
use url::Url;

/// One file, and the artifacts of the plan that it is: more than one where several packages have the same bytes.
#[derive(Clone, Debug)]
pub struct Job {
    /// How the store knows it.
    pub wanted: Wanted,
    /// The artifacts, at least one.
    pub artifacts: Vec<Package>,
    /// Where it can be had: in this order, without repeats.
    pub addresses: Vec<Address>,
    /// Where the registry describes the package, if it is a registry's and the lockfile leaves its address or its digest open.
    pub packument: Option<Url>,
    /// Whether its addresses are guesses, since the lockfile states none: the packument knows better.
    pub is_address_built: bool,
    /// What its receipt will say.
    pub origins: Vec<Origin>,
    /// Whether it is a forge's archive of a commit, of which no lockfile states a digest: it is packed again.
    pub is_commit: bool,
    /// What its bytes must be where nobody states a digest.
    pub(super) shape: Shape,
}

impl Job {
    /// The configuration of the lockfile that it is from: what another one says of registries is for that one's packages.
    pub(super) fn configuration<'a>(&self, configurations: &'a [NpmConfig]) -> Option<&'a NpmConfig> {
        let lockfile =
            self.artifacts.first().and_then(|artifact| artifact.entries.first()).map(|entry| &*entry.lockfile);
        let own = configurations.iter().find(|npm| npm.lockfile().is_some() && npm.lockfile() == lockfile);
        own.or_else(|| configurations.first().filter(|npm| npm.lockfile().is_none()))
    }
}

/// An artifact of an order.
#[derive(Clone, Debug)]
pub struct Package {
    /// `react 18.2.0`.
    pub package: Arc<str>,
    /// What kind of package it is.
    pub ecosystem: Ecosystem,
    /// The package's name.
    pub name: Arc<str>,
    /// Its version.
    pub version: Arc<str>,
    /// The lockfile entries that name it.
    pub entries: Vec<EntryName>,
    /// Whether the package manager installs without it if it cannot be had.
    pub is_optional: bool,
}

/// What is optional although its lockfile does not say so.
pub trait Optional: fmt::Debug {
    /// Whether optional dependencies alone lead to this entry.
    fn is_optional(&self, entry: &EntryName) -> bool;
}

/// A file that is wanted, before it is known whether it is here: where it can be had is worked out only if it is not.
#[derive(Clone, Debug)]
pub struct Download<'a> {
    /// How the store knows it.
    pub wanted: Wanted,
    of: Of<'a>,
}

#[derive(Clone, Debug)]
enum Of<'a> {
    /// Artifacts of a plan, at least one.
    Planned(Vec<&'a Planned>),
    /// An order that was there before.
    Ready(Box<Job>),
}

/// What is wanted, and what is needed to order it.
#[derive(Debug, Default)]
pub struct Downloads<'a> {
    /// In the plan's order, the large ones first as far as can be told.
    pub all: Vec<Download<'a>>,
    /// What cannot even be ordered.
    pub failures: Vec<Failure>,
    configurations: HashMap<&'a str, &'a NpmConfig>,
    settings: Option<&'a LarderToml>,
    /// What the projects say of proxies and certificates.
    transport: Option<ProjectTransport>,
    optional: Option<&'a dyn Optional>,
}

/// How many artifacts of a plan were not selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct LeftOut {
    /// For other platforms.
    pub other_platforms: usize,
    /// Of omitted groups.
    pub omitted: usize,
}

impl Job {
    /// Whether the lockfile states no digest.
    pub fn lacks_integrity(&self) -> bool {
        matches!(self.wanted, Wanted::Identity(_))
    }

    /// Whether a registry describes the package, and has to be asked.
    pub fn is_in_registry(&self) -> bool {
        self.packument.is_some()
    }

    /// Whether package managers install without it.
    pub fn is_optional(&self) -> bool {
        self.artifacts.iter().all(|artifact| artifact.is_optional)
    }

    /// The failure of each of its artifacts.
    pub fn failures(&self, kind: &FailureKind) -> impl Iterator<Item = Failure> {
        self.artifacts.iter().map(|artifact| Failure {
            package: Arc::clone(&artifact.package),
            ecosystem: artifact.ecosystem,
            entries: artifact.entries.clone(),
            kind: kind.clone(),
        })
    }
}

impl Download<'_> {
    /// How many artifacts it is.
    pub fn artifacts(&self) -> usize {
        match &self.of {
            Of::Planned(planned) => planned.len(),
            Of::Ready(job) => job.artifacts.len(),
        }
    }
}

impl<'a> Download<'a> {
    /// The artifacts of a plan that it is; none for an order that was there before.
    pub fn planned(&self) -> &[&'a Planned] {
        match &self.of {
            Of::Planned(planned) => planned,
            Of::Ready(_) => &[],
        }
    }
}

impl From<Job> for Download<'_> {
    fn from(job: Job) -> Self {
        Self { wanted: job.wanted.clone(), of: Of::Ready(Box::new(job)) }
    }
}

impl<'a> Downloads<'a> {
    /// What is wanted of the selected part of a plan, and how much was not selected. `configurations` are those of the lockfiles, by name.
    pub fn of(
        plan: &'a Plan,
        selection: &Selection,
        configurations: HashMap<&'a str, &'a NpmConfig>,
        settings: &'a LarderToml,
    ) -> (Self, LeftOut) {
        let mut left_out = LeftOut::default();
        let selected = selected_first_large(plan, selection, &mut left_out);
        let mut downloads = Self::of_artifacts(selected, configurations, settings);
        downloads.failures.extend(plan.unfetchable().iter().map(|entry| Failure {
            package: entry.unfetchable.name.as_str().into(),
            ecosystem: Ecosystem::Npm,
            entries: vec![entry.entry.clone()],
            kind: FailureKind::Unfetchable(entry.unfetchable.reason.clone()),
        }));
        (downloads, left_out)
    }

    /// Asks for what is optional besides what the plan says.
    #[must_use]
    pub fn with_optional(self, optional: &'a dyn Optional) -> Self {
        Self { optional: Some(optional), ..self }
    }

    /// Leaves out what is for another kind of package manager.
    #[must_use]
    pub fn for_ecosystem(mut self, ecosystem: Ecosystem) -> Self {
        self.all.retain(|download| match &download.of {
            Of::Planned(planned) => planned.iter().any(|planned| planned.artifact.ecosystem == ecosystem),
            Of::Ready(_) => true,
        });
        self.failures.retain(|failure| failure.ecosystem == ecosystem);
        self
    }

    /// These artifacts are wanted, whatever else the plan has.
    pub fn of_artifacts(
        artifacts: impl IntoIterator<Item = &'a Planned>,
        configurations: HashMap<&'a str, &'a NpmConfig>,
        settings: &'a LarderToml,
    ) -> Self {
        let mut by_name: Vec<_> = configurations.iter().collect();
        by_name.sort_unstable_by_key(|(name, _)| **name);
        let transport = ProjectTransport::together(by_name.iter().filter_map(|(_, npm)| npm.project_transport()));
        let mut downloads = Self { configurations, settings: Some(settings), transport, ..Self::default() };
        let mut by_wanted: HashMap<Vec<Key>, usize> = HashMap::new();
        // Of each download, the weaker digests that further artifacts state. Joined at the end: there may be as many as artifacts.
        let mut further: HashMap<usize, Vec<Digest>> = HashMap::new();
        for planned in artifacts {
            let wanted = match &planned.artifact.integrity {
                Some(integrity) => Wanted::Integrity(integrity.clone()),
                None => match downloads.job_of(planned) {
                    Ok(job) => job.wanted,
                    Err(failure) => {
                        downloads.failures.push(failure);
                        continue;
                    }
                },
            };
            match by_wanted.entry(wanted.keys()) {
                Entry::Occupied(at) => {
                    let download = &mut downloads.all[*at.get()];
                    if let (Wanted::Integrity(ours), Wanted::Integrity(theirs)) = (&download.wanted, &wanted)
                        && ours != theirs
                    {
                        further.entry(*at.get()).or_default().extend(theirs.digests());
                    }
                    download.join(planned);
                }
                Entry::Vacant(at) => {
                    at.insert(downloads.all.len());
                    downloads.all.push(Download { wanted, of: Of::Planned(vec![planned]) });
                }
            }
        }
        for (position, digests) in further {
            let wanted = &mut downloads.all[position].wanted;
            if let Wanted::Integrity(ours) = wanted {
                let all = Integrity::new(ours.digests().iter().chain(&digests).copied());
                *ours = all.expect("ours has a digest");
            }
        }
        downloads
    }

    /// Takes out what has no address that can be asked, as the failures of its artifacts. Only registries that are known by a name can lack one: a lockfile's own addresses were looked at when it was
    /// read.
    pub fn take_without_address(&mut self) -> Vec<Failure> {
        let has_name = |planned: &&Planned| matches!(planned.artifact.source, Source::Named { .. });
        let (mut kept, mut failures) = (Vec::with_capacity(self.all.len()), Vec::new());
        for download in std::mem::take(&mut self.all) {
            match download.planned().iter().any(has_name).then(|| self.job(&download)) {
                Some(Err(without)) => failures.extend(without),
                _ => kept.push(download),
            }
        }
        self.all = kept;
        failures
    }

    /// How many artifacts are wanted, those that cannot be ordered included.
    pub fn artifacts(&self) -> usize {
        self.failures.len() + self.all.iter().map(Download::artifacts).sum::<usize>()
    }

    /// The order for a download. What has no address that can be asked comes back as the failure of all its artifacts.
    pub(super) fn job(&self, download: &Download<'_>) -> Result<Job, Vec<Failure>> {
        let planned = match &download.of {
            Of::Planned(planned) => planned,
            Of::Ready(job) => return Ok((**job).clone()),
        };
        let (jobs, failures): (Vec<_>, Vec<_>) =
            planned.iter().map(|planned| self.job_of(planned)).partition(Result::is_ok);
        if !failures.is_empty() {
            return Err(failures.into_iter().filter_map(Result::err).collect());
        }
        let mut jobs = jobs.into_iter().flatten();
        let mut job = jobs.next().expect("a download is at least one artifact");
        job.join(jobs);
        job.wanted = download.wanted.clone();
        Ok(job)
    }

    fn job_of(&self, planned: &Planned) -> Result<Job, Failure> {
        let npm = self.configurations[&*planned.entries[0].lockfile];
        let settings = self.settings.expect("set together with the configurations");
        let job = job_of(planned, npm, settings, self.transport);
        job.map(|job| self.marked(job, planned)).map_err(|error| Failure {
            package: planned.artifact.to_string().into(),
            ecosystem: planned.artifact.ecosystem,
            entries: planned.entries.clone(),
            kind: FailureKind::Address(error.into()),
        })
    }

    /// The order of one artifact, with what is known of it besides the plan.
    fn marked(&self, mut job: Job, planned: &Planned) -> Job {
        if let (false, Some(optional)) = (job.is_optional(), self.optional) {
            let is_optional = planned.entries.iter().all(|entry| optional.is_optional(entry));
            job.artifacts.iter_mut().for_each(|artifact| artifact.is_optional = is_optional);
        }
        job
    }
}

impl<'a> Download<'a> {
    /// Takes over an artifact with the same bytes.
    fn join(&mut self, planned: &'a Planned) {
        if let Of::Planned(all) = &mut self.of {
            all.push(planned);
        }
    }
}

/// Packages of one platform hold native programs, which are large. Started last, one would be waited for alone.
fn selected_first_large<'a>(
    plan: &'a Plan,
    selection: &Selection,
    left_out: &mut LeftOut,
) -> impl Iterator<Item = &'a Planned> {
    let (mut large, mut others) = (Vec::new(), Vec::new());
    for planned in plan.artifacts() {
        let conditions = &planned.artifact.conditions;
        match selection.verdict(conditions) {
            Verdict::Wanted if conditions.os.is_empty() && conditions.cpu.is_empty() => others.push(planned),
            Verdict::Wanted => large.push(planned),
            Verdict::OtherPlatform => left_out.other_platforms += 1,
            Verdict::Omitted => left_out.omitted += 1,
        }
    }
    large.into_iter().chain(others)
}

fn job_of(
    planned: &Planned,
    npm: &NpmConfig,
    settings: &LarderToml,
    transport: Option<ProjectTransport>,
) -> Result<Job, AddressError> {
    let artifact = &planned.artifact;
    let addresses = addresses_of(artifact, npm, settings)?;
    let address = &addresses[0];
    let (packument, is_address_built) = match &artifact.source {
        // Only where something is left open: an address for each of thousands takes milliseconds.
        Source::Registry { resolved } if resolved.is_none() || artifact.integrity.is_none() => {
            (Some(packument_url(&artifact.name, npm)), resolved.is_none())
        }
        Source::Remote { .. } if artifact.integrity.is_none() && is_of_registry(planned) => {
            (Some(packument_url(&artifact.name, npm)), false)
        }
        Source::Named { registry } => {
            (Some(packument_below(named_registry(artifact, registry, npm)?, &artifact.name)), true)
        }
        _ => (None, false),
    };
    let describes = match &artifact.source {
        Source::Named { registry } => Some(named_registry(artifact, registry, npm)?),
        _ => packument.is_some().then(|| npm.registry_for(&artifact.name)),
    };
    let identity = artifact.integrity.is_none().then(|| identity_of(artifact, address, describes, transport));
    let wanted = match (&artifact.integrity, &identity) {
        (Some(integrity), _) => Wanted::Integrity(integrity.clone()),
        (None, identity) => Wanted::Identity(identity.clone().expect("set where there is no integrity")),
    };
    let origin = Origin {
        ecosystem: artifact.ecosystem.name().to_owned(),
        name: artifact.name.to_string(),
        version: artifact.version.to_string(),
        address: shown_address(&artifact.source, &addresses),
        identity,
    };
    let ordered = Package {
        package: artifact.to_string().into(),
        ecosystem: artifact.ecosystem,
        name: artifact.name.as_str().into(),
        version: artifact.version.as_str().into(),
        entries: planned.entries.clone(),
        is_optional: artifact.conditions.optional,
    };
    let is_commit = artifact.integrity.is_none() && is_commit(&artifact.source);
    let (shape, origins) = (shape(planned), vec![origin]);
    Ok(Job { wanted, artifacts: vec![ordered], addresses, packument, is_address_built, origins, is_commit, shape })
}

/// Whether a registry has it, though its address looks like any other.
fn is_of_registry(planned: &Planned) -> bool {
    planned.entries.iter().any(|entry| lockfile::is_of_registry(&entry.lockfile, &entry.path))
}

fn is_commit(source: &Source) -> bool {
    match source {
        Source::Git { .. } => true,
        Source::Remote { url } => is_commit_archive(url),
        _ => false,
    }
}

/// What the bytes of an artifact are where nobody states a digest.
fn shape(planned: &Planned) -> Shape {
    let artifact = &planned.artifact;
    let formats: Vec<Format> = planned.entries.iter().map(|entry| Format::of(&entry.lockfile)).collect();
    let is_in_registry =
        matches!(artifact.source, Source::Registry { .. } | Source::Named { .. }) || is_of_registry(planned);
    // A registry has a package under its name. Of the others, npm and pnpm write down the name that the package gives itself; yarn and bun the one that the
    // project gives it, and so does npm's version 1, which states no version for them.
    let has_true_name = is_in_registry
        || (!is_unstated(artifact) && formats.iter().all(|format| matches!(format, Format::Npm | Format::Pnpm)));
    let manifest = if !is_in_registry && formats.contains(&Format::Pnpm) {
        ManifestPlace::Optional
    } else if is_commit(&artifact.source) {
        ManifestPlace::Anywhere
    } else {
        ManifestPlace::Top
    };
    Shape { name: has_true_name.then(|| artifact.name.as_str().into()), manifest }
}

/// Whether the lockfile states no version: what stands in its place is the commit, or says so.
fn is_unstated(artifact: &Artifact) -> bool {
    let version = artifact.version.as_str();
    version == UNSTATED_VERSION || matches!(&artifact.source, Source::Git { commit, .. } if **commit == *version)
}

/// The address for the receipt: the first that is neither a folder of this machine nor an archive. A query can hold a signature, and is left out; that of a forge names the
/// commit.
fn shown_address(source: &Source, addresses: &[Address]) -> Option<String> {
    let is_the_files = |address: &&Address| address.url.scheme() != "file" && address.member.is_none();
    let url = &addresses.iter().find(is_the_files)?.url;
    Some(match source {
        Source::Git { forge: Forge::GitLab, commit, .. } => format!("{}?sha={commit}", redact(url)),
        _ => redact(url),
    })
}

impl Job {
    /// Takes over artifacts with the same bytes.
    fn join(&mut self, others: impl Iterator<Item = Self>) {
        let mut places: HashMap<Url, Vec<usize>> = HashMap::new();
        for (position, address) in self.addresses.iter().enumerate() {
            places.entry(address.url.clone()).or_default().push(position);
        }
        for other in others {
            self.artifacts.extend(other.artifacts);
            for address in other.addresses {
                let known = places.entry(address.url.clone()).or_default();
                if !known.iter().any(|&position| self.addresses[position] == address) {
                    known.push(self.addresses.len());
                    self.addresses.push(address);
                }
            }
            self.origins.extend(other.origins);
            self.is_commit |= other.is_commit;
            if self.shape != other.shape {
                // Whatever one of them may be, the bytes may be.
                self.shape = Shape { name: None, manifest: self.shape.manifest.max(other.shape.manifest) };
            }
        }
    }
}
