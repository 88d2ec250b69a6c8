//! A consent taken back at the desk, by the one who is present or by the guardian.
//! Never a value: a consent is known by its purpose, its notice and its day, and so is its withdrawal.
//! From the entry of its withdrawal on nothing is opened of a record for the purpose that rested on it.

use super::consent::{is_known, rehearse};
use super::error::{after, refuse, turn_away};
use super::scope::Weighed;
use super::steps::Steps;
use super::subject::{OwnRecords, key_of};
use super::{Asked, OperationError};
use crate::access::{Access, Ask, Code, ConsentAct, Fact, Item, Matter, Permit};
use crate::ambient::{Micros, Random};
use crate::limits::WITHDRAWAL_RECORDS_COUNT_MAX;
use crate::purposes::{ConsentGiver, PurposeSet};
use crate::records::{BasisFact, Facts, RecordId, SchemaSet, SubjectId, Target, days_since_epoch};
use crate::seal::{Control, Seal, Withdrawal, WithdrawalTerms};
use crate::store::{ControlKind, Expect, Reader, Sealed};
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;

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
    /// Those of the records that were marked which the caller may know of, each with its end.
    pub records: Vec<(RecordId, Option<i32>)>,
    /// The entry; of several steps that of the last one.
    pub recorded: Recorded,
}

