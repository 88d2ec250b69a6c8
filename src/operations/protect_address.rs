//! Protects somebody's address from its neighbours, or lifts the protection.
//! Never a value and no section: the mark stands among the attributes that decisions are made from.
//! Everything that is held of the person gets it in one change, with the households that the caller names.

use super::error::{after, refuse, turn_away};
use super::scope::{Seen, look};
use super::{Asked, OperationError};
use crate::access::{Access, Ask, Code, Item};
use crate::limits::{
    PROTECTED_HOUSEHOLDS_COUNT_MAX, PROTECTED_RECORDS_COUNT_MAX, STALE_ATTEMPTS_MAX,
    SUBJECT_RECORDS_COUNT_MAX,
};
use crate::records::{PlainFields, RecordId, RecordType, SchemaSet, SubjectId};
use crate::seal::{Birthdays, Patch, Protection, Seal};
use crate::store::{Fetched, Key, Reader, Sealed};
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};
use std::collections::BTreeSet;

/// Whose address is protected, or no more.
pub struct ProtectRequest {
    /// The person.
    pub subject: SubjectId,
    /// Whether it is protected from now on.
    pub protected: bool,
    /// Households that name it: nothing leads there from a person but whoever knows them.
    pub households: Vec<RecordId>,
}

/// What was done.
pub struct Protected {
    /// How many records have the mark as it was asked for now.
    pub records_count: usize,
    /// The entry.
    pub recorded: Recorded,
}

/// Sets or lifts the mark.
///
/// # Errors
/// `schema_invalid` for too many households; else as [`Access::decide_protection`].
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn protect_address(
    asked: &Asked<'_>,
    request: &ProtectRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Protected, OperationError> {
    if request.households.len() > PROTECTED_HOUSEHOLDS_COUNT_MAX {
        return Err(turn_away(asked, access, trail, Code::SchemaInvalid).await);
    }
    let question = asked.question(Ask::Update, schemas, territory);
    for _ in 0..STALE_ATTEMPTS_MAX {
        let own = records_of(request.subject, store).await?;
        let mut scope = look(&own, &[], store, seal).await?;
        scope.extend(look(&request.households, &[], store, seal).await?.into_iter().map(household));
        let mut items: Vec<Item<'_>> = scope.iter().map(Seen::item).collect();
        if own.is_empty() {
            // Of whom nothing is held is like somebody of another street.
            seal.rehearse()?;
            items.clear();
        }
        // Decided before anything is taken out of the scope, and again over what will be changed.
        if let Err(denied) = access.decide_protection(&question, request.protected, &items, ()) {
            return Err(refuse(trail, denied).await);
        }
        let (sealed, facts): (Vec<Sealed>, Vec<_>) =
            scope.into_iter().filter_map(|seen| seen.found).unzip();
        let places: Vec<_> = sealed.iter().map(|one| one.row().header.clone()).collect();
        let records_count = sealed.len();
        if records_count > PROTECTED_RECORDS_COUNT_MAX {
            return Err(turn_away(asked, access, trail, Code::TooLarge).await);
        }
        let target = Protection::new(sealed, || patch(request.protected, asked));
        let items: Vec<Item<'_>> = places
            .iter()
            .zip(&facts)
            .map(|(header, facts)| Item {
                matter: crate::access::Matter::Present {
                    record_type: header.record_type,
                    cell: header.cell,
                    facts,
                    versions: Some((header.version, header.version + 1)),
                },
                fields: &[],
            })
            .collect();
        let decided = access.decide_protection(&question, request.protected, &items, target);
        let permit = match decided {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let change = seal.protect(&permit)?;
        match trail.commit(permit, change).await {
            Ok(receipt) => return Ok(Protected { records_count, recorded: receipt.recorded() }),
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
            }
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

/// The records that are about somebody: its own as a person, and its links to dwellings.
async fn records_of(subject: SubjectId, store: &Reader) -> Result<Vec<RecordId>, OperationError> {
    let prefix = Key::subject_listing_prefix(subject);
    let mut own = Vec::new();
    for (key, _) in store.scan(&prefix, None, SUBJECT_RECORDS_COUNT_MAX).await? {
        let Some(id) = key.record() else { continue };
        let Fetched::Found(sealed) = store.fetch(id).await? else { continue };
        let header = &sealed.row().header;
        let about = matches!(header.record_type, RecordType::Person | RecordType::Residence);
        if about && header.subjects.first() == Some(&subject) {
            own.push(id);
        }
    }
    Ok(own)
}

/// What is no household is like nothing.
fn household(seen: Seen) -> Seen {
    let is_household = |sealed: &Sealed| sealed.row().header.record_type == RecordType::Household;
    Seen { found: seen.found.filter(|(sealed, _)| is_household(sealed)), ..seen }
}

fn patch(protected: bool, asked: &Asked<'_>) -> Patch {
    Patch {
        set: PlainFields::new(),
        remove: BTreeSet::new(),
        basis: None,
        birthdays: Birthdays::Kept,
        protected: Some(protected),
        drawn: Vec::new(),
        controls: Vec::new(),
        at: asked.now,
    }
}
