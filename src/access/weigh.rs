//! Weighs a question from the cheapest part to the finest.
//! Never tells a caller who may not know more than `not_found`.
//! Order: may the role use the call, may it know of the record, does the purpose list the field, what view.

use super::account::{Account, Written};
use super::bearer::{Bearer, No, bearers, choose, covers, may_use_call, reaches};
use super::code::Code;
use super::decide::carry;
use super::field::{check_fields, check_state, deletes, field_grants, reads, rule_of, writes};
use super::permit::{FieldView, Views};
use super::policy::Policy;
use super::protection::{hides, is_reached_at_once, may_know};
use super::question::{Ask, Item, Matter, Question};
use crate::records::{Facts, Field, Handle, RecordType, View};
use crate::territory::CellId;

pub(super) fn weigh<'a>(
    policy: &'a Policy,
    question: &'a Question<'_>,
    items: &[Item<'_>],
    account: &mut Account,
) -> Result<(Views, Bearer<'a>), No> {
    if !question.purpose.active {
        return Err(No::plain(Code::PurposeUnknown));
    }
    let all: Vec<Bearer<'a>> = bearers(policy, question.standing, question.now).collect();
    let able: Vec<Bearer<'a>> =
        all.iter().copied().filter(|bearer| may_use_call(policy, *bearer, question.ask)).collect();
    if able.is_empty() {
        return Err(No::plain(Code::Denied));
    }
    match question.ask {
        Ask::Match => weigh_match(policy, question, items, able, account),
        Ask::Create => weigh_create(policy, question, items, able, account),
        Ask::Read | Ask::Update | Ask::Delete => {
            let item = items.first().ok_or(No::plain(Code::NotFound))?;
            weigh_one(policy, question, item, all, account)
        }
        // A list is planned first, and its plan decides over the records (`list.rs`).
        Ask::List | Ask::Occupants | Ask::Changes => Err(No::plain(Code::Denied)),
    }
}

/// A read, an update or a removal of one record. Whoever may know of it by any assignment learns that it may not do
/// this with it; nobody else learns anything.
fn weigh_one<'a>(
    policy: &'a Policy,
    question: &Question<'_>,
    item: &Item<'_>,
    all: Vec<Bearer<'a>>,
    account: &mut Account,
) -> Result<(Views, Bearer<'a>), No> {
    let matter = &item.matter;
    let covering: Vec<Bearer<'a>> = match is_reached_at_once(question, matter) {
        true => all.into_iter().filter(|it| reaches(policy, question, *it, matter)).collect(),
        false => all.into_iter().filter(|it| may_know(policy, question, *it, matter)).collect(),
    };
    if covering.is_empty() {
        return Err(No::plain(Code::NotFound));
    }
    let Matter::Present { record_type, cell, facts, versions } = *matter else {
        return Err(No::plain(Code::Erased));
    };
    name_record(account, question, record_type, cell, facts, versions);
    check_fields(question, record_type, item.fields)?;
    check_state(question, facts)?;
    choose(covering, account, question.now, |bearer, carried| {
        let outcome = match question.ask {
            Ask::Read => reads(policy, question, bearer, record_type, facts, item.fields),
            Ask::Update => writes(policy, question, bearer, record_type, facts, item.fields),
            _ => deletes(policy, question, bearer, record_type, facts),
        };
        carried.rule = rule_of(policy, question, bearer, record_type, facts, item.fields);
        outcome
    })
}

/// New records: the caller named the grid, so it may be told that it is not its own.
fn weigh_create<'a>(
    policy: &'a Policy,
    question: &Question<'_>,
    items: &[Item<'_>],
    able: Vec<Bearer<'a>>,
    account: &mut Account,
) -> Result<(Views, Bearer<'a>), No> {
    let covering: Vec<Bearer<'a>> = able
        .into_iter()
        .filter(|bearer| {
            items.iter().all(|item| match &item.matter {
                Matter::Present { cell, facts, .. } => {
                    let line = facts.line.as_deref();
                    covers(bearer.assignment, question.territory, *cell, question.now, line)
                }
                _ => true,
            })
        })
        .collect();
    if covering.is_empty() || items.is_empty() {
        return Err(No::plain(Code::OutOfTerritory));
    }
    for item in items {
        let Matter::Present { record_type, cell, facts, versions, .. } = &item.matter else {
            return Err(No::plain(Code::NotFound));
        };
        name_record(account, question, *record_type, *cell, facts, *versions);
        check_fields(question, *record_type, item.fields)?;
    }
    if items.len() > 1 {
        account.written = Written::Household;
    }
    choose(covering, account, question.now, |bearer, carried| {
        let mut outcome = Ok(Views::default());
        for item in items {
            let Matter::Present { record_type, facts, .. } = &item.matter else { continue };
            outcome = writes(policy, question, bearer, *record_type, facts, item.fields);
            if carried.rule.is_none() {
                carried.rule = rule_of(policy, question, bearer, *record_type, facts, item.fields);
            }
            if outcome.is_err() {
                break;
            }
        }
        outcome
    })
}

