//! Writes config, manifest and index: members in a fixed order, and nothing that is not stated.

use std::collections::BTreeMap;

use serde::Serialize;

use super::descriptor::{Annotations, Descriptor, INDEX, MANIFEST, Platform};
use crate::share::oci::digest::ContentDigest;

/// When an image was made: an image without a time is shown as centuries old, and one with the right time is another image each time.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// Where larder is in the image.
const ENTRYPOINT: &str = "/bin/larder";

/// The config of an image whose layers have these digests. They are those of the tars themselves.
pub fn config(platform: &Platform, layers: &[ContentDigest]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Written<'a> {
        #[serde(flatten)]
        platform: &'a Platform,
        created: &'a str,
        config: Run<'a>,
        rootfs: Rootfs<'a>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Run<'a> {
        entrypoint: [&'a str; 1],
        working_dir: &'a str,
    }
    #[derive(Serialize)]
    struct Rootfs<'a> {
        r#type: &'a str,
        diff_ids: Vec<String>,
    }
    json(&Written {
        platform,
        created: CREATED,
        config: Run { entrypoint: [ENTRYPOINT], working_dir: "/" },
        rootfs: Rootfs { r#type: "layers", diff_ids: layers.iter().map(ContentDigest::to_string).collect() },
    })
}

/// A manifest.
pub fn manifest(config: &Descriptor, layers: &[Descriptor], annotations: &Annotations) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Written<'a> {
        schema_version: u32,
        media_type: &'a str,
        config: &'a Descriptor,
        layers: &'a [Descriptor],
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        annotations: &'a Annotations,
    }
    json(&Written { schema_version: 2, media_type: MANIFEST, config, layers, annotations })
}

/// An index of these manifests, by platform; each descriptor says which it is for.
pub fn index(manifests: &[Descriptor], annotations: &Annotations) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Written<'a> {
        schema_version: u32,
        media_type: &'a str,
        manifests: Vec<&'a Descriptor>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        annotations: &'a Annotations,
    }
    let mut manifests: Vec<&Descriptor> = manifests.iter().collect();
    manifests.sort_by(|a, b| (&a.platform, a.digest).cmp(&(&b.platform, b.digest)));
    json(&Written { schema_version: 2, media_type: INDEX, manifests, annotations })
}

fn json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("it has only texts, numbers and lists")
}
