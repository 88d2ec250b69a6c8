//! Consents of a resident who is present at the desk: what there is, one that is given, and a withdrawal.
//! Never a value of the resident, and never the number of a document: a code says by which the desk knew them.
//! Who may not know of the person is told of nobody.

use super::super::answer::Answer;
use super::super::body::{self, Media, code_at, named_ids};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{Headers, purpose};
use super::super::named::{Named, NamedTwo};
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::strict_json::Members;
use super::super::wrong::Wrong;
use crate::access::{Code, ConsentAct, Written};
use crate::ambient::date_of;
use crate::limits::CONSENTED_RECORDS_COUNT_MAX;
use crate::operations::{
    ConsentRequest, ListedConsent, WithdrawRequest, give_consent, list_consents, withdraw_consent,
};
use crate::purposes::{BasisClaim, ConsentClaim, ConsentGiver};
use crate::records::RecordId;
use axum::body::Body;
use axum::extract::State;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// By which document the desk knew who was present. Codes alone.
pub(in crate::http) const PROOFS: [&str; 4] =
    ["resident_card", "residence_permit", "passport", "household_register"];

/// A consent that is given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ConsentGivenBody {
    /// Over which of the person's own records.
    #[schema(schema_with = forms::consented_ids)]
    records: Vec<String>,
    /// For which purpose they may be read from now on.
    #[schema(schema_with = forms::slug)]
    purpose: String,
    /// On which of its bases: one that rests on a consent.
    #[schema(schema_with = forms::slug)]
    legal_basis: String,
    /// After which notice.
    #[schema(schema_with = forms::slug)]
    notice: String,
    /// Who gave it, how, and on which day.
    #[schema(schema_with = forms::consent)]
    consent: Members<ConsentClaim>,
    /// By which document the desk knew who was present.
    #[schema(schema_with = forms::identity_proof)]
    proof: String,
}

/// A consent that was recorded.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RecordedConsentBody {
    /// Its id, by which it is taken back.
    id: String,
    /// The purpose for which the records may be read now.
    purpose: String,
    /// The records, each with its end, which is what it was before.
    records: Vec<ConsentedRecordBody>,
}

/// A withdrawal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WithdrawBody {
    /// Who takes it back: the person, or the guardian, who alone does it for a child under 14.
    #[schema(schema_with = forms::consent_giver)]
    by: ConsentGiver,
    /// By which document the desk knew who was present.
    #[schema(schema_with = forms::identity_proof)]
    proof: String,
}

/// A consent.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ConsentBody {
    /// Its id.
    id: String,
    /// The record that rests on it.
    record: String,
    /// What for.
    purpose: String,
    /// On which basis of that purpose.
    legal_basis: String,
    /// After which notice.
    notice: String,
    /// The day on which it was withdrawn; absent for one that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn_on: Option<String>,
    /// First day on which the record may no longer be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_on: Option<String>,
}

/// The consents of a person.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ConsentsBody {
    /// Those that its own records rest on, withdrawn ones too.
    consents: Vec<ConsentBody>,
}

/// A record that rests on a consent, or did.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ConsentedRecordBody {
    /// Its id.
    record: String,
    /// First day on which it may no longer be read: its place in the queue of retention.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_on: Option<String>,
}

/// What was withdrawn.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct WithdrawnBody {
    /// The purpose for which nothing is opened any more.
    purpose: String,
    /// Those of the records that rested on consents to it which the caller may know of.
    records: Vec<ConsentedRecordBody>,
}

