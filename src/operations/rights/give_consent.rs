//! A consent given at the desk, by the one who is present or by the guardian, over records that are held already.
//! Never a value, no field that was not held before, and no end later than the record's own: what is held may be read for one purpose
//! more, and an end that a withdrawal took forward moves back.
//! It stands in the entry, in what is kept of the consent, and in each record, at once or not at all.

use crate::access::{Access, Ask, Code, ConsentAct, Fact, Item, Matter};
use crate::ambient::Random;
use crate::limits::STALE_ATTEMPTS_MAX;
use crate::operations::basis::misplaced;
use crate::operations::error::{Misplaced, Unfit, after, refuse, turn_away};
use crate::operations::leaving::fields_end;
use crate::operations::scope::{Weighed, look};
use crate::operations::subject::key_of;
use crate::operations::{Asked, OperationError};
use crate::purposes::{BasisClaim, ConsentGiver, HeldFor, Purpose, PurposeSet, check_basis};
use crate::records::{
    BasisFact, Class, Facts, RecordId, RecordType, Schema, SchemaSet, SubjectId, days_since_epoch,
};
use crate::seal::{Consenting, Control, FieldsEnd, KeyHold, Patch, Seal};
use crate::store::{ControlKind, Reader, Row, Sealed};
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use std::collections::BTreeSet;

/// A consent, as the desk takes it.
pub struct ConsentRequest<'a> {
    /// Whose.
    pub subject: SubjectId,
    /// Over which of its records, each once.
    pub records: Vec<RecordId>,
    /// For which purpose they may be read from now on.
    pub purpose: &'a Purpose,
    /// On which of its bases, after which notice, and the consent itself.
    pub claim: BasisClaim,
    /// By which document the desk knew who was present: a code, never a number.
    pub proof: &'static str,
}

/// What was given.
pub struct GivenConsent {
    /// Its id, by which it is taken back.
    pub id: [u8; 16],
    /// The records, each with its end: it is the one that it had, or had before a withdrawal took it forward.
    pub records: Vec<(RecordId, Option<i32>)>,
    /// The entry.
    pub recorded: Recorded,
}

