//! Walks through the records of an area in one fixed order, with bounded work, and says where it stopped.
//! Never decides: what the plan would show is taken along, and the permit weighs it once more.
//! Each record lies in one place of the order, so a walk meets it once, whatever is added or removed meanwhile.

use crate::access::{Candidate, ListPlan};
use crate::ambient::Micros;
use crate::limits::{
    QUERY_LOOKS_COUNT_MAX, QUERY_PAGE_BYTES_MAX, QUERY_PAGE_COUNT_MAX, QUERY_SUBJECTS_COUNT_MAX,
};
use crate::operations::by_term::{bearer, behind_term};
use crate::operations::{Met, OperationError};
use crate::records::{RecordId, RecordType};
use crate::seal::{Seal, Sought};
use crate::store::{Fetched, Key, Reader, Sealed, Stored};
use crate::territory::{Area, CellId, GridCode, Territory};

/// Sorts before every record: the beginning of a cell.
const FIRST: RecordId = RecordId::from_bytes([0; 16]);
/// Listings fetched at once, at least: more would be thrown away where a page is nearly full.
const CHUNK_COUNT_MIN: usize = 16;

/// The assignments that carry a list, in order, each with the cells that are walked through under it. No record is
/// met under two of them.
pub(super) struct Way {
    pub(in crate::operations) parts: Vec<Part>,
}

pub(super) struct Part {
    /// Its place among the plan's reaches.
    pub(in crate::operations) reach: usize,
    pub(in crate::operations) assignment: [u8; 16],
    /// The line of business that it is bound to.
    line: Option<String>,
    pub(in crate::operations) cells: Vec<CellId>,
}

impl Part {
    fn holds(&self, cell: CellId) -> bool {
        self.cells.binary_search(&cell).is_ok()
    }
}

/// A place of the order: behind this record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    assignment: [u8; 16],
    cell: CellId,
    record: RecordId,
}

impl Position {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        [&self.assignment[..], &self.cell.to_bytes(), self.record.as_bytes()].concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Position> {
        let (assignment, rest) = bytes.split_first_chunk()?;
        let (cell, rest) = rest.split_first_chunk()?;
        let record = RecordId::from_bytes(rest.try_into().ok()?);
        Some(Position { assignment: *assignment, cell: CellId::from_bytes(*cell), record })
    }
}

impl Way {
    /// Through the areas of a plan's assignments, or through one grid.
    pub(super) fn of<'a>(
        reaches: impl Iterator<Item = ([u8; 16], Area, Option<&'a str>)>,
        grid: Option<GridCode>,
        territory: &Territory,
        now: Micros,
    ) -> Way {
        let mut parts: Vec<Part> = Vec::new();
        for (reach, (assignment, area, line)) in reaches.enumerate() {
            let within = grid.map_or(area, Area::from);
            let mut cells = territory.cells_in(&within, now.0);
            cells.retain(|cell| {
                let walked = parts.iter().any(|part| {
                    let all = part.line.is_none() || part.line.as_deref() == line;
                    all && part.holds(*cell)
                });
                !walked && territory.covers(&area, *cell, now.0)
            });
            if !cells.is_empty() {
                let line = line.map(str::to_owned);
                parts.push(Part { reach, assignment, line, cells });
            }
        }
        Way { parts }
    }

    /// Whether a record was met in a part before this one. Parts of two lines share cells, and in them the records of
    /// no line; one of no line has those of all lines.
    fn is_met_before(&self, part: &Part, cell: CellId, line: Option<&str>) -> bool {
        let before = self.parts.iter().take_while(|other| other.reach != part.reach);
        before
            .filter(|other| other.holds(cell))
            .any(|other| other.line.as_deref().zip(line).is_none_or(|(own, held)| own == held))
    }

