//! What a store takes from a registry.

use std::io::Write as _;

use super::*;
use crate::share::oci::{
    image::{self, CONFIG, Descriptor, TAR},
    mock::reply,
};

/// A registry that a plan was pushed to.
fn pushed(files: &Files, version: &str, platforms: &[&str]) -> Registry {
    let registry = Registry::start();
    let (_folder, store) = files.store();
    push(&registry.pushing(version), &plan('a'), &files.images(platforms), &store);
    registry.mock.forget();
    registry
}

fn assert_whole(files: &Files, pulled: &(TempDir, Store, Imported)) {
    let (_, store, imported) = pulled;
    assert_eq!((imported.imported.count, imported.refused.len()), (122, 0), "{imported:?}");
    for (blob, bytes) in &files.bytes {
        assert_eq!(&std::fs::read(store.blob_path(blob)).unwrap(), bytes);
    }
}

#[test]
fn an_empty_store_gets_every_blob_by_its_place() {
    let files = Files::many();
    let registry = pushed(&files, ":v1", &["linux/amd64"]);
    // One version is of whatever plan.
    let pulled = pull(&registry.pulling(":v1"), &plan('b'));
    assert_whole(&files, &pulled);
    let (ranges, wholes): (Vec<_>, Vec<_>) = registry
        .mock
        .seen()
        .into_iter()
        .filter(|seen| seen.path().contains("/blobs/"))
        .partition(|seen| seen.header("range").is_some());
    assert_eq!((ranges.len(), wholes.len()), (122, 1), "the metadata is read whole, and nothing else");
    assert!(registry.pulling(":v2").plan(&plan('a')).unwrap().is_none());
}

#[test]
fn a_file_of_both_parts_has_one_receipt() {
    let mut files = Files::default();
    files.add(SeedPart::Packages, "both", 10);
    let mut other = files.receipts[0].clone();
    other.0 = SeedPart::Pyodide;
    other.1.origins[0].name = "twin".to_owned();
    files.receipts.push(other);
    let registry = Registry::start();
    let (_folder, store) = files.clone().without("twin").store();
    push(&registry.pushing(":v1"), &plan('a'), &files.images(&["linux/amd64"]), &store);
    let remote = registry.pulling(":v1");
    let shared = remote.plan(&plan('a')).unwrap().unwrap();
    let names: Vec<_> = shared.receipts[0].origins.iter().map(|origin| origin.name.as_str()).collect();
    assert_eq!((shared.receipts.len(), names), (1, vec!["both", "twin"]));
}

#[test]
fn a_registry_that_gives_no_parts_gives_each_layer_once() {
    let files = Files::many();
    let registry = pushed(&files, ":v1", &["linux/amd64"]);
    registry.mock.gives_no_parts(true);
    let remote = registry.pulling(":v1");
    assert_whole(&files, &pull(&remote, &plan('a')));
    let layers = registry.manifests("v1")[0].layers.len();
    assert_eq!(registry.count("GET", "blobs/"), layers - 1, "all but the program's");
    // Where only one file is wanted, only its layer is read.
    let (folder, store) = empty_store();
    registry.mock.forget();
    let large = files.of_name("large");
    let scratch = store.scratch_parent().unwrap();
    let remote = registry.pulling(":v1").spooling_in(Some(scratch.clone()));
    let shared = remote.plan(&plan('a')).unwrap().unwrap();
    let imported = import_all(&store, &[large], &*shared.blobs);
    assert_eq!((imported.imported.count, registry.count("GET", "blobs/")), (1, 2));
    assert_eq!(
        std::fs::read_dir(scratch)
            .unwrap()
            .filter(|file| file.as_ref().unwrap().metadata().unwrap().len() > 1000)
            .count(),
        0
    );
    drop(folder);
}

/// Packs the layers of a version as other tools do that copy images, and gives the copy a tag of its own.
fn packed(registry: &Registry, from: &str, to: &str) -> Manifest {
    let mut manifest = registry.manifests(from).remove(0);
    for layer in &mut manifest.layers {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&registry.mock.blob(&layer.digest).unwrap()).unwrap();
        let bytes = packed.finish().unwrap();
        registry.mock.add_blob(&bytes);
        *layer = Descriptor::of(&format!("{TAR}+gzip"), &bytes);
    }
    put(registry, to, &manifest);
    manifest
}

