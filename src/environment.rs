//! What the program was started with: its variables, its folder, its user's home.
//!
//! `main` reads it once and hands it on; nothing else asks the operating system, so that a test can state an environment and
//! a plan cannot depend on one.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt, io,
    path::{Path, PathBuf},
};

/// Variables, current folder, home folder and larder's own file.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    current_dir: PathBuf,
    home: Option<PathBuf>,
    executable: Option<PathBuf>,
}

impl Environment {
    /// The environment of this process. Fails if the current folder is gone or cannot be named.
    pub fn read() -> io::Result<Self> {
        let current_dir = std::env::current_dir()?;
        let variables: BTreeMap<_, _> = std::env::vars_os().collect();
        let executable =
            std::env::current_exe().map_err(|error| tracing::debug!(%error, "where larder itself is")).ok();
        Ok(Self { variables, current_dir, home: etcetera::home_dir().ok(), executable })
    }

    /// An environment with these variables; `HOME` among them is the home folder.
    pub fn new<Name, Value>(current_dir: &Path, variables: impl IntoIterator<Item = (Name, Value)>) -> Self
    where
        Name: Into<OsString>,
        Value: Into<OsString>,
    {
        let variables: BTreeMap<_, _> =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let home = variables.get(OsStr::new("HOME")).filter(|home| !home.is_empty()).map(PathBuf::from);
        Self { variables, current_dir: current_dir.to_owned(), home, executable: None }
    }

    /// A variable's value; `None` if it is not set or is not UTF-8. An empty value is a value.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variable_os(name)?.to_str()
    }

    /// A variable's value as the operating system has it, for paths.
    pub fn variable_os(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// All variables whose name and value are UTF-8, by name.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
    }

    /// The folder that relative paths start from.
    pub fn current_dir(&self) -> &Path {
        &self.current_dir
    }

    /// larder's own file, if the system tells: without `/proc` it does not.
    pub fn executable(&self) -> Option<&Path> {
        self.executable.as_deref()
    }

    /// The user's home folder, if there is one.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }
}

/// Without the variables: tokens are among them.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.len())
            .field("current_dir", &self.current_dir)
            .field("home", &self.home)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_variable() {
        let environment = Environment::new(Path::new("/work"), [("HOME", "/home/me"), ("NPM_TOKEN", "s3cret")]);
        assert_eq!(
            format!("{environment:?}"),
            r#"Environment { variables: 2, current_dir: "/work", home: Some("/home/me") }"#
        );
    }

    #[test]
    fn an_empty_home_is_no_home() {
        assert_eq!(Environment::new(Path::new("/"), [("HOME", "")]).home(), None);
    }
}
