//! Which versions of node a project runs on, and the ABI of each: addons that are built for one ABI are downloaded by its number.
//!
//! `[npm] node` in `larder.toml` decides. Where it says nothing, the project's own files do: `.nvmrc`, `.node-version` and the Dockerfiles' `FROM node:22`, together, since a project may be
//! worked on with one version and built with another; else `engines.node` in `package.json`, if its range leaves one version.

use std::{
    collections::BTreeSet,
    fmt, fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use nodejs_semver::{Range, Version};

/// Node's major versions and `process.versions.modules` of each: `doc/abi_version_registry.json` of node's repository.
const ABIS: [(u16, u16); 14] = [
    (12, 72),
    (13, 79),
    (14, 83),
    (15, 88),
    (16, 93),
    (17, 102),
    (18, 108),
    (19, 111),
    (20, 115),
    (21, 120),
    (22, 127),
    (23, 131),
    (24, 137),
    (25, 141),
];

/// The code names of the versions with long support, as `.nvmrc` writes them.
const CODE_NAMES: [(&str, u16); 7] =
    [("erbium", 12), ("fermium", 14), ("gallium", 16), ("hydrogen", 18), ("iron", 20), ("jod", 22), ("krypton", 24)];

/// Longer files are nobody's: bytes.
const LONGEST: u64 = 1 << 20;

/// A major version of node whose ABI is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeMajor(u16);

impl NodeMajor {
    /// Reads `22`, `v22.11.0`, `22.x`, `lts/jod`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(name) = text.strip_prefix("lts/") {
            return CODE_NAMES.iter().find(|(known, _)| *known == name).map(|(_, major)| Self(*major));
        }
        let digits = text.strip_prefix('v').unwrap_or(text);
        let (digits, rest) = digits.split_at(digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len()));
        let is_end = rest.is_empty() || rest.starts_with(['.', '-']);
        let major = digits.parse().ok().filter(|major| ABIS.iter().any(|(known, _)| known == major))?;
        is_end.then_some(Self(major))
    }

    /// `process.versions.modules` of this version.
    pub fn abi(self) -> u16 {
        ABIS.iter().find(|(major, _)| *major == self.0).expect("no other is made").1
    }
}

impl fmt::Display for NodeMajor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The versions that the files in a project's folder name. What cannot be read names none.
pub fn found_in(folder: &Path) -> BTreeSet<NodeMajor> {
    let read = |name: &str| read(&folder.join(name));
    let mut found: BTreeSet<NodeMajor> = [".nvmrc", ".node-version"]
        .into_iter()
        .filter_map(|name| NodeMajor::parse(&of_version_file(&read(name)?)))
        .collect();
    found.extend(dockerfiles(folder).iter().filter_map(|name| self::read(name)).flat_map(|text| of_dockerfile(&text)));
    if found.is_empty() {
        found.extend(read("package.json").and_then(|text| of_engines(&text)));
    }
    found
}

/// What stands in a `.nvmrc`, without comments.
fn of_version_file(text: &str) -> String {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.into_iter().find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// The version that `engines.node` leaves, if it is one.
fn of_engines(package_json: &str) -> Option<NodeMajor> {
    let package: serde_json::Value = serde_json::from_str(package_json).ok()?;
    let range = Range::parse(package["engines"]["node"].as_str()?).ok()?;
    let any_of = |major: u16| Range::parse(format!("{major}.x")).is_ok_and(|all| range.allows_any(&all));
    // Later ones than those that are known count, too: `>=24` says nothing.
    let later = Version::from((u64::from(ABIS[ABIS.len() - 1].0) + 1, 0, 0));
    let mut allowed = ABIS.iter().map(|(major, _)| *major).filter(|major| any_of(*major));
    let first = allowed.next()?;
    (allowed.next().is_none() && !range.satisfies(&later)).then_some(NodeMajor(first))
}

/// The versions of the images that a Dockerfile begins its stages with: `FROM node:22-alpine`, `FROM --platform=$BUILDPLATFORM docker.io/library/node:${NODE}`.
fn of_dockerfile(text: &str) -> BTreeSet<NodeMajor> {
    let mut arguments: Vec<(&str, &str)> = Vec::new();
    let mut found = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        let mut words = line.split_whitespace();
        let instruction = words.next().unwrap_or_default();
        if instruction.eq_ignore_ascii_case("ARG") {
            arguments.extend(words.filter_map(|word| word.split_once('=')));
        } else if instruction.eq_ignore_ascii_case("FROM") {
            let image = words.find(|word| !word.starts_with("--")).unwrap_or_default();
            found.extend(of_image(&filled(image, &arguments)));
        }
    }
    found
}

