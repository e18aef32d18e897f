//! Bytes from addresses: [`download`] hands a body to a [`Sink`], [`document`], [`page`] and [`slice()`] return one.
//!
//! Owns the HTTP clients, name look-ups, redirects, retries, resumption and time limits. Knows neither the store nor lockfiles: what an
//! artifact is, where it goes and whether its bytes are right is the sink's business.
//!
//! ```text
//! download, document   tries, one after another, until one succeeds or no other can (retry.rs)
//!   └ exchange         one try: a request, and those that its redirects lead to (redirect.rs)
//!       └ Client       one request over one of a few connections (client.rs, client_pool.rs, resolver.rs, root_certs.rs)
//!   └ body, writer     the response's bytes to the sink, in batches, while the next ones arrive
//! ```
//!
//! `users_client` gives the connections alone, to who asks otherwise than by GET and has credentials of another kind.
//!
//! Invariants: an address in an error or an event shows neither user, password nor query; credentials are asked for at every hop and so
//! follow a redirect on the same host and port alone, and the user's own never go where only a project's files lead; no code of a sink runs on an async thread; a dropped future leaves what the sink has already taken.

mod body;
mod client;
mod client_pool;
mod credential;
#[cfg(any(target_feature = "crt-static", test))]
mod dns;
mod document;
mod download;
mod encoding;
mod error;
mod error_parts;
mod progress;
mod proxy;
mod range;
mod redirect;
mod refusal_reason;
mod resolver;
mod response;
mod retry;
mod root_certs;
mod settings;
mod sink;
mod unreachable;
mod upstream;
mod warm_up;
mod writer;

#[cfg(test)]
mod tests;

pub use crate::core::redacted::RedactedUrl;
pub use client::Client;
pub(crate) use client_pool::users_client;
pub use credential::{ClientIdentity, Credential, Credentials};
pub use document::{ByteRange, Page, Slice, document, page, slice};
pub use download::{Request, download};
pub use error::{ClientError, DownloadError};
pub use error_parts::{Danger, Phase};
pub use progress::{Event, Progress};
pub(crate) use range::ContentRange;
pub use range::{ResumePoint, Validator};
pub(crate) use redirect::{is_same_origin, target as redirect_target};
pub(crate) use response::retry_after;
pub(crate) use root_certs::bundle as root_bundle;
pub use settings::{ClientSettings, ExtraCertificates, ProjectNetwork};
pub use sink::{FinishError, Sink, SinkError};
pub(crate) use upstream::{Connected, Connection, RequestForm, Upstream, UpstreamError, UpstreamProxies};
