//! Wishes, one for each file that is wanted, and orders, one for each that is missing.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use larder_store::{
    look_up::{Key, Wanted},
    receipt::Origin,
};

use super::{Failure, FailureKind};
use crate::{
    address::{Address, addresses_of, identity_of, named_registry, packument_below, packument_url},
    artifact::{Ecosystem, Source},
    larder_toml::LarderToml,
    npmrc::NpmConfig,
    plan::{EntryName, Plan, Planned},
    redacted::redact,
    selection::{Selection, Verdict},
};
use url::Url;

/// One file, and the artifacts of the plan that it is: more than one where several packages have the same bytes.
#[derive(Clone, Debug)]
pub struct Order {
    /// How the store knows it.
    pub wanted: Wanted,
    /// The artifacts, at least one.
    pub artifacts: Vec<Ordered>,
    /// Where it can be had: in this order, without repeats.
    pub addresses: Vec<Address>,
    /// Where the registry describes the package, if it is a registry's and the lockfile leaves its address or its digest open.
    pub packument: Option<Url>,
    /// Whether its addresses are guesses, since the lockfile states none: the packument knows better.
    pub is_address_built: bool,
    /// What its receipt will say.
    pub origins: Vec<Origin>,
}

/// An artifact of an order.
#[derive(Clone, Debug)]
pub struct Ordered {
    /// `react 18.2.0`.
    pub package: Arc<str>,
    /// What kind of package it is.
    pub ecosystem: Ecosystem,
    /// The package's name.
    pub name: Arc<str>,
    /// Its version.
    pub version: Arc<str>,
    /// The lockfile entries that name it.
    pub entries: Vec<EntryName>,
}

/// A file that is wanted, before it is known whether it is here: where it can be had is worked out only if it is not.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// How the store knows it.
    pub wanted: Wanted,
    of: WishOf<'a>,
}

#[derive(Clone, Debug)]
enum WishOf<'a> {
    /// Artifacts of a plan, at least one.
    Planned(Vec<&'a Planned>),
    /// An order that was there before.
    Ready(Box<Order>),
}

/// What is wanted, and what is needed to order it.
#[derive(Debug, Default)]
pub struct Wishes<'a> {
    /// In the plan's order, the large ones first as far as can be told.
    pub wishes: Vec<Wish<'a>>,
    /// What cannot even be ordered.
    pub failures: Vec<Failure>,
    configurations: HashMap<&'a str, &'a NpmConfig>,
    settings: Option<&'a LarderToml>,
}

/// How many artifacts of a plan were not selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct LeftOut {
    /// For other platforms.
    pub other_platforms: usize,
    /// Of omitted groups.
    pub omitted: usize,
}

impl Order {
    /// Whether the lockfile states no digest.
    pub fn lacks_integrity(&self) -> bool {
        matches!(self.wanted, Wanted::Identity(_))
    }

    /// Whether a registry describes the package, and has to be asked.
    pub fn is_in_registry(&self) -> bool {
        self.packument.is_some()
    }

    /// The failure of each of its artifacts.
    pub fn failures(&self, kind: &FailureKind) -> impl Iterator<Item = Failure> {
        self.artifacts.iter().map(|artifact| Failure {
            package: Arc::clone(&artifact.package),
            ecosystem: artifact.ecosystem,
            entries: artifact.entries.clone(),
            kind: kind.clone(),
        })
    }
}

impl Wish<'_> {
    /// How many artifacts it is.
    pub fn artifacts(&self) -> usize {
        match &self.of {
            WishOf::Planned(planned) => planned.len(),
            WishOf::Ready(order) => order.artifacts.len(),
        }
    }
}

impl<'a> Wish<'a> {
    /// The artifacts of a plan that it is; none for an order that was there before.
    pub fn planned(&self) -> &[&'a Planned] {
        match &self.of {
            WishOf::Planned(planned) => planned,
            WishOf::Ready(_) => &[],
        }
    }
}

impl From<Order> for Wish<'_> {
    fn from(order: Order) -> Self {
        Self { wanted: order.wanted.clone(), of: WishOf::Ready(Box::new(order)) }
    }
}

impl<'a> Wishes<'a> {
    /// What is wanted of the selected part of a plan, and how much was not selected. `configurations` are those of the lockfiles, by name.
    pub fn of(
        plan: &'a Plan,
        selection: &Selection,
        configurations: HashMap<&'a str, &'a NpmConfig>,
        settings: &'a LarderToml,
    ) -> (Self, LeftOut) {
        let mut left_out = LeftOut::default();
        let selected = selected_first_large(plan, selection, &mut left_out);
        let mut wishes = Self::of_artifacts(selected, configurations, settings);
        wishes.failures.extend(plan.unfetchable().iter().map(|entry| Failure {
            package: entry.unfetchable.name.as_str().into(),
            ecosystem: Ecosystem::Npm,
            entries: vec![entry.entry.clone()],
            kind: FailureKind::Unfetchable(entry.unfetchable.reason.clone()),
        }));
        (wishes, left_out)
    }

    /// Leaves out what is for another kind of package manager.
    #[must_use]
    pub fn for_ecosystem(mut self, ecosystem: Ecosystem) -> Self {
        self.wishes.retain(|wish| match &wish.of {
            WishOf::Planned(planned) => planned.iter().any(|planned| planned.artifact.ecosystem == ecosystem),
            WishOf::Ready(_) => true,
        });
        self.failures.retain(|failure| failure.ecosystem == ecosystem);
        self
    }

