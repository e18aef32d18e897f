//! A child process with the terminal and the signals that it would have without larder.
//!
//! The child is in larder's process group: what the terminal sends (Ctrl-C, Ctrl-Z, a new window size) reaches both, and larder lets it pass. What
//! somebody sends to larder alone is sent on.

use std::{
    ffi::OsString,
    io,
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, ExitStatus},
    sync::{Mutex, PoisonError},
    thread,
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2},
    iterator::{SignalsInfo, exfiltrator::WithOrigin},
    low_level::siginfo::Cause,
};

use crate::core::open_files;

/// Signals that a person or a supervisor sends to a program to end it or to tell it something.
const SENT_ON: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself, with this exit code.
    Code(u8),
    /// By this signal.
    Signal(i32),
}

impl Ended {
    /// The exit code that says the same, as a shell has it: 128 and the signal's number.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }
}

/// Why a child did not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ChildError {
    /// There is no such program.
    #[error("{program}: there is no such program")]
    NotFound {
        /// What was to be run.
        program: String,
    },
    /// It is there and cannot be run.
    #[error("{program} cannot be run")]
    CannotRun {
        /// What was to be run.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Signals, or the child's end, cannot be waited for.
    #[error("cannot watch {program} run")]
    Unwatched {
        /// What was to be run.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ChildError {
    /// The exit code that shells have for it.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::NotFound { .. } => 127,
            Self::CannotRun { .. } => 126,
            Self::Unwatched { .. } => 1,
        }
    }
}

/// Runs a command, the program first, and waits for its end. `unset` and then `set` change the environment that it inherits.
pub(crate) fn run(command: &[OsString], unset: &[OsString], set: &[(OsString, OsString)]) -> Result<Ended, ChildError> {
    let (program, arguments) = command.split_first().expect("a command has a program");
    let name = || program.to_string_lossy().into_owned();
    let unwatched = |source| ChildError::Unwatched { program: name(), source };
    // Before the child is there, so that no signal is missed: what comes early waits.
    let mut signals = SignalsInfo::<WithOrigin>::new(SENT_ON).map_err(unwatched)?;
    let signals_end = signals.handle();
    let mut child = Command::new(program);
    child.args(arguments);
    for variable in unset {
        child.env_remove(variable);
    }
    child.envs(set.iter().map(|(name, value)| (name, value)));
    let mut child = open_files::with_first_limit(|| child.spawn()).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ChildError::NotFound { program: name() },
        _ => ChildError::CannotRun { program: name(), source },
    })?;
    // Emptied when the child has ended: its number may be another process's from then on.
    let running = Mutex::new(Some(Pid::from_child(&child)));
    let status = thread::scope(|scope| {
        scope.spawn(|| {
            for origin in signals.forever() {
                send_on(&running, origin.signal, origin.cause);
            }
        });
        let status = wait(&mut child, &running);
        signals_end.close();
        status
    });
    status.map(ended).map_err(unwatched)
}

fn send_on(running: &Mutex<Option<Pid>>, signal: i32, cause: Cause) {
    // From the terminal: the child has it already.
    if matches!(cause, Cause::Kernel) {
        return;
    }
    let running = running.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Some(child), Some(signal)) = (*running, Signal::from_named_raw(signal))
        && let Err(error) = kill_process(child, signal)
    {
        tracing::debug!(%error, "a signal is not sent on");
    }
}

fn wait(child: &mut Child, running: &Mutex<Option<Pid>>) -> io::Result<ExitStatus> {
    let pid = Pid::from_child(child);
    loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    *running.lock().unwrap_or_else(PoisonError::into_inner) = None;
    child.wait()
}

fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Code(u8::try_from(code & 0xff).unwrap_or(1)),
        (None, signal) => Ended::Signal(signal.unwrap_or_default()),
    }
}
