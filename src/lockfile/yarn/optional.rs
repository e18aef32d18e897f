//! Optional entries of a yarn 1 lockfile: the lockfile marks the optional dependencies of packages, and `package.json` marks those of the project.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    entry::{RawEntry, entries},
    syntax::Statement,
};
use crate::lockfile::reachability::reachable;

/// A name and a range, as keys of entries have them.
type Descriptor<'a> = (&'a str, &'a str);

/// The paths of the entries that optional dependencies alone lead to, from this `package.json`. Of a workspace, whose packages ask for more than that says, none.
pub(super) fn optional(statements: &[Statement<'_>], package_json: &[u8]) -> HashSet<String> {
    let Ok(package) = serde_json::from_slice::<Value>(package_json) else { return HashSet::new() };
    if !package["workspaces"].is_null() {
        return HashSet::new();
    }
    let all: Vec<RawEntry<'_, '_>> = entries(statements).collect();
    let by_descriptor: HashMap<Descriptor<'_>, usize> = (0..)
        .zip(&all)
        .flat_map(|(position, entry)| entry.descriptors().map(move |descriptor| (descriptor, position)))
        .collect();
    let asked = |field: &str| {
        let fields = package[field].as_object().into_iter().flatten();
        fields.filter_map(|(name, range)| Some((name.as_str(), range.as_str()?))).collect::<Vec<_>>()
    };
    let optional = asked("optionalDependencies");
    // Of a name that is in both, the optional one counts.
    let is_needed = |(name, _): &Descriptor<'_>| optional.iter().all(|(other, _)| other != name);
    let needed: Vec<_> =
        [asked("dependencies"), asked("devDependencies")].concat().into_iter().filter(is_needed).collect();
    let walk = |roots: Vec<Descriptor<'_>>, fields: &[&'static str]| {
        let roots = roots.iter().filter_map(|root| by_descriptor.get(root)).copied().collect();
        reachable(roots, |position, next| {
            let names = fields.iter().flat_map(|field| all[position].texts(field));
            next.extend(names.filter_map(|descriptor| by_descriptor.get(&descriptor)).copied());
        })
    };
    let needs = walk(needed.clone(), &["dependencies"]);
    let reached = walk([needed, optional].concat(), &["dependencies", "optionalDependencies"]);
    reached.difference(&needs).map(|position| all[*position].path().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::syntax::statements, *};

    const LOCKFILE: &str = "# yarn lockfile v1\n
a@^1:\n  version \"1.0.0\"\n  dependencies:\n    shared \"^1\"\n  optionalDependencies:\n    native \"^1\"
native@^1:\n  version \"1.0.0\"\n  dependencies:\n    shared \"^1\"\n    deep \"^1\"
deep@^1:\n  version \"1.0.0\"
own@1.0.0:\n  version \"1.0.0\"
shared@^1:\n  version \"1.0.0\"\n";

    fn optional_of(package_json: &str) -> Vec<String> {
        let mut paths: Vec<String> =
            optional(&statements(LOCKFILE).unwrap(), package_json.as_bytes()).into_iter().collect();
        paths.sort();
        paths
    }

    #[test]
    fn what_optional_dependencies_alone_lead_to_is_optional() {
        let of_project = r#"{"dependencies": {"a": "^1"}, "optionalDependencies": {"own": "1.0.0"}}"#;
        assert_eq!(optional_of(of_project), ["deep@^1", "native@^1", "own@1.0.0"]);
        let needed = r#"{"dependencies": {"a": "^1", "own": "1.0.0"}, "devDependencies": {"deep": "^1"}}"#;
        assert_eq!(optional_of(needed), ["native@^1"]);
        let both = r#"{"dependencies": {"own": "1.0.0"}, "optionalDependencies": {"own": "1.0.0"}}"#;
        assert_eq!(optional_of(both), ["own@1.0.0"]);
        for unknown in ["", "{}", r#"{"optionalDependencies": {"own": "1.0.0"}, "workspaces": ["a"]}"#] {
            assert_eq!(optional_of(unknown), [""; 0], "{unknown}");
        }
    }
}
