//! The public default addresses. They stand here and nowhere else, so that a build that must not reach them can be checked by one search.

/// GitHub's host.
pub const GITHUB_HOST: &str = "github.com";
/// GitLab's public host.
pub const GITLAB_HOST: &str = "gitlab.com";
/// Bitbucket's host.
pub const BITBUCKET_HOST: &str = "bitbucket.org";
