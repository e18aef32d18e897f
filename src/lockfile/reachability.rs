//! Which packages a project's dependencies lead to: one walk over the graph that a lockfile describes, for the groups that it does not state.

use std::{collections::HashSet, hash::Hash};

/// Everything that the roots lead to, themselves included. `add` puts what a node leads to at the list's end.
pub(super) fn reachable<N: Copy + Eq + Hash>(roots: Vec<N>, mut add: impl FnMut(N, &mut Vec<N>)) -> HashSet<N> {
    let mut reached = HashSet::new();
    let mut left = roots;
    while let Some(node) = left.pop() {
        if reached.insert(node) {
            add(node, &mut left);
        }
    }
    reached
}

/// Which packages are installed only for a group, by their keys.
#[derive(Debug, Default)]
pub(super) struct Reachability<'a> {
    /// Those that are installed at all.
    pub(super) installed: HashSet<&'a str>,
    /// Those that are installed without development dependencies.
    pub(super) outside_development: HashSet<&'a str>,
    /// Those that are installed without optional dependencies.
    pub(super) needed: HashSet<&'a str>,
}

impl Reachability<'_> {
    /// Whether development dependencies alone lead to the package. What nothing leads to counts as needed.
    pub(super) fn is_dev(&self, key: &str) -> bool {
        self.installed.contains(key) && !self.outside_development.contains(key)
    }

    /// Whether optional dependencies alone lead to it.
    pub(super) fn is_optional(&self, key: &str) -> bool {
        self.installed.contains(key) && !self.needed.contains(key)
    }
}
