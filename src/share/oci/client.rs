//! [`Repository`]: one repository of a registry, by the API of the OCI distribution specification 1.1.
//!
//! ```text
//! authorization   who asks: passwords, and the tokens that are given for them
//! challenge       how a registry says which it wants
//! exchange        one request: credentials, redirects, retries
//! answer          bounded bodies, reasons of refusals
//! blob_body       a blob from the registry, continued where it breaks off
//! upload          a blob to the registry, as it is written
//! ```
//!
//! Invariants: credentials go to the registry and to the server that it names for tokens, and never where a blob is redirected to; nothing is sent without encryption but on this machine; nothing that is read is
//! without a bound; a manifest that is asked for by its digest, and a whole blob, have it.

mod answer;
mod authorization;
mod blob_body;
mod challenge;
mod exchange;
mod upload;

use std::{fmt, ops::Range, sync::Arc};

use reqwest::{
    Body, Method, Response, StatusCode,
    header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LINK, LOCATION},
};
use serde::Deserialize;
use url::Url;

use self::{
    answer::read_all,
    authorization::Authorization,
    exchange::{Ask, Exchange, Moved},
    upload::Upload,
};
use super::{
    credentials::Credentials,
    digest::ContentDigest,
    error::{RegistryError, RegistryFault},
    image::{DOCKER_INDEX, DOCKER_MANIFEST, INDEX, MANIFEST, MOST_DOCUMENT_BYTES},
    reference::{Reference, Version},
};
use crate::http::{ClientError, ClientSettings, is_same_origin, users_client};

pub use authorization::Access;
pub use blob_body::{BlobBody, BlobReader};
pub use upload::BlobSource;

/// Pages of tags that are read, each of [`TAGS_A_PAGE`] or what the registry gives.
const MOST_TAG_PAGES: usize = 100;
const TAGS_A_PAGE: usize = 1000;

/// A page of tags: bytes.
const MOST_TAG_BYTES: u64 = 4 << 20;

/// The digest that a registry says a document has.
const CONTENT_DIGEST: &str = "docker-content-digest";

/// A repository of a registry. Cheap to clone; clones share connections and tokens.
#[derive(Clone)]
pub struct Repository {
    exchange: Arc<Exchange>,
    /// Its name in the registry.
    path: Arc<str>,
    /// How errors call it.
    name: Arc<str>,
}

