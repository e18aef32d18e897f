//! Platforms: read as Docker spells them, compared as npm compares them.

use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::core::artifact::Conditions;

/// Known systems: node's name, Docker's name, the name in Rust's `std::env::consts::OS`.
const SYSTEMS: [(Os, &str, &str, &str); 8] = [
    (Os::Linux, "linux", "linux", "linux"),
    (Os::Darwin, "darwin", "darwin", "macos"),
    (Os::Win32, "win32", "windows", "windows"),
    (Os::FreeBsd, "freebsd", "freebsd", "freebsd"),
    (Os::OpenBsd, "openbsd", "openbsd", "openbsd"),
    (Os::Android, "android", "android", "android"),
    (Os::Sunos, "sunos", "solaris", "solaris"),
    (Os::Aix, "aix", "aix", "aix"),
];

/// Known processors: node's name, Docker's name, the name in Rust's `std::env::consts::ARCH`.
const PROCESSORS: [(Cpu, &str, &str, &str); 8] = [
    (Cpu::X64, "x64", "amd64", "x86_64"),
    (Cpu::Arm64, "arm64", "arm64", "aarch64"),
    (Cpu::Arm, "arm", "arm", "arm"),
    (Cpu::Ia32, "ia32", "386", "x86"),
    (Cpu::Ppc64, "ppc64", "ppc64le", "powerpc64"),
    (Cpu::S390x, "s390x", "s390x", "s390x"),
    (Cpu::Riscv64, "riscv64", "riscv64", "riscv64"),
    (Cpu::Loong64, "loong64", "loong64", "loongarch64"),
];

/// An operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Os {
    /// Linux.
    Linux,
    /// macOS.
    Darwin,
    /// Windows.
    Win32,
    /// FreeBSD.
    FreeBsd,
    /// OpenBSD.
    OpenBsd,
    /// Android.
    Android,
    /// Solaris and illumos.
    Sunos,
    /// AIX.
    Aix,
}

impl Os {
    /// The name that node and npm use.
    pub fn name(self) -> &'static str {
        SYSTEMS.iter().find(|row| row.0 == self).expect("the table has every system").1
    }
}

/// A processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cpu {
    /// x86, 64 bits.
    X64,
    /// ARM, 64 bits.
    Arm64,
    /// ARM, 32 bits, of any variant: node does not tell them apart.
    Arm,
    /// x86, 32 bits.
    Ia32,
    /// POWER, 64 bits.
    Ppc64,
    /// IBM Z.
    S390x,
    /// RISC-V, 64 bits.
    Riscv64,
    /// `LoongArch`, 64 bits.
    Loong64,
}

impl Cpu {
    /// The name that node and npm use.
    pub fn name(self) -> &'static str {
        PROCESSORS.iter().find(|row| row.0 == self).expect("the table has every processor").1
    }
}

/// A C library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Libc {
    /// The GNU C library.
    Glibc,
    /// musl, as in Alpine.
    Musl,
}

impl Libc {
    /// The name that npm uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Glibc => "glibc",
            Self::Musl => "musl",
        }
    }
}

/// A platform that packages run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// The operating system.
    pub os: Os,
    /// The processor.
    pub cpu: Cpu,
    /// The C library; `None`: any. It counts on Linux alone.
    pub libc: Option<Libc>,
}

/// The platforms that optional packages are wanted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Platforms {
    /// All of them.
    All,
    /// These.
    Only(BTreeSet<Platform>),
}

/// A platform that larder does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    /// Not `system/processor`.
    #[error("`{text}` is not a platform: it should look like linux/arm64")]
    Shape {
        /// What was written.
        text: String,
    },
    /// An unknown system.
    #[error("`{system}` in `{text}` is not a system that larder knows: {}", names(SYSTEMS.map(|row| row.2)))]
    System {
        /// What was written.
        text: String,
        /// The part that is unknown.
        system: String,
    },
    /// An unknown processor.
    #[error("`{processor}` in `{text}` is not a processor that larder knows: {}", names(PROCESSORS.map(|row| row.2)))]
    Processor {
        /// What was written.
        text: String,
        /// The part that is unknown.
        processor: String,
    },
    /// An unknown variant or C library.
    #[error("`{variant}` in `{text}` is neither a variant (v6, v7, v8) nor a C library (glibc, musl) of that platform")]
    Variant {
        /// What was written.
        text: String,
        /// The part that is unknown.
        variant: String,
    },
}

