//! The places that settings come from, stacked: the first that has a key decides.
//!
//! A key's value is that of the first place that has it, whatever the value is. Lists of several places are not joined.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::{
    error::ConfigWarning,
    expand::expand,
    precedence::{Level, Origin},
    settings::{Setting, Settings, Value},
    yarnrc,
};
use crate::core::environment::Environment;

/// No configuration or certificate file is longer; what is, was not meant. 16 MiB.
const LONGEST_FILE: u64 = 16 << 20;

/// All places, with variables put in.
pub(super) struct Layers {
    in_order: Vec<Layer>,
    home: Option<PathBuf>,
    /// Whether pnpm installs the project.
    pub(super) is_pnpms: bool,
}

struct Layer {
    origin: Origin,
    level: Level,
    /// What relative paths in it start from.
    base: PathBuf,
    settings: BTreeMap<String, Field>,
}

/// The values of one key in one place.
struct Field {
    values: Vec<Value>,
    unset: Vec<String>,
}

/// The setting that decides.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) key: &'a str,
    pub(super) origin: &'a Origin,
    pub(super) level: Level,
    base: &'a Path,
    home: Option<&'a Path>,
    values: &'a [Value],
    /// Variables that its value names and that are not set.
    pub(super) unset: &'a [String],
}

impl Layers {
    /// No place yet. `home` is what `~/` stands for.
    pub(super) fn new(home: Option<&Path>, is_pnpms: bool) -> Self {
        Self { in_order: Vec::new(), home: home.map(Path::to_owned), is_pnpms }
    }

    /// Adds a place that decides after those that are here.
    pub(super) fn push(
        &mut self,
        origin: Origin,
        level: Level,
        base: &Path,
        settings: Settings,
        environment: &Environment,
    ) {
        let settings = settings
            .into_iter()
            .map(|(key, setting)| {
                let mut unset = Vec::new();
                let mut put_in = |value| match value {
                    Value::Text(text) => {
                        let expanded = expand(text.trim(), environment);
                        unset.extend(expanded.unset);
                        Value::Text(expanded.text)
                    }
                    other => other,
                };
                let values = match setting {
                    Setting::One(value) => vec![put_in(value)],
                    Setting::Many(values) => values.into_iter().map(put_in).collect(),
                };
                (expand(&key, environment).text, Field { values, unset })
            })
            .collect();
        self.in_order.push(Layer { origin, level, base: base.to_owned(), settings });
    }

    /// The setting of this key that decides.
    pub(super) fn find(&self, key: &str) -> Option<Found<'_>> {
        self.find_all(key).next()
    }

    /// The one that would decide without the project's files.
    pub(super) fn find_own(&self, key: &str) -> Option<Found<'_>> {
        self.find_all(key).find(|found| !found.level.is_of_project())
    }

    /// What every place says of this key, the one that decides first.
    pub(super) fn find_all(&self, key: &str) -> impl Iterator<Item = Found<'_>> {
        self.in_order.iter().filter_map(move |layer| {
            let (key, field) = layer.settings.get_key_value(key)?;
            Some(Found {
                key,
                origin: &layer.origin,
                level: layer.level,
                base: &layer.base,
                home: self.home.as_deref(),
                values: &field.values,
                unset: &field.unset,
            })
        })
    }

    /// Every key of every place, once.
    pub(super) fn keys(&self) -> BTreeSet<&str> {
        self.in_order.iter().flat_map(|layer| layer.settings.keys().map(String::as_str)).collect()
    }

    /// The file that a setting names, and the level of what stands in it: `level`, unless the project names it.
    pub(super) fn file(&self, key: &str, level: Level) -> Option<(PathBuf, Level)> {
        let found = self.find(key)?;
        let level = if found.level.is_of_project() { Level::NamedByProject } else { level };
        Some((found.path()?, level))
    }
}

impl<'a> Found<'a> {
    /// `` `strict-ssl` in /project/.npmrc ``.
    pub(super) fn line(&self) -> String {
        format!("`{}` in {}", yarnrc::written(self.key), self.origin)
    }

    /// That its value is not of the kind that is accepted.
    pub(super) fn not_understood(&self, accepted: &'static str) -> ConfigWarning {
        ConfigWarning::NotUnderstood { origin: self.origin.clone(), key: self.key.to_owned(), accepted }
    }

    /// The text, if it is one and is not empty. Of a list, the first.
    pub(super) fn text(&self) -> Option<&'a str> {
        self.texts().next()
    }

    /// The texts that are not empty.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'a str> {
        self.values.iter().filter_map(|value| match value {
            Value::Text(text) if !text.is_empty() => Some(text.as_str()),
            _ => None,
        })
    }

    /// The truth value, whether npm's reader saw one or a variable spells it.
    pub(super) fn flag(&self) -> Option<bool> {
        match self.values {
            [Value::Flag(flag)] => Some(*flag),
            // As npm has it: a flag that is named is set.
            [Value::Text(text)] if text.is_empty() => Some(true),
            [Value::Text(text)] => text.parse().ok(),
            _ => None,
        }
    }

    /// The path, from the folder that the setting's place gives and with `~/` put in.
    pub(super) fn path(&self) -> Option<PathBuf> {
        let text = self.text()?;
        Some(match (text.strip_prefix("~/"), self.home) {
            (Some(below), Some(home)) => home.join(below),
            _ => self.base.join(text),
        })
    }

    /// Whether it says nothing: `null`, `false`, or nothing after the equals sign.
    pub(super) fn is_nothing(&self) -> bool {
        self.values.iter().all(|value| match value {
            Value::Text(text) => text.is_empty(),
            Value::Flag(flag) => !flag,
            Value::Null => true,
        })
    }
}

/// The bytes of a file; `None` if there is no such file.
pub(super) fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "longer than 16 MiB"));
    }
    Ok(Some(bytes))
}
