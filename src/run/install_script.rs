//! Why an install script failed: a download of its own. No lockfile names what such a script fetches, so larder has nothing to give it. npm logs what the script printed,
//! and from that larder names the package, the host and the package's variable for a mirror. Pure.
//! What to do about it comes from the table of packages that download files themselves.

use std::fmt;

use crate::npm::own_downloads::{KnownDownload, general_advice};

/// What scripts and the libraries that they use say when they cannot reach a server.
const REASONS: [&str; 12] = [
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ENETUNREACH",
    "EHOSTUNREACH",
    "UND_ERR_CONNECT_TIMEOUT",
    "getaddrinfo",
    "fetch failed",
    "socket hang up",
    "Could not resolve host",
];

/// An install script that ended because it could not reach a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailedDownload {
    /// The package's name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// What the script said of its request: one of a fixed list of words.
    pub(crate) reason: &'static str,
    /// The host, perhaps with its port, if the script named it.
    pub(crate) host: Option<String>,
}

impl fmt::Display for FailedDownload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, version, reason, host } = self;
        let server = host.as_deref().unwrap_or("a server");
        write!(
            f,
            "{name} {version}: its install script could not reach {server} ({reason})\n  larder.lock does not have what it downloads, so larder does not store it"
        )
    }
}

impl FailedDownload {
    /// What to do about it: the variables of this package, if it is known.
    pub(crate) fn hint(&self) -> String {
        let (name, host) = (&self.name, self.host.as_deref());
        let advice = match KnownDownload::of(name, &self.version) {
            Some(known) => known.advice(name, host),
            None => general_advice(name, host),
        };
        format!("record it where there is a network (`larder record -- npm ci`), or {advice}")
    }
}

/// The install script of a dependency whose failure ended npm, if it failed for the network.
pub(crate) fn failed_download(log: &str) -> Option<FailedDownload> {
    let said = |level: &'static str| log.lines().filter_map(move |line| message(line, level));
    let is_dependency = said("error").any(|text| text.starts_with("path ") && text.contains("/node_modules/"));
    let is_script = said("error").any(|text| text == "command failed");
    if !is_dependency || !is_script {
        return None;
    }
    let package = said("verbose").filter_map(|text| text.strip_prefix("pkgid ")).next_back()?;
    let (name, version) = package.trim().rsplit_once('@').filter(|(name, _)| !name.is_empty())?;
    // npm quotes the script before what it printed.
    let printed = || said("error").filter(|text| !text.starts_with("command ") && !text.starts_with("path "));
    let reason = REASONS.into_iter().find(|reason| printed().any(|text| text.contains(reason)))?;
    Some(FailedDownload {
        name: plain(name)?,
        version: plain(version)?,
        reason,
        host: printed().find_map(host_after_reason).or_else(|| printed().find_map(named_host)),
    })
}

/// `26 error text`: the text, if the line is of this level. npm pads nothing but the level of the next word.
fn message<'a>(line: &'a str, level: &str) -> Option<&'a str> {
    let (number, rest) = line.split_once(' ')?;
    let is_numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    rest.strip_prefix(level).filter(|_| is_numbered)?.strip_prefix(' ')
}

/// `getaddrinfo ENOTFOUND host`, `connect ECONNREFUSED 192.0.2.1:443`, `Could not resolve host: host`.
fn host_after_reason(text: &str) -> Option<String> {
    REASONS.iter().find_map(|reason| {
        let after = text.split_once(reason)?.1.trim_start_matches([':', ' ']);
        host(after.split([' ', ',', '\'', '"']).next()?)
    })
}

/// `hostname: 'host',`
fn named_host(text: &str) -> Option<String> {
    host(text.trim().strip_prefix("hostname: '")?.split('\'').next()?)
}

