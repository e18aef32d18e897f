//! The documents' bytes, and what is read of others'.

use proptest::prelude::*;

use super::*;
use crate::share::oci::digest::ContentDigest;

fn digest(text: &str) -> ContentDigest {
    ContentDigest::of(text.as_bytes())
}

fn linux(architecture: &str) -> Platform {
    Platform { architecture: architecture.to_owned(), os: "linux".to_owned(), variant: None }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_bytes_of_each_document_are_fixed() {
    let (a, b) = (digest("a"), digest("b"));
    assert_eq!(
        text(config(&linux("amd64"), &[a, b])),
        format!(
            r#"{{"architecture":"amd64","os":"linux","created":"1970-01-01T00:00:00Z","config":{{"Entrypoint":["/bin/larder"],"WorkingDir":"/"}},"rootfs":{{"type":"layers","diff_ids":["{a}","{b}"]}}}}"#
        )
    );
    let annotations = Annotations::from([(PLAN_ANNOTATION.to_owned(), "blake3:00".to_owned())]);
    let described = manifest(&Descriptor::new(CONFIG, a, 1), &[Descriptor::new(TAR, b, 2)], &annotations);
    assert_eq!(
        text(described),
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"{CONFIG}","digest":"{a}","size":1}},"layers":[{{"mediaType":"{TAR}","digest":"{b}","size":2}}],"annotations":{{"dev.larder.plan":"blake3:00"}}}}"#
        )
    );
    let of = |architecture, digest| Descriptor {
        platform: Some(linux(architecture)),
        ..Descriptor::new(MANIFEST, digest, 3)
    };
    let (arm, amd) = (of("arm64", a), of("amd64", b));
    let written = index(&[arm.clone(), amd.clone()], &Annotations::new());
    assert_eq!(written, index(&[amd, arm], &Annotations::new()), "the order in which they are given does not count");
    assert_eq!(
        text(written),
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"mediaType":"{MANIFEST}","digest":"{b}","size":3,"platform":{{"architecture":"amd64","os":"linux"}}}},{{"mediaType":"{MANIFEST}","digest":"{a}","size":3,"platform":{{"architecture":"arm64","os":"linux"}}}}]}}"#
        )
    );
}

#[test]
fn the_plan_s_words_for_a_platform_are_those_of_images() {
    for (platform, expected) in [("linux/amd64", linux("amd64")), ("linux/arm64/musl", linux("arm64"))] {
        assert_eq!(Platform::of(platform.parse().unwrap()), expected);
    }
    let arm: Platform = "linux/arm/v7".parse().unwrap();
    assert_eq!(arm.variant.as_deref(), Some("v7"));
    assert!(arm.is_for(&linux("arm")) && !arm.is_for(&linux("arm64")));
    assert_eq!(
        "linux".parse::<Platform>().unwrap_err().to_string(),
        "linux is no platform: write it like `linux/amd64`"
    );
}

#[test]
fn what_is_written_is_read_again_and_docker_s_documents_too() {
    let config = Descriptor::new(CONFIG, digest("c"), 7);
    let layers = [Descriptor::new(TAR, digest("l"), 8)];
    let written = manifest(&config, &layers, &Annotations::new());
    let expected = Manifest { config, layers: layers.to_vec(), annotations: Annotations::new() };
    for media_type in [None, Some(MANIFEST), Some("application/json")] {
        assert_eq!(Document::read(media_type, &written).unwrap(), Document::Manifest(expected.clone()));
    }
    let digest = digest("x");
    let docker = format!(
        r#"{{"schemaVersion":2,"mediaType":"{DOCKER_INDEX}","manifests":[{{"mediaType":"{DOCKER_MANIFEST}","size":528,"digest":"{digest}","platform":{{"architecture":"arm","os":"linux","variant":"v7","os.features":["a"]}},"new":{{}}}}]}}"#
    );
    let Document::Index(index) = Document::read(None, docker.as_bytes()).unwrap() else { panic!("an index") };
    assert_eq!(index.for_platform(&linux("arm")).unwrap().digest, digest);
    assert_eq!(index.for_platform(&linux("amd64")), None);
    let docker = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"c","size":1,"digest":"{digest}"}},"layers":[{{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":2,"digest":"{digest}"}}]}}"#
    );
    let Document::Manifest(read) = Document::read(Some(DOCKER_MANIFEST), docker.as_bytes()).unwrap() else {
        panic!("a manifest")
    };
    assert_eq!((read.layers[0].packing(), read.config.packing()), (Packing::Gzip, Packing::Unknown));
}

#[test]
fn what_is_no_image_is_refused_with_what_it_is() {
    let refusal = |media_type, text: &str| Document::read(media_type, text.as_bytes()).unwrap_err().to_string();
    for (text, expected) in [
        ("", "not a manifest or an index of images"),
        (r#"{"schemaVersion":1,"history":[]}"#, "of schema version 1; larder reads version 2"),
        (r#"{"schemaVersion":2}"#, "neither a manifest of one image nor an index of images"),
        (
            r#"{"schemaVersion":2,"mediaType":"application/vnd.other\u001b"}"#,
            r"a document of the type application/vnd.other\u{1b}, which is no image",
        ),
        (
            r#"{"schemaVersion":2,"manifests":[{"mediaType":"m","size":1,"digest":"sha512:00"}]}"#,
            "the digest sha512:00: not `sha256:` and 64 lower-case hexadecimal digits",
        ),
        (
            r#"{"schemaVersion":2,"manifests":[{"mediaType":"m","size":-1,"digest":"x"}]}"#,
            "not a manifest or an index of images",
        ),
        (r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#, "neither a manifest of one image nor an index of images"),
    ] {
        assert_eq!(refusal(None, text), expected, "{text}");
    }
    assert_eq!(
        refusal(Some(INDEX), &format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","manifests":[]}}"#)),
        "neither a manifest of one image nor an index of images"
    );
    assert_eq!(refusal(None, &" ".repeat(5 << 20)), "5242880 bytes, only 4194304 are accepted");
    let one = format!(r#"{{"mediaType":"m","size":1,"digest":"{}"}}"#, digest("x"));
    let many = vec![one; 1001].join(",");
    assert_eq!(
        refusal(None, &format!(r#"{{"schemaVersion":2,"manifests":[{many}]}}"#)),
        "1001 layers or platforms, only 1000 are accepted"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,80}") {
        let _ = Document::read(None, &bytes);
        let _ = Document::read(Some(&text), format!(r#"{{"schemaVersion":2,"mediaType":{text:?},"layers":[],"config":{{}}}}"#).as_bytes());
    }
}