/// A manifest or an index as the registry has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDocument {
    /// Its digest, computed from the bytes.
    pub digest: ContentDigest,
    /// What the registry says that it is.
    pub media_type: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Repository {
    /// A reference's repository; nothing is asked yet. Of `settings`, what only a project's files say does not count: the credentials are the user's own. Reads the system's certificates.
    pub fn open(
        reference: &Reference,
        access: Access,
        settings: &ClientSettings,
        credentials: Credentials,
    ) -> Result<Self, ClientError> {
        let settings = settings.users_own();
        let exchange = Exchange {
            http: users_client(&settings)?,
            settings,
            api: reference.api(),
            authorization: Authorization::new(credentials, &reference.repository, access),
        };
        Ok(Self {
            exchange: Arc::new(exchange),
            path: reference.repository.as_str().into(),
            name: reference.name().into(),
        })
    }

    /// The manifest or index of a version; `None` if there is no such version or no such repository.
    pub async fn manifest(&self, version: &Version) -> Result<Option<StoredDocument>, RegistryError> {
        let read = async {
            let mut ask = Ask::new(Method::GET, self.url(&format!("manifests/{version}")));
            for kind in [MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_INDEX] {
                ask = ask.with(ACCEPT, HeaderValue::from_static(kind));
            }
            let Some((bytes, headers)) = self.document(&ask, MOST_DOCUMENT_BYTES).await? else { return Ok(None) };
            let digest = ContentDigest::of(&bytes);
            let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
            let expected = match version {
                Version::Digest(expected) => Some(*expected),
                Version::Tag(_) => text(CONTENT_DIGEST).and_then(|text| text.parse().ok()),
            };
            if let Some(expected) = expected.filter(|expected| *expected != digest) {
                return Err(RegistryFault::Digest { expected, actual: digest });
            }
            let kind = text(CONTENT_TYPE.as_str()).and_then(|kind| kind.split(';').next());
            Ok(Some(StoredDocument { digest, media_type: kind.map(|kind| kind.trim().to_owned()), bytes }))
        };
        read.await.map_err(|fault| self.error(format!("read the manifest {version}"), fault))
    }

    /// The tags of the repository, in the registry's order: `limit` at most. None if there is no such repository.
    pub async fn tags(&self, limit: usize) -> Result<Vec<String>, RegistryError> {
        self.all_tags(limit).await.map_err(|fault| self.error("list the tags".to_owned(), fault))
    }

    /// Whether the repository has a blob.
    pub async fn has_blob(&self, digest: &ContentDigest) -> Result<bool, RegistryError> {
        self.has(digest).await.map_err(|fault| self.error(format!("look for the blob {digest}"), fault))
    }

    /// A blob of `size` bytes, or those of its bytes that are in `range`.
    pub async fn read_blob(
        &self,
        digest: &ContentDigest,
        size: u64,
        range: Option<Range<u64>>,
    ) -> Result<BlobBody, RegistryError> {
        let named = (self.name.to_string(), format!("read the blob {digest}"));
        let url = self.blob_url(digest);
        BlobBody::open(Arc::clone(&self.exchange), url, (*digest, size), range, named).await
    }

    /// All bytes of a blob, which have its digest. One that is longer than `limit` is not asked for.
    pub async fn blob(&self, digest: &ContentDigest, size: u64, limit: u64) -> Result<Vec<u8>, RegistryError> {
        if size > limit {
            return Err(self.error(format!("read the blob {digest}"), RegistryFault::TooLong { limit }));
        }
        let mut body = self.read_blob(digest, size, None).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = body.chunk().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// Writes a blob of `len` bytes. The registry compares them with the digest. Says whether they were sent: `false` if it has turned out that they are there.
    pub async fn write_blob(
        &self,
        digest: &ContentDigest,
        len: u64,
        source: BlobSource,
    ) -> Result<bool, RegistryError> {
        let error = |fault| self.error(format!("write the blob {digest}"), fault);
        let mut tries = self.exchange.tries();
        loop {
            match self.send_blob(digest, len, &source).await {
                Ok(()) => return Ok(true),
                Err(fault) => tries.after(fault).await.map_err(error)?,
            }
            // Only the answer may have been lost.
            if self.has(digest).await.map_err(error)? {
                return Ok(false);
            }
        }
    }

    /// Writes a manifest or index. What it names must be there.
    pub async fn put_manifest(&self, version: &Version, media_type: &str, bytes: &[u8]) -> Result<(), RegistryError> {
        let put = async {
            let kind = HeaderValue::try_from(media_type).map_err(|_| RegistryFault::answer("no such media type"))?;
            let bytes = bytes::Bytes::copy_from_slice(bytes);
            let body = || Body::from(bytes.clone());
            let ask = Ask::new(Method::PUT, self.url(&format!("manifests/{version}"))).with(CONTENT_TYPE, kind);
            let response = self.exchange.send(&Ask { body: Some(&body), ..ask }).await?;
            let stored = response.headers().get(CONTENT_DIGEST).and_then(|value| value.to_str().ok()?.parse().ok());
            let expected = ContentDigest::of(&bytes);
            match stored {
                Some(actual) if actual != expected => Err(RegistryFault::Digest { expected, actual }),
                _ => Ok(()),
            }
        };
        put.await.map_err(|fault| self.error(format!("write the manifest {version}"), fault))
    }

    fn url(&self, path: &str) -> Url {
        self.exchange.url(&format!("v2/{}/{path}", self.path))
    }

    fn blob_url(&self, digest: &ContentDigest) -> Url {
        self.url(&format!("blobs/{digest}"))
    }

    fn error(&self, asked: String, fault: RegistryFault) -> RegistryError {
        RegistryError { name: self.name.to_string(), asked, fault }
    }

    /// A document with its headers, `None` if there is none; asked for again if it breaks off.
    async fn document(
        &self,
        ask: &Ask<'_>,
        limit: u64,
    ) -> Result<Option<(Vec<u8>, reqwest::header::HeaderMap)>, RegistryFault> {
        let mut tries = self.exchange.tries();
        loop {
            let read = async {
                let response = self.exchange.once(ask).await?;
                let headers = response.headers().clone();
                Ok((read_all(response, limit, &self.exchange.settings).await?, headers))
            };
            match read.await {
                Ok(read) => return Ok(Some(read)),
                Err(RegistryFault::NotFound { .. }) => return Ok(None),
                Err(fault) => tries.after(fault).await?,
            }
        }
    }

    async fn has(&self, digest: &ContentDigest) -> Result<bool, RegistryFault> {
        match self.exchange.send(&Ask::new(Method::HEAD, self.blob_url(digest))).await {
            Ok(_) => Ok(true),
            Err(RegistryFault::NotFound { .. }) => Ok(false),
            Err(RegistryFault::Refused { status, .. }) if status.is_redirection() => Ok(true),
            Err(fault) => Err(fault),
        }
    }

    /// One upload from its beginning: a session, and all bytes in one request.
    async fn send_blob(&self, digest: &ContentDigest, len: u64, source: &BlobSource) -> Result<(), RegistryFault> {
        let start =
            Ask::new(Method::POST, self.url("blobs/uploads/")).with(CONTENT_LENGTH, HeaderValue::from_static("0"));
        let response = self.exchange.once(&start).await?;
        let mut url = self.location(&response)?;
        url.query_pairs_mut().append_pair("digest", &digest.to_string());
        let upload = Upload::new(Arc::clone(source), len);
        let body = || upload.body();
        let moved = || -> Moved { upload.moved() };
        let put = Ask::new(Method::PUT, url)
            .with(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .with(CONTENT_LENGTH, HeaderValue::from(len));
        let sent = self.exchange.once(&Ask { body: Some(&body), moved: Some(&moved), ..put }).await;
        // A source that fails ends the request, which is then no failure of the network's.
        match (sent, upload.failure()) {
            (Err(_), Some(failure)) => Err(RegistryFault::Source(failure)),
            (sent, _) => sent.map(drop),
        }
    }

    /// Where a blob is to be sent: to the registry itself, since nobody else is told who asks.
    fn location(&self, response: &Response) -> Result<Url, RegistryFault> {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let url = location.filter(|_| response.status() == StatusCode::ACCEPTED);
        let url = url.and_then(|location| response.url().join(location).ok());
        let url = url.ok_or_else(|| RegistryFault::answer("it does not say where to send a blob"))?;
        let is_plain = self.exchange.api.scheme() == "https" && url.scheme() != "https";
        if is_plain || !matches!(url.scheme(), "http" | "https") {
            return Err(RegistryFault::answer("it wants a blob sent without encryption"));
        }
        Ok(url)
    }

    async fn all_tags(&self, limit: usize) -> Result<Vec<String>, RegistryFault> {
        #[derive(Deserialize)]
        struct Page {
            tags: Option<Vec<String>>,
        }
        let mut url = self.url("tags/list");
        url.query_pairs_mut().append_pair("n", &TAGS_A_PAGE.min(limit.max(1)).to_string());
        let mut tags = Vec::new();
        for _ in 0..MOST_TAG_PAGES {
            let Some((bytes, headers)) = self.document(&Ask::new(Method::GET, url.clone()), MOST_TAG_BYTES).await?
            else {
                break;
            };
            let page: Page =
                serde_json::from_slice(&bytes).map_err(|_| RegistryFault::answer("its list of tags is none"))?;
            tags.extend(page.tags.unwrap_or_default());
            let next = headers.get(LINK).and_then(|link| next_page(link.to_str().ok()?, &url));
            match next.filter(|next| tags.len() < limit && is_same_origin(&self.exchange.api, next)) {
                Some(next) => url = next,
                None => break,
            }
        }
        tags.truncate(limit);
        Ok(tags)
    }
}

/// The address of `Link: <…>; rel="next"` (RFC 8288).
fn next_page(link: &str, from: &Url) -> Option<Url> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = parameters.split(';').any(|it| matches!(it.trim(), "rel=\"next\"" | "rel=next"));
    from.join(target).ok().filter(|_| is_next)
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
