//! Consents of a resident who is present at the desk: what there is, and its withdrawal.
//! Never a value of the resident, and never the number of a document: a code says by which the desk knew them.
//! Who may not know of the person is told of nobody.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{Headers, purpose};
use super::super::named::{Named, NamedTwo};
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use crate::access::{Code, ConsentAct, Written};
use crate::ambient::Micros;
use crate::operations::{ListedConsent, WithdrawRequest, list_consents, withdraw_consent};
use crate::purposes::ConsentGiver;
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

/// A record that rested on a withdrawn consent.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct WithdrawnRecordBody {
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
    records: Vec<WithdrawnRecordBody>,
}

pub(in crate::http) async fn list(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(subject): Named,
    Headers(headers): Headers,
) -> Result<Answer<ConsentsBody>, Problem> {
    caller.must_serve(Written::Consent(ConsentAct::Read), &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    // What has not the form of an id names nobody.
    let Ok(subject) = subject.parse() else {
        return Err(caller.turn_away(&rooms, Code::NotFound).await);
    };
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
    let Some(proof) = PROOFS.into_iter().find(|known| *known == body.proof) else {
        return Err(caller.turn_away(&rooms, Code::SchemaInvalid).await);
    };
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
    let ending = |(record, ends_on): (RecordId, Option<i32>)| WithdrawnRecordBody {
        record: record.to_string(),
        ends_on: ends_on.map(day),
    };
    let body = WithdrawnBody {
        purpose: withdrawn.purpose,
        records: withdrawn.records.into_iter().map(ending).collect(),
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
    Micros(i64::from(days).saturating_mul(86_400_000_000)).date().to_string()
}
