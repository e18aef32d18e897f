//! Whose credentials go where: what only the project says does not lead the user's anywhere.

use super::*;

const TOKEN: &str = "//h.example/:_authToken=t\n//h.example:8080/:_authToken=t\n//127.0.0.1:4873/:_authToken=t\n";

/// The setting by which the user's token would be sent in clear.
fn in_clear(machine: &Machine, address: &str) -> Option<String> {
    machine.config().authorization_for(&url(address))?.in_clear().map(str::to_owned)
}

#[test]
fn a_secret_is_the_users_unless_it_stands_in_the_project() {
    let is_users =
        |machine: Machine| machine.config().authorization_for(&url("https://h.example/x")).unwrap().is_users();
    assert!(!is_users(Machine::with_project(TOKEN)));
    assert!(is_users(Machine::new().file("home/.npmrc", TOKEN)));
    assert!(is_users(Machine::new().file("prefix/etc/npmrc", TOKEN)));
    assert!(is_users(Machine::new().variable("npm_config_//h.example/:_authToken", "t")));
    assert!(is_users(Machine::with_project("userconfig=~/mine").file("home/mine", TOKEN)));
    let split = Machine::with_project("//h.example/:username=u").file("home/.npmrc", "//h.example/:_password=cA==");
    assert!(is_users(split));
    let in_address = Machine::new().file("home/.npmrc", "registry=https://u:p@h.example/");
    assert!(is_users(in_address));
}

#[test]
fn a_users_secret_is_sent_in_clear_only_where_the_user_says_so() {
    let by_project = |text: &str| Machine::with_project(text).file("home/.npmrc", TOKEN);
    let machine = by_project("registry=http://h.example/");
    let line = format!("`registry` in {}", machine.path("project/.npmrc").display());
    assert_eq!(in_clear(&machine, "http://h.example/x"), Some(line));
    assert_eq!(in_clear(&machine, "https://h.example/x"), None);
    let scoped = by_project("@s:registry=http://h.example:8080/");
    assert!(in_clear(&scoped, "http://h.example:8080/x").unwrap().starts_with("`@s:registry` in "));
    let nobody = by_project("");
    assert_eq!(in_clear(&nobody, "http://h.example:8080/x").as_deref(), Some("the project's `http:` address"));
    assert_eq!(header(&nobody.config(), "http://h.example/x"), None);
    // A file that the project names in the user's place is the project's word.
    let named = Machine::with_project("userconfig=mine\nglobalconfig=~/global\nregistry=http://h.example/")
        .file("project/mine", "registry=http://h.example/")
        .file("home/global", TOKEN);
    assert!(in_clear(&named, "http://h.example/x").is_some());
}

#[test]
fn what_the_user_says_too_and_what_does_not_leave_the_machine_is_fine() {
    for (file, text) in [
        ("home/.npmrc", "registry=http://h.example/\n"),
        ("home/.npmrc", "@any:registry=http://h.example/deeper/\n"),
        ("prefix/etc/npmrc", "registry=http://h.example/\n"),
    ] {
        let machine = Machine::with_project("registry=http://h.example/").file("home/.npmrc", TOKEN);
        let text = if file == "home/.npmrc" { format!("{TOKEN}{text}") } else { text.to_owned() };
        let machine = machine.file(file, &text);
        assert_eq!(header(&machine.config(), "http://h.example/x").as_deref(), Some("Bearer t"), "{file} {text}");
        assert_eq!(in_clear(&machine, "http://h.example/x"), None, "{file} {text}");
    }
    let machine = Machine::with_project("registry=http://h.example/").file("home/.npmrc", TOKEN);
    let machine = machine.variable("npm_config_registry", "http://h.example/");
    assert_eq!(in_clear(&machine, "http://h.example/x"), None);
    let local = Machine::with_project("registry=http://127.0.0.1:4873/").file("home/.npmrc", TOKEN);
    assert_eq!(header(&local.config(), "http://127.0.0.1:4873/x").as_deref(), Some("Bearer t"));
    assert_eq!(in_clear(&local, "http://127.0.0.1:4873/x"), None);
}

