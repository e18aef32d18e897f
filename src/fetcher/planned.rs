//! Stage 3 of a fetch: turns an artifact of a plan into a job with its addresses, its keys, and what its bytes must be.

use larder_store::{key::Wanted, receipt::Origin};

use super::{
    first_bytes::{ManifestPlace, Shape},
    job::{Job, JobArtifact},
};
use crate::{
    config::{
        address::{
            Address, AddressError, addresses_of, identity_of, is_commit_archive, named_registry, packument_below,
            packument_url,
        },
        larder_toml::LarderToml,
        network::project_transport::ProjectTransport,
        package_manager::NpmConfig,
    },
    core::{
        artifact::{Artifact, Ecosystem, Forge, Source},
        redacted::redact,
    },
    lockfile::{self, Format, UNSTATED_VERSION},
    plan::Planned,
};

/// The job of an artifact's download.
pub(super) fn job_of(
    planned: &Planned,
    npm: &NpmConfig,
    settings: &LarderToml,
    transport: Option<ProjectTransport>,
) -> Result<Job, AddressError> {
    let artifact = &planned.artifact;
    let addresses = addresses_of(artifact, npm, settings)?;
    let address = &addresses[0];
    let (packument, is_address_built) = match &artifact.source {
        // Only where something is left open: an address for each of thousands takes milliseconds.
        Source::Registry { resolved } if resolved.is_none() || artifact.integrity.is_none() => {
            (Some(packument_url(&artifact.name, npm)), resolved.is_none())
        }
        Source::Remote { .. } if artifact.integrity.is_none() && is_of_registry(planned) => {
            (Some(packument_url(&artifact.name, npm)), false)
        }
        Source::Named { registry } => {
            (Some(packument_below(named_registry(artifact, registry, npm)?, &artifact.name)), true)
        }
        _ => (None, false),
    };
    let describes = match &artifact.source {
        Source::Named { registry } => Some(named_registry(artifact, registry, npm)?),
        _ => packument.is_some().then(|| npm.registry_for(&artifact.name)),
    };
    let identity = artifact.integrity.is_none().then(|| identity_of(artifact, address, describes, transport));
    let wanted = match (&artifact.integrity, &identity) {
        (Some(integrity), _) => Wanted::Integrity(integrity.clone()),
        (None, identity) => Wanted::Identity(identity.clone().expect("set where there is no integrity")),
    };
    let origin = Origin {
        ecosystem: artifact.ecosystem.name().to_owned(),
        name: artifact.name.to_string(),
        version: artifact.version.to_string(),
        address: shown_address(&artifact.source, &addresses),
        identity,
    };
    let ordered = JobArtifact {
        package: artifact.to_string().into(),
        ecosystem: artifact.ecosystem,
        name: artifact.name.as_str().into(),
        version: artifact.version.as_str().into(),
        entries: planned.entries.clone(),
        // What was recorded for an optional package is pinned like any other file.
        is_optional: artifact.conditions.optional && artifact.ecosystem != Ecosystem::Download,
    };
    let is_commit = artifact.integrity.is_none() && is_commit(&artifact.source);
    let (shape, origins) = (shape(planned), vec![origin]);
    Ok(Job { wanted, artifacts: vec![ordered], addresses, packument, is_address_built, origins, is_commit, shape })
}

/// Whether a registry has it, though its address looks like any other.
fn is_of_registry(planned: &Planned) -> bool {
    planned.entries.iter().any(|entry| lockfile::is_of_registry(&entry.lockfile, &entry.path))
}

fn is_commit(source: &Source) -> bool {
    match source {
        Source::Git { .. } => true,
        Source::Remote { url } => is_commit_archive(url),
        _ => false,
    }
}

/// What the bytes of an artifact are where nobody states a digest.
fn shape(planned: &Planned) -> Shape {
    let artifact = &planned.artifact;
    let formats: Vec<Format> = planned.entries.iter().map(|entry| Format::of(&entry.lockfile)).collect();
    let is_in_registry =
        matches!(artifact.source, Source::Registry { .. } | Source::Named { .. }) || is_of_registry(planned);
    // A registry has a package under its name. Of the others, npm and pnpm write down the name that the package gives itself; yarn and bun the one that the
    // project gives it, and so does npm's version 1, which states no version for them.
    let has_true_name = is_in_registry
        || (!is_unstated(artifact) && formats.iter().all(|format| matches!(format, Format::Npm | Format::Pnpm)));
    let manifest = if !is_in_registry && formats.contains(&Format::Pnpm) {
        ManifestPlace::Optional
    } else if is_commit(&artifact.source) {
        ManifestPlace::Anywhere
    } else {
        ManifestPlace::Top
    };
    Shape { name: has_true_name.then(|| artifact.name.as_str().into()), manifest }
}

/// Whether the lockfile states no version: what stands in its place is the commit, or says so.
fn is_unstated(artifact: &Artifact) -> bool {
    let version = artifact.version.as_str();
    version == UNSTATED_VERSION || matches!(&artifact.source, Source::Git { commit, .. } if **commit == *version)
}

/// The address for the receipt: the first that is neither a folder of this machine nor an archive. A query can hold a signature, and is left out; that of a forge names the
/// commit.
fn shown_address(source: &Source, addresses: &[Address]) -> Option<String> {
    let is_the_files = |address: &&Address| address.url.scheme() != "file" && address.member.is_none();
    let url = &addresses.iter().find(is_the_files)?.url;
    Some(match source {
        Source::Git { forge: Forge::GitLab, commit, .. } => format!("{}?sha={commit}", redact(url)),
        // Its query holds no secret, and may tell files apart.
        Source::Recorded { url } => url.to_string(),
        _ => redact(url),
    })
}
