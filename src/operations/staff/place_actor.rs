//! Gives, confirms and ends posts, and changes the state of an actor.
//! Never one's own, never an administrator's or an officer's of oversight by a single word, and never a post beside one that excludes it.
//! What ends here ends for the next operation in the log, with the windows that rested on it: every permit rests on the actor's
//! version.

use super::add_actor::check_place;
use super::overseers::{FirstWords, Wanted};
use super::windows::ended_with;
use crate::access::{Access, ActorId, Code, Denied, Origin, Permit, PlacingAct, Policy, PostAt};
use crate::ambient::{Micros, Random};
use crate::identity::{Actor, ActorKind, ActorRecord, ActorState, AssignmentRecord, Directory};
use crate::limits::ASSIGNMENTS_COUNT_MAX;
use crate::operations::describe::ended;
use crate::operations::error::{Misplaced, turn_away_at};
use crate::operations::{AssignmentRequest, OperationError, refuse};
use crate::purposes::PurposeSet;
use crate::records::{Owner, RecordRef, Target};
use crate::seal::Seal;
use crate::store::Reader;
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};
use std::sync::OnceLock;

/// An actor whose posts or state change, and what ends with them: known only once it is decided that they may.
pub(super) struct Moved {
    about: ActorId,
    ended: OnceLock<Vec<Owner>>,
}

impl Moved {
    pub(super) fn of(about: ActorId) -> Moved {
        Moved { about, ended: OnceLock::new() }
    }
}

impl Target for Moved {
    fn records(&self) -> &[RecordRef] {
        &[]
    }

    fn owns(&self, owner: Owner) -> bool {
        let with_it = self.ended.get().is_some_and(|ended| ended.contains(&owner));
        with_it || owner == Owner::Actor(*self.about.as_bytes())
    }
}

/// Who acts, with which request, when, and the rooms that every such act uses.
pub struct Placing<'a> {
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
    /// What waits for a second administrator.
    pub words: &'a FirstWords,
}

/// A post that was given.
pub struct Placed {
    /// Its id.
    pub assignment: [u8; 16],
    /// Whether it counts at once; else its community has to confirm it, or for a post of oversight a second administrator.
    pub confirmed: bool,
    /// The entry.
    pub recorded: Recorded,
}

/// Gives somebody a further post.
///
/// # Errors
/// As [`Access::decide_placing`]; `not_found` for an actor that is not there or has left; `schema_invalid` for a post that
/// cannot be, one beside it that excludes it, or one too many.
pub async fn place_actor(
    placing: &Placing<'_>,
    about: ActorId,
    request: AssignmentRequest,
    purposes: &PurposeSet,
    territory: &Territory,
    random: &dyn Random,
) -> Result<Placed, OperationError> {
    let area = request.area.as_deref().map(str::parse).transpose().ok().flatten();
    let posts = [PostAt { role: &request.role, area }];
    let (permit, confirmed) = placing.decide(PlacingAct::Place, about, &posts).await?;
    let (mut record, version) = placing.record(about).await?;
    if record.state == ActorState::Left {
        return Err(placing.turn_away(Code::NotFound).await);
    }
    let id = random.bytes16()?;
    let held =
        |policy: &Policy| check_post(policy, &record, &request, purposes, territory, placing.now);
    if let Err(misplaced) = placing.access.with_policy(held) {
        return Err(placing.turn_away_at(misplaced).await);
    }
    placing.add(&mut record, id, request, confirmed);
    let recorded = placing.commit(permit, &record, version).await?;
    Ok(Placed { assignment: id, confirmed, recorded })
}

/// Whether somebody may hold a further post beside those that it holds.
pub(super) fn check_post(
    policy: &Policy,
    record: &ActorRecord,
    request: &AssignmentRequest,
    purposes: &PurposeSet,
    territory: &Territory,
    now: Micros,
) -> Result<(), Misplaced> {
    let role = policy.role(&request.role).ok_or(Misplaced::new("role", "unknown"))?;
    check_place(policy, role, request, purposes, territory, now)?;
    let live: Vec<_> = record.assignments.iter().filter(|held| !is_over(held, now)).collect();
    let mut others = live.iter().map(|held| policy.role(&held.role));
    let goes = others.all(|other| other.is_some_and(|other| other.goes_with(role)));
    let room = live.len() < ASSIGNMENTS_COUNT_MAX;
    let faults = [
        (!goes, Misplaced::new("role", "excluded_by_another")),
        (!room, Misplaced::new("role", "too_many")),
        (record.kind != ActorKind::Person, Misplaced::new("role", "not_for_a_system")),
    ];
    match faults.into_iter().find(|(is_so, _)| *is_so) {
        Some((_, misplaced)) => Err(misplaced),
        None => Ok(()),
    }
}

