//! A whole image to a registry that others wrote, and back: run with `LARDER_TEST_REGISTRY=127.0.0.1:5000`, and with `DOCKER_CONFIG` if it wants a password.

#![expect(clippy::print_stdout, reason = "its figures are for the person who runs it")]

use std::{collections::HashMap, io::Write, path::Path, sync::Arc};

use larder_store::{
    digest::{Algorithm, BlobId, Digest, Integrity},
    key::BlobRef,
    receipt::Receipt,
    seed as form,
};

use super::*;
use crate::{
    core::{
        environment::Environment,
        layout::{Content, Layout},
    },
    share::oci::{
        image::{self, Annotations, CONFIG, Descriptor, Document, PLAN_ANNOTATION, TAR},
        layers::layers,
        seed::{locate, read_blobs, read_seed},
        store_blobs::Blobs,
    },
    view::context::SeedPart,
};

struct Memory(HashMap<BlobId, Vec<u8>>);

impl Blobs for Memory {
    fn open(&self, found: &BlobRef) -> std::io::Result<Box<dyn std::io::Read + '_>> {
        Ok(Box::new(&self.0[&found.blob][..]))
    }
}

/// A context with blobs of these lengths.
fn context(lengths: &[usize]) -> (Layout, Memory) {
    let (mut layout, mut memory) = (Layout::default(), Memory(HashMap::new()));
    layout.insert("bin/larder".to_owned(), Content::Program(b"\x7fELF".to_vec()));
    for (number, len) in lengths.iter().enumerate() {
        let mut content = bytes(*len);
        content.extend(number.to_le_bytes());
        let found = BlobRef { blob: BlobId::of(&content), size: content.len() as u64 };
        let digests = Integrity::from(Digest::of(Algorithm::Sha512, &content));
        let receipt = Receipt { blob: found.blob, size: found.size, digests, origins: Vec::new(), fetched: None };
        let folder = SeedPart::ALL[number % 2].folder();
        let (path, receipt) = form::receipt(&receipt);
        layout.insert(format!("{folder}/{path}"), Content::Bytes(receipt));
        layout.insert(format!("{folder}/{}", form::blob_path(&found.blob)), Content::Blob(found));
        memory.0.insert(found.blob, content);
    }
    (layout, memory)
}

fn logged_in(reference: &Reference, access: Access) -> Repository {
    let environment = Environment::new(Path::new("/"), std::env::vars_os());
    let credentials = Credentials::find(&environment, reference).unwrap();
    Repository::open(reference, access, &ClientSettings::default(), credentials).unwrap()
}

