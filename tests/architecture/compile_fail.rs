//! Programs that must not compile, each beside a twin that differs in one line and does.
//! Never accepts another error than the expected one: a program that fails for a wrong reason proves nothing.
//! The programs see the library as any other crate does, so what they cannot do nobody outside it can.

use crate::source::workspace;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// An error of the compiler: its code, or the lint's name, and its message with its labels.
#[derive(Debug)]
struct CompileError {
    code: String,
    text: String,
}

fn folder() -> PathBuf {
    workspace().join("tests/architecture/compile_fail")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The library that this test was built with. Cargo has built or confirmed it just before it started the test,
/// so it is the newest one beside the test's own program.
fn library(crate_name: &str) -> PathBuf {
    let program = std::env::current_exe().expect("a test knows its program");
    let beside = program.parent().expect("a program lies in a folder");
    let beginning = format!("lib{crate_name}-");
    let mut found: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(beside).expect("the build's folder can be listed") {
        let path = entry.expect("the build's folder can be listed to its end").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(&beginning) && name.ends_with(".rlib") {
            let modified = path.metadata().and_then(|about| about.modified());
            found.push((modified.expect("the file system keeps times"), path));
        }
    }
    let newest = found.into_iter().max();
    newest.unwrap_or_else(|| panic!("no {beginning}*.rlib in {}", beside.display())).1
}

/// Compiles a program against the libraries and gives the errors.
fn compile(program: &Path) -> Vec<CompileError> {
    let output_folder = tempfile::tempdir().expect("a temporary folder");
    let vault = library("gridvault");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(compiler)
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata"])
        .args(["--error-format", "json"])
        .arg("--extern")
        .arg(format!("gridvault={}", vault.display()))
        .arg("--extern")
        .arg(format!("gridvault_keys={}", library("gridvault_keys").display()))
        .arg("-L")
        .arg(format!("dependency={}", vault.parent().expect("a folder").display()))
        .arg("--out-dir")
        .arg(output_folder.path())
        .arg(program)
        .output()
        .expect("the compiler runs");
    let errors = errors_of(&String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.success(), errors.is_empty(), "{}: {errors:?}", program.display());
    errors
}

/// Reads the compiler's report: one JSON object a line (rustc book, "JSON output").
fn errors_of(report: &str) -> Vec<CompileError> {
    let mut errors = Vec::new();
    for line in report.lines() {
        let Ok(entry) = serde_json::from_str::<serde_json::Value>(line) else {
            // A compiler that breaks down says so in plain text, which must not pass for success.
            errors.push(CompileError { code: "none".to_owned(), text: line.to_owned() });
            continue;
        };
        let message = entry["message"].as_str().unwrap_or_default();
        if entry["level"] != "error" || message.starts_with("aborting due to") {
            continue;
        }
        let code = entry["code"]["code"].as_str().unwrap_or("none").to_owned();
        let text = entry["rendered"].as_str().unwrap_or(message).to_owned();
        errors.push(CompileError { code, text });
    }
    errors
}

/// What is wrong with how a program failed; nothing if it failed as expected. The expectation's first line is the
/// code of every error, each further line a part of the text of one.
fn judge(errors: &[CompileError], expected: &str) -> Option<String> {
    let mut lines = expected.lines();
    let code = lines.next().unwrap_or_default();
    if errors.is_empty() {
        return Some("it compiles".to_owned());
    }
    if let Some(other) = errors.iter().find(|error| error.code != code) {
        return Some(format!("it fails with {}, not {code}:\n{}", other.code, other.text));
    }
    let missing = lines.find(|part| !errors.iter().any(|error| error.text.contains(part)));
    missing.map(|part| format!("no error says `{part}`:\n{}", errors[0].text))
}

/// How many lines differ; nothing if one text has more lines.
fn lines_apart(one: &str, other: &str) -> Option<usize> {
    let (one, other): (Vec<_>, Vec<_>) = (one.lines().collect(), other.lines().collect());
    let differing = one.iter().zip(&other).filter(|(one, other)| one != other).count();
    (one.len() == other.len()).then_some(differing)
}

fn check(name: &str) {
    let (program, twin) = (format!("{name}.rs"), format!("{name}_twin.rs"));
    assert_eq!(
        lines_apart(&read(&program), &read(&twin)),
        Some(1),
        "{twin} is no twin of {program}"
    );
    let expected = read(&format!("{name}.expected"));
    assert!(expected.lines().count() > 1, "{name}.expected states no message");
    let accepted = compile(&folder().join(&twin));
    assert!(accepted.is_empty(), "{twin} must compile:\n{}", accepted[0].text);
    if let Some(fault) = judge(&compile(&folder().join(&program)), &expected) {
        panic!("{program}: {fault}");
    }
}

/// One test for each program, named as the requirement that it holds.
macro_rules! must_not_compile {
    ($($requirement:ident: $program:literal;)*) => {
        $(#[test]
        fn $requirement() {
            check($program);
        })*

        /// Every program with a test.
        const PROGRAMS: &[&str] = &[$($program),*];
    };
}

must_not_compile! {
    a_permit_cannot_be_forged: "forge_permit";
    a_refusal_cannot_be_forged: "forge_denied";
    a_receipt_cannot_be_forged: "forge_receipt";
    a_receipt_cannot_be_given_another_permit: "receipt_for_another_permit";
    a_recorded_entry_cannot_be_forged: "forge_recorded";
    a_permit_cannot_be_cloned: "clone_permit";
    a_receipt_cannot_be_cloned: "clone_receipt";
    a_sealed_record_cannot_be_cloned: "clone_sealed";
    an_opened_record_cannot_be_cloned: "clone_opened";
    the_applier_cannot_be_cloned: "clone_applier";
    the_applier_cannot_be_made: "forge_applier";
    the_applier_starts_one_trail: "second_trail";
    a_sealed_record_opens_only_with_a_receipt: "open_without_receipt";
    a_permit_that_is_not_recorded_opens_nothing: "open_with_permit";
    a_receipt_for_a_draft_opens_nothing: "open_with_receipt_for_draft";
    a_receipt_opens_once: "open_twice";
    a_permit_is_recorded_once: "append_twice";
    a_refusal_changes_nothing: "commit_denied";
    an_unrecorded_permit_is_noticed: "ignore_append";
    an_ignored_refusal_is_noticed: "ignore_denied";
    an_opened_record_shows_only_its_view: "opened_without_view";
    an_opened_record_cannot_be_printed: "print_opened";
    an_answer_cannot_be_made_without_its_entry: "forge_answer";
    a_sensitive_value_cannot_be_cloned: "clone_sensitive";
    a_sensitive_value_cannot_be_displayed: "display_sensitive";
    a_sensitive_value_is_looked_at_for_a_reason: "sensitive_without_reason";
    a_subject_key_cannot_be_printed: "print_subject_key";
    a_keyring_cannot_be_printed: "print_keyring";
    an_unchecked_text_is_no_record_id: "record_id_from_text";
    a_subject_is_not_taken_for_a_record: "subject_for_record";
}

#[test]
fn every_program_has_a_test_and_its_companions() {
    let present: BTreeSet<String> = fs::read_dir(folder())
        .expect("the programs can be listed")
        .map(|entry| entry.expect("the programs can be listed to their end").file_name())
        .map(|name| name.into_string().expect("programs have plain names"))
        .collect();
    let companions =
        |name: &&str| [format!("{name}.rs"), format!("{name}_twin.rs"), format!("{name}.expected")];
    let wanted: BTreeSet<String> = PROGRAMS.iter().flat_map(companions).collect();
    assert_eq!(present, wanted);
}

/// The harness against itself.
mod broken {
    use super::*;

    fn error(code: &str, text: &str) -> CompileError {
        CompileError { code: code.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_program_that_compiles_is_found() {
        assert_eq!(judge(&[], "E0451\nis private").as_deref(), Some("it compiles"));
    }

    #[test]
    fn another_error_beside_the_expected_one_is_found() {
        let errors = [error("E0451", "field is private"), error("E0432", "unresolved import")];
        assert!(judge(&errors, "E0451\nis private").is_some_and(|why| why.contains("E0432")));
        assert!(judge(&errors[..1], "E0451\nis private").is_none());
    }

    #[test]
    fn another_message_is_found() {
        let errors = [error("E0451", "field `views` is private")];
        assert!(judge(&errors, "E0451\n`target` is private").is_some());
    }

    #[test]
    fn a_breakdown_of_the_compiler_is_an_error() {
        assert_eq!(errors_of("thread 'rustc' panicked").len(), 1);
        assert!(errors_of(r#"{"level":"warning","message":"unused","code":null}"#).is_empty());
        let refused = errors_of(r#"{"level":"error","message":"no","code":{"code":"E0277"}}"#);
        assert_eq!(refused[0].code, "E0277");
    }

    #[test]
    fn a_twin_that_differs_in_more_than_a_line_is_found() {
        assert_eq!(lines_apart("a\nb\nc", "a\nx\nc"), Some(1));
        assert_eq!(lines_apart("a\nb\nc", "x\nb\ny"), Some(2));
        assert_eq!(lines_apart("a\nb", "a\nb\nc"), None);
    }
}