    /// The part and the cell where a walk begins or goes on; nothing when the assignment of the position is gone.
    pub(super) fn begin(&self, position: Option<&Position>, search: &Search<'_>) -> Option<Start> {
        let Some(position) = position else {
            return Some(Start { part: 0, cell: 0, after: FIRST });
        };
        let part = self.parts.iter().position(|part| part.assignment == position.assignment)?;
        if search.term.is_some() {
            return Some(Start { part, cell: 0, after: position.record });
        }
        let cells = &self.parts[part].cells;
        let cell = cells.partition_point(|cell| *cell < position.cell);
        let same = cells.get(cell) == Some(&position.cell);
        Some(Start { part, cell, after: if same { position.record } else { FIRST } })
    }

    /// The beginning of a part.
    fn first_of(&self, part: usize) -> Option<Position> {
        let part = self.parts.get(part)?;
        let cell = *part.cells.first()?;
        Some(Position { assignment: part.assignment, cell, record: FIRST })
    }
}

/// Where a walk begins: places in the way, and the record behind which it goes on.
#[derive(Clone, Copy)]
pub(super) struct Start {
    part: usize,
    cell: usize,
    after: RecordId,
}

/// What a walk looks for.
pub(super) struct Search<'a> {
    pub(in crate::operations) record_type: RecordType,
    /// The value that its records have.
    pub(in crate::operations) term: Option<Sought>,
    pub(super) changed_since: Option<Micros>,
    pub(super) records_count_max: usize,
    /// Where it is noted what cannot be vouched for.
    pub(in crate::operations) met: &'a Met,
}

/// What a walk brought, all of it for one assignment.
pub(super) struct Found {
    pub(in crate::operations) reach: usize,
    pub(in crate::operations) candidates: Vec<Candidate<Sealed>>,
    pub(in crate::operations) next: Option<Position>,
}

/// What a page has used up of its bounds.
struct Used {
    looks: usize,
    bytes: usize,
    subjects: usize,
}

