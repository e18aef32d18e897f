//! Restores the true registries in pnpm's record of a tree: pnpm (until 10) keeps the registries that it installed from in `node_modules/.modules.yaml` and asks them
//! again, and the run's registry is gone by then.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

/// Where pnpm keeps what it knows about a tree.
const RECORD: &str = "node_modules/.modules.yaml";

/// Replaces the run's registry, `run`, by the true ones in the record of the tree in this folder. `registry_of` gives a scope's registry and, without a scope, the default
/// one. Returns whether there was something to replace.
pub(crate) fn restore_registries<'a>(
    folder: &Path,
    run: &str,
    registry_of: impl Fn(Option<&str>) -> &'a str,
) -> io::Result<bool> {
    let path = folder.join(RECORD);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    if !text.contains(run) {
        return Ok(false);
    }
    let mut restored = tempfile::NamedTempFile::new_in(folder.join("node_modules"))?;
    for line in text.split_inclusive('\n') {
        let key = line.trim_start().trim_start_matches(['"', '\'']);
        let scope = key.starts_with('@').then(|| key.split(['"', '\'', ':']).next()).flatten();
        restored.write_all(line.replace(run, registry_of(scope)).as_bytes())?;
    }
    restored.as_file().set_permissions(fs::metadata(&path)?.permissions())?;
    restored.persist(&path)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_true_registries_take_the_place_of_the_runs() {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join(RECORD);
        let registry_of = |scope: Option<&str>| match scope {
            Some("@s") => "https://scope.example/",
            _ => "https://registry.example/",
        };
        assert!(!restore_registries(folder.path(), "http://127.0.0.1:1/", registry_of).unwrap(), "there is no tree");
        fs::create_dir(folder.path().join("node_modules")).unwrap();
        let before = "{\n  \"registries\": {\n    \"default\": \"http://127.0.0.1:1/\",\n    \"@s\": \"http://127.0.0.1:1/\",\n    \"@other\": \"https://x.example/\"\n  }\n}\n";
        fs::write(&record, before).unwrap();
        assert!(restore_registries(folder.path(), "http://127.0.0.1:1/", registry_of).unwrap());
        let after = "{\n  \"registries\": {\n    \"default\": \"https://registry.example/\",\n    \"@s\": \"https://scope.example/\",\n    \"@other\": \"https://x.example/\"\n  }\n}\n";
        assert_eq!(fs::read_to_string(&record).unwrap(), after);
        assert!(
            !restore_registries(folder.path(), "http://127.0.0.1:1/", registry_of).unwrap(),
            "there is nothing left to do"
        );
        fs::write(&record, "registries:\n  default: http://127.0.0.1:1/\n  '@s': http://127.0.0.1:1/\n").unwrap();
        assert!(restore_registries(folder.path(), "http://127.0.0.1:1/", registry_of).unwrap());
        let yaml = "registries:\n  default: https://registry.example/\n  '@s': https://scope.example/\n";
        assert_eq!(fs::read_to_string(&record).unwrap(), yaml);
    }
}
