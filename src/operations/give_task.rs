//! Gives a task: named fields of named records and people, for one holder, until a moment, with a budget.
//! Never over a record that its giver may not know of, and never to somebody whose role would see nothing by it.
//! What is opened is fixed when it is given; who moves in later is not in it.

use super::error::{after, refuse, turn_away};
use super::{Asked, OperationError, draw};
use crate::access::{Access, ActorId, Ask, Code, Item, Matter, TaskTerms};
use crate::ambient::{Micros, Random};
use crate::identity::Identity;
use crate::limits::{
    COUNTER_SECONDS, RECORDS_FOR_PERSON_COUNT, STALE_ATTEMPTS_MAX, SUBJECT_RECORDS_COUNT_MAX,
    TASK_BUDGET_MAX, TASK_SCOPE_COUNT_MAX, TASK_SECONDS_MAX,
};
use crate::records::{
    Facts, Handle, MandateId, Owner, RecordId, RecordRef, RecordType, SchemaSet, SubjectId, Target,
};
use crate::seal::{MandateRecord, MandateState, Seal, TaskKind};
use crate::store::{Change, Fetched, Key, Reader, Sealed};
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

/// What a task is made of when it is decided.
struct Given {
    id: MandateId,
    seen: Vec<(RecordId, u64, u64)>,
    about: Vec<RecordRef>,
}

impl Target for Given {
    fn records(&self) -> &[RecordRef] {
        &self.about
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.seen.clone()
    }

    fn owns(&self, owner: Owner) -> bool {
        owner == Owner::Mandate(self.id)
    }
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
        let scope = look(&request, store, seal).await?;
        let terms = TaskTerms { id, holder: holder.as_ref(), fields: &request.fields };
        let items: Vec<Item<'_>> = scope.iter().map(Seen::item).collect();
        let target = Given {
            id,
            seen: scope.iter().flat_map(|seen| seen.as_seen()).collect(),
            about: Vec::new(),
        };
        let permit = match access.decide_task(&question, &terms, &items, target) {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let record = record_of(asked, &request, &scope, budget);
        let mut change = Change::default();
        change.put_new(Key::mandate(id), seal.seal_mandate(id, &record)?);
        for party in [Some(record.holder), record.giver].into_iter().flatten() {
            change.put_new(Key::mandate_listing(party.as_bytes(), id), Vec::new());
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

/// One thing that the task names, as it is now.
struct Seen {
    subject: Option<SubjectId>,
    record: RecordId,
    found: Option<(Sealed, Facts)>,
}

impl Seen {
    fn item(&self) -> Item<'_> {
        let matter = match &self.found {
            Some((sealed, facts)) => Matter::Present {
                record_type: sealed.row().header.record_type,
                cell: sealed.row().header.cell,
                facts,
                versions: None,
            },
            None => Matter::Missing,
        };
        Item { matter, fields: &[] }
    }

    fn as_seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.found.iter().flat_map(|(sealed, _)| sealed.seen()).collect()
    }
}

async fn look(
    request: &TaskRequest,
    store: &Reader,
    seal: &Seal,
) -> Result<Vec<Seen>, OperationError> {
    let mut scope = Vec::with_capacity(request.records.len() + request.subjects.len());
    for record in &request.records {
        let found = match store.fetch(*record).await? {
            Fetched::Found(sealed) => {
                let facts = seal.facts(&sealed)?;
                Some((sealed, facts))
            }
            Fetched::Erased(..) | Fetched::Missing => None,
        };
        scope.push(Seen { subject: None, record: *record, found });
    }
    for subject in &request.subjects {
        scope.push(person(*subject, store, seal).await?);
    }
    Ok(scope)
}

/// What is held of somebody as a person.
async fn person(subject: SubjectId, store: &Reader, seal: &Seal) -> Result<Seen, OperationError> {
    let prefix = Key::subject_listing_prefix(subject);
    for (key, _) in store.scan(&prefix, None, SUBJECT_RECORDS_COUNT_MAX).await? {
        let Some(id) = key.record() else { continue };
        let Fetched::Found(sealed) = store.fetch(id).await? else { continue };
        let header = &sealed.row().header;
        let own = header.subjects.first() == Some(&subject);
        if header.record_type == RecordType::Person && own {
            let facts = seal.facts(&sealed)?;
            return Ok(Seen { subject: Some(subject), record: id, found: Some((sealed, facts)) });
        }
    }
    let nobody = RecordId::from_bytes(*subject.as_bytes());
    Ok(Seen { subject: Some(subject), record: nobody, found: None })
}

fn record_of(
    asked: &Asked<'_>,
    request: &TaskRequest,
    scope: &[Seen],
    budget: u32,
) -> MandateRecord {
    let mut records = Vec::new();
    let mut subjects = Vec::new();
    for Seen { subject, record, found } in scope {
        let Some((_, facts)) = found else { continue };
        let handle_of = |subject: &SubjectId| facts.subject_handle(subject.as_bytes());
        match subject {
            Some(subject) => {
                let handle = handle_of(subject).unwrap_or(Handle::from_bytes([0; 16]));
                subjects.push((*subject, *handle.as_bytes()));
            }
            None => records.push((*record, *facts.record_handle.as_bytes())),
        }
    }
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
    }
}