pub(in crate::http) async fn list(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(subject): Named,
    Headers(headers): Headers,
) -> Result<Answer<ConsentsBody>, Problem> {
    caller.must_serve(Written::Consent(ConsentAct::Read), &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let subject = caller.named(&subject, &rooms).await?;
    let territory = rooms.territory.load();
    let (consents, recorded) = list_consents(
        &caller.asked(purpose),
        subject,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
    )
    .await?;
    let body = ConsentsBody { consents: consents.into_iter().map(ConsentBody::from).collect() };
    Ok(Answer::new(body, recorded, rooms.trail.origin()))
}

impl From<ListedConsent> for ConsentBody {
    fn from(consent: ListedConsent) -> ConsentBody {
        ConsentBody {
            id: BASE64_URL_SAFE_NO_PAD.encode(consent.id),
            record: consent.record.to_string(),
            purpose: consent.basis.purpose,
            legal_basis: consent.basis.legal_basis,
            notice: consent.basis.notice,
            withdrawn_on: consent.withdrawn_on.map(day),
            ends_on: consent.ends_on.map(day),
        }
    }
}

impl From<(RecordId, Option<i32>)> for ConsentedRecordBody {
    fn from((record, ends_on): (RecordId, Option<i32>)) -> ConsentedRecordBody {
        ConsentedRecordBody { record: record.to_string(), ends_on: ends_on.map(day) }
    }
}

pub(in crate::http) async fn give(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(subject): Named,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<RecordedConsentBody>, Problem> {
    caller.must_serve(Written::Consent(ConsentAct::Give), &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let body: ConsentGivenBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let subject = caller.named(&subject, &rooms).await?;
    let (records, proof) = caller.understood(given_over(&body), &rooms).await?;
    let ConsentGivenBody { purpose: to, legal_basis, notice, consent, .. } = body;
    let Some(to) = rooms.purposes.get(&to).filter(|purpose| purpose.active) else {
        return Err(caller.turn_away(&rooms, Code::PurposeUnknown).await);
    };
    let consent = Some(consent.0);
    let claim = BasisClaim { purpose: to.id.as_str().to_owned(), legal_basis, notice, consent };
    let territory = rooms.territory.load();
    let given = give_consent(
        &caller.asked(purpose),
        ConsentRequest { subject, records, purpose: to, claim, proof },
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &rooms.purposes,
        &territory,
        &*rooms.random,
    )
    .await?;
    let body = RecordedConsentBody {
        id: BASE64_URL_SAFE_NO_PAD.encode(given.id),
        purpose: to.id.as_str().to_owned(),
        records: given.records.into_iter().map(ConsentedRecordBody::from).collect(),
    };
    Ok(Answer::new(body, given.recorded, rooms.trail.origin()).created())
}

/// The records that a consent is given over, each once, and the code of the document.
fn given_over(body: &ConsentGivenBody) -> Result<(Vec<RecordId>, &'static str), Wrong> {
    let proof = code_at("proof", &PROOFS, &body.proof)?;
    Ok((named_ids("records", &body.records, 1..=CONSENTED_RECORDS_COUNT_MAX)?, proof))
}

pub(in crate::http) async fn withdraw(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    NamedTwo(subject, consent): NamedTwo,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<WithdrawnBody>, Problem> {
    caller.must_serve(Written::Consent(ConsentAct::Withdraw), &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let body: WithdrawBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let proof = caller.understood(code_at("proof", &PROOFS, &body.proof), &rooms).await?;
    let named = subject.parse().ok().zip(id_of(&consent));
    let Some((subject, consent)) = named else {
        return Err(caller.turn_away(&rooms, Code::NotFound).await);
    };
    let request = WithdrawRequest { subject, consent, by: body.by, proof };
    let territory = rooms.territory.load();
    let withdrawn = withdraw_consent(
        &caller.asked(purpose),
        request,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &rooms.purposes,
        &territory,
        &*rooms.random,
    )
    .await?;
    let body = WithdrawnBody {
        purpose: withdrawn.purpose,
        records: withdrawn.records.into_iter().map(ConsentedRecordBody::from).collect(),
    };
    Ok(Answer::new(body, withdrawn.recorded, rooms.trail.origin()))
}

/// One form for one id: other texts of the same bytes name nothing.
fn id_of(text: &str) -> Option<[u8; 16]> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let id: [u8; 16] = bytes.try_into().ok()?;
    (BASE64_URL_SAFE_NO_PAD.encode(id) == text).then_some(id)
}

fn day(days: i32) -> String {
    date_of(days).to_string()
}
