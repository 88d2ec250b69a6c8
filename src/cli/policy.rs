//! `gridvault policy check|matrix|explain|preview`.
//! Never changes a policy.
//! `check` reads files; the others ask a running vault, which records that they were asked.

use super::client::Connection;
use super::failure::Failure;
use super::{policy_files, print, runtime};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Check policy files: those of a directory, or those built in.
    Check {
        /// The directory.
        directory: Option<PathBuf>,
    },
    /// Every right that a role has in a running vault.
    Matrix {
        /// Only this role.
        #[arg(long)]
        role: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Why a running vault would decide as it would.
    Explain {
        /// Whose decision.
        #[arg(long, allow_hyphen_values = true)]
        actor: String,
        /// For which purpose.
        #[arg(long)]
        purpose: String,
        /// Over which type of record.
        #[arg(long = "type")]
        record_type: String,
        /// In which grid.
        #[arg(long)]
        grid: String,
        /// `read`, `create`, `update`, `delete` or `match`.
        #[arg(long, default_value = "read")]
        action: String,
        /// For which fields, separated by commas.
        #[arg(long, value_delimiter = ',')]
        fields: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// What whoever calls may do in a grid itself, for which purposes, and whom it has to ask.
    #[command(
        after_help = "Example: gridvault policy preview --type person --grid 8801020010010001"
    )]
    Preview {
        /// Over which type of record.
        #[arg(long = "type")]
        record_type: String,
        /// In which grid.
        #[arg(long)]
        grid: String,
        /// For one purpose alone.
        #[arg(long)]
        purpose: Option<String>,
        /// About somebody of this age.
        #[arg(long, value_parser = ["adult", "minor", "child"], default_value = "adult")]
        age: String,
        #[command(flatten)]
        connection: Connection,
    },
}

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Check { directory } => check(directory.as_deref(), json),
        Command::Matrix { role, connection } => matrix(role.as_deref(), connection, json),
        Command::Explain { actor, purpose, record_type, grid, action, fields, connection } => {
            let body = json!({
                "actor": actor, "purpose": purpose, "type": record_type, "grid": grid,
                "action": action, "fields": fields,
            });
            let answer = connection.post("/v1/admin/policies/explain", &body)?;
            print(&if json { answer.to_string() } else { explained(&answer) });
            Ok(())
        }
        Command::Preview { record_type, grid, purpose, age, connection } => {
            let body = json!({
                "type": record_type, "grid": grid, "purpose": purpose, "age": age,
            });
            let answer = connection.post("/v1/access/preview", &body)?;
            print(&if json { answer.to_string() } else { previewed(&answer) });
            Ok(())
        }
    }
}

/// For each purpose the role that carries it and whom to ask, then its fields.
fn previewed(answer: &Value) -> String {
    let mut lines = Vec::new();
    for one in answer["purposes"].as_array().into_iter().flatten() {
        let word = |name: &str| one[name].as_str().unwrap_or("-").to_owned();
        let givers = one["task_givers"].as_array().into_iter().flatten();
        let givers: Vec<&str> = givers.filter_map(Value::as_str).collect();
        let givers = if givers.is_empty() { "-".to_owned() } else { givers.join(",") };
        let (purpose, role, approver) = (word("purpose"), word("role"), word("approver"));
        lines.push(format!("{purpose}  role {role}  approver {approver}  tasks from {givers}"));
        for (field, given) in one["fields"].as_object().into_iter().flatten() {
            let part = |name: &str| given[name].as_str().unwrap_or("-");
            let write = if given["write"] == true { "write" } else { part("write_with") };
            lines.push(format!(
                "  {field:24} {:8} {:18} {write}",
                part("view"),
                part("clear_with")
            ));
        }
    }
    if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n") }
}

/// The decision, who carries it, and for each field what is shown and what the assignment has of it.
fn explained(answer: &Value) -> String {
    let word = |name: &str| answer[name].as_str().unwrap_or("-").to_owned();
    let mut lines = vec![match answer["allowed"].as_bool().unwrap_or(false) {
        true => "allowed".to_owned(),
        false => format!("refused: {}", word("code")),
    }];
    let carried = ["rule", "role", "scope", "line"].map(|name| format!("{name} {}", word(name)));
    lines.push(carried.join("  "));
    let shown = |field: &str| {
        let how = ["views", "withheld"].iter().find_map(|part| answer[*part][field].as_str());
        how.unwrap_or("-").to_owned()
    };
    for (field, granted) in answer["granted"].as_object().into_iter().flatten() {
        let granted: Vec<&str> =
            granted.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let granted = if granted.is_empty() { "nothing".to_owned() } else { granted.join(" ") };
        lines.push(format!("  {field:24} {:14} has {granted}", shown(field)));
    }
    lines.join("\n")
}

fn check(directory: Option<&std::path::Path>, json: bool) -> Result<(), Failure> {
    let loaded = runtime()?.block_on(policy_files::load(directory))?;
    let (roles, purposes) = (loaded.policy.roles().len(), loaded.purposes.iter().count());
    let schemas = loaded.schemas.iter().count();
    print(&if json {
        json!({"roles": roles, "purposes": purposes, "schemas": schemas}).to_string()
    } else {
        format!("the policy is whole: {roles} roles, {purposes} purposes, {schemas} schemas")
    });
    Ok(())
}

fn matrix(role: Option<&str>, connection: &Connection, json: bool) -> Result<(), Failure> {
    let answer = connection.get("/v1/admin/policies/matrix")?;
    let cells = answer["cells"].as_array().into_iter().flatten();
    let cells: Vec<&Value> =
        cells.filter(|cell| role.is_none_or(|role| cell["role"] == role)).collect();
    if json {
        print(&json!({ "cells": cells }).to_string());
        return Ok(());
    }
    if let (Some(role), true) = (role, cells.is_empty()) {
        print(&format!("{role}: no right over any record"));
    }
    rows_of(&cells).iter().for_each(|row| print(row));
    Ok(())
}

/// A line for each role, class and set of rights: the types and the groups of purposes that have it.
fn rows_of(cells: &[&Value]) -> Vec<String> {
    let word = |cell: &Value, name: &str| cell[name].as_str().unwrap_or_default().to_owned();
    // First the groups of each role, class, type and right, then the types that have the same groups.
    let mut groups: Vec<([String; 4], Vec<String>)> = Vec::new();
    for cell in cells {
        let granted = cell["granted"].as_array().into_iter().flatten();
        let granted: Vec<&str> = granted.filter_map(Value::as_str).collect();
        let granted = granted.join(" ");
        let point = [word(cell, "role"), word(cell, "class"), granted, word(cell, "type")];
        match groups.iter_mut().find(|(known, _)| *known == point) {
            Some((_, groups)) => groups.push(word(cell, "group")),
            None => groups.push((point, vec![word(cell, "group")])),
        }
    }
    let mut rows: Vec<([String; 4], Vec<String>)> = Vec::new();
    for ([role, class, granted, record_type], groups) in groups {
        let row = [role, class, granted, groups.join(",")];
        match rows.iter_mut().find(|(known, _)| *known == row) {
            Some((_, types)) => types.push(record_type),
            None => rows.push((row, vec![record_type])),
        }
    }
    let all = crate::records::RecordType::ALL.len();
    rows.into_iter()
        .map(|([role, class, granted, groups], types)| {
            let types = if types.len() == all { "any".to_owned() } else { types.join(",") };
            format!("{role:20} {class} {granted:40} {types}  for {groups}")
        })
        .collect()
}
