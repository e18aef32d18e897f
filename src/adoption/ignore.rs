//! `.dockerignore`: what it keeps out of a build context, and the lines that it lacks: <https://docs.docker.com/build/concepts/context/#dockerignore-files>.

/// A line, and the paths that it is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IgnoreLine {
    /// The line.
    pub(crate) line: String,
    /// Paths in the context that have to be kept out.
    pub(crate) paths: Vec<String>,
}

/// Whether the file keeps a path of the context out: the last line that matches it, or a folder that it is in, decides.
pub(crate) fn is_ignored(text: &str, path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let mut is_out = false;
    for line in text.trim_start_matches('\u{feff}').lines().filter(|line| !line.starts_with('#')) {
        let line = line.trim();
        let (pattern, lets_in) = line.strip_prefix('!').map_or((line, false), |pattern| (pattern.trim(), true));
        let pattern: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if !pattern.is_empty() && (1..=parts.len()).any(|end| is_match(&pattern, &parts[..end])) {
            is_out = !lets_in;
        }
    }
    is_out
}

fn is_match(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        (["**", rest @ ..], _) => (0..=path.len()).any(|skipped| is_match(rest, &path[skipped..])),
        ([first, rest @ ..], [name, below @ ..]) => is_name(first.as_bytes(), name.as_bytes()) && is_match(rest, below),
        _ => false,
    }
}

/// `*`, `?`, `[a-z]` and `\` as in Go's `filepath.Match`, within one name.
fn is_name(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|skipped| is_name(rest, &name[skipped..])),
        ([b'?', rest @ ..], [_, below @ ..]) => is_name(rest, below),
        ([b'[', rest @ ..], [byte, below @ ..]) if rest.contains(&b']') => {
            let end = rest.iter().position(|it| *it == b']').unwrap_or_default();
            let (class, after) = (&rest[..end], &rest[end + 1..]);
            let (class, is_not) = class.strip_prefix(b"^").map_or((class, false), |class| (class, true));
            is_in(class, *byte) != is_not && is_name(after, below)
        }
        ([b'\\', it, rest @ ..] | [it, rest @ ..], [byte, below @ ..]) => it == byte && is_name(rest, below),
        _ => false,
    }
}

fn is_in(class: &[u8], byte: u8) -> bool {
    match class {
        [from, b'-', to, rest @ ..] => (*from..=*to).contains(&byte) || is_in(rest, byte),
        [it, rest @ ..] => *it == byte || is_in(rest, byte),
        [] => false,
    }
}

/// The file with what it lacks of `lines`, and with `needed` let in again where it keeps that out; `None` if it lacks nothing.
pub(crate) fn ignore_file(text: &str, lines: &[IgnoreLine], needed: &[&str]) -> Option<String> {
    let is_missing = |it: &&IgnoreLine| it.paths.iter().any(|path| !is_ignored(text, path));
    let mut missing: Vec<String> = lines.iter().filter(is_missing).map(|it| it.line.clone()).collect();
    missing.extend(needed.iter().filter(|name| is_ignored(text, name)).map(|name| format!("!{name}")));
    if missing.is_empty() {
        return None;
    }
    let mut out = text.to_owned();
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    for line in missing {
        out.push_str(&line);
        out.push('\n');
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_matches_decides() {
        for (text, path, is_out) in [
            ("node_modules", "node_modules", true),
            ("node_modules", "node_modules/a/b", true),
            ("node_modules", "web/node_modules", false),
            ("**/node_modules", "web/a/node_modules", true),
            ("**/node_modules", "node_modules", true),
            ("/dist/\n./.git", "dist/a", true),
            ("/dist/\n./.git", ".git", true),
            ("# a\n*\n!package.json\n!packages/", "package.json", false),
            ("*\n!packages/", "packages/a/package.json", false),
            ("*\n!packages/\n**/dist", "packages/a/dist/x", true),
            ("*\n!packages/", "examples/package.json", true),
            ("*.toml\n!larder.toml", "larder.toml", false),
            ("*.toml", "web/a.toml", false),
            ("**/*.toml", "web/a.toml", true),
            ("p?ckage[s-t]", "packages", true),
            ("p?ckage[^s]", "packages", false),
            ("web/**", "web/a/b", true),
        ] {
            assert_eq!(is_ignored(text, path), is_out, "{text:?} {path}");
        }
    }

    #[test]
    fn only_what_is_missing_is_added() {
        let line = |line: &str, path: &str| IgnoreLine { line: line.to_owned(), paths: vec![path.to_owned()] };
        let lines = [line(".git", ".git"), line("**/node_modules", "web/node_modules"), line(".larder", ".larder")];
        assert_eq!(
            ignore_file("/node_modules/\n.git", &lines, &[]).unwrap(),
            "/node_modules/\n.git\n**/node_modules\n.larder\n"
        );
        assert_eq!(ignore_file("*\n!src\n", &lines, &["larder.toml"]).unwrap(), "*\n!src\n!larder.toml\n");
        assert_eq!(ignore_file("**/node_modules\n.git\n.l*\n", &lines, &["larder.toml"]), None);
        assert_eq!(ignore_file("", &lines[2..], &[]).unwrap(), ".larder\n");
    }
}
