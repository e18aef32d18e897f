//! What a project's own files say of one package's install script: whether it may run. Pure.
//!
//! | manager | where |
//! |---|---|
//! | npm 12 | `allowScripts` in `package.json`: `name` or `name@version`, and whether it may |
//! | pnpm | `onlyBuiltDependencies`, `neverBuiltDependencies`, `allowBuilds` and `dangerouslyAllowAllBuilds`, in `pnpm-workspace.yaml` or below `pnpm` in `package.json` |
//! | yarn 2 and later | `dependenciesMeta.NAME.built` in `package.json`, and `enableScripts` |
//! | bun | `trustedDependencies` in `package.json` |

use serde_json::Value;

use super::script_policy::ScriptPolicy;
use crate::lockfile::Format;

/// What is read for it.
#[derive(Clone, Copy)]
pub(crate) struct Said<'a> {
    /// The project's `package.json`, as far as it can be read.
    pub(crate) package_json: &'a Value,
    /// The one value of a setting, in npm's spelling.
    pub(crate) setting: &'a dyn Fn(&str) -> Option<String>,
    /// All values of a setting that is a list.
    pub(crate) list: &'a dyn Fn(&str) -> Vec<String>,
}

impl ScriptPolicy {
    /// What becomes of this package's install script, with what the project says of it.
    pub(crate) fn of_package(self, format: Format, (name, version): (&str, &str), said: Said<'_>) -> Self {
        let is = |key: &str, value: &str| (said.setting)(key).is_some_and(|set| set == value);
        if is("ignore-scripts", "true") || self == Self::Off {
            return Self::Off;
        }
        let of_all = match format {
            Format::Yarn if is("enable-scripts", "true") => Self::Runs,
            Format::Yarn if is("enable-scripts", "false") => Self::Off,
            Format::Pnpm if is("dangerously-allow-all-builds", "true") => Self::Runs,
            _ => self,
        };
        match (permission(format, (name, version), said), of_all) {
            (Some(true), _) => Self::Runs,
            // npm before version 12 only advises.
            (Some(false), Self::Runs) if format == Format::Npm => Self::Runs,
            (Some(false), _) => Self::Off,
            (None, of_all) => of_all,
        }
    }
}

