//! How the network is reached: proxies, certificates, retries and timeouts.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use url::Url;

use super::{
    NpmrcError, NpmrcWarning, Origin,
    layers::{Found, Layers, read_file},
};
use crate::core::environment::Environment;

/// Proxies, certificates, retries and timeouts. What is `None` was not configured.
#[derive(Clone, Debug)]
pub struct NetworkSettings {
    /// The proxy for `http:` addresses.
    pub http_proxy: Option<Proxy>,
    /// The proxy for `https:` addresses.
    pub https_proxy: Option<Proxy>,
    /// Hosts, domains and networks that are reached without a proxy, as written (`localhost`, `.example`, `10.0.0.0/8`, `*`).
    pub no_proxy: Vec<String>,
    /// Certificates to trust beside the system's: `ca`, `cafile` and `NODE_EXTRA_CA_CERTS`.
    /// (The loader of the system's certificates itself honours `SSL_CERT_FILE`.)
    pub extra_certificates: Vec<PemFile>,
    /// Whether a server's certificate is verified. False only by `strict-ssl=false`.
    pub verify_tls: bool,
    /// How often a request is tried again.
    pub fetch_retries: Option<u32>,
    /// The shortest wait before a request is tried again.
    pub fetch_retry_min_timeout: Option<Duration>,
    /// The longest wait before a request is tried again.
    pub fetch_retry_max_timeout: Option<Duration>,
    /// How long a request may take without a byte.
    pub fetch_timeout: Option<Duration>,
    /// How many connections to one host are open at once.
    pub max_sockets: Option<u32>,
    /// Where only the project's files say how a server is reached and known: then, how the user's own configuration has it.
    pub of_project: Option<OfProject>,
    /// Whether the user says that the project's files count like the user's own.
    pub trusts_project: bool,
}

/// What only the project's files say about the way to a server, and what the user's own configuration says in their place.
#[derive(Clone, Debug)]
pub struct OfProject {
    /// The setting that names the proxy for `http:` addresses.
    pub http_proxy: Option<String>,
    /// The setting that names the proxy for `https:` addresses.
    pub https_proxy: Option<String>,
    /// The settings by which servers are trusted that the user's own configuration may not trust.
    pub trust: Vec<String>,
    /// The certificates that the user's own configuration trusts beside the system's.
    pub own_certificates: Vec<PemFile>,
    /// Whether it has certificates verified, or the project does.
    pub verifies_tls: bool,
}

/// A proxy's address. It can hold a user name and a password; `Debug` and `Display` leave them out.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Url);

