//! The addresses of a package's own downloads on every platform and for every ABI that is asked for, each with what of a platform it says. Pure.
//!
//! An address is for whatever platforms lead to it: where glibc and musl, or two processors, have one file, its row names neither. So a row does not depend on which platforms a
//! project selects.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    address::{Target, UnfilledAddress},
    table::{DigestSource, KnownDownload},
};
use crate::{
    lockfile::larder_lock::{PlatformWord, RecordedLibc, RecordedPlatform},
    plan::selection::{Cpu, Libc, Os, Platform, Platforms},
};

/// Where a row names no platforms and all are asked for.
const USUAL: [(Os, Cpu, Option<Libc>); 7] = [
    (Os::Linux, Cpu::X64, Some(Libc::Glibc)),
    (Os::Linux, Cpu::X64, Some(Libc::Musl)),
    (Os::Linux, Cpu::Arm64, Some(Libc::Glibc)),
    (Os::Linux, Cpu::Arm64, Some(Libc::Musl)),
    (Os::Darwin, Cpu::X64, None),
    (Os::Darwin, Cpu::Arm64, None),
    (Os::Win32, Cpu::X64, None),
];

/// What the addresses are worked out from.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// Templates of the addresses in place of the row's, where the package itself says them.
    pub templates: Option<&'a [String]>,
    /// The package's version.
    pub version: &'a str,
    /// The platforms that are selected.
    pub platforms: &'a Platforms,
    /// The ABIs of the versions of node that the project runs on.
    pub abis: &'a [u16],
    /// Values of the package's own, by placeholder.
    pub values: &'a BTreeMap<String, String>,
}

/// An address that a package asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedAddress {
    /// The address.
    pub url: String,
    /// What of a platform it says.
    pub platform: RecordedPlatform,
    /// What is there.
    pub kind: Kind,
}

/// What is at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file; at this address is the digest of it, if at one.
    File {
        /// The address of a file with its digest.
        checksums: Option<String>,
    },
    /// A small answer, which is kept as it is.
    Answer,
}

/// What came of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    /// The addresses, sorted, each once.
    pub addresses: Vec<ExpectedAddress>,
    /// Placeholders that no value is known of: their addresses are not among them.
    pub unknown: BTreeSet<String>,
}

/// The addresses of a row.
pub fn expand(known: &KnownDownload, given: Given<'_>) -> Expanded {
    let mut expanded = Expanded::default();
    let mut found: BTreeMap<String, ExpectedAddress> = BTreeMap::new();
    let targets = targets(known, given.platforms);
    let mut add = |template: &str, suffix: &str, kind: &dyn Fn(Platform, Option<u16>) -> Kind| {
        for platform in &targets {
            for abi in abis(template, given.abis) {
                match fill(known, template, given, *platform, abi) {
                    Ok(url) => {
                        let url = format!("{url}{suffix}");
                        found.entry(url.clone()).or_insert_with(|| ExpectedAddress {
                            platform: said_by(known, template, given, *platform, abi),
                            kind: kind(*platform, abi),
                            url,
                        });
                    }
                    Err(UnfilledAddress::Placeholder(name)) => {
                        expanded.unknown.insert(name);
                    }
                    Err(UnfilledAddress::Platform(_) | UnfilledAddress::Template(_)) => {}
                }
            }
        }
    };
    for template in given.templates.unwrap_or(&known.addresses) {
        let file = |platform, abi| kind_of(known, template, given, platform, abi);
        add(template, "", &file);
        match &known.digest {
            DigestSource::Beside { suffix } => add(template, suffix, &|_, _| Kind::Answer),
            DigestSource::List { address } => add(address, "", &|_, _| Kind::Answer),
            DigestSource::Package { .. } | DigestSource::None => {}
        }
    }
    for template in &known.answers {
        add(template, "", &|_, _| Kind::Answer);
    }
    expanded.addresses = found.into_values().collect();
    expanded
}

