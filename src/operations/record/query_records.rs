//! Lists records of one type: ids and masked fields, page by page; in clear what the caller's task opens of its own records.
//! Never says what was left out, and opens nothing before the one entry that names all of it is durable.
//! Each page is carried by one assignment and decided anew; a cursor says only where it begins.

use super::create_record::cell_of;
use super::walk::{Found, Position, Search, Way};
use crate::access::{Access, Ask, Charge, Code, List, Permit, Question};
use crate::ambient::Micros;
use crate::limits::{CURSOR_SECONDS, STALE_ATTEMPTS_MAX};
use crate::operations::cursor::{not_a_cursor, owner};
use crate::operations::error::{after, refuse, turn_away, turn_away_fields};
use crate::operations::mandate::mandate_of_list;
use crate::operations::{Asked, Case, OperationError};
use crate::records::{ExternalRef, FieldProblem, ProblemReason, RecordType, SchemaSet, Value};
use crate::seal::{Cursor, CursorOwner, OpenedPage, Seal, Sought};
use crate::store::{Page, Reader};
use crate::territory::{CellId, Territory};
use crate::trail::Trail;
use serde_json::Value as Json;

/// What is listed, as the door parsed it.
pub struct QueryRequest {
    /// The grid, as the caller wrote it; without one, everything that the caller's assignments cover.
    pub grid: Option<String>,
    /// The type of record.
    pub record_type: RecordType,
    /// A field and the exact value that its records share.
    pub matched: Option<(String, Json)>,
    /// What the calling system calls the record in its own books.
    pub external_ref: Option<ExternalRef>,
    /// Only records that changed at this moment or later.
    pub updated_since: Option<Micros>,
    /// Field names, in the caller's order.
    pub fields: Vec<String>,
    /// Records of a page, at most.
    pub limit: usize,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// One page.
pub struct Queried {
    /// Its records.
    pub page: OpenedPage,
    /// Where the next one begins; nothing after the last.
    pub cursor: Option<Cursor>,
}

/// Lists a page of records.
///
/// # Errors
/// [`OperationError::Refused`]: `denied`, `field_unknown`, `purpose_not_for_field`, `out_of_territory`, `reveal_limit`
/// as for a match, `schema_invalid` with pointer `cursor`, and `case_required` or `approval_required` where no field may
/// be shown without.
#[expect(clippy::too_many_arguments, reason = "the rooms that a list visits, in order")]
pub async fn query_records(
    asked: &Asked<'_>,
    request: QueryRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Queried, OperationError> {
    let Begun { within, matched, external, owner, position } =
        match begin(asked, &request, seal, schemas, territory) {
            Ok(begun) => begun,
            Err(unbegun) => return Err(unbegun.end(asked, access, trail).await),
        };
    let list = List {
        record_type: request.record_type,
        fields: &request.fields,
        matched: request.matched.as_ref().map(|(field, _)| field.as_str()),
        within,
        in_clear: None,
    };
    let search = Search {
        record_type: request.record_type,
        term: matched.as_ref().map(|matched| matched.term).or(external),
        changed_since: request.updated_since,
        records_count_max: request.limit,
        met: asked.met,
    };
    for _ in 0..STALE_ATTEMPTS_MAX {
        let mandate = mandate_of_list(asked, store, seal).await?;
        let mandate = mandate.as_ref();
        let question = Question { mandate, ..asked.question(Ask::List, schemas, territory) };
        let plan = match access.plan_list(&question, &list) {
            Ok(plan) => plan,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let grid = within.and_then(|(cell, _)| territory.grid_of(cell, asked.now.0));
        let way = Way::of(plan.reaches(), grid, territory, asked.now);
        let Some(start) = way.begin(position.as_ref(), &search) else {
            // The assignment that carried the page before is over, and its area with it.
            return Err(turn_away_fields(asked, access, trail, vec![not_a_cursor("cursor")]).await);
        };
        let Found { reach, candidates, next } =
            search.page(&way, start, &plan, store, seal).await?;
        let charges: Vec<Charge> = matched.iter().map(|matched| matched.charge.clone()).collect();
        let permit: Permit<Page> = plan.permit(reach, candidates, charges);
        match trail.append(permit).await {
            Ok(receipt) => {
                let recorded = receipt.recorded();
                let opened = seal.open_page(receipt);
                let page = opened.map_err(|error| asked.met.behind(recorded, error))?;
                let ends = Micros(asked.now.0.saturating_add(CURSOR_SECONDS * 1_000_000));
                let cursor = match next {
                    Some(next) => Some(seal.cursor(&owner, &next.to_bytes(), Some(ends))?),
                    None => None,
                };
                return Ok(Queried { page, cursor });
            }
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
            }
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

/// What a cursor that is none is told, whatever is wrong with it.
/// A request whose words make sense.
struct Begun {
    within: Option<(CellId, Option<&'static str>)>,
    matched: Option<Matched>,
    /// A system's own name: it finds what that system itself named so, and costs nothing.
    external: Option<Sought>,
    owner: CursorOwner,
    position: Option<Position>,
}

/// Why a request makes no sense.
enum Unbegun {
    Code(Code),
    Field(FieldProblem),
    Error(OperationError),
}

impl Unbegun {
    async fn end(self, asked: &Asked<'_>, access: &Access, trail: &Trail) -> OperationError {
        match self {
            Unbegun::Code(code) => turn_away(asked, access, trail, code).await,
            Unbegun::Field(problem) => turn_away_fields(asked, access, trail, vec![problem]).await,
            Unbegun::Error(error) => error,
        }
    }
}

fn begin(
    asked: &Asked<'_>,
    request: &QueryRequest,
    seal: &Seal,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Begun, Unbegun> {
    let within = match &request.grid {
        Some(grid) => {
            let cell = cell_of(grid, territory, asked);
            Some((cell.ok_or(Unbegun::Code(Code::OutOfTerritory))?, None))
        }
        None => None,
    };
    let matched = matched_value(asked, request, seal, schemas)?;
    let external = request.external_ref.as_ref().map(|name| asked.term_of(name, seal));
    let owner = owner_of(asked, request);
    let position = match &request.cursor {
        Some(cursor) => {
            let position = seal.position(&owner, cursor, asked.now);
            let position = position.and_then(|bytes| Position::from_bytes(&bytes));
            Some(position.ok_or_else(|| Unbegun::Field(not_a_cursor("cursor")))?)
        }
        None => None,
    };
    Ok(Begun { within, matched, external, owner, position })
}

/// An exact value: what it is found by and what it costs.
struct Matched {
    term: Sought,
    charge: Charge,
}

/// A field without a term gives none; the plan says no to it, in its order.
fn matched_value(
    asked: &Asked<'_>,
    request: &QueryRequest,
    seal: &Seal,
    schemas: &SchemaSet,
) -> Result<Option<Matched>, Unbegun> {
    let Some((name, value)) = &request.matched else { return Ok(None) };
    let schema = schemas.get(request.record_type);
    let Some(field) = schema.and_then(|schema| schema.field(name)) else {
        return Err(Unbegun::Field(FieldProblem::new(name, ProblemReason::UnknownField)));
    };
    if !field.is_matched_by_value() {
        return Ok(None);
    }
    let value =
        Value::parse(field, value.clone(), asked.now.local_date()).map_err(Unbegun::Field)?;
    let error = |error| Unbegun::Error(OperationError::Seal(error));
    let term = seal.term(field, &value).map_err(error)?;
    let actor = asked.actor.standing().actor;
    let charge = seal.charge(actor, asked.now, field, &value).map_err(error)?;
    Ok(Some(Matched { term, charge }))
}

/// Everything that was asked but where to begin and how much, so that a cursor serves this one question.
fn owner_of(asked: &Asked<'_>, request: &QueryRequest) -> CursorOwner {
    let matched = request.matched.as_ref().map(|(field, value)| (field, value.to_string()));
    let external = request.external_ref.as_ref();
    let external = external.map(|name| (asked.system().to_string(), name.as_bytes()));
    let since = request.updated_since.map(|since| since.0);
    let case = asked.case.map(|case| match case {
        Case::Mandate(id) => id.to_string(),
        Case::Echo => String::new(),
    });
    let question = (
        "query",
        case,
        asked.purpose.id.as_str(),
        &request.grid,
        request.record_type.as_str(),
        matched,
        external,
        since,
        &request.fields,
    );
    owner(asked.actor.standing().actor, &question)
}
