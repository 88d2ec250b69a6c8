//! The whole policy as a text that two administrators can review.
//! Never regenerated unseen: GRIDVAULT_BLESS=1 writes it, and every other run compares it.
//! What is granted stands first, then what each purpose leaves of it; what does not stand there is held to be refused.

use super::matrix::points;
use super::world::{ACCESS, PURPOSES, SCHEMAS, policies};
use crate::access::{Action, Duty, Grants, Level, Policy, Role};
use crate::purposes::{Purpose, PurposeGroup};
use crate::records::{Class, Field, RecordType};
use std::collections::HashMap;
use std::fmt::Write as _;

const HEADER: &str = "\
# What the policy grants. Written by `GRIDVAULT_BLESS=1 cargo test access::tests::golden`; read it whole before you approve
# a change of policies/. One table a role: rows are type and class (types with the same cells share one), columns groups of
# purposes. A cell names every view that is granted, the highest first, with its condition: raw, raw/task (inside an open
# task), raw/approval (a second person agreed), masked, match (yes or no), count (as a number); then W (may write), W/task (inside an
# open task) and D (may remove). A column or a row that does not stand here is refused, and `.` is refused.
# Below a table stands what each purpose leaves of it, by fields; a purpose that does not stand there leaves nothing. A
# child's line (under 14) stands where it differs. From 14 to 17 what is raw for an adult is raw/task, and a match.
# What `roles.toml` alone says of a role stands behind its name. With `needs line` or `at most N days` an assignment that has no such line or end carries nothing.
";

/// The words of a cell.
fn cell(grants: Grants) -> String {
    let word = |action: Action| match action {
        Action::Write => "W",
        Action::WriteInTask => "W/task",
        Action::Delete => "D",
        view => view.as_str().trim_start_matches("read:"),
    };
    let granted = Action::ALL.into_iter().filter(|action| grants.has(*action));
    granted.map(word).collect::<Vec<_>>().join(" ")
}

/// The types of a row: all, all but some, or some.
fn types_of(types: &[RecordType]) -> String {
    let words = |types: &mut dyn Iterator<Item = RecordType>| {
        types.map(RecordType::as_str).collect::<Vec<_>>().join(" ")
    };
    let mut others = RecordType::ALL.into_iter().filter(|one| !types.contains(one));
    if types.len() == RecordType::ALL.len() {
        "all".to_owned()
    } else if types.len() * 2 > RecordType::ALL.len() {
        format!("all but {}", words(&mut others))
    } else {
        words(&mut types.iter().copied())
    }
}

type Row = (Class, Vec<String>, Vec<RecordType>);

/// The rows that grant something.
fn rows_of(policy: &Policy, role: usize, level: Level) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for class in Class::ALL {
        for record_type in RecordType::ALL {
            let cells = PurposeGroup::ALL
                .map(|group| cell(policy.grants(role, level, record_type, class, group)))
                .to_vec();
            match rows.iter_mut().find(|(known, same, _)| *known == class && *same == cells) {
                _ if cells.iter().all(String::is_empty) => {}
                Some((.., types)) => types.push(record_type),
                None => rows.push((class, cells, vec![record_type])),
            }
        }
    }
    rows
}

fn granted(policy: &Policy, role: usize, level: Level, text: &mut String) {
    let rows = rows_of(policy, role, level);
    let used = |place: &usize| rows.iter().any(|(_, cells, _)| !cells[*place].is_empty());
    let columns: Vec<usize> = (0..PurposeGroup::ALL.len()).filter(used).collect();
    let width = |place: usize| {
        let cells = rows.iter().map(|(_, cells, _)| cells[place].len());
        cells.chain([PurposeGroup::ALL[place].as_str().len()]).max().unwrap_or(0) + 2
    };
    let mut line = |class: &str, word: &dyn Fn(usize) -> String, types: &str| {
        write!(text, "{class:<7}").expect("text");
        for place in &columns {
            write!(text, "{:<width$}", word(*place), width = width(*place)).expect("text");
        }
        writeln!(text, "{types}").expect("text");
    };
    if !rows.is_empty() {
        line("class", &|place| PurposeGroup::ALL[place].as_str().to_owned(), "types");
    }
    for (class, cells, types) in &rows {
        let word = |place: usize| match cells[place].as_str() {
            "" => ".".to_owned(),
            word => word.to_owned(),
        };
        line(class.as_str(), &word, &types_of(types));
    }
}

/// What a purpose leaves of a type, fields of one cell together.
fn left(
    policy: &Policy,
    (role, level): (usize, Level),
    purpose: &Purpose,
    record_type: RecordType,
    child: bool,
) -> Vec<String> {
    let schema = SCHEMAS.get(record_type).expect("a schema of a listed type");
    let fields = &purpose.fields[&record_type];
    // A child's general fields are C3.
    let class = |field: &Field| match field.class {
        Class::C2 if child => Class::C3,
        class => class,
    };
    let mut cells: Vec<(String, Vec<&str>)> = Vec::new();
    for name in fields {
        let field = schema.field(name).expect("a listed field");
        let grants = policy.grants(role, level, record_type, class(field), purpose.group);
        let cell = cell(policy.narrowed(grants, role, purpose.id.as_str(), name));
        match cells.iter_mut().find(|(known, _)| *known == cell) {
            _ if cell.is_empty() => {}
            Some((_, names)) => names.push(name),
            None => cells.push((cell, vec![name])),
        }
    }
    let names = |names: Vec<&str>| match names.len() == fields.len() {
        true => "all fields".to_owned(),
        false => names.join(", "),
    };
    cells.into_iter().map(|(cell, fields)| format!("{cell}: {}", names(fields))).collect()
}

