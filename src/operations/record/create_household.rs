//! Stores a household with its people and their link to a dwelling in one write.
//! Never stores a part: with one item wrong nothing is stored, and the problems name their items.
//! References between the items are words of the request; what is stored are ids.

use super::capture::{Stored, keep_capture, stored_capture, subject_now};
use super::create_record::{Build, Plan, cell_of, duplicate};
use crate::access::{Access, Ask, Code, Denied, Item, Matter, Permit, Question};
use crate::ambient::Random;
use crate::limits::{HOUSEHOLD_PEOPLE_COUNT_MAX, STALE_ATTEMPTS_MAX};
use crate::operations::error::{Misplaced, Unfit, end, refuse, turn_away};
use crate::operations::mandate::mandate_of;
use crate::operations::once::{Saying, UNLIKE, remember, repeated};
use crate::operations::subject::{Inherited, Subject, new_subject};
use crate::operations::{Asked, OperationError};
use crate::purposes::BasisClaim;
use crate::records::{
    CaptureId, ExternalRef, FieldProblem, Handle, PlainFields, RecordId, RecordType, Schema,
    SchemaSet, SubjectId, protected_days,
};
use crate::seal::{Draft, KeySource, Seal, SealError};
use crate::store::{Captured, CapturedPerson, Fetched, Outcome, Reader, StoredPerson};
use crate::territory::{CellId, Territory};
use crate::trail::{Recorded, Refused, Trail};
use serde_json::{Map, Value as Json, json};

/// A household to be stored.
pub struct HouseholdRequest {
    /// The grid that it lives in.
    pub grid: String,
    /// On what it is held, unless a person says otherwise.
    pub basis: BasisClaim,
    /// The household's own values.
    pub fields: Map<String, Json>,
    /// Where it lives.
    pub dwelling: Option<DwellingRequest>,
    /// Its people.
    pub people: Vec<PersonRequest>,
    /// What its maker calls it as a whole, for ever.
    pub capture: Option<CaptureId>,
    /// What the calling system calls it.
    pub external: Option<ExternalRef>,
}

/// Where a household lives.
pub enum DwellingRequest {
    /// A place that is stored already.
    Held(RecordId),
    /// A place to be stored with it.
    New(Map<String, Json>),
}

/// A person of the household.
pub struct PersonRequest {
    /// What other items call it.
    pub reference: String,
    /// Its values.
    pub fields: Map<String, Json>,
    /// The references of its guardians.
    pub guardians: Vec<String>,
    /// The values of its link to the dwelling.
    pub residence: Map<String, Json>,
    /// On what it is held, where not as the household.
    pub basis: Option<BasisClaim>,
}

/// A person that was stored.
pub struct PersonCreated {
    /// What the request called it. Not kept, so not said again of a capture that was stored before.
    pub reference: Option<String>,
    /// Its record.
    pub id: RecordId,
    /// Its subject; nothing once its record is gone.
    pub subject: Option<SubjectId>,
    /// Its link to the dwelling.
    pub residence: Option<RecordId>,
}

/// What was stored.
pub struct HouseholdCreated {
    /// The household's record.
    pub id: RecordId,
    /// Its version: 1, or for a capture that was stored before its version now.
    pub version: u64,
    /// The dwelling's record.
    pub dwelling: Option<RecordId>,
    /// The people, in the order of the request.
    pub people: Vec<PersonCreated>,
    /// The one entry.
    pub recorded: Recorded,
    /// Whether it was stored now.
    pub saying: Saying,
}

/// Values that fit their schemas; nothing is drawn yet.
struct Parsed {
    cell: CellId,
    household: PlainFields,
    dwelling: Option<Result<RecordId, PlainFields>>,
    people: Vec<PlainFields>,
    residences: Vec<Map<String, Json>>,
}

