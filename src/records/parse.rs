//! From a caller's JSON to values that cannot be wrong.
//! Never keeps a value that it refuses: what came in is wiped, and the problem names only field and reason.
//! Every problem of a body is reported at once, so that a form can mark them all.

use super::numbers;
use super::text::{check_characters, fold_width};
use super::{
    Class, Field, FieldKind, FieldProblem, PlainFields, ProblemReason, Schema, Sensitive, Value,
};
use super::{Reason, RecordId, SubjectId, detector};
use crate::limits::FIELD_LIST_ITEMS_MAX;
use jiff::civil::Date;
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use zeroize::{Zeroize as _, Zeroizing};

/// A merge patch (RFC 7396) that fits its schema.
#[derive(Debug, Default)]
pub struct ParsedPatch {
    /// Fields that get a value.
    pub set: PlainFields,
    /// Fields that lose theirs.
    pub remove: BTreeSet<String>,
}

impl Schema {
    /// Parses the fields of a new record: each known, each right, none missing that is required.
    ///
    /// # Errors
    /// Every problem found, in the order of the body's names, then the missing fields.
    pub fn parse_fields(
        &self,
        body: Map<String, Json>,
        today: Date,
    ) -> Result<PlainFields, Vec<FieldProblem>> {
        let (patch, mut problems) = self.sort_out(body, today);
        let absent = self.fields().iter().filter(|field| field.required);
        let absent = absent.filter(|field| patch.set.get(&field.name).is_none());
        for field in absent {
            // A required field that is there but wrong has its problem already.
            if !problems.iter().any(|problem| problem.field == field.name) {
                problems.push(FieldProblem::new(&field.name, ProblemReason::Missing));
            }
        }
        if problems.is_empty() { Ok(patch.set) } else { Err(problems) }
    }

    /// Parses a merge patch: `null` removes a field, unless it is required.
    ///
    /// # Errors
    /// Every problem found.
    pub fn parse_patch(
        &self,
        body: Map<String, Json>,
        today: Date,
    ) -> Result<ParsedPatch, Vec<FieldProblem>> {
        let (patch, mut problems) = self.sort_out(body, today);
        let required = |name: &&String| self.field(name).is_some_and(|field| field.required);
        let lost = patch.remove.iter().filter(required);
        problems.extend(lost.map(|name| FieldProblem::new(name, ProblemReason::Missing)));
        if problems.is_empty() { Ok(patch) } else { Err(problems) }
    }

    fn sort_out(&self, body: Map<String, Json>, today: Date) -> (ParsedPatch, Vec<FieldProblem>) {
        let (mut patch, mut problems) = (ParsedPatch::default(), Vec::new());
        for (name, mut json) in body {
            let Some(field) = self.field(&name) else {
                wipe(&mut json);
                problems.push(FieldProblem::new(&name, ProblemReason::UnknownField));
                continue;
            };
            if json.is_null() {
                patch.remove.insert(name);
                continue;
            }
            match Value::parse(field, json, today) {
                Ok(value) => patch.set.insert(name, value),
                Err(problem) => problems.push(problem),
            }
        }
        (patch, problems)
    }
}

impl Value {
    /// Checks a JSON value against its field and puts it into canonical form. `today` is the civil date where the vault stands.
    /// The JSON is taken, so that its text can be wiped whatever comes of it.
    ///
    /// # Errors
    /// The field and the reason, never the value.
    pub fn parse(field: &Field, mut json: Json, today: Date) -> Result<Value, FieldProblem> {
        let parsed = parse(field, &mut json, today);
        wipe(&mut json);
        parsed.map_err(|reason| FieldProblem::new(&field.name, reason))
    }
}

fn parse(field: &Field, json: &mut Json, today: Date) -> Result<Value, ProblemReason> {
    if field.many {
        let Json::Array(items) = json else {
            return Err(ProblemReason::WrongType);
        };
        return list(field, items, today);
    }
    if let FieldKind::Integer { min, max } = field.kind {
        let number = json.as_i64().ok_or(ProblemReason::WrongType)?;
        let inside = (min..=max).contains(&number);
        let number = Value::Integer(Sensitive::new(number));
        return if inside { Ok(number) } else { Err(ProblemReason::OutOfRange) };
    }
    single(field, json, today).map(Value::Text)
}

fn list(field: &Field, items: &[Json], today: Date) -> Result<Value, ProblemReason> {
    if items.len() > FIELD_LIST_ITEMS_MAX {
        return Err(ProblemReason::TooMany);
    }
    if items.is_empty() {
        return Err(ProblemReason::Empty);
    }
    let mut list: Vec<Sensitive<String>> = Vec::with_capacity(items.len());
    for item in items {
        let item = single(field, item, today)?;
        let text = item.expose_for(Reason::Validation);
        if list.iter().any(|earlier| earlier.expose_for(Reason::Validation) == text) {
            return Err(ProblemReason::Repeated);
        }
        list.push(item);
    }
    Ok(Value::List(list))
}

