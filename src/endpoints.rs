//! The public default addresses, named here and nowhere else.

/// The public npm registry: where packages come from when no configuration says otherwise.
pub const NPM_REGISTRY: &str = "https://registry.npmjs.org/";

/// Below this, GitHub has the tarball of each commit.
pub const GITHUB_ARCHIVES: &str = "https://codeload.github.com/";

/// Below this, GitLab has the tarball of each commit.
pub const GITLAB_ARCHIVES: &str = "https://gitlab.com/";

/// Below this, Bitbucket has the tarball of each commit.
pub const BITBUCKET_ARCHIVES: &str = "https://bitbucket.org/";
