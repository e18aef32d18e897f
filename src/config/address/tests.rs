//! Lockfile entries and configurations in, addresses out.

use std::fs;

use larder_store::digest::{Algorithm, Digest};
use tempfile::TempDir;

use super::*;
use crate::core::{
    artifact::{Conditions, Ecosystem, Version},
    environment::Environment,
};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn config(npmrc: &str) -> NpmConfig {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(".npmrc"), npmrc).unwrap();
    NpmConfig::load(&Environment::default(), folder.path()).unwrap()
}

fn artifact(name: &str, source: Source) -> Artifact {
    Artifact {
        ecosystem: Ecosystem::Npm,
        name: PackageName::parse(name).unwrap(),
        version: Version::parse("1.0.0").unwrap(),
        source,
        integrity: Some(Digest::of(Algorithm::Sha512, b"bytes").into()),
        size: None,
        conditions: Conditions::default(),
    }
}

fn registry(resolved: &str) -> Source {
    Source::Registry { resolved: Some(Url::parse(resolved).unwrap()) }
}

fn git(forge: Forge, repository: &str) -> Source {
    Source::Git { forge, repository: repository.into(), commit: COMMIT.into() }
}

fn address(name: &str, source: Source, npmrc: &str) -> String {
    address_of(&artifact(name, source), &config(npmrc), &LarderToml::default()).unwrap().url.into()
}

/// An address on the public registry.
fn public(path: &str) -> String {
    format!("{}{path}", endpoints::NPM_REGISTRY)
}

#[test]
fn an_address_on_the_public_registry_goes_to_the_configured_one() {
    let path = "react/-/react-1.0.0.tgz";
    let plain = public(path).replace("https:", "http:");
    let cases = [
        (public(path), "", public(path)),
        (plain.clone(), "", public(path)),
        (public(path), "registry=https://r.example", format!("https://r.example/{path}")),
        (plain, "registry=https://r.example", format!("https://r.example/{path}")),
        (public(path), "registry=http://r.example:4873/npm/", format!("http://r.example:4873/npm/{path}")),
        // As npm: a path that starts with the registry's own is not made longer.
        (public(path), "registry=https://r.example/react", format!("https://r.example/{path}")),
        (public(path), "registry=https://r.example/rea", format!("https://r.example/rea/{path}")),
        (public("a?b=c"), "registry=https://r.example", "https://r.example/a?b=c".to_owned()),
        (public("@s%2fa/-/a.tgz"), "registry=https://r.example", "https://r.example/@s%2fa/-/a.tgz".to_owned()),
        (
            format!("https://other.example/{path}"),
            "registry=https://r.example",
            format!("https://other.example/{path}"),
        ),
        (public(path), "registry=https://r.example\nreplace-registry-host=never", public(path)),
        (public(path), "registry=https://r.example\nreplace-registry-host=other.example", public(path)),
    ];
    for (resolved, npmrc, expected) in cases {
        assert_eq!(address("react", registry(&resolved), npmrc), expected, "{resolved} with {npmrc}");
    }
}

#[test]
fn other_hosts_are_replaced_where_it_is_said_so() {
    let resolved = "https://old.example:8443/npm/react/-/react-1.0.0.tgz";
    let cases = [
        ("always", "https://r.example/base/npm/react/-/react-1.0.0.tgz"),
        ("npmjs", resolved),
        ("old.example", "https://r.example/base/npm/react/-/react-1.0.0.tgz"),
        ("OLD.example", "https://r.example/base/npm/react/-/react-1.0.0.tgz"),
        ("old.example:8443", "https://r.example/base/npm/react/-/react-1.0.0.tgz"),
        ("old.example:443", resolved),
        ("example", resolved),
        ("https://old.example/", "https://r.example/base/npm/react/-/react-1.0.0.tgz"),
        ("https://old.example/npm", "https://r.example/base/react/-/react-1.0.0.tgz"),
        ("https://old.example/npm/", "https://r.example/base/react/-/react-1.0.0.tgz"),
        ("https://old.example/np", resolved),
        ("https://new.example/npm", resolved),
    ];
    for (replace, expected) in cases {
        let npmrc = format!("registry=https://r.example/base/\nreplace-registry-host={replace}");
        assert_eq!(address("react", registry(resolved), &npmrc), expected, "{replace}");
    }
}

#[test]
fn a_scope_with_a_registry_keeps_its_packages_there() {
    let scopes = "registry=https://r.example/\n@corp:registry=https://corp.example/npm/\n";
    let path = "@corp/a/-/a-1.0.0.tgz";
    let at_home = format!("https://corp.example/npm/{path}");
    assert_eq!(address("@corp/a", registry(&at_home), scopes), at_home);
    assert_eq!(address("@corp/a", Source::Registry { resolved: None }, scopes), at_home);
    // What the lockfile found at the public registry comes from the default one, as in npm.
    assert_eq!(address("@corp/a", registry(&public(path)), scopes), format!("https://r.example/{path}"));
    let always = format!("{scopes}replace-registry-host=always");
    assert_eq!(address("@corp/a", registry(&at_home), &always), at_home);
}

