//! Signal handling: Ctrl-C and SIGTERM set a flag, which is checked between two pieces of work.
//!
//! A signal that ends the program at once leaves what it was writing. And once a runtime has listened for one, the signal has no effect of its own any
//! more: whatever goes on then has to ask.

use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// Whether Ctrl-C or SIGTERM came since this was made for the first time.
#[derive(Clone, Debug)]
pub struct Interrupt(Arc<AtomicBool>);

/// Signals are the process's, and so is this.
static WATCHED: OnceLock<Interrupt> = OnceLock::new();

/// Whether one of the signals came and is noticed here alone. False while they have their usual effect.
pub fn came() -> bool {
    WATCHED.get().is_some_and(Interrupt::came)
}

impl Interrupt {
    /// Notices both signals from now on, in place of their effect.
    pub fn watch() -> io::Result<Self> {
        if let Some(watched) = WATCHED.get() {
            return Ok(watched.clone());
        }
        let came = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            flag::register(signal, Arc::clone(&came))?;
        }
        Ok(WATCHED.get_or_init(|| Self(came)).clone())
    }

    /// Whether one came.
    pub fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
