//! Stand-ins: the head of a grid proposes a window, its stand-in of an approved pair accepts, and either ends it.
//! Never outside of a pair that the community confirmed, and never longer than the stand-in's role may last or the post of
//! whoever gave it does.
//! The window lies in the stand-in's own record, so it is there or gone for the next operation in the log.

use super::windows::gives;
use crate::access::{Access, ActorId, Code, DelegationAct, Origin, Written};
use crate::ambient::{Micros, Random};
use crate::identity::{Actor, ActorRecord, ActorState, Directory};
use crate::limits::{
    APPROVALS_LISTED_COUNT_MAX, STALE_ATTEMPTS_MAX, WINDOW_AHEAD_DAYS_MAX, WINDOWS_COUNT_MAX,
};
use crate::operations::describe::{Nothing, ended};
use crate::operations::error::{Misplaced, turn_away_at};
use crate::operations::mandate::{Kept, Listing, begun, kept_mandate, listed, moved};
use crate::operations::{OperationError, draw, refuse};
use crate::records::{MandateId, Owner, RecordRef, Target};
use crate::seal::{MandateRecord, MandateState, Seal};
use crate::store::Reader;
use crate::territory::GridCode;
use crate::trail::{Recorded, Refused, Trail};

const DAY_MICROS: i64 = 86_400_000_000;

/// A window that is proposed.
pub struct DelegationRequest {
    /// Who is to stand in.
    pub to: ActorId,
    /// In which grid.
    pub grid: GridCode,
    /// First moment; now if nothing is said.
    pub from: Option<Micros>,
    /// First moment no more.
    pub until: Micros,
}

/// A delegation and the stand-in in whose record its window lies.
struct Between {
    id: MandateId,
    stand_in: Option<ActorId>,
}

impl Target for Between {
    fn records(&self) -> &[RecordRef] {
        &[]
    }

    fn owns(&self, owner: Owner) -> bool {
        match owner {
            Owner::Mandate(id) => id == self.id,
            Owner::Actor(id) => self.stand_in.is_some_and(|actor| *actor.as_bytes() == id),
            _ => false,
        }
    }
}

/// The rooms that every word on a delegation uses.
pub struct Delegating<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// The request.
    pub origin: &'a Origin,
    /// When.
    pub now: Micros,
    /// The directory.
    pub directory: &'a Directory,
    /// Sealed bytes.
    pub store: &'a Reader,
    /// Between sealed bytes and records.
    pub seal: &'a Seal,
    /// May it.
    pub access: &'a Access,
    /// The one door for change.
    pub trail: &'a Trail,
}

