//! The selection: which part of a plan a fetch or a view is for. Pure. `selection/platform.rs` parses platforms and compares them.
//!
//! The rule is npm's: platforms limit optional packages only (and recorded downloads, which npm does not know), since npm refuses to install if any other package does not run there. The default selection is this
//! machine, and Linux on its processor with both C libraries; on an unknown processor it is everything. In three real lockfiles, all platforms cost 2.9 to 5.2 times
//! the bytes of one.

use crate::core::artifact::{Artifact, Ecosystem};

mod platform;

pub use platform::{Cpu, Libc, Os, Platform, PlatformError, Platforms, default_platforms, host_platforms};

/// The groups of dependencies that are left out, as with npm's `--omit`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Omit {
    /// Development dependencies.
    pub dev: bool,
    /// Optional dependencies.
    pub optional: bool,
    /// Peer dependencies.
    pub peer: bool,
}

/// Which part of a plan is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// For which platforms.
    pub platforms: Platforms,
    /// Without which groups.
    pub omit: Omit,
}

/// Whether an artifact is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Wanted,
    /// It is optional, and runs on none of the platforms.
    OtherPlatform,
    /// Its group is left out.
    Omitted,
}

impl Selection {
    /// Everything.
    pub const fn all() -> Self {
        Self { platforms: Platforms::All, omit: Omit { dev: false, optional: false, peer: false } }
    }

    /// Whether an artifact is wanted.
    ///
    /// Groups follow npm's rule: a package that only development and optional dependencies together lead to is left out when both are.
    /// Platforms limit optional packages only: npm refuses to install where any other does not run. They limit recorded downloads, too: each platform asks for its own.
    pub fn verdict(&self, artifact: &Artifact) -> Verdict {
        let (conditions, is_recorded) = (&artifact.conditions, artifact.ecosystem == Ecosystem::Download);
        let Omit { dev, optional, peer } = self.omit;
        let omitted = (conditions.dev && dev)
            || (conditions.optional && optional)
            || (conditions.dev_optional && dev && optional)
            || (conditions.peer && peer);
        if omitted {
            return Verdict::Omitted;
        }
        match &self.platforms {
            Platforms::Only(platforms)
                if (conditions.optional || is_recorded)
                    && !platforms.iter().any(|platform| platform.runs(conditions)) =>
            {
                Verdict::OtherPlatform
            }
            _ => Verdict::Wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::artifact::{Conditions, PackageName, Source, Version};

    fn conditions(flags: &str, os: &[&str], cpu: &[&str], libc: &[&str]) -> Conditions {
        let list = |names: &[&str]| names.iter().map(|&name| name.into()).collect();
        Conditions {
            dev: flags.contains('d'),
            optional: flags.contains('o'),
            dev_optional: flags.contains('b'),
            peer: flags.contains('p'),
            os: list(os),
            cpu: list(cpu),
            libc: list(libc),
        }
    }

    fn package(conditions: Conditions) -> Artifact {
        Artifact {
            ecosystem: Ecosystem::Npm,
            name: PackageName::parse("a").unwrap(),
            version: Version::parse("1.0.0").unwrap(),
            source: Source::Registry { resolved: None },
            integrity: None,
            size: None,
            conditions,
        }
    }

    fn selection(platforms: &[&str], omit: &str) -> Selection {
        let platforms = platforms.iter().map(|text| Platform::parse(text).unwrap()).collect();
        let omit = Omit { dev: omit.contains('d'), optional: omit.contains('o'), peer: omit.contains('p') };
        Selection { platforms: Platforms::Only(platforms), omit }
    }

    #[test]
    fn groups_are_left_out_by_npms_rule() {
        // Flags of the package (d dev, o optional, b either of the two, p peer), groups left out, whether the package is.
        let cases = [
            ("", "dop", false),
            ("d", "d", true),
            ("d", "op", false),
            ("o", "o", true),
            ("o", "dp", false),
            ("b", "d", false),
            ("b", "o", false),
            ("b", "do", true),
            ("p", "p", true),
            ("p", "do", false),
            ("do", "d", true),
            ("do", "o", true),
            ("dp", "p", true),
        ];
        for (flags, omit, omitted) in cases {
            let verdict = selection(&["linux/amd64"], omit).verdict(&package(conditions(flags, &[], &[], &[])));
            assert_eq!(verdict == Verdict::Omitted, omitted, "{flags} without {omit}");
        }
    }

    /// A package's os, cpu and libc; a platform; whether it runs there.
    type Case = (&'static [&'static str], &'static [&'static str], &'static [&'static str], &'static str, bool);

