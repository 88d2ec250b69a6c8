//! Stores one new record.
//! Never stores a field without purpose, basis and right, and never half a record.
//! Row, keys, index terms, listings, control records and entry are durable together.

use super::birthdays::{Following, Move, Named};
use super::capture::{Stored, keep_capture, stored_capture};
use crate::access::{Access, Ask, Code, Denied, Item, Matter, Permit, Question};
use crate::ambient::Random;
use crate::limits::STALE_ATTEMPTS_MAX;
use crate::operations::basis::{Grounds, collects_sensitive, ground};
use crate::operations::error::{Misplaced, Unfit, end, refuse, turn_away};
use crate::operations::mandate::mandate_of;
use crate::operations::once::{Saying, UNLIKE, remember, repeated};
use crate::operations::subject::{Inherited, Subject, held_subject, is_full, new_subject};
use crate::operations::{Asked, OperationError, draw};
use crate::purposes::{BasisClaim, Purpose};
use crate::records::{
    CaptureId, EndRule, ExternalRef, Facts, FieldProblem, GUARDIAN_FIELDS, Handle, PlainFields,
    ProblemReason, Reason, RecordId, RecordType, Schema, SchemaSet, SubjectId, SubjectSlot,
    days_since_epoch, protected_days,
};
use crate::seal::{Control, Draft, KeySource, NewRecord, Seal, SealError};
use crate::store::{Captured, Outcome, Reader};
use crate::territory::{CellId, GridCode, Territory};
use crate::trail::{Recorded, Refused, Trail};
use jiff::civil::Date;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A record to be stored, as the door parsed it.
pub struct CreateRequest {
    /// Its type.
    pub record_type: RecordType,
    /// The grid that it belongs to, as the caller wrote it: 16 digits or a 15-digit alias.
    pub grid: String,
    /// A subject that the caller holds, by id or link.
    pub subject: Option<String>,
    /// Its values, not yet checked against the schema.
    pub fields: Map<String, Json>,
    /// On what it is held.
    pub basis: BasisClaim,
    /// An earlier end than the purpose gives.
    pub retain_until: Option<Date>,
    /// What its maker calls it, for ever.
    pub capture: Option<CaptureId>,
    /// What the calling system calls it.
    pub external: Option<ExternalRef>,
}

/// What was stored.
pub struct Created {
    /// The record.
    pub id: RecordId,
    /// Whom it is about.
    pub subject: Option<SubjectId>,
    /// Its version: 1, or for a capture that was stored before its version now.
    pub version: u64,
    /// The entry of the creation.
    pub recorded: Recorded,
    /// Whether it was stored now.
    pub saying: Saying,
}

