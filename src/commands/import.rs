//! `larder import`: takes in an archive.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use larder_store::{
    Store,
    import::{Identities, Imported, Options, Refusal, import_stream},
};
use serde_json::json;

use crate::{
    cli::{self, share::is_standard},
    commands::{
        context::Context,
        error::{CommandError, EndsCommand, SignalsError},
        outcome::Outcome,
    },
    core::{error_chain::chain, interrupt::Interrupt},
    session::threads,
    share::archive::{Archive, ArchiveError},
    ui::{report::caused_by, units},
};

/// Why nothing, or nothing more, is taken from an archive.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be taken in", shown(file))]
pub(super) struct NotImported {
    /// The archive.
    pub(super) file: PathBuf,
    /// Why.
    #[source]
    pub(super) source: ArchiveError,
}

impl EndsCommand for NotImported {
    fn hint(&self) -> Option<String> {
        let file = shown(&self.file);
        match &self.source {
            ArchiveError::Compressed(program) => {
                let file = if is_standard(&self.file) { "" } else { &*file };
                Some(format!("unpack it on the way: {program} -dc {file} | larder import -"))
            }
            ArchiveError::NotAnArchive => Some("`larder export` writes one".to_owned()),
            ArchiveError::Meta(_) => Some("a newer larder wrote it, or it is damaged: update this one".to_owned()),
            ArchiveError::TooLong => Some("export fewer projects into one archive".to_owned()),
            ArchiveError::Entry { .. } => Some("take no archive whose maker you do not know".to_owned()),
            ArchiveError::Cut | ArchiveError::Unread(_) => None,
        }
    }
}

fn shown(file: &Path) -> String {
    if is_standard(file) { "standard input".to_owned() } else { file.display().to_string() }
}

pub(super) fn run(arguments: &cli::Import, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let interrupt = Interrupt::watch().map_err(SignalsError)?;
    let start = Instant::now();
    let not_read = |source| NotImported { file: arguments.file.clone(), source };
    let source: Box<dyn Read> = if is_standard(&arguments.file) {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(&arguments.file).map_err(|error| not_read(ArchiveError::Unread(error)))?)
    };
    let mut archive = Archive::open(source).map_err(not_read)?;
    let store = context.open_store([])?;
    let blobs = archive.offered.len();
    let identities = if arguments.trust { Identities::Believed } else { Identities::Known };
    let is_stopped = || interrupt.came();
    let options = Options { identities, now: context.now, threads: threads(), is_stopped: &is_stopped };
    let imported = import_stream(&store, std::mem::take(&mut archive.offered), &mut archive.blobs, options)?;
    if imported.is_stopped {
        return Err(larder_store::StoreError::Interrupted.into());
    }
    let notes = archive.gone.len() + archive.rows.len();
    if arguments.trust && imported.broke_off.is_none() {
        keep_notes(&store, &archive.gone, &archive.rows)?;
    }
    let summary = Summary { file: shown(&arguments.file), blobs, imported, notes, trusts: arguments.trust };
    Ok(summary.print(start.elapsed(), context))
}

fn keep_notes(
    store: &Store,
    gone: &[String],
    rows: &[(larder_store::digest::BlobId, Vec<u8>)],
) -> Result<(), CommandError> {
    for name in gone {
        store.keep_gone(name)?;
    }
    for (lockfile, rows) in rows {
        store.keep_rows(lockfile, Some(rows))?;
    }
    Ok(())
}

struct Summary {
    file: String,
    /// Blobs of which the archive has a receipt.
    blobs: usize,
    imported: Imported,
    /// Gone packages and recorded rows.
    notes: usize,
    trusts: bool,
}

impl Summary {
    fn print(&self, elapsed: Duration, context: &Context<'_>) -> Outcome {
        let Imported { imported, supplemented, already_here, refused, .. } = &self.imported;
        let came = imported.count + supplemented + already_here + refused.len() as u64;
        let mut terms = vec![
            format!("{} imported", units::count(imported.count)),
            format!("{} already here", units::count(*already_here)),
        ];
        if *supplemented > 0 {
            terms.push(format!("{} made known under more names", units::count(*supplemented)));
        }
        terms.push(format!("{} refused", units::count(refused.len())));
        let missing = (self.blobs as u64).saturating_sub(came);
        if missing > 0 {
            terms.push(format!("{} that did not come", units::count(missing)));
        }
        let blobs = units::plural(self.blobs, "blob", "blobs");
        context.printer.line(&format!("{}: {blobs} = {}", self.file, terms.join(" + ")));
        context.printer.line(&format!("{} in {}", units::bytes(imported.bytes), units::duration(elapsed)));
        self.print_unbelieved(context);
        for refusal in refused {
            name(refusal, context);
        }
        if let Some(error) = &self.imported.broke_off {
            let what =
                format!("{} ended before its end: {} of {blobs} came, and are kept", self.file, units::count(came));
            let causes: Vec<String> = chain(error).iter().map(|cause| caused_by(cause)).collect();
            context.printer.error(&what, &causes, Some("import a whole one: what is here is passed over"));
        }
        context.printer.json(&json!({
            "file": self.file,
            "blobs": self.blobs,
            "imported": imported.count,
            "already_here": already_here,
            "supplemented": supplemented,
            "refused": refused.iter().map(refusal_row).collect::<Vec<_>>(),
            "did_not_come": missing,
            "not_believed": self.imported.not_believed,
            "bytes": imported.bytes,
            "is_whole": self.imported.broke_off.is_none(),
            "seconds": elapsed.as_secs_f64(),
        }));
        let is_whole = refused.is_empty() && self.imported.broke_off.is_none();
        if is_whole { Outcome::Done } else { Outcome::Wrong }
    }

    fn print_unbelieved(&self, context: &Context<'_>) {
        let unbelieved = self.imported.not_believed;
        if unbelieved > 0 {
            context.printer.line(&format!(
                "{} without a digest in any lockfile: the archive is not believed about them, and `larder fetch` gets them; --trust believes it",
                units::plural(unbelieved, "package", "packages")
            ));
        }
        if self.notes > 0 && !self.trusts {
            context.printer.line(&format!(
                "{} of what is gone or was recorded: not kept; --trust keeps them",
                units::plural(self.notes, "note", "notes")
            ));
        }
    }
}

/// Prints an error for a blob that was not taken.
fn name(refusal: &Refusal, context: &Context<'_>) {
    let package = refusal.package.as_deref().unwrap_or("unknown package");
    let blob = refusal.blob.map_or_else(String::new, |blob| format!(" blob {blob}"));
    let causes: Vec<String> = chain(&refusal.reason).iter().map(|cause| caused_by(cause)).collect();
    context.printer.error(&format!("{package}:{blob} is refused"), &causes, None);
}

fn refusal_row(refusal: &Refusal) -> serde_json::Value {
    json!({
        "blob": refusal.blob.map(|blob| blob.to_string()),
        "package": refusal.package,
        "cause": refusal.reason.to_string(),
    })
}
