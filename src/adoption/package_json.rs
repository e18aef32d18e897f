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
    /// package.json with this script below the one that it is a part of; `None` where that line is not found.
    pub(crate) fn added_to(&self, manifest: &str) -> Option<String> {
        let key = format!("{}:", serde_json::to_string(&self.of).ok()?);
        let mut out = String::with_capacity(manifest.len() + 80);
        let mut is_added = false;
        for line in manifest.split_inclusive('\n') {
            let body = line.trim_end_matches(['\r', '\n']);
            let is_it = !is_added && body.trim_start().replacen("\" :", "\":", 1).starts_with(&key);
            if !is_it {
                out.push_str(line);
                continue;
            }
            let indent = &body[..body.len() - body.trim_start().len()];
            let (name, text) = (serde_json::to_string(&self.name).ok()?, serde_json::to_string(&self.text).ok()?);
            let (first, comma) = body.strip_suffix(',').map_or((body, ""), |body| (body, ","));
            let end = &line[body.len()..];
            out.extend([first, ",", end, indent, &name, ": ", &text, comma, end]);
            is_added = true;
        }
        let (old, new): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(manifest).ok()?, serde_json::from_str(&out).ok()?);
        let mut expected = old;
        expected.get_mut("scripts")?.as_object_mut()?.insert(self.name.clone(), self.text.clone().into());
        // `preserve_order` keeps the keys' order, which equality does not look at.
        (expected == new).then_some(out)
    }
}
