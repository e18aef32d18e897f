//! The configuration files of pnpm, yarn and bun, each beside its lockfile.

use super::*;

#[test]
fn a_scope_in_yarns_flow_form_is_asked_of_its_own_registry() {
    let text =
        "npmScopes: {corp: {npmRegistryServer: \"https://${HOST-corp.example}\", npmAuthToken: \"${NONE:-t}\"}}\n";
    let machine = Machine::new().file("project/yarn.lock", "").file("project/.yarnrc.yml", text);
    let config = machine.config();
    assert_eq!(config.registry_for(&name("@corp/a")).as_str(), "https://corp.example/");
    assert_eq!(header(&config, "https://corp.example/@corp%2fa").as_deref(), Some("Bearer t"));
}

#[test]
fn what_is_not_understood_is_an_error_that_names_file_and_key() {
    for (lockfile, file, text, message) in [
        ("yarn.lock", ".yarnrc.yml", "npmScopes: {corp: x}", "`npmScopes.corp` is not a mapping"),
        ("yarn.lock", ".yarnrc.yml", "npmScopes: {corp: {npmRegistryServer: 'https://a'", "is not YAML"),
        ("pnpm-lock.yaml", "pnpm-workspace.yaml", "registries: [a]", "`registries` is not a mapping"),
        ("bun.lock", "bunfig.toml", "[install]\nregistry = 1", "`install.registry` is not an address"),
        ("bun.lock", "bunfig.toml", "[install", "is not TOML (line 1)"),
    ] {
        let machine = Machine::new().file(&format!("project/{file}"), text);
        machine.config();
        let machine = machine.file(&format!("project/{lockfile}"), "");
        let error = machine.load().unwrap_err().to_string();
        let path = machine.path(&format!("project/{file}")).display().to_string();
        assert!(error.contains(&path) && error.contains(message), "{text}: {error}");
    }
}

#[test]
fn pnpm_has_registries_by_scope_and_by_name_before_those_of_npmrc() {
    let text = "registries:\n  default: https://pnpm.example/\n  '@s': https://scope.example/npm\nnamedRegistries:\n  work: https://work.example/r\n";
    let machine = Machine::with_project("registry=https://npmrc.example/\n@t:registry=https://t.example/\n")
        .file("project/pnpm-workspace.yaml", text);
    assert_eq!(machine.config().registry().as_str(), "https://npmrc.example/");
    let machine = machine.file("project/pnpm-lock.yaml", "");
    let config = machine.config();
    assert_eq!(config.registry().as_str(), "https://pnpm.example/");
    assert_eq!(config.registry_for(&name("@s/a")).as_str(), "https://scope.example/npm/");
    assert_eq!(config.registry_for(&name("@t/a")).as_str(), "https://t.example/");
    assert_eq!(config.registry_for(&name("@jsr/a")).as_str(), endpoints::JSR_REGISTRY);
    assert_eq!(config.named_registry("work").map(Url::as_str), Some("https://work.example/r/"));
    assert_eq!(config.named_registry("gh").map(Url::as_str), Some(endpoints::GITHUB_PACKAGES));
    assert_eq!(config.named_registry("other"), None);
    let config = machine.variable("npm_config_registry", "https://variable.example/").config();
    assert_eq!(config.registry().as_str(), "https://variable.example/");
}

#[test]
fn bun_reads_its_own_file_after_npms() {
    let text = "[install]\nregistry = \"https://u:p@bun.example/\"\n[install.scopes]\ns = { url = \"https://scope.example/\", token = \"$TOKEN\" }\n";
    let machine = Machine::new().file("project/bunfig.toml", text).file("project/bun.lock", "").variable("TOKEN", "t");
    let config = machine.config();
    assert_eq!(config.registry().as_str(), "https://bun.example/");
    assert_eq!(header(&config, "https://bun.example/a").as_deref(), Some("Basic dTpw"));
    assert_eq!(config.registry_for(&name("@s/a")).as_str(), "https://scope.example/");
    assert_eq!(header(&config, "https://scope.example/@s%2fa").as_deref(), Some("Bearer t"));
    let config = machine.file("project/.npmrc", "registry=https://npmrc.example/").config();
    assert_eq!(config.registry().as_str(), "https://npmrc.example/");
}

