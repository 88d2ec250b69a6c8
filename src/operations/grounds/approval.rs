//! The second person: somebody asks for one look at one record, somebody else says yes or no, and the look is used up.
//! Never a value to whoever decides: it sees who asks, under which role, for which record and fields, and for how long.
//! A task that waits for a second person is decided the same way.

use super::break_glass::is_locked;
use crate::access::{
    Access, ActorId, Ask, Asking, Code, Fact, Item, MandateAct, Origin, Permit, Written,
};
use crate::ambient::{Micros, Random};
use crate::identity::{Actor, Directory};
use crate::limits::{
    APPROVAL_MINUTES_MAX, APPROVAL_WAIT_SECONDS, APPROVALS_LISTED_COUNT_MAX, STALE_ATTEMPTS_MAX,
};
use crate::operations::describe::{Nothing, ended};
use crate::operations::error::{Misplaced, after, refuse, turn_away, turn_away_at};
use crate::operations::mandate::{Kept, Listing, begun, kept_mandate, listed, moved};
use crate::operations::scope::{Named, Seen, handles, look};
use crate::operations::{Asked, OperationError, draw};
use crate::records::{MandateId, RecordId, SchemaSet};
use crate::seal::{MandateRecord, MandateState, Nature, Seal};
use crate::store::Reader;
use crate::territory::Territory;
use crate::trail::{Recorded, Refused, Trail};

/// One look that somebody asks for.
pub struct ApprovalRequest {
    /// The record.
    pub record: RecordId,
    /// The fields.
    pub fields: Vec<String>,
    /// How long it stays open from the yes on.
    pub minutes: u32,
    /// Number of the document, for an official request.
    pub document: Option<String>,
}

