//! Which addresses the packages of a plan are expected to ask: the table's rows, filled with what their tarballs and the project say. No I/O but the project's own files.

use std::collections::{BTreeMap, BTreeSet};

use super::{merge::WantedRow, package_files::PackageFiles};
use crate::{
    config::{
        node_versions::{self, NodeMajor},
        project::Project,
    },
    core::{
        artifact::{Ecosystem, PackageName, Version},
        recorded_url::RecordedUrl,
    },
    lockfile::{Format, larder_lock::Requester},
    npm::own_downloads::{
        DigestSource, ExpectedAddress, Given, Kind, KnownDownload, OwnDownload, ValuePlace, ValueSource, When,
        addon_template, expand, in_package,
    },
    plan::{Plan, Planned, selection::Selection},
};

/// Addresses of a package that cannot be worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnknownAddresses {
    /// The package, with its version.
    pub(crate) package: String,
    /// Why, each in words.
    pub(crate) why: Vec<String>,
    /// The way out.
    pub(crate) hint: String,
}

/// What is expected of a plan's packages.
pub(super) struct Expected<'a> {
    found: &'a [OwnDownload<'a>],
    plan: &'a Plan,
    project: &'a Project,
    selection: &'a Selection,
    abis: Vec<u16>,
}

impl<'a> Expected<'a> {
    pub(super) fn new(
        found: &'a [OwnDownload<'a>],
        plan: &'a Plan,
        project: &'a Project,
        selection: &'a Selection,
    ) -> Self {
        let stated: BTreeSet<_> = project.settings.npm.node.iter().copied().collect();
        let majors = if stated.is_empty() { node_versions::found_in(&project.folder) } else { stated };
        Self { found, plan, project, selection, abis: majors.into_iter().map(NodeMajor::abi).collect() }
    }

    /// The files that have to be read, by package.
    pub(super) fn files(&self) -> Vec<(&'a Planned, BTreeSet<&'a str>)> {
        let mut files: Vec<(&Planned, BTreeSet<&str>)> = Vec::new();
        let wanted = self.found.iter().flat_map(|download| {
            let OwnDownload { planned, known } = *download;
            let digests = match &known.digest {
                DigestSource::Package { file } if !known.addresses.is_empty() => Some((planned, file.as_str())),
                _ => None,
            };
            let values = known.values.values().filter_map(move |source| {
                let ValueSource::Place(place) = source else { return None };
                Some((self.owner(download, place)?, place.file.as_deref()?))
            });
            let description = known.depends_on.as_ref().map(|_| (planned, PACKAGE_JSON));
            digests.into_iter().chain(values).chain(description)
        });
        for (planned, path) in wanted {
            match files.iter_mut().find(|(known, _)| std::ptr::eq(*known, planned)) {
                Some((_, paths)) => {
                    paths.insert(path);
                }
                None => files.push((planned, [path].into())),
            }
        }
        files
    }

    /// The rows that should be there, and what cannot be worked out.
    pub(super) fn rows(&self, files: &PackageFiles) -> (Vec<WantedRow>, Vec<UnknownAddresses>) {
        let (mut rows, mut unknown) = (Vec::new(), Vec::new());
        let has_failed = |planned: &Planned| files.failures.iter().any(|failure| failure.entries == planned.entries);
        for download in self.found.iter().filter(|download| !has_failed(download.planned)) {
            let OwnDownload { planned, known } = *download;
            let (values, unread) = self.values(download, files);
            let version = planned.artifact.version.as_str();
            let own = known.depends_on.as_deref().map(|library| addon(library, planned, files));
            let given = Given {
                templates: own.as_deref(),
                version,
                platforms: &self.selection.platforms,
                abis: &self.abis,
                values: &values,
            };
            let expanded = expand(known, given);
            let mut why: Vec<String> = expanded.unknown.iter().map(|name| why_unknown(name, &unread)).collect();
            if own.as_ref().map_or(known.addresses.is_empty(), Vec::is_empty) {
                why.push("which files it asks for is known to its own code alone".to_owned());
            }
            for address in &expanded.addresses {
                match wanted_row(download, address, files) {
                    Ok(row) => rows.push(row),
                    Err(problem) => why.push(problem),
                }
            }
            if !why.is_empty() {
                let is_abi = why.len() == expanded.unknown.len() && expanded.unknown.iter().all(|name| name == "abi");
                let hint = if is_abi { NODE_HINT.to_owned() } else { self.record_hint(planned, known) };
                unknown.push(UnknownAddresses { package: planned.artifact.to_string(), why, hint });
            }
        }
        (rows, unknown)
    }

    /// The values of a row's placeholders, and why there is none of others.
    fn values(
        &self,
        download: &OwnDownload<'_>,
        files: &PackageFiles,
    ) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
        let (mut values, mut unread) = (BTreeMap::new(), BTreeMap::new());
        for (name, source) in &download.known.values {
            let value = match source {
                ValueSource::Words(words) => Err(format!("`{{{name}}}` follows {words}")),
                ValueSource::Place(place) => {
                    let value = self.owner(download, place).and_then(|owner| match &place.file {
                        Some(file) => place.value_in(files.text(owner, file)?),
                        None => place.value_in(owner.artifact.version.as_str()),
                    });
                    value.ok_or_else(|| format!("`{{{name}}}` is not where it should be: {}", place.words()))
                }
            };
            match value {
                Ok(value) => drop(values.insert(name.clone(), value)),
                Err(why) => drop(unread.insert(name.clone(), why)),
            }
        }
        (values, unread)
    }

    /// The package of the plan in which a value stands: of several versions that of the same version.
    fn owner(&self, download: &OwnDownload<'_>, place: &ValuePlace) -> Option<&'a Planned> {
        let artifact = &download.planned.artifact;
        let (name, is_itself) = (place.package.as_deref().unwrap_or(artifact.name.as_str()), place.package.is_none());
        let all = self.plan.artifacts().iter().filter(|planned| is_npms(planned, name));
        let all: Vec<&Planned> = all.collect();
        let same = all.iter().find(|planned| planned.artifact.version == artifact.version).copied();
        same.or_else(|| if is_itself || all.len() != 1 { None } else { Some(all[0]) })
    }

    fn record_hint(&self, planned: &Planned, known: &KnownDownload) -> String {
        let of_its_own = known.command.as_ref().filter(|_| known.when != When::Install);
        let command = of_its_own.map_or_else(
            || {
                let name = &planned.entries[0].lockfile;
                let lockfile = self.project.lockfiles.iter().find(|lockfile| *lockfile.name == **name);
                match lockfile.map_or(Format::Npm, |lockfile| Format::of(&lockfile.name)) {
                    Format::Npm => "npm ci".to_owned(),
                    other => format!("{} install", other.manager()),
                }
            },
            |command| format!("npx {command}"),
        );
        format!("`larder record -- {command}` records what {} downloads", planned.artifact.name)
    }
}

