use std::collections::BTreeMap;

use super::*;
use crate::dockerfile::Scripts;

/// A project with one lockfile at its root, unless `folder` says where.
struct World {
    scripts: BTreeMap<String, String>,
    fetching: Vec<String>,
    installs: BTreeMap<String, InstallInputs>,
    installs_before_scripts: bool,
}

impl World {
    fn new(scripts: &[(&str, &str)]) -> Self {
        let files = ["package.json", "package-lock.json"].map(str::to_owned).to_vec();
        Self {
            scripts: scripts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
            fetching: vec!["scripts/prepare-pyodide.js".to_owned()],
            installs: [(String::new(), InstallInputs { files, more: None })].into(),
            installs_before_scripts: false,
        }
    }

    fn adopt(&self, text: &str) -> Adoption {
        let project = Project {
            scripts: Scripts { by_name: &self.scripts, fetching: &self.fetching },
            manifest: r#"{"scripts": {"build": "npm run pyodide:fetch && vite build"}}"#,
            installs: &self.installs,
            pyodide_folder: "static/pyodide",
            installs_before_scripts: self.installs_before_scripts,
            in_settings: &["NPM_REVISION".to_owned(), "SOME_HASH".to_owned()],
            runs_hooks: true,
        };
        adopt(text, project).unwrap()
    }

    /// The text without larder's stages and mounts, and the notes.
    fn short(&self, text: &str) -> String {
        let adoption = self.adopt(text);
        let again = self.adopt(&adoption.text);
        assert_eq!((again.text, again.notes), (adoption.text.clone(), vec![]), "a second time nothing is changed");
        let (before, after) = adoption.text.split_once("# What the lockfiles name").unwrap_or(("", &adoption.text));
        let after = after.split_once(" AS larder\n\n").map_or(after, |(_, after)| after);
        let lines = format!("{}{after}", before.replace("ARG LARDER_IMAGE=no-larder\n\n", ""));
        let is_mount = |line: &&str| line.trim_start().starts_with("--mount=type=");
        let lines: Vec<&str> = lines.lines().filter(|line| !is_mount(line)).collect();
        let text = lines
            .join("\n")
            .replace("RUN --mount=type=bind,from=larder,source=bin,target=/larder/bin \\\n    ", "RUN ");
        let text = text.replace("RUN --mount=type=bind,from=larder,target=/larder \\\n    ", "RUN ");
        let text = text.replace("ARG NPM_CONFIG_AUDIT=false NPM_CONFIG_UPDATE_NOTIFIER=false\n", "");
        let notes: Vec<String> = adoption.notes.iter().map(|it| format!("{}: {}", it.line, it.says)).collect();
        format!("{text}\n{}", notes.join("\n"))
    }
}

