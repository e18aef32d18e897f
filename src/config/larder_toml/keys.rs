//! The keys of `larder.toml`, and which of them a person meant.

/// Every key that is known, with its table's name.
pub const KEYS: [&str; 30] = [
    "lockfiles",
    "platforms",
    "all-platforms",
    "omit",
    "require-integrity",
    "store",
    "fetch",
    "forges",
    "npm",
    "share",
    "pyodide",
    "store.over",
    "fetch.jobs",
    "fetch.retries",
    "fetch.stall-timeout",
    "fetch.total-timeout",
    "fetch.max-artifact-size",
    "forges.github",
    "forges.gitlab",
    "forges.bitbucket",
    "npm.node",
    "share.from",
    "share.to",
    "pyodide.version",
    "pyodide.packages",
    "pyodide.folder",
    "pyodide.sources",
    "pyodide.index",
    "pyodide.files",
    "pyodide.exclude-newer",
];

/// The known key that an unknown one is nearest to, in its table or, by its last part, in another; else all that are known in its table.
pub(super) fn suggestion(unknown: &str) -> String {
    let (table, last) = unknown.rsplit_once('.').unwrap_or(("", unknown));
    let table_of = |key: &'static str| key.rsplit_once('.').map_or("", |(table, _)| table);
    let known: Vec<&str> = KEYS.into_iter().filter(|key| table_of(key) == table).collect();
    let distance = |key: &str| strsim::damerau_levenshtein(key, unknown);
    // Two slips in a short word, more in a long one.
    let is_near = |key: &&&str| distance(key) <= 2.max(unknown.len() / 4);
    if let Some(nearest) = known.iter().filter(is_near).min_by_key(|key| distance(key)) {
        return format!("the nearest known one is `{nearest}`");
    }
    match KEYS.into_iter().find(|key| key.rsplit('.').next() == Some(last)) {
        Some(elsewhere) => format!("there is `{elsewhere}`"),
        None => format!("known here are `{}`", known.join("`, `")),
    }
}
