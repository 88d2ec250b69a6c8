//! The check at the counter: whoever is present shows a number, and a task of half an hour over that one person begins.
//! Never a value, and never a word of somebody who lies elsewhere: a number that nobody has is answered alike.
//! Each distinct number counts against the caller's day like any match, whether it was held or not.

use crate::access::{Access, Ask, Code, CounterHit, CounterTerms, Item, Question};
use crate::ambient::{Micros, Random};
use crate::limits::{COUNTER_SECONDS, RECORDS_FOR_PERSON_COUNT, STALE_ATTEMPTS_MAX};
use crate::operations::error::{after, refuse, turn_away, turn_away_fields};
use crate::operations::mandate::begun;
use crate::operations::record::match_record::{candidates, look_at_nothing};
use crate::operations::scope::{Named, Seen, handles};
use crate::operations::{Asked, OperationError, draw};
use crate::records::{
    Field, FieldProblem, MandateId, ProblemReason, RecordId, RecordType, SchemaSet, SubjectId,
    Value,
};
use crate::seal::{MandateRecord, MandateState, Seal, TaskKind};
use crate::store::{Change, Reader};
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};
use serde_json::Value as Json;

/// A check.
pub struct CounterRequest {
    /// The field whose value was shown.
    pub field: String,
    /// The value, not yet checked.
    pub value: Json,
    /// The fields that the item needs.
    pub fields: Vec<String>,
}

/// Who is present, as far as the vault may say.
pub struct Checked {
    /// The task over that person; nothing where nobody was found, or more than one.
    pub opened: Option<CounterTask>,
    /// The entry.
    pub recorded: Recorded,
}

/// The task that a check began.
pub struct CounterTask {
    /// Its id: the case under which the person's fields are read.
    pub id: MandateId,
    /// The record of the person.
    pub record: RecordId,
    /// The person.
    pub subject: SubjectId,
    /// First moment at which it opens nothing more.
    pub until: Micros,
}

/// Checks who is present.
///
/// # Errors
/// As [`Access::decide_counter`]; `reveal_limit` once the caller matched its number of distinct values today.
#[expect(clippy::too_many_arguments, reason = "the rooms that a check visits, in order")]
pub async fn counter_check(
    asked: &Asked<'_>,
    request: CounterRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
    random: &dyn Random,
) -> Result<Checked, OperationError> {
    let (field, value) = match parsed(&request, schemas, asked) {
        Ok(parsed) => parsed,
        Err(problem) => return Err(turn_away_fields(asked, access, trail, vec![problem]).await),
    };
    let actor = asked.actor.standing().actor;
    let id = draw::mandate_id(asked.now, random)?;
    let terms = CounterTerms { id, field: &request.field, fields: &request.fields };
    let question: Question<'_> = asked.question(Ask::Match, schemas, territory);
    for _ in 0..STALE_ATTEMPTS_MAX {
        // A field without a match group has no term; the decision says no to it, in its order.
        let (found, charges) = match field.match_group {
            Some(_) => {
                let term = seal.term(field, &value)?;
                let kind = RecordType::Person;
                let found = candidates(&term, kind, asked.met, store, seal).await?;
                look_at_nothing(&term, found.len(), asked, store, seal).await?;
                (found, vec![seal.charge(actor, asked.now, field, &value)?])
            }
            None => (Vec::new(), Vec::new()),
        };
        let mut seen = Vec::with_capacity(found.len());
        for (sealed, facts) in found {
            let subject = sealed.row().header.subjects.first().copied();
            let record = sealed.row().header.id;
            seen.push(Seen { subject, record, found: Some((sealed, facts)) });
        }
        let items: Vec<Item<'_>> = seen.iter().map(Seen::item).collect();
        let target = Named::over(id, &seen);
        let decided = access.decide_counter(&question, &terms, &items, charges, target);
        let (permit, hit) = match decided {
            Ok(decided) => decided,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let opened = hit.and_then(|hit| open(asked, &request, id, &hit, &seen));
        let change = match &opened {
            Some((_, record)) => begun(id, record, seal)?,
            None => Change::default(),
        };
        match trail.commit(permit, change).await {
            Ok(receipt) => {
                let opened = opened.map(|(task, _)| task);
                return Ok(Checked { opened, recorded: receipt.recorded() });
            }
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
            }
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

fn parsed<'a>(
    request: &CounterRequest,
    schemas: &'a SchemaSet,
    asked: &Asked<'_>,
) -> Result<(&'a Field, Value), FieldProblem> {
    let schema = schemas.get(RecordType::Person);
    let field = schema.and_then(|schema| schema.field(&request.field));
    let unknown = || FieldProblem::new(&request.field, ProblemReason::UnknownField);
    let field = field.ok_or_else(unknown)?;
    Ok((field, Value::parse(field, request.value.clone(), asked.now.local_date())?))
}

/// The task over the one who was found.
fn open(
    asked: &Asked<'_>,
    request: &CounterRequest,
    id: MandateId,
    hit: &CounterHit,
    seen: &[Seen],
) -> Option<(CounterTask, MandateRecord)> {
    let is_hit = |seen: &&Seen| {
        let facts = seen.found.as_ref().map(|(_, facts)| facts);
        facts
            .and_then(|facts| facts.subject_handles.first())
            .is_some_and(|(_, handle)| *handle == hit.subject)
    };
    let present = seen.iter().find(is_hit)?;
    let subject = present.subject?;
    let (_, subjects) = handles(std::slice::from_ref(present));
    let until = Micros(asked.now.0.saturating_add(COUNTER_SECONDS * 1_000_000));
    let record = MandateRecord {
        task: Some(TaskKind::CounterService),
        purpose: asked.purpose.id.as_str().to_owned(),
        fields: request.fields.clone(),
        subjects,
        until: until.0,
        budget: u32::try_from(RECORDS_FOR_PERSON_COUNT).unwrap_or(1),
        role: hit.role.clone(),
        ..MandateRecord::blank(MandateState::Open, asked.actor.standing().actor, asked.now)
    };
    Some((CounterTask { id, record: present.record, subject, until }, record))
}
