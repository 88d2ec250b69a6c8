//! What each purpose leaves a role of its group's grants, and which types a role knows of by that.
//! Never widens: a role that a purpose does not name gets nothing under it, a field that it does not name neither.
//! An unknown purpose, role, field or view stops the start, and so does a clear view without a case where a purpose needs one.

use super::grants::{Cap, Grants};
use super::policy::{PolicyError, reader};
use crate::limits::BUSINESS_LINES_COUNT_MAX;
use crate::purposes::{PurposeGroup, PurposeSet};
use crate::records::{Class, RecordType, SchemaSet};
use rustc_hash::FxHashMap;
use std::sync::Arc;

const FILE: &str = "narrowing.csv";

/// Field or `*`, the highest view that is left, and whether writing is.
type Row = (String, Cap, bool);

/// The narrowing table, with what the purposes ask about.
pub(super) struct Narrowing {
    rows: FxHashMap<String, FxHashMap<usize, Vec<Row>>>,
    lines: Vec<String>,
    purposes: Vec<Listed>,
}

/// An active purpose as the question "does a role know of a type" sees it.
struct Listed {
    id: String,
    group: PurposeGroup,
    lines: u64,
    fields: Vec<(RecordType, Vec<(String, Class)>)>,
}

impl Narrowing {
    /// Reads the table.
    pub(super) fn read(
        text: &str,
        roles: &FxHashMap<Arc<str>, usize>,
        purposes: &PurposeSet,
        schemas: &SchemaSet,
    ) -> Result<Narrowing, PolicyError> {
        let rows = read_rows(text, roles, purposes, schemas)?;
        let mut lines: Vec<String> =
            purposes.iter().flat_map(|purpose| purpose.lines.iter().cloned()).collect();
        lines.sort();
        lines.dedup();
        if lines.len() > BUSINESS_LINES_COUNT_MAX {
            let reason = format!("more than {BUSINESS_LINES_COUNT_MAX} lines of business");
            return Err(PolicyError::File { file: "purposes.toml".into(), reason });
        }
        let bit = |line: &String| lines.binary_search(line).map_or(0, |place| 1u64 << place);
        let listed = purposes.iter().filter(|purpose| purpose.active).map(|purpose| Listed {
            id: purpose.id.as_str().to_owned(),
            group: purpose.group,
            lines: purpose.lines.iter().map(bit).fold(0, |all, one| all | one),
            fields: purpose
                .fields
                .iter()
                .map(|(topic, names)| (*topic, classes(*topic, names, schemas)))
                .collect(),
        });
        let purposes = listed.collect();
        Ok(Narrowing { rows, lines, purposes })
    }

    /// What a purpose leaves of a role's grants over a field.
    pub(super) fn leaves(&self, grants: Grants, role: usize, purpose: &str, field: &str) -> Grants {
        let Some(rows) = self.rows.get(purpose).and_then(|roles| roles.get(&role)) else {
            return Grants::NONE;
        };
        let row = rows
            .iter()
            .find(|(name, ..)| name == field)
            .or_else(|| rows.iter().find(|(name, ..)| name == "*"));
        row.map_or(Grants::NONE, |(_, cap, write)| grants.capped(*cap, *write))
    }

    /// The lines of business under whose purposes a role may know of a type, as a set of bits.
    pub(super) fn lines_that_know(
        &self,
        role: usize,
        topic: RecordType,
        granted: impl Fn(Class, PurposeGroup) -> Grants,
    ) -> u64 {
        let mut known = 0;
        for purpose in &self.purposes {
            let fields = purpose.fields.iter().find(|(listed, _)| *listed == topic);
            let Some((_, fields)) = fields else { continue };
            if known & purpose.lines == purpose.lines {
                continue;
            }
            let knows = fields.iter().any(|(field, class)| {
                let left = |class| {
                    self.leaves(granted(class, purpose.group), role, &purpose.id, field).knows()
                };
                // What is general about others is sensitive about a child.
                left(*class) || (*class == Class::C2 && left(Class::C3))
            });
            if knows {
                known |= purpose.lines;
            }
        }
        known
    }

    /// The bit of a line; nothing for one that no purpose belongs to.
    pub(super) fn bit(&self, line: &str) -> u64 {
        let place = self.lines.binary_search_by(|known| known.as_str().cmp(line));
        place.map_or(0, |place| 1 << place)
    }
}

fn classes<'a>(
    topic: RecordType,
    names: impl IntoIterator<Item = &'a String>,
    schemas: &SchemaSet,
) -> Vec<(String, Class)> {
    let schema = schemas.get(topic);
    let class = |name: &String| schema.and_then(|schema| schema.field(name)).map(|one| one.class);
    names.into_iter().filter_map(|name| Some((name.clone(), class(name)?))).collect()
}

fn read_rows(
    text: &str,
    roles: &FxHashMap<Arc<str>, usize>,
    purposes: &PurposeSet,
    schemas: &SchemaSet,
) -> Result<FxHashMap<String, FxHashMap<usize, Vec<Row>>>, PolicyError> {
    let mut narrowing: FxHashMap<String, FxHashMap<usize, Vec<Row>>> = FxHashMap::default();
    for record in reader(text).records() {
        let record = record
            .map_err(|error| PolicyError::File { file: FILE.into(), reason: error.to_string() })?;
        let line = record.position().map_or(0, csv::Position::line);
        let unknown = |what, word: &str| PolicyError::UnknownWord {
            file: FILE.into(),
            line,
            what,
            word: word.into(),
        };
        let words: Vec<&str> = record.iter().collect();
        let [purpose, role, field, highest, write] = words[..] else {
            return Err(PolicyError::Line {
                file: FILE.into(),
                line,
                what: "needs purpose, role, field, highest view, write",
            });
        };
        let known = purposes.get(purpose).ok_or_else(|| unknown("purpose", purpose))?;
        let role = *roles.get(role).ok_or_else(|| unknown("role", role))?;
        let listed = field == "*"
            || RecordType::ALL.into_iter().any(|topic| {
                schemas.get(topic).is_some_and(|schema| schema.field(field).is_some())
                    && known.lists(topic, field)
            });
        if !listed {
            return Err(unknown("field of this purpose", field));
        }
        let cap: Cap = highest.parse().map_err(|()| unknown("view", highest))?;
        if known.needs_case && cap == Cap::Raw {
            return Err(PolicyError::Line {
                file: FILE.into(),
                line,
                what: "leaves more than raw/task under a purpose that needs a case",
            });
        }
        let write = match write {
            "write" => true,
            "" => false,
            other => return Err(unknown("word for writing", other)),
        };
        let rows = narrowing.entry(purpose.to_owned()).or_default().entry(role).or_default();
        if rows.iter().any(|(name, ..)| name == field) {
            return Err(PolicyError::Line { file: FILE.into(), line, what: "said twice" });
        }
        rows.push((field.to_owned(), cap, write));
    }
    Ok(narrowing)
}
