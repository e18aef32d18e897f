//! `larder run --isolate`: the command in a network of its own, where names lead to larder; its files, its environment, and what is told of it at the end.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::Permissions,
    net::Ipv4Addr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{
    replay::{OFFLINE, RunProxyError, added_by_user, others_of_user, tell, write},
    run_dir::RunDir,
    wgetrc::{self, WGETRC},
};
use crate::{
    commands::{
        context::Context,
        error::{CommandError, EndsCommand},
    },
    http::root_bundle,
    isolation::{
        EVERY_HOST, IsolationError, Places, add_address, enter, java_roots, put_over,
        system_files::{
            ASK_LOOPBACK, BUNDLES, HOSTNAME, HOSTS, JAVA_BUNDLES, NAME_CACHES, NSSWITCH_CONF, RESOLV_CONF, hosts,
            nsswitch,
        },
    },
    proxy::{ByName, Listening},
    run::client_env::{
        contradicting,
        isolated::{is_of_proxies, variables},
    },
    session::{Replay, Session},
};

/// The port of servers of names.
const DNS: u16 = 53;

impl EndsCommand for IsolationError {
    fn hint(&self) -> Option<String> {
        self.hint()
    }
}

/// The process is in a network of its own, where nobody answers yet.
pub(in crate::commands) struct Isolation(());

/// A run in a network of its own, where larder answers.
pub(super) struct IsolatedRun {
    by_name: ByName,
    added: PathBuf,
    all: PathBuf,
    wgetrc: PathBuf,
}

impl Isolation {
    /// Enters the network. Before any thread is started: a user namespace is entered with one alone.
    pub(super) fn enter() -> Result<Self, CommandError> {
        enter()?;
        Ok(Self(()))
    }

    /// Answers there.
    pub(super) fn serve(
        self,
        sessions: &[Session],
        run_dir: &RunDir,
        context: &Context<'_>,
    ) -> Result<IsolatedRun, CommandError> {
        let Self(()) = self;
        let replay = Replay::of(sessions).map_err(RunProxyError::from)?;
        let settings = sessions[0].client_settings();
        // One that a file of the user's names is asked for by its name, whatever the environment says.
        let proxies = [&settings.http_proxy, &settings.https_proxy].into_iter().flatten();
        let of_proxies = proxies.filter_map(|url| Some((url.host()?.to_owned(), url.port_or_known_default()?)));
        let places = reachable(Places::of(replay.hosts().iter().cloned().chain(of_proxies)))?;
        let listening = Listening {
            dns: (Ipv4Addr::LOCALHOST, DNS).into(),
            every_host: EVERY_HOST,
            sockets: places.sockets.iter().copied().collect(),
        };
        let by_name = ByName::start(Box::new(replay), OFFLINE, context.now, &listening).map_err(RunProxyError::from)?;
        let certificate = by_name.certificate().as_bytes();
        let (added, all) = (run_dir.path().join("authority.pem"), run_dir.path().join("certificates.pem"));
        let added_by_user = added_by_user(context);
        write(&added, &[&added_by_user, certificate])?;
        let roots = root_bundle(&settings.extra_certificates);
        let trusted = [&roots, &added_by_user, &others_of_user(context), certificate].concat();
        write(&all, &[&trusted])?;
        replace_files(&places, run_dir.path())?;
        replace_certificates(&all, &trusted, run_dir.path(), context)?;
        let wgetrc = run_dir.path().join("wgetrc");
        write(&wgetrc, &[&wgetrc::text(&all, None, context.environment)])?;
        Ok(IsolatedRun { by_name, added, all, wgetrc })
    }
}

