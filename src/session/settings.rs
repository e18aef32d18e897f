//! How what is missing is fetched: what the user asks for, what `larder.toml` says and what npm is configured with, joined. The nearer to the person wins.

use jiff::Timestamp;
use larder_store::Store;

use crate::{
    config::{
        larder_toml::LarderToml,
        network::{NetworkSettings, certificates::PemFile},
        package_manager::NpmConfig,
    },
    fetcher::{FetchSettings, Fetcher},
    http::{ClientSettings, ExtraCertificates, ProjectNetwork},
    share::reference::Reference,
};

/// Downloads at once: as many as `curl --parallel` makes. A bound keeps memory, connections and open files few.
const JOBS: u32 = 50;

/// How what is missing is to be fetched.
#[derive(Clone, Debug, Default)]
pub struct FetchOptions {
    /// Make no request: what is missing is a failure.
    pub is_offline: bool,
    /// Refuse what the lockfile states no digest of.
    pub requires_integrity: bool,
    /// Downloads at once; `None` leaves it to `larder.toml`, npm's configuration and the default.
    pub jobs: Option<u32>,
    /// The places that are asked before the registries; none leaves it to `larder.toml`.
    pub from: Vec<Reference>,
    /// Send credentials through the project's own proxy, to servers that it alone trusts, and without encryption, where its configuration says so.
    pub trusts_project: bool,
}

/// The settings of a project's fetcher.
pub(super) fn fetch_settings(
    options: &FetchOptions,
    settings: &LarderToml,
    configurations: &[NpmConfig],
    now: Timestamp,
) -> FetchSettings {
    let network = configurations[0].network();
    let jobs = options.jobs.or(settings.fetch.jobs).or(network.max_sockets).unwrap_or(JOBS);
    FetchSettings {
        client: ClientSettings { trusts_project: options.trusts_project, ..client_settings(network, settings) },
        jobs: jobs as usize,
        is_offline: options.is_offline,
        requires_integrity: options.requires_integrity,
        now,
    }
}

/// A fetcher for what no project's plan names.
pub(crate) fn unplanned_fetcher(store: Store, npm: NpmConfig, settings: &LarderToml, now: Timestamp) -> Fetcher {
    let settings = FetchSettings {
        client: client_settings(npm.network(), settings),
        jobs: JOBS as usize,
        is_offline: false,
        requires_integrity: false,
        now,
    };
    Fetcher::new(store, vec![npm], settings)
}

/// Requests at once to an index, by `larder.toml` or the default.
pub(crate) fn jobs_or_default(settings: &LarderToml) -> usize {
    settings.fetch.jobs.unwrap_or(JOBS) as usize
}

/// How many files are read at once.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// How requests are made.
pub(crate) fn client_settings(network: &NetworkSettings, settings: &LarderToml) -> ClientSettings {
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
