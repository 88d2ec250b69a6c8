//! What is due to residents, for the desk and for whoever agrees to what desks ask: requests that nobody answered or finished,
//! restraints in force, and records that end, or of which fields do, because a consent was taken back.
//! Never a value and no person: codes, ids of requests and records, and days.
//! Each look is an entry; a page looks at so much at most, and says where the next one begins. That place may be a record of
//! another area, so it is sealed for its caller, like the cursor of every list.

use crate::access::{Access, Fact, Origin};
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::limits::{CURSOR_SECONDS, DUE_LOOKS_COUNT_MAX, RIGHTS_ANSWER_DAYS};
use crate::operations::OperationError;
use crate::operations::cursor::{not_a_cursor, owner};
use crate::operations::describe::{Nothing, ended};
use crate::operations::error::{refuse, turn_away_members};
use crate::operations::mandate::kept_mandate;
use crate::records::{MandateId, RecordId};
use crate::seal::{Cursor, CursorOwner, MandateRecord, MandateState, Seal};
use crate::store::{Fetched, Key, Reader};
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Something that is due.
pub enum Due {
    /// A request of the desk, or the restraint that it set.
    Request {
        /// Its id.
        id: MandateId,
        /// What is kept of it.
        record: Box<MandateRecord>,
        /// How far it is.
        state: DueState,
        /// When it was asked for.
        asked: Micros,
        /// Until when the resident is to have an answer; nothing for what is in force.
        due: Option<Micros>,
    },
    /// A record that ends because a consent was taken back.
    Withdrawn {
        /// The record.
        record: RecordId,
        /// The first day on which it may no longer be read, in days since 1970-01-01.
        ends_on: i32,
        /// Whether something keeps it all the same.
        held: bool,
    },
    /// A record that stays, and of which fields go because a consent was taken back.
    WithdrawnFields {
        /// The record.
        record: RecordId,
        /// The day on which they go, in days since 1970-01-01.
        ends_on: i32,
        /// Whether something keeps them all the same.
        held: bool,
    },
}

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueState {
    /// The second person was asked.
    Asked,
    /// It agreed; nobody carried it out yet, or not to the end.
    Agreed,
    /// Its time went by before one of the two.
    Lapsed,
    /// It keeps what is held of somebody.
    InForce,
}

impl DueState {
    /// All.
    pub const ALL: [DueState; 4] =
        [DueState::Asked, DueState::Agreed, DueState::Lapsed, DueState::InForce];

    /// The word of the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            DueState::Asked => "asked",
            DueState::Agreed => "agreed",
            DueState::Lapsed => "lapsed",
            DueState::InForce => "in_force",
        }
    }

    fn of(record: &MandateRecord, now: Micros) -> DueState {
        match record.state {
            _ if record.has_lapsed(now) => DueState::Lapsed,
            MandateState::Asked => DueState::Asked,
            MandateState::Open => DueState::Agreed,
            _ => DueState::InForce,
        }
    }
}

/// Behind which line a page begins. Requests come first, by area and then by age; then records, by their ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DuePlace {
    /// Behind a request of an area.
    Request([u8; 16], MandateId),
    /// Behind a record, or before all of them.
    Record(i32, RecordId),
}

impl DuePlace {
    /// What a cursor carries: which of the two, then where.
    fn to_bytes(self) -> Vec<u8> {
        match self {
            DuePlace::Request(area, id) => [&[0], &area[..], id.as_bytes()].concat(),
            DuePlace::Record(day, id) => [&[1], &day.to_be_bytes()[..], id.as_bytes()].concat(),
        }
    }

    /// Reads them back; nothing for any others.
    fn from_bytes(bytes: &[u8]) -> Option<DuePlace> {
        match bytes.split_first()? {
            (0, rest) => {
                let (area, id) = rest.split_first_chunk()?;
                Some(DuePlace::Request(*area, MandateId::from_bytes(id.try_into().ok()?)))
            }
            (1, rest) => {
                let (day, id) = rest.split_first_chunk()?;
                let id = RecordId::from_bytes(id.try_into().ok()?);
                Some(DuePlace::Record(i32::from_be_bytes(*day), id))
            }
            _ => None,
        }
    }
}

