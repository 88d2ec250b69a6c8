//! Holds the code against the table of `rooms`: rooms, crates and reserved names.
//! Never trusts a text search: what counts is what the parsed code names.
//! Each rule is shown a snippet that breaks it.

use crate::mentions::{Mention, mentions};
use crate::rooms::{AUDIT, CRATES, RESERVED, RESERVED_EXCEPTIONS, is_room, may_import, rooms};
use crate::source::{SourceFile, read_crate};
use syn::Item;

/// The workspace's own crates, as code names them.
const OWN_CRATES: &[&str] = &["gridvault", "gridvault_keys", "gridvault_audit"];

/// A line of product code that breaks a rule, with the rule.
type Finding = String;

/// The room that a file of the root crate belongs to.
fn room_of(path: &str) -> &str {
    let below = path.strip_prefix("src/").unwrap_or(path);
    below.split('/').next().unwrap_or(below).trim_end_matches(".rs")
}

fn check_rooms(file: &SourceFile) -> Vec<Finding> {
    let room = room_of(&file.path);
    if !is_room(room) {
        return vec![format!("{}: {room} is not a room of the house", file.path)];
    }
    let mut findings = Vec::new();
    for Mention { line, path } in mentions(&file.module, &file.syntax) {
        let target = match path[0].as_str() {
            "crate" => path.get(1).map(String::as_str),
            // Only the program's root stands outside the library and names it as a crate.
            "gridvault" if room == "main" => path.get(1).map(String::as_str),
            _ => continue,
        };
        let what = path.join("::");
        match target {
            Some(target) if may_import(room, target) => {}
            Some(target) if is_room(target) => {
                findings
                    .push(format!("{}:{line}: {room} may not import {target} ({what})", file.path));
            }
            _ => findings.push(format!("{}:{line}: {what} names no room", file.path)),
        }
    }
    findings
}

fn check_crates(file: &SourceFile) -> Vec<Finding> {
    let room = room_of(&file.path);
    let mut findings = Vec::new();
    for Mention { line, path } in mentions(&file.module, &file.syntax) {
        let rule = CRATES.iter().find(|(name, ..)| *name == path[0]);
        if let Some((name, allowed, why)) = rule
            && !allowed.contains(&room)
        {
            findings.push(format!("{}:{line}: {room} may not name {name}: {why}", file.path));
        }
    }
    findings
}

fn check_reserved(file: &SourceFile) -> Vec<Finding> {
    let room = room_of(&file.path);
    let mut findings = Vec::new();
    for (ending, allowed, why) in RESERVED {
        let excepted = RESERVED_EXCEPTIONS
            .iter()
            .any(|(path, excepted, _)| *path == file.path && excepted == ending);
        if allowed.contains(&room) || excepted {
            continue;
        }
        for line in lines_that_name(file, ending) {
            let what = ending.join("::");
            findings.push(format!("{}:{line}: {room} may not say {what}: {why}", file.path));
        }
    }
    findings
}

fn lines_that_name(file: &SourceFile, ending: &[&str]) -> Vec<usize> {
    mentions(&file.module, &file.syntax)
        .into_iter()
        .filter(|mention| {
            let tail = mention.path.iter().rev().map(String::as_str);
            mention.path.len() >= ending.len()
                && ending.iter().rev().copied().eq(tail.take(ending.len()))
        })
        .map(|mention| mention.line)
        .collect()
}

/// The log crate's rooms, and that nobody in it knows the keys or the vault.
fn check_audit(file: &SourceFile) -> Vec<Finding> {
    let below = file.path.strip_prefix("audit/").unwrap_or(&file.path);
    let room = room_of(below);
    let Some((_, allowed)) = AUDIT.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{}: {room} is not a room of the log crate", file.path)];
    };
    let mut findings = Vec::new();
    for Mention { line, path } in mentions(&file.module, &file.syntax) {
        let outside = path[0] == "crate" || (path[0] == "gridvault_audit" && room == "program");
        let target = path.get(1).map_or("", String::as_str);
        // A room may also be admitted to one file of another.
        let file_of_it = path.get(1..3).map(|two| two.join("::")).unwrap_or_default();
        let admitted = allowed.contains(&target) || allowed.contains(&&*file_of_it);
        if outside && target != room && !admitted {
            let what = path.join("::");
            findings.push(format!("{}:{line}: {room} may not import {what}", file.path));
        }
    }
    findings
}

/// Keys and log know neither each other nor the vault.
fn check_own_crates(file: &SourceFile, allowed: &[&str]) -> Vec<Finding> {
    mentions(&file.module, &file.syntax)
        .into_iter()
        .filter(|mention| OWN_CRATES.contains(&&*mention.path[0]))
        .filter(|mention| !allowed.contains(&&*mention.path[0]))
        .map(|mention| format!("{}:{}: names {}", file.path, mention.line, mention.path[0]))
        .collect()
}

