//! Tasks: given, taken, given back, closed, and the list of the day.
//! Never a word of what is known of anybody: a task says what kind of work it is, and which fields it opens.
//! Who gave a task is not told to its holder; the log has it.

use super::super::answer::{Answer, ReceiptBody};
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{Headers, checked_field_names, purpose};
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::strict_json::Members;
use super::super::written::{Object, Written, array};
use super::super::wrong::Wrong;
use super::brought::moment;
use super::items::items;
use super::lists::ItemBody;
use crate::access::Ask;
use crate::ambient::Micros;
use crate::limits::TASK_SCOPE_COUNT_MAX;
use crate::operations::{
    DayTask, ListedTask, TaskGiven, TaskRequest, TaskScope, TaskStep, day, give_task, list_tasks,
    step_task,
};
use crate::purposes::Purpose;
use crate::records::{MandateId, RecordType};
use crate::territory::Territory;
use axum::body::Body;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use std::sync::Arc;
use utoipa::ToSchema;

/// What a task is about, in one of three ways and never in two: `records` and `subjects`; or `places`; or an `event`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ScopeBody {
    /// Records that it opens.
    #[serde(default)]
    #[schema(schema_with = forms::record_ids)]
    records: Vec<String>,
    /// People of whom it opens what is held of each as a person, and where each lives.
    #[serde(default)]
    #[schema(schema_with = forms::record_ids)]
    subjects: Vec<String>,
    /// Places: whoever lives there when the task is given is in it, but for those whose address is protected.
    #[serde(default)]
    #[schema(schema_with = forms::place_ids)]
    places: Vec<String>,
    /// An event: the dwellings that it names and whoever lives there are in it, as far as both posts cover them.
    #[schema(schema_with = forms::maybe_record_id)]
    event: Option<String>,
}

/// A task to be given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct TaskBody {
    /// What there is to do.
    #[schema(schema_with = forms::task_kind)]
    kind: String,
    /// The purpose; the same as in the header.
    #[schema(schema_with = forms::slug)]
    purpose: String,
    /// Who is to do it.
    #[schema(schema_with = forms::actor_id)]
    holder: String,
    /// What it is about.
    #[schema(value_type = ScopeBody)]
    scope: Members<ScopeBody>,
    /// The fields that it opens.
    #[schema(schema_with = forms::asked_fields)]
    fields: Vec<String>,
    /// First moment at which it opens nothing more, RFC 3339; 30 days ahead at most, half an hour at a counter.
    #[schema(schema_with = forms::body_moment)]
    until: String,
    /// How many distinct records it opens; as many as it names if nothing is said.
    #[schema(schema_with = forms::maybe_budget)]
    budget: Option<u32>,
    /// Whether a second person is asked to agree first: without that a task opens nothing of a child under 14.
    #[serde(default)]
    approval: bool,
}

/// A task that was given.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct TaskGivenBody {
    /// Its id, which its holder names in the header `Case`.
    id: String,
    /// How many distinct records it opens.
    budget: u32,
}

impl From<TaskGiven> for TaskGivenBody {
    fn from(given: TaskGiven) -> TaskGivenBody {
        TaskGivenBody { id: given.id.to_string(), budget: given.budget }
    }
}

/// The state that a step led to.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct TaskStepBody {
    /// The task's id.
    id: String,
}

/// A task that is not done.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ListedTaskBody {
    /// Its id, which its holder names in the header `Case`.
    id: String,
    /// What there is to do.
    kind: &'static str,
    /// How far it is.
    #[schema(schema_with = forms::task_state)]
    state: &'static str,
    /// For which purpose it is read.
    purpose: String,
    /// The fields that it opens.
    fields: Vec<String>,
    /// The records that it is over, for its holder: who gave it is not told whom a place led to.
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<Vec<String>>,
    /// The people that it is over, for its holder.
    #[serde(skip_serializing_if = "Option::is_none")]
    subjects: Option<Vec<String>>,
    /// First moment at which it opens nothing more.
    until: String,
    /// How many distinct records it opens.
    budget: u32,
    /// Who holds it, where the caller gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
}

