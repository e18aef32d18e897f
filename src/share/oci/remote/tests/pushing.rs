//! What a push sends and asks.

use super::*;
use crate::{
    fetcher::Fault,
    share::oci::{image::PLAN_ANNOTATION, mock::reply},
};

#[test]
fn a_push_of_what_is_there_asks_for_two_documents_and_reads_no_blob() {
    let (registry, files) = (Registry::start(), Files::many());
    let (_folder, store) = files.store();
    let images = files.images(&["linux/amd64"]);
    let remote = registry.pushing(":{plan}");
    let first = push(&remote, &plan('a'), &images, &store);
    let layers = registry.manifests(&plan('a'))[0].layers.len() as u64;
    assert_eq!((first.sent.count, first.digested.count, first.already_there), (layers, layers - 2, 0));
    assert!(first.is_written);
    let (digest, index) = registry.index(&plan('a'));
    assert_eq!(first.image, format!("{}/team/app@{digest}", registry.mock.address));
    assert_eq!(index.annotations[PLAN_ANNOTATION], format!("blake3:{}", plan('a')));

    registry.mock.forget();
    let second = push(&remote, &plan('a'), &images, &store);
    assert_eq!((second.sent.count, second.digested.count, second.already_there), (0, 0, layers));
    assert_eq!((second.is_written, second.image), (false, first.image));
    let manifest = index.manifests[0].digest;
    assert_eq!(
        registry.mock.lines(),
        [format!("GET /v2/team/app/manifests/{}", plan('a')), format!("GET /v2/team/app/manifests/{manifest}")]
    );
}

#[test]
fn one_changed_dependency_reads_and_sends_its_layers_and_the_metadata() {
    let (registry, files) = (Registry::start(), Files::many());
    let mut changed = files.without("file-7");
    changed.add(SeedPart::Packages, "file-7-new", 900);
    let (_folder, store) = files.store();
    let (_changed_folder, changed_store) = changed.store();
    // Of another plan's tag it is known from the one that was pushed last, of the same tag from itself.
    for (version, other) in [(":{plan}", plan('b')), (":v1", plan('a'))] {
        let remote = registry.pushing(version);
        push(&remote, &plan('a'), &files.images(&["linux/amd64"]), &store);
        registry.mock.forget();
        let pushed = push(&remote, &other, &changed.images(&["linux/amd64"]), &changed_store);
        assert!((1..=2).contains(&pushed.digested.count), "{pushed:?}");
        let expected = pushed.digested.count + 1;
        // The second reference is the same repository, which has them by now.
        assert_eq!(pushed.sent.count, if version == ":v1" { 0 } else { expected }, "{pushed:?}");
        assert!(pushed.is_written);
        assert_eq!(
            registry.count("HEAD", "blobs/"),
            usize::try_from(pushed.sent.count + pushed.already_there).unwrap() + 1
        );
        assert_eq!(registry.count("GET", "blobs/"), 1, "the metadata");
        let (_pulled_folder, _, pulled) = pull(&registry.pulling(version), &other);
        assert_eq!((pulled.imported.count, pulled.refused.len()), (122, 0), "{pulled:?}");
    }
}

#[test]
fn platforms_share_what_they_have_in_common() {
    let (registry, files) = (Registry::start(), Files::many());
    let (_folder, store) = files.store();
    let (remote, images) = (registry.pushing(":v1"), files.images(&["linux/arm64", "linux/amd64"]));
    let pushed = push(&remote, &plan('a'), &images, &store);
    let manifests = registry.manifests("v1");
    let platforms: Vec<Platform> =
        registry.index("v1").1.manifests.into_iter().map(|entry| entry.platform.unwrap()).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"].map(|text| text.parse().unwrap()));
    let [(own, common), (other, other_common)] = [0, 1].map(|at| manifests[at].layers.split_last().unwrap());
    assert_ne!(own, other);
    assert_eq!(common, other_common);
    let layers = manifests[0].layers.len() as u64;
    assert_eq!((pushed.sent.count, pushed.digested.count), (layers + 1, layers - 2));
    registry.mock.forget();
    assert!(!push(&remote, &plan('a'), &images, &store).is_written);
    assert_eq!(registry.mock.lines().len(), 3);
    // Another platform less is another index.
    let fewer = push(&remote, &plan('a'), &images[..1], &store);
    assert_eq!((fewer.is_written, fewer.sent.count, fewer.digested.count), (true, 0, 0));
}

#[test]
fn a_new_plan_s_index_is_also_the_latest() {
    let (registry, files) = (Registry::start(), Files::many());
    let (_folder, store) = files.store();
    let images = files.images(&["linux/amd64"]);
    let remote = registry.pushing(":deps-{plan}");
    for letter in ['a', 'b'] {
        push(&remote, &plan(letter), &images, &store);
        assert_eq!(registry.index("deps-latest").0, registry.index(&format!("deps-{}", plan(letter))).0);
    }
    // What is pushed again is not new.
    push(&remote, &plan('a'), &images, &store);
    assert_eq!(registry.index("deps-latest").0, registry.index(&format!("deps-{}", plan('b'))).0);
    push(&registry.pushing(":v1"), &plan('a'), &images, &store);
    assert_eq!(remote.others().unwrap(), ["latest".to_owned(), plan('b'), plan('a')]);
    assert_eq!(remote.plan("latest").unwrap().unwrap().receipts.len(), 122);
    assert!(remote.plan(&plan('c')).unwrap().is_none());
    assert_eq!(registry.pulling(":v1").others().unwrap(), Vec::<String>::new());
}