/// Withdraws a consent, and every other one of this person to the same purpose.
///
/// One step marks 32 records, and of more each further step is decided and recorded like the first; from its step on nothing of
/// a record is opened for the purpose. The record that was named comes last: as long as its consent stands there is something to
/// do, and whoever gets no answer says it again. An answer says that all are marked.
///
/// # Errors
/// `not_found` for a consent that is not there or that the caller may not know of; `version_conflict` for one that was
/// withdrawn before; `schema_invalid` for a child's that is not withdrawn by the guardian; `stale` where it takes more steps than one
/// call has, to be said again.
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
    let (mut steps, mut records) = (Steps::default(), Vec::new());
    while steps.go_on() {
        let Some(mut held) = Resting::of(&request, asked.now, store, seal).await? else {
            let missing = Item { matter: Matter::Missing, fields: &[] };
            return Err(match access.decide_consent(&question, act, &missing, &[], ()) {
                Err(denied) => refuse(trail, denied).await,
                Ok(_) => OperationError::Internal("a decision about nothing said yes"),
            });
        };
        // Who may not know of it learns nothing of its state.
        if let Err(denied) = access.decide_consent(&question, act, &held.named().item(), &[], ()) {
            return Err(refuse(trail, denied).await);
        }
        if let Some(code) = held.unfit(&request) {
            return Err(turn_away(asked, access, trail, code).await);
        }
        let (left, purpose) = (held.left, held.purpose.clone());
        let (places, target) = held.step(asked, &request, purposes, random.bytes16()?);
        // The entry names all; of what lies in another street the desk hears nothing, not even that it is there.
        let known = places.iter().map(|at| &held.weighed[*at]);
        let known = known.filter(|weighed| is_known(weighed, asked, access, territory));
        let marked: Vec<_> = known.map(|weighed| end_of(weighed, target.terms())).collect();
        let items: Vec<Item<'_>> = places.iter().map(|at| held.weighed[*at].item()).collect();
        let decided = access.decide_consent(&question, act, &held.named().item(), &items, target);
        let permit = match decided {
            Ok(permit) => permit.stating("proof", Fact::Code(request.proof.to_owned())),
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let permit = permit.stating("consent_to", Fact::Code(purpose.clone()));
        let change = seal.withdraw(&permit)?;
        match trail.commit(counting(permit, left), change).await {
            Ok(receipt) => {
                records.extend(marked);
                if left == 0 {
                    let recorded = receipt.recorded();
                    return Ok(WithdrawnConsent { purpose, records, recorded });
                }
                // A crash here leaves the named consent as it was, so it can be asked for again.
                steps.went_on();
            }
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
                steps.went_stale();
            }
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

/// What of a person rests on consents to one purpose, as it is now.
struct Resting {
    purpose: String,
    /// The record that is named, and those of one step.
    weighed: Vec<Weighed>,
    /// What is marked in one step, by its places. The record that is named is among the last.
    due: Vec<(usize, Sealed)>,
    /// How many more there are.
    left: usize,
    is_withdrawn: bool,
    /// Whether any of it is about a child under 14.
    is_childs: bool,
    /// What else a step relies on: the record that is named, and that none was stored since the first look.
    seen: Vec<(RecordId, u64, u64)>,
    key: Option<Expect>,
}

impl Resting {
    /// Nothing where no record of the person rests on that consent.
    async fn of(
        request: &WithdrawRequest,
        now: Micros,
        store: &Reader,
        seal: &Seal,
    ) -> Result<Option<Resting>, OperationError> {
        let key = key_of(request.subject, store).await?.map(|(_, expect)| expect);
        let Some((named, facts, basis)) = resting_on(request, store, seal).await? else {
            return Ok(None);
        };
        let mut found = Resting {
            is_withdrawn: facts.is_withdrawn(&basis),
            is_childs: facts.is_under_14(now.days()),
            purpose: basis.purpose,
            weighed: vec![Weighed::of(&named, facts)],
            due: Vec::new(),
            left: 0,
            seen: named.seen(),
            key,
        };
        let mut records = OwnRecords::of(request.subject, store);
        while let Some(page) = records.page(seal).await? {
            for (sealed, facts) in page {
                if sealed.row().header.id != found.named().record {
                    found.take(sealed, facts, now);
                }
            }
        }
        if found.left == 0 && found.due.len() < WITHDRAWAL_RECORDS_COUNT_MAX {
            found.due.insert(0, (0, named));
        } else {
            found.left += 1;
        }
        Ok(Some(found))
    }

    fn take(&mut self, sealed: Sealed, facts: Facts, now: Micros) {
        let rests = facts.bases.iter().any(|held| {
            held.purpose == self.purpose && held.consent.is_some() && !facts.is_withdrawn(held)
        });
        if !rests {
            return;
        }
        self.is_childs |= facts.is_under_14(now.days());
        if self.due.len() < WITHDRAWAL_RECORDS_COUNT_MAX {
            let weighed = Weighed::of(&sealed, facts);
            self.due.push((self.weighed.len(), sealed));
            self.weighed.push(weighed);
        } else {
            self.left += 1;
        }
    }

    fn named(&self) -> &Weighed {
        &self.weighed[0]
    }

    /// Why it is not withdrawn, if it is not.
    fn unfit(&self, request: &WithdrawRequest) -> Option<Code> {
        if self.is_withdrawn {
            Some(Code::VersionConflict)
        } else if self.is_childs && request.by != ConsentGiver::Guardian {
            Some(Code::SchemaInvalid)
        } else {
            None
        }
    }

    /// The records of one step, by their places, and what is decided over.
    fn step(
        &mut self,
        asked: &Asked<'_>,
        request: &WithdrawRequest,
        purposes: &PurposeSet,
        id: [u8; 16],
    ) -> (Vec<usize>, Withdrawal) {
        let ends_on = purposes.get(&self.purpose).map_or_else(
            || asked.now.days(),
            |purpose| days_since_epoch(purpose.retention.ends_on(asked.now.date())),
        );
        let (places, sealed): (Vec<usize>, Vec<Sealed>) =
            std::mem::take(&mut self.due).into_iter().unzip();
        let control = control_of(asked, request, self, &places, id);
        let purpose = self.purpose.clone();
        let terms = WithdrawalTerms { purpose, ends_on, at: asked.now, control };
        let withdrawal = Withdrawal::new(sealed, terms);
        (places, withdrawal.relying_on(std::mem::take(&mut self.seen), self.key.take()))
    }
}

/// A record with the end that it gets.
fn end_of(weighed: &Weighed, terms: &WithdrawalTerms) -> (RecordId, Option<i32>) {
    (weighed.record, weighed.facts.end_without(&terms.purpose, terms.ends_on))
}

/// The first record that rests on the consent that is named, and the basis that it is.
async fn resting_on(
    request: &WithdrawRequest,
    store: &Reader,
    seal: &Seal,
) -> Result<Option<(Sealed, Facts, BasisFact)>, OperationError> {
    let mut is_nobody = true;
    let mut records = OwnRecords::of(request.subject, store);
    while let Some(page) = records.page(seal).await? {
        for (sealed, facts) in page {
            is_nobody = false;
            let rests = |basis: &&BasisFact| basis.consent == Some(request.consent);
            if let Some(basis) = facts.bases.iter().find(rests).cloned() {
                return Ok(Some((sealed, facts, basis)));
            }
        }
    }
    if is_nobody {
        rehearse(request.subject, store, seal).await?;
    }
    Ok(None)
}

/// Says in the entry of a step how many records are left.
fn counting<T>(permit: Permit<T>, left: usize) -> Permit<T> {
    if left == 0 { permit } else { permit.stating("left", Fact::Number(left as u64)) }
}

/// The record of the withdrawal. It outlives what was withdrawn, so it holds no value.
fn control_of(
    asked: &Asked<'_>,
    request: &WithdrawRequest,
    resting: &Resting,
    places: &[usize],
    id: [u8; 16],
) -> Control {
    let handle = |at: &usize| resting.weighed[*at].facts.record_handle;
    let about: Vec<String> =
        places.iter().map(|at| BASE64_URL_SAFE_NO_PAD.encode(handle(at).as_bytes())).collect();
    let payload = json!({
        "about": about,
        "actor": asked.actor.standing().actor,
        "at": asked.now.rfc3339(),
        "by": request.by,
        "consent": BASE64_URL_SAFE_NO_PAD.encode(request.consent),
        "proof": request.proof,
        "purpose": resting.purpose,
    });
    Control { kind: ControlKind::Withdrawal, id, payload: payload.to_string().into_bytes() }
}
