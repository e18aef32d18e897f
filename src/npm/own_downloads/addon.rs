//! The addresses of prebuilt addons, as prebuild-install (7.1.3) and node-pre-gyp (1.0.11, 2.0.3) form them from a package's own `package.json`. Pure.
//!
//! The package decides the host, the path and the file's name, with placeholders of the library's. Those that follow the platform become the table's own.

use serde_json::Value;

use crate::core::endpoints::GITHUB_HOST;

/// The newest version of Node-API of every node that is in use: <https://nodejs.org/api/n-api.html#node-api-version-matrix>.
const NEWEST_NODE_API: u64 = 9;

/// A template of the table (see `address.rs`) for the file that a package asks this library for; `None` if `package.json` does not tell.
pub fn template(library: &str, package_json: &str) -> Option<String> {
    let package: Value = serde_json::from_str(package_json.trim_start_matches('\u{feff}')).ok()?;
    match library {
        "prebuild-install" => of_prebuild_install(&package),
        "@mapbox/node-pre-gyp" | "node-pre-gyp" => of_node_pre_gyp(&package),
        _ => None,
    }
}

fn of_prebuild_install(package: &Value) -> Option<String> {
    let arguments = arguments(package["scripts"]["install"].as_str()?)?;
    let option = |long: &str, short: &str| {
        let position = arguments.iter().position(|it| it == long || it == short);
        let joined = arguments.iter().find_map(|it| it.strip_prefix(&format!("{long}=")));
        joined.or_else(|| arguments.get(position? + 1).map(String::as_str))
    };
    let config = |name: &str| package["config"][name].as_str();
    let runtime = option("--runtime", "-r").or(config("runtime")).unwrap_or("node");
    let target = option("--target", "-t").or(config("target"));
    let abi = match (runtime, target) {
        ("napi", Some(target)) => target.to_owned(),
        ("napi", None) => node_api(package)?.to_string(),
        ("node", None) => "{abi}".to_owned(),
        // For one version of node, whichever runs, or for another program.
        _ => return None,
    };
    let prefix = option("--tag-prefix", "--tag-prefix").unwrap_or("v");
    let name = plain_name(package)?;
    let file = "{name}-v{version}-{runtime}-v{abi}-{platform}{libc}-{arch}.tar.gz";
    let binary = &package["binary"];
    let template = match binary["host"].as_str() {
        Some(host) => {
            let parts = [Some(host), binary["remote_path"].as_str(), binary["package_name"].as_str().or(Some(file))];
            let parts = parts.into_iter().flatten().map(|part| part.trim_start_matches("./").trim_matches('/'));
            parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
        }
        None => format!("{}/releases/download/{{tag_prefix}}{{version}}/{file}", repository(package)?),
    };
    fill(&template, package, |placeholder| match placeholder {
        "name" | "package_name" => Some(name.to_owned()),
        "runtime" => Some(runtime.to_owned()),
        "abi" => Some(abi.clone()),
        "node_abi" => Some("{abi}".to_owned()),
        "libc" => Some("{musl}".to_owned()),
        "tag_prefix" => Some(prefix.to_owned()),
        _ => None,
    })
}