impl Search<'_> {
    /// Walks until a page is full, the assignment's area ends with something found, or a bound is reached.
    pub(super) async fn page(
        &self,
        way: &Way,
        start: Start,
        plan: &ListPlan<'_>,
        store: &Reader,
        seal: &Seal,
    ) -> Result<Found, OperationError> {
        let mut used = Used { looks: 0, bytes: 0, subjects: 0 };
        let mut reach = way.parts.get(start.part).map_or(0, |part| part.reach);
        let mut candidates = Vec::with_capacity(self.records_count_max);
        let (mut first_cell, mut after) = (start.cell, start.after);
        for (place, part) in way.parts.iter().enumerate().skip(start.part) {
            reach = part.reach;
            // What has the value is walked through once for the whole area, in the order of records.
            let cells = if self.term.is_some() { &part.cells[..1] } else { &part.cells };
            for cell in cells.iter().skip(first_cell) {
                let at = |record| Position { assignment: part.assignment, cell: *cell, record };
                let mut rest = Rest { part, cell: *cell, after, ended: false };
                while !rest.ended {
                    if used.looks >= QUERY_LOOKS_COUNT_MAX {
                        return Ok(Found { reach, candidates, next: Some(at(rest.after)) });
                    }
                    let full =
                        self.chunk(way, &mut rest, plan, store, seal, &mut used, &mut candidates);
                    if full.await? {
                        return Ok(Found { reach, candidates, next: Some(at(rest.after)) });
                    }
                }
                after = FIRST;
            }
            first_cell = 0;
            if !candidates.is_empty() {
                // The next page is another assignment's.
                return Ok(Found { reach, candidates, next: way.first_of(place + 1) });
            }
        }
        Ok(Found { reach, candidates, next: None })
    }

    /// Looks at the next listings of a cell; true once the page is full.
    #[expect(clippy::too_many_arguments, reason = "what a step of the walk looks at and fills")]
    async fn chunk(
        &self,
        way: &Way,
        rest: &mut Rest<'_>,
        plan: &ListPlan<'_>,
        store: &Reader,
        seal: &Seal,
        used: &mut Used,
        candidates: &mut Vec<Candidate<Sealed>>,
    ) -> Result<bool, OperationError> {
        let wanted = self.records_count_max - candidates.len();
        let left = QUERY_LOOKS_COUNT_MAX - used.looks;
        let count = wanted.clamp(CHUNK_COUNT_MIN, QUERY_PAGE_COUNT_MAX).min(left);
        let listed = self.listed(rest, count, store, seal).await?;
        rest.ended = listed.len() < count;
        // An empty cell is a look too: a city has many.
        used.looks += listed.len().max(1);
        for (key, stored) in listed {
            let Some(id) = key.record() else { continue };
            let behind = std::mem::replace(&mut rest.after, id);
            if !self.is_recent(&stored) {
                continue;
            }
            let Some(sealed) = self.fetched(&key, id, store, seal).await? else { continue };
            let (record_type, cell) = (sealed.row().header.record_type, sealed.row().header.cell);
            if record_type != self.record_type || !rest.holds(cell, self) {
                continue;
            }
            if self.term.is_some() && !self.is_recent_by_listing(&sealed, store).await? {
                continue;
            }
            // A page that may be about a damaged record is none: it could not say that it is whole.
            let facts = seal.listed_facts(&sealed);
            let facts = facts.map_err(|error| self.met.unread(&sealed, error))?;
            let met = way.is_met_before(rest.part, cell, facts.line.as_deref());
            if met || !plan.shows(rest.part.reach, cell, &facts) {
                continue;
            }
            let subjects = facts.subject_handles.len();
            let bytes = sealed.size_bytes();
            let fits = used.subjects + subjects <= QUERY_SUBJECTS_COUNT_MAX
                && used.bytes + bytes <= QUERY_PAGE_BYTES_MAX;
            if !fits && !candidates.is_empty() {
                rest.after = behind;
                return Ok(true);
            }
            (used.subjects, used.bytes) = (used.subjects + subjects, used.bytes + bytes);
            candidates.push(Candidate { cell, facts, target: sealed });
            if candidates.len() >= self.records_count_max {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The record of a listing. Of what is found by its value only what bears it: a term that leads elsewhere is noted, and passed over
    /// as if it were not there.
    async fn fetched(
        &self,
        key: &Key,
        id: RecordId,
        store: &Reader,
        seal: &Seal,
    ) -> Result<Option<Sealed>, OperationError> {
        if let Some(term) = &self.term {
            return self.met.or_nothing(bearer(term, key, store, seal).await);
        }
        Ok(match store.fetch(id).await? {
            Fetched::Found(sealed) => Some(sealed),
            Fetched::Erased(..) | Fetched::Missing => None,
        })
    }

    /// The next listings: of the cell, or of everything that has the value.
    async fn listed(
        &self,
        rest: &Rest<'_>,
        count: usize,
        store: &Reader,
        seal: &Seal,
    ) -> Result<Vec<(Key, Stored)>, OperationError> {
        if let Some(term) = &self.term {
            return behind_term(term, Some(rest.after), count, store, seal).await;
        }
        let prefix = Key::cell_listing_prefix(rest.cell, self.record_type);
        let after = Key::cell_listing(rest.cell, self.record_type, rest.after);
        Ok(store.scan(&prefix, Some(&after), count).await?)
    }

    /// Whether a listing says a time before the one that is asked for. One that says none is looked at.
    fn is_recent(&self, listing: &Stored) -> bool {
        let both = self.changed_since.zip(listing.changed());
        both.is_none_or(|(since, changed)| since <= changed)
    }

    /// The same for a record that was found by its value, whose term says no time.
    async fn is_recent_by_listing(
        &self,
        sealed: &Sealed,
        store: &Reader,
    ) -> Result<bool, OperationError> {
        if self.changed_since.is_none() {
            return Ok(true);
        }
        let header = &sealed.row().header;
        let key = Key::cell_listing(header.cell, header.record_type, header.id);
        Ok(store.get(&key).await?.is_some_and(|listing| self.is_recent(&listing)))
    }
}

/// What is left of a cell.
struct Rest<'a> {
    part: &'a Part,
    cell: CellId,
    after: RecordId,
    ended: bool,
}

impl Rest<'_> {
    /// Whether a record of that cell belongs here: in the cell, or, found by its value, in any of the part.
    fn holds(&self, cell: CellId, search: &Search<'_>) -> bool {
        match search.term {
            Some(_) => self.part.holds(cell),
            None => cell == self.cell,
        }
    }
}
