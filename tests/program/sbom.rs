//! `larder sbom`: what the documents say, that they are valid by the published schemas, and that nothing is asked or written for them.

mod schemas;

use std::{fmt::Write as _, fs, os::unix::fs::PermissionsExt as _, path::Path};

use larder_store::digest::{Algorithm, Digest};
use larder_test_server::Reply;
use serde_json::{Value, json};

use self::schemas::valid;
use crate::{
    pyodide::{Listed, Pyodide},
    recorded::Recorded,
    support::{Package, Run, World, finish, gzip, lockfile, packages, tar_of},
};

/// A package whose `package.json` is this.
fn package(name: &str, package_json: &str) -> Package {
    Package::new(name, gzip(&tar_of("package", &[("package.json", package_json)]), 6))
}

/// The document of a run, which is valid and comes without a request.
fn parsed(run: &Run) -> Value {
    assert_eq!(run.code, Some(0), "{run:?}");
    let document = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    assert_eq!(valid(&document), Ok(()), "{document:#}");
    document
}

/// The document that a command line gives, and the same in SPDX.
fn documents(world: &World, arguments: &[&str]) -> [Value; 2] {
    world.server.forget();
    let both =
        ["cyclonedx", "spdx"].map(|format| parsed(&world.run(&[&["sbom", "--format", format], arguments].concat())));
    assert_eq!(world.server.requests().len(), 0);
    both
}

fn purls(document: &Value) -> Vec<&str> {
    document["components"].as_array().unwrap().iter().map(|component| component["purl"].as_str().unwrap()).collect()
}

fn component<'a>(document: &'a Value, name: &str) -> &'a Value {
    let all = document["components"].as_array().unwrap();
    all.iter().find(|component| component["name"] == name).unwrap_or_else(|| panic!("no {name} in {document:#}"))
}

