//! The public default addresses, named here and nowhere else.

/// The public npm registry: where packages come from when no configuration says otherwise.
pub const NPM_REGISTRY: &str = "https://registry.npmjs.org/";

/// What yarn 1 writes in that registry's place into its lockfiles: another name for the same files.
pub const YARN_REGISTRY: &str = "https://registry.yarnpkg.com/";

/// The registry that pnpm asks for packages of the scope `@jsr`, unless it is told of another.
pub const JSR_REGISTRY: &str = "https://npm.jsr.io/";

/// GitHub's registry, which pnpm knows as `gh:`.
pub const GITHUB_PACKAGES: &str = "https://npm.pkg.github.com/";

/// GitHub's host.
pub const GITHUB_HOST: &str = "github.com";
/// GitLab's public host.
pub const GITLAB_HOST: &str = "gitlab.com";
/// Bitbucket's host.
pub const BITBUCKET_HOST: &str = "bitbucket.org";

/// Below this, GitHub has the tarball of each commit.
pub const GITHUB_ARCHIVES: &str = "https://codeload.github.com/";
/// GitHub's API, which has the tarball of each commit too.
pub const GITHUB_API: &str = "https://api.github.com/";
/// Below this, GitLab has the tarball of each commit.
pub const GITLAB_ARCHIVES: &str = "https://gitlab.com/";
/// Below this, Bitbucket has the tarball of each commit.
pub const BITBUCKET_ARCHIVES: &str = "https://bitbucket.org/";

/// The public Python package index, simple API: where Python packages come from that Pyodide's distribution lacks.
pub const PYTHON_INDEX: &str = "https://pypi.org/simple/";
/// Where the public Python package index has its files.
pub const PYTHON_FILES: &str = "https://files.pythonhosted.org/";
/// The public CDN of Pyodide: below it, each release's files are in `vX.Y.Z/full/`.
pub const PYODIDE_CDN: &str = "https://cdn.jsdelivr.net/pyodide/";

/// What Docker's configuration calls Docker Hub.
pub const DOCKER_HUB_LOGIN: &str = "https://index.docker.io/v1/";
/// Where Docker Hub's API is.
pub const DOCKER_HUB_API: &str = "https://registry-1.docker.io/";

/// Docker Hub's host as users name it: both of its addresses' without their first label.
pub fn docker_hub() -> &'static str {
    let host = DOCKER_HUB_API.split('/').nth(2).unwrap_or_default();
    host.split_once('.').map_or(host, |(_, domain)| domain)
}

/// Whether a registry's host is one of Docker Hub's names.
pub fn is_docker_hub(registry: &str) -> bool {
    let is_host_of = |address: &str| address.split('/').nth(2) == Some(registry);
    registry == docker_hub() || is_host_of(DOCKER_HUB_API) || is_host_of(DOCKER_HUB_LOGIN)
}