#[test]
fn what_only_the_project_says_of_the_network_is_known_with_its_line() {
    let machine = Machine::with_project("https-proxy=http://p.example:1\nstrict-ssl=false\nca=A\ncafile=ca.pem\n")
        .file("project/ca.pem", "project")
        .file("home/.npmrc", "cafile=~/own.pem")
        .file("home/own.pem", "own");
    let project_overrides = machine.config().network().project_overrides.clone().unwrap();
    let line = |key: &str| format!("`{key}` in {}", machine.path("project/.npmrc").display());
    assert_eq!(project_overrides.https_proxy, Some(line("https-proxy")));
    assert_eq!(project_overrides.http_proxy, Some(line("https-proxy")));
    assert_eq!(project_overrides.trust, [line("ca"), line("cafile"), line("strict-ssl")]);
    assert!(project_overrides.verifies_tls);
    let own: Vec<&[u8]> = project_overrides.own_certificates.iter().map(|file| &*file.bytes).collect();
    assert_eq!(own, [b"own"]);
}

#[test]
fn what_the_users_own_configuration_says_of_the_network_too_is_not_the_projects() {
    let text = "https-proxy=http://p.example:1\nstrict-ssl=false\nca=A\n";
    let both = Machine::with_project(text).file("home/.npmrc", text);
    assert!(both.config().network().project_overrides.is_none());
    assert!(Machine::new().file("home/.npmrc", text).config().network().project_overrides.is_none());
    let by_variable = Machine::with_project("proxy=http://p.example:1").variable("HTTPS_PROXY", "http://p.example:1");
    assert!(by_variable.config().network().project_overrides.is_none());
    assert!(Machine::with_project("strict-ssl=false").config().network().project_overrides.is_some());
    let other = Machine::with_project("proxy=http://p.example:1").variable("HTTPS_PROXY", "http://q.example:1");
    assert!(other.config().network().project_overrides.is_some());
    let stricter = Machine::with_project("strict-ssl=true\nproxy=null").file("home/.npmrc", "strict-ssl=false");
    assert!(stricter.config().network().project_overrides.is_none());
}

#[test]
fn dots_and_slashes_behind_percent_signs_do_not_widen_a_place() {
    let config = Machine::with_project(
        "//h.example/private/:_authToken=t\n//i.example/:_authToken=all\nregistry=https://h.example/private/\n",
    )
    .config();
    for (address, expected) in [
        ("https://h.example/private/a.tgz", true),
        ("https://h.example/private/@s%2fa", true),
        ("https://h.example/private/..%2fa", false),
        ("https://h.example/private/..%2Fa", false),
        ("https://h.example/private/%2e%2e%2fa", false),
        ("https://h.example/private/..%252fa", false),
        ("https://h.example/private/..%5ca", false),
        ("https://h.example/private/..;/a", false),
        ("https://h.example/private/x%2f..%2f..%2fa", false),
        ("https://h.example/private/x/..%2fa", true),
        ("https://i.example/private/..%2fa", true),
    ] {
        assert_eq!(header(&config, address).is_some(), expected, "{address}");
        let of_package = config.authorization_for_package(&url(address), &name("a"));
        assert_eq!(of_package.is_some(), expected, "{address}");
    }
}

#[test]
fn a_registrys_credentials_are_for_its_packages_on_its_whole_host_as_in_npm() {
    let config = Machine::with_project(
        "//h.example/api/npm/:_authToken=t\n@s:registry=https://h.example/api/npm/\n\
         //h.example/other/:_authToken=own\nregistry=https://r.example/\n",
    )
    .config();
    for (address, package, expected) in [
        ("https://h.example/files/a.tgz", "@s/a", Some("Bearer t")),
        ("https://h.example/other/a.tgz", "@s/a", Some("Bearer own")),
        ("https://h.example/files/a.tgz", "a", None),
        ("https://h.example:8443/files/a.tgz", "@s/a", None),
        ("http://h.example/files/a.tgz", "@s/a", None),
        ("https://sub.h.example/files/a.tgz", "@s/a", None),
    ] {
        let found = config.authorization_for_package(&url(address), &name(package));
        assert_eq!(found.as_ref().and_then(Authorization::expose_header), expected, "{address} {package}");
    }
}

