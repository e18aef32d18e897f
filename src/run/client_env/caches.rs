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

/// Go makes the folders of its modules so that nobody can remove what is in them, unless it has this flag.
const GO_FLAG: &str = "-modcacherw";

/// These variables, each with an empty folder below this one, and Go's flags beside those that it has.
pub(crate) fn fresh_caches(folder: &Path, go_flags: Option<&str>) -> impl Iterator<Item = (OsString, OsString)> {
    let folders = CACHES.iter().map(move |name| (name.into(), folder.join("fresh").join(name.to_lowercase()).into()));
    let go_flags = [go_flags.unwrap_or_default(), GO_FLAG].join(" ");
    folders.chain([("GOFLAGS".into(), go_flags.trim_start().into())])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_program_has_a_folder_of_its_own() {
        let values =
            |go_flags| fresh_caches(Path::new("/run"), go_flags).map(|(_, value)| value).collect::<HashSet<_>>();
        assert_eq!(values(None).len(), CACHES.len() + 1);
        for (go_flags, value) in
            [(None, "/run/fresh/xdg_cache_home"), (None, "-modcacherw"), (Some("-v"), "-v -modcacherw")]
        {
            assert!(values(go_flags).contains(value.as_ref() as &std::ffi::OsStr), "{value}");
        }
    }
}
