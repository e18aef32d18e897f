//! Folders in, projects or hints out.

use std::fs::File;

use tempfile::TempDir;

use super::{nearby::NAME_IT, *};

/// A folder with these files, whose bytes are their own names; `larder.toml` has the given text.
fn folder(files: &[&str], settings: Option<&str>) -> TempDir {
    let folder = TempDir::new().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    if let Some(text) = settings {
        fs::write(folder.path().join("larder.toml"), text).unwrap();
    }
    folder
}

fn names(project: &Project) -> Vec<(&str, &str)> {
    project.lockfiles.iter().map(|file| (file.name.as_str(), str::from_utf8(&file.bytes).unwrap())).collect()
}

#[test]
fn the_lockfile_of_a_folder_is_found_and_a_shrinkwrap_wins() {
    let cases: [(&[&str], &str); 3] = [
        (&["package-lock.json", "package.json"], "package-lock.json"),
        (&["npm-shrinkwrap.json"], "npm-shrinkwrap.json"),
        (&["package-lock.json", "npm-shrinkwrap.json", "bun.lockb"], "npm-shrinkwrap.json"),
    ];
    for (files, expected) in cases {
        let folder = folder(files, None);
        let project = Project::open(folder.path()).unwrap();
        assert_eq!(names(&project), [(expected, expected)]);
        assert_eq!(project.folder, folder.path());
        assert_eq!(project.settings, LarderToml::default());
        assert_eq!(project.lockfiles[0].folder(), folder.path());
    }
}

#[test]
fn of_each_package_manager_the_lockfile_is_found_and_what_cannot_be_read_is_told() {
    let folder = folder(&["bun.lock", "bun.lockb", "pnpm-lock.yaml", "package-lock.json", "npm-shrinkwrap.json"], None);
    let project = Project::open(folder.path()).unwrap();
    let found: Vec<&str> = names(&project).into_iter().map(|(name, _)| name).collect();
    assert_eq!(found, ["npm-shrinkwrap.json", "pnpm-lock.yaml", "bun.lock"]);
    assert_eq!(project.passed_over, [""; 0], "bun.lock says what bun.lockb says");
    fs::remove_file(folder.path().join("bun.lock")).unwrap();
    assert_eq!(Project::open(folder.path()).unwrap().passed_over, ["bun.lockb"]);
    for name in ["npm-shrinkwrap.json", "package-lock.json", "pnpm-lock.yaml"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    let error = Project::open(folder.path()).unwrap_err();
    assert!(matches!(error, ProjectError::BinaryLockfile { .. }));
    assert_eq!(error.hint().unwrap(), "`bun install --save-text-lockfile` writes it as text, bun.lock");
}

#[test]
fn a_lockfile_can_be_named_itself() {
    let folder = folder(&["web/package-lock.json", "web/npm-shrinkwrap.json"], None);
    let path = folder.path().join("web/package-lock.json");
    fs::write(folder.path().join("web/larder.toml"), "lockfiles = ['npm-shrinkwrap.json']\nomit = ['dev']").unwrap();
    let project = Project::open(&path).unwrap();
    assert_eq!(names(&project), [("package-lock.json", "web/package-lock.json")]);
    assert_eq!(project.folder, folder.path().join("web"));
    assert_eq!(project.settings.omit.len(), 1);
}

#[test]
fn larder_toml_lists_the_lockfiles_in_its_order() {
    let settings = "lockfiles = ['web/package-lock.json', './other.json']";
    let folder = folder(&["package-lock.json", "web/package-lock.json", "other.json"], Some(settings));
    let project = Project::open(folder.path()).unwrap();
    assert_eq!(names(&project), [("web/package-lock.json", "web/package-lock.json"), ("other.json", "other.json")]);
    assert_eq!(project.lockfiles[0].folder(), folder.path().join("web"));
}

#[test]
fn a_lockfile_that_is_listed_and_missing_is_named() {
    let folder = folder(&["package-lock.json"], Some("lockfiles = ['package-lock.json', 'web/package-lock.json']"));
    let error = Project::open(folder.path()).unwrap_err();
    let path = folder.path().join("web/package-lock.json");
    assert_eq!(error.to_string(), format!("{} does not exist", path.display()));
    let settings = folder.path().join("larder.toml");
    assert_eq!(error.hint(), Some(format!("`lockfiles` in {} lists it", settings.display())));
}

#[test]
fn without_a_lockfile_it_is_said_what_was_looked_for_and_what_is_there() {
    let below: &[&str] = &[
        "a/b/package-lock.json",
        "web/npm-shrinkwrap.json",
        "web/package-lock.json",
        "a/b/c/package-lock.json",
        "node_modules/x/package-lock.json",
        ".hidden/package-lock.json",
    ];
    let cases: [(&[&str], &str); 3] = [
        (below, "there are lockfiles below it: ROOT/a/b/package-lock.json, ROOT/web/npm-shrinkwrap.json"),
        (&["package.json"], "`npm install --package-lock-only` in ROOT makes one"),
        (&["index.html"], NAME_IT),
    ];
    for (files, hint) in cases {
        let folder = folder(files, None);
        let root = folder.path().display().to_string();
        let error = Project::open(folder.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "{root} has no npm-shrinkwrap.json, no package-lock.json, no pnpm-lock.yaml, no yarn.lock and no bun.lock"
            )
        );
        let ProjectError::NoLockfile { nearby, .. } = error else { panic!("{files:?}: {error}") };
        // Where the tests run, somebody may have left a lockfile in a folder above.
        let nearby = Nearby { above: None, ..nearby };
        assert_eq!(nearby.hint(folder.path()), hint.replace("ROOT", &root), "{files:?}");
    }
}

