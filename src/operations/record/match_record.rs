//! Says whether an exact value is held, within the caller's purpose and territory.
//! Never shows a record, opens a section or tells which record it was.
//! Each distinct value counts against the caller's day, at sequencing, so two at once cannot both be the last.

use crate::access::{Access, Ask, Charge, Code, Denied, Item, Matter, Permit, Question};
use crate::limits::{MATCH_CANDIDATES_COUNT_MAX, MATCH_LOOKS_COUNT_MIN, STALE_ATTEMPTS_MAX};
use crate::operations::by_term::{bearer, behind_term};
use crate::operations::error::{after, refuse, turn_away, turn_away_fields};
use crate::operations::{Asked, Met, OperationError};
use crate::records::{
    Facts, FieldProblem, Handle, ProblemReason, RecordId, RecordType, SchemaSet, SubjectId, Value,
};
use crate::seal::{Candidates, Link, Seal, Sought};
use crate::store::{Reader, Sealed};
use crate::territory::{CellId, Territory};
use crate::trail::{Recorded, Trail};
use serde_json::Value as Json;

/// What is matched.
pub struct MatchRequest {
    /// The type of record.
    pub record_type: RecordType,
    /// The field.
    pub field: String,
    /// The value, not yet checked.
    pub value: Json,
}

/// The answer.
pub struct Matched {
    /// Whether it is held where the caller may know of it.
    pub held: bool,
    /// Five minutes in which the caller may hang a new record on the subject.
    pub link: Option<Link>,
    /// The entry.
    pub recorded: Recorded,
}

/// Matches the value.
///
/// # Errors
/// `reveal_limit` once the caller matched its number of distinct values today.
#[expect(clippy::too_many_arguments, reason = "the rooms that a match visits, in order")]
pub async fn match_record(
    asked: &Asked<'_>,
    request: MatchRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Matched, OperationError> {
    let schema = schemas.get(request.record_type);
    let Some(field) = schema.and_then(|schema| schema.field(&request.field)) else {
        let problem = FieldProblem::new(&request.field, ProblemReason::UnknownField);
        return Err(turn_away_fields(asked, access, trail, vec![problem]).await);
    };
    let value = match Value::parse(field, request.value, asked.now.local_date()) {
        Ok(value) => value,
        Err(problem) => return Err(turn_away_fields(asked, access, trail, vec![problem]).await),
    };
    let actor = asked.actor.standing().actor;
    let names = [request.field.clone()];
    let question = asked.question(Ask::Match, schemas, territory);
    for _ in 0..STALE_ATTEMPTS_MAX {
        // A field without a match group has no term; the decision says no to it, in its order.
        let (found, charges) = match field.match_group {
            Some(_) => {
                let term = seal.term(field, &value)?;
                let charge = seal.charge(actor, asked.now, field, &value)?;
                let found = candidates(&term, request.record_type, asked.met, store, seal).await?;
                look_at_nothing(&term, found.len(), asked, store, seal).await?;
                (found, vec![charge])
            }
            None => (Vec::new(), Vec::new()),
        };
        let placed = |(sealed, facts): (Sealed, Facts)| {
            let cell = sealed.row().header.cell;
            (sealed, (cell, facts))
        };
        let (found, facts): (Vec<Sealed>, Vec<(CellId, Facts)>) =
            found.into_iter().map(placed).unzip();
        let subjects = subjects_of(&found, &facts);
        let permit = match permit_match(
            &question,
            request.record_type,
            &names,
            &found,
            &facts,
            charges,
            access,
        ) {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        match trail.append(permit).await {
            Ok(receipt) => {
                let hits = &receipt.permit().account().records;
                let link = only_subject(hits, &subjects)
                    .map(|subject| seal.link(actor, subject, asked.now))
                    .transpose()?;
                return Ok(Matched { held: !hits.is_empty(), link, recorded: receipt.recorded() });
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

/// The field comes first, about nobody; then every candidate.
fn permit_match(
    question: &Question<'_>,
    record_type: RecordType,
    names: &[String],
    found: &[Sealed],
    facts: &[(CellId, Facts)],
    charges: Vec<Charge>,
    access: &Access,
) -> Result<Permit<Candidates>, Denied> {
    let about = |cell, facts| Matter::Present { record_type, cell, facts, versions: None };
    let nobody = Facts::of_nobody();
    let mut items = vec![Item { matter: about(CellId::NOWHERE, &nobody), fields: names }];
    items.extend(
        facts.iter().map(|(cell, facts)| Item { matter: about(*cell, facts), fields: &[] }),
    );
    let absent = (facts.len()..MATCH_LOOKS_COUNT_MIN)
        .map(|_| Item { matter: about(CellId::NOWHERE, &nobody), fields: &[] });
    items.extend(absent);
    access.decide(question, &items, charges, Candidates::of(found))
}

/// What may be known of the records of a type that bear a value. What cannot be vouched for is none of them, and is noted: whoever asks
/// whether somebody is held must not learn by it that something is.
pub(in crate::operations) async fn candidates(
    term: &Sought,
    record_type: RecordType,
    met: &Met,
    store: &Reader,
    seal: &Seal,
) -> Result<Vec<(Sealed, Facts)>, OperationError> {
    let mut found = Vec::new();
    let listed = behind_term(term, None, MATCH_CANDIDATES_COUNT_MAX, store, seal).await?;
    for (key, _) in listed {
        let Some(sealed) = met.or_nothing(bearer(term, &key, store, seal).await)? else { continue };
        if sealed.row().header.record_type != record_type {
            continue;
        }
        let facts = seal.facts(&sealed).map_err(|error| met.unread(&sealed, error));
        if let Some(facts) = met.or_nothing(facts.map(Some))? {
            found.push((sealed, facts));
        }
    }
    Ok(found)
}

/// Looks at nothing where a match found less than is usual, so that a value that somebody holds elsewhere takes as long
/// as one that nobody has.
pub(in crate::operations) async fn look_at_nothing(
    term: &Sought,
    found: usize,
    asked: &Asked<'_>,
    store: &Reader,
    seal: &Seal,
) -> Result<(), OperationError> {
    for _ in found..MATCH_LOOKS_COUNT_MIN {
        // The request's own id names no record.
        let nothing = RecordId::from_bytes(asked.origin.request);
        store.fetch(nothing).await?;
        if seal.may_have_moved(term) {
            store.moved_terms(nothing)?;
        }
        seal.rehearse()?;
    }
    Ok(())
}

/// The subject of all hits, if it is one. Where people share a number no link says which of them is meant.
fn only_subject(hits: &[Handle], subjects: &[(Handle, SubjectId)]) -> Option<SubjectId> {
    let mut found = hits.iter().filter_map(|hit| {
        subjects.iter().find(|(handle, _)| handle == hit).map(|(_, subject)| *subject)
    });
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

/// The subject of each candidate, under the record's handle.
fn subjects_of(found: &[Sealed], facts: &[(CellId, Facts)]) -> Vec<(Handle, SubjectId)> {
    found
        .iter()
        .zip(facts)
        .filter_map(|(sealed, (_, facts))| {
            Some((facts.record_handle, *sealed.row().header.subjects.first()?))
        })
        .collect()
}
