//! Archives of one content, and the one that larder makes of all of them.

use std::io::Write as _;

use larder_store::digest::BlobId;

use super::*;
use crate::fetcher::first_bytes::shape::ManifestPlace;

const ANYTHING: Shape = Shape { name: None, manifest: ManifestPlace::Optional };

/// How a forge packs: what may change and what of it does not count.
#[derive(Clone, Copy)]
struct Packing {
    top: &'static str,
    level: u32,
    time: u64,
    mode: u32,
    is_reversed: bool,
    has_folders: bool,
}

const FIRST: Packing =
    Packing { top: "owner-repository-0123456", level: 9, time: 1, mode: 0o664, is_reversed: false, has_folders: true };

fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A path that no header has room for.
fn long_path() -> String {
    format!("deep/{}/file.js", "folder-".repeat(30))
}

fn packed(packing: Packing, index: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_pax_extensions([("comment", &b"0123456789012345678901234567890123456789"[..])]).unwrap();
    let long = long_path();
    let mut files = vec![
        ("package.json", "{\"name\": \"widgets\"}", packing.mode),
        ("index.js", index, packing.mode),
        ("bin/run.sh", "#!/bin/sh\n", packing.mode | 0o111),
        ("lib/ü.js", "// u", packing.mode),
        (&*long, "long", packing.mode),
    ];
    if packing.is_reversed {
        files.reverse();
    }
    if packing.has_folders {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o775);
        header.set_size(0);
        builder.append_data(&mut header, format!("{}/", packing.top), io::empty()).unwrap();
    }
    for (path, text, mode) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(mode);
        header.set_mtime(packing.time);
        header.set_username("git").unwrap();
        builder.append_data(&mut header, format!("{}/{path}", packing.top), text.as_bytes()).unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, format!("{}/link", packing.top), "index.js").unwrap();
    gzip(&builder.into_inner().unwrap(), packing.level)
}

fn repacked(bytes: &[u8]) -> Result<Vec<u8>, RepackError> {
    Ok(unpack(bytes, tempfile::tempfile()?, &ANYTHING, 1 << 20)?.pack(Vec::new())?)
}

/// What another program reads out of an archive: path, kind, mode, target and content.
fn read(bytes: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let target = entry.link_name_bytes().map(|target| String::from_utf8(target.into_owned()).unwrap());
        let target = target.map(|target| format!(" -> {target}")).unwrap_or_default();
        format!("{path} {:o}{target} {text}", entry.header().mode().unwrap()).trim_end().to_owned()
    });
    entries.collect()
}

#[test]
fn however_a_forge_packs_one_content_it_is_one_archive() {
    let first = repacked(&packed(FIRST, "1")).unwrap();
    for packing in [
        Packing { level: 1, ..FIRST },
        Packing { level: 0, ..FIRST },
        Packing { time: 2, ..FIRST },
        Packing { mode: 0o644, ..FIRST },
        Packing { is_reversed: true, ..FIRST },
        Packing { has_folders: false, ..FIRST },
        Packing { top: "repository-renamed-0123456789012345678901234567890123456789", ..FIRST },
        Packing { top: "./repository", ..FIRST },
    ] {
        assert_eq!(repacked(&packed(packing, "1")).unwrap(), first);
    }
    assert_eq!(repacked(&first).unwrap(), first, "what is packed again stays as it is");
    assert_ne!(repacked(&packed(FIRST, "2")).unwrap(), first);
    assert_ne!(repacked(&packed(Packing { mode: 0o755, ..FIRST }, "1")).unwrap(), first);
}

#[test]
fn names_modes_targets_and_bytes_are_those_of_the_content() {
    let bytes = repacked(&packed(FIRST, "1")).unwrap();
    assert_eq!(
        read(&bytes),
        [
            "package/bin/run.sh 755 #!/bin/sh".to_owned(),
            format!("package/{} 644 long", long_path()),
            "package/index.js 644 1".to_owned(),
            "package/lib/ü.js 644 // u".to_owned(),
            "package/link 777 -> index.js".to_owned(),
            "package/package.json 644 {\"name\": \"widgets\"}".to_owned(),
        ]
    );
}

#[test]
fn the_form_never_changes() {
    // Whatever changes these bytes makes every store lose what it recorded of commits.
    let bytes = repacked(&packed(FIRST, &"0123456789".repeat(20_000))).unwrap();
    assert_eq!(BlobId::of(&bytes).to_string(), "0bed6eb4a84b76ed3faa3121a071e6aa8fab715d54c9b2e357c02f5fb03aa900");
}

#[test]
fn hard_links_come_after_what_they_lead_to() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(1);
    header.set_mode(0o644);
    builder.append_data(&mut header, "top/z", &b"z"[..]).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Link);
    header.set_size(0);
    header.set_mode(0o644);
    builder.append_link(&mut header, "top/a", "top/z").unwrap();
    let bytes = repacked(&builder.into_inner().unwrap()).unwrap();
    assert_eq!(read(&bytes), ["package/z 644 z", "package/a 644 -> package/z"]);
}

#[test]
fn files_of_several_folders_keep_their_names() {
    let mut builder = tar::Builder::new(Vec::new());
    for path in ["one/a", "two/b"] {
        let mut header = tar::Header::new_ustar();
        header.set_size(0);
        header.set_mode(0o600);
        builder.append_data(&mut header, path, io::empty()).unwrap();
    }
    assert_eq!(read(&repacked(&builder.into_inner().unwrap()).unwrap()), ["one/a 644", "two/b 644"]);
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(8 << 20);
    builder.append_data(&mut header, "a/zeros", io::repeat(0).take(8 << 20)).unwrap();
    let bytes = gzip(&builder.into_inner().unwrap(), 9);
    assert!(bytes.len() < 1 << 15);
    let error = repacked(&bytes).unwrap_err();
    let RepackError::Shape(NotAPackage::Refused(source)) = error else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "it unpacks to more than 1048576 bytes");
}
