//! Which files and variables count for a project, in the order in which they decide:
//!
//! ```text
//! npm_config_* variables
//! YARN_* variables                                                with a yarn.lock
//! <project>/.yarnrc.yml, those above it, ~/.yarnrc.yml            with a yarn.lock
//! <project>/pnpm-workspace.yaml                                   with a pnpm-lock.yaml
//! <project>/.npmrc
//! pnpm's auth.ini                                                 with a pnpm-lock.yaml
//! userconfig,   else ~/.npmrc
//! pnpm's rc and config.yaml                                       with a pnpm-lock.yaml
//! <project>/bunfig.toml, ~/.bunfig.toml                           with a bun.lock
//! globalconfig, else <prefix>/etc/npmrc
//! ```
//!
//! Each manager has its own order, and none reads the others' files: the lockfile that counts says whose are read, whatever else lies in the
//! folder. Where no lockfile counts, those of all managers are read that have one there; beside one of npm's, what yarn and pnpm alone read
//! comes after the project's `.npmrc`.

use std::path::{Path, PathBuf};

use super::{
    bunfig,
    error::{ConfigError, ConfigWarning},
    layers::{Layers, read_file},
    npmrc, pnpm_workspace,
    precedence::{Level, Origin},
    settings::{Misread, Settings},
    yarnrc,
};
use crate::core::environment::Environment;

/// What yarn 2 and later call their configuration.
const YARN_FILE: &str = ".yarnrc.yml";

/// Whose lockfiles lie in a folder, and so who reads which file.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "any of them can lie beside any other")]
struct Managers {
    npm: bool,
    yarn: bool,
    pnpm: bool,
    bun: bool,
}

/// The package manager that installs from a lockfile, as far as it decides which files of configuration are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installer {
    /// npm, and whatever reads what npm reads and nothing else: yarn 1.
    Npm,
    /// yarn 2 and later.
    Yarn,
    /// pnpm.
    Pnpm,
    /// bun.
    Bun,
}

impl Managers {
    const fn only(installer: Installer) -> Self {
        Self {
            npm: matches!(installer, Installer::Npm),
            yarn: matches!(installer, Installer::Yarn),
            pnpm: matches!(installer, Installer::Pnpm),
            bun: matches!(installer, Installer::Bun),
        }
    }

    fn of(folder: &Path) -> Self {
        let has = |name: &str| folder.join(name).is_file();
        Self {
            npm: has("package-lock.json") || has("npm-shrinkwrap.json"),
            yarn: has("yarn.lock"),
            pnpm: has("pnpm-lock.yaml"),
            bun: has("bun.lock"),
        }
    }
}

/// Reads all places. A file of the user's or the global one that exists and cannot be read is a warning, as npm goes on without it too.
pub(super) fn read(
    environment: &Environment,
    project: &Path,
    installer: Option<Installer>,
    warnings: &mut Vec<ConfigWarning>,
) -> Result<Layers, ConfigError> {
    let managers = installer.map_or_else(|| Managers::of(project), Managers::only);
    let layers = Layers::new(environment.home(), managers.pnpm);
    let mut reader = Reader { layers, environment, project, managers, warnings };
    reader.variables()?;
    let user_file = reader.project_files()?;
    reader.user_files(user_file)?;
    Ok(reader.layers)
}

/// Adds one place after the other.
struct Reader<'a> {
    layers: Layers,
    environment: &'a Environment,
    project: &'a Path,
    managers: Managers,
    warnings: &'a mut Vec<ConfigWarning>,
}

type Parse = fn(&[u8], &Environment) -> Result<Settings, Misread>;

const NPMRC: Parse = |bytes, _| Ok(npmrc::parse(bytes));
const WORKSPACE: Parse = |bytes, _| pnpm_workspace::parse(bytes);

