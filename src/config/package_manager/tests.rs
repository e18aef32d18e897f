//! The configuration as a whole: files and variables in, answers out.

mod credentials;
mod machine;
mod managers;
mod network;
mod trust;

use std::fs;

use self::machine::Machine;
use super::*;
use crate::core::endpoints;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn name(text: &str) -> PackageName {
    PackageName::parse(text).unwrap()
}

fn header(config: &NpmConfig, address: &str) -> Option<String> {
    config.authorization_for(&url(address)).and_then(|authorization| Some(authorization.expose_header()?.to_owned()))
}

fn warnings(config: &NpmConfig) -> Vec<String> {
    config.warnings().iter().map(ToString::to_string).collect()
}

#[test]
fn without_any_configuration_the_public_registry_is_asked() {
    let config = Machine::new().config();
    assert_eq!(config.registry().as_str(), endpoints::NPM_REGISTRY);
    assert_eq!(config.replace_registry_host(), &ReplaceRegistryHost::PublicDefault);
    assert_eq!(header(&config, endpoints::NPM_REGISTRY), None);
    let network = config.network();
    assert_eq!((&network.http_proxy, &network.https_proxy), (&None, &None));
    assert!(network.verify_tls);
    assert!(network.no_proxy.is_empty() && network.extra_certificates.is_empty());
    assert_eq!(warnings(&config), [""; 0]);
}

#[test]
fn the_first_of_environment_project_user_and_global_decides() {
    let mut machine = Machine::new();
    let mut seen = vec![machine.config().registry().host_str().unwrap().to_owned()];
    for (file, host) in [("prefix/etc/npmrc", "global"), ("home/.npmrc", "user"), ("project/.npmrc", "project")] {
        machine = machine.file(file, &format!("registry=https://{host}.example"));
        seen.push(machine.config().registry().host_str().unwrap().to_owned());
    }
    machine = machine.variable("npm_config_registry", "https://environment.example");
    seen.push(machine.config().registry().host_str().unwrap().to_owned());
    assert_eq!(seen[1..], ["global.example", "user.example", "project.example", "environment.example"]);
}

#[test]
fn variables_are_read_in_any_case_and_empty_ones_say_nothing() {
    for variable in ["npm_config_registry", "NPM_CONFIG_REGISTRY", "Npm_Config_Registry"] {
        let config = Machine::new().variable(variable, "https://registry.example/").config();
        assert_eq!(config.registry().as_str(), "https://registry.example/", "{variable}");
    }
    let config =
        Machine::with_project("registry=https://project.example/").variable("npm_config_registry", "").config();
    assert_eq!(config.registry().as_str(), "https://project.example/");
    let config = Machine::new().variable("NPM_CONFIG_STRICT_SSL", "false").config();
    assert!(!config.network().verify_tls);
    let config = Machine::new().variable("npm_config_@corp:registry", "https://corp.example/").config();
    assert_eq!(config.registry_for(&name("@corp/a")).as_str(), "https://corp.example/");
    let config = Machine::new().variable("NPM_CONFIG_//registry.example/:_authToken", "Ab_C").config();
    assert_eq!(header(&config, "https://registry.example/a").as_deref(), Some("Bearer Ab_C"));
}

#[test]
fn the_user_and_the_global_file_can_be_named() {
    let text = "registry=https://named.example/";
    for variable in ["npm_config_userconfig", "NPM_CONFIG_USERCONFIG", "npm_config_globalconfig"] {
        let machine = Machine::new().file("elsewhere/mine", text);
        for value in ["mine".to_owned(), machine.path("elsewhere/mine").display().to_string()] {
            let variables = machine.variables.clone().into_iter().chain([(variable.to_owned(), value.clone())]);
            let environment = Environment::new(&machine.path("elsewhere"), variables);
            let config = NpmConfig::load(&environment, &machine.path("project")).unwrap();
            assert_eq!(config.registry().as_str(), "https://named.example/", "{variable}={value}");
        }
    }
    let config = Machine::with_project("userconfig=~/other").file("home/other", text).config();
    assert_eq!(config.registry().as_str(), "https://named.example/");
}

