//! The sources as the rules see them: files, the modules they are, and the paths they name. Code under `#[cfg(test)]` is left out, with the files that it declares.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use syn::{
    Attribute, Expr, Item, ItemMod, ItemUse, Lit, UseTree,
    spanned::Spanned as _,
    visit::{self, Visit},
};

/// A path from its crate's root (`larder::http::Client`) or of another crate (`std::env::vars`).
pub(crate) type ModulePath = Vec<String>;

/// All files, by path from the repository's root.
pub(crate) struct House {
    pub(crate) files: BTreeMap<String, SourceFile>,
    by_module: HashMap<ModulePath, String>,
}

/// One file.
#[derive(Default)]
pub(crate) struct SourceFile {
    pub(crate) module: ModulePath,
    pub(crate) lines: usize,
    /// Every path that the file names, in `use` lines and elsewhere, made absolute.
    pub(crate) paths: Vec<(usize, ModulePath)>,
    pub(crate) macros: Vec<(usize, String)>,
    pub(crate) texts: Vec<(usize, String)>,
    /// Texts that are joined to a path.
    pub(crate) joined: Vec<(usize, String)>,
    /// The modules that it declares, those for tests left out.
    pub(crate) children: Vec<String>,
    re_exports: HashMap<String, ModulePath>,
    test_files: Vec<String>,
}

impl House {
    /// Reads these sources: path and text.
    pub(crate) fn new<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut files: BTreeMap<String, SourceFile> =
            sources.into_iter().map(|(path, text)| (path.to_owned(), read(path, text))).collect();
        let mut test_files: Vec<String> =
            files.values_mut().flat_map(|file| std::mem::take(&mut file.test_files)).collect();
        while let Some(stem) = test_files.pop() {
            let below = format!("{stem}/");
            files.retain(|path, _| path.strip_suffix(".rs") != Some(&stem) && !path.starts_with(&below));
        }
        let by_module = files.iter().map(|(path, file)| (file.module.clone(), path.clone())).collect();
        Self { files, by_module }
    }

    /// The file in which what a path names is defined, re-exports followed.
    pub(crate) fn file_of(&self, path: &[String]) -> Option<&str> {
        let mut path = path.to_vec();
        for _ in 0..8 {
            let known = |length| Some((self.by_module.get(&path[..length])?, length));
            let (name, length) = (1..=path.len()).rev().find_map(known)?;
            match path.get(length).and_then(|item| self.files[name].re_exports.get(item)) {
                Some(target) => {
                    let rest = path.split_off(length + 1);
                    path = target.iter().cloned().chain(rest).collect();
                }
                None => return Some(name),
            }
        }
        None
    }

    /// What each file needs of others: file → (line, path), by the other file.
    pub(crate) fn needs(&self) -> BTreeMap<&str, BTreeMap<&str, (usize, String)>> {
        let mut needs: BTreeMap<&str, BTreeMap<&str, (usize, String)>> = BTreeMap::new();
        for (name, file) in &self.files {
            let own = needs.entry(name).or_default();
            for (line, path) in &file.paths {
                let is_own = |target: &&str| *target != name && !(target.ends_with("/lib.rs"));
                if let Some(target) = self.file_of(path).filter(is_own) {
                    own.entry(target).or_insert_with(|| (*line, path.join("::")));
                }
            }
        }
        needs
    }
}

fn read(path: &str, text: &str) -> SourceFile {
    let syntax = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
    let file = SourceFile { module: module_of(path), lines: text.lines().count(), ..SourceFile::default() };
    let children = syntax.items.iter().filter_map(|item| match item {
        Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    });
    let mut reader =
        Reader { module: file.module.clone(), children: children.collect(), path, file, names: HashMap::new() };
    // Names first, since a path may stand before the line that imports its beginning.
    syntax.items.iter().for_each(|item| reader.learn(item));
    syntax.items.iter().for_each(|item| reader.visit_item(item));
    reader.file
}

fn module_of(path: &str) -> ModulePath {
    let (krate, rest) = match path.strip_prefix("store/src/") {
        Some(rest) => ("larder_store", rest),
        None => ("larder", path.strip_prefix("src/").unwrap_or(path)),
    };
    let rest = rest.strip_suffix(".rs").expect("a Rust file");
    let inner = rest.split('/').filter(|_| rest != "lib").map(str::to_owned);
    std::iter::once(krate.to_owned()).chain(inner).collect()
}

