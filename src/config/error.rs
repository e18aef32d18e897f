//! What is wrong with the package managers' configuration. Warnings and errors name file and key, never a value: it can be a secret.

use std::{io, path::PathBuf};

use super::precedence::Origin;

/// Something in the configuration that does not stop larder, and that a person should know. Without values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigWarning {
    /// `strict-ssl=false`.
    #[error("{origin}: `{key}` turns the verification of TLS certificates off")]
    TlsVerificationOff {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
    },
    /// A secret or address names a variable that is not set.
    #[error("{origin}: `{key}` names the variable {variable}, which is not set, and is left out")]
    UnsetVariable {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
        /// What stands between the braces.
        variable: String,
    },
    /// A secret that cannot be sent.
    #[error(
        "{origin}: `{key}` is not what npm accepts there (a token in one word, a password in base64) and is left out"
    )]
    UnusableSecret {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
    },
    /// A secret that names no host, beside a registry that the project names.
    #[error(
        "{origin}: `{key}` names no host, and only the project ({registry}) names the registry, so it is not sent ({cure}; or, if you trust the project with it, use --trust-project-config)"
    )]
    SecretWithoutHost {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
        /// Where the registry is named.
        registry: Origin,
        /// How to name the host.
        cure: String,
    },
    /// A program that only the user may name.
    #[error("{origin}: `{key}` is left out: only a file of the user's may name a program to run")]
    HelperOfProject {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
    },
    /// A setting that larder does not follow.
    #[error("{origin}: larder does not read `{key}`: it has one proxy and one set of certificates for all hosts")]
    NotRead {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
    },
    /// A value of the wrong kind.
    #[error("{origin}: `{key}` is not {accepted} and is left out")]
    NotUnderstood {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
        /// What it should be.
        accepted: &'static str,
    },
    /// A configuration file of the user's or the global one exists and cannot be read.
    #[error("{} cannot be read and is left out: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why, in words.
        reason: String,
    },
    /// A file of certificates does not exist.
    #[error("{}, which {origin} names for certificates, does not exist", path.display())]
    NoCertificateFile {
        /// The file.
        path: PathBuf,
        /// Where it is named.
        origin: Origin,
    },
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file exists and cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A registry or a proxy is no address. Its text is not shown: it can hold a password.
    #[error("{origin}: `{key}` is no address of the form `https://host/path`")]
    NoAddress {
        /// Where it stands.
        origin: Origin,
        /// The key, or the variable's name.
        key: String,
    },
    /// A registry's address names a variable that is not set.
    #[error("{origin}: `{key}` names the variable {variable}, which is not set")]
    UnsetVariable {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
        /// What stands between the braces.
        variable: String,
    },
    /// A file is not of its format. Its text is not shown: it can hold secrets.
    #[error("{origin} is not {language}{place}")]
    Syntax {
        /// The file.
        origin: Origin,
        /// The format.
        language: &'static str,
        /// Where, in brackets after a space; empty if nobody knows.
        place: String,
    },
    /// A value is of another kind than its key has, and what it means cannot be left out: a package could be asked of another registry.
    #[error("{origin}: `{key}` is not {accepted}")]
    NotUnderstood {
        /// Where it stands.
        origin: Origin,
        /// The key, with those that lead to it.
        key: String,
        /// What it should be.
        accepted: &'static str,
    },
    /// A program that should print a token does not. What it printed is not shown.
    #[error("the program of {line} {problem}")]
    TokenHelper {
        /// The setting that names it, and its file.
        line: String,
        /// What it is or did.
        problem: String,
    },
    /// A proxy of a kind that larder cannot use.
    #[error("{origin}: `{key}` names a `{scheme}:` proxy; larder can use http: and https: proxies")]
    UnknownProxy {
        /// Where it stands.
        origin: Origin,
        /// The key, or the variable's name.
        key: String,
        /// The address's scheme.
        scheme: String,
    },
}
