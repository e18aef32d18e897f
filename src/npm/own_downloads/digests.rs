//! Digests of downloads, as files state them: a JSON object or lines with the file's name in a package, a digest alone or in a list beside the file. Pure.

use larder_store::digest::{Algorithm, Digest};
use serde_json::{Map, Value};

/// A file that should state a digest and states none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it states no sha256 of {file}")]
pub struct DigestFileError {
    /// The name of the file whose digest was looked for.
    file: String,
}

/// The sha256 of the file of that name, as a file of its package states it: `{"name": "hex"}`, `name=hex`, `hex  name`. `None` if it does not speak of it.
pub fn in_package(text: &str, name: &str) -> Option<Digest> {
    if let Ok(object) = serde_json::from_str::<Map<String, Value>>(text) {
        return sha256(object.get(name)?.as_str()?);
    }
    in_lines(text, name)
}

/// The sha256 of the file of that name, as a file beside it states it: alone, or in a list.
pub fn in_checksums(text: &str, name: &str) -> Result<Digest, DigestFileError> {
    let mut words = text.split_whitespace();
    let alone = words.next().and_then(sha256);
    // One line may name the file, and how it was packed.
    let is_one = text.trim().lines().count() == 1;
    in_lines(text, name).or(alone.filter(|_| is_one)).ok_or_else(|| DigestFileError { file: name.to_owned() })
}

/// The sha256 of the file of that name, as a list states it: `name=hex`, `hex  name`, `hex *name`, `SHA256 (name) = hex`.
pub fn in_lines(text: &str, name: &str) -> Option<Digest> {
    let in_brackets = |word: &str| word.strip_prefix('(').and_then(|word| word.strip_suffix(')')) == Some(name);
    text.lines().find_map(|line| {
        let words =
            || line.split(|c: char| c.is_whitespace() || matches!(c, '=' | '*')).filter(|word| !word.is_empty());
        let names_it = words().any(|word| word.trim_start_matches("./") == name || in_brackets(word));
        names_it.then(|| words().find_map(sha256))?
    })
}

fn sha256(hex: &str) -> Option<Digest> {
    Digest::from_hex(Algorithm::Sha256, &hex.to_ascii_lowercase()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_found_by_its_files_name_in_every_form_that_is_known() {
        let hex = |c: char| c.to_string().repeat(64);
        let (a, b) = (hex('a'), hex('B'));
        let json = format!(r#"{{"x.zip": "{a}", "y.zip": "{b}"}}"#);
        let (equals, listed) = (format!("x.zip={a}\ny.zip={b}\n"), format!("{a}  x.zip\n{b} *./y.zip\n"));
        let tagged = format!("SHA256 (x.zip) = {a}\nSHA256 (y.zip) = {b}\n");
        for text in [&json, &equals, &listed, &tagged] {
            let found = |name| in_package(text, name).map(|digest| digest.to_hex());
            assert_eq!(found("x.zip"), Some(a.clone()), "{text}");
            assert_eq!(found("y.zip"), Some(b.to_lowercase()), "{text}");
            assert_eq!(found("zip"), None);
        }
        assert_eq!(in_package(r#"{"x.zip": "short"}"#, "x.zip"), None);
    }

    #[test]
    fn a_digest_beside_a_file_stands_alone_or_in_a_list() {
        let digest = "0123456789abcdef".repeat(4);
        let of = |text: &str| in_checksums(text, "engine.gz").map(|digest| digest.to_hex());
        for text in [format!("{digest}\n"), format!("{digest}  /build/engine.gz"), format!("0\n{digest}  engine.gz\n")]
        {
            assert_eq!(of(&text), Ok(digest.clone()), "{text}");
        }
        for text in [
            String::new(),
            "<html>".to_owned(),
            format!("{digest}  a\n{digest}  b\n"),
            "d41d8cd98f00b204e9800998ecf8427e".to_owned(),
        ] {
            assert_eq!(of(&text).unwrap_err().to_string(), "it states no sha256 of engine.gz", "{text}");
        }
    }
}
