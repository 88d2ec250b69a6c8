//! The day's list: of each open task of the caller where to go, with names that do not tell whose they are.
//! Never in clear but inside its open task and for its purpose, and never more than a page of a task at once.
//! Each task is decided, recorded and counted by itself; one that shows nothing any more stops no other.

use super::task::ListedTask;
use crate::access::{
    Access, Ask, Candidate, Charge, Code, List, Mandate, MandateAct, MandateKind, Permit, Question,
    Written,
};
use crate::limits::{
    DAY_RECORDS_COUNT_MAX, STALE_ATTEMPTS_MAX, TASK_PAGE_COUNT_MAX, TASKS_LISTED_COUNT_MAX,
};
use crate::operations::describe::{Nothing, ended};
use crate::operations::error::{refuse, turn_away};
use crate::operations::mandate::{Listing, kept_mandate, listed};
use crate::operations::scope::{Seen, look};
use crate::operations::{Asked, OperationError};
use crate::records::{MandateId, RecordType, SchemaSet};
use crate::seal::{MandateState, OpenedPage, Seal};
use crate::store::{Page, Reader, Sealed};
use crate::territory::Territory;
use crate::trail::{Recorded, Refused, Trail};

/// What a visit is found by, of which a task names at least one: it is in clear, and the list goes by it.
const ADDRESSES: [&str; 2] = ["pick_up_address", "current_address"];
/// What is shown beside it, masked.
const NAME: &str = "name";

/// A task of the day.
pub struct DayTask {
    /// The task.
    pub task: ListedTask,
    /// The people that it is about, by address; nothing for a task that is about none or names no address, or whose
    /// holder's post shows nothing of them any more.
    pub page: Option<OpenedPage>,
    /// Whether there are more than are named.
    pub more: bool,
}

/// The tasks of the day.
pub struct Day {
    /// The tasks, those that end first in front.
    pub tasks: Vec<DayTask>,
    /// Whether there may be more than a list has.
    pub more: bool,
    /// The entry of the list.
    pub recorded: Recorded,
}

/// Lists the caller's open tasks for the purpose of the request, with where each leads.
///
/// # Errors
/// When it cannot be recorded, and `stale` where rights change while it is decided.
pub async fn day(
    asked: &Asked<'_>,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Day, OperationError> {
    let (actor, origin) = (asked.actor, asked.origin);
    let standing = actor.standing();
    let written = Written::Mandate(MandateAct::List);
    let permit = access.permit_known(standing, written, origin, Nothing);
    let place = standing.actor.as_bytes();
    let found = listed(place, TASKS_LISTED_COUNT_MAX, asked.now, store, seal).await?;
    let Listing { kept, more: cut } = found;
    let recorded = match trail.append(permit).await {
        Ok(receipt) => receipt.recorded(),
        Err(refused) => return Err(ended(refused, actor, origin, access, trail).await),
    };
    let mut left = DAY_RECORDS_COUNT_MAX;
    let mut tasks = Vec::new();
    for kept in kept {
        let record = kept.record;
        let open = record.task.is_some()
            && record.state == MandateState::Open
            && record.holder == standing.actor
            && record.purpose == asked.purpose.id.as_str();
        if !open {
            continue;
        }
        let task = ListedTask { id: kept.id, record, given: false };
        if left == 0 {
            tasks.push(DayTask { task, page: None, more: true });
            continue;
        }
        let walk = Visits { asked, store, seal, access, trail, schemas, territory };
        let (page, more) = walk.of(&task, left.min(TASK_PAGE_COUNT_MAX)).await?;
        left -= page.as_ref().map_or(0, OpenedPage::len);
        tasks.push(DayTask { task, page, more });
    }
    Ok(Day { tasks, more: cut, recorded })
}

/// The rooms that the list of one task visits.
struct Visits<'a> {
    asked: &'a Asked<'a>,
    store: &'a Reader,
    seal: &'a Seal,
    access: &'a Access,
    trail: &'a Trail,
    schemas: &'a SchemaSet,
    territory: &'a Territory,
}

