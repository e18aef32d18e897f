//! A bill as `CycloneDX` 1.6 (ECMA-424), in JSON.

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
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    compositions: Vec<Value>,
}

#[derive(Serialize)]
struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    tools: Value,
    component: Component,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_references: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<Self>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<String>,
}

/// The reference of what several projects are together.
const ALL: &str = "projects";

/// The document. `made` is stated as its time, if it is given.
pub fn cyclonedx(bill: &Bill, made: Option<Timestamp>) -> Value {
    let document = Document {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: format!("urn:uuid:{}", bill.uuid),
        version: 1,
        metadata: Metadata {
            timestamp: made.map(|made| made.to_string()),
            tools: json!({"components": [{"type": "application", "name": "larder", "version": env!("CARGO_PKG_VERSION")}]}),
            component: root(bill),
        },
        components: bill.components.iter().map(component).collect(),
        dependencies: dependencies(bill),
        compositions: compositions(bill),
    };
    serde_json::to_value(document).expect("a document has string keys and finite numbers")
}

fn root(bill: &Bill) -> Component {
    match bill.projects.as_slice() {
        [one] => application(one),
        several => Component {
            kind: "application",
            bom_ref: ALL.to_owned(),
            name: bill.name(),
            components: several.iter().map(application).collect(),
            ..Component::default()
        },
    }
}

fn application(project: &BilledProject) -> Component {
    Component {
        kind: "application",
        bom_ref: project.reference.clone(),
        name: project.name.clone(),
        version: project.version.clone(),
        ..Component::default()
    }
}

fn component(billed: &Billed) -> Component {
    let component = &billed.component;
    let hashes = component.hashes.iter();
    let references = [("distribution", &component.address), ("vcs", &component.repository)];
    let mut properties: Vec<Value> =
        component.lockfiles.iter().map(|lockfile| json!({"name": "larder:lockfile", "value": lockfile})).collect();
    if component.scope == Scope::Development && component.purl.starts_with("pkg:npm/") {
        properties.insert(0, json!({"name": "cdx:npm:package:development", "value": "true"}));
    }
    Component {
        kind: if component.is_file { "file" } else { "library" },
        bom_ref: billed.reference.clone(),
        group: component.group.clone(),
        name: component.name.clone(),
        version: component.version.clone(),
        scope: Some(match component.scope {
            Scope::Required => "required",
            Scope::Optional => "optional",
            // Not reachable at run time, as the specification says of tests.
            Scope::Development => "excluded",
        }),
        hashes: hashes
            .map(|digest| {
                let algorithm = digest.algorithm().name().to_ascii_uppercase().replace("SHA", "SHA-");
                json!({"alg": algorithm, "content": digest.to_hex()})
            })
            .collect(),
        licenses: component.licence.as_ref().map(licence).into_iter().collect(),
        purl: Some(component.purl.clone()),
        external_references: references
            .into_iter()
            .filter_map(|(kind, url)| Some(json!({"type": kind, "url": url.as_ref()?})))
            .collect(),
        properties,
        components: Vec::new(),
    }
}

fn licence(licence: &Licence) -> Value {
    match licence {
        Licence::Expression(expression) => json!({"expression": expression, "acknowledgement": "declared"}),
        Licence::Name(name) => json!({"license": {"name": name, "acknowledgement": "declared"}}),
    }
}

/// A plan does not say which package needs which: each is needed by its project.
fn dependencies(bill: &Bill) -> Vec<Dependency> {
    let of_project = |project: &BilledProject| Dependency {
        reference: project.reference.clone(),
        depends_on: project.needs.iter().map(|(position, _)| bill.components[*position].reference.clone()).collect(),
    };
    let all = (bill.projects.len() != 1).then(|| Dependency {
        reference: ALL.to_owned(),
        depends_on: bill.projects.iter().map(|project| project.reference.clone()).collect(),
    });
    let components =
        bill.components.iter().map(|billed| Dependency { reference: billed.reference.clone(), depends_on: Vec::new() });
    all.into_iter().chain(bill.projects.iter().map(of_project)).chain(components).collect()
}

/// Says of which projects something is missing.
fn compositions(bill: &Bill) -> Vec<Value> {
    let incomplete: Vec<&str> =
        bill.projects.iter().filter(|project| !project.is_complete).map(|project| project.reference.as_str()).collect();
    if incomplete.is_empty() { Vec::new() } else { vec![json!({"aggregate": "incomplete", "assemblies": incomplete})] }
}