/// The library's root is a map: modules, attributes and nothing that could pass an import on.
fn check_map(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for item in &file.syntax.items {
        match item {
            Item::Mod(module) if module.content.is_none() => {
                let name = module.ident.to_string();
                if !is_room(&name) {
                    findings.push(format!("{}: {name} is not a room of the house", file.path));
                }
            }
            _ => findings.push(format!("{}: holds more than the list of rooms", file.path)),
        }
    }
    findings
}

/// Product files of the root crate, without its map.
fn product() -> Vec<SourceFile> {
    read_crate("src")
        .into_iter()
        .filter(|file| !file.is_test && file.path != "src/lib.rs")
        .collect()
}

fn find_nothing(check: impl Fn(&SourceFile) -> Vec<Finding>, files: &[SourceFile]) {
    let findings = files.iter().flat_map(check).collect::<Vec<_>>().join("\n");
    assert!(findings.is_empty(), "\n{findings}");
}

#[test]
fn rooms_import_only_the_rooms_that_the_table_gives_them() {
    find_nothing(check_rooms, &product());
}

#[test]
fn crates_are_named_only_by_the_rooms_that_know_them() {
    find_nothing(check_crates, &product());
}

#[test]
fn reserved_names_are_said_only_in_their_rooms() {
    find_nothing(check_reserved, &product());
}

#[test]
fn exceptions_for_reserved_names_are_still_needed() {
    let files = product();
    for (path, ending, why) in RESERVED_EXCEPTIONS {
        let needed = files
            .iter()
            .find(|file| file.path == *path)
            .is_some_and(|file| !lines_that_name(file, ending).is_empty());
        assert!(
            needed,
            "{path} no longer names {}, so drop its exception ({why})",
            ending.join("::")
        );
    }
}

#[test]
fn the_root_of_the_library_is_a_map_of_rooms() {
    let files = read_crate("src");
    let map = files.iter().find(|file| file.path == "src/lib.rs").expect("the crate has a library");
    find_nothing(check_map, std::slice::from_ref(map));
}

#[test]
fn the_verifier_shares_no_code_with_the_writer() {
    let mut files = read_crate("audit/src");
    files.retain(|file| !file.is_test);
    find_nothing(check_audit, &files);
}

#[test]
fn keys_and_log_know_neither_each_other_nor_the_vault() {
    let keys = read_crate("keys/src");
    find_nothing(|file| check_own_crates(file, &["gridvault_keys"]), &keys);
    let log = read_crate("audit/src");
    find_nothing(|file| check_own_crates(file, &["gridvault_audit"]), &log);
}

/// The rules against themselves.
mod broken {
    use super::*;

    fn file(path: &str, code: &str) -> SourceFile {
        let below = path.trim_start_matches("audit/").trim_start_matches("src/");
        let module = below.trim_end_matches(".rs").split('/').filter(|name| *name != "mod");
        SourceFile {
            path: path.to_owned(),
            module: module.map(str::to_owned).collect(),
            is_test: false,
            text: code.to_owned(),
            syntax: syn::parse_file(code).expect("the snippet parses"),
        }
    }

    #[test]
    fn an_import_against_the_order_is_found() {
        for (path, code) in [
            ("src/store/mod.rs", "use crate::trail::Receipt;"),
            ("src/records/ids.rs", "use crate::access::Permit;"),
            ("src/operations/read_record.rs", "fn f() { crate::http::reply(); }"),
            ("src/access/decide.rs", "use super::super::store::Reader;"),
            ("src/purposes/mod.rs", "type Seal = crate::seal::Seal;"),
            ("src/http/mod.rs", "use crate::console::Page;"),
            ("src/trail/mod.rs", "fn f() { assert!(crate::seal::open()); }"),
            ("src/seal/mod.rs", "use crate::{records::RecordId, purposes::Purpose};"),
            ("src/limits/data.rs", "use crate::records::RecordId;"),
            ("src/limits/data.rs", "use crate::config::Config;"),
            ("src/operations/mod.rs", "use crate::synthetic::City;"),
            ("src/synthetic/mod.rs", "use crate::store::Reader;"),
            ("src/main.rs", "use gridvault::store::open;"),
            ("src/main.rs", "fn main() { gridvault::http::serve(); }"),
        ] {
            assert_eq!(check_rooms(&file(path, code)).len(), 1, "{path}: {code}");
        }
    }

    #[test]
    fn the_root_of_the_crate_cannot_be_imported_whole() {
        for code in ["use crate::*;", "use crate as vault;", "use super::super::*;"] {
            assert_eq!(check_rooms(&file("src/store/key.rs", code)).len(), 1, "{code}");
        }
    }