fn single(field: &Field, json: &Json, today: Date) -> Result<Sensitive<String>, ProblemReason> {
    let text = json.as_str().ok_or(ProblemReason::WrongType)?.trim();
    if text.is_empty() {
        return Err(ProblemReason::Empty);
    }
    let mut canonical = canonical(field, text, today)?;
    Ok(Sensitive::new(std::mem::take(&mut *canonical)))
}

/// The canonical form of one text under the field's kind.
fn canonical(field: &Field, text: &str, today: Date) -> Result<Zeroizing<String>, ProblemReason> {
    let same = || Zeroizing::new(text.to_owned());
    match &field.kind {
        FieldKind::Text { max_characters } => {
            checked(text, *max_characters, false).map(|()| same())
        }
        FieldKind::FreeText { max_characters } => {
            checked(text, *max_characters, true)?;
            // Below C2 the text is about no person, so whoever may read it may not read such a number.
            if field.class < Class::C2 && detector::holds_number(text) {
                return Err(ProblemReason::PersonalNumber);
            }
            Ok(same())
        }
        FieldKind::Date { not_future, first_year } => {
            date(text, *not_future, *first_year, today).map(|day| Zeroizing::new(day.to_string()))
        }
        FieldKind::Time => time(text),
        FieldKind::CodeList(codes) if codes.accepts(text) => Ok(same()),
        FieldKind::CodeList(_) => Err(ProblemReason::UnknownCode),
        FieldKind::IdNumber => numbers::id_number(text, today),
        FieldKind::CreditCode => numbers::credit_code(text),
        FieldKind::Phone => numbers::phone(text),
        FieldKind::Digits { characters } => digits(text, *characters),
        FieldKind::DivisionCode => division_code(text),
        FieldKind::GridCode => grid_code(text),
        FieldKind::SubjectReference => {
            text.parse::<SubjectId>().map(|_| same()).map_err(|_| ProblemReason::WrongReference)
        }
        FieldKind::RecordReference(_) => {
            text.parse::<RecordId>().map(|_| same()).map_err(|_| ProblemReason::WrongReference)
        }
        // Whole numbers were taken before; a list of them is refused when a schema is loaded.
        FieldKind::Integer { .. } => Err(ProblemReason::WrongType),
    }
}

fn checked(text: &str, max_characters: usize, line_breaks: bool) -> Result<(), ProblemReason> {
    if text.chars().nth(max_characters).is_some() {
        return Err(ProblemReason::TooLong);
    }
    check_characters(text, line_breaks)
}

fn date(text: &str, not_future: bool, first_year: i16, today: Date) -> Result<Date, ProblemReason> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shape {
        return Err(ProblemReason::WrongType);
    }
    let day: Date = text.parse().map_err(|_| ProblemReason::ImpossibleDate)?;
    if not_future && day > today {
        return Err(ProblemReason::FutureDate);
    }
    if day.year() < first_year { Err(ProblemReason::TooEarly) } else { Ok(day) }
}

fn time(text: &str) -> Result<Zeroizing<String>, ProblemReason> {
    let zoned = text.len() <= 40 && text.contains('T');
    let time: jiff::Timestamp =
        text.parse().ok().filter(|_| zoned).ok_or(ProblemReason::WrongTime)?;
    Ok(Zeroizing::new(time.to_string()))
}

fn digits(text: &str, characters: usize) -> Result<Zeroizing<String>, ProblemReason> {
    let folded: Zeroizing<String> = Zeroizing::new(text.chars().map(fold_width).collect());
    if !folded.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ProblemReason::WrongCharacter);
    }
    if folded.len() == characters { Ok(folded) } else { Err(ProblemReason::WrongLength) }
}

/// Twelve digits, a province in front, and nothing below a level that is not named.
fn division_code(text: &str) -> Result<Zeroizing<String>, ProblemReason> {
    let code = digits(text, 12)?;
    let (county, street, community) = (&code[4..6], &code[6..9], &code[9..12]);
    let gap = (county == "00" && street != "000") || (street == "000" && community != "000");
    if code.starts_with("00") || gap { Err(ProblemReason::UnknownCode) } else { Ok(code) }
}

/// Sixteen digits: a community, a kind of grid (0, 1 or 2) and a number from 001.
fn grid_code(text: &str) -> Result<Zeroizing<String>, ProblemReason> {
    let code = digits(text, 16)?;
    division_code(&code[..12])?;
    let known =
        matches!(code.as_bytes()[12], b'0'..=b'2') && &code[13..] != "000" && &code[9..12] != "000";
    if known { Ok(code) } else { Err(ProblemReason::UnknownCode) }
}

/// Wipes every text inside a JSON value; numbers and names of members cannot be reached.
fn wipe(json: &mut Json) {
    match json {
        Json::String(text) => text.zeroize(),
        Json::Array(items) => items.iter_mut().for_each(wipe),
        Json::Object(members) => members.values_mut().for_each(wipe),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
