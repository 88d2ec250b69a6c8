//! What follows an emergency access: its end before its time, its review by somebody else, and the list of those that wait for one.
//! Never by its holder alone: whoever opened it, or agreed to it, reviews nothing of it.
//! What was found is a code; nobody writes freely about anybody here.

use super::break_glass::{Urgency, moment};
use crate::access::{Access, ActorId, Code, EmergencyAct, Fact, Origin, Permit, Watches, Written};
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::limits::{EMERGENCIES_LISTED_COUNT_MAX, STALE_ATTEMPTS_MAX};
use crate::operations::OperationError;
use crate::operations::describe::{Nothing, ended};
use crate::operations::error::refuse;
use crate::operations::mandate::{Kept, kept_mandate, moved, unreviewed};
use crate::operations::scope::Named;
use crate::records::MandateId;
use crate::seal::{Emergency, MandateRecord, MandateState, Nature, Review};
use crate::trail::{Recorded, Refused};

/// Ends an emergency access before its time: by its holder, or by whoever reviews it.
///
/// # Errors
/// `not_found` for what is not there or nothing of the caller's; `denied` for whoever is only told; `version_conflict` for
/// one that is not open any more.
pub async fn end_glass(
    actor: &Actor,
    id: MandateId,
    origin: &Origin,
    now: Micros,
    rooms: &Urgency<'_>,
) -> Result<Recorded, OperationError> {
    let close = |kept: &Kept| {
        let open = kept.record.state == MandateState::Open && now.0 < kept.record.until;
        let closed = MandateState::Closed;
        open.then(|| MandateRecord { state: closed, until: now.0, ..kept.record.clone() })
    };
    step(actor, id, EmergencyAct::End, None, origin, now, rooms, close).await
}

/// What somebody else found of it.
pub struct Finding {
    /// Whether it was justified.
    pub justified: bool,
    /// Why: a code of `emergency_note`.
    pub note: String,
}

/// Reviews an emergency access that is over.
///
/// # Errors
/// `not_found` for what is not there or nothing of the caller's; `denied` for its holder, for whoever agreed to it and for
/// whoever is only told; `version_conflict` for one that is still open or was reviewed already.
pub async fn review_glass(
    actor: &Actor,
    id: MandateId,
    finding: &Finding,
    origin: &Origin,
    now: Micros,
    rooms: &Urgency<'_>,
) -> Result<Recorded, OperationError> {
    let by = actor.standing().actor;
    let reviewed = |kept: &Kept| {
        let emergency = kept.record.opened_emergency()?;
        let due = now.0 >= kept.record.until && emergency.review.is_none();
        let Finding { justified, note } = finding;
        let review = Review { by, at: now.0, justified: *justified, note: note.clone() };
        let emergency = Emergency { review: Some(review), ..emergency.clone() };
        let nature = Some(Nature::Emergency(emergency));
        due.then(|| MandateRecord { state: MandateState::Closed, nature, ..kept.record.clone() })
    };
    step(actor, id, EmergencyAct::Review, Some(finding), origin, now, rooms, reviewed).await
}

