//! One entry of a folder's lock.

use larder_store::digest::{Algorithm, Digest};
use serde_json::{Map, Value};

use super::{lookups::Lookups, problem::ProblemKind};
use crate::python::{name::ProjectName, wheel_name::WheelName};

const NO_LOADER: &str = "the loader fails for every package";
const NO_LOAD: &str = "`loadPackage` fails";
const NO_PACKAGE: &str = "the package cannot be loaded";

pub(super) struct Entry<'a> {
    pub(super) folder: &'a Lookups<'a>,
    pub(super) key: &'a str,
    pub(super) fields: &'a Map<String, Value>,
}

impl<'a> Entry<'a> {
    pub(super) fn problems(&self) -> Vec<ProblemKind> {
        let mut problems = Vec::new();
        problems.extend(self.field("imports", NO_LOADER, is_texts, "not a list of strings"));
        problems.extend(self.field("depends", NO_LOAD, is_texts, "not a list of strings"));
        let is_digest = |value: &Value| digest(value).is_some();
        problems.extend(self.field("sha256", NO_PACKAGE, is_digest, "not 64 hexadecimal digits"));
        problems.extend(self.field("file_name", NO_PACKAGE, Value::is_string, "not a string"));
        problems.extend(self.field("name", "it is loaded as `undefined`", Value::is_string, "not a string"));
        problems.extend(self.key());
        problems.extend(self.closure());
        problems.extend(self.file());
        problems
    }

    /// The file, unless it is at an address.
    pub(super) fn file_name(&self) -> Option<&'a str> {
        self.text("file_name").filter(|file| !is_address(file))
    }

    /// What it needs and the lock has.
    pub(super) fn needs(&self) -> Vec<ProjectName> {
        self.depends().filter_map(|need| ProjectName::parse(need).ok()).collect()
    }

    fn text(&self, field: &str) -> Option<&'a str> {
        self.fields.get(field)?.as_str()
    }

    fn depends(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.fields.get("depends").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    fn field(
        &self,
        field: &'static str,
        effect: &'static str,
        is_right: impl Fn(&Value) -> bool,
        otherwise: &'static str,
    ) -> Option<ProblemKind> {
        let what = match self.fields.get(field) {
            None => "missing",
            Some(value) if is_right(value) => return None,
            Some(_) => otherwise,
        };
        Some(ProblemKind::Field { field, what, effect })
    }

    fn key(&self) -> Option<ProblemKind> {
        let key = match ProjectName::parse(self.key) {
            Ok(key) => key,
            Err(problem) => return Some(ProblemKind::NoName { problem }),
        };
        if self.folder.normalizes && key.as_str() != self.key {
            return Some(ProblemKind::Key { normal: key.to_string() });
        }
        let name = self.text("name")?;
        (ProjectName::parse(name) != Ok(key)).then(|| ProblemKind::OtherName { name: name.to_owned() })
    }

    fn closure(&self) -> Vec<ProblemKind> {
        let is_here = self.file_name().is_some();
        let mut problems = Vec::new();
        for need in self.depends() {
            let owned = || need.to_owned();
            let normal = ProjectName::parse(need).ok();
            let key = normal.as_ref().and_then(|normal| self.folder.names.get(normal).copied());
            // Before 0.25 the loader looks by the key alone.
            let Some(key) = key.filter(|key| self.folder.normalizes || *key == need) else {
                problems.push(ProblemKind::Open { need: owned() });
                continue;
            };
            if self.folder.normalizes && normal.is_some_and(|normal| normal.as_str() != need) {
                problems.push(ProblemKind::Need { need: owned() });
            }
            let address = self.folder.lock.packages[key].get("file_name").and_then(Value::as_str);
            if let Some(address) = address.filter(|address| is_here && is_address(address)) {
                problems.push(ProblemKind::Elsewhere { need: owned(), address: address.to_owned() });
            }
        }
        problems
    }

    fn file(&self) -> Vec<ProblemKind> {
        let Some(file) = self.file_name() else { return Vec::new() };
        let mut problems: Vec<ProblemKind> = self.wheel(file).into_iter().collect();
        let stated = self.fields.get("sha256").and_then(digest);
        match self.folder.contents.files.get(file) {
            None => problems.push(ProblemKind::NoFile { file: file.to_owned() }),
            Some(found) => {
                if let Some(expected) = stated.filter(|stated| stated != found) {
                    problems.push(ProblemKind::OtherBytes {
                        file: file.to_owned(),
                        found: found.to_hex(),
                        expected: expected.to_hex(),
                    });
                }
                if let Some(why) = self.folder.contents.bad_wheels.get(file) {
                    problems.push(ProblemKind::BadWheel { why: why.clone() });
                }
            }
        }
        problems
    }

    fn wheel(&self, file: &str) -> Option<ProblemKind> {
        let base = file.rsplit('/').next().filter(|base| base.strip_suffix(".whl").is_some())?;
        let wheel = match WheelName::parse(base) {
            Ok(wheel) => wheel,
            Err(error) => return Some(ProblemKind::WheelName { why: error.to_string() }),
        };
        let version = self.text("version").unwrap_or_default();
        let is_key = ProjectName::parse(self.key).is_ok_and(|key| key == *wheel.name());
        let is_version = version.parse().is_ok_and(|version: pep440_rs::Version| version == *wheel.version());
        if !is_key || !is_version {
            return Some(ProblemKind::OtherWheel {
                file: file.to_owned(),
                found: format!("{} {}", wheel.name(), wheel.version()),
                expected: format!("{} {version}", self.key),
            });
        }
        let fits = self.folder.tags.as_ref().is_none_or(|tags| tags.rank(&wheel).is_some());
        (!fits).then(|| ProblemKind::OtherAbi { file: file.to_owned() })
    }
}

fn is_address(file: &str) -> bool {
    file.contains("://")
}

fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|values| values.iter().all(Value::is_string))
}

fn digest(value: &Value) -> Option<Digest> {
    Digest::from_hex(Algorithm::Sha256, value.as_str()?).ok()
}
