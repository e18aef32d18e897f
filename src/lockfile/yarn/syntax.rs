//! The syntax of both kinds of `yarn.lock`: one statement a line, nested by indentation. Version 1 puts a space between a key and its value; later versions put a
//! colon, and use nothing else of YAML.
//!
//! A parser of our own: a general YAML parser does not read version 1. `yarn-lock-parser` (0.14) drops resolutions, conditions and the names of aliases, reports errors
//! without a line number, and panics on some bad files.

use std::borrow::Cow;

/// How deep statements may nest. yarn writes four levels.
const DEEPEST: usize = 8;

/// A key, or several that share what follows, with a value or with statements below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    /// Its line, counted from 1.
    pub(super) line: usize,
    /// How many statements it stands in.
    pub(super) depth: usize,
    /// Its keys, at least one.
    pub(super) keys: Vec<Cow<'a, str>>,
    /// Its value; `None` if statements may follow.
    pub(super) value: Option<Cow<'a, str>>,
}

impl Statement<'_> {
    /// Its first key.
    pub(super) fn key(&self) -> &str {
        &self.keys[0]
    }
}

/// Why a text has no statements: the line, counted from 1, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) line: usize,
    pub(super) problem: &'static str,
}

/// The statements of a text, in its order.
pub(super) fn statements(text: &str) -> Result<Vec<Statement<'_>>, SyntaxError> {
    let mut statements: Vec<Statement<'_>> = Vec::new();
    // A key of more than 1,024 characters stands alone behind a question mark, and the colon in the next line.
    let mut long_key = None;
    for (number, line) in (1..).zip(text.lines()) {
        let error = |problem| SyntaxError { line: number, problem };
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        let content = content.trim_end();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let depth = indent / 2;
        if indent % 2 != 0 || depth > DEEPEST {
            return Err(error("an indentation that yarn does not write"));
        }
        let may_nest = |above: &Statement<'_>| depth <= above.depth + usize::from(above.value.is_none());
        if !statements.last().map_or(depth == 0, may_nest) {
            return Err(error("it is indented, and belongs to nothing"));
        }
        if let Some(key) = content.strip_prefix("? ") {
            let (key, rest) = token(key).map_err(error)?;
            if !rest.is_empty() || long_key.is_some() {
                return Err(error("a key behind a question mark that does not stand alone"));
            }
            long_key = Some((depth, key));
            continue;
        }
        let (keys, rest) = match long_key.take() {
            Some((key_depth, key)) if content.starts_with(':') && key_depth == depth => (vec![key], content),
            Some(_) => return Err(error("the line before has a key, and no colon follows")),
            None => keys(content).map_err(error)?,
        };
        let value = value(rest).map_err(error)?;
        statements.push(Statement { line: number, depth, keys, value });
    }
    match long_key {
        Some(_) => Err(SyntaxError { line: text.lines().count(), problem: "it ends after a key" }),
        None => Ok(statements),
    }
}