impl Proxy {
    /// The address with user name and password. For the client, and for nothing else.
    pub fn expose_url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// `http://proxy.example:3128`.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port_or_known_default().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Certificates in PEM form, and where they stand.
#[derive(Clone, PartialEq, Eq)]
pub struct PemFile {
    /// The file; `None` if the text stands in the configuration itself (`ca`).
    pub path: Option<PathBuf>,
    /// The setting that names it.
    pub origin: Origin,
    /// The bytes, not yet parsed. One or more certificates.
    pub bytes: Arc<[u8]>,
}

/// Without the bytes: a file of certificates can hold a private key too.
impl fmt::Debug for PemFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemFile")
            .field("path", &self.path)
            .field("origin", &self.origin)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

impl NetworkSettings {
    pub(super) fn read(
        layers: &Layers,
        environment: &Environment,
        warnings: &mut Vec<NpmrcWarning>,
    ) -> Result<Self, NpmrcError> {
        let proxies = Proxies::read(environment, warnings, |key| layers.find(key))?;
        let verifies_tls = verify_tls(layers, warnings);
        Ok(Self {
            no_proxy: no_proxy(layers, environment),
            extra_certificates: extra_certificates(environment, warnings, |key| layers.find(key))?,
            verify_tls: verifies_tls,
            fetch_retries: number(layers, "fetch-retries", warnings),
            fetch_retry_min_timeout: milliseconds(layers, "fetch-retry-mintimeout", warnings),
            fetch_retry_max_timeout: milliseconds(layers, "fetch-retry-maxtimeout", warnings),
            fetch_timeout: milliseconds(layers, "fetch-timeout", warnings),
            max_sockets: number(layers, "maxsockets", warnings),
            trusts_project: false,
            of_project: OfProject::read(layers, environment, &proxies, verifies_tls)?,
            http_proxy: proxies.for_http.map(|(proxy, _)| proxy),
            https_proxy: proxies.for_https.map(|(proxy, _)| proxy),
        })
    }
}

impl OfProject {
    /// `None` if the project's files say nothing of the kind, as nearly always: then the user's are not looked at again.
    fn read(
        layers: &Layers,
        environment: &Environment,
        proxies: &Proxies,
        verifies_tls: bool,
    ) -> Result<Option<Self>, NpmrcError> {
        // `strict-ssl=false` says nothing by the measure of the others.
        let is_said = |found: &Found<'_>| found.key == "strict-ssl" || !found.is_nothing();
        let is_of_project = |key: &str| layers.find(key).filter(|found| found.level.is_of_project() && is_said(found));
        let named: Vec<Found<'_>> = ["ca", "cafile", "strict-ssl"].into_iter().filter_map(is_of_project).collect();
        let has_proxy = |proxy: &Option<(Proxy, Option<String>)>| matches!(proxy, Some((_, Some(_))));
        if named.is_empty() && !has_proxy(&proxies.for_http) && !has_proxy(&proxies.for_https) {
            return Ok(None);
        }
        // What is odd about the user's files is told where they count.
        let mut unsaid = Vec::new();
        let own = Proxies::read(environment, &mut unsaid, |key| layers.find_own(key))?;
        let only_of_project = |ours: &Option<(Proxy, Option<String>)>, own: &Option<(Proxy, Option<String>)>| {
            let (proxy, line) = ours.as_ref()?;
            let is_same = own.as_ref().is_some_and(|(own, _)| own == proxy);
            line.clone().filter(|_| !is_same)
        };
        let own_verifies = layers.find_own("strict-ssl").and_then(|found| found.flag()).unwrap_or(true);
        let is_trust = |found: &&Found<'_>| match found.key {
            "strict-ssl" => !verifies_tls && own_verifies,
            "cafile" => layers.find_own("cafile").is_none_or(|own| own.path() != found.path()),
            key => layers.find_own(key).is_none_or(|own| !own.texts().eq(found.texts())),
        };
        let of_project = Self {
            http_proxy: only_of_project(&proxies.for_http, &own.for_http),
            https_proxy: only_of_project(&proxies.for_https, &own.for_https),
            trust: named.iter().filter(is_trust).map(Found::line).collect(),
            own_certificates: extra_certificates(environment, &mut unsaid, |key| layers.find_own(key))?,
            verifies_tls: verifies_tls || own_verifies,
        };
        let says_nothing =
            of_project.http_proxy.is_none() && of_project.https_proxy.is_none() && of_project.trust.is_empty();
        Ok(Some(of_project).filter(|_| !says_nothing))
    }
}

/// Each proxy with the project's setting that names it, if one does.
struct Proxies {
    for_http: Option<(Proxy, Option<String>)>,
    for_https: Option<(Proxy, Option<String>)>,
}

impl Proxies {
    /// As in npm, one that npm is configured with is for both, `https-proxy` before `proxy`; of the
    /// environment's, `HTTPS_PROXY` is for both, and `HTTP_PROXY` and `PROXY` are for `http:` where it is not set. yarn has one for each.
    fn read<'a>(
        environment: &Environment,
        warnings: &mut Vec<NpmrcWarning>,
        find: impl Fn(&str) -> Option<Found<'a>>,
    ) -> Result<Self, NpmrcError> {
        let mut configured = |key: &str| {
            let Some(found) = find(key).filter(|found| !found.is_nothing()) else { return Ok(None) };
            if let Some(variable) = found.unset.first() {
                warnings.push(unset(found, variable));
                return Ok(None);
            }
            let proxy = Proxy::parse(found.text().unwrap_or_default(), found.origin, key)?;
            Ok(Some((proxy, found.level.is_of_project().then(|| found.line()))))
        };
        let for_both = match configured("https-proxy")? {
            Some(proxy) => Some(proxy),
            None => configured("proxy")?,
        };
        if let Some(proxy) = for_both {
            return Ok(Self { for_http: Some(proxy.clone()), for_https: Some(proxy) });
        }
        let yarns = [configured("yarn:http-proxy")?, configured("yarn:https-proxy")?];
        let from_environment = |names: &[&str]| {
            let found = names.iter().find_map(|name| variable_in_any_case(environment, name));
            let proxy = found.map(|(name, text)| Proxy::parse(text, &Origin::Environment, name)).transpose()?;
            Ok(proxy.map(|proxy| (proxy, None)))
        };
        let [http, https] = yarns;
        Ok(Self {
            for_http: http
                .map_or_else(|| from_environment(&["https_proxy", "http_proxy", "proxy"]), |it| Ok(Some(it)))?,
            for_https: https.map_or_else(|| from_environment(&["https_proxy"]), |it| Ok(Some(it)))?,
        })
    }
}

