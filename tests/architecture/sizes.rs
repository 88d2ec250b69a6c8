//! Keeps files and functions short, headed and free of shortcuts, in all three crates.
//! Never counts tests: their modules and files are left out of every rule here.
//! An exception names its reason, and goes as soon as it is no longer needed.

use crate::source::{SourceFile, is_for_tests, read_workspace};
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{AttrStyle, Attribute, Block, Expr, ImplItemFn, ItemFn, ItemMod, Lit, Meta, Signature};
use syn::{ExprMethodCall, Macro, TraitItemFn};

/// Longest product file, in lines without its test modules.
const FILE_LINES_MAX: usize = 600;
/// Longest function, in lines from its signature to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Fewest sentences, or lines, of a module's header: what it does, what it never does, what always holds.
const HEADER_SENTENCES_MIN: usize = 3;

/// Files that may be longer: path, reason.
const LONG_FILES: &[(&str, &str)] = &[];
/// Functions that may be longer: path, name, reason.
const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[];

/// Macros that stand for unfinished work.
const UNFINISHED: &[&str] = &["todo", "unimplemented", "dbg"];

/// What the walk over a file found.
#[derive(Default)]
struct Measures {
    functions: Vec<(String, usize)>,
    test_lines: usize,
    shortcuts: Vec<String>,
}

impl Measures {
    fn of(syntax: &syn::File) -> Measures {
        let mut measures = Measures::default();
        measures.visit_file(syntax);
        measures
    }

    fn function(&mut self, signature: &Signature, body: &Block) {
        let start = signature.fn_token.span.start().line;
        let lines = body.brace_token.span.close().end().line - start + 1;
        self.functions.push((signature.ident.to_string(), lines));
    }

    /// Macros are tokens to the parser, so shortcuts inside them are looked for token by token.
    fn scan(&mut self, tokens: TokenStream) {
        let mut before = [String::new(), String::new()];
        for token in tokens {
            let text = match &token {
                TokenTree::Group(group) => {
                    if before == [".", "unwrap"] && group.stream().is_empty() {
                        self.shortcut("unwrap()", group.span_open().start().line);
                    }
                    self.scan(group.stream());
                    String::new()
                }
                TokenTree::Punct(mark) => {
                    if mark.as_char() == '!' && UNFINISHED.contains(&before[1].as_str()) {
                        self.shortcut(&before[1].clone(), mark.span().start().line);
                    }
                    mark.as_char().to_string()
                }
                TokenTree::Ident(name) => name.to_string(),
                TokenTree::Literal(_) => String::new(),
            };
            before = [std::mem::take(&mut before[1]), text];
        }
    }

    fn shortcut(&mut self, what: &str, line: usize) {
        self.shortcuts.push(format!("{line}: {what}"));
    }
}

