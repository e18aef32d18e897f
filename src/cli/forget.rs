//! What can be typed after `larder forget`. Types only.

use std::str::FromStr;

use clap::Args;
use larder_store::{digest::Integrity, forget::Named};

/// `larder forget`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder forget widgets@1.2.0       one version
  larder forget widgets @acme/ui    every version of two packages
  larder forget blake3:6437b3ac…    the blob of that name, as `larder verify` prints it
  larder forget sha512-3a81oZNh…    the blob with that digest

The next `larder fetch` downloads them again. Where no lockfile and no registry states a digest, the
new bytes are recorded. A view keeps its files.")]
pub struct Forget {
    /// Packages (NAME or NAME@VERSION), blobs (blake3:…) or digests (sha512-…)
    #[arg(value_name = "NAME[@VERSION]|DIGEST", required = true)]
    pub named: Vec<Wanted>,
}

/// What is to be forgotten, and how it was typed.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// As it was typed.
    pub text: String,
    /// What it means.
    pub named: Named,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.to_owned(), named: parse(text)? })
    }
}

fn parse(text: &str) -> Result<Named, String> {
    if let Some(hex) = text.strip_prefix("blake3:") {
        let blob = hex.parse().map_err(|_| "blake3: is followed by 64 hexadecimal digits".to_owned())?;
        return Ok(Named::Blob(blob));
    }
    let is_digest = ["sha1-", "sha256-", "sha384-", "sha512-"].iter().any(|start| text.starts_with(start));
    // A package may be called as a digest begins.
    if is_digest && let Ok(integrity) = text.parse::<Integrity>() {
        return match integrity.digests() {
            [digest] => Ok(Named::Digest(*digest)),
            _ => Err("give each digest by itself".to_owned()),
        };
    }
    let at = text.char_indices().skip(1).find(|(_, character)| *character == '@').map(|(at, _)| at);
    let (name, version) = at.map_or((text, None), |at| (&text[..at], Some(&text[at + 1..])));
    if matches!(name, "" | "@") || version == Some("") {
        return Err("a name, NAME@VERSION, blake3:… or a digest such as sha512-…".to_owned());
    }
    Ok(Named::Package { name: name.to_owned(), version: version.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use larder_store::digest::{Algorithm, BlobId, Digest};

    use super::*;

    #[test]
    fn a_package_a_blob_and_a_digest_are_told_apart() {
        let package = |name: &str, version: Option<&str>| {
            Ok(Named::Package { name: name.to_owned(), version: version.map(str::to_owned) })
        };
        assert_eq!(parse("react"), package("react", None));
        assert_eq!(parse("react@18.2.0"), package("react", Some("18.2.0")));
        assert_eq!(parse("@s/a"), package("@s/a", None));
        assert_eq!(parse("@s/a@1.0.0+b"), package("@s/a", Some("1.0.0+b")));
        assert_eq!(parse("sha512-tools"), package("sha512-tools", None));
        let (blob, digest) = (BlobId::of(b"abc"), Digest::of(Algorithm::Sha512, b"abc"));
        assert_eq!(parse(&format!("blake3:{blob}")), Ok(Named::Blob(blob)));
        assert_eq!(parse(&digest.to_string()), Ok(Named::Digest(digest)));
        for wrong in ["", "@", "react@", "blake3:abc"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
