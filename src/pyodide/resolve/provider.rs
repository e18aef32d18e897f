//! [`Provider`]: the dependency provider of pubgrub: which version to try next, and what it needs.

use std::{
    cell::RefCell,
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use pep440_rs::Version;
use pep508_rs::MarkerEnvironment;
use pubgrub::{
    Dependencies, DependencyConstraints, DependencyProvider, PackageResolutionStatistics, Ranges, SelectedDependencies,
};

use super::{
    candidates::{Candidate, Candidates, Rules},
    package::{Constraints, Edge, Package, root_version, version_of},
    request::Request,
    resolution::{ResolveError, ResolvedFile},
};
use crate::{
    pyodide::{
        distribution::DistributionPackage,
        index::{Index, IndexError},
    },
    python::{metadata::Metadata, name::ProjectName, requirement::Requirement},
};

/// So many versions of a project were tried before several are asked for at once.
const FIRST_BATCH: usize = 4;

type Needs = Result<Rc<[Edge]>, Rc<str>>;

/// Answers pubgrub, and remembers what it answered.
pub(super) struct Provider<'a> {
    pub(super) request: Request<'a>,
    index: &'a dyn Index,
    rules: Rules,
    markers: MarkerEnvironment,
    candidates: RefCell<HashMap<ProjectName, Rc<Candidates>>>,
    needs: RefCell<BTreeMap<(Package, Version), Needs>>,
    asked: RefCell<HashMap<ProjectName, Constraints>>,
    chosen: RefCell<HashMap<ProjectName, Version>>,
    /// How many versions of a project were tried.
    tried: RefCell<HashMap<ProjectName, usize>>,
    /// When a package was first heard of.
    order: RefCell<HashMap<Package, usize>>,
    unknown_extras: RefCell<BTreeMap<(Package, Version), String>>,
}

impl<'a> Provider<'a> {
    pub(super) fn new(request: Request<'a>, index: &'a dyn Index) -> Self {
        let rules = Rules {
            tags: request.runtime.tags(),
            python: request.runtime.python().only_release(),
            exclude_newer: request.exclude_newer,
        };
        Self {
            request,
            index,
            rules,
            markers: request.runtime.markers(),
            candidates: RefCell::default(),
            needs: RefCell::default(),
            asked: RefCell::default(),
            chosen: RefCell::default(),
            tried: RefCell::default(),
            order: RefCell::default(),
            unknown_extras: RefCell::default(),
        }
    }

    /// Names all projects that `larder.toml` asks for and nobody has.
    pub(super) fn check_requested(&self) -> Result<(), ResolveError> {
        let of_index: Vec<ProjectName> = self.requested().map(Requirement::name).cloned().collect();
        let of_index: Vec<ProjectName> =
            of_index.into_iter().filter(|name| self.in_distribution(name).is_none()).collect();
        self.index.expect(&of_index);
        let mut packages = Vec::new();
        for name in of_index {
            let candidates = self.candidates(&name)?;
            let is_new = packages.iter().all(|(known, _)| *known != name);
            if candidates.by_version.is_empty() && is_new {
                let distributed = self.request.distribution.get(name.as_str());
                let reason = candidates.absence(distributed.map(|package| package.version.as_str()));
                packages.push((name, reason));
            }
        }
        if packages.is_empty() { Ok(()) } else { Err(ResolveError::Unavailable { packages }) }
    }