/// `a, "b":` or `a `: the keys, and what follows them.
fn keys(text: &str) -> Result<(Vec<Cow<'_, str>>, &str), &'static str> {
    let mut keys = Vec::with_capacity(1);
    let mut text = text;
    loop {
        let (key, rest) = token(text)?;
        if key.is_empty() {
            return Err("a key is missing");
        }
        keys.push(key);
        match rest.strip_prefix(',') {
            Some(more) => text = more.trim_start_matches(' '),
            None => return Ok((keys, rest)),
        }
    }
}

/// What stands after the keys: a colon alone, a colon and a value, or a space and a value.
fn value(rest: &str) -> Result<Option<Cow<'_, str>>, &'static str> {
    let text = match rest.strip_prefix(':') {
        Some("") => return Ok(None),
        Some(text) => text,
        None => rest,
    };
    let text = text.strip_prefix(' ').ok_or("neither a colon nor a value follows the key")?.trim_start_matches(' ');
    if !text.starts_with('"') {
        return Ok(Some(Cow::Borrowed(text)));
    }
    match token(text)? {
        (value, "") => Ok(Some(value)),
        _ => Err("something follows the value"),
    }
}

/// A text in quotes, or one that ends before a colon, a comma or a space; and what follows it.
fn token(text: &str) -> Result<(Cow<'_, str>, &str), &'static str> {
    if !text.starts_with('"') {
        let end = text.find([':', ',', ' ']).unwrap_or(text.len());
        return Ok((Cow::Borrowed(&text[..end]), &text[end..]));
    }
    let mut escaped = false;
    let is_end = |(_, byte): &(usize, u8)| {
        let is_quote = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        is_quote
    };
    let (end, _) = text.bytes().enumerate().skip(1).find(is_end).ok_or("a quotation mark is missing")?;
    let quoted = &text[1..end];
    let rest = &text[end + 1..];
    if !quoted.contains('\\') {
        return Ok((Cow::Borrowed(quoted), rest));
    }
    let value = serde_json::from_str(&text[..=end]).map_err(|_| "an escape that is none")?;
    Ok((Cow::Owned(value), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `depth key|key=value`, of each statement.
    fn read(text: &str) -> Result<Vec<String>, (usize, &'static str)> {
        let shown = |statement: &Statement<'_>| {
            let value = statement.value.as_ref().map(|value| format!("={value}")).unwrap_or_default();
            format!("{} {}{value}", statement.depth, statement.keys.join("|"))
        };
        match statements(text) {
            Ok(statements) => Ok(statements.iter().map(shown).collect()),
            Err(error) => Err((error.line, error.problem)),
        }
    }

    #[test]
    fn version_1_has_a_space_before_a_value() {
        let text = "# yarn lockfile v1\r\n\r\n\"@a/b@^1.0.0\", c@2, \"d@npm:e@1\":\r\n  version \"1.0.0\"\r\n  integrity sha512-ab+/c==\r\n  dependencies:\r\n    \"@f/g\" \"^1 || ^2\"\r\n    h \"*\"\r\n";
        assert_eq!(
            read(text).unwrap(),
            [
                "0 @a/b@^1.0.0|c@2|d@npm:e@1",
                "1 version=1.0.0",
                "1 integrity=sha512-ab+/c==",
                "1 dependencies",
                "2 @f/g=^1 || ^2",
                "2 h=*",
            ]
        );
    }

    #[test]
    fn its_successors_have_a_colon() {
        let text = "__metadata:\n  version: 8\n\n\"a@npm:^1, a@npm:^2\":\n  conditions: (os=linux | os=darwin) & cpu=x64\n  bin:\n    a: ./a.js\n  dependenciesMeta:\n    b:\n      optional: true\n  x: \"q\\\"\\\\u\"\n";
        assert_eq!(
            read(text).unwrap(),
            [
                "0 __metadata",
                "1 version=8",
                "0 a@npm:^1, a@npm:^2",
                "1 conditions=(os=linux | os=darwin) & cpu=x64",
                "1 bin",
                "2 a=./a.js",
                "1 dependenciesMeta",
                "2 b",
                "3 optional=true",
                "1 x=q\"\\u",
            ]
        );
    }

    #[test]
    fn a_long_key_stands_behind_a_question_mark() {
        assert_eq!(read("? \"a, b\"\n:\n  version: 1\n").unwrap(), ["0 a, b", "1 version=1"]);
        let alone = "a key behind a question mark that does not stand alone";
        assert_eq!(read("? a: b"), Err((1, alone)));
        assert_eq!(read("? a\n? b"), Err((2, alone)));
        assert_eq!(read("? a\nb: c"), Err((2, "the line before has a key, and no colon follows")));
        assert_eq!(read("? a\n"), Err((1, "it ends after a key")));
    }

    #[test]
    fn what_yarn_does_not_write_is_named_with_its_line() {
        let indentation = "an indentation that yarn does not write";
        let belongs = "it is indented, and belongs to nothing";
        for (text, line, problem) in [
            ("a:\n   b 1", 2, indentation),
            ("  a 1", 1, belongs),
            ("a 1\n  b 1", 2, belongs),
            ("a:\n    b 1", 2, belongs),
            ("a:\n\n  b", 3, "neither a colon nor a value follows the key"),
            ("a:b", 1, "neither a colon nor a value follows the key"),
            ("\"a", 1, "a quotation mark is missing"),
            ("a \"b\" c", 1, "something follows the value"),
            ("\"\\q\":", 1, "an escape that is none"),
            (": b", 1, "a key is missing"),
            ("a,, b:", 1, "a key is missing"),
        ] {
            assert_eq!(read(text), Err((line, problem)), "{text:?}");
        }
    }
}
