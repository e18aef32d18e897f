//! What npm has to be given of a plan: package metadata, packuments, and what stands in a tarball; and which packages download files themselves.
//!
//! What npm does, and what larder does about it:
//!
//! | npm | larder |
//! |---|---|
//! | finds a tarball in its cache by digest alone, if the lockfile states address and digest | makes a cache of links: no index, no server, no copy |
//! | asks for packuments and everything else by address; nobody can tell from a command line whether it will | always lays the packuments and their index out (`view::npm_cache`) |
//! | matches a cached packument by the `accept` header of its request, and asks in two forms | writes two index entries for one document that serves as both |
//! | `npm cache verify` removes content that no index entry names, and keeps the last entry of a key | names every file in a view's index, and the form that `npm ci` asks for last |
//! | with `--force`, looks up a version in each conflicting peer's range, and then keeps the locked one | names the lowest version of such a range without a tarball |
//! | with `replace-registry-host=always`, puts the registry before the path of a local tarball too | names the one host of the lockfile, and `always` only for several hosts without a local tarball |
//! | writes `resolved` into its lockfile as the packument has it | gives npm the true registry's addresses, and other clients its own |

pub mod metadata;
pub mod own_downloads;
mod package_version;
pub mod packument;
pub mod tarball;

pub use package_version::PackageVersion;
