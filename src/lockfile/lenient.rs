//! Lenient deserialisation: values of a lockfile as they stand, whatever their types, so that one bad value does not hide the other entries.
//!
//! A struct of these types derives `Deserialize` and never fails on the type of a field: the field says what it is when it is asked. serde's derive ends the
//! reading where a key stands twice, and cannot count how deep a value nests: a format that allows the one or needs the other reads its object by
//! [`ReadObject`], and its fields by [`keep`].

mod field;
mod flag;
mod keep;
mod list;
mod members;
mod other_types;
mod shaped;

pub(super) use self::{
    field::{Field, TextSeed},
    flag::Flag,
    keep::keep,
    list::List,
    members::{Members, Part},
    other_types::other_types,
    shaped::{ReadObject, Shaped, ShapedSeed},
};
