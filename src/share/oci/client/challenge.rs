//! Reads `WWW-Authenticate` (RFC 9110, section 11): how a server wants to be told who asks. Pure.

/// One way to say who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// Whether it is of this scheme.
    pub(super) fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// A parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The challenges of these headers. What is none is passed over.
pub(super) fn challenges<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    for value in values {
        let mut rest = value;
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            if word.is_empty() {
                break;
            }
            match (behind.trim_start().strip_prefix('='), found.last_mut()) {
                (Some(behind), Some(challenge)) => {
                    let (text, behind) = text(behind.trim_start());
                    challenge.parameters.push((word.to_owned(), text));
                    rest = behind;
                }
                // A parameter of nothing.
                (Some(_), None) => break,
                (None, _) => {
                    found.push(Challenge { scheme: word.to_owned(), parameters: Vec::new() });
                    rest = behind;
                }
            }
        }
    }
    found
}

/// A parameter's value, quoted or not, and what stands behind it.
fn text(rest: &str) -> (String, &str) {
    let Some(quoted) = rest.strip_prefix('"') else {
        let (text, rest) = rest.split_at(rest.find([',', ' ', '\t']).unwrap_or(rest.len()));
        return (text.to_owned(), rest);
    };
    let (mut text, mut is_escaped) = (String::new(), false);
    for (place, c) in quoted.char_indices() {
        match c {
            _ if is_escaped => {
                text.push(c);
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            '"' => return (text, &quoted[place + 1..]),
            _ => text.push(c),
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn challenges_are_read_with_their_parameters() {
        let found = challenges([
            r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push", error="x\"y""#,
            "Negotiate, Basic realm=plain , charset = UTF-8",
        ]);
        assert_eq!(found.iter().map(|it| it.scheme.as_str()).collect::<Vec<_>>(), ["Bearer", "Negotiate", "Basic"]);
        assert!(found[0].is("bearer"));
        assert_eq!(found[0].get("Scope"), Some("repository:a/b:pull,push"));
        assert_eq!(found[0].get("error"), Some("x\"y"));
        assert_eq!((found[2].get("realm"), found[2].get("charset")), (Some("plain"), Some("UTF-8")));
        assert_eq!(challenges(["", "=,=", "realm=\"x\""]), []);
    }

    proptest! {
        #[test]
        fn any_header_is_read_to_its_end(text in "[ -~]{0,60}", other in ".{0,20}") {
            let _ = challenges([text.as_str(), other.as_str()]);
        }
    }
}
