//! Wheels that are made here, whole and broken.

use std::io::Cursor;

use super::*;
use crate::pyodide::testing::{Made, Member, metadata, zip};

const FILE: &str = "black-26.5.1-py3-none-any.whl";

fn whole() -> Vec<Member> {
    vec![
        Member::deflated("black/__init__.py", b"x = 1\n"),
        Member::deflated("_black_version.py", b""),
        Member::deflated("black-26.5.1.dist-info/METADATA", metadata("Black", "26.5.1", &[]).as_bytes()),
        Member::stored("black-26.5.1.dist-info/RECORD", b""),
    ]
}

fn read(bytes: &[u8]) -> Result<Wheel, WheelError> {
    Wheel::read(&WheelName::parse(FILE).unwrap(), &mut Cursor::new(bytes))
}

fn message(bytes: &[u8]) -> String {
    let error = read(bytes).unwrap_err().to_string();
    error.strip_prefix(&format!("{FILE}: ")).unwrap_or(&error).to_owned()
}

#[test]
fn a_whole_wheel_gives_its_modules_and_its_metadata() {
    let wheel = read(&zip(&whole())).unwrap();
    assert_eq!(wheel.imports().iter().collect::<Vec<_>>(), ["_black_version", "black"]);
    assert_eq!(wheel.name(), "Black");
    assert_eq!(wheel.metadata(), metadata("Black", "26.5.1", &[]).as_bytes());
}

#[test]
fn a_large_archive_gives_the_same() {
    let bytes = Made { is_large: true, ..Made::of(&whole()) }.bytes();
    assert_eq!(read(&bytes).unwrap(), read(&zip(&whole())).unwrap());
}

#[test]
fn a_wheel_that_was_cut_anywhere_is_refused() {
    let bytes = zip(&whole());
    for len in 0..bytes.len() {
        assert!(read(&bytes[..len]).is_err(), "cut after {len} bytes of {}", bytes.len());
    }
    assert_eq!(message(&bytes[..bytes.len() / 2]), "it is not a zip archive, or its end is missing");
    assert_eq!(message(&bytes[7..]), "its directory is damaged: it does not end where the archive's end begins");
}

#[test]
fn a_flipped_byte_never_panics_and_never_changes_the_metadata() {
    let bytes = zip(&whole());
    let expected = read(&bytes).unwrap();
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x41;
        if let Ok(wheel) = read(&bytes) {
            assert_eq!(wheel.metadata(), expected.metadata(), "byte {at}");
        }
    }
}

#[test]
fn metadata_that_disagrees_with_the_file_name_is_named() {
    let with = |folder: &str, name: &str, version: &str| {
        zip(&[Member::deflated(&format!("{folder}/METADATA"), metadata(name, version, &[]).as_bytes())])
    };
    let cases = [
        (with("black-26.5.1.dist-info", "Blick", "26.5.1"), "METADATA's Name says `Blick`"),
        (with("black-26.5.1.dist-info", "black", "26.5.2"), "METADATA's Version says `26.5.2`"),
        (with("black-26.5.2.dist-info", "black", "26.5.1"), "the folder says `black-26.5.2.dist-info`"),
        (with("blick-26.5.1.dist-info", "black", "26.5.1"), "the folder says `blick-26.5.1.dist-info`"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(message(&bytes), format!("{expected}, which is not what the file's name says"));
    }
    assert!(read(&with("Black-26.5.1.dist-info", "BLACK", "26.5.1.0")).is_ok(), "spellings of the same");
}

#[test]
fn metadata_that_is_not_there_is_named() {
    let cases: [(&[Member], &str); 4] = [
        (
            &[Member::stored("black/__init__.py", b"")],
            "black-26.5.1-py3-none-any.whl holds no folder that ends with .dist-info",
        ),
        (
            &[Member::stored("black-26.5.1.dist-info/WHEEL", b"")],
            "black-26.5.1-py3-none-any.whl holds no black-26.5.1.dist-info/METADATA",
        ),
        (
            &[Member::stored("black-26.5.1.dist-info/METADATA", b"Name: black\n\nVersion: 26.5.1\n")],
            "METADATA states no Version",
        ),
        (
            &[Member::stored("black-26.5.1.dist-info/METADATA", b""), Member::stored("x-1.dist-info/METADATA", b"")],
            "black-26.5.1-py3-none-any.whl holds black-26.5.1.dist-info and x-1.dist-info, and a wheel has one of them",
        ),
    ];
    for (members, expected) in cases {
        assert_eq!(message(&zip(members)), expected);
    }
}

#[test]
fn a_path_that_leads_elsewhere_is_refused() {
    for path in
        ["../evil.py", "a/../../evil.py", "/etc/evil", "a//b.py", "./a.py", "a\\..\\evil.py", "C:/evil.py", "a\0b"]
    {
        let mut members = whole();
        members.push(Member::stored(path, b""));
        let expected = format!("it holds `{}`, a path that leads elsewhere", path.escape_debug());
        assert_eq!(message(&zip(&members)), expected);
    }
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    for (path, twice) in [("black/__init__.py", "black/__init__.py"), ("black/__init__.py/", "black/__init__.py/")] {
        let mut members = whole();
        members.push(Member::stored(path, b""));
        assert_eq!(message(&zip(&members)), format!("it holds `{twice}` twice"));
    }
}

#[test]
fn a_bomb_is_refused_by_what_it_states_or_by_what_comes_out() {
    let mut members = whole();
    members.push(Member { unpacked: Some(3 << 30), ..Member::deflated("zeros.py", &[0; 1000]) });
    let bytes = Made { is_large: true, ..Made::of(&members) }.bytes();
    assert_eq!(message(&bytes), "it has more than 2147483648 bytes when unpacked");

    let mut members = whole();
    let huge = vec![b'x'; 9 << 20];
    members[2] = Member::deflated("black-26.5.1.dist-info/METADATA", &huge);
    assert_eq!(message(&zip(&members)), "it has more than 8388608 bytes of metadata");

    // It says that it is small.
    members[2].unpacked = Some(100);
    assert_eq!(message(&zip(&members)), "`black-26.5.1.dist-info/METADATA` is damaged");
}

#[test]
fn members_that_lie_upon_each_other_are_refused() {
    let mut made = Made::of(&whole());
    made.offsets.insert(1, 0);
    assert_eq!(message(&made.bytes()), "`black/__init__.py` and `_black_version.py` overlap");
}

#[test]
fn what_python_cannot_unpack_is_refused() {
    let mut members = whole();
    members[0].flags = 1;
    assert_eq!(message(&zip(&members)), "`black/__init__.py` is encrypted, which no wheel's files are");
    let mut members = whole();
    members[0].method = 12;
    let expected = "`black/__init__.py` is compressed by another method than deflate, which no wheel's files are";
    assert_eq!(message(&zip(&members)), expected);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        proptest::prop_assert!(read(&bytes).is_err());
    }
}
