//! The check at the counter: the number that the one who is present shows, matched within the caller's own area and purpose.
//! Never opens anything by itself: a hit is somebody for whom the policy opens something inside a task, and one person alone.
//! Which role checks, and by which field, is data of the policy.

use super::account::{Account, Origin, Written};
use super::bearer::{Bearer, No, acts_under, bearers, covers, knows};
use super::code::Code;
use super::decide::{Access, account_of, authority, carry, plain};
use super::field::{check_fields, check_state, field_grants};
use super::grants::Action;
use super::ledger::Charge;
use super::permit::{Denied, FieldView, Permit};
use super::policy::Policy;
use super::protection::hides;
use super::question::{Item, Matter, Question};
use super::standing::Standing;
use super::task::{by_task, unopened_fields};
use super::weigh::name_record;
use crate::ambient::Micros;
use crate::records::{Facts, Handle, MandateId, RecordType, View};
use crate::territory::CellId;

/// A check at the counter.
pub struct CounterTerms<'a> {
    /// The task that a hit begins.
    pub id: MandateId,
    /// The field whose value was shown.
    pub field: &'a str,
    /// The fields that the item needs, which the task will open.
    pub fields: &'a [String],
}

/// Who was found.
pub struct CounterHit {
    /// The person's name in the log.
    pub subject: Handle,
    /// The role under which the task is held.
    pub role: String,
}

impl Access {
    /// Decides about a check. The items are the candidates behind the value; one person is found or nobody.
    ///
    /// # Errors
    /// [`Denied`]: `denied` for somebody who checks nobody, for a field by which nobody is found, and for fields that the
    /// role never sees inside a task; `purpose_not_for_field`.
    pub fn decide_counter<T>(
        &self,
        question: &Question<'_>,
        terms: &CounterTerms<'_>,
        items: &[Item<'_>],
        charges: Vec<Charge>,
        target: T,
    ) -> Result<(Permit<T>, Option<CounterHit>), Denied> {
        let active = self.active.load();
        let mut account = account_of(&active, question);
        account.written = Written::Counter;
        account.record_type = Some(RecordType::Person);
        let named = |field: &String| FieldView { field: field.clone(), view: View::None };
        account.fields = terms.fields.iter().map(named).collect();
        match weigh_counter(&active.policy, question, terms, items, &mut account) {
            Ok((bearer, subject)) => {
                account.task = subject.map(|_| terms.id);
                let role = bearer.assignment.role.as_str().to_owned();
                let permit = Permit {
                    area: bearer.assignment.area,
                    charges,
                    ..plain(target, account, authority(&active, Some(question.standing)))
                };
                Ok((permit, subject.map(|subject| CounterHit { subject, role })))
            }
            Err(no) => {
                // A name that nobody has may be a value: the log names the fields of what was permitted alone.
                account.fields.clear();
                Err(Denied { why: no.why, fields: no.fields, account: Box::new(account) })
            }
        }
    }

    /// Whether any role of the caller checks at a counter at all. Asked before anything of the request is looked at; the
    /// decision asks again.
    ///
    /// # Errors
    /// [`Denied`] when none does. It must be recorded too.
    pub fn check_counter(
        &self,
        standing: &Standing,
        origin: &Origin,
        now: Micros,
    ) -> Result<(), Denied> {
        let active = self.active.load();
        let may = checkers(&active.policy, standing, now).next().is_some();
        self.admit(may, standing, Written::Counter, origin)
    }
}

/// The posts of somebody who checks at a counter.
fn checkers<'a>(
    policy: &'a Policy,
    standing: &'a Standing,
    now: Micros,
) -> impl Iterator<Item = Bearer<'a>> {
    bearers(policy, standing, now)
        .filter(|bearer| !policy.roles()[bearer.role].checks_by.is_empty())
        .filter(|bearer| bearer.assignment.area.is_some())
}

