//! What a read or a write does by a mandate, and what everything that it shows in clear is counted as.
//! Never counts what is masked, and never lets a mandate's records count against the caller's own bounds.
//! The same person seen twice within a window is one; the same record seen twice inside a task is one.

use super::account::Account;
use super::bearer::Bearer;
use super::field::field_grants;
use super::grants::Action;
use super::ledger::{Bound, Charge, Hour, Ledger};
use super::mandate::{Mandate, MandateKind};
use super::permit::Views;
use super::policy::Policy;
use super::question::{Ask, Item, Matter, Question};
use crate::records::{Facts, Field, LegalKind, MandateId, RecordType, Schema, SubjectSlot, View};

/// What a decision relies on and costs, beyond the versions of policy and actor.
#[derive(Default)]
pub(super) struct Opens {
    /// The mandate that opened something, with its version.
    pub(super) mandate: Option<(MandateId, u64)>,
    /// Whether it is used up.
    pub(super) spends: bool,
    pub(super) charges: Vec<Charge>,
}

/// What the views of a read open, and by what.
pub(super) fn opened(
    policy: &Policy,
    question: &Question<'_>,
    items: &[Item<'_>],
    views: &Views,
    bearer: Bearer<'_>,
    account: &mut Account,
) -> Opens {
    let mut opens = Opens::default();
    if matches!(question.ask, Ask::Create | Ask::Update) {
        return written(policy, question, items, bearer, account);
    }
    let (Ask::Read, Some(item)) = (question.ask, items.first()) else { return opens };
    let Matter::Present { record_type, facts, .. } = &item.matter else { return opens };
    let Some(schema) = question.schemas.get(*record_type) else { return opens };
    let clear = views.given.iter().filter(|given| given.view == View::Raw);
    for field in clear.filter_map(|given| schema.field(&given.field)) {
        let by = question
            .mandate
            .filter(|mandate| mandate.opens(question, *record_type, facts, &field.name));
        if let Some(mandate) = by {
            opens.mandate = mandate.version.map(|version| (mandate.id, version));
            opens.spends = mandate.single_use;
            name(account, mandate);
        }
        let Some(kind) = field.legal_kind else { continue };
        let charge = match by.filter(|mandate| mandate.kind != MandateKind::Echo) {
            Some(mandate) => of_mandate(mandate, facts, question),
            None => {
                let role = &policy.roles()[bearer.role];
                let more = |it: &Mandate| it.raises(question, kind, &role.id);
                let bound = role.reveals.bound(kind);
                let raised = question.mandate.and_then(|it| Some((it, more(it)?)));
                let bound = match raised {
                    Some((mandate, people)) => {
                        // Counted under the raised bound, so it rests on the raise.
                        opens.mandate = mandate.version.map(|version| (mandate.id, version));
                        name(account, mandate);
                        bound.raised(people)
                    }
                    None => bound,
                };
                of_actor(question, *record_type, schema, field, kind, facts, bound)
            }
        };
        if !opens.charges.contains(&charge) {
            opens.charges.push(charge);
        }
    }
    opens
}

/// What a write does by a mandate. It is named wherever it has to do with a field, and costs its budget a record where the
/// caller's post alone would not have written it.
fn written(
    policy: &Policy,
    question: &Question<'_>,
    items: &[Item<'_>],
    bearer: Bearer<'_>,
    account: &mut Account,
) -> Opens {
    let mut opens = Opens::default();
    let Some(mandate) = question.mandate else { return opens };
    let alone = Question { mandate: None, ..*question };
    for item in items {
        let Matter::Present { record_type, facts, .. } = &item.matter else { continue };
        let by = |field: &&String| mandate.opens(question, *record_type, facts, field);
        let mut fields = item.fields.iter().filter(by).peekable();
        if mandate.kind != MandateKind::Task || fields.peek().is_none() {
            continue;
        }
        opens.mandate = mandate.version.map(|version| (mandate.id, version));
        name(account, mandate);
        let needed = |field: &String| {
            let own = field_grants(policy, &alone, bearer, *record_type, facts, field);
            !own.has(Action::Write)
        };
        if fields.any(needed) {
            opens.charges.push(of_mandate(mandate, facts, question));
        }
    }
    opens
}

pub(super) fn name(account: &mut Account, mandate: &Mandate) {
    match mandate.kind {
        MandateKind::Task => account.task = Some(mandate.id),
        MandateKind::Approval
        | MandateKind::Emergency
        | MandateKind::Official
        | MandateKind::Raise { .. } => account.approval = Some(mandate.id),
        MandateKind::Echo => {}
    }
}

pub(super) fn of_mandate(mandate: &Mandate, facts: &Facts, question: &Question<'_>) -> Charge {
    Charge {
        ledger: Ledger::Mandate(mandate.id),
        tag: *facts.record_handle.as_bytes(),
        hour: Hour::of(question.now),
        bound: Bound::Total(mandate.budget),
    }
}

fn of_actor(
    question: &Question<'_>,
    record_type: RecordType,
    schema: &Schema,
    field: &Field,
    kind: LegalKind,
    facts: &Facts,
    bound: Bound,
) -> Charge {
    Charge {
        ledger: Ledger::Reveals(question.standing.actor, kind),
        tag: person_of(record_type, schema, field, facts),
        hour: Hour::of(question.now),
        bound,
    }
}

/// Who is seen: the person that a record is about, under the one name that it has in every record; somebody else who
/// appears in it, as one for each record and part. Who appears in two records is counted twice, never less than once.
fn person_of(record_type: RecordType, schema: &Schema, field: &Field, facts: &Facts) -> [u8; 16] {
    let slot = schema.section_of(field).map(|section| &section.subject);
    let own = facts.subject_handles.first().map(|(_, handle)| *handle.as_bytes());
    let about_person = matches!(record_type, RecordType::Person | RecordType::Residence);
    match (slot, own) {
        (Some(SubjectSlot::Own), Some(own)) if about_person => own,
        (slot, _) => {
            let part = slot.map_or("", SubjectSlot::as_str).as_bytes();
            let mut context = ring::digest::Context::new(&ring::digest::SHA256);
            context.update(facts.record_handle.as_bytes());
            context.update(part);
            let digest = context.finish();
            let mut tag = [0; 16];
            tag.copy_from_slice(&digest.as_ref()[..16]);
            tag
        }
    }
}
