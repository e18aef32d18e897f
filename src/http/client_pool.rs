//! A connection pool for each trust profile: a few HTTP clients, each with a connection of its own to an HTTP/2 host. Requests take turns.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use reqwest::Url;

use super::{
    credential::ClientIdentity,
    error::ClientError,
    resolver::Resolver,
    root_certs,
    settings::{ClientSettings, ExtraCertificates},
    warm_up::WarmUps,
};
use crate::core::redacted::RedactedUrl;

/// Bytes that a stream may have under way before it is read: some batches of the writer, so that one slow write to disk does not stop it.
const STREAM_WINDOW: u32 = 1 << 20;

/// Bytes that all streams of a connection may have under way together: bounds the memory of a connection whose streams are not read.
const CONNECTION_WINDOW: u32 = 8 << 20;

/// Longer frames mean fewer of them; too long, and one stream's frame delays the others.
const FRAME_SIZE: u32 = 64 << 10;

/// Header lines of an answer. hyper's own limit, 100, is below what some gateways add; their whole length is bounded besides.
const HEADER_LINES: usize = 1000;

/// Bytes of an answer's headers over HTTP/2. With HTTP/1.1 hyper's own limit is about as much.
const HEADER_BYTES: u32 = 400 << 10;

/// One client of a pool.
pub(super) struct PooledClient {
    pub(super) http: reqwest::Client,
    pub(super) warm_ups: WarmUps,
}

/// Which servers and proxies a request trusts, and which certificate it shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct TrustProfile {
    /// Only servers that the user's own configuration trusts, and no proxy that only the project's files name.
    pub(super) is_users: bool,
    /// The certificate of the client.
    pub(super) identity: Option<Arc<ClientIdentity>>,
}

/// The pools, by trust profile.
pub(super) struct ClientPools {
    by_profile: HashMap<TrustProfile, Vec<PooledClient>>,
    next: AtomicUsize,
}

impl ClientPools {
    /// The pools for every profile that a request may have: with each of these client certificates and without one; and, if the project's files configure
    /// the network, without what they say.
    pub(super) fn new(
        settings: &ClientSettings,
        identities: &[Arc<ClientIdentity>],
        resolver: &Arc<Resolver>,
    ) -> Result<Self, ClientError> {
        let mut by_profile = HashMap::new();
        let guards: &[bool] = if settings.project.is_some() { &[false, true] } else { &[false] };
        let identities = identities.iter().map(|identity| Some(Arc::clone(identity)));
        for identity in std::iter::once(None).chain(identities) {
            for &is_users in guards {
                let profile = TrustProfile { is_users, identity: identity.clone() };
                if let Entry::Vacant(vacant) = by_profile.entry(profile) {
                    let pool = pool(settings, vacant.key(), resolver)?;
                    vacant.insert(pool);
                }
            }
        }
        Ok(Self { by_profile, next: AtomicUsize::new(0) })
    }

    /// The client whose turn it is.
    pub(super) fn next(&self, profile: &TrustProfile) -> &PooledClient {
        let pool = self
            .by_profile
            .get(profile)
            .unwrap_or_else(|| &self.by_profile[&TrustProfile { identity: None, ..profile.clone() }]);
        &pool[self.next.fetch_add(1, Ordering::Relaxed) % pool.len()]
    }

    /// How many connections to one host a pool has.
    pub(super) fn connections(&self) -> usize {
        self.by_profile.values().map(Vec::len).max().unwrap_or_default()
    }
}

/// A client for requests of any method with [the user's own](ClientSettings::users_own) settings. It follows no redirects, retries nothing and has no credentials.
pub(crate) fn users_client(settings: &ClientSettings) -> Result<reqwest::Client, ClientError> {
    // Fails when there is one already, and then that one serves.
    drop(rustls::crypto::ring::default_provider().install_default());
    let tls = root_certs::tls_config(&settings.extra_certificates, None)?;
    client(settings, Some(tls), None, &Arc::new(Resolver::system()))
}

fn pool(
    settings: &ClientSettings,
    profile: &TrustProfile,
    resolver: &Arc<Resolver>,
) -> Result<Vec<PooledClient>, ClientError> {
    let project = settings.project.as_ref().filter(|_| profile.is_users);
    let (verify, certificates): (bool, &[ExtraCertificates]) = match project {
        Some(project) => (project.verify_tls, &project.extra_certificates),
        None => (settings.verify_tls, &settings.extra_certificates),
    };
    let identity = profile.identity.as_deref();
    let tls = if verify { Some(root_certs::tls_config(certificates, identity)?) } else { None };
    (0..settings.connections.max(1))
        .map(|_| {
            Ok(PooledClient { http: client(settings, tls.clone(), identity, resolver)?, warm_ups: WarmUps::default() })
        })
        .collect()
}

fn client(
    settings: &ClientSettings,
    tls: Option<rustls::ClientConfig>,
    identity: Option<&ClientIdentity>,
    resolver: &Arc<Resolver>,
) -> Result<reqwest::Client, ClientError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("larder/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(settings.connect_timeout)
        .dns_resolver(Arc::clone(resolver))
        .http1_max_headers(HEADER_LINES)
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_max_frame_size(FRAME_SIZE)
        // A connection that died silently would otherwise be given to every retry.
        .http2_keep_alive_interval(settings.stall_timeout / 2)
        .http2_keep_alive_timeout(settings.stall_timeout / 2)
        // Also stops it from looking for proxies in the environment.
        .no_proxy();
    let no_proxy = || settings.no_proxy.as_deref().and_then(reqwest::NoProxy::from_string);
    for (address, proxy) in [
        (&settings.http_proxy, reqwest::Proxy::http as fn(Url) -> reqwest::Result<reqwest::Proxy>),
        (&settings.https_proxy, reqwest::Proxy::https),
    ] {
        if let Some(address) = address {
            let proxy = proxy(address.clone()).map_err(|source| ClientError::Proxy {
                proxy: RedactedUrl::new(address),
                source: source.without_url(),
            })?;
            builder = builder.proxy(proxy.no_proxy(no_proxy()));
        }
    }
    builder = match (tls, identity) {
        (Some(tls), _) => builder.tls_backend_preconfigured(tls),
        (None, identity) => {
            if let Some(identity) = identity {
                let pem = [&identity.certificates[..], b"\n", &identity.key[..]].concat();
                let unusable = |_| ClientError::Identity { origin: identity.origin.clone(), source: None };
                builder = builder.identity(reqwest::Identity::from_pem(&pem).map_err(unusable)?);
            }
            builder.tls_certs_only([]).tls_danger_accept_invalid_certs(true)
        }
    };
    builder.build().map_err(ClientError::Build)
}
