//! [`Bill`]: the components of one project or several, each once, and who needs which.

use std::collections::BTreeMap;

use larder_store::digest::Digest;

use super::{
    component::{Component, Described, Scope},
    uuid::uuid_of,
};
use crate::plan::PlanDigest;

/// The form of what follows: a change of anything below changes it, too.
const FORM: &[u8] = b"larder sbom 1\n";

/// A project, and the selected part of its plan.
#[derive(Debug)]
pub struct Project<'a> {
    /// What it is called.
    pub name: String,
    /// Its version, if it has one.
    pub version: Option<String>,
    /// Its plan's digest.
    pub digest: PlanDigest,
    /// The artifacts.
    pub artifacts: Vec<Described<'a>>,
    /// Whether every entry of its lockfiles can be fetched, and is thus an artifact.
    pub is_complete: bool,
}

/// The components of projects.
#[derive(Debug)]
pub struct Bill {
    pub(super) projects: Vec<BilledProject>,
    /// Sorted by their references.
    pub(super) components: Vec<Billed>,
    /// A UUID of the plans and of what was selected.
    pub(super) uuid: String,
}

/// How many components there are. The first is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// All of them.
    pub components: usize,
    /// Their licence is known.
    pub with_licence: usize,
    /// It is not, since they are not in the store.
    pub not_in_store: usize,
    /// They are there and do not say it.
    pub silent: usize,
}

/// A project in a bill.
#[derive(Debug)]
pub(super) struct BilledProject {
    pub(super) reference: String,
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) is_complete: bool,
    /// Positions in the list of components, and what each is for; sorted.
    pub(super) needs: Vec<(usize, Scope)>,
}

/// A component in a bill.
#[derive(Debug)]
pub(super) struct Billed {
    /// Its purl; where several have it, with their number.
    pub(super) reference: String,
    pub(super) component: Component,
}

/// What is one component: the same purl may be said of different bytes.
type Identity = (String, Vec<Digest>);

impl Bill {
    /// The bill of these projects.
    pub fn new(projects: &[Project<'_>]) -> Self {
        let mut all: BTreeMap<Identity, Component> = BTreeMap::new();
        let mut needs: Vec<BTreeMap<Identity, Scope>> = Vec::new();
        for project in projects {
            let mut own: BTreeMap<Identity, Scope> = BTreeMap::new();
            for described in &project.artifacts {
                let component = Component::of(described);
                let identity = (component.purl.clone(), component.hashes.clone());
                let scope = own.entry(identity.clone()).or_insert(component.scope);
                *scope = component.scope.min(*scope);
                match all.get_mut(&identity) {
                    Some(known) => known.join(component),
                    None => drop(all.insert(identity, component)),
                }
            }
            needs.push(own);
        }
        let position: BTreeMap<Identity, usize> = all.keys().cloned().zip(0..).collect();
        let billed = |(number, (project, needs)): (usize, (&Project<'_>, BTreeMap<Identity, Scope>))| BilledProject {
            reference: format!("project-{}", number + 1),
            name: project.name.clone(),
            version: project.version.clone(),
            is_complete: project.is_complete,
            needs: needs.into_iter().map(|(identity, scope)| (position[&identity], scope)).collect(),
        };
        let components = referred(all.into_values());
        Self {
            uuid: uuid(projects, &components),
            projects: projects.iter().zip(needs).enumerate().map(billed).collect(),
            components,
        }
    }

    /// How many components there are, and what is known of their licences.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally { components: self.components.len(), ..Tally::default() };
        for Billed { component, .. } in &self.components {
            *match (&component.licence, component.is_stored) {
                (Some(_), _) => &mut tally.with_licence,
                (None, true) => &mut tally.silent,
                (None, false) => &mut tally.not_in_store,
            } += 1;
        }
        tally
    }

    /// The names of all projects.
    pub(super) fn name(&self) -> String {
        self.projects.iter().map(|project| project.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// Sorted as they come, those of one purl follow each other.
fn referred(components: impl Iterator<Item = Component>) -> Vec<Billed> {
    let mut all: Vec<Billed> = Vec::new();
    let mut same = 1;
    for component in components {
        let is_same = all.last().is_some_and(|last| last.component.purl == component.purl);
        same = if is_same { same + 1 } else { 1 };
        let number = if is_same { format!("#{same}") } else { String::new() };
        all.push(Billed { reference: format!("{}{number}", component.purl), component });
    }
    all
}

/// The same wherever it is made, whatever is known of licences.
fn uuid(projects: &[Project<'_>], components: &[Billed]) -> String {
    let digests = projects.iter().map(|project| &project.digest.as_bytes()[..]);
    uuid_of([FORM].into_iter().chain(digests).chain(components.iter().map(|billed| billed.reference.as_bytes())))
}
