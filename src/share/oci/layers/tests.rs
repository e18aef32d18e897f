//! The rule of the layers, their bytes, and that a puller finds what a pusher wrote.

use std::{collections::HashMap, io::Cursor};

use larder_store::{Store, StoreError, digest::Integrity, receipt::Origin};
use proptest::prelude::*;

use super::*;
use crate::share::oci::{
    image::{Descriptor, TAR},
    seed::{locate, read_blobs, read_seed},
};

/// Blobs in memory, by name.
#[derive(Default)]
struct Memory(HashMap<BlobId, Vec<u8>>);

impl Blobs for Memory {
    fn open(&self, found: &BlobRef) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(&self.0[&found.blob][..]))
    }
}

impl Memory {
    fn add(&mut self, bytes: Vec<u8>) -> BlobRef {
        let found = BlobRef { blob: BlobId::of(&bytes), size: bytes.len() as u64 };
        self.0.insert(found.blob, bytes);
        found
    }
}

fn receipt(found: BlobRef) -> larder_store::receipt::Receipt {
    let digests = Integrity::new([larder_store::digest::Digest::of(
        larder_store::digest::Algorithm::Sha512,
        found.blob.as_bytes(),
    )]);
    let origin =
        Origin { ecosystem: "npm".into(), name: "a".into(), version: "1.0.0".into(), address: None, identity: None };
    larder_store::receipt::Receipt {
        blob: found.blob,
        size: found.size,
        digests: digests.unwrap(),
        origins: vec![origin],
        fetched: None,
    }
}

/// A context with these blobs.
fn context(blobs: &[(SeedPart, BlobRef)]) -> Layout {
    let mut layout = Layout::default();
    layout.insert("bin/larder".to_owned(), Content::Program(b"\x7fELF".to_vec()));
    for part in SeedPart::ALL {
        let (path, bytes) = seed::meta();
        layout.insert(format!("{}/{path}", part.folder()), Content::Bytes(bytes));
    }
    for (part, found) in blobs {
        let (path, bytes) = seed::receipt(&receipt(*found));
        layout.insert(format!("{}/{path}", part.folder()), Content::Bytes(bytes));
        layout.insert(format!("{}/{}", part.folder(), seed::blob_path(&found.blob)), Content::Blob(*found));
    }
    layout
}

fn written(layer: &Layer, layout: &Layout, blobs: &dyn Blobs) -> Vec<u8> {
    let mut bytes = Vec::new();
    layer.write(layout, blobs, &mut bytes).unwrap();
    bytes
}

/// Blobs of these lengths, alternately of both parts.
fn blobs(lengths: &[usize]) -> (Memory, Vec<(SeedPart, BlobRef)>) {
    let mut memory = Memory::default();
    let part = |number: usize| SeedPart::ALL[usize::from(number % 3 == 2)];
    let found = lengths.iter().enumerate().map(|(number, len)| {
        let mut bytes = vec![0x5a; *len];
        bytes.extend(number.to_le_bytes());
        (part(number), memory.add(bytes))
    });
    let found = found.collect();
    (memory, found)
}

#[test]
fn a_small_context_has_these_layers_and_bytes() {
    let mut memory = Memory::default();
    let found = memory.add(b"abc".to_vec());
    let layout = context(&[(SeedPart::Packages, found)]);
    let layers = layers(&layout);
    // 6437b3…: the first five bits are 01100.
    let kinds: Vec<LayerKind> = layers.iter().map(|layer| layer.kind).collect();
    assert_eq!(kinds, [LayerKind::Bucket(SeedPart::Packages, 0b01100), LayerKind::Metadata, LayerKind::Program]);
    let read = |layer: &Layer| -> Vec<String> {
        let bytes = written(layer, &layout, &memory);
        let mut archive = tar::Archive::new(&bytes[..]);
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let mode = entry.header().mode().unwrap();
            format!("{mode:o} {} {}", entry.size(), String::from_utf8_lossy(&entry.path_bytes()))
        });
        entries.collect()
    };
    assert_eq!(read(&layers[2]), ["755 0 bin/", "755 4 bin/larder"]);
    let rest = "37b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
    assert_eq!(
        read(&layers[1]),
        [
            "755 0 pyodide/".to_owned(),
            "755 0 store/".to_owned(),
            "755 0 store/receipts/".to_owned(),
            "755 0 store/receipts/64/".to_owned(),
            "644 28 pyodide/meta.json".to_owned(),
            "644 28 store/meta.json".to_owned(),
            format!("644 267 store/receipts/64/{rest}.json"),
        ]
    );
    assert_eq!(
        read(&layers[0]),
        [
            "755 0 store/".to_owned(),
            "755 0 store/blobs/".to_owned(),
            "755 0 store/blobs/64/".to_owned(),
            format!("444 3 store/blobs/64/{rest}"),
        ]
    );
    // Images that are in registries have these bytes: another larder must not write others.
    assert_eq!(
        layers[0].digest(&layout, &memory).unwrap().to_string(),
        "sha256:e359cc10d146ed097d3dcc080f9a9812a66e5e4f8014b49e6ca638490fced8ef"
    );
    assert_eq!(
        layers[0].blobs().collect::<Vec<_>>(),
        [BlobSpan { part: SeedPart::Packages, blob: found, offset: 2048 }]
    );
}

