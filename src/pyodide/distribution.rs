//! [`Distribution`]: the lock of a Pyodide distribution, which names every package that was built for one release.
//!
//! Its file is `repodata.json` from 0.21 to 0.23 and `pyodide-lock.json` since. No version of it states a schema, so a file is known by its fields:
//!
//! ```text
//! info      arch, platform, python; `version` until 0.29.3, `abi_version` since 0.26
//! packages  key → name, version, file_name, install_dir, sha256, imports, depends, and what else the release writes
//! tool      since 314.0.7
//! ```
//!
//! Fields that larder does not know are kept as they stand, in their order. Names are compared in their normalised form; how the loader of that release
//! looks them up is [`Distribution::spelling`]'s to say. Pure.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
};

use larder_store::digest::{Algorithm, Digest};
use serde_json::{Map, Value};

use self::field::{optional_text, text, texts};
use crate::{
    core::{artifact::Version, file_name::FileName},
    python::name::ProjectName,
};

mod error;
mod field;

pub use error::{BadPackage, DistributionError, PackageProblem};

/// Where a package without `install_dir` goes.
const USUAL_INSTALL_DIR: &str = "site";

/// What one release of Pyodide offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    info: Info,
    /// All that stands beside `packages`, in the file's order.
    others: Map<String, Value>,
    packages: BTreeMap<ProjectName, DistributionPackage>,
}

/// What the distribution is built for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The version of Python, such as `3.13.2`. That of the runtime itself may be a later patch.
    pub python: String,
    /// `emscripten_` and the version of Emscripten, such as `emscripten_4_0_9`.
    pub platform: String,
    /// The ABI that wheels are tagged with, such as `2025_0`; since 0.26.
    pub abi_version: Option<String>,
    /// What it states as its version, which is not always the release's: 0.28 and 0.29 say `0.28.0.dev0`. Gone since 0.29.4.
    pub version: Option<String>,
}

/// One package of a distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionPackage {
    /// Its key in the file.
    pub key: Box<str>,
    /// Its name as its authors spell it.
    pub name: Box<str>,
    /// Its version.
    pub version: Version,
    /// Its file in the distribution's folder.
    pub file_name: FileName,
    /// Where the loader unpacks it to.
    pub install_dir: Box<str>,
    /// The digest of its file.
    pub sha256: Digest,
    /// What it is.
    pub package_type: PackageType,
    /// The modules that it brings, by which `loadPackagesFromImports` finds it.
    pub imports: Vec<Box<str>>,
    /// The packages that it needs, in the file's order.
    pub depends: Vec<ProjectName>,
    /// Everything that the file states about it, in the file's order.
    pub fields: Map<String, Value>,
}

/// What a package is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PackageType {
    /// A Python package, or the tests of one.
    Package,
    /// A shared library that packages need.
    SharedLibrary,
    /// A part of Python's own library.
    CpythonModule,
}

impl PackageType {
    /// As the file writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::SharedLibrary => "shared_library",
            Self::CpythonModule => "cpython_module",
        }
    }
}

impl fmt::Display for PackageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a release's loader finds the entry of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// By its normalised form: since 0.25.
    Normal,
    /// By the name in lower case, and nothing else: before 0.25.
    LowerCase,
}

impl Distribution {
    /// Reads `repodata.json` or `pyodide-lock.json`. `file` is the name that messages carry.
    ///
    /// All packages that cannot be understood are named at once.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Self, DistributionError> {
        read_document(file, bytes)
    }

    /// What it is built for.
    pub const fn info(&self) -> &Info {
        &self.info
    }

    /// A package by its normalised name.
    pub fn get(&self, name: &str) -> Option<&DistributionPackage> {
        self.packages.get(name)
    }

    /// All packages, by their normalised names.
    pub const fn packages(&self) -> &BTreeMap<ProjectName, DistributionPackage> {
        &self.packages
    }

    /// What stands in the file beside `packages`, in its order: `info`, and `tool` if there is one.
    pub const fn others(&self) -> &Map<String, Value> {
        &self.others
    }

    /// How the loader of this release finds the entry of a name.
    pub fn spelling(&self) -> Spelling {
        // Until 0.25 the stated version is that of the release.
        let minor = self.info.version.as_deref().and_then(|version| version.strip_prefix("0."));
        let minor = minor.and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
        if minor.is_some_and(|minor| minor < 25) { Spelling::LowerCase } else { Spelling::Normal }
    }
}

fn read_document(file: &str, bytes: &[u8]) -> Result<Distribution, DistributionError> {
    let document: Value = serde_json::from_slice(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes))
        .map_err(|source| DistributionError::NotJson { file: file.to_owned(), source })?;
    let shape = Shape { file };
    let mut others = shape.object("the document", Some(document))?;
    let packages = shape.object("packages", others.shift_remove("packages"))?;
    let info = shape.info(&others)?;
    Ok(Distribution { info, others, packages: read_packages(file, packages)? })
}