#[test]
fn a_remote_tarball_stays_where_it_is_unless_its_host_is_replaced() {
    let remote = |text: &str| Source::Remote { url: Url::parse(text).unwrap() };
    let npmrc = "registry=https://r.example/";
    let elsewhere = "https://files.example/a.tgz?key=value";
    assert_eq!(address("a", remote(elsewhere), npmrc), elsewhere);
    let always = format!("{npmrc}\nreplace-registry-host=always");
    assert_eq!(address("a", remote(elsewhere), &always), "https://r.example/a.tgz?key=value");
    assert_eq!(address("a", remote(&public("a.tgz#x")), npmrc), "https://r.example/a.tgz");
}

#[test]
fn without_an_address_the_registry_has_it_under_name_and_version() {
    let none = || Source::Registry { resolved: None };
    assert_eq!(address("react", none(), ""), public("react/-/react-1.0.0.tgz"));
    assert_eq!(address("@s/a", none(), "registry=https://r.example/npm"), "https://r.example/npm/@s/a/-/a-1.0.0.tgz");
    let mut odd = artifact("a", none());
    odd.version = Version::parse("1.0.0+b?c#d%e").unwrap();
    let url = address_of(&odd, &config("registry=https://r.example/"), &LarderToml::default()).unwrap().url;
    assert_eq!(url.as_str(), "https://r.example/a/-/a-1.0.0+b%3Fc%23d%25e.tgz");
}

#[test]
fn a_commit_is_asked_for_at_its_forge() {
    let cases = [
        (Forge::GitHub, "o/r", format!("{}o/r/tar.gz/{COMMIT}", endpoints::GITHUB_ARCHIVES)),
        (
            Forge::GitLab,
            "g/h/r",
            format!("{}api/v4/projects/g%2Fh%2Fr/repository/archive.tar.gz?sha={COMMIT}", endpoints::GITLAB_ARCHIVES),
        ),
        (Forge::Bitbucket, "o/r", format!("{}o/r/get/{COMMIT}.tar.gz", endpoints::BITBUCKET_ARCHIVES)),
    ];
    for (forge, repository, expected) in cases {
        let npmrc = "registry=https://r.example/\nreplace-registry-host=always";
        assert_eq!(address("a", git(forge, repository), npmrc), expected);
    }
}

#[test]
fn larder_toml_says_where_a_forge_is() {
    let text = "[forges]\ngithub = 'http://127.0.0.1:1/gh'\ngitlab = 'http://127.0.0.1:2'\nbitbucket = 'http://127.0.0.1:3/b/'";
    let settings = LarderToml::parse(text.as_bytes(), std::path::Path::new("larder.toml")).unwrap();
    let cases = [
        (Forge::GitHub, format!("http://127.0.0.1:1/gh/o/r/tar.gz/{COMMIT}")),
        (Forge::GitLab, format!("http://127.0.0.1:2/api/v4/projects/o%2Fr/repository/archive.tar.gz?sha={COMMIT}")),
        (Forge::Bitbucket, format!("http://127.0.0.1:3/b/o/r/get/{COMMIT}.tar.gz")),
    ];
    for (forge, expected) in cases {
        let address = address_of(&artifact("a", git(forge, "o/r")), &config(""), &settings).unwrap();
        assert_eq!(address.url.as_str(), expected);
    }
}

#[test]
fn credentials_are_those_of_the_address_that_is_asked() {
    let npmrc = "registry=https://r.example/npm/\n//r.example/npm/:_authToken=mine\n//old.example/:_authToken=old";
    let header = |source| {
        let address = address_of(&artifact("a", source), &config(npmrc), &LarderToml::default()).unwrap();
        address.authorization.and_then(|authorization| Some(authorization.expose_header()?.to_owned()))
    };
    assert_eq!(header(registry(&public("a/-/a-1.0.0.tgz"))).as_deref(), Some("Bearer mine"));
    assert_eq!(header(Source::Registry { resolved: None }).as_deref(), Some("Bearer mine"));
    assert_eq!(header(registry("https://old.example/a.tgz")).as_deref(), Some("Bearer old"));
    assert_eq!(header(registry("https://u:p@old.example/a.tgz")).as_deref(), Some("Bearer old"));
    assert_eq!(header(registry("https://u:p@third.example/a.tgz")).as_deref(), Some("Basic dTpw"));
    assert_eq!(header(registry("https://third.example/a.tgz")), None);
    // A user name meant for the public registry is not shown to another.
    let stated = public("a.tgz").replace("https://", "https://u:p@");
    assert_eq!(header(registry(&stated)).as_deref(), Some("Bearer mine"));
}

