//! Lenient deserialisation: fields that accept values of any type, so that one bad value does not hide the other entries.
//!
//! A struct of these types derives `Deserialize` and never fails on the type of a field; the field reports its type when it is read. serde's derive stops at a
//! duplicate key, and cannot count how deep a value nests. A format that allows duplicate keys, or needs the depth, reads its object by [`ReadObject`] and its fields
//! by [`keep`].

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