fn put(registry: &Registry, tag: &str, manifest: &Manifest) {
    let bytes = image::manifest(&manifest.config, &manifest.layers, &manifest.annotations);
    let remote = registry.pushing(":x");
    let version = Version::Tag(tag.to_owned());
    let put = remote.repository.put_manifest(&version, image::MANIFEST, &bytes);
    registry.runtime.block_on(put).unwrap();
    registry.mock.forget();
}

#[test]
fn a_packed_copy_is_read_layer_by_layer_and_each_once() {
    let files = Files::many();
    let registry = pushed(&files, ":v1", &["linux/amd64"]);
    let manifest = packed(&registry, "v1", "copy");
    assert_whole(&files, &pull(&registry.pulling(":copy"), &plan('a')));
    assert_eq!(registry.count("GET", "blobs/"), manifest.layers.len() - 1, "all but the program's");
    // Also if one has put other layers on top, and another all layers into one.
    let mut more = manifest.clone();
    more.layers.push(manifest.layers.last().unwrap().clone());
    put(&registry, "more", &more);
    assert_whole(&files, &pull(&registry.pulling(":more"), &plan('a')));
    let whole = |layers: &[Descriptor]| {
        let mut tar = tar::Builder::new(Vec::new());
        for layer in layers {
            let bytes = registry.mock.blob(&layer.digest).unwrap();
            let mut archive = tar::Archive::new(&bytes[..]);
            for entry in archive.entries().unwrap() {
                let entry = entry.unwrap();
                tar.append(&entry.header().clone(), entry).unwrap();
            }
        }
        tar.into_inner().unwrap()
    };
    let squashed = whole(&registry.manifests("v1")[0].layers);
    registry.mock.add_blob(&squashed);
    put(&registry, "squashed", &Manifest { layers: vec![Descriptor::of(TAR, &squashed)], ..manifest });
    assert_whole(&files, &pull(&registry.pulling(":squashed"), &plan('a')));
}

#[test]
fn bytes_that_are_not_a_file_s_are_refused_by_its_name() {
    let files = Files::many();
    for is_packed in [false, true] {
        let registry = pushed(&files, ":v1", &["linux/amd64"]);
        let layers = registry.manifests("v1").remove(0).layers;
        let large = files.of_name("large");
        let of_large = layers.iter().find(|layer| layer.size / (1 << 20) == 3).unwrap();
        let mut wrong = registry.mock.blob(&of_large.digest).unwrap().to_vec();
        let len = wrong.len();
        wrong[len / 2] ^= 1;
        registry.mock.replace_blob(&of_large.digest, Some(wrong));
        // Who packs what is wrong makes a layer with the right digest of it.
        if is_packed {
            packed(&registry, "v1", "copy");
        }
        let version = if is_packed { ":copy" } else { ":v1" };
        let (_folder, store, imported) = pull(&registry.pulling(version), &plan('a'));
        assert_eq!((imported.imported.count, imported.refused.len()), (121, 1), "{imported:?}");
        let refusal = &imported.refused[0];
        assert_eq!((refusal.package.as_deref(), refusal.blob), (Some("large 1.0.0"), Some(large.blob)));
        assert!(matches!(refusal.reason, RefusalReason::Bytes { .. }), "{refusal:?}");
        assert!(!store.blob_path(&large.blob).exists());
    }
}

#[test]
fn a_layer_that_lost_its_digest_is_named_once_for_each_file_and_asked_for_once() {
    let files = Files::many();
    let registry = pushed(&files, ":v1", &["linux/amd64"]);
    let manifest = packed(&registry, "v1", "copy");
    let damaged = &manifest.layers[4];
    let mut wrong = registry.mock.blob(&damaged.digest).unwrap().to_vec();
    wrong[20] ^= 1;
    registry.mock.replace_blob(&damaged.digest, Some(wrong));
    let (_folder, _, imported) = pull(&registry.pulling(":copy"), &plan('a'));
    assert!(!imported.refused.is_empty() && imported.imported.count + imported.refused.len() as u64 == 122);
    assert!(imported.refused.iter().all(|refusal| matches!(refusal.reason, RefusalReason::Unread(_))));
    assert_eq!(registry.count("GET", &format!("blobs/{}", damaged.digest)), 1);
}

