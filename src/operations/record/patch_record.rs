//! Changes fields of one record.
//! Never shows what was there: the merge is closed, and the answer is a version.
//! A caller that saw another version is told so, and changes nothing. What else is held of a child is a child's with its date.

use super::birthdays::{Following, Move, Named};
use super::create_record::{asks_for_guardian, duplicate};
use super::patch_basis::{Changed, basis_of, rests_on_its_own};
use super::read_record::absence;
use crate::access::{Access, Ask, Code, Item, Question};
use crate::ambient::{Micros, NoRandomness, Random};
use crate::operations::basis::{Grounds, collects_sensitive};
use crate::operations::error::{Unfit, end, refuse, turn_away, turn_away_fields, turn_away_named};
use crate::operations::leaving::fields_end;
use crate::operations::mandate::mandate_of;
use crate::operations::once::{Saying, UNLIKE, remember, repeated};
use crate::operations::scope::Weighed;
use crate::operations::steps::Steps;
use crate::operations::subject::holds_of;
use crate::operations::{Asked, OperationError, draw};
use crate::purposes::{BasisClaim, HeldFor, PurposeSet};
use crate::records::{
    BIRTH_DATE, BasisFact, EndRule, Facts, FieldProblem, GUARDIAN_FIELDS, Handle, ParsedPatch,
    ProblemReason, RecordId, RecordType, Retention, Schema, SchemaSet, SubjectId, SubjectSlot,
    days_since_epoch, protected_days,
};
use crate::seal::{Birthdays, Demands, Ending, FieldsEnd, Patch, Revision, Seal, SealError};
use crate::store::{Fetched, Outcome, Reader, Row, Sealed};
use crate::territory::Territory;
use crate::trail::{Recorded, Refused, Trail};
use serde_json::{Map, Value as Json};

/// A change to be made.
pub struct PatchRequest {
    /// The record.
    pub id: RecordId,
    /// The version that the caller saw.
    pub version: u64,
    /// A merge patch (RFC 7396) over the fields.
    pub fields: Map<String, Json>,
    /// A further basis, where one is needed or given.
    pub basis: Option<BasisClaim>,
}

/// What was changed.
pub struct Patched {
    /// The record's version now.
    pub version: u64,
    /// The entry.
    pub recorded: Recorded,
    /// Whether it was changed now.
    pub saying: Saying,
}