#[test]
fn client_certificates_are_read_from_files_and_from_the_configuration_itself() {
    let machine = Machine::with_project(
        "//h.example/:certfile=c.pem\n//h.example/:keyfile=k.pem\n//h.example/a/:certfile=c.pem\n",
    )
    .file("project/c.pem", "certificate")
    .file("project/k.pem", "s3cret")
    .file("home/.npmrc", "cert=\"A\\\\nB\"\nkey=\"s3cret\"\n");
    let config = machine.config();
    let identity = |address: &str| {
        let stated = config.authorization_for(&url(address));
        let authorization = config.identified(&url(address), stated)?;
        Some((authorization.identity()?.certificates().to_vec(), authorization.is_users()))
    };
    assert_eq!(identity("https://h.example/a/x"), Some((b"certificate".to_vec(), false)));
    assert_eq!(identity("https://other.example/x"), Some((b"A\nB".to_vec(), true)));
    assert_eq!(identity("http://other.example/x"), None);
    assert_eq!(config.identities().count(), 2);
    assert!(!format!("{config:?}").contains("s3cret"));
    let gone = Machine::with_project("//h.example/:certfile=gone.pem\n//h.example/:keyfile=gone.pem").config();
    assert!(gone.authorization_for(&url("https://h.example/x")).is_none());
    assert!(matches!(gone.warnings(), [ConfigWarning::NoCertificateFile { .. }, ..]), "{:?}", gone.warnings());
}

#[cfg(unix)]
#[test]
fn a_token_helper_of_the_users_is_run_for_pnpm_alone_and_one_of_the_projects_never() {
    use std::os::unix::fs::PermissionsExt as _;

    let helper = |machine: Machine, text: &str| {
        let machine = machine.file("home/helper", text);
        fs::set_permissions(machine.path("home/helper"), fs::Permissions::from_mode(0o755)).unwrap();
        let line = format!("//h.example/npm/:tokenHelper={}", machine.path("home/helper").display());
        (machine, line)
    };
    let asked = |config: &NpmConfig| {
        let address = url("https://h.example/npm/a");
        config.ask_token_helpers([&address].into_iter()).map(|()| header(config, address.as_str()))
    };
    for (printed, sent) in [("t\\n", "Bearer t"), ("Basic dTpw\\n", "Basic dTpw")] {
        let (machine, line) = helper(Machine::new(), &format!("#!/bin/sh\nprintf '{printed}'\n"));
        let machine = machine.file("home/.npmrc", &line);
        assert_eq!(asked(&machine.config()).unwrap(), None, "npm does not run it");
        let machine = machine.file("project/pnpm-lock.yaml", "");
        let config = machine.config();
        assert_eq!(asked(&config).unwrap().as_deref(), Some(sent));
        assert!(config.authorization_for(&url("https://h.example/npm/a")).unwrap().is_users());
    }
    let (machine, line) = helper(Machine::new(), "#!/bin/sh\nexit 3\n");
    let machine = machine.file("project/pnpm-lock.yaml", "").file("home/.npmrc", &line);
    let error = asked(&machine.config()).unwrap_err().to_string();
    assert!(error.contains("`//h.example/npm/:tokenHelper` in ") && error.contains("failed"), "{error}");
    let (machine, line) = helper(Machine::new(), "#!/bin/sh\necho t\n");
    let config = machine.file("project/pnpm-lock.yaml", "").file("project/.npmrc", &line).config();
    assert_eq!(asked(&config).unwrap(), None);
    assert!(matches!(config.warnings(), [ConfigWarning::HelperOfProject { .. }]), "{:?}", config.warnings());
    let relative =
        Machine::new().file("project/pnpm-lock.yaml", "").file("home/.npmrc", "//h.example/npm/:tokenHelper=true x");
    assert!(asked(&relative.config()).unwrap_err().to_string().contains("absolute path"));
}

#[test]
fn a_certificate_that_is_for_all_hides_no_secret_and_is_the_users_if_he_has_it() {
    let machine = Machine::with_project("registry=https://h.example/npm/\n")
        .file("home/.npmrc", "cert=A\nkey=B\n//h.example/npm/:_authToken=t\n");
    let config = machine.config();
    let elsewhere = url("https://h.example/files/a.tgz");
    assert!(config.authorization_for(&elsewhere).is_none(), "only what is stated for the address");
    let found = config.authorization_for_package(&elsewhere, &name("a"));
    assert_eq!(found.as_ref().and_then(Authorization::expose_header), Some("Bearer t"));
    let found = config.identified(&elsewhere, found).unwrap();
    assert_eq!(found.expose_header(), Some("Bearer t"));
    assert!(found.identity().is_some() && found.is_users());
    assert!(config.identified(&url("http://other.example/"), None).is_none());
    let projects = Machine::with_project("cert=A\nkey=B\n").config();
    assert!(!projects.identified(&elsewhere, None).unwrap().is_users());
}

const SCOPE_OF_USER: &str = "npmScopes: {corp: {npmAuthToken: T}, other: {npmAuthToken: U}}\n";