impl<'ast> Visit<'ast> for Measures {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if is_for_tests(&module.attrs) {
            let first =
                module.attrs.first().map_or(module.mod_token.span, |found| found.pound_token.span);
            let last = match &module.content {
                Some((braces, _)) => braces.span.close(),
                None => module.ident.span(),
            };
            self.test_lines += last.end().line - first.start().line + 1;
        } else {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        if !is_for_tests(&function.attrs) {
            self.function(&function.sig, &function.block);
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            self.function(&function.sig, &function.block);
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.function(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if call.method == "unwrap" && call.args.is_empty() {
            self.shortcut("unwrap()", call.method.span().start().line);
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        if let Some(name) = call.path.segments.last().map(|segment| &segment.ident)
            && UNFINISHED.iter().any(|unfinished| name == unfinished)
        {
            self.shortcut(&name.to_string(), name.span().start().line);
        }
        self.scan(call.tokens.clone());
    }
}

fn product_lines(text: &str, syntax: &syn::File) -> usize {
    text.lines().count() - Measures::of(syntax).test_lines
}

/// Sentences or lines of the `//!` header, whichever are more. A README taken in as the header counts as long.
fn header_sentences(attributes: &[Attribute]) -> usize {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|found| matches!(found.style, AttrStyle::Inner(_))) {
        let Meta::NameValue(pair) = &attribute.meta else { continue };
        match &pair.value {
            Expr::Lit(literal) if pair.path.is_ident("doc") => {
                if let Lit::Str(text) = &literal.lit {
                    lines.push(text.value());
                }
            }
            Expr::Macro(call) if call.mac.path.is_ident("include_str") => return usize::MAX,
            _ => {}
        }
    }
    let text = lines.join("\n");
    let ends = |part: &str| part.ends_with(['.', '!', '?', ':']);
    let sentences = text.split_whitespace().filter(|word| ends(word)).count();
    sentences.max(lines.iter().filter(|line| !line.trim().is_empty()).count())
}

fn product() -> Vec<SourceFile> {
    read_workspace().into_iter().filter(|file| !file.is_test).collect()
}

#[test]
fn product_files_stay_within_their_length() {
    let mut findings = Vec::new();
    for file in product() {
        let lines = product_lines(&file.text, &file.syntax);
        let excepted = LONG_FILES.iter().any(|(path, _)| *path == file.path);
        match (lines > FILE_LINES_MAX, excepted) {
            (true, false) => findings.push(format!("{}: {lines} lines", file.path)),
            (false, true) => findings.push(format!("{}: exception no longer needed", file.path)),
            _ => {}
        }
    }
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn functions_stay_within_their_length() {
    let mut findings = Vec::new();
    let mut needed = Vec::new();
    for file in product() {
        for (name, lines) in Measures::of(&file.syntax).functions {
            if lines <= FUNCTION_LINES_MAX {
                continue;
            }
            match LONG_FUNCTIONS
                .iter()
                .find(|(path, known, _)| *path == file.path && *known == name)
            {
                Some(exception) => needed.push(exception),
                None => findings.push(format!("{}: {name} has {lines} lines", file.path)),
            }
        }
    }
    let idle = LONG_FUNCTIONS.iter().filter(|exception| !needed.contains(exception));
    findings.extend(idle.map(|(path, name, _)| format!("{path}: exception for {name} not needed")));
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn exceptions_name_files_that_exist() {
    let files = product();
    let named = LONG_FUNCTIONS.iter().map(|(path, ..)| *path);
    for path in LONG_FILES.iter().map(|(path, _)| *path).chain(named) {
        assert!(
            files.iter().any(|file| file.path == path),
            "{path} is gone, so drop its exception"
        );
    }
}

#[test]
fn every_module_says_what_it_does_never_does_and_always_holds() {
    let mut findings = Vec::new();
    for file in product() {
        let sentences = header_sentences(&file.syntax.attrs);
        if sentences < HEADER_SENTENCES_MIN {
            findings
                .push(format!("{}: {sentences} of {HEADER_SENTENCES_MIN} sentences", file.path));
        }
    }
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn product_code_takes_no_shortcuts() {
    let mut findings = Vec::new();
    for file in product() {
        let shortcuts = Measures::of(&file.syntax).shortcuts;
        findings.extend(shortcuts.into_iter().map(|what| format!("{}:{what}", file.path)));
    }
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

/// The rules against themselves.
mod broken {
    use super::*;

    fn parsed(code: &str) -> syn::File {
        syn::parse_file(code).expect("the snippet parses")
    }

    fn function_of(lines: usize) -> String {
        let body = "    g();\n".repeat(lines - 2);
        format!("/// Documentation\n/// does not count.\nfn f() {{\n{body}}}\n")
    }

    #[test]
    fn a_function_is_counted_from_signature_to_brace() {
        for lines in [FUNCTION_LINES_MAX, FUNCTION_LINES_MAX + 1] {
            let free = function_of(lines);
            assert_eq!(Measures::of(&parsed(&free)).functions, [("f".to_owned(), lines)]);
            let method = format!("impl S {{\n{free}}}");
            assert_eq!(Measures::of(&parsed(&method)).functions, [("f".to_owned(), lines)]);
            let provided = format!("trait T {{\n{free}}}");
            assert_eq!(Measures::of(&parsed(&provided)).functions, [("f".to_owned(), lines)]);
        }
    }

    #[test]
    fn tests_are_not_counted() {
        let code = format!("fn g() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", function_of(90));
        assert_eq!(product_lines(&code, &parsed(&code)), 1);
        assert_eq!(Measures::of(&parsed(&code)).functions, [("g".to_owned(), 1)]);
    }

    #[test]
    fn a_header_is_counted_in_sentences_or_lines() {
        let count = |code: &str| header_sentences(&parsed(code).attrs);
        assert_eq!(count("//! Does this. Never does\n//! that. Always holds.\n"), 3);
        assert_eq!(count("//! First\n//! second\n//!\n//! third\n"), 3);
        assert_eq!(count("//! Does this. Never that.\nfn f() {}"), 2);
        assert_eq!(count("/// Of the item. Not. Of the module.\nfn f() {}"), 0);
        assert_eq!(count("#![doc = include_str!(\"../README.md\")]"), usize::MAX);
    }

    #[test]
    fn shortcuts_are_found_also_inside_macros() {
        for code in [
            "fn f() { g().unwrap(); }",
            "fn f() { assert!(g().unwrap()); }",
            "macro_rules! m { () => { g().unwrap() } }",
            "fn f() { todo!() }",
            "fn f() { std::unimplemented!() }",
            "fn f() { println!(\"{}\", dbg!(1)); }",
        ] {
            assert_eq!(Measures::of(&parsed(code)).shortcuts.len(), 1, "{code}");
        }
        for code in [
            "fn f() { g().unwrap_or_default(); }",
            "fn f() { keys.unwrap(ring, wrapped); }",
            "#[cfg(test)] mod tests { fn f() { g().unwrap(); todo!() } }",
        ] {
            assert!(Measures::of(&parsed(code)).shortcuts.is_empty(), "{code}");
        }
    }
}