fn permission(format: Format, (name, version): (&str, &str), said: Said<'_>) -> Option<bool> {
    let json = said.package_json;
    let exact = format!("{name}@{version}");
    let is_it = |listed: &str| listed == name || listed == exact;
    let of_table = |table: &Value| {
        let value = |key: &str| match &table[key] {
            Value::Bool(is_allowed) => Some(*is_allowed),
            // A version, or several.
            Value::String(versions) => {
                versions.split("||").any(|one| matches!(one.trim(), "*") || one.trim() == version).then_some(true)
            }
            _ => None,
        };
        value(&exact).or_else(|| value(name))
    };
    let is_listed = |list: &Value| list.as_array().is_some_and(|all| all.iter().filter_map(Value::as_str).any(is_it));
    match format {
        Format::Npm => of_table(&json["allowScripts"]),
        Format::Pnpm => {
            let set = |key: &str| (said.list)(key).iter().any(|listed| is_it(listed));
            let own = &json["pnpm"];
            if set("never-built-dependencies") || is_listed(&own["neverBuiltDependencies"]) {
                return Some(false);
            }
            let is_allowed = set("only-built-dependencies") || is_listed(&own["onlyBuiltDependencies"]);
            is_allowed.then_some(true).or_else(|| of_table(&own["allowBuilds"]))
        }
        Format::Yarn => {
            let meta = &json["dependenciesMeta"];
            [&exact, name].into_iter().find_map(|key| meta[key]["built"].as_bool())
        }
        // A list of its own takes the place of bun's.
        Format::Bun => {
            let trusted = &json["trustedDependencies"];
            trusted.is_array().then(|| is_listed(trusted))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn allowed_only() -> ScriptPolicy {
        ScriptPolicy::AllowedOnly("m 1".to_owned())
    }

    /// What becomes of `@s/a` 1.0.0 with these settings.
    fn of(format: Format, policy: ScriptPolicy, json: &Value, settings: &[(&str, &[&str])]) -> ScriptPolicy {
        let list = |key: &str| {
            let found = settings.iter().find(|(known, _)| *known == key);
            found.map_or(Vec::new(), |(_, values)| values.iter().map(ToString::to_string).collect())
        };
        let setting = |key: &str| list(key).into_iter().next();
        policy.of_package(format, ("@s/a", "1.0.0"), Said { package_json: json, setting: &setting, list: &list })
    }

    #[test]
    fn each_managers_own_lists_allow_a_package_or_do_not() {
        let (runs, off) = (ScriptPolicy::Runs, ScriptPolicy::Off);
        for (format, json, expected) in [
            (Format::Npm, json!({"allowScripts": {"@s/a": true}}), &runs),
            (Format::Npm, json!({"allowScripts": {"@s/a@1.0.0": true, "@s/a": false}}), &runs),
            (Format::Npm, json!({"allowScripts": {"@s/a": "1.0.0 || 2.0.0"}}), &runs),
            (Format::Npm, json!({"allowScripts": {"@s/a": "2.0.0"}}), &allowed_only()),
            (Format::Npm, json!({"allowScripts": {"@s/a": false}}), &off),
            (Format::Npm, json!({"pnpm": {"onlyBuiltDependencies": ["@s/a"]}}), &allowed_only()),
            (Format::Pnpm, json!({"pnpm": {"onlyBuiltDependencies": ["@s/a"]}}), &runs),
            (Format::Pnpm, json!({"pnpm": {"neverBuiltDependencies": ["@s/a"]}}), &off),
            (Format::Pnpm, json!({"pnpm": {"onlyBuiltDependencies": ["b"]}}), &allowed_only()),
            (Format::Yarn, json!({"dependenciesMeta": {"@s/a": {"built": true}}}), &runs),
            (Format::Yarn, json!({"dependenciesMeta": {"@s/a@1.0.0": {"built": false}}}), &off),
            (Format::Bun, json!({"trustedDependencies": ["@s/a"]}), &runs),
            (Format::Bun, json!({"trustedDependencies": []}), &off),
            (Format::Bun, json!({}), &allowed_only()),
            (Format::Bun, json!([1]), &allowed_only()),
        ] {
            assert_eq!(&of(format, allowed_only(), &json, &[]), expected, "{format} {json}");
        }
        let denied = json!({"allowScripts": {"@s/a": false}});
        assert_eq!(of(Format::Npm, ScriptPolicy::Runs, &denied, &[]), ScriptPolicy::Runs, "npm 11 advises");
    }

    #[test]
    fn settings_decide_for_all_packages() {
        let none = json!({});
        let (runs, off) = (ScriptPolicy::Runs, ScriptPolicy::Off);
        for (format, key, value, expected) in [
            (Format::Npm, "ignore-scripts", "true", &off),
            (Format::Pnpm, "ignore-scripts", "true", &off),
            (Format::Bun, "ignore-scripts", "true", &off),
            (Format::Yarn, "enable-scripts", "false", &off),
            (Format::Yarn, "enable-scripts", "true", &runs),
            (Format::Npm, "enable-scripts", "false", &allowed_only()),
            (Format::Pnpm, "dangerously-allow-all-builds", "true", &runs),
            (Format::Pnpm, "only-built-dependencies", "@s/a", &runs),
            (Format::Pnpm, "never-built-dependencies", "@s/a", &off),
        ] {
            assert_eq!(&of(format, allowed_only(), &none, &[(key, &[value])]), expected, "{format} {key}");
        }
        let built = json!({"dependenciesMeta": {"@s/a": {"built": true}}});
        assert_eq!(of(Format::Yarn, runs.clone(), &built, &[("enable-scripts", &["false"])]), runs);
        assert_eq!(of(Format::Bun, off.clone(), &json!({"trustedDependencies": ["@s/a"]}), &[]), off, "by an option");
    }
}
