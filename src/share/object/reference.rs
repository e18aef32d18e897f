//! `s3://bucket/prefix` and its like: where in which object store.

use std::path::PathBuf;

/// A place in an object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectReference {
    /// Which.
    pub(super) kind: ObjectKind,
    /// What comes before all names, without slashes around it.
    pub(super) prefix: String,
    /// As it was typed.
    pub(super) text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ObjectKind {
    /// S3, by its bucket.
    S3(String),
    /// Google's, by its bucket.
    Google(String),
    /// Azure's, by its container.
    Azure(String),
    /// A folder.
    Folder(PathBuf),
}

/// Why a text names no place.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ObjectReferenceError {
    /// It begins as nothing that is known.
    #[error("it begins with none of oci://, s3://, gs://, az:// and file://")]
    Scheme,
    /// There is no bucket.
    #[error("it names no {0}")]
    NoBucket(&'static str),
    /// A name has a sign that none has.
    #[error("`{0}` is no name of a bucket or container")]
    Bucket(String),
    /// There are credentials in it.
    #[error("a reference has no user and no password: credentials come from the environment")]
    Credentials,
    /// There is a query in it.
    #[error("a reference has neither `?` nor `#`")]
    Query,
    /// A path is not whole.
    #[error("a folder is named by its whole path: file:///mnt/larder")]
    RelativePath,
    /// A part of the path leads nowhere.
    #[error("its path has a part that is empty, `.` or `..`")]
    Path,
}

impl std::fmt::Display for ObjectReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl ObjectReference {
    /// Reads a reference.
    pub(crate) fn parse(text: &str) -> Result<Self, ObjectReferenceError> {
        let (scheme, rest) = text.split_once("://").ok_or(ObjectReferenceError::Scheme)?;
        if !matches!(scheme, "s3" | "gs" | "az" | "file") {
            return Err(ObjectReferenceError::Scheme);
        }
        if scheme == "file" {
            // A path may have any sign.
            if !rest.starts_with('/') {
                return Err(ObjectReferenceError::RelativePath);
            }
            return Ok(Self {
                kind: ObjectKind::Folder(PathBuf::from(rest)),
                prefix: String::new(),
                text: text.to_owned(),
            });
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.contains('@') {
            return Err(ObjectReferenceError::Credentials);
        }
        if rest.contains(['?', '#']) {
            return Err(ObjectReferenceError::Query);
        }
        let what = if scheme == "az" { "container" } else { "bucket" };
        if bucket.is_empty() {
            return Err(ObjectReferenceError::NoBucket(what));
        }
        let is_of_a_name = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.' | '$');
        if !bucket.chars().all(is_of_a_name) {
            return Err(ObjectReferenceError::Bucket(bucket.to_owned()));
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if !prefix.is_empty() && prefix.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(ObjectReferenceError::Path);
        }
        let kind = match scheme {
            "s3" => ObjectKind::S3,
            "gs" => ObjectKind::Google,
            _ => ObjectKind::Azure,
        };
        Ok(Self { kind: kind(bucket.to_owned()), prefix: prefix.to_owned(), text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_a_place_or_says_what_is_wrong_with_it() {
        let read = |text: &str| ObjectReference::parse(text).map(|read| (read.kind, read.prefix));
        let of = |kind: fn(String) -> ObjectKind, bucket: &str, prefix: &str| Ok((kind(bucket.into()), prefix.into()));
        assert_eq!(read("s3://bucket"), of(ObjectKind::S3, "bucket", ""));
        assert_eq!(read("s3://bucket/"), of(ObjectKind::S3, "bucket", ""));
        assert_eq!(read("s3://bucket/ci/web/"), of(ObjectKind::S3, "bucket", "ci/web"));
        assert_eq!(read("gs://a.b-c_d/x"), of(ObjectKind::Google, "a.b-c_d", "x"));
        assert_eq!(read("az://$root/x"), of(ObjectKind::Azure, "$root", "x"));
        assert_eq!(read("file:///mnt/a b"), Ok((ObjectKind::Folder("/mnt/a b".into()), String::new())));
        let wrong = [
            ("", ObjectReferenceError::Scheme),
            ("bucket/path", ObjectReferenceError::Scheme),
            ("https://registry.example/x", ObjectReferenceError::Scheme),
            ("s3://", ObjectReferenceError::NoBucket("bucket")),
            ("az:///x", ObjectReferenceError::NoBucket("container")),
            ("s3://user:secret@bucket/x", ObjectReferenceError::Credentials),
            ("s3://bucket/x?token=secret", ObjectReferenceError::Query),
            ("s3://bu cket", ObjectReferenceError::Bucket("bu cket".to_owned())),
            ("s3://bucket/../x", ObjectReferenceError::Path),
            ("s3://bucket//x", ObjectReferenceError::Path),
            ("file://mnt", ObjectReferenceError::RelativePath),
        ];
        for (text, error) in wrong {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }
}