#[test]
fn the_largest_blobs_have_layers_of_their_own_and_there_are_never_too_many() {
    let blob = |number: u32, size| BlobRef { blob: BlobId::of(&number.to_le_bytes()), size };
    let many: Vec<(SeedPart, BlobRef)> = (0..2000)
        .map(|number| (SeedPart::ALL[usize::from(number % 4 == 0)], blob(number, u64::from(number) << 11)))
        .collect();
    let layers = blob_layers(many.iter().copied());
    assert_eq!(layers.len(), 32 + 32 + 8);
    let large: BTreeSet<u64> = layers
        .iter()
        .filter(|layer| matches!(layer.kind, LayerKind::Large(..)))
        .flat_map(|layer| layer.blobs().map(|span| span.blob.size >> 11).collect::<Vec<_>>())
        .collect();
    assert_eq!(large, (1968..2000).collect());
    let smaller = blob_layers([(SeedPart::Packages, blob(1, LARGE - 1)), (SeedPart::Packages, blob(2, LARGE))]);
    let is_large = |layer: &&Layer| matches!(layer.kind, LayerKind::Large(..));
    assert_eq!(smaller.iter().filter(is_large).count(), 1);
    // All of them, each once.
    let found: Vec<BlobSpan> = layers.iter().flat_map(|layer| layer.blobs().collect::<Vec<_>>()).collect();
    assert_eq!(found.len(), many.len());
}

#[test]
fn one_changed_dependency_changes_the_metadata_and_two_buckets_at_most() {
    let (mut memory, found) = blobs(&[900; 200]);
    let (before, mut changed) = (context(&found), found.clone());
    changed[0] = (changed[0].0, memory.add(b"another version".to_vec()));
    let after = context(&changed);
    let digests = |layout: &Layout| -> BTreeSet<ContentDigest> {
        layers(layout).iter().map(|layer| layer.digest(layout, &memory).unwrap()).collect()
    };
    let (before, after) = (digests(&before), digests(&after));
    let new = after.difference(&before).count();
    assert!(after.len() > 20 && (2..=3).contains(&new), "{new} of {}", after.len());
}

#[test]
fn blobs_beside_each_other_are_asked_for_together() {
    let blob = |number: u8, size| {
        let mut name = [0; 32];
        name[1] = number;
        (SeedPart::Packages, BlobRef { blob: BlobId::from_bytes(name), size })
    };
    let layer = blob_layers([blob(1, 100), blob(2, 512), blob(3, 5000), blob(4, 7)]).remove(0);
    // Three folders, and then a header in front of each.
    let ranges = |most_gap, wanted: &[u64]| -> Vec<(u64, u64)> {
        let runs = layer.runs(most_gap, |span| wanted.contains(&span.blob.size));
        let blobs: usize = runs.iter().map(|run| run.blobs.len()).sum();
        assert_eq!(blobs, wanted.len());
        runs.into_iter().map(|run| (run.range.start, run.range.end)).collect()
    };
    assert_eq!(ranges(2048, &[100, 512, 5000, 7]), [(2048, 9735)]);
    assert_eq!(ranges(0, &[100, 512, 5000]), [(2048, 2148), (3072, 3584), (4096, 9096)]);
    assert_eq!(ranges(2048, &[100, 512, 7]), [(2048, 3584), (9728, 9735)]);
    assert_eq!(ranges(2048, &[]), []);
}

#[test]
fn a_blob_in_both_parts_is_found_in_both() {
    let mut memory = Memory::default();
    let found = memory.add(b"abc".to_vec());
    let layers = blob_layers(SeedPart::ALL.map(|part| (part, found)));
    let spans: Vec<BlobSpan> = layers.iter().flat_map(|layer| layer.blobs().collect::<Vec<_>>()).collect();
    assert_eq!(spans.iter().map(|span| span.part).collect::<Vec<_>>(), SeedPart::ALL);
    assert_eq!(layers.iter().map(|layer| layer.kind).collect::<Vec<_>>().len(), 2);
}

