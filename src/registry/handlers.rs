//! The handlers: from a route to a response. Blocking: they read blobs, and fetch what the store lacks.

use std::net::SocketAddr;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use larder_store::{StoreError, key::BlobRef};

use super::{
    folders::{FolderEntry, FolderFile},
    route::{Route, usual_path},
    state::RegistryState,
    upstream::PyodideFolder,
};
use crate::{
    core::artifact::Artifact,
    loopback::CheckedBlob,
    npm::{
        PackageVersion,
        metadata::Metadata,
        packument::{ABBREVIATED, by_precedence},
    },
    plan::EntryName,
};

/// Answers a request of the server's own user that came in at this address.
pub(super) fn handle(state: &RegistryState, address: SocketAddr, request: &Parts) -> Response {
    if !is_for(address, &request.headers) {
        return error(StatusCode::MISDIRECTED_REQUEST, "this registry answers to 127.0.0.1 and localhost only");
    }
    if request.method != Method::GET && request.method != Method::HEAD {
        return error(StatusCode::METHOD_NOT_ALLOWED, "larder's registry can only be read");
    }
    let path = request.uri.path();
    let refuse = |why: &str| {
        state.upstream.refused(path, why);
        error(StatusCode::NOT_FOUND, why)
    };
    let client = Client::of(address, &request.headers);
    let response = match state.router.route(path, request.uri.query()) {
        Route::Ping => Ok(json("application/json", b"{}".to_vec())),
        Route::Tarball(position) => tarball(state, position),
        Route::Packument(name) => packument(state, &name, &client),
        Route::Version(name, version) => one_version(state, &name, &version, &client),
        Route::File(which, file) => file_of(state, which, &file, request),
        Route::UnknownTarball(name) => Err(format!("no lockfile names this version of {name}")),
        // Not worth a line: package managers ask, and go on without.
        Route::Service => return error(StatusCode::NOT_FOUND, "larder's registry has packages only"),
        Route::Nothing => return error(StatusCode::NOT_FOUND, "a registry has nothing at this path"),
    };
    response.unwrap_or_else(|why| refuse(&why))
}

/// Whether the request names this server as its host.
fn is_for(address: SocketAddr, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_port = |port: Option<&str>| match port {
        Some(port) => port.parse() == Ok(address.port()),
        None => address.port() == 80,
    };
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    (name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost")) && is_port(port)
}

/// Who asks: what a response depends on beside the path.
struct Client {
    address: SocketAddr,
    /// npm itself replaces the hosts of addresses, and writes addresses into its lockfile: it gets those of the true registry.
    is_npm: bool,
    takes_abbreviated: bool,
}

impl Client {
    fn of(address: SocketAddr, headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self {
            address,
            is_npm: text(header::USER_AGENT).starts_with("npm/"),
            takes_abbreviated: text(header::ACCEPT).contains(ABBREVIATED),
        }
    }

    fn tarball(&self, version: &PackageVersion) -> String {
        if self.is_npm { version.shown_address() } else { format!("http://{}/{}", self.address, usual_path(version)) }
    }
}

fn file_of(state: &RegistryState, which: PyodideFolder, file: &str, request: &Parts) -> Result<Response, String> {
    let response = Response::builder();
    let response = match local_origin(&request.headers) {
        // A page that is developed on this machine loads Pyodide from here. Pages from elsewhere may not.
        Some(origin) => response.header(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin).header(header::VARY, "origin"),
        None => response,
    };
    let response = match state.folders.at(which, file, &state.store, &*state.upstream)? {
        FolderEntry::File(FolderFile { body, len, content_type }) => {
            response.header(header::CONTENT_TYPE, content_type).header(header::CONTENT_LENGTH, len).body(body)
        }
        FolderEntry::Folder => response
            .status(StatusCode::PERMANENT_REDIRECT)
            .header(header::LOCATION, format!("{}/", request.uri.path()))
            .body(Body::empty()),
    };
    Ok(response.expect("these headers are right"))
}

/// The origin of the page that asks, if that page is this machine's.
fn local_origin(headers: &HeaderMap) -> Option<&HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let url: url::Url = origin.to_str().ok()?.parse().ok()?;
    matches!(url.host_str(), Some("127.0.0.1" | "localhost")).then_some(origin)
}

