//! The address of a package's own download: a template of the table, filled in.
//!
//! | placeholder | stands for |
//! |---|---|
//! | `{version}` | the package's version |
//! | `{os}`, `{cpu}` | node's names: `linux`, `x64` |
//! | `{libc}` | `glibc` or `musl` on Linux, else `unknown` (node-pre-gyp) |
//! | `{musl}`, `{dash-musl}` | `musl` or `-musl` where that is the C library, else nothing (prebuild-install, re2) |
//! | `{exe}` | `.exe` on Windows, else nothing |
//! | `{lib}`, `{so}` | what a library's name begins with (`lib`, on Windows nothing) and ends with (`so`, `dylib`, `dll`) |
//! | `{abi}` | node's ABI: `115` of node 20 |
//! | `{platform}` | the row's own name of the platform |
//! | `{github}` | the forge's host |
//! | any other | a further name of the platform, or a value of the package's own; the row says which, or where it stands |

use std::collections::BTreeMap;

use crate::{
    core::endpoints::GITHUB_HOST,
    plan::selection::{Libc, Os, Platform},
};

use super::table::KnownDownload;

/// What an address is worked out for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The package's version.
    pub version: &'a str,
    /// The platform; a Linux without a C library counts as one with glibc.
    pub platform: Platform,
    /// Node's ABI.
    pub abi: Option<&'a str>,
    /// Values of the package's own, by placeholder.
    pub values: &'a [(&'a str, &'a str)],
}

/// Why an address cannot be worked out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfilledAddress {
    /// The package downloads nothing there.
    #[error("it downloads nothing on {0}")]
    Platform(Platform),
    /// A placeholder without a value.
    #[error("`{{{0}}}` has no value")]
    Placeholder(String),
    /// A brace without its partner.
    #[error("`{0}` is no template")]
    Template(String),
}

impl KnownDownload {
    /// Whether it downloads on this platform.
    pub fn is_on(&self, platform: Platform) -> bool {
        self.platforms.is_empty() || self.platform_name(platform).is_some()
    }

    /// The address that a template of the row comes to.
    pub fn address(&self, template: &str, target: Target<'_>) -> Result<String, UnfilledAddress> {
        if !self.is_on(target.platform) {
            return Err(UnfilledAddress::Platform(target.platform));
        }
        fill(template, |name| self.value(name, target))
    }

    fn platform_name(&self, platform: Platform) -> Option<&str> {
        name_in(&self.platforms, platform)
    }

    fn value(&self, placeholder: &str, target: Target<'_>) -> Option<String> {
        let platform = target.platform;
        let value = match placeholder {
            "version" => target.version,
            "os" => platform.os.name(),
            "cpu" => platform.cpu.name(),
            "libc" if platform.os != Os::Linux => "unknown",
            "libc" => platform.libc.unwrap_or(Libc::Glibc).name(),
            "musl" => {
                if is_musl(platform) {
                    "musl"
                } else {
                    ""
                }
            }
            "dash-musl" => {
                if is_musl(platform) {
                    "-musl"
                } else {
                    ""
                }
            }
            "exe" if platform.os == Os::Win32 => ".exe",
            "lib" if platform.os != Os::Win32 => "lib",
            "exe" | "lib" => "",
            "so" => match platform.os {
                Os::Win32 => "dll",
                Os::Darwin => "dylib",
                _ => "so",
            },
            "abi" => target.abi?,
            "platform" => self.platform_name(platform)?,
            "github" => GITHUB_HOST,
            own => match self.names.get(own) {
                Some(names) => name_in(names, platform)?,
                None => target.values.iter().find(|(name, _)| *name == own)?.1,
            },
        };
        Some(value.to_owned())
    }
}

/// What a platform is called: with musl, by a name for that if there is one.
fn name_in(names: &BTreeMap<String, String>, platform: Platform) -> Option<&str> {
    let name = format!("{}-{}", platform.os.name(), platform.cpu.name());
    let of_musl = is_musl(platform).then(|| names.get(&format!("{name}-musl"))).flatten();
    of_musl.or_else(|| names.get(&name)).map(String::as_str)
}

fn is_musl(platform: Platform) -> bool {
    platform.os == Os::Linux && platform.libc == Some(Libc::Musl)
}

/// Puts values in place of `{placeholders}`.
fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, UnfilledAddress> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or_else(|| UnfilledAddress::Template(template.to_owned()))?;
        filled.push_str(before);
        filled.push_str(&value(name).ok_or_else(|| UnfilledAddress::Placeholder(name.to_owned()))?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// What every address of a template begins with: the text before the first value of a package, if that is more than a host.
pub(super) fn beginning_of(template: &str) -> Option<String> {
    let literal = template.replace("{github}", GITHUB_HOST);
    let beginning = literal.split('{').next()?;
    let path = beginning.strip_prefix("https://")?.split_once('/')?.1;
    (!path.is_empty()).then(|| beginning.to_owned())
}

/// The host of a template, unless a value of the package's own decides it.
pub(super) fn host_of(template: &str) -> Option<String> {
    let host = template.strip_prefix("https://")?.split('/').next()?;
    fill(host, |name| (name == "github").then(|| GITHUB_HOST.to_owned())).ok()
}