fn names<const COUNT: usize>(names: [&str; COUNT]) -> String {
    names.join(", ")
}

impl Platform {
    /// Reads a platform as Docker spells it: `linux/arm64`, `linux/arm/v7`, `windows/amd64`. Node's names (`win32/x64`) are read too. A C library may follow
    /// a Linux platform (`linux/amd64/musl`); without one both are meant.
    pub fn parse(text: &str) -> Result<Self, PlatformError> {
        let mut parts = text.split('/');
        let (Some(system), Some(processor)) = (parts.next(), parts.next()) else {
            return Err(PlatformError::Shape { text: text.to_owned() });
        };
        let os = SYSTEMS
            .iter()
            .find(|row| [row.1, row.2, row.3].contains(&system))
            .ok_or_else(|| PlatformError::System { text: text.to_owned(), system: system.to_owned() })?
            .0;
        let cpu = PROCESSORS
            .iter()
            .find(|row| [row.1, row.2, row.3].contains(&processor))
            .ok_or_else(|| PlatformError::Processor { text: text.to_owned(), processor: processor.to_owned() })?
            .0;
        let mut platform = Self { os, cpu, libc: None };
        let mut variant_allowed = true;
        for part in parts {
            match part {
                "glibc" if os == Os::Linux && platform.libc.is_none() => platform.libc = Some(Libc::Glibc),
                "musl" if os == Os::Linux && platform.libc.is_none() => platform.libc = Some(Libc::Musl),
                _ if variant_allowed && is_variant(cpu, part) => {}
                _ => return Err(PlatformError::Variant { text: text.to_owned(), variant: part.to_owned() }),
            }
            variant_allowed = false;
        }
        Ok(platform)
    }

    /// Whether npm would install an optional package with these conditions here.
    pub(super) fn runs(self, conditions: &Conditions) -> bool {
        allows(&conditions.os, self.os.name())
            && allows(&conditions.cpu, self.cpu.name())
            && (conditions.libc.is_empty() || self.has_libc(&conditions.libc))
    }

    /// npm asks for the C library on Linux alone, and takes a package that names one for unfit elsewhere.
    fn has_libc(self, list: &[Box<str>]) -> bool {
        self.os == Os::Linux
            && match self.libc {
                Some(libc) => allows(list, libc.name()),
                None => [Libc::Glibc, Libc::Musl].iter().any(|libc| allows(list, libc.name())),
            }
    }
}

/// ARM's variants; Docker writes `v1` to `v4` for amd64's micro-architecture levels.
fn is_variant(cpu: Cpu, part: &str) -> bool {
    match cpu {
        Cpu::Arm => matches!(part, "v5" | "v6" | "v7" | "v8"),
        Cpu::Arm64 => matches!(part, "v8" | "v9"),
        Cpu::X64 => matches!(part, "v1" | "v2" | "v3" | "v4"),
        _ => false,
    }
}

/// npm's rule for `os`, `cpu` and `libc`: none of the names after `!` is ours, and, where others are listed, one of those is.
fn allows(list: &[Box<str>], ours: &str) -> bool {
    if list.is_empty() || matches!(list, [only] if &**only == "any") {
        return true;
    }
    let mut listed = false;
    let mut only_negations = true;
    for name in list {
        match name.strip_prefix('!') {
            Some(refused) if refused == ours => return false,
            Some(_) => {}
            None => {
                only_negations = false;
                listed |= &**name == ours;
            }
        }
    }
    listed || only_negations
}

/// As npm's names go: `linux/arm64`, `linux/x64/musl`.
/// As Docker spells it: `linux/amd64`.
impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let os = SYSTEMS.iter().find(|row| row.0 == self.os).expect("the table has every system").2;
        let cpu = PROCESSORS.iter().find(|row| row.0 == self.cpu).expect("the table has every processor").2;
        write!(f, "{os}/{cpu}")?;
        self.libc.map_or(Ok(()), |libc| write!(f, "/{}", libc.name()))
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        Self::parse(text)
    }
}