/// `declared licence` of each package of an SPDX document but the projects.
fn declared(document: &Value) -> Vec<String> {
    let packages = document["packages"].as_array().unwrap().iter();
    let of_components = packages.filter(|package| package["primaryPackagePurpose"] != "APPLICATION");
    of_components
        .map(|package| {
            format!("{} {}", package["name"].as_str().unwrap(), package["licenseDeclared"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn the_documents_have_every_artifact_with_what_is_known_of_it() {
    let scoped = package("@acme/ui", r#"{"name": "@acme/ui", "license": "MIT OR Apache-2.0"}"#);
    let tool = package("tool", r#"{"name": "tool", "license": "SEE LICENSE IN LICENSE.txt"}"#).with("dev", "true");
    let native = package("native", r#"{"name": "native"}"#).with("optional", "true").with("os", "[\"darwin\"]");
    let world = World::new(&[scoped.clone(), tool.clone(), native.clone()]);
    world.write("package.json", r#"{"name": "shop", "version": "2.1.0"}"#);
    assert_eq!(world.run(&["fetch", "--all-platforms"]).code, Some(0));
    let run = world.run(&["sbom"]);
    insta::assert_snapshot!(world.plain(&run.err), @"3 components = 2 with a licence + 1 that state none");
    let document = parsed(&run);
    let expected = |name: &str, base: &str, package: &Package, more: Value| {
        let mut component = json!({
            "type": "library",
            "bom-ref": format!("pkg:npm/{name}@1.0.0?repository_url=https://registry.example"),
            "name": base,
            "version": "1.0.0",
            "hashes": [{"alg": "SHA-512", "content": Digest::of(Algorithm::Sha512, &package.bytes).to_hex()}],
            "purl": format!("pkg:npm/{name}@1.0.0?repository_url=https://registry.example"),
            "externalReferences": [{"type": "distribution", "url": format!("https://registry.example{}", package.path())}],
        });
        component.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        component
    };
    let lockfile = json!({"name": "larder:lockfile", "value": "package-lock.json"});
    assert_eq!(
        document["components"],
        json!([
            expected(
                "%40acme/ui",
                "ui",
                &scoped,
                json!({
                    "group": "@acme", "scope": "required", "properties": [lockfile],
                    "licenses": [{"expression": "MIT OR Apache-2.0", "acknowledgement": "declared"}],
                })
            ),
            expected("native", "native", &native, json!({"scope": "optional", "properties": [lockfile]})),
            expected(
                "tool",
                "tool",
                &tool,
                json!({
                    "scope": "excluded",
                    "properties": [{"name": "cdx:npm:package:development", "value": "true"}, lockfile],
                    "licenses": [{"license": {"name": "SEE LICENSE IN LICENSE.txt", "acknowledgement": "declared"}}],
                })
            ),
        ])
    );
    assert_eq!(document["version"], 1);
    assert_eq!(
        document["metadata"],
        json!({
            "tools": {"components": [{"type": "application", "name": "larder", "version": env!("CARGO_PKG_VERSION")}]},
            "component": {"type": "application", "bom-ref": "project-1", "name": "shop", "version": "2.1.0"},
        })
    );
    assert_eq!(document["dependencies"][0], json!({"ref": "project-1", "dependsOn": purls(&document)}));
}

#[test]
fn spdx_has_the_same() {
    let scoped = package("@acme/ui", r#"{"license": "MIT"}"#);
    let tool = package("tool", r#"{"license": "UNLICENSED"}"#).with("dev", "true");
    let world = World::new(&[scoped.clone(), tool]);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let document = parsed(&world.run(&["sbom", "--format", "spdx"]));
    let purl = "pkg:npm/%40acme/ui@1.0.0?repository_url=https://registry.example";
    let id = document["packages"][1]["SPDXID"].as_str().unwrap();
    assert_eq!(
        document["packages"][1],
        json!({
            "SPDXID": id,
            "name": "@acme/ui",
            "versionInfo": "1.0.0",
            "downloadLocation": "https://registry.example/@acme/ui/-/ui-1.0.0.tgz",
            "filesAnalyzed": false,
            "checksums": [{"algorithm": "SHA512", "checksumValue": Digest::of(Algorithm::Sha512, &scoped.bytes).to_hex()}],
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "MIT",
            "copyrightText": "NOASSERTION",
            "primaryPackagePurpose": "LIBRARY",
            "sourceInfo": "named by package-lock.json",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}],
        })
    );
    let tool = document["packages"][2]["SPDXID"].as_str().unwrap();
    let reference = document["hasExtractedLicensingInfos"][0]["licenseId"].as_str().unwrap();
    assert!(reference.starts_with("LicenseRef-UNLICENSED-") && id.starts_with("SPDXRef-acme-ui-"), "{document:#}");
    assert_eq!(declared(&document), ["@acme/ui MIT".to_owned(), format!("tool {reference}")]);
    assert_eq!(document["hasExtractedLicensingInfos"][0]["extractedText"], "UNLICENSED");
    assert_eq!(
        document["relationships"],
        json!([
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-project-1"},
            {"spdxElementId": "SPDXRef-project-1", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": id},
            {"spdxElementId": tool, "relationshipType": "DEV_DEPENDENCY_OF", "relatedSpdxElement": "SPDXRef-project-1"},
        ])
    );
    assert_eq!(document["creationInfo"]["created"], "1970-01-01T00:00:00Z");
}

#[test]
fn the_same_lockfile_gives_the_same_bytes_on_any_machine_and_asks_nothing() {
    let some = packages(5);
    let (first, second) = (World::new(&some), World::new(&some));
    second.write(".npmrc", "fetch-retries=7\n");
    for format in ["cyclonedx", "spdx"] {
        let arguments = ["sbom", "--format", format];
        let expected = first.run(&arguments).out;
        let mut command = second.command(&arguments);
        command.env("TZ", "Asia/Tokyo").env("LC_ALL", "tr_TR.UTF-8").env("CI", "true");
        assert_eq!(finish(command).out, expected);
        assert_eq!(second.run(&["sbom", "--format", format, "../project/package-lock.json"]).out, expected);
    }
    for world in [first, second] {
        assert!(!world.store().exists());
        assert_eq!(world.server.connections(), 0);
    }
}

#[test]
fn what_the_store_lacks_is_counted_with_the_way_out() {
    let world = World::new(&packages(2));
    let run = world.run(&["sbom"]);
    insta::assert_snapshot!(world.plain(&run.err), @r"
    2 components = 0 with a licence + 2 without one and not in the store

    hint: `larder fetch --all-platforms` puts them into the store, where their own files say what their licences are
    ");
    assert_eq!(parsed(&run)["components"][0].get("licenses"), None);
    let spdx = parsed(&world.run(&["sbom", "--format", "spdx"]));
    assert_eq!(declared(&spdx), ["package-0 NOASSERTION", "package-1 NOASSERTION"]);
    let quiet = world.run(&["sbom", "--quiet"]);
    assert_eq!((quiet.out, quiet.err.as_str()), (run.out, ""));
}

#[test]
fn what_npm_wrote_down_counts_until_the_package_itself_is_there() {
    let own = package("own", r#"{"license": "ISC"}"#).with("license", "\"MIT\"");
    let world = World::new(&[own]);
    let [document, _] = documents(&world, &[]);
    assert_eq!(component(&document, "own")["licenses"][0]["expression"], "MIT");
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let [document, _] = documents(&world, &[]);
    assert_eq!(component(&document, "own")["licenses"][0]["expression"], "ISC");
}

#[test]
fn the_file_is_written_whole_and_the_summary_goes_to_standard_output() {
    let world = World::new(&packages(1));
    world.write("bom.json", "what was there");
    let run = world.run(&["sbom", "-o", "bom.json"]);
    assert_eq!(run.code, Some(0));
    assert_eq!(run.out, "bom.json is written: 1 component = 0 with a licence + 1 without one and not in the store\n");
    let text = fs::read_to_string(world.project().join("bom.json")).unwrap();
    assert_eq!(world.run(&["sbom"]).out, text);
    let run = world.run(&["sbom", "--json", "--output", "bom.json"]);
    let summary: Value = serde_json::from_str(&run.out).unwrap();
    let tally = json!({"components": 1, "with_licence": 0, "not_in_store": 1, "silent": 0});
    assert_eq!(summary, json!({"file": "bom.json", "components": tally}));
    let run = world.run(&["sbom", "-o", "no/such/folder/bom.json"]);
    assert_eq!((run.code, run.err.lines().next().unwrap()), (Some(1), "error: cannot write no/such/folder/bom.json"));
}

#[test]
fn the_time_is_that_of_source_date_epoch() {
    let world = World::new(&packages(1));
    let run = |format: &str, epoch: &str| {
        let mut command = world.command(&["sbom", "--format", format]);
        command.env("SOURCE_DATE_EPOCH", epoch);
        finish(command)
    };
    assert_eq!(parsed(&run("cyclonedx", "1767225600"))["metadata"]["timestamp"], "2026-01-01T00:00:00Z");
    assert_eq!(parsed(&run("spdx", "1767225600"))["creationInfo"]["created"], "2026-01-01T00:00:00Z");
    assert_eq!(parsed(&run("cyclonedx", ""))["metadata"].get("timestamp"), None);
    let wrong = run("spdx", "today");
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(1), ""));
    assert_eq!(wrong.err, "error: SOURCE_DATE_EPOCH is `today`, which is no number of seconds\n");
}

#[test]
fn hostile_names_and_licences_leave_the_documents_valid_and_the_terminal_alone() {
    let names = ["a+b~$&'()", "ä-ö", "=cmd!A1", "a,b;c`d", "@a&b/c+d"];
    let licences = [
        r#"{"license": "\"><script>alert(1)</script>"}"#,
        r#"{"license": "\u001b[31mred"}"#,
        r#"{"license": "\u202eTIM", "licenses": 7}"#,
        r#"{"license": {"type": {"type": "MIT"}}}"#,
        r#"{"licenses": [{"type": "MIT"}, {"type": "LicenseRef-x"}, null, [["ISC"]]]}"#,
    ];
    let all: Vec<Package> = names.iter().zip(licences).map(|(name, json)| package(name, json)).collect();
    let world = World::new(&all);
    world.write("package.json", r#"{"name": "\u001b[2J", "version": ["1"]}"#);
    for package in &all {
        let escaped = url::Url::parse(&format!("https://x.example{}", package.path())).unwrap().path().to_owned();
        world.server.on(&escaped, Reply::body(package.bytes.clone()));
    }
    let run = world.run(&["fetch"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for format in ["cyclonedx", "spdx"] {
        let run = world.run(&["sbom", "--format", format]);
        let left: Vec<char> =
            format!("{}{}", run.out, run.err).chars().filter(|c| *c == '\u{1b}' || *c == '\u{202e}').collect();
        assert!(left.is_empty(), "{left:?}");
        let document = parsed(&run);
        if format == "cyclonedx" {
            assert_eq!(
                purls(&document),
                [
                    "pkg:npm/%3Dcmd%21A1@1.0.0?repository_url=https://registry.example",
                    "pkg:npm/%40a%26b/c%2Bd@1.0.0?repository_url=https://registry.example",
                    "pkg:npm/%C3%A4-%C3%B6@1.0.0?repository_url=https://registry.example",
                    "pkg:npm/a%2Bb~%24%26%27%28%29@1.0.0?repository_url=https://registry.example",
                    "pkg:npm/a%2Cb%3Bc%60d@1.0.0?repository_url=https://registry.example",
                ]
            );
            let said: Vec<&Value> =
                document["components"].as_array().unwrap().iter().map(|component| &component["licenses"][0]).collect();
            assert_eq!(
                said,
                [
                    &json!({"license": {"name": "\u{202e}TIM", "acknowledgement": "declared"}}),
                    &json!({"license": {"name": "MIT OR LicenseRef-x OR ISC", "acknowledgement": "declared"}}),
                    &Value::Null,
                    &json!({"license": {"name": "\"><script>alert(1)</script>", "acknowledgement": "declared"}}),
                    &Value::Null,
                ]
            );
        }
    }
}

#[test]
fn no_address_has_a_credential_or_a_query() {
    let bytes = gzip(&tar_of("package", &[("package.json", "{}")]), 6);
    let own = Package::new("own", bytes)
        .with("resolved", "\"https://me:hunter2@files.example/own.tgz?token=hunter3#hunter4\"");
    let world = World::new(&[own]);
    world.write(".npmrc", "//files.example/:_authToken=hunter5\n");
    let [cyclonedx, spdx] = documents(&world, &[]);
    assert!(!format!("{cyclonedx}{spdx}").contains("hunter"), "{cyclonedx:#}");
    assert_eq!(purls(&cyclonedx), ["pkg:npm/own@1.0.0?download_url=https://files.example/own.tgz"]);
    assert_eq!(spdx["packages"][1]["downloadLocation"], "https://files.example/own.tgz");
}

#[test]
fn git_aliases_and_packages_without_integrity_are_told_from_others() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let git = Package::new("from-git", "").with("integrity", "");
    let git = git.with("resolved", &format!("\"git+ssh://git@github.com/acme/from-git.git#{commit}\""));
    let real = package("real", r#"{"license": "ISC"}"#);
    let alias = Package { name: "alias".to_owned(), ..real.clone() }
        .with("name", "\"real\"")
        .with("resolved", &format!("\"https://registry.example{}\"", real.path()));
    let silent = package("silent", r#"{"license": "MIT"}"#).with("integrity", "");
    let world = World::new(&[git, alias, silent.clone()]);
    world.server.on(&real.path(), Reply::body(real.bytes.clone()));
    let [document, _] = documents(&world, &[]);
    assert_eq!(component(&document, "silent").get("hashes"), None);
    world.write("larder.toml", "[forges]\ngithub = \"http://127.0.0.1:9/\"\n");
    // The forge is not there; the others arrive.
    assert_eq!(world.run(&["fetch"]).code, Some(3));
    fs::remove_file(world.project().join("larder.toml")).unwrap();
    let [document, spdx] = documents(&world, &[]);
    assert_eq!(
        purls(&document),
        [
            format!("pkg:npm/from-git@1.0.0?vcs_url=git%2Bhttps://github.com/acme/from-git%40{commit}").as_str(),
            "pkg:npm/real@1.0.0?repository_url=https://registry.example",
            "pkg:npm/silent@1.0.0?repository_url=https://registry.example",
        ]
    );
    let references = json!([
        {"type": "distribution", "url": format!("https://codeload.github.com/acme/from-git/tar.gz/{commit}")},
        {"type": "vcs", "url": format!("git+https://github.com/acme/from-git@{commit}")},
    ]);
    assert_eq!(component(&document, "from-git")["externalReferences"], references);
    assert_eq!(component(&document, "from-git").get("hashes"), None);
    let of_the_store = json!([{"alg": "SHA-512", "content": Digest::of(Algorithm::Sha512, &silent.bytes).to_hex()}]);
    assert_eq!(component(&document, "silent")["hashes"], of_the_store);
    assert_eq!(declared(&spdx), ["from-git NOASSERTION", "real ISC", "silent MIT"]);
}

#[test]
fn every_digest_of_the_lockfile_is_stated_and_none_of_other_bytes() {
    let one = package("one", "{}");
    let both = format!("{} {}", Digest::of(Algorithm::Sha1, &one.bytes), one.integrity());
    let choice = format!("{} {}", one.integrity(), Digest::of(Algorithm::Sha512, b"other"));
    let two = Package { name: "two".to_owned(), ..one.clone() }.with("integrity", &format!("{choice:?}"));
    let world = World::new(&[one.clone().with("integrity", &format!("{both:?}")), two]);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let [document, _] = documents(&world, &[]);
    let sha512 = json!({"alg": "SHA-512", "content": Digest::of(Algorithm::Sha512, &one.bytes).to_hex()});
    let sha1 = json!({"alg": "SHA-1", "content": Digest::of(Algorithm::Sha1, &one.bytes).to_hex()});
    assert_eq!(component(&document, "one")["hashes"], json!([sha1, sha512]));
    assert_eq!(component(&document, "two")["hashes"], json!([sha512]));
}

#[test]
fn two_projects_share_a_document_and_what_both_need() {
    let shared = package("shared", r#"{"license": "MIT"}"#);
    let world = World::new(&[shared.clone().with("dev", "true"), package("mine", "{}")]);
    world.write("web/package-lock.json", &lockfile(&[shared, package("theirs", "{}")]));
    world.write("web/package.json", r#"{"name": "web"}"#);
    let [document, spdx] = documents(&world, &[".", "web"]);
    let root = &document["metadata"]["component"];
    assert_eq!(
        *root,
        json!({"type": "application", "bom-ref": "projects", "name": "project, web", "components": [
            {"type": "application", "bom-ref": "project-1", "name": "project"},
            {"type": "application", "bom-ref": "project-2", "name": "web"},
        ]})
    );
    let purl = |name: &str| format!("pkg:npm/{name}@1.0.0?repository_url=https://registry.example");
    assert_eq!(purls(&document), ["mine", "shared", "theirs"].map(purl));
    assert_eq!(component(&document, "shared")["scope"], "required");
    assert_eq!(document["dependencies"][0], json!({"ref": "projects", "dependsOn": ["project-1", "project-2"]}));
    assert_eq!(document["dependencies"][1]["dependsOn"], json!([purl("mine"), purl("shared")]));
    assert_eq!(document["dependencies"][2]["dependsOn"], json!([purl("shared"), purl("theirs")]));
    let kinds: Vec<&str> =
        spdx["relationships"].as_array().unwrap().iter().map(|one| one["relationshipType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["DESCRIBES", "DEPENDS_ON", "DEV_DEPENDENCY_OF", "DESCRIBES", "DEPENDS_ON", "DEPENDS_ON"]);
    let serial = |arguments: &[&str]| documents(&world, arguments)[0]["serialNumber"].clone();
    let serials = [serial(&["."]), serial(&["web"]), serial(&[".", "web"]), serial(&[".", "--omit", "dev"])];
    assert!((1..4).all(|at| !serials[..at].contains(&serials[at])), "{serials:?}");
}

#[test]
fn other_bytes_of_the_same_name_are_another_component() {
    let world = World::new(&[package("same", "{}")]);
    world.write("web/package-lock.json", &lockfile(&[package("same", r#"{"license": "MIT"}"#)]));
    let [document, _] = documents(&world, &[".", "web"]);
    let purl = "pkg:npm/same@1.0.0?repository_url=https://registry.example";
    let references: Vec<&Value> =
        document["components"].as_array().unwrap().iter().map(|component| &component["bom-ref"]).collect();
    assert_eq!(references, [&json!(purl), &json!(format!("{purl}#2"))]);
}

#[test]
fn the_selection_is_that_of_the_options_and_of_larder_toml() {
    let world = World::new(&[
        package("mac", "{}").with("optional", "true").with("os", "[\"darwin\"]"),
        package("dev", "{}").with("dev", "true"),
        package("app", "{}"),
    ]);
    let names = |arguments: &[&str]| -> String {
        let [document, _] = documents(&world, arguments);
        let all = document["components"].as_array().unwrap().iter();
        all.map(|component| component["name"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&[]), "app dev mac");
    assert_eq!(names(&["--platform", "linux/amd64"]), "app dev");
    assert_eq!(names(&["--omit", "dev", "--omit", "optional"]), "app");
    world.write("larder.toml", "platforms = [\"linux/amd64\"]\nomit = [\"dev\"]\n");
    assert_eq!(names(&[]), "app");
    assert_eq!(names(&["--all-platforms"]), "app mac");
}

#[test]
fn pyodides_wheels_are_of_pypi_and_name_their_files() {
    let project = Pyodide::new(&[("numpy", "2.0.2", &[])]);
    project.publish("six", "1.17.0", &["License-Expression: MIT"], &Listed::default());
    project.ask(&["numpy", "six"], "");
    assert_eq!(project.lock(), ["numpy 2.0.2*", "six 1.17.0"]);
    let world = &project.world;
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let [document, spdx] = documents(world, &[]);
    let own = world.server.url("");
    let own = own.trim_end_matches('/');
    let file = "numpy-2.0.2-cp313-cp313-pyodide_2025_0_wasm32.whl";
    assert_eq!(
        purls(&document),
        [
            "pkg:npm/pyodide@0.28.3?repository_url=https://registry.example".to_owned(),
            format!("pkg:pypi/numpy@2.0.2?download_url={own}/dist/{file}&file_name={file}"),
            format!(
                "pkg:pypi/six@1.17.0?download_url={own}/files/six-1.17.0-py3-none-any.whl&file_name=six-1.17.0-py3-none-any.whl"
            ),
        ]
    );
    assert_eq!(component(&document, "six")["properties"], json!([{"name": "larder:lockfile", "value": "larder.lock"}]));
    assert_eq!(component(&document, "six")["hashes"][0]["alg"], "SHA-256");
    assert_eq!(declared(&spdx), ["pyodide NOASSERTION", "numpy NOASSERTION", "six MIT"]);
}

#[test]
fn recorded_downloads_are_generic_with_address_and_checksum() {
    let project = Recorded::new();
    let [document, spdx] = documents(&project.world, &[]);
    let all = document["components"].as_array().unwrap();
    let shown = all.iter().map(|one| {
        let mut line = format!("{} {}", one["type"].as_str().unwrap(), one["purl"].as_str().unwrap());
        for hash in one["hashes"].as_array().unwrap() {
            write!(line, " {}", hash["alg"].as_str().unwrap()).unwrap();
        }
        line
    });
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"), @r"
    file pkg:generic/tool@1.0.0?checksum=sha256:4d678b63d53377922945ab45337829f80ff76a78855dfa0794f0107f8beda15d&download_url=https://registry.example/v1/tool-x64.zip SHA-256
    file pkg:generic/tool@1.0.0?checksum=sha256:57ccab62136e84fc69d4f75a2629979365752d72f423bb578c35193f006293e7&download_url=https://registry.example/any%3Fversion%3D1 SHA-256
    file pkg:generic/tool@1.0.0?checksum=sha256:ddf7ff5ebd9d66ce161466c1c0262430fa04de32b0e420ee3f489e2e2112e386&download_url=https://registry.example/v1/tool-arm64.zip SHA-256
    library pkg:npm/tool@1.0.0?repository_url=https://registry.example SHA-512
    ");
    let locations: Vec<&Value> =
        spdx["packages"].as_array().unwrap().iter().map(|package| &package["downloadLocation"]).collect();
    assert!(locations.contains(&&json!("https://registry.example/any?version=1")), "{locations:?}");
}

#[test]
fn what_cannot_be_fetched_is_said_and_makes_the_document_incomplete() {
    let odd = Package::new("odd", "").with("resolved", "\"odd:thing\"").with("integrity", "");
    let world = World::new(&[package("app", "{}"), odd]);
    let run = world.run(&["sbom"]);
    assert!(run.err.contains("warning: package-lock.json: node_modules/odd: odd"), "{run:?}");
    assert_eq!(parsed(&run)["compositions"], json!([{"aggregate": "incomplete", "assemblies": ["project-1"]}]));
    let spdx = parsed(&world.run(&["sbom", "--format", "spdx"]));
    assert_eq!(spdx["comment"], "incomplete: lockfiles of project name what larder cannot fetch");
}

#[test]
fn a_damaged_blob_says_nothing_and_the_store_is_only_read() {
    let world = World::new(&[package("app", r#"{"license": "MIT"}"#), package("other", r#"{"license": "ISC"}"#)]);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let is_app = |path: &Path| fs::read(path).is_ok_and(|bytes| bytes == package("app", r#"{"license": "MIT"}"#).bytes);
    let blobs = crate::view::files(&world.store().join("blobs"));
    let damaged = blobs.keys().map(|path| world.store().join("blobs").join(path)).find(|path| is_app(path)).unwrap();
    fs::set_permissions(&damaged, fs::Permissions::from_mode(0o644)).unwrap();
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[20] ^= 1;
    fs::write(&damaged, bytes).unwrap();
    let before = crate::view::files(&world.store());
    let run = world.run(&["sbom"]);
    assert!(run.err.contains("app 1.0.0: its blob cannot be read: "), "{run:?}");
    let document = parsed(&run);
    assert_eq!(component(&document, "app").get("licenses"), None);
    assert_eq!(component(&document, "other")["licenses"][0]["expression"], "ISC");
    assert!(crate::view::files(&world.store()) == before, "the store has changed");
}
