//! Which registry a package comes from.
use url::Url;

/// `replace-registry-host`: which of a lockfile's addresses are asked for at the configured registry instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplaceRegistryHost {
    /// `npmjs`, the default: those on the public registry's host.
    PublicDefault,
    /// `always`: those of every registry package.
    Always,
    /// `never`: none.
    Never,
    /// A host name: those on it, whatever the port.
    Host(String),
    /// An address: those on its host and below its path, which is replaced too.
    Prefix(Url),
}

#[derive(Clone, Debug)]
pub(super) struct Registries {}