fn of_image(image: &str) -> Option<NodeMajor> {
    let (name, tag) = image.split('@').next()?.rsplit_once(':')?;
    let is_node = name.rsplit('/').next() == Some("node");
    NodeMajor::parse(tag).filter(|_| is_node)
}

/// A word with the defaults of arguments in place of `$NAME`, `${NAME}` and `${NAME:-default}`.
fn filled(word: &str, arguments: &[(&str, &str)]) -> String {
    let mut filled = word.to_owned();
    // `$NODE_VERSION` begins as `$NODE` does.
    let mut arguments = arguments.to_vec();
    arguments.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    for (name, value) in arguments {
        let value = value.trim_matches('"');
        filled = filled.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
    }
    match filled.split_once(":-").and_then(|(before, after)| Some((before.split_once("${")?.0, after.split_once('}')?)))
    {
        Some((before, (default, after))) => format!("{before}{default}{after}"),
        None => filled,
    }
}

fn dockerfiles(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_one = |name: &str| {
        let name = name.to_ascii_lowercase();
        matches!(&*name, "dockerfile" | "containerfile")
            || name.starts_with("dockerfile.")
            || name.ends_with(".dockerfile")
    };
    entries.filter(|entry| entry.file_name().to_str().is_some_and(is_one)).map(|entry| entry.path()).collect()
}

/// The text of an ordinary file of a bounded length.
fn read(path: &Path) -> Option<String> {
    fs::metadata(path).ok().filter(|metadata| metadata.is_file() && metadata.len() <= LONGEST)?;
    let mut text = String::new();
    fs::File::open(path).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn majors(found: BTreeSet<NodeMajor>) -> Vec<u16> {
        found.into_iter().map(|NodeMajor(major)| major).collect()
    }

    #[test]
    fn a_version_is_read_as_people_write_it_and_has_its_abi() {
        for (text, expected) in [
            ("18", Some(108)),
            ("v20.11.1\n", Some(115)),
            ("22.x", Some(127)),
            ("lts/krypton", Some(137)),
            ("22-alpine", Some(127)),
            ("lts/*", None),
            ("node", None),
            ("", None),
            ("2", None),
            ("22a", None),
            ("99", None),
        ] {
            assert_eq!(NodeMajor::parse(text).map(NodeMajor::abi), expected, "{text:?}");
        }
    }

    #[test]
    fn engines_count_if_they_leave_one_version() {
        let of = |range: &str| {
            let found = of_engines(&format!(r#"{{"engines": {{"node": "{range}"}}}}"#));
            found.map(|NodeMajor(major)| major)
        };
        let cases = [("22.x", Some(22)), ("^20.9.0", Some(20)), (">=22 <23", Some(22)), ("24", Some(24))];
        for (range, expected) in
            cases.into_iter().chain([(">=18", None), (">=24", None), ("^20 || ^22", None), ("x y", None)])
        {
            assert_eq!(of(range), expected, "{range}");
        }
        assert_eq!(of_engines("{}"), None);
    }

    #[test]
    fn dockerfiles_name_versions_by_their_images() {
        let text = "ARG NODE=22\nARG OTHER\nFROM --platform=$BUILDPLATFORM node:${NODE}-alpine AS build\nFROM docker.io/library/node:20.11.0-bookworm@sha256:00\nFROM ${BASE:-node:24}\nFROM python:3.12\nfrom my-node:18\nFROM node\nFROM node:lts\nRUN echo node:18\n";
        assert_eq!(majors(of_dockerfile(text)), [20, 22, 24]);
        let names = "ARG NODE=22\nARG NODE_VERSION=20\nFROM node:$NODE_VERSION\nFROM node:$NODE-slim\n";
        assert_eq!(majors(of_dockerfile(names)), [20, 22]);
    }

    #[test]
    fn the_files_of_a_folder_are_taken_together_and_engines_alone() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(majors(found_in(folder.path())), [0; 0]);
        write("package.json", r#"{"engines": {"node": "18.x"}}"#);
        assert_eq!(majors(found_in(folder.path())), [18]);
        write(".nvmrc", "# ours\nlts/iron # and so on\n");
        write("web.Dockerfile", "FROM node:22\n");
        assert_eq!(majors(found_in(folder.path())), [20, 22]);
    }
}
