//! What one assignment gives over each field of one record.
//! Never more than casbin grants for the field's class on that day, and never more than the purpose leaves.
//! A condition that can be met is said before a plain no.

use super::bearer::{Bearer, No, Outcome};
use super::code::Code;
use super::grants::{Action, Grants};
use super::permit::{FieldView, Views};
use super::policy::Policy;
use super::question::{Ask, Question};
use crate::records::{Class, Facts, RecordType, View};

pub(super) fn check_fields(
    question: &Question<'_>,
    record_type: RecordType,
    fields: &[String],
) -> Result<(), No> {
    let schema = question.schemas.get(record_type).ok_or(No::plain(Code::FieldUnknown))?;
    let pick = |wrong: &dyn Fn(&String) -> bool| -> Vec<String> {
        fields.iter().filter(|field| wrong(field)).cloned().collect()
    };
    let unknown = pick(&|field| schema.field(field).is_none());
    if !unknown.is_empty() {
        return Err(No { why: Code::FieldUnknown, fields: unknown });
    }
    let unlisted = pick(&|field| !question.purpose.lists(record_type, field));
    if !unlisted.is_empty() {
        return Err(No { why: Code::PurposeNotForField, fields: unlisted });
    }
    Ok(())
}

pub(super) fn check_state(question: &Question<'_>, facts: &Facts) -> Result<(), No> {
    if facts.restricted {
        return Err(No::plain(Code::Restricted));
    }
    let ended = facts.is_expired(question.now.days()) && !facts.legal_hold;
    if ended && question.ask != Ask::Delete {
        return Err(No::plain(Code::Restricted));
    }
    let personal = !facts.subject_handles.is_empty();
    let held = facts.bases.iter().any(|basis| basis.purpose == question.purpose.id.as_str());
    // A duty or an emergency brings its own basis; what rests on the resident's will must have been given.
    if personal && question.ask == Ask::Read && question.purpose.rests_on_the_subject() && !held {
        return Err(No::plain(Code::BasisMissing));
    }
    Ok(())
}

pub(super) fn field_grants(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    record_type: RecordType,
    facts: &Facts,
    field: &str,
) -> Grants {
    let Some(known) = question.schemas.get(record_type).and_then(|schema| schema.field(field))
    else {
        return Grants::NONE;
    };
    let class = facts.effective_class(known.class, question.now.days());
    let granted =
        policy.grants(bearer.role, bearer.level, record_type, class, question.purpose.group);
    policy.narrowed(granted, bearer.role, question.purpose.id.as_str(), field)
}

pub(super) fn views_of(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    record_type: RecordType,
    facts: &Facts,
    fields: &[String],
) -> Outcome {
    let mut views = Views::default();
    for field in fields {
        let grants = field_grants(policy, question, bearer, record_type, facts, field);
        match grants.unconditional_view() {
            view @ (View::Raw | View::Masked) => {
                views.given.push(FieldView { field: field.clone(), view });
            }
            _ if grants.has(Action::ReadRawInTask) => {
                views.withheld.push((field.clone(), Code::CaseRequired));
            }
            _ if grants.has(Action::ReadRawApproved) => {
                views.withheld.push((field.clone(), Code::ApprovalRequired));
            }
            _ => views.withheld.push((field.clone(), Code::Denied)),
        }
    }
    if views.given.is_empty() {
        // A condition that can be met is said before a plain no.
        let why = views
            .withheld
            .iter()
            .map(|(_, why)| *why)
            .find(|why| *why != Code::Denied)
            .unwrap_or(Code::Denied);
        return Err(No { why, fields: fields.to_vec() });
    }
    Ok(views)
}

pub(super) fn writes(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    record_type: RecordType,
    facts: &Facts,
    fields: &[String],
) -> Outcome {
    if !policy.names(bearer.role, question.purpose.id.as_str()) {
        return Err(No::plain(Code::Denied));
    }
    let refused: Vec<String> = fields
        .iter()
        .filter(|field| {
            !field_grants(policy, question, bearer, record_type, facts, field).has(Action::Write)
        })
        .cloned()
        .collect();
    if refused.is_empty() {
        Ok(Views::default())
    } else {
        Err(No { why: Code::Denied, fields: refused })
    }
}

/// A removal touches every class that the type has, so it is asked for the highest.
pub(super) fn deletes(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    record_type: RecordType,
) -> Outcome {
    let highest = question
        .schemas
        .get(record_type)
        .and_then(|schema| schema.fields().iter().map(|field| field.class).max())
        .unwrap_or(Class::C3);
    let grants =
        policy.grants(bearer.role, bearer.level, record_type, highest, question.purpose.group);
    let named = policy.names(bearer.role, question.purpose.id.as_str());
    if named && grants.has(Action::Delete) {
        Ok(Views::default())
    } else {
        Err(No::plain(Code::Denied))
    }
}

pub(super) fn rule_of(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    record_type: RecordType,
    facts: &Facts,
    fields: &[String],
) -> Option<String> {
    let grants = match fields.first() {
        Some(field) => field_grants(policy, question, bearer, record_type, facts, field),
        None => {
            policy.grants(bearer.role, bearer.level, record_type, Class::C2, question.purpose.group)
        }
    };
    let line = match question.ask {
        Ask::Read => grants.read_line(),
        Ask::Create | Ask::Update => grants.write_line(),
        Ask::Delete => grants.delete_line(),
        Ask::Match => grants.match_line(),
    };
    (line != 0).then(|| format!("{}/{line}", bearer.assignment.role.as_str()))
}
