//! What an urgent event reaches: its dwellings, and the people whose links lead there.
//! Never a value to anybody: the event's own general fields are opened behind an entry, to learn whether it is urgent.
//! Whose address is protected is reached where the event itself names the dwelling and a second person agrees, and on no other way.

use super::break_glass::Urgency;
use crate::access::{EVENT_FIELDS, Item, Matter, Question, Tier, TierTerms};
use crate::limits::{EMERGENCY_PEOPLE_COUNT_MAX, OCCUPANTS_LOOKS_COUNT_MAX, STALE_ATTEMPTS_MAX};
use crate::operations::by_term::{bearer, behind_term};
use crate::operations::error::{after, refuse};
use crate::operations::record::occupants::link_term;
use crate::operations::record::read_record::absence;
use crate::operations::scope::{Seen, look, person};
use crate::operations::{Asked, OperationError};
use crate::records::{Handle, MandateId, RecordId, RecordType, SchemaSet, SubjectId};
use crate::seal::{Opened, Seal};
use crate::store::{Fetched, Reader};

/// An urgent event.
pub(super) struct Event {
    /// Its name in the audit log.
    pub(in crate::operations) handle: Handle,
    /// The dwellings that it names.
    dwellings: Vec<RecordId>,
    /// The place of the matter, where that is none of them.
    place: Option<RecordId>,
}

/// The event, if it is urgent now; nothing for one that is not. Looking is an entry of its own.
pub(super) async fn event_of(
    asked: &Asked<'_>,
    question: &Question<'_>,
    id: MandateId,
    event: RecordId,
    rooms: &Urgency<'_>,
) -> Result<Option<Event>, OperationError> {
    let Urgency { store, seal, access, trail, .. } = *rooms;
    let fields = EVENT_FIELDS.map(str::to_owned).to_vec();
    for _ in 0..STALE_ATTEMPTS_MAX {
        let sealed = match store.fetch(event).await? {
            Fetched::Found(sealed) if sealed.row().header.record_type == RecordType::Event => {
                sealed
            }
            // What is no event is like nothing.
            Fetched::Found(_) => {
                seal.rehearse()?;
                let missing = absence(Fetched::Missing, question, &fields, seal, access, trail);
                return Err(missing.await);
            }
            absent => return Err(absence(absent, question, &fields, seal, access, trail).await),
        };
        let facts = seal.facts(&sealed).map_err(|error| asked.met.unread(&sealed, error))?;
        let header = &sealed.row().header;
        let matter = Matter::Present {
            record_type: header.record_type,
            cell: header.cell,
            facts: &facts,
            versions: Some((header.version, header.version)),
        };
        let mandate = access.over_event(question, id, facts.record_handle);
        let question = Question {
            mandate: Some(&mandate),
            ..asked.question(question.ask, question.schemas, question.territory)
        };
        let item = Item { matter, fields: &fields };
        let permit = match access.decide(&question, &[item], Vec::new(), sealed) {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        match trail.append(permit).await {
            Ok(receipt) => {
                let recorded = receipt.recorded();
                let opened = seal.open(receipt);
                let opened = opened.map_err(|error| asked.met.behind(recorded, error))?;
                let urgent = access.with_policy(|policy| is_urgent(&opened, policy.urgent()));
                return Ok(urgent.then(|| named_by(&opened, facts.record_handle)));
            }
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
            }
        }
    }
    Err(crate::operations::error::turn_away(asked, access, trail, crate::access::Code::Stale).await)
}

fn is_urgent(event: &Opened, urgent: Option<&crate::access::Urgent>) -> bool {
    let view = event.view();
    let one = |field: &str| view.general(field).into_iter().next();
    let (severity, step) = (one("severity"), one("state"));
    one("closed_at").is_none()
        && urgent.is_some_and(|it| it.is_urgent(severity.as_deref(), step.as_deref()))
}

fn named_by(event: &Opened, handle: Handle) -> Event {
    let ids = |field: &str| -> Vec<RecordId> {
        let named = event.view().general(field);
        named.iter().filter_map(|id| id.parse().ok()).collect()
    };
    let dwellings = ids("dwellings");
    let place = ids("place").into_iter().next().filter(|place| !dwellings.contains(place));
    Event { handle, dwellings, place }
}