/// This machine, and Linux on the same processor with either C library: what a developer and the containers built there need.
///
/// The two names are those of `std::env::consts::{OS, ARCH}`. On a machine whose processor larder does not know, all platforms are wanted: rather too much than too little.
pub fn default_platforms(host_os: &str, host_arch: &str) -> Platforms {
    let Some(processor) = PROCESSORS.iter().find(|row| row.3 == host_arch) else { return Platforms::All };
    let host = SYSTEMS.iter().find(|row| row.3 == host_os).map(|row| row.0);
    let systems: BTreeSet<Os> = host.into_iter().chain([Os::Linux]).collect();
    Platforms::Only(systems.into_iter().map(|os| Platform { os, cpu: processor.0, libc: None }).collect())
}

/// This machine alone, with this C library, or either if that is not known; on an unknown processor, everything.
pub fn host_platforms(host_os: &str, host_arch: &str, libc: Option<Libc>) -> Platforms {
    let processor = PROCESSORS.iter().find(|row| row.3 == host_arch);
    let system = SYSTEMS.iter().find(|row| row.3 == host_os);
    let (Some(processor), Some(system)) = (processor, system) else { return Platforms::All };
    Platforms::Only(BTreeSet::from([Platform { os: system.0, cpu: processor.0, libc }]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_and_nodes_spellings_are_read() {
        let cases = [
            ("linux/amd64", "linux/amd64"),
            ("linux/arm64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm/v7", "linux/arm"),
            ("linux/arm/v6/musl", "linux/arm/musl"),
            ("linux/386", "linux/386"),
            ("linux/ppc64le", "linux/ppc64le"),
            ("linux/s390x", "linux/s390x"),
            ("linux/riscv64/glibc", "linux/riscv64/glibc"),
            ("linux/amd64/v3", "linux/amd64"),
            ("windows/amd64", "windows/amd64"),
            ("win32/x64", "windows/amd64"),
            ("darwin/arm64", "darwin/arm64"),
            ("macos/aarch64", "darwin/arm64"),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn unknown_platforms_are_refused_with_the_known_ones() {
        let cases = [
            ("linux", "`linux` is not a platform: it should look like linux/arm64"),
            ("", "`` is not a platform: it should look like linux/arm64"),
            (
                "plan9/amd64",
                "`plan9` in `plan9/amd64` is not a system that larder knows: linux, darwin, windows, freebsd, openbsd, android, solaris, aix",
            ),
            (
                "linux/z80",
                "`z80` in `linux/z80` is not a processor that larder knows: amd64, arm64, arm, 386, ppc64le, s390x, riscv64, loong64",
            ),
            (
                "darwin/arm64/musl",
                "`musl` in `darwin/arm64/musl` is neither a variant (v6, v7, v8) nor a C library (glibc, musl) of that platform",
            ),
            (
                "linux/s390x/v7",
                "`v7` in `linux/s390x/v7` is neither a variant (v6, v7, v8) nor a C library (glibc, musl) of that platform",
            ),
            (
                "linux/arm/musl/v7",
                "`v7` in `linux/arm/musl/v7` is neither a variant (v6, v7, v8) nor a C library (glibc, musl) of that platform",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(Platform::parse(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn the_default_is_this_machine_and_linux_on_the_same_processor() {
        let cases = [
            ("linux", "x86_64", "linux/amd64"),
            ("macos", "aarch64", "linux/arm64 darwin/arm64"),
            ("windows", "x86_64", "linux/amd64 windows/amd64"),
            ("haiku", "x86_64", "linux/amd64"),
        ];
        for (os, arch, expected) in cases {
            let Platforms::Only(platforms) = default_platforms(os, arch) else { panic!("{os}") };
            let names: Vec<String> = platforms.iter().map(Platform::to_string).collect();
            assert_eq!(names.join(" "), expected);
        }
        assert_eq!(default_platforms("linux", "z80"), Platforms::All);
    }
}
