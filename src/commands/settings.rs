//! What was typed, what `larder.toml` says and what npm is configured with, joined: the nearer to the person wins.

use super::CommandError;
use crate::{
    cli::{self, Group},
    fetch::{ClientSettings, ExtraCertificates},
    larder_toml::{LarderToml, OmittedGroup},
    npmrc::NetworkSettings,
    project::Project,
    selection::{Omit, Platform, Platforms, Selection, default_platforms},
};

/// Downloads at once: as many as `curl --parallel` makes. A bound keeps memory, connections and open files few.
pub(super) const JOBS: u32 = 50;

/// Which part of the plan is wanted.
pub(super) fn selection(arguments: &cli::Fetch, project: &Project) -> Result<Selection, CommandError> {
    let settings = &project.settings;
    let stated = if arguments.platforms.is_empty() { platforms_of(project)? } else { arguments.platforms.clone() };
    let is_all = arguments.all_platforms || (settings.all_platforms && arguments.platforms.is_empty());
    let platforms = if is_all {
        Platforms::All
    } else if stated.is_empty() {
        default_platforms(std::env::consts::OS, std::env::consts::ARCH)
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

/// The platforms that `larder.toml` names.
pub(super) fn platforms_of(project: &Project) -> Result<Vec<Platform>, CommandError> {
    let read = |text: &String| {
        let file = project.folder.join("larder.toml");
        text.parse().map_err(|source| CommandError::Platform { file, source })
    };
    project.settings.platforms.iter().map(read).collect()
}

/// How requests are made.
pub(super) fn client_settings(network: &NetworkSettings, settings: &LarderToml) -> ClientSettings {
    let defaults = ClientSettings::default();
    let fetch = &settings.fetch;
    let certificates = network.extra_certificates.iter().map(|file| ExtraCertificates {
        origin: file.path.as_ref().map_or_else(|| file.origin.to_string(), |path| path.display().to_string()),
        pem: file.bytes.to_vec(),
    });
    ClientSettings {
        http_proxy: network.http_proxy.as_ref().map(|proxy| proxy.expose_url().clone()),
        https_proxy: network.https_proxy.as_ref().map(|proxy| proxy.expose_url().clone()),
        no_proxy: (!network.no_proxy.is_empty()).then(|| network.no_proxy.join(",")),
        extra_certificates: certificates.collect(),
        verify_tls: network.verify_tls,
        stall_timeout: fetch.stall_timeout.or(network.fetch_timeout).unwrap_or(defaults.stall_timeout),
        total_timeout: fetch.total_timeout.unwrap_or(defaults.total_timeout),
        retries: fetch.retries.or(network.fetch_retries).unwrap_or(defaults.retries),
        backoff_min: network.fetch_retry_min_timeout.unwrap_or(defaults.backoff_min),
        backoff_max: network.fetch_retry_max_timeout.unwrap_or(defaults.backoff_max),
        max_bytes: fetch.max_artifact_size.unwrap_or(defaults.max_bytes),
        ..defaults
    }
}
