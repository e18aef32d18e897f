//! A plan to a registry that others wrote, and back: run with `LARDER_TEST_REGISTRY=127.0.0.1:5000`, and with `DOCKER_CONFIG` if it wants a password.

#![expect(clippy::print_stdout, reason = "its figures are for the person who runs it")]

use std::time::{Duration, Instant};

use super::*;

fn opened(registry: &str, version: &str, access: Access) -> OciRemote {
    let environment = Environment::new(std::path::Path::new("/"), std::env::vars_os());
    let text = format!("oci://{registry}/team/{version}");
    OciRemote::open(&text, &environment, &ClientSettings::default(), access).unwrap()
}

/// What it gives and how long it takes, which is printed.
fn timed<T>(what: &str, work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    println!("{what}: {:?}", start.elapsed());
    (done, start.elapsed())
}

#[test]
#[ignore = "needs a registry: LARDER_TEST_REGISTRY names it"]
fn a_plan_goes_to_a_real_registry_and_comes_back() {
    let Ok(registry) = std::env::var("LARDER_TEST_REGISTRY") else { panic!("LARDER_TEST_REGISTRY names a registry") };
    let mut files = Files::default();
    for number in 0..2000 {
        files.add(SeedPart::ALL[usize::from(number % 10 == 9)], &format!("file-{number}"), number * 90);
    }
    files.add(SeedPart::Packages, "large", 3 << 20);
    files.add(SeedPart::Pyodide, "largest", 40 << 20);
    let (_folder, store) = files.store();
    let images = files.images(&["linux/amd64", "linux/arm64"]);
    let remote = opened(&registry, "app:{plan}", Access::Push);
    let (first, _) = timed("a push", || push(&remote, &plan('a'), &images, &store));
    println!("{first:?}");
    let (second, took) = timed("a push of nothing new", || push(&remote, &plan('a'), &images, &store));
    assert_eq!((second.is_written, second.sent.count, second.digested.count), (false, 0, 0));
    assert!(took < Duration::from_millis(300), "{took:?}");
    let mut changed = files.without("file-7");
    changed.add(SeedPart::Packages, "file-7-new", 900);
    let (_changed_folder, changed_store) = changed.store();
    let images = changed.images(&["linux/amd64", "linux/arm64"]);
    let (third, _) = timed("a push with one file changed", || push(&remote, &plan('b'), &images, &changed_store));
    println!("{third:?}");
    let (pulled, _) = timed("a pull", || pull(&opened(&registry, "app:{plan}", Access::Pull), &plan('b')).2);
    assert_eq!((pulled.imported.count, pulled.refused.len()), (2002, 0));
    assert_eq!(remote.others().unwrap()[0], "latest");
    // What another tool has made of it, if it was copied there.
    let copy = opened(&registry, "copy:v1", Access::Pull);
    if copy.plan("").is_ok_and(|shared| shared.is_some()) {
        let (pulled, _) = timed("a pull of a copy", || pull(&copy, "").2);
        assert_eq!((pulled.imported.count, pulled.refused.len()), (2002, 0), "{pulled:?}");
    }
}
