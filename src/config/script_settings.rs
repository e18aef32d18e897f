//! Settings as install scripts find them: npm hands every key of its configuration to scripts, as a variable `npm_config_…`, whatever the key is for.

use std::{fmt, path::Path};

use super::{
    layers::{Found, Layers},
    sources::{self, Installer},
};
use crate::core::environment::Environment;

/// The settings of a project. Files that cannot be read say nothing.
pub struct ScriptSettings(Option<Layers>);

impl ScriptSettings {
    /// Reads them for what this package manager installs from the project in this folder.
    pub fn read(environment: &Environment, project: &Path, installer: Installer) -> Self {
        match sources::read(environment, project, Some(installer), &mut Vec::new()) {
            Ok(layers) => Self(Some(layers)),
            Err(error) => {
                tracing::debug!(%error, "what install scripts are told is not known");
                Self(None)
            }
        }
    }

    /// The value of a setting. Scripts know no difference between upper and lower case, nor between `-` and `_`.
    pub fn get(&self, name: &str) -> Option<String> {
        let layers = self.0.as_ref()?;
        let key = layers.keys().into_iter().find(|key| plain(key) == plain(name))?;
        let found: Found<'_> = layers.find(key)?;
        found.text().map(str::to_owned).or_else(|| found.flag().map(|flag| flag.to_string()))
    }

    /// All values of a setting that is a list.
    pub fn list(&self, name: &str) -> Vec<String> {
        let found = self.0.as_ref().and_then(|layers| layers.find(name));
        found.map_or(Vec::new(), |found| found.texts().map(str::to_owned).collect())
    }
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

/// Without the settings: tokens are among them.
impl fmt::Debug for ScriptSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptSettings").field("is_known", &self.0.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_found_however_it_is_spelled() {
        let folder = tempfile::tempdir().unwrap();
        let npmrc = "CYPRESS_INSTALL_BINARY=0\nonnxruntime-node-install=skip\nignore-scripts=true\n";
        std::fs::write(folder.path().join(".npmrc"), npmrc).unwrap();
        let environment = Environment::new(folder.path(), [("NPM_CONFIG_CHROMEDRIVER_SKIP_DOWNLOAD", "true")]);
        let settings = ScriptSettings::read(&environment, folder.path(), Installer::Npm);
        for (name, value) in [
            ("CYPRESS_INSTALL_BINARY", Some("0")),
            ("ONNXRUNTIME_NODE_INSTALL", Some("skip")),
            ("CHROMEDRIVER_SKIP_DOWNLOAD", Some("true")),
            ("ignore-scripts", Some("true")),
            ("ELECTRON_SKIP_BINARY_DOWNLOAD", None),
        ] {
            assert_eq!(settings.get(name).as_deref(), value, "{name}");
        }
        assert!(!format!("{settings:?}").contains("skip"));
    }

    #[test]
    fn a_configuration_that_cannot_be_read_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".npmrc")).unwrap();
        let environment = Environment::new(folder.path(), [("npm_config_cypress_install_binary", "0")]);
        assert_eq!(
            ScriptSettings::read(&environment, folder.path(), Installer::Npm).get("CYPRESS_INSTALL_BINARY"),
            None
        );
    }
}