/// Stores the household.
///
/// # Errors
/// As for one record; field names in problems carry their item in front, as `people.p1.phone`.
#[expect(clippy::too_many_arguments, reason = "the rooms that a creation visits, in order")]
pub async fn create_household(
    asked: &Asked<'_>,
    request: HouseholdRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
    random: &dyn Random,
) -> Result<HouseholdCreated, OperationError> {
    let (capture, mut request) = (request.capture, request);
    if let Some(before) = repeated(asked, store, access, trail).await? {
        return again(before, &request);
    }
    let stored = || stored_capture(asked, capture, store, seal, access, trail, schemas, territory);
    if let Some(stored) = stored().await? {
        return of_capture(stored, store).await;
    }
    let parsed = match parse(asked, &mut request, schemas, territory) {
        Ok(parsed) => parsed,
        Err(unfit) => return Err(unfit.end(asked, access, trail).await),
    };
    for _ in 0..STALE_ATTEMPTS_MAX {
        if let Some(DwellingRequest::Held(place)) = &request.dwelling
            && !may_use_place(asked, *place, store, seal, access, territory).await?
        {
            return Err(turn_away(asked, access, trail, Code::NotFound).await);
        }
        let (draft, ids) = match build(asked, &request, &parsed, seal, schemas, random) {
            Ok(built) => built,
            Err(unfit) => return Err(unfit.end(asked, access, trail).await),
        };
        let mandate = mandate_of(asked, store, seal).await?;
        let mandate = mandate.as_ref();
        let question = Question { mandate, ..asked.question(Ask::Create, schemas, territory) };
        let permit = match permit_all(&question, draft, access) {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let mut change = match seal.seal_new(&permit) {
            Err(SealError::Rewrapped) => continue,
            sealed => sealed?,
        };
        keep_capture(asked, capture, &ids.captured(), seal, &mut change);
        remember(asked, ids.outcome(), &mut change);
        match trail.commit(permit, change).await {
            Ok(receipt) => return Ok(ids.created(&request, receipt.recorded(), Saying::First)),
            Err(Refused::Stale(_)) => {}
            Err(refused) => return Err(end(refused, asked, access, trail).await),
        }
        // What made it stale may be the same write, said at the same time.
        if let Some(before) = repeated(asked, store, access, trail).await? {
            return again(before, &request);
        }
        if let Some(stored) = stored().await? {
            return of_capture(stored, store).await;
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

/// The ids of a household's records.
struct Ids {
    id: RecordId,
    dwelling: Option<RecordId>,
    people: Vec<StoredPerson>,
}

impl Ids {
    fn captured(&self) -> Captured {
        let person = |one: &StoredPerson| CapturedPerson { id: one.id, residence: one.residence };
        let people = self.people.iter().map(person).collect();
        Captured { id: self.id, dwelling: self.dwelling, people }
    }

    fn outcome(&self) -> Outcome {
        let (id, dwelling) = (self.id, self.dwelling);
        Outcome::Household { id, dwelling, people: self.people.clone() }
    }

    /// With the words of the request in their places.
    fn created(
        self,
        request: &HouseholdRequest,
        recorded: Recorded,
        saying: Saying,
    ) -> HouseholdCreated {
        let people = request.people.iter().zip(self.people).map(|(person, ids)| PersonCreated {
            reference: Some(person.reference.clone()),
            id: ids.id,
            subject: Some(ids.subject),
            residence: ids.residence,
        });
        let (id, dwelling) = (self.id, self.dwelling);
        HouseholdCreated { id, version: 1, dwelling, people: people.collect(), recorded, saying }
    }
}

/// The request is the same, so its people stand in the same order.
fn again(
    (outcome, recorded): (Outcome, Recorded),
    request: &HouseholdRequest,
) -> Result<HouseholdCreated, OperationError> {
    let Outcome::Household { id, dwelling, people } = outcome else { return Err(UNLIKE) };
    Ok(Ids { id, dwelling, people }.created(request, recorded, Saying::Again))
}

async fn of_capture(stored: Stored, store: &Reader) -> Result<HouseholdCreated, OperationError> {
    let Stored { captured: Captured { id, dwelling, people: kept }, version, recorded, .. } =
        stored;
    let mut people = Vec::with_capacity(kept.len());
    for person in &kept {
        let subject = subject_now(person, store).await?;
        let (id, residence) = (person.id, person.residence);
        people.push(PersonCreated { reference: None, id, subject, residence });
    }
    let saying = Saying::Captured;
    Ok(HouseholdCreated { id, version, dwelling, people, recorded, saying })
}

/// One decision over all items: with one of them refused nothing is stored.
fn permit_all(
    question: &Question<'_>,
    draft: Draft,
    access: &Access,
) -> Result<Permit<Draft>, Denied> {
    let about: Vec<_> = draft
        .items()
        .iter()
        .map(|item| {
            let names: Vec<String> = item.fields.iter().map(|(name, _)| name.to_owned()).collect();
            (item.record_type, item.cell, item.facts.clone(), names)
        })
        .collect();
    let items: Vec<Item<'_>> = about
        .iter()
        .map(|(record_type, cell, facts, fields)| {
            let matter = Matter::Present {
                record_type: *record_type,
                cell: *cell,
                facts,
                versions: Some((0, 1)),
            };
            Item { matter, fields }
        })
        .collect();
    access.decide(question, &items, Vec::new(), draft)
}

fn check_shape(request: &HouseholdRequest) -> Result<(), Misplaced> {
    let count = request.people.len();
    if count > HOUSEHOLD_PEOPLE_COUNT_MAX {
        return Err(Misplaced { code: Code::TooLarge, ..Misplaced::new("people", "too_many") });
    }
    let references: Vec<&str> =
        request.people.iter().map(|person| person.reference.as_str()).collect();
    let repeated = references.iter().enumerate().any(|(at, one)| references[..at].contains(one));
    let dangling = request.people.iter().any(|person| {
        person.guardians.iter().any(|guardian| {
            !references.contains(&guardian.as_str()) || *guardian == person.reference
        })
    });
    // A link to a dwelling needs a dwelling.
    let unlinked =
        request.dwelling.is_none() && request.people.iter().any(|p| !p.residence.is_empty());
    let nameless = references.iter().any(|reference| !crate::records::is_slug(reference));
    let faults = [
        (count == 0, Misplaced::new("people", "missing")),
        (nameless, Misplaced::new("people.ref", "malformed")),
        (repeated, Misplaced::new("people.ref", "repeated")),
        (dangling, Misplaced::new("people.guardians", "wrong_reference")),
        (unlinked, Misplaced::new("dwelling", "missing")),
    ];
    match faults.into_iter().find(|(is_so, _)| *is_so) {
        Some((_, misplaced)) => Err(misplaced),
        None => Ok(()),
    }
}

async fn may_use_place(
    asked: &Asked<'_>,
    place: RecordId,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    territory: &Territory,
) -> Result<bool, OperationError> {
    let Fetched::Found(sealed) = store.fetch(place).await? else {
        // What is not there costs what a dwelling of another area costs.
        seal.rehearse()?;
        return Ok(false);
    };
    let (cell, facts) = (sealed.row().header.cell, seal.facts(&sealed)?);
    let (standing, line) = (asked.actor.standing(), facts.line.as_deref());
    Ok(sealed.row().header.record_type == RecordType::Place
        && access.may_know(standing, RecordType::Place, cell, line, false, territory, asked.now))
}

/// Takes the values out of a request whose shape is right.
fn parse(
    asked: &Asked<'_>,
    request: &mut HouseholdRequest,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Parsed, Unfit> {
    check_shape(request)?;
    let cell = cell_of(&request.grid, territory, asked).ok_or(Code::OutOfTerritory)?;
    let today = asked.now.local_date();
    let mut problems = Vec::new();
    let mut read = |record_type, item: &str, fields: &mut Map<String, Json>| {
        let schema: &Schema = schemas.get(record_type)?;
        match schema.parse_fields(std::mem::take(fields), today) {
            Ok(fields) => Some(fields),
            Err(found) => {
                problems.extend(found.into_iter().map(|problem| FieldProblem {
                    field: format!("{item}.{}", problem.field),
                    reason: problem.reason,
                }));
                None
            }
        }
    };
    let household = read(RecordType::Household, "household", &mut request.fields);
    let dwelling = match &mut request.dwelling {
        None => None,
        Some(DwellingRequest::Held(id)) => Some(Ok(*id)),
        Some(DwellingRequest::New(fields)) => read(RecordType::Place, "dwelling", fields).map(Err),
    };
    let people: Vec<Option<PlainFields>> = request
        .people
        .iter_mut()
        .map(|person| {
            let item = format!("people.{}", person.reference);
            read(RecordType::Person, &item, &mut person.fields)
        })
        .collect();
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let residences = request.people.iter().map(|person| person.residence.clone()).collect();
    Ok(Parsed {
        cell,
        household: household.unwrap_or_default(),
        dwelling,
        people: people.into_iter().flatten().collect(),
        residences,
    })
}

fn build(
    asked: &Asked<'_>,
    request: &HouseholdRequest,
    parsed: &Parsed,
    seal: &Seal,
    schemas: &SchemaSet,
    random: &dyn Random,
) -> Result<(Draft, Ids), Unfit> {
    let mut write = Build::new(asked, random);
    let plan =
        |record_type, claim| Plan { record_type, cell: parsed.cell, claim, retain_until: None };
    let schema = |record_type| schemas.get(record_type).ok_or(Code::SchemaInvalid);
    let dwelling = match &parsed.dwelling {
        None => None,
        Some(Ok(held)) => Some(*held),
        Some(Err(fields)) => {
            let plan = plan(RecordType::Place, &request.basis);
            let own = new_subject(asked, random)?;
            Some(write.add(schema(RecordType::Place)?, plan, duplicate(fields), own)?)
        }
    };
    let subjects: Vec<(SubjectId, Handle)> = request
        .people
        .iter()
        .map(|_| new_subject(asked, random).map(|subject| (subject.id, subject.handle)))
        .collect::<Result<_, _>>()?;
    let mut people = Vec::with_capacity(subjects.len());
    for at in 0..request.people.len() {
        people.push(add_person(
            &mut write, asked, request, parsed, at, dwelling, &subjects, schemas,
        )?);
    }
    let fields = household_fields(asked, parsed, dwelling, &subjects, schemas)?;
    let own = new_subject(asked, random)?;
    write.key(&own);
    let id = write.add_about(
        schema(RecordType::Household)?,
        plan(RecordType::Household, &request.basis),
        fields,
        own.id,
        subjects,
        Inherited::default(),
    )?;
    let draft = match &request.external {
        Some(reference) => write.finish().found_by(id, asked.term_of(reference, seal)),
        None => write.finish(),
    };
    Ok((draft, Ids { id, dwelling, people }))
}

/// Adds a person and its link to the dwelling.
#[expect(clippy::too_many_arguments, reason = "one item of the write and what it refers to")]
fn add_person(
    write: &mut Build<'_>,
    asked: &Asked<'_>,
    request: &HouseholdRequest,
    parsed: &Parsed,
    at: usize,
    dwelling: Option<RecordId>,
    subjects: &[(SubjectId, Handle)],
    schemas: &SchemaSet,
) -> Result<StoredPerson, Unfit> {
    let person = &request.people[at];
    let claim = person.basis.as_ref().unwrap_or(&request.basis);
    let schema = |record_type| schemas.get(record_type).ok_or(Code::SchemaInvalid);
    let plan = |record_type| Plan { record_type, cell: parsed.cell, claim, retain_until: None };
    let (subject, handle) = subjects[at];
    let fields = with_guardians(asked, request, person, &parsed.people[at], subjects, schemas)?;
    let inherited = Inherited { birthdays: protected_days(&fields), ..Inherited::default() };
    let own = || Subject { id: subject, handle, key: KeySource::New, inherited: inherited.clone() };
    let id = write
        .add(schema(RecordType::Person)?, plan(RecordType::Person), fields, own())
        .map_err(|unfit| of_person(unfit, &person.reference))?;
    let residence = match dwelling {
        None => None,
        Some(place) => {
            let mut body = parsed.residences[at].clone();
            body.insert("person".into(), json!(subject));
            body.insert("place".into(), json!(place));
            let schema = schema(RecordType::Residence)?;
            let fields = schema
                .parse_fields(body, asked.now.local_date())
                .map_err(|_| Code::SchemaInvalid)?;
            Some(write.add(schema, plan(RecordType::Residence), fields, own())?)
        }
    };
    Ok(StoredPerson { id, subject, residence })
}

/// Names the person in front of its fields.
fn of_person(unfit: Unfit, reference: &str) -> Unfit {
    match unfit {
        Unfit::Fields(problems) => Unfit::Fields(
            problems
                .into_iter()
                .map(|problem| FieldProblem {
                    field: format!("people.{reference}.{}", problem.field),
                    reason: problem.reason,
                })
                .collect(),
        ),
        other => other,
    }
}

/// A person's values with its guardians' subjects in place of their references.
fn with_guardians(
    asked: &Asked<'_>,
    request: &HouseholdRequest,
    person: &PersonRequest,
    fields: &PlainFields,
    subjects: &[(SubjectId, Handle)],
    schemas: &SchemaSet,
) -> Result<PlainFields, Code> {
    let mut fields = duplicate(fields);
    if person.guardians.is_empty() {
        return Ok(fields);
    }
    let ids: Vec<Json> = request
        .people
        .iter()
        .zip(subjects)
        .filter(|(other, _)| person.guardians.contains(&other.reference))
        .map(|(_, (id, _))| json!(id))
        .collect();
    let value = parse_one(asked, RecordType::Person, "guardians", Json::Array(ids), schemas)?;
    fields.insert("guardians".into(), value);
    Ok(fields)
}

fn household_fields(
    asked: &Asked<'_>,
    parsed: &Parsed,
    dwelling: Option<RecordId>,
    subjects: &[(SubjectId, Handle)],
    schemas: &SchemaSet,
) -> Result<PlainFields, Code> {
    let mut fields = duplicate(&parsed.household);
    let household = RecordType::Household;
    let members: Vec<Json> = subjects.iter().map(|(id, _)| json!(id)).collect();
    let members = parse_one(asked, household, "members", Json::Array(members), schemas)?;
    fields.insert("members".into(), members);
    if let Some(place) = dwelling {
        let place = parse_one(asked, household, "place", json!(place), schemas)?;
        fields.insert("place".into(), place);
    }
    Ok(fields)
}

fn parse_one(
    asked: &Asked<'_>,
    record_type: RecordType,
    name: &str,
    value: Json,
    schemas: &SchemaSet,
) -> Result<crate::records::Value, Code> {
    let field =
        schemas.get(record_type).and_then(|schema| schema.field(name)).ok_or(Code::FieldUnknown)?;
    crate::records::Value::parse(field, value, asked.now.local_date())
        .map_err(|_| Code::SchemaInvalid)
}
