//! `larder status`: prints what the store holds.

use std::{path::Path, time::Duration};

use larder_store::{
    Store,
    index::IndexState,
    stats::{Stats, Tally, stats},
};
use serde_json::{Value, json};

use super::base_store::Telling;
use crate::{
    commands::{context::Context, error::CommandError, outcome::Outcome},
    ui::units,
};

pub(super) fn run(context: &Context<'_>) -> Result<Outcome, CommandError> {
    let place = context.store.display();
    let Some(store) = context.open_store_if_present([&context.settings_here()], Telling::Yes)? else {
        context.printer.line(&format!("{place}: there is no store yet; `larder fetch` creates it"));
        context.printer.json(&json!({"store": place.to_string(), "exists": false}));
        return Ok(Outcome::Done);
    };
    let found = stats(&store)?;
    print(context, &store, &found);
    context.printer.json(&document(context, &store, &found));
    Ok(Outcome::Done)
}

fn print(context: &Context<'_>, store: &Store, found: &Stats) {
    let printer = context.printer;
    let access = if store.is_writable() { "" } else { " (read-only)" };
    printer.line(&format!("{}{access}", store.root().display()));
    printer.line(&format!("{:<10} {}", "blobs", tally(found.blobs)));
    let lower: Vec<_> = store.lower_roots().collect();
    if let Some(count) = found.lower {
        printer.line(&format!("{:<10} {}, in {}", "below", tally(count), only_read(&lower)));
    }
    for (ecosystem, count) in &found.ecosystems {
        printer.line(&format!("  {ecosystem:<8} {}", tally(*count)));
    }
    if let Some((oldest, newest)) = found.fetched {
        printer.line(&format!("{:<10} oldest {}, newest {}", "fetched", age(context, oldest), age(context, newest)));
    }
    if found.partial.count > 0 {
        printer.line(&format!("{:<10} {}, to be resumed by the next fetch", "partial", tally(found.partial)));
    }
    if found.damaged.count > 0 {
        printer.line(&format!("{:<10} {}, set aside in damaged/", "damaged", tally(found.damaged)));
    }
    if found.without_blob > 0 {
        printer.line(&format!(
            "{:<10} {} without the blob",
            "missing",
            units::plural(found.without_blob, "receipt", "receipts")
        ));
    }
    printer.line(&format!("{:<10} {}", "index", index(found)));
}

/// `DIR, which is only read`.
pub(super) fn only_read(folders: &[&Path]) -> String {
    let names: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    format!("{}, which {} only read", names.join(" and "), if names.len() == 1 { "is" } else { "are" })
}

fn index(found: &Stats) -> String {
    let state = match &found.index {
        IndexState::Sled | IndexState::NotNeeded => "on disk".to_owned(),
        IndexState::Rebuilt(why) => format!("rebuilt from the receipts just now: {why}"),
        IndexState::Memory(why) => format!("in memory for this run: {why}"),
    };
    let step = if found.index_is_in_step { "in step with the receipts" } else { "behind: `larder verify --repair`" };
    format!("{state}, {step}")
}

fn tally(tally: Tally) -> String {
    format!("{}, {}", units::plural(tally.count, "file", "files"), units::bytes(tally.bytes))
}

fn age(context: &Context<'_>, then: jiff::Timestamp) -> String {
    let age = Duration::try_from(context.now.duration_since(then)).unwrap_or_default();
    let hours = age.as_secs() / 3600;
    match hours {
        0 => "less than an hour ago".to_owned(),
        1..48 => format!("{} ago", units::plural(hours, "hour", "hours")),
        _ => format!("{} ago", units::plural(hours / 24, "day", "days")),
    }
}

fn document(context: &Context<'_>, store: &Store, found: &Stats) -> Value {
    let row = |tally: Tally| json!({"count": tally.count, "bytes": tally.bytes});
    let (index, why) = match &found.index {
        IndexState::Sled | IndexState::NotNeeded => ("sled", None),
        IndexState::Rebuilt(why) => ("rebuilt", Some(why)),
        IndexState::Memory(why) => ("memory", Some(why)),
    };
    json!({
        "store": context.store.display().to_string(),
        "exists": true,
        "writable": store.is_writable(),
        "blobs": row(found.blobs),
        "ecosystems": found.ecosystems.iter().map(|(name, tally)| (name.clone(), row(*tally))).collect::<serde_json::Map<_, _>>(),
        "oldest": found.fetched.map(|(oldest, _)| oldest.to_string()),
        "newest": found.fetched.map(|(_, newest)| newest.to_string()),
        "partial": row(found.partial),
        "damaged": row(found.damaged),
        "below": found.lower.map(row),
        "below_in": store.lower_roots().map(|root| root.display().to_string()).collect::<Vec<_>>(),
        "without_blob": found.without_blob,
        "index": {"state": index, "why": why, "in_step": found.index_is_in_step},
    })
}
