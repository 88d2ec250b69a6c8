//! Enrols an actor and places it, by the administrator who has that duty.
//! Never makes an administrator, never an officer of oversight, a local officer or a contractor without a second administrator's word, and
//! never mixes worlds: business, oversight and administration stay apart.
//! The newcomer gets its first token by a one-time code that is shown once.

use crate::access::{Access, ActorId, Assignment, Code, Duty, Level, Origin, Policy, Role, RoleId};
use crate::ambient::{Micros, Random};
use crate::identity::{
    Actor, ActorKind, ActorRecord, ActorState, AssignmentRecord, Directory, EnrolmentCode,
    NewActor, ReadinessRecord,
};
use crate::limits::ASSIGNMENTS_COUNT_MAX;
use crate::operations::describe::{Nothing, ended};
use crate::operations::error::{Misplaced, turn_away_at};
use crate::operations::{OperationError, refuse};
use crate::purposes::PurposeSet;
use crate::records::{Owner, RecordRef, SubjectId, Target};
use crate::seal::Seal;
use crate::store::Reader;
use crate::territory::{Area, Territory};
use crate::trail::{Recorded, Refused, Trail};

/// An actor to be enrolled.
pub struct ActorRequest {
    /// Log-in name.
    pub login: String,
    /// Person or system.
    pub kind: ActorKind,
    /// Where it is placed.
    pub assignments: Vec<AssignmentRequest>,
    /// The subject that this person is itself, where records of it are held.
    pub self_subject: Option<SubjectId>,
}

/// A place for an actor.
pub struct AssignmentRequest {
    /// The role's slug.
    pub role: String,
    /// The area's digits.
    pub area: Option<String>,
    /// The line of business.
    pub line: Option<String>,
    /// Whether whoever holds it leads.
    pub lead: bool,
    /// Whether it is held as one of a pair, in windows that the two agree on.
    pub pair: bool,
    /// What whoever is placed brought along.
    pub readiness: ReadinessRecord,
    /// First moment; now if nothing is said.
    pub from: Option<Micros>,
    /// First moment no more.
    pub until: Option<Micros>,
}

/// An actor that was enrolled.
pub struct Added {
    /// Its id.
    pub id: ActorId,
    /// Its one-time code.
    pub code: EnrolmentCode,
    /// The entry.
    pub recorded: Recorded,
}

struct Newcomer(ActorId);

impl Target for Newcomer {
    fn records(&self) -> &[RecordRef] {
        &[]
    }

    fn owns(&self, owner: Owner) -> bool {
        match owner {
            Owner::Actor(id) => id == *self.0.as_bytes(),
            Owner::Login | Owner::Enrolment => true,
            _ => false,
        }
    }
}

