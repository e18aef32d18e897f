//! What a person sees: output, progress, errors. Beside `commands`, only this prints.

pub mod ask;
pub mod printer;
pub mod progress;
pub mod remarks;
pub mod report;
pub mod resolving;
pub mod units;
pub mod waits;
