//! The lines that .dockerignore lacks: <https://docs.docker.com/build/concepts/context/#dockerignore-files>.

/// Lines that keep everything out, or what larder needs in a build.
const SHUT: [&str; 10] =
    ["*", "**", "**/*", "/*", "*.toml", "*.lock", "**/*.toml", "**/*.lock", "larder.toml", "larder.lock"];

/// The file with what it lacks of `lines`, and with `needed` let in again where a line keeps it out; `None` if it lacks nothing.
pub(crate) fn ignore_file(text: &str, lines: &[&str], needed: &[&str]) -> Option<String> {
    let known: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.starts_with('#')).collect();
    let bare = |line: &str| line.trim_start_matches("./").trim_start_matches("**/").trim_matches('/').to_owned();
    // A file that lets in only what it names keeps these out already.
    let is_shut = known.iter().any(|line| SHUT[..4].contains(line));
    let mut missing: Vec<String> = Vec::new();
    for line in lines.iter().filter(|_| !is_shut) {
        let has = known.iter().any(|it| bare(it) == bare(line) && (!line.starts_with("**/") || it.starts_with("**/")));
        if !has {
            missing.push((*line).to_owned());
        }
    }
    if known.iter().any(|line| SHUT.contains(line)) {
        let open = needed.iter().map(|name| format!("!{name}"));
        missing.extend(open.filter(|line| !known.contains(&line.as_str())));
    }
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
    fn only_what_is_missing_is_added() {
        assert_eq!(
            ignore_file("/node_modules/\n.git", &[".git", "node_modules", ".larder"], &[]).unwrap(),
            "/node_modules/\n.git\n.larder\n"
        );
        assert_eq!(ignore_file("./.git\n", &[".git"], &["larder.toml"]), None);
        assert_eq!(ignore_file("", &["**/node_modules"], &[]).unwrap(), "**/node_modules\n");
        assert_eq!(ignore_file("*\n!src\n", &[".git"], &["larder.lock"]).unwrap(), "*\n!src\n!larder.lock\n");
        assert_eq!(
            ignore_file("node_modules\n", &["**/node_modules"], &[]).unwrap(),
            "node_modules\n**/node_modules\n"
        );
    }
}
