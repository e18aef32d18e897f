//! From the bytes of a lock to a [`Distribution`].

use std::collections::{BTreeMap, btree_map::Entry};

use larder_store::digest::{Algorithm, Digest};
use serde_json::{Map, Value};

use super::{
    BadPackage, Distribution, DistributionError, DistributionPackage, Info, PackageProblem, PackageType,
    field::{optional_text, text, texts},
};
use crate::{
    core::{artifact::Version, file_name::FileName},
    python::name::ProjectName,
};

/// Where a package without `install_dir` goes.
const USUAL_INSTALL_DIR: &str = "site";

pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Distribution, DistributionError> {
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
