//! Why a text is no digest.

/// Why a text is no digest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// The algorithm's digests are longer or shorter.
    #[error("{algorithm} digest of {actual} bytes instead of {expected}")]
    WrongLength {
        /// The algorithm's name.
        algorithm: &'static str,
        /// Bytes that its digests have.
        expected: usize,
        /// Bytes that this one has.
        actual: usize,
    },
    /// Not an even number of hexadecimal digits.
    #[error("`{text}` is not hexadecimal")]
    NotHex {
        /// The text.
        text: String,
    },
    /// Not base64 after the algorithm.
    #[error("`{text}` is not base64")]
    NotBase64 {
        /// The token.
        text: String,
        /// What is wrong with it.
        #[source]
        source: base64::DecodeError,
    },
    /// No `algorithm-digest`.
    #[error("`{text}` is not of the form `algorithm-digest`")]
    NotSri {
        /// The token.
        text: String,
    },
    /// None of the algorithms is one that larder knows.
    #[error("`{text}` has no sha512, sha384, sha256 or sha1 digest")]
    NoKnownAlgorithm {
        /// The whole integrity.
        text: String,
    },
}
