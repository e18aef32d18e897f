//! Tests of the properties: each has a fuzz target and seeds, and holds for random bytes.

use std::{fs, path::PathBuf};

use proptest::prelude::*;

use super::*;

fn fuzz() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// What a fuzz target starts from.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(fuzz().join("seeds").join(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

/// One of these files with some of its bytes replaced, removed or repeated.
fn spoilt(files: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"".to_vec()),
        Just(b":".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"{[\"'".to_vec()),
        Just(b"- &a *a".to_vec()),
        proptest::collection::vec(any::<u8>(), 1..4),
    ];
    let piece = prop_oneof![
        piece.prop_map(Piece::Bytes),
        (any::<prop::sample::Index>(), 1..80_usize).prop_map(|(at, length)| Piece::Repeated(at, length)),
    ];
    let edits = proptest::collection::vec((any::<prop::sample::Index>(), 0..40_usize, piece), 1..6);
    (proptest::sample::select(files), edits).prop_map(|(whole, edits)| {
        let mut bytes = whole.clone();
        for (at, length, piece) in edits {
            let at = at.index(bytes.len() + 1);
            let piece = match piece {
                Piece::Bytes(bytes) => bytes,
                Piece::Repeated(from, length) => {
                    whole[from.index(whole.len())..].iter().take(length).copied().collect()
                }
            };
            bytes.splice(at..bytes.len().min(at + length), piece);
        }
        bytes
    })
}

/// What is put in the place of some bytes: others, or so many of the file's own from another place.
#[derive(Clone, Debug)]
enum Piece {
    Bytes(Vec<u8>),
    Repeated(prop::sample::Index, usize),
}

#[test]
fn every_property_has_a_fuzz_target_and_seeds_that_it_holds_for() {
    let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let mut targets: Vec<&str> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""))
        .collect();
    targets.sort_unstable();
    assert_eq!(targets, names);
    for (name, property) in ALL {
        let target = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("larder::properties::{name}(bytes)")), "{target}");
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name}");
        // libFuzzer begins with no bytes at all.
        property(b"");
        for seed in &seeds {
            property(seed);
        }
    }
}

/// Each property holds for its seeds after something happened to them.
macro_rules! hold_for_spoilt_seeds {
    ($($name:ident)*) => {
        proptest! {
            $(#[test]
            fn $name(bytes in spoilt(seeds(stringify!($name)))) {
                super::super::$name(&bytes);
            })*
        }

        #[test]
        fn none_is_left_out() {
            assert_eq!([$(stringify!($name)),*], ALL.map(|(name, _)| name));
        }
    };
}

mod spoilt_seeds {
    use super::*;

    hold_for_spoilt_seeds! {
        bun_lockfile distribution integrity larder_lock larder_toml npm_lockfile npmrc pnpm_lockfile python_index python_metadata tarball wheel yarn_lockfile
    }
}

/// Each property holds for texts that are made of what its parser looks for.
macro_rules! hold_for_likely_texts {
    ($($test:ident: $property:ident $text:literal)*) => {
        proptest! {
            $(#[test]
            fn $test(text in $text) {
                super::super::$property(text.as_bytes());
            })*
        }
    };
}

mod likely_texts {
    use super::*;

    hold_for_likely_texts! {
        bun: bun_lockfile "\\PC{0,200}"
        pnpm: pnpm_lockfile "\\PC{0,200}"
        larder_locks: larder_lock "(version = 1|requested = \\[\\]|\\[runtime\\]|\\[\\[package\\]\\]|[a-z\"=\n ])*"
        recorded_downloads: larder_lock "version = 2\n\\[\\[download\\]\\]\nurl = \"https://[a-z0-9.:@/?=#&\\[\\]%-]{1,30}\"\nsha256 = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\nsize = 0\n(os = \"linux\"\n)?(libc = \"musl\"\n)?by = \\[\"(@a/)?[a-z:@1 ]{1,8}\"\\]\ntrust = \"(package|beside|first-use)\"\n(body = \"\"\n)?"
        larder_tomls: larder_toml "(lockfiles|fetch|jobs|[\\[\\]={}.,'\"#a1 \n-])*"
        npm_configurations: npmrc "[\\[\\]=;#\"'\\\\ \n\r\ta\u{feff}ü]*"
        distributions: distribution "[{}\\[\\]\":,a-z0-9]{0,60}"
        requirements: python_metadata "[a-c\\[\\]().,;<>=!~ 0-9*'@-]{0,24}"
        wheel_names: python_metadata "[a-z0-9._+!-]{0,30}(\\.whl)?"
    }
}

proptest! {
    #[test]
    fn those_whose_parsers_take_any_bytes_hold_for_any(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        npmrc(&bytes);
        python_metadata(&bytes);
    }
}