#[test]
fn no_part_of_an_address_that_people_see_has_a_secret() {
    let npmrc = "registry=https://me:s3cret@r.example/";
    let remote = Source::Remote { url: Url::parse("https://me:s3cret@files.example/a.tgz?sig=s3cret#s3cret").unwrap() };
    for source in [remote, Source::Registry { resolved: None }, registry("https://s3cret@x.example/a.tgz?s3cret")] {
        let artifact = artifact("a", source);
        let address = address_of(&artifact, &config(npmrc), &LarderToml::default()).unwrap();
        assert!(address.url.username().is_empty() && address.url.password().is_none());
        let shown = format!(
            "{} {} {:?}",
            identity_of(&artifact, &address, None, None),
            redact(&address.url),
            address.authorization
        );
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    let data = Url::parse("data:text/plain,s3cret").unwrap();
    assert_eq!(redact(&data), "data:…");
}

fn identity(name: &str, source: Source, npmrc: &str, forges: &str) -> String {
    let settings = LarderToml::parse(forges.as_bytes(), std::path::Path::new("larder.toml")).unwrap();
    let (artifact, npm) = (artifact(name, source), config(npmrc));
    let describes = matches!(artifact.source, Source::Registry { .. }).then(|| npm.registry_for(&artifact.name));
    identity_of(&artifact, &address_of(&artifact, &npm, &settings).unwrap(), describes, npm.project_transport())
}

#[test]
fn an_identity_names_the_address_that_is_asked_and_never_the_public_one_for_a_mirror() {
    let stated = public("@s/a/-/a-1.0.0.tgz");
    let (open, mirror) = (String::new(), "registry=https://r.example/npm/".to_owned());
    let none = Source::Registry { resolved: None };
    let at_mirror = "npm @s/a@1.0.0 https://r.example/npm/@s/a/-/a-1.0.0.tgz";
    // What the public registry gave is known as it always was.
    assert_eq!(identity("@s/a", registry(&stated), &open, ""), format!("npm @s/a@1.0.0 {stated}"));
    assert_eq!(identity("@s/a", none.clone(), &open, ""), format!("npm @s/a@1.0.0 {stated}"));
    for source in [registry(&stated), none] {
        assert_eq!(identity("@s/a", source, &mirror, ""), at_mirror);
    }
    let remote = |text: &str| Source::Remote { url: Url::parse(text).unwrap() };
    assert_eq!(
        identity("a", remote("https://u:p@files.example/a.tgz"), &mirror, ""),
        "npm a@1.0.0 https://files.example/a.tgz"
    );
    assert_eq!(identity("a", remote(&public("a.tgz")), &mirror, ""), "npm a@1.0.0 https://r.example/npm/a.tgz");
}

#[test]
fn a_registry_that_describes_what_another_one_has_is_named_beside_it() {
    let stated = public("a/-/a-1.0.0.tgz");
    let npmrc = "registry=https://r.example/npm/\nreplace-registry-host=never";
    let described = format!("npm a@1.0.0 {stated} described at https://r.example/npm/");
    assert_eq!(identity("a", registry(&stated), npmrc, ""), described);
    let elsewhere = "https://r.example/other/a/-/a-1.0.0.tgz";
    let described = format!("npm a@1.0.0 {elsewhere} described at https://r.example/npm/");
    assert_eq!(identity("a", registry(elsewhere), npmrc, ""), described);
}

#[test]
fn a_commit_is_known_by_itself_at_its_forge_and_by_the_address_at_another() {
    let forges = "[forges]\ngithub = 'https://mirror.example/gh/'\ngitlab = 'https://mirror.example/gl/'";
    let commit = |forge: &str, repository: &str| format!("git {forge} {repository}#{COMMIT}");
    assert_eq!(identity("a", git(Forge::GitLab, "g/h/r"), "", ""), commit("gitlab", "g/h/r"));
    assert_eq!(identity("a", git(Forge::Bitbucket, "o/r"), "", forges), commit("bitbucket", "o/r"));
    assert_eq!(
        identity("a", git(Forge::GitHub, "o/r"), "", forges),
        format!("{} https://mirror.example/gh/o/r/tar.gz/{COMMIT}", commit("github", "o/r"))
    );
    let at_mirror = identity("a", git(Forge::GitLab, "g/r"), "", forges);
    let start = "https://mirror.example/gl/api/v4/projects/g%2Fr/repository/archive.tar.gz ?";
    assert!(at_mirror.starts_with(&format!("{} {start}", commit("gitlab", "g/r"))), "{at_mirror}");
    // Whoever names the forge's own address says nothing new.
    let same = format!("[forges]\ngithub = '{}'", endpoints::GITHUB_ARCHIVES);
    assert_eq!(identity("a", git(Forge::GitHub, "o/r"), "", &same), commit("github", "o/r"));
}

#[test]
fn a_proxy_or_certificates_that_the_project_names_are_a_part_of_the_identity() {
    let stated = public("a/-/a-1.0.0.tgz");
    let plain = format!("npm a@1.0.0 {stated}");
    let of = |npmrc: &str| identity("a", registry(&stated), npmrc, "");
    // Over https, a proxy sees nothing that it could change.
    assert_eq!(of("proxy=http://p.example:3128"), plain);
    assert_eq!(of("strict-ssl=true"), plain);
    let (off, own) = (of("strict-ssl=false"), of("ca=one"));
    for (identity, other) in [(&off, &own), (&own, &of("ca=two")), (&off, &of("strict-ssl=false\nproxy=p.example"))] {
        assert!(identity.starts_with(&format!("{plain} through ")), "{identity}");
        assert_ne!(identity, other);
    }
    let unencrypted = identity("a", registry("http://r.example/a/-/a-1.0.0.tgz"), "proxy=http://p.example", "");
    assert!(unencrypted.contains(" through "), "{unencrypted}");
    let commit = identity("a", git(Forge::GitHub, "o/r"), "strict-ssl=false", "");
    assert!(commit.starts_with(&format!("git github o/r#{COMMIT} through ")), "{commit}");
}

#[test]
fn a_query_makes_another_identity_and_is_not_in_it() {
    let of = |query: &str| {
        let url = Url::parse(&format!("https://files.example/a.tgz{query}")).unwrap();
        identity("a", Source::Remote { url }, "", "")
    };
    assert_eq!(of(""), "npm a@1.0.0 https://files.example/a.tgz");
    let (one, two) = (of("?sha=s3cret1"), of("?sha=s3cret2"));
    assert_ne!(one, two);
    assert_eq!(one, of("?sha=s3cret1#fragment"));
    for identity in [&one, &two] {
        assert!(identity.starts_with("npm a@1.0.0 https://files.example/a.tgz ?"), "{identity}");
        assert!(!identity.contains("s3cret"), "{identity}");
    }
}

#[test]
fn a_public_forges_archive_of_a_commit_is_known_by_its_address() {
    let gitlab = endpoints::GITLAB_HOST;
    for (address, is_archive) in [
        (format!("{}o/r/tar.gz/{COMMIT}", endpoints::GITHUB_ARCHIVES), true),
        (format!("{}o/r/tar.gz/v1.0.0", endpoints::GITHUB_ARCHIVES), false),
        (format!("https://{}/o/r/archive/{COMMIT}.tar.gz", endpoints::GITHUB_HOST), true),
        (format!("https://{}/o/r/releases/download/1/{COMMIT}.tar.gz", endpoints::GITHUB_HOST), false),
        (format!("https://{}/o/r/get/{COMMIT}.tar.gz", endpoints::BITBUCKET_HOST), true),
        (format!("https://{gitlab}/g/h/r/-/archive/{COMMIT}/r-{COMMIT}.tar.gz"), true),
        (format!("https://{gitlab}/api/v4/projects/g%2Fr/repository/archive.tar.gz?sha={COMMIT}"), true),
        (format!("https://{gitlab}/api/v4/projects/g%2Fr/repository/archive.tar.gz?sha=main"), false),
        (format!("https://files.example/o/r/tar.gz/{COMMIT}"), false),
    ] {
        assert_eq!(is_commit_archive(&Url::parse(&address).unwrap()), is_archive, "{address}");
    }
}

#[test]
fn the_registry_describes_a_package_under_its_escaped_name() {
    let npm = config("registry=https://r.example/npm\n@corp:registry=https://corp.example");
    for (name, expected) in [
        ("react", "https://r.example/npm/react"),
        ("@s/a", "https://r.example/npm/@s%2fa"),
        ("@corp/a", "https://corp.example/@corp%2fa"),
    ] {
        assert_eq!(packument_url(&PackageName::parse(name).unwrap(), &npm).as_str(), expected);
    }
}

#[test]
fn a_strange_scheme_is_an_error_that_names_the_package() {
    for text in ["ftp://h.example/a.tgz", "file:///etc/passwd", "data:text/plain,x", "javascript:x"] {
        let source = Source::Remote { url: Url::parse(text).unwrap() };
        let error = address_of(&artifact("a", source), &config(""), &LarderToml::default()).unwrap_err();
        let scheme = text.split(':').next().unwrap();
        let expected =
            format!("a 1.0.0: an address that starts with `{scheme}:` cannot be fetched (only http: and https:)");
        assert_eq!(error.to_string(), expected);
    }
}
