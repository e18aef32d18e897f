//! `larder init`: what it finds in a project's own files, and that it changes none of them.

use std::{collections::BTreeMap, fs, path::Path};

use crate::support::{World, packages};

fn texts(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file());
    files.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

const DOCKERFILE: &str =
    "FROM node:24 AS build\nARG BUILD_HASH\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n";

#[test]
fn the_packages_of_a_fetching_script_are_taken_over_and_the_dockerfile_is_looked_at() {
    let world = World::new(&packages(1));
    world.write("package.json", r#"{"name": "p", "scripts": {"pyodide:fetch": "node scripts/prepare-pyodide.js", "build": "npm run pyodide:fetch && vite build"}}"#);
    world.write(
        "scripts/prepare-pyodide.js",
        "const packages = [\n\t'micropip',\n\t'numpy', // 'not-this'\n\t\"black[d]>=24\"\n];\nfor (const name of packages) await micropip.install(name);\n",
    );
    world.write("Dockerfile", DOCKERFILE);
    let before = texts(&world.project());
    let run = world.run(&["init"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    insta::assert_snapshot!(world.plain(&run.out), @r"
    ./larder.toml is written
    scripts/prepare-pyodide.js fetches Pyodide and names 3 packages: `larder view pyodide` takes its place
    Dockerfile:2: ARG BUILD_HASH is above `npm ci` (line 5): each new value runs the install again; move it below
    Dockerfile:4: everything is copied before `npm ci` (line 5): each changed file runs the install again; copy package.json and the lockfile first
    Dockerfile:6: `npm run build`, by way of `npm run pyodide:fetch` (`node scripts/prepare-pyodide.js`), downloads in each run of this step
    `larder init --docker` shows 26 lines to change, with which image builds take their downloads from larder
    ");
    let written = fs::read_to_string(world.project().join("larder.toml")).unwrap();
    assert!(
        written.contains("[pyodide]\n")
            && written.contains("packages = [\n    \"black[d]>=24\",\n    \"micropip\",\n    \"numpy\",\n]\n"),
        "{written}"
    );
    let mut after = texts(&world.project());
    after.remove("larder.toml");
    assert_eq!(after, before, "nothing but larder.toml is written");
    let plan = world.run(&["plan"]);
    assert_eq!(plan.code, Some(0), "what is written is read: {plan:?}");
}

#[test]
fn the_packages_of_a_pyodide_lock_that_is_there_are_taken_over_with_its_release() {
    let world = World::new(&packages(1));
    world.write(
        "static/pyodide/pyodide-lock.json",
        r#"{"info": {"version": "0.28.3"}, "packages": {
            "numpy": {"name": "numpy", "file_name": "numpy.whl", "package_type": "package"},
            "pandas": {"name": "pandas", "file_name": "pandas.whl", "package_type": "package"},
            "ssl": {"name": "ssl", "file_name": "ssl.zip", "package_type": "cpython_module"}}}"#,
    );
    let run = world.run(&["init", "--json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains(r#""packages":["numpy","pandas"]"#) || run.out.contains("\"packages\": ["), "{run:?}");
    let written = fs::read_to_string(world.project().join("larder.toml")).unwrap();
    for line in ["version = \"0.28.3\"\n", "    \"numpy\",\n    \"pandas\",\n]", "folder = \"static/pyodide\"\n"] {
        assert!(written.contains(line), "{line}: {written}");
    }
    fs::remove_file(world.project().join("larder.toml")).unwrap();
    let run = world.run(&["init"]);
    let said = "static/pyodide/pyodide-lock.json has 3 entries, 2 packages of them the project's own choice: `larder view pyodide` makes this file, \
                and refuses a folder that it did not make, so remove it (`git rm`) first\n";
    assert!(run.out.contains(said), "{run:?}");
}
