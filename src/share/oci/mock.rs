//! A registry in memory, on loopback, that does what a test tells it to before it does what registries do.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    response::Response,
};
use http_body_util::BodyExt as _;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::share::oci::digest::ContentDigest;

/// A request that came.
#[derive(Clone, Debug)]
pub(in crate::share::oci) struct Seen {
    pub(in crate::share::oci) method: String,
    /// With its query.
    pub(in crate::share::oci) target: String,
    pub(in crate::share::oci) headers: HashMap<String, String>,
    pub(in crate::share::oci) body: Bytes,
    /// How many with this method and path came before.
    pub(in crate::share::oci) number: usize,
}

impl Seen {
    pub(in crate::share::oci) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(in crate::share::oci) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub(in crate::share::oci) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

type Hook = dyn Fn(&Seen) -> Option<Response> + Send + Sync;

#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    blobs: Mutex<HashMap<String, Bytes>>,
    manifests: Mutex<HashMap<String, (String, Bytes)>>,
    hook: Mutex<Option<Arc<Hook>>>,
    gives_no_parts: AtomicBool,
}

/// The registry. It runs until it is dropped.
pub(in crate::share::oci) struct Mock {
    pub(in crate::share::oci) address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Mock {
    pub(in crate::share::oci) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let app = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, shared, serving }
    }

    /// What answers before the registry does.
    pub(in crate::share::oci) fn hook(&self, hook: impl Fn(&Seen) -> Option<Response> + Send + Sync + 'static) {
        *self.shared.hook.lock().unwrap() = Some(Arc::new(hook));
    }

    pub(in crate::share::oci) fn add_blob(&self, bytes: &[u8]) -> ContentDigest {
        let digest = ContentDigest::of(bytes);
        self.shared.blobs.lock().unwrap().insert(digest.to_string(), Bytes::copy_from_slice(bytes));
        digest
    }

    pub(in crate::share::oci) fn blob(&self, digest: &ContentDigest) -> Option<Bytes> {
        self.shared.blobs.lock().unwrap().get(&digest.to_string()).cloned()
    }

    /// Whether a `Range` is passed over from now on.
    pub(in crate::share::oci) fn gives_no_parts(&self, no_parts: bool) {
        self.shared.gives_no_parts.store(no_parts, Ordering::Relaxed);
    }

    /// Loses a blob, or puts others' bytes in its place.
    pub(in crate::share::oci) fn replace_blob(&self, digest: &ContentDigest, bytes: Option<Vec<u8>>) {
        let mut blobs = self.shared.blobs.lock().unwrap();
        match bytes {
            Some(bytes) => blobs.insert(digest.to_string(), bytes.into()),
            None => blobs.remove(&digest.to_string()),
        };
    }

    /// Forgets which requests came.
    pub(in crate::share::oci) fn forget(&self) {
        self.shared.seen.lock().unwrap().clear();
    }

    pub(in crate::share::oci) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Methods and targets of all requests.
    pub(in crate::share::oci) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }
}

pub(in crate::share::oci) fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut reply = Response::builder().status(status);
    for (name, value) in headers {
        reply = reply.header(*name, *value);
    }
    reply.body(body.into()).unwrap()
}

/// The bytes that a `Range` asks for, and its answer's `Content-Range`.
fn part(seen: &Seen, bytes: &Bytes) -> Option<(Bytes, String)> {
    let (first, last) = seen.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    Some((bytes.slice(first..=last), format!("bytes {first}-{last}/{}", bytes.len())))
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let (method, target) = (head.method.to_string(), head.uri.to_string());
    let mut seen = Seen { method, target, headers, body, number: 0 };
    {
        let mut all = shared.seen.lock().unwrap();
        seen.number = all.iter().filter(|one| one.method == seen.method && one.path() == seen.path()).count();
        all.push(seen.clone());
    }
    let hook = shared.hook.lock().unwrap().clone();
    hook.and_then(|hook| hook(&seen)).unwrap_or_else(|| registry(&shared, &seen))
}

fn registry(shared: &Shared, seen: &Seen) -> Response {
    let not_found = || reply(404, &[], r#"{"errors":[{"code":"UNKNOWN","message":"no such thing"}]}"#);
    let path = seen.path().strip_prefix("/v2/team/app/").unwrap_or_default();
    let mut blobs = shared.blobs.lock().unwrap();
    let mut manifests = shared.manifests.lock().unwrap();
    match (seen.method.as_str(), path.split_once('/').unwrap_or((path, ""))) {
        ("POST", ("blobs", "uploads/")) => reply(202, &[("location", "/v2/team/app/blobs/uploads/1?state=x")], ""),
        ("PUT", ("blobs", _)) => {
            let digest = ContentDigest::of(&seen.body).to_string();
            if !seen.target.contains(&digest.replace(':', "%3A")) {
                return reply(400, &[], r#"{"errors":[{"code":"DIGEST_INVALID","message":"other bytes"}]}"#);
            }
            blobs.insert(digest, seen.body.clone());
            reply(201, &[], "")
        }
        ("GET" | "HEAD", ("blobs", digest)) => match blobs.get(digest) {
            Some(bytes) => match part(seen, bytes).filter(|_| !shared.gives_no_parts.load(Ordering::Relaxed)) {
                Some((bytes, range)) => reply(206, &[("content-range", &range)], bytes),
                None => reply(200, &[], bytes.clone()),
            },
            None => not_found(),
        },
        ("PUT", ("manifests", version)) => {
            let digest = ContentDigest::of(&seen.body).to_string();
            let kind = seen.header("content-type").unwrap().to_owned();
            manifests.insert(digest.clone(), (kind.clone(), seen.body.clone()));
            manifests.insert(version.to_owned(), (kind, seen.body.clone()));
            reply(201, &[("docker-content-digest", &digest)], "")
        }
        ("GET", ("tags", "list")) => {
            let tags = manifests.keys().filter(|version| !version.contains(':'));
            let mut tags: Vec<&String> = tags.collect();
            tags.sort_unstable();
            reply(200, &[], serde_json::json!({ "name": "team/app", "tags": tags }).to_string())
        }
        ("GET", ("manifests", version)) => match manifests.get(version) {
            Some((kind, bytes)) => {
                let digest = ContentDigest::of(bytes).to_string();
                reply(200, &[("content-type", kind), ("docker-content-digest", &digest)], bytes.clone())
            }
            None => not_found(),
        },
        _ => not_found(),
    }
}
