//! A folder of tarballs, named as `npm pack` names them: `<name>-<version>.tgz`, of a scoped package `<scope>-<name>-<version>.tgz`. Pure.

use std::collections::BTreeSet;

use crate::core::layout::{Content, Layout};
use crate::{core::artifact::Artifact, npm::PackageVersion};

/// Hexadecimal digits of the blake3 that tell apart what would have one name.
const TELLING_DIGITS: usize = 8;

/// Every tarball that is here, each once. Names are npm's; of several packages that would have the same one, the first in the plan has it, and the names of the others
/// end in the beginning of their blake3: `a-b-1.0.0-0a1b2c3d.tgz`.
pub fn tarballs(versions: &[PackageVersion]) -> Layout {
    let mut layout = Layout::default();
    let mut placed = BTreeSet::new();
    for version in versions {
        let Some(found) = version.found else { continue };
        let name = file_name(&version.artifact);
        if !placed.insert((name.clone(), found.blob)) {
            continue;
        }
        let content = Content::Blob(found);
        if layout.get(&format!("{name}.tgz")).is_none() {
            layout.insert(format!("{name}.tgz"), content);
        } else {
            let blob = found.blob.to_string();
            layout.insert(format!("{name}-{}.tgz", &blob[..TELLING_DIGITS]), content);
        }
    }
    layout
}

fn file_name(artifact: &Artifact) -> String {
    let name = artifact.name.as_str();
    let flat = name.strip_prefix('@').unwrap_or(name).replace('/', "-");
    format!("{flat}-{}", artifact.version)
}
