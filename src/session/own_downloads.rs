//! Packages of a project that download files themselves, and what is said of them before they do.

use std::{collections::HashSet, fmt};

use super::installer::installer;
use crate::{
    config::{
        project::{LockfileBytes, Project},
        script_settings::ScriptSettings,
    },
    core::{
        artifact::{Artifact, Source},
        environment::Environment,
        manifest::Manifests,
        recorded_url::RecordedUrl,
    },
    lockfile::{
        Format,
        larder_lock::{RecordedDownload, Requester},
    },
    npm::own_downloads::{KnownDownload, OwnDownload, When, own_downloads},
    plan::{
        EntryName, Plan,
        selection::{Selection, Verdict},
    },
    run::{script_permission::Said, script_policy::ScriptPolicy},
};

/// A package that downloads a file which no lockfile names, so that larder does not store it.
#[derive(Clone, Debug)]
pub struct UnlockedDownload {
    artifact: Artifact,
    entry: EntryName,
    known: &'static KnownDownload,
    scripts: ScriptPolicy,
}

impl UnlockedDownload {
    /// What to do about it: the server, and the package's variables.
    pub(super) fn hint(&self) -> String {
        let name = self.artifact.name.as_str();
        format!("{name}: {}", self.known.advice(name, None))
    }

    /// When it downloads, as the end of a clause.
    fn when(&self) -> String {
        match (self.known.when, &self.scripts) {
            (When::Install, ScriptPolicy::Runs) => "when it is installed".to_owned(),
            (When::Install, ScriptPolicy::AllowedOnly(manager)) => format!(
                "if its install script is allowed to run ({manager} runs no others), or else at an explicit step or at its first use"
            ),
            (When::Install, ScriptPolicy::Off) => {
                "at an explicit step or at its first use, since install scripts are turned off".to_owned()
            }
            (When::FirstUse, _) => "when it is first used".to_owned(),
            (When::Command, _) => {
                let command = self.known.command.as_deref().unwrap_or("a command of its own");
                format!("with `{command}`")
            }
        }
    }
}

impl fmt::Display for UnlockedDownload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { artifact, entry, known, .. } = self;
        let (what, it) = if known.addresses.len() > 1 { ("files", "them") } else { ("a file", "it") };
        write!(
            f,
            "{artifact} downloads {what} {}, and larder.lock does not have {it}: larder does not store {it}\n  wanted by {entry}",
            self.when()
        )
    }
}

/// The packages of the selected part of a plan that download files themselves, those apart for which `larder.lock` has rows and those whose download is left out by a variable or a setting. `scripts` says what the package manager of a lockfile does with
/// install scripts.
pub(super) fn unlocked_downloads(
    (project, plan, rows): (&Project, &Plan, &[&RecordedDownload]),
    selection: &Selection,
    manifests: impl FnOnce() -> Manifests,
    environment: &Environment,
    scripts: &dyn Fn(&LockfileBytes) -> ScriptPolicy,
) -> Vec<UnlockedDownload> {
    let unlocked = |OwnDownload { planned, known }: OwnDownload<'_>| {
        if rows.iter().any(|row| is_of(row, &planned.artifact, known)) {
            return None;
        }
        // Any of the lockfiles may be installed from: the one whose manager does most is told.
        let in_lockfiles = planned.entries.chunk_by(|one, other| one.lockfile == other.lockfile);
        let told = in_lockfiles.filter_map(|entries| {
            let lockfile = project.lockfiles.iter().find(|lockfile| *lockfile.name == *entries[0].lockfile)?;
            let scripts = policy(&planned.artifact, known, lockfile, environment, scripts)?;
            Some((entries[0].clone(), scripts))
        });
        let (entry, scripts) = told.min_by_key(|(_, scripts)| scripts.rank())?;
        Some(UnlockedDownload { artifact: planned.artifact.clone(), entry, known, scripts })
    };
    own_downloads(plan.artifacts(), selection, manifests).into_iter().filter_map(unlocked).collect()
}

/// The packages of the selected part of a plan whose downloads `larder.lock` should have: those apart whose download is left out by a variable or a setting of every lockfile that names them.
pub(super) fn to_lock<'a>(
    (project, plan): (&Project, &'a Plan),
    selection: &Selection,
    manifests: impl FnOnce() -> Manifests,
    environment: &Environment,
) -> Vec<OwnDownload<'a>> {
    let is_wanted = |download: &OwnDownload<'a>| {
        let names_it =
            |lockfile: &&LockfileBytes| download.planned.entries.iter().any(|entry| *entry.lockfile == *lockfile.name);
        // Any of the lockfiles may be installed from.
        project.lockfiles.iter().filter(names_it).any(|lockfile| {
            let settings = ScriptSettings::read(environment, lockfile.folder(), installer(lockfile));
            !is_left_out(download.known, &settings, environment)
        })
    };
    own_downloads(plan.artifacts(), selection, manifests).into_iter().filter(is_wanted).collect()
}

/// What the package manager of a lockfile does with a package's install script; `None` if the package's download is left out.
fn policy(
    artifact: &Artifact,
    known: &KnownDownload,
    lockfile: &LockfileBytes,
    environment: &Environment,
    scripts: &dyn Fn(&LockfileBytes) -> ScriptPolicy,
) -> Option<ScriptPolicy> {
    let settings = ScriptSettings::read(environment, lockfile.folder(), installer(lockfile));
    if is_left_out(known, &settings, environment) {
        return None;
    }
    let setting = |name: &str| settings.get(name);
    let package_json = std::fs::read(lockfile.folder().join("package.json")).ok();
    let package_json = package_json.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let list = |name: &str| settings.list(name);
    let said = Said { package_json: &package_json, setting: &setting, list: &list };
    let package = (artifact.name.as_str(), artifact.version.as_str());
    Some(scripts(lockfile).of_package(Format::of(&lockfile.name), package, said))
}

fn is_left_out(known: &KnownDownload, settings: &ScriptSettings, environment: &Environment) -> bool {
    let variable = |name: &str| environment.variable(name).map(str::to_owned);
    known.is_left_out(&variable, &|name| settings.get(name))
}

/// The rows whose files are wanted: another platform's file is of no use here, and a checksum in the lock itself is not the file.
pub(super) fn wanted_rows<'a>(
    rows: &'a [RecordedDownload],
    plan: &Plan,
    selection: &Selection,
) -> Vec<&'a RecordedDownload> {
    if rows.is_empty() {
        return Vec::new();
    }
    let recorded = plan.artifacts().iter().filter_map(|planned| match &planned.artifact.source {
        Source::Recorded { url } if selection.verdict(&planned.artifact) == Verdict::Wanted => Some(url),
        _ => None,
    });
    let wanted: HashSet<&RecordedUrl> = recorded.collect();
    rows.iter().filter(|row| wanted.contains(&row.url)).collect()
}

/// Whether a recorded file is this package's: it asked for it, a package of the same thing and version did, or the file is where its files are.
fn is_of(row: &RecordedDownload, artifact: &Artifact, known: &KnownDownload) -> bool {
    let is_of_thing = |name: &str| known.packages.iter().chain(&known.part_of).any(|part| part == name);
    known.may_be_at(row.url.as_str())
        || row.by.iter().any(|by| match by {
            Requester::Package { name, version } => {
                *version == artifact.version && (*name == artifact.name || is_of_thing(name.as_str()))
            }
            Requester::Script(_) => false,
        })
}
