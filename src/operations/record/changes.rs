//! The change feed: ids and versions of the records that a client holds for its purpose.
//! Never a value, never a filter by record, and never a place where a change could be skipped.
//! Its cursor does not expire: it says how far each of the caller's assignments has been followed.

use super::walk::{Part, Way};
use crate::access::{self, Access, Ask, ChangedState, Code, Permit};
use crate::limits::{ASSIGNMENTS_COUNT_MAX, FEED_CELLS_COUNT_MAX, STALE_ATTEMPTS_MAX};
use crate::operations::cursor::{not_a_cursor, owner};
use crate::operations::error::{after, refuse, turn_away, turn_away_fields};
use crate::operations::{Asked, Met, OperationError};
use crate::records::{Owner, RecordId, RecordRef, RecordType, SchemaSet, Target};
use crate::seal::{Cursor, Remains, Seal};
use crate::store::{Changes, Decoder, Encoder, FeedPlace, Fetched, Malformed, Reader};
use crate::territory::{CellId, Territory};
use crate::trail::{Recorded, Trail};

/// What is asked of the feed.
pub struct ChangesRequest {
    /// Where to go on; from the beginning without one.
    pub since: Option<String>,
    /// Changes of a page, at most.
    pub limit: usize,
}

/// One change: the record as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The record.
    pub id: RecordId,
    /// Its type.
    pub record_type: RecordType,
    /// Its version.
    pub version: u64,
    /// Whether it is gone.
    pub removed: bool,
}

/// A page of the feed.
pub struct Changed {
    /// The changes, in the order of the log.
    pub changes: Vec<Change>,
    /// Where to go on, now or later.
    pub cursor: Cursor,
    /// Whether there is more already.
    pub more: bool,
    /// The entry.
    pub recorded: Recorded,
}

