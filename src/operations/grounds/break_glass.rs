//! Emergency access: what an urgent event names is opened for minutes, told to those above, and reviewed by somebody else
//! (`review_glass`).
//! Never a value by itself: it opens a case, and each look inside it is a decision and an entry of its own.
//! Whoever has a review that is late opens nothing more this way; its daily work goes on.

use super::urgent_scope::{Event, dwellings_of, event_of};
use crate::access::{
    Access, ActorId, Ask, Code, EmergencyGiven, EmergencyTerms, Fact, Item, Question, Tier,
    TierTerms,
};
use crate::ambient::{Micros, Random};
use crate::identity::Directory;
use crate::limits::{
    APPROVAL_WAIT_SECONDS, EMERGENCIES_LISTED_COUNT_MAX, RECORDS_FOR_PERSON_COUNT,
    STALE_ATTEMPTS_MAX,
};
use crate::operations::error::{after, refuse, turn_away};
use crate::operations::mandate::{begun, unreviewed};
use crate::operations::scope::{Named, Seen, handles};
use crate::operations::{Asked, OperationError, draw};
use crate::records::{MandateId, RecordId, SchemaSet, SubjectId};
use crate::seal::{Emergency, MandateRecord, MandateState, Nature, Seal};
use crate::store::Reader;
use crate::territory::Territory;
use crate::trail::{Recorded, Refused, Trail};

/// What is to be opened.
pub struct BreakGlassRequest {
    /// How far it reaches.
    pub tier: Tier,
    /// The urgent event.
    pub event: RecordId,
    /// Dwellings beside those that the event names; for the wider tier alone.
    pub places: Vec<RecordId>,
}

/// An emergency access that was opened, or asked for.
pub struct BrokenGlass {
    /// Its id: the case under which its holder reads.
    pub id: MandateId,
    /// Whether it is open already.
    pub open: bool,
    /// First moment at which it opens nothing more, or waits no longer.
    pub until: Micros,
    /// Until when somebody else is to review it.
    pub review_by: Micros,
    /// The fields that it opens.
    pub fields: Vec<String>,
    /// The dwellings that it reaches.
    pub places: Vec<RecordId>,
    /// The people who live there: each as a subject, with its record as a person. Nobody as long as it is not open.
    pub people: Vec<(SubjectId, RecordId)>,
    /// The entry.
    pub recorded: Recorded,
}

/// The rooms that an emergency access visits.
pub struct Urgency<'a> {
    /// The store.
    pub store: &'a Reader,
    /// The seal.
    pub seal: &'a Seal,
    /// Which accounts are one person's.
    pub directory: &'a Directory,
    /// Who may.
    pub access: &'a Access,
    /// The one door for change.
    pub trail: &'a Trail,
}