    #[test]
    fn platforms_limit_optional_packages_by_npms_rule() {
        let cases: [Case; 18] = [
            (&[], &[], &[], "linux/amd64", true),
            (&["linux"], &["x64"], &[], "linux/amd64", true),
            (&["linux"], &["arm64"], &[], "linux/amd64", false),
            (&["darwin"], &["x64"], &[], "linux/amd64", false),
            (&["!win32"], &[], &[], "linux/amd64", true),
            (&["!win32"], &[], &[], "windows/amd64", false),
            (&["!win32", "!darwin"], &[], &[], "linux/amd64", true),
            (&["!win32", "darwin"], &[], &[], "linux/amd64", false),
            (&["linux", "!linux"], &[], &[], "linux/amd64", false),
            (&["any"], &["any"], &[], "linux/amd64", true),
            (&["any", "darwin"], &[], &[], "linux/amd64", false),
            (&["linux"], &[], &["musl"], "linux/amd64", true),
            (&["linux"], &[], &["musl"], "linux/amd64/musl", true),
            (&["linux"], &[], &["musl"], "linux/amd64/glibc", false),
            (&["linux"], &[], &["!musl"], "linux/amd64/musl", false),
            (&[], &[], &["glibc"], "darwin/arm64", false),
            (&[], &["arm"], &[], "linux/arm/v7", true),
            (&[], &["wasm32"], &[], "linux/amd64", false),
        ];
        for (os, cpu, libc, platform, runs) in cases {
            let selection = selection(&[platform], "");
            let expected = if runs { Verdict::Wanted } else { Verdict::OtherPlatform };
            assert_eq!(
                selection.verdict(&package(conditions("o", os, cpu, libc))),
                expected,
                "{os:?} {cpu:?} {libc:?} {platform}"
            );
            for needed in ["", "d", "b", "p"] {
                assert_eq!(selection.verdict(&package(conditions(needed, os, cpu, libc))), Verdict::Wanted);
            }
            assert_eq!(Selection::all().verdict(&package(conditions("o", os, cpu, libc))), Verdict::Wanted);
        }
    }

    #[test]
    fn one_of_several_platforms_is_enough() {
        let both = selection(&["linux/arm64", "darwin/amd64"], "");
        let wanted =
            |os: &str, cpu: &str| both.verdict(&package(conditions("o", &[os], &[cpu], &[]))) == Verdict::Wanted;
        assert!(wanted("linux", "arm64") && wanted("darwin", "x64"));
        assert!(!wanted("linux", "x64") && !wanted("darwin", "arm64"));
    }
    #[test]
    fn platforms_limit_recorded_downloads_although_they_are_not_optional() {
        let download =
            |os: &[&str]| Artifact { ecosystem: Ecosystem::Download, ..package(conditions("", os, &[], &[])) };
        let here = selection(&["linux/amd64"], "dop");
        let verdicts = [&["linux"][..], &[], &["darwin"]].map(|os| here.verdict(&download(os)));
        assert_eq!(verdicts, [Verdict::Wanted, Verdict::Wanted, Verdict::OtherPlatform]);
        assert_eq!(Selection::all().verdict(&download(&["darwin"])), Verdict::Wanted);
    }
}