/// Records a consent.
///
/// A consent after another notice, or on another basis, takes the place of the one before it. A record that is held for the purpose
/// on a duty needs none. Of a consent and a withdrawal at once the order of the log decides: what is given before the last step of a
/// withdrawal to the same purpose is taken back with the rest, what is given behind it stands. So it is with the end of a record that
/// rested on nothing else: the withdrawal takes it forward, and the consent that is given behind it takes it back, as far as the
/// purpose lets the record be kept from now on, and never beyond the end that the record had. Fields that were to go because nothing
/// carried them any more stay, where the purpose lists them.
///
/// # Errors
/// `not_found` for records of which one is not there, not the person's own, or not the caller's to know of; `restricted` for
/// one that nothing may be done with any more; `purpose_not_for_field` for a type of record that the purpose lists nothing of;
/// `basis_missing` for a basis that rests on no consent, and for one that does not carry what is held: a child's without the
/// guardian's, a sensitive field's without one of its own; and for one that was given before what it is to take the place of was taken
/// back; `version_conflict` for a record that is held for it already.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn give_consent(
    asked: &Asked<'_>,
    request: ConsentRequest<'_>,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    purposes: &PurposeSet,
    territory: &Territory,
    random: &dyn Random,
) -> Result<GivenConsent, OperationError> {
    let question = asked.question(Ask::Update, schemas, territory);
    let act = ConsentAct::Give;
    for _ in 0..STALE_ATTEMPTS_MAX {
        let held = Held::of(&request, store, seal).await?;
        let items = held.items();
        // Who may not know of one of them learns nothing of the others.
        if let Err(denied) = access.decide_consent(&question, act, &items, &[], ()) {
            return Err(refuse(trail, denied).await);
        }
        let mut fact = match held.ground(asked, &request, schemas) {
            Ok(fact) => fact,
            Err(unfit) => return Err(unfit.end(asked, access, trail).await),
        };
        let id = random.bytes16()?;
        fact.consent = Some(id);
        let controls = controls_of(asked, &request, &held, id, random.bytes16()?);
        let Held { key, weighed, sealed, .. } = held;
        let items: Vec<Item<'_>> = weighed.iter().map(Weighed::item).collect();
        let latest = request.purpose.retention.retain_until(asked.now.local_date());
        let latest = days_since_epoch(latest);
        let patched = sealed.into_iter().zip(&weighed).map(|(sealed, weighed)| {
            let end = fields_end_with(&request, weighed, &sealed, schemas, purposes);
            (sealed, Patch { fields_end: FieldsEnd::Set(end), ..patch(&fact, latest, asked) })
        });
        let target = Consenting::new(patched.collect(), key, controls);
        let permit = match access.decide_consent(&question, act, &items, &items, target) {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let permit = permit
            .stating("proof", Fact::Code(request.proof.to_owned()))
            .stating("consent_to", Fact::Code(fact.purpose.clone()))
            .stating("given_by", Fact::Code(giver(&request).to_owned()));
        let change = seal.consent(&permit)?;
        match trail.commit(permit, change).await {
            Ok(receipt) => {
                let records = weighed.iter().map(|one| (one.record, one.facts.end_with(latest)));
                let (records, recorded) = (records.collect(), receipt.recorded());
                return Ok(GivenConsent { id, records, recorded });
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

/// The named records, as they are now.
struct Held {
    /// What was seen of the person's key before anything else.
    key: Option<KeyHold>,
    weighed: Vec<Weighed>,
    /// The same records, in the same order.
    sealed: Vec<Sealed>,
    /// Those that are not there, or not the person's own.
    missing_count: usize,
}

impl Held {
    async fn of(
        request: &ConsentRequest<'_>,
        store: &Reader,
        seal: &Seal,
    ) -> Result<Held, OperationError> {
        // The key is looked at first: whoever takes consents of the person back and did not see this one looks again.
        let key = key_of(request.subject, store).await?.map(|(wrapped, expect)| KeyHold {
            subject: request.subject,
            wrapped,
            expect,
            is_last: false,
        });
        let mut held = Held { key, weighed: Vec::new(), sealed: Vec::new(), missing_count: 0 };
        let own = |sealed: &Sealed| sealed.row().header.subjects.first() == Some(&request.subject);
        for seen in look(&request.records, &[], store, seal).await? {
            match seen.found.filter(|(sealed, _)| own(sealed)) {
                Some((sealed, facts)) => {
                    held.weighed.push(Weighed::of(&sealed, facts));
                    held.sealed.push(sealed);
                }
                None => held.missing_count += 1,
            }
        }
        Ok(held)
    }

    fn items(&self) -> Vec<Item<'_>> {
        let missing =
            (0..self.missing_count).map(|_| Item { matter: Matter::Missing, fields: &[] });
        self.weighed.iter().map(Weighed::item).chain(missing).collect()
    }

    /// The basis that each of the records gets.
    fn ground(
        &self,
        asked: &Asked<'_>,
        request: &ConsentRequest<'_>,
        schemas: &SchemaSet,
    ) -> Result<BasisFact, Unfit> {
        let ConsentRequest { purpose, claim, .. } = request;
        let basis = purpose.legal_basis(&claim.legal_basis);
        if !basis.is_some_and(|basis| basis.kind.needs_consent()) {
            let reason = if basis.is_some() { "needs_no_consent" } else { "unknown" };
            let misplaced = Misplaced::new("legal_basis", reason);
            return Err(Misplaced { code: Code::BasisMissing, ..misplaced }.into());
        }
        let today = asked.now.local_days();
        let (mut under_14, mut sensitive) = (false, false);
        for (Weighed { record_type, facts, .. }, sealed) in self.weighed.iter().zip(&self.sealed) {
            if purpose.fields.get(record_type).is_none_or(BTreeSet::is_empty) {
                return Err(Code::PurposeNotForField.into());
            }
            let stands = |held: &BasisFact| {
                let same = (&held.notice, &held.legal_basis) == (&claim.notice, &claim.legal_basis);
                held.consent.is_none() || same
            };
            if facts.live_basis_for(purpose.id.as_str()).is_some_and(stands) {
                return Err(Code::VersionConflict.into());
            }
            if claim
                .consent
                .as_ref()
                .zip(taken_back(facts, purpose))
                .is_some_and(|(given, day)| days_since_epoch(given.given_on) < day)
            {
                let misplaced = Misplaced::new("consent.given_on", "too_early");
                return Err(Misplaced { code: Code::BasisMissing, ..misplaced }.into());
            }
            under_14 |= facts.is_under_14(today);
            let schema = schemas.get(*record_type);
            sensitive |= schema
                .is_some_and(|schema| holds_sensitive(schema, sealed.row(), *record_type, purpose));
        }
        check_basis(purpose, claim, under_14, sensitive, asked.now.local_date()).map_err(
            |problem| {
                let of_basis = misplaced(problem);
                // Here the claim is the body itself.
                let member = of_basis.member.strip_prefix("basis.").unwrap_or(of_basis.member);
                Misplaced { member, ..of_basis }.into()
            },
        )
    }
}

/// The day of the withdrawal behind which a consent to a purpose is given anew: of the one before it, or of whatever was taken back
/// last, where the record rests on nothing any more. A consent of before it is the one that was taken back.
fn taken_back(facts: &Facts, purpose: &Purpose) -> Option<i32> {
    let bare = facts.rests_on_nothing();
    let of_it = |held: &&BasisFact| bare || held.purpose == purpose.id.as_str();
    facts.bases.iter().filter(of_it).filter_map(|held| facts.withdrawn_on(held)).max()
}

/// Whether a record holds a part with a sensitive field that the purpose would open.
fn holds_sensitive(schema: &Schema, row: &Row, record_type: RecordType, purpose: &Purpose) -> bool {
    let held = |name: &str| row.sections.iter().any(|section| section.name.is(name));
    schema.sections().iter().filter(|part| held(&part.name)).any(|part| {
        schema
            .fields_of(&part.name)
            .any(|field| field.class >= Class::C3 && purpose.lists(record_type, &field.name))
    })
}

fn giver(request: &ConsentRequest<'_>) -> &'static str {
    match request.claim.consent.as_ref().map(|consent| consent.by) {
        Some(ConsentGiver::Guardian) => "guardian",
        Some(ConsentGiver::Self_) | None => "self",
    }
}

/// The notice that was given and the consent. They outlive the records, so they hold no value.
fn controls_of(
    asked: &Asked<'_>,
    request: &ConsentRequest<'_>,
    held: &Held,
    id: [u8; 16],
    notice_id: [u8; 16],
) -> Vec<Control> {
    let handle = |one: &Weighed| BASE64_URL_SAFE_NO_PAD.encode(one.facts.record_handle.as_bytes());
    let about: Vec<String> = held.weighed.iter().map(handle).collect();
    let claim = &request.claim;
    let notice = json!({
        "about": about,
        "actor": asked.actor.standing().actor,
        "at": asked.now.rfc3339(),
        "notice": claim.notice,
        "purpose": claim.purpose,
    });
    let mut consent = notice.clone();
    consent["consent"] = serde_json::to_value(&claim.consent).unwrap_or_default();
    consent["legal_basis"] = json!(claim.legal_basis);
    consent["proof"] = json!(request.proof);
    let kept = |kind, id, payload: serde_json::Value| Control {
        kind,
        id,
        payload: payload.to_string().into_bytes(),
    };
    vec![kept(ControlKind::NoticeGiven, notice_id, notice), kept(ControlKind::Consent, id, consent)]
}

/// When fields of a record go, once the consent is given.
fn fields_end_with(
    request: &ConsentRequest<'_>,
    weighed: &Weighed,
    sealed: &Sealed,
    schemas: &SchemaSet,
    purposes: &PurposeSet,
) -> Option<i32> {
    let held = HeldFor::with(&weighed.facts, request.purpose.id.as_str());
    let schema = schemas.get(weighed.record_type)?;
    fields_end(&held, schema, sealed.row(), weighed.facts.retain_until, purposes)
}

fn patch(fact: &BasisFact, latest: i32, asked: &Asked<'_>) -> Patch {
    let basis = Some(fact.clone());
    Patch { basis, latest_end: Some(latest), ..Patch::blank(asked.now) }
}
