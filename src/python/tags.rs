//! [`Tags`]: compatibility tags: which wheels a runtime can load, and which of them it prefers.

use std::collections::HashMap;

use super::wheel_name::WheelName;

/// CPython's stable ABI begins with this minor version.
const FIRST_ABI3: u64 = 2;

/// The tags that a runtime accepts, each with its rank.
///
/// The order is micropip's, which is that of `packaging.tags` with Pyodide's platforms before Emscripten's: for each of `cp3N-cp3N`, `cp3N-abi3` and `cp3N-none` the
/// platforms `pyemscripten_…`, `pyodide_…`, `emscripten_…`; then `abi3` of earlier versions; `py3N`, `py3`, `py3(N-1)` … with a platform; the same for `any`.
#[derive(Clone, Debug)]
pub struct Tags(HashMap<[Box<str>; 3], usize>);

/// How well a wheel fits: the lower, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(usize);

impl Tags {
    /// The tags of CPython 3.`minor` on these platforms, the preferred first.
    pub(crate) fn new(minor: u64, platforms: &[String]) -> Self {
        let own = format!("cp3{minor}");
        let mut ordered: Vec<[String; 3]> = Vec::new();
        let mut push = |python: &str, abi: &str, platforms: &[String]| {
            ordered.extend(platforms.iter().map(|platform| [python, abi, platform].map(str::to_owned)));
        };
        let any = ["any".to_owned()];
        for abi in [own.as_str(), "abi3", "none"] {
            push(&own, abi, platforms);
        }
        for minor in (FIRST_ABI3..minor).rev() {
            push(&format!("cp3{minor}"), "abi3", platforms);
        }
        let pure: Vec<String> = [format!("py3{minor}"), "py3".to_owned()]
            .into_iter()
            .chain((0..minor).rev().map(|minor| format!("py3{minor}")))
            .collect();
        for python in &pure {
            push(python, "none", platforms);
        }
        push(&own, "none", &any);
        for python in &pure {
            push(python, "none", &any);
        }
        let ranked = ordered.into_iter().enumerate();
        Self(ranked.map(|(rank, tag)| (tag.map(String::into_boxed_str), rank)).collect())
    }

    /// How well this wheel fits; `None` if the runtime cannot load it.
    pub fn rank(&self, wheel: &WheelName) -> Option<Rank> {
        wheel.tags().filter_map(|tag| self.0.get(&tag.map(Box::from)).copied()).min().map(Rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags() -> Tags {
        let platforms = ["pyemscripten_2026_0_wasm32", "pyodide_2026_0_wasm32", "emscripten_5_0_3_wasm32"];
        Tags::new(14, &platforms.map(str::to_owned))
    }

    fn rank(tag: &str) -> Option<Rank> {
        tags().rank(&WheelName::parse(&format!("a-1.0-{tag}.whl")).unwrap())
    }

    #[test]
    fn wheels_are_ranked_as_micropip_ranks_them() {
        let ordered = [
            "cp314-cp314-pyemscripten_2026_0_wasm32",
            "cp314-cp314-pyodide_2026_0_wasm32",
            "cp314-cp314-emscripten_5_0_3_wasm32",
            "cp314-abi3-pyemscripten_2026_0_wasm32",
            "cp314-none-pyemscripten_2026_0_wasm32",
            "cp313-abi3-pyemscripten_2026_0_wasm32",
            "cp311-abi3-pyemscripten_2026_0_wasm32",
            "cp32-abi3-emscripten_5_0_3_wasm32",
            "py314-none-pyemscripten_2026_0_wasm32",
            "py3-none-pyemscripten_2026_0_wasm32",
            "py3-none-emscripten_5_0_3_wasm32",
            "py313-none-pyemscripten_2026_0_wasm32",
            "cp314-none-any",
            "py314-none-any",
            "py3-none-any",
            "py313-none-any",
            "py30-none-any",
        ];
        let ranks: Vec<_> = ordered.iter().map(|tag| rank(tag).unwrap_or_else(|| panic!("{tag}"))).collect();
        assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
        assert_eq!(rank("py2.py3-none-any"), rank("py3-none-any"));
    }

    #[test]
    fn wheels_of_other_runtimes_do_not_fit() {
        for tag in [
            "cp313-cp313-pyemscripten_2026_0_wasm32",
            "cp314-cp314-pyemscripten_2025_0_wasm32",
            "cp314-cp314-manylinux_2_17_x86_64",
            "cp315-abi3-pyemscripten_2026_0_wasm32",
            "py2-none-any",
            "py315-none-any",
            "cp314-cp314-any",
        ] {
            assert_eq!(rank(tag), None, "{tag}");
        }
    }
}
