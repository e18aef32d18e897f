//! The proxy of a run, where package managers or scripts ask for what is not at the registry: its start, its files, its environment, and what is told of it at the end.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    run_dir::RunDir,
    way_out::{WayOutError, way_out},
    wgetrc::{self, WGETRC},
};
use crate::{
    commands::{
        context::Context,
        error::{CommandError, EndsCommand},
    },
    http::{ExtraCertificates, root_bundle},
    proxy::{Beyond, Proxy, ProxyError, ProxyReport, Recorder},
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
    files: Files,
    npm_has_proxy: bool,
    has_plain_http: bool,
    /// Of the environment and of npm.
    exceptions: (String, String),
    rest: Rest,
    /// The preload for node, and the options that node has without it.
    preload: Option<(PathBuf, String)>,
}

/// The proxy cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::commands) enum RunProxyError {
    /// It does not run.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// Its projects contradict each other.
    #[error(transparent)]
    TwoAnswers(#[from] TwoAnswers),
    /// There is no way to servers.
    #[error(transparent)]
    WayOut(#[from] WayOutError),
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

impl EndsCommand for RunProxyError {
    fn hint(&self) -> Option<String> {
        let is_unreachable = matches!(self, Self::Proxy(ProxyError::Unreachable(_)));
        is_unreachable.then(|| {
            "in a network namespace of your own, bring it up (`ip link set lo up`), or let larder make one: `larder run --offline --isolate`".to_owned()
        })
    }
}

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
        let others = others_of_user(context);
        let beyond = if rest == Rest::Refused {
            Beyond::Refuse(OFFLINE)
        } else {
            let settings = sessions[0].client_settings();
            let way_out =
                way_out(settings, &others_of_user(context), recorder, context).map_err(RunProxyError::from)?;
            let Some(way_out) = way_out else { return Ok(None) };
            Beyond::PassOn(Box::new(way_out))
        };
        let preload = if replay.has_recorded() || rest == Rest::Recorded {
            let options = context.environment.variable("NODE_OPTIONS").unwrap_or_default().to_owned();
            Some((preload_file(run_dir, context)?, options))
        } else {
            None
        };
        // What is recorded is seen in plain HTTP, too, and named.
        let has_plain_http = replay.has_plain_http() || rest == Rest::Recorded;
        let exceptions = if rest == Rest::PassedOn { exceptions(sessions, context) } else { Default::default() };
        let npm_has_proxy = sessions.iter().any(|session| session.client_settings().https_proxy.is_some());
        let proxy = Proxy::start(Box::new(replay), beyond, context.now).map_err(RunProxyError::from)?;
        let files = Files::write(&proxy, sessions, &others, run_dir, context)?;
        Ok(Some(Self { proxy, files, npm_has_proxy, has_plain_http, exceptions, rest, preload }))
    }

    /// The variables to unset, and those to set after all others.
    pub(super) fn environment(&self) -> (impl Iterator<Item = OsString>, Vec<(OsString, OsString)>) {
        let url = self.proxy.url();
        let env = ProxyEnv {
            url: &url,
            added: &self.files.added,
            all: &self.files.all,
            all_of_project: &self.files.all_of_project,
            exceptions: (&self.exceptions.0, &self.exceptions.1),
            npm_has_proxy: self.npm_has_proxy,
            has_plain_http: self.has_plain_http,
            preload: self.preload.as_ref().map(|(file, options)| (file.as_path(), options.as_str())),
        };
        let taken_away: &[&str] = if self.rest == Rest::PassedOn { &[] } else { &TAKEN_AWAY };
        let mut set = variables(&env);
        set.push((WGETRC.into(), self.files.wgetrc.clone().into()));
        (taken_away.iter().map(OsString::from), set)
    }

    /// Tells what was refused, what was passed on, and who did not trust the run's certificate; see [`tell`].
    pub(super) fn tell(&self, context: &Context<'_>) -> Vec<String> {
        let report = self.proxy.report();
        if !report.passed_on.is_empty() && self.rest == Rest::PassedOn {
            let mut listed: Vec<&str> = report.passed_on.iter().take(LISTED).map(String::as_str).collect();
            let more = format!("and {} more", report.passed_on.len() - listed.len());
            listed.extend((report.passed_on.len() > LISTED).then_some(&*more));
            let listed = listed.join(", ");
            context.printer.note(&format!("asked over the network, since larder.lock does not have it: {listed}"));
        }
        let told = tell(&report, context);
        if self.rest == Rest::Refused || report.has_refused_download { told } else { Vec::new() }
    }
}

/// Tells what was refused, and who did not trust the run's certificate. The same again if a download did not come: programs that are refused often end as if nothing had happened.
pub(super) fn tell(report: &ProxyReport, context: &Context<'_>) -> Vec<String> {
    let refused = report.refused.iter().map(|(address, why)| format!("refused {address}: {why}"));
    let distrusting = report.distrusting.iter();
    let distrusting = distrusting
        .map(|(host, why)| format!("a program did not accept the certificate of this run for {host}: {why}"));
    let told: Vec<String> = refused.chain(distrusting).collect();
    for line in &told {
        context.printer.warning(line);
    }
    for (host, why) in &report.unverified {
        context.printer.warning(&format!(
            "larder does not trust the server of {host}, so programs ask it themselves from then on, and get what it has today: {why}"
        ));
    }
    if report.more > 0 {
        context.printer.warning(&format!("and {} more", report.more));
    }
    if report.has_refused_download || !report.distrusting.is_empty() { told } else { Vec::new() }
}

/// Files that programs read.
struct Files {
    added: PathBuf,
    all: PathBuf,
    all_of_project: PathBuf,
    wgetrc: PathBuf,
}

impl Files {
    fn write(
        proxy: &Proxy,
        sessions: &[Session],
        others: &[u8],
        run_dir: &RunDir,
        context: &Context<'_>,
    ) -> Result<Self, RunProxyError> {
        let certificate = proxy.certificate().as_bytes();
        let file = |name: &str, parts: &[&[u8]]| {
            let path = run_dir.path().join(name);
            write(&path, parts).map(|()| path)
        };
        let (added, roots) = (added_by_user(context), root_bundle(&[]));
        let all = |own: &[ExtraCertificates]| {
            let own: Vec<u8> = own.iter().flat_map(|file| [&file.pem[..], b"\n"].concat()).collect();
            [&roots[..], &own, &added, others].concat()
        };
        let settings: Vec<_> = sessions.iter().map(Session::client_settings).collect();
        let of_projects: Vec<_> = settings.iter().flat_map(|settings| settings.extra_certificates.clone()).collect();
        let all_of_user = file("certificates.pem", &[&all(settings[0].users_certificates()), certificate])?;
        let wgetrc = wgetrc::text(&all_of_user, Some(&proxy.url()), context.environment);
        Ok(Self {
            added: file("authority.pem", &[&added, certificate])?,
            all: all_of_user,
            all_of_project: file("certificates-of-project.pem", &[&all(&of_projects), certificate])?,
            wgetrc: file("wgetrc", &[&wgetrc])?,
        })
    }
}

/// Hosts that programs ask without a proxy: by the environment, and as npm is configured.
fn exceptions(sessions: &[Session], context: &Context<'_>) -> (String, String) {
    let own = |name: &str| context.environment.variable(name).filter(|value| !value.is_empty());
    let of_environment = own("no_proxy").or_else(|| own("NO_PROXY")).unwrap_or_default();
    let of_npm = sessions[0].client_settings().no_proxy.clone();
    (of_environment.to_owned(), of_npm.unwrap_or_default())
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
