//! The proxy of a run without a network, where package managers or scripts ask for what is not at the registry: its start, its files, its environment, and what is told of it at the end.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use super::{
    run_dir::RunDir,
    wgetrc::{self, WGETRC},
};
use crate::{
    commands::{
        context::Context,
        error::{CommandError, EndsCommand},
    },
    http::root_bundle,
    proxy::{Proxy, ProxyReport},
    run::{
        client_env::proxy::{PRELOAD, ProxyEnv, REPLACING, TAKEN_AWAY, variables},
        preload,
    },
    session::{Replay, Session, TwoAnswers},
};

/// Why a request is refused.
pub(super) const OFFLINE: &str = "Not in larder.lock, nor in another lockfile, and larder is offline";

/// A proxy that runs, and its files.
pub(super) struct RunProxy {
    proxy: Proxy,
    added: PathBuf,
    all: PathBuf,
    npm_has_proxy: bool,
    has_plain_http: bool,
    wgetrc: PathBuf,
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

impl RunProxy {
    /// Starts the proxy, if there is something for it. It is for runs without a network: with one, programs ask the servers themselves, as they do without larder.
    pub(super) fn start(
        sessions: &[Session],
        is_offline: bool,
        run_dir: &RunDir,
        context: &Context<'_>,
    ) -> Result<Option<Self>, CommandError> {
        if !is_offline {
            return Ok(None);
        }
        let replay = Replay::of(sessions).map_err(RunProxyError::from)?;
        if replay.is_empty() {
            return Ok(None);
        }
        let settings = sessions[0].client_settings();
        let npm_has_proxy = settings.https_proxy.is_some();
        let (has_plain_http, has_recorded) = (replay.has_plain_http(), replay.has_recorded());
        let proxy = Proxy::start(Box::new(replay), OFFLINE, context.now).map_err(RunProxyError::from)?;
        let certificate = proxy.certificate().as_bytes();
        let added = run_dir.path().join("authority.pem");
        write(&added, &[&added_by_user(context), certificate])?;
        let all = run_dir.path().join("certificates.pem");
        write(
            &all,
            &[
                &root_bundle(&settings.extra_certificates),
                &added_by_user(context),
                &others_of_user(context),
                certificate,
            ],
        )?;
        let wgetrc = run_dir.path().join("wgetrc");
        write(&wgetrc, &[&wgetrc::text(&all, Some(&proxy.url()), context.environment)])?;
        let preload = if has_recorded {
            let file = if let Some(kept) = preload::kept(context.environment) {
                kept
            } else {
                let file = run_dir.path().join("preload.cjs");
                write(&file, &[PRELOAD.as_bytes()])?;
                file
            };
            Some((file, context.environment.variable("NODE_OPTIONS").unwrap_or_default().to_owned()))
        } else {
            None
        };
        Ok(Some(Self { proxy, added, all, npm_has_proxy, has_plain_http, wgetrc, preload }))
    }

    /// The variables to unset, and those to set after all others.
    pub(super) fn environment(&self) -> (impl Iterator<Item = OsString>, Vec<(OsString, OsString)>) {
        let url = self.proxy.url();
        let env = ProxyEnv {
            url: &url,
            added: &self.added,
            all: &self.all,
            npm_has_proxy: self.npm_has_proxy,
            has_plain_http: self.has_plain_http,
            preload: self.preload.as_ref().map(|(file, options)| (file.as_path(), options.as_str())),
        };
        let mut set = variables(&env);
        set.push((WGETRC.into(), self.wgetrc.clone().into()));
        (TAKEN_AWAY.iter().map(OsString::from), set)
    }

    /// Tells what was refused, and who did not trust the run's certificate. Whether a download did not come: programs that are refused often end as if nothing had happened.
    pub(super) fn tell(&self, context: &Context<'_>) -> bool {
        tell(&self.proxy.report(), context)
    }
}

/// Tells what was refused, and who did not trust the run's certificate. Whether a download did not come.
pub(super) fn tell(report: &ProxyReport, context: &Context<'_>) -> bool {
    for (address, why) in &report.refused {
        context.printer.warning(&format!("refused {address}: {why}"));
    }
    for (host, why) in &report.distrusting {
        context.printer.warning(&format!("a program did not accept the certificate of this run for {host}: {why}"));
    }
    if report.more > 0 {
        context.printer.warning(&format!("and {} more", report.more));
    }
    report.has_refused_download || !report.distrusting.is_empty()
}

/// The certificates that the user adds to node's.
pub(super) fn added_by_user(context: &Context<'_>) -> Vec<u8> {
    let file = context.environment.variable_os("NODE_EXTRA_CA_CERTS").filter(|file| !file.is_empty());
    let read = file.map(|file| std::fs::read(context.environment.current_dir().join(file)));
    // node itself warns of one that it cannot read.
    let mut pem = read.and_then(Result::ok).unwrap_or_default();
    if !pem.is_empty() {
        pem.push(b'\n');
    }
    pem
}

/// The certificates in files that the user names to other programs, in place of which this run's file stands.
pub(super) fn others_of_user(context: &Context<'_>) -> Vec<u8> {
    let named = REPLACING.iter().filter_map(|name| context.environment.variable_os(name));
    let mut files: Vec<_> = named.filter(|file| !file.is_empty()).collect();
    files.sort_unstable();
    files.dedup();
    let read = files.iter().filter_map(|file| std::fs::read(context.environment.current_dir().join(file)).ok());
    read.flat_map(|pem| [pem, b"\n".to_vec()].concat()).collect()
}

pub(super) fn write(path: &Path, parts: &[&[u8]]) -> Result<(), RunProxyError> {
    std::fs::write(path, parts.concat()).map_err(|source| RunProxyError::Certificates { path: path.to_owned(), source })
}
