//! What installs in a build context read, folder by folder.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    adoption::{InstallInputs, is_ignored},
    commands::init::own_files::npm_scripts,
};

/// Files that package managers read in an install, beside package.json.
const FILES: [&str; 15] = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    ".pnpmfile.cjs",
    ".pnpmfile.mjs",
    "yarn.lock",
    ".yarnrc",
    ".yarnrc.yml",
    ".npmrc",
    "bun.lock",
    "bun.lockb",
    "bunfig.toml",
    "lerna.json",
    ".node-version",
];

/// Folders whose files package managers read.
const FOLDERS: [&str; 4] = [".yarn/releases", ".yarn/plugins", ".yarn/patches", "patches"];

/// How deep projects may be in a context.
const DEEPEST: usize = 4;

/// Files that make an install do more than unpack packages.
const READ: [(&str, &str); 4] = [
    ("binding.gyp", "the install builds a native module"),
    (".yarn/cache", "yarn's cache is a part of the project"),
    (".pnp.cjs", "yarn's map of packages is a part of the project"),
    (".pnpm-config", "pnpm's configuration is a part of the project"),
];

/// Packages whose install scripts read the project.
const GENERATES: [&str; 3] = ["@prisma/client", "prisma", "nuxt"];

/// Scripts that an install runs.
const HOOKS: [&str; 7] = ["preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare", "prepublish"];

/// Programs of such scripts that need no file of the project but its patches.
const NEEDS_NOTHING: [&str; 9] =
    ["husky", "patch-package", "only-allow", "simple-git-hooks", "lefthook", "is-ci", "true", "exit", "echo"];

/// Each folder with a package.json, by its path in the context.
pub(super) fn of_context(root: &Path, ignored: &str) -> BTreeMap<String, InstallInputs> {
    let mut folders = Vec::new();
    find(root, Path::new(""), &mut folders);
    let all: Vec<String> = folders.iter().filter_map(|path| path.to_str().map(str::to_owned)).collect();
    all.iter().map(|folder| (folder.clone(), of_folder(root, folder, &all, ignored))).collect()
}

fn find(root: &Path, below: &Path, found: &mut Vec<PathBuf>) {
    let folder = root.join(below);
    if folder.join("package.json").is_file() {
        found.push(below.to_owned());
    }
    if below.components().count() >= DEEPEST {
        return;
    }
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut names: Vec<_> = entries
        .flatten()
        .filter(|it| it.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|it| it.file_name())
        .collect();
    names.sort();
    for name in names {
        let text = name.to_string_lossy();
        if !text.starts_with('.') && !matches!(&*text, "node_modules" | "dist" | "build" | "target") {
            find(root, &below.join(&name), found);
        }
    }
}

fn of_folder(root: &Path, folder: &str, all: &[String], ignored: &str) -> InstallInputs {
    let at = root.join(folder);
    let manifest = json(&at.join("package.json"));
    let mut files = vec!["package.json".to_owned()];
    files.extend(FILES.iter().filter(|name| at.join(name).is_file()).map(|name| (*name).to_owned()));
    for below in FOLDERS {
        let mut names: Vec<String> = fs::read_dir(at.join(below))
            .into_iter()
            .flatten()
            .flatten()
            .filter(|it| it.path().is_file())
            .filter_map(|it| it.file_name().into_string().ok())
            .collect();
        names.sort();
        files.extend(names.into_iter().map(|name| format!("{below}/{name}")));
    }
    let has_workspaces = manifest.get("workspaces").is_some() || at.join("pnpm-workspace.yaml").is_file();
    if has_workspaces {
        let within = all.iter().filter_map(|other| inside(other, folder));
        files.extend(within.map(|other| format!("{other}/package.json")));
    }
    let in_context = |file: &str| if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") };
    files.retain(|file| !is_ignored(ignored, &in_context(file)));
    let members = all.iter().filter(|_| has_workspaces).filter_map(|other| inside(other, folder));
    let of_members = members.filter_map(|other| {
        let at = at.join(other);
        more(&at, &json(&at.join("package.json")), true)
    });
    let own = more(&at, &manifest, false).or_else(|| has_far_workspaces(&at, &manifest));
    InstallInputs { more: own.or_else(|| of_members.into_iter().next()), files }
}

/// The path within a folder of one that is in it.
fn inside<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    if folder.is_empty() {
        return (!path.is_empty()).then_some(path);
    }
    path.strip_prefix(folder)?.strip_prefix('/')
}