/// The dwellings that are named, by the event or beside it.
pub(super) struct Dwellings {
    /// Those that are there, each with whether the event names it and a second person will agree.
    places: Vec<(Seen, bool)>,
    /// Whether more are named than the tier reaches.
    too_many: bool,
}

/// Looks at the dwellings that the event names and at those named beside it; nothing where none is named.
pub(super) async fn dwellings_of(
    event: &Event,
    further: &[RecordId],
    (tier, terms): (Tier, &TierTerms),
    store: &Reader,
    seal: &Seal,
) -> Result<Option<Dwellings>, OperationError> {
    let mut named: Vec<(RecordId, bool)> = Vec::new();
    // Whoever opens one alone may have written the event too, and whoever asks names what they like.
    let itself = event.dwellings.iter().map(|id| (*id, tier == Tier::Wide));
    let beside = further.iter().copied().chain(event.place).map(|id| (id, false));
    for (id, by_name) in itself.chain(beside) {
        if named.iter().all(|(other, _)| *other != id) {
            named.push((id, by_name));
        }
    }
    if named.is_empty() {
        return Ok(None);
    }
    let too_many = named.len() > terms.dwellings as usize;
    named.truncate(terms.dwellings as usize);
    let mut places = Vec::new();
    for (id, by_name) in named {
        let place = look(&[id], &[], store, seal).await?.into_iter().find(is_place);
        places.extend(place.map(|place| (place, by_name)));
    }
    Ok(Some(Dwellings { places, too_many }))
}

impl Dwellings {
    /// The dwellings, as a decision asks.
    pub(super) fn items(&self) -> Vec<Item<'_>> {
        self.places.iter().map(|(place, _)| place.item()).collect()
    }

    /// The dwellings, then the people whose links lead to those that the caller's post reaches, by their places; nothing for more
    /// than may be.
    pub(super) async fn with_people(
        self,
        reached: &[usize],
        today: i32,
        store: &Reader,
        seal: &Seal,
        schemas: &SchemaSet,
    ) -> Result<Option<Vec<Seen>>, OperationError> {
        if self.too_many {
            return Ok(None);
        }
        let mut people = Vec::new();
        let mut known: Vec<SubjectId> = Vec::new();
        for (place, by_name) in reached.iter().filter_map(|at| self.places.get(*at)) {
            for subject in linked(place.record, *by_name, today, store, seal, schemas).await? {
                if known.contains(&subject) {
                    continue;
                }
                known.push(subject);
                let seen = person(subject, store, seal).await?;
                let hidden = |seen: &Seen| {
                    let facts = seen.found.as_ref().map(|(_, facts)| facts);
                    facts.is_none_or(|facts| facts.protected_address && !by_name)
                };
                if !hidden(&seen) {
                    people.push(seen);
                }
                if people.len() > EMERGENCY_PEOPLE_COUNT_MAX {
                    return Ok(None);
                }
            }
        }
        let places = self.places.into_iter().map(|(place, _)| place);
        Ok(Some(places.chain(people).collect()))
    }
}

fn is_place(seen: &Seen) -> bool {
    let found = seen.found.as_ref();
    found.is_some_and(|(sealed, _)| sealed.row().header.record_type == RecordType::Place)
}

/// The people whose links lead to a dwelling.
async fn linked(
    place: RecordId,
    by_name: bool,
    today: i32,
    store: &Reader,
    seal: &Seal,
    schemas: &SchemaSet,
) -> Result<Vec<SubjectId>, OperationError> {
    let term = link_term(place, seal, schemas)?;
    let mut subjects = Vec::new();
    for (key, _) in behind_term(&term, None, OCCUPANTS_LOOKS_COUNT_MAX, store, seal).await? {
        let Some(link) = bearer(&term, &key, store, seal).await? else { continue };
        let header = &link.row().header;
        let subject = header.subjects.first().copied();
        let (RecordType::Residence, Some(subject)) = (header.record_type, subject) else {
            continue;
        };
        let facts = seal.facts(&link)?;
        let over = facts.is_expired(today) && !facts.legal_hold;
        if !facts.restricted && !over && (by_name || !facts.protected_address) {
            subjects.push(subject);
        }
    }
    Ok(subjects)
}