/// The second word on a post: a community's on one that a local officer gave, a second administrator's on one of oversight.
///
/// # Errors
/// As [`Access::decide_second_word`]; `not_found` for a post that does not wait.
pub async fn confirm_post(
    placing: &Placing<'_>,
    about: ActorId,
    assignment: [u8; 16],
) -> Result<Recorded, OperationError> {
    let (mut record, version) = placing.record(about).await?;
    let waiting = record.assignments.iter_mut().find(|held| held.id == assignment);
    let Some(waiting) = waiting.filter(|held| held.unconfirmed_by.is_some()) else {
        return Err(placing.turn_away(Code::NotFound).await);
    };
    let post = PostAt { role: &waiting.role, area: area_of(waiting) };
    let standing = placing.actor.standing();
    let (origin, now) = (placing.origin, placing.now);
    let parties: Vec<ActorId> = waiting.unconfirmed_by.into_iter().chain([about]).collect();
    let parties = placing.directory.accounts_of(&parties);
    let decided = placing.access.decide_second_word(
        standing,
        PlacingAct::Confirm,
        about,
        &parties,
        &post,
        origin,
        now,
        Moved::of(about),
    );
    let permit = placing.permitted(decided).await?;
    waiting.unconfirmed_by = None;
    placing.commit(permit, &record, version).await
}

/// Ends a post now; one of oversight that counts on the word of two administrators.
///
/// # Errors
/// As [`Access::decide_placing`]; `not_found` for a post that is not there or is over; `approval_required` for the first of two words,
/// with which the holder's tokens end.
pub async fn end_post(
    placing: &Placing<'_>,
    about: ActorId,
    assignment: [u8; 16],
) -> Result<Recorded, OperationError> {
    let (mut record, version) = placing.record(about).await?;
    let held = record.assignments.iter().find(|held| held.id == assignment);
    let Some(held) = held.filter(|held| !is_over(held, placing.now)) else {
        return Err(placing.turn_away(Code::NotFound).await);
    };
    let posts = [PostAt { role: &held.role, area: area_of(held) }];
    let permit = if placing.oversees(held) {
        let wanted = (Wanted::End(assignment), PlacingAct::End);
        placing.agreed(wanted, &posts, held, (&record, version), false).await?
    } else {
        placing.decide(PlacingAct::End, about, &posts).await?.0
    };
    // What never began is as if it had never been: nothing ever rested on it.
    record.assignments.retain(|held| held.id != assignment || held.from < placing.now.0);
    for held in record.assignments.iter_mut().filter(|held| held.id == assignment) {
        held.until = Some(placing.now.0);
    }
    placing.commit(permit, &record, version).await
}

/// Changes somebody's state. Whoever left or is suspended has no session, no token and no post from this entry on; whoever
/// left never comes back under this id. Whoever holds a post of oversight is moved by two administrators.
///
/// # Errors
/// As [`Access::decide_placing`]; `version_conflict` for somebody who has left, or is in that state already; `approval_required` for the
/// first of two words, with which an officer's tokens end.
pub async fn change_state(
    placing: &Placing<'_>,
    about: ActorId,
    state: ActorState,
) -> Result<Recorded, OperationError> {
    let (mut record, version) = placing.record(about).await?;
    let live = record.assignments.iter().filter(|held| !is_over(held, placing.now));
    let posts: Vec<PostAt<'_>> =
        live.map(|held| PostAt { role: &held.role, area: area_of(held) }).collect();
    let act = match state {
        ActorState::Suspended | ActorState::Left => PlacingAct::Stop,
        ActorState::Active | ActorState::Reserve => PlacingAct::Change,
    };
    let vain = record.state == state || record.state == ActorState::Left;
    let permit = match placing.overseeing(&record) {
        Some(post) => {
            let wanted = (Wanted::State(state), act);
            placing.agreed(wanted, &posts, post, (&record, version), vain).await?
        }
        None => placing.decide(act, about, &posts).await?.0,
    };
    if vain {
        return Err(placing.turn_away(Code::VersionConflict).await);
    }
    if act == PlacingAct::Stop {
        // Tokens of before are refused for ever, whatever happens later.
        record.end_tokens(placing.now);
    }
    if state == ActorState::Left {
        for held in record.assignments.iter_mut().filter(|held| !is_over(held, placing.now)) {
            held.until = Some(placing.now.0.max(held.from + 1));
        }
    }
    record.state = state;
    placing.commit(permit, &record, version).await
}

