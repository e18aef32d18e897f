//! Python's names, requirements, versions, wheel names and tags, as the PEPs state them. Pure.

pub mod metadata;
pub mod name;
pub mod requirement;
pub mod runtime;
pub mod specifiers;
pub mod tags;
pub mod wheel_name;
