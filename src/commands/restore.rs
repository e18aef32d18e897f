//! What is taken from places where stores are shared before the registries are asked, and what is said of it.

use std::time::Duration;

use larder_store::rate::DownloadRate;

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
        tell(&one, session.store().download_rate(), context);
        all.push(one);
    })?;
    if crate::core::interrupt::came() {
        return Err(larder_store::StoreError::Interrupted.into());
    }
    Ok(all)
}

fn tell(from: &RestoredFrom, rate: Option<DownloadRate>, context: &Context<'_>) {
    let printer = context.printer;
    match &from.outcome {
        Ok(restored) => {
            if restored.found > 0 || restored.errors.is_empty() {
                printer.note(&line(from, restored, rate));
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

/// `restored 1,650 of 1,653 missing files, 478.1 MB in 3.2 s (149.4 MB/s) from s3://bucket/larder`, and what the registry would have taken.
fn line(from: &RestoredFrom, restored: &Restored, own: Option<DownloadRate>) -> String {
    let imported = restored.imported.imported;
    let took = DownloadRate { bytes: imported.bytes, seconds: restored.elapsed.as_secs_f64() };
    let (missing, name) = (units::plural(from.missing, "missing file", "missing files"), &from.name);
    let of_another = if restored.is_exact || restored.found == 0 { "" } else { ", shared with other plans" };
    let rate = took.bytes_a_second().map_or_else(String::new, |rate| format!(" ({})", a_second(rate)));
    let compared = compared(took, own, restored.registry).unwrap_or_default();
    format!(
        "restored {} of {missing}, {} in {}{rate} from {name}{of_another}{compared}",
        units::count(restored.found),
        units::bytes(imported.bytes),
        units::duration(restored.elapsed),
    )
}

/// What the same bytes take from the registry, as far as a machine has noted it: this one, or else the one that shared them.
fn compared(took: DownloadRate, own: Option<DownloadRate>, theirs: Option<DownloadRate>) -> Option<String> {
    // A few bytes are no measure of either way.
    if took.bytes < 1_000_000 {
        return None;
    }
    let (rate, who) = match (own.and_then(|own| own.bytes_a_second()), theirs.and_then(|it| it.bytes_a_second())) {
        (Some(own), _) => (own, "here"),
        (None, Some(theirs)) => (theirs, "on the machine that shared them"),
        (None, None) => return None,
    };
    #[expect(clippy::cast_precision_loss, reason = "a time for people")]
    let seconds = took.bytes as f64 / rate;
    let advice = if seconds < took.seconds && who == "here" { ": a plain `larder fetch` is faster" } else { "" };
    let time = units::duration(Duration::try_from_secs_f64(seconds).ok()?);
    Some(format!("; from the registry {time} ({} {who}){advice}", a_second(rate)))
}

/// `149.4 MB/s`.
fn a_second(rate: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate for people")]
    let rate = rate as u64;
    format!("{}/s", units::bytes(rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_is_compared_with_the_registry_where_its_rate_is_known() {
        let rate = |bytes, seconds| Some(DownloadRate { bytes, seconds });
        let took = DownloadRate { bytes: 100_000_000, seconds: 2.0 };
        let slow = rate(50_000_000, 5.0);
        assert_eq!(compared(took, slow, None).unwrap(), "; from the registry 10.0 s (10.0 MB/s here)");
        assert_eq!(
            compared(took, rate(50_000_000, 0.5), slow).unwrap(),
            "; from the registry 1.0 s (100.0 MB/s here): a plain `larder fetch` is faster"
        );
        assert_eq!(
            compared(took, None, slow).unwrap(),
            "; from the registry 10.0 s (10.0 MB/s on the machine that shared them)"
        );
        assert_eq!(compared(took, None, None), None);
        assert_eq!(compared(took, rate(0, 0.0), None), None);
        assert_eq!(compared(DownloadRate { bytes: 1000, ..took }, slow, None), None);
    }
}
