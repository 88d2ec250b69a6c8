//! Who lives at a place: at most twenty people, as a list shows them.
//! Never a person whom the caller may not know of, or whose address is protected from its neighbours.
//! One entry names everybody who is shown; a link that is gone by then shows nobody.

use crate::access::{Access, Ask, Candidate, Code, List, ListPlan, Permit, Question};
use crate::limits::{OCCUPANTS_COUNT_MAX, OCCUPANTS_LOOKS_COUNT_MAX, STALE_ATTEMPTS_MAX};
use crate::operations::by_term::{bearer, behind_term};
use crate::operations::error::{after, refuse, turn_away};
use crate::operations::mandate::mandate_of_list;
use crate::operations::{Asked, OperationError};
use crate::records::{RecordId, RecordType, SchemaSet, Sensitive, SubjectId, Value};
use crate::seal::{OpenedPage, Seal, Sought};
use crate::store::{Fetched, Key, Page, Reader, Sealed};
use crate::territory::{CellId, Territory};
use crate::trail::Trail;

/// Whose people are asked for.
pub struct OccupantsRequest {
    /// The place.
    pub place: RecordId,
    /// Field names of a person, in the caller's order.
    pub fields: Vec<String>,
}

/// The people of a place.
pub struct Occupants {
    /// Their records.
    pub page: OpenedPage,
    /// Whether there are more than are named.
    pub more: bool,
}

/// Names the people of a place.
///
/// # Errors
/// `not_found` for a place that the caller may not know of; `erased` and `restricted` for one that it may;
/// `purpose_not_for_field` where the purpose does not list the link of person and place; else as a list.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn occupants(
    asked: &Asked<'_>,
    request: OccupantsRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Occupants, OperationError> {
    for _ in 0..STALE_ATTEMPTS_MAX {
        let mandate = mandate_of_list(asked, store, seal).await?;
        let mandate = mandate.as_ref();
        let question = Question { mandate, ..asked.question(Ask::Occupants, schemas, territory) };
        let place = look(request.place, store, seal).await?;
        let list = List {
            record_type: RecordType::Person,
            fields: &request.fields,
            matched: None,
            within: Some((place.cell, place.line.as_deref())),
            in_clear: None,
        };
        let plan = match access.plan_list(&question, &list) {
            Ok(plan) => plan,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let closed = match &place.sealed {
            Some(sealed) => plan.closed(&seal.facts(sealed)?),
            None => Some(Code::Erased),
        };
        if let Some(code) = closed {
            return Err(turn_away(asked, access, trail, code).await);
        }
        let term = link_term(request.place, seal, schemas)?;
        let (people, more) = people_of(&term, &plan, store, seal).await?;
        let permit: Permit<Page> = plan.permit(FIRST, people, Vec::new());
        match trail.append(permit).await {
            Ok(receipt) => {
                let recorded = receipt.recorded();
                let opened = seal.open_page(receipt);
                let page = opened.map_err(|error| asked.met.behind(recorded, error))?;
                return Ok(Occupants { page, more });
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

/// The assignment that gives most carries it: all that the plan has cover the place.
const FIRST: usize = 0;

/// A place as the plan needs it; no record where it was removed.
struct Place {
    cell: CellId,
    line: Option<String>,
    sealed: Option<Sealed>,
}

/// What is no place, or is not there, is looked at like one and lies nowhere.
async fn look(id: RecordId, store: &Reader, seal: &Seal) -> Result<Place, OperationError> {
    match store.fetch(id).await? {
        Fetched::Found(sealed) => {
            let facts = seal.facts(&sealed)?;
            let header = &sealed.row().header;
            let is_place = header.record_type == RecordType::Place;
            let cell = if is_place { header.cell } else { CellId::NOWHERE };
            Ok(Place { cell, line: facts.line.clone(), sealed: Some(sealed) })
        }
        Fetched::Erased(tombstone, ..) => {
            let line = seal.remains_of(&tombstone)?.line;
            let is_place = tombstone.record_type == RecordType::Place;
            let cell = if is_place { tombstone.cell } else { CellId::NOWHERE };
            Ok(Place { cell, line, sealed: None })
        }
        Fetched::Missing => {
            seal.rehearse()?;
            Ok(Place { cell: CellId::NOWHERE, line: None, sealed: None })
        }
    }
}

/// What the links to a place are found by.
pub(in crate::operations) fn link_term(
    place: RecordId,
    seal: &Seal,
    schemas: &SchemaSet,
) -> Result<Sought, OperationError> {
    let field = schemas.get(RecordType::Residence).and_then(|schema| schema.field("place"));
    let field = field.ok_or(OperationError::Internal("a link of person and place has no place"))?;
    Ok(seal.term(field, &Value::Text(Sensitive::new(place.to_string())))?)
}

/// A person with the link that leads to it.
type Linked = Candidate<(Sealed, Sealed)>;

/// The people behind the links that the plan may follow, and whether there are more than may be named.
async fn people_of(
    term: &Sought,
    plan: &ListPlan<'_>,
    store: &Reader,
    seal: &Seal,
) -> Result<(Vec<Linked>, bool), OperationError> {
    let mut people: Vec<Linked> = Vec::new();
    let mut subjects: Vec<SubjectId> = Vec::new();
    let links = behind_term(term, None, OCCUPANTS_LOOKS_COUNT_MAX, store, seal).await?;
    for (key, _) in links {
        let Some(link) = bearer(term, &key, store, seal).await? else { continue };
        let header = &link.row().header;
        let subject = header.subjects.first().copied();
        let (RecordType::Residence, Some(subject)) = (header.record_type, subject) else {
            continue;
        };
        let linked = plan.links(FIRST, header.cell, &seal.facts(&link)?);
        if !linked || subjects.contains(&subject) {
            continue;
        }
        let Some(person) = person_of(subject, plan, store, seal).await? else { continue };
        if people.len() >= OCCUPANTS_COUNT_MAX {
            return Ok((people, true));
        }
        subjects.push(subject);
        let Candidate { cell, facts, target } = person;
        people.push(Candidate { cell, facts, target: (target, link) });
    }
    Ok((people, false))
}

/// The first record of a person that the plan shows something of.
async fn person_of(
    subject: SubjectId,
    plan: &ListPlan<'_>,
    store: &Reader,
    seal: &Seal,
) -> Result<Option<Candidate<Sealed>>, OperationError> {
    let prefix = Key::subject_listing_prefix(subject);
    for (key, _) in store.scan(&prefix, None, OCCUPANTS_LOOKS_COUNT_MAX).await? {
        let Some(id) = key.record() else { continue };
        let Fetched::Found(sealed) = store.fetch(id).await? else { continue };
        let (record_type, cell) = (sealed.row().header.record_type, sealed.row().header.cell);
        if record_type != RecordType::Person
            || sealed.row().header.subjects.first() != Some(&subject)
        {
            continue;
        }
        let facts = seal.facts(&sealed)?;
        if plan.shows(FIRST, cell, &facts) {
            return Ok(Some(Candidate { cell, facts: facts.into(), target: sealed }));
        }
    }
    Ok(None)
}