/// Asks a second person.
///
/// # Errors
/// `schema_invalid` for no minutes or too many; `rate_limited` for whoever asked too often; else as [`Access::decide_asking`].
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn ask_approval(
    asked: &Asked<'_>,
    request: ApprovalRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
    random: &dyn Random,
) -> Result<(MandateId, Recorded), OperationError> {
    if !(1..=APPROVAL_MINUTES_MAX).contains(&request.minutes) {
        let misplaced = Misplaced::new("minutes", "out_of_range");
        return Err(turn_away_at(
            Some(asked.actor.standing()),
            asked.origin,
            access,
            trail,
            misplaced,
        )
        .await);
    }
    let id = draw::mandate_id(asked.now, random)?;
    let question = asked.question(Ask::Read, schemas, territory);
    for _ in 0..STALE_ATTEMPTS_MAX {
        let scope = look(&[request.record], &[], store, seal).await?;
        let items: Vec<Item<'_>> = scope.iter().map(Seen::item).collect();
        let target = Named::over(id, &scope);
        let decided = access.decide_asking(&question, id, &request.fields, &items, target);
        let (permit, place) = match decided {
            Ok(decided) => decided,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let role = permit.account().role.as_ref().map_or("", |role| role.as_str()).to_owned();
        let (records, subjects) = handles(&scope);
        let record = MandateRecord {
            purpose: asked.purpose.id.as_str().to_owned(),
            fields: request.fields.clone(),
            records,
            subjects,
            until: asked.now.0.saturating_add(APPROVAL_WAIT_SECONDS * 1_000_000),
            budget: 1,
            single_use: true,
            role,
            waits_at: Some(*place.as_bytes()),
            seconds: request.minutes * 60,
            document: request.document.clone(),
            ..MandateRecord::blank(MandateState::Asked, asked.actor.standing().actor, asked.now)
        };
        let change = begun(id, &record, seal)?;
        match trail.commit(permit, change).await {
            Ok(receipt) => return Ok((id, receipt.recorded())),
            // How often is no number of people.
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

/// What waits for a word, by the door that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Requests of organs.
    Official,
    /// Everything else.
    Other,
}

impl Waiting {
    fn has(self, record: &MandateRecord) -> bool {
        let official = matches!(record.nature, Some(Nature::Official(_)));
        official == (self == Waiting::Official)
    }
}

/// The second person's word, yes or no. What is gone by then is opened no more, and the rest stands; a no is always possible.
///
/// # Errors
/// `not_found` for what is not there or not the caller's to decide, and for a yes to what nothing is left of; `denied` for whoever has a
/// part in it; `version_conflict` for what was decided already, or asked for too long ago.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn decide_approval(
    actor: &Actor,
    id: MandateId,
    yes: bool,
    waiting: Waiting,
    origin: &Origin,
    now: Micros,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    territory: &Territory,
    directory: &Directory,
) -> Result<Recorded, OperationError> {
    let standing = actor.standing();
    let act = if yes { MandateAct::Grant } else { MandateAct::Refuse };
    let turn_away = |code| access.refuse(Some(standing), code, origin);
    for _ in 0..STALE_ATTEMPTS_MAX {
        let kept = kept_mandate(id, store, seal).await?;
        let waits = |kept: &Kept| kept.record.waits_at.is_some() && waiting.has(&kept.record);
        let waiting = kept.filter(waits);
        let scope = scope_of(waiting.as_ref(), store, seal).await?;
        let is_there = |seen: &&Seen| seen.found.is_some();
        let items: Vec<Item<'_>> = scope.iter().filter(is_there).map(Seen::item).collect();
        let parties = waiting.as_ref().map_or(Vec::new(), |kept| kept.record.parties());
        let parties = directory.accounts_of(&parties);
        let role = waiting.as_ref().map_or("", |kept| &kept.record.role);
        let waits_at = waiting.as_ref().and_then(|kept| kept.record.waits_at);
        let raises = waiting.as_ref().and_then(|kept| raise_of(&kept.record));
        let is_over_nothing = waiting.as_ref().is_some_and(|kept| is_over_nothing(&kept.record));
        let asking = Asking { id, parties: &parties, role, waits_at, raises, is_over_nothing };
        let target = Named::over(id, &scope);
        let decided =
            access.decide_word(standing, act, &asking, &items, territory, origin, now, target);
        let permit = match decided {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let open = waiting.filter(|kept| {
            let asked = kept.record.state == MandateState::Asked && now.0 < kept.record.until;
            // What is due to a resident is due until somebody answers: a no comes in time whenever it comes.
            asked || (!yes && kept.record.has_lapsed(now))
        });
        let Some(kept) = open else {
            return Err(refuse(trail, turn_away(Code::VersionConflict)).await);
        };
        if yes && locks(&kept.record, now, store, seal).await? {
            return Err(refuse(trail, turn_away(Code::ReviewOverdue)).await);
        }
        let record = decided_on(&kept.record, yes, standing.actor, now);
        let record = if yes { without_gone(record, &scope) } else { record };
        let permit = stated(permit.about(kept.record.holder), &record);
        let change = moved(&kept, &record, seal)?;
        match trail.commit(permit, change).await {
            Ok(receipt) => return Ok(receipt.recorded()),
            Err(Refused::Stale(_)) => {}
            // How often is no number of people.
            Err(Refused::Limit(_)) => {
                return Err(refuse(trail, turn_away(Code::RateLimited)).await);
            }
            Err(refused) => return Err(ended(refused, actor, origin, access, trail).await),
        }
    }
    Err(refuse(trail, turn_away(Code::Stale)).await)
}

/// What the word is about, as it is now.
async fn scope_of(
    waiting: Option<&Kept>,
    store: &Reader,
    seal: &Seal,
) -> Result<Vec<Seen>, OperationError> {
    let Some(kept) = waiting else { return Ok(Vec::new()) };
    let records: Vec<_> = kept.record.records.iter().map(|(id, _)| *id).collect();
    let people: Vec<_> = kept.record.subjects.iter().map(|(id, _)| *id).collect();
    look(&records, &people, store, seal).await
}

/// Whose limit is to be raised.
fn raise_of(record: &MandateRecord) -> Option<ActorId> {
    matches!(record.nature, Some(Nature::Raise(_))).then_some(record.holder)
}

/// Whether it is the end of a restraint that named no record: nothing was held of that person any more.
fn is_over_nothing(record: &MandateRecord) -> bool {
    let releases = record.restraining().is_some_and(|terms| terms.releases.is_some());
    releases && record.records.is_empty()
}

/// Whether it is an emergency access of somebody whose earlier one was not reviewed in time.
async fn locks(
    record: &MandateRecord,
    now: Micros,
    store: &Reader,
    seal: &Seal,
) -> Result<bool, OperationError> {
    match record.emergency() {
        Some(_) => is_locked(record.holder, now, store, seal).await,
        None => Ok(false),
    }
}

/// Says in the entry what the word opens, where that is more than one look.
fn stated<T>(permit: Permit<T>, record: &MandateRecord) -> Permit<T> {
    let number = |micros: i64| Fact::Number(u64::try_from(micros).unwrap_or(0));
    match &record.nature {
        Some(Nature::Emergency(emergency)) => permit
            .stating("tier", Fact::Code(emergency.tier.as_str().to_owned()))
            .stating("until", number(record.until))
            .stating("review_by", number(emergency.review_by(record.until).0)),
        Some(Nature::Raise(raise)) => permit
            .stating("kind", Fact::Code(raise.kind.as_str().to_owned()))
            .stating("people", Fact::Number(raise.people.into()))
            .stating("until", number(record.until)),
        Some(Nature::Official(official)) => permit
            .stating("organ", Fact::Code(official.organ.clone()))
            .stating("until", number(record.until)),
        Some(Nature::Erasing(erasing)) => permit
            .stating("erasure_for", Fact::Code(erasing.reason.clone()))
            .stating("until", number(record.until)),
        Some(Nature::Restraining(terms)) => permit
            .stating("restraint", Fact::Code(terms.kind.as_str().to_owned()))
            .stating("step", Fact::Code(terms.step().to_owned()))
            .stating("reason", Fact::Code(terms.reason.clone()))
            .stating("until", number(record.until)),
        None => permit,
    }
}

/// What follows the word: an approval is open at once, a task waits for its holder.
fn decided_on(record: &MandateRecord, yes: bool, decider: ActorId, now: Micros) -> MandateRecord {
    let mut record = MandateRecord { decider: Some(decider), ..record.clone() };
    record.state = match (yes, record.task) {
        (false, _) => MandateState::Returned,
        (true, Some(_)) => MandateState::Offered,
        (true, None) => MandateState::Open,
    };
    if yes && record.task.is_none() {
        record.from = now.0;
    }
    // Where nothing is said of how long, its end was fixed when it was asked for.
    if yes && record.task.is_none() && record.seconds > 0 {
        record.until = now.0.saturating_add(i64::from(record.seconds) * 1_000_000);
    }
    record
}

/// What is left of what was asked for. The scope was looked at in the record's own order: records, then people.
fn without_gone(mut record: MandateRecord, scope: &[Seen]) -> MandateRecord {
    let mut found = scope.iter().map(|seen| seen.found.is_some());
    record.records.retain(|_| found.next() == Some(true));
    record.subjects.retain(|_| found.next() == Some(true));
    record
}

/// Something that waits for a second person, or was asked for by the caller.
pub struct ListedApproval {
    /// Its id.
    pub id: MandateId,
    /// What is kept of it.
    pub record: MandateRecord,
    /// Whether it waits for the caller's word.
    pub waits: bool,
}

/// What waits for somebody, and what it asked for.
pub struct ListedApprovals {
    /// The requests.
    pub approvals: Vec<ListedApproval>,
    /// Whether there may be more than a list has.
    pub more: bool,
    /// The entry.
    pub recorded: Recorded,
}

/// What waits for the caller's word, and what the caller asked for itself and is not over.
///
/// # Errors
/// When it cannot be recorded.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn list_approvals(
    actor: &Actor,
    waiting: Waiting,
    origin: &Origin,
    now: Micros,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
) -> Result<ListedApprovals, OperationError> {
    let standing = actor.standing();
    let written = Written::Mandate(MandateAct::ListAsked);
    let permit = access.permit_known(standing, written, origin, Nothing);
    let (mut approvals, mut more): (Vec<ListedApproval>, bool) = (Vec::new(), false);
    let own = *standing.actor.as_bytes();
    let places = access.waiting_places(standing, now);
    for place in std::iter::once(own).chain(places.iter().map(|place| *place.as_bytes())) {
        let found = listed(&place, APPROVALS_LISTED_COUNT_MAX, now, store, seal).await?;
        let Listing { kept, more: cut } = found;
        more |= cut;
        for Kept { id, record, .. } in kept {
            let waits = record.state == MandateState::Asked
                && !record.concerns(standing.actor)
                && access.agrees(standing, &record.role, now);
            let asked =
                record.task.is_none() && record.window.is_none() && record.holder == standing.actor;
            let asked = asked && record.opened_emergency().is_none();
            if (asked || waits)
                && waiting.has(&record)
                && approvals.iter().all(|other| other.id != id)
            {
                approvals.push(ListedApproval { id, record, waits });
            }
        }
    }
    match trail.append(permit).await {
        Ok(receipt) => Ok(ListedApprovals { approvals, more, recorded: receipt.recorded() }),
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}
