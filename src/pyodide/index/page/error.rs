//! Why an index's list of files cannot be read.

use std::sync::Arc;

/// Why a list cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// Neither of the two forms.
    #[error("its type is `{}`, neither JSON nor HTML of the simple API", content_type.escape_debug())]
    Type {
        /// The `Content-Type`.
        content_type: String,
    },
    /// JSON that is none of the form.
    #[error("it is not the simple API's JSON")]
    Json(#[source] Arc<serde_json::Error>),
    /// A newer form.
    #[error("it is version {form} of the simple API; larder reads 1.x")]
    Form {
        /// The form.
        form: String,
    },
    /// An entry that is wrong.
    #[error("{}: {problem}", file_name.escape_debug())]
    Entry {
        /// The file.
        file_name: String,
        /// What is wrong, in words.
        problem: &'static str,
    },
}
