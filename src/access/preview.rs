//! What a caller's own posts give it in a place, for which purposes, under which condition, and whom it has to ask for that.
//! Never about a record, and never about anybody else's posts: it is asked with the attributes of nobody in particular.
//! Weighed by the same functions as a decision, so that the two cannot say different things.

use super::bearer::{Bearer, bearers, covers};
use super::code::Code;
use super::decide::Access;
use super::field::{deletes, field_grants, needs_counter};
use super::grants::{Action, Grants};
use super::policy::Policy;
use super::question::Question;
use super::role::{Role, RoleId};
use super::task::by_task;
use crate::purposes::Purpose;
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
    /// The roles whose holders give its holder tasks over such records, where a field waits for one that they could name it in.
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
    /// Whether it waits for a task that somebody else may give: what opens at the counter alone opens inside none.
    is_given: bool,
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
                let known = question.schemas.get(record_type)?.field(field)?;
                let class = facts.effective_class(known.class, question.now.local_days());
                let grants = field_grants(policy, question, bearer, record_type, facts, field);
                let child = facts.is_under_14(question.now.local_days());
                let named = by_task(grants, child, class) && !needs_counter(policy, bearer, class);
                of_field(field, grants, named)
            };
            let fields: Vec<PreviewedField> = listed.iter().filter_map(of).collect();
            let gives = !fields.is_empty();
            if gives && best.as_ref().is_none_or(|(_, other)| weight(&fields) > weight(other)) {
                best = Some((bearer, fields));
            }
        }
        let (bearer, fields) = best?;
        let removes = deletes(policy, question, bearer, record_type, facts).is_ok();
        let role = &policy.roles()[bearer.role];
        let givers = givers_to(policy, &role.id, question.purpose, record_type);
        Some(told(role, givers, fields, removes))
    }
}

/// What is given of a field; nothing where nothing is. `named` says whether a task that somebody gives may name it.
fn of_field(field: &str, grants: Grants, named: bool) -> Option<PreviewedField> {
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
    let in_task = Some(Code::CaseRequired);
    let waits = clear_with == in_task || writes.and_then(Result::err) == in_task;
    let is_given = waits && named;
    (!nothing).then(|| PreviewedField {
        field: field.to_owned(),
        view,
        clear_with,
        writes,
        is_given,
    })
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

/// The roles whose holders may give a role tasks over such records for the purpose: they have to know of them, and whoever is bound to a
/// line gives work of that line alone.
fn givers_to(
    policy: &Policy,
    to: &RoleId,
    purpose: &Purpose,
    record_type: RecordType,
) -> Vec<RoleId> {
    let knows = |place: usize, giver: &Role| {
        let of = |line| policy.knows(place, record_type, line);
        if giver.needs_line { purpose.lines.iter().any(|line| of(Some(line))) } else { of(None) }
    };
    let roles = policy.roles().iter().enumerate();
    roles
        .filter(|(place, giver)| giver.gives_tasks_to.contains(to) && knows(*place, giver))
        .map(|(_, giver)| giver.id.clone())
        .collect()
}

/// With whom to ask, where there is something to ask for.
fn told(role: &Role, givers: Vec<RoleId>, fields: Vec<PreviewedField>, removes: bool) -> Previewed {
    let waits = |code: Code| {
        let waits = move |one: &PreviewedField| {
            one.clear_with == Some(code) || one.writes == Some(Err(code))
        };
        fields.iter().any(waits)
    };
    let agrees = role.approved_by.as_ref().filter(|_| waits(Code::ApprovalRequired));
    let is_given = fields.iter().any(|field| field.is_given);
    Previewed {
        role: role.id.clone(),
        removes,
        approver: agrees.map(|by| by.role.clone()),
        task_givers: if is_given { givers } else { Vec::new() },
        fields,
    }
}
