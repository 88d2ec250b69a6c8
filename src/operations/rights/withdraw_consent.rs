//! A consent taken back at the desk, by the one who is present or by the guardian.
//! Never a value: a consent is known by its purpose, its notice and its day, and so is its withdrawal.
//! From the entry of its withdrawal on nothing is opened of a record for the purpose that rested on it.

use super::consent::{is_known, rehearse};
use crate::access::{Access, Ask, Code, ConsentAct, Fact, Item, Matter, Permit, Question};
use crate::ambient::{Micros, Random};
use crate::limits::WITHDRAWAL_RECORDS_COUNT_MAX;
use crate::operations::error::{after, refuse, turn_away};
use crate::operations::leaving::fields_end;
use crate::operations::scope::Weighed;
use crate::operations::steps::Steps;
use crate::operations::subject::{OwnRecords, key_of};
use crate::operations::{Asked, OperationError};
use crate::purposes::{ConsentGiver, HeldFor, PurposeSet};
use crate::records::{BasisFact, Facts, RecordId, SchemaSet, SubjectId, Target, days_since_epoch};
use crate::seal::{Control, Seal, Withdrawal, WithdrawalTerms};
use crate::store::{ControlKind, Expect, Fetched, Reader, Sealed};
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use std::collections::VecDeque;

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
/// What rests on nothing else ends when the purpose says, and in a record that rests on more the fields that no other purpose lists.
///
/// One step marks 32 records, and of more each further step is decided and recorded like the first; from its step on nothing of
/// a record is opened for the purpose. The record that was named comes last: as long as its consent stands there is something to
/// do, and whoever gets no answer says it again. An answer says that all are marked.
///
/// # Errors
/// `not_found` for a consent that is not there or that the caller may not know of; `version_conflict` for one that was
/// withdrawn before; `schema_invalid` for a child's that is not withdrawn by the guardian; `stale` where what is held of the
/// person changed again and again meanwhile, to be said again.
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
    let mut looked_over: Option<Resting> = None;
    while steps.go_on() {
        let resting = match looked_over.take() {
            Some(resting) => Some(resting),
            None => Resting::of(&request, asked.now, store, seal).await?,
        };
        let Some(mut resting) = resting else {
            return Err(nothing(&question, act, access, trail).await);
        };
        // Who may not know of it learns nothing of its state.
        let named = [resting.named().item()];
        if let Err(denied) = access.decide_consent(&question, act, &named, &[], ()) {
            return Err(refuse(trail, denied).await);
        }
        if let Some(code) = resting.unfit(&request) {
            return Err(turn_away(asked, access, trail, code).await);
        }
        resting.fetch_step(asked.now, store, seal).await?;
        let (left, purpose) = (resting.waiting.len(), resting.purpose.clone());
        let rules = (schemas, purposes);
        let (places, target) = resting.step(asked, &request, rules, random.bytes16()?);
        // The entry names all; of what lies in another street the desk hears nothing, not even that it is there.
        let known = places.iter().map(|at| &resting.weighed[*at]);
        let known = known.filter(|weighed| is_known(weighed, asked, access, territory));
        let marked: Vec<_> = known.map(|weighed| end_of(weighed, target.terms())).collect();
        let items: Vec<Item<'_>> = places.iter().map(|at| resting.weighed[*at].item()).collect();
        let named = [resting.named().item()];
        let permit = match access.decide_consent(&question, act, &named, &items, target) {
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
                looked_over = Some(resting);
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

/// The end over a consent that is not there: decided like any other, so that it takes the same way.
async fn nothing(
    question: &Question<'_>,
    act: ConsentAct,
    access: &Access,
    trail: &Trail,
) -> OperationError {
    let missing = [Item { matter: Matter::Missing, fields: &[] }];
    match access.decide_consent(question, act, &missing, &[], ()) {
        Err(denied) => refuse(trail, denied).await,
        Ok(_) => OperationError::Internal("a decision about nothing said yes"),
    }
}

/// What of a person rests on consents to one purpose, as it was when all of it was looked over. It stays so as long as the
/// person's key does, so the steps of one call look each record over once and fetch it once more.
struct Resting {
    purpose: String,
    /// The record that is named, and those of the step at hand.
    weighed: Vec<Weighed>,
    /// What is marked in the step at hand, by its places.
    due: Vec<(usize, Sealed)>,
    /// What is marked in later steps. The record that is named is the last.
    waiting: VecDeque<RecordId>,
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
            is_childs: facts.is_under_14(now.local_days()),
            purpose: basis.purpose,
            weighed: vec![Weighed::of(&named, facts)],
            due: Vec::new(),
            waiting: VecDeque::new(),
            seen: named.seen(),
            key,
        };
        let mut records = OwnRecords::of(request.subject, store, seal);
        while let Some((sealed, facts)) = records.next_own().await? {
            let id = sealed.row().header.id;
            if id != found.named().record && found.rests(&facts) {
                found.is_childs |= facts.is_under_14(now.local_days());
                found.waiting.push_back(id);
            }
        }
        found.waiting.push_back(found.named().record);
        Ok(Some(found))
    }

    /// Whether a record still rests on a consent to the purpose.
    fn rests(&self, facts: &Facts) -> bool {
        facts.bases.iter().any(|held| {
            held.purpose == self.purpose && held.consent.is_some() && !facts.is_withdrawn(held)
        })
    }

    /// Fetches the records of the next step as they are now. What rests on nothing any more is passed over.
    async fn fetch_step(
        &mut self,
        now: Micros,
        store: &Reader,
        seal: &Seal,
    ) -> Result<(), OperationError> {
        self.weighed.truncate(1);
        while self.due.len() < WITHDRAWAL_RECORDS_COUNT_MAX {
            let Some(id) = self.waiting.pop_front() else { break };
            let Fetched::Found(sealed) = store.fetch(id).await? else { continue };
            let facts = seal.facts(&sealed)?;
            if !self.rests(&facts) {
                continue;
            }
            self.is_childs |= facts.is_under_14(now.local_days());
            let weighed = Weighed::of(&sealed, facts);
            self.due.push((self.weighed.len(), sealed));
            self.weighed.push(weighed);
        }
        Ok(())
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
        (schemas, purposes): (&SchemaSet, &PurposeSet),
        id: [u8; 16],
    ) -> (Vec<usize>, Withdrawal) {
        let ends_on = purposes.get(&self.purpose).map_or_else(
            || asked.now.local_days(),
            |purpose| days_since_epoch(purpose.retention.ends_on(asked.now.local_date())),
        );
        let day = asked.now.local_days();
        let mut marked = Vec::new();
        let mut places = Vec::new();
        for (place, sealed) in std::mem::take(&mut self.due) {
            let Weighed { record_type, facts, .. } = &self.weighed[place];
            let held = HeldFor::without(facts, &self.purpose, day);
            let end = facts.end_without(&self.purpose, ends_on);
            let fields_end = schemas
                .get(*record_type)
                .and_then(|schema| fields_end(&held, schema, sealed.row(), end, purposes));
            marked.push((sealed, fields_end));
            places.push(place);
        }
        let control = control_of(asked, request, self, &places, id);
        let purpose = self.purpose.clone();
        let terms = WithdrawalTerms { purpose, ends_on, at: asked.now, control };
        let withdrawal = Withdrawal::new(marked, terms);
        (places, withdrawal.relying_on(self.seen.clone(), self.key.clone()))
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
    let mut records = OwnRecords::of(request.subject, store, seal);
    while let Some((sealed, facts)) = records.next_own().await? {
        is_nobody = false;
        let rests = |basis: &&BasisFact| basis.consent == Some(request.consent);
        if let Some(basis) = facts.bases.iter().find(rests).cloned() {
            return Ok(Some((sealed, facts, basis)));
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
