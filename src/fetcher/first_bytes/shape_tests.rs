//! What is a package and what is not.

use std::io::Write as _;

use super::*;

const LONGEST: u64 = 1 << 20;

fn shape(name: Option<&str>, manifest: ManifestPlace) -> Shape {
    Shape { name: name.map(Into::into), manifest }
}

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        // As they stand: `./` too.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        builder.append(&header, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn says(shape: &Shape, bytes: &[u8]) -> String {
    shape.check(bytes, LONGEST).map_or_else(|error| error.to_string(), |()| "fine".to_owned())
}

#[test]
fn what_is_no_archive_is_called_what_it_is() {
    let top = shape(None, ManifestPlace::Top);
    let page = "\u{feff}\n<!DOCTYPE html><title>Sign in</title>";
    let package = archive(&[("package/package.json", "{}")]);
    for (bytes, said) in [
        (b"".to_vec(), "it is empty, and not a package"),
        (page.into(), "it is an HTML page, and not a package"),
        (b"<html><body>502</body></html>".to_vec(), "it is an HTML page, and not a package"),
        (b" {\"message\": \"rate limit exceeded\"}".to_vec(), "it is JSON, and not a package"),
        (b"Not found".to_vec(), "it is no archive of a package"),
        (vec![7; 4096], "it is no archive of a package"),
        (gzip(page.as_bytes()), "it is no archive of a package"),
        (gzip(b""), "the archive is cut off or damaged"),
        // Nothing but its end.
        (vec![0; 1024], "the archive is cut off or damaged"),
        // Without its end, nothing says that this is all of a tar.
        (package[..1024].to_vec(), "the archive is cut off or damaged"),
    ] {
        assert_eq!(says(&top, &bytes), said, "{}", String::from_utf8_lossy(&bytes[..bytes.len().min(40)]));
    }
}

#[test]
fn no_part_of_an_archive_is_taken_for_the_whole() {
    let top = shape(None, ManifestPlace::Top);
    let noise =
        String::from_utf8(larder_test_server::noise(1, 3000).iter().map(|byte| 32 + byte % 90).collect()).unwrap();
    let whole = gzip(&archive(&[("package/package.json", "{}"), ("package/index.js", &noise)]));
    assert_eq!(says(&top, &whole), "fine");
    for cut in (1..whole.len()).step_by(7).chain([whole.len() - 1]) {
        assert_ne!(says(&top, &whole[..cut]), "fine", "{cut}");
    }
    // One bit of it.
    for at in (12..whole.len()).step_by(211) {
        let mut damaged = whole.clone();
        damaged[at] ^= 4;
        assert_ne!(says(&top, &damaged), "fine", "{at}");
    }
}

#[test]
fn a_package_json_in_the_top_folder_is_asked_for_where_the_managers_need_it() {
    let nested = gzip(&archive(&[("top/README", ""), ("top/packages/a/package.json", "{\"name\": \"a\"}")]));
    let none = gzip(&archive(&[("top/README", "")]));
    let missing = "the archive has no package.json in its top folder";
    for (place, of_nested, of_none) in [
        (ManifestPlace::Top, missing, missing),
        (ManifestPlace::Anywhere, "fine", missing),
        (ManifestPlace::Optional, "fine", "fine"),
    ] {
        assert_eq!((&*says(&shape(None, place), &nested), &*says(&shape(None, place), &none)), (of_nested, of_none));
    }
    // As npm and pnpm find it.
    for path in ["package/package.json", "./package/package.json", "./package.json", "package.json", "any/package.json"]
    {
        for bytes in [archive(&[(path, "{}")]), gzip(&archive(&[(path, "{}")]))] {
            assert_eq!(says(&shape(None, ManifestPlace::Top), &bytes), "fine", "{path}");
        }
    }
}

#[test]
fn another_packages_name_is_refused_where_the_true_one_is_known() {
    let of = |name: Option<&str>, place, json: &str| {
        says(
            &shape(name, place),
            &gzip(&archive(&[("p/package.json", json), ("p/deep/package.json", "{\"name\": \"deep\"}")])),
        )
    };
    let top = ManifestPlace::Top;
    assert_eq!(of(Some("a"), top, "{\"name\": \"a\"}"), "fine");
    assert_eq!(of(Some("a"), top, "\u{feff}{\"version\": \"1.0.0\"}"), "fine", "one without a name may be of any");
    assert_eq!(of(Some("a"), top, "{\"name\": \"b\"}"), "its package.json names b, and not a");
    assert_eq!(of(Some("a"), top, "{\"name\": \"\\u001b[2J\"}"), "its package.json names \\u{1b}[2J, and not a");
    assert_eq!(of(None, top, "{\"name\": \"b\"}"), "fine");
    assert_eq!(of(None, top, "<html>"), "its package.json is not JSON of a package");
    // A dependency may be a folder of a repository.
    assert_eq!(of(Some("deep"), top, "{\"name\": \"b\"}"), "its package.json names b, and not deep");
    assert_eq!(of(Some("deep"), ManifestPlace::Anywhere, "{\"name\": \"b\"}"), "fine");
}

#[test]
fn names_and_lengths_without_an_end_cost_no_memory() {
    let top = shape(None, ManifestPlace::Top);
    let long = |kind: tar::EntryType, bytes: u64| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(bytes);
        header.set_cksum();
        let content = io::repeat(b'a').take(bytes.min(4 << 20));
        let mut archive = header.as_bytes().to_vec();
        { content }.read_to_end(&mut archive).unwrap();
        gzip(&archive)
    };
    for kind in [tar::EntryType::GNULongName, tar::EntryType::GNULongLink, tar::EntryType::XHeader] {
        let error = top.check(&*long(kind, 3 << 30), 8 << 30).unwrap_err();
        assert!(matches!(error, NotAPackage::Refused(_)), "{error:?}");
    }
    assert_eq!(says(&top, &long(tar::EntryType::XGlobalHeader, 3 << 20)), "the archive cannot be unpacked");
    let zeros = gzip(&archive(&[("package/zeros", &"\0".repeat(2 << 20)), ("package/package.json", "{}")]));
    assert_eq!(says(&top, &zeros), "the archive cannot be unpacked");
}
