//! Whose lockfile a file is, by its name alone.

use std::fmt;

/// A package manager's kind of lockfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// npm's: JSON.
    Npm,
    /// pnpm's: YAML.
    Pnpm,
    /// yarn's: a form of its own, in two spellings.
    Yarn,
    /// bun's: JSON with commas too many.
    Bun,
}

impl Format {
    /// All of them, in the order in which a folder's lockfiles are read.
    pub const ALL: [Self; 4] = [Self::Npm, Self::Pnpm, Self::Yarn, Self::Bun];

    /// The format of a file of this name or path. What has no other manager's name is npm's.
    pub fn of(file: &str) -> Self {
        match file.rsplit('/').next().unwrap_or(file) {
            "yarn.lock" => Self::Yarn,
            "bun.lock" | "bun.lockb" => Self::Bun,
            // pnpm can write one for each branch, `pnpm-lock.<branch>.yaml`.
            name if name.starts_with("pnpm-lock.") && name.strip_suffix(".yaml").is_some() => Self::Pnpm,
            _ => Self::Npm,
        }
    }

    /// What its manager calls the file, the name that wins first.
    pub const fn file_names(self) -> &'static [&'static str] {
        match self {
            Self::Npm => &["npm-shrinkwrap.json", "package-lock.json"],
            Self::Pnpm => &["pnpm-lock.yaml"],
            Self::Yarn => &["yarn.lock"],
            Self::Bun => &["bun.lock"],
        }
    }

    /// The manager's name, which is its command.
    pub const fn manager(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::Yarn => "yarn",
            Self::Bun => "bun",
        }
    }

    /// The command that writes the lockfile anew and installs nothing, where there is one.
    pub const fn renewal(self) -> &'static str {
        match self {
            Self::Npm => "npm install --package-lock-only",
            Self::Pnpm => "pnpm install --lockfile-only",
            Self::Yarn => "yarn install",
            Self::Bun => "bun install --lockfile-only",
        }
    }

    /// The versions that larder reads, in words, and what the file calls them.
    pub(super) const fn versions(self) -> (&'static str, &'static str) {
        match self {
            Self::Npm => ("lockfileVersion", "1, 2 and 3"),
            Self::Pnpm => ("lockfileVersion", "5 to 9"),
            Self::Yarn => ("version", "1 of yarn 1, and 4 to 10 of yarn 2 and later"),
            Self::Bun => ("lockfileVersion", "0, 1 and 2"),
        }
    }

    /// The language that the file is written in.
    pub(super) const fn language(self) -> &'static str {
        match self {
            Self::Npm => "JSON",
            Self::Pnpm => "YAML",
            Self::Yarn => "what yarn writes",
            Self::Bun => "JSON with trailing commas",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.manager())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_tells_whose_it_is() {
        for (file, format) in [
            ("package-lock.json", Format::Npm),
            ("web/npm-shrinkwrap.json", Format::Npm),
            ("other.json", Format::Npm),
            ("web/pnpm-lock.yaml", Format::Pnpm),
            ("pnpm-lock.main.yaml", Format::Pnpm),
            ("yarn.lock", Format::Yarn),
            ("a/bun.lock", Format::Bun),
            ("bun.lockb", Format::Bun),
        ] {
            assert_eq!(Format::of(file), format, "{file}");
        }
        for format in Format::ALL {
            assert!(format.file_names().iter().all(|name| Format::of(name) == format), "{format}");
        }
    }
}
