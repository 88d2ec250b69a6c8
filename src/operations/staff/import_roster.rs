//! Goes through a roster: each line is a post as it should be, decided and written by itself.
//! Never a right that placing does not give: a local officer's posts wait for their community, a later end too.
//! The same roster twice changes nothing the second time, and a look beforehand changes nothing at all.

use super::place_actor::{area_of, check_post, is_over};
use super::renew_post::{is_older, renew};
use crate::access::{ActorId, Code, Fact, Origin, PlacingAct, PostAt};
use crate::ambient::Random;
use crate::identity::{ActorRecord, ActorState, AssignmentRecord};
use crate::limits::STALE_ATTEMPTS_MAX;
use crate::operations::describe::{Nothing, ended};
use crate::operations::{AssignmentRequest, OperationError, Placing, refuse};
use crate::purposes::PurposeSet;
use crate::territory::Territory;
use crate::trail::{Recorded, Refused};
use std::collections::{HashMap, HashSet};

/// Whom a line is about.
pub enum Named {
    /// By its id.
    Actor(ActorId),
    /// By its log-in name.
    Login(String),
}

/// A line of a roster.
pub struct RosterLine {
    /// Whom it is about.
    pub who: Named,
    /// The post as it should be.
    pub post: AssignmentRequest,
    /// Whether it should be over.
    pub ends: bool,
}

/// What a line makes of what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A post that was not there, or that follows one that ends.
    New,
    /// An earlier end, a term, training.
    Changed,
    /// The post is over.
    Ended,
    /// It is so already.
    Unchanged,
}

impl Difference {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Difference::New => "new",
            Difference::Changed => "changed",
            Difference::Ended => "ended",
            Difference::Unchanged => "unchanged",
        }
    }
}

/// What became of a line.
pub struct LineOutcome {
    /// Whom it was about, if there is such an actor.
    pub actor: Option<ActorId>,
    /// The post that it made or changed.
    pub assignment: Option<[u8; 16]>,
    /// Whether that post counts; else its community has to confirm it.
    pub confirmed: bool,
    /// What it made of what was there, or why nothing.
    pub outcome: Result<Difference, Code>,
    /// Its entry, where it has one.
    pub recorded: Option<Recorded>,
}

/// What became of a roster.
pub struct Imported {
    /// What became of each line, in order.
    pub lines: Vec<LineOutcome>,
    /// The entry of the whole.
    pub recorded: Recorded,
}

/// The rooms beside those of placing.
pub struct RosterRooms<'a> {
    /// Purposes, for lines of business.
    pub purposes: &'a PurposeSet,
    /// The tree of grids.
    pub territory: &'a Territory,
    /// Chance, for ids.
    pub random: &'a dyn Random,
}

/// Goes through a roster, or looks what it would change. A line that was not understood is given as its code; it has no entry of
/// its own, and the entry of the whole tells how many there were.
///
/// # Errors
/// `denied` for whoever places nobody, before any line is read; else when nothing can be recorded any more. What was done before is
/// in the log.
pub async fn import_roster(
    placing: &Placing<'_>,
    lines: impl Iterator<Item = Result<RosterLine, Code>>,
    dry_run: bool,
    rooms: &RosterRooms<'_>,
) -> Result<Imported, OperationError> {
    let Placing { actor, origin, now, directory, access, trail, .. } = *placing;
    // Decided before anything of the lines is looked at, and once more for the entry of the whole.
    if let Err(denied) = access.decide_roster(actor.standing(), origin, now, Nothing) {
        return Err(refuse(trail, denied).await);
    }
    let lines: Vec<Result<RosterLine, Code>> = lines.collect();
    let malformed = lines.iter().filter(|line| line.is_err()).count();
    // Lines of poor quality are no attack: what is wrong with their form has a budget of its own, as in a batch.
    let of_lines = Origin { in_batch: true, ..origin.clone() };
    let of_lines = &Placing { origin: &of_lines, ..*placing };
    let logins: HashSet<&str> = lines.iter().flatten().filter_map(login_of).collect();
    let known = directory.of_logins(&logins);
    let mut outcomes = Vec::with_capacity(lines.len());
    for line in lines {
        outcomes.push(match line {
            // Whoever was refused too often is told so line by line, and nothing more is done.
            _ if trail.is_locked_out(actor.standing().actor) => {
                LineOutcome::refused(None, Code::RateLimited, None)
            }
            Ok(line) => one_line(of_lines, line, &known, dry_run, rooms).await?,
            Err(code) => LineOutcome::refused(None, code, None),
        });
    }
    let recorded = whole(placing, &outcomes, malformed, dry_run).await?;
    Ok(Imported { lines: outcomes, recorded })
}

