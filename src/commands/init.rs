//! `larder init`: a commented `larder.toml` for the project that is there.

mod docker;
mod dockerfile;
mod error;
mod found;
mod own_files;
mod package_lists;

use std::{fmt::Write as _, path::Path};

use serde::Serialize;

pub(super) use self::error::InitError;
use self::found::{Found, look};
use super::lock::write_whole;
use crate::{
    cli,
    commands::{context::Context, error::CommandError, outcome::Outcome},
    ui::units,
};

#[derive(Serialize)]
struct Document {
    file: String,
    lockfiles: Vec<String>,
    runtime: Option<String>,
    packages: Vec<String>,
    seen: Vec<SeenLine>,
}

/// A line of a Dockerfile that makes builds download again.
#[derive(Serialize)]
struct SeenLine {
    file: String,
    line: usize,
    says: String,
}

pub(super) fn run(arguments: &cli::Init, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let folder = &arguments.project;
    if let Some(file) = &arguments.docker {
        return docker::run(folder, file.as_deref(), arguments.write, context);
    }
    let path = folder.join("larder.toml");
    let found = look(folder)?;
    if path.symlink_metadata().is_ok() {
        tell_own_files(&found, context);
        tell_of_docker(folder, &found, context);
        return Err(InitError::Exists { path }.into());
    }
    write_whole(&path, text(&found).as_bytes()).map_err(|source| InitError::Write { path: path.clone(), source })?;
    context.printer.line(&format!("{} is written", path.display()));
    if let Some((version, lockfile)) = &found.runtime {
        context
            .printer
            .line(&format!("{lockfile} has Pyodide {version}: name its packages there, then run `larder lock`"));
    }
    tell_own_files(&found, context);
    tell_of_docker(folder, &found, context);
    let seen = found.own.dockerfiles.iter().flat_map(|(file, seen)| {
        seen.iter().map(|seen| SeenLine { file: file.clone(), line: seen.line, says: seen.says.clone() })
    });
    context.printer.json(&Document {
        file: path.display().to_string(),
        seen: seen.collect(),
        packages: found.own.packages(),
        lockfiles: found.lockfiles,
        runtime: found.runtime.map(|(version, _)| version),
    });
    Ok(Outcome::Done)
}

/// Says what `--docker` would do.
fn tell_of_docker(folder: &Path, found: &Found, context: &Context<'_>) {
    if let Some(lines) = docker::count(folder, found) {
        let lines = units::plural(lines, "line", "lines");
        context.printer.line(&format!(
            "`larder init --docker` shows {lines} to change, with which image builds take their downloads from larder"
        ));
    }
}

/// Says what was found beside the lockfiles, and what is to be done about it by hand.
fn tell_own_files(found: &Found, context: &Context<'_>) {
    let printer = context.printer;
    for (file, packages) in &found.own.scripts {
        let count = units::plural(packages.len(), "package", "packages");
        printer.line(&format!("{file} fetches Pyodide and names {count}: `larder view pyodide` takes its place"));
    }
    for (file, lock) in &found.own.locks {
        let entries = units::plural(lock.entries, "entry", "entries");
        let chosen = units::plural(lock.chosen.len(), "package", "packages");
        printer.line(&format!(
            "{file} has {entries}, {chosen} of them the project's own choice: `larder view pyodide` makes this file, and refuses a folder that it did not make, so remove it (`git rm`) first"
        ));
    }
    for (file, seen) in &found.own.dockerfiles {
        for dockerfile::Seen { line, says } in seen {
            printer.line(&format!("{file}:{line}: {says}"));
        }
    }
}