#[test]
fn a_lost_layer_is_sent_again_by_a_repair() {
    let (registry, files) = (Registry::start(), Files::many());
    let (_folder, store) = files.store();
    let (remote, images) = (registry.pushing(":{plan}"), files.images(&["linux/amd64"]));
    push(&remote, &plan('a'), &images, &store);
    let lost = registry.manifests(&plan('a'))[0].layers[5].clone();
    registry.mock.replace_blob(&lost.digest, None);
    assert_eq!(push(&remote, &plan('a'), &images, &store).sent.count, 0);
    let (_pulled_folder, _, pulled) = pull(&registry.pulling(":{plan}"), &plan('a'));
    assert!(!pulled.refused.is_empty() && pulled.imported.count + pulled.refused.len() as u64 == 122);
    assert!(pulled.refused.iter().all(|refusal| matches!(refusal.reason, RefusalReason::Missing)), "{pulled:?}");

    let repaired = repair(&remote, &plan('a'), &images, &store);
    assert_eq!((repaired.sent.count, repaired.sent.bytes, repaired.is_written), (1, lost.size, false));
    let (_repaired_folder, _, pulled) = pull(&registry.pulling(":{plan}"), &plan('a'));
    assert_eq!(pulled.imported.count, 122);
}

#[test]
fn a_push_that_is_not_allowed_says_so() {
    let (registry, files) = (Registry::start(), Files::many());
    let (_folder, store) = files.store();
    let images = files.images(&["linux/amd64"]);
    let remote = registry.pushing(":v1");
    registry.mock.hook(|seen| (seen.method == "POST").then(|| reply(403, &[], "")));
    let options = PushOptions { is_repair: false, is_stopped: &|| false };
    let error = remote.push(&plan('a'), &images, &store, options).unwrap_err();
    assert!(error.is_denied() && remote.can_read(&plan('a')), "{error}");
    assert_eq!(error.fault(), Fault::Data);
    assert_eq!(registry.count("PUT", ""), 0);
    registry.mock.hook(|_| Some(reply(401, &[], "")));
    assert!(!remote.can_read(&plan('a')));
}

#[test]
fn a_push_that_is_stopped_while_it_reads_or_before_it_sends_writes_nothing() {
    let (registry, files) = (Registry::start(), Files::many());
    let (_folder, store) = files.store();
    let (remote, images) = (registry.pushing(":v1"), files.images(&["linux/amd64"]));
    // A repair asks once before each layer that it reads, and then before it sends.
    let layers = repair(&remote, &plan('a'), &images, &store).digested.count;
    registry.mock.forget();
    for after in [0, 3, usize::try_from(layers).unwrap()] {
        let asked = AtomicUsize::new(0);
        let is_stopped = || asked.fetch_add(1, Ordering::Relaxed) >= after;
        let options = PushOptions { is_repair: true, is_stopped: &is_stopped };
        let error = remote.push(&plan('a'), &images, &store, options).unwrap_err();
        let RemoteError::Image(error) = error else { panic!("{error:?}") };
        assert!(matches!(error.fault, ImageFault::Interrupted), "{error:?}");
        assert!(registry.mock.lines().iter().all(|line| line.starts_with("GET ")), "{:?}", registry.mock.lines());
    }
}

#[test]
fn nothing_is_pushed_to_a_digest() {
    let registry = Registry::start();
    let (_folder, store) = empty_store();
    let remote = registry.pushing(&format!("@{}", ContentDigest::of(b"")));
    let options = PushOptions { is_repair: false, is_stopped: &|| false };
    let error = remote.push(&plan('a'), &[], &store, options).unwrap_err();
    assert!(matches!(&error, RemoteError::Image(error) if matches!(error.fault, ImageFault::Digest)), "{error:?}");
    assert_eq!(registry.mock.lines().len(), 0);
}

#[test]
fn a_blob_that_is_damaged_here_is_the_store_s_fault() {
    let (registry, files) = (Registry::start(), Files::many());
    let (_folder, store) = files.store();
    let path = store.blob_path(&files.of_name("large").blob);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, vec![1; (3 << 20) + 5]).unwrap();
    let options = PushOptions { is_repair: false, is_stopped: &|| false };
    let error = registry.pushing(":v1").push(&plan('a'), &files.images(&["linux/amd64"]), &store, options).unwrap_err();
    assert_eq!(error.fault(), Fault::Store);
    assert_eq!(registry.count("PUT", ""), 0);
}