/// Where the file's own parts have the types that they should.
struct Shape<'a> {
    file: &'a str,
}

impl Shape<'_> {
    fn object(&self, field: &'static str, value: Option<Value>) -> Result<Map<String, Value>, DistributionError> {
        match value {
            Some(Value::Object(object)) => Ok(object),
            other => Err(self.wrong(field, "an object", other.as_ref())),
        }
    }

    fn wrong(&self, field: &'static str, expected: &'static str, found: Option<&Value>) -> DistributionError {
        let found = match found {
            None => "missing",
            Some(Value::Null) => "null",
            Some(Value::Bool(_)) => "a truth value",
            Some(Value::Number(_)) => "a number",
            Some(Value::String(_)) => "a text",
            Some(Value::Array(_)) => "a list",
            Some(Value::Object(_)) => "an object",
        };
        DistributionError::WrongShape { file: self.file.to_owned(), field, expected, found }
    }

    fn info(&self, others: &Map<String, Value>) -> Result<Info, DistributionError> {
        let info = match others.get("info") {
            Some(Value::Object(info)) => info,
            other => return Err(self.wrong("info", "an object", other)),
        };
        let optional = |name: &str, field| match info.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            other => Err(self.wrong(field, "a text", other)),
        };
        let needed = |name: &str, field| optional(name, field)?.ok_or_else(|| self.wrong(field, "a text", None));
        Ok(Info {
            python: needed("python", "info.python")?,
            platform: needed("platform", "info.platform")?,
            abi_version: optional("abi_version", "info.abi_version")?,
            version: optional("version", "info.version")?,
        })
    }
}

fn read_packages(
    file: &str,
    packages: Map<String, Value>,
) -> Result<BTreeMap<ProjectName, DistributionPackage>, DistributionError> {
    let mut read = BTreeMap::new();
    let mut bad = Vec::new();
    for (key, value) in packages {
        match package(&key, value) {
            Ok((name, package)) => match read.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(package);
                }
                Entry::Occupied(taken) => {
                    let other = taken.get().key.to_string();
                    bad.push(BadPackage { key, problem: PackageProblem::SameName { other } });
                }
            },
            Err(problem) => bad.push(BadPackage { key, problem }),
        }
    }
    if bad.is_empty() { Ok(read) } else { Err(DistributionError::BadPackages { file: file.to_owned(), packages: bad }) }
}

fn package(key: &str, value: Value) -> Result<(ProjectName, DistributionPackage), PackageProblem> {
    let Value::Object(fields) = value else { return Err(PackageProblem::NoObject) };
    let name = ProjectName::parse(key).map_err(|problem| PackageProblem::Key { problem })?;
    let sha256 = Digest::from_hex(Algorithm::Sha256, &text(&fields, "sha256")?);
    let wrong = |field, problem| PackageProblem::Unusable { field, problem };
    let depends = texts(&fields, "depends")?.into_iter().map(ProjectName::parse).collect::<Result<_, _>>();
    let package = DistributionPackage {
        key: key.into(),
        name: text(&fields, "name")?,
        version: Version::parse(&text(&fields, "version")?).map_err(|problem| wrong("version", problem))?,
        file_name: FileName::parse(&text(&fields, "file_name")?).map_err(|problem| wrong("file_name", problem))?,
        install_dir: optional_text(&fields, "install_dir")?.unwrap_or_else(|| USUAL_INSTALL_DIR.into()),
        sha256: sha256.map_err(|_| PackageProblem::BadDigest)?,
        package_type: package_type(&fields)?,
        imports: texts(&fields, "imports")?.into_iter().map(Into::into).collect(),
        depends: depends.map_err(|problem| wrong("depends", problem))?,
        fields,
    };
    Ok((name, package))
}

/// `package_type` appeared in 0.23, and there not on every package; before that, the folder that the loader unpacks it to says it.
fn package_type(fields: &Map<String, Value>) -> Result<PackageType, PackageProblem> {
    match optional_text(fields, "package_type")?.as_deref() {
        Some("package") => Ok(PackageType::Package),
        Some("shared_library") => Ok(PackageType::SharedLibrary),
        Some("cpython_module") => Ok(PackageType::CpythonModule),
        Some(found) => Err(PackageProblem::UnknownType { found: found.to_owned() }),
        None => Ok(match optional_text(fields, "install_dir")?.as_deref() {
            Some("dynlib") => PackageType::SharedLibrary,
            // `lib` in 0.21, `stdlib` since.
            Some("lib" | "stdlib") => PackageType::CpythonModule,
            _ => PackageType::Package,
        }),
    }
}

#[cfg(test)]
mod tests;