#[test]
fn the_archetype_gets_larder_its_argument_below_and_a_build_that_does_not_fetch() {
    let world = World::new(&[
        ("build", "npm run pyodide:fetch && vite build"),
        ("postbuild", "node scripts/after.js"),
        ("pyodide:fetch", "node scripts/prepare-pyodide.js"),
    ]);
    let text = "\
# syntax=docker/dockerfile:1
ARG BUILD_HASH=dev
FROM --platform=$BUILDPLATFORM node:22-alpine AS build
# The commit.
ARG BUILD_HASH
ARG NODE_OPTIONS
WORKDIR /app
RUN apk add --no-cache git
COPY package.json package-lock.json ./
RUN npm ci --force
COPY . .
ENV APP_BUILD_HASH=${BUILD_HASH}
RUN npm run build
FROM python:3.11-slim AS base
COPY --from=build /app/build /app/build
";
    insta::assert_snapshot!(world.short(text), @r"
    # syntax=docker/dockerfile:1
    ARG BUILD_HASH=dev
    FROM --platform=$BUILDPLATFORM node:22-alpine AS build
    ARG NODE_OPTIONS
    WORKDIR /app
    RUN apk add --no-cache git
    COPY package.json package-lock.json ./
    RUN /larder/bin/larder run -- npm ci --force
    COPY larder.toml larder.lock ./
    RUN /larder/bin/larder view pyodide static/pyodide
    COPY . .
    # The commit.
    ARG BUILD_HASH
    ENV APP_BUILD_HASH=${BUILD_HASH}
    RUN npm run build:bundle && npm run postbuild
    FROM python:3.11-slim AS base
    COPY --from=build /app/build /app/build
    ");
    let adopted = world.adopt(text).text;
    let larder = "FROM --platform=$BUILDPLATFORM ${LARDER_IMAGE} AS larder\n\nFROM --platform=$BUILDPLATFORM node:22-alpine AS build\n";
    assert!(adopted.contains("ARG LARDER_IMAGE=no-larder\n") && adopted.contains(larder), "{adopted}");
    assert!(
        adopted.contains(" AS build\nARG NPM_CONFIG_AUDIT=false NPM_CONFIG_UPDATE_NOTIFIER=false\n"),
        "npm asks for a newer npm: {adopted}"
    );
    assert!(!adopted.contains("NODE_IMAGE"), "the snippet's image is the stage's: {adopted}");
    let script = NewScript { of: "build".to_owned(), name: "build:bundle".to_owned(), text: "vite build".to_owned() };
    let adoption = world.adopt(text);
    assert_eq!((adoption.new_scripts, adoption.has_pyodide, adoption.copies_everything), (vec![script], true, true));
    assert_eq!(adoption.notes, []);
    let again = world.adopt(&adoption.text);
    assert_eq!((again.text, again.new_scripts), (adoption.text, vec![]), "a second time nothing is changed");
}

#[test]
fn what_pnpm_runs_installs_first_where_the_project_says_so() {
    let world = World { installs_before_scripts: true, ..World::new(&[("build", "nuxt build")]) };
    insta::assert_snapshot!(world.short("FROM node\nRUN pnpm i\nRUN pnpm nuxt prepare && pnpm build\nRUN pnpm config get x\n"), @"
    FROM node
    RUN /larder/bin/larder run -- pnpm i
    RUN /larder/bin/larder run -- pnpm nuxt prepare && /larder/bin/larder run -- pnpm build
    RUN pnpm config get x
    ");
}

#[test]
fn a_script_that_is_all_that_is_left_is_run_itself() {
    let world = World::new(&[
        ("build", "npm run pyodide:fetch && npm run build:vite"),
        ("build:vite", "vite build"),
        ("pyodide:fetch", "node scripts/prepare-pyodide.js"),
    ]);
    let adoption = world.adopt("FROM node\nRUN npm ci\nRUN npm run build -- --mode x\n");
    assert!(adoption.text.ends_with("\nRUN npm run build:vite -- --mode x\n"), "{adoption:?}");
    assert_eq!(adoption.new_scripts, []);
}

#[test]
fn everything_is_copied_after_the_install_with_arguments_and_what_uses_them() {
    let world = World::new(&[("build", "vite build")]);
    insta::assert_snapshot!(world.short("\
FROM node:24 AS web
ARG COMMIT
ENV COMMIT=$COMMIT
LABEL commit=${COMMIT}
WORKDIR /app
# All of it.
COPY --chown=node . .
RUN npm ci && npm cache clean --force
RUN npm run build
"), @r"
    FROM node:24 AS web
    WORKDIR /app
    COPY --chown=node package.json package-lock.json ./
    RUN /larder/bin/larder run -- npm ci && npm cache clean --force
    # All of it.
    COPY --chown=node . .
    ARG COMMIT
    ENV COMMIT=$COMMIT
    LABEL commit=${COMMIT}
    RUN npm run build
    ");
}

#[test]
fn what_may_need_the_sources_leaves_the_copy_where_it_is_and_is_said() {
    let said = |world: &World, text: &str| world.adopt(text).notes.into_iter().map(|it| it.says).collect::<Vec<_>>();
    let mut world = World::new(&[("build", "vite build")]);
    let starts = |notes: Vec<String>, why: &str| {
        assert!(
            notes.len() == 1 && notes[0].starts_with(&format!("`COPY . .` stays above the install, since {why}")),
            "{notes:?}"
        );
    };
    starts(
        said(&world, "FROM node\nCOPY . .\nRUN cp .env.example .env\nRUN npm ci\nRUN npm run build\n"),
        "line 3 may need it",
    );
    starts(said(&world, "FROM node\nCOPY . .\nRUN npm ci && npm run build\n"), "that step does more than install");
    starts(
        said(&world, "FROM node\nCOPY . .\nRUN pip install -r a.txt\nRUN npm ci\nRUN npm run build\n"),
        "line 3 may need it",
    );
    starts(
        said(&world, "FROM node\nCOPY . .\nRUN npm ci | tee log\nRUN npm run build\n"),
        "that step does more than install",
    );
    starts(
        said(&world, "FROM node\nCOPY . .\nRUN npm ci && npm --prefix web ci\nRUN npm run build\n"),
        "it is not clear which project",
    );
    let hook = "the install runs the project's `prepare`";
    world.installs.get_mut("").unwrap().more = Some(hook.to_owned());
    starts(said(&world, "FROM node\nCOPY . .\nRUN npm ci\nRUN npm run build\n"), hook);
    let notes = said(&world, "FROM node\nARG HASH\nCOPY package.json ./\nRUN npm ci && npm run build\n");
    assert!(
        notes.len() == 1 && notes[0].starts_with("it installs and builds in one step: each new value of HASH"),
        "{notes:?}"
    );
    let notes = said(&world, "FROM node\nARG HASH\nRUN ./configure\nRUN npm ci\n");
    assert!(
        notes.len() == 1 && notes[0].starts_with("it may use HASH, and is above the install (line 4)"),
        "{notes:?}"
    );
    let notes = said(&world, "FROM node\nRUN corepack enable\nRUN pnpm i\n");
    assert!(notes.len() == 1 && notes[0].starts_with("corepack downloads the package manager"), "{notes:?}");
    let notes = said(&world, "FROM oven/bun AS base\nFROM base\nRUN bun install\n");
    assert!(notes.len() == 1 && notes[0].starts_with("if oven/bun has no node and npm"), "{notes:?}");
    let notes = said(&world, "FROM node\nARG GIT_SHA\nRUN echo $GIT_SHA >.npmrc\nRUN npm ci\n");
    assert!(notes.len() == 1 && notes[0].starts_with("ARG GIT_SHA is used on line 3"), "{notes:?}");
    let notes =
        said(&world, "FROM node AS web\nRUN npm ci\nARG HASH\nFROM python\nARG HASH\nRUN pip install a\nENV H=$HASH\n");
    assert!(notes.len() == 1 && notes[0].starts_with("ARG HASH is above a step that downloads (line 6)"), "{notes:?}");
}

#[test]
fn what_comes_after_the_install_stays_after_the_copy() {
    let world = World::new(&[("build", "vite build")]);
    for step in [
        "RUN rm -rf /app/secrets",
        "RUN echo A=1 >> .env",
        "RUN npm version 1.2.3 --no-git-tag-version",
        "RUN npm pkg set version=1.2.3",
        "RUN npm install -D extra@1",
        "RUN curl -o src/a https://files.example/a",
        "RUN cd src",
        "RUN test -f src/a",
        "COPY a b",
    ] {
        let text = world.short(&format!("FROM node\nCOPY . .\nRUN npm ci\n{step}\nRUN npm run build\n"));
        let lines: Vec<&str> = text.lines().collect();
        let place = |line: &str| lines.iter().position(|it| *it == line).unwrap_or_else(|| panic!("{line}: {text}"));
        assert!(place("COPY . .") < place(step), "{text}");
    }
}

#[test]
fn arguments_that_an_install_may_read_stay() {
    let world = World::new(&[("build", "vite build")]);
    for name in
        ["CYPRESS_INSTALL_BINARY", "PUPPETEER_SKIP_DOWNLOAD", "CI", "GITHUB_TOKEN", "NPM_REVISION", "SOME_HASH", "PORT"]
    {
        let text =
            world.short(&format!("FROM node\nARG {name}\nCOPY package*.json ./\nRUN npm ci\nRUN npm run build\n"));
        assert!(text.starts_with(&format!("FROM node\nARG {name}\n")), "{text}");
    }
    let text = world.short("FROM node\nARG GIT_SHA\nENV NPM_CONFIG_X=$GIT_SHA\nRUN npm ci\n");
    assert!(text.starts_with("FROM node\nARG GIT_SHA\n"), "{text}");
    let text = world.short("FROM node \\\n  AS b\nRUN npm ci\n");
    assert!(text.starts_with("FROM node \\\n  AS b\nRUN /larder"), "{text}");
    let notes = world.adopt("FROM node\nRUN X=$(npm ci)\n").notes;
    assert!(notes.len() == 1 && notes[0].says.contains("within another command"), "{notes:?}");
    let adopted = world.adopt("FROM node\nRUN npm ci\n").text;
    let notes = world.adopt(&format!("{adopted}RUN npm ci --omit=dev\n")).notes;
    assert!(notes.len() == 1 && notes[0].says.starts_with("this install does without larder"), "{notes:?}");
    let notes = world.adopt("FROM node AS no-larder\nRUN npm ci\n").notes;
    assert!(notes.len() == 1 && notes[0].says.contains("give it another"), "{notes:?}");
}

#[test]
fn installs_are_found_in_lists_conditions_arrays_and_texts_of_shells() {
    let world = World::new(&[]);
    insta::assert_snapshot!(world.short("\
FROM node AS base
FROM base AS deps
RUN \\
  if [ -f yarn.lock ]; then yarn --frozen-lockfile; \\
  else CI=1 npm ci; fi
RUN [\"npm\", \"ci\"]
RUN sh -c 'npm ci'
RUN <<EOF
set -e
npm ci --omit=dev
EOF
RUN npm install -g pnpm
"), @r#"
    FROM node AS base
    FROM base AS deps
    RUN --mount=type=bind,from=larder,source=bin,target=/larder/bin \
      if [ -f yarn.lock ]; then /larder/bin/larder run -- yarn --frozen-lockfile; \
      else CI=1 /larder/bin/larder run -- npm ci; fi
    RUN ["/larder/bin/larder", "run", "--", "npm", "ci"]
    RUN /larder/bin/larder run -- sh -c 'npm ci'
    RUN <<EOF
    set -e
    /larder/bin/larder run -- npm ci --omit=dev
    EOF
    RUN npm install -g pnpm
    12: no lockfile pins what `npm install -g pnpm` installs: it downloads whenever this step runs
    "#);
}

#[test]
fn another_user_has_a_mount_of_its_own_if_its_id_is_known() {
    let world = World::new(&[]);
    let text = world.adopt("FROM node\nUSER node\nRUN npm ci\n").text;
    assert!(text.contains("target=/var/cache/larder,uid=1000,gid=1000 \\\n    /larder/bin/larder run --store /var/cache/larder -- npm ci\n"), "{text}");
    let text = world.adopt("FROM node\nRUN adduser -D -u 1234 web\nUSER web\nRUN npm ci\n").text;
    assert!(text.contains(",uid=1234,gid=1234"), "{text}");
    let adoption = world.adopt("FROM node\nUSER somebody\nRUN npm ci\n");
    assert!(
        adoption.text.ends_with("RUN npm ci\n") && adoption.notes[0].says.contains("somebody, whose id is not known"),
        "{adoption:?}"
    );
}

#[test]
fn stages_that_are_named_by_number_keep_their_meaning() {
    let text = "FROM scratch\nFROM node\nRUN npm ci\nFROM nginx\nCOPY --from=0 a b\nCOPY --from=1 c d\nRUN --mount=type=bind,from=1,target=/x ls\n";
    let adopted = World::new(&[]).adopt(text).text;
    let read = Dockerfile::read(&adopted).unwrap();
    let added = read.stages.len() - 3;
    assert!(added > 1 && adopted.contains("COPY --from=0 a b\n"), "{adopted}");
    assert!(adopted.contains(&format!("COPY --from={} c d\n", 1 + added)), "{adopted}");
    assert!(adopted.contains(&format!("from={},target=/x ls", 1 + added)), "{adopted}");
}

#[test]
fn a_last_line_without_an_end_is_one() {
    let adopted = World::new(&[]).adopt("FROM node\nARG HASH\nRUN npm ci").text;
    assert!(adopted.ends_with("larder run -- npm ci\nARG HASH\n"), "{adopted}");
    let adopted = World::new(&[]).adopt("\u{feff}FROM node\nRUN npm ci\n").text;
    assert!(adopted.starts_with("\u{feff}ARG LARDER_IMAGE") && adopted.contains("larder run -- npm ci"), "{adopted}");
    assert_eq!(World::new(&[]).adopt("FROM node\nRUN true").text, "FROM node\nRUN true");
}

#[test]
fn lines_that_end_as_on_windows_go_on_so() {
    let adopted =
        World::new(&[]).adopt("FROM node\r\nARG HASH\r\nCOPY . .\r\nRUN npm ci\r\nRUN npm run build\r\n").text;
    assert_eq!(adopted.matches('\n').count(), adopted.matches("\r\n").count(), "{adopted}");
    assert!(
        adopted.ends_with("    /larder/bin/larder run -- npm ci\r\nCOPY . .\r\nARG HASH\r\nRUN npm run build\r\n"),
        "{adopted}"
    );
}

#[test]
fn a_project_in_a_folder_is_copied_to_where_it_is_installed() {
    let mut world = World::new(&[]);
    let inputs = world.installs.remove("").unwrap();
    world.installs.insert("web".to_owned(), inputs);
    insta::assert_snapshot!(world.short("FROM node\nWORKDIR /app\nCOPY . .\nWORKDIR /app/web\nRUN npm ci\nRUN npm run build\n"), @r"
    FROM node
    WORKDIR /app
    COPY web/package.json web/package-lock.json web/
    WORKDIR /app/web
    RUN /larder/bin/larder run -- npm ci
    COPY . /app/
    RUN npm run build
    ");
    let inputs = world.installs["web"].clone();
    world.installs.insert(String::new(), inputs);
    insta::assert_snapshot!(world.short("FROM node\nCOPY . .\nRUN npm ci && npm --prefix web ci\n"), @r"
    FROM node
    COPY package.json package-lock.json ./
    COPY web/package.json web/package-lock.json web/
    RUN /larder/bin/larder run -- npm ci && /larder/bin/larder run -- npm --prefix web ci
    COPY . .
    ");
    world.installs.remove("");
    insta::assert_snapshot!(world.short("FROM node\nWORKDIR /srv\nCOPY web/ ./\nRUN npm ci\nRUN npm run build\n"), @r"
    FROM node
    WORKDIR /srv
    COPY web/package.json web/package-lock.json ./
    RUN /larder/bin/larder run -- npm ci
    COPY web/ ./
    RUN npm run build
    ");
}