#[test]
fn this_machine_s_image_is_taken_and_another_if_it_has_none() {
    let own = own_platform();
    let files = Files::many();
    let registry = pushed(&files, ":v1", &["linux/s390x", &own]);
    let entry = registry.index("v1").1.for_platform(&own.parse().unwrap()).unwrap().digest;
    registry.mock.forget();
    registry.pulling(":v1").plan(&plan('a')).unwrap().unwrap();
    assert_eq!(registry.count("GET", &format!("manifests/{entry}")), 1);
    assert_eq!(registry.count("GET", "manifests/"), 2);
    // What cannot be read is passed over.
    registry.mock.hook(move |seen| seen.path().ends_with(&entry.to_string()).then(|| reply(404, &[], "")));
    assert_whole(&files, &pull(&registry.pulling(":v1"), &plan('a')));
}

#[test]
fn somebody_else_s_image_is_named() {
    let registry = Registry::start();
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    header.set_cksum();
    tar.append_data(&mut header, "etc/passwd", &b"no"[..]).unwrap();
    let bytes = tar.into_inner().unwrap();
    registry.mock.add_blob(&bytes);
    let layers = vec![Descriptor::of(TAR, &bytes)];
    let other = Manifest { config: Descriptor::of(CONFIG, b"{}"), layers, annotations: image::Annotations::new() };
    put(&registry, "v1", &other);
    put(&registry, "empty", &Manifest { layers: Vec::new(), ..other });
    for version in [":v1", ":empty"] {
        let error = registry.pulling(version).plan(&plan('a')).err().unwrap();
        let said = format!("oci://{}/team/app{version}: cannot read its metadata", registry.mock.address);
        assert_eq!(error.to_string(), said);
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "it is not an image that larder made");
    }
    // And is replaced by who pushes.
    let files = Files::many();
    let (_folder, store) = files.store();
    assert!(push(&registry.pushing(":v1"), &plan('a'), &files.images(&["linux/amd64"]), &store).is_written);
    assert_whole(&files, &pull(&registry.pulling(":v1"), &plan('a')));
}

#[test]
fn lengths_that_nobody_has_are_no_place_in_a_layer() {
    let mut files = Files::default();
    files.add(SeedPart::Packages, "honest", 10);
    files.add(SeedPart::Packages, "boasting", 10);
    let (_folder, store) = files.store();
    let registry = Registry::start();
    let images = files.images(&["linux/amd64"]);
    push(&registry.pushing(":v1"), &plan('a'), &images, &store);
    files.receipts[1].1.size = u64::MAX;
    let manifest = registry.manifests("v1").remove(0);
    // The metadata of another image, in front of the same blobs.
    let layout = files.context("x");
    let layer = &crate::share::oci::layers::layers(&layout_without_blobs(&layout))[0];
    let mut metadata = Vec::new();
    layer.write(&layout, &store, &mut metadata).unwrap();
    registry.mock.add_blob(&metadata);
    let mut layers = manifest.layers.clone();
    let place = layers.len() - 2;
    layers[place] = Descriptor::of(TAR, &metadata);
    put(&registry, "v1", &Manifest { layers, ..manifest });
    let (_pulled_folder, _, imported) = pull(&registry.pulling(":v1"), &plan('a'));
    assert_eq!((imported.imported.count, imported.refused.len()), (1, 1), "{imported:?}");
    assert_eq!(imported.refused[0].package.as_deref(), Some("boasting 1.0.0"));
}

fn layout_without_blobs(layout: &Layout) -> Layout {
    let mut other = Layout::default();
    for (path, content) in layout.files().filter(|(_, content)| !matches!(content, Content::Blob(_))) {
        other.insert(path.to_owned(), content.clone());
    }
    other
}

#[test]
fn a_reference_s_errors_are_a_remote_s() {
    let environment = Environment::new(std::path::Path::new("/"), std::iter::empty::<(&str, &str)>());
    let open = |text: &str| OciRemote::open(text, &environment, &ClientSettings::default(), Access::Pull);
    let error = open("oci://registry.example/{plan}:v1").unwrap_err();
    assert!(matches!(error, RemoteError::Reference(_)));
    assert!(!error.is_denied());
    assert!(open("oci://registry.example/app").is_ok());
}
