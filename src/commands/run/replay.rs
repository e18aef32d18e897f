//! The proxy of a run, where package managers or scripts ask for what is not at the registry: its start, its files, its environment, and what is told of it at the end.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use url::Url;

use super::{
    run_dir::RunDir,
    wgetrc::{self, WGETRC},
};
use crate::{
    commands::{
        context::Context,
        error::{CommandError, EndsCommand},
    },
    http::{ClientError, ClientSettings, ExtraCertificates, Upstream, UpstreamProxies, root_bundle},
    proxy::{Beyond, PassOn, Proxy, ProxyReport, Recorder},
    run::{
        client_env::proxy::{PRELOAD, ProxyEnv, REPLACING, TAKEN_AWAY, variables},
        preload,
    },
    session::{Replay, Session, TwoAnswers},
};

/// Why a request is refused.
pub(super) const OFFLINE: &str = "Not in larder.lock, nor in another lockfile, and larder is offline";

/// Hosts and addresses that are listed at the end.
const LISTED: usize = 20;

/// What the run's proxy is for.
pub(in crate::commands) enum Purpose {
    /// Nothing may leave the machine.
    Offline,
    /// What is known comes from the store, and the rest is passed on.
    Online,
    /// The same, and this is told of all that is passed on.
    Recorded(Arc<dyn Recorder>),
}

/// What becomes of what is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Refused,
    PassedOn,
    Recorded,
}

/// A proxy that runs, and its files.
pub(super) struct RunProxy {
    proxy: Proxy,
    added: PathBuf,
    all: PathBuf,
    all_of_project: PathBuf,
    npm_has_proxy: bool,
    has_plain_http: bool,
    /// Of the environment and of npm.
    exceptions: (String, String),
    rest: Rest,
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
    /// Certificates that the user configures cannot be used.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The user's own proxy is none that can be passed through.
    #[error("larder cannot pass a proxy of the kind `{kind}`, so it cannot see what the command downloads")]
    Kind {
        /// The scheme of its address.
        kind: String,
    },
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
    /// Starts the proxy, if there is something for it.
    pub(super) fn start(
        sessions: &[Session],
        purpose: Purpose,
        run_dir: &RunDir,
        context: &Context<'_>,
    ) -> Result<Option<Self>, CommandError> {
        let replay = Replay::of(sessions).map_err(RunProxyError::from)?;
        let (rest, recorder) = match purpose {
            Purpose::Offline => (Rest::Refused, None),
            Purpose::Online => (Rest::PassedOn, None),
            Purpose::Recorded(recorder) => (Rest::Recorded, Some(recorder)),
        };
        if replay.is_empty() && rest != Rest::Recorded {
            return Ok(None);
        }
        let settings = sessions[0].client_settings();
        let beyond = if rest == Rest::Refused {
            Beyond::Refuse(OFFLINE)
        } else {
            let proxies = proxies(settings, context);
            match (proxies.unknown_kind(), &recorder) {
                (Some(kind), Some(_)) => return Err(RunProxyError::Kind { kind: kind.to_owned() }.into()),
                (Some(kind), None) => {
                    let text = format!(
                        "larder cannot pass a proxy of the kind `{kind}`, so the command downloads recorded files and packages at addresses of their own itself"
                    );
                    context.printer.warning(&text);
                    return Ok(None);
                }
                (None, _) => {}
            }
            let upstream = Upstream::new(&proxies, settings.users_certificates()).map_err(RunProxyError::from)?;
            Beyond::PassOn(Box::new(PassOn { upstream, recorder }))
        };
        let preload = if replay.has_recorded() || rest == Rest::Recorded {
            let options = context.environment.variable("NODE_OPTIONS").unwrap_or_default().to_owned();
            Some((preload_file(run_dir, context)?, options))
        } else {
            None
        };
        let own = |name: &str| context.environment.variable(name).filter(|value| !value.is_empty());
        let exceptions = if rest == Rest::PassedOn {
            let of_environment = own("no_proxy").or_else(|| own("NO_PROXY")).unwrap_or_default();
            (of_environment.to_owned(), settings.no_proxy.clone().unwrap_or_default())
        } else {
            (String::new(), String::new())
        };
        let has_plain_http = replay.has_plain_http();
        let npm_has_proxy = sessions.iter().any(|session| session.client_settings().https_proxy.is_some());
        let proxy = Proxy::start(Box::new(replay), beyond, context.now).map_err(RunProxyError::from)?;
        let certificate = proxy.certificate().as_bytes();
        let file = |name: &str, parts: &[&[u8]]| {
            let path = run_dir.path().join(name);
            write(&path, parts).map(|()| path)
        };
        let (added, others) = (added_by_user(context), others_of_user(context));
        let all = |of: &[ExtraCertificates]| [root_bundle(of), added.clone(), others.clone()].concat();
        let all_file = file("certificates.pem", &[&all(settings.users_certificates()), certificate])?;
        let wgetrc = wgetrc::text(&all_file, Some(&proxy.url()), context.environment);
        Ok(Some(Self {
            wgetrc: file("wgetrc", &[&wgetrc])?,
            added: file("authority.pem", &[&added, certificate])?,
            all: all_file,
            all_of_project: file("certificates-of-project.pem", &[&all(&settings.extra_certificates), certificate])?,
            proxy,
            npm_has_proxy,
            has_plain_http,
            exceptions,
            rest,
            preload,
        }))
    }

