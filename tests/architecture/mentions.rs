//! Collects every path that a file of product code names: in `use`, types, expressions, attributes and macros.
//! Skips what is compiled for tests alone, and the visibility of items.
//! A path is made absolute: `super`, `self` and names brought in by `use` are followed before it is reported.

use crate::source::is_for_tests;
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use std::collections::BTreeMap;
use std::iter::Peekable;
use syn::visit::{self, Visit};
use syn::{
    Attribute, ImplItem, Item, ItemExternCrate, ItemMod, ItemUse, Macro, Path, TraitItem, UseTree,
    Visibility,
};

/// A path that the code names, and where.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mention {
    /// Line in the file, from 1.
    pub line: usize,
    /// The segments: `crate` first for this crate, else the name of another crate or of something local.
    pub path: Vec<String>,
}

/// Every path that product code in `syntax` names, sorted and without repetition.
pub fn mentions(module: &[String], syntax: &syn::File) -> Vec<Mention> {
    let mut names = Collector::new(module);
    names.visit_file(syntax);
    // The names that `use` lines bring in are known only now: the second walk follows them.
    let mut all = Collector { names: names.names, ..Collector::new(module) };
    all.visit_file(syntax);
    all.found.sort();
    all.found.dedup();
    all.found
}

/// Walks a file.
struct Collector {
    module: Vec<String>,
    names: BTreeMap<String, Vec<String>>,
    found: Vec<Mention>,
}

impl Collector {
    fn new(module: &[String]) -> Collector {
        Collector { module: module.to_vec(), names: BTreeMap::new(), found: Vec::new() }
    }

    fn report(&mut self, segments: &[String], span: Span) {
        let path = self.absolute(segments);
        self.found.push(Mention { line: span.start().line, path });
    }

    fn absolute(&self, segments: &[String]) -> Vec<String> {
        let first = segments[0].as_str();
        match first {
            "self" | "super" => {
                let ups = segments.iter().filter(|segment| *segment == "super").count();
                let depth = self.module.len().saturating_sub(ups);
                let rest = segments.iter().filter(|name| *name != "self" && *name != "super");
                let here = self.module[..depth].iter();
                ["crate".to_owned()].iter().chain(here).chain(rest).cloned().collect()
            }
            _ => match self.names.get(first) {
                Some(meant) => meant.iter().chain(&segments[1..]).cloned().collect(),
                None => segments.to_vec(),
            },
        }
    }