impl Proxy {
    /// An address, `http:` if it names no scheme (`proxy.example:3128`).
    fn parse(text: &str, origin: &Origin, key: &str) -> Result<Self, NpmrcError> {
        let key = match key {
            "yarn:http-proxy" => "httpProxy",
            "yarn:https-proxy" => "httpsProxy",
            key => key,
        };
        let text = text.trim();
        let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
        let Some(url) = url.ok().filter(Url::has_host) else {
            return Err(NpmrcError::NoAddress { origin: origin.clone(), key: key.to_owned() });
        };
        match url.scheme() {
            "http" | "https" => Ok(Self(url)),
            scheme => {
                Err(NpmrcError::UnknownProxy { origin: origin.clone(), key: key.to_owned(), scheme: scheme.to_owned() })
            }
        }
    }
}

fn no_proxy(layers: &Layers, environment: &Environment) -> Vec<String> {
    let configured: Vec<&str> = ["noproxy", "no-proxy"]
        .iter()
        .find_map(|key| layers.find(key).filter(|found| !found.is_nothing()))
        .map(|found| found.texts().collect())
        .unwrap_or_default();
    let texts = if configured.is_empty() {
        variable_in_any_case(environment, "no_proxy").map(|(_, text)| text).into_iter().collect()
    } else {
        configured
    };
    let parts = texts.iter().flat_map(|text| text.split([',', '\n'])).map(str::trim);
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// A variable that is not empty, by its name in lower case, in upper case, or in any other, in this order.
fn variable_in_any_case<'a>(environment: &'a Environment, lower: &str) -> Option<(&'a str, &'a str)> {
    let rank = |name: &str| (name != lower, name != lower.to_uppercase());
    environment
        .variables()
        .filter(|(name, value)| name.eq_ignore_ascii_case(lower) && !value.trim().is_empty())
        .min_by_key(|(name, _)| rank(name))
}

fn extra_certificates<'a>(
    environment: &Environment,
    warnings: &mut Vec<NpmrcWarning>,
    find: impl Fn(&str) -> Option<Found<'a>>,
) -> Result<Vec<PemFile>, NpmrcError> {
    let mut certificates = Vec::new();
    if let Some(found) = find("ca") {
        for text in found.texts() {
            // Line breaks are often written as the two characters that JSON has for one.
            let bytes = text.replace("\\n", "\n").into_bytes().into();
            certificates.push(PemFile { path: None, origin: found.origin.clone(), bytes });
        }
    }
    let cafile = find("cafile").and_then(|found| Some((found.path()?, found.origin.clone())));
    let from_node = environment
        .variable_os("NODE_EXTRA_CA_CERTS")
        .filter(|path| !path.is_empty())
        .map(|path| (environment.current_dir().join(path), Origin::Environment));
    for (path, origin) in cafile.into_iter().chain(from_node) {
        certificates.extend(read_certificates(&path, origin, warnings)?);
    }
    Ok(certificates)
}

/// A file that does not exist is a warning: npm and node go on without it, and the system's certificates may do.
fn read_certificates(
    path: &Path,
    origin: Origin,
    warnings: &mut Vec<NpmrcWarning>,
) -> Result<Option<PemFile>, NpmrcError> {
    let bytes =
        read_file(path).map_err(|source: io::Error| NpmrcError::Unreadable { path: path.to_owned(), source })?;
    let Some(bytes) = bytes else {
        warnings.push(NpmrcWarning::NoCertificateFile { path: path.to_owned(), origin });
        return Ok(None);
    };
    Ok(Some(PemFile { path: Some(path.to_owned()), origin, bytes: bytes.into() }))
}

fn verify_tls(layers: &Layers, warnings: &mut Vec<NpmrcWarning>) -> bool {
    let Some(found) = layers.find("strict-ssl") else { return true };
    let Some(verify) = found.flag() else {
        if !found.is_nothing() {
            warnings.push(not_understood(found, "true or false"));
        }
        return true;
    };
    if !verify {
        warnings.push(NpmrcWarning::TlsVerificationOff { origin: found.origin.clone(), key: found.key.to_owned() });
    }
    verify
}

fn number(layers: &Layers, key: &str, warnings: &mut Vec<NpmrcWarning>) -> Option<u32> {
    let found = layers.find(key).filter(|found| !found.is_nothing())?;
    let number = found.text().and_then(|text| text.trim().parse().ok());
    if number.is_none() {
        warnings.push(not_understood(found, "a whole number"));
    }
    number
}

fn milliseconds(layers: &Layers, key: &str, warnings: &mut Vec<NpmrcWarning>) -> Option<Duration> {
    number(layers, key, warnings).map(|count| Duration::from_millis(count.into()))
}

fn not_understood(found: Found<'_>, accepted: &'static str) -> NpmrcWarning {
    NpmrcWarning::NotUnderstood { origin: found.origin.clone(), key: found.key.to_owned(), accepted }
}

fn unset(found: Found<'_>, variable: &str) -> NpmrcWarning {
    NpmrcWarning::UnsetVariable {
        origin: found.origin.clone(),
        key: found.key.to_owned(),
        variable: variable.to_owned(),
    }
}
