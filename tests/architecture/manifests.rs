//! Holds the manifests: who may depend on whom, where versions stand, and that each dependency has a reason.
//! Never asks cargo or a registry; the files as they lie here are what is judged.
//! A dependency that nobody can explain does not enter the house.

use crate::source::workspace;
use std::fs;
use toml::Table;

/// The crates of this workspace: folder, and which of the others it may depend on.
const MEMBERS: &[(&str, &[&str])] =
    &[(".", &["gridvault-keys", "gridvault-audit"]), ("keys", &[]), ("audit", &[])];
/// Fewest words of a reason.
const REASON_WORDS_MIN: usize = 2;

fn manifest(folder: &str) -> String {
    let path = workspace().join(folder).join("Cargo.toml");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Name and entry of every dependency, from every kind of table that a manifest may have.
fn dependencies(manifest: &Table) -> Vec<(String, toml::Value)> {
    const KINDS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let of_targets = targets.into_iter().flat_map(Table::values).filter_map(toml::Value::as_table);
    let mut found = Vec::new();
    for table in [manifest].into_iter().chain(of_targets) {
        for kind in KINDS {
            let entries = table.get(*kind).and_then(toml::Value::as_table);
            for (name, entry) in entries.into_iter().flatten() {
                // A renamed dependency is what its `package` says.
                let package = entry.get("package").and_then(toml::Value::as_str).unwrap_or(name);
                found.push((package.to_owned(), entry.clone()));
            }
        }
    }
    found
}

fn forbidden_crates(text: &str, allowed: &[&str]) -> Vec<String> {
    let manifest: Table = text.parse().expect("the manifest is TOML");
    dependencies(&manifest)
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("gridvault") && !allowed.contains(&name.as_str()))
        .collect()
}

fn own_versions(text: &str) -> Vec<String> {
    let manifest: Table = text.parse().expect("the manifest is TOML");
    let from_workspace =
        |entry: &toml::Value| entry.get("workspace").and_then(toml::Value::as_bool) == Some(true);
    let all = dependencies(&manifest);
    all.into_iter().filter(|(_, entry)| !from_workspace(entry)).map(|(name, _)| name).collect()
}

/// Dependencies of the workspace that come from outside and give no reason, on their line or on the one above.
fn unexplained(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let begin = lines.iter().position(|line| line.trim() == "[workspace.dependencies]");
    let begin = begin.expect("the workspace states its dependencies in one table");
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate().skip(begin + 1) {
        if line.starts_with('[') {
            break;
        }
        let Some((name, entry)) = line.split_once('=') else { continue };
        let above = lines[number - 1].trim();
        // A line above belongs to the entry only if it is no heading over a group of them.
        let own_line_above = above.starts_with('#') && !above.ends_with('.');
        let reason = line.split_once(" #").map(|(_, reason)| reason);
        let reason = reason.or(own_line_above.then_some(above)).unwrap_or_default();
        let words = reason.trim_matches(['#', ' ']).split_whitespace().count();
        if !name.trim_start().starts_with('#')
            && !entry.contains("path =")
            && words < REASON_WORDS_MIN
        {
            found.push(name.trim().to_owned());
        }
    }
    found
}

#[test]
fn the_vault_knows_keys_and_log_and_they_know_nobody() {
    for (folder, allowed) in MEMBERS {
        let found = forbidden_crates(&manifest(folder), allowed);
        assert!(found.is_empty(), "{folder}/Cargo.toml depends on {found:?}");
    }
}

#[test]
fn versions_stand_in_the_workspace_alone() {
    for (folder, _) in MEMBERS {
        let found = own_versions(&manifest(folder));
        assert!(found.is_empty(), "{folder}/Cargo.toml states versions of its own: {found:?}");
    }
}

#[test]
fn each_dependency_says_what_needs_it() {
    let found = unexplained(&manifest("."));
    assert!(found.is_empty(), "no reason beside {found:?}");
}

#[test]
fn keys_are_derived_in_their_own_crate_and_by_campaigns_alone() {
    let root: Table = manifest(".").parse().expect("a manifest");
    let has = |table: &str| root.get(table).is_some_and(|table| table.get("argon2").is_some());
    assert!(has("dev-dependencies"), "the campaigns judge by a second implementation");
    assert!(!has("dependencies") && !has("build-dependencies"), "argon2 is for gridvault-keys");
}

/// Entries of `deny.toml` that cargo-deny would take for one exact version: it does so after an `@`.
fn exact_floors(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.contains("crate = ") && line.contains("@<")).collect()
}

#[test]
fn floors_of_versions_are_ranges() {
    let path = workspace().join("deny.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("deny.toml: {error}"));
    assert!(text.contains("aes-gcm:<0.11"), "deny.toml states floors as `name:<version`");
    assert!(exact_floors(&text).is_empty(), "{:?}", exact_floors(&text));
}

/// The rules against themselves.
mod broken {
    use super::*;

    #[test]
    fn an_edge_between_keys_and_log_is_found_in_every_table() {
        for table in [
            "[dependencies]\ngridvault-audit = { path = \"../audit\" }",
            "[dev-dependencies]\ngridvault-audit.workspace = true",
            "[build-dependencies]\nlog = { package = \"gridvault-audit\", path = \"../audit\" }",
            "[target.'cfg(unix)'.dependencies]\ngridvault.workspace = true",
        ] {
            assert_eq!(forbidden_crates(table, &[]).len(), 1, "{table}");
        }
        assert!(
            forbidden_crates("[dependencies]\ngridvault-keys.workspace = true", MEMBERS[0].1)
                .is_empty()
        );
    }

    #[test]
    fn a_version_outside_the_workspace_is_found() {
        assert_eq!(own_versions("[dependencies]\nserde = \"1\""), ["serde"]);
        assert!(own_versions("[dependencies]\nserde = { workspace = true }").is_empty());
    }

    #[test]
    fn a_floor_that_is_no_range_is_found() {
        assert_eq!(
            exact_floors("{ crate = \"h2@<0.4.16\" },\n{ crate = \"h2:<0.4.16\" },").len(),
            1
        );
    }

    #[test]
    fn a_dependency_without_a_reason_is_found() {
        let table =
            |lines: &str| format!("[workspace.dependencies]\n{lines}\n[package]\nname = \"a\"");
        assert_eq!(unexplained(&table("serde = \"1\"")), ["serde"]);
        assert_eq!(unexplained(&table("# Data and formats.\nserde = \"1\"")), ["serde"]);
        assert_eq!(unexplained(&table("a = \"1\" # rows and bodies\nserde = \"1\"")), ["serde"]);
        assert!(unexplained(&table("# rows and bodies\nserde = \"1\"")).is_empty());
        assert!(unexplained(&table("serde = { version = \"1\" } # rows and bodies")).is_empty());
        assert!(unexplained(&table("gridvault-keys = { path = \"keys\" }")).is_empty());
    }
}
