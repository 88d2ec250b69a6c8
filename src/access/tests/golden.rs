//! The whole policy as a text that two administrators can review.
//! Never regenerated unseen: GRIDVAULT_BLESS=1 writes it, and every other run compares it.
//! What is granted stands first, then what each purpose leaves of it, field by field.

use super::world::{Files, PURPOSES, SCHEMAS, policies};
use crate::access::{Action, Duty, Grants, Level, Policy};
use crate::purposes::{Purpose, PurposeGroup};
use crate::records::{Class, Field, RecordType};
use std::fmt::Write as _;

const HEADER: &str = "\
# What the policy grants, cell by cell. Written by `GRIDVAULT_BLESS=1 cargo test access::tests::golden`; read it whole
# before you approve a change of policies/. A cell names the highest view with its condition, then the view that needs
# no condition, then W (may write) and D (may remove). What does not stand here is refused.
";

/// The words of a cell.
fn cell(grants: Grants) -> String {
    let views = [
        Action::ReadRaw,
        Action::ReadRawInTask,
        Action::ReadRawApproved,
        Action::ReadMasked,
        Action::Match,
        Action::Count,
    ];
    let word = |action: Action| action.as_str().trim_start_matches("read:");
    let conditional =
        |action: &Action| matches!(action, Action::ReadRawInTask | Action::ReadRawApproved);
    let mut words = Vec::new();
    let highest = views.iter().find(|view| grants.has(**view));
    words.extend(highest.map(|view| word(*view)));
    if highest.is_some_and(conditional) {
        let plain = views.iter().find(|view| grants.has(**view) && !conditional(view));
        words.extend(plain.map(|view| word(*view)));
    }
    words.extend(grants.has(Action::Write).then_some("W"));
    words.extend(grants.has(Action::Delete).then_some("D"));
    words.join(" ")
}

fn granted(policy: &Policy, role: usize, level: Level, text: &mut String) {
    let width = 20;
    let mut head = format!("{:<20}", "");
    for group in PurposeGroup::ALL {
        write!(head, "{:<width$}", group.as_str()).expect("text");
    }
    let mut rows = String::new();
    for record_type in RecordType::ALL {
        for class in Class::ALL {
            let cells = PurposeGroup::ALL
                .map(|group| cell(policy.grants(role, level, record_type, class, group)));
            if cells.iter().any(|cell| !cell.is_empty()) {
                let mut row = format!("{:<20}", format!("{record_type} {class}"));
                for cell in cells {
                    write!(row, "{:<width$}", if cell.is_empty() { "." } else { &cell })
                        .expect("text");
                }
                rows.push_str(row.trim_end());
                rows.push('\n');
            }
        }
    }
    if !rows.is_empty() {
        text.push_str(head.trim_end());
        text.push('\n');
        text.push_str(&rows);
    }
}

/// What a purpose leaves, fields of one cell together.
fn narrowed(policy: &Policy, role: usize, level: Level, purpose: &Purpose, text: &mut String) {
    for (record_type, fields) in &purpose.fields {
        let schema = SCHEMAS.get(*record_type).expect("a schema of a listed type");
        // A child's general fields are C3, so its row may differ.
        let ages: &[bool] =
            if *record_type == RecordType::Person { &[false, true] } else { &[false] };
        for child in ages {
            let class = |field: &Field| match field.class {
                Class::C2 if *child => Class::C3,
                class => class,
            };
            let mut cells: Vec<(String, Vec<&str>)> = Vec::new();
            for name in fields {
                let field = schema.field(name).expect("a listed field");
                let grants = policy.grants(role, level, *record_type, class(field), purpose.group);
                let cell = cell(policy.narrowed(grants, role, purpose.id.as_str(), name));
                match cells.iter_mut().find(|(known, _)| *known == cell) {
                    _ if cell.is_empty() => {}
                    Some((_, names)) => names.push(name),
                    None => cells.push((cell, vec![name])),
                }
            }
            let about = if *child { "person under 14" } else { record_type.as_str() };
            for (cell, names) in cells {
                writeln!(text, "{} / {about}: {cell}: {}", purpose.id, names.join(", "))
                    .expect("text");
            }
        }
    }
}

fn written(policy: &Policy) -> String {
    let mut text = HEADER.to_owned();
    for (index, role) in policy.roles().iter().enumerate() {
        writeln!(text, "\n== {} ({})", role.id.as_str(), role.level.as_str()).expect("text");
        granted(policy, index, role.level, &mut text);
        let mut left = String::new();
        for purpose in PURPOSES.iter() {
            narrowed(policy, index, role.level, purpose, &mut left);
        }
        if !left.is_empty() {
            text.push_str("-- left by purposes\n");
            text.push_str(&left);
        }
        let duties = Duty::ALL.into_iter().filter(|duty| policy.has_duty(&role.id, *duty));
        let duties: Vec<&str> = duties.map(Duty::as_str).collect();
        if !duties.is_empty() {
            writeln!(text, "duties: {}", duties.join(" ")).expect("text");
        }
    }
    text
}

#[test]
fn every_right_of_the_shipped_policy_stands_in_the_reviewed_table() {
    let policy = Files::shipped().load().expect("the shipped policy loads");
    let (written, path) = (written(&policy), policies().join("decisions.golden"));
    if std::env::var_os("GRIDVAULT_BLESS").is_some() {
        std::fs::write(&path, &written).expect("the table can be written");
    }
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
    let mut lines = (1..).zip(reviewed.lines().zip(written.lines()));
    if let Some((number, (old, new))) = lines.find(|(_, (old, new))| old != new) {
        panic!("decisions.golden, line {number}:\nreviewed {old}\nnow      {new}\n{BLESS}");
    }
    assert!(reviewed == written, "decisions.golden has another length. {BLESS}");
}

const BLESS: &str =
    "If the change is meant, run with GRIDVAULT_BLESS=1 and have the difference reviewed.";
