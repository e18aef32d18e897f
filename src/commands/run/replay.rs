//! The proxy of a run, where package managers ask for packages at addresses of their own: its start, its files, its environment, and what is told of it at the end.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use super::run_dir::RunDir;
use crate::{
    commands::{
        context::Context,
        error::{CommandError, EndsCommand},
    },
    http::{self, Client, ClientSettings, Credential, Credentials, Tunnels, root_bundle},
    proxy::{Beyond, Proxy},
    run::client_env::proxy::{PRELOAD, ProxyEnv, TAKEN_AWAY, variables},
    session::{Replay, Session, TwoAnswers},
};

/// Why a request is refused.
const OFFLINE: &str = "Not in larder.lock, nor in another lockfile, and larder is offline";

/// A proxy that runs, and its files.
pub(super) struct RunProxy {
    proxy: Proxy,
    added: PathBuf,
    all: PathBuf,
    no_proxy: String,
    has_plain_http: bool,
    /// The preload for node, and the options that node has without it.
    preload: Option<(PathBuf, String)>,
}

/// The proxy cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::commands) enum RunProxyError {
    /// It does not run.
    #[error(transparent)]
    Proxy(#[from] crate::proxy::ProxyError),
    /// Its projects contradict each other.
    #[error(transparent)]
    TwoAnswers(#[from] TwoAnswers),
    /// It has no client.
    #[error(transparent)]
    Client(#[from] http::ClientError),
    /// Its certificates cannot be written.
    #[error("{path} cannot be written")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl EndsCommand for RunProxyError {}

/// What is passed on has the client's own credentials.
struct NoCredentials;

impl Credentials for NoCredentials {
    fn credential_for(&self, _: &url::Url) -> Option<Credential> {
        None
    }
}

impl RunProxy {
    /// Starts the proxy, if there is something for it.
    pub(super) fn start(
        sessions: &[Session],
        is_offline: bool,
        run_dir: &RunDir,
        context: &Context<'_>,
    ) -> Result<Option<Self>, CommandError> {
        let replay = Replay::of(sessions).map_err(RunProxyError::from)?;
        if replay.is_empty() {
            return Ok(None);
        }
        let settings = sessions[0].client_settings();
        let no_proxy = settings.no_proxy.as_deref().unwrap_or_default();
        let no_proxy = http::no_proxy_without(no_proxy, &replay.hosts().collect::<Vec<_>>());
        let (has_plain_http, has_recorded) = (replay.has_plain_http(), replay.has_recorded());
        let beyond = if is_offline { Beyond::Refuse(OFFLINE) } else { pass_on(settings.clone())? };
        let proxy = Proxy::start(Box::new(replay), beyond, context.now).map_err(RunProxyError::from)?;
        let certificate = proxy.certificate().as_bytes();
        let added = run_dir.path().join("authority.pem");
        write(&added, &[&added_by_user(context), certificate])?;
        let all = run_dir.path().join("certificates.pem");
        write(&all, &[&root_bundle(&settings.extra_certificates), &added_by_user(context), certificate])?;
        let preload = if has_recorded {
            let file = run_dir.path().join("preload.cjs");
            write(&file, &[PRELOAD.as_bytes()])?;
            Some((file, context.environment.variable("NODE_OPTIONS").unwrap_or_default().to_owned()))
        } else {
            None
        };
        Ok(Some(Self { proxy, added, all, no_proxy, has_plain_http, preload }))
    }

    /// The variables to unset, and those to set after all others.
    pub(super) fn environment(&self) -> (impl Iterator<Item = OsString>, Vec<(OsString, OsString)>) {
        let url = self.proxy.url();
        let env = ProxyEnv {
            url: &url,
            added: &self.added,
            all: &self.all,
            no_proxy: &self.no_proxy,
            has_plain_http: self.has_plain_http,
            preload: self.preload.as_ref().map(|(file, options)| (file.as_path(), options.as_str())),
        };
        (TAKEN_AWAY.iter().map(OsString::from), variables(&env))
    }

    /// Tells what was refused, and who did not trust the run's certificate. Whether anything was refused: programs that are refused often end as if nothing had happened.
    pub(super) fn tell(&self, context: &Context<'_>) -> bool {
        let report = self.proxy.report();
        for (address, why) in &report.refused {
            context.printer.warning(&format!("refused {address}: {why}"));
        }
        for (host, why) in &report.distrusting {
            context.printer.warning(&format!("a program did not accept the certificate of this run for {host}: {why}"));
        }
        if report.more > 0 {
            context.printer.warning(&format!("and {} more", report.more));
        }
        !report.refused.is_empty()
    }
}

fn pass_on(settings: ClientSettings) -> Result<Beyond, RunProxyError> {
    let tunnels = Box::new(Tunnels::new(settings.clone()));
    let client = Client::new(settings, std::sync::Arc::new(NoCredentials))?;
    Ok(Beyond::PassOn { client, tunnels })
}

/// The certificates that the user adds to node's.
fn added_by_user(context: &Context<'_>) -> Vec<u8> {
    let file = context.environment.variable_os("NODE_EXTRA_CA_CERTS").filter(|file| !file.is_empty());
    let read = file.map(|file| std::fs::read(context.environment.current_dir().join(file)));
    // node itself warns of one that it cannot read.
    let mut pem = read.and_then(Result::ok).unwrap_or_default();
    if !pem.is_empty() {
        pem.push(b'\n');
    }
    pem
}

fn write(path: &Path, parts: &[&[u8]]) -> Result<(), RunProxyError> {
    std::fs::write(path, parts.concat()).map_err(|source| RunProxyError::Certificates { path: path.to_owned(), source })
}
