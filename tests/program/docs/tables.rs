//! The tables that have the program's own words: keys, variables, exit codes.

use std::collections::{BTreeMap, BTreeSet};

use clap::CommandFactory as _;
use larder::cli::Cli;
use larder_test_server::Reply;

use super::{
    page::{Page, spans_of},
    repository,
};
use crate::support::{World, finish, packages, program};

/// What larder knows in this table of `larder.toml`, as it says of a key that it does not know; none if this is no table.
fn known_keys(world: &World, table: &str) -> Vec<String> {
    let head = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
    world.write("larder.toml", &format!("{head}no-such-key = 1\n"));
    let said = world.run(&["plan"]).err;
    let mut spans = spans_of(&said).skip_while(|span| !span.ends_with("no-such-key"));
    let is_about_it = spans.next().is_some();
    let full = |key: &str| {
        if key.contains('.') || table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
    };
    if is_about_it { spans.map(full).collect() } else { Vec::new() }
}

#[test]
fn the_table_of_larder_toml_has_the_keys_that_larder_knows() {
    let world = World::new(&[]);
    let mut known = BTreeSet::new();
    for key in known_keys(&world, "") {
        let below = known_keys(&world, &key);
        known.extend(if below.is_empty() { vec![key] } else { below });
    }
    let repository = repository();
    let section = repository.page("docs/configuration.md").section("## larder.toml");
    let rows = section.rows();
    let told: BTreeSet<_> = rows.iter().flat_map(|row| spans_of(row[0])).map(str::to_owned).collect();
    assert!(known.len() > 15, "{known:?}");
    assert_eq!(told, known);
}

/// Variables that larder asks for and that pages need not explain, since other programs define them.
const VARIABLES_OF_OTHERS: [&str; 6] = ["COREPACK_HOME", "PATH", "PREFIX", "TERM", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"];

#[test]
fn the_table_of_the_environment_has_the_variables_that_larder_reads() {
    let repository = repository();
    let section = repository.page("docs/configuration.md").section("## Environment");
    let rows = section.rows();
    let told: BTreeSet<_> = rows.iter().flat_map(|row| spans_of(row[0])).collect();
    for name in told.iter().filter(|name| !name.starts_with("SSL_CERT_")) {
        assert!(repository.sources.contains(&format!("\"{name}\"")), "no source reads {name}");
    }
    let asked = repository.sources.split("environment.variable").skip(1).filter_map(|rest| {
        let name = rest.trim_start_matches("_os").strip_prefix("(\"")?;
        name.split('"').next().filter(|name| !name.starts_with("npm_config_") && !name.starts_with("YARN_"))
    });
    let untold: BTreeSet<_> =
        asked.filter(|name| !told.contains(name) && !VARIABLES_OF_OTHERS.contains(name)).collect();
    assert!(untold.is_empty(), "{untold:?} are read, and no page says so");
}

/// The codes of a page's table, each with what it means.
fn codes(page: &Page) -> BTreeMap<i32, String> {
    let rows = page.rows();
    let codes =
        rows.iter().filter(|row| row.len() == 2).filter_map(|row| Some((row[0].parse().ok()?, row[1].to_owned())));
    codes.collect()
}

#[test]
fn the_table_of_exit_codes_has_those_that_the_program_gives() {
    let repository = repository();
    let told = codes(&repository.page("README.md").section("## Commands"));
    let help = Cli::command().render_long_help().to_string();
    let line = help.lines().find_map(|line| line.strip_prefix("Exit codes: ")).unwrap();
    let in_help =
        line.trim_end_matches('.').split(", ").map(|one| one.split(' ').next().unwrap().parse::<i32>().unwrap());
    assert_eq!(told.keys().copied().collect::<Vec<_>>(), in_help.collect::<Vec<_>>());

    let world = World::new(&packages(1));
    let mut seen = BTreeSet::from([world.run(&["fetch"]).code, world.run(&["fetch", "--no-such-option"]).code]);
    world.server.fallback(|_| Reply::status(503));
    world.lock(&packages(2));
    seen.insert(world.run(&["fetch"]).code);
    world.write("package-lock.json", "{");
    seen.insert(world.run(&["fetch"]).code);
    let mut command = world.command(&["status"]);
    command.env("LARDER_STORE", program());
    seen.insert(finish(command).code);
    assert_eq!(seen.into_iter().flatten().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    // The one of Ctrl-C is seen in kills.rs.
    assert_eq!(told.keys().max(), Some(&130));
}