#[test]
#[cfg(unix)]
fn the_global_file_is_found_beside_the_node_that_is_in_the_path() {
    let mut machine = Machine::new().file("prefix/etc/npmrc", "registry=https://global.example/");
    fs::create_dir(machine.path("prefix/bin")).unwrap();
    machine = machine.file("prefix/bin/node", "");
    std::os::unix::fs::symlink(machine.path("prefix/bin/node"), machine.path("elsewhere/node")).unwrap();
    machine.variables.retain(|(name, _)| name != "PREFIX");
    assert_eq!(machine.config().registry().as_str(), endpoints::NPM_REGISTRY);
    let folder = machine.path("elsewhere").display().to_string();
    let config = machine.variable("PATH", &format!("/nowhere:{folder}")).config();
    assert_eq!(config.registry().as_str(), "https://global.example/");
}

#[test]
fn in_the_home_folder_the_file_is_the_users() {
    let machine = Machine::new().file("home/.npmrc", "cafile=here.pem").file("elsewhere/here.pem", "PEM");
    let environment = Environment::new(&machine.path("elsewhere"), machine.variables.clone());
    let config = NpmConfig::load(&environment, &machine.path("home")).unwrap();
    assert_eq!(config.network().extra_certificates[0].path.as_deref(), Some(&*machine.path("elsewhere/here.pem")));
}

#[test]
fn a_scope_has_its_own_registry() {
    let config =
        Machine::with_project("registry=https://all.example/npm\n@corp:registry=https://corp.example/r").config();
    for (package, registry) in [
        ("react", "https://all.example/npm/"),
        ("@corp/a", "https://corp.example/r/"),
        ("@corporate/a", "https://all.example/npm/"),
    ] {
        assert_eq!(config.registry_for(&name(package)).as_str(), registry, "{package}");
    }
}

#[test]
fn a_file_of_the_user_that_cannot_be_read_is_a_warning_and_one_of_the_project_an_error() {
    let machine = Machine::new();
    fs::create_dir(machine.path("home/.npmrc")).unwrap();
    let config = machine.config();
    assert!(
        matches!(config.warnings(), [ConfigWarning::Unreadable { path, .. }] if path == &machine.path("home/.npmrc"))
    );
    let machine = Machine::new();
    fs::create_dir(machine.path("project/.npmrc")).unwrap();
    let error = machine.load().unwrap_err();
    assert_eq!(error.to_string(), format!("{} cannot be read", machine.path("project/.npmrc").display()));
}

#[test]
fn an_address_that_is_none_is_an_error_that_names_file_and_key() {
    for (text, key, message) in [
        ("registry=registry.example", "registry", "is no address of the form"),
        ("registry=file:///etc", "registry", "is no address of the form"),
        ("@corp:registry=https://", "@corp:registry", "is no address of the form"),
        ("registry=https://${UNSET_HOST}/", "registry", "names the variable UNSET_HOST, which is not set"),
        ("proxy=http://", "proxy", "is no address of the form"),
        ("https-proxy=socks5://p.example:1", "https-proxy", "names a `socks5:` proxy"),
    ] {
        let machine = Machine::with_project(text);
        let error = machine.load().unwrap_err().to_string();
        let start = format!("{}: `{key}` ", machine.path("project/.npmrc").display());
        assert!(error.starts_with(&start) && error.contains(message), "{text}: {error}");
    }
}

#[test]
fn yarns_configuration_counts_beside_its_lockfile_before_npms_own_unless_npm_installs_there_too() {
    let text = "npmRegistryServer: https://yarn.example\nnpmScopes:\n  s:\n    npmRegistryServer: https://scope.example\n    npmAuthToken: t\n";
    let machine = Machine::new().file("project/.yarnrc.yml", text);
    assert_eq!(machine.config().registry().as_str(), endpoints::NPM_REGISTRY);
    let machine = machine.file("project/yarn.lock", "").file("home/.npmrc", "registry=https://user.example/");
    let config = machine.config();
    assert_eq!(config.registry().as_str(), "https://yarn.example/");
    assert_eq!(config.registry_for(&name("@s/a")).as_str(), "https://scope.example/");
    assert_eq!(header(&config, "https://scope.example/@s%2fa").as_deref(), Some("Bearer t"));
    let machine = machine.file("project/.npmrc", "registry=https://project.example/");
    assert_eq!(machine.config().registry().as_str(), "https://yarn.example/");
    let config = machine.file("project/package-lock.json", "").config();
    assert_eq!(config.registry().as_str(), "https://project.example/");
    let home = Machine::new().file("project/yarn.lock", "").file("home/.yarnrc.yml", text);
    assert_eq!(home.config().registry().as_str(), "https://yarn.example/");
}
