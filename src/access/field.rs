//! What one assignment gives over each field of one record.
//! Never more than casbin grants for the field's class on that day, than the purpose leaves, or than its holder is ready for.
//! A condition that can be met is said before a plain no.

use super::bearer::{Bearer, No, Outcome, acts_under};
use super::code::Code;
use super::grants::{Action, Grants};
use super::mandate::{Mandate, MandateKind};
use super::permit::{FieldView, Views};
use super::policy::Policy;
use super::question::{Ask, Question};
use crate::purposes::PurposeGroup;
use crate::records::{Class, Facts, Field, RecordType, Schema, View};

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
        // A name that the schema does not have may itself be a value: it is not said back.
        return Err(No { why: Code::FieldUnknown, fields: vec!["?".to_owned()] });
    }
    // A purpose that puts right what others hold is no reason to store a record.
    if question.ask == Ask::Create && question.purpose.corrects {
        return Err(No { why: Code::PurposeNotForField, fields: fields.to_vec() });
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
    // What a law holds is read after its end, and removed by nobody.
    let closed = match question.ask {
        Ask::Delete => facts.legal_hold,
        _ => facts.is_expired(question.now.local_days()) && !facts.legal_hold,
    };
    if closed {
        return Err(No::plain(Code::Restricted));
    }
    let personal = !facts.subject_handles.is_empty();
    let looks = !matches!(question.ask, Ask::Create | Ask::Update | Ask::Delete);
    // What everything was taken back from waits for its end alone (PIPL 15, 47), whatever basis somebody else could bring: but for the
    // person's own rights, and where a law keeps it.
    let kept = facts.legal_hold || question.purpose.group == PurposeGroup::Rights;
    if personal && looks && !kept && facts.rests_on_nothing() {
        return Err(No::plain(Code::ConsentWithdrawn));
    }
    // A duty or an emergency brings its own basis; what rests on the resident's will must have been given, and not taken back.
    if personal && looks && question.purpose.rests_on_the_subject() {
        return match facts.basis_for(question.purpose.id.as_str()) {
            None => Err(No::plain(Code::BasisMissing)),
            Some(basis) if facts.is_withdrawn(basis) => Err(No::plain(Code::ConsentWithdrawn)),
            Some(_) => Ok(()),
        };
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
    let schema = question.schemas.get(record_type);
    let Some((schema, known)) = schema.and_then(|schema| Some((schema, schema.field(field)?)))
    else {
        return Grants::NONE;
    };
    if !acts_under(bearer.assignment, question.purpose) {
        return Grants::NONE;
    }
    // Who removes the record does not look at the part, and the record is somebody else's.
    if question.ask != Ask::Delete && is_restricted(schema, known, facts) {
        return Grants::NONE;
    }
    let today = question.now.local_days();
    let class = facts.effective_class(known.class, today);
    let granted =
        policy.grants(bearer.role, bearer.level, record_type, class, question.purpose.group);
    let left = policy.narrowed(granted, bearer.role, question.purpose.id.as_str(), field);
    // Whoever is no longer a child and not yet grown is looked at inside a task alone.
    let left =
        if known.class == Class::C2 && facts.is_minor(today) { left.inside_a_task() } else { left };
    let by_counter = needs_counter(policy, bearer, class);
    let opens = |mandate: &&Mandate| {
        let serves = !by_counter || mandate.kind != MandateKind::Task || mandate.at_counter;
        serves && mandate.opens(question, record_type, facts, field)
    };
    let mandate = question.mandate.filter(opens);
    if bearer.is_closed(policy, class, mandate) {
        return Grants::NONE;
    }
    match mandate {
        Some(mandate) => mandate.meets(left, known.is_personal() && facts.is_under_14(today)),
        None => left,
    }
}

/// Whether a field of that class opens to a post at the counter alone, where the person is present.
pub(super) fn needs_counter(policy: &Policy, bearer: Bearer<'_>, class: Class) -> bool {
    class == Class::C3 && policy.roles()[bearer.role].sensitive_at_counter
}

/// Whether a field lies in the part of somebody whose part in this record is restricted.
fn is_restricted(schema: &Schema, field: &Field, facts: &Facts) -> bool {
    // Nearly no record has any.
    !facts.restraints.is_empty()
        && schema.section_of(field).is_some_and(|part| facts.closes(&part.subject))
}

/// Whether any of these fields is so.
pub(super) fn any_restricted<'a>(
    question: &Question<'_>,
    record_type: RecordType,
    facts: &Facts,
    mut fields: impl Iterator<Item = &'a String>,
) -> bool {
    if facts.restraints.is_empty() {
        return false;
    }
    let Some(schema) = question.schemas.get(record_type) else { return false };
    fields.any(|name| schema.field(name).is_some_and(|field| is_restricted(schema, field, facts)))
}