/// A match: which of the candidates may the caller match. The assignment that may match the most carries it.
fn weigh_match<'a>(
    policy: &'a Policy,
    question: &Question<'_>,
    items: &[Item<'_>],
    able: Vec<Bearer<'a>>,
    account: &mut Account,
) -> Result<(Views, Bearer<'a>), No> {
    let (field, candidates) = items.split_first().ok_or(No::plain(Code::FieldUnknown))?;
    // What holds of every field holds of none: a match without a field would be anybody's.
    if field.fields.is_empty() {
        return Err(No::plain(Code::FieldUnknown));
    }
    let Matter::Present { record_type, facts, .. } = &field.matter else {
        return Err(No::plain(Code::FieldUnknown));
    };
    account.record_type = Some(*record_type);
    check_fields(question, *record_type, field.fields)?;
    let schema = question.schemas.get(*record_type);
    for name in field.fields {
        let matchable =
            schema.and_then(|schema| schema.field(name)).is_some_and(Field::is_matched_by_value);
        if !matchable {
            return Err(No { why: Code::Denied, fields: field.fields.to_vec() });
        }
    }
    let may = |bearer: Bearer<'_>, facts: &Facts| {
        field.fields.iter().all(|name| {
            let grants = field_grants(policy, question, bearer, *record_type, facts, name);
            grants.unconditional_view() >= View::Match
        })
    };
    // A candidate is asked of like any record: a child's number is of a higher class than the field says.
    let hits = |bearer: Bearer<'_>| -> Vec<&Facts> {
        let present = candidates.iter().filter_map(|candidate| match &candidate.matter {
            Matter::Present { cell, facts, .. } => Some((*cell, *facts)),
            _ => None,
        });
        present
            .filter(|(cell, facts)| {
                let line = facts.line.as_deref();
                covers(bearer.assignment, question.territory, *cell, question.now, line)
                    && check_state(question, facts).is_ok()
                    && !hides(policy, bearer, facts)
                    && may(bearer, facts)
            })
            .map(|(_, facts)| facts)
            .collect()
    };
    let mut best: Option<(Bearer<'a>, Vec<&Facts>)> = None;
    for bearer in able.into_iter().filter(|bearer| may(*bearer, facts)) {
        let found = hits(bearer);
        if best.as_ref().is_none_or(|(_, other)| found.len() > other.len()) {
            best = Some((bearer, found));
        }
    }
    let Some((bearer, found)) = best else {
        return Err(No { why: Code::Denied, fields: field.fields.to_vec() });
    };
    carry(account, bearer.assignment, question.now);
    account.rule = rule_of(policy, question, bearer, *record_type, facts, field.fields);
    for facts in found {
        account.records.push(facts.record_handle);
        account.subjects.extend(facts.subject_handles.iter().map(|(_, handle)| *handle));
    }
    Ok((Views::default(), bearer))
}

pub(super) fn name_record(
    account: &mut Account,
    question: &Question<'_>,
    record_type: RecordType,
    cell: CellId,
    facts: &Facts,
    versions: Option<(u64, u64)>,
) {
    account.records.push(facts.record_handle);
    let handles: Vec<Handle> = facts
        .subject_handles
        .iter()
        .map(|(_, handle)| *handle)
        .filter(|handle| !account.subjects.contains(handle))
        .collect();
    account.subjects.extend(handles);
    if account.record_type.is_none() {
        account.record_type = Some(record_type);
        account.grid =
            question.territory.grid_of(cell, question.now.0).map(|grid| grid.to_string());
        account.versions = versions;
        account.basis = facts
            .bases
            .iter()
            .find(|basis| basis.purpose == question.purpose.id.as_str())
            .map(|basis| basis.legal_basis.clone());
    }
}

pub(super) fn named_fields(items: &[Item<'_>]) -> Vec<FieldView> {
    let mut named: Vec<FieldView> = Vec::new();
    for field in items.iter().flat_map(|item| item.fields) {
        if !named.iter().any(|one| one.field == *field) {
            named.push(FieldView { field: field.clone(), view: View::None });
        }
    }
    named
}
