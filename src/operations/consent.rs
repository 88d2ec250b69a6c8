//! The consents of a person: listed, and withdrawn at the desk by the one who is present or by the guardian.
//! Never a value: a consent is known by its purpose, its notice and its day, and so is its withdrawal.
//! From the next operation in the log nothing is opened for the purpose that rested on it.

use super::error::{after, refuse, turn_away};
use super::{Asked, OperationError};
use crate::access::{Access, Ask, Code, ConsentAct, Fact, Item, Matter};
use crate::ambient::{Micros, Random};
use crate::limits::{STALE_ATTEMPTS_MAX, SUBJECT_RECORDS_COUNT_MAX, WITHDRAWAL_RECORDS_COUNT_MAX};
use crate::purposes::{ConsentGiver, PurposeSet};
use crate::records::{
    BasisFact, Facts, Owner, RecordId, RecordRef, SchemaSet, SubjectId, Target, days_since_epoch,
};
use crate::seal::{Control, Seal, Withdrawal, WithdrawalTerms};
use crate::store::{ControlKind, Fetched, Key, Reader, Sealed};
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;

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

/// A withdrawal, as the desk takes it.
pub struct WithdrawRequest {
    /// Whose consent.
    pub subject: SubjectId,
    /// Which.
    pub consent: [u8; 16],
    /// Who takes it back.
    pub by: ConsentGiver,
    /// By which document the desk knows them: a code, never a number.
    pub proof: &'static str,
}

/// What was withdrawn.
pub struct WithdrawnConsent {
    /// The purpose that nothing is opened for any more.
    pub purpose: String,
    /// The records that were marked, each with its end.
    pub records: Vec<(RecordId, Option<i32>)>,
    /// The entry.
    pub recorded: Recorded,
}

