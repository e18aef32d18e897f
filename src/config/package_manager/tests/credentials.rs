//! Which addresses a secret goes to, and in which form.

use super::*;

#[test]
fn a_secret_goes_to_its_host_port_and_path_alone() {
    let config = Machine::with_project(
        "//registry.example/a/:_authToken=below-a\n//registry.example:8443/:_authToken=other-port\n\
         //plain.example:4873/:_authToken=plain\n//bare.example:_authToken=bare\n//[::1]:4873/:_authToken=six\n",
    )
    .config();
    let cases = [
        ("https://registry.example/a/x.tgz", Some("below-a")),
        ("https://registry.example/a/", Some("below-a")),
        ("https://registry.example:443/a/b/x.tgz", Some("below-a")),
        ("https://REGISTRY.example/a/x.tgz", Some("below-a")),
        ("https://registry.example/a", None),
        ("https://registry.example/ab/x.tgz", None),
        ("https://registry.example/b/x.tgz", None),
        ("https://registry.example/", None),
        ("https://registry.example/a/../b/x.tgz", None),
        ("https://registry.example/%61/x.tgz", None),
        ("https://registry.example:8443/a/x.tgz", Some("other-port")),
        ("https://registry.example:9443/a/x.tgz", None),
        ("https://sub.registry.example/a/x.tgz", None),
        ("https://registry.example.attacker.example/a/x.tgz", None),
        ("https://attacker.example/registry.example/a/x.tgz", None),
        ("https://registry.example@attacker.example/a/x.tgz", None),
        ("http://registry.example/a/x.tgz", None),
        ("http://registry.example:443/a/x.tgz", None),
        ("ftp://registry.example/a/x.tgz", None),
        ("http://plain.example:4873/x.tgz", Some("plain")),
        ("http://plain.example/x.tgz", None),
        ("https://bare.example/any/path", Some("bare")),
        ("http://[::1]:4873/x", Some("six")),
        ("data:text/plain,x", None),
    ];
    for (address, token) in cases {
        assert_eq!(header(&config, address), token.map(|token| format!("Bearer {token}")), "{address}");
    }
}

#[test]
fn the_longest_path_wins() {
    let config = Machine::with_project(
        "//h.example/:_authToken=root\n//h.example/a:_authToken=a\n//h.example/a/b/:_authToken=ab\n",
    )
    .config();
    for (path, token) in [("x", "root"), ("ab/x", "root"), ("a", "a"), ("a/x", "a"), ("a/b", "a"), ("a/b/x", "ab")] {
        let expected = Some(format!("Bearer {token}"));
        assert_eq!(header(&config, &format!("https://h.example/{path}")), expected, "{path}");
    }
}

#[test]
fn plain_http_gets_a_secret_only_as_a_configured_registry() {
    let token = "//registry.example/:_authToken=token\n";
    let config = Machine::with_project(&format!("{token}registry=https://registry.example/")).config();
    assert_eq!(header(&config, "http://registry.example/x.tgz"), None);
    for key in ["registry", "@corp:registry"] {
        let config = Machine::with_project(&format!("{token}{key}=http://registry.example/")).config();
        assert_eq!(header(&config, "http://registry.example/x.tgz").as_deref(), Some("Bearer token"), "{key}");
    }
}

#[test]
fn each_form_of_credentials_is_sent_as_npm_sends_it() {
    let cases = [
        ("//h.example/:_authToken=t", Some("Bearer t")),
        ("//h.example/:_authToken = \"t\"", Some("Bearer t")),
        ("//h.example/:_auth=dTpw", Some("Basic dTpw")),
        ("//h.example/:username=u\n//h.example/:_password=cA==", Some("Basic dTpw")),
        ("//h.example/:username=u\n//h.example/:_password=cA", Some("Basic dTpw")),
        ("//h.example/:_auth=dTpw\n//h.example/:_authToken=t", Some("Bearer t")),
        ("//h.example/:_authToken=\n//h.example/:_auth=dTpw", Some("Basic dTpw")),
        ("//h.example/:username=u", None),
        ("//h.example/:_password=cA==", None),
        ("//h.example/:email=me@h.example", None),
        ("//H.Example/:_authToken=t", Some("Bearer t")),
    ];
    for (text, expected) in cases {
        let config = Machine::with_project(text).config();
        assert_eq!(header(&config, "https://h.example/x").as_deref(), expected, "{text}");
        assert_eq!(warnings(&config), [""; 0], "{text}");
    }
}

#[test]
fn credentials_without_a_place_are_for_the_default_registry() {
    for text in ["_authToken=t", "_auth=dTpw", "username=u\n_password=cA=="] {
        let all = format!("{text}\nregistry=https://h.example/npm/\n@corp:registry=https://corp.example/\n");
        let config = Machine::with_project(&all).config();
        assert!(header(&config, "https://h.example/npm/x").is_some(), "{text}");
        for address in ["https://h.example/other/x", "https://corp.example/x", endpoints::NPM_REGISTRY] {
            assert_eq!(header(&config, address), None, "{text}: {address}");
        }
    }
    let text = "_authToken=old\n//h.example/:_authToken=new\nregistry=https://h.example/npm/";
    assert_eq!(header(&Machine::with_project(text).config(), "https://h.example/npm/x").as_deref(), Some("Bearer new"));
}