async fn push(repository: &Repository, layout: &Arc<Layout>, memory: &Arc<Memory>) -> usize {
    let (mut described, mut sent) = (Vec::new(), 0);
    for layer in layers(layout) {
        let digest = layer.digest(layout, &**memory).unwrap();
        described.push(Descriptor::new(TAR, digest, layer.len));
        if !repository.has_blob(&digest).await.unwrap() {
            let (layout, memory, len) = (Arc::clone(layout), Arc::clone(memory), layer.len);
            let source: BlobSource = Arc::new(move |out: &mut dyn Write| layer.write(&layout, &*memory, out));
            sent += usize::from(repository.write_blob(&digest, len, source).await.unwrap());
        }
    }
    let platform = "linux/amd64".parse().unwrap();
    let config = image::config(&platform, &described.iter().map(|layer| layer.digest).collect::<Vec<_>>());
    let described_config = Descriptor::of(CONFIG, &config);
    repository.write_blob(&described_config.digest, described_config.size, source(config)).await.unwrap();
    let annotations = Annotations::from([(PLAN_ANNOTATION.to_owned(), "blake3:00".to_owned())]);
    let manifest = image::manifest(&described_config, &described, &annotations);
    let mut entry = Descriptor::of(MANIFEST, &manifest);
    repository.put_manifest(&Version::Digest(entry.digest), MANIFEST, &manifest).await.unwrap();
    entry.platform = Some(platform);
    let index = image::index(&[entry], &annotations);
    repository.put_manifest(&v1(), INDEX, &index).await.unwrap();
    sent
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a registry: LARDER_TEST_REGISTRY names it"]
async fn an_image_goes_to_a_real_registry_and_comes_back_by_parts() {
    let Ok(registry) = std::env::var("LARDER_TEST_REGISTRY") else { panic!("LARDER_TEST_REGISTRY names a registry") };
    let reference = Reference::parse(&format!("oci://{registry}/team/app:v1"), None).unwrap();
    let repository = logged_in(&reference, Access::Push);
    let lengths: Vec<usize> = (0..150).map(|number| number * 700).chain([3 << 20, 40 << 20]).collect();
    let (layout, memory) = context(&lengths);
    let (layout, memory) = (Arc::new(layout), Arc::new(memory));
    let started = std::time::Instant::now();
    let first = push(&repository, &layout, &memory).await;
    let second = push(&repository, &layout, &memory).await;
    println!("{first} layers sent, then {second}; {:?}", started.elapsed());
    assert_eq!(second, 0);
    let stored = repository.manifest(&v1()).await.unwrap().unwrap();
    let Document::Index(index) = Document::read(stored.media_type.as_deref(), &stored.bytes).unwrap() else {
        panic!("an index")
    };
    let entry = index.for_platform(&"linux/amd64".parse().unwrap()).unwrap();
    let stored = repository.manifest(&Version::Digest(entry.digest)).await.unwrap().unwrap();
    let Document::Manifest(manifest) = Document::read(stored.media_type.as_deref(), &stored.bytes).unwrap() else {
        panic!("a manifest")
    };
    let metadata = repository.blob(&manifest.layers[1].digest, manifest.layers[1].size, 64 << 20).await.unwrap();
    let seed = read_seed(&manifest.layers[1], &metadata[..]).unwrap();
    assert_eq!(seed.receipts.len(), lengths.len());
    let blobs = seed.receipts.iter().map(|(part, it)| (*part, BlobRef { blob: it.blob, size: it.size }));
    let (mut parts, started) = (0, std::time::Instant::now());
    for (layer, places) in locate(&manifest.layers, blobs).unwrap() {
        for span in places.blobs() {
            let range = span.offset..span.offset + span.blob.size;
            let mut body = repository.read_blob(&layer.digest, layer.size, Some(range.clone())).await.unwrap();
            assert_eq!(body.range(), range);
            assert_eq!(BlobId::of(&all(&mut body).await.unwrap()), span.blob.blob);
            parts += 1;
        }
    }
    println!("{parts} blobs by their places in {:?}", started.elapsed());
    assert_eq!(repository.tags(10).await.unwrap(), ["v1"]);
    copied(&registry).await;
}

/// What another tool made of the image, if it was copied to `team/copy:v1`: packed layers, read whole.
async fn copied(registry: &str) {
    let reference = Reference::parse(&format!("oci://{registry}/team/copy:v1"), None).unwrap();
    let repository = logged_in(&reference, Access::Pull);
    let Some(stored) = repository.manifest(&v1()).await.unwrap() else { return println!("no copy") };
    let Document::Manifest(manifest) = Document::read(stored.media_type.as_deref(), &stored.bytes).unwrap() else {
        panic!("a manifest")
    };
    let mut count = 0;
    for layer in &manifest.layers {
        let body = repository.read_blob(&layer.digest, layer.size, None).await.unwrap();
        let (layer, reader) = (layer.clone(), body.into_read(tokio::runtime::Handle::current()));
        let read = tokio::task::spawn_blocking(move || {
            let mut count = 0;
            read_blobs(&layer, reader, 1 << 30, |_, blob, _, content| {
                let mut bytes = Vec::new();
                content.read_to_end(&mut bytes)?;
                assert_eq!(BlobId::of(&bytes), blob);
                count += 1;
                Ok(())
            })
            .map(|()| count)
        });
        count += read.await.unwrap().unwrap();
    }
    println!("{count} blobs of a copy whose first layer is {}", manifest.layers[0].media_type);
}
