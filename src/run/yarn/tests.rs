//! Tests of the warnings before yarn starts, and of finding the yarn that would run.

use std::fs;

use tempfile::TempDir;

use super::*;

fn version(text: &str) -> YarnVersion {
    YarnVersion::parse(text).unwrap()
}

fn installed_as(text: &str) -> InstalledYarn {
    InstalledYarn { version: version(text), is_missing: false, pinned: None }
}

#[test]
fn a_lockfile_of_another_yarn_is_told() {
    let classic = YarnLock::Classic;
    let berry = |version| YarnLock::Berry { version };
    for (lock, yarn, expected) in [
        (classic, "1.22.22", None),
        (classic, "4.18.1", Some(YarnProblem::ClassicLock(version("4.18.1")))),
        (berry(10), "1.22.22", Some(YarnProblem::LaterLock(version("1.22.22")))),
        (berry(10), "4.18.1", None),
        (berry(10), "4.15.0", None),
        (berry(8), "4.18.1", Some(YarnProblem::OtherVersion(version("4.18.1"), 8))),
        (berry(10), "4.5.3", Some(YarnProblem::OtherVersion(version("4.5.3"), 10))),
        (berry(8), "4.13.0", None),
        (berry(9), "4.14.1", None),
        (berry(6), "3.8.7", None),
        (berry(5), "3.1.1", None),
        (berry(4), "3.0.2", None),
        (berry(4), "2.4.3", None),
        (berry(6), "4.0.0", Some(YarnProblem::OtherVersion(version("4.0.0"), 6))),
    ] {
        let found = problems(lock, Some(&installed_as(yarn)), false);
        assert_eq!(found, Vec::from_iter(expected), "{lock:?} {yarn}");
    }
    let said = YarnProblem::OtherVersion(version("4.18.1+sha224.00"), 8).to_string();
    assert_eq!(
        said,
        "yarn 4.18.1 writes yarn.lock in version 10, this one has version 8, and `yarn install --immutable` refuses it (YN0028)"
    );
}

#[test]
fn a_yarn_that_corepack_would_download_matters_offline_only() {
    let installed = InstalledYarn { is_missing: true, ..installed_as("4.18.1") };
    let lock = YarnLock::Berry { version: 10 };
    assert_eq!(problems(lock, Some(&installed), true), [YarnProblem::NotHere(version("4.18.1"))]);
    assert_eq!(problems(lock, Some(&installed), false), []);
}

#[test]
fn the_yarn_that_would_run_is_found_without_running_it() {
    let folder = TempDir::new().unwrap();
    let at = |path: &str| folder.path().join(path);
    let write = |path: &str, text: &str| {
        fs::create_dir_all(at(path).parent().unwrap()).unwrap();
        fs::write(at(path), text).unwrap();
    };
    write("lib/yarn/package.json", r#"{"name": "yarn", "version": "1.22.22"}"#);
    write("lib/yarn/bin/yarn.js", "");
    write("lib/corepack/package.json", r#"{"name": "corepack", "version": "0.31.0"}"#);
    write("lib/corepack/dist/yarn.js", "");
    write("web/package.json", r#"{"packageManager": "yarn@4.5.3+sha224.00"}"#);
    fs::create_dir_all(at("bin")).unwrap();
    fs::create_dir_all(at("enabled")).unwrap();
    std::os::unix::fs::symlink(at("lib/yarn/bin/yarn.js"), at("bin/yarn")).unwrap();
    std::os::unix::fs::symlink(at("lib/corepack/dist/yarn.js"), at("enabled/yarn")).unwrap();
    let find = |bin: &str| {
        let environment = Environment::new(folder.path(), [("PATH", at(bin)), ("COREPACK_HOME", at("corepack"))]);
        installed(&["yarn".into(), "install".into()], &at("web"), &environment)
    };
    let of_project = version("4.5.3");
    let direct = InstalledYarn { version: version("1.22.22"), is_missing: false, pinned: Some(of_project.clone()) };
    assert_eq!(find("bin"), Some(direct.clone()));
    assert_eq!(
        problems(YarnLock::Classic, Some(&direct), false),
        [YarnProblem::Pinned(version("1.22.22"), of_project.clone())]
    );
    let by_corepack = |is_missing| Some(InstalledYarn { version: of_project.clone(), is_missing, pinned: None });
    assert_eq!(find("enabled"), by_corepack(true));
    fs::create_dir_all(at("corepack/v1/yarn/4.5.3")).unwrap();
    assert_eq!(find("enabled"), by_corepack(false));
    assert_eq!(find("nowhere"), None);
    write("web/.yarnrc.yml", "nodeLinker: node-modules\nyarnPath: .yarn/releases/yarn-4.18.1.cjs\n");
    assert_eq!(find("nowhere"), Some(installed_as("4.18.1")));
    for text in [
        "{nodeLinker: node-modules, yarnPath: .yarn/releases/yarn-4.18.1.cjs}\n",
        "\"yarnPath\" : './.yarn/releases/yarn-4.18.1.cjs' # ours\n",
    ] {
        write("web/.yarnrc.yml", text);
        assert_eq!(find("nowhere"), Some(installed_as("4.18.1")), "{text}");
    }
}
