//! Plans to a registry in memory and back: what is sent, what is asked, and what becomes of lies and losses.

mod pulling;
mod pushing;
mod registry;

use std::{
    collections::HashMap,
    io::Read,
    sync::atomic::{AtomicUsize, Ordering},
};

use larder_store::{
    Store,
    digest::{Algorithm, BlobId, Digest},
    import::{Blobs, Identities, Imported, Options, RefusalReason, import_from},
    key::BlobRef,
    receipt::{Origin, Receipt},
    seed as form,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{push::PushedImage, *};
use crate::{
    core::layout::{Content, Layout},
    share::{
        object::PushOptions,
        oci::{
            digest::ContentDigest,
            image::{Document, Index, Manifest, Platform},
            mock::Mock,
            reference::Version,
        },
    },
    view::context::SeedPart,
};

/// A plan's digest.
fn plan(letter: char) -> String {
    letter.to_string().repeat(64)
}

/// A registry, and the runtime that it runs in.
struct Registry {
    runtime: Runtime,
    mock: Mock,
}

impl Registry {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let mock = runtime.block_on(Mock::start());
        Self { runtime, mock }
    }

    fn open(&self, version: &str, access: Access) -> OciRemote {
        let text = format!("oci://{}/team/app{version}", self.mock.address);
        let environment = Environment::new(std::path::Path::new("/"), std::iter::empty::<(&str, &str)>());
        let settings = ClientSettings { retries: 0, ..ClientSettings::default() };
        OciRemote::open(&text, &environment, &settings, access).unwrap()
    }

    fn pushing(&self, version: &str) -> OciRemote {
        self.open(version, Access::Push)
    }

    fn pulling(&self, version: &str) -> OciRemote {
        self.open(version, Access::Pull)
    }

    /// How many requests of this method came for what begins so, since they were forgotten last.
    fn count(&self, method: &str, path: &str) -> usize {
        let start = format!("{method} /v2/team/app/{path}");
        self.mock.lines().iter().filter(|line| line.starts_with(&start)).count()
    }

    fn index(&self, version: &str) -> (ContentDigest, Index) {
        match self.pulling(":x").document(&Version::Tag(version.to_owned())).unwrap() {
            Some((digest, Document::Index(index))) => (digest, index),
            other => panic!("{other:?}"),
        }
    }

    /// The manifests of a version, by platform.
    fn manifests(&self, version: &str) -> Vec<Manifest> {
        let remote = self.pulling(":x");
        self.index(version).1.manifests.iter().map(|entry| remote.manifest(entry).unwrap()).collect()
    }
}

/// Files with their receipts, in memory.
#[derive(Clone, Default)]
struct Files {
    bytes: HashMap<BlobId, Vec<u8>>,
    receipts: Vec<(SeedPart, Receipt)>,
}

impl Files {
    /// So many small files, and two large ones.
    fn many() -> Self {
        let mut files = Self::default();
        for number in 0..120_usize {
            files.add(SeedPart::ALL[usize::from(number % 4 == 3)], &format!("file-{number}"), number * 30);
        }
        files.add(SeedPart::Packages, "large", 3 << 20);
        files.add(SeedPart::Pyodide, "largest", 5 << 20);
        files
    }

    fn add(&mut self, part: SeedPart, name: &str, len: usize) {
        let mut bytes = name.as_bytes().to_vec();
        bytes.extend((0..len).map(|place| u8::try_from(place % 251).unwrap()));
        let origin = Origin {
            ecosystem: "npm".to_owned(),
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            address: None,
            identity: None,
        };
        let blob = BlobId::of(&bytes);
        let digests = Digest::of(Algorithm::Sha512, &bytes).into();
        let receipt = Receipt { blob, size: bytes.len() as u64, digests, origins: vec![origin], fetched: None };
        self.receipts.push((part, receipt));
        self.bytes.insert(blob, bytes);
    }

    fn of_name(&self, name: &str) -> Receipt {
        self.receipts.iter().find(|(_, receipt)| receipt.origins[0].name == name).unwrap().1.clone()
    }

    fn without(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.receipts.retain(|(_, receipt)| receipt.origins[0].name != name);
        other
    }

    /// A build context with these files.
    fn context(&self, program: &str) -> Layout {
        let mut layout = Layout::default();
        layout.insert("bin/larder".to_owned(), Content::Program(program.as_bytes().to_vec()));
        for part in SeedPart::ALL {
            let (path, bytes) = form::meta();
            layout.insert(format!("{}/{path}", part.folder()), Content::Bytes(bytes));
        }
        for (part, receipt) in &self.receipts {
            let found = BlobRef { blob: receipt.blob, size: receipt.size };
            let (path, bytes) = form::receipt(receipt);
            layout.insert(format!("{}/{path}", part.folder()), Content::Bytes(bytes));
            layout.insert(format!("{}/{}", part.folder(), form::blob_path(&receipt.blob)), Content::Blob(found));
        }
        layout
    }

    /// Contexts for these platforms, each with a program of its own.
    fn images(&self, platforms: &[&str]) -> Vec<(Platform, Layout)> {
        platforms.iter().map(|platform| (platform.parse().unwrap(), self.context(platform))).collect()
    }

    /// A store that has them.
    fn store(&self) -> (TempDir, Store) {
        let (folder, store) = empty_store();
        let receipts: Vec<Receipt> = self.receipts.iter().map(|(_, receipt)| receipt.clone()).collect();
        let imported = import_all(&store, &receipts, self);
        assert_eq!(imported.imported.count, self.receipts.len() as u64, "{imported:?}");
        (folder, store)
    }
}

impl Blobs for Files {
    fn open<'a>(&'a self, receipt: &Receipt) -> Result<Box<dyn Read + 'a>, RefusalReason> {
        Ok(Box::new(&self.bytes[&receipt.blob][..]))
    }
}

fn empty_store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn import_all(store: &Store, receipts: &[Receipt], blobs: &dyn Blobs) -> Imported {
    let options =
        Options { identities: Identities::Known, now: jiff::Timestamp::UNIX_EPOCH, threads: 6, is_stopped: &|| false };
    import_from(store, receipts.iter().cloned().map(Ok).collect(), blobs, options).unwrap()
}

/// Takes all that a remote has of a plan into a fresh store.
fn pull(remote: &OciRemote, plan: &str) -> (TempDir, Store, Imported) {
    let shared = remote.plan(plan).unwrap().unwrap();
    let (folder, store) = empty_store();
    let imported = import_all(&store, &shared.receipts, &*shared.blobs);
    (folder, store, imported)
}

fn push(remote: &OciRemote, plan: &str, images: &[(Platform, Layout)], store: &Store) -> PushedImage {
    remote.push(plan, images, store, PushOptions { is_repair: false, is_stopped: &|| false }).unwrap()
}

fn repair(remote: &OciRemote, plan: &str, images: &[(Platform, Layout)], store: &Store) -> PushedImage {
    remote.push(plan, images, store, PushOptions { is_repair: true, is_stopped: &|| false }).unwrap()
}

/// The platform of this machine, as images have it.
fn own_platform() -> String {
    let processor = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("linux/{processor}")
}