pub(super) fn is_over(held: &AssignmentRecord, now: Micros) -> bool {
    held.until.is_some_and(|until| until <= now.0)
}

pub(super) fn area_of(held: &AssignmentRecord) -> Option<crate::territory::Area> {
    held.area.as_deref().and_then(|digits| digits.parse().ok())
}

impl Placing<'_> {
    /// Puts a post into a record, in the place of those that are over.
    pub(super) fn add(
        &self,
        record: &mut ActorRecord,
        id: [u8; 16],
        request: AssignmentRequest,
        confirmed: bool,
    ) {
        if self.access.waits_for_second(&request.role) {
            // What an administrator issued before serves nobody as whoever watches over it.
            record.end_tokens(self.now);
        }
        record.assignments.retain(|held| !is_over(held, self.now));
        record.assignments.push(AssignmentRecord {
            id,
            role: request.role,
            area: request.area,
            line: request.line,
            lead: request.lead,
            windows: request.pair.then(Vec::new),
            readiness: request.readiness,
            unconfirmed_by: (!confirmed).then_some(self.actor.standing().actor),
            from: request.from.unwrap_or(self.now).0,
            until: request.until.map(|until| until.0),
        });
    }

    pub(super) async fn decide(
        &self,
        act: PlacingAct,
        about: ActorId,
        posts: &[PostAt<'_>],
    ) -> Result<(Permit<Moved>, bool), OperationError> {
        let standing = self.actor.standing();
        let decided = self.access.decide_placing(
            standing,
            act,
            about,
            posts,
            self.origin,
            self.now,
            Moved::of(about),
        );
        self.permitted(decided).await
    }

    pub(super) async fn permitted<T>(
        &self,
        decided: Result<T, Denied>,
    ) -> Result<T, OperationError> {
        match decided {
            Ok(permit) => Ok(permit),
            Err(denied) => Err(refuse(self.trail, denied).await),
        }
    }

    /// Somebody of the directory, with the version that was read.
    pub(super) async fn record(
        &self,
        about: ActorId,
    ) -> Result<(ActorRecord, u64), OperationError> {
        match self.directory.record_at(&about) {
            Some(read) => Ok(read),
            None => Err(self.turn_away(Code::NotFound).await),
        }
    }

    pub(super) async fn turn_away(&self, code: Code) -> OperationError {
        let denied = self.access.refuse(Some(self.actor.standing()), code, self.origin);
        refuse(self.trail, denied).await
    }

    pub(super) async fn turn_away_at(&self, misplaced: Misplaced) -> OperationError {
        let standing = Some(self.actor.standing());
        turn_away_at(standing, self.origin, self.access, self.trail, misplaced).await
    }

    pub(super) async fn commit(
        &self,
        permit: Permit<Moved>,
        record: &ActorRecord,
        version: u64,
    ) -> Result<Recorded, OperationError> {
        let Ok(mut change) = self.directory.replacement_of(record, version) else {
            return Err(self.turn_away(Code::SchemaInvalid).await);
        };
        let Placing { now, directory, store, seal, access, .. } = *self;
        let with_it = ended_with(record, now, directory, access, store, seal).await?;
        change.append(with_it.change);
        permit.target().ended.get_or_init(|| with_it.owners);
        match self.trail.commit(permit, change).await {
            Ok(receipt) => Ok(receipt.recorded()),
            Err(refused) => {
                Err(ended(refused, self.actor, self.origin, self.access, self.trail).await)
            }
        }
    }
}