#[test]
fn yarns_variables_go_before_its_files_and_its_proxies_are_for_one_scheme_each() {
    let text = "npmRegistryServer: https://file.example\nhttpProxy: http://a.example:1\nhttpsProxy: http://b.example:2\nnetworkSettings: {'*.corp.example': {httpsProxy: 'http://c.example'}}\n";
    let machine = Machine::new().file("project/yarn.lock", "").file("project/.yarnrc.yml", text);
    let config = machine.config();
    assert_eq!(config.registry().as_str(), "https://file.example/");
    let network = config.network();
    assert_eq!(network.http_proxy.as_ref().unwrap().to_string(), "http://a.example:1");
    assert_eq!(network.https_proxy.as_ref().unwrap().to_string(), "http://b.example:2");
    let line = network.project_overrides.as_ref().unwrap().https_proxy.clone().unwrap();
    assert!(line.starts_with("`httpsProxy` in "), "{line}");
    let expected = "larder does not read `networkSettings.*.corp.example.httpsProxy`";
    assert!(warnings(&config)[0].contains(expected), "{:?}", warnings(&config));
    let config = machine.variable("YARN_NPM_REGISTRY_SERVER", "https://variable.example").config();
    assert_eq!(config.registry().as_str(), "https://variable.example/");
}

#[test]
fn yarn_reads_the_files_above_the_project_and_the_nearest_decides() {
    let machine = Machine::new().file("project/yarn.lock", "").file(
        ".yarnrc.yml",
        "npmRegistryServer: https://above.example\nnpmScopes: {s: {npmRegistryServer: 'https://s.example'}}",
    );
    assert_eq!(machine.config().registry().as_str(), "https://above.example/");
    let config = machine.file("project/.yarnrc.yml", "npmRegistryServer: https://near.example").config();
    assert_eq!(config.registry().as_str(), "https://near.example/");
    assert_eq!(config.registry_for(&name("@s/a")).as_str(), "https://s.example/");
}

#[test]
fn the_lockfile_that_counts_says_whose_files_are_read() {
    let machine = Machine::with_project("registry=https://npmrc.example/\n")
        .file("project/yarn.lock", "")
        .file("project/package-lock.json", "{}")
        .file("project/.yarnrc.yml", "npmRegistryServer: https://yarn.example\n")
        .file("project/pnpm-workspace.yaml", "registries: {default: 'https://pnpm.example/'}\n")
        .file("project/bunfig.toml", "[install]\nregistry = \"https://bun.example/\"\n");
    for (installer, registry) in [
        (Installer::Npm, "https://npmrc.example/"),
        (Installer::Yarn, "https://yarn.example/"),
        (Installer::Pnpm, "https://pnpm.example/"),
        (Installer::Bun, "https://npmrc.example/"),
    ] {
        let config = machine.load_for(installer, false).unwrap();
        assert_eq!(config.registry().as_str(), registry, "{installer:?}");
    }
    let broken = machine.file("project/.yarnrc.yml", "npmScopes: {corp: x}").file("project/bunfig.toml", "[");
    assert!(broken.load_for(Installer::Npm, false).is_ok());
    assert!(broken.load_for(Installer::Pnpm, false).is_ok());
    assert!(broken.load_for(Installer::Yarn, false).is_err());
    assert!(broken.load_for(Installer::Bun, false).is_err());
}

#[test]
fn paths_in_the_users_yarn_file_start_from_its_folder() {
    let machine = Machine::new().file("home/.yarnrc.yml", "httpsCaFilePath: own.pem\n").file("home/own.pem", "PEM");
    let config = machine.load_for(Installer::Yarn, false).unwrap();
    assert_eq!(config.network().extra_certificates[0].path.as_deref(), Some(&*machine.path("home/own.pem")));
    assert!(config.network().project_overrides.is_none());
}

#[cfg(unix)]
#[test]
fn the_users_yarn_file_is_his_however_the_home_folder_is_spelled() {
    let machine = Machine::new().file("home/.yarnrc.yml", "npmAuthToken: t\nnpmRegistryServer: https://own.example\n");
    std::fs::create_dir(machine.path("home/project")).unwrap();
    std::os::unix::fs::symlink(machine.path("home"), machine.path("elsewhere/me")).unwrap();
    let spelled = machine.path("elsewhere/me").to_str().unwrap().to_owned();
    let environment = crate::core::environment::Environment::new(&machine.path("elsewhere"), [("HOME", spelled)]);
    let project = machine.path("home/project");
    let config = NpmConfig::load_for(&environment, &project, Some(Installer::Yarn), false).unwrap();
    let found = config.authorization_for(&url("https://own.example/a")).unwrap();
    assert!(found.is_users());
    assert!(config.warnings().is_empty(), "{:?}", config.warnings());
}
