//! The importable modules of a wheel, derived from its file names: only three wheels of ten have a `top_level.txt`.

use std::collections::BTreeSet;

/// Top-level modules, and top-level folders that hold Python files anywhere below folders whose names can be modules'. This is the rule by which Pyodide's own locks
/// are made, and top-level extension modules beside it.
pub(super) fn imports<'a>(files: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    files.filter_map(import).map(str::to_owned).collect()
}

fn import(path: &str) -> Option<&str> {
    let path = installed(path);
    let module = match path.rsplit_once('/') {
        None => {
            // `_a.cpython-313-wasm32-emscripten.so`.
            let extension = || path.strip_suffix(".so").and_then(|stem| stem.split('.').next());
            path.strip_suffix(".py").or_else(extension)
        }
        Some((folders, file)) => {
            let can_be_modules = folders.split('/').all(|folder| !folder.contains(['.', '-', ' ']));
            let is_python = file.strip_suffix(".py").is_some_and(|module| !module.is_empty());
            (can_be_modules && is_python).then(|| folders.split_once('/').map_or(folders, |(first, _)| first))
        }
    };
    module.filter(|module| !module.is_empty())
}

/// What lies in two folders of `NAME.data` is installed beside all else.
fn installed(path: &str) -> &str {
    let inner = path.split_once('/').filter(|(folder, _)| folder.strip_suffix(".data").is_some());
    let inner = inner.and_then(|(_, inner)| inner.strip_prefix("purelib/").or_else(|| inner.strip_prefix("platlib/")));
    inner.unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_folders_and_extensions_count() {
        let cases: [(&[&str], &[&str]); 8] = [
            (&["six.py", "six-1.0.dist-info/METADATA"], &["six"]),
            (&["black/__init__.py", "blackd/__init__.py", "_black_version.py"], &["_black_version", "black", "blackd"]),
            (&["_a.cpython-313-wasm32-emscripten.so", "a/b.py"], &["_a", "a"]),
            (&["ns/deep/x.py", "data/x.txt"], &["ns"]),
            (&["a-b/x.py", "a/b.c/x.py", "a b/x.py"], &[]),
            (&["native/only.cpython-313-wasm32-emscripten.so"], &[]),
            (&["x-1.data/purelib/x/__init__.py", "x-1.data/platlib/_y.so", "x-1.data/scripts/z.py"], &["_y", "x"]),
            (&[".py", "docs/.py", "README"], &[]),
        ];
        for (files, expected) in cases {
            assert_eq!(imports(files.iter().copied()).into_iter().collect::<Vec<_>>(), expected, "{files:?}");
        }
    }
}
