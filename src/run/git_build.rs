//! Packages from git that their package manager builds before it installs them. It installs their dependencies first, those for development too, and no lockfile names
//! those. Pure.

use serde_json::Value;

/// Scripts for which npm (10 to 12) prepares a package from git, as its pacote lists them; pnpm and yarn do so for some of them.
const SCRIPTS: [&str; 6] = ["prepare", "prepack", "build", "preinstall", "install", "postinstall"];

/// What in this `package.json` makes a package manager prepare the package; `None` if it is installed as it is.
pub(crate) fn prepared_for(package_json: &[u8]) -> Option<String> {
    let bytes = package_json.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(package_json);
    let package: Value = serde_json::from_slice(bytes).ok()?;
    let is_script = |name: &&&str| package["scripts"][**name].as_str().is_some_and(|script| !script.is_empty());
    match SCRIPTS.iter().find(is_script) {
        Some(script) => Some(format!("its script `{script}`")),
        None => (!package["workspaces"].is_null()).then(|| "its workspaces".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_workspaces_make_a_package_manager_prepare_a_package() {
        for (text, expected) in [
            (r#"{"scripts": {"test": "x", "build": "tsc", "prepare": "tsc"}}"#, Some("its script `prepare`")),
            (r#"{"scripts": {"postinstall": "node x.js"}}"#, Some("its script `postinstall`")),
            (r#"{"workspaces": ["a"]}"#, Some("its workspaces")),
            (r#"{"scripts": {"test": "x", "prepare": ""}}"#, None),
            (r#"{"scripts": 5}"#, None),
            ("{}", None),
            ("no JSON", None),
        ] {
            assert_eq!(prepared_for(text.as_bytes()).as_deref(), expected, "{text}");
        }
    }
}
