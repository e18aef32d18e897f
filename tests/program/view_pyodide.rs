//! `larder view pyodide`, `larder view wheels` and `larder verify --pyodide`: folders that load offline, or a clear failure and no folder.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use larder_test_server::Zip;

use crate::pyodide::{Listed, Pyodide};

/// A project that asks for black of the index and numpy of the distribution; locked.
fn locked() -> Pyodide {
    let pyodide =
        Pyodide::new(&[("numpy", "2.2.5", &["lib_blas"]), ("lib-blas", "0.3", &[]), ("scipy", "1.14", &["numpy"])]);
    pyodide.publish("black", "26.5.1", &["Requires-Dist: click"], &Listed::default());
    pyodide.publish("click", "8.3.1", &[], &Listed::default());
    pyodide.ask(&["black", "numpy"], "");
    pyodide.lock();
    pyodide
}

fn target(pyodide: &Pyodide) -> PathBuf {
    pyodide.world.project().join("static/pyodide")
}

/// Every file below a folder, with its bytes.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut next = vec![folder.to_owned()];
    while let Some(folder_now) = next.pop() {
        for entry in std::fs::read_dir(&folder_now).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                next.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn lock_of(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.join("pyodide-lock.json")).unwrap()).unwrap()
}

#[test]
fn the_folder_holds_what_was_locked_and_its_lock_names_nothing_else() {
    let pyodide = locked();
    let run = pyodide.run(&["view", "pyodide", "static/pyodide"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let expected = "static/pyodide: pyodide 0.28.3 with 4 packages; 10 files: ";
    assert!(run.out.starts_with(expected), "{run:?}");
    let names: Vec<String> = tree(&target(&pyodide)).into_keys().collect();
    assert_eq!(
        names,
        [
            ".larder-view",
            "black-26.5.1-py3-none-any.whl",
            "click-8.3.1-py3-none-any.whl",
            "lib_blas-0.3-cp313-cp313-pyodide_2025_0_wasm32.whl",
            "numpy-2.2.5-cp313-cp313-pyodide_2025_0_wasm32.whl",
            "package.json",
            "pyodide-lock.json",
            "pyodide.asm.js",
            "pyodide.asm.wasm",
            "pyodide.mjs",
            "python_stdlib.zip",
        ]
    );
    let lock = lock_of(&target(&pyodide));
    let packages = lock["packages"].as_object().unwrap();
    assert_eq!(packages.keys().collect::<Vec<_>>(), ["black", "click", "lib-blas", "numpy"]);
    assert_eq!(packages["numpy"]["depends"], serde_json::json!(["lib-blas"]), "normalised");
    assert_eq!(packages["black"]["imports"], serde_json::json!(["black"]), "told from the wheel");
    assert_eq!(lock["tool"]["larder"]["requested"], serde_json::json!(["black", "numpy"]));
}

#[test]
fn two_views_on_two_machines_are_equal_to_the_byte_and_a_second_one_changes_nothing() {
    let (one, other) = (locked(), locked());
    for pyodide in [&one, &other] {
        assert_eq!(pyodide.run(&["view", "pyodide", "static/pyodide"]).code, Some(0));
    }
    // The servers' ports differ, and only larder.lock and larder.toml name them.
    assert_eq!(tree(&target(&one)), tree(&target(&other)));
    one.world.server.forget();
    let again = one.run(&["view", "pyodide", "static/pyodide", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!((&document["files"], &document["kept"]), (&10.into(), &10.into()), "{again:?}");
    assert!(one.world.server.requests().is_empty(), "everything is in the store");
}

#[test]
fn the_folder_of_larder_toml_is_the_default() {
    let pyodide = locked();
    let run = pyodide.run(&["view", "pyodide"]);
    assert_eq!((run.code, run.err.contains("there is no folder to lay Pyodide out in")), (Some(1), true), "{run:?}");
    pyodide.ask(&["black", "numpy"], "folder = \"public/py\"");
    assert_eq!(pyodide.run(&["view", "pyodide"]).code, Some(0));
    assert!(pyodide.world.project().join("public/py/pyodide.mjs").exists());
}

#[test]
fn what_is_missing_is_fetched_and_offline_it_is_named_at_once() {
    let pyodide = locked();
    let run = pyodide.run(&["view", "pyodide", "static/pyodide", "--offline"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    for missing in
        ["black 26.5.1 is not in the store", "numpy 2.2.5 is not in the store", "lib-blas 0.3 is not in the store"]
    {
        assert!(run.err.contains(missing), "{missing}: {run:?}");
    }
    assert!(run.err.contains("hint: `larder fetch` gets what larder.lock names"), "{run:?}");
    assert!(!target(&pyodide).exists());
    assert_eq!(pyodide.run(&["view", "pyodide", "static/pyodide"]).code, Some(0));
    assert_eq!(pyodide.run(&["view", "pyodide", "static/pyodide", "--offline"]).code, Some(0));
}

#[test]
fn a_file_that_cannot_be_had_leaves_the_old_folder_as_it_was() {
    let pyodide = locked();
    assert_eq!(pyodide.run(&["view", "pyodide", "static/pyodide"]).code, Some(0));
    let before = tree(&target(&pyodide));
    pyodide.publish("attrs", "25.1", &[], &Listed { has_metadata: true, ..Listed::default() });
    pyodide.world.server.on("/files/attrs-25.1-py3-none-any.whl", larder_test_server::Reply::status(404));
    pyodide.ask(&["black", "numpy", "attrs"], "");
    pyodide.lock();
    let run = pyodide.run(&["view", "pyodide", "static/pyodide"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("attrs 25.1"), "{run:?}");
    assert_eq!(tree(&target(&pyodide)), before);
}

#[test]
fn a_blob_that_was_damaged_is_fetched_again_or_offline_named_and_nothing_is_written() {
    let pyodide = locked();
    pyodide.run(&["fetch"]);
    let wheel = larder_test_server::wheel("click", "8.3.1", "py3-none-any", &[]).1;
    let blob = larder_store::digest::BlobId::of(&wheel).to_string();
    let path = pyodide.world.store().join(format!("blobs/{}/{}", &blob[..2], &blob[2..]));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[40] ^= 1;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let run = pyodide.run(&["view", "pyodide", "static/pyodide", "--offline"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.err.contains("click 8.3.1: the bytes in the store are not those of larder.lock (sha256-"), "{run:?}");
    assert!(run.err.contains("hint: `larder verify --repair`"), "{run:?}");
    assert!(!target(&pyodide).exists());
    pyodide.world.server.forget();
    let run = pyodide.run(&["view", "pyodide", "static/pyodide"]);
    assert_eq!((run.code, pyodide.world.server.requests().len()), (Some(0), 1), "{run:?}");
    assert!(run.err.contains("warning: click 8.3.1: its blob was damaged, and was fetched again"), "{run:?}");
    assert_eq!(std::fs::read(target(&pyodide).join("click-8.3.1-py3-none-any.whl")).unwrap(), wheel);
}

#[test]
fn a_wheel_of_the_index_that_is_not_what_it_seems_is_refused() {
    let metadata = |name: &str, version: &str| format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n");
    let info = "evil-1.0.dist-info/METADATA";
    let good = || Zip::new().with(info, metadata("evil", "1.0"));
    let cases = [
        (good().with("../escaped.py", ""), "it holds `../escaped.py`, a path that leads elsewhere"),
        (good().with("a.py", "").with("a.py", ""), "it holds `a.py` twice"),
        (Zip::new().with(info, metadata("other", "1.0")), "METADATA's Name says `other`"),
        (Zip::new().with(info, metadata("evil", "2.0")), "METADATA's Version says `2.0`"),
        (Zip::new().with("evil/__init__.py", ""), "holds no folder that ends with .dist-info"),
        (
            Zip::new().with_false_length(info, metadata("evil", "1.0"), u32::MAX - 1),
            "evil-1.0.dist-info/METADATA` is damaged",
        ),
    ];
    for (zip, expected) in cases {
        refused(&zip.build(), expected);
    }
    let whole = good().build();
    refused(&whole[..whole.len() - 30], "it is not a zip archive, or its end is missing");
}

/// The index states the digest of these very bytes, and metadata beside them.
fn refused(wheel: &[u8], expected: &str) {
    let pyodide = locked();
    assert_eq!(pyodide.run(&["view", "pyodide", "static/pyodide"]).code, Some(0));
    let before = tree(&target(&pyodide));
    let file = "evil-1.0-py3-none-any.whl";
    pyodide.list("evil", file, wheel, &Listed::default());
    pyodide.world.server.on(&format!("/files/{file}"), larder_test_server::Reply::body(wheel.to_vec()));
    let head = "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n";
    pyodide.world.server.on(&format!("/files/{file}.metadata"), larder_test_server::Reply::body(head));
    pyodide.ask(&["black", "numpy", "evil"], "");
    pyodide.lock();
    let run = pyodide.run(&["view", "pyodide", "static/pyodide"]);
    assert_eq!(run.code, Some(1), "{expected}: {run:?}");
    assert!(run.err.contains(expected) && run.err.contains(file), "{expected}: {run:?}");
    assert_eq!(tree(&target(&pyodide)), before, "{expected}");
}

#[test]
fn a_cycle_is_broken_and_named_and_strict_refuses_it() {
    let pyodide = Pyodide::new(&[]);
    pyodide.publish("testtools", "2.5", &["Requires-Dist: fixtures"], &Listed::default());
    pyodide.publish("fixtures", "3.0", &["Requires-Dist: testtools"], &Listed::default());
    pyodide.ask(&["testtools"], "");
    pyodide.lock();
    let run = pyodide.run(&["view", "pyodide", "static/pyodide", "--strict"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("testtools → fixtures → testtools"), "{run:?}");
    assert!(!target(&pyodide).exists());
    let run = pyodide.run(&["view", "pyodide", "static/pyodide", "--color", "never"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("the lock leaves out that fixtures needs testtools"), "{run:?}");
    let lock = lock_of(&target(&pyodide));
    assert_eq!(lock["packages"]["testtools"]["depends"], serde_json::json!(["fixtures"]));
    assert_eq!(lock["packages"]["fixtures"]["depends"], serde_json::json!([]));
    assert_eq!(pyodide.run(&["verify", "--pyodide", "static/pyodide"]).code, Some(0));
}

#[test]
fn stale_files_go_and_a_folder_that_is_no_view_is_left_alone() {
    let pyodide = locked();
    assert_eq!(pyodide.run(&["view", "pyodide", "static/pyodide"]).code, Some(0));
    pyodide.ask(&["numpy"], "");
    pyodide.lock();
    assert_eq!(pyodide.run(&["view", "pyodide", "static/pyodide"]).code, Some(0));
    assert!(!target(&pyodide).join("black-26.5.1-py3-none-any.whl").exists());
    assert!(target(&pyodide).join("numpy-2.2.5-cp313-cp313-pyodide_2025_0_wasm32.whl").exists());
    pyodide.world.write("mine/thesis", "");
    for (folder, why) in [(".", "is, or holds, the project"), ("mine", "is not a view")] {
        let run = pyodide.run(&["view", "pyodide", folder]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains(why) && pyodide.world.project().join("larder.lock").exists(), "{run:?}");
    }
}

#[test]
fn the_full_lock_keeps_the_rest_at_its_address() {
    let pyodide = locked();
    let run = pyodide.run(&["view", "pyodide", "static/pyodide", "--full-lock"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("node cannot load those"), "{run:?}");
    let lock = lock_of(&target(&pyodide));
    let address = pyodide.world.server.url("/dist/scipy-1.14-cp313-cp313-pyodide_2025_0_wasm32.whl");
    assert_eq!(lock["packages"]["scipy"]["file_name"], address);
    assert_eq!(lock["packages"]["numpy"]["file_name"], "numpy-2.2.5-cp313-cp313-pyodide_2025_0_wasm32.whl");
    assert_eq!(pyodide.run(&["verify", "--pyodide", "static/pyodide"]).code, Some(0));
}

#[test]
fn a_folder_that_was_spoilt_is_told_all_that_is_wrong_with_it_at_once() {
    let pyodide = locked();
    assert_eq!(pyodide.run(&["view", "pyodide", "static/pyodide"]).code, Some(0));
    let folder = target(&pyodide);
    let run = pyodide.run(&["verify", "--pyodide", "static/pyodide"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("static/pyodide loads offline"), "{run:?}");

    let truncated = folder.join("black-26.5.1-py3-none-any.whl");
    let bytes = std::fs::read(&truncated).unwrap();
    std::fs::remove_file(&truncated).unwrap();
    std::fs::write(&truncated, &bytes[..bytes.len() / 2]).unwrap();
    std::fs::remove_file(folder.join("click-8.3.1-py3-none-any.whl")).unwrap();
    std::fs::write(folder.join("old-1.0-py3-none-any.whl"), "").unwrap();
    let mut lock = lock_of(&folder);
    lock["info"]["abi_version"] = "2024_0".into();
    lock["packages"]["lib-blas"]["depends"] = serde_json::json!(["numpy", "gone"]);
    std::fs::remove_file(folder.join("pyodide-lock.json")).unwrap();
    std::fs::write(folder.join("pyodide-lock.json"), lock.to_string()).unwrap();
    let run = pyodide.run(&["verify", "--pyodide", "static/pyodide", "--json"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let rows = document["problems"].as_array().unwrap().iter();
    let mut kinds: Vec<String> = rows
        .map(|row| format!("{} {}", row["kind"].as_str().unwrap(), row["package"].as_str().unwrap_or("-")))
        .collect();
    kinds.sort();
    assert_eq!(
        kinds,
        [
            "abi lib-blas",
            "abi numpy",
            "closure lib-blas",
            "cycle numpy",
            "digest black",
            "missing click",
            "orphan -",
            "wheel black",
        ]
    );
}

#[test]
fn a_wheelhouse_has_every_wheel_and_an_index_of_them() {
    let pyodide = locked();
    let run = pyodide.run(&["view", "wheels", "wheelhouse"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let files = tree(&pyodide.world.project().join("wheelhouse"));
    assert_eq!(files.keys().filter(|name| name.strip_suffix(".whl").is_some()).count(), 4);
    let page = String::from_utf8(files["simple/black/index.html"].clone()).unwrap();
    let digest = crate::pyodide::sha256(&files["black-26.5.1-py3-none-any.whl"]);
    assert!(page.contains(&format!("href=\"../../black-26.5.1-py3-none-any.whl#sha256={digest}\"")), "{page}");
    assert!(files.contains_key("simple/index.html"));
    assert_eq!(
        pyodide.world.server.count(&format!("/pyodide/-/pyodide-{}.tgz", crate::pyodide::RELEASE)),
        1,
        "the lock's own"
    );
}

#[test]
fn a_project_without_a_lock_is_told_how_to_get_one() {
    let pyodide = Pyodide::new(&[]);
    let run = pyodide.run(&["view", "pyodide", "static/pyodide", "--color", "never"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("larder.lock does not exist") && run.err.contains("hint: `larder lock`"), "{run:?}");
}
