//! A dependency resolver (`PubGrub`): from requirements to the files that satisfy them. The same answers of the index give the same result; neither a clock nor the
//! order of arrival plays a part.
//!
//! A project that the distribution has comes from there, as it is, with the dependencies that its lock states. The index provides only what the distribution
//! lacks, and what `larder.toml` itself asks for in another version than the distribution's. If versions conflict, older ones are tried.
//!
//! ```text
//! provider.rs     what pubgrub asks: which version next, and what does it need
//! package.rs      its words: packages, what they need, what was asked of them
//! request.rs      what is to be resolved
//! resolution.rs   the result, or why there is none
//! candidates.rs   of a project's files, the one wheel of each version that the runtime loads best
//! explain.rs      pubgrub's proof that there is no solution, in sentences
//! ```

mod candidates;
mod explain;
mod package;
mod provider;
mod request;
mod resolution;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use pep440_rs::Version;
use pubgrub::{PubGrubError, SelectedDependencies};

use self::{
    package::{Package, root_version},
    provider::Provider,
};
pub use self::{
    request::Request,
    resolution::{Resolution, ResolveError, Resolved, ResolvedFile},
};
use super::index::Index;
use crate::{lockfile::larder_lock::Asker, python::name::ProjectName};

/// Resolves a request with what the index answers.
pub fn resolve(request: Request<'_>, index: &dyn Index) -> Result<Resolution, ResolveError> {
    let provider = Provider::new(request, index);
    provider.check_requested()?;
    match pubgrub::resolve(&provider, Package::Root, root_version()) {
        Ok(selected) => Ok(resolution(&provider, &selected)),
        Err(
            PubGrubError::ErrorRetrievingDependencies { source, .. }
            | PubGrubError::ErrorChoosingVersion { source, .. }
            | PubGrubError::ErrorInShouldCancel(source),
        ) => Err(source.into()),
        Err(PubGrubError::NoSolution(tree)) => Err(ResolveError::Conflict { facts: explain::facts(&provider, &tree) }),
    }
}

/// What is reached from the root, with who asks for it.
fn resolution(provider: &Provider<'_>, selected: &SelectedDependencies<Package, Version>) -> Resolution {
    let mut askers: BTreeMap<ProjectName, BTreeSet<Asker>> = BTreeMap::new();
    let mut depends: BTreeMap<ProjectName, BTreeSet<ProjectName>> = BTreeMap::new();
    let mut seen = BTreeSet::from([Package::Root]);
    let mut queue = VecDeque::from([Package::Root]);
    while let Some(package) = queue.pop_front() {
        let version = selected.get(&package).expect("what is needed was selected");
        for edge in provider.edges(&package, version) {
            if let Some(needed) = edge.to.name().filter(|needed| package.name() != Some(needed)) {
                let asker = package.name().map_or(Asker::LarderToml, |name| Asker::Package(name.clone()));
                askers.entry(needed.clone()).or_default().insert(asker);
                if let Some(name) = package.name() {
                    depends.entry(name.clone()).or_default().insert(needed.clone());
                }
            }
            if seen.insert(edge.to.clone()) {
                queue.push_back(edge.to);
            }
        }
    }
    let packages = askers.into_iter().map(|(name, why)| {
        let version = selected.get(&Package::Project(name.clone())).expect("an extra needs its project");
        let (version, file) = provider.file(&name, version);
        let depends = depends.remove(&name).unwrap_or_default().into_iter().collect();
        Resolved { version, file, depends, why: why.into_iter().collect(), name }
    });
    Resolution { packages: packages.collect(), warnings: provider.warnings(selected) }
}