impl From<ListedTask> for ListedTaskBody {
    fn from(task: ListedTask) -> ListedTaskBody {
        let ListedTask { id, record, given } = task;
        ListedTaskBody {
            id: id.to_string(),
            kind: record.task.map_or("", |kind| kind.as_str()),
            state: record.state.as_str(),
            purpose: record.purpose,
            fields: record.fields,
            records: (!given)
                .then(|| record.records.iter().map(|(id, _)| id.to_string()).collect()),
            subjects: (!given)
                .then(|| record.subjects.iter().map(|(id, _)| id.to_string()).collect()),
            until: Micros(record.until).rfc3339(),
            budget: record.budget,
            holder: given.then(|| record.holder.to_string()),
        }
    }
}

/// The tasks that the caller has to do with and that are not done.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct TasksBody {
    /// The tasks, those that end first in front.
    tasks: Vec<ListedTaskBody>,
    /// Whether there are more, which no list shows: it has 1,000 at most, those that end first.
    more: bool,
}

pub(in crate::http) async fn give(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<TaskGivenBody>, Problem> {
    caller.must_give_tasks(&rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let body: TaskBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let request = caller.understood(request_of(body, purpose), &rooms).await?;
    let territory = rooms.territory.load();
    let given = give_task(
        &caller.asked(purpose),
        request,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
        &rooms.identity,
        &*rooms.random,
    )
    .await?;
    let recorded = given.recorded;
    Ok(Answer::new(TaskGivenBody::from(given), recorded, rooms.trail.origin()).created())
}

fn request_of(body: TaskBody, purpose: &Purpose) -> Result<TaskRequest, Wrong> {
    if body.purpose != purpose.id.as_str() {
        return Err(Wrong::at("purpose", "differs_from_header"));
    }
    Ok(TaskRequest {
        kind: body.kind.parse().map_err(|_| Wrong::at("kind", "unknown_code"))?,
        holder: body.holder.parse().map_err(|_| Wrong::malformed("holder"))?,
        scope: scope_of(body.scope.0).ok_or_else(|| Wrong::malformed("scope"))?,
        fields: checked_field_names(body.fields)?,
        until: moment(&body.until).ok_or_else(|| Wrong::at("until", "wrong_time"))?,
        budget: body.budget,
        asks_approval: body.approval,
    })
}

/// One of the three ways, and no two together.
fn scope_of(body: ScopeBody) -> Option<TaskScope> {
    let ScopeBody { records, subjects, places, event } = body;
    let named = !records.is_empty() || !subjects.is_empty();
    match (named, places.is_empty(), event) {
        (true, true, None) => {
            Some(TaskScope::Named { records: ids(&records)?, subjects: ids(&subjects)? })
        }
        (false, false, None) => Some(TaskScope::Places(ids(&places)?)),
        (false, true, Some(event)) => Some(TaskScope::Event(event.parse().ok()?)),
        _ => None,
    }
}

fn ids<T: FromStr>(texts: &[String]) -> Option<Vec<T>> {
    if texts.len() > TASK_SCOPE_COUNT_MAX {
        return None;
    }
    texts.iter().map(|text| text.parse().ok()).collect()
}

pub(in crate::http) async fn list(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
) -> Result<Answer<TasksBody>, Problem> {
    let found = list_tasks(
        &caller.actor,
        &caller.origin,
        caller.now,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
    )
    .await?;
    let tasks = found.tasks.into_iter().map(ListedTaskBody::from).collect();
    let body = TasksBody { tasks, more: found.more };
    Ok(Answer::new(body, found.recorded, rooms.trail.origin()))
}

/// A task of the day, on its way out.
pub(in crate::http) struct DayTaskOut {
    task: DayTask,
    log: String,
    territory: Arc<Territory>,
    now: Micros,
}

impl Written for DayTaskOut {
    fn write(&self, into: &mut Vec<u8>) -> serde_json::Result<()> {
        let DayTask { task, page, more } = &self.task;
        let mut body = Object::new(into);
        body.value("id", &task.id)?;
        body.plain("kind", task.record.task.map_or("", |kind| kind.as_str()));
        body.plain("until", &Micros(task.record.until).rfc3339());
        match page {
            Some(page) => {
                let people = body.member("people");
                items(people, RecordType::Person, page, &self.territory, self.now)?;
                body.value("receipt", &ReceiptBody::of(page.recorded(), &self.log))?;
            }
            None => body.value("people", &[(); 0])?,
        }
        body.value("more", more)?;
        body.end();
        Ok(())
    }
}

/// The day's list.
pub(in crate::http) struct DayOut {
    tasks: Vec<DayTaskOut>,
    more: bool,
}

impl Written for DayOut {
    fn write(&self, into: &mut Vec<u8>) -> serde_json::Result<()> {
        let mut body = Object::new(into);
        array(body.member("tasks"), self.tasks.iter(), |into, task| task.write(into))?;
        body.value("more", &self.more)?;
        body.end();
        Ok(())
    }
}

/// A task of the day and where it leads.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of `DayTaskOut`, which writes itself")]
pub(in crate::http) struct DayTaskBody {
    /// Its id, which its holder names in the header `Case`.
    id: String,
    /// What there is to do.
    kind: String,
    /// First moment at which it opens nothing more.
    until: String,
    /// The people that it is about, by address: the address in clear, the name masked. A hundred of a task at most.
    people: Vec<ItemBody>,
    /// Whether there are more.
    more: bool,
    /// The entry that names the people; absent where none could be shown.
    #[schema(required = false)]
    receipt: Option<ReceiptBody>,
}

/// The day's list.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of `DayOut`, which writes itself")]
pub(in crate::http) struct DayBody {
    /// The caller's open tasks for the purpose of the request, those that end first in front.
    tasks: Vec<DayTaskBody>,
    /// Whether there are more tasks, which no list shows: it is made of 1,000 at most, those that end first.
    more: bool,
}

pub(in crate::http) async fn of_the_day(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Headers(headers): Headers,
) -> Result<Answer<DayOut>, Problem> {
    caller.must_ask(Ask::List, &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let territory = rooms.territory.load_full();
    let found = day(
        &caller.asked(purpose),
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
    )
    .await?;
    let log = rooms.trail.origin();
    let out = |task| DayTaskOut {
        task,
        log: log.to_owned(),
        territory: territory.clone(),
        now: caller.now,
    };
    let body = DayOut { tasks: found.tasks.into_iter().map(out).collect(), more: found.more };
    Ok(Answer::new(body, found.recorded, log))
}

pub(in crate::http) async fn accept(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
) -> Result<Answer<TaskStepBody>, Problem> {
    step(&rooms, &caller, &id, TaskStep::Accept).await
}

pub(in crate::http) async fn give_back(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
) -> Result<Answer<TaskStepBody>, Problem> {
    step(&rooms, &caller, &id, TaskStep::Return).await
}

pub(in crate::http) async fn close(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
) -> Result<Answer<TaskStepBody>, Problem> {
    step(&rooms, &caller, &id, TaskStep::Close).await
}

async fn step(
    rooms: &Rooms,
    caller: &Caller,
    id: &str,
    step: TaskStep,
) -> Result<Answer<TaskStepBody>, Problem> {
    let id: MandateId = caller.named(id, rooms).await?;
    let recorded = step_task(
        &caller.actor,
        id,
        step,
        &caller.origin,
        caller.now,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
    )
    .await?;
    Ok(Answer::new(TaskStepBody { id: id.to_string() }, recorded, rooms.trail.origin()))
}