/// Records what became of all lines.
async fn whole(
    placing: &Placing<'_>,
    outcomes: &[LineOutcome],
    malformed: usize,
    dry_run: bool,
) -> Result<Recorded, OperationError> {
    let Placing { actor, origin, now, access, trail, .. } = *placing;
    let count = |of: Option<Difference>| {
        let counted = outcomes.iter().filter(|one| one.outcome.ok() == of).count();
        Fact::Number(counted as u64)
    };
    // The lines are done: a policy that changed meanwhile must not keep their number out of the log.
    for _ in 0..STALE_ATTEMPTS_MAX {
        let permit = match access.decide_roster(actor.standing(), origin, now, Nothing) {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let permit = permit
            .stating("lines", Fact::Number(outcomes.len() as u64))
            .stating("new", count(Some(Difference::New)))
            .stating("changed", count(Some(Difference::Changed)))
            .stating("ended", count(Some(Difference::Ended)))
            .stating("refused", count(None))
            .stating("malformed", Fact::Number(malformed as u64))
            .stating("dry_run", Fact::Number(u64::from(dry_run)));
        match trail.append(permit).await {
            Ok(receipt) => return Ok(receipt.recorded()),
            Err(Refused::Stale(_)) => {}
            Err(refused) => return Err(ended(refused, actor, origin, access, trail).await),
        }
    }
    Err(refuse(trail, access.refuse(Some(actor.standing()), Code::Stale, origin)).await)
}

fn login_of(line: &RosterLine) -> Option<&str> {
    match &line.who {
        Named::Login(login) => Some(login),
        Named::Actor(_) => None,
    }
}

impl LineOutcome {
    fn refused(actor: Option<ActorId>, code: Code, recorded: Option<Recorded>) -> LineOutcome {
        LineOutcome { actor, assignment: None, confirmed: false, outcome: Err(code), recorded }
    }
}

/// A refusal of a line is its own; that nothing can be recorded ends the whole.
async fn one_line(
    placing: &Placing<'_>,
    line: RosterLine,
    known: &HashMap<String, ActorId>,
    dry_run: bool,
    rooms: &RosterRooms<'_>,
) -> Result<LineOutcome, OperationError> {
    let about = match &line.who {
        Named::Actor(id) => Some(*id),
        Named::Login(login) => known.get(login).copied(),
    };
    // Whose log-in name it is, is told to whoever may place that one, and to nobody else.
    let named = about.filter(|_| matches!(line.who, Named::Actor(_)));
    match carried_out(placing, line, about, dry_run, rooms).await {
        Ok(outcome) => Ok(outcome),
        Err(OperationError::Refused { code, recorded, .. }) => {
            Ok(LineOutcome::refused(named, code, recorded))
        }
        Err(error) => Err(error),
    }
}

async fn carried_out(
    placing: &Placing<'_>,
    line: RosterLine,
    about: Option<ActorId>,
    dry_run: bool,
    rooms: &RosterRooms<'_>,
) -> Result<LineOutcome, OperationError> {
    // Decided before anybody is looked for, so that nobody learns of people whom it could not place.
    let area = line.post.area.as_deref().map(str::parse).transpose().ok().flatten();
    let role = line.post.role.clone();
    let posts = [PostAt { role: &role, area }];
    let nobody = ActorId::from_bytes([0; 16]);
    let person = about.unwrap_or(nobody);
    let (_, confirmed) = placing.decide(PlacingAct::Place, person, &posts).await?;
    let (mut record, version) = placing.record(person).await?;
    if record.state == ActorState::Left {
        return Err(placing.turn_away(Code::NotFound).await);
    }
    let before = record.clone();
    let (difference, assignment) = match applied(placing, &mut record, line, confirmed, rooms)? {
        Ok(found) => found,
        Err(code) => return Err(placing.turn_away(code).await),
    };
    // A roster is one administrator's word.
    if placing.takes_oversight(&before, &record) {
        return Err(placing.turn_away(Code::ApprovalRequired).await);
    }
    let act = match difference {
        Difference::New => PlacingAct::Place,
        Difference::Changed => PlacingAct::Renew,
        Difference::Ended => PlacingAct::End,
        Difference::Unchanged => PlacingAct::Place,
    };
    let held = record.assignments.iter().find(|held| Some(held.id) == assignment);
    let confirmed = held.is_some_and(|held| held.unconfirmed_by.is_none());
    let mut outcome = LineOutcome {
        actor: Some(person),
        assignment,
        confirmed,
        outcome: Ok(difference),
        recorded: None,
    };
    if !dry_run && difference != Difference::Unchanged {
        let (permit, _) = placing.decide(act, person, &posts).await?;
        outcome.recorded = Some(placing.commit(permit, &record, version).await?);
    }
    Ok(outcome)
}

type Applied = Result<(Difference, Option<[u8; 16]>), Code>;

/// Puts the line into the record, and says what that changed and which post it is about.
fn applied(
    placing: &Placing<'_>,
    record: &mut ActorRecord,
    line: RosterLine,
    confirmed: bool,
    rooms: &RosterRooms<'_>,
) -> Result<Applied, OperationError> {
    let now = placing.now;
    let RosterLine { mut post, ends, .. } = line;
    let mut matching: Vec<&mut AssignmentRecord> = record
        .assignments
        .iter_mut()
        .filter(|held| !is_over(held, now) && is_same_post(held, &post))
        .collect();
    matching.sort_by_key(|held| held.until.unwrap_or(i64::MAX));
    if ends {
        return Ok(Ok(end_all(record, &post, now)));
    }
    let Some(last) = matching.last() else {
        return placed(placing, record, post, confirmed, rooms);
    };
    if matching.iter().any(|held| is_older(&held.readiness, &post.readiness)) {
        return Ok(Err(Code::SchemaInvalid));
    }
    let (id, known, wanted) = (last.id, last.until, post.until.map(|until| until.0));
    let later = wanted.unwrap_or(i64::MAX) > known.unwrap_or(i64::MAX);
    let rules = placing.access.with_policy(|policy| policy.training());
    if !rules.takes(post.readiness.weighed(), now) || wanted.is_some_and(|until| until <= now.0) {
        return Ok(Err(Code::SchemaInvalid));
    }
    let mut changed = false;
    let end = wanted.unwrap_or(i64::MAX);
    for held in matching {
        let mut brought = held.readiness.clone();
        renew(&mut brought, post.readiness.clone());
        changed |= brought != held.readiness;
        held.readiness = brought;
        // An earlier end takes away, so it counts at once.
        if !later && held.until.unwrap_or(i64::MAX) > end {
            held.until = wanted;
            changed = true;
        }
    }
    if later {
        // A later end is a new right: it follows what is there, and waits for whoever confirms such a post.
        post.from = known.map(crate::ambient::Micros);
        let held = record.assignments.iter().find(|held| held.id == id);
        let mut brought = held.map(|held| held.readiness.clone()).unwrap_or_default();
        renew(&mut brought, post.readiness);
        post.readiness = brought;
        return placed(placing, record, post, confirmed, rooms);
    }
    // What would have begun only then never begins.
    record.assignments.retain(|held| !(is_same_post(held, &post) && held.from >= end));
    let kept =
        record.assignments.iter().rfind(|held| is_same_post(held, &post) && !is_over(held, now));
    let difference = match (changed, kept) {
        (_, None) => Difference::Ended,
        (true, Some(_)) => Difference::Changed,
        (false, Some(_)) => Difference::Unchanged,
    };
    Ok(Ok((difference, kept.map(|held| held.id))))
}

fn placed(
    placing: &Placing<'_>,
    record: &mut ActorRecord,
    post: AssignmentRequest,
    confirmed: bool,
    rooms: &RosterRooms<'_>,
) -> Result<Applied, OperationError> {
    let (purposes, territory, now) = (rooms.purposes, rooms.territory, placing.now);
    let fits = placing
        .access
        .with_policy(|policy| check_post(policy, record, &post, purposes, territory, now));
    if let Err(misplaced) = fits {
        return Ok(Err(misplaced.code));
    }
    let id = rooms.random.bytes16()?;
    placing.add(record, id, post, confirmed);
    Ok(Ok((Difference::New, Some(id))))
}

/// Whether a kept post is the one that a line means. When it begins does not make another of it, its end neither.
fn is_same_post(held: &AssignmentRecord, post: &AssignmentRequest) -> bool {
    let area = area_of(held).map(|area| area.to_string());
    held.role == post.role
        && area == post.area
        && held.line == post.line
        && held.lead == post.lead
        && held.windows.is_some() == post.pair
}

fn end_all(
    record: &mut ActorRecord,
    post: &AssignmentRequest,
    now: crate::ambient::Micros,
) -> (Difference, Option<[u8; 16]>) {
    let means = |held: &AssignmentRecord| !is_over(held, now) && is_same_post(held, post);
    let first = record.assignments.iter().find(|held| means(held)).map(|held| held.id);
    // What never began is as if it had never been.
    record.assignments.retain(|held| !(means(held) && held.from >= now.0));
    for held in record.assignments.iter_mut().filter(|held| means(held)) {
        held.until = Some(now.0);
    }
    let difference = if first.is_some() { Difference::Ended } else { Difference::Unchanged };
    (difference, first)
}
