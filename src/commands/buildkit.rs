//! `larder buildkit`: the store into a builder's cache mount (`seed`), and out of it (`harvest`).

mod builder;
mod error;
mod harvest;
mod inside;
mod seed;
mod summary;

use crate::{
    cli::buildkit::{Buildkit, BuildkitJob},
    commands::{context::Context, error::CommandError, outcome::Outcome},
};

pub(super) fn run(arguments: &Buildkit, context: &Context<'_>) -> Result<Outcome, CommandError> {
    match &arguments.job {
        BuildkitJob::Seed(arguments) => seed::run(arguments, context),
        BuildkitJob::Harvest(arguments) => harvest::run(arguments, context),
        BuildkitJob::Inside(arguments) => inside::run(arguments, context),
    }
}
