//! Names of this machine.

/// Whether a name is this machine's, on every machine (RFC 6761). In small letters, without a dot at its end.
pub(crate) fn is_local_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}
