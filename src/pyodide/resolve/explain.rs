//! Explains a conflict: pubgrub's proof that there is no solution, in sentences, each of its facts once, with the chain of dependents.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
};

use pep440_rs::Version;
use pubgrub::{DerivationTree, Derived, External, Ranges};

use super::{
    package::{Edge, Package, version_of},
    provider::Provider,
};

type Tree = DerivationTree<Package, Ranges<Version>, Rc<str>>;

/// Facts that a message lists: a proof may have hundreds, one for each version of a package.
const LISTED: usize = 20;

/// The facts of a proof.
pub(super) fn facts(provider: &Provider<'_>, tree: &Tree) -> Vec<String> {
    let explainer = Explainer { provider, looked_at: provider.looked_at() };
    let externals = externals(tree);
    // Of a project whose versions are spoken of, "there are no others" says nothing more.
    let spoken_of: BTreeSet<&Package> = externals
        .iter()
        .filter_map(|external| match external {
            External::Custom(package, ..) | External::FromDependencyOf(package, ..) => Some(package),
            External::NotRoot(..) | External::NoVersions(..) => None,
        })
        .collect();
    let mut facts: Vec<String> = Vec::new();
    // pubgrub ends with what the root asks for; a person begins there.
    for external in externals.iter().rev() {
        let is_repeat = matches!(external, External::NoVersions(package, _) if spoken_of.contains(package));
        let fact = if is_repeat { None } else { explainer.fact(external) };
        facts.extend(fact.filter(|fact| !facts.contains(fact)));
    }
    if let Some(more) = facts.len().checked_sub(LISTED).filter(|more| *more > 0) {
        facts.truncate(LISTED);
        facts.push(format!("and {more} more such facts"));
    }
    facts
}

/// The leaves of a proof, those of the first cause first, each node once.
fn externals(tree: &Tree) -> Vec<&External<Package, Ranges<Version>, Rc<str>>> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut stack = vec![tree];
    while let Some(tree) = stack.pop() {
        match tree {
            DerivationTree::External(external) => found.push(external),
            DerivationTree::Derived(Derived { shared_id, cause1, cause2, .. }) => {
                if shared_id.is_none_or(|id| seen.insert(id)) {
                    stack.push(cause2);
                    stack.push(cause1);
                }
            }
        }
    }
    found
}

struct Explainer<'a> {
    provider: &'a Provider<'a>,
    looked_at: Vec<(Package, Version, Vec<Edge>)>,
}

impl Explainer<'_> {
    /// A fact in a sentence; `None` if it says nothing to a person.
    fn fact(&self, external: &External<Package, Ranges<Version>, Rc<str>>) -> Option<String> {
        match external {
            External::NotRoot(..) => None,
            External::Custom(package, versions, reason) => {
                let reason = reason.trim_end_matches('.');
                Some(format!("{} cannot be used: {reason}", self.named(package, versions)))
            }
            External::NoVersions(package, range) => self.nothing_in(package, range),
            External::FromDependencyOf(from, versions, to, _) => {
                // That an extra needs its project is plain.
                (from.name() != to.name()).then(|| self.need(from, versions, to)).flatten()
            }
        }
    }

    fn need(&self, from: &Package, versions: &Ranges<Version>, to: &Package) -> Option<String> {
        let texts: BTreeSet<&str> = self
            .looked_at
            .iter()
            .filter(|(package, version, _)| package == from && versions.contains(version))
            .flat_map(|(.., edges)| edges.iter().filter(|edge| edge.to == *to).map(|edge| &*edge.text))
            .collect();
        let texts: Vec<String> = texts.into_iter().map(|text| format!("`{text}`")).collect();
        if texts.is_empty() {
            return None;
        }
        Some(match from {
            Package::Root => format!("larder.toml asks for {}", texts.join(" and ")),
            _ => {
                format!("{} needs {}{}", self.named(from, versions), texts.join(" or "), in_brackets(self.chain(from)))
            }
        })
    }

    fn nothing_in(&self, package: &Package, range: &Ranges<Version>) -> Option<String> {
        let name = package.name()?;
        if let Some(distributed) = self.provider.in_distribution(name) {
            let version = version_of(distributed);
            let accepts = |edge: &Edge| edge.to != *package || edge.range.contains(&version);
            let chain = self.chain_through(package, accepts);
            let runtime = self.provider.request.runtime.version();
            return Some(format!(
                "the distribution of Pyodide {runtime} has {name} {}{}",
                distributed.version,
                in_brackets(chain)
            ));
        }
        let candidates = self.provider.candidates(name).ok()?;
        let of_distribution = self.provider.request.distribution.get(name.as_str());
        let beside = of_distribution.map(|package| format!("; the distribution has {}", package.version));
        Some(format!("{name}: {}{}", candidates.instead_of(range), beside.unwrap_or_default()))
    }

    /// A package and those of its versions that were looked at: `a 1.0`, `a 1.0 to 2.1`.
    fn named(&self, package: &Package, versions: &Ranges<Version>) -> String {
        let distributed = package.name().and_then(|name| self.provider.in_distribution(name));
        if let Some(distributed) = distributed {
            return format!("{package} {}", distributed.version);
        }
        let candidates = package.name().and_then(|name| self.provider.candidates(name).ok());
        let known: Vec<&Version> = candidates
            .iter()
            .flat_map(|candidates| candidates.by_version.keys())
            .filter(|version| versions.contains(version))
            .collect();
        match known[..] {
            [] => package.to_string(),
            [only] => format!("{package} {only}"),
            [first, .., last] => format!("{package} {first} to {last}"),
        }
    }

    fn chain(&self, to: &Package) -> Option<String> {
        self.chain_through(to, |_| true)
    }

    /// The shortest way from `larder.toml` to a package over edges that are accepted: `larder.toml → a → b`.
    fn chain_through(&self, to: &Package, accepts: impl Fn(&Edge) -> bool) -> Option<String> {
        let mut before: BTreeMap<&Package, &Package> = BTreeMap::new();
        let mut queue = VecDeque::from([&Package::Root]);
        while let Some(from) = queue.pop_front() {
            let edges = self.looked_at.iter().filter(|(package, ..)| package == from).flat_map(|(.., edges)| edges);
            for edge in edges.filter(|edge| accepts(edge)) {
                if edge.to != Package::Root && !before.contains_key(&edge.to) {
                    before.insert(&edge.to, from);
                    queue.push_back(&edge.to);
                }
            }
        }
        let mut chain = vec![to.to_string()];
        let mut at = to;
        while let Some(from) = before.get(at) {
            chain.push(from.to_string());
            at = from;
        }
        chain.reverse();
        (chain.len() > 1).then(|| chain.join(" → "))
    }
}

fn in_brackets(chain: Option<String>) -> String {
    chain.map(|chain| format!(" ({chain})")).unwrap_or_default()
}
