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
    // The snippet's stages are among the lines.
    let said = world.plain(&run.out);
    let (found, lines) = said.split_once("`larder init --docker` shows ").unwrap();
    assert!(
        lines.trim_end().ends_with(" lines to change, with which image builds take their downloads from larder"),
        "{said}"
    );
    insta::assert_snapshot!(found, @r"
    ./larder.toml is written
    scripts/prepare-pyodide.js fetches Pyodide and names 3 packages: `larder view pyodide` takes its place
    Dockerfile:2: ARG BUILD_HASH is above `npm ci` (line 5): each new value runs the install again; move it below
    Dockerfile:4: everything is copied before `npm ci` (line 5): each changed file runs the install again; copy package.json and the lockfile first
    Dockerfile:6: `npm run build`, by way of `npm run pyodide:fetch` (`node scripts/prepare-pyodide.js`), downloads in each run of this step
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

/// A project with a script that fetches, and the usual Dockerfile.
fn usual() -> World {
    let world = World::new(&packages(1));
    world.write(
        "package.json",
        "{\n  \"scripts\": {\n    \"pyodide:fetch\": \"node scripts/prepare-pyodide.js\",\n    \"build\": \"npm run pyodide:fetch && vite build\"\n  }\n}\n",
    );
    world.write("scripts/prepare-pyodide.js", "const packages = ['micropip', 'numpy']; // Pyodide\n");
    world.write("Dockerfile", DOCKERFILE);
    world.write(".dockerignore", "dist\n*.lock\n");
    world
}

#[test]
fn docker_shows_a_diff_and_writes_only_when_told_to() {
    let world = usual();
    let before = texts(&world.project());
    let run = world.run(&["init", "--docker"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(texts(&world.project()), before, "nothing is written");
    for line in [
        "--- a/Dockerfile",
        "+++ b/Dockerfile",
        "-ARG BUILD_HASH",
        "+COPY package.json package-lock.json ./",
        "+    /larder/bin/larder run -- npm ci",
        "+    /larder/bin/larder view pyodide static/pyodide",
        "+RUN npm run build:bundle",
        "--- a/package.json",
        "+    \"build:bundle\": \"vite build\"",
        "--- a/.dockerignore",
        "+.larder",
        "+static/pyodide",
        "+!larder.lock",
        "--- /dev/null",
        "+++ b/larder.toml",
        "+    \"numpy\",",
    ] {
        assert!(run.out.lines().any(|it| it == line), "{line}: {}", run.out);
    }
    assert!(run.err.contains("nothing is written; `--write` makes these changes"), "{run:?}");
    let run = world.run(&["init", "--docker", "--write"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("`larder lock` pins Pyodide's packages"), "{run:?}");
    let after = texts(&world.project());
    let changed: Vec<&str> =
        after.iter().filter(|(name, text)| before.get(*name) != Some(text)).map(|(name, _)| name.as_str()).collect();
    assert_eq!(changed, [".dockerignore", "Dockerfile", "larder.toml", "package.json"]);
    let again = world.run(&["init", "--docker", "--write"]);
    assert_eq!((again.code, texts(&world.project())), (Some(0), after), "{again:?}");
    assert!(again.out.contains("nothing is changed: it takes its downloads from larder already"), "{again:?}");
}

#[test]
fn docker_tells_a_program_each_file_with_its_diff_and_each_line_that_is_left() {
    let world = usual();
    world.write("Dockerfile", "FROM node\nARG HASH\nCOPY . .\nRUN npm ci && npm run build:vite\n");
    let run = world.run(&["init", "--docker", "--json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(document["written"], false);
    let files: Vec<&str> =
        document["files"].as_array().unwrap().iter().map(|it| it["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["Dockerfile", ".dockerignore"]);
    assert!(document["files"][0]["diff"].as_str().unwrap().starts_with("--- a/Dockerfile\n+++ b/Dockerfile\n@@"));
    let unsure: Vec<u64> =
        document["unsure"].as_array().unwrap().iter().map(|it| it["line"].as_u64().unwrap()).collect();
    assert_eq!(unsure, [3, 4], "{document}");
}

#[test]
fn a_dockerfile_elsewhere_is_named_and_one_that_is_none_is_an_error_with_its_line() {
    let world = usual();
    fs::remove_file(world.project().join("Dockerfile")).unwrap();
    let run = world.run(&["init", "--docker"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains(" has no Dockerfile") && run.err.contains("larder init --docker=FILE PROJECT"), "{run:?}");
    world.write("docker/web.Dockerfile", DOCKERFILE);
    let run = world.run(&["init", "--docker=docker/web.Dockerfile"]);
    assert!(run.code == Some(0) && run.out.contains("+++ b/docker/web.Dockerfile"), "{run:?}");
    world.write("docker/web.Dockerfile", "FROM node\nRUM npm ci\n");
    let run = world.run(&["init", "--docker=docker/web.Dockerfile", "--write"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.err.contains("docker/web.Dockerfile is not a Dockerfile that can be read") && run.err.contains("line 2"),
        "{run:?}"
    );
    assert!(!world.project().join("larder.toml").exists(), "nothing is half-written");
}

#[test]
fn where_pnpms_settings_say_that_it_installs_before_scripts_these_get_larder_too() {
    let world = World::new(&[]);
    world.write("package.json", "{}");
    world.write("pnpm-lock.yaml", "lockfileVersion: '9.0'\n");
    world.write("Dockerfile", "FROM node\nCOPY . .\nRUN pnpm i\nRUN pnpm build\n");
    let with_larder = |file: &str, text: &str| {
        world.write(file, text);
        let run = world.run(&["init", "--docker"]);
        world.write(file, "");
        run.out.lines().any(|line| line == "+    /larder/bin/larder run -- pnpm build")
    };
    for (file, text, expected) in [
        ("pnpm-workspace.yaml", "verifyDepsBeforeRun: install\n", true),
        ("pnpm-workspace.yaml", "packages: []\n'verifyDepsBeforeRun': \"install\"   # why\n", true),
        (".npmrc", "verify-deps-before-run = install\n", true),
        ("pnpm-workspace.yaml", "verifyDepsBeforeRun: warn\n", false),
        ("pnpm-workspace.yaml", "# verifyDepsBeforeRun: install\n", false),
        (".npmrc", "", false),
    ] {
        assert_eq!(with_larder(file, text), expected, "{file}: {text}");
    }
}

#[test]
fn packages_that_no_script_names_are_left_to_a_person() {
    let world = usual();
    world.write("scripts/prepare-pyodide.js", "fetch('https://files.example/pyodide/a.whl');\n");
    let run = world.run(&["init", "--docker", "--write", "--quiet"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let written = fs::read_to_string(world.project().join("larder.toml")).unwrap();
    assert!(written.contains("[pyodide]\n") && written.contains("packages = [\n]\n"), "{written}");
    let run = world.run(&["init", "--docker=Dockerfile"]);
    assert!(run.code == Some(0) && !run.out.contains("name the Python packages"), "{run:?}");
}

#[test]
fn a_second_init_looks_again_and_touches_nothing() {
    let world = usual();
    assert_eq!(world.run(&["init"]).code, Some(0));
    let before = texts(&world.project());
    let run = world.run(&["init"]);
    assert_eq!((run.code, texts(&world.project())), (Some(1), before));
    assert!(
        run.err.contains("larder.toml exists") && run.out.contains("Dockerfile:2: ARG BUILD_HASH is above"),
        "{run:?}"
    );
}
