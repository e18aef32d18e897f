//! Optional packages that a lockfile's entries name and that have no entry themselves: npm may leave those of other platforms out, and installs without them there
//! without a word.

use std::fmt;

/// Names that a message lists.
const LISTED: usize = 6;

/// What one entry names as optional and the lockfile lacks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingOptional {
    /// The package that names them; empty for the project itself.
    pub by: String,
    /// Their names, sorted; at least one.
    pub names: Vec<String>,
}

/// `p names p-linux-x64 and p-linux-arm64 as optional, and the lockfile has neither`.
impl fmt::Display for MissingOptional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = if self.by.is_empty() { "the project" } else { &self.by };
        let shown: Vec<&str> = self.names.iter().take(LISTED).map(String::as_str).collect();
        let names = match (shown.as_slice(), self.names.len() - shown.len()) {
            (shown, more @ 1..) => format!("{} and {more} more", shown.join(", ")),
            ([first @ .., last], 0) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
            (shown, 0) => shown.concat(),
        };
        let none = match self.names.len() {
            1 => "no entry for it",
            2 => "neither",
            _ => "none of them",
        };
        write!(f, "{by} names {names} as optional, and the lockfile has {none}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_two_and_many_are_told_in_their_own_words() {
        let said = |by: &str, count: usize| {
            let names = (0..count).map(|number| format!("p-{number}")).collect();
            MissingOptional { by: by.to_owned(), names }.to_string()
        };
        assert_eq!(said("", 1), "the project names p-0 as optional, and the lockfile has no entry for it");
        assert_eq!(said("p", 2), "p names p-0 and p-1 as optional, and the lockfile has neither");
        assert_eq!(said("p", 3), "p names p-0, p-1 and p-2 as optional, and the lockfile has none of them");
        assert_eq!(
            said("p", 9),
            "p names p-0, p-1, p-2, p-3, p-4, p-5 and 3 more as optional, and the lockfile has none of them"
        );
    }
}