impl Visits<'_> {
    /// The people of a task by address, as many as are left, and whether there are more.
    async fn of(
        &self,
        task: &ListedTask,
        count_max: usize,
    ) -> Result<(Option<OpenedPage>, bool), OperationError> {
        let named = |field: &&str| task.record.fields.iter().any(|own| own == field);
        let addresses: Vec<&str> = ADDRESSES.into_iter().filter(&named).collect();
        if addresses.is_empty() {
            return Ok((None, false));
        }
        let shown = addresses.iter().copied().chain(Some(NAME).filter(&named));
        let fields: Vec<String> = shown.map(str::to_owned).collect();
        // Whose budget is used up sees masked what a post of its own shows so, and nothing else.
        let mut by_mandate = true;
        for _ in 0..STALE_ATTEMPTS_MAX {
            let mandate = self.mandate(task.id).await?.filter(|_| by_mandate);
            let Some((permit, more)) =
                self.permit(task, mandate.as_ref(), &fields, &addresses, count_max).await?
            else {
                return Ok((None, false));
            };
            match self.trail.append(permit).await {
                Ok(receipt) => {
                    let mut page = self.seal.open_page(receipt)?;
                    page.sort_by(&addresses);
                    return Ok((Some(page), more));
                }
                Err(Refused::Stale(_)) => {}
                Err(Refused::Limit(_)) if by_mandate => {
                    let (asked, access) = (self.asked, self.access);
                    let refused = turn_away(asked, access, self.trail, Code::RevealLimit).await;
                    let OperationError::Refused { .. } = refused else { return Err(refused) };
                    by_mandate = false;
                }
                Err(Refused::Limit(_)) => return Ok((None, false)),
                Err(Refused::Trail(error)) => return Err(error.into()),
            }
        }
        Err(turn_away(self.asked, self.access, self.trail, Code::Stale).await)
    }

    /// The task as it is now, if it is open still.
    async fn mandate(&self, id: MandateId) -> Result<Option<Mandate>, OperationError> {
        let kept = kept_mandate(id, self.store, self.seal).await?;
        let mandate = kept.and_then(|kept| kept.record.mandate(id, kept.version));
        Ok(mandate.filter(|mandate| mandate.kind == MandateKind::Task))
    }

    /// Decides over the people of the task by the first post that shows something of one.
    async fn permit(
        &self,
        task: &ListedTask,
        mandate: Option<&Mandate>,
        fields: &[String],
        addresses: &[&str],
        count_max: usize,
    ) -> Result<Option<(Permit<Page>, bool)>, OperationError> {
        let question = self.asked.question(Ask::List, self.schemas, self.territory);
        let question = Question { mandate, ..question };
        let record_type = RecordType::Person;
        let in_clear = Some(addresses);
        let list = List { record_type, fields, matched: None, within: None, in_clear };
        let plan = match self.access.plan_list(&question, &list) {
            Ok(plan) => plan,
            Err(denied) => {
                // Its entry says why; the other tasks of the day are listed all the same.
                return match refuse(self.trail, denied).await {
                    OperationError::Refused { .. } => Ok(None),
                    error => Err(error),
                };
            }
        };
        let people = self.people(task).await?;
        let shows = |reach: usize, seen: &Seen| {
            seen.found
                .as_ref()
                .is_some_and(|(sealed, facts)| plan.shows(reach, sealed.row().header.cell, facts))
        };
        let mut reaches = 0..plan.reaches().count();
        let reach = reaches.find(|reach| people.iter().any(|one| shows(*reach, one)));
        let reach = reach.unwrap_or(0);
        let shown: Vec<Seen> = people.into_iter().filter(|one| shows(reach, one)).collect();
        let more = shown.len() > count_max;
        let candidates: Vec<Candidate<Sealed>> = shown
            .into_iter()
            .filter_map(|seen| seen.found)
            .take(count_max)
            .map(|(sealed, facts)| Candidate {
                cell: sealed.row().header.cell,
                facts: facts.into(),
                target: sealed,
            })
            .collect();
        let charges: Vec<Charge> = Vec::new();
        Ok(Some((plan.permit(reach, candidates, charges), more)))
    }

    /// The people that a task names, each once.
    async fn people(&self, task: &ListedTask) -> Result<Vec<Seen>, OperationError> {
        let records: Vec<_> = task.record.records.iter().map(|(id, _)| *id).collect();
        let subjects: Vec<_> = task.record.subjects.iter().map(|(id, _)| *id).collect();
        let mut people = look(&records, &subjects, self.store, self.seal).await?;
        let mut met = Vec::with_capacity(people.len());
        people.retain(|seen| {
            let is_person = seen
                .found
                .as_ref()
                .is_some_and(|(sealed, _)| sealed.row().header.record_type == RecordType::Person);
            let new = is_person && !met.contains(&seen.record);
            met.push(seen.record);
            new
        });
        Ok(people)
    }
}
