//! Gives a task: named fields of named records and people, of the people of places, or of what an event names.
//! Never over a record that its giver may not know of, and never to somebody whose role would see nothing by it.
//! What is opened is fixed when it is given; who moves in later is not in it.

use crate::access::{
    Access, ActorId, Ask, Code, Denied, Item, Matter, Permit, Question, Taker, TaskTerms,
};
use crate::ambient::{Micros, Random};
use crate::identity::Identity;
use crate::limits::{
    COUNTER_SECONDS, OCCUPANTS_COUNT_MAX, RECORDS_FOR_PERSON_COUNT, STALE_ATTEMPTS_MAX,
    TASK_BUDGET_MAX, TASK_PLACES_COUNT_MAX, TASK_SCOPE_COUNT_MAX, TASK_SECONDS_MAX,
};
use crate::operations::error::{Misplaced, Unfit, after, refuse, turn_away};
use crate::operations::mandate::begun;
use crate::operations::record::dwellers::{Dwellers, dwellers, look_at_places};
use crate::operations::scope::{Named, Seen, handles, look};
use crate::operations::{Asked, OperationError, draw};
use crate::records::{Facts, MandateId, RecordId, RecordType, SchemaSet, SubjectId};
use crate::seal::{MandateRecord, MandateState, Seal, TaskKind};
use crate::store::{Reader, Sealed};
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};

/// A task to be given.
pub struct TaskRequest {
    /// What there is to do.
    pub kind: TaskKind,
    /// Who is to do it.
    pub holder: ActorId,
    /// What it is about.
    pub scope: TaskScope,
    /// The fields that it opens.
    pub fields: Vec<String>,
    /// First moment at which it opens nothing more.
    pub until: Micros,
    /// How many distinct records it opens; as many as it names if nothing is said.
    pub budget: Option<u32>,
    /// Whether a second person is asked to agree to it first, as children's fields need.
    pub asks_approval: bool,
}

/// What a task is about.
pub enum TaskScope {
    /// What its giver names.
    Named {
        /// Records that it opens.
        records: Vec<RecordId>,
        /// People of whom it opens what is held of each as a person, and where each lives.
        subjects: Vec<SubjectId>,
    },
    /// Places, and whoever lives there when it is given.
    Places(Vec<RecordId>),
    /// An event, the dwellings that it names, and whoever lives there when it is given.
    Event(RecordId),
}

