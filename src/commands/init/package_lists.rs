//! The Python packages that a project's own files name: a script that fetches Pyodide, and a `pyodide-lock.json`. Pure.
//!
//! A script is not run and not parsed as a program: its lists of string literals are found by what stands before them. What is no literal is left out.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use crate::python::requirement::Requirement;

/// What stands before the packages in a call.
const CALLS: [&str; 3] = ["loadPackage(", "micropip.install(", ".runPythonAsync(`await micropip.install("];

/// In the name of a variable that holds packages.
const NAMES: [&str; 3] = ["packages", "requirements", "wheels"];

/// A lock with more entries and no file beside it is a distribution's own, and says nothing of what a project wants.
const OWN_CHOICE: usize = 100;

/// The requirements that a script's lists and calls name, sorted, each once. Addresses and paths of wheels are none.
pub(super) fn of_script(text: &str) -> Vec<String> {
    let text = without_comments(text);
    let mut found = BTreeSet::new();
    for (place, _) in text.match_indices('[') {
        if is_list_of_packages(&text[..place]) {
            found.extend(literals(&text[place + 1..], ']'));
        }
    }
    for call in CALLS {
        for (place, _) in text.match_indices(call) {
            let arguments = text[place + call.len()..].trim_start();
            let arguments = arguments.strip_prefix('[').unwrap_or(arguments);
            found.extend(literals(arguments, if arguments.starts_with(['\'', '"', '`']) { ')' } else { ']' }));
        }
    }
    found.into_iter().filter(|text| is_requirement(text)).collect()
}

/// `packages =`, `pyodidePackages: string[] =`, `const PACKAGES = new Set(`: what stands before a list of packages.
fn is_list_of_packages(before: &str) -> bool {
    let before = before.trim_end().trim_end_matches("new Set(").trim_end();
    let Some(before) = before.strip_suffix(['=', ':']) else { return false };
    // A type between the name and the sign: `packages: string[] =`.
    let line = before.rsplit(['\n', ';', '{', ',']).next().unwrap_or(before);
    let name = line.split(':').next().unwrap_or(line).trim();
    let name = name.rsplit([' ', '.']).next().unwrap_or(name).trim_matches(['"', '\'']).to_lowercase();
    NAMES.iter().any(|known| name.ends_with(known))
}

/// The string literals up to the end of a list or of an argument, in one level. Of templates with `${` there is nothing.
fn literals(text: &str, end: char) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        let Some(at) = rest.find([end, '\'', '"', '`', '[', '(']) else { return found };
        let sign = rest[at..].chars().next().unwrap_or(end);
        rest = &rest[at + sign.len_utf8()..];
        match sign {
            '\'' | '"' | '`' => {
                let Some(close) = rest.find(sign) else { return found };
                if !rest[..close].contains("${") && !rest[..close].contains('\n') {
                    found.push(rest[..close].to_owned());
                }
                rest = &rest[close + 1..];
            }
            // Something else than a list of literals begins.
            _ => return found,
        }
    }
}

fn is_requirement(text: &str) -> bool {
    let is_wheel = Path::new(text).extension().is_some_and(|end| end.eq_ignore_ascii_case("whl"));
    !text.contains('/') && !is_wheel && Requirement::parse(text).is_ok()
}

/// The text without `//` and `/* */` that stand outside of string literals.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut quote = None;
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                kept.push(c);
                kept.extend(chars.next());
                continue;
            }
            // An apostrophe in a regular expression or a text does not reach over its line.
            (Some(open), c) if c == open || (c == '\n' && open != '`') => quote = None,
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '/') if chars.peek() == Some(&'/') => {
                for _ in chars.by_ref().take_while(|c| *c != '\n') {}
                kept.push('\n');
                continue;
            }
            (None, '/') if chars.peek() == Some(&'*') => {
                chars.next();
                let mut last = ' ';
                for c in chars.by_ref() {
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
                kept.push(' ');
                continue;
            }
            _ => {}
        }
        kept.push(c);
    }
    kept
}

/// What a `pyodide-lock.json` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Locked {
    /// The release that it was made for.
    pub(super) release: Option<String>,
    /// How many entries it has.
    pub(super) entries: usize,
    /// The packages that a project seems to have chosen: those whose files are there, or all of a short lock.
    pub(super) chosen: Vec<String>,
}