fn tarball(state: &RegistryState, position: usize) -> Result<Response, String> {
    let (artifact, entry, found) = {
        let catalog = state.catalog();
        let version = &catalog.versions()[position];
        (version.artifact.clone(), version.entries[0].clone(), version.found)
    };
    let mut found = match found {
        Some(found) => found,
        None => pull(state, &artifact, &entry)?,
    };
    let mut blob = CheckedBlob::read(&state.store, found, artifact.integrity.as_ref());
    if let Err(error) = &blob
        && is_absent(error)
    {
        let before = found.blob;
        found = pull(state, &artifact, &entry)
            .map_err(|why| format!("{artifact}: its blob {before} was damaged or is gone, and now: {why}"))?;
        blob = CheckedBlob::read(&state.store, found, artifact.integrity.as_ref());
    }
    let blob = blob.map_err(|error| format!("{artifact}: {error}"))?;
    let response = Response::builder()
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::CONTENT_LENGTH, found.size)
        .header(header::ETAG, format!("\"{}\"", found.blob));
    Ok(response.body(blob.into_body()).expect("these headers are right"))
}

/// Whether a blob is not there: it was damaged and is set aside by now, somebody else has set it aside, or it was another one.
fn is_absent(error: &StoreError) -> bool {
    match error {
        StoreError::DamagedBlob { .. } | StoreError::Misstated { .. } | StoreError::Unfit { .. } => true,
        StoreError::Io { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

/// Has the upstream fetch an artifact, and adds it to the catalog.
fn pull(state: &RegistryState, artifact: &Artifact, entry: &EntryName) -> Result<BlobRef, String> {
    let found = state.upstream.pull(artifact, entry)?;
    let noted = state.catalog_mut().arrived(&state.store, artifact, found);
    noted.map_err(|error| error.to_string())?;
    Ok(found)
}

/// The versions of a package that the registry has, each with its description; what is missing is fetched first.
fn describe<T>(
    state: &RegistryState,
    name: &str,
    work: impl FnOnce(&Metadata, &[&PackageVersion]) -> Result<T, String>,
) -> Result<T, String> {
    let is_of = |version: &&PackageVersion| version.is_in_registry() && version.artifact.name.as_str() == name;
    let unknown: Vec<_> = {
        let catalog = state.catalog();
        let versions = catalog.versions().iter().filter(is_of);
        let unknown = versions.filter(|version| !catalog.describes(version));
        unknown.map(|version| (version.artifact.clone(), version.entries[0].clone())).collect()
    };
    let pull_one = |(artifact, entry): &(Artifact, EntryName)| pull(state, artifact, entry).err();
    let failures: Vec<String> = unknown.iter().filter_map(pull_one).collect();
    let catalog = state.catalog();
    let versions: Vec<&PackageVersion> =
        catalog.versions().iter().filter(is_of).filter(|version| catalog.describes(version)).collect();
    if versions.is_empty() {
        return Err(failures.into_iter().next().unwrap_or_else(|| format!("no lockfile names {name}")));
    }
    work(&catalog, &versions)
}

fn packument(state: &RegistryState, name: &str, client: &Client) -> Result<Response, String> {
    describe(state, name, |catalog, versions| {
        let content_type = if client.takes_abbreviated { ABBREVIATED } else { "application/json" };
        Ok(json(content_type, catalog.packument(versions, |version| client.tarball(version))))
    })
}

fn one_version(state: &RegistryState, name: &str, wanted: &str, client: &Client) -> Result<Response, String> {
    describe(state, name, |catalog, versions| {
        let is_stable = |version: &&&PackageVersion| !version.artifact.version.as_str().contains('-');
        let by_version = |a: &&&PackageVersion, b: &&&PackageVersion| {
            by_precedence(a.artifact.version.as_str(), b.artifact.version.as_str())
        };
        let version = match wanted {
            "latest" => {
                versions.iter().filter(is_stable).max_by(by_version).or_else(|| versions.iter().max_by(by_version))
            }
            _ => versions.iter().find(|version| version.artifact.version.as_str() == wanted),
        };
        let document = version.and_then(|version| catalog.version(version, client.tarball(version)));
        Ok(json("application/json", document.ok_or_else(|| format!("no lockfile names {name} {wanted}"))?))
    })
}

fn json(content_type: &str, bytes: Vec<u8>) -> Response {
    Response::builder()
        .header(header::CONTENT_TYPE, content_type)
        .header(header::VARY, "accept, user-agent")
        .body(Body::from(bytes))
        .expect("these headers are right")
}

/// An error as npm's registries send it: clients print the text.
fn error(status: StatusCode, why: &str) -> Response {
    let document = serde_json::json!({"error": format!("larder: {why}")});
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(document.to_string()))
        .expect("these headers are right")
}

/// The response to every request of another user.
pub(super) fn to_stranger() -> Response {
    error(StatusCode::FORBIDDEN, "this registry answers to the user that started it only")
}

/// The response where handling failed.
pub(super) fn failed(why: &str) -> Response {
    error(StatusCode::INTERNAL_SERVER_ERROR, why)
}
