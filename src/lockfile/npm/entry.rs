//! [`RawEntry`]: one entry of `package-lock.json` as its JSON states it, not yet classified.
//!
//! A value of a wrong type does not stop the parser: the entry keeps the problem, so that all bad entries can be reported at once.

use std::borrow::Cow;

use serde::de::{IgnoredAny, MapAccess};

use crate::lockfile::{
    error::EntryProblem,
    lenient::{Field, Flag, List, Members, Shaped, keep},
};

/// The two forms that npm has given its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `packages`: install path → entry.
    Flat,
    /// `dependencies`: name → entry, which has `dependencies` of its own.
    Nested,
}

/// An entry's fields as they stand.
#[derive(Debug, Default, PartialEq)]
pub(super) struct RawEntry<'a> {
    /// The install path.
    pub(super) path: Cow<'a, str>,
    pub(super) name: Field<'a>,
    pub(super) version: Field<'a>,
    pub(super) resolved: Field<'a>,
    pub(super) integrity: Field<'a>,
    /// `os`, `cpu` and `libc`; few entries have them.
    pub(super) limits: Option<Box<Limits>>,
    pub(super) optional_dependencies: Shaped<Members<'a, IgnoredAny>>,
    pub(super) link: Flag,
    pub(super) in_bundle: Flag,
    pub(super) bundled: Flag,
    pub(super) dev: Flag,
    pub(super) optional: Flag,
    pub(super) dev_optional: Flag,
    pub(super) peer: Flag,
    /// Whether it lists workspaces, as the root may.
    pub(super) has_workspaces: bool,
    /// Whether entries are nested in it.
    pub(super) has_children: bool,
    problem: Option<Box<EntryProblem>>,
}

/// Where an optional package runs.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Limits {
    pub(super) os: List,
    pub(super) cpu: List,
    pub(super) libc: List,
}

impl<'a> RawEntry<'a> {
    /// The entry of this path, before its fields are read.
    pub(super) fn at(path: Cow<'a, str>) -> Self {
        Self { path, ..Self::default() }
    }

    /// Reads the value of a key. What nests entries is read with them.
    pub(super) fn read<A: MapAccess<'a>>(&mut self, form: Form, key: &str, object: &mut A) -> Result<(), A::Error> {
        let problem = match key {
            "name" => keep(&mut self.name, object, "name")?,
            "version" => keep(&mut self.version, object, "version")?,
            "resolved" => keep(&mut self.resolved, object, "resolved")?,
            "integrity" => keep(&mut self.integrity, object, "integrity")?,
            "os" => keep(&mut self.limits_mut().os, object, "os")?,
            "cpu" => keep(&mut self.limits_mut().cpu, object, "cpu")?,
            "libc" => keep(&mut self.limits_mut().libc, object, "libc")?,
            "link" => keep(&mut self.link, object, "link")?,
            "inBundle" => keep(&mut self.in_bundle, object, "inBundle")?,
            "bundled" => keep(&mut self.bundled, object, "bundled")?,
            "dev" => keep(&mut self.dev, object, "dev")?,
            "optional" => keep(&mut self.optional, object, "optional")?,
            "devOptional" => keep(&mut self.dev_optional, object, "devOptional")?,
            "peer" => keep(&mut self.peer, object, "peer")?,
            "optionalDependencies" if form == Form::Flat => {
                self.optional_dependencies = object.next_value()?;
                None
            }
            _ => {
                object.next_value::<IgnoredAny>()?;
                self.has_workspaces |= key == "workspaces";
                None
            }
        };
        if let Some(problem) = problem {
            self.fail(problem);
        }
        Ok(())
    }

    fn limits_mut(&mut self) -> &mut Limits {
        self.limits.get_or_insert_default()
    }

    /// Whether it says that it is in another package's archive.
    pub(super) const fn is_in_bundle(&self) -> bool {
        self.in_bundle.is_set() || self.bundled.is_set()
    }

    /// The names below `optionalDependencies`; few entries have any.
    pub(super) fn optional_names(&self) -> impl Iterator<Item = &str> {
        self.optional_dependencies.object().into_iter().flat_map(Members::iter).map(|(name, _)| &**name)
    }

    /// Marks the entry as bad; the first problem is kept.
    pub(super) fn fail(&mut self, problem: EntryProblem) {
        self.problem.get_or_insert_with(|| Box::new(problem));
    }

    /// Why the entry is bad, if it is.
    pub(super) fn problem(&self) -> Option<&EntryProblem> {
        self.problem.as_deref()
    }
}
