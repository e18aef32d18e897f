//! Reports waits for locks.

use std::path::Path;

use larder_store::{holder::Holder, wait::Observer};

use super::printer::Printer;
use crate::core::interrupt;

/// Says what is waited for, and asks whether the user wants to stop.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// Where to print.
    pub printer: Printer,
}

impl Observer for Waits {
    fn waiting(&self, lock: &Path, holder: Option<&Holder>) {
        let holder =
            holder.map_or_else(|| "another larder or program holds a lock on it".to_owned(), Holder::to_string);
        self.printer.note(&format!("waiting for {}: {holder}", lock.display()));
    }

    fn is_stopped(&self) -> bool {
        interrupt::came()
    }
}
