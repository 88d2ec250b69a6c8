//! The erasure of a resident who is present at the desk: asked for, carried out once the protection officer agreed, certified.
//! Never a value of the resident, and never the number of a document: codes say why, and by which document the desk knew them.
//! Who may not know of the person is told of nobody, and a certificate is given out by a desk of the area that asked.

use super::super::answer::{Answer, put_receipt};
use super::super::body::{self, Media, code_at};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{Headers, purpose};
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::approvals::ApprovalAskedBody;
use super::consents::PROOFS;
use crate::access::{Ask, ErasureAct, Question, Written};
use crate::operations::{EraseRequest, ask_erasure, carry_out_erasure};
use crate::oversight::make_certificate;
use crate::purposes::ConsentGiver;
use crate::records::MandateId;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Why somebody is erased: the cases of PIPL Art. 47, in its order. Codes alone.
pub(in crate::http) const REASONS: [&str; 5] =
    ["purpose_met", "period_over", "consent_withdrawn", "unlawful", "other_law"];

/// An erasure that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct EraseBody {
    /// Why.
    #[schema(schema_with = forms::erasure_reason)]
    reason: String,
    /// Who asks for it: the person, or the guardian, who alone does it for a child under 14.
    #[schema(schema_with = forms::consent_giver)]
    by: ConsentGiver,
    /// By which document the desk knew who was present.
    #[schema(schema_with = forms::identity_proof)]
    proof: String,
}

/// What became of an erasure.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ErasedBody {
    /// Its id.
    id: String,
    /// Index of the entry of each step; behind the last nothing of the person is held.
    entries: Vec<u64>,
    /// Index of the entry behind which no older copy opens; absent while the keys are still to be destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    destroyed: Option<u64>,
}

pub(in crate::http) async fn ask(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<ApprovalAskedBody>, Problem> {
    caller.must_serve(Written::Erasure(ErasureAct::Ask), &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let body: EraseBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let reason = caller.understood(code_at("reason", &REASONS, &body.reason), &rooms).await?;
    let proof = caller.understood(code_at("proof", &PROOFS, &body.proof), &rooms).await?;
    let subject = caller.named(&id, &rooms).await?;
    let territory = rooms.territory.load();
    let (id, recorded) = ask_erasure(
        &caller.asked(purpose),
        &EraseRequest { subject, reason, by: body.by, proof },
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
        &*rooms.random,
    )
    .await?;
    Ok(Answer::new(ApprovalAskedBody::of(id), recorded, rooms.trail.origin()).created())
}

pub(in crate::http) async fn carry_out(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    Headers(headers): Headers,
) -> Result<Answer<ErasedBody>, Problem> {
    caller.must_serve(Written::Erasure(ErasureAct::Remove), &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let id: MandateId = caller.named(&id, &rooms).await?;
    let territory = rooms.territory.load();
    let erased = carry_out_erasure(
        &caller.asked(purpose),
        id,
        rooms.erasures.as_ref(),
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
    )
    .await?;
    let (entries, destroyed) = (erased.entries, erased.destroyed);
    let body = ErasedBody { id: id.to_string(), entries, destroyed };
    Ok(Answer::new(body, erased.recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn certificate(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    Headers(headers): Headers,
) -> Result<Response, Problem> {
    caller.must_serve(Written::Erasure(ErasureAct::Certify), &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let id: MandateId = caller.named(&id, &rooms).await?;
    let territory = rooms.territory.load();
    let question = Question {
        standing: caller.actor.standing(),
        origin: &caller.origin,
        now: caller.now,
        territory: &territory,
        schemas: &rooms.schemas,
        purpose,
        mandate: None,
        ask: Ask::Read,
    };
    let made = make_certificate(
        &question,
        id,
        rooms.erasures.as_ref(),
        &rooms.store,
        &rooms.access,
        &rooms.trail,
        &rooms.log,
        &rooms.trail.log_key(),
    )
    .await?;
    let mut response = made.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    put_receipt(headers, rooms.trail.origin(), made.recorded);
    Ok(response)
}
