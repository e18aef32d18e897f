//! The credentials that Docker's and Podman's clients keep for a registry: so that who is logged in there is logged in here.
//!
//! The first of these files that has something for the registry counts:
//!
//! 1. `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`
//! 2. `$REGISTRY_AUTH_FILE`, else `$XDG_RUNTIME_DIR/containers/auth.json`, then `~/.config/containers/auth.json`
//!
//! In a file, `credHelpers` goes before `credsStore`, and that before `auths`. Nothing secret is in an error or a debug text.

mod config_file;
mod error;
mod helper;
mod login;

use std::{fmt, path::PathBuf};

use self::{
    config_file::{ConfigFile, Found},
    helper::Helper,
};
use super::reference::Reference;
use crate::core::environment::Environment;

pub use error::{CredentialsError, HelperProblem};
pub(super) use login::{Login, Secret};

/// Who asks a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    pub(super) login: Login,
    /// The file that they are from.
    origin: Option<PathBuf>,
    /// The program that gave them.
    helper: Option<String>,
}

impl Credentials {
    /// Nobody's.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// A user and a password, from wherever the caller has them.
    pub fn basic(user: &str, password: &str) -> Self {
        let login = Login::Basic { user: user.to_owned(), password: Secret(password.to_owned()) };
        Self { login, origin: None, helper: None }
    }

    /// What this user's configuration has for a registry's repository; [`Credentials::anonymous`] if it has nothing. Reads files and may run a helper: it blocks.
    pub fn find(environment: &Environment, reference: &Reference) -> Result<Self, CredentialsError> {
        for path in files(environment) {
            let Some(file) = ConfigFile::read(&path)? else { continue };
            let Some(found) = file.find(reference)? else { continue };
            let (login, helper) = match found {
                Found::Login(login) => (Some(login), None),
                Found::Helper { name, server, or } => {
                    let helper = Helper::new(&name);
                    let problem = |problem| CredentialsError::Helper {
                        program: helper.program.clone(),
                        path: path.clone(),
                        registry: reference.registry.clone(),
                        problem,
                    };
                    match helper.get(environment, &server).map_err(problem)? {
                        Some(login) => (Some(login), Some(helper.program)),
                        None => (or, None),
                    }
                }
            };
            if let Some(login) = login {
                return Ok(Self { login, origin: Some(path), helper });
            }
        }
        Ok(Self::anonymous())
    }

    /// Whether there are none.
    pub fn is_anonymous(&self) -> bool {
        self.login == Login::Anonymous
    }
}

/// Where they are from, for a person: `/home/me/.docker/config.json, by docker-credential-pass`.
impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, &self.helper) {
            _ if self.is_anonymous() => f.write_str("no credentials"),
            (Some(path), Some(helper)) => write!(f, "the credentials of {}, by {helper}", path.display()),
            (Some(path), None) => write!(f, "the credentials of {}", path.display()),
            (None, _) => f.write_str("the credentials that were given"),
        }
    }
}

/// The files in which credentials may be, in their order.
fn files(environment: &Environment) -> Vec<PathBuf> {
    let named = |name: &str| environment.variable_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let in_home = |path: &str| environment.home().map(|home| home.join(path));
    let docker = named("DOCKER_CONFIG").or_else(|| in_home(".docker")).map(|folder| folder.join("config.json"));
    let podman = named("REGISTRY_AUTH_FILE").or_else(|| Some(named("XDG_RUNTIME_DIR")?.join("containers/auth.json")));
    let files = [docker, podman, in_home(".config/containers/auth.json")];
    files.into_iter().flatten().map(|path| environment.current_dir().join(path)).collect()
}

#[cfg(test)]
mod tests;