    /// What `larder.toml` asks for in this runtime.
    fn requested(&self) -> impl Iterator<Item = &'a Requirement> {
        self.request.requirements.iter().filter(|requirement| requirement.holds(&self.markers, None))
    }

    /// The distribution's package, unless `larder.toml` itself asks for another version of it.
    pub(super) fn in_distribution(&self, name: &ProjectName) -> Option<&'a DistributionPackage> {
        let package = self.request.distribution.get(name.as_str())?;
        let version = version_of(package);
        let is_fit = self.requested().filter(|one| one.name() == name).all(|one| one.range().contains(&version));
        is_fit.then_some(package)
    }

    pub(super) fn candidates(&self, name: &ProjectName) -> Result<Rc<Candidates>, IndexError> {
        if let Some(known) = self.candidates.borrow().get(name) {
            return Ok(Rc::clone(known));
        }
        let files = self.index.files(name)?;
        let files = files.as_deref().map(Vec::as_slice);
        let candidates = Rc::new(Candidates::new(name, files, &self.rules));
        self.candidates.borrow_mut().insert(name.clone(), Rc::clone(&candidates));
        Ok(candidates)
    }

    /// The newest candidate in the range that may be chosen.
    fn choose(&self, name: &ProjectName, range: &Ranges<Version>) -> Result<Option<Version>, IndexError> {
        if let Some(package) = self.in_distribution(name) {
            return Ok(Some(version_of(package)).filter(|version| range.contains(version)));
        }
        let candidates = self.candidates(name)?;
        let preferred = self.request.preferred.get(name);
        if let Some(version) = preferred.filter(|version| range.contains(version))
            && candidates.by_version.contains_key(version)
        {
            return Ok(Some(version.clone()));
        }
        let asked = self.asked.borrow();
        let asked = asked.get(name);
        let may_be_chosen = |version: &Version, candidate: &Candidate| {
            let pins = asked.map_or(&[][..], |asked| &asked.pins);
            let is_pinned = pins.iter().any(|pin| pin.contains(version));
            let is_stable = !version.any_prerelease();
            (!candidate.file.is_yanked || is_pinned)
                && (is_stable || asked.is_some_and(|asked| asked.accepts_prerelease(version, &candidates)))
        };
        let newest = candidates.by_version.iter().rev().filter(|(version, _)| range.contains(version));
        let mut newest = newest.filter(|(version, candidate)| may_be_chosen(version, candidate));
        let chosen = newest.next().map(|(version, _)| version.clone());
        self.expect_older(name, newest.map(|(_, candidate)| candidate));
        Ok(chosen)
    }

    /// A project whose versions are refused one after another would be asked for one after another: the more were tried, the more are expected to be.
    fn expect_older<'c>(&self, name: &ProjectName, older: impl Iterator<Item = &'c Candidate>) {
        let mut tried = self.tried.borrow_mut();
        let tried = tried.entry(name.clone()).or_default();
        *tried += 1;
        if *tried >= FIRST_BATCH && tried.is_power_of_two() {
            let older: Vec<_> = older.take(*tried).map(|candidate| candidate.file.clone()).collect();
            self.index.expect_metadata(&older);
        }
    }

    /// What a version needs, or why it cannot be used.
    fn needs(&self, package: &Package, version: &Version) -> Result<Needs, IndexError> {
        let key = (package.clone(), version.clone());
        if let Some(known) = self.needs.borrow().get(&key) {
            return Ok(known.clone());
        }
        let needs = match package {
            Package::Root => Ok(self.edges_of(package, self.requested())),
            Package::Project(name) => match self.in_distribution(name) {
                Some(distributed) => Ok(distributed.depends.iter().map(Edge::any).collect()),
                None => self.metadata(name, version)?.map(|metadata| {
                    let holding = metadata.requires.iter().filter(|one| one.holds(&self.markers, None));
                    self.edges_of(package, holding)
                }),
            },
            Package::Extra(name, extra) => {
                self.extra_metadata(name, version)?.map(|metadata| self.edges_of_extra(&key, name, extra, &metadata))
            }
        };
        let needs: Needs = needs.map(Rc::from).map_err(Rc::from);
        for edge in needs.iter().flat_map(|edges| edges.iter()) {
            let next = self.order.borrow().len();
            self.order.borrow_mut().entry(edge.to.clone()).or_insert(next);
        }
        self.needs.borrow_mut().insert(key, needs.clone());
        Ok(needs)
    }

    fn edges_of_extra(
        &self,
        key: &(Package, Version),
        name: &ProjectName,
        extra: &ProjectName,
        metadata: &Metadata,
    ) -> Vec<Edge> {
        let (package, version) = key;
        let is_provided = metadata.extras.iter().any(|one| ProjectName::parse(one).as_ref() == Ok(extra));
        if !is_provided {
            let warning = format!("{name} {version} has no extra `{extra}`");
            self.unknown_extras.borrow_mut().insert(key.clone(), warning);
        }
        let itself = Edge {
            to: Package::Project(name.clone()),
            range: Ranges::singleton(version.clone()),
            text: format!("{name}=={version}").into(),
        };
        let holding = metadata
            .requires
            .iter()
            .filter(|one| one.holds(&self.markers, Some(extra)) && !one.holds(&self.markers, None));
        [itself].into_iter().chain(self.edges_of(package, holding)).collect()
    }

    /// The edges that requirements are: to the project, and to each extra.
    fn edges_of<'r>(&self, from: &Package, requirements: impl Iterator<Item = &'r Requirement>) -> Vec<Edge> {
        let mut edges = Vec::new();
        for requirement in requirements {
            let (name, range) = (requirement.name(), requirement.range());
            self.ask(requirement, &range);
            let extras = requirement.extras().iter().map(|extra| Package::Extra(name.clone(), extra.clone()));
            for to in [Package::Project(name.clone())].into_iter().chain(extras) {
                // A project may need an extra of its own, and says so with its own name.
                if to != *from && (from.name() != Some(name) || !matches!(to, Package::Project(_))) {
                    edges.push(Edge { to, range: range.clone(), text: requirement.to_string().into() });
                }
            }
        }
        edges
    }

    /// Notes what is asked of a project.
    fn ask(&self, requirement: &Requirement, range: &Ranges<Version>) {
        let mut all = self.asked.borrow_mut();
        let asked = all.entry(requirement.name().clone()).or_default();
        asked.is_for_prereleases |= requirement.asks_for_prereleases();
        if requirement.is_pin() {
            asked.pins.push(range.clone());
        }
        if !asked.ranges.contains(range) {
            asked.ranges.push(range.clone());
        }
    }

    /// The metadata of a wheel, or why the version cannot be used.
    fn metadata(&self, name: &ProjectName, version: &Version) -> Result<Result<Rc<Metadata>, String>, IndexError> {
        let candidates = self.candidates(name)?;
        let candidate = &candidates.by_version[version];
        let metadata = match self.index.metadata(&candidate.file) {
            Ok(metadata) => Rc::new((*metadata).clone()),
            Err(IndexError::Archive { source, .. }) => {
                return Ok(Err(format!("{}: {source}", candidate.file.file_name)));
            }
            Err(error) => return Err(error),
        };
        let is_of_project = ProjectName::parse(&metadata.name).as_ref() == Ok(name);
        if !is_of_project || metadata.version.parse::<Version>().as_ref() != Ok(version) {
            let stated = format!("{} {}", metadata.name.escape_debug(), metadata.version.escape_debug());
            return Ok(Err(format!("{} says inside that it is {stated}", candidate.file.file_name)));
        }
        if !self.rules.accepts_python(metadata.requires_python.as_deref()) {
            let stated = metadata.requires_python.as_deref().unwrap_or_default();
            return Ok(Err(format!("it needs Python {stated}, and the runtime has {}", self.rules.python)));
        }
        if let Some(unreadable) = &metadata.unreadable {
            return Ok(Err(format!("it needs `{}`, which is not a valid requirement", unreadable.escape_debug())));
        }
        Ok(Ok(metadata))
    }

    /// The metadata that says what an extra needs. A distribution's lock does not; the same version in the index does, whatever platform it is for.
    fn extra_metadata(
        &self,
        name: &ProjectName,
        version: &Version,
    ) -> Result<Result<Rc<Metadata>, String>, IndexError> {
        if self.in_distribution(name).is_none() {
            return self.metadata(name, version);
        }
        let files = self.index.files(name)?;
        let mut wheels: Vec<_> = files
            .iter()
            .flat_map(|files| files.iter())
            .filter_map(|file| {
                let wheel = crate::python::wheel_name::WheelName::parse(&file.file_name).ok()?;
                let rank = self.rules.tags.rank(&wheel);
                (wheel.name() == name && wheel.version() == version).then_some((rank.is_none(), rank, file))
            })
            .collect();
        wheels.sort_by(|a, b| (a.0, a.1, &a.2.file_name).cmp(&(b.0, b.1, &b.2.file_name)));
        match wheels.first() {
            Some((.., file)) => Ok(Ok(Rc::new((*self.index.metadata(file)?).clone()))),
            None => Ok(Err(format!(
                "the distribution does not say what the extras of {name} {version} need, and the index has no wheel of it"
            ))),
        }
    }

    /// What a version that was selected needs.
    pub(super) fn edges(&self, package: &Package, version: &Version) -> Vec<Edge> {
        let needs = self.needs.borrow();
        let known = needs.get(&(package.clone(), version.clone()));
        known.and_then(|needs| needs.as_ref().ok()).map(|edges| edges.to_vec()).unwrap_or_default()
    }

    /// All versions that were looked at, in order, with what each needs.
    pub(super) fn looked_at(&self) -> Vec<(Package, Version, Vec<Edge>)> {
        let needs = self.needs.borrow();
        let known =
            needs.iter().filter_map(|((package, version), needs)| Some((package, version, needs.as_ref().ok()?)));
        known.map(|(package, version, edges)| (package.clone(), version.clone(), edges.to_vec())).collect()
    }

    /// The file of a selected project, and its version as its source writes it.
    pub(super) fn file(&self, name: &ProjectName, version: &Version) -> (String, ResolvedFile) {
        if let Some(package) = self.in_distribution(name) {
            return (package.version.to_string(), ResolvedFile::Distribution);
        }
        let candidates = self.candidates.borrow();
        let Candidate { wheel, file } = &candidates[name].by_version[version];
        (version.to_string(), ResolvedFile::Index { file: Box::new(file.clone()), file_name: wheel.file().clone() })
    }

    /// What a person should know of a result: extras that do not exist, and newer versions that cannot be used.
    pub(super) fn warnings(&self, selected: &SelectedDependencies<Package, Version>) -> Vec<String> {
        let unknown = self.unknown_extras.borrow();
        let unknown = unknown.iter().filter(|((package, version), _)| selected.get(package) == Some(version));
        let mut warnings: Vec<String> = unknown.map(|(_, warning)| warning.clone()).collect();
        for ((package, version), needs) in self.needs.borrow().iter() {
            if let (Package::Project(name), Err(reason)) = (package, needs)
                && selected.get(package).is_some_and(|selected| selected < version)
            {
                warnings.push(format!("{name} {version} is skipped: {reason}"));
            }
        }
        warnings
    }
}