fn kind_of(known: &KnownDownload, template: &str, given: Given<'_>, platform: Platform, abi: Option<u16>) -> Kind {
    // An index is asked for what it says, and says something else tomorrow.
    if template.rsplit_once('.').is_some_and(|(_, extension)| extension == "json") {
        return Kind::Answer;
    }
    let checksums = match &known.digest {
        DigestSource::Beside { suffix } => {
            fill(known, template, given, platform, abi).ok().map(|url| format!("{url}{suffix}"))
        }
        DigestSource::List { address } => fill(known, address, given, platform, abi).ok(),
        DigestSource::Package { .. } | DigestSource::None => None,
    };
    Kind::File { checksums }
}

/// The ABIs that a template is filled for.
fn abis(template: &str, abis: &[u16]) -> Vec<Option<u16>> {
    if template.contains("{abi}") && !abis.is_empty() { abis.iter().copied().map(Some).collect() } else { vec![None] }
}

fn fill(
    known: &KnownDownload,
    template: &str,
    given: Given<'_>,
    platform: Platform,
    abi: Option<u16>,
) -> Result<String, UnfilledAddress> {
    let values: Vec<(&str, &str)> = given.values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let abi = abi.map(|abi| abi.to_string());
    known.address(template, Target { version: given.version, platform, abi: abi.as_deref(), values: &values })
}

/// The platforms that a row is worked out for. A Linux without a C library is one with each.
fn targets(known: &KnownDownload, platforms: &Platforms) -> BTreeSet<Platform> {
    match platforms {
        Platforms::All => known_platforms(known).unwrap_or_else(|| USUAL.map(platform).into()),
        Platforms::Only(platforms) => platforms.iter().flat_map(|platform| with_libc(*platform)).collect(),
    }
}

fn platform((os, cpu, libc): (Os, Cpu, Option<Libc>)) -> Platform {
    Platform { os, cpu, libc }
}

fn with_libc(platform: Platform) -> Vec<Platform> {
    match platform {
        Platform { os: Os::Linux, libc: None, .. } => {
            [Libc::Glibc, Libc::Musl].map(|libc| Platform { libc: Some(libc), ..platform }).to_vec()
        }
        other => vec![other],
    }
}

/// The platforms that a row names; `None` if it names none, and is for all.
fn known_platforms(known: &KnownDownload) -> Option<BTreeSet<Platform>> {
    let named = known.platforms.keys().filter_map(|name| Platform::parse(&name.replace('-', "/")).ok());
    let named: BTreeSet<Platform> = named.flat_map(with_libc).collect();
    (!named.is_empty()).then_some(named)
}

/// What of a platform an address says: what all platforms have in common that lead to it.
fn said_by(
    known: &KnownDownload,
    template: &str,
    given: Given<'_>,
    platform: Platform,
    abi: Option<u16>,
) -> RecordedPlatform {
    let address = fill(known, template, given, platform, abi);
    let all = known_platforms(known).unwrap_or_else(|| around(platform));
    let same: Vec<Platform> =
        all.into_iter().filter(|other| fill(known, template, given, *other, abi) == address).collect();
    let has_one = |is_ours: &dyn Fn(&Platform) -> bool| same.iter().all(is_ours);
    let is_linux = platform.os == Os::Linux && has_one(&|other| other.os == Os::Linux);
    let libc = platform.libc.filter(|libc| is_linux && has_one(&|other| other.libc == Some(*libc)));
    RecordedPlatform {
        os: has_one(&|other| other.os == platform.os).then(|| PlatformWord::os(platform.os.name()).ok()).flatten(),
        cpu: has_one(&|other| other.cpu == platform.cpu).then(|| PlatformWord::cpu(platform.cpu.name()).ok()).flatten(),
        libc: libc.map(|libc| match libc {
            Libc::Glibc => RecordedLibc::Glibc,
            Libc::Musl => RecordedLibc::Musl,
        }),
        abi,
    }
}

/// Platforms that differ from this one in each respect.
fn around(platform: Platform) -> BTreeSet<Platform> {
    let all = USUAL.into_iter().map(self::platform).chain(with_libc(platform));
    all.flat_map(|other| [Platform { os: platform.os, ..other }, Platform { cpu: platform.cpu, ..other }, other])
        .map(|other| if other.os == Os::Linux { other } else { Platform { libc: None, ..other } })
        .flat_map(with_libc)
        .collect()
}

#[cfg(test)]
#[path = "expand_tests.rs"]
mod tests;
