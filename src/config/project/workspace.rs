//! The root of a workspace, seen from one of its folders: a member has no lockfile of its own, and package managers go up to the root's.

use std::path::{Path, PathBuf};

use super::{
    files::{LONGEST_SETTINGS, read_file},
    lockfile_names::lockfile_names,
};

/// The longest list of folders that one pattern's braces stand for.
const MOST_ALTERNATIVES: usize = 64;

/// The longest pattern that is read. No path is longer.
const LONGEST_PATTERN: usize = 4096;

/// The root of the workspace that lists this folder: the nearest folder above that has a lockfile and lists it, in `workspaces` of its `package.json` or in
/// `pnpm-workspace.yaml`.
pub(super) fn root_of(folder: &Path) -> Option<PathBuf> {
    if !folder.join("package.json").is_file() {
        return None;
    }
    let folder = folder.canonicalize().ok()?;
    let lists = |above: &&Path| {
        let member = folder.strip_prefix(above).expect("it is above").to_string_lossy();
        lockfile_names(above).next().is_some() && is_listed(&member, &patterns(above))
    };
    folder.ancestors().skip(1).find(lists).map(Path::to_owned)
}

/// What a folder lists as its workspace. What cannot be read lists nothing: its package manager says why.
fn patterns(folder: &Path) -> Vec<String> {
    let read = |name: &str| read_file(&folder.join(name), LONGEST_SETTINGS).ok().flatten();
    let of_package_json = read("package.json").map(|bytes| of_package_json(&bytes)).unwrap_or_default();
    let of_pnpm = read("pnpm-workspace.yaml").map(|bytes| of_pnpm(&bytes)).unwrap_or_default();
    of_package_json.into_iter().chain(of_pnpm).collect()
}

/// `"workspaces": ["packages/*"]`, or, as yarn 1 writes it, `{"packages": ["packages/*"]}`.
fn of_package_json(bytes: &[u8]) -> Vec<String> {
    let Ok(package) = serde_json::from_slice::<serde_json::Value>(bytes) else { return Vec::new() };
    let workspaces = &package["workspaces"];
    let list = workspaces.as_array().or_else(|| workspaces["packages"].as_array());
    list.into_iter().flatten().filter_map(|pattern| pattern.as_str()).map(str::to_owned).collect()
}

fn of_pnpm(bytes: &[u8]) -> Vec<String> {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Workspace {
        packages: Vec<String>,
    }
    let text = String::from_utf8_lossy(bytes);
    match serde_saphyr::from_str::<Workspace>(&text) {
        Ok(workspace) => workspace.packages,
        Err(error) => {
            tracing::debug!(%error, "pnpm-workspace.yaml lists nothing that can be read");
            Vec::new()
        }
    }
}

/// Whether these patterns list the folder: the last that fits decides, and one with an exclamation mark takes out.
fn is_listed(member: &str, patterns: &[String]) -> bool {
    if member.split('/').any(|part| part == "node_modules") {
        return false;
    }
    let member: Vec<&str> = member.split('/').collect();
    let fits = |pattern: &str| {
        if pattern.len() > LONGEST_PATTERN {
            return false;
        }
        let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
        alternatives(pattern).iter().any(|pattern| fits(&pattern.split('/').collect::<Vec<_>>(), &member))
    };
    patterns.iter().fold(false, |listed, pattern| match pattern.strip_prefix('!') {
        Some(pattern) => listed && !fits(pattern),
        None => listed || fits(pattern),
    })
}

/// `{apps,libs}/*` → `apps/*` and `libs/*`.
fn alternatives(pattern: &str) -> Vec<String> {
    let mut left = vec![pattern.to_owned()];
    let mut done = Vec::new();
    while let Some(pattern) = left.pop() {
        let braces = pattern.find('{').and_then(|open| Some((open, open + pattern[open..].find('}')?)));
        match braces {
            Some((open, close)) if left.len() + done.len() < MOST_ALTERNATIVES => {
                let (before, after) = (&pattern[..open], &pattern[close + 1..]);
                let room = MOST_ALTERNATIVES - left.len() - done.len();
                let choices = pattern[open + 1..close].split(',').take(room);
                left.extend(choices.map(|one| format!("{before}{one}{after}")));
            }
            _ => done.push(pattern),
        }
    }
    done
}