/// A page.
pub struct DuePage {
    /// Its lines.
    pub due: Vec<Due>,
    /// Where the next one begins; nothing where this is the last.
    pub next: Option<Cursor>,
    /// The entry.
    pub recorded: Recorded,
}

/// Lists what is due in the caller's areas.
///
/// # Errors
/// As [`Access::decide_due`]; `schema_invalid` for a cursor that is none of the caller's for this list, or too old; and when it cannot
/// be recorded.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn list_due(
    actor: &Actor,
    limit: usize,
    after: Option<&str>,
    origin: &Origin,
    now: Micros,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    territory: &Territory,
) -> Result<DuePage, OperationError> {
    let (permit, areas) = match access.decide_due(actor.standing(), origin, now, Nothing) {
        Ok(decided) => decided,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    let owner = owner(actor.standing().actor, &"due");
    let Ok(after) = after.map(|cursor| place_of(cursor, &owner, now, seal)).transpose() else {
        let problems = vec![not_a_cursor("after")];
        return Err(turn_away_members(actor, origin, access, trail, problems).await);
    };
    let mut page = Page { due: Vec::new(), looks: 0, limit, now, next: None };
    if !matches!(after, Some(DuePlace::Record(..))) {
        page.requests(&areas, after, store, seal).await?;
    }
    if page.next.is_none() {
        page.records(&areas, after, store, seal, territory).await?;
    }
    let Page { due, next, .. } = page;
    let permit = permit.stating("count", Fact::Number(due.len() as u64));
    match trail.append(permit).await {
        Ok(receipt) => {
            let ends = Micros(now.0.saturating_add(CURSOR_SECONDS * 1_000_000));
            let cursor = |place: DuePlace| seal.cursor(&owner, &place.to_bytes(), Some(ends));
            let next = next.map(cursor).transpose()?;
            Ok(DuePage { due, next, recorded: receipt.recorded() })
        }
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}

/// A cursor that does not lead on for its caller.
struct NoPlace;

fn place_of(
    cursor: &str,
    owner: &CursorOwner,
    now: Micros,
    seal: &Seal,
) -> Result<DuePlace, NoPlace> {
    let position = seal.position(owner, cursor, now).ok_or(NoPlace)?;
    DuePlace::from_bytes(&position).ok_or(NoPlace)
}

/// A page that is being filled.
struct Page {
    due: Vec<Due>,
    looks: usize,
    limit: usize,
    now: Micros,
    next: Option<DuePlace>,
}

impl Page {
    /// How much it may still look at; nothing where it is full.
    fn room(&self) -> usize {
        if self.due.len() < self.limit { DUE_LOOKS_COUNT_MAX.saturating_sub(self.looks) } else { 0 }
    }

    async fn requests(
        &mut self,
        areas: &[String],
        after: Option<DuePlace>,
        store: &Reader,
        seal: &Seal,
    ) -> Result<(), OperationError> {
        let mut last = match after {
            Some(DuePlace::Request(area, id)) => Some((area, id)),
            _ => None,
        };
        for area in areas {
            let prefix = Key::duty_prefix(area.as_bytes());
            loop {
                // Areas come in the order of their digits, as their keys do: what lies before the place is passed over.
                let behind = last.map(|(area, id)| Key::duty(&area, id));
                let behind = behind.filter(|key| *key >= prefix);
                let room = self.room();
                let found = store.scan(&prefix, behind.as_ref(), room.max(1)).await?;
                if found.is_empty() {
                    break;
                }
                if room == 0 {
                    // There is at least one more, so the next page begins here.
                    self.next = last.map(|(area, id)| DuePlace::Request(area, id));
                    return Ok(());
                }
                for (key, _) in found {
                    if self.room() == 0 {
                        break;
                    }
                    self.looks += 1;
                    last = key.due_parts();
                    if let Some((_, id)) = last {
                        self.request(id, store, seal).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn request(
        &mut self,
        id: MandateId,
        store: &Reader,
        seal: &Seal,
    ) -> Result<(), OperationError> {
        let kept = kept_mandate(id, store, seal).await?;
        // What was answered since it was listed is due no more.
        let Some(kept) = kept.filter(|kept| kept.record.due_in().is_some()) else { return Ok(()) };
        let state = DueState::of(&kept.record, self.now);
        let asked = Micros(id.unix_millis().saturating_mul(1_000));
        let due = Micros(asked.0.saturating_add(RIGHTS_ANSWER_DAYS * DAY));
        let due = Some(due).filter(|_| state != DueState::InForce);
        self.due.push(Due::Request { id, record: Box::new(kept.record), state, asked, due });
        Ok(())
    }

    async fn records(
        &mut self,
        areas: &[String],
        after: Option<DuePlace>,
        store: &Reader,
        seal: &Seal,
        territory: &Territory,
    ) -> Result<(), OperationError> {
        let mut last = match after {
            Some(DuePlace::Record(day, id)) => Some((day, id)),
            _ => None,
        };
        let prefix = Key::early_end_prefix();
        loop {
            let behind = last.map(|(day, id)| Key::early_end(day, id));
            let room = self.room();
            let found = store.scan(&prefix, behind.as_ref(), room.max(1)).await?;
            if found.is_empty() {
                return Ok(());
            }
            if room == 0 {
                let place = last.unwrap_or((i32::MIN, RecordId::from_bytes([0; 16])));
                self.next = Some(DuePlace::Record(place.0, place.1));
                return Ok(());
            }
            for (key, _) in found {
                if self.room() == 0 {
                    break;
                }
                self.looks += 1;
                last = key.early_end_parts();
                if let Some((day, id)) = last {
                    self.record(day, id, areas, store, seal, territory).await?;
                }
            }
        }
    }

    async fn record(
        &mut self,
        ends_on: i32,
        record: RecordId,
        areas: &[String],
        store: &Reader,
        seal: &Seal,
        territory: &Territory,
    ) -> Result<(), OperationError> {
        let Fetched::Found(sealed) = store.fetch(record).await? else { return Ok(()) };
        let grid = territory.grid_of(sealed.row().header.cell, self.now.0);
        let grid = grid.map_or_else(String::new, |grid| grid.to_string());
        if !areas.iter().any(|area| grid.starts_with(area.as_str())) {
            return Ok(());
        }
        let facts = seal.facts(&sealed)?;
        // One that a consent carries again for a time is none that goes because of a withdrawal.
        if facts.retain_until == Some(ends_on) && facts.rests_on_nothing() {
            let held = facts.restricted || facts.legal_hold;
            self.due.push(Due::Withdrawn { record, ends_on, held });
        } else if facts.fields_end == Some(ends_on) {
            let held = !facts.is_to_lose_fields(ends_on);
            self.due.push(Due::WithdrawnFields { record, ends_on, held });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is_one() {
        let request = DuePlace::Request([b'8'; 16], MandateId::from_bytes([7; 16]));
        let record = DuePlace::Record(-3, RecordId::from_bytes([9; 16]));
        for place in [request, record] {
            let bytes = place.to_bytes();
            assert_eq!(DuePlace::from_bytes(&bytes), Some(place));
            assert_eq!(DuePlace::from_bytes(&bytes[1..]), None);
            assert_eq!(DuePlace::from_bytes(&[&bytes[..], b"0"].concat()), None);
        }
        assert_eq!(DuePlace::from_bytes(&[2; 33]), None);
        assert_eq!(DuePlace::from_bytes(&[]), None);
    }
}