    /// The variables to unset, and those to set after all others.
    pub(super) fn environment(&self) -> (impl Iterator<Item = OsString>, Vec<(OsString, OsString)>) {
        let url = self.proxy.url();
        let env = ProxyEnv {
            url: &url,
            added: &self.added,
            all: &self.all,
            all_of_project: &self.all_of_project,
            exceptions: (&self.exceptions.0, &self.exceptions.1),
            npm_has_proxy: self.npm_has_proxy,
            has_plain_http: self.has_plain_http,
            preload: self.preload.as_ref().map(|(file, options)| (file.as_path(), options.as_str())),
        };
        let taken_away: &[&str] = if self.rest == Rest::PassedOn { &[] } else { &TAKEN_AWAY };
        let mut set = variables(&env);
        set.push((WGETRC.into(), self.wgetrc.clone().into()));
        (taken_away.iter().map(OsString::from), set)
    }

    /// Tells what was refused, what was passed on, and who did not trust the run's certificate. Whether a download did not come: programs that are refused often end as if nothing had happened.
    pub(super) fn tell(&self, context: &Context<'_>) -> bool {
        let report = self.proxy.report();
        if !report.passed_on.is_empty() && self.rest == Rest::PassedOn {
            let mut listed: Vec<&str> = report.passed_on.iter().take(LISTED).map(String::as_str).collect();
            let more = format!("and {} more", report.passed_on.len() - listed.len());
            listed.extend((report.passed_on.len() > LISTED).then_some(&*more));
            let listed = listed.join(", ");
            context.printer.note(&format!("asked over the network, since larder.lock does not have it: {listed}"));
        }
        tell(&report, context) && (self.rest == Rest::Refused || report.has_refused_download)
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

/// The proxies that programs have without larder: the environment's, or else those that the user's npm is configured with.
fn proxies(settings: &ClientSettings, context: &Context<'_>) -> UpstreamProxies {
    let of_environment = |names: &[&str]| {
        let mut values = names.iter().filter_map(|name| context.environment.variable(name));
        values.find(|value| !value.is_empty()).map(str::to_owned)
    };
    let of_project = settings.project.as_ref();
    let of_npm = |url: &Option<Url>, is_projects: bool| {
        let url = url.as_ref().filter(|_| !is_projects || settings.trusts_project);
        url.map(Url::to_string).unwrap_or_default()
    };
    let all = of_environment(&["all_proxy", "ALL_PROXY"]);
    let https = of_environment(&["https_proxy", "HTTPS_PROXY"]);
    let http = of_environment(&["http_proxy", "HTTP_PROXY"]);
    let (https, http, no) = if all.is_none() && https.is_none() && http.is_none() {
        let https = of_npm(&settings.https_proxy, of_project.is_some_and(|project| project.https_proxy.is_some()));
        let http = of_npm(&settings.http_proxy, of_project.is_some_and(|project| project.http_proxy.is_some()));
        (https, http, settings.no_proxy.clone())
    } else {
        (https.unwrap_or_default(), http.unwrap_or_default(), of_environment(&["no_proxy", "NO_PROXY"]))
    };
    UpstreamProxies { http, https, all: all.unwrap_or_default(), no: no.unwrap_or_default() }
}

fn preload_file(run_dir: &RunDir, context: &Context<'_>) -> Result<PathBuf, RunProxyError> {
    if let Some(kept) = preload::kept(context.environment) {
        return Ok(kept);
    }
    let file = run_dir.path().join("preload.cjs");
    write(&file, &[PRELOAD.as_bytes()])?;
    Ok(file)
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