    fn import(&mut self, prefix: &[String], tree: &UseTree) {
        let with = |name: &dyn ToString| -> Vec<String> {
            prefix.iter().cloned().chain([name.to_string()]).collect()
        };
        match tree {
            UseTree::Path(step) => self.import(&with(&step.ident), &step.tree),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(prefix, tree)),
            UseTree::Name(name) => {
                let (path, known) = match name.ident == "self" && !prefix.is_empty() {
                    true => (prefix.to_vec(), prefix[prefix.len() - 1].clone()),
                    false => (with(&name.ident), name.ident.to_string()),
                };
                self.bring_in(known, path, name.ident.span());
            }
            UseTree::Rename(name) => {
                let path = match name.ident == "self" && !prefix.is_empty() {
                    true => prefix.to_vec(),
                    false => with(&name.ident),
                };
                self.bring_in(name.rename.to_string(), path, name.ident.span());
            }
            UseTree::Glob(glob) => self.report(&with(&"*"), glob.star_token.spans[0]),
        }
    }

    fn bring_in(&mut self, known: String, path: Vec<String>, span: Span) {
        self.report(&path, span);
        let path = self.absolute(&path);
        // `use sled;` maps a name to itself, and a name to something longer of the same name never ends.
        if path.first() != Some(&known) {
            self.names.insert(known, path);
        }
    }

    /// Finds `a::b::c` among tokens, also `a::{b, c::d}` as `use` lines inside macros have it.
    fn scan(&mut self, prefix: &[String], tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        // Inside `a::{ .. }` the prefix belongs to the first name after the brace and after each comma.
        let mut begins = true;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => self.scan(&[], group.stream()),
                TokenTree::Ident(name) => {
                    let mut path = if begins { prefix.to_vec() } else { Vec::new() };
                    let start = name.span();
                    path.push(name.to_string());
                    self.scan_path(path, start, &mut tokens);
                }
                TokenTree::Literal(literal) => self.scan_text(&literal.to_string(), literal.span()),
                TokenTree::Punct(mark) if mark.as_char() == ',' => {
                    begins = true;
                    continue;
                }
                TokenTree::Punct(_) => {}
            }
            begins = false;
        }
    }

    fn scan_path(
        &mut self,
        mut path: Vec<String>,
        start: Span,
        tokens: &mut Peekable<impl Iterator<Item = TokenTree> + Clone>,
    ) {
        while takes_colons(tokens) {
            match tokens.peek() {
                Some(TokenTree::Ident(name)) => path.push(name.to_string()),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.scan(&path, group.stream());
                }
                Some(TokenTree::Punct(mark)) if mark.as_char() == '*' => path.push("*".to_owned()),
                _ => break,
            }
            tokens.next();
        }
        if path.len() > 1 {
            self.report(&path, start);
        }
    }

    /// `#[serde(with = "crate::room::module")]` names a path in quotes.
    fn scan_text(&mut self, literal: &str, span: Span) {
        let text = literal.trim_matches('"');
        if text.starts_with("crate::")
            && let Ok(path) = syn::parse_str::<Path>(text)
        {
            self.report(&names_of(&path), span);
        }
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes_of(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let is_test = match item {
            ImplItem::Const(inner) => is_for_tests(&inner.attrs),
            ImplItem::Fn(inner) => is_for_tests(&inner.attrs),
            ImplItem::Type(inner) => is_for_tests(&inner.attrs),
            ImplItem::Macro(inner) => is_for_tests(&inner.attrs),
            _ => false,
        };
        if !is_test {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if !matches!(item, TraitItem::Fn(inner) if is_for_tests(&inner.attrs)) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&[], &item.tree);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast ItemExternCrate) {
        let name = item.ident.to_string();
        let known = item.rename.as_ref().map_or(name.clone(), |(_, rename)| rename.to_string());
        self.bring_in(known, vec![name], item.ident.span());
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let names = names_of(path);
        if names.len() > 1 || self.names.contains_key(&names[0]) {
            self.report(&names, path.segments[0].ident.span());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_path(&call.path);
        self.scan(&[], call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        self.visit_path(attribute.path());
        if let syn::Meta::List(list) = &attribute.meta {
            self.scan(&[], list.tokens.clone());
        }
    }

    // `pub(in crate::seal)` says who may look, and imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// Steps over `::`, if that is what comes next.
fn takes_colons(tokens: &mut Peekable<impl Iterator<Item = TokenTree> + Clone>) -> bool {
    let is_colon = |token: Option<TokenTree>| matches!(token, Some(TokenTree::Punct(mark)) if mark.as_char() == ':');
    let mut ahead = tokens.clone();
    let found = is_colon(ahead.next()) && is_colon(ahead.next());
    if found {
        tokens.next();
        tokens.next();
    }
    found
}

fn names_of(path: &Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(inner) => &inner.attrs,
        Item::Enum(inner) => &inner.attrs,
        Item::ExternCrate(inner) => &inner.attrs,
        Item::Fn(inner) => &inner.attrs,
        Item::ForeignMod(inner) => &inner.attrs,
        Item::Impl(inner) => &inner.attrs,
        Item::Macro(inner) => &inner.attrs,
        Item::Mod(inner) => &inner.attrs,
        Item::Static(inner) => &inner.attrs,
        Item::Struct(inner) => &inner.attrs,
        Item::Trait(inner) => &inner.attrs,
        Item::TraitAlias(inner) => &inner.attrs,
        Item::Type(inner) => &inner.attrs,
        Item::Union(inner) => &inner.attrs,
        Item::Use(inner) => &inner.attrs,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(code: &str) -> Vec<String> {
        let module = ["access".to_owned(), "permit".to_owned()];
        let syntax = syn::parse_file(code).expect("the snippet parses");
        mentions(&module, &syntax).into_iter().map(|mention| mention.path.join("::")).collect()
    }

    #[test]
    fn grouped_renamed_and_global_imports_are_all_reported() {
        let found = named("use crate::{store::{Key as K, *}, trail::{self}};");
        assert_eq!(found, ["crate::store::*", "crate::store::Key", "crate::trail"]);
    }

    #[test]
    fn steps_upwards_are_followed_to_the_room() {
        assert_eq!(named("use super::super::store::Key;"), ["crate::store::Key"]);
        assert_eq!(named("fn f() { super::code::g(); }"), ["crate::access::code::g"]);
        let inner = "mod inner { fn f() { super::super::super::store::g(); } }";
        assert_eq!(named(inner), ["crate::store::g"]);
    }

    #[test]
    fn a_name_brought_in_is_followed_where_it_is_used() {
        let found = named("use std::time::Instant as Moment; fn f() { Moment::now(); }");
        assert_eq!(found, ["std::time::Instant", "std::time::Instant::now"]);
    }

    #[test]
    fn types_bounds_patterns_and_generics_are_reported() {
        let found = named("fn f<T: crate::a::A>(x: Vec<crate::b::B>) { let crate::c::C = x; }");
        assert_eq!(found, ["crate::a::A", "crate::b::B", "crate::c::C"]);
    }

    #[test]
    fn macros_and_attributes_hide_nothing() {
        assert_eq!(named("fn f() { vec![1, crate::store::g(2)]; }"), ["crate::store::g"]);
        assert_eq!(named("macro_rules! m { () => { $crate::store::g() } }"), ["crate::store::g"]);
        let used = "macro_rules! m { () => { use crate::{store::A, trail::B}; } }";
        assert_eq!(named(used), ["crate::store::A", "crate::trail::B"]);
        assert_eq!(named("#[derive(utoipa::ToSchema)] struct S;"), ["utoipa::ToSchema"]);
        assert_eq!(named("#[tokio::test(start_paused)] fn f() {}"), ["tokio::test"]);
        let quoted = "struct S { #[serde(with = \"crate::store::text\")] x: u8 }";
        assert_eq!(named(quoted), ["crate::store::text"]);
    }

    #[test]
    fn test_code_and_visibility_are_skipped() {
        assert!(named("#[cfg(test)] mod tests { use crate::store::Key; }").is_empty());
        assert!(named("#[cfg(test)] fn f() { crate::store::g(); }").is_empty());
        assert!(named("impl S { #[cfg(test)] fn f() { crate::store::g(); } }").is_empty());
        assert!(named("pub(in crate::store) struct S;").is_empty());
    }
}