/// What a package says of itself.
const PACKAGE_JSON: &str = "package.json";

/// The template that a package's own description gives for a library; none if it does not tell.
fn addon(library: &str, planned: &Planned, files: &PackageFiles) -> Vec<String> {
    files.text(planned, PACKAGE_JSON).and_then(|text| addon_template(library, text)).into_iter().collect()
}

/// The way out where node's version is all that is not known.
const NODE_HINT: &str =
    "name the versions of node that the project runs on in larder.toml: `node = \"22\"` below [npm]";

fn why_unknown(name: &str, unread: &BTreeMap<String, String>) -> String {
    match unread.get(name) {
        Some(why) => why.clone(),
        None if name == "abi" => {
            "its files are for one version of node each, and no file of the project names one".to_owned()
        }
        None => format!("`{{{name}}}` has no value"),
    }
}

fn wanted_row(
    download: &OwnDownload<'_>,
    address: &ExpectedAddress,
    files: &PackageFiles,
) -> Result<WantedRow, String> {
    let OwnDownload { planned, known } = *download;
    let parse = |text: &str| RecordedUrl::parse(text).map_err(|error| format!("it would ask {error}"));
    let url = parse(&address.url)?;
    let stated = match (&known.digest, &address.kind) {
        (DigestSource::Package { file }, Kind::File { .. }) => {
            files.text(planned, file).and_then(|text| in_package(text, url.file_name()))
        }
        _ => None,
    };
    let checksums = match &address.kind {
        Kind::File { checksums: Some(checksums) } => Some(parse(checksums)?),
        Kind::File { checksums: None } | Kind::Answer => None,
    };
    let artifact = &planned.artifact;
    let by = Requester::Package { name: artifact.name.clone(), version: artifact.version.clone() };
    let (platform, is_answer) = (address.platform.clone(), address.kind == Kind::Answer);
    Ok(WantedRow { url, platform, by: [by].into(), stated, checksums, is_answer })
}

fn is_npms(planned: &Planned, name: &str) -> bool {
    planned.artifact.ecosystem == Ecosystem::Npm && planned.artifact.name.as_str() == name
}

/// Whether what asked for a row is a package that downloads files itself and that the plan has no longer. Of other packages, nothing is known.
pub(super) fn has_gone(by: &Requester, plan: &Plan, found: &[OwnDownload<'_>]) -> bool {
    let Requester::Package { name, version } = by else { return false };
    let is_of_table = KnownDownload::all().iter().any(|row| row.packages.iter().any(|listed| listed == name.as_str()));
    let is_found = || found.iter().any(|download| download.planned.artifact.name == *name);
    (is_of_table || is_found()) && !is_planned(plan, name, version)
}

fn is_planned(plan: &Plan, name: &PackageName, version: &Version) -> bool {
    plan.artifacts().iter().any(|planned| is_npms(planned, name.as_str()) && planned.artifact.version == *version)
}
