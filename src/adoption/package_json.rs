//! A script of package.json without its parts that fetch, and the line that package.json needs for it.

use crate::dockerfile::{Fetch, Scripts, commands_of};

/// A script that package.json lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewScript {
    /// The script that it is a part of.
    pub(crate) of: String,
    /// Its name.
    pub(crate) name: String,
    /// Its text.
    pub(crate) text: String,
}

/// How to run a script without what fetches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// The script to run.
    pub(super) name: String,
    /// It, if there is none yet.
    pub(super) new: Option<NewScript>,
    /// Hooks that the package manager would have run before it.
    pub(super) before: Vec<String>,
    /// And after it.
    pub(super) after: Vec<String>,
}

/// The script without its commands that fetch; `None` if they cannot be told apart, or nothing is left.
pub(super) fn split(name: &str, scripts: Scripts<'_>, runs_hooks: bool) -> Option<Split> {
    let text = scripts.by_name.get(name)?;
    let left = left_of(text, scripts)?;
    let hook = |kind: &str| {
        let hook = format!("{kind}{name}");
        let text = scripts.by_name.get(&hook).filter(|_| runs_hooks)?;
        Some((hook, left_of(text, scripts).as_deref() == Some(text)))
    };
    let mut hooks = [Vec::new(), Vec::new()];
    for (kept, kind) in hooks.iter_mut().zip(["pre", "post"]) {
        match hook(kind) {
            Some((name, true)) => kept.push(name),
            Some((name, false)) if !is_all_fetching(&scripts.by_name[&name], scripts) => return None,
            _ => {}
        }
    }
    if let Some(called) = called_alone(&left, scripts) {
        let [before, after] = hooks;
        return Some(Split { name: called, new: None, before, after });
    }
    let known = scripts.by_name.iter().find(|(other, text)| **text == left && !has_hooks(other, scripts));
    let new_name = format!("{name}:bundle");
    let new = match known {
        Some(_) => None,
        None if scripts.by_name.contains_key(&new_name) => return None,
        None => Some(NewScript { of: name.to_owned(), name: new_name.clone(), text: left }),
    };
    let [before, after] = hooks;
    Some(Split { name: known.map_or(new_name, |(name, _)| name.clone()), new, before, after })
}

/// The script that is all that is left: `npm run build:vite`.
fn called_alone(left: &str, scripts: Scripts<'_>) -> Option<String> {
    let commands = commands_of(left);
    let [command] = commands.as_slice() else { return None };
    let is_bare =
        matches!(command.words.as_slice(), [_, run, _] if run == "run") && left.split_whitespace().count() == 3;
    scripts.script_of(command).filter(|_| is_bare).map(str::to_owned)
}

fn has_hooks(name: &str, scripts: Scripts<'_>) -> bool {
    ["pre", "post"].iter().any(|kind| scripts.by_name.contains_key(&format!("{kind}{name}")))
}

/// The commands of a list with `&&` that do not fetch; `None` if it is no such list, or one of them fetches among other things.
fn left_of(text: &str, scripts: Scripts<'_>) -> Option<String> {
    let parts: Vec<&str> = text.split("&&").map(str::trim).collect();
    let mut left = Vec::new();
    for part in parts {
        let commands = commands_of(part);
        let [command] = commands.as_slice() else { return None };
        match scripts.fetch_of(command) {
            None => left.push(part),
            Some(Fetch::Other(_)) => {
                let called = scripts.script_of(command).map(|name| &scripts.by_name[name]);
                if called.is_some_and(|text| !is_all_fetching(text, scripts)) || part.contains(['|', ';', '>']) {
                    return None;
                }
            }
            Some(Fetch::Install(_) | Fetch::System(_)) => return None,
        }
    }
    (!left.is_empty()).then(|| left.join(" && "))
}

fn is_all_fetching(text: &str, scripts: Scripts<'_>) -> bool {
    let commands = commands_of(text);
    !commands.is_empty() && commands.iter().all(|command| matches!(scripts.fetch_of(command), Some(Fetch::Other(_))))
}

impl NewScript {
    /// package.json with this script behind the one that it is a part of; `None` where that is not found.
    pub(crate) fn added_to(&self, manifest: &str) -> Option<String> {
        let mut expected: serde_json::Value = serde_json::from_str(manifest).ok()?;
        expected.get_mut("scripts")?.as_object_mut()?.insert(self.name.clone(), self.text.clone().into());
        let (key, name) = (serde_json::to_string(&self.of).ok()?, serde_json::to_string(&self.name).ok()?);
        let text = serde_json::to_string(&self.text).ok()?;
        let added = manifest.match_indices(&key).filter_map(|(at, _)| {
            let line = manifest[..at].rfind('\n').map_or(0, |end| end + 1);
            let indent = &manifest[line..at];
            let before = if indent.trim().is_empty() && line > 0 {
                let end = if manifest[..line].ends_with("\r\n") { "\r\n" } else { "\n" };
                format!("{end}{indent}")
            } else {
                String::new()
            };
            let rest = manifest[at + key.len()..].trim_start().strip_prefix(':')?.trim_start();
            let start = manifest.len() - rest.len();
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            values.next()?.ok()?;
            let end = start + values.byte_offset();
            Some(format!("{},{before}{name}: {text}{}", &manifest[..end], &manifest[end..]))
        });
        // A key of the same name may stand elsewhere.
        let is_right = |text: &String| serde_json::from_str::<serde_json::Value>(text).is_ok_and(|it| it == expected);
        added.into_iter().find(is_right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_added_behind_its_own_wherever_that_stands() {
        let script =
            NewScript { of: "build".to_owned(), name: "build:bundle".to_owned(), text: "vite build \"a\"".to_owned() };
        let added = r#""build:bundle": "vite build \"a\"""#;
        for (before, after) in [
            (
                "{\n\t\"scripts\": {\n\t\t\"build\": \"x\",\n\t\t\"b\": \"y\"\n\t}\n}\n",
                format!("{{\n\t\"scripts\": {{\n\t\t\"build\": \"x\",\n\t\t{added},\n\t\t\"b\": \"y\"\n\t}}\n}}\n"),
            ),
            (
                "{\r\n  \"scripts\": {\r\n    \"build\": \"x\"\r\n  }\r\n}",
                format!("{{\r\n  \"scripts\": {{\r\n    \"build\": \"x\",\r\n    {added}\r\n  }}\r\n}}"),
            ),
            (
                r#"{"build":"no","scripts":{"build" : "x\"y"}}"#,
                format!(r#"{{"build":"no","scripts":{{"build" : "x\"y",{added}}}}}"#),
            ),
        ] {
            assert_eq!(script.added_to(before).unwrap(), after);
        }
        assert_eq!(script.added_to("{\"scripts\": {}}"), None);
    }
}
