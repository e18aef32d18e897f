//! What is taken from places where stores are shared before the registries are asked, and what is said of it.

use larder_store::import::Imported;

use crate::{
    commands::{
        context::Context,
        error::{CommandError, EndsCommand},
    },
    core::error_chain::chain,
    fetcher::Downloads,
    session::{RestoreError, RestoredFrom, Session},
    share::restore::Restored,
    ui::{remarks, units},
};

impl EndsCommand for RestoreError {
    fn outcome(&self) -> super::Outcome {
        match self {
            Self::Reference(_) => super::Outcome::Wrong,
            Self::Store(error) => error.outcome(),
        }
    }

    fn hint(&self) -> Option<String> {
        if let Self::Store(error) = self { error.hint() } else { None }
    }
}

/// Takes what the store lacks of these downloads from the session's places. Whatever a place does not do is a warning: the registries are asked next.
pub(super) fn restore(
    session: &Session,
    downloads: &Downloads<'_>,
    context: &Context<'_>,
) -> Result<Vec<RestoredFrom>, CommandError> {
    let mut all = Vec::new();
    session.restore(downloads, context.environment, &mut |one| {
        tell(&one, context);
        all.push(one);
    })?;
    if crate::core::interrupt::came() {
        return Err(larder_store::StoreError::Interrupted.into());
    }
    Ok(all)
}

fn tell(from: &RestoredFrom, context: &Context<'_>) {
    let printer = context.printer;
    match &from.outcome {
        Ok(restored) => {
            if restored.found > 0 || restored.errors.is_empty() {
                printer.note(&line(from, restored));
            }
            let refused = restored.imported.refused.iter();
            let refused = refused.map(|refusal| {
                let package = refusal.package.as_deref().unwrap_or("unknown package");
                format!("{}: {package} is refused: {}", from.name, chain(&refusal.reason).join(": "))
            });
            remarks::warnings(printer, refused);
            restored.errors.iter().for_each(|error| printer.warning(&chain(error).join(": ")));
        }
        Err(error) => printer.warning(&chain(error).join(": ")),
    }
}

/// `restored 1,650 of 1,653 missing files, 478.1 MB in 3.2 s (149.4 MB/s) from s3://bucket/larder`.
fn line(from: &RestoredFrom, restored: &Restored) -> String {
    let Imported { imported, .. } = &restored.imported;
    let seconds = restored.elapsed.as_secs_f64().max(0.001);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate for people"
    )]
    let rate = (imported.bytes as f64 / seconds) as u64;
    let (missing, name) = (units::plural(from.missing, "missing file", "missing files"), &from.name);
    let of_another = if restored.is_exact || restored.found == 0 { "" } else { ", shared with other plans" };
    format!(
        "restored {} of {missing}, {} in {} ({}/s) from {name}{of_another}",
        units::count(restored.found),
        units::bytes(imported.bytes),
        units::duration(restored.elapsed),
        units::bytes(rate),
    )
}
