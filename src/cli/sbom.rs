//! What can be typed after `larder sbom`. Types only.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::Selecting;

/// `larder sbom`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder sbom                               CycloneDX, every artifact of ./package-lock.json
  larder sbom --omit dev -o bom.json        what runs in production
  larder sbom web admin --format spdx       two projects in one SPDX document
  larder sbom --platform linux/amd64        without optional packages of other platforms

It makes no request and writes nothing but FILE. Licences are what the packages in the store say, so
run `larder fetch --all-platforms` before it. The same lockfiles and licences give the same bytes;
the time that is stated is that of SOURCE_DATE_EPOCH, or none.")]
pub struct Sbom {
    /// Folders with a lockfile, or lockfiles
    #[arg(value_name = "PROJECT", default_value = ".", hide_default_value = true)]
    pub projects: Vec<PathBuf>,
    /// The document's form: cyclonedx (1.6) or spdx (2.3), both JSON
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "cyclonedx", hide_possible_values = true)]
    pub format: SbomFormat,
    /// Write the document to this file, not to standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Which part of the plan: all of it, if neither an option nor larder.toml says otherwise.
    #[command(flatten)]
    pub selecting: Selecting,
}

/// The form of a bill of materials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SbomFormat {
    /// `CycloneDX` 1.6.
    Cyclonedx,
    /// SPDX 2.3.
    Spdx,
}
