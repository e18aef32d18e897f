//! Proxies, certificates, retries and timeouts.

use std::time::Duration;

use super::*;
use crate::config::network::proxy::Proxy;

type Variables = &'static [(&'static str, &'static str)];

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
