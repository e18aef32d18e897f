//! `tokenHelper`: a program of the user's that prints a token. pnpm runs it, npm does not.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::config::{
    authorization::Authorization,
    error::{ConfigError, ConfigWarning},
    layers::Layers,
};

/// A program that prints the value of an `Authorization` header, or a token alone.
#[derive(Clone, Debug)]
pub(in crate::config) struct TokenHelper {
    program: PathBuf,
    line: String,
}

impl TokenHelper {
    /// The one of this key, where pnpm installs the project. Only the user's own files may name it: a project's could run anything.
    pub(super) fn read(layers: &Layers, key: &str, warnings: &mut Vec<ConfigWarning>) -> Option<Self> {
        if !layers.is_pnpms {
            return None;
        }
        if let Some(found) = layers.find_all(key).find(|found| found.level.is_of_project()) {
            warnings.push(ConfigWarning::HelperOfProject { origin: found.origin.clone(), key: key.to_owned() });
        }
        let found = layers.find_own(key)?;
        let program = PathBuf::from(found.text()?);
        Some(Self { program, line: found.line() })
    }

    /// What it prints.
    pub(super) fn run(&self) -> Result<Authorization, ConfigError> {
        let failed = |problem: String| ConfigError::TokenHelper { line: self.line.clone(), problem };
        if !self.program.is_absolute() || !self.program.is_file() {
            return Err(failed("is not the absolute path of a program, without arguments".to_owned()));
        }
        let output = Command::new(&self.program)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| failed(format!("cannot be run: {error}")))?;
        if !output.status.success() {
            return Err(failed(format!("failed: {}", output.status)));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let text = text.trim();
        let authorization =
            if text.contains(' ') { Authorization::from_value(text) } else { Authorization::from_token(text) };
        let authorization =
            authorization.ok_or_else(|| failed("prints nothing that can be sent as a token".to_owned()))?;
        Ok(authorization.of_user(true))
    }
}
