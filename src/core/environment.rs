//! What the program was started with: its variables, its folder, its user's home.
//!
//! A value: `main` reads it once and hands it on, and nothing else asks the operating system. So a test can state an environment, and a plan cannot depend on one.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
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

    /// The same with this home folder, if `HOME` names none.
    #[must_use]
    pub fn with_home_unless_named(mut self, home: impl FnOnce() -> Option<PathBuf>) -> Self {
        self.home = self.home.or_else(home);
        self
    }

    /// The same with larder's own file.
    #[must_use]
    pub fn with_executable(self, executable: Option<PathBuf>) -> Self {
        Self { executable, ..self }
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

    /// The folders of `PATH`, in its order.
    pub fn search_path(&self) -> impl Iterator<Item = PathBuf> {
        self.variable_os("PATH").into_iter().flat_map(std::env::split_paths)
    }

    /// The folder that relative paths start from.
    pub fn current_dir(&self) -> &Path {
        &self.current_dir
    }

    /// The folder for what can be made again: `$XDG_CACHE_HOME`, else `.cache` in the home folder.
    pub fn cache_dir(&self) -> Option<PathBuf> {
        let named = self.variable_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
        named.or_else(|| Some(self.home()?.join(".cache")))
    }

    /// larder's own file, if the system tells: without `/proc` it does not.
    pub fn executable(&self) -> Option<&Path> {
        self.executable.as_deref()
    }

    /// Those of the folders of these names that are beside the `bin` that larder's own file is in.
    pub fn folders_beside<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<PathBuf> {
        let bin = self.executable().and_then(Path::parent).filter(|folder| folder.ends_with("bin"));
        let Some(around) = bin.and_then(Path::parent) else { return Vec::new() };
        names.into_iter().map(|name| around.join(name)).filter(|folder| folder.is_dir()).collect()
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
            .field("executable", &self.executable)
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
            r#"Environment { variables: 2, current_dir: "/work", home: Some("/home/me"), executable: None }"#
        );
    }

    #[test]
    fn the_cache_folder_is_that_of_xdg_or_below_home() {
        let cache = |variables: &[(&str, &str)]| Environment::new(Path::new("/"), variables.to_vec()).cache_dir();
        assert_eq!(cache(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c")]), Some("/c".into()));
        assert_eq!(cache(&[("HOME", "/h"), ("XDG_CACHE_HOME", "relative")]), Some("/h/.cache".into()));
        assert_eq!(cache(&[]), None);
    }

    #[test]
    fn an_empty_home_is_no_home() {
        assert_eq!(Environment::new(Path::new("/"), [("HOME", "")]).home(), None);
    }
}
