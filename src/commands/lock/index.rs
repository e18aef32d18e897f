//! The index that a project names, and what it and the sources are asked beside versions.

use std::{collections::BTreeMap, sync::Arc};

use larder_store::digest::{Algorithm, Digest};
use reqwest::header::HeaderValue;
use url::Url;

use super::LockError;
use crate::{
    commands::settings::{JOBS, client_settings},
    endpoints,
    fetch::{Client, Credentials, Silent},
    larder_toml::{DistributionSource, LarderToml, PyodideSettings},
    npmrc::NpmConfig,
    pyodide::{
        distribution::Distribution,
        index::client::IndexClient,
        lock_file::LarderLock,
        name::ProjectName,
        resolve::{Resolution, ResolvedFile},
        runtime::Runtime,
    },
};

/// Files that are asked for their length without being fetched, by their digests.
type Sizes = BTreeMap<Vec<u8>, u64>;

/// The credentials that npm's configuration has for an address: `//host/path/:_authToken=…`.
struct Configured(NpmConfig);

impl Credentials for Configured {
    fn authorization_for(&self, url: &Url) -> Option<HeaderValue> {
        HeaderValue::from_str(self.0.authorization_for(url)?.expose_header()).ok()
    }
}

/// A client for the project's index.
pub(super) fn client(
    settings: &PyodideSettings,
    npm: &NpmConfig,
    project: &LarderToml,
) -> Result<IndexClient, LockError> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores)
        .enable_all()
        .build()
        .map_err(LockError::Threads)?;
    let base = settings
        .index
        .clone()
        .unwrap_or_else(|| Url::parse(endpoints::PYTHON_INDEX).expect("a constant address is one"));
    let client = Client::new(client_settings(npm.network(), project), Arc::new(Configured(npm.clone())))?;
    let jobs = project.fetch.jobs.unwrap_or(JOBS) as usize;
    Ok(IndexClient::new(runtime, client, base, jobs, Arc::new(Silent)))
}

/// The digests of files of which the index states none. They are fetched whole.
pub(super) fn unstated_digests(
    index: &IndexClient,
    resolution: &Resolution,
) -> Result<BTreeMap<ProjectName, Digest>, LockError> {
    let mut digests = BTreeMap::new();
    for package in &resolution.packages {
        if let ResolvedFile::Index { file, .. } = &package.file
            && file.sha256.is_none()
        {
            let bytes = index.whole(file)?;
            digests.insert(package.name.clone(), Digest::of(Algorithm::Sha256, &bytes));
        }
    }
    Ok(digests)
}

/// The lengths of the distribution's files and of what the index states none of, and of how many nobody says it. Those of an earlier lock are not asked
/// for again.
pub(super) fn sizes(
    index: &IndexClient,
    settings: &PyodideSettings,
    distribution: &Distribution,
    runtime: &Runtime,
    resolution: &Resolution,
    before: Option<&LarderLock>,
) -> (Sizes, usize) {
    let before = before.iter().flat_map(|lock| &lock.packages);
    let mut sizes: Sizes =
        before.filter_map(|package| Some((package.sha256.as_bytes().to_vec(), package.size?))).collect();
    let sources = if settings.sources.is_empty() { &[DistributionSource::Cdn][..] } else { &settings.sources };
    let unknown: Vec<(Vec<u8>, Vec<Url>)> = resolution
        .packages
        .iter()
        .filter_map(|package| match &package.file {
            ResolvedFile::Distribution => {
                let file = distribution.get(package.name.as_str())?;
                let addresses = sources.iter().filter_map(|source| source.address(runtime.version(), &file.file_name));
                Some((file.sha256.as_bytes().to_vec(), addresses.collect()))
            }
            ResolvedFile::Index { file, .. } if file.size.is_none() => {
                Some((file.sha256?.as_bytes().to_vec(), vec![file.url.clone()]))
            }
            ResolvedFile::Index { .. } => None,
        })
        .filter(|(digest, _)| !sizes.contains_key(digest))
        .collect();
    let (digests, addresses): (Vec<_>, Vec<_>) = unknown.into_iter().unzip();
    let lengths = index.lengths(&addresses);
    let open = lengths.iter().filter(|length| length.is_none()).count();
    sizes.extend(digests.into_iter().zip(lengths).filter_map(|(digest, length)| Some((digest, length?))));
    (sizes, open)
}