#[test]
fn an_image_that_is_not_as_the_rule_says_is_not_located() {
    let (_, found) = blobs(&[1, 2, 3]);
    let computed = blob_layers(found.iter().copied());
    let described = |len: u64| Descriptor::new(TAR, ContentDigest::of(b""), len);
    let mut all: Vec<Descriptor> = computed.iter().map(|layer| described(layer.len)).collect();
    all.extend([described(1), described(2)]);
    let located = locate(&all, found.iter().copied()).unwrap();
    assert_eq!(located.into_iter().map(|(_, layer)| layer).collect::<Vec<_>>(), computed);
    let changed = |change: fn(&mut Vec<Descriptor>)| {
        let mut changed = all.clone();
        change(&mut changed);
        locate(&changed, found.iter().copied()).is_none()
    };
    assert!(changed(|all| all[0].size += 512));
    assert!(changed(|all| all[0].media_type.push_str("+gzip")));
    assert!(changed(|all| drop(all.pop())));
    assert!(changed(Vec::clear));
}

#[test]
fn a_blob_of_another_length_or_layout_is_no_layer() {
    let mut memory = Memory::default();
    let found = memory.add(b"abc".to_vec());
    let layout = context(&[(SeedPart::Packages, found)]);
    for wrong in [&b"ab"[..], b"abcd"] {
        memory.0.insert(found.blob, wrong.to_vec());
        let error = layers(&layout)[0].write(&layout, &memory, &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "a blob has not the length that is known of it");
    }
    let error = layers(&layout)[2].write(&Layout::default(), &memory, &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "the layer is of another layout");
}

#[test]
fn a_damaged_blob_of_a_store_is_found_while_its_layer_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let found = BlobRef { blob: BlobId::of(b"abc"), size: 3 };
    let path = store.blob_path(&found.blob);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let layout = context(&[(SeedPart::Packages, found)]);
    let layer = &layers(&layout)[0];
    std::fs::write(&path, "abc").unwrap();
    let memory = Memory(HashMap::from([(found.blob, b"abc".to_vec())]));
    assert_eq!(layer.digest(&layout, &store).unwrap(), layer.digest(&layout, &memory).unwrap());
    std::fs::write(&path, "abd").unwrap();
    let error = layer.digest(&layout, &store).unwrap_err();
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<StoreError>()).unwrap();
    assert!(matches!(inner, StoreError::DamagedBlob { actual, .. } if *actual == BlobId::of(b"abd")), "{inner:?}");
    assert!(!path.exists(), "it is set aside");
}

#[test]
fn a_packed_layer_is_read_whole() {
    let (memory, found) = blobs(&[10, 20, 30]);
    let layout = context(&found);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let bucket = &layers(&layout)[0];
    bucket.write(&layout, &memory, &mut packed).unwrap();
    let described = Descriptor::new(&format!("{TAR}+gzip"), ContentDigest::of(b""), 0);
    let mut seen = Vec::new();
    read_blobs(&described, Cursor::new(packed.finish().unwrap()), 1 << 20, |part, blob, len, bytes| {
        let mut content = Vec::new();
        bytes.read_to_end(&mut content)?;
        assert_eq!(BlobId::of(&content), blob);
        seen.push((part, BlobRef { blob, size: len }));
        Ok(())
    })
    .unwrap();
    assert_eq!(seen, bucket.blobs().map(|span| (span.part, span.blob)).collect::<Vec<_>>());
    let unknown = Descriptor::new("application/x\u{1b}", ContentDigest::of(b""), 0);
    let error = read_blobs(&unknown, Cursor::new(b""), 1, |_, _, _, _| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), r"a layer of the type application/x\u{1b}, which larder does not unpack");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_puller_finds_each_blob_where_it_was_written(lengths in prop::collection::vec(0..3000_usize, 0..40)) {
        let (memory, found) = blobs(&lengths);
        let layout = context(&found);
        let layers = layers(&layout);
        let bytes: Vec<Vec<u8>> = layers.iter().map(|layer| written(layer, &layout, &memory)).collect();
        let described: Vec<Descriptor> = bytes.iter().map(|bytes| Descriptor::of(TAR, bytes)).collect();
        for ((layer, bytes), described) in layers.iter().zip(&bytes).zip(&described) {
            prop_assert_eq!(layer.len, bytes.len() as u64);
            prop_assert_eq!(layer.digest(&layout, &memory).unwrap(), described.digest);
        }
        // From the metadata layer alone.
        let metadata = described.len() - 2;
        let seed = read_seed(&described[metadata], &bytes[metadata][..]).unwrap();
        prop_assert_eq!(seed.receipts.len(), found.len());
        prop_assert_eq!(seed.others.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["meta.json"; 2]);
        let blobs = seed.receipts.iter().map(|(part, receipt)| (*part, BlobRef { blob: receipt.blob, size: receipt.size }));
        let mut count = 0;
        for (index, (_, layer)) in locate(&described, blobs).unwrap().iter().enumerate() {
            for span in layer.blobs() {
                let start = usize::try_from(span.offset).unwrap();
                let end = start + usize::try_from(span.blob.size).unwrap();
                prop_assert_eq!(&bytes[index][start..end], &memory.0[&span.blob.blob][..]);
                count += 1;
            }
        }
        prop_assert_eq!(count, found.len());
    }
}