/// Whether a path fits a pattern, part by part; `**` stands for any number of parts.
fn fits(pattern: &[&str], path: &[&str]) -> bool {
    // Where the last `**` stands, and how many parts are taken up to its end: only that one needs to be tried again.
    let (mut at, mut read, mut stars) = (0, 0, None);
    while read < path.len() {
        match pattern.get(at) {
            Some(&"**") => {
                stars = Some((at, read));
                at += 1;
            }
            Some(one) if part_fits(one.as_bytes(), path[read].as_bytes()) => (at, read) = (at + 1, read + 1),
            _ => {
                let Some((stars_at, taken)) = stars else { return false };
                stars = Some((stars_at, taken + 1));
                (at, read) = (stars_at + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == "**")
}

/// `*` stands for any text of one part, `?` for a character. A folder that is hidden has to be named with its dot.
fn part_fits(pattern: &[u8], part: &[u8]) -> bool {
    let hides = part.first() == Some(&b'.') && pattern.first() != Some(&b'.');
    // Where the last star stands, and how far the text was taken for it: only that one needs to be tried again.
    let (mut at, mut read, mut star) = (0, 0, None);
    while read < part.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(one) if *one == b'?' || *one == part[read] => (at, read) = (at + 1, read + 1),
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                (at, read) = (star_at + 1, taken + 1);
            }
        }
    }
    !hides && pattern[at..].iter().all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_listed_as_package_managers_read_their_patterns() {
        for (patterns, member, expected) in [
            (&["packages/*"][..], "packages/a", true),
            (&["./packages/*/"], "packages/a", true),
            (&["packages/*"], "packages/a/b", false),
            (&["packages/*"], "packages", false),
            (&["packages/**"], "packages/a/b", true),
            (&["**"], "packages/a", true),
            (&["packages/a"], "packages/a", true),
            (&["packages/a-*"], "packages/a-b", true),
            (&["packages/a?"], "packages/ab", true),
            (&["{apps,libs}/*"], "libs/a", true),
            (&["{apps,libs}/*"], "other/a", false),
            (&["packages/*", "!packages/a"], "packages/a", false),
            (&["packages/**", "!**/test/**"], "packages/a/test/b", false),
            (&["packages/*"], "packages/.hidden", false),
            (&["**"], "node_modules/a", false),
            (&[], "packages/a", false),
        ] {
            let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
            assert_eq!(is_listed(member, &patterns), expected, "{patterns:?} {member}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_and_braces_ends() {
        let stars = "*a".repeat(12);
        assert!(!is_listed(&"a".repeat(60).replace("aaaaa", "aaaab"), &[format!("{stars}c")]));
        assert!(!is_listed("x", &["{a,b}".repeat(40)]));
        assert!(!is_listed(&"a/".repeat(500), &[format!("{}b", "**/a/".repeat(500))]));
        assert!(is_listed(&"a/".repeat(40), &[format!("{}**", "**/a/".repeat(40))]));
    }

    #[test]
    fn braces_of_any_number_of_choices_stand_for_a_bounded_list() {
        for pattern in [format!("{{{}}}x", ",".repeat(4000)), format!("{}/{{a,b}}", "{a,b,c,d,e,f,g}".repeat(3))] {
            assert!(alternatives(&pattern).len() <= MOST_ALTERNATIVES, "{pattern}");
        }
        let huge = format!("{{a,{}}}{}", ",".repeat(500_000), "x".repeat(500_000));
        assert!(!is_listed("a", &[huge]), "a pattern that is longer than any path lists nothing");
    }

    #[test]
    fn a_workspace_is_listed_in_three_ways() {
        assert_eq!(of_package_json(br#"{"workspaces": ["a", 5, "b/*"]}"#), ["a", "b/*"]);
        assert_eq!(of_package_json(br#"{"workspaces": {"packages": ["a"], "nohoist": ["x"]}}"#), ["a"]);
        assert_eq!(of_pnpm(b"packages:\n  - 'a/*'\n  - \"!a/b\"\nonlyBuiltDependencies: [x]\n"), ["a/*", "!a/b"]);
        for bytes in [&b""[..], b"[", b"{}", br#"{"workspaces": true}"#, b"packages: 5\n"] {
            assert_eq!((of_package_json(bytes), of_pnpm(bytes)), (Vec::new(), Vec::new()));
        }
    }
}
