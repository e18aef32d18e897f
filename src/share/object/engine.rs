//! [`Connection`]: one object store, with credentials from the environment and larder's own connections.

use std::{fmt, future::Future, path::PathBuf, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectStore, RetryConfig, UpdateVersion,
    aws::AmazonS3Builder,
    azure::MicrosoftAzureBuilder,
    client::{HttpClient, HttpConnector},
    gcp::GoogleCloudStorageBuilder,
    local::LocalFileSystem,
    path::Path,
};
use tokio::runtime::Runtime;

use super::{
    catalog::Catalog,
    error::{ObjectError, ObjectFault},
    folder::FolderBlobs,
    reference::{ObjectKind, ObjectReference},
};
use crate::{
    core::{environment::Environment, path_error::AtPath as _},
    http::{ClientSettings, RedactedUrl, users_client},
    share::oci::reference::is_loopback_host,
};

/// A plan's file is not longer: bytes. One of 90,000 blobs has 32 MiB.
const MOST_CATALOG: u64 = 32 << 20;
/// Plans that are listed, before the last ones are looked for. A list comes a thousand names at a time.
const MOST_LISTED: usize = 20_000;
/// How long a list may take: what it is for is fetched otherwise.
const LIST_TIME: Duration = Duration::from_secs(10);

/// How an object store is reached.
#[derive(Debug)]
pub(crate) struct ObjectSettings<'a> {
    /// Where credentials and addresses come from: `AWS_…`, `GOOGLE_…`, `AZURE_…`.
    pub(crate) environment: &'a Environment,
    /// Proxies, certificates, times.
    pub(crate) client: &'a ClientSettings,
    /// Whether it is to be written: a folder is then made.
    pub(crate) is_to_write: bool,
}

/// An object store.
pub(crate) struct Connection {
    name: String,
    prefix: String,
    engine: Box<dyn ObjectStore>,
    /// The folder that it is, if it is one.
    folder: Option<PathBuf>,
    stall: Duration,
    runtime: Runtime,
}

impl Connection {
    pub(super) fn open(reference: &ObjectReference, settings: &ObjectSettings<'_>) -> Result<Self, ObjectError> {
        let open = || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .map_err(ObjectFault::Runtime)?;
            Ok((engine(reference, settings)?, runtime))
        };
        let failed =
            |fault| ObjectError { name: reference.text.clone(), asked: "use it".to_owned(), fault: Box::new(fault) };
        let (engine, runtime) = open().map_err(failed)?;
        let stall = settings.client.stall_timeout;
        let folder = if let ObjectKind::Folder(folder) = &reference.kind { Some(folder.clone()) } else { None };
        Ok(Self { name: reference.text.clone(), prefix: reference.prefix.clone(), engine, folder, stall, runtime })
    }

    /// The blobs of a folder.
    pub(super) fn folder(&self) -> Option<FolderBlobs> {
        self.folder.clone().map(FolderBlobs)
    }

    pub(super) fn engine(&self) -> &dyn ObjectStore {
        &*self.engine
    }

    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// A name below the prefix.
    pub(super) fn path(&self, name: &str) -> Path {
        let parts = self.prefix.split('/').chain(name.split('/')).filter(|part| !part.is_empty());
        parts.collect()
    }

    pub(super) fn error(&self, asked: String, fault: impl Into<ObjectFault>) -> ObjectError {
        ObjectError { name: self.name.clone(), asked, fault: Box::new(fault.into()) }
    }

    /// What somebody may wait for no longer than a server may be silent.
    pub(super) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, object_store::Error>>,
    ) -> Result<T, ObjectFault> {
        // A request is tried several times, each of which may take as long.
        let most = self.stall * 3;
        match tokio::time::timeout(most, work).await {
            Ok(done) => Ok(done?),
            Err(_) => Err(ObjectFault::Stalled(most)),
        }
    }

    /// A plan's file, and its version for who writes it anew; `None` if there is none.
    pub(super) fn catalog(&self, plan: &str) -> Result<Option<(Catalog, UpdateVersion)>, ObjectError> {
        let name = catalog_name(plan);
        match self.block_on(self.read_catalog(&name)) {
            Ok(read) => Ok(Some(read)),
            Err(ObjectFault::NotFound) => Ok(None),
            Err(fault) => Err(self.error(format!("read {name}"), fault)),
        }
    }

    pub(super) async fn read_catalog(&self, name: &str) -> Result<(Catalog, UpdateVersion), ObjectFault> {
        let path = self.path(name);
        let got = self.in_time(self.engine.get_opts(&path, GetOptions::default())).await?;
        let version = UpdateVersion { e_tag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
        let mut stream = got.into_stream();
        let mut bytes = Vec::new();
        while let Some(piece) = self.piece(&mut stream).await? {
            bytes.extend_from_slice(&piece);
            if bytes.len() as u64 > MOST_CATALOG {
                return Err(ObjectFault::TooLong(MOST_CATALOG));
            }
        }
        Ok((Catalog::parse(&bytes)?, version))
    }

    /// The next bytes of a body.
    pub(super) async fn piece(&self, body: &mut Body) -> Result<Option<Bytes>, ObjectFault> {
        match tokio::time::timeout(self.stall, body.next()).await {
            Ok(piece) => Ok(piece.transpose()?),
            Err(_) => Err(ObjectFault::Stalled(self.stall)),
        }
    }

    /// A blob's bytes from `offset` on.
    pub(super) async fn body(&self, path: &Path, offset: u64) -> Result<Body, ObjectFault> {
        let range = (offset > 0).then_some(GetRange::Offset(offset));
        let options = GetOptions { range, ..GetOptions::default() };
        Ok(self.in_time(self.engine.get_opts(path, options)).await?.into_stream())
    }

    /// The plans that were shared last, the last one first; `most` at most.
    pub(super) fn plans(&self, most: usize) -> Result<Vec<String>, ObjectError> {
        let listed = self.block_on(async {
            let folder = self.path("plans");
            let mut found = Vec::new();
            let mut list = self.engine.list(Some(&folder));
            let all = async {
                while let Some(object) = list.next().await.transpose()? {
                    let name = object.location.filename().and_then(|name| name.strip_suffix(".jsonl"));
                    found.extend(name.map(|name| (object.last_modified, name.to_owned())));
                    if found.len() == MOST_LISTED {
                        break;
                    }
                }
                Ok::<_, object_store::Error>(())
            };
            match tokio::time::timeout(LIST_TIME, all).await {
                Ok(listed) => listed?,
                Err(_) if found.is_empty() => return Err(ObjectFault::Stalled(LIST_TIME)),
                Err(_) => tracing::debug!(count = found.len(), "the list of plans was not waited for to its end"),
            }
            Ok(found)
        });
        let mut found = match listed {
            Err(ObjectFault::NotFound) => Vec::new(),
            listed => listed.map_err(|fault| self.error("list plans/".to_owned(), fault))?,
        };
        found.sort_unstable_by(|a, b| b.cmp(a));
        Ok(found.into_iter().take(most).map(|(_, name)| name).collect())
    }
}