impl TaskScope {
    /// How many records it opens if nothing is said, if it is within its limits. What a place or an event leads to is not
    /// counted: the answer would tell how many people live there.
    fn usual_budget(&self) -> Option<usize> {
        let (named, fits) = match self {
            TaskScope::Named { records, subjects } => {
                let named = records.len() + subjects.len();
                let fits = (1..=TASK_SCOPE_COUNT_MAX).contains(&named)
                    && !repeats(records)
                    && !repeats(subjects);
                (records.len() + subjects.len() * RECORDS_FOR_PERSON_COUNT, fits)
            }
            TaskScope::Places(places) => {
                let fits = (1..=TASK_PLACES_COUNT_MAX).contains(&places.len()) && !repeats(places);
                (places.len() * (1 + OCCUPANTS_COUNT_MAX), fits)
            }
            TaskScope::Event(_) => (TASK_PLACES_COUNT_MAX * (1 + OCCUPANTS_COUNT_MAX), true),
        };
        fits.then_some(named.min(TASK_BUDGET_MAX as usize))
    }
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
/// `schema_invalid` for a scope, an end or a budget beyond its limits; `too_large` for places of more people than a task
/// names; else as [`Access::decide_task`].
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
    let budget = match budget_of(&request, asked.now) {
        Ok(budget) => budget,
        Err(misplaced) => return Err(Unfit::At(misplaced).end(asked, access, trail).await),
    };
    let id = draw::mandate_id(asked.now, random)?;
    let question = asked.question(Ask::Read, schemas, territory);
    for _ in 0..STALE_ATTEMPTS_MAX {
        // Another account of the giver is the giver, who gives itself nothing.
        let giver = identity.directory().accounts_of(&[asked.actor.standing().actor]);
        let holder = identity.standing(&request.holder);
        let holder = holder.filter(|holder| !giver.contains(&holder.actor));
        let leads_on = !matches!(request.scope, TaskScope::Named { .. });
        let terms = TaskTerms { id, holder: holder.as_ref(), fields: &request.fields, leads_on };
        let looked = look_at(&request.scope, &question, &terms, store, seal, access, trail);
        let looked = looked.await?;
        if looked.too_many {
            return Err(turn_away(asked, access, trail, Code::TooLarge).await);
        }
        let (permit, taker) = match looked.decide(&question, &terms, access) {
            Ok(decided) => decided,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        // Nobody agrees to what that role does, so nothing would ever come of it.
        if request.asks_approval && taker.waits_at.is_none() {
            return Err(turn_away(asked, access, trail, Code::Denied).await);
        }
        let record = record_of(asked, &request, &taker, &looked.into_scope(&taker.kept), budget);
        let change = begun(id, &record, seal)?;
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

/// What a task is about, as it is now.
struct Looked {
    named: Vec<Seen>,
    /// What that leads to.
    led_to: Vec<Seen>,
    /// The links on the way.
    links: Vec<(RecordId, u64, u64)>,
    too_many: bool,
}

impl Looked {
    fn decide(
        &self,
        question: &Question<'_>,
        terms: &TaskTerms<'_>,
        access: &Access,
    ) -> Result<(Permit<Named>, Taker), Denied> {
        let items: Vec<Item<'_>> = self.named.iter().map(Seen::item).collect();
        let led_to: Vec<Item<'_>> = self.led_to.iter().map(Seen::item).collect();
        let on_the_way = self.led_to.iter().flat_map(Seen::as_seen);
        let on_the_way: Vec<_> = on_the_way.chain(self.links.iter().copied()).collect();
        let target = Named::over(terms.id, &self.named).and(&on_the_way);
        access.decide_task(question, terms, &items, &led_to, target)
    }

    /// What the task is over.
    fn into_scope(self, kept: &[bool]) -> Vec<Seen> {
        let led_to = self.led_to.into_iter().zip(kept).filter(|(_, kept)| **kept);
        self.named.into_iter().chain(led_to.map(|(seen, _)| seen)).collect()
    }
}

/// Looks at what the task is over, as far as its giver may give it there.
async fn look_at(
    scope: &TaskScope,
    question: &Question<'_>,
    terms: &TaskTerms<'_>,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
) -> Result<Looked, OperationError> {
    let today = question.now.local_days();
    let (named, places) = match scope {
        TaskScope::Named { records, subjects } => {
            let named = look(records, subjects, store, seal).await?;
            return Ok(Looked { named, led_to: Vec::new(), links: Vec::new(), too_many: false });
        }
        TaskScope::Places(places) => (look_at_places(places, store, seal).await?, None),
        TaskScope::Event(event) => {
            let mut seen = look(&[*event], &[], store, seal).await?;
            let found = seen.pop().and_then(|seen| seen.found);
            let (found, dwellings) = match found {
                Some(found) => named_by(found, question, terms, seal, access, trail).await?,
                None => (None, Vec::new()),
            };
            let event = Seen { subject: None, record: *event, found };
            (vec![event], Some(look_at_places(&dwellings, store, seal).await?))
        }
    };
    let names_places = places.is_none();
    let led_to = places.unwrap_or_default();
    let mut looked = Looked { named, led_to, links: Vec::new(), too_many: false };
    // Decided over the places first: how many live there is nothing for whoever may not give the task.
    let kept = match looked.decide(question, terms, access) {
        Ok((_decided_again, taker)) => taker.kept,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    let led_to = looked.led_to.iter().zip(kept).filter(|(_, kept)| *kept);
    let at: Vec<&Seen> = if names_places {
        looked.named.iter().collect()
    } else {
        led_to.map(|(place, _)| place).collect()
    };
    let Dwellers { people, links, too_many } =
        dwellers(&at, today, store, seal, question.schemas).await?;
    looked.led_to.extend(people);
    Ok(Looked { links, too_many, ..looked })
}

/// The dwellings of an event, once it is decided that its giver may give this task over it. A record of another type is
/// like one that is not there.
async fn named_by(
    (sealed, facts): (Sealed, Facts),
    question: &Question<'_>,
    terms: &TaskTerms<'_>,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
) -> Result<(Option<(Sealed, Facts)>, Vec<RecordId>), OperationError> {
    let (record_type, cell) = (sealed.row().header.record_type, sealed.row().header.cell);
    if record_type != RecordType::Event {
        return Ok((None, Vec::new()));
    }
    let matter = Matter::Present { record_type, cell, facts: &facts, versions: None };
    let items = [Item { matter, fields: &[] }];
    match access.decide_task(question, terms, &items, &[], sealed) {
        Ok((permit, _)) => {
            let dwellings = seal.dwellings(&permit)?;
            Ok((Some((permit.into_target(), facts)), dwellings))
        }
        Err(denied) => Err(refuse(trail, denied).await),
    }
}

/// How many records the task opens, if everything about it is within its limits.
fn budget_of(request: &TaskRequest, now: Micros) -> Result<u32, Misplaced> {
    let seconds_max = match request.kind {
        TaskKind::CounterService => COUNTER_SECONDS,
        _ => TASK_SECONDS_MAX,
    };
    let lasts = request.until.0.saturating_sub(now.0);
    if lasts <= 0 || lasts > seconds_max.saturating_mul(1_000_000) {
        return Err(Misplaced::new("until", "out_of_range"));
    }
    let usual = request.scope.usual_budget().ok_or(Misplaced::new("scope", "out_of_range"))?;
    let budget = request.budget.unwrap_or(u32::try_from(usual).unwrap_or(u32::MAX));
    if !(1..=TASK_BUDGET_MAX).contains(&budget) {
        return Err(Misplaced::new("budget", "out_of_range"));
    }
    Ok(budget)
}

fn repeats<T: PartialEq>(ids: &[T]) -> bool {
    ids.iter().enumerate().any(|(at, id)| ids[..at].contains(id))
}

fn record_of(
    asked: &Asked<'_>,
    request: &TaskRequest,
    taker: &Taker,
    scope: &[Seen],
    budget: u32,
) -> MandateRecord {
    let (records, subjects) = handles(scope);
    let waits_at = taker.waits_at.as_ref().filter(|_| request.asks_approval);
    let state = if waits_at.is_some() { MandateState::Asked } else { MandateState::Offered };
    MandateRecord {
        task: Some(request.kind),
        giver: Some(asked.actor.standing().actor),
        purpose: asked.purpose.id.as_str().to_owned(),
        fields: request.fields.clone(),
        records,
        subjects,
        until: request.until.0,
        budget,
        role: taker.role.as_str().to_owned(),
        waits_at: waits_at.map(|place| *place.as_bytes()),
        ..MandateRecord::blank(state, request.holder, asked.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(count: usize) -> TaskScope {
        let id = |number: usize| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            RecordId::from_bytes(bytes)
        };
        TaskScope::Places((0..count).map(id).collect())
    }

    #[test]
    fn a_task_names_places_to_their_limit_and_none_twice() {
        assert_eq!(places(0).usual_budget(), None);
        assert_eq!(places(1).usual_budget(), Some(1 + OCCUPANTS_COUNT_MAX));
        let most = places(TASK_PLACES_COUNT_MAX).usual_budget();
        assert_eq!(most, Some(TASK_BUDGET_MAX as usize));
        assert_eq!(places(TASK_PLACES_COUNT_MAX + 1).usual_budget(), None);
        let twice = TaskScope::Places(vec![RecordId::from_bytes([1; 16]); 2]);
        assert_eq!(twice.usual_budget(), None);
    }
}
