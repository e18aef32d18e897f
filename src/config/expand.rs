//! `${VARIABLE}` in keys and values.

use crate::core::environment::Environment;

/// A text with its variables put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expanded {
    /// The text. What stands for an unset variable stays as it was written.
    pub(super) text: String,
    /// The names of the variables that are not set and for which the text gives no other value.
    pub(super) unset: Vec<String>,
}

/// Puts variables in: `${NAME}`, which stays if it is not set; `${NAME?}`, empty if it is not set; and pnpm's `${NAME-text}` (if it is
/// not set) and `${NAME:-text}` (if it is not set or is empty). An odd number of backslashes before the dollar sign keeps it.
pub(super) fn expand(text: &str, environment: &Environment) -> Expanded {
    let mut expanded = Expanded { text: String::with_capacity(text.len()), unset: Vec::new() };
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, from_dollar) = rest.split_at(start);
        let Some(inner) = inner_of(from_dollar) else {
            // Past the dollar sign alone: the brace can open nothing, but a later dollar sign can.
            expanded.text.push_str(before);
            expanded.text.push('$');
            rest = &from_dollar[1..];
            continue;
        };
        let plain = before.trim_end_matches('\\');
        let backslashes = before.len() - plain.len();
        expanded.text.push_str(plain);
        expanded.text.extend(std::iter::repeat_n('\\', backslashes / 2));
        let written = &from_dollar[..inner.len() + "${}".len()];
        match value_of(inner, environment) {
            _ if backslashes % 2 == 1 => expanded.text.push_str(written),
            Some(value) => expanded.text.push_str(value),
            None => {
                expanded.text.push_str(written);
                expanded.unset.push(inner.to_owned());
            }
        }
        rest = &from_dollar[written.len()..];
    }
    expanded.text.push_str(rest);
    expanded
}

/// What stands between the braces of a text that starts with `${`, if that is an expression.
fn inner_of(from_dollar: &str) -> Option<&str> {
    let inner = from_dollar.get(2..)?.split_once('}')?.0;
    let name = inner.strip_suffix('?').unwrap_or(inner);
    (!name.is_empty() && !name.contains(['$', '{', '?'])).then_some(inner)
}

fn value_of<'a>(inner: &'a str, environment: &'a Environment) -> Option<&'a str> {
    if let Some(name) = inner.strip_suffix('?') {
        return Some(environment.variable(name).unwrap_or_default());
    }
    environment.variable(inner).or_else(|| {
        let (name, otherwise) = inner.split_once('-')?;
        match name.strip_suffix(':') {
            Some(name) => Some(environment.variable(name).filter(|value| !value.is_empty()).unwrap_or(otherwise)),
            None => Some(environment.variable(name).unwrap_or(otherwise)),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn variables_are_put_in_as_npm_does() {
        let environment = Environment::new(Path::new("/"), [("SET", "value"), ("EMPTY", ""), ("A-B", "dashed")]);
        let cases: &[(&str, &str, &[&str])] = &[
            ("plain", "plain", &[]),
            ("${SET}", "value", &[]),
            ("a${SET}b${SET}c", "avaluebvaluec", &[]),
            ("${EMPTY}", "", &[]),
            ("${UNSET}", "${UNSET}", &["UNSET"]),
            ("a${UNSET}b${SET}", "a${UNSET}bvalue", &["UNSET"]),
            ("${UNSET?}", "", &[]),
            ("${SET?}", "value", &[]),
            ("${UNSET-other}", "other", &[]),
            ("${SET-other}", "value", &[]),
            ("${EMPTY-other}", "", &[]),
            ("${EMPTY:-other}", "other", &[]),
            ("${UNSET:-other}", "other", &[]),
            ("${UNSET-}", "", &[]),
            ("${A-B}", "dashed", &[]),
            (r"\${SET}", "${SET}", &[]),
            (r"\\${SET}", r"\value", &[]),
            (r"\\\${SET}", r"\${SET}", &[]),
            ("${}", "${}", &[]),
            ("${?}", "${?}", &[]),
            ("${SET", "${SET", &[]),
            ("$SET $ {SET}", "$SET $ {SET}", &[]),
            ("${a${SET}", "${avalue", &[]),
            ("$${SET}", "$value", &[]),
            ("${a?b}", "${a?b}", &[]),
        ];
        for (text, expected, unset) in cases {
            let expanded = expand(text, &environment);
            assert_eq!(expanded.text, *expected, "{text}");
            assert_eq!(expanded.unset, *unset, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_expanded(text in "[${}?a\\\\:-]*") {
            let environment = Environment::new(Path::new("/"), [("a", "b")]);
            expand(&text, &environment);
        }

        #[test]
        fn text_without_a_dollar_sign_stays(text in "[^$]*") {
            proptest::prop_assert_eq!(expand(&text, &Environment::default()).text, text);
        }
    }
}