    #[test]
    fn what_the_table_allows_is_not_found() {
        for (path, code) in [
            ("src/main.rs", "fn main() { gridvault::cli::run(); }"),
            ("src/cli/serve.rs", "use crate::{http, store, trail, synthetic, limits, records};"),
            ("src/seal/mod.rs", "use crate::trail::Receipt; use crate::ambient::Random;"),
            ("src/access/decide.rs", "use super::permit::Permit; use crate::purposes::Purpose;"),
            ("src/jobs/mod.rs", "use crate::operations::rotate; use crate::identity::Actor;"),
            ("src/config.rs", "use crate::limits::SEGMENT_BYTES;"),
        ] {
            assert!(check_rooms(&file(path, code)).is_empty(), "{path}: {code}");
        }
    }

    #[test]
    fn a_file_outside_the_known_rooms_is_found() {
        assert_eq!(check_rooms(&file("src/utils/mod.rs", "")).len(), 1);
        assert_eq!(check_rooms(&file("src/helpers.rs", "")).len(), 1);
        assert_eq!(check_audit(&file("audit/src/shared.rs", "")).len(), 1);
    }

    #[test]
    fn a_crate_outside_its_rooms_is_found() {
        for (name, allowed, _) in CRATES {
            let code = format!("use {name}::Thing;");
            for room in rooms() {
                let path = format!("src/{room}/mod.rs");
                let found = check_crates(&file(&path, &code)).len();
                assert_eq!(found, usize::from(!allowed.contains(&room)), "{room}: {code}");
            }
            for code in
                [format!("fn f() {{ {name}::g::<u8>(); }}"), format!("use {name} as other;")]
            {
                assert_eq!(check_crates(&file("src/records/mod.rs", &code)).len(), 1, "{code}");
            }
        }
    }

    #[test]
    fn a_clock_or_chance_outside_its_room_is_found() {
        for code in [
            "fn f() { std::time::SystemTime::now(); }",
            "use std::time::Instant; fn f() { Instant::now(); }",
            "use std::time::Instant as Moment; fn f() -> Moment { Moment::now() }",
            "use tokio::time::Instant; fn f() { let now = Instant::now; }",
            "fn f() { jiff::Timestamp::now(); }",
            "fn f() { log!(uuid::Uuid::now_v7()); }",
            "use uuid::Uuid; fn f() { Uuid::new_v4(); }",
            "fn f() -> u8 { rand::random() }",
            "fn f() -> u8 { rand::thread_rng().next() }",
            "use ring::rand::SystemRandom;",
            "fn f() { crate::ambient::HostClock::new(); }",
        ] {
            assert!(!check_reserved(&file("src/trail/entry.rs", code)).is_empty(), "{code}");
            assert!(check_reserved(&file("src/ambient.rs", code)).is_empty(), "{code}");
        }
        let pacing = "use std::time::Instant; fn f() { Instant::now(); }";
        assert!(check_reserved(&file("src/trail/integrate.rs", pacing)).is_empty());
        let dating = "use std::time::SystemTime; fn f() { SystemTime::now(); }";
        assert_eq!(check_reserved(&file("src/trail/integrate.rs", dating)).len(), 1);
    }

    #[test]
    fn a_door_opened_by_another_room_is_found() {
        for code in [
            "fn f() { crate::store::open(path); }",
            "use crate::store::{Reader, open};",
            "use crate::store; fn f() { store::open(path); }",
            "use crate::trail::Trail; fn f() { Trail::start(applier); }",
        ] {
            assert_eq!(check_reserved(&file("src/jobs/mod.rs", code)).len(), 1, "{code}");
            assert!(check_reserved(&file("src/cli/serve.rs", code)).is_empty(), "{code}");
        }
    }

    #[test]
    fn a_map_that_holds_code_is_found() {
        let check = |code: &str| check_map(&file("src/lib.rs", code)).len();
        assert_eq!(check("//! The map.\npub mod store;\npub mod trail;"), 0);
        assert_eq!(check("pub use store::Reader;"), 1);
        assert_eq!(check("pub mod utils;"), 1);
        assert_eq!(check("pub mod store { fn f() {} }"), 1);
    }

    #[test]
    fn a_verifier_that_borrows_from_the_writer_is_found() {
        for (path, code) in [
            ("audit/src/verify/walk.rs", "use crate::write::tree::Tree;"),
            ("audit/src/verify/walk.rs", "use super::super::write::tree;"),
            ("audit/src/verify/walk.rs", "use crate::Log;"),
            ("audit/src/write/log.rs", "use crate::verify::leaf_hash;"),
            ("audit/src/program/main.rs", "use gridvault_audit::write::log::Log;"),
            ("audit/src/program/main.rs", "use gridvault_audit::Log;"),
        ] {
            assert_eq!(check_audit(&file(path, code)).len(), 1, "{path}: {code}");
        }
        let shared = file("audit/src/verify/walk.rs", "use crate::constants::TILE_WIDTH;");
        assert!(check_audit(&shared).is_empty());
    }

    #[test]
    fn a_leaf_crate_that_names_its_users_is_found() {
        let lines = "use gridvault::access::Permit; use gridvault_audit::Log;";
        assert_eq!(check_own_crates(&file("keys/src/lib.rs", lines), &["gridvault_keys"]).len(), 2);
    }
}