/// What is shown of each field and what is withheld.
pub(super) fn views_of(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    record_type: RecordType,
    facts: &Facts,
    fields: &[String],
) -> Views {
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
            _ => {
                let one = std::iter::once(field);
                let restricted = any_restricted(question, record_type, facts, one);
                let why = if restricted { Code::Restricted } else { Code::Denied };
                views.withheld.push((field.clone(), why));
            }
        }
    }
    views
}

/// The views of a read: at least one field is shown.
pub(super) fn reads(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    record_type: RecordType,
    facts: &Facts,
    fields: &[String],
) -> Outcome {
    let views = views_of(policy, question, bearer, record_type, facts, fields);
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
    let grants = |field: &str| field_grants(policy, question, bearer, record_type, facts, field);
    let may = |field: &str| grants(field).has(Action::Write);
    // A write that names no field still leaves a basis behind: it takes the right to write some field.
    let listed = question.purpose.fields.get(&record_type);
    if fields.is_empty() && !listed.into_iter().flatten().any(|field| may(field)) {
        return Err(No::plain(Code::Denied));
    }
    let refused: Vec<String> = fields.iter().filter(|field| !may(field)).cloned().collect();
    if refused.is_empty() {
        return Ok(Views::default());
    }
    // A condition that can be met is said where it would be enough.
    let enough = refused.iter().all(|field| grants(field).has(Action::WriteInTask));
    let why = if any_restricted(question, record_type, facts, refused.iter()) {
        Code::Restricted
    } else if enough {
        Code::CaseRequired
    } else {
        Code::Denied
    };
    Err(No { why, fields: refused })
}

/// A removal touches every class that the type has, and is within a purpose that has to do with the type.
pub(super) fn deletes(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    record_type: RecordType,
    facts: &Facts,
) -> Outcome {
    let (today, group) = (question.now.local_days(), question.purpose.group);
    let every_class = question.schemas.get(record_type).is_some_and(|schema| {
        schema.fields().iter().all(|field| {
            let class = facts.effective_class(field.class, today);
            !bearer.is_closed(policy, class, None)
                && policy
                    .grants(bearer.role, bearer.level, record_type, class, group)
                    .has(Action::Delete)
        })
    });
    let listed = question.purpose.fields.get(&record_type);
    let within = listed.is_some_and(|fields| {
        !fields.is_empty()
            && fields.iter().all(|field| {
                field_grants(policy, question, bearer, record_type, facts, field)
                    .has(Action::Delete)
            })
    });
    if every_class && within { Ok(Views::default()) } else { Err(No::plain(Code::Denied)) }
}

pub(super) fn rule_of(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    record_type: RecordType,
    facts: &Facts,
    fields: &[String],
) -> Option<String> {
    let of = |field: &String| field_grants(policy, question, bearer, record_type, facts, field);
    // The rule behind what is shown, where something is.
    let shown = fields.iter().map(of).find(|grants| grants.unconditional_view() >= View::Masked);
    let shows = matches!(question.ask, Ask::Read | Ask::List | Ask::Occupants);
    let first = if shows { shown } else { None };
    let grants = first.or_else(|| fields.first().map(of)).unwrap_or_else(|| {
        // A question that names no field: the rule over what is general about persons.
        let group = question.purpose.group;
        match acts_under(bearer.assignment, question.purpose) {
            true => policy.grants(bearer.role, bearer.level, record_type, Class::C2, group),
            false => Grants::NONE,
        }
    });
    let line = match question.ask {
        Ask::Read | Ask::List | Ask::Occupants => grants.read_line(),
        Ask::Create | Ask::Update => grants.write_line(),
        Ask::Delete => grants.delete_line(),
        Ask::Match | Ask::Changes => grants.match_line(),
    };
    (line != 0).then(|| format!("{}/{line}", bearer.assignment.role.as_str()))
}
