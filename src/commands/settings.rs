//! What was typed, what `larder.toml` says and what npm is configured with, joined: the nearer to the person wins.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::{
    cli::{self, Group},
    commands::{
        context::Context,
        error::{CommandError, EndsCommand},
    },
    config::{
        larder_toml::{LarderToml, OmittedGroup},
        network::{NetworkSettings, certificates::PemFile},
        package_manager::NpmConfig,
        project::Project,
    },
    fetcher::FetchSettings,
    http::{ClientSettings, ExtraCertificates, ProjectNetwork},
    plan::selection::{self, Libc, Omit, Platform, Platforms, Selection},
};

/// A platform in `larder.toml` that is none.
#[derive(Debug, thiserror::Error)]
#[error("{}: `platforms` names one that larder does not know", file.display())]
pub(super) struct UnknownPlatform {
    /// The file.
    file: PathBuf,
    /// What is wrong with it.
    #[source]
    source: crate::plan::selection::PlatformError,
}

impl EndsCommand for UnknownPlatform {}

/// Downloads at once: as many as `curl --parallel` makes. A bound keeps memory, connections and open files few.
pub(super) const JOBS: u32 = 50;

/// Which part of the plan is wanted. `default` are the platforms where nobody names one.
pub(super) fn selection(
    arguments: &cli::Selecting,
    project: &Project,
    default: Platforms,
) -> Result<Selection, CommandError> {
    let settings = &project.settings;
    let stated = if arguments.platforms.is_empty() { platforms_of(project)? } else { arguments.platforms.clone() };
    let is_all = arguments.all_platforms || (settings.all_platforms && arguments.platforms.is_empty());
    let platforms = if is_all {
        Platforms::All
    } else if stated.is_empty() {
        default
    } else {
        Platforms::Only(stated.into_iter().collect())
    };
    let omits = |group, stated| arguments.omit.contains(&group) || settings.omit.contains(&stated);
    let omit = Omit {
        dev: omits(Group::Dev, OmittedGroup::Dev),
        optional: omits(Group::Optional, OmittedGroup::Optional),
        peer: omits(Group::Peer, OmittedGroup::Peer),
    };
    Ok(Selection { platforms, omit })
}

/// This machine, and Linux on its processor with both C libraries: what a developer and the containers that he builds need.
pub(super) fn default_platforms() -> Platforms {
    selection::default_platforms(std::env::consts::OS, std::env::consts::ARCH)
}

/// This machine alone, for what runs on it at once.
pub(super) fn host_platforms() -> Platforms {
    selection::host_platforms(std::env::consts::OS, std::env::consts::ARCH, host_libc())
}

/// The C library of the programs on this machine, by their loaders; `None` if there are loaders of both, or of neither.
fn host_libc() -> Option<Libc> {
    let has_loader = |beginning: &str| {
        ["/lib", "/lib64", "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu"].iter().any(|folder| {
            let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
            names.into_iter().any(|name| name.as_encoded_bytes().starts_with(beginning.as_bytes()))
        })
    };
    match (has_loader("ld-linux"), has_loader("ld-musl-")) {
        (true, false) => Some(Libc::Glibc),
        (false, true) => Some(Libc::Musl),
        _ => None,
    }
}

/// How what is missing is fetched.
pub(super) fn fetch_settings(
    arguments: &cli::Fetching,
    settings: &LarderToml,
    configurations: &[NpmConfig],
    context: &Context<'_>,
) -> FetchSettings {
    fetch_settings_at(arguments, settings, configurations, context.now)
}

/// The same at another time than the command's start.
pub(super) fn fetch_settings_at(
    arguments: &cli::Fetching,
    settings: &LarderToml,
    configurations: &[NpmConfig],
    now: Timestamp,
) -> FetchSettings {
    let network = configurations[0].network();
    let jobs = arguments.jobs.or(settings.fetch.jobs).or(network.max_sockets).unwrap_or(JOBS);
    FetchSettings {
        client: ClientSettings { trusts_project: arguments.trust_project_config, ..client_settings(network, settings) },
        jobs: jobs as usize,
        is_offline: arguments.offline,
        requires_integrity: arguments.require_integrity || settings.require_integrity,
        now,
    }
}

/// The platforms that `larder.toml` names.
pub(super) fn platforms_of(project: &Project) -> Result<Vec<Platform>, UnknownPlatform> {
    let read = |text: &String| {
        let file = project.folder.join("larder.toml");
        text.parse().map_err(|source| UnknownPlatform { file, source })
    };
    project.settings.platforms.iter().map(read).collect()
}

/// How requests are made.
pub(super) fn client_settings(network: &NetworkSettings, settings: &LarderToml) -> ClientSettings {
    let defaults = ClientSettings::default();
    let fetch = &settings.fetch;
    ClientSettings {
        http_proxy: network.http_proxy.as_ref().map(|proxy| proxy.expose_url().clone()),
        https_proxy: network.https_proxy.as_ref().map(|proxy| proxy.expose_url().clone()),
        no_proxy: (!network.no_proxy.is_empty()).then(|| network.no_proxy.join(",")),
        extra_certificates: certificates(&network.extra_certificates),
        verify_tls: network.verify_tls,
        trusts_project: network.trusts_project,
        project: network.project_overrides.as_ref().map(|overrides| ProjectNetwork {
            http_proxy: overrides.http_proxy.clone(),
            https_proxy: overrides.https_proxy.clone(),
            trust: overrides.trust.clone(),
            extra_certificates: certificates(&overrides.own_certificates),
            verify_tls: overrides.verifies_tls,
        }),
        stall_timeout: fetch.stall_timeout.or(network.fetch_timeout).unwrap_or(defaults.stall_timeout),
        total_timeout: fetch.total_timeout.unwrap_or(defaults.total_timeout),
        retries: fetch.retries.or(network.fetch_retries).unwrap_or(defaults.retries),
        backoff_min: network.fetch_retry_min_timeout.unwrap_or(defaults.backoff_min),
        backoff_max: network.fetch_retry_max_timeout.unwrap_or(defaults.backoff_max),
        max_bytes: fetch.max_artifact_size.unwrap_or(defaults.max_bytes),
        ..defaults
    }
}

fn certificates(files: &[PemFile]) -> Vec<ExtraCertificates> {
    let certificates = |file: &PemFile| ExtraCertificates {
        origin: file.path.as_ref().map_or_else(|| file.origin.to_string(), |path| path.display().to_string()),
        pem: file.bytes.to_vec(),
    };
    files.iter().map(certificates).collect()
}
