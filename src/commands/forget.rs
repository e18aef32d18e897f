//! `larder forget`: removes blobs from the store, by package or digest.

use larder_store::{
    forget::{Forgotten, Named, forget},
    receipt::Receipt,
};
use serde_json::{Value, json};

use crate::{
    cli,
    commands::{context::Context, error::CommandError, outcome::Outcome},
    ui::units,
};

/// Of the packages with one blob's bytes, how many a line names.
const NAMED: usize = 3;

pub(super) fn run(arguments: &cli::Forget, context: &Context<'_>) -> Result<Outcome, CommandError> {
    // Links lead to the store, wherever a command changes its folder to.
    let root = context.environment.current_dir().join(&context.store);
    let named: Vec<Named> = arguments.named.iter().map(|wanted| wanted.named.clone()).collect();
    let forgotten = forget(&root, &named, context.now)?;
    let nothing = || Forgotten { unknown: (0..named.len()).collect(), ..Forgotten::default() };
    let forgotten = forgotten.unwrap_or_else(nothing);
    let printer = context.printer;
    for receipt in &forgotten.receipts {
        let size = units::bytes(receipt.size);
        printer.line(&format!("forgot {}: blake3:{}, {size}", packages(receipt), receipt.blob));
    }
    let blobs = units::plural(forgotten.receipts.len(), "blob", "blobs");
    printer.line(&format!("{blobs} forgotten, {}", units::bytes(forgotten.bytes)));
    for &at in &forgotten.unknown {
        let text = &arguments.named[at].text;
        printer.error(&format!("{text}: the store at {} has nothing of that name", context.store.display()), &[], None);
    }
    printer.json(&document(arguments, &forgotten));
    Ok(if forgotten.unknown.is_empty() { Outcome::Done } else { Outcome::Wrong })
}

/// `react 18.2.0`; of many, the first ones.
fn packages(receipt: &Receipt) -> String {
    let mut names: Vec<String> = receipt
        .origins
        .iter()
        .map(|origin| format!("{} {}", origin.name.escape_debug(), origin.version.escape_debug()))
        .collect();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let shown = names.join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

fn document(arguments: &cli::Forget, forgotten: &Forgotten) -> Value {
    let rows = forgotten.receipts.iter().map(|receipt| {
        let packages = receipt
            .origins
            .iter()
            .map(|origin| json!({"ecosystem": origin.ecosystem, "name": origin.name, "version": origin.version}));
        json!({
            "blob": format!("blake3:{}", receipt.blob),
            "size": receipt.size,
            "packages": packages.collect::<Vec<_>>(),
        })
    });
    json!({
        "forgotten": rows.collect::<Vec<_>>(),
        "bytes": forgotten.bytes,
        "unknown": forgotten.unknown.iter().map(|&at| &arguments.named[at].text).collect::<Vec<_>>(),
    })
}