#[test]
fn the_users_credentials_without_a_place_are_not_for_a_registry_that_the_project_names() {
    let machine = Machine::with_project("registry=https://h.example/").file("home/.npmrc", "_authToken=t");
    let config = machine.config();
    assert_eq!(header(&config, "https://h.example/x"), None);
    let (home, project) = (machine.path("home/.npmrc"), machine.path("project/.npmrc"));
    let expected = format!(
        "{}: `_authToken` names no host, and only the project ({}) names the registry, so it is not sent (write `//host/:_authToken`; or, if you trust the project with it, use --trust-project-config)",
        home.display(),
        project.display()
    );
    assert_eq!(warnings(&config), [expected]);
    let config =
        Machine::new().file("home/.npmrc", "_authToken=t").variable("npm_config_registry", "https://h.example/");
    assert_eq!(header(&config.config(), "https://h.example/x").as_deref(), Some("Bearer t"));
    let config =
        Machine::new().file("home/.npmrc", "_auth=dTpw").file("prefix/etc/npmrc", "registry=https://h.example/");
    assert_eq!(header(&config.config(), "https://h.example/x").as_deref(), Some("Basic dTpw"));
}

#[test]
fn user_name_and_password_in_a_registrys_address_become_credentials() {
    let config = Machine::with_project("registry=https://u:p%40ss@h.example/npm").config();
    assert_eq!(config.registry().as_str(), "https://h.example/npm/");
    assert_eq!(header(&config, "https://h.example/npm/x").as_deref(), Some("Basic dTpwQHNz"));
    assert_eq!(header(&config, "https://h.example/x"), None);
}

#[test]
fn a_secret_that_names_an_unset_variable_is_a_warning_and_is_not_sent() {
    let machine = Machine::with_project("//h.example/:_authToken=${NPM_TOKEN}")
        .file("home/.npmrc", "//h.example/:_authToken=lower");
    let config = machine.config();
    assert_eq!(header(&config, "https://h.example/x"), None);
    let file = machine.path("project/.npmrc");
    assert_eq!(
        warnings(&config),
        [format!(
            "{}: `//h.example/:_authToken` names the variable NPM_TOKEN, which is not set, and is left out",
            file.display()
        )]
    );
    let config = machine.variable("NPM_TOKEN", "set").config();
    assert_eq!(header(&config, "https://h.example/x").as_deref(), Some("Bearer set"));
    assert_eq!(warnings(&config), [""; 0]);
}

#[test]
fn a_secret_that_no_header_can_hold_is_a_warning() {
    for text in ["//h.example/:_authToken=two words", "//h.example/:_auth=\"a\\r\\nX: y\"", "//h.example/:_authToken=ü"]
    {
        let config = Machine::with_project(text).config();
        assert_eq!(header(&config, "https://h.example/x"), None, "{text}");
        assert!(matches!(config.warnings(), [ConfigWarning::UnusableSecret { .. }]), "{text}");
    }
    let config = Machine::with_project("//h.example/:username=u\n//h.example/:_password=%%%").config();
    assert!(
        matches!(config.warnings(), [ConfigWarning::UnusableSecret { key, .. }] if key == "//h.example/:_password")
    );
}

#[test]
fn no_secret_is_in_any_output() {
    let config = Machine::with_project(
        "registry=https://me:s3cret-a@h.example/\n@corp:registry=https://me:s3cret-b@corp.example/\n\
         //i.example/:_authToken=s3cret-c\n//j.example/:_auth=s3cret+d\n\
         //k.example/:username=u\n//k.example/:_password=czNjcmV0\n_authToken=s3cret-e\n\
         //l.example/:_authToken=s3cret f\nproxy=http://me:s3cret-g@proxy.example:3128\nca=s3cret-h\n",
    )
    .config();
    let mut output = format!("{config:?} {config:#?}");
    for text in ["registry=https://me:s3cret@", "proxy=http://me:s3cret@", "https-proxy=socks5://me:s3cret@p.example"] {
        let error = Machine::with_project(text).load().unwrap_err();
        output.extend([error.to_string(), format!("{error:?}")]);
    }
    output += &warnings(&config).concat();
    output += &config.network().https_proxy.as_ref().unwrap().to_string();
    output += &config.authorization_for(&url("https://i.example/")).unwrap().to_string();
    for secret in ["s3cret", "czNjcmV0", "bWU6czNjcmV0", "dTpzM2NyZXQ"] {
        assert!(!output.contains(secret), "{secret} is in {output}");
    }
    assert!(output.contains("Bearer [hidden]") && output.contains("http://proxy.example:3128"), "{output}");
}
