//! A client for the index that a project names, and the digests that the index does not state.

use std::{collections::BTreeMap, sync::Arc};

use larder_store::digest::{Algorithm, Digest};
use url::Url;

use super::error::LockError;
use crate::{
    config::{
        larder_toml::{LarderToml, PyodideSettings},
        package_manager::NpmConfig,
    },
    core::{endpoints, file_host::FileHost, interrupt::Interrupt},
    fetcher::{credential, identity_of},
    http::{Client, ClientIdentity, Credential, Credentials},
    pyodide::{
        index::{
            client::{IndexClient, IndexLocation},
            events::IndexWatcher,
        },
        resolve::{Resolution, ResolvedFile},
    },
    python::name::ProjectName,
    session::{client_settings, jobs_or_default},
};

/// The credentials that npm's configuration has for an address: `//host/path/:_authToken=…`.
struct Configured(NpmConfig);

impl Credentials for Configured {
    fn credential_for(&self, url: &Url) -> Option<Credential> {
        self.0.identified(url, self.0.authorization_for(url)).as_ref().map(credential)
    }

    fn identities(&self) -> Vec<Arc<ClientIdentity>> {
        self.0.identities().map(|identity| identity_of(identity)).collect()
    }
}

/// A client for the project's index.
pub(super) fn client(
    settings: &PyodideSettings,
    host: &FileHost,
    npm: &NpmConfig,
    project: &LarderToml,
    watcher: Arc<dyn IndexWatcher>,
    interrupt: Interrupt,
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
    let jobs = jobs_or_default(project);
    let location = IndexLocation { base, host: host.clone(), jobs };
    Ok(IndexClient::new(runtime, client, location, watcher, interrupt))
}

/// The digests and lengths of files of which the index states no digest. They are fetched whole.
pub(super) fn unstated_digests(
    index: &IndexClient,
    resolution: &Resolution,
) -> Result<BTreeMap<ProjectName, (Digest, Option<u64>)>, LockError> {
    let mut read = BTreeMap::new();
    for package in &resolution.packages {
        if let ResolvedFile::Index { file, .. } = &package.file
            && file.sha256.is_none()
        {
            let bytes = index.whole(file)?;
            read.insert(package.name.clone(), (Digest::of(Algorithm::Sha256, &bytes), Some(bytes.len() as u64)));
        }
    }
    Ok(read)
}
