//! The steps of a task, and the tasks that somebody has to do with.
//! Never a step by anybody but its holder or its giver; for everybody else there is no such task.
//! What a step ends is closed for the next operation in the log.

use crate::access::{Access, ActorId, Code, MandateAct, Origin};
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::limits::{STALE_ATTEMPTS_MAX, TASKS_LISTED_COUNT_MAX};
use crate::operations::describe::{Nothing, ended};
use crate::operations::mandate::{Kept, Listing, kept_mandate, listed, moved};
use crate::operations::{OperationError, refuse};
use crate::records::{MandateId, Owner, RecordRef, Target};
use crate::seal::{MandateRecord, MandateState, Seal};
use crate::store::Reader;
use crate::trail::{Recorded, Refused, Trail};

/// A step of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskStep {
    /// Its holder takes it.
    Accept,
    /// Its holder gives it back.
    Return,
    /// Its holder has done it, or its giver ends it.
    Close,
}

impl TaskStep {
    fn act(self) -> MandateAct {
        match self {
            TaskStep::Accept => MandateAct::Accept,
            TaskStep::Return => MandateAct::Return,
            TaskStep::Close => MandateAct::Close,
        }
    }

    /// Who may take it.
    fn parties(self, record: &MandateRecord) -> Vec<ActorId> {
        match self {
            TaskStep::Accept | TaskStep::Return => vec![record.holder],
            TaskStep::Close => [Some(record.holder), record.giver].into_iter().flatten().collect(),
        }
    }

    /// The state that it leads to, where it leads anywhere from here.
    fn leads_to(self, state: MandateState) -> Option<MandateState> {
        match (self, state) {
            (TaskStep::Accept, MandateState::Offered) => Some(MandateState::Open),
            (TaskStep::Return, MandateState::Offered | MandateState::Open) => {
                Some(MandateState::Returned)
            }
            (TaskStep::Close, MandateState::Asked | MandateState::Offered | MandateState::Open) => {
                Some(MandateState::Closed)
            }
            _ => None,
        }
    }
}

struct Stepped(MandateId);

impl Target for Stepped {
    fn records(&self) -> &[RecordRef] {
        &[]
    }

    fn owns(&self, owner: Owner) -> bool {
        owner == Owner::Mandate(self.0)
    }
}

/// Takes a step of a task.
///
/// # Errors
/// `not_found` for a task that is not there, or that the caller has nothing to do with; `denied` for a step that is not
/// the caller's; `version_conflict` for one that leads nowhere from where the task is, or comes after its end.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn step_task(
    actor: &Actor,
    id: MandateId,
    step: TaskStep,
    origin: &Origin,
    now: Micros,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
) -> Result<Recorded, OperationError> {
    let standing = actor.standing();
    for _ in 0..STALE_ATTEMPTS_MAX {
        let kept = kept_mandate(id, store, seal).await?.filter(|kept| kept.record.task.is_some());
        let concerned = kept.as_ref().is_some_and(|kept| kept.record.concerns(standing.actor));
        let parties = kept.as_ref().map_or(Vec::new(), |kept| step.parties(&kept.record));
        let decided = access.decide_step(standing, step.act(), id, &parties, origin, Stepped(id));
        let permit = match decided {
            Ok(permit) => permit,
            Err(_) if concerned => {
                return Err(
                    refuse(trail, access.refuse(Some(standing), Code::Denied, origin)).await
                );
            }
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let next = kept.and_then(|kept| Some((step.leads_to(kept.record.state)?, kept)));
        let next = next.filter(|(_, kept)| step != TaskStep::Accept || now.0 < kept.record.until);
        let Some((state, kept)) = next else {
            let denied = access.refuse(Some(standing), Code::VersionConflict, origin);
            return Err(refuse(trail, denied).await);
        };
        let record = MandateRecord { state, ..kept.record.clone() };
        match trail.commit(permit, moved(&kept, &record, seal)?).await {
            Ok(receipt) => return Ok(receipt.recorded()),
            Err(Refused::Stale(_)) => {}
            Err(refused) => return Err(ended(refused, actor, origin, access, trail).await),
        }
    }
    Err(refuse(trail, access.refuse(Some(standing), Code::Stale, origin)).await)
}

/// A task as whoever has to do with it sees it.
pub struct ListedTask {
    /// Its id.
    pub id: MandateId,
    /// What is kept of it.
    pub record: MandateRecord,
    /// Whether the caller gave it.
    pub given: bool,
}

/// The tasks that somebody has to do with.
pub struct ListedTasks {
    /// The tasks, those that end first in front.
    pub tasks: Vec<ListedTask>,
    /// Whether there may be more than a list has.
    pub more: bool,
    /// The entry.
    pub recorded: Recorded,
}

/// The tasks of the caller that are not done: those that it holds, and those that it gave.
///
/// # Errors
/// When it cannot be recorded.
pub async fn list_tasks(
    actor: &Actor,
    origin: &Origin,
    now: Micros,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
) -> Result<ListedTasks, OperationError> {
    let standing = actor.standing();
    let permit = access.permit_known(
        standing,
        crate::access::Written::Mandate(MandateAct::List),
        origin,
        Nothing,
    );
    let mut tasks = Vec::new();
    let place = standing.actor.as_bytes();
    let Listing { kept, more } = listed(place, TASKS_LISTED_COUNT_MAX, now, store, seal).await?;
    for Kept { id, record, .. } in kept {
        if record.task.is_some() {
            let given = record.holder != standing.actor;
            tasks.push(ListedTask { id, record, given });
        }
    }
    match trail.append(permit).await {
        Ok(receipt) => Ok(ListedTasks { tasks, more, recorded: receipt.recorded() }),
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}