/// Proposes a window.
///
/// # Errors
/// `denied` for whoever does not hold the grid, or somebody who is of no confirmed pair for it; `schema_invalid` for a
/// window that is over, too long or too far ahead, or that outlasts the proposer's own post.
pub async fn propose_delegation(
    delegating: &Delegating<'_>,
    request: DelegationRequest,
    random: &dyn Random,
) -> Result<(MandateId, Recorded), OperationError> {
    let Delegating { actor, origin, now, directory, seal, access, trail, .. } = *delegating;
    let id = draw::mandate_id(now, random)?;
    let grid = request.grid.into();
    let target = Between { id, stand_in: None };
    let standing = actor.standing();
    let decided = access.decide_delegating(standing, id, &grid, request.to, origin, now, target);
    let (permit, role, days, post_until) = match decided {
        Ok(decided) => decided,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    let own = directory.accounts_of(&[standing.actor]);
    let other = directory.record(&request.to);
    let other = other.filter(|other| other.state == ActorState::Active && !own.contains(&other.id));
    let pair = other.as_ref().and_then(|other| pair_of(other, role.as_str(), &request.grid, now));
    let Some(pair) = pair else {
        return Err(delegating.turn_away(Code::Denied).await);
    };
    let from = request.from.unwrap_or(now);
    let length = request.until.0.saturating_sub(from.0);
    if from.0.saturating_sub(now.0) > WINDOW_AHEAD_DAYS_MAX * DAY_MICROS {
        return Err(delegating.turn_away_at("from", "out_of_range").await);
    }
    let fits = request.until > now
        && length > 0
        && length <= i64::from(days) * DAY_MICROS
        && post_until.is_none_or(|until| request.until <= until);
    if !fits {
        return Err(delegating.turn_away_at("until", "out_of_range").await);
    }
    let record = MandateRecord {
        giver: Some(standing.actor),
        until: request.until.0,
        role: role.as_str().to_owned(),
        window: Some((pair, request.grid.to_string())),
        ..MandateRecord::blank(MandateState::Offered, request.to, from)
    };
    let change = begun(id, &record, seal)?;
    match trail.commit(permit, change).await {
        Ok(receipt) => Ok((id, receipt.recorded())),
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}

/// The post of a confirmed pair for the grid.
fn pair_of(other: &ActorRecord, role: &str, grid: &GridCode, now: Micros) -> Option<[u8; 16]> {
    let grid = grid.to_string();
    let mut posts = other.assignments.iter().filter(|post| {
        post.role == role
            && post.area.as_ref() == Some(&grid)
            && post.windows.is_some()
            && post.unconfirmed_by.is_none()
            && post.until.is_none_or(|until| now.0 < until)
    });
    posts.next().map(|post| post.id)
}

/// A word on a delegation: its stand-in accepts it, or one of the two ends it.
///
/// # Errors
/// `not_found` for everybody else; `denied` where the one who proposed it accepts, or where that one works no more or has lost
/// the post over the grid; `version_conflict` for one that is over,
/// or accepted already.
pub async fn step_delegation(
    delegating: &Delegating<'_>,
    id: MandateId,
    accept: bool,
) -> Result<Recorded, OperationError> {
    let Delegating { actor, origin, now, directory, store, seal, access, trail } = *delegating;
    let standing = actor.standing();
    let act = if accept { DelegationAct::Accept } else { DelegationAct::End };
    for _ in 0..STALE_ATTEMPTS_MAX {
        let kept = kept_mandate(id, store, seal).await?;
        let kept = kept.filter(|kept| kept.record.window.is_some());
        let parties = kept.as_ref().map_or(Vec::new(), |kept| kept.record.parties());
        let target = Between { id, stand_in: kept.as_ref().map(|kept| kept.record.holder) };
        let giver = kept.as_ref().filter(|_| accept).and_then(|kept| kept.record.giver);
        let giver = giver.and_then(|giver| directory.record_at(&giver));
        let seen = giver.as_ref().map(|(record, version)| (record.id, *version));
        let decided = access.decide_window(standing, act, id, &parties, seen, origin, target);
        let permit = match decided {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let Some(kept) = kept else {
            return Err(delegating.turn_away(Code::NotFound).await);
        };
        let may_give = |(giver, _): &(ActorRecord, u64)| {
            let window = kept.record.window.as_ref();
            window.is_some_and(|(_, grid)| {
                let given = (kept.record.role.as_str(), grid.as_str(), kept.record.until);
                gives(access, giver, given, now)
            })
        };
        let is_theirs =
            kept.record.holder == standing.actor && giver.as_ref().is_some_and(may_give);
        if accept && !is_theirs {
            return Err(delegating.turn_away(Code::Denied).await);
        }
        let live = now.0 < kept.record.until;
        let state = match (accept, kept.record.state) {
            (true, MandateState::Offered) if live => MandateState::Open,
            (false, MandateState::Offered | MandateState::Open) if live => MandateState::Closed,
            _ => return Err(delegating.turn_away(Code::VersionConflict).await),
        };
        let next = MandateRecord { state, ..kept.record.clone() };
        let Some((stand_in, version)) = with_window(directory, id, &next, now) else {
            return Err(delegating.turn_away(Code::Denied).await);
        };
        let mut change = moved(&kept, &next, seal)?;
        let Ok(of_actor) = directory.replacement_of(&stand_in, version) else {
            return Err(delegating.turn_away(Code::SchemaInvalid).await);
        };
        change.ops.extend(of_actor.ops);
        change.expects.extend(of_actor.expects);
        match trail.commit(permit, change).await {
            Ok(receipt) => return Ok(receipt.recorded()),
            // The stand-in's own version moves with its window, so whoever accepts once comes here no second time.
            Err(Refused::Stale(_)) => {}
            Err(refused) => return Err(ended(refused, actor, origin, access, trail).await),
        }
    }
    Err(delegating.turn_away(Code::Stale).await)
}

/// The stand-in's record with the window as the delegation says it now, and the version that was read; nothing where the
/// pair is over.
fn with_window(
    directory: &Directory,
    id: MandateId,
    delegation: &MandateRecord,
    now: Micros,
) -> Option<(ActorRecord, u64)> {
    let (pair, _) = delegation.window.as_ref()?;
    let (mut record, version) = directory.record_at(&delegation.holder)?;
    let post = record.assignments.iter_mut().find(|post| post.id == *pair)?;
    let windows = post.windows.as_mut()?;
    windows.retain(|(other, _, until)| *other != id && now.0 < *until);
    if delegation.state == MandateState::Open {
        if windows.len() >= WINDOWS_COUNT_MAX {
            return None;
        }
        windows.push((id, delegation.from, delegation.until));
    }
    Some((record, version))
}

/// A delegation as one of the two sees it.
pub struct ListedDelegation {
    /// Its id.
    pub id: MandateId,
    /// What is kept of it.
    pub record: MandateRecord,
}

/// The delegations of somebody.
pub struct ListedDelegations {
    /// The delegations.
    pub delegations: Vec<ListedDelegation>,
    /// Whether there may be more than a list has.
    pub more: bool,
    /// The entry.
    pub recorded: Recorded,
}

/// The caller's delegations that are not over.
///
/// # Errors
/// When it cannot be recorded.
pub async fn list_delegations(
    delegating: &Delegating<'_>,
) -> Result<ListedDelegations, OperationError> {
    let Delegating { actor, origin, now, store, seal, access, trail, .. } = *delegating;
    let standing = actor.standing();
    let written = Written::Delegation(DelegationAct::List);
    let permit = access.permit_known(standing, written, origin, Nothing);
    let place = standing.actor.as_bytes();
    let Listing { kept, more } =
        listed(place, APPROVALS_LISTED_COUNT_MAX, now, store, seal).await?;
    let windows = kept.into_iter().filter(|kept| kept.record.window.is_some());
    let delegations =
        windows.map(|Kept { id, record, .. }| ListedDelegation { id, record }).collect();
    match trail.append(permit).await {
        Ok(receipt) => Ok(ListedDelegations { delegations, more, recorded: receipt.recorded() }),
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}

impl Delegating<'_> {
    async fn turn_away(&self, code: Code) -> OperationError {
        let denied = self.access.refuse(Some(self.actor.standing()), code, self.origin);
        refuse(self.trail, denied).await
    }

    async fn turn_away_at(&self, member: &'static str, reason: &'static str) -> OperationError {
        let (standing, misplaced) = (self.actor.standing(), Misplaced::new(member, reason));
        turn_away_at(Some(standing), self.origin, self.access, self.trail, misplaced).await
    }
}