fn text(found: &Found) -> String {
    let mut text = String::from(
        "# What larder fetches for this project, beside what its lockfiles name. Every key may be left out.\n\n",
    );
    let mut line = |line: &str| writeln!(text, "{line}").expect("a string takes everything");
    line("# The lockfiles, if they are in other folders.");
    if found.lockfiles.is_empty() {
        line("# lockfiles = [\"package-lock.json\", \"web/package-lock.json\"]");
    } else {
        let names: Vec<String> = found.lockfiles.iter().map(|name| format!("{name:?}")).collect();
        line(&format!("lockfiles = [{}]", names.join(", ")));
    }
    line("\n# Optional packages are fetched for this machine and for Linux on its CPU, unless platforms are named.");
    line("# platforms = [\"linux/amd64\", \"linux/arm64\"]");
    line("\n# Groups that are left out.");
    line("# omit = [\"dev\"]");
    line("\n# Refuse packages whose lockfile states no digest.");
    line("# require-integrity = true");
    line("\n# [fetch]\n# jobs = 50\n# retries = 5\n# stall-timeout = \"30s\"\n# max-artifact-size = \"2GiB\"");
    let packages = found.own.packages();
    let names = if packages.is_empty() {
        String::new()
    } else {
        "# The release. Without it, the one that the npm lockfile names.".to_owned()
    };
    let (mark, version) = match (&found.runtime, found.own.release()) {
        (Some((version, lockfile)), _) => {
            ("", format!("# The release. Without it, the one that {lockfile} names.\n# version = \"{version}\""))
        }
        (None, Some(release)) if !packages.is_empty() => ("", format!("{names}\nversion = {release:?}")),
        (None, None) if !packages.is_empty() => ("", format!("{names}\n# version = \"0.28.3\"")),
        (None, _) => {
            ("# ", "# The release. Without it, the one that the npm lockfile names.\n# version = \"0.28.3\"".to_owned())
        }
    };
    line(&format!(
        "\n# The Python packages of a Pyodide that the project ships: `larder lock` writes them down in larder.lock.\n{mark}[pyodide]"
    ));
    line(&version);
    line("# Names, or requirements with versions and extras.");
    if packages.is_empty() {
        line(&format!("{mark}packages = [\n{mark}    # \"numpy\",\n{mark}    # \"black[d]>=24\",\n{mark}]"));
    } else {
        let entries: Vec<String> = packages.iter().map(|package| format!("    {package:?},\n")).collect();
        line(&format!("packages = [\n{}]", entries.concat()));
    }
    line("# Where the files go.");
    let folder = found.static_folder.unwrap_or("static");
    line(&format!("{mark}folder = \"{folder}/pyodide\""));
    line("# Where the distribution's files are, tried in this order: \"cdn\", mirrors, folders, release archives.");
    line("# sources = [\"https://mirror.example/pyodide/v{version}/full/\", \"cdn\"]");
    line("# The simple API of the index that has what the distribution lacks.");
    line("# index = \"https://mirror.example/simple/\"");
    line("# A mirror of the public index's file host: larder.lock names the files there by their paths.");
    line("# files = \"https://mirror.example/files/\"");
    line("# Leave out what was uploaded on this day or later: the same lock next month.");
    line("# exclude-newer = \"2026-01-31\"");
    text
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{own_files::OwnFiles, *};
    use crate::config::larder_toml::LarderToml;

    fn read(text: &str) -> LarderToml {
        LarderToml::parse(text.as_bytes(), Path::new("larder.toml")).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    #[test]
    fn what_is_written_is_read_and_asks_for_nothing_yet() {
        assert_eq!(read(&text(&Found::default())), LarderToml::default());
        let found = Found {
            lockfiles: vec!["web/package-lock.json".to_owned()],
            runtime: Some(("0.28.3".to_owned(), "web/package-lock.json".to_owned())),
            static_folder: Some("public"),
            own: OwnFiles::default(),
        };
        let settings = read(&text(&found));
        assert_eq!(settings.lockfiles, [PathBuf::from("web/package-lock.json")]);
        let pyodide = settings.pyodide.unwrap();
        assert_eq!((pyodide.folder, pyodide.packages), (Some("public/pyodide".into()), vec![]));
    }

    #[test]
    fn every_key_that_is_commented_out_is_read_once_it_is_not() {
        let written = text(&Found::default());
        let is_setting = |line: &str| {
            line.starts_with('[') || line.starts_with(']') || line.contains(" = ") || line.starts_with("    ")
        };
        let bare: Vec<&str> = written
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .map(|line| line.trim_start_matches("    # "))
            .filter(|line| is_setting(line) || line.starts_with('"'))
            .collect();
        let settings = read(&bare.join("\n"));
        let pyodide = settings.pyodide.unwrap();
        assert_eq!((pyodide.packages.len(), pyodide.sources.len(), settings.fetch.jobs), (2, 2, Some(50)));
        assert!(
            pyodide.exclude_newer.is_some()
                && pyodide.index.is_some()
                && pyodide.files.is_some()
                && pyodide.version.is_some()
        );
    }
}
