//! Which file, which entry, and what an error shows.

use std::{fs, path::Path};

use super::*;

/// A home with these files.
fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    home
}

fn find_with(home: &Path, variables: &[(&str, &str)], reference: &str) -> Result<Credentials, CredentialsError> {
    let variables = variables.iter().map(|(name, value)| (*name, value.replace('~', home.to_str().unwrap())));
    let home = [("HOME", home.to_str().unwrap().to_owned())];
    let environment = Environment::new(Path::new("/"), variables.chain(home));
    Credentials::find(&environment, &Reference::parse(reference, None).unwrap())
}

fn user(home: &Path, variables: &[(&str, &str)], reference: &str) -> String {
    match find_with(home, variables, reference).unwrap().login {
        Login::Anonymous => "nobody".to_owned(),
        Login::Basic { user, password } => format!("{user}:{}", password.0),
        Login::Identity(token) => format!("identity {}", token.0),
        Login::Bearer(token) => format!("bearer {}", token.0),
    }
}

#[test]
fn an_entry_of_auths_is_found_by_each_of_a_registry_s_names() {
    // bWU6c2VjcmV0 is me:secret.
    let hub = crate::core::endpoints::DOCKER_HUB_LOGIN;
    let config = format!(
        r#"{{"auths":{{
            "plain.example":{{"auth":"bWU6c2VjcmV0"}},
            "https://address.example/v2/":{{"auth":"bWU6c2VjcmV0AAAA"}},
            "https://address.example:5000":{{"username":"u","password":"p"}},
            "token.example":{{"auth":"bWU6c2VjcmV0","identitytoken":"t"}},
            "bearer.example":{{"registrytoken":"r"}},
            "empty.example":{{}},
            "paths.example":{{"auth":"bWU6c2VjcmV0"}},
            "paths.example/team":{{"username":"team","password":"p"}},
            "paths.example/team/app":{{"username":"app","password":"p"}},
            "{hub}":{{"username":"hub","password":"p"}}
        }},"HttpHeaders":{{}}}}"#
    );
    let home = home(&[(".docker/config.json", &config)]);
    let hub = format!("{}/me/app", crate::core::endpoints::docker_hub());
    for (reference, expected) in [
        ("plain.example/a", "me:secret"),
        ("plain.example:5000/a", "nobody"),
        ("address.example/a", "me:secret"),
        ("address.example:5000/a", "u:p"),
        ("token.example/a", "identity t"),
        ("bearer.example/a", "bearer r"),
        ("empty.example/a", "nobody"),
        ("paths.example/other", "me:secret"),
        ("paths.example/team/other", "team:p"),
        ("paths.example/team/app", "app:p"),
        ("paths.example/teams/app", "me:secret"),
        (&hub, "hub:p"),
        ("other.example/a", "nobody"),
    ] {
        assert_eq!(user(home.path(), &[], &format!("oci://{reference}")), expected, "{reference}");
    }
}

#[test]
fn the_first_file_that_knows_the_registry_counts() {
    let config = |user: &str| format!(r#"{{"auths":{{"registry.example":{{"username":"{user}","password":"p"}}}}}}"#);
    let home = home(&[
        (".docker/config.json", &config("docker")),
        ("named/config.json", &config("named")),
        ("empty/config.json", "{}"),
        ("run/containers/auth.json", &config("run")),
        ("auth.json", &config("podman")),
        (".config/containers/auth.json", &config("kept")),
    ]);
    let of = |variables: &[(&str, &str)]| user(home.path(), variables, "oci://registry.example/a");
    assert_eq!(of(&[]), "docker:p");
    assert_eq!(of(&[("DOCKER_CONFIG", "~/named")]), "named:p");
    assert_eq!(of(&[("DOCKER_CONFIG", "~/empty")]), "kept:p");
    assert_eq!(of(&[("DOCKER_CONFIG", "~/empty"), ("XDG_RUNTIME_DIR", "~/run")]), "run:p");
    let both = [("DOCKER_CONFIG", "~/missing"), ("XDG_RUNTIME_DIR", "~/run"), ("REGISTRY_AUTH_FILE", "~/auth.json")];
    assert_eq!(of(&both), "podman:p");
}

#[test]
fn a_helper_goes_before_what_stands_in_the_file_and_is_named_when_it_fails() {
    let home = home(&[(
        ".docker/config.json",
        r#"{"auths":{"registry.example":{"auth":"bWU6c2VjcmV0"}},"credsStore":"none","credHelpers":{"other.example":"made-up"}}"#,
    )]);
    let program = home.path().join("docker-credential-made-up");
    fs::write(
        &program,
        "#!/bin/sh\nread server; echo \"{\\\"Username\\\":\\\"u\\\",\\\"Secret\\\":\\\"$server\\\"}\"\n",
    )
    .unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = [("PATH", "~")];
    assert_eq!(user(home.path(), &path, "oci://other.example/a"), "u:other.example");
    let shown = find_with(home.path(), &path, "oci://other.example/a").unwrap();
    let file = home.path().join(".docker/config.json");
    assert_eq!(shown.to_string(), format!("the credentials of {}, by docker-credential-made-up", file.display()));
    assert!(!format!("{shown:?}").contains("other.example"), "{shown:?}");
    let error = find_with(home.path(), &path, "oci://registry.example/a").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the credential helper docker-credential-none, which {} names for registry.example, is not in PATH",
            file.display()
        )
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_nothing_of_it_shown() {
    for (text, expected) in [
        ("{\n\"auths\": \"s3cret\"", "X, line 2: not a configuration of registries"),
        (
            r#"{"auths":{"registry.example":{"auth":"czNjcmV0"}}}"#,
            "X: what `auths` has for registry.example is no user and password in base64",
        ),
        (
            r#"{"auths":{"registry.example":{"auth":"s3cret!"}}}"#,
            "X: what `auths` has for registry.example is no user and password in base64",
        ),
    ] {
        let home = home(&[(".docker/config.json", text)]);
        let error = find_with(home.path(), &[], "oci://registry.example/a").unwrap_err();
        let file = home.path().join(".docker/config.json");
        assert_eq!(error.to_string().replace(file.to_str().unwrap(), "X"), expected);
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
    let home = home(&[(".docker/config.json/x", "")]);
    let error = find_with(home.path(), &[], "oci://registry.example/a").unwrap_err();
    assert!(matches!(error, CredentialsError::Unreadable { .. }), "{error:?}");
}