impl IsolatedRun {
    /// Changes the variables to unset and those to set: none is about a proxy, and programs are told of the certificates.
    pub(super) fn change(&self, unset: &mut Vec<OsString>, set: &mut Vec<(OsString, OsString)>, context: &Context<'_>) {
        let inherited = || context.environment.variables().map(|(name, _)| name);
        let mut added = variables(&self.added, &self.all);
        added.push((WGETRC.into(), self.wgetrc.clone().into()));
        unset.extend(inherited().filter(|name| is_of_proxies(name)).map(OsString::from));
        unset.extend(contradicting(inherited(), &added));
        set.retain(|(name, _)| !is_of_proxies(&name.to_string_lossy()));
        set.extend(added);
    }

    /// Tells what was refused; see [`tell`].
    pub(super) fn tell(&self, context: &Context<'_>) -> Vec<String> {
        tell(&self.by_name.report(), context)
    }
}

/// The places, with the addresses that they need. Where there is no IPv6, nobody asks for its addresses.
fn reachable(mut places: Places) -> Result<Places, IsolationError> {
    for address in std::mem::take(&mut places.addresses) {
        match add_address(address) {
            Err(error) if address.is_ipv6() => {
                tracing::debug!(%error, %address, "not in the run's network");
                places.sockets.retain(|socket| socket.ip() != address);
            }
            added => added?,
        }
    }
    Ok(places)
}

/// Puts files of the run's in the place of those that say where names come from. What the system does not have is not needed.
fn replace_files(places: &Places, folder: &Path) -> Result<(), IsolationError> {
    let own_name = std::fs::read_to_string(HOSTNAME).unwrap_or_default();
    let hosts = |text: &str| hosts(text, own_name.trim(), &places.names);
    replace(RESOLV_CONF, &folder.join("resolv.conf"), |_| ASK_LOOPBACK.to_owned())?;
    replace(HOSTS, &folder.join("hosts"), hosts)?;
    replace(NSSWITCH_CONF, &folder.join("nsswitch.conf"), nsswitch)?;
    let empty = folder.join("no-name-cache");
    for place in existing(&NAME_CACHES) {
        std::fs::create_dir_all(&empty).map_err(|source| IsolationError::Write { path: empty.clone(), source })?;
        put_over(&empty, &place)?;
    }
    Ok(())
}

fn replace(place: &str, new: &Path, text: impl Fn(&str) -> String) -> Result<(), IsolationError> {
    // Of one that cannot be read, programs read nothing either.
    let Ok(now) = std::fs::read(place) else { return Ok(()) };
    let text = text(&String::from_utf8_lossy(&now));
    std::fs::write(new, text).map_err(|source| IsolationError::Write { path: new.to_owned(), source })?;
    cover(new, Path::new(place))
}

/// Puts the run's certificates in the place of the system's and of Java's.
fn replace_certificates(all: &Path, pem: &[u8], folder: &Path, context: &Context<'_>) -> Result<(), IsolationError> {
    for place in existing(&BUNDLES) {
        cover(all, &place)?;
    }
    let home = context.environment.variable_os("JAVA_HOME").map(Path::new);
    let mut of_java = java_roots::of_javas(context.environment.search_path(), home);
    of_java.extend(existing(&JAVA_BUNDLES));
    if !of_java.is_empty() {
        let store = folder.join("certificates.jks");
        std::fs::write(&store, java_roots::key_store(pem))
            .map_err(|source| IsolationError::Write { path: store.clone(), source })?;
        for place in of_java {
            cover(&store, &place)?;
        }
    }
    Ok(())
}

/// Puts a file over another. Everybody may read it, whatever the mask of modes is: root's package manager runs scripts as other users.
fn cover(new: &Path, place: &Path) -> Result<(), IsolationError> {
    std::fs::set_permissions(new, Permissions::from_mode(0o644))
        .map_err(|source| IsolationError::Write { path: new.to_owned(), source })?;
    put_over(new, place)
}

/// Those that are there, each once, where links lead.
fn existing(paths: &[&str]) -> BTreeSet<PathBuf> {
    paths.iter().filter_map(|path| Path::new(path).canonicalize().ok()).collect()
}
