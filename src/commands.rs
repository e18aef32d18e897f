//! One file a command: arguments → library → printer.

mod base_store;
mod buildkit;
mod context;
mod error;
mod export;
mod fetch;
mod forget;
mod import;
mod init;
mod larder_lock;
mod lock;
mod options;
mod outcome;
mod plan;
mod program;
mod provision;
mod pull;
mod push;
mod record;
mod restore;
mod run;
mod sbom;
mod seed;
mod serve;
mod status;
mod sums;
mod verify;
mod verify_pyodide;
mod view;

pub use self::{base_store::NamedBase, context::Context, outcome::Outcome};

use std::sync::Arc;

use larder_store::wait;

use crate::{
    cli::{Cli, Command},
    ui::{report, waits::Waits},
};

/// Runs a command and prints what it says.
pub fn run(cli: &Cli, context: &Context<'_>) -> Outcome {
    wait::observe(Arc::new(Waits { printer: context.printer }));
    let outcome = match &cli.command {
        Command::Plan(arguments) => plan::run(arguments, context),
        Command::Fetch(arguments) => fetch::run(arguments, context),
        Command::Run(arguments) => run::run(arguments, context),
        Command::Record(arguments) => record::run(arguments, context),
        Command::Serve(arguments) => serve::run(arguments, context),
        Command::View(arguments) => view::run(arguments, context),
        Command::Export(arguments) => export::run(arguments, context),
        Command::Import(arguments) => import::run(arguments, context),
        Command::Push(arguments) => push::run(arguments, context),
        Command::Pull(arguments) => pull::run(arguments, context),
        Command::Buildkit(arguments) => buildkit::run(arguments, context),
        Command::Lock(arguments) => lock::run(arguments, context),
        Command::Init(arguments) => init::run(arguments, context),
        Command::Sbom(arguments) => sbom::run(arguments, context),
        Command::Status => status::run(context),
        Command::Verify(arguments) => verify::run(arguments, context),
        Command::Forget(arguments) => forget::run(arguments, context),
    };
    outcome.unwrap_or_else(|error| {
        if error.outcome() == Outcome::Interrupted {
            context.printer.note(stopped(&cli.command));
        } else {
            report::error(context.printer, &*error, error.hint().as_deref());
        }
        error.outcome()
    })
}

/// What a person who stopped a command wants to know: what is left of it, and what the next one finds.
const fn stopped(command: &Command) -> &'static str {
    match command {
        Command::Run(_) => {
            "stopped before the command started; what has arrived is kept, and the next run goes on from there"
        }
        Command::View(_) => {
            "stopped; the folder is as it was, what has arrived is kept, and the next view goes on from there"
        }
        Command::Export(_) => "stopped; no archive was written, and what has arrived is kept",
        Command::Push(_) => {
            "stopped; what was sent by then is there, and nobody finds it before the next push has sent the rest"
        }
        Command::Pull(_) | Command::Import(_) => {
            "stopped; what was taken in by then is kept, and the next one passes over it"
        }
        Command::Lock(_) | Command::Record(_) => "stopped; larder.lock is as it was",
        Command::Buildkit(_) => "stopped; what was taken in by then is kept, and the next run carries the rest",
        Command::Verify(_) => {
            "stopped; what has arrived is kept, and the next `larder verify --repair` goes on from there"
        }
        _ => "stopped; what has arrived is kept, and the next fetch goes on from there",
    }
}
