//! An object store in memory, as S3 speaks: what a client needs of it, and every fault that a test asks for.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    process::Command,
    sync::{Arc, Mutex},
};

use larder_test_server::{Reply, Request, Server};

use crate::support::World;

type Objects = Arc<Mutex<BTreeMap<String, (Vec<u8>, u64)>>>;
/// Replies in place of the store, where it returns one.
type Fault = Box<dyn Fn(&Request, &BTreeMap<String, (Vec<u8>, u64)>) -> Option<Reply> + Send + Sync>;

pub(super) struct Bucket {
    pub(super) server: Server,
    objects: Objects,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl Bucket {
    pub(super) fn start() -> Self {
        let bucket = Self { server: Server::start(), objects: Objects::default(), fault: Arc::default() };
        let (objects, fault) = (Arc::clone(&bucket.objects), Arc::clone(&bucket.fault));
        bucket.server.fallback(move |request| {
            let mut objects = objects.lock().unwrap();
            let faulty = fault.lock().unwrap().as_ref().and_then(|fault| fault(request, &objects));
            faulty.unwrap_or_else(|| answer(request, &mut objects))
        });
        bucket
    }

    /// From now on, what this returns is answered.
    pub(super) fn fails(
        &self,
        fault: impl Fn(&Request, &BTreeMap<String, (Vec<u8>, u64)>) -> Option<Reply> + Send + Sync + 'static,
    ) {
        *self.fault.lock().unwrap() = Some(Box::new(fault));
    }

    pub(super) fn recovers(&self) {
        *self.fault.lock().unwrap() = None;
    }

    /// The objects' names.
    pub(super) fn names(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut BTreeMap<String, (Vec<u8>, u64)>)) {
        change(&mut self.objects.lock().unwrap());
    }

    /// The program, with this bucket's address and credentials.
    pub(super) fn command(&self, world: &World, arguments: &[&str]) -> Command {
        let mut command = world.command(arguments);
        command
            .env("AWS_ENDPOINT_URL", self.server.url("").trim_end_matches('/'))
            .env("AWS_ACCESS_KEY_ID", "somebody")
            .env("AWS_SECRET_ACCESS_KEY", "a secret")
            .env("npm_config_fetch_retries", "2")
            .env("npm_config_fetch_retry_mintimeout", "10")
            .env("npm_config_fetch_retry_maxtimeout", "20");
        command
    }
}

fn answer(request: &Request, objects: &mut BTreeMap<String, (Vec<u8>, u64)>) -> Reply {
    let Some(name) = request.path.strip_prefix("/bucket") else { return Reply::status(404) };
    let name = name.trim_start_matches('/').to_owned();
    match (&*request.method, objects.get(&name)) {
        ("GET", _) if request.query.contains("list-type=2") => list(request, objects),
        (method @ ("GET" | "HEAD"), Some((bytes, version))) => {
            let whole = if method == "GET" {
                Reply::body(bytes.clone())
            } else {
                Reply::body("").saying_length(bytes.len() as u64)
            };
            whole.etag(&tag(bytes, *version)).header("last-modified", date(*version))
        }
        ("PUT", there) => {
            let is_other = |(bytes, version): &(Vec<u8>, u64)| {
                request.header("if-match").is_some_and(|tag_of| tag_of != tag(bytes, *version))
            };
            let must_be_new = request.header("if-none-match").is_some();
            if there.is_some_and(|there| must_be_new || is_other(there)) {
                return Reply::status(412);
            }
            let version = 1 + objects.values().map(|(_, version)| *version).max().unwrap_or(0);
            objects.insert(name, (request.body.clone(), version));
            Reply::body("").etag(&tag(&request.body, version))
        }
        ("HEAD", None) => Reply::body("").with_status(404),
        _ => Reply::status(404),
    }
}

fn tag(bytes: &[u8], version: u64) -> String {
    format!("\"{version}-{}\"", bytes.len())
}

fn date(version: u64) -> String {
    format!("Sun, 01 Feb 2026 {:02}:{:02}:{:02} GMT", version / 3600, version / 60 % 60, version % 60)
}

fn list(request: &Request, objects: &BTreeMap<String, (Vec<u8>, u64)>) -> Reply {
    let prefix = request.query.split('&').find_map(|pair| pair.strip_prefix("prefix=")).unwrap_or_default();
    let prefix = prefix.replace("%2F", "/");
    let mut text = String::from("<ListBucketResult><IsTruncated>false</IsTruncated>");
    for (name, (bytes, version)) in objects.iter().filter(|(name, _)| name.starts_with(&prefix)) {
        let (size, seconds) = (bytes.len(), version % 60);
        write!(
            text,
            "<Contents><Key>{name}</Key><LastModified>2026-02-01T{:02}:{:02}:{seconds:02}.000Z</LastModified><ETag>{}</ETag><Size>{size}</Size></Contents>",
            version / 3600,
            version / 60 % 60,
            tag(bytes, *version).replace('"', "&quot;")
        )
        .unwrap();
    }
    text.push_str("</ListBucketResult>");
    Reply::body(text)
}

/// The name of a blob's object.
pub(super) fn blob(bytes: &[u8]) -> String {
    format!("larder/{}", larder_store::seed::blob_path(&larder_store::digest::BlobId::of(bytes)))
}