/// Opens an emergency access, or asks a second person for a wider one.
///
/// # Errors
/// `denied` for a role without the tier, for another purpose, and for dwellings of one's own naming in the tier that one has
/// alone; `review_overdue` while an earlier one was not reviewed in time; `not_found` for an event that the caller may not know
/// of; `case_required` for one that is not urgent, is over, or names no dwelling; `too_large` for more than the tier reaches;
/// `rate_limited` when it was opened too often.
pub async fn break_glass(
    asked: &Asked<'_>,
    request: BreakGlassRequest,
    rooms: &Urgency<'_>,
    schemas: &SchemaSet,
    territory: &Territory,
    random: &dyn Random,
) -> Result<BrokenGlass, OperationError> {
    let Urgency { seal, access, trail, .. } = *rooms;
    let (terms, review_hours) = admitted(asked, &request, rooms).await?;
    let id = draw::mandate_id(asked.now, random)?;
    let question = asked.question(Ask::Read, schemas, territory);
    let event = event_of(asked, &question, id, request.event, rooms).await?;
    let Some(event) = event else {
        return Err(turn_away(asked, access, trail, Code::CaseRequired).await);
    };
    for _ in 0..STALE_ATTEMPTS_MAX {
        let over = EmergencyTerms { id, tier: request.tier };
        let scope = scope_of(asked, &request, &question, &over, &terms, &event, rooms).await?;
        let items: Vec<Item<'_>> = scope.iter().map(Seen::item).collect();
        let target = Named::over(id, &scope);
        let (permit, given) = match access.decide_emergency(&question, &over, &items, target) {
            Ok(decided) => decided,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let reached = taken(scope, &given.reached);
        let record = record_of(asked, &request, &terms, review_hours, &given, &reached);
        let review_by =
            record.emergency().map_or(Micros(record.until), |it| it.review_by(record.until));
        let permit = permit
            .stating("until", moment(record.until))
            .stating("review_by", moment(review_by.0))
            .concerning(vec![event.handle], Vec::new());
        let change = begun(id, &record, seal)?;
        match trail.commit(permit, change).await {
            Ok(receipt) => {
                return Ok(opened(id, &record, review_by, &reached, receipt.recorded()));
            }
            // How often is no number of people: it is not the limit that a second person raises.
            Err(Refused::Limit(_)) => {
                return Err(turn_away(asked, access, trail, Code::RateLimited).await);
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

/// What is to be opened as it is now. Decided over the dwellings first, so that nobody whose post reaches none of them hears how
/// many live there.
async fn scope_of(
    asked: &Asked<'_>,
    request: &BreakGlassRequest,
    question: &Question<'_>,
    over: &EmergencyTerms,
    terms: &TierTerms,
    event: &Event,
    rooms: &Urgency<'_>,
) -> Result<Vec<Seen>, OperationError> {
    let Urgency { store, seal, access, trail, .. } = *rooms;
    let tier = (request.tier, terms);
    let Some(dwellings) = dwellings_of(event, &request.places, tier, store, seal).await? else {
        return Err(turn_away(asked, access, trail, Code::CaseRequired).await);
    };
    let given = match access.decide_emergency(question, over, &dwellings.items(), ()) {
        Ok((_decided_again, given)) => given,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    let (today, schemas) = (asked.now.local_days(), question.schemas);
    match dwellings.with_people(&given.reached, today, store, seal, schemas).await? {
        Some(scope) => Ok(scope),
        None => Err(turn_away(asked, access, trail, Code::TooLarge).await),
    }
}

/// The terms for whoever may open anything now.
async fn admitted(
    asked: &Asked<'_>,
    request: &BreakGlassRequest,
    rooms: &Urgency<'_>,
) -> Result<(TierTerms, u32), OperationError> {
    let Urgency { store, seal, access, trail, .. } = *rooms;
    let standing = asked.actor.standing();
    let terms = match access.check_emergency(standing, request.tier, asked.origin, asked.now) {
        Ok(terms) => terms,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    if request.tier == Tier::Alone && !request.places.is_empty() {
        return Err(turn_away(asked, access, trail, Code::Denied).await);
    }
    if is_locked(standing.actor, asked.now, store, seal).await? {
        return Err(turn_away(asked, access, trail, Code::ReviewOverdue).await);
    }
    Ok(terms)
}

/// Whether somebody has an emergency access whose review is late.
pub(super) async fn is_locked(
    actor: ActorId,
    now: Micros,
    store: &Reader,
    seal: &Seal,
) -> Result<bool, OperationError> {
    let own = unreviewed(actor.as_bytes(), EMERGENCIES_LISTED_COUNT_MAX, store, seal).await?;
    Ok(own.iter().any(|kept| kept.record.holder == actor && kept.record.is_overdue(now)))
}

/// What of the scope the post reaches, by its places in ascending order.
fn taken(scope: Vec<Seen>, reached: &[usize]) -> Vec<Seen> {
    let with_places = scope.into_iter().enumerate();
    with_places.filter(|(at, _)| reached.contains(at)).map(|(_, seen)| seen).collect()
}

fn record_of(
    asked: &Asked<'_>,
    request: &BreakGlassRequest,
    terms: &TierTerms,
    review_hours: u32,
    given: &EmergencyGiven,
    reached: &[Seen],
) -> MandateRecord {
    let (mut records, subjects) = handles(reached);
    let budget = records.len() + subjects.len() * RECORDS_FOR_PERSON_COUNT;
    // Its holder reads record by record: those of the people stand behind the dwellings.
    records.extend(reached.iter().filter(|seen| seen.subject.is_some()).filter_map(own_record));
    let seconds = terms.minutes * 60;
    let alone = request.tier == Tier::Alone;
    let state = if alone { MandateState::Open } else { MandateState::Asked };
    let lasts = if alone { i64::from(seconds) } else { APPROVAL_WAIT_SECONDS };
    let emergency = Emergency {
        tier: request.tier,
        event: request.event,
        places: given.places.iter().map(|place| *place.as_bytes()).collect(),
        review_seconds: review_hours * 3_600,
        review: None,
    };
    MandateRecord {
        emergency: true,
        purpose: asked.purpose.id.as_str().to_owned(),
        fields: given.fields.clone(),
        records,
        subjects,
        until: asked.now.0.saturating_add(lasts * 1_000_000),
        budget: u32::try_from(budget).unwrap_or(u32::MAX),
        role: given.role.as_str().to_owned(),
        waits_at: (!alone).then(|| *given.waits_at.as_bytes()),
        seconds,
        nature: Some(Nature::Emergency(emergency)),
        ..MandateRecord::blank(state, asked.actor.standing().actor, asked.now)
    }
}

fn own_record(seen: &Seen) -> Option<(RecordId, [u8; 16])> {
    let (_, facts) = seen.found.as_ref()?;
    Some((seen.record, *facts.record_handle.as_bytes()))
}

fn opened(
    id: MandateId,
    record: &MandateRecord,
    review_by: Micros,
    reached: &[Seen],
    recorded: Recorded,
) -> BrokenGlass {
    let open = record.state == MandateState::Open;
    // Who lives there is told once it is open: asking alone tells nobody anything.
    let people = reached.iter().filter(|_| open);
    let places = reached.iter().filter(|seen| seen.subject.is_none());
    BrokenGlass {
        id,
        open,
        until: Micros(record.until),
        review_by,
        fields: record.fields.clone(),
        places: places.map(|seen| seen.record).collect(),
        people: people.filter_map(|seen| Some((seen.subject?, seen.record))).collect(),
        recorded,
    }
}

pub(super) fn moment(micros: i64) -> Fact {
    Fact::Number(u64::try_from(micros).unwrap_or(0))
}