fn of_node_pre_gyp(package: &Value) -> Option<String> {
    let binary = &package["binary"];
    let text = |key: &str| binary[key].as_str();
    let node_api = node_api(package).map(|version| version.to_string());
    let host = format!("{}/", text("host")?.trim_end_matches('/'));
    let path = text("remote_path").map(|path| format!("{}/", path.trim_start_matches("./").trim_matches('/')));
    let file = text("package_name").unwrap_or("{module_name}-v{version}-{node_abi}-{platform}-{arch}.tar.gz");
    let path = path.filter(|path| path != "/").unwrap_or_default();
    let template = format!("{host}{path}{file}");
    let filled = fill(&template, package, |placeholder| match placeholder {
        "name" => package["name"].as_str().map(str::to_owned),
        "node_abi" => Some("node-v{abi}".to_owned()),
        "napi_build_version" => Some(node_api.clone().unwrap_or_default()),
        "node_napi_label" => {
            Some(node_api.as_ref().map_or_else(|| "node-v{abi}".to_owned(), |it| format!("napi-v{it}")))
        }
        "node_abi_napi" => Some(if node_api.is_some() { "napi".to_owned() } else { "node-v{abi}".to_owned() }),
        "target_platform" => Some("{os}".to_owned()),
        "target_arch" => Some("{cpu}".to_owned()),
        "libc" => Some("{libc}".to_owned()),
        "toolset" => Some(String::new()),
        _ => None,
    })?;
    // An empty part of a path is dropped.
    let (scheme, rest) = filled.split_once("://")?;
    Some(format!("{scheme}://{}", rest.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")))
}

/// The words after `prebuild-install` in an install script.
fn arguments(script: &str) -> Option<Vec<String>> {
    let mut words = script.split_whitespace().skip_while(|word| word.rsplit('/').next() != Some("prebuild-install"));
    words.next()?;
    Some(
        words
            .take_while(|word| !word.contains(['|', '&', ';']))
            .map(|word| word.trim_matches('"').to_owned())
            .collect(),
    )
}

/// The newest version of Node-API that the package has files for and every node knows.
fn node_api(package: &Value) -> Option<u64> {
    let versions = package["binary"]["napi_versions"].as_array()?;
    versions.iter().filter_map(Value::as_u64).filter(|version| *version <= NEWEST_NODE_API).max()
}

/// The name without its scope.
fn plain_name(package: &Value) -> Option<&str> {
    let name = package["name"].as_str()?;
    Some(name.strip_prefix('@').and_then(|scoped| Some(scoped.split_once('/')?.1)).unwrap_or(name))
}

/// Where the forge has the package: the first address of it in `repository`, or anywhere.
fn repository(package: &Value) -> Option<String> {
    let found = |text: &str| {
        let (_, after) = text.split_once(GITHUB_HOST)?;
        let mut parts = after.strip_prefix([':', '/'])?.split(['/', '"', '#', '\\']);
        let (owner, name) = (parts.next()?, parts.next()?);
        let name = name.strip_suffix(".git").unwrap_or(name);
        (!owner.is_empty() && !name.is_empty()).then(|| format!("https://{{github}}/{owner}/{name}"))
    };
    found(&package["repository"].to_string()).or_else(|| found(&package.to_string()))
}

/// Replaces a library's placeholders. One that is not known gives none.
fn fill(template: &str, package: &Value, own: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (mut filled, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once('{') {
        let (placeholder, after) = after.split_once('}')?;
        filled.push_str(before);
        let number = |at: usize| package["version"].as_str()?.split(['.', '-', '+']).nth(at).map(str::to_owned);
        filled.push_str(&own(placeholder).or_else(|| match placeholder {
            "version" => Some("{version}".to_owned()),
            "major" => number(0),
            "minor" => number(1),
            "patch" => number(2),
            "platform" => Some("{os}".to_owned()),
            "arch" => Some("{cpu}".to_owned()),
            "configuration" => Some("Release".to_owned()),
            "module_name" => package["binary"]["module_name"].as_str().map(str::to_owned),
            "github" => Some("{github}".to_owned()),
            _ => None,
        })?);
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prebuild_install_takes_files_from_the_forge_or_from_the_packages_host() {
        let package = |rest: &str| {
            format!(
                r#"{{"name": "@scope/addon", "version": "1.2.3", "repository": {{"url": "git+https://{GITHUB_HOST}/owner/addon.git"}}, {rest}}}"#
            )
        };
        let of = |rest: &str| template("prebuild-install", &package(rest));
        let release = "https://{github}/owner/addon/releases/download/v{version}/addon-v{version}-";
        for (rest, expected) in [
            (
                r#""scripts": {"install": "prebuild-install || node-gyp rebuild"}"#,
                "node-v{abi}-{os}{musl}-{cpu}.tar.gz",
            ),
            (
                r#""scripts": {"install": "prebuild-install -r napi || x"}, "binary": {"napi_versions": [3, 6, 99]}"#,
                "napi-v6-{os}{musl}-{cpu}.tar.gz",
            ),
            (
                r#""scripts": {"install": "prebuild-install --runtime=napi"}, "config": {"target": "7"}"#,
                "napi-v7-{os}{musl}-{cpu}.tar.gz",
            ),
        ] {
            assert_eq!(of(rest), Some(format!("{release}{expected}")), "{rest}");
        }
        let hosted = r#""scripts": {"install": "prebuild-install"}, "binary": {"host": "https://files.example/", "remote_path": "./{module_name}/v{major}", "module_name": "m", "package_name": "{name}-{node_abi}-{platform}-{arch}.tar.gz"}"#;
        assert_eq!(of(hosted).as_deref(), Some("https://files.example/m/v1/addon-{abi}-{os}-{cpu}.tar.gz"));
        for rest in [
            r#""scripts": {"install": "node build.js"}"#,
            r#""scripts": {"install": "prebuild-install -r electron"}"#,
            r#""scripts": {"install": "prebuild-install -r napi"}"#,
            r#""scripts": {}"#,
        ] {
            assert_eq!(of(rest), None, "{rest}");
        }
    }

    #[test]
    fn node_pre_gyp_takes_files_from_the_packages_host() {
        let of = |binary: &str| {
            let package = format!(r#"{{"name": "addon", "version": "1.2.3", "binary": {binary}}}"#);
            template("@mapbox/node-pre-gyp", &package)
        };
        let bcrypt = r#"{"module_name": "bcrypt_lib", "napi_versions": [3], "host": "https://files.example", "remote_path": "v{version}", "package_name": "{module_name}-v{version}-napi-v{napi_build_version}-{platform}-{arch}-{libc}.tar.gz"}"#;
        assert_eq!(
            of(bcrypt).as_deref(),
            Some("https://files.example/v{version}/bcrypt_lib-v{version}-napi-v3-{os}-{cpu}-{libc}.tar.gz")
        );
        let plain = r#"{"module_name": "m", "host": "https://files.example/a/", "remote_path": "./{name}/v{version}/{configuration}/{toolset}/"}"#;
        assert_eq!(
            of(plain).as_deref(),
            Some("https://files.example/a/addon/v{version}/Release/m-v{version}-node-v{abi}-{os}-{cpu}.tar.gz")
        );
        assert_eq!(of(r#"{"module_name": "m"}"#), None, "without a host");
        assert_eq!(of(r#"{"module_name": "m", "host": "https://files.example", "remote_path": "{what}"}"#), None);
        assert_eq!(template("install-artifact-from-github", "{}"), None);
    }
}
