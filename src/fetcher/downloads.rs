//! Stage 1 of a fetch: [`Downloads`], one for each selected file of a plan, in the order in which they are requested: the large ones first. Addresses are worked out later, for missing files only: for thousands of files it takes
//! milliseconds.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
};

use larder_store::{
    digest::{Digest, Integrity},
    key::{Key, Wanted},
    verify::Depth,
};

use super::{
    failure::{Failure, FailureKind},
    job::Job,
    planned::job_of,
};
use crate::{
    config::{larder_toml::LarderToml, network::project_transport::ProjectTransport, package_manager::NpmConfig},
    core::artifact::{Artifact, Ecosystem, Source},
    plan::{
        EntryName, Plan, Planned,
        selection::{Selection, Verdict},
    },
};

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
    /// A job that was there before.
    Ready(Box<Job>),
}

/// What is wanted, and what is needed to download it.
#[derive(Debug, Default)]
pub struct Downloads<'a> {
    /// In the plan's order, the large ones first as far as can be told.
    pub all: Vec<Download<'a>>,
    /// What cannot even be asked for.
    pub failures: Vec<Failure>,
    configurations: HashMap<&'a str, &'a NpmConfig>,
    settings: Option<&'a LarderToml>,
    /// What the projects say of proxies and certificates.
    transport: Option<ProjectTransport>,
    optional: Option<&'a dyn Optional>,
}

/// What is optional although its lockfile does not say so.
pub trait Optional: fmt::Debug {
    /// Whether optional dependencies alone lead to this entry.
    fn is_optional(&self, entry: &EntryName) -> bool;
}

/// How many artifacts of a plan were not selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct LeftOut {
    /// For other platforms.
    pub other_platforms: usize,
    /// Of omitted groups.
    pub omitted: usize,
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
    /// The artifacts of a plan that it is; none for a job that was there before.
    pub fn planned(&self) -> &[&'a Planned] {
        match &self.of {
            Of::Planned(planned) => planned,
            Of::Ready(_) => &[],
        }
    }

    /// How much is to be compared before anybody gets it. Package managers are told what a receipt states, too. Of other files, nobody is told more than what is wanted of them.
    pub(super) fn depth(&self) -> Depth {
        let is_other = |planned: &&Planned| planned.artifact.ecosystem != Ecosystem::Npm;
        match (&self.of, &self.wanted) {
            (Of::Planned(all), Wanted::Integrity(_)) if all.iter().all(is_other) => Depth::Names,
            _ => Depth::Digests,
        }
    }

    /// Whether it is a recorded download.
    pub(super) fn is_recorded(&self) -> bool {
        self.planned().iter().any(|planned| planned.artifact.ecosystem == Ecosystem::Download)
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

    /// Leaves out what is of another kind.
    #[must_use]
    pub fn for_ecosystems(mut self, ecosystems: &[Ecosystem]) -> Self {
        self.all.retain(|download| match &download.of {
            Of::Planned(planned) => planned.iter().any(|planned| ecosystems.contains(&planned.artifact.ecosystem)),
            Of::Ready(_) => true,
        });
        self.failures.retain(|failure| ecosystems.contains(&failure.ecosystem));
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

    /// Takes out what cannot be fetched at all: entries of a kind that larder does not fetch, and artifacts without an address.
    pub fn take_unfetchable(&mut self) -> Vec<Failure> {
        let is_unfetchable = |failure: &mut Failure| matches!(failure.kind, FailureKind::Unfetchable(_));
        let mut taken: Vec<Failure> = self.failures.extract_if(.., is_unfetchable).collect();
        taken.extend(self.take_without_address());
        taken
    }

    /// Takes out what has no address that can be asked, as the failures of its artifacts. Only registries that are known by a name can lack one: a lockfile's own addresses were looked at when it was
    /// read.
    fn take_without_address(&mut self) -> Vec<Failure> {
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

    /// How many artifacts are wanted, those that cannot be asked for included.
    pub fn artifacts(&self) -> usize {
        self.failures.len() + self.all.iter().map(Download::artifacts).sum::<usize>()
    }

    /// The job of a download. What has no address that can be asked comes back as the failure of all its artifacts.
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

    /// The job of one artifact, with what is known of it besides the plan.
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

/// Packages of one platform hold native programs, and so do most recorded downloads.
fn is_large(artifact: &Artifact) -> bool {
    let conditions = &artifact.conditions;
    !conditions.os.is_empty() || !conditions.cpu.is_empty() || artifact.ecosystem == Ecosystem::Download
}

/// What is large comes first. Started last, one would be waited for alone.
fn selected_first_large<'a>(
    plan: &'a Plan,
    selection: &Selection,
    left_out: &mut LeftOut,
) -> impl Iterator<Item = &'a Planned> {
    let (mut large, mut others) = (Vec::new(), Vec::new());
    for planned in plan.artifacts() {
        match selection.verdict(&planned.artifact) {
            Verdict::Wanted if is_large(&planned.artifact) => large.push(planned),
            Verdict::Wanted => others.push(planned),
            Verdict::OtherPlatform => left_out.other_platforms += 1,
            Verdict::Omitted => left_out.omitted += 1,
        }
    }
    large.into_iter().chain(others)
}
