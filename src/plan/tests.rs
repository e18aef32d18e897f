//! Tests of the plan: merging entries into artifacts, the sum of all entries, and the digest.

use larder_store::digest::{Algorithm, Digest};
use proptest::prelude::*;

use super::*;
use crate::{
    core::{
        artifact::{Conditions, Source},
        endpoints::GITHUB_HOST,
    },
    lockfile::{self, UnfetchableReason},
};

fn sri(algorithm: Algorithm, bytes: &str) -> String {
    Digest::of(algorithm, bytes.as_bytes()).to_string()
}

fn reading(label: &str, packages: &str) -> Reading {
    let text = format!(r#"{{"lockfileVersion":3,"packages":{{{packages}}}}}"#);
    lockfile::read(label, text.as_bytes()).unwrap()
}

fn entry(path: &str, rest: &str) -> String {
    format!(r#""{path}":{{"version":"1.0.0"{rest}}}"#)
}

fn plan(packages: &str) -> Plan {
    Plan::new(&[reading("package-lock.json", packages)]).unwrap()
}

#[test]
fn the_sum_adds_up() {
    let first = [
        r#""":{"workspaces":["w"]}"#,
        r#""w":{}"#,
        r#""node_modules/w":{"link":true,"resolved":"w"}"#,
        &entry("node_modules/a", ""),
        &entry("node_modules/b/node_modules/a", ""),
        &entry("node_modules/b", r#","resolved":"https://files.example/b.tgz""#),
        &entry("node_modules/b/node_modules/c", r#","inBundle":true"#),
        &entry("node_modules/f", r#","resolved":"file:f.tgz""#),
        r#""../d":{}"#,
        &entry("node_modules/g", r#","resolved":"github:o/r#main""#),
    ]
    .join(",");
    let second = entry("node_modules/a", "");
    let patched = "__metadata:\n  version: 8\n\n\"p@npm:1\":\n  version: 1.0.0\n  resolution: \"p@npm:1.0.0\"\n\n\"p@patch:p@npm%3A1#x\":\n  resolution: \"p@patch:p@npm%3A1.0.0#x\"\n";
    let third = lockfile::read("c/yarn.lock", patched.as_bytes()).unwrap();
    let readings = [reading("a/package-lock.json", &first), reading("b/package-lock.json", &second), third];
    let plan = Plan::new(&readings).unwrap();
    let expected = Sum {
        entries: 13,
        artifacts: 3,
        repeats: 2,
        bundled: 1,
        patches: 1,
        links: 1,
        local_folders: 1,
        local_files: 1,
        projects: 2,
        unfetchable: 1,
        inline: 0,
        absent: 0,
        unused: 0,
    };
    assert_eq!(plan.sum(), expected);
    let named: Vec<String> = plan.artifacts()[0].entries.iter().map(EntryName::to_string).collect();
    assert_eq!(
        named,
        [
            "a/package-lock.json: node_modules/a",
            "a/package-lock.json: node_modules/b/node_modules/a",
            "b/package-lock.json: node_modules/a"
        ]
    );
    let unfetchable = &plan.unfetchable()[0];
    assert_eq!(unfetchable.entry.to_string(), "a/package-lock.json: node_modules/g");
    let committish = Some("main".to_owned());
    assert_eq!(unfetchable.unfetchable.reason, UnfetchableReason::GitCommit { committish });
}

#[test]
fn entries_at_different_addresses_are_different_artifacts() {
    let packages = [
        entry("node_modules/a", r#","resolved":"https://one.example/a/-/a-1.0.0.tgz""#),
        entry("node_modules/b/node_modules/a", r#","resolved":"https://two.example/a/-/a-1.0.0.tgz""#),
        entry("node_modules/c/node_modules/a", ""),
    ];
    assert_eq!(plan(&packages.join(",")).artifacts().len(), 3);
}

#[test]
fn what_one_lockfile_gives_an_address_and_another_leaves_to_the_registry_is_one_artifact() {
    let (x, y) = (sri(Algorithm::Sha512, "x"), sri(Algorithm::Sha512, "y"));
    let with_address = |integrity: &str, rest: &str| {
        let stated = format!(r#","resolved":"https://one.example/a/-/a-1.0.0.tgz","integrity":"{integrity}"{rest}"#);
        reading("b/package-lock.json", &entry("node_modules/a", &stated))
    };
    let without = |rest: &str| reading("a/package-lock.json", &entry("node_modules/a", rest));
    let stated = format!(r#","integrity":"{x}","dev":true"#);
    let united = Plan::new(&[with_address(&x, ""), without(&stated)]).unwrap();
    assert_eq!((united.sum().artifacts, united.sum().repeats), (1, 1));
    let planned = &united.artifacts()[0];
    assert!(matches!(&planned.artifact.source, Source::Registry { resolved: Some(_) }));
    assert!(!planned.artifact.conditions.dev, "it is left out only where both are");
    let named: Vec<&str> = planned.entries.iter().map(|entry| &*entry.lockfile).collect();
    assert_eq!(named, ["a/package-lock.json", "b/package-lock.json"]);
    let both_dev = Plan::new(&[without(&stated), with_address(&x, r#","dev":true"#)]).unwrap();
    assert!(both_dev.artifacts()[0].artifact.conditions.dev);
    for other in [format!(r#","integrity":"{y}""#), String::new()] {
        assert_eq!(Plan::new(&[with_address(&x, ""), without(&other)]).unwrap().artifacts().len(), 2, "{other}");
    }
}

#[test]
fn integrities_of_the_same_artifact_are_united() {
    let (sha1, sha512) = (sri(Algorithm::Sha1, "x"), sri(Algorithm::Sha512, "x"));
    let other = sri(Algorithm::Sha512, "y");
    let packages = [
        entry("node_modules/a", ""),
        entry("node_modules/b/node_modules/a", &format!(r#","integrity":"{sha1}""#)),
        entry("node_modules/c/node_modules/a", &format!(r#","integrity":"{sha512} {other}""#)),
        entry("node_modules/d/node_modules/a", &format!(r#","integrity":"{sha512}""#)),
    ];
    let plan = plan(&packages.join(","));
    assert_eq!(plan.artifacts().len(), 1);
    // `other` was an alternative for one entry, but the last one does not allow it.
    assert_eq!(plan.artifacts()[0].artifact.integrity.as_ref().unwrap().to_string(), format!("{sha512} {sha1}"));
}

#[test]
fn integrities_that_contradict_are_an_error_that_names_both_entries() {
    let (x, y) = (sri(Algorithm::Sha512, "x"), sri(Algorithm::Sha512, "y"));
    let first = reading("package-lock.json", &entry("node_modules/a", &format!(r#","integrity":"{x}""#)));
    let second = reading("web/package-lock.json", &entry("node_modules/a", &format!(r#","integrity":"{y}""#)));
    let expected = format!(
        "lockfile entries contradict each other:\n  a 1.0.0: package-lock.json: node_modules/a states {x}, web/package-lock.json: node_modules/a states {y}"
    );
    for readings in [[first.clone(), second.clone()], [second, first]] {
        assert_eq!(Plan::new(&readings).unwrap_err().to_string(), expected);
    }
}

#[test]
fn three_alternatives_that_leave_nothing_contradict() {
    let digest = |text| sri(Algorithm::Sha512, text);
    let (x, y, z) = (digest("x"), digest("y"), digest("z"));
    let packages = [
        entry("node_modules/a", &format!(r#","integrity":"{x} {y}""#)),
        entry("node_modules/b/node_modules/a", &format!(r#","integrity":"{y} {z}""#)),
        entry("node_modules/c/node_modules/a", &format!(r#","integrity":"{x} {z}""#)),
    ];
    let Err(PlanError::Contradictions { contradictions }) =
        Plan::new(&[reading("package-lock.json", &packages.join(","))])
    else {
        panic!("nothing can satisfy all three")
    };
    assert_eq!(contradictions.len(), 1);
}

#[test]
fn an_artifact_is_left_out_only_where_all_its_entries_are() {
    let flags = |conditions: &Conditions| {
        let Conditions { dev, optional, dev_optional, peer, .. } = *conditions;
        [(dev, 'd'), (optional, 'o'), (dev_optional, 'b'), (peer, 'p')]
            .into_iter()
            .filter_map(|(set, letter)| set.then_some(letter))
            .collect::<String>()
    };
    let fields = |flags: &str| {
        [('d', "dev"), ('o', "optional"), ('b', "devOptional"), ('p', "peer")]
            .into_iter()
            .filter(|(letter, _)| flags.contains(*letter))
            .flat_map(|(_, name)| [",\"", name, "\":true"])
            .collect::<String>()
    };
    let cases: [(&[&str], &str); 12] = [
        (&["d", "d"], "d"),
        (&["d", ""], ""),
        (&["d", "o"], "b"),
        (&["d", "b"], "b"),
        (&["o", "b"], "b"),
        (&["do", "d"], "d"),
        (&["do", "o"], "o"),
        (&["d", "p"], ""),
        (&["dp", "op"], "bp"),
        (&["d", "o", "d"], "b"),
        (&["d", "o", ""], ""),
        (&["d", "o", "p"], ""),
    ];
    for (entries, expected) in cases {
        for turn in 0..entries.len() {
            let mut turned = entries.to_vec();
            turned.rotate_left(turn);
            let packages: Vec<String> = turned
                .iter()
                .enumerate()
                .map(|(position, flags)| entry(&format!("node_modules/p{position}/node_modules/a"), &fields(flags)))
                .collect();
            let plan = plan(&packages.join(","));
            assert_eq!(flags(&plan.artifacts()[0].artifact.conditions), expected, "{turned:?}");
        }
    }
}

#[test]
fn user_names_in_addresses_neither_part_artifacts_nor_change_the_digest() {
    let at = |user: &str| format!(r#","resolved":"https://{user}registry.example/a/-/a-1.0.0.tgz""#);
    let bare = entry("node_modules/a", &at(""));
    let mine = entry("node_modules/b/node_modules/a", &at("me:secret@"));
    let yours = entry("node_modules/c/node_modules/a", &at("you@"));
    let source = |plan: &Plan| match &plan.artifacts()[0].artifact.source {
        Source::Registry { resolved: Some(url) } => url.username().to_owned(),
        other => panic!("{other:?}"),
    };
    let all = plan(&[bare.as_str(), &mine, &yours].join(","));
    assert_eq!((all.artifacts().len(), source(&all)), (1, "you".to_owned()));
    let turned = plan(&[yours.as_str(), &bare, &mine].join(","));
    assert_eq!(turned, all);
    assert_eq!(plan(&bare).digest(), all.digest());
    assert_eq!(plan(&mine).digest(), all.digest());
}

#[test]
fn the_digest_is_that_of_the_documented_bytes() {
    let packages = [
        entry("node_modules/a", &format!(r#","integrity":"{}","dev":true,"os":["linux"]"#, sri(Algorithm::Sha1, ""))),
        entry("node_modules/b", r#","resolved":"github:o/r#main""#),
    ];
    let count = |number: u64| number.to_le_bytes().to_vec();
    let text = |text: &[u8]| [count(text.len() as u64), text.to_vec()].concat();
    let bytes = [
        b"larder plan 1\n".to_vec(),
        count(1),
        text(b"npm"),
        text(b"a"),
        text(b"1.0.0"),
        count(1),
        text(b"registry"),
        count(2),
        text(b"sha1"),
        text(Digest::of(Algorithm::Sha1, b"").as_bytes()),
        vec![1],
        count(1),
        text(b"linux"),
        count(0),
        count(0),
        count(1),
        count(4),
        text(b"b"),
        text(b"git commit"),
        text(b"main"),
        text(b"1.0.0"),
    ]
    .concat();
    assert_eq!(plan(&packages.join(",")).digest().as_bytes(), blake3::hash(&bytes).as_bytes());
}

#[test]
fn the_digest_of_a_plan_does_not_change_from_release_to_release() {
    let packages = [
        r#""":{"name":"x"}"#.to_owned(),
        entry("node_modules/@s/a", r#","resolved":"https://registry.example/@s/a/-/a-1.0.0.tgz","optional":true"#),
        entry("node_modules/b", &format!(r#","resolved":"git+ssh://git@{GITHUB_HOST}/o/r.git#{}""#, "0".repeat(40))),
        entry("node_modules/c", &format!(r#","integrity":"{}""#, sri(Algorithm::Sha512, "c"))),
    ];
    let digest = plan(&packages.join(",")).digest().to_string();
    assert_eq!(digest, "blake3:02feb7e6d72283700198b1618019261ad207e21d1bf7fa2db7a6a2a30b92d657");
}

#[test]
fn whatever_decides_what_is_fetched_changes_the_digest() {
    let variants = [
        String::new(),
        r#","dev":true"#.to_owned(),
        r#","optional":true"#.to_owned(),
        r#","devOptional":true"#.to_owned(),
        r#","peer":true"#.to_owned(),
        r#","os":["linux"]"#.to_owned(),
        r#","cpu":["linux"]"#.to_owned(),
        r#","libc":["linux"]"#.to_owned(),
        r#","name":"b""#.to_owned(),
        r#","resolved":"https://registry.example/a/-/a-1.0.0.tgz""#.to_owned(),
        r#","resolved":"https://registry.example/a/-/a-1.0.0.tgz?x""#.to_owned(),
        r#","resolved":"https://registry.example/a.tgz""#.to_owned(),
        r#","resolved":"github:o/r#main""#.to_owned(),
        r#","resolved":"github:o/r""#.to_owned(),
        format!(r#","integrity":"{}""#, sri(Algorithm::Sha1, "x")),
        format!(r#","integrity":"{}""#, sri(Algorithm::Sha1, "y")),
        format!(r#","integrity":"{}""#, sri(Algorithm::Sha512, "x")),
    ];
    let digests: std::collections::BTreeSet<PlanDigest> =
        variants.iter().map(|rest| plan(&entry("node_modules/a", rest)).digest()).collect();
    assert_eq!(digests.len(), variants.len());
}

#[test]
fn paths_labels_links_and_repeats_do_not_change_the_digest() {
    let once = plan(&entry("node_modules/a", r#","dev":true"#)).digest();
    let packages = [
        r#""":{}"#,
        r#""node_modules/l":{"link":true}"#,
        &entry("node_modules/b/node_modules/a", r#","dev":true"#),
        &entry("node_modules/c/node_modules/a", r#","dev":true"#),
    ];
    let elsewhere = Plan::new(&[reading("web/npm-shrinkwrap.json", &packages.join(","))]).unwrap();
    assert_eq!(elsewhere.digest(), once);
}

/// Entries of a few packages that meet each other often.
fn packages() -> impl Strategy<Value = Vec<String>> {
    let rest = prop_oneof![
        Just(String::new()),
        Just(r#","dev":true"#.to_owned()),
        Just(r#","optional":true,"os":["linux","darwin"]"#.to_owned()),
        Just(r#","optional":true,"os":["linux"]"#.to_owned()),
        Just(r#","devOptional":true,"peer":true"#.to_owned()),
        Just(r#","resolved":"https://me@registry.example/a/-/a-1.0.0.tgz""#.to_owned()),
        Just(r#","resolved":"https://registry.example/a/-/a-1.0.0.tgz""#.to_owned()),
        Just(r#","resolved":"github:o/r#main""#.to_owned()),
        Just(r#","inBundle":true"#.to_owned()),
        Just(r#","link":true"#.to_owned()),
        Just(format!(r#","integrity":"{}""#, sri(Algorithm::Sha1, "x"))),
        Just(format!(r#","integrity":"{} {}""#, sri(Algorithm::Sha512, "x"), sri(Algorithm::Sha512, "y"))),
        Just(format!(r#","integrity":"{}""#, sri(Algorithm::Sha512, "y"))),
    ];
    prop::collection::vec(("[ab]", rest), 0..12).prop_map(|entries| {
        entries
            .into_iter()
            .enumerate()
            .map(|(position, (name, rest))| entry(&format!("node_modules/p{position}/node_modules/{name}"), &rest))
            .collect()
    })
}

proptest! {
    #[test]
    fn the_order_of_entries_and_lockfiles_plays_no_part(
        (packages, shuffled) in packages().prop_flat_map(|packages| (Just(packages.clone()), Just(packages).prop_shuffle())),
    ) {
        let plan = Plan::new(&[reading("package-lock.json", &packages.join(","))]);
        prop_assert_eq!(&Plan::new(&[reading("package-lock.json", &shuffled.join(","))]), &plan);
        let (first, second) = shuffled.split_at(shuffled.len() / 2);
        let readings = [reading("a", &first.join(",")), reading("b", &second.join(","))];
        let turned = [readings[1].clone(), readings[0].clone()];
        prop_assert_eq!(Plan::new(&readings), Plan::new(&turned));
        if let (Ok(one), Ok(two)) = (plan, Plan::new(&readings)) {
            prop_assert_eq!(one.digest(), two.digest());
            prop_assert_eq!(one.sum(), two.sum());
        }
    }

    #[test]
    fn the_sum_adds_up_for_any_entries(packages in packages()) {
        if let Ok(plan) = Plan::new(&[reading("package-lock.json", &packages.join(","))]) {
            let sum = plan.sum();
            prop_assert_eq!(sum.entries, packages.len());
            let kinds = [sum.bundled, sum.patches, sum.links, sum.local_folders, sum.local_files, sum.projects, sum.unfetchable];
            prop_assert_eq!(sum.artifacts + sum.repeats + kinds.iter().sum::<usize>(), sum.entries);
            let named: usize = plan.artifacts().iter().map(|planned| planned.entries.len()).sum();
            prop_assert_eq!(named, sum.artifacts + sum.repeats);
        }
    }
}
