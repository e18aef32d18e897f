//! The published schemas of both forms.

use std::{fs, path::Path};

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use super::documents;
use crate::support::{World, packages};

/// Whether a document is valid by the schema of its form.
pub(super) fn valid(document: &Value) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sbom");
    let read = |name: &str| serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap();
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    compiler.enable_format_assertions();
    for name in ["bom-1.6.schema.json", "spdx.schema.json", "jsf-0.82.schema.json"] {
        compiler.add_resource(&format!("http://cyclonedx.org/schema/{name}"), read(name)).unwrap();
    }
    compiler.add_resource("http://spdx.org/rdf/terms/2.3", read("spdx-2.3.schema.json")).unwrap();
    let of_spdx = document.get("spdxVersion").is_some();
    let schema =
        if of_spdx { "http://spdx.org/rdf/terms/2.3" } else { "http://cyclonedx.org/schema/bom-1.6.schema.json" };
    let schema = compiler.compile(schema, &mut schemas).unwrap();
    schemas.validate(document, schema).map_err(|error| format!("{error:#}"))
}

#[test]
fn the_schemas_refuse_what_is_wrong() {
    let world = World::new(&packages(1));
    let [mut cyclonedx, mut spdx] = documents(&world, &[]);
    cyclonedx["components"][0]["type"] = json!("thing");
    spdx["packages"][0]["name"] = Value::Null;
    assert!(valid(&cyclonedx).is_err() && valid(&spdx).is_err());
    let [mut cyclonedx, _] = documents(&world, &[]);
    cyclonedx["components"][0]["licenses"] = json!([{"license": {"id": "No-Such-Licence"}}]);
    assert!(valid(&cyclonedx).is_err());
}