#[test]
fn a_scopes_secret_goes_to_the_scopes_registry_whichever_file_names_it() {
    let machine = Machine::new().file("project/yarn.lock", "").file("home/.yarnrc.yml", SCOPE_OF_USER);
    let public = endpoints::NPM_REGISTRY;
    let config = machine.config();
    for (path, sent) in [
        ("@corp/a/-/a-1.0.0.tgz", Some("Bearer T")),
        ("@corp%2fa", Some("Bearer T")),
        ("@other%2Fa", Some("Bearer U")),
        ("@corporate%2fa", None),
        ("@corp%2f..%2fa", None),
        ("a", None),
    ] {
        assert_eq!(header(&config, &format!("{public}{path}")).as_deref(), sent, "{path}");
    }
    let servers = "npmScopes: {corp: {npmRegistryServer: 'https://npm.example'}}\n";
    let users =
        SCOPE_OF_USER.replace("{npmAuthToken: T}", "{npmAuthToken: T, npmRegistryServer: 'https://npm.example'}");
    let both = machine.file("home/.yarnrc.yml", &users).config();
    assert_eq!(header(&both, "https://npm.example/-/a.tgz").as_deref(), Some("Bearer T"));
    // Whoever writes the project does not say where the user's secret goes, unless the user lets him.
    let led = Machine::new().file("home/.yarnrc.yml", SCOPE_OF_USER).file("project/.yarnrc.yml", servers);
    let config = led.load_for(Installer::Yarn, false).unwrap();
    for address in [format!("{public}a"), format!("{public}@corp%2fa"), "https://npm.example/@corp%2fa".to_owned()] {
        assert_eq!(header(&config, &address), None, "{address}");
    }
    assert!(warnings(&config)[0].contains("`npmScopes.corp.npmAuthToken` names no host"), "{:?}", warnings(&config));
    let trusting = led.load_for(Installer::Yarn, true).unwrap();
    assert_eq!(header(&trusting, "https://npm.example/@corp%2fa").as_deref(), Some("Bearer T"));
    assert_eq!(header(&trusting, &format!("{public}a")), None);
    let projects = Machine::new().file("project/.yarnrc.yml", SCOPE_OF_USER).file("home/.yarnrc.yml", servers);
    let config = projects.load_for(Installer::Yarn, false).unwrap();
    assert_eq!(header(&config, "https://npm.example/@corp%2fa").as_deref(), Some("Bearer T"));
}

#[test]
fn a_token_in_yarns_variable_goes_to_the_projects_registry_if_the_project_is_trusted() {
    let machine = Machine::new()
        .file("project/.yarnrc.yml", "npmRegistryServer: https://npm.example\n")
        .variable("YARN_NPM_AUTH_TOKEN", "t");
    let config = machine.load_for(Installer::Yarn, false).unwrap();
    assert_eq!(header(&config, "https://npm.example/a"), None);
    let warning = &warnings(&config)[0];
    assert!(warning.contains("`YARN_NPM_AUTH_TOKEN`") && warning.contains("--trust-project-config"), "{warning}");
    let trusting = machine.load_for(Installer::Yarn, true).unwrap();
    assert_eq!(header(&trusting, "https://npm.example/a").as_deref(), Some("Bearer t"));
    assert!(trusting.warnings().is_empty() && trusting.network().trusts_project);
}

#[test]
fn a_proxy_of_the_projects_answers_for_https_where_anybody_turns_verification_off() {
    let machine = Machine::with_project("https-proxy=http://p.example:1\n");
    let transport = |machine: &Machine| machine.config().project_transport().unwrap();
    assert!(!transport(&machine).reaches("https"));
    let machine = machine.file("home/.npmrc", "strict-ssl=false\n");
    assert!(transport(&machine).reaches("https"));
    let none = Machine::new().file("home/.npmrc", "strict-ssl=false\n").config();
    assert!(none.project_transport().is_none());
}

#[test]
fn what_several_lockfiles_of_one_folder_say_of_the_way_to_a_server_counts_once() {
    let one = Machine::with_project("https-proxy=http://p.example:1\n").config().project_transport().unwrap();
    let other = Machine::with_project("strict-ssl=false\n").config().project_transport().unwrap();
    assert_eq!(ProjectTransport::together([one, one]), Some(one));
    let both = ProjectTransport::together([one, other]).unwrap();
    assert_eq!(ProjectTransport::together([other, one, other]), Some(both));
    assert!(both != one && both.reaches("https"));
    assert_eq!(ProjectTransport::together([]), None);
}