/// Enrols the actor.
///
/// # Errors
/// `denied` without the duty; `approval_required` for the role of an administrator; `schema_invalid` for an unknown
/// role or line, an area of another level or without a grid, a place without the line or the end that its role needs, or
/// roles that exclude each other; `not_found` for a subject of which nothing is held; `version_conflict` for a name, or a
/// subject, that another account has: two accounts of one person would be two persons.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn add_actor(
    actor: &Actor,
    request: ActorRequest,
    origin: &Origin,
    now: Micros,
    directory: &Directory,
    access: &Access,
    trail: &Trail,
    purposes: &PurposeSet,
    territory: &Territory,
    store: &Reader,
    seal: &Seal,
    random: &dyn Random,
) -> Result<Added, OperationError> {
    let standing = actor.standing();
    let id = ActorId::from_bytes(random.bytes16()?);
    let permit = match access.decide_duty(standing, Duty::ActorAdd, origin, now, Newcomer(id)) {
        Ok(permit) => permit.about(id),
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    let turn_away = async |code| refuse(trail, access.refuse(Some(standing), code, origin)).await;
    let turn_away_at = |misplaced| turn_away_at(Some(standing), origin, access, trail, misplaced);
    let checked =
        access.with_policy(|policy| check_roles(policy, &request, purposes, territory, now));
    if let Err(misplaced) = checked {
        return Err(turn_away_at(misplaced).await);
    }
    let own = match request.self_subject {
        None => None,
        Some(subject) => match seal.handle_of(subject, store).await? {
            Some(handle) => match directory.own_tag(handle) {
                own if directory.is_taken(&own) => {
                    return Err(turn_away_at(taken("self_subject")).await);
                }
                own => Some(own),
            },
            None => return Err(turn_away(Code::NotFound).await),
        },
    };
    let given_by = |role: &str| access.waits_for_second(role).then_some(standing.actor);
    let login = request.login.clone();
    let record = ActorRecord { own, ..record_of(id, request, given_by, now, random)? };
    let Ok(mut change) = directory.addition(&NewActor { record }) else {
        return Err(turn_away_at(Misplaced::new("login", "malformed")).await);
    };
    let unavailable = OperationError::Internal("a code could not be made");
    let Ok(code) = EnrolmentCode::draw(random) else { return Err(unavailable) };
    let Ok(enrolment) = directory.enrolment(id, &code, now) else { return Err(unavailable) };
    change.ops.extend(enrolment.ops);
    change.expects.extend(enrolment.expects);
    match trail.commit(permit, change).await {
        Ok(receipt) => Ok(Added { id, code, recorded: receipt.recorded() }),
        // Of what may have moved meanwhile two things are the request's own.
        Err(Refused::Stale(_)) if own.is_some_and(|own| directory.is_taken(&own)) => {
            Err(turn_away_at(taken("self_subject")).await)
        }
        Err(Refused::Stale(_)) if directory.has_login(&login) => {
            Err(turn_away_at(taken("login")).await)
        }
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}

/// Something that another account has.
fn taken(member: &'static str) -> Misplaced {
    Misplaced { code: Code::VersionConflict, ..Misplaced::new(member, "taken") }
}

/// The directory, for those who have the duty to see it.
///
/// # Errors
/// `denied` without the duty.
pub async fn list_actors(
    actor: &Actor,
    origin: &Origin,
    now: Micros,
    directory: &Directory,
    access: &Access,
    trail: &Trail,
) -> Result<(Vec<ActorRecord>, Recorded), OperationError> {
    let standing = actor.standing();
    let permit = match access.decide_duty(standing, Duty::ActorList, origin, now, Nothing) {
        Ok(permit) => permit,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    match trail.append(permit).await {
        Ok(receipt) => Ok((directory.list(), receipt.recorded())),
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}

/// Every place is one that the policy has, and no two of them are for two people.
fn check_roles(
    policy: &Policy,
    request: &ActorRequest,
    purposes: &PurposeSet,
    territory: &Territory,
    now: Micros,
) -> Result<(), Misplaced> {
    if request.assignments.len() > ASSIGNMENTS_COUNT_MAX {
        return Err(Misplaced::new("assignments", "too_many"));
    }
    let mut held: Vec<&Role> = Vec::with_capacity(request.assignments.len());
    for asked in &request.assignments {
        let role = policy.role(&asked.role).ok_or(Misplaced::new("role", "unknown"))?;
        if policy.governs(role) {
            let alone = Misplaced::new("role", "administration");
            return Err(Misplaced { code: Code::ApprovalRequired, ..alone });
        }
        check_place(policy, role, asked, purposes, territory, now)?;
        if !held.iter().all(|other| other.goes_with(role)) {
            return Err(Misplaced::new("role", "excluded_by_another"));
        }
        held.push(role);
    }
    // A system acts for persons and holds nothing itself.
    let holds = !request.assignments.is_empty() || request.self_subject.is_some();
    if request.kind == ActorKind::System && holds {
        return Err(Misplaced::new("kind", "holds_nothing"));
    }
    Ok(())
}

/// Whether a place is one that its role may have there.
///
/// # Errors
/// The first member of the request that keeps it from being one.
pub(super) fn check_place(
    policy: &Policy,
    role: &Role,
    asked: &AssignmentRequest,
    purposes: &PurposeSet,
    territory: &Territory,
    now: Micros,
) -> Result<(), Misplaced> {
    let area: Option<Area> = asked
        .area
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| Misplaced::new("area", "malformed"))?;
    let level = area.as_ref().map_or(Level::Platform, Level::of);
    // A place where there is no grid would come to life with the next one of that number.
    let empty = area.as_ref().is_some_and(|area| territory.cells_in(area, now.0).is_empty());
    // A line that no purpose belongs to would come to life with the next purpose that does.
    let astray = asked.line.as_deref().is_some_and(|line| !purposes.has_line(line));
    let place = Assignment {
        id: [0; 16],
        role: RoleId::new(&asked.role),
        area,
        line: asked.line.clone(),
        lead: asked.lead,
        confirmed: true,
        windows: asked.pair.then(|| Vec::new().into()),
        ready: asked.readiness.weighed(),
        from: asked.from.unwrap_or(now),
        until: asked.until,
    };
    let ready = policy.training().takes(place.ready, now);
    let lineless = role.needs_line && place.line.is_none();
    let alone = role.by_window && place.windows.is_none();
    let faults = [
        (level != role.level, Misplaced::new("area", "wrong_level")),
        (empty, Misplaced::new("area", "unknown")),
        (astray, Misplaced::new("line", "unknown")),
        (lineless, Misplaced::new("line", "missing")),
        (!ready, Misplaced::new("trained_until", "out_of_range")),
        (alone, Misplaced::new("pair", "missing")),
        (!role.accepts(&place), Misplaced::new("to", "out_of_range")),
    ];
    match faults.into_iter().find(|(is_so, _)| *is_so) {
        Some((_, misplaced)) => Err(misplaced),
        None => Ok(()),
    }
}

fn record_of(
    id: ActorId,
    request: ActorRequest,
    given_by: impl Fn(&str) -> Option<ActorId>,
    now: Micros,
    random: &dyn Random,
) -> Result<ActorRecord, OperationError> {
    let assignments = request
        .assignments
        .into_iter()
        .map(|asked| {
            Ok(AssignmentRecord {
                id: random.bytes16()?,
                unconfirmed_by: given_by(&asked.role),
                role: asked.role,
                area: asked.area,
                line: asked.line,
                lead: asked.lead,
                windows: asked.pair.then(Vec::new),
                readiness: asked.readiness,
                from: asked.from.unwrap_or(now).0,
                until: asked.until.map(|until| until.0),
            })
        })
        .collect::<Result<Vec<_>, OperationError>>()?;
    Ok(ActorRecord {
        id,
        login: request.login,
        kind: request.kind,
        state: ActorState::Active,
        assignments,
        tokens_from: 0,
        own: None,
        log_in_key: None,
    })
}