/// The bytes of an object, as they come.
pub(super) type Body = futures_util::stream::BoxStream<'static, Result<Bytes, object_store::Error>>;

/// The name of a plan's file.
pub(super) fn catalog_name(plan: &str) -> String {
    format!("plans/{plan}.jsonl")
}

fn engine(reference: &ObjectReference, settings: &ObjectSettings<'_>) -> Result<Box<dyn ObjectStore>, ObjectFault> {
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: settings.client.backoff_min,
            max_backoff: settings.client.backoff_max,
            base: 2.0,
        },
        max_retries: settings.client.retries as usize,
        retry_timeout: settings.client.stall_timeout * 2,
    };
    let connector = || users_client(&settings.client.users_own()).map(Connector);
    let options = ClientOptions::new().with_allow_http(true);
    let of = |prefix: &'static str, own: &[&str]| Variables::read(settings.environment, prefix, own);
    Ok(match &reference.kind {
        ObjectKind::S3(bucket) => {
            let variables = of("AWS_", &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"])?;
            let mut builder = AmazonS3Builder::new();
            for (key, value) in variables.keys() {
                builder = builder.with_config(key, value);
            }
            if let Some(endpoint) = variables.address {
                builder = builder.with_endpoint(endpoint);
            }
            builder = builder.with_bucket_name(bucket).with_client_options(options);
            Box::new(builder.with_http_connector(connector()?).with_retry(retry).build()?)
        }
        ObjectKind::Google(bucket) => {
            let variables = of("GOOGLE_", &["STORAGE_EMULATOR_HOST"])?;
            let mut builder = GoogleCloudStorageBuilder::new();
            for (key, value) in variables.keys() {
                builder = builder.with_config(key, value);
            }
            if let Some(emulator) = variables.address {
                builder = builder.with_base_url(emulator).with_skip_signature(true);
            }
            builder = builder.with_bucket_name(bucket).with_client_options(options);
            Box::new(builder.with_http_connector(connector()?).with_retry(retry).build()?)
        }
        ObjectKind::Azure(container) => {
            let variables = of("AZURE_", &["AZURE_STORAGE_ENDPOINT"])?;
            let mut builder = MicrosoftAzureBuilder::new();
            for (key, value) in variables.keys() {
                builder = builder.with_config(key, value);
            }
            if let Some(endpoint) = variables.address {
                builder = builder.with_endpoint(endpoint.to_owned());
            }
            builder = builder.with_container_name(container).with_client_options(options);
            Box::new(builder.with_http_connector(connector()?).with_retry(retry).build()?)
        }
        ObjectKind::Folder(folder) => {
            if settings.is_to_write {
                std::fs::create_dir_all(folder).at("create", folder)?;
            }
            std::fs::metadata(folder).at("read", folder)?;
            Box::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true))
        }
    })
}

/// What the environment says of one kind of object store.
struct Variables<'a> {
    all: Vec<(String, &'a str)>,
    /// The address that it names.
    address: Option<&'a str>,
}

impl<'a> Variables<'a> {
    /// Those with this prefix; the first of `own` that is set names the address. Without encryption, an address is refused unless it is on this machine or `…ALLOW_HTTP` says so.
    fn read(environment: &'a Environment, prefix: &str, own: &[&str]) -> Result<Self, ObjectFault> {
        let address = own.iter().find_map(|name| environment.variable(name).filter(|value| !value.is_empty()));
        let is_allowed = environment
            .variable(&format!("{prefix}ALLOW_HTTP"))
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let url = address.and_then(|address| address.parse::<url::Url>().ok());
        if let Some(url) = url.filter(|url| url.scheme() == "http" && !is_loopback_host(url) && !is_allowed) {
            return Err(ObjectFault::Plain { address: RedactedUrl::new(&url), allow: format!("{prefix}ALLOW_HTTP") });
        }
        let all = environment.variables().filter(|(name, _)| name.starts_with(prefix) && !own.contains(name));
        Ok(Self { all: all.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(), address })
    }

    /// Those that an engine knows.
    fn keys<K: std::str::FromStr>(&self) -> impl Iterator<Item = (K, &'a str)> + '_ {
        self.all.iter().filter_map(|(name, value)| Some((name.parse().ok()?, *value)))
    }
}

/// Gives an object store's client larder's connections: its proxies, its certificates, its names.
struct Connector(reqwest::Client);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("name", &self.name).finish_non_exhaustive()
    }
}