impl Reader<'_> {
    fn variables(&mut self) -> Result<(), ConfigError> {
        let folder = self.environment.current_dir();
        let settings = npmrc::from_variables(self.environment);
        self.layers.push(Origin::Environment, Level::Environment, folder, settings, self.environment);
        if self.managers.yarn {
            let settings =
                yarnrc::from_variables(self.environment).map_err(|misread| at(Origin::Environment, misread))?;
            self.layers.push(Origin::Environment, Level::Environment, folder, settings, self.environment);
        }
        Ok(())
    }

    /// The project's files. Gives the user's `.npmrc`, which one of them may name.
    fn project_files(&mut self) -> Result<Option<(PathBuf, Level)>, ConfigError> {
        if !self.managers.npm {
            self.managers_files()?;
        }
        let file = self.project.join(".npmrc");
        // In the home folder the file is the user's, and says what a user's file says.
        if !self.user_file().is_some_and(|(user_file, _)| is_same_file(&user_file, &file)) {
            self.required(file, Level::Project, self.project, NPMRC)?;
        }
        if self.managers.npm {
            self.managers_files()?;
        }
        Ok(self.user_file())
    }

    /// What yarn and pnpm alone read.
    fn managers_files(&mut self) -> Result<(), ConfigError> {
        if self.managers.yarn {
            let users = self.environment.home().map(|home| home.join(YARN_FILE));
            self.required(self.project.join(YARN_FILE), Level::Project, self.project, yarnrc::parse)?;
            let whole = self.project.canonicalize().unwrap_or_default();
            // Nobody knows who wrote what stands above: it is believed no more than the project, and kept like the user's.
            for folder in whole.ancestors().skip(1).filter(|folder| folder.has_root()) {
                let file = folder.join(YARN_FILE);
                if !users.as_deref().is_some_and(|users| is_same_file(users, &file)) {
                    self.required(file, Level::NamedByProject, folder, yarnrc::parse)?;
                }
            }
            // yarn's paths start from the file's own folder, npm's from the current one.
            if let (Some(users), Some(home)) = (users, self.environment.home()) {
                self.optional_from(home, users, Level::User, yarnrc::parse)?;
            }
        }
        if self.managers.pnpm {
            let file = self.project.join("pnpm-workspace.yaml");
            self.required(file, Level::Project, self.project, WORKSPACE)?;
        }
        Ok(())
    }

    fn user_file(&self) -> Option<(PathBuf, Level)> {
        let default = || Some((self.environment.home()?.join(".npmrc"), Level::User));
        self.layers.file("userconfig", Level::User).or_else(default)
    }

    /// The user's files and the global one.
    fn user_files(&mut self, user_file: Option<(PathBuf, Level)>) -> Result<(), ConfigError> {
        let config = self.environment.variable_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
        let config = config.or_else(|| Some(self.environment.home()?.join(".config")));
        let of_pnpm = |name: &str| config.as_ref().map(|config| config.join("pnpm").join(name));
        if self.managers.pnpm {
            self.optional(of_pnpm("auth.ini"), Level::User, NPMRC)?;
        }
        if let Some((file, level)) = user_file {
            self.optional(Some(file), level, NPMRC)?;
        }
        if self.managers.pnpm {
            self.optional(of_pnpm("rc"), Level::User, NPMRC)?;
            self.optional(of_pnpm("config.yaml"), Level::User, WORKSPACE)?;
        }
        if self.managers.bun {
            self.required(self.project.join("bunfig.toml"), Level::Project, self.project, bunfig::parse)?;
            let home = self.environment.home();
            for folder in [config.as_deref(), home].into_iter().flatten() {
                self.optional(Some(folder.join(".bunfig.toml")), Level::User, bunfig::parse)?;
            }
        }
        let global_file = self.layers.file("globalconfig", Level::Global).or_else(|| {
            let prefix = self.layers.file("prefix", Level::Global);
            let (prefix, level) = prefix.or_else(|| Some((default_prefix(self.environment)?, Level::Global)))?;
            Some((prefix.join("etc/npmrc"), level))
        });
        match global_file {
            Some((file, level)) => self.optional(Some(file), level, NPMRC),
            None => Ok(()),
        }
    }

    /// A file of the project: it has to be readable, if it is there.
    fn required(&mut self, file: PathBuf, level: Level, base: &Path, parse: Parse) -> Result<(), ConfigError> {
        match read_file(&file) {
            Ok(None) => Ok(()),
            Ok(Some(bytes)) => self.add(file, level, base, &bytes, parse),
            Err(source) => Err(ConfigError::Unreadable { path: file, source }),
        }
    }

    /// A file of the user's or the global one.
    fn optional(&mut self, file: Option<PathBuf>, level: Level, parse: Parse) -> Result<(), ConfigError> {
        file.map_or(Ok(()), |file| self.optional_from(self.environment.current_dir(), file, level, parse))
    }

    /// The same, whose relative paths start from this folder.
    fn optional_from(&mut self, base: &Path, file: PathBuf, level: Level, parse: Parse) -> Result<(), ConfigError> {
        match read_file(&file) {
            Ok(None) => {}
            Ok(Some(bytes)) => self.add(file, level, base, &bytes, parse)?,
            Err(error) => self.warnings.push(ConfigWarning::Unreadable { path: file, reason: error.to_string() }),
        }
        Ok(())
    }

    fn add(&mut self, file: PathBuf, level: Level, base: &Path, bytes: &[u8], parse: Parse) -> Result<(), ConfigError> {
        let origin = Origin::File(file);
        let settings = parse(bytes, self.environment).map_err(|misread| at(origin.clone(), misread))?;
        let unread = settings.keys().filter_map(|key| key.strip_prefix("yarn:unread:"));
        self.warnings.extend(unread.map(|key| ConfigWarning::NotRead { origin: origin.clone(), key: key.to_owned() }));
        self.layers.push(origin, level, base, settings, self.environment);
        Ok(())
    }
}

fn at(origin: Origin, misread: Misread) -> ConfigError {
    match misread {
        Misread::Syntax { language, place } => ConfigError::Syntax { origin, language, place },
        Misread::Value { key, accepted } => ConfigError::NotUnderstood { origin, key, accepted },
    }
}

/// Where npm was installed to: `PREFIX`, or two folders above the `node` that is found first, links followed. It is not run.
fn default_prefix(environment: &Environment) -> Option<PathBuf> {
    if let Some(prefix) = environment.variable_os("PREFIX").filter(|prefix| !prefix.is_empty()) {
        return Some(environment.current_dir().join(prefix));
    }
    let absolute = environment.search_path().filter(|folder| folder.is_absolute());
    let node = absolute.map(|folder| folder.join("node")).find(|node| node.is_file())?.canonicalize().ok()?;
    Some(node.parent()?.parent()?.to_owned())
}

fn is_same_file(left: &Path, right: &Path) -> bool {
    left == right || matches!((left.canonicalize(), right.canonicalize()), (Ok(left), Ok(right)) if left == right)
}