/// Why an install may read more than manifests.
fn more(at: &Path, manifest: &Value, is_member: bool) -> Option<String> {
    for (file, what) in READ {
        if at.join(file).exists() {
            return Some(format!("{what} ({file})"));
        }
    }
    if is_member && manifest.get("bin").is_some() {
        return Some("a workspace has programs (`bin`) that an install links".to_owned());
    }
    for (name, text) in npm_scripts(at) {
        let commands = crate::dockerfile::commands_of(&text);
        let program = |words: &[String]| {
            let first = words.iter().find(|word| !matches!(word.as_str(), "npx" | "--yes" | "-y" | "pnpm" | "exec"));
            first.is_none_or(|word| NEEDS_NOTHING.contains(&word.as_str()))
        };
        if HOOKS.contains(&name.as_str()) && !commands.iter().all(|it| program(&it.words)) {
            return Some(format!("the install runs the project's `{name}` (`{text}`), which may read sources"));
        }
    }
    let kinds = ["dependencies", "devDependencies", "optionalDependencies"];
    let all = kinds.iter().filter_map(|kind| manifest.get(kind)?.as_object()).flatten();
    let is_local = |text: &str| ["file:", "link:", "portal:"].iter().any(|start| text.starts_with(start));
    let settings = fs::read_to_string(at.join("pnpm-workspace.yaml")).unwrap_or_default() + &manifest.to_string();
    if settings.contains("patchedDependencies") && !at.join("patches").is_dir() {
        return Some("patches stand in a folder of their own (patchedDependencies)".to_owned());
    }
    let overrides = ["overrides", "resolutions", "pnpm"].iter().filter_map(|key| manifest.get(key));
    if overrides
        .map(Value::to_string)
        .any(|text| ["\"file:", "\"link:", "\"portal:"].iter().any(|it| text.contains(it)))
    {
        return Some("an override is a folder or file of the project".to_owned());
    }
    let generates = |name: &String| GENERATES.contains(&name.as_str());
    if let Some((name, _)) = all.clone().find(|(name, _)| generates(name)) {
        return Some(format!("{name} reads the project's files when it is installed"));
    }
    let mut local = all.filter(|(_, value)| value.as_str().is_some_and(is_local));
    local.next().map(|(name, value)| {
        format!("{name} is {}, a folder or file of the project", value.as_str().unwrap_or_default())
    })
}

/// Whether there may be workspaces that were not looked for.
fn has_far_workspaces(at: &Path, manifest: &Value) -> Option<String> {
    let globs = manifest.get("workspaces").map(|it| it.get("packages").unwrap_or(it));
    let globs = globs.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let of_pnpm = fs::read_to_string(at.join("pnpm-workspace.yaml")).unwrap_or_default();
    let of_pnpm = of_pnpm
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- "))
        .map(|it| it.trim_matches(['"', '\'']).to_owned());
    let is_far = |glob: &String| {
        let parts = glob.split('/').filter(|part| !part.is_empty() && *part != ".");
        let is_hidden = |part: &str| part.starts_with('.') || matches!(part, "dist" | "build" | "target");
        glob.contains("**") || parts.clone().count() > DEEPEST || parts.clone().any(is_hidden)
    };
    let far = globs.chain(of_pnpm).find(|glob| !glob.starts_with('!') && is_far(glob))?;
    Some(format!("workspaces may be anywhere ({far})"))
}

/// The variables that the package managers' settings name.
pub(super) fn in_settings(root: &Path) -> Vec<String> {
    let files = [".npmrc", ".yarnrc.yml", ".yarnrc", "bunfig.toml"];
    let texts = files.iter().filter_map(|name| fs::read_to_string(root.join(name)).ok());
    let names = |text: String| {
        let parts = text.split('$').skip(1).map(|it| it.trim_start_matches('{').to_owned()).collect::<Vec<_>>();
        let name = |it: String| it.chars().take_while(|char| char.is_ascii_alphanumeric() || *char == '_').collect();
        parts.into_iter().map(name).collect::<Vec<String>>()
    };
    texts.flat_map(names).collect()
}

/// Whether pnpm installs before it runs a script.
pub(super) fn installs_before_scripts(folder: &Path) -> bool {
    let says = |name: &str, line: &str| {
        let text = fs::read_to_string(folder.join(name)).unwrap_or_default();
        let plain = |it: &str| it.split(" #").next().unwrap_or_default().replace([' ', '"', '\''], "");
        text.lines().any(|it| plain(it) == line)
    };
    says("pnpm-workspace.yaml", "verifyDepsBeforeRun:install") || says(".npmrc", "verify-deps-before-run=install")
}

/// Whether the project's yarn is 2 or later, which runs no hooks around scripts.
pub(super) fn is_yarn_berry(folder: &Path) -> bool {
    let manager = json(&folder.join("package.json"));
    let manager = manager.get("packageManager").and_then(Value::as_str).unwrap_or_default();
    folder.join(".yarnrc.yml").is_file()
        || manager.strip_prefix("yarn@").is_some_and(|version| !version.starts_with(['0', '1']))
}

/// Whether a build seems to ask git, so that `.git` has to be in its context.
pub(super) fn reads_git(folder: &Path, dockerfile: &str) -> bool {
    let asks = |text: &str| {
        [
            "git rev-parse",
            "git rev-list",
            "git tag",
            "git describe",
            "git log",
            "git show",
            "\"git\"",
            "'git'",
            ".git/",
            "COPY .git",
            "simple-git",
            "isomorphic-git",
        ]
        .iter()
        .any(|it| text.contains(it))
    };
    let scripts = npm_scripts(folder);
    let names = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|it| it.file_name().to_string_lossy().contains(".config."));
    let words = scripts.values().flat_map(|text| text.split([' ', '"', '\'', ';', '&']));
    let of_scripts = words.filter(|word| [".js", ".mjs", ".cjs", ".ts", ".sh"].iter().any(|end| word.ends_with(end)));
    let of_scripts = of_scripts.filter_map(|word| fs::read_to_string(folder.join(word)).ok());
    let mut configs = names.filter_map(|it| fs::read_to_string(it.path()).ok()).chain(of_scripts);
    asks(dockerfile) || scripts.values().any(|text| asks(text)) || configs.any(|text| asks(&text))
}

fn json(path: &Path) -> Value {
    fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}
