//! Folders in which programs keep what they download, for a command that is to download all of it anew. Pure.

use std::{ffi::OsString, path::Path};

/// The variables that name such a folder. What keeps its downloads elsewhere hides them.
const CACHES: [&str; 14] = [
    "XDG_CACHE_HOME",
    "CYPRESS_CACHE_FOLDER",
    "DENO_DIR",
    "ELECTRON_BUILDER_CACHE",
    "GECKODRIVER_CACHE_DIR",
    "GOMODCACHE",
    "MONGOMS_DOWNLOAD_DIR",
    "PIP_CACHE_DIR",
    "PLAYWRIGHT_BROWSERS_PATH",
    "PUPPETEER_CACHE_DIR",
    "SENTRYCLI_CACHE",
    "UV_CACHE_DIR",
    "YARN_CACHE_FOLDER",
    "electron_config_cache",
];

/// These variables, each with an empty folder below this one.
pub(crate) fn fresh_caches(folder: &Path) -> impl Iterator<Item = (OsString, OsString)> {
    CACHES.iter().map(move |name| (name.into(), folder.join("fresh").join(name.to_lowercase()).into()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_program_has_a_folder_of_its_own() {
        let folders: HashSet<OsString> = fresh_caches(Path::new("/run")).map(|(_, folder)| folder).collect();
        assert_eq!(folders.len(), CACHES.len());
        assert!(folders.contains("/run/fresh/xdg_cache_home".as_ref() as &std::ffi::OsStr));
    }
}
