//! A recording: what a command downloaded beyond its lockfiles, and the rows of `larder.lock` that say so.
//!
//! ```text
//! the proxy ─▶ Recording: exchanges ─▶ judge: rows │ left out, with the reason ─▶ the rows are fetched anew, and compared
//! ```

mod judge;
mod platform;
mod requester;
mod secrets;
mod seen;
mod trust;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    judge::{Judged, NotRecorded, judge},
    requester::Askers,
    seen::Recording,
};