/// Changes the record.
///
/// # Errors
/// As for a creation; `version_conflict` when the record has another version, and `not_found` before all else
/// for a caller that may not know of it. `too_large` for a correction that brings the days of a child's protection nearer in more other
/// records than one entry names (`BIRTHDAY_RECORDS_COUNT_MAX`): it would be written in none of them.
#[expect(clippy::too_many_arguments, reason = "the rooms that a change visits, in order")]
pub async fn patch_record(
    asked: &Asked<'_>,
    request: PatchRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    purposes: &PurposeSet,
    territory: &Territory,
    random: &dyn Random,
) -> Result<Patched, OperationError> {
    if let Some(before) = repeated(asked, store, access, trail).await? {
        return again(before);
    }
    let names: Vec<String> = request.fields.keys().cloned().collect();
    let (mut steps, mut version) = (Steps::default(), request.version);
    while steps.go_on() {
        let mandate = mandate_of(asked, store, seal).await?;
        let mandate = mandate.as_ref();
        let question = Question { mandate, ..asked.question(Ask::Update, schemas, territory) };
        let seen =
            look(asked, &question, (request.id, version), &names, store, seal, access, trail);
        let (sealed, facts) = seen.await?;
        let item = Weighed::of(&sealed, facts);
        let items = [Item { fields: &names, ..item.item() }];
        let facts = &item.facts;
        let schema = schemas.get(item.record_type).ok_or(UNKNOWN_TYPE)?;
        let by_itself = request.basis.is_some()
            && rests_on_its_own(facts, asked.purpose.id.as_str(), store).await?;
        let held = (&sealed, facts, by_itself);
        let patch = match prepare(asked, &question, &request, schema, held, purposes, random) {
            Ok(patch) => patch,
            Err(unfit) => return Err(unfit.end(asked, access, trail).await),
        };
        let (revision, named, left) =
            match revision_of(asked, sealed, facts, patch, store, seal).await {
                Ok(revision) => revision,
                Err(unfit) => return Err(unfit.end(asked, access, trail).await),
            };
        let permit = match access.decide(&question, &items, Vec::new(), revision) {
            Ok(permit) => named.in_entry(permit),
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let mut change = match seal.merge(&permit) {
            Ok(change) => change,
            Err(error) => return Err(unmerged(error, asked, access, trail).await),
        };
        if left == 0 {
            remember(asked, Outcome::Changed { version: version + 1 }, &mut change);
        }
        match trail.commit(permit, change).await {
            Ok(receipt) if left == 0 => {
                let (recorded, saying) = (receipt.recorded(), Saying::First);
                return Ok(Patched { version: version + 1, recorded, saying });
            }
            // A crash here leaves some records of a child marked and nothing of the patch: whoever says it again goes on.
            Ok(_) => {
                version += 1;
                steps.went_on();
            }
            Err(Refused::Stale(_)) => steps.went_stale(),
            Err(refused) => return Err(end(refused, asked, access, trail).await),
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

/// The record as it is now, for a caller that may change these fields of it and saw this version.
#[expect(clippy::too_many_arguments, reason = "what is looked at, and the rooms that it visits")]
async fn look(
    asked: &Asked<'_>,
    question: &Question<'_>,
    (id, version): (RecordId, u64),
    names: &[String],
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
) -> Result<(Sealed, Facts), OperationError> {
    let sealed = match store.fetch(id).await? {
        Fetched::Found(sealed) => sealed,
        absent => return Err(absence(absent, question, names, seal, access, trail).await),
    };
    let facts = seal.facts(&sealed).map_err(|error| asked.met.unread(&sealed, error))?;
    let seen = Weighed::of(&sealed, facts);
    let item = Item { fields: names, ..seen.item() };
    // Who may not know of the record learns nothing of its version or of the patch's faults.
    if let Err(denied) = access.decide(question, &[item], Vec::new(), ()) {
        return Err(refuse(trail, denied).await);
    }
    if sealed.version().0 != version {
        return Err(turn_away(asked, access, trail, Code::VersionConflict).await);
    }
    Ok((sealed, seen.facts))
}

const UNKNOWN_TYPE: OperationError = OperationError::Internal("a stored record has no schema");

fn again((outcome, recorded): (Outcome, Recorded)) -> Result<Patched, OperationError> {
    let Outcome::Changed { version } = outcome else { return Err(UNLIKE) };
    Ok(Patched { version, recorded, saying: Saying::Again })
}

/// The end where the patch names a part of somebody who was erased, where the record is not as the patch demands, or where nothing can
/// be opened.
async fn unmerged(
    error: SealError,
    asked: &Asked<'_>,
    access: &Access,
    trail: &Trail,
) -> OperationError {
    match error {
        SealError::KeyMissing => turn_away(asked, access, trail, Code::Erased).await,
        SealError::NotHeld { fields } => {
            let code = Code::PurposeNotForField;
            turn_away_named(asked, access, trail, code, fields, "not_held").await
        }
        SealError::GuardianMissing => {
            let missing = FieldProblem::new(GUARDIAN_FIELDS[0], ProblemReason::Missing);
            turn_away_fields(asked, access, trail, vec![missing]).await
        }
        other => other.into(),
    }
}

/// The patch with its record, with the named people who may go with their last part, and with what else is held of the record's own
/// subject and takes its days; what the entry says of that, and how much of it is left. Of more than one change carries each step
/// marks as many and leaves the record as it is, so the date is not there before all is marked; and none marks any for a patch that
/// the record refuses.
async fn revision_of(
    asked: &Asked<'_>,
    sealed: Sealed,
    facts: &Facts,
    patch: Patch,
    store: &Reader,
    seal: &Seal,
) -> Result<(Revision, Named, usize), Unfit> {
    let header = &sealed.row().header;
    let holds = holds_of(header.subjects.get(1..).unwrap_or_default(), store).await?;
    let moved = Move::of(patch.birthdays, facts, asked.now.local_days());
    let Some((moved, own)) = moved.zip(header.subjects.first().copied()) else {
        return Ok((Revision::new(sealed, patch, holds), Named::default(), 0));
    };
    let following = Following::of(own, (Some(header.id), moved), false, store, seal).await?;
    if following.is_too_large() {
        return Err(Code::TooLarge.into());
    }
    let left = following.left;
    let (patch, whole) =
        if left == 0 { (patch, None) } else { (Patch::blank(asked.now), Some(patch)) };
    let (followers, named) = following.into_parts();
    let revision = Revision::new(sealed, patch, holds).followed_by(Some(followers));
    Ok((revision.in_front_of(whole), named, left))
}

fn prepare(
    asked: &Asked<'_>,
    question: &Question<'_>,
    request: &PatchRequest,
    schema: &Schema,
    (sealed, facts, by_itself): (&Sealed, &Facts, bool),
    purposes: &PurposeSet,
    random: &dyn Random,
) -> Result<Patch, Unfit> {
    let row = sealed.row();
    let parsed = schema.parse_patch(request.fields.clone(), asked.now.local_date())?;
    if request.fields.keys().any(|name| is_kept(schema, facts, name)) {
        return Err(Code::Restricted.into());
    }
    let today = asked.now.local_days();
    let agreed = question.mandate.is_some_and(|mandate| {
        mandate.agrees_to(question, row.header.record_type, facts, BIRTH_DATE)
    });
    let birthdays = changed_birthdays(&parsed, facts, agreed, today);
    let under_14 = match birthdays {
        Birthdays::Set(turns_14, _) => today < turns_14,
        Birthdays::Kept | Birthdays::Carried(..) | Birthdays::Forgotten => facts.is_under_14(today),
    };
    let drawn = draw_slots(asked, schema, row, &parsed, random)?;
    let changed = Changed {
        asked,
        facts,
        sensitive: collects_sensitive(schema, &parsed.set),
        under_14,
        by_itself,
        personal: !facts.subject_handles.is_empty() || !drawn.is_empty(),
        removes: parsed.set.is_empty() && !parsed.remove.is_empty(),
    };
    let grounds = basis_of(&changed, request.basis.as_ref(), random)?;
    let (basis, controls) = match grounds {
        Some(Grounds { fact, controls }) => (Some(fact), controls),
        None => (None, Vec::new()),
    };
    // What a withdrawal took forward comes back with another basis, as far as this purpose allows.
    let retention = asked.purpose.retention;
    let latest = retention.retain_minor_until(asked.now.local_date(), facts.turns_18);
    let latest_end = basis.as_ref().map(|_| days_since_epoch(latest));
    let fields_end = fields_end_with(basis.as_ref(), schema, row, facts, purposes);
    let ending = ending(schema, row, facts, basis.as_ref(), purposes);
    let told = ending.as_ref().zip(schema.moment_in(&parsed.set));
    // What would be over at once is removed by whoever may: neither a slip of the year nor a false day takes it away unseen.
    if told.is_some_and(|(end, moment)| end.rule.is_over_soon(moment, today)) {
        return Err(schema.already_over().into());
    }
    let demands = demands(asked, row.header.record_type);
    Ok(Patch {
        set: duplicate(&parsed.set),
        remove: parsed.remove,
        basis,
        latest_end,
        ending,
        fields_end,
        demands,
        birthdays,
        drawn,
        controls,
        ..Patch::blank(asked.now)
    })
}

/// Whether a field lies in the part of somebody that a law keeps. With its last value the part would go, and what keeps it with it.
fn is_kept(schema: &Schema, facts: &Facts, name: &str) -> bool {
    let section = schema.field(name).and_then(|field| schema.section_of(field));
    section.is_some_and(|section| facts.keeps(&section.subject))
}

/// When fields go once a basis is there: what its purpose lists stays.
fn fields_end_with(
    basis: Option<&BasisFact>,
    schema: &Schema,
    row: &Row,
    facts: &Facts,
    purposes: &PurposeSet,
) -> FieldsEnd {
    let Some(basis) = basis else { return FieldsEnd::Kept };
    let held = HeldFor::with(facts, &basis.purpose);
    FieldsEnd::Set(fields_end(&held, schema, row, facts.retain_until, purposes))
}

/// What the change demands of the record as it is held: where something is only put right, nothing is added; and a child keeps a
/// guardian, and gets one, wherever the purpose lists one (PIPL Art. 31).
fn demands(asked: &Asked<'_>, record_type: RecordType) -> Demands {
    Demands {
        only_held: asked.purpose.corrects,
        guardian: asks_for_guardian(asked.purpose, record_type),
    }
}

/// How the end follows the moment that a field tells: by the purposes that the record is held for, with the one that a basis brings.
/// Whoever corrects the moment may do so under one that it is not held for: that gives leave to write and no end. While no moment is
/// told, the record ends as its creation said: when the purpose lets it end that it was stored for.
fn ending(
    schema: &Schema,
    row: &Row,
    facts: &Facts,
    brought: Option<&BasisFact>,
    purposes: &PurposeSet,
) -> Option<Ending> {
    schema.moment_field()?;
    let period =
        |held: &BasisFact| -> Option<Retention> { Some(purposes.get(&held.purpose)?.retention) };
    let rule =
        |held: Vec<&BasisFact>| EndRule::new(schema.retention(), held.into_iter().map(period));
    let others = |held: &&BasisFact| brought.is_none_or(|new| new.purpose != held.purpose);
    let live = facts.bases.iter().filter(|held| !facts.is_withdrawn(held)).filter(others);
    let live: Vec<&BasisFact> = live.chain(brought).collect();
    let all: Vec<&BasisFact> = facts.bases.iter().collect();
    let stored = Micros(row.header.id.unix_millis().saturating_mul(1_000)).local_date();
    let latest = facts.bases.first().and_then(period);
    Some(Ending {
        // What rests on nothing any more keeps the rule that it had.
        rule: rule(if live.is_empty() { all.clone() } else { live }),
        former: rule(all),
        latest: latest
            .map(|first| days_since_epoch(first.retain_minor_until(stored, facts.turns_18))),
    })
}

/// What the patch does to the days on which the subject turns 14 and 18, beside what the number that is held says, which is
/// looked at where the sections are open. A minor stays one when a date is taken away or another is written: one person
/// alone moves the days of its protection only away. An error is put right inside a task that a second person agreed to.
fn changed_birthdays(parsed: &ParsedPatch, facts: &Facts, agreed: bool, today: i32) -> Birthdays {
    let states_date = parsed.set.get(BIRTH_DATE).is_some();
    match protected_days(&parsed.set) {
        Some((turns_14, turns_18)) if states_date && (agreed || !facts.is_minor(today)) => {
            Birthdays::Set(turns_14, turns_18)
        }
        Some((turns_14, turns_18)) => Birthdays::Set(
            facts.turns_14.map_or(turns_14, |known| known.max(turns_14)),
            facts.turns_18.map_or(turns_18, |known| known.max(turns_18)),
        ),
        None if parsed.remove.contains(BIRTH_DATE) && !facts.is_minor(today) => {
            Birthdays::Forgotten
        }
        None => Birthdays::Kept,
    }
}

/// Subjects for slots that the patch fills and the record does not have yet.
fn draw_slots(
    asked: &Asked<'_>,
    schema: &Schema,
    row: &Row,
    parsed: &ParsedPatch,
    random: &dyn Random,
) -> Result<Vec<(SubjectSlot, SubjectId, Handle)>, NoRandomness> {
    let mut drawn: Vec<(SubjectSlot, SubjectId, Handle)> = Vec::new();
    for part in schema.sections().iter().filter(|part| part.subject != SubjectSlot::Own) {
        let filled = schema.fields_of(&part.name).any(|f| parsed.set.get(&f.name).is_some());
        let there = row.sections.iter().any(|section| {
            schema.section(&section.name).is_some_and(|held| held.subject == part.subject)
        });
        if filled && !there && !drawn.iter().any(|(slot, ..)| *slot == part.subject) {
            let subject = draw::subject_id(asked.now, random)?;
            drawn.push((part.subject.clone(), subject, draw::handle(random)?));
        }
    }
    Ok(drawn)
}
