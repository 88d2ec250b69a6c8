//! What a caller's own posts give it in a place, for which purposes, under which condition, and whom it has to ask for that.
//! Never about a record, and never about anybody else's posts: it is asked with the attributes of nobody in particular.
//! Weighed by the same functions as a decision, so that the two cannot say different things.

use super::bearer::{Bearer, bearers, covers};
use super::code::Code;
use super::decide::Access;
use super::field::{deletes, field_grants};
use super::grants::{Action, Grants};
use super::policy::Policy;
use super::question::Question;
use super::role::RoleId;
use crate::records::{Facts, RecordType, View};
use crate::territory::CellId;

/// What one post gives for one purpose.
pub struct Previewed {
    /// The role of the post.
    pub role: RoleId,
    /// Every field of which it gives something.
    pub fields: Vec<PreviewedField>,
    /// Whether it removes such a record.
    pub removes: bool,
    /// The role whose holders agree, as second persons, where a field waits for one.
    pub approver: Option<RoleId>,
    /// The roles whose holders give its holder tasks, where a field waits for one.
    pub task_givers: Vec<RoleId>,
}

/// What a post gives of a field.
pub struct PreviewedField {
    /// Its name.
    pub field: String,
    /// How it is seen without a condition.
    pub view: View,
    /// The condition under which it is seen in clear, where it is not without.
    pub clear_with: Option<Code>,
    /// Whether it is written: freely, under a condition, or not at all.
    pub writes: Option<Result<(), Code>>,
}

impl Access {
    /// What the caller's post that gives most gives for a purpose over a type of record in a cell. Gives no permit.
    pub fn preview(
        &self,
        question: &Question<'_>,
        record_type: RecordType,
        cell: CellId,
        facts: &Facts,
    ) -> Option<Previewed> {
        let active = self.active.load();
        let policy = &active.policy;
        let listed = question.purpose.fields.get(&record_type)?;
        let here = bearers(policy, question.standing, question.now).filter(|bearer| {
            covers(bearer.assignment, question.territory, cell, question.now, None)
        });
        let mut best: Option<(Bearer<'_>, Vec<PreviewedField>)> = None;
        for bearer in here {
            let of = |field: &String| {
                of_field(field, field_grants(policy, question, bearer, record_type, facts, field))
            };
            let fields: Vec<PreviewedField> = listed.iter().filter_map(of).collect();
            let gives = !fields.is_empty();
            if gives && best.as_ref().is_none_or(|(_, other)| weight(&fields) > weight(other)) {
                best = Some((bearer, fields));
            }
        }
        let (bearer, fields) = best?;
        let removes = deletes(policy, question, bearer, record_type, facts).is_ok();
        Some(told(policy, bearer, fields, removes))
    }
}

/// What is given of a field; nothing where nothing is.
fn of_field(field: &str, grants: Grants) -> Option<PreviewedField> {
    let view = grants.unconditional_view();
    let clear_with = if view == View::Raw {
        None
    } else if grants.has(Action::ReadRawInTask) {
        Some(Code::CaseRequired)
    } else {
        grants.has(Action::ReadRawApproved).then_some(Code::ApprovalRequired)
    };
    let writes = if grants.has(Action::Write) {
        Some(Ok(()))
    } else {
        grants.has(Action::WriteInTask).then_some(Err(Code::CaseRequired))
    };
    let nothing = view == View::None && clear_with.is_none() && writes.is_none();
    (!nothing).then(|| PreviewedField { field: field.to_owned(), view, clear_with, writes })
}

/// As a decision chooses: more fields that are shown first, then more in clear; then more that are written.
fn weight(fields: &[PreviewedField]) -> (usize, usize, usize) {
    let count = |what: fn(&PreviewedField) -> bool| fields.iter().filter(|one| what(one)).count();
    (
        count(|one| one.view >= View::Masked),
        count(|one| one.view == View::Raw),
        count(|one| one.writes.is_some()),
    )
}

/// With whom to ask, where there is something to ask for.
fn told(
    policy: &Policy,
    bearer: Bearer<'_>,
    fields: Vec<PreviewedField>,
    removes: bool,
) -> Previewed {
    let role = &policy.roles()[bearer.role];
    let waits = |code: Code| {
        let waits = move |one: &PreviewedField| {
            one.clear_with == Some(code) || one.writes == Some(Err(code))
        };
        fields.iter().any(waits)
    };
    let agrees = role.approved_by.as_ref().filter(|_| waits(Code::ApprovalRequired));
    let in_task = waits(Code::CaseRequired);
    let givers = policy.roles().iter().filter(|_| in_task);
    let givers = givers.filter(|giver| giver.gives_tasks_to.contains(&role.id));
    Previewed {
        role: role.id.clone(),
        removes,
        approver: agrees.map(|by| by.role.clone()),
        task_givers: givers.map(|giver| giver.id.clone()).collect(),
        fields,
    }
}
