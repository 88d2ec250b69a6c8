//! The consents of a person, listed at the desk for the one who is present or for the guardian.
//! Never a value: a consent is known by its purpose, its notice and its day, and so is its withdrawal.
//! Never a record outside of the caller's area, and withdrawn consents too.

use crate::access::{Access, Ask, Code, ConsentAct, Item, Matter};
use crate::limits::{CONSENT_RECORDS_COUNT_MAX, STALE_ATTEMPTS_MAX};
use crate::operations::error::{after, refuse, turn_away};
use crate::operations::scope::Weighed;
use crate::operations::subject::OwnRecords;
use crate::operations::{Asked, OperationError};
use crate::records::{BasisFact, Owner, RecordId, RecordRef, SchemaSet, SubjectId, Target};
use crate::seal::Seal;
use crate::store::Reader;
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};

/// A consent as the desk sees it.
pub struct ListedConsent {
    /// Its id.
    pub id: [u8; 16],
    /// The record that rests on it.
    pub record: RecordId,
    /// What for, on which basis and after which notice.
    pub basis: BasisFact,
    /// The day on which it was withdrawn, in days since 1970-01-01.
    pub withdrawn_on: Option<i32>,
    /// First day on which the record may no longer be read.
    pub ends_on: Option<i32>,
}

/// Lists the consents that a person's own records rest on, withdrawn ones too.
///
/// # Errors
/// As [`Access::decide_consent`]; `too_large` for more records than one entry names.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn list_consents(
    asked: &Asked<'_>,
    subject: SubjectId,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<(Vec<ListedConsent>, Recorded), OperationError> {
    let question = asked.question(Ask::Read, schemas, territory);
    for _ in 0..STALE_ATTEMPTS_MAX {
        let (held, seen) = own_records(asked, subject, store, seal, access, territory).await?;
        let items: Vec<Item<'_>> = held.iter().map(Weighed::item).collect();
        let nothing = Item { matter: Matter::Missing, fields: &[] };
        let first = std::slice::from_ref(items.first().unwrap_or(&nothing));
        let decided =
            access.decide_consent(&question, ConsentAct::Read, first, &items, Shown::of(seen));
        let permit = match decided {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        if is_too_many(held.len()) {
            return Err(turn_away(asked, access, trail, Code::TooLarge).await);
        }
        match trail.append(permit).await {
            Ok(receipt) => return Ok((consents_of(&held), receipt.recorded())),
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
            }
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

/// The records that were looked at for what a person is told.
pub(super) struct Shown(Vec<(RecordId, u64, u64)>);

impl Shown {
    pub(super) fn of(seen: Vec<(RecordId, u64, u64)>) -> Shown {
        Shown(seen)
    }
}

impl Target for Shown {
    fn records(&self) -> &[RecordRef] {
        &[]
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.0.clone()
    }

    fn owns(&self, _owner: Owner) -> bool {
        false
    }
}

/// The person's own records that the caller may know of: what is held of it as a person, and where it lives. The desk has to do
/// with whoever has a record in its area, and with no record outside of it.
pub(super) async fn own_records(
    asked: &Asked<'_>,
    subject: SubjectId,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    territory: &Territory,
) -> Result<(Vec<Weighed>, Vec<(RecordId, u64, u64)>), OperationError> {
    let (mut held, mut seen, mut is_nobody) = (Vec::new(), Vec::new(), true);
    let mut records = OwnRecords::of(subject, store, seal);
    while let Some((sealed, facts)) = records.next_own().await? {
        is_nobody = false;
        let weighed = Weighed::of(&sealed, facts);
        if is_known(&weighed, asked, access, territory) {
            held.push(weighed);
            seen.extend(sealed.seen());
        }
    }
    if is_nobody {
        rehearse(subject, store, seal).await?;
    }
    Ok((held, seen))
}

pub(super) fn is_known(
    weighed: &Weighed,
    asked: &Asked<'_>,
    access: &Access,
    territory: &Territory,
) -> bool {
    let Weighed { record_type, cell, facts, .. } = weighed;
    let (standing, line) = (asked.actor.standing(), facts.line.as_deref());
    let protected = facts.protected_address;
    access.may_know(standing, *record_type, *cell, line, protected, territory, asked.now)
}

/// What is not there costs what something of another area costs.
pub(super) async fn rehearse(
    subject: SubjectId,
    store: &Reader,
    seal: &Seal,
) -> Result<(), OperationError> {
    store.fetch(RecordId::from_bytes(*subject.as_bytes())).await?;
    Ok(seal.rehearse()?)
}

/// Whether one entry has no room for the names of so many records.
fn is_too_many(records_count: usize) -> bool {
    records_count > CONSENT_RECORDS_COUNT_MAX
}

fn consents_of(held: &[Weighed]) -> Vec<ListedConsent> {
    let of = |weighed: &Weighed| -> Vec<ListedConsent> {
        let facts = &weighed.facts;
        let rests = facts.bases.iter().filter_map(|basis| Some((basis.consent?, basis)));
        rests
            .map(|(id, basis)| ListedConsent {
                id,
                record: weighed.record,
                basis: basis.clone(),
                withdrawn_on: facts.withdrawn_on(basis),
                ends_on: facts.retain_until,
            })
            .collect()
    };
    held.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_consents_names_records_to_its_limit_and_not_beyond() {
        assert!(!is_too_many(CONSENT_RECORDS_COUNT_MAX));
        assert!(is_too_many(CONSENT_RECORDS_COUNT_MAX + 1));
    }
}
