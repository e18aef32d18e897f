//! `.npmrc`, npm's ini format: `key = value`, `key[] = value` for lists, `;` and `#` comments, `[section]`s, quotes.
//!
//! A pure reader that takes any bytes. It gives what npm 11 gets from the same bytes, odd corners included: a key without `=` is
//! true, a quoted value is JSON, `\;`, `\#` and `\\` are escapes, and what follows a `[section]` is no setting.
//! `${VARIABLE}` is not expanded here.

use super::settings::{Setting, Settings, Value, value_of};
use crate::core::environment::Environment;

/// The settings of a file that stand before its first section, by key. Of a key that stands twice, the last counts; once it is a list,
/// all count. Bytes that are not UTF-8 become replacement characters.
pub fn parse(bytes: &[u8]) -> Settings {
    let text = String::from_utf8_lossy(bytes);
    let mut settings = Settings::new();
    for line in text.split(['\r', '\n']) {
        let content = trim(line);
        if content.is_empty() || content.starts_with([';', '#']) {
            continue;
        }
        if is_section(line) {
            break;
        }
        let (key, value) = match line.split_once('=') {
            Some(("", _)) => continue,
            Some((key, value)) => (key, value_of(unquote(value))),
            None => (line, Value::Flag(true)),
        };
        insert(&mut settings, unquote(key), value);
    }
    settings
}

/// `npm_config_*`, in any case. Underscores but the first become dashes, except in keys that name a host.
pub(super) fn from_variables(environment: &Environment) -> Settings {
    const PREFIX: &str = "npm_config_";
    environment
        .variables()
        .filter(|(name, value)| {
            name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX)) && !value.is_empty()
        })
        .map(|(name, value)| {
            let name = &name[PREFIX.len()..];
            let key = if name.starts_with("//") {
                name.to_owned()
            } else {
                let mut lower = name.to_lowercase();
                if let Some(underscore) = lower.char_indices().nth(1).map(|(second, _)| second) {
                    let rest = lower.split_off(underscore).replace('_', "-");
                    lower.push_str(&rest);
                }
                lower
            };
            (key, Setting::One(value_of(value.trim().to_owned())))
        })
        .collect()
}

fn insert(settings: &mut Settings, key: String, value: Value) {
    let (key, is_list) = match key.strip_suffix("[]") {
        Some(name) if !name.is_empty() => (name.to_owned(), true),
        _ => (key, false),
    };
    match settings.get_mut(&key) {
        Some(Setting::Many(values)) => values.push(value),
        Some(Setting::One(first)) if is_list => {
            let first = std::mem::replace(first, Value::Null);
            settings.insert(key, Setting::Many(vec![first, value]));
        }
        _ => {
            settings.insert(key, if is_list { Setting::Many(vec![value]) } else { Setting::One(value) });
        }
    }
}

/// `[name]` from the very start of the line, white space after it.
fn is_section(line: &str) -> bool {
    line.strip_prefix('[').and_then(|rest| rest.split_once(']')).is_some_and(|(_, after)| trim(after).is_empty())
}

fn unquote(text: &str) -> String {
    let text = trim(text);
    let is_quoted_by = |quote: char| text.starts_with(quote) && text.ends_with(quote);
    if is_quoted_by('\'') {
        let inner = text.get(1..text.len() - 1).unwrap_or_default();
        return serde_json::from_str::<String>(inner).unwrap_or_else(|_| inner.to_owned());
    }
    if is_quoted_by('"') {
        return serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_owned());
    }
    trim(&unescape(text)).to_owned()
}

/// Ends at the first `;` or `#` that no backslash escapes; other backslashes stay.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ';' | '#' => break,
            '\\' => match characters.next() {
                Some(escaped @ ('\\' | ';' | '#')) => plain.push(escaped),
                Some(other) => plain.extend(['\\', other]),
                None => plain.push('\\'),
            },
            _ => plain.push(character),
        }
    }
    plain
}

/// JavaScript's white space has the byte order mark, Rust's has not.
fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Setting {
        Setting::One(Value::Text(text.to_owned()))
    }

    #[test]
    fn reads_one_line_as_npm_does() {
        // What npm's own reader gives for these lines was asked of npm 11.
        let cases: &[(&str, &str, Setting)] = &[
            ("a=b", "a", one("b")),
            ("  a  =  b c  ", "a", one("b c")),
            ("a = b = c", "a", one("b = c")),
            ("a=b ; comment", "a", one("b")),
            ("a=b # comment", "a", one("b")),
            (r"a=b\;c\#d\\e\f\", "a", one(r"b;c#d\e\f\")),
            (r#"a="b ; c""#, "a", one("b ; c")),
            (r#"a="x\ny""#, "a", one("x\ny")),
            (r#"a="bad \q escape""#, "a", one(r#""bad \q escape""#)),
            (r"a='b ; c'", "a", one("b ; c")),
            (r#"a='"b"'"#, "a", one("b")),
            ("a='", "a", one("")),
            ("a=\"", "a", one("\"")),
            ("a=", "a", one("")),
            ("a", "a", Setting::One(Value::Flag(true))),
            ("a=true", "a", Setting::One(Value::Flag(true))),
            ("a = false", "a", Setting::One(Value::Flag(false))),
            ("a=\"false\"", "a", Setting::One(Value::Flag(false))),
            ("a=null", "a", Setting::One(Value::Null)),
            ("\u{feff}a=b", "a", one("b")),
            ("\"a b\"=c", "a b", one("c")),
            ("//host/:_authToken=abc", "//host/:_authToken", one("abc")),
            ("[]=b", "[]", one("b")),
            ("[a]b=c", "[a]b", one("c")),
            ("  [a]", "[a]", Setting::One(Value::Flag(true))),
        ];
        for (line, key, expected) in cases {
            let settings = parse(line.as_bytes());
            assert_eq!(settings.get(*key), Some(expected), "{line:?} gave {settings:?}");
            assert_eq!(settings.len(), 1, "{line:?}");
        }
    }

    #[test]
    fn reads_nothing_from_what_is_no_setting() {
        for line in ["", "   ", "; a=b", "  # a=b", "=b", "[section]", "[section]  "] {
            assert!(parse(line.as_bytes()).is_empty(), "{line:?}");
        }
    }

    #[test]
    fn the_last_of_two_counts_and_a_list_grows() {
        let settings = parse(b"a=1\r\na=2\rb[]=1\n\nb[]=2\nb=3\nc=1\nc[]=2");
        let many = |texts: &[&str]| Setting::Many(texts.iter().map(|text| Value::Text((*text).to_owned())).collect());
        assert_eq!(settings["a"], one("2"));
        assert_eq!(settings["b"], many(&["1", "2", "3"]));
        assert_eq!(settings["c"], many(&["1", "2"]));
    }

    #[test]
    fn what_follows_a_section_is_no_setting() {
        let settings = parse(b"a=1\n[other]\nregistry=https://registry.example/\n");
        assert_eq!(settings.keys().collect::<Vec<_>>(), ["a"]);
    }

    proptest::proptest! {
        #[test]
        fn a_plain_value_comes_back(key in "[a-z@/:_-]{1,20}", value in "[a-zA-Z0-9/+:._-]{1,40}") {
            proptest::prop_assume!(!["true", "false", "null"].contains(&value.as_str()));
            let settings = parse(format!("{key} = {value}\n").as_bytes());
            proptest::prop_assert_eq!(&settings[&key], &one(&value));
        }
    }
}