struct Reader<'a> {
    path: &'a str,
    module: ModulePath,
    children: HashSet<String>,
    file: SourceFile,
    /// What imported names stand for.
    names: HashMap<String, ModulePath>,
}

impl Reader<'_> {
    fn learn(&mut self, item: &Item) {
        let Item::Use(item) = item else { return };
        if is_for_tests(&item.attrs) {
            return;
        }
        let mut found = Vec::new();
        expand(&item.tree, &mut Vec::new(), &mut found);
        for (segments, name) in found {
            let path = self.absolute(&segments);
            if !matches!(item.vis, syn::Visibility::Inherited) && self.module == self.file.module {
                self.file.re_exports.insert(name.clone(), path.clone());
            }
            self.names.insert(name, path);
        }
    }

    fn absolute(&self, segments: &[String]) -> ModulePath {
        let (mut path, mut rest) = match segments[0].as_str() {
            "crate" => (vec![self.module[0].clone()], &segments[1..]),
            "self" => (self.module.clone(), &segments[1..]),
            "super" => (self.module.clone(), segments),
            "larder" | "larder_store" => (Vec::new(), segments),
            first if self.children.contains(first) => (self.module.clone(), segments),
            first => match self.names.get(first) {
                Some(known) => (known.clone(), &segments[1..]),
                None => (Vec::new(), segments),
            },
        };
        while rest.first().is_some_and(|segment| segment == "super") {
            path.pop();
            rest = &rest[1..];
        }
        path.extend(rest.iter().cloned());
        path
    }

    fn declare(&mut self, item: &ItemMod) {
        if !is_for_tests(&item.attrs) {
            self.file.children.push(item.ident.to_string());
            return;
        }
        let own = self.path.strip_suffix(".rs").expect("a Rust file");
        let around = Path::new(self.path).parent().and_then(Path::to_str).unwrap_or_default();
        let stated = item.attrs.iter().find_map(|attribute| match &attribute.meta {
            syn::Meta::NameValue(pair) if pair.path.is_ident("path") => text_of(&pair.value),
            _ => None,
        });
        let stem = match stated {
            Some(file) => format!("{around}/{}", file.trim_end_matches(".rs")),
            None if own.ends_with("/lib") => format!("{around}/{}", item.ident),
            None => format!("{own}/{}", item.ident),
        };
        self.file.test_files.push(stem);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if let Item::Mod(module) = item {
            self.declare(module);
        }
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut found = Vec::new();
        expand(&item.tree, &mut Vec::new(), &mut found);
        let line = item.span().start().line;
        for (segments, _) in found {
            self.file.paths.push((line, self.absolute(&segments)));
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.file.paths.push((path.span().start().line, self.absolute(&segments)));
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        if let Some(name) = item.path.segments.last() {
            self.file.macros.push((item.span().start().line, name.ident.to_string()));
        }
        visit::visit_macro(self, item);
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    /// `pub(in crate::room)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.file.texts.push((text.span().start().line, text.value()));
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method == "join"
            && let Some(text) = call.args.first().and_then(text_of)
        {
            self.file.joined.push((call.method.span().start().line, text));
        }
        visit::visit_expr_method_call(self, call);
    }
}

fn text_of(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// Each path of a `use` tree, and the name under which the file has it.
fn expand(tree: &UseTree, before: &mut ModulePath, found: &mut Vec<(ModulePath, String)>) {
    let with = |last: &syn::Ident, before: &ModulePath| {
        let mut path = before.clone();
        if last != "self" {
            path.push(last.to_string());
        }
        path
    };
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            expand(&path.tree, before, found);
            before.pop();
        }
        UseTree::Name(name) => {
            let path = with(&name.ident, before);
            let known = path.last().expect("a path has a segment").clone();
            found.push((path, known));
        }
        UseTree::Rename(name) => found.push((with(&name.ident, before), name.rename.to_string())),
        UseTree::Glob(_) => found.push((before.clone(), "*".to_owned())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| expand(tree, before, found)),
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        _ => false,
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