fn weigh_counter<'a>(
    policy: &'a Policy,
    question: &'a Question<'_>,
    terms: &CounterTerms<'_>,
    items: &[Item<'_>],
    account: &mut Account,
) -> Result<(Bearer<'a>, Option<Handle>), No> {
    if !question.purpose.active {
        return Err(No::plain(Code::PurposeUnknown));
    }
    let mut all = checkers(policy, question.standing, question.now)
        .filter(|bearer| acts_under(bearer.assignment, question.purpose))
        .filter(|bearer| knows(policy, *bearer, RecordType::Person))
        .peekable();
    if all.peek().is_none() {
        return Err(No::plain(Code::Denied));
    }
    let by = [terms.field.to_owned()];
    check_fields(question, RecordType::Person, &by)?;
    check_fields(question, RecordType::Person, terms.fields)?;
    let mut refused: Option<No> = None;
    let mut empty: Option<Bearer<'a>> = None;
    for bearer in all {
        if let Some(no) = closed(policy, question, terms, bearer) {
            refused.get_or_insert(no);
            continue;
        }
        let found: Vec<&Item<'_>> =
            items.iter().filter(|item| is_found(policy, question, bearer, item)).collect();
        let Some(subject) = only_person(&found) else {
            empty.get_or_insert(bearer);
            continue;
        };
        carried(account, question, bearer);
        for item in found {
            if let Matter::Present { record_type, cell, facts, versions } = &item.matter {
                name_record(account, question, *record_type, *cell, facts, *versions);
            }
        }
        return Ok((bearer, Some(subject)));
    }
    match (empty, refused) {
        (Some(bearer), _) => {
            carried(account, question, bearer);
            Ok((bearer, None))
        }
        (None, Some(no)) => Err(no),
        (None, None) => Err(No::plain(Code::Denied)),
    }
}

fn carried(account: &mut Account, question: &Question<'_>, bearer: Bearer<'_>) {
    carry(account, bearer.assignment, question.now);
    account.rule = Some(format!("{}/counter.check", bearer.assignment.role.as_str()));
}

/// Why a post finds nobody by this field, or sees nothing of these fields.
fn closed(
    policy: &Policy,
    question: &Question<'_>,
    terms: &CounterTerms<'_>,
    bearer: Bearer<'_>,
) -> Option<No> {
    let nobody = Facts::of_nobody();
    let grants = field_grants(policy, question, bearer, RecordType::Person, &nobody, terms.field);
    let checks = policy.roles()[bearer.role].checks_by.iter().any(|by| by == terms.field);
    if !checks || !grants.has(Action::ReadRawInTask) {
        return Some(No { why: Code::Denied, fields: vec![terms.field.to_owned()] });
    }
    let (record_type, cell) = (RecordType::Person, CellId::NOWHERE);
    let matter = Matter::Present { record_type, cell, facts: &nobody, versions: None };
    let somebody = [Item { matter, fields: &[] }];
    let unopened = unopened_fields(policy, question, bearer, terms.fields, &somebody, by_task);
    (!unopened.is_empty()).then_some(No { why: Code::Denied, fields: unopened })
}

/// Whether a candidate lies where the post is, and is neither closed nor hidden from it.
fn is_found(policy: &Policy, question: &Question<'_>, bearer: Bearer<'_>, item: &Item<'_>) -> bool {
    let Matter::Present { record_type, cell, facts, .. } = &item.matter else { return false };
    let line = facts.line.as_deref();
    *record_type == RecordType::Person
        && covers(bearer.assignment, question.territory, *cell, question.now, line)
        && check_state(question, facts).is_ok()
        && !hides(policy, bearer, facts)
}

/// Whose records these are, if they are one person's: where two share a number nobody can tell who is present.
fn only_person(found: &[&Item<'_>]) -> Option<Handle> {
    let mut handles = found.iter().map(|item| match &item.matter {
        Matter::Present { facts, .. } => facts.subject_handles.first().map(|(_, handle)| *handle),
        Matter::Erased { .. } | Matter::Missing => None,
    });
    let first = handles.next()??;
    handles.all(|other| other == Some(first)).then_some(first)
}
