//! The places that settings come from, the one that decides first:
//!
//! ```text
//! npm_config_* variables
//! <project>/.npmrc
//! <project>/.yarnrc.yml,  beside a yarn.lock
//! userconfig,   else ~/.npmrc
//! ~/.yarnrc.yml,          the same
//! globalconfig, else <prefix>/etc/npmrc
//! ```
//!
//! A key's value is that of the first place that has it, whatever the value is. Lists of several places are not joined.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::{
    NpmrcError, NpmrcWarning, Origin,
    expand::expand,
    ini::{self, Setting, Value},
    yarnrc,
};
use crate::environment::Environment;

/// No configuration or certificate file is longer; what is, was not meant. 16 MiB.
const LONGEST_FILE: u64 = 16 << 20;

/// What yarn 2 and later call their configuration.
const YARN_FILE: &str = ".yarnrc.yml";

/// All places, with variables put in.
#[derive(Default)]
pub(super) struct Layers {
    in_order: Vec<Layer>,
    home: Option<PathBuf>,
    /// The project's own files.
    project: Vec<Origin>,
}

struct Layer {
    origin: Origin,
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
    base: &'a Path,
    home: Option<&'a Path>,
    values: &'a [Value],
    /// Variables that its value names and that are not set.
    pub(super) unset: &'a [String],
}

impl Layers {
    /// Reads all places. A file of the user's or the global one that exists and cannot be read is a warning, as npm goes on without it too.
    pub(super) fn read(
        environment: &Environment,
        project: &Path,
        warnings: &mut Vec<NpmrcWarning>,
    ) -> Result<Self, NpmrcError> {
        let mut layers = Self { home: environment.home().map(Path::to_path_buf), ..Self::default() };
        layers.push(Origin::Environment, environment.current_dir(), from_variables(environment), environment);

        let project_file = project.join(".npmrc");
        let default_user_file = environment.home().map(|home| home.join(".npmrc"));
        let user_file_of = |layers: &Self| layers.path("userconfig").or_else(|| default_user_file.clone());
        // In the home folder the file is the user's, and says what a user's file says.
        if !user_file_of(&layers).is_some_and(|user_file| is_same_file(&user_file, &project_file)) {
            let bytes = read_file(&project_file).map_err(|source| unreadable(&project_file, source))?;
            if let Some(bytes) = bytes {
                layers.project.push(Origin::File(project_file.clone()));
                layers.push(Origin::File(project_file), project, ini::parse(&bytes), environment);
            }
        }
        let is_yarns = project.join("yarn.lock").is_file();
        let yarn_file = project.join(YARN_FILE);
        if is_yarns && let Some(bytes) = read_file(&yarn_file).map_err(|source| unreadable(&yarn_file, source))? {
            layers.project.push(Origin::File(yarn_file.clone()));
            layers.push(Origin::File(yarn_file), project, yarnrc::parse(&bytes), environment);
        }

        let user_file = user_file_of(&layers);
        layers.push_optional(user_file, ini::parse, environment, warnings);
        if is_yarns {
            let yarn_file = environment.home().map(|home| home.join(YARN_FILE));
            layers.push_optional(yarn_file, yarnrc::parse, environment, warnings);
        }
        let global_file = layers.path("globalconfig").or_else(|| {
            let prefix = layers.path("prefix").or_else(|| default_prefix(environment))?;
            Some(prefix.join("etc/npmrc"))
        });
        layers.push_optional(global_file, ini::parse, environment, warnings);
        Ok(layers)
    }

    fn push_optional(
        &mut self,
        file: Option<PathBuf>,
        parse: fn(&[u8]) -> BTreeMap<String, Setting>,
        environment: &Environment,
        warnings: &mut Vec<NpmrcWarning>,
    ) {
        let Some(file) = file else { return };
        match read_file(&file) {
            Ok(None) => {}
            Ok(Some(bytes)) => {
                self.push(Origin::File(file), environment.current_dir(), parse(&bytes), environment);
            }
            Err(error) => warnings.push(NpmrcWarning::Unreadable { path: file, reason: error.to_string() }),
        }
    }

    fn push(&mut self, origin: Origin, base: &Path, settings: BTreeMap<String, Setting>, environment: &Environment) {
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
        self.in_order.push(Layer { origin, base: base.to_owned(), settings });
    }

    /// The setting of this key that decides.
    pub(super) fn find(&self, key: &str) -> Option<Found<'_>> {
        self.in_order.iter().find_map(|layer| {
            let (key, field) = layer.settings.get_key_value(key)?;
            Some(Found {
                key,
                origin: &layer.origin,
                base: &layer.base,
                home: self.home.as_deref(),
                values: &field.values,
                unset: &field.unset,
            })
        })
    }

    /// Whether a setting stands in the project's file, which others than the user may have written.
    pub(super) fn is_from_project(&self, found: &Found<'_>) -> bool {
        self.project.contains(found.origin)
    }

    /// Every key of every place, once.
    pub(super) fn keys(&self) -> BTreeSet<&str> {
        self.in_order.iter().flat_map(|layer| layer.settings.keys().map(String::as_str)).collect()
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        self.find(key)?.path()
    }
}

impl<'a> Found<'a> {
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

/// `npm_config_*`, in any case. Underscores but the first become dashes, except in keys that name a host.
fn from_variables(environment: &Environment) -> BTreeMap<String, Setting> {
    const PREFIX: &str = "npm_config_";
    environment
        .variables()
        .filter(|(name, value)| {
            name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX)) && !value.is_empty()
        })
        .map(|(name, value)| {
            let name = &name[PREFIX.len()..];
            let key = if name.starts_with("//") {
                name.to_owned()
            } else {
                let mut lower = name.to_lowercase();
                if let Some(underscore) = lower.char_indices().nth(1).map(|(second, _)| second) {
                    let rest = lower.split_off(underscore).replace('_', "-");
                    lower.push_str(&rest);
                }
                lower
            };
            (key, Setting::One(ini::value_of(value.trim().to_owned())))
        })
        .collect()
}

/// Where npm was installed to: `PREFIX`, or two folders above the `node` that is found first, links followed. It is not run.
fn default_prefix(environment: &Environment) -> Option<PathBuf> {
    if let Some(prefix) = environment.variable_os("PREFIX").filter(|prefix| !prefix.is_empty()) {
        return Some(environment.current_dir().join(prefix));
    }
    let node = std::env::split_paths(environment.variable_os("PATH")?)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join("node"))
        .find(|node| node.is_file())?;
    let node = node.canonicalize().ok()?;
    Some(node.parent()?.parent()?.to_owned())
}

fn unreadable(path: &Path, source: io::Error) -> NpmrcError {
    NpmrcError::Unreadable { path: path.to_owned(), source }
}

fn is_same_file(left: &Path, right: &Path) -> bool {
    left == right || matches!((left.canonicalize(), right.canonicalize()), (Ok(left), Ok(right)) if left == right)
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
