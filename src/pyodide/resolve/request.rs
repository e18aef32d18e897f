//! [`Request`]: what is to be resolved.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pep440_rs::Version;

use crate::{
    pyodide::distribution::Distribution,
    python::{name::ProjectName, requirement::Requirement, runtime::Runtime},
};

/// What is to be resolved.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The runtime.
    pub runtime: &'a Runtime,
    /// Its distribution.
    pub distribution: &'a Distribution,
    /// What `larder.toml` asks for.
    pub requirements: &'a [Requirement],
    /// Versions that are preferred to newer ones: those of an earlier lock.
    pub preferred: &'a BTreeMap<ProjectName, Version>,
    /// Files that were uploaded at this time or later are not looked at.
    pub exclude_newer: Option<Timestamp>,
}
