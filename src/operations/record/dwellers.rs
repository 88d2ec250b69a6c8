//! Who lives at places now: found by the links to each, by nobody's right but for a task that is about to be given.
//! Never a section of a link or a person: index terms and facts alone.
//! Who is in the task is the decision's; a link that moved on by then makes it be looked for again.

use super::occupants::link_term;
use crate::limits::{OCCUPANTS_LOOKS_COUNT_MAX, TASK_SCOPE_COUNT_MAX};
use crate::operations::OperationError;
use crate::operations::by_term::{bearer, behind_term};
use crate::operations::scope::{Seen, look, person};
use crate::records::{Facts, RecordId, RecordType, SchemaSet, SubjectId, Target as _};
use crate::seal::Seal;
use crate::store::{Reader, Sealed};

/// What places lead to.
pub(in crate::operations) struct Dwellers {
    /// The people, each once, in the order of the places.
    pub(in crate::operations) people: Vec<Seen>,
    /// The links that lead to them, as they were seen.
    pub(in crate::operations) links: Vec<(RecordId, u64, u64)>,
    /// Whether there are more people than a task names.
    pub(in crate::operations) too_many: bool,
}

/// Looks at places. A record of another type is like one that is not there.
pub(in crate::operations) async fn look_at_places(
    places: &[RecordId],
    store: &Reader,
    seal: &Seal,
) -> Result<Vec<Seen>, OperationError> {
    let mut scope = look(places, &[], store, seal).await?;
    for seen in &mut scope {
        let is_place =
            |(sealed, _): &(Sealed, Facts)| sealed.row().header.record_type == RecordType::Place;
        seen.found = seen.found.take().filter(is_place);
    }
    Ok(scope)
}

/// Looks for the people of places that are there.
pub(in crate::operations) async fn dwellers(
    places: &[&Seen],
    today: i32,
    store: &Reader,
    seal: &Seal,
    schemas: &SchemaSet,
) -> Result<Dwellers, OperationError> {
    let mut found = Dwellers { people: Vec::new(), links: Vec::new(), too_many: false };
    let mut subjects: Vec<SubjectId> = Vec::new();
    for place in places.iter().filter(|place| place.found.is_some()) {
        let term = link_term(place.record, seal, schemas)?;
        let links = behind_term(&term, None, OCCUPANTS_LOOKS_COUNT_MAX, store, seal).await?;
        for (key, _) in links {
            let Some(link) = bearer(&term, &key, store, seal).await? else { continue };
            let header = &link.row().header;
            let subject = header.subjects.first().copied();
            let (RecordType::Residence, Some(subject)) = (header.record_type, subject) else {
                continue;
            };
            let facts = seal.facts(&link)?;
            let over = facts.is_expired(today) && !facts.legal_hold;
            let closed = facts.restricted || over || facts.protected_address;
            if closed || subjects.contains(&subject) {
                continue;
            }
            if subjects.len() >= TASK_SCOPE_COUNT_MAX {
                found.too_many = true;
                return Ok(found);
            }
            subjects.push(subject);
            found.links.extend(link.seen());
            found.people.push(person(subject, store, seal).await?);
        }
    }
    Ok(found)
}