/// Gives a page of changes.
///
/// # Errors
/// `denied` where the caller has to do with no type that the purpose lists; `schema_invalid` with pointer `cursor`;
/// `too_large` for an area of more cells than one page merges.
#[expect(clippy::too_many_arguments, reason = "the rooms that the feed visits, in order")]
pub async fn changes(
    asked: &Asked<'_>,
    request: ChangesRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Changed, OperationError> {
    let owner = owner(asked.actor.standing().actor, &("changes", asked.purpose.id.as_str()));
    let given = match &request.since {
        Some(cursor) => seal
            .position(&owner, cursor, asked.now)
            .and_then(|bytes| Followed::from_bytes(&bytes).ok()),
        None => Some(Followed::default()),
    };
    let Some(given) = given else {
        return Err(turn_away_fields(asked, access, trail, vec![not_a_cursor("cursor")]).await);
    };
    let question = asked.question(Ask::Changes, schemas, territory);
    for _ in 0..STALE_ATTEMPTS_MAX {
        let plan = match access.plan_feed(&question) {
            Ok(plan) => plan,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let way = Way::of(plan.reaches(), None, territory, asked.now);
        if way.parts.iter().any(|part| part.cells.len() > FEED_CELLS_COUNT_MAX) {
            return Err(turn_away(asked, access, trail, Code::TooLarge).await);
        }
        let Page { reach, found, followed, more } =
            next_page(&way, &given, request.limit, store).await?;
        let changed = looked_up(&found, asked.met, store, seal).await?;
        let permit: Permit<Told> = plan.permit(reach, changed);
        match trail.append(permit).await {
            Ok(receipt) => {
                let recorded = receipt.recorded();
                let cursor = seal.cursor(&owner, &followed.to_bytes(), None)?;
                let Told(changes) = receipt.into_permit().into_target();
                return Ok(Changed { changes, cursor, more, recorded });
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

/// What a permit of the feed owns: nothing is opened for it.
struct Told(Vec<Change>);

impl FromIterator<Change> for Told {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Told {
        Told(changes.into_iter().collect())
    }
}

impl Target for Told {
    fn records(&self) -> &[RecordRef] {
        &[]
    }

    fn owns(&self, _owner: Owner) -> bool {
        false
    }
}

/// How far the area of one assignment has been followed.
#[derive(Clone, Copy)]
struct Trace {
    assignment: [u8; 16],
    /// Digest of its cells: an area that was divided anew is followed from the beginning, or what came into it would
    /// be missed.
    cells: [u8; 8],
    to: FeedPlace,
}

/// How far each assignment has been followed.
#[derive(Clone, Default)]
struct Followed(Vec<Trace>);

impl Followed {
    fn of(&self, part: &Part) -> FeedPlace {
        let same =
            |trace: &&Trace| trace.assignment == part.assignment && trace.cells == digest(part);
        self.0.iter().find(same).map_or(FeedPlace::START, |trace| trace.to)
    }

    /// The same with one assignment followed further. Those that are over are forgotten.
    fn further(&self, way: &Way, at: usize, to: FeedPlace) -> Followed {
        let traces = way.parts.iter().enumerate().map(|(place, part)| Trace {
            assignment: part.assignment,
            cells: digest(part),
            to: if place == at { to } else { self.of(part) },
        });
        Followed(traces.collect())
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        for trace in &self.0 {
            out.raw(&trace.assignment);
            out.raw(&trace.cells);
            out.u64(trace.to.index);
            out.raw(trace.to.record.as_bytes());
        }
        out.finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Followed, Malformed> {
        if !bytes.len().is_multiple_of(TRACE_BYTES)
            || bytes.len() / TRACE_BYTES > ASSIGNMENTS_COUNT_MAX
        {
            return Err(Malformed);
        }
        let trace = |bytes: &[u8]| {
            let mut from = Decoder::new(bytes);
            let (assignment, cells) = (from.array()?, from.array()?);
            let (index, record) = (from.u64()?, RecordId::from_bytes(from.array()?));
            Ok(Trace { assignment, cells, to: FeedPlace { index, record } })
        };
        bytes.chunks(TRACE_BYTES).map(trace).collect::<Result<_, _>>().map(Followed)
    }
}

/// Assignment, digest of cells, index and record.
const TRACE_BYTES: usize = 16 + 8 + 8 + 16;

fn digest(part: &Part) -> [u8; 8] {
    let mut bytes = Vec::with_capacity(8 * part.cells.len());
    for cell in &part.cells {
        bytes.extend_from_slice(&cell.to_bytes());
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    let mut short = [0; 8];
    short.copy_from_slice(&digest.as_ref()[..8]);
    short
}

/// What a look at the feed found, all of it for one assignment.
struct Page {
    reach: usize,
    found: Vec<(FeedPlace, CellId)>,
    followed: Followed,
    more: bool,
}

/// The next changes of the first assignment that has some.
async fn next_page(
    way: &Way,
    given: &Followed,
    limit: usize,
    store: &Reader,
) -> Result<Page, OperationError> {
    for (at, part) in way.parts.iter().enumerate() {
        let Changes { places, more } = store.changes(&part.cells, given.of(part), limit).await?;
        if let Some((last, _)) = places.last() {
            let followed = given.further(way, at, *last);
            let more = more || at + 1 < way.parts.len();
            return Ok(Page { reach: part.reach, found: places, followed, more });
        }
    }
    let reach = way.parts.first().map_or(0, |part| part.reach);
    let to = way.parts.first().map_or(FeedPlace::START, |part| given.of(part));
    Ok(Page { reach, found: Vec::new(), followed: given.further(way, 0, to), more: false })
}

/// The records behind the changes, as they are now.
async fn looked_up(
    found: &[(FeedPlace, CellId)],
    met: &Met,
    store: &Reader,
    seal: &Seal,
) -> Result<Vec<access::Changed<Change>>, OperationError> {
    let mut changed = Vec::with_capacity(found.len());
    for (place, _) in found {
        let id = place.record;
        let (record_type, cell, version, state) = match store.fetch(id).await? {
            Fetched::Found(sealed) => {
                let header = &sealed.row().header;
                let facts = seal.facts(&sealed).map_err(|error| met.unread(&sealed, error))?;
                let version = sealed.version().0;
                (header.record_type, header.cell, version, ChangedState::Held(facts))
            }
            Fetched::Erased(tombstone, version, _) => {
                let Remains { line, protected } = seal.remains_of(&tombstone)?;
                let state = ChangedState::Removed { line, protected };
                (tombstone.record_type, tombstone.cell, version.0, state)
            }
            Fetched::Missing => continue,
        };
        let removed = matches!(state, ChangedState::Removed { .. });
        let target = Change { id, record_type, version, removed };
        changed.push(access::Changed { record_type, cell, state, target });
    }
    Ok(changed)
}