#[expect(clippy::too_many_arguments, reason = "who, what, when, and what follows")]
async fn step(
    actor: &Actor,
    id: MandateId,
    act: EmergencyAct,
    finding: Option<&Finding>,
    origin: &Origin,
    now: Micros,
    rooms: &Urgency<'_>,
    follows: impl Fn(&Kept) -> Option<MandateRecord>,
) -> Result<Recorded, OperationError> {
    let Urgency { store, seal, access, trail, .. } = *rooms;
    let standing = actor.standing();
    for _ in 0..STALE_ATTEMPTS_MAX {
        let kept = kept_mandate(id, store, seal).await?;
        let kept = kept.filter(|kept| kept.record.opened_emergency().is_some());
        let holder = kept.as_ref().map_or(NOBODY, |kept| kept.record.holder);
        let parties = kept.as_ref().map_or(Vec::new(), |kept| {
            std::iter::once(holder).chain(kept.record.decider).collect()
        });
        let parties = rooms.directory.accounts_of(&parties);
        let watches = kept.as_ref().and_then(|kept| watched(kept, actor, now, access));
        let target = Named::over(id, &[]);
        let decided = access
            .decide_emergency_step(standing, act, id, holder, &parties, watches, origin, target);
        let permit = match decided {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let next = kept.and_then(|kept| Some((follows(&kept)?, kept)));
        let Some((record, kept)) = next else {
            let denied = access.refuse(Some(standing), Code::VersionConflict, origin);
            return Err(refuse(trail, denied).await);
        };
        let permit = stated(permit, &record, finding);
        match trail.commit(permit, moved(&kept, &record, seal)?).await {
            Ok(receipt) => return Ok(receipt.recorded()),
            Err(Refused::Stale(_)) => {}
            Err(refused) => return Err(ended(refused, actor, origin, access, trail).await),
        }
    }
    Err(refuse(trail, access.refuse(Some(standing), Code::Stale, origin)).await)
}

/// Says in the entry what was found, or until when it is to be reviewed now.
fn stated<T>(permit: Permit<T>, record: &MandateRecord, finding: Option<&Finding>) -> Permit<T> {
    let Some(Finding { justified, note }) = finding else {
        let review_by = record.emergency().map_or(record.until, |it| it.review_by(record.until).0);
        return permit.stating("review_by", moment(review_by));
    };
    let word = if *justified { "justified" } else { "not_justified" };
    let permit = permit.stating("finding", Fact::Code(word.to_owned()));
    permit.stating("note", Fact::Code(note.clone()))
}

/// Nobody holds what is not there.
const NOBODY: ActorId = ActorId::from_bytes([0; 16]);

fn watched(kept: &Kept, actor: &Actor, now: Micros, access: &Access) -> Option<Watches> {
    let emergency = kept.record.opened_emergency()?;
    access.watches(actor.standing(), &kept.record.role, &emergency.places, now)
}

/// An emergency access that is not reviewed yet, as its holder and those above it see it.
pub struct ListedGlass {
    /// Its id.
    pub id: MandateId,
    /// What is kept of it.
    pub record: MandateRecord,
    /// Whether the caller is to review it, once it is over.
    pub reviews: bool,
    /// Whether it is the caller's own.
    pub own: bool,
}

/// The emergency accesses of the caller, and those of others that it sees, that were not reviewed yet.
///
/// # Errors
/// When it cannot be recorded.
pub async fn list_glass(
    actor: &Actor,
    origin: &Origin,
    now: Micros,
    rooms: &Urgency<'_>,
) -> Result<(Vec<ListedGlass>, Recorded), OperationError> {
    let Urgency { store, seal, access, trail, .. } = *rooms;
    let standing = actor.standing();
    let written = Written::Emergency(EmergencyAct::List);
    let permit = access.permit_known(standing, written, origin, Nothing);
    let mut found: Vec<ListedGlass> = Vec::new();
    let watched_places = access.watched_places(standing, now);
    let places = watched_places.iter().map(|place| *place.as_bytes());
    for place in std::iter::once(*standing.actor.as_bytes()).chain(places) {
        for kept in unreviewed(&place, EMERGENCIES_LISTED_COUNT_MAX, store, seal).await? {
            let own = kept.record.holder == standing.actor;
            let watches = watched(&kept, actor, now, access);
            let agreed = kept.record.decider == Some(standing.actor);
            let reviews = watches == Some(Watches::Reviews) && !own && !agreed;
            let Kept { id, record, .. } = kept;
            if (own || watches.is_some()) && found.iter().all(|other| other.id != id) {
                found.push(ListedGlass { id, record, reviews, own });
            }
        }
    }
    match trail.append(permit).await {
        Ok(receipt) => Ok((found, receipt.recorded())),
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}