/// Lists the consents that a person's own records rest on, withdrawn ones too.
///
/// # Errors
/// As [`Access::decide_consent`].
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
        let mut held = own_records(subject, store, seal).await?;
        let here = |(sealed, facts): &(Sealed, Facts)| {
            let header = &sealed.row().header;
            let line = facts.line.as_deref();
            let standing = asked.actor.standing();
            let (kind, cell) = (header.record_type, header.cell);
            let protected = facts.protected_address;
            access.may_know(standing, kind, cell, line, protected, territory, asked.now)
        };
        // The desk has to do with whoever has a record in its area, and with no record outside of it.
        held.retain(here);
        let items = items_of(&held);
        let target = Shown(held.iter().map(|(sealed, _)| sealed).flat_map(Target::seen).collect());
        let permit = match access.decide_consent(&question, ConsentAct::Read, &items, target) {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
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

/// Withdraws a consent, and every other one of this person to the same purpose.
///
/// # Errors
/// `not_found` for a consent that is not there or that the caller may not know of; `version_conflict` for one that was
/// withdrawn before; `schema_invalid` for a child's that is not withdrawn by the guardian; `too_large` for more records
/// than one entry names.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn withdraw_consent(
    asked: &Asked<'_>,
    request: WithdrawRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    purposes: &PurposeSet,
    territory: &Territory,
    random: &dyn Random,
) -> Result<WithdrawnConsent, OperationError> {
    let question = asked.question(Ask::Update, schemas, territory);
    let act = ConsentAct::Withdraw;
    for _ in 0..STALE_ATTEMPTS_MAX {
        let held = own_records(request.subject, store, seal).await?;
        let Some(named) = Named::of(held, request.consent) else {
            let missing = [Item { matter: Matter::Missing, fields: &[] }];
            return Err(match access.decide_consent(&question, act, &missing, ()) {
                Err(denied) => refuse(trail, denied).await,
                Ok(_) => OperationError::Internal("a decision about nothing said yes"),
            });
        };
        // Who may not know of it learns nothing of its state.
        if let Err(denied) = access.decide_consent(&question, act, &items_of(&named.records), ()) {
            return Err(refuse(trail, denied).await);
        }
        if let Some(code) = named.unfit(&request, asked.now) {
            return Err(turn_away(asked, access, trail, code).await);
        }
        let ends_on = purposes.get(&named.purpose).map_or_else(
            || asked.now.days(),
            |purpose| days_since_epoch(purpose.retention.ends_on(asked.now.date())),
        );
        let control = control_of(asked, &request, &named, random.bytes16()?);
        let purpose = named.purpose.clone();
        let terms = WithdrawalTerms { purpose, ends_on, at: asked.now, control };
        let (sealed, facts): (Vec<Sealed>, Vec<Facts>) = named.records.into_iter().unzip();
        let places: Vec<Place> = sealed.iter().map(Place::of).collect();
        let records = ends_of(&sealed, &facts, &terms);
        let items: Vec<Item<'_>> =
            places.iter().zip(&facts).map(|(place, facts)| place.item(facts)).collect();
        let purpose = terms.purpose.clone();
        let target = Withdrawal::new(sealed, terms);
        let permit = match access.decide_consent(&question, act, &items, target) {
            Ok(permit) => permit.stating("proof", Fact::Code(request.proof.to_owned())),
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let permit = permit.stating("consent_to", Fact::Code(purpose.clone()));
        let change = seal.withdraw(&permit)?;
        match trail.commit(permit, change).await {
            Ok(receipt) => {
                return Ok(WithdrawnConsent { purpose, records, recorded: receipt.recorded() });
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

/// The records that were looked at for a list of consents.
struct Shown(Vec<(RecordId, u64, u64)>);

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

/// The person's own records, with their decision attributes: what is held of it as a person, and where it lives.
async fn own_records(
    subject: SubjectId,
    store: &Reader,
    seal: &Seal,
) -> Result<Vec<(Sealed, Facts)>, OperationError> {
    let mut held = Vec::new();
    let prefix = Key::subject_listing_prefix(subject);
    for (key, _) in store.scan(&prefix, None, SUBJECT_RECORDS_COUNT_MAX).await? {
        let Some(id) = key.record() else { continue };
        let Fetched::Found(sealed) = store.fetch(id).await? else { continue };
        if sealed.row().header.subjects.first() == Some(&subject) {
            let facts = seal.facts(&sealed)?;
            held.push((sealed, facts));
        }
    }
    if held.is_empty() {
        // What is not there costs what something of another area costs.
        store.fetch(RecordId::from_bytes(*subject.as_bytes())).await?;
        seal.rehearse()?;
    }
    Ok(held)
}

/// The records that rest on consents to one purpose, the named one in front.
struct Named {
    purpose: String,
    records: Vec<(Sealed, Facts)>,
    is_withdrawn: bool,
}

impl Named {
    fn of(held: Vec<(Sealed, Facts)>, consent: [u8; 16]) -> Option<Named> {
        let rests = |facts: &Facts| {
            facts.bases.iter().find(|basis| basis.consent == Some(consent)).cloned()
        };
        let at = held.iter().position(|(_, facts)| rests(facts).is_some())?;
        let basis = rests(&held[at].1)?;
        let is_withdrawn = held[at].1.is_withdrawn(&basis);
        let mut records = held;
        records.swap(0, at);
        let mut first = true;
        records.retain(|(_, facts)| {
            let named = std::mem::replace(&mut first, false);
            named
                || facts.bases.iter().any(|held| {
                    held.purpose == basis.purpose
                        && held.consent.is_some()
                        && !facts.is_withdrawn(held)
                })
        });
        Some(Named { purpose: basis.purpose, records, is_withdrawn })
    }

    /// Why it is not withdrawn, if it is not.
    fn unfit(&self, request: &WithdrawRequest, now: Micros) -> Option<Code> {
        let child = self.records.iter().any(|(_, facts)| facts.is_under_14(now.days()));
        if self.is_withdrawn {
            Some(Code::VersionConflict)
        } else if child && request.by != ConsentGiver::Guardian {
            Some(Code::SchemaInvalid)
        } else if is_too_many(self.records.len()) {
            Some(Code::TooLarge)
        } else {
            None
        }
    }
}

/// Whether one entry has no room for the digests of so many changed records.
fn is_too_many(records_count: usize) -> bool {
    records_count > WITHDRAWAL_RECORDS_COUNT_MAX
}

/// Where a record lies, as a decision asks.
struct Place {
    record_type: crate::records::RecordType,
    cell: crate::territory::CellId,
    version: u64,
}

impl Place {
    fn of(sealed: &Sealed) -> Place {
        let header = &sealed.row().header;
        let (record_type, cell) = (header.record_type, header.cell);
        Place { record_type, cell, version: header.version }
    }

    fn item<'a>(&self, facts: &'a Facts) -> Item<'a> {
        let versions = Some((self.version, self.version + 1));
        let (record_type, cell) = (self.record_type, self.cell);
        Item { matter: Matter::Present { record_type, cell, facts, versions }, fields: &[] }
    }
}

fn items_of(held: &[(Sealed, Facts)]) -> Vec<Item<'_>> {
    held.iter().map(|(sealed, facts)| Place::of(sealed).item(facts)).collect()
}

/// The records with the ends that they get.
fn ends_of(
    sealed: &[Sealed],
    facts: &[Facts],
    terms: &WithdrawalTerms,
) -> Vec<(RecordId, Option<i32>)> {
    let end = |(sealed, facts): (&Sealed, &Facts)| {
        let ends = facts.end_without(&terms.purpose, terms.ends_on);
        (sealed.row().header.id, ends)
    };
    sealed.iter().zip(facts).map(end).collect()
}

fn consents_of(held: &[(Sealed, Facts)]) -> Vec<ListedConsent> {
    let of = |(sealed, facts): &(Sealed, Facts)| -> Vec<ListedConsent> {
        let rests = facts.bases.iter().filter_map(|basis| Some((basis.consent?, basis)));
        rests
            .map(|(id, basis)| ListedConsent {
                id,
                record: sealed.row().header.id,
                basis: basis.clone(),
                withdrawn_on: facts.withdrawn_on(basis),
                ends_on: facts.retain_until,
            })
            .collect()
    };
    held.iter().flat_map(of).collect()
}

/// The record of the withdrawal. It outlives what was withdrawn, so it holds no value.
fn control_of(
    asked: &Asked<'_>,
    request: &WithdrawRequest,
    named: &Named,
    id: [u8; 16],
) -> Control {
    let about: Vec<String> = named
        .records
        .iter()
        .map(|(_, facts)| BASE64_URL_SAFE_NO_PAD.encode(facts.record_handle.as_bytes()))
        .collect();
    let payload = json!({
        "about": about,
        "actor": asked.actor.standing().actor,
        "at": asked.now.rfc3339(),
        "by": request.by,
        "consent": BASE64_URL_SAFE_NO_PAD.encode(request.consent),
        "proof": request.proof,
        "purpose": named.purpose,
    });
    Control { kind: ControlKind::Withdrawal, id, payload: payload.to_string().into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withdrawal_marks_records_to_its_limit_and_not_beyond() {
        assert!(!is_too_many(WITHDRAWAL_RECORDS_COUNT_MAX));
        assert!(is_too_many(WITHDRAWAL_RECORDS_COUNT_MAX + 1));
    }
}
