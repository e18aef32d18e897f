//! The program: reads the environment, parses, runs, and ends the process with the command's exit code (`commands/outcome.rs`). Nothing else does any of these.

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser as _;
use larder::{
    cli::{Cli, ColorChoice, Global},
    commands::{self, Context, NamedBase},
    core::{environment::Environment, open_files},
    ui::printer::{Mode, Printer},
    view::context::SeedPart,
};
use tracing_subscriber::{Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let environment = match read_environment() {
        Ok(environment) => environment,
        Err(error) => {
            plain_printer().error("the current folder cannot be read", &[format!("caused by: {error}")], None);
            return ExitCode::from(1);
        }
    };
    start_log(cli.global.verbose);
    open_files::raise_limit();
    let printer = printer(&cli.global, &environment);
    let below = environment.folders_beside(SeedPart::ALL.map(SeedPart::folder));
    let Some(store) = store(&cli.global, &environment).or_else(|| below.first().cloned()) else {
        printer.error("there is no place for the store", &[], Some("name one with --store or LARDER_STORE"));
        return ExitCode::from(4);
    };
    let context = Context {
        environment: &environment,
        printer,
        store,
        below,
        over: over(&cli.global, &environment),
        now: jiff::Timestamp::now(),
    };
    commands::run(&cli, &context).into()
}

/// The environment of this process. Fails if the current folder is gone or cannot be named.
fn read_environment() -> io::Result<Environment> {
    let executable = std::env::current_exe().map_err(|error| tracing::debug!(%error, "where larder itself is")).ok();
    Ok(Environment::new(&std::env::current_dir()?, std::env::vars_os())
        .with_home_unless_named(home_of_user)
        .with_executable(executable))
}

/// What the system's list of users says.
#[cfg(not(target_feature = "crt-static"))]
fn home_of_user() -> Option<PathBuf> {
    etcetera::home_dir().ok()
}

/// The C library would load its plug-ins for the list of users, which a static binary cannot.
#[cfg(target_feature = "crt-static")]
fn home_of_user() -> Option<PathBuf> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    home_in(&users, rustix::process::getuid().as_raw())
}

/// The sixth field of the user's line, whose third is his number.
#[cfg(any(target_feature = "crt-static", test))]
fn home_in(users: &str, user: u32) -> Option<PathBuf> {
    let mut lines = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let line = lines.find(|line| line.get(2).and_then(|number| number.parse().ok()) == Some(user))?;
    line.get(5).filter(|home| !home.is_empty()).map(PathBuf::from)
}

fn printer(global: &Global, environment: &Environment) -> Printer {
    let mode = match (global.quiet, global.json) {
        (_, true) => Mode::Json,
        (true, false) => Mode::Quiet,
        (false, false) => Mode::Text,
    };
    let is_terminal = std::io::stderr().is_terminal() && environment.variable("TERM") != Some("dumb");
    let forbids = environment.variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let has_colors = match global.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => is_terminal && !forbids,
    };
    // CI systems show a terminal's redrawing as thousands of lines.
    let is_ci = environment.variable("CI").is_some_and(|value| !value.is_empty() && value != "false");
    Printer { mode, has_colors, is_terminal: is_terminal && !is_ci }
}

fn plain_printer() -> Printer {
    Printer { mode: Mode::Text, has_colors: false, is_terminal: false }
}

fn store(global: &Global, environment: &Environment) -> Option<PathBuf> {
    let named = || environment.variable_os("LARDER_STORE").filter(|store| !store.is_empty()).map(PathBuf::from);
    global.store.clone().or_else(named).or_else(|| Some(environment.cache_dir()?.join("larder")))
}

/// The base store. One that the environment names stands for every run, also where it is not there.
fn over(global: &Global, environment: &Environment) -> Option<NamedBase> {
    let named = || environment.variable_os("LARDER_OVER").filter(|over| !over.is_empty()).map(PathBuf::from);
    let path = global.over.clone().or_else(named)?;
    Some(NamedBase { path: environment.current_dir().join(path), is_required: global.over.is_some() })
}

fn start_log(verbose: u8) {
    let level = match verbose {
        0 => tracing::Level::ERROR,
        1 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    let own =
        tracing_subscriber::filter::Targets::new().with_target("larder", level).with_target("larder_store", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).without_time().with_ansi(false);
    tracing_subscriber::registry().with(lines.with_filter(own)).init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_users_home_in_the_list_of_users() {
        let users =
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:\nbroken\nweb:x:1000:1000:::/bin/sh\n";
        assert_eq!(home_in(users, 0), Some("/root".into()));
        assert_eq!(home_in(users, 65534), Some("/nonexistent".into()));
        assert_eq!((home_in(users, 1000), home_in(users, 7)), (None, None));
    }
}
