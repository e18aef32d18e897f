//! What a person can do about a package's own download: the server to reach, and the variables that name a mirror or leave it out.

use super::{
    address::{beginning_of, host_of},
    table::KnownDownload,
};

impl KnownDownload {
    /// The host that is asked first, if it is one for all packages of the row.
    pub fn host(&self) -> Option<String> {
        self.host
            .iter()
            .map(|host| format!("https://{host}/"))
            .chain(self.addresses.first().cloned())
            .find_map(|address| host_of(&address))
    }

    /// Whether this address can be that of a file of the row, by what its addresses begin with.
    pub fn may_be_at(&self, address: &str) -> bool {
        self.addresses.iter().filter_map(|template| beginning_of(template)).any(|it| address.starts_with(&it))
    }

    /// The variables that name mirrors for this package, as a sentence has them.
    pub fn mirror_of(&self, name: &str) -> Option<String> {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let config_name: String = name.chars().map(plain).collect();
        let all = [std::slice::from_ref(self.mirror.as_ref()?), &self.further_mirrors].concat().join(" and ");
        Some(all.replace("{config-name}", config_name.strip_prefix('_').unwrap_or(&config_name)))
    }

    /// Whether the download is left out, by what is set in the environment and, where the package looks there, among npm's settings.
    pub fn is_left_out(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
        setting: &dyn Fn(&str) -> Option<String>,
    ) -> bool {
        self.skip.iter().filter_map(|skip| skip.split_once('=')).any(|(name, value)| {
            variable(name).is_some_and(|set| set == value)
                || (self.skip_is_setting && setting(name).is_some_and(|set| set == value))
        })
    }

    /// What to do where the download fails, or is not wanted: the servers and variables of this package. `host` is the one that is known from elsewhere.
    pub fn advice(&self, name: &str, host: Option<&str>) -> String {
        let own = self.host();
        let reach = reach(host.or(own.as_deref()));
        match (self.mirror_of(name), self.skip.first()) {
            (Some(mirror), Some(skip)) => {
                format!("{reach}, name a mirror with {mirror}, or leave {name}'s download out with {skip}")
            }
            (Some(mirror), None) => format!("{reach}, or name a mirror with {mirror}"),
            (None, Some(skip)) => format!("{reach}, or leave {name}'s download out with {skip}"),
            (None, None) if self.read.is_empty() || self.depends_on.is_some() => {
                general_advice(name, host.or(own.as_deref()))
            }
            (None, None) => format!("{reach}: {name} reads no variable that names a mirror or leaves the download out"),
        }
    }
}

/// What to do about the download of a package whose variables are not known.
pub fn general_advice(name: &str, host: Option<&str>) -> String {
    format!("{}, or see which variable of {name} names a mirror or leaves the download out", reach(host))
}

fn reach(host: Option<&str>) -> String {
    match host {
        Some(host) => format!("run it where {host} can be reached"),
        None => "run it where that server can be reached".to_owned(),
    }
}