/// A host and perhaps a port: with a dot or a colon, so that no other word passes for one.
fn host(word: &str) -> Option<String> {
    let word = word.trim_end_matches(['.', ':', ')']);
    let is_host = word.contains(['.', ':']) || word == "localhost";
    is_host.then(|| plain(word)).flatten()
}

/// Names and hosts come from a script's output: nothing else than letters, digits and a few signs gets to the terminal.
fn plain(word: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:@/+[]~".contains(&byte);
    (!word.is_empty() && word.len() <= 256 && word.bytes().all(is_plain)).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(package: &str, path: &str, printed: &[&str]) -> String {
        let printed: Vec<String> = printed.iter().map(|line| format!("26 error {line}\n")).collect();
        format!(
            "18 info run {package} postinstall node_modules/x node -e \"fetch failed ENOTFOUND\"\n\
             20 verbose stack Error: command failed\n21 verbose pkgid {package}\n22 error code 1\n23 error path {path}\n\
             24 error command failed\n25 error command sh -c node -e \"fetch failed ENOTFOUND in.the.script.example\"\n{}\
             33 verbose cwd /app\n",
            printed.concat()
        )
    }

    fn failed(name: &str, version: &str, reason: &'static str, host: Option<&str>) -> FailedDownload {
        FailedDownload { name: name.to_owned(), version: version.to_owned(), reason, host: host.map(str::to_owned) }
    }

    #[test]
    fn a_script_that_could_not_reach_a_server_is_told_with_its_package_and_host() {
        let path = "/app/node_modules/@scope/dep";
        for (printed, reason, host) in [
            (&["Error: getaddrinfo ENOTFOUND files.example"][..], "ENOTFOUND", Some("files.example")),
            (&["connect ECONNREFUSED 192.0.2.1:443"], "ECONNREFUSED", Some("192.0.2.1:443")),
            (&["code: 'EAI_AGAIN',", "  hostname: 'cdn.example',"], "EAI_AGAIN", Some("cdn.example")),
            (&["curl: (6) Could not resolve host: mirror.example"], "Could not resolve host", Some("mirror.example")),
            (&["TypeError: fetch failed"], "fetch failed", None),
            (&["Error: getaddrinfo ENOTFOUND \u{1b}[31mfiles.example"], "ENOTFOUND", None),
        ] {
            let found = failed_download(&log("@scope/dep@1.2.3", path, printed));
            assert_eq!(found, Some(failed("@scope/dep", "1.2.3", reason, host)), "{printed:?}");
        }
    }

    #[test]
    fn a_script_that_failed_for_something_else_or_is_no_dependencys_is_not() {
        let path = "/app/node_modules/dep";
        assert_eq!(failed_download(&log("dep@1.0.0", path, &["Error: no compiler"])), None);
        assert_eq!(failed_download(&log("app@1.0.0", "/app", &["getaddrinfo ENOTFOUND files.example"])), None);
        assert_eq!(failed_download("26 error getaddrinfo ENOTFOUND files.example\n"), None);
        assert_eq!(failed_download(""), None);
    }

    #[test]
    fn the_hint_names_the_variables_that_the_package_reads() {
        let hint = |name, version| failed(name, version, "ENOTFOUND", Some("files.example")).hint();
        assert_eq!(
            hint("cypress", "13.17.0"),
            "record it where there is a network (`larder record -- npm ci`), or run it where files.example can be reached, name a mirror with CYPRESS_DOWNLOAD_MIRROR, or leave cypress's download out with CYPRESS_INSTALL_BINARY=0"
        );
        assert!(hint("sqlite3", "6.0.1").ends_with("or name a mirror with npm_config_sqlite3_binary_host"));
        assert!(hint("onnxruntime-node", "1.21.0").ends_with("download out with ONNXRUNTIME_NODE_INSTALL_CUDA=skip"));
        assert!(hint("dep", "1.0.0").contains("see which variable of dep names a mirror"));
        assert!(hint("better-sqlite3", "13.0.0").contains("see which variable of better-sqlite3 names a mirror"));
    }
}
