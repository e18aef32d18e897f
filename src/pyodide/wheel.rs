//! [`Wheel`]: what is inside one, as far as shipping it needs: the modules that it brings, and its metadata.
//!
//! A wheel is unpacked by the browser, so it is read here as something that may be made to do harm: the directory at the archive's end is read whole and
//! checked, the metadata is unpacked up to a bound, and nothing else is unpacked at all.

use std::{
    collections::BTreeSet,
    io::{Read, Seek},
};

use crate::python::wheel_name::WheelName;

mod archive;
mod error;
mod imports;
#[cfg(test)]
mod tests;

pub use error::{ArchiveProblem, WheelError};

/// METADATA holds the project's description; the longest of 4,000 popular ones has 1 MB. 8 MiB.
const LONGEST_METADATA: u64 = 8 << 20;

/// A wheel that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wheel {
    imports: BTreeSet<String>,
    metadata: Vec<u8>,
    name: String,
}

impl Wheel {
    /// Reads and checks a wheel's archive. Its own metadata has to agree with its file name: the loader knows a package by one, Python by the other.
    pub fn read(name: &WheelName, source: &mut (impl Read + Seek)) -> Result<Self, WheelError> {
        let in_file = |problem| WheelError::Archive { file: name.to_string(), problem };
        let members = archive::members(source).map_err(in_file)?;
        let folder = dist_info(name, &members)?;
        let path = format!("{folder}/METADATA");
        let member = members
            .iter()
            .find(|member| member.path == path)
            .ok_or_else(|| WheelError::NoMetadata { file: name.to_string(), path: path.clone() })?;
        let metadata = archive::unpack(source, member, LONGEST_METADATA).map_err(in_file)?;
        let stated = agree(name, &metadata)?;
        let paths = members.iter().filter(|member| !member.is_folder).map(|member| member.path.as_str());
        Ok(Self { imports: imports::imports(paths), metadata, name: stated })
    }

    /// The modules that it brings, sorted: what Pyodide's `loadPackagesFromImports` finds it by.
    pub fn imports(&self) -> &BTreeSet<String> {
        &self.imports
    }

    /// The bytes of METADATA.
    pub fn metadata(&self) -> &[u8] {
        &self.metadata
    }

    /// The project's name as its authors spell it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The one folder `NAME-VERSION.dist-info`.
fn dist_info<'a>(name: &WheelName, members: &'a [archive::Member]) -> Result<&'a str, WheelError> {
    let folders: BTreeSet<&str> = members
        .iter()
        .filter_map(|member| member.path.split_once('/'))
        .map(|(folder, _)| folder)
        .filter(|folder| folder.ends_with(".dist-info"))
        .collect();
    let file = || name.to_string();
    let mut folders = folders.into_iter();
    let folder = folders.next().ok_or_else(|| WheelError::NoDistInfo { file: file() })?;
    if let Some(other) = folders.next() {
        return Err(WheelError::TwoDistInfos { file: file(), first: folder.to_owned(), second: other.to_owned() });
    }
    let stem = folder.trim_end_matches(".dist-info");
    let (project, version) = stem.split_once('-').unwrap_or((stem, ""));
    if is_project(name, project) && is_version(name, version) {
        Ok(folder)
    } else {
        Err(WheelError::Disagrees { file: file(), field: "the folder", found: folder.to_owned() })
    }
}

/// The name that METADATA states, which with its version has to be the file's.
fn agree(name: &WheelName, metadata: &[u8]) -> Result<String, WheelError> {
    let file = || name.to_string();
    let text = String::from_utf8_lossy(metadata);
    let field = |field: &'static str| {
        header(&text, field).ok_or_else(|| WheelError::MetadataLacks { file: file(), field }).map(str::to_owned)
    };
    let (stated, version) = (field("Name")?, field("Version")?);
    if !is_project(name, &stated) {
        return Err(WheelError::Disagrees { file: file(), field: "METADATA's Name", found: stated });
    }
    if !is_version(name, &version) {
        return Err(WheelError::Disagrees { file: file(), field: "METADATA's Version", found: version });
    }
    Ok(stated)
}

fn is_project(name: &WheelName, text: &str) -> bool {
    crate::python::name::ProjectName::parse(text).is_ok_and(|project| project == *name.name())
}

fn is_version(name: &WheelName, text: &str) -> bool {
    text.replace('_', "-").parse().is_ok_and(|version: pep440_rs::Version| version == *name.version())
}

/// A header's value. The headers end with the first empty line.
fn header<'a>(text: &'a str, field: &str) -> Option<&'a str> {
    text.lines().take_while(|line| !line.is_empty()).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(field).then(|| value.trim())
    })
}
