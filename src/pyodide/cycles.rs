//! Dependency cycles: finds them and breaks them at their back edges, since Pyodide's loader waits forever on a cycle. Pure.
//!
//! The loader installs a package after its dependencies, so a cycle never ends. Python itself allows cycles: only the order of installing is a problem. A depth-first
//! walk starts at the requested packages. A back edge is a dependency on a package that the walk has entered and not yet left; removing it breaks the cycle.

use std::collections::{BTreeMap, BTreeSet};

use crate::python::name::ProjectName;

/// What each package needs.
pub(super) type Graph = BTreeMap<ProjectName, Vec<ProjectName>>;

/// A dependency that closes a cycle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BackEdge {
    /// The package that has it.
    pub from: ProjectName,
    /// The package that it is on.
    pub to: ProjectName,
    /// The whole cycle, from `to` to `from`.
    pub cycle: Vec<ProjectName>,
}

/// A requested package that no longer leads to all that it led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The package.
    pub root: ProjectName,
    /// What has to be requested beside it, sorted.
    pub lost: Vec<ProjectName>,
}

/// The dependencies without which there is no cycle, in the order in which a walk from the roots, and then from all else, meets them. That a package needs
/// itself is one, too. What is no key of the graph is passed over.
pub(super) fn back_edges(graph: &Graph, roots: &[ProjectName]) -> Vec<BackEdge> {
    let mut found = Vec::new();
    let mut done = BTreeSet::new();
    for root in roots.iter().chain(graph.keys()) {
        walk(graph, root, &mut done, &mut found);
    }
    found
}

fn walk<'a>(graph: &'a Graph, root: &'a ProjectName, done: &mut BTreeSet<&'a ProjectName>, found: &mut Vec<BackEdge>) {
    let Some((root, needs)) = graph.get_key_value(root) else { return };
    if done.contains(root) {
        return;
    }
    // The packages that are being gone through, each with what of its dependencies is left.
    let mut path = vec![(root, needs.iter())];
    let mut on_path = BTreeSet::from([root]);
    while let Some((name, rest)) = path.last_mut() {
        let name = *name;
        let Some(next) = rest.next() else {
            path.pop();
            on_path.remove(name);
            done.insert(name);
            continue;
        };
        if on_path.contains(next) {
            let cycle = path.iter().map(|(name, _)| (*name).clone()).skip_while(|name| name != next).collect();
            found.push(BackEdge { from: name.clone(), to: next.clone(), cycle });
        } else if let Some((next, needs)) = graph.get_key_value(next)
            && !done.contains(next)
        {
            path.push((next, needs.iter()));
            on_path.insert(next);
        }
    }
}

/// The graph without these dependencies.
#[must_use]
pub(super) fn without(graph: &Graph, cut: &[BackEdge]) -> Graph {
    let is_cut = |from: &ProjectName, to: &ProjectName| cut.iter().any(|edge| edge.from == *from && edge.to == *to);
    let keep = |name: &ProjectName, needs: &[ProjectName]| {
        needs.iter().filter(|need| !is_cut(name, need)).cloned().collect::<Vec<_>>()
    };
    graph.iter().map(|(name, needs)| (name.clone(), keep(name, needs))).collect()
}

/// The roots that lead to less in `after` than in `before`.
pub(super) fn losses(before: &Graph, after: &Graph, roots: &[ProjectName]) -> Vec<Loss> {
    let losses = roots.iter().map(|root| {
        let (whole, left) = (reached(before, root), reached(after, root));
        Loss { root: root.clone(), lost: whole.difference(&left).map(|name| (*name).clone()).collect() }
    });
    losses.filter(|loss| !loss.lost.is_empty()).collect()
}

/// A package and all that it needs.
fn reached<'a>(graph: &'a Graph, root: &'a ProjectName) -> BTreeSet<&'a ProjectName> {
    let mut reached = BTreeSet::new();
    let mut next = vec![root];
    while let Some(name) = next.pop() {
        if reached.insert(name) {
            next.extend(graph.get(name).into_iter().flatten());
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ProjectName {
        ProjectName::parse(text).unwrap()
    }

    fn names(text: &str) -> Vec<ProjectName> {
        text.split_whitespace().map(name).collect()
    }

    /// `a: b c, b: a`.
    fn graph(text: &str) -> Graph {
        let packages = text.split(',').map(|package| package.split_once(':').unwrap());
        packages.map(|(package, needs)| (name(package.trim()), names(needs))).collect()
    }

    fn edges(graph: &Graph, roots: &str) -> String {
        let found = back_edges(graph, &names(roots));
        found.iter().map(|edge| format!("{}>{}", edge.from, edge.to)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_graph_without_cycles_loses_nothing() {
        let diamond = graph("a: b c, b: d, c: d, d:");
        assert_eq!(back_edges(&diamond, &names("a")), []);
        assert_eq!(without(&diamond, &[]), diamond);
    }

    #[test]
    fn a_cycle_is_broken_where_the_walk_comes_back() {
        let pair = graph("fixtures: testtools, testtools: fixtures");
        assert_eq!(edges(&pair, "testtools"), "fixtures>testtools");
        assert_eq!(edges(&pair, "fixtures"), "testtools>fixtures");
        assert_eq!(edges(&pair, ""), "testtools>fixtures");
        let cut = back_edges(&pair, &names("testtools"));
        assert_eq!(cut[0].cycle, names("testtools fixtures"));
        assert_eq!(without(&pair, &cut), graph("fixtures: , testtools: fixtures"));
    }

    #[test]
    fn the_root_still_leads_to_all_and_another_root_is_named() {
        let pair = graph("fixtures: testtools six, testtools: fixtures, six:");
        let after = without(&pair, &back_edges(&pair, &names("testtools")));
        assert_eq!(losses(&pair, &after, &names("testtools")), []);
        let loss = Loss { root: name("fixtures"), lost: names("testtools") };
        assert_eq!(losses(&pair, &after, &names("testtools fixtures")), [loss]);
    }

    #[test]
    fn several_cycles_that_share_packages_are_all_broken() {
        let knot = graph("a: b c, b: c a, c: a b, d: d");
        let cut = back_edges(&knot, &names("a"));
        assert_eq!(edges(&knot, "a"), "c>a c>b b>a d>d");
        assert_eq!(back_edges(&without(&knot, &cut), &names("a")), []);
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_needs_no_deep_stack() {
        let link = |number: u32| name(&format!("p{number}"));
        let mut chain: Graph = (0..100_000).map(|number| (link(number), vec![link(number + 1)])).collect();
        chain.insert(link(100_000), vec![link(0)]);
        assert_eq!(back_edges(&chain, &[link(0)]).len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_left_is_a_cycle_and_the_first_root_leads_to_all(
            needs in proptest::collection::vec(proptest::collection::vec(0usize..12, 0..5), 12),
            root in 0usize..12,
        ) {
            let of = |number: usize| name(&format!("p{number}"));
            let graph: Graph =
                needs.iter().enumerate().map(|(at, needs)| (of(at), needs.iter().map(|need| of(*need)).collect())).collect();
            let roots = [of(root)];
            let after = without(&graph, &back_edges(&graph, &roots));
            proptest::prop_assert_eq!(back_edges(&after, &roots), []);
            proptest::prop_assert_eq!(losses(&graph, &after, &roots), []);
        }
    }
}
