//! The configuration as a whole: files and variables in, answers out.

mod machine;
mod managers;
mod trust;

use std::{fs, time::Duration};

use self::machine::Machine;
use super::*;
use crate::{config::network::proxy::Proxy, core::endpoints};

type Variables = &'static [(&'static str, &'static str)];

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
        "{}: `_authToken` names no host, the registry is named by {}, and so it is left out (write `//host/:_authToken`; or, if you trust the project with it, say --trust-project-config)",
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

#[test]
fn proxies_come_from_npms_configuration_and_then_from_the_environment() {
    const A: &str = "http://a.example:1/";
    const B: &str = "http://b.example:2/";
    const C: &str = "http://c.example:3/";
    let cases: &[(&str, Variables, [Option<&str>; 2])] = &[
        ("proxy=http://a.example:1", &[], [Some(A), Some(A)]),
        ("https-proxy=http://a.example:1\nproxy=http://b.example:2", &[], [Some(A), Some(A)]),
        ("proxy=a.example:1", &[("HTTPS_PROXY", B)], [Some(A), Some(A)]),
        ("proxy=null\nhttps-proxy=", &[("HTTPS_PROXY", B)], [Some(B), Some(B)]),
        ("", &[("HTTPS_PROXY", B), ("HTTP_PROXY", C)], [Some(B), Some(B)]),
        ("", &[("HTTP_PROXY", C)], [Some(C), None]),
        ("", &[("PROXY", C)], [Some(C), None]),
        ("", &[("https_proxy", B), ("HTTPS_PROXY", C)], [Some(B), Some(B)]),
        ("", &[("https_proxy", ""), ("HTTPS_PROXY", C)], [Some(C), Some(C)]),
        ("", &[("npm_config_proxy", "false"), ("npm_config_https_proxy", A)], [Some(A), Some(A)]),
        ("", &[], [None, None]),
    ];
    for (text, variables, [http, https]) in cases {
        let machine = variables.iter().fold(Machine::with_project(text), |m, (name, value)| m.variable(name, value));
        let config = machine.config();
        let shown = |proxy: &Option<Proxy>| proxy.as_ref().map(|proxy| proxy.expose_url().to_string());
        assert_eq!(shown(&config.network().http_proxy).as_deref(), *http, "{text} {variables:?}");
        assert_eq!(shown(&config.network().https_proxy).as_deref(), *https, "{text} {variables:?}");
    }
}

#[test]
fn hosts_without_a_proxy_come_from_npms_configuration_and_then_from_the_environment() {
    let none: &[&str] = &[];
    let cases: &[(&str, Variables, &[&str])] = &[
        ("noproxy=a.example, .b.example ,", &[("NO_PROXY", "c.example")], &["a.example", ".b.example"]),
        ("noproxy[]=a.example\nnoproxy[]=10.0.0.0/8", &[], &["a.example", "10.0.0.0/8"]),
        ("noproxy=", &[("NO_PROXY", "c.example,*")], &["c.example", "*"]),
        ("", &[("no_proxy", "a.example"), ("NO_PROXY", "c.example")], &["a.example"]),
        ("", &[], none),
    ];
    for (text, variables, expected) in cases {
        let machine = variables.iter().fold(Machine::with_project(text), |m, (name, value)| m.variable(name, value));
        assert_eq!(machine.config().network().no_proxy, *expected, "{text} {variables:?}");
    }
}

#[test]
fn certificates_are_read_where_they_are_named() {
    let machine = Machine::with_project("cafile=corp.pem\nca[]=\"ONE\\nA\"\nca[]=TWO\\nB\n")
        .file("project/corp.pem", "from cafile")
        .file("elsewhere/node.pem", "from node")
        .variable("NODE_EXTRA_CA_CERTS", "node.pem");
    let config = machine.config();
    let found: Vec<_> = config
        .network()
        .extra_certificates
        .iter()
        .map(|file| (file.path.clone(), String::from_utf8(file.bytes.to_vec()).unwrap(), file.origin.to_string()))
        .collect();
    let project_file = machine.path("project/.npmrc").display().to_string();
    assert_eq!(
        found,
        [
            (None, "ONE\nA".to_owned(), project_file.clone()),
            (None, "TWO\nB".to_owned(), project_file.clone()),
            (Some(machine.path("project/corp.pem")), "from cafile".to_owned(), project_file),
            (Some(machine.path("elsewhere/node.pem")), "from node".to_owned(), "the environment".to_owned()),
        ]
    );
}

#[test]
fn a_certificate_file_that_does_not_exist_is_a_warning_and_one_that_cannot_be_read_an_error() {
    let machine = Machine::new().file("home/.npmrc", "cafile=~/gone.pem");
    let config = machine.config();
    assert!(config.network().extra_certificates.is_empty());
    let expected = format!(
        "{}, which {} names for certificates, does not exist",
        machine.path("home/gone.pem").display(),
        machine.path("home/.npmrc").display()
    );
    assert_eq!(warnings(&config), [expected]);
    let machine = Machine::with_project("cafile=../home");
    let error = machine.load().unwrap_err();
    assert!(
        matches!(&error, ConfigError::Unreadable { path, .. } if path == &machine.path("project/../home")),
        "{error}"
    );
}

#[test]
fn verification_is_off_only_when_it_is_said_so_and_then_with_a_warning() {
    for (text, verify, warned) in [
        ("strict-ssl=false", false, "turns the verification of TLS certificates off"),
        ("strict-ssl=\"false\"", false, "turns the verification of TLS certificates off"),
        ("strict-ssl=no", true, "`strict-ssl` is not true or false and is left out"),
        ("strict-ssl", true, ""),
        ("strict-ssl=", true, ""),
        ("strict-ssl=null", true, ""),
        ("strict-ssl=true", true, ""),
        ("strict_ssl=false", true, ""),
    ] {
        let config = Machine::with_project(text).config();
        assert_eq!(config.network().verify_tls, verify, "{text}");
        assert_eq!(config.warnings().len(), usize::from(!warned.is_empty()), "{text}");
        assert!(warnings(&config).concat().contains(warned), "{text}: {:?}", warnings(&config));
    }
}

#[test]
fn retries_and_timeouts_are_read() {
    let config = Machine::with_project(
        "fetch-retries=7\nfetch-retry-mintimeout=1500\nfetch-retry-maxtimeout=60000\nfetch-timeout=300000\nmaxsockets=9",
    )
    .config();
    let network = config.network();
    assert_eq!(network.fetch_retries, Some(7));
    assert_eq!(network.fetch_retry_min_timeout, Some(Duration::from_millis(1500)));
    assert_eq!(network.fetch_retry_max_timeout, Some(Duration::from_mins(1)));
    assert_eq!(network.fetch_timeout, Some(Duration::from_mins(5)));
    assert_eq!(network.max_sockets, Some(9));
    let config = Machine::with_project("fetch-retries=many").config();
    assert_eq!(config.network().fetch_retries, None);
    assert!(warnings(&config)[0].ends_with("`fetch-retries` is not a whole number and is left out"));
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
