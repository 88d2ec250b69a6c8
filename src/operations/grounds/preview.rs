//! What the caller may do in a grid, for which purposes, and whom it has to ask: before it goes to a door, or in a form.
//! Never touches a record, and never says anything of another caller: the question is about a kind of person in a place.
//! Where none of its posts lies, and where no grid is, the answer is the same: nothing.

use crate::access::{Access, Ask, Fact, Origin, Previewed, Question, Written};
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::operations::OperationError;
use crate::operations::describe::{Nothing, ended};
use crate::purposes::{Purpose, PurposeSet};
use crate::records::{Facts, RecordType, SchemaSet};
use crate::territory::{CellId, Territory};
use crate::trail::{Recorded, Trail};

/// How old whoever it is about would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Grown up.
    Adult,
    /// From 14 to 17.
    Minor,
    /// Under 14.
    Child,
}

impl Age {
    /// All.
    pub const ALL: [Age; 3] = [Age::Adult, Age::Minor, Age::Child];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Age::Adult => "adult",
            Age::Minor => "minor",
            Age::Child => "child",
        }
    }

    /// The attributes of nobody in particular of that age.
    fn facts(self, today: i32) -> Facts {
        let (turns_14, turns_18) = match self {
            Age::Adult => (None, None),
            Age::Minor => (Some(today), Some(today + 1)),
            Age::Child => (Some(today + 1), Some(today + 2)),
        };
        Facts { turns_14, turns_18, ..Facts::of_nobody() }
    }
}

/// What is asked.
pub struct PreviewRequest<'a> {
    /// Over which type of record.
    pub record_type: RecordType,
    /// In which grid.
    pub grid: String,
    /// For one purpose alone; for each that is active without it.
    pub purpose: Option<&'a Purpose>,
    /// About somebody of which age.
    pub age: Age,
}

/// The rooms that it visits.
pub struct Previewing<'a> {
    /// Who may.
    pub access: &'a Access,
    /// The one door for change.
    pub trail: &'a Trail,
    /// What records can hold.
    pub schemas: &'a SchemaSet,
    /// Why data may be held.
    pub purposes: &'a PurposeSet,
    /// The tree of grids.
    pub territory: &'a Territory,
}

/// What the caller may for one purpose.
pub struct PreviewedPurpose<'a> {
    /// The purpose.
    pub purpose: &'a Purpose,
    /// What its post gives.
    pub previewed: Previewed,
}

/// Says what the caller may there, for each purpose that gives it something.
///
/// # Errors
/// When it cannot be recorded.
pub async fn preview_access<'a>(
    actor: &Actor,
    request: &PreviewRequest<'a>,
    origin: &Origin,
    now: Micros,
    rooms: &Previewing<'a>,
) -> Result<(Vec<PreviewedPurpose<'a>>, Recorded), OperationError> {
    let Previewing { access, trail, schemas, purposes, territory } = *rooms;
    let standing = actor.standing();
    let cell = cell_of(&request.grid, territory, now);
    let facts = request.age.facts(now.local_days());
    let asked = purposes.iter().filter(|purpose| {
        purpose.active && request.purpose.is_none_or(|only| only.id == purpose.id)
    });
    let previewed = asked.filter_map(|purpose| {
        let question = Question {
            standing,
            origin,
            now,
            territory,
            schemas,
            purpose,
            mandate: None,
            ask: Ask::Read,
        };
        let previewed = access.preview(&question, request.record_type, cell?, &facts)?;
        Some(PreviewedPurpose { purpose, previewed })
    });
    let found: Vec<PreviewedPurpose<'_>> = previewed.collect();
    let permit = access.permit_known(standing, Written::Preview, origin, Nothing);
    let permit = permit
        .stating("type", Fact::Code(request.record_type.as_str().to_owned()))
        .stating("age", Fact::Code(request.age.as_str().to_owned()))
        .stating("count", Fact::Number(found.len() as u64));
    match trail.append(permit).await {
        Ok(receipt) => Ok((found, receipt.recorded())),
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}

fn cell_of(grid: &str, territory: &Territory, now: Micros) -> Option<CellId> {
    let grid = territory.resolve(grid, now.0).ok()?;
    territory.cell_for_new_record(&grid, now.0)
}