/// Reads a lock; `is_there` says whether a file is beside it. `None` if it is no such lock.
pub(super) fn of_lock(bytes: &[u8], is_there: impl Fn(&str) -> bool) -> Option<Locked> {
    let lock: Value = serde_json::from_slice(bytes).ok()?;
    let packages = lock.get("packages")?.as_object()?;
    let text = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    let is_package = |entry: &&Value| text(entry, "package_type").is_none_or(|kind| kind == "package");
    let named = |entry: &Value| text(entry, "name").filter(|name| is_requirement(name));
    let beside = |entry: &&Value| text(entry, "file_name").is_some_and(|file| is_there(&file));
    let mut chosen: BTreeSet<String> = packages.values().filter(is_package).filter(beside).filter_map(named).collect();
    if chosen.is_empty() && packages.len() <= OWN_CHOICE {
        chosen = packages.values().filter(is_package).filter_map(named).collect();
    }
    let release = lock.get("info").and_then(|info| text(info, "version"));
    Some(Locked { release, entries: packages.len(), chosen: chosen.into_iter().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_a_script_are_found_by_what_stands_before_them() {
        for (script, expected) in [
            (
                "const packages = [\n\t'micropip', // \"not-this\"\n\t\"numpy\",\n\t/* 'nor-this', */ 'black[d]>=24'\n];",
                &["black[d]>=24", "micropip", "numpy"][..],
            ),
            ("export const pyodidePackages: string[] = ['pandas'];", &["pandas"]),
            ("const REQUIREMENTS = new Set(['seaborn']);", &["seaborn"]),
            ("module.exports = { packages: ['attrs'], files: ['index'] };", &["attrs"]),
            (
                "await pyodide.loadPackage('micropip');\nawait pyodide.loadPackage(['numpy', 'scipy'])",
                &["micropip", "numpy", "scipy"],
            ),
            (
                "await pyodide.runPythonAsync(`\nimport micropip\nawait micropip.install([\"openpyxl\", 'xlrd==2.0.1'])\n`)",
                &["openpyxl", "xlrd==2.0.1"],
            ),
            (
                "await micropip.install('https://files.example/a-1.0-py3-none-any.whl'); micropip.install(`${name}`)",
                &[],
            ),
            (
                "const files = ['pyodide.asm.js']; for (const p of packages) { await micropip.install(p) } log(\"don't\")",
                &[],
            ),
            ("const note = 'it\\'s'; // don't\nconst packages = ['tiktoken'];", &["tiktoken"]),
            ("packages = [", &[]),
        ] {
            assert_eq!(of_script(script), expected, "{script}");
        }
    }

    #[test]
    fn of_a_lock_those_are_chosen_whose_files_are_there() {
        let entry = |name: &str, more: &str| {
            format!("\"{name}\": {{\"name\": \"{name}\", \"file_name\": \"{name}.whl\"{more}}}")
        };
        let lock = |entries: &[String]| {
            format!("{{\"info\": {{\"version\": \"0.28.3\"}}, \"packages\": {{{}}}}}", entries.join(","))
        };
        let short =
            lock(&[entry("numpy", ""), entry("ssl", ", \"package_type\": \"cpython_module\""), entry("pandas", "")]);
        let read = |text: &str, there: &[&str]| of_lock(text.as_bytes(), |file| there.contains(&file)).unwrap();
        let chosen = |locked: Locked| (locked.entries, locked.chosen.join(" "));
        assert_eq!(chosen(read(&short, &["numpy.whl"])), (3, "numpy".to_owned()));
        assert_eq!(chosen(read(&short, &[])), (3, "numpy pandas".to_owned()));
        let long: Vec<String> = (0..300).map(|n| entry(&format!("p{n}"), "")).collect();
        assert_eq!(chosen(read(&lock(&long), &[])), (300, String::new()));
        assert_eq!(chosen(read(&lock(&long), &["p7.whl"])), (300, "p7".to_owned()));
        assert_eq!(read(&short, &[]).release.as_deref(), Some("0.28.3"));
        assert_eq!(of_lock(b"{}", |_| false), None);
    }
}
