//! The addresses at which package managers ask for an artifact themselves, whatever registry they are told of. larder requests one of them; a proxy that stands between
//! has to know all. Pure.
//!
//! A commit, at its forge: pnpm and yarn 1 ask for the archive, yarn 2 and later for the page's archive, bun for the API's. Tried with pnpm 10, yarn 1.22 and 4, bun 1.4.

use url::Url;

use crate::{
    config::{address::address_of, larder_toml::LarderToml, package_manager::NpmConfig},
    core::{
        artifact::{Artifact, Forge, Source},
        endpoints,
        redacted::without_userinfo,
    },
};

/// The addresses of an artifact, without user name, password and fragment. The first is the one at which larder would ask without `larder.toml`.
pub fn asked_addresses(artifact: &Artifact, npm: &NpmConfig) -> Vec<Url> {
    let computed = address_of(artifact, npm, &LarderToml::default()).ok().map(|address| address.url);
    let stated = match &artifact.source {
        Source::Registry { resolved: Some(url) } | Source::Remote { url } => Some(url),
        _ => None,
    };
    let of_forge = match &artifact.source {
        Source::Git { forge, repository, commit } => archives_of(*forge, repository, commit),
        _ => Vec::new(),
    };
    let mut all: Vec<Url> = Vec::new();
    for url in computed.iter().chain(stated).chain(&of_forge) {
        let mut url = without_userinfo(url);
        url.set_fragment(None);
        if !all.contains(&url) {
            all.push(url);
        }
    }
    all
}

fn archives_of(forge: Forge, repository: &str, commit: &str) -> Vec<Url> {
    let name = repository.rsplit('/').next().unwrap_or_default();
    let texts = match forge {
        Forge::GitHub => vec![
            format!("{}{repository}/tar.gz/{commit}", endpoints::GITHUB_ARCHIVES),
            format!("https://{}/{repository}/archive/{commit}.tar.gz", endpoints::GITHUB_HOST),
            format!("{}repos/{repository}/tarball/{commit}", endpoints::GITHUB_API),
        ],
        Forge::GitLab => vec![
            format!("https://{}/{repository}/-/archive/{commit}/{name}-{commit}.tar.gz", endpoints::GITLAB_HOST),
            format!("https://{}/{repository}/repository/archive.tar.gz?ref={commit}", endpoints::GITLAB_HOST),
        ],
        Forge::Bitbucket => vec![format!("https://{}/{repository}/get/{commit}.tar.gz", endpoints::BITBUCKET_HOST)],
    };
    texts.iter().filter_map(|text| Url::parse(text).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::core::{
        artifact::{Conditions, Ecosystem, PackageName, Version},
        environment::Environment,
    };

    fn asked(name: &str, source: Source, npmrc: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".npmrc"), npmrc).unwrap();
        let npm = NpmConfig::load(&Environment::new(Path::new("/"), [("HOME", "/none")]), folder.path()).unwrap();
        let artifact = Artifact {
            ecosystem: Ecosystem::Npm,
            name: PackageName::parse(name).unwrap(),
            version: Version::parse("1.0.0").unwrap(),
            source,
            integrity: None,
            size: None,
            conditions: Conditions::default(),
        };
        asked_addresses(&artifact, &npm).iter().map(Url::to_string).collect()
    }

    #[test]
    fn a_commit_has_the_addresses_of_its_forge_and_each_once() {
        let commit = "c".repeat(40);
        let git = |forge| Source::Git { forge, repository: "o/r".into(), commit: commit.as_str().into() };
        for (forge, count, one) in [
            (Forge::GitHub, 3, format!("https://{}/o/r/archive/{commit}.tar.gz", endpoints::GITHUB_HOST)),
            (Forge::GitLab, 3, format!("https://{}/o/r/-/archive/{commit}/r-{commit}.tar.gz", endpoints::GITLAB_HOST)),
            (Forge::Bitbucket, 1, format!("https://{}/o/r/get/{commit}.tar.gz", endpoints::BITBUCKET_HOST)),
        ] {
            let addresses = asked("r", git(forge), "");
            assert_eq!(addresses.len(), count, "{addresses:?}");
            assert!(addresses.contains(&one), "{addresses:?}");
        }
    }

    #[test]
    fn a_scope_with_its_own_registry_is_asked_for_there_and_a_stated_address_too() {
        let npmrc = "registry=https://registry.example/\n@own:registry=https://own.example/npm/\n";
        let addresses = asked("@own/a", Source::Registry { resolved: None }, npmrc);
        assert_eq!(addresses, ["https://own.example/npm/@own/a/-/a-1.0.0.tgz"]);
        let url = Url::parse("https://user:word@files.example/a.tgz?x=1#part").unwrap();
        assert_eq!(asked("a", Source::Remote { url }, npmrc), ["https://files.example/a.tgz?x=1"]);
    }
}
