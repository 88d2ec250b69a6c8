//! Gives a task: named fields of named records and people, for one holder, until a moment, with a budget.
//! Never over a record that its giver may not know of, and never to somebody whose role would see nothing by it.
//! What is opened is fixed when it is given; who moves in later is not in it.

use super::error::{after, refuse, turn_away};
use super::scope::{Named, Seen, handles, look};
use super::{Asked, OperationError, draw};
use crate::access::{Access, ActorId, Ask, Code, Item, TaskTerms};
use crate::ambient::{Micros, Random};
use crate::identity::Identity;
use crate::limits::{
    COUNTER_SECONDS, RECORDS_FOR_PERSON_COUNT, STALE_ATTEMPTS_MAX, TASK_BUDGET_MAX,
    TASK_SCOPE_COUNT_MAX, TASK_SECONDS_MAX,
};
use crate::records::{MandateId, RecordId, SchemaSet, SubjectId};
use crate::seal::{MandateRecord, MandateState, Seal, TaskKind};
use crate::store::{Change, Key, Reader};
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};

/// A task to be given.
pub struct TaskRequest {
    /// What there is to do.
    pub kind: TaskKind,
    /// Who is to do it.
    pub holder: ActorId,
    /// Records that it opens.
    pub records: Vec<RecordId>,
    /// People of whom it opens what is held of each as a person, and where each lives.
    pub subjects: Vec<SubjectId>,
    /// The fields that it opens.
    pub fields: Vec<String>,
    /// First moment at which it opens nothing more.
    pub until: Micros,
    /// How many distinct records it opens; as many as it names if nothing is said.
    pub budget: Option<u32>,
    /// Whether a second person is asked to agree to it first, as children's fields need.
    pub asks_approval: bool,
}

/// A task that was given.
pub struct TaskGiven {
    /// Its id: the case under which its holder reads.
    pub id: MandateId,
    /// How many distinct records it opens.
    pub budget: u32,
    /// The entry.
    pub recorded: Recorded,
}

/// Gives the task.
///
/// # Errors
/// `schema_invalid` for a scope, an end or a budget beyond its limits; else as [`Access::decide_task`].
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn give_task(
    asked: &Asked<'_>,
    request: TaskRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
    identity: &Identity,
    random: &dyn Random,
) -> Result<TaskGiven, OperationError> {
    let Some(budget) = budget_of(&request, asked.now) else {
        return Err(turn_away(asked, access, trail, Code::SchemaInvalid).await);
    };
    let id = draw::mandate_id(asked.now, random)?;
    let question = asked.question(Ask::Read, schemas, territory);
    for _ in 0..STALE_ATTEMPTS_MAX {
        let holder = identity.standing(&request.holder);
        let scope = look(&request.records, &request.subjects, store, seal).await?;
        let terms = TaskTerms { id, holder: holder.as_ref(), fields: &request.fields };
        let items: Vec<Item<'_>> = scope.iter().map(Seen::item).collect();
        let target = Named::over(id, &scope);
        let decided = access.decide_task(&question, &terms, &items, target);
        let (permit, taker) = match decided {
            Ok(decided) => decided,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        // Nobody agrees to what that role does, so nothing would ever come of it.
        if request.asks_approval && taker.waits_at.is_none() {
            return Err(turn_away(asked, access, trail, Code::Denied).await);
        }
        let waits_at = taker.waits_at.filter(|_| request.asks_approval);
        let mut record = record_of(asked, &request, &scope, budget);
        record.role = taker.role.as_str().to_owned();
        record.waits_at = waits_at.map(|place| *place.as_bytes());
        if waits_at.is_some() {
            record.state = MandateState::Asked;
        }
        let mut change = Change::default();
        change.put_new(Key::mandate(id), seal.seal_mandate(id, &record)?);
        for listing in record.listings(id) {
            change.put_new(listing, Vec::new());
        }
        match trail.commit(permit, change).await {
            Ok(receipt) => return Ok(TaskGiven { id, budget, recorded: receipt.recorded() }),
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
            }
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

/// How many records the task opens, if everything about it is within its limits.
fn budget_of(request: &TaskRequest, now: Micros) -> Option<u32> {
    let named = request.records.len() + request.subjects.len();
    let seconds_max = match request.kind {
        TaskKind::CounterService => COUNTER_SECONDS,
        _ => TASK_SECONDS_MAX,
    };
    let lasts = request.until.0.saturating_sub(now.0);
    let fits = (1..=TASK_SCOPE_COUNT_MAX).contains(&named)
        && lasts > 0
        && lasts <= seconds_max.saturating_mul(1_000_000)
        && !repeats(&request.records)
        && !repeats(&request.subjects);
    let usual = request.records.len() + request.subjects.len() * RECORDS_FOR_PERSON_COUNT;
    let budget = request.budget.unwrap_or(u32::try_from(usual).unwrap_or(u32::MAX));
    (fits && (1..=TASK_BUDGET_MAX).contains(&budget)).then_some(budget)
}

fn repeats<T: PartialEq>(ids: &[T]) -> bool {
    ids.iter().enumerate().any(|(at, id)| ids[..at].contains(id))
}

fn record_of(
    asked: &Asked<'_>,
    request: &TaskRequest,
    scope: &[Seen],
    budget: u32,
) -> MandateRecord {
    let (records, subjects) = handles(scope);
    MandateRecord {
        task: Some(request.kind),
        emergency: false,
        state: MandateState::Offered,
        holder: request.holder,
        giver: Some(asked.actor.standing().actor),
        decider: None,
        purpose: asked.purpose.id.as_str().to_owned(),
        fields: request.fields.clone(),
        records,
        subjects,
        from: asked.now.0,
        until: request.until.0,
        budget,
        single_use: false,
        role: String::new(),
        waits_at: None,
        seconds: 0,
        window: None,
        document: None,
        nature: None,
    }
}