fn narrowed(policy: &Policy, role: (usize, Level), purpose: &Purpose, text: &mut String) {
    for record_type in purpose.fields.keys().copied() {
        let adult = left(policy, role, purpose, record_type, false);
        // A child is what a person or a link of a person tells of.
        let told = matches!(record_type, RecordType::Person | RecordType::Residence);
        let child = if told { left(policy, role, purpose, record_type, true) } else { Vec::new() };
        for line in &adult {
            writeln!(text, "{} / {record_type}: {line}", purpose.id).expect("text");
        }
        if told && child.is_empty() && !adult.is_empty() {
            writeln!(text, "{} / {record_type} of a child: nothing", purpose.id).expect("text");
        }
        for line in child.iter().filter(|_| child != adult) {
            writeln!(text, "{} / {record_type} of a child: {line}", purpose.id).expect("text");
        }
    }
}

fn head(role: &Role) -> String {
    let family = format!("{:?}", role.family).to_lowercase();
    let mut head = format!("== {} ({}, {family})", role.id.as_str(), role.level.as_str());
    if role.needs_line {
        head.push_str(", needs line");
    }
    if let Some(days) = role.days_max {
        write!(head, ", at most {days} days").expect("text");
    }
    if !role.emergency.is_empty() {
        let tiers: Vec<&str> = role.emergency.iter().map(|tier| tier.as_str()).collect();
        write!(head, ", emergency access {}", tiers.join(" and ")).expect("text");
    }
    for (has, what) in [
        (role.official_requests, "asks for organs"),
        (role.sees_protected, "sees protected addresses"),
        (role.protects_addresses, "protects addresses"),
    ] {
        if has {
            write!(head, ", {what}").expect("text");
        }
    }
    if !role.exclusive.is_empty() {
        let words: Vec<&str> = role.exclusive.iter().map(|one| one.as_str()).collect();
        write!(head, ", never beside {}", words.join(", ")).expect("text");
    }
    head
}

fn written(policy: &Policy) -> String {
    let mut text = HEADER.to_owned();
    for (index, role) in policy.roles().iter().enumerate() {
        writeln!(text, "\n{}", head(role)).expect("text");
        let start = text.len();
        granted(policy, index, role.level, &mut text);
        let mut left = String::new();
        for purpose in PURPOSES.iter() {
            narrowed(policy, (index, role.level), purpose, &mut left);
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
        if text.len() == start {
            text.push_str("nothing\n");
        }
    }
    text
}

#[test]
fn every_right_of_the_shipped_policy_stands_in_the_reviewed_table() {
    let (written, path) = (ACCESS.with_policy(written), policies().join("decisions.golden"));
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

type Told = HashMap<(String, RecordType, Class, PurposeGroup), String>;

/// The tables of the file as a reader understands them.
fn told() -> Told {
    let text = std::fs::read_to_string(policies().join("decisions.golden")).expect("the file");
    let mut told = Told::new();
    let (mut role, mut groups) = (String::new(), Vec::new());
    for line in text.lines() {
        let words: Vec<&str> =
            line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
        let class = words.first().and_then(|word| word.parse::<Class>().ok());
        if let Some(head) = line.strip_prefix("== ") {
            role = head.split(' ').next().expect("a role").to_owned();
        } else if line.starts_with("class  ") {
            let columns = &words[1..words.len() - 1];
            groups = columns.iter().map(|word| word.parse::<PurposeGroup>().expect(word)).collect();
        } else if let Some(class) = class {
            assert_eq!(words.len(), groups.len() + 2, "{line}");
            let types = types_told(words[words.len() - 1]);
            for (group, cell) in groups.iter().zip(&words[1..]).filter(|(_, cell)| **cell != ".") {
                for record_type in &types {
                    let point = (role.clone(), *record_type, class, *group);
                    assert_eq!(told.insert(point, (*cell).to_owned()), None, "{line}");
                }
            }
        }
    }
    told
}

fn types_told(word: &str) -> Vec<RecordType> {
    let parse = |words: &str| -> Vec<RecordType> {
        words.split(' ').map(|word| word.parse().expect("a type")).collect()
    };
    match word.strip_prefix("all") {
        Some("") => RecordType::ALL.to_vec(),
        Some(others) => {
            let others = parse(others.trim_start_matches(" but "));
            RecordType::ALL.into_iter().filter(|one| !others.contains(one)).collect()
        }
        None => parse(word),
    }
}

#[test]
fn what_does_not_stand_in_the_reviewed_table_is_refused() {
    let told = told();
    let granted = ACCESS.with_policy(|policy| {
        let mut granted = 0;
        for (index, role) in policy.roles().iter().enumerate() {
            for (level, record_type, class, group) in points() {
                let now = cell(policy.grants(index, level, record_type, class, group));
                let point = (role.id.as_str().to_owned(), record_type, class, group);
                let stands = told.get(&point).filter(|_| level == role.level);
                assert_eq!(Some(&now).filter(|cell| !cell.is_empty()), stands, "{point:?}");
                granted += usize::from(stands.is_some());
            }
        }
        granted
    });
    assert_eq!(granted, told.len(), "the file tells of a role that is not there");
}
