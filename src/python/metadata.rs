//! [`Metadata`]: the head of a wheel's `METADATA`, as far as resolving needs it (packaging.python.org, core metadata).

use super::requirement::Requirement;

/// Lines that are looked at: far more than a head has.
const LONGEST_HEAD: usize = 100_000;

/// What a package's metadata says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `Name`.
    pub name: String,
    /// `Version`.
    pub version: String,
    /// `Requires-Python`.
    pub requires_python: Option<String>,
    /// `Requires-Dist`: read, or why it cannot be. One that only an extra needs does no harm if it cannot be read.
    pub requires: Vec<Requirement>,
    /// The first `Requires-Dist` that is no requirement, as it is written.
    pub unreadable: Option<String>,
    /// `Provides-Extra`.
    pub extras: Vec<String>,
}

impl Metadata {
    /// Reads the head; what follows the first empty line is the description and is passed over.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut metadata = Self::default();
        let mut field: Option<(String, String)> = None;
        for line in text.trim_start_matches('\u{feff}').lines().take(LONGEST_HEAD) {
            if line.is_empty() {
                break;
            }
            if let (Some(rest), Some((_, value))) = (line.strip_prefix([' ', '\t']), &mut field) {
                value.push(' ');
                value.push_str(rest.trim());
                continue;
            }
            if let Some((key, value)) = field.take() {
                metadata.take(&key, &value);
            }
            field = line.split_once(':').map(|(key, value)| (key.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        if let Some((key, value)) = field {
            metadata.take(&key, &value);
        }
        metadata
    }

    fn take(&mut self, key: &str, value: &str) {
        match key {
            "name" => value.clone_into(&mut self.name),
            "version" => value.clone_into(&mut self.version),
            "requires-python" if !value.is_empty() && value != "UNKNOWN" => {
                self.requires_python = Some(value.to_owned());
            }
            "provides-extra" => self.extras.push(value.to_owned()),
            "requires-dist" => match Requirement::parse(value) {
                Ok(requirement) => self.requires.push(requirement),
                Err(_) if is_of_an_extra(value) => {
                    tracing::debug!(requirement = value, "passed over: only an extra needs it");
                }
                Err(_) => drop(self.unreadable.get_or_insert_with(|| value.to_owned())),
            },
            _ => {}
        }
    }
}

/// Whether the marker is about an extra, as far as can be told of a text that cannot be read.
fn is_of_an_extra(requirement: &str) -> bool {
    let marker = requirement.rsplit_once(';').map_or("", |(_, marker)| marker);
    marker.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == "extra")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_read_and_the_description_is_not() {
        let metadata = Metadata::parse(
            b"Metadata-Version: 2.1\r\nName: Foo\r\nVersion: 1.0\r\nRequires-Python: >=3.9\r\nRequires-Dist: a>=1;\r\n  python_version > '3'\r\nProvides-Extra: x\r\nRequires-Dist: b ; extra == 'x'\r\n\r\nRequires-Dist: c\r\n",
        );
        assert_eq!((metadata.name.as_str(), metadata.version.as_str()), ("Foo", "1.0"));
        assert_eq!(metadata.requires_python.as_deref(), Some(">=3.9"));
        let requires: Vec<String> = metadata.requires.iter().map(ToString::to_string).collect();
        assert_eq!(requires, ["a>=1; python_version > '3'", "b ; extra == 'x'"]);
        assert_eq!((metadata.extras, metadata.unreadable), (vec!["x".to_owned()], None));
    }

    #[test]
    fn a_requirement_that_cannot_be_read_is_kept_unless_only_an_extra_needs_it() {
        let metadata = Metadata::parse(b"Name: a\nRequires-Dist: b (==dev) ; extra == 'x'\nRequires-Dist: c (==dev)\n");
        assert_eq!((metadata.requires, metadata.unreadable), (vec![], Some("c (==dev)".to_owned())));
    }

    #[test]
    fn what_is_no_metadata_says_nothing() {
        for bytes in [&b""[..], b"\n\nName: a", b"PK\x03\x04\xff\xfe", b" folded\n", b"no colon\n"] {
            assert_eq!(Metadata::parse(bytes).name, "");
        }
    }
}
