//! Command lines as pages write them.
//!
//! What stands for something else is filled in before larder is asked whether it takes the line:
//!
//! - a word in capitals (`DIR`, `PROJECT`) is taken as it is; in a command's place (`larder COMMAND --help`) it stands for `fetch`;
//! - brackets are left out, and what is in them stays: `[PROJECT…]`, `NAME[@VERSION]`;
//! - `…` stands for more of the same or for options and is left out; after `blake3:` it stands for the rest of 64 digits;
//! - what follows two spaces or a `#` explains the line, and what follows `&&`, `|` or `;` is another command.

use clap::{Parser as _, error::ErrorKind};
use larder::cli::Cli;

/// The words of a line, as a shell splits them.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut signs = line.trim().chars().peekable();
    while let Some(sign) = signs.next() {
        match (quote, sign) {
            (Some(open), _) if open == sign => quote = None,
            (None, '\'' | '"') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None, ' ') if signs.peek() == Some(&' ') => break,
            (None, ' ') => words.extend(word.take()),
            (None, '#' | '|' | ';' | '&') if word.is_none() => break,
            _ => word.get_or_insert_default().push(sign),
        }
    }
    words.extend(word);
    words
}

/// What a line gives larder, if it starts it: by itself, with variables before it, through `cargo run`, `unshare`, or as a step of a Dockerfile.
pub(crate) fn arguments(line: &str) -> Option<Vec<String>> {
    let line = line.trim().trim_start_matches("$ ").trim_start_matches("RUN ").trim_end_matches('\\');
    let words = words(line);
    let mut words = words.iter().map(String::as_str).peekable();
    let is_variable = |word: &&str| word.split_once('=').is_some_and(|(name, _)| name.chars().all(is_of_a_name));
    while words
        .next_if(|word| is_variable(word) || word.starts_with("--mount=") || word.starts_with("--network="))
        .is_some()
    {}
    if words.next_if_eq(&"unshare").is_some() {
        while words.next_if(|word| word.starts_with('-')).is_some() {}
    }
    let program = words.next()?;
    if program == "cargo" {
        let rest: Vec<_> = words.collect();
        let at = rest.iter().position(|word| *word == "--").filter(|_| rest.first() == Some(&"run"))?;
        return Some(filled(&rest[at + 1..]));
    }
    let is_larder = program == "larder" || program.ends_with("/larder");
    is_larder.then(|| filled(&words.collect::<Vec<_>>()))
}

fn is_of_a_name(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || sign == '_'
}

fn filled(words: &[&str]) -> Vec<String> {
    let mut filled: Vec<String> = Vec::new();
    for word in words {
        let word = match word.strip_prefix("blake3:").filter(|digits| digits.contains('…')) {
            Some(_) => format!("blake3:{}", "0".repeat(64)),
            None => word.replace(['[', ']', '…'], ""),
        };
        match &*word {
            "" => {}
            "COMMAND" if filled.is_empty() => filled.push("fetch".to_owned()),
            _ => filled.push(word),
        }
    }
    filled
}

/// Why larder does not take these arguments. In a sentence a command may stand by its name, without what it needs.
pub(crate) fn refused(arguments: &[String], in_a_sentence: bool) -> Option<String> {
    let error = Cli::try_parse_from(std::iter::once("larder").chain(arguments.iter().map(String::as_str))).err()?;
    let is_short = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    let is_fine = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let is_taken = is_fine || (in_a_sentence && is_short);
    (!is_taken).then(|| error.to_string().lines().next().unwrap_or_default().to_owned())
}

#[test]
fn a_line_is_read_as_a_shell_reads_it() {
    let read = |line: &str| arguments(line).map(|words| words.join("·"));
    assert_eq!(read("larder fetch web --omit dev").as_deref(), Some("fetch·web·--omit·dev"));
    assert_eq!(read("$ larder plan web     its digest").as_deref(), Some("plan·web"));
    assert_eq!(read("larder fetch    # npm's packages").as_deref(), Some("fetch"));
    assert_eq!(
        read("larder run -- sh -c 'npm ci && npm run build'").as_deref(),
        Some("run·--·sh·-c·npm ci && npm run build")
    );
    assert_eq!(read("NO_COLOR=1 larder status && echo done").as_deref(), Some("status"));
    assert_eq!(read("    /larder/bin/larder run -- npm ci").as_deref(), Some("run·--·npm·ci"));
    assert_eq!(read("RUN --network=none --mount=type=cache,id=larder larder status").as_deref(), Some("status"));
    assert_eq!(read("cargo run --release -- fetch web").as_deref(), Some("fetch·web"));
    assert_eq!(read("unshare -rn ../larder run --offline -- npm ci").as_deref(), Some("run·--offline·--·npm·ci"));
    assert_eq!(read("larder COMMAND --help").as_deref(), Some("fetch·--help"));
    assert_eq!(read("larder forget NAME[@VERSION]…").as_deref(), Some("forget·NAME@VERSION"));
    assert_eq!(read("larder forget blake3:64…").unwrap().len(), 6 + 2 + 7 + 64);
    for other in ["larder: 75 blobs", "cargo build", "docker build -t larder .", "npm ci", ""] {
        assert_eq!(read(other), None, "{other}");
    }
}