    /// These artifacts are wanted, whatever else the plan has.
    pub fn of_artifacts(
        artifacts: impl IntoIterator<Item = &'a Planned>,
        configurations: HashMap<&'a str, &'a NpmConfig>,
        settings: &'a LarderToml,
    ) -> Self {
        let mut wishes = Self { configurations, settings: Some(settings), ..Self::default() };
        let mut by_wanted: HashMap<Vec<Key>, usize> = HashMap::new();
        for planned in artifacts {
            let wanted = match &planned.artifact.integrity {
                Some(integrity) => Wanted::Integrity(integrity.clone()),
                None => match wishes.order_of(planned) {
                    Ok(order) => order.wanted,
                    Err(failure) => {
                        wishes.failures.push(failure);
                        continue;
                    }
                },
            };
            match by_wanted.entry(wanted.keys()) {
                Entry::Occupied(at) => wishes.wishes[*at.get()].join(&wanted, planned),
                Entry::Vacant(at) => {
                    at.insert(wishes.wishes.len());
                    wishes.wishes.push(Wish { wanted, of: WishOf::Planned(vec![planned]) });
                }
            }
        }
        wishes
    }

    /// How many artifacts are wanted, those that cannot be ordered included.
    pub fn artifacts(&self) -> usize {
        self.failures.len() + self.wishes.iter().map(Wish::artifacts).sum::<usize>()
    }

    /// The order for a wish. What has no address that can be asked comes back as the failure of all its artifacts.
    pub(super) fn order(&self, wish: &Wish<'_>) -> Result<Order, Vec<Failure>> {
        let planned = match &wish.of {
            WishOf::Planned(planned) => planned,
            WishOf::Ready(order) => return Ok((**order).clone()),
        };
        let (orders, failures): (Vec<_>, Vec<_>) =
            planned.iter().map(|planned| self.order_of(planned)).partition(Result::is_ok);
        if !failures.is_empty() {
            return Err(failures.into_iter().filter_map(Result::err).collect());
        }
        let mut orders = orders.into_iter().flatten();
        let mut order = orders.next().expect("a wish is at least one artifact");
        orders.for_each(|other| order.join(other));
        order.wanted = wish.wanted.clone();
        Ok(order)
    }

    fn order_of(&self, planned: &Planned) -> Result<Order, Failure> {
        let npm = self.configurations[&*planned.entries[0].lockfile];
        let settings = self.settings.expect("set together with the configurations");
        order_of(planned, npm, settings).map_err(|error| Failure {
            package: planned.artifact.to_string().into(),
            ecosystem: planned.artifact.ecosystem,
            entries: planned.entries.clone(),
            kind: FailureKind::Address(error.into()),
        })
    }
}

impl<'a> Wish<'a> {
    /// Takes over an artifact with the same bytes.
    fn join(&mut self, other: &Wanted, planned: &'a Planned) {
        if let (Wanted::Integrity(ours), Wanted::Integrity(theirs)) = (&self.wanted, other) {
            self.wanted = Wanted::Integrity(ours.union(theirs));
        }
        if let WishOf::Planned(all) = &mut self.of {
            all.push(planned);
        }
    }
}

/// Packages of one platform hold native programs, which are large. Started last, one would be waited for alone.
fn selected_first_large<'a>(
    plan: &'a Plan,
    selection: &Selection,
    left_out: &mut LeftOut,
) -> impl Iterator<Item = &'a Planned> {
    let (mut large, mut others) = (Vec::new(), Vec::new());
    for planned in plan.artifacts() {
        let conditions = &planned.artifact.conditions;
        match selection.verdict(conditions) {
            Verdict::Wanted if conditions.os.is_empty() && conditions.cpu.is_empty() => others.push(planned),
            Verdict::Wanted => large.push(planned),
            Verdict::OtherPlatform => left_out.other_platforms += 1,
            Verdict::Omitted => left_out.omitted += 1,
        }
    }
    large.into_iter().chain(others)
}

fn order_of(planned: &Planned, npm: &NpmConfig, settings: &LarderToml) -> Result<Order, crate::address::AddressError> {
    let artifact = &planned.artifact;
    let addresses = addresses_of(artifact, npm, settings)?;
    let address = &addresses[0];
    let (packument, is_address_built) = match &artifact.source {
        // Only where something is left open: an address for each of thousands takes milliseconds.
        Source::Registry { resolved } if resolved.is_none() || artifact.integrity.is_none() => {
            (Some(packument_url(&artifact.name, npm)), resolved.is_none())
        }
        Source::Named { registry } => {
            (Some(packument_below(named_registry(artifact, registry, npm)?, &artifact.name)), true)
        }
        _ => (None, false),
    };
    let identity = artifact.integrity.is_none().then(|| identity_of(artifact, address));
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
    let ordered = Ordered {
        package: artifact.to_string().into(),
        ecosystem: artifact.ecosystem,
        name: artifact.name.as_str().into(),
        version: artifact.version.as_str().into(),
        entries: planned.entries.clone(),
    };
    Ok(Order { wanted, artifacts: vec![ordered], addresses, packument, is_address_built, origins: vec![origin] })
}

/// The address for the receipt: the first that is neither a folder of this machine nor an archive. A query can hold a signature, and is left out; that of a forge names the
/// commit.
fn shown_address(source: &Source, addresses: &[Address]) -> Option<String> {
    let is_the_files = |address: &&Address| address.url.scheme() != "file" && address.member.is_none();
    let url = &addresses.iter().find(is_the_files)?.url;
    Some(match source {
        Source::Git { .. } => url.to_string(),
        _ => redact(url),
    })
}

impl Order {
    /// Takes over an artifact with the same bytes.
    fn join(&mut self, other: Self) {
        self.artifacts.extend(other.artifacts);
        for address in other.addresses {
            if !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
        }
        self.origins.extend(other.origins);
    }
}
