//! A bill as SPDX 2.3, in JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    bill::{Bill, Billed, BilledProject},
    component::Scope,
    licence::Licence,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: String,
    #[serde(rename = "documentNamespace")]
    namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    creation_info: Value,
    packages: Vec<Package>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    has_extracted_licensing_infos: Vec<Value>,
    relationships: Vec<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_info: Option<String>,
    download_location: String,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Value>,
    license_concluded: &'static str,
    license_declared: String,
    copyright_text: &'static str,
    primary_package_purpose: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<Value>,
}

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const UNKNOWN: &str = "NOASSERTION";

/// As many characters of a name are part of an identifier.
const LONGEST_NAME: usize = 60;

/// The document. `made` is its time, which SPDX asks for: without one, the beginning of 1970 is stated, which nobody takes for a time.
pub fn spdx(bill: &Bill, made: Option<Timestamp>) -> Value {
    let names = extracted(bill);
    let ids: Vec<String> = bill.components.iter().map(id).collect();
    let projects = bill.projects.iter().map(project);
    let components = bill.components.iter().zip(&ids).map(|(billed, id)| package(billed, id, &names));
    let document = Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: DOCUMENT,
        name: bill.name(),
        namespace: format!("urn:uuid:{}", bill.uuid),
        comment: comment(bill),
        creation_info: json!({
            "created": made.unwrap_or(Timestamp::UNIX_EPOCH).to_string(),
            "creators": [concat!("Tool: larder-", env!("CARGO_PKG_VERSION"))],
        }),
        packages: projects.chain(components).collect(),
        has_extracted_licensing_infos: names
            .iter()
            .map(|(name, id)| json!({"licenseId": id, "extractedText": name, "name": name}))
            .collect(),
        relationships: bill.projects.iter().flat_map(|project| relationships(project, &ids)).collect(),
    };
    serde_json::to_value(document).expect("a document has string keys and finite numbers")
}

/// What is no expression has an identifier of the document's own.
fn extracted(bill: &Bill) -> BTreeMap<&str, String> {
    let named = bill.components.iter().filter_map(|billed| match billed.component.licence.as_ref()? {
        Licence::Name(name) => Some(name.as_str()),
        Licence::Expression(_) => None,
    });
    named.map(|name| (name, format!("LicenseRef-{}", identifier(name, name)))).collect()
}

fn id(billed: &Billed) -> String {
    format!("SPDXRef-{}", identifier(&billed.component.full_name(), &billed.reference))
}

/// Letters and digits of a name, and some digits that tell it from others.
fn identifier(name: &str, whole: &str) -> String {
    let letters: String =
        name.chars().take(LONGEST_NAME).map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let digest = blake3::hash(whole.as_bytes()).to_hex();
    format!("{}-{}", letters.trim_matches('-'), &digest[..12]).trim_start_matches('-').to_owned()
}

fn project_id(project: &BilledProject) -> String {
    format!("SPDXRef-{}", project.reference)
}

fn project(project: &BilledProject) -> Package {
    Package {
        id: project_id(project),
        name: project.name.clone(),
        version_info: project.version.clone(),
        download_location: UNKNOWN.to_owned(),
        files_analyzed: false,
        checksums: Vec::new(),
        license_concluded: UNKNOWN,
        license_declared: UNKNOWN.to_owned(),
        copyright_text: UNKNOWN,
        primary_package_purpose: "APPLICATION",
        source_info: None,
        external_refs: Vec::new(),
    }
}

fn package(billed: &Billed, id: &str, names: &BTreeMap<&str, String>) -> Package {
    let component = &billed.component;
    let hashes = component.hashes.iter();
    let lockfiles: Vec<&str> = component.lockfiles.iter().map(String::as_str).collect();
    Package {
        id: id.to_owned(),
        name: component.full_name(),
        version_info: component.version.clone(),
        download_location: component.address.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
        files_analyzed: false,
        checksums: hashes
            .map(|digest| {
                json!({"algorithm": digest.algorithm().name().to_ascii_uppercase(), "checksumValue": digest.to_hex()})
            })
            .collect(),
        license_concluded: UNKNOWN,
        license_declared: match &component.licence {
            Some(Licence::Expression(expression)) => expression.clone(),
            Some(Licence::Name(name)) => names[name.as_str()].clone(),
            None => UNKNOWN.to_owned(),
        },
        copyright_text: UNKNOWN,
        primary_package_purpose: if component.is_file { "FILE" } else { "LIBRARY" },
        source_info: Some(format!("named by {}", lockfiles.join(", "))),
        external_refs: vec![json!({
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": component.purl,
        })],
    }
}

fn relationships(project: &BilledProject, ids: &[String]) -> Vec<Value> {
    let own = project_id(project);
    let relationship = |from: &str, kind: &str, to: &str| json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to});
    let mut all = vec![relationship(DOCUMENT, "DESCRIBES", &own)];
    all.extend(project.needs.iter().map(|(position, scope)| match scope {
        Scope::Required => relationship(&own, "DEPENDS_ON", &ids[*position]),
        Scope::Optional => relationship(&ids[*position], "OPTIONAL_DEPENDENCY_OF", &own),
        Scope::Development => relationship(&ids[*position], "DEV_DEPENDENCY_OF", &own),
    }));
    all
}

/// Says of which projects something is missing.
fn comment(bill: &Bill) -> Option<String> {
    let incomplete = bill.projects.iter().filter(|project| !project.is_complete);
    let names: Vec<&str> = incomplete.map(|project| project.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("incomplete: lockfiles of {} name what larder cannot fetch", names.join(", ")))
}