#[test]
fn in_a_folder_of_a_project_its_lockfile_is_named() {
    let folder = folder(&["yarn.lock", "src/lib/index.js", "packages/a/package.json"], None);
    let lockfile = folder.path().canonicalize().unwrap().join("yarn.lock");
    // The second is a package of a workspace.
    for inside in ["src/lib", "packages/a"] {
        let error = Project::open(&folder.path().join(inside)).unwrap_err();
        assert_eq!(error.hint(), Some(format!("there is a lockfile above it: {}", lockfile.display())), "{inside}");
    }
}

#[test]
fn a_hint_names_five_lockfiles_at_most() {
    let files: Vec<String> = (0..9).map(|number| format!("package{number}/package-lock.json")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let folder = folder(&files, None);
    let Err(ProjectError::NoLockfile { nearby, .. }) = Project::open(folder.path()) else { panic!("no error") };
    let expected: Vec<_> = files[..5].iter().map(|file| folder.path().join(file)).collect();
    assert_eq!(nearby.below, expected);
}

#[test]
fn what_is_no_lockfile_of_npm_is_refused_by_name() {
    let folder = folder(&["bun.lockb", "folder/x"], None);
    let named = |name: &str| Project::open(&folder.path().join(name)).unwrap_err();
    assert!(matches!(named("bun.lockb"), ProjectError::BinaryLockfile { .. }));
    assert!(matches!(named("gone"), ProjectError::NothingThere { .. }));
    assert!(matches!(named("gone/package-lock.json"), ProjectError::NothingThere { .. }));
    assert!(matches!(named("folder/x/y"), ProjectError::NothingThere { .. }));
    fs::write(folder.path().join("larder.toml"), "lockfiles = ['folder']").unwrap();
    let error = Project::open(folder.path()).unwrap_err();
    assert_eq!(error.to_string(), format!("{} is not a file", folder.path().join("folder").display()));
}

#[test]
fn a_wrong_larder_toml_is_an_error_with_its_path() {
    let folder = folder(&["package-lock.json"], Some("\nomitt = []"));
    let error = Project::open(folder.path()).unwrap_err().to_string();
    let start = format!("{}:2: unknown key `omitt`", folder.path().join("larder.toml").display());
    assert!(error.starts_with(&start), "{error}");
}

#[test]
fn a_file_longer_than_any_of_its_kind_is_refused() {
    let folder = folder(&["package-lock.json"], None);
    let file = File::create(folder.path().join("package-lock.json")).unwrap();
    // A hole: it takes no room on the disk, and the read stops before its end is in memory twice.
    file.set_len(LONGEST_SETTINGS + 1).unwrap();
    let path = folder.path().join("package-lock.json");
    assert!(matches!(read_file(&path, LONGEST_SETTINGS), Err(ProjectError::TooLong { longest: LONGEST_SETTINGS, .. })));
    assert_eq!(read_file(&path, LONGEST_SETTINGS + 1).unwrap().unwrap().len() as u64, LONGEST_SETTINGS + 1);
}

#[test]
fn a_lockfile_in_the_current_folder_stands_in_the_current_folder() {
    let file = LockfileBytes { path: "package-lock.json".into(), name: "package-lock.json".into(), bytes: [].into() };
    assert_eq!(file.folder(), Path::new("."));
}
