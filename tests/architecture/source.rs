//! Reads the crates of this workspace as the compiler does: from the root file along the `mod` lines.
//! Never executes or expands anything; a macro's tokens stay tokens.
//! A source file that no `mod` line reaches fails a test, so that no rule is passed by hiding.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use syn::punctuated::Punctuated;
use syn::{Attribute, Item, ItemMod, Meta, Token};

/// Where the sources of the three crates lie, below the workspace.
const CRATES: &[&str] = &["src", "keys/src", "audit/src"];

/// A file of a crate.
pub struct SourceFile {
    /// Path below the workspace, with forward slashes.
    pub path: String,
    /// Module path below the crate's root: `access::permit` is `["access", "permit"]`.
    pub module: Vec<String>,
    /// Whether it is compiled for tests alone.
    pub is_test: bool,
    /// What it says.
    pub text: String,
    /// What that means.
    pub syntax: syn::File,
}

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the crate whose sources lie in `folder`, below the workspace.
pub fn read_crate(folder: &str) -> Vec<SourceFile> {
    let source = workspace().join(folder);
    let mut files = Vec::new();
    // A program with a folder of its own is a room like any other, so its paths begin with that room.
    for (root, room) in [("lib.rs", None), ("main.rs", None), ("program/main.rs", Some("program"))]
    {
        if source.join(root).is_file() {
            let module = room.map(str::to_owned).into_iter().collect();
            read_file(&source.join(root), module, false, &mut files);
        }
    }
    files
}

/// Every product and test file of the three crates.
pub fn read_workspace() -> Vec<SourceFile> {
    CRATES.iter().copied().flat_map(read_crate).collect()
}

/// Rust files below `folder` that no `mod` line reaches.
fn unreached(folder: &str) -> Vec<String> {
    let reached: BTreeSet<String> = read_crate(folder).into_iter().map(|file| file.path).collect();
    let mut present = Vec::new();
    list_rust_files(&workspace().join(folder), &mut present);
    present.iter().map(|path| relative(path)).filter(|path| !reached.contains(path)).collect()
}

/// Whether the attributes keep an item out of everything but tests and documentation tests.
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .any(|attribute| attribute.parse_args::<Meta>().is_ok_and(|meta| needs_test(&meta)))
}

fn needs_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test") || path.is_ident("doctest"),
        Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|parts| parts.iter().any(needs_test)),
        Meta::List(_) | Meta::NameValue(_) => false,
    }
}

fn read_file(path: &Path, module: Vec<String>, is_test: bool, files: &mut Vec<SourceFile>) {
    let text = fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()));
    let syntax = syn::parse_file(&text)
        .unwrap_or_else(|error| panic!("{} cannot be parsed: {error}", path.display()));
    let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a source file has a name");
    let parent = path.parent().expect("a source file lies in a folder");
    let children = match stem {
        "lib" | "main" | "mod" => parent.to_path_buf(),
        _ => parent.join(stem),
    };
    let is_test = is_test || stem == "tests" || is_for_tests(&syntax.attrs);
    read_children(&syntax.items, &children, &module, is_test, files);
    files.push(SourceFile { path: relative(path), module, is_test, text, syntax });
}

fn read_children(
    items: &[Item],
    folder: &Path,
    module: &[String],
    is_test: bool,
    files: &mut Vec<SourceFile>,
) {
    let modules = items.iter().filter_map(|item| match item {
        Item::Mod(child) => Some(child),
        _ => None,
    });
    for child in modules {
        let name = child.ident.to_string();
        let is_test = is_test || is_for_tests(&child.attrs);
        let below: Vec<String> = module.iter().cloned().chain([name.clone()]).collect();
        match &child.content {
            Some((_, inner)) => read_children(inner, &folder.join(&name), &below, is_test, files),
            None => read_file(&file_of(child, folder), below, is_test, files),
        }
    }
}

fn file_of(module: &ItemMod, folder: &Path) -> PathBuf {
    let name = module.ident.to_string();
    let renamed = module.attrs.iter().any(|attribute| attribute.path().is_ident("path"));
    assert!(!renamed, "module {name} in {} hides its file behind #[path]", folder.display());
    let (file, nested) = (folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs"));
    if file.is_file() { file } else { nested }
}

fn list_rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{} cannot be listed: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder can be listed to its end").path();
        if path.is_dir() {
            list_rust_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn relative(path: &Path) -> String {
    let below = path.strip_prefix(workspace()).expect("sources lie in the workspace");
    below.to_str().expect("source files have plain names").replace('\\', "/")
}

#[test]
fn every_source_file_is_part_of_a_crate() {
    let hidden: Vec<String> = CRATES.iter().copied().flat_map(unreached).collect();
    assert!(hidden.is_empty(), "no `mod` names\n{}", hidden.join("\n"));
}

#[test]
fn a_source_file_outside_a_crate_is_found() {
    // The programs that must not compile are such files.
    let programs = unreached("tests/architecture");
    assert!(!programs.is_empty());
    assert!(programs.iter().all(|path| path.starts_with("tests/architecture/compile_fail/")));
}

#[test]
fn code_for_tests_alone_is_told_from_product_code() {
    let is_test = |line: &str| {
        let file = syn::parse_file(&format!("{line} mod inner {{}}")).expect("a module");
        match &file.items[0] {
            Item::Mod(module) => is_for_tests(&module.attrs),
            _ => unreachable!("the snippet is a module"),
        }
    };
    assert!(is_test("#[cfg(test)]"));
    assert!(is_test("#[cfg(doctest)]"));
    assert!(is_test("#[cfg(all(test, unix))]"));
    assert!(!is_test("#[cfg(unix)]"));
    assert!(!is_test("#[cfg(not(test))]"));
    assert!(!is_test("#[cfg(any(test, unix))]"));
    assert!(!is_test("#[test]"));
}
