//! Which lockfiles count in a folder that has those of several package managers: those of the manager that is called, else those of the one that `package.json`
//! names, else all. Pure.

use std::fmt;

use crate::lockfile::Format;

/// Lockfiles of several package managers in one folder, of which `larder.toml` lists none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Several {
    /// Those that are read.
    pub taken: Vec<&'static str>,
    /// Those that are not.
    pub left: Vec<&'static str>,
    /// What decided.
    pub by: DecidedBy,
}

/// What decides between package managers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecidedBy {
    /// The command that is run.
    Command,
    /// `packageManager` in `package.json`.
    PackageJson,
    /// Nothing.
    Nothing,
}

/// The lockfiles of `found`, one of each manager, that count. `called` are the managers that a command calls, `named` is the one that `package.json` names.
pub(super) fn choose(
    found: Vec<&'static str>,
    called: &[Format],
    named: Option<Format>,
) -> (Vec<&'static str>, Option<Several>) {
    if found.len() < 2 {
        return (found, None);
    }
    let of = |managers: &[Format]| -> Vec<&'static str> {
        found.iter().copied().filter(|name| managers.contains(&Format::of(name))).collect()
    };
    let (taken, by) = match (of(called), of(named.as_slice())) {
        (called, _) if !called.is_empty() => (called, DecidedBy::Command),
        (_, named) if !named.is_empty() => (named, DecidedBy::PackageJson),
        _ => (found.clone(), DecidedBy::Nothing),
    };
    let left: Vec<&'static str> = found.into_iter().filter(|name| !taken.contains(name)).collect();
    let is_told = !left.is_empty() || by == DecidedBy::Nothing;
    (taken.clone(), is_told.then_some(Several { taken, left, by }))
}

/// The manager that a `package.json` names for its project: `"packageManager": "yarn@4.5.3"`, or the name below `devEngines.packageManager`.
pub(super) fn named_by(package_json: &[u8]) -> Option<Format> {
    let package: serde_json::Value = serde_json::from_slice(package_json).ok()?;
    let stated = package["packageManager"].as_str().and_then(|text| text.split('@').next());
    let name = stated.or_else(|| match &package["devEngines"]["packageManager"] {
        serde_json::Value::Array(several) => several.first()?["name"].as_str(),
        one => one["name"].as_str(),
    })?;
    Format::ALL.into_iter().find(|format| format.manager() == name)
}

impl fmt::Display for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (taken, left) = (list(&self.taken), list(&self.left));
        match self.by {
            DecidedBy::Command => {
                write!(f, "lockfiles of several package managers: the command's is {taken}, and {left} is left out")
            }
            DecidedBy::PackageJson => write!(
                f,
                "lockfiles of several package managers: package.json names {} as its `packageManager`, and {left} is left out",
                Format::of(self.taken[0])
            ),
            DecidedBy::Nothing => write!(
                f,
                "lockfiles of several package managers, {taken}: package.json names no `packageManager`, and all of them are read"
            ),
        }
    }
}

impl Several {
    /// The way out.
    pub fn cure(&self) -> String {
        let quoted = |names: &[&str]| names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        if self.by == DecidedBy::Nothing {
            let one = quoted(&self.taken[..1]);
            return format!(
                "delete the one that is left over, or name the one that counts in larder.toml: `lockfiles = [{one}]`"
            );
        }
        let all: Vec<&str> = self.taken.iter().chain(&self.left).copied().collect();
        format!("if all of them count, say so in larder.toml: `lockfiles = [{}]`", quoted(&all))
    }
}

/// `a, b and c`.
fn list(names: &[&str]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        names => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_decides_before_package_json_and_without_either_all_are_read() {
        let (npm, yarn, bun) = ("package-lock.json", "yarn.lock", "bun.lock");
        for (called, named, taken, left, by) in [
            (&[Format::Yarn][..], None, &[yarn][..], &[npm, bun][..], DecidedBy::Command),
            (&[Format::Npm], Some(Format::Yarn), &[npm], &[yarn, bun], DecidedBy::Command),
            (&[Format::Bun, Format::Npm], None, &[npm, bun], &[yarn], DecidedBy::Command),
            (&[Format::Pnpm], Some(Format::Yarn), &[yarn], &[npm, bun], DecidedBy::PackageJson),
            (&[], Some(Format::Pnpm), &[npm, yarn, bun], &[], DecidedBy::Nothing),
            (&[], None, &[npm, yarn, bun], &[], DecidedBy::Nothing),
        ] {
            let (chosen, several) = choose(vec![npm, yarn, bun], called, named);
            assert_eq!(chosen, taken, "{called:?} {named:?}");
            assert_eq!(several, Some(Several { taken: taken.to_vec(), left: left.to_vec(), by }));
        }
        assert_eq!(choose(vec![yarn], &[Format::Npm], Some(Format::Npm)), (vec![yarn], None));
        let every = [Format::Npm, Format::Yarn, Format::Bun];
        assert_eq!(choose(vec![npm, yarn, bun], &every, None), (vec![npm, yarn, bun], None));
    }

    #[test]
    fn what_is_left_out_is_said_with_the_line_that_takes_it() {
        let (_, several) = choose(vec!["package-lock.json", "yarn.lock"], &[Format::Yarn], None);
        let several = several.unwrap();
        assert_eq!(
            several.to_string(),
            "lockfiles of several package managers: the command's is yarn.lock, and package-lock.json is left out"
        );
        assert_eq!(
            several.cure(),
            "if all of them count, say so in larder.toml: `lockfiles = [\"yarn.lock\", \"package-lock.json\"]`"
        );
        let (_, several) = choose(vec!["package-lock.json", "yarn.lock"], &[], None);
        assert_eq!(
            several.unwrap().cure(),
            "delete the one that is left over, or name the one that counts in larder.toml: `lockfiles = [\"package-lock.json\"]`"
        );
    }

    #[test]
    fn package_json_names_its_manager_in_two_ways() {
        for (text, expected) in [
            (r#"{"packageManager": "yarn@4.5.3+sha224.00"}"#, Some(Format::Yarn)),
            (r#"{"packageManager": "pnpm@9.0.0"}"#, Some(Format::Pnpm)),
            (r#"{"devEngines": {"packageManager": {"name": "bun", "onFail": "error"}}}"#, Some(Format::Bun)),
            (r#"{"devEngines": {"packageManager": [{"name": "npm"}]}}"#, Some(Format::Npm)),
            (r#"{"packageManager": "cnpm@9.0.0"}"#, None),
            (r#"{"packageManager": 5}"#, None),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(named_by(text.as_bytes()), expected, "{text}");
        }
    }
}