/// Stores the record.
///
/// # Errors
/// [`OperationError::Refused`]: `schema_invalid` and `field_unknown` with every field that is wrong,
/// `basis_missing`, `out_of_territory`, `purpose_not_for_field`, `denied`, `not_found` for a subject that the
/// caller does not hold, `too_large` for one that has as many records as a person may have, `idempotency_mismatch` for a key
/// that stands for another write, `erased` for a capture whose record was removed.
#[expect(clippy::too_many_arguments, reason = "the rooms that a creation visits, in order")]
pub async fn create_record(
    asked: &Asked<'_>,
    request: CreateRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
    random: &dyn Random,
) -> Result<Created, OperationError> {
    let capture = request.capture;
    let before = || stored_before(asked, capture, store, seal, access, trail, schemas, territory);
    if let Some(created) = before().await? {
        return Ok(created);
    }
    let mut new = match check(asked, request, schemas, territory) {
        Ok(new) => new,
        Err(unfit) => return Err(unfit.end(asked, access, trail).await),
    };
    for _ in 0..STALE_ATTEMPTS_MAX {
        let own = match &new.given {
            Some(given) => held_subject(asked, given, store, seal, access, territory).await?,
            None => Some(new_subject(asked, random)?),
        };
        let Some(own) = own else {
            return Err(turn_away(asked, access, trail, Code::NotFound).await);
        };
        let subject = is_about_a_person(new.record_type).then_some(own.id);
        // Two at once cannot both be the last: each moves the person's key, which the other rests on.
        if new.given.is_some() && is_full(own.id, store).await? {
            return Err(turn_away(asked, access, trail, Code::TooLarge).await);
        }
        let (id, draft, named) = match new.built(asked, own, subject, store, seal, random).await {
            Ok(built) => built,
            Err(unfit) => return Err(unfit.end(asked, access, trail).await),
        };
        let mandate = mandate_of(asked, store, seal).await?;
        let mandate = mandate.as_ref();
        let question = Question { mandate, ..asked.question(Ask::Create, schemas, territory) };
        let permit = match permit_one(&question, draft, &new.names, access) {
            Ok(permit) => named.in_entry(permit),
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let mut change = match seal.seal_new(&permit) {
            Ok(change) => change,
            Err(SealError::Rewrapped) => {
                new.fields = permit.into_target().into_fields();
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        remember(asked, Outcome::Created { id, subject }, &mut change);
        let captured = Captured { id, dwelling: None, people: Vec::new() };
        keep_capture(asked, capture, &captured, seal, &mut change);
        match trail.commit(permit, change).await {
            Ok(receipt) => {
                let (recorded, saying) = (receipt.recorded(), Saying::First);
                return Ok(Created { id, subject, version: 1, recorded, saying });
            }
            Err(Refused::Stale(draft)) => new.fields = draft.into_fields(),
            Err(refused) => return Err(end(refused, asked, access, trail).await),
        }
        // What made it stale may be the same write, said at the same time.
        if let Some(created) = before().await? {
            return Ok(created);
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

/// The record, if this write was done before: under the same key, or as the same capture.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits")]
async fn stored_before(
    asked: &Asked<'_>,
    capture: Option<CaptureId>,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Option<Created>, OperationError> {
    if let Some((outcome, recorded)) = repeated(asked, store, access, trail).await? {
        let Outcome::Created { id, subject } = outcome else { return Err(UNLIKE) };
        return Ok(Some(Created { id, subject, version: 1, recorded, saying: Saying::Again }));
    }
    let stored = stored_capture(asked, capture, store, seal, access, trail, schemas, territory);
    Ok(stored.await?.as_ref().map(of_capture))
}

fn of_capture(stored: &Stored) -> Created {
    let Stored { captured, subject, version, recorded } = stored;
    let saying = Saying::Captured;
    Created { id: captured.id, subject: *subject, version: *version, recorded: *recorded, saying }
}

/// A record whose form is right, with what does not change from one attempt to the next.
struct New<'a> {
    record_type: RecordType,
    schema: &'a Schema,
    cell: CellId,
    names: Vec<String>,
    fields: PlainFields,
    given: Option<String>,
    basis: BasisClaim,
    retain_until: Option<Date>,
    external: Option<ExternalRef>,
}

fn check<'a>(
    asked: &Asked<'_>,
    request: CreateRequest,
    schemas: &'a SchemaSet,
    territory: &Territory,
) -> Result<New<'a>, Unfit> {
    let CreateRequest { record_type, grid, subject, fields, basis, retain_until, external, .. } =
        request;
    let schema = schemas.get(record_type).ok_or(Code::SchemaInvalid)?;
    let cell = cell_of(&grid, territory, asked).ok_or(Code::OutOfTerritory)?;
    let names = fields.keys().cloned().collect();
    let fields = schema.parse_fields(fields, asked.now.local_date())?;
    let given = given_subject(record_type, subject, &fields)
        .map_err(|Contradiction| Misplaced::new("subject", "contradicts_the_rest"))?;
    Ok(New { record_type, schema, cell, names, fields, given, basis, retain_until, external })
}

impl New<'_> {
    /// The draft, with what is held already of a person that it is about and follows it.
    async fn built(
        &mut self,
        asked: &Asked<'_>,
        own: Subject,
        subject: Option<SubjectId>,
        store: &Reader,
        seal: &Seal,
        random: &dyn Random,
    ) -> Result<(RecordId, Draft, Named), Unfit> {
        let about = subject.filter(|_| self.given.is_some());
        let (id, draft) = self.draft(asked, own, seal, random)?;
        let (draft, named) = followed(draft, about, asked, store, seal).await?;
        Ok((id, draft, named))
    }

    /// Gives its values to a draft, which gives them back if it is not stored.
    fn draft(
        &mut self,
        asked: &Asked<'_>,
        own: Subject,
        seal: &Seal,
        random: &dyn Random,
    ) -> Result<(RecordId, Draft), Unfit> {
        let plan = Plan {
            record_type: self.record_type,
            cell: self.cell,
            claim: &self.basis,
            retain_until: self.retain_until,
        };
        let mut build = Build::new(asked, random);
        let id = build.add(self.schema, plan, std::mem::take(&mut self.fields), own)?;
        let draft = build.finish();
        let found_by = self.external.as_ref().map(|reference| asked.term_of(reference, seal));
        Ok((
            id,
            match found_by {
                Some(term) => draft.found_by(id, term),
                None => draft,
            },
        ))
    }
}

/// The draft with what is held already of a person whom it tells to be a minor; `too_large` where that is more than one change
/// carries. A patch of what is held takes as many steps as it needs.
async fn followed(
    draft: Draft,
    about: Option<SubjectId>,
    asked: &Asked<'_>,
    store: &Reader,
    seal: &Seal,
) -> Result<(Draft, Named), Unfit> {
    let moved = Move::of_new(&draft.items()[0].facts, asked.now.local_days());
    let Some((subject, moved)) = about.zip(moved) else { return Ok((draft, Named::default())) };
    let following = Following::of(subject, (None, moved), true, store, seal).await?;
    if following.left > 0 {
        return Err(Code::TooLarge.into());
    }
    let (followers, named) = following.into_parts();
    Ok((draft.followed_by(followers), named))
}

fn permit_one(
    question: &Question<'_>,
    draft: Draft,
    names: &[String],
    access: &Access,
) -> Result<Permit<Draft>, Denied> {
    let item = &draft.items()[0];
    let (record_type, cell, facts) = (item.record_type, item.cell, item.facts.clone());
    let matter = Matter::Present { record_type, cell, facts: &facts, versions: Some((0, 1)) };
    access.decide(question, &[Item { matter, fields: names }], Vec::new(), draft)
}

/// A word of the request that makes no sense.
struct Contradiction;

/// The subject that a new record is to be about, where the caller names one. A residence is about the person whom
/// it links, and a record about nobody has none.
fn given_subject(
    record_type: RecordType,
    subject: Option<String>,
    fields: &PlainFields,
) -> Result<Option<String>, Contradiction> {
    if !is_about_a_person(record_type) {
        return if subject.is_none() { Ok(None) } else { Err(Contradiction) };
    }
    if record_type != RecordType::Residence {
        return Ok(subject);
    }
    let person = fields
        .get("person")
        .and_then(|person| person.as_text())
        .map(|person| person.expose_for(Reason::Validation).clone());
    match (subject, person) {
        (Some(subject), Some(person)) if subject != person => Err(Contradiction),
        (_, person) => Ok(person),
    }
}

/// Person and residence are about a person; every other record is its own subject.
pub(super) fn is_about_a_person(record_type: RecordType) -> bool {
    matches!(record_type, RecordType::Person | RecordType::Residence)
}

/// The cell of a grid that the caller names, if there is such a grid now.
pub(super) fn cell_of(grid: &str, territory: &Territory, asked: &Asked<'_>) -> Option<CellId> {
    let code: GridCode = territory.resolve(grid, asked.now.0).ok()?;
    territory.cell_for_new_record(&code, asked.now.0)
}

/// A copy for the next attempt.
pub(super) fn duplicate(fields: &PlainFields) -> PlainFields {
    fields.iter().map(|(name, value)| (name.to_owned(), value.duplicate())).collect()
}

/// Where a record goes and on what it is held.
pub(super) struct Plan<'a> {
    pub(in crate::operations) record_type: RecordType,
    pub(in crate::operations) cell: CellId,
    pub(in crate::operations) claim: &'a BasisClaim,
    pub(in crate::operations) retain_until: Option<Date>,
}

/// A write that is being put together.
pub(super) struct Build<'a> {
    asked: &'a Asked<'a>,
    random: &'a dyn Random,
    items: Vec<NewRecord>,
    keys: BTreeMap<SubjectId, KeySource>,
    controls: Vec<Control>,
}

impl<'a> Build<'a> {
    pub(super) fn new(asked: &'a Asked<'a>, random: &'a dyn Random) -> Build<'a> {
        Build { asked, random, items: Vec::new(), keys: BTreeMap::new(), controls: Vec::new() }
    }

    /// Adds a record about `own`, or with `own` as its own key where it is about nobody.
    pub(super) fn add(
        &mut self,
        schema: &Schema,
        plan: Plan<'_>,
        fields: PlainFields,
        own: Subject,
    ) -> Result<RecordId, Unfit> {
        let personal = is_about_a_person(plan.record_type);
        let about = if personal { vec![(own.id, own.handle)] } else { Vec::new() };
        self.keys.entry(own.id).or_insert(own.key);
        let known = if personal { own.inherited } else { Inherited::default() };
        self.add_about(schema, plan, fields, own.id, about, known)
    }

    /// Brings a subject's key into the write.
    pub(super) fn key(&mut self, own: &Subject) {
        self.keys.insert(own.id, KeySource::New);
    }

    /// Adds a record whose own key is already among the write's, about these people.
    pub(super) fn add_about(
        &mut self,
        schema: &Schema,
        plan: Plan<'_>,
        fields: PlainFields,
        own: SubjectId,
        about: Vec<(SubjectId, Handle)>,
        known: Inherited,
    ) -> Result<RecordId, Unfit> {
        let mut facts = self.facts(schema, &plan, &fields, &about, known.birthdays)?;
        facts.protected_address = known.protected;
        known.restraints.into_iter().for_each(|kept| facts.restrain(kept));
        let mut subjects = vec![(SubjectSlot::Own, own)];
        for part in schema.sections() {
            let known = subjects.iter().any(|(slot, _)| *slot == part.subject);
            let used = || schema.fields_of(&part.name).any(|f| fields.get(&f.name).is_some());
            if !known && used() {
                let other = new_subject(self.asked, self.random)?;
                facts.subject_handles.push((*other.id.as_bytes(), other.handle));
                subjects.push((part.subject.clone(), other.id));
                self.keys.insert(other.id, KeySource::New);
            }
        }
        let today = self.asked.now.local_days();
        let sensitive = collects_sensitive(schema, &fields);
        let under_14 = facts.is_under_14(today);
        let Grounds { fact, controls } =
            ground(self.asked, plan.claim, under_14, sensitive, facts.record_handle, self.random)?;
        check_guardian(self.asked, plan.record_type, under_14, &fields)?;
        facts.bases.push(fact);
        self.controls.extend(controls);
        let id = draw::record_id(self.asked.now, self.random)?;
        self.items.push(NewRecord {
            id,
            record_type: plan.record_type,
            cell: plan.cell,
            fields,
            facts: Arc::new(facts),
            subjects,
        });
        Ok(id)
    }

    fn facts(
        &self,
        schema: &Schema,
        plan: &Plan<'_>,
        fields: &PlainFields,
        about: &[(SubjectId, Handle)],
        known_birthdays: Option<(i32, i32)>,
    ) -> Result<Facts, Unfit> {
        let today = self.asked.now.local_date();
        let latest = self.asked.purpose.retention.retain_until(today);
        let ends = match plan.retain_until {
            Some(asked) if asked > latest || asked <= today => {
                return Err(Misplaced::new("retain_until", "out_of_range").into());
            }
            Some(asked) => asked,
            None => latest,
        };
        let rule = EndRule::new(schema.retention(), [Some(self.asked.purpose.retention)]);
        let told = schema.moment_in(fields);
        // What is over already, or nearly, is not stored any more.
        if told.is_some_and(|moment| rule.is_over_soon(moment, days_since_epoch(today))) {
            return Err(schema.already_over().into());
        }
        let ends = told.map_or(ends, |moment| rule.ends_on(moment).min(ends));
        // A child is one in every record about it, whatever date this one states.
        let birthdays = protected_days(fields).max(known_birthdays);
        let turns_18 = birthdays.map(|(_, turns_18)| turns_18);
        let ends = ends.min(self.asked.purpose.retention.retain_minor_until(today, turns_18));
        Ok(Facts {
            turns_14: birthdays.map(|(turns_14, _)| turns_14),
            turns_18,
            restricted: false,
            legal_hold: false,
            line: None,
            bases: Vec::new(),
            withdrawn: Vec::new(),
            restraints: Vec::new(),
            own_end: None,
            fields_end: None,
            record_handle: draw::handle(self.random)?,
            subject_handles: about.iter().map(|(id, handle)| (*id.as_bytes(), *handle)).collect(),
            protected_address: false,
            retain_until: Some(days_since_epoch(ends)),
        })
    }

    pub(super) fn finish(self) -> Draft {
        Draft::new(self.items, self.keys, self.controls, self.asked.now)
    }
}

/// Whether a record of the type names a child's guardian under the purpose: where that lists a field for one.
pub(super) fn asks_for_guardian(purpose: &Purpose, record_type: RecordType) -> bool {
    let lists = |name: &&str| purpose.lists(RecordType::Person, name);
    record_type == RecordType::Person && GUARDIAN_FIELDS.iter().any(lists)
}

/// A child under 14 is written together with its guardian (PIPL Art. 31), wherever the purpose lists one.
fn check_guardian(
    asked: &Asked<'_>,
    record_type: RecordType,
    under_14: bool,
    fields: &PlainFields,
) -> Result<(), Unfit> {
    let named = GUARDIAN_FIELDS.iter().any(|name| fields.get(name).is_some());
    if under_14 && !named && asks_for_guardian(asked.purpose, record_type) {
        return Err(vec![FieldProblem::new("guardians", ProblemReason::Missing)].into());
    }
    Ok(())
}