impl DependencyProvider for Provider<'_> {
    type P = Package;
    type V = Version;
    type VS = Ranges<Version>;
    type M = Rc<str>;
    type Err = IndexError;
    /// Conflicts, whether there is only one version, how early it was heard of.
    type Priority = (u32, bool, Reverse<usize>);

    fn prioritize(
        &self,
        package: &Package,
        _range: &Ranges<Version>,
        statistics: &PackageResolutionStatistics,
    ) -> Self::Priority {
        let is_fixed = package.name().is_none_or(|name| self.in_distribution(name).is_some());
        let order = self.order.borrow().get(package).copied().unwrap_or_default();
        (statistics.conflict_count(), is_fixed, Reverse(order))
    }

    fn choose_version(&self, package: &Package, range: &Ranges<Version>) -> Result<Option<Version>, IndexError> {
        let name = match package {
            Package::Root => return Ok(Some(root_version())),
            Package::Project(name) => name,
            // An extra goes with its project, which comes first.
            Package::Extra(name, _) => match self.chosen.borrow().get(name).filter(|chosen| range.contains(chosen)) {
                Some(chosen) => return Ok(Some(chosen.clone())),
                None => name,
            },
        };
        let version = self.choose(name, range)?;
        if let (Package::Project(_), Some(version)) = (package, &version) {
            self.chosen.borrow_mut().insert(name.clone(), version.clone());
        }
        Ok(version)
    }

    fn get_dependencies(
        &self,
        package: &Package,
        version: &Version,
    ) -> Result<Dependencies<Package, Ranges<Version>, Rc<str>>, IndexError> {
        let edges = match self.needs(package, version)? {
            Ok(edges) => edges,
            Err(reason) => return Ok(Dependencies::Unavailable(reason)),
        };
        let names: Vec<ProjectName> = edges.iter().filter_map(|edge| edge.to.name()).cloned().collect();
        let of_index: Vec<ProjectName> =
            names.into_iter().filter(|name| self.in_distribution(name).is_none()).collect();
        self.index.expect(&of_index);
        // A package may state several requirements of one project.
        let mut joined: Vec<(Package, Ranges<Version>)> = Vec::new();
        for edge in edges.iter() {
            match joined.iter_mut().find(|(to, _)| *to == edge.to) {
                Some((_, range)) => *range = range.intersection(&edge.range),
                None => joined.push((edge.to.clone(), edge.range.clone())),
            }
        }
        Ok(Dependencies::Available(DependencyConstraints::from_iter(joined)))
    }
}
