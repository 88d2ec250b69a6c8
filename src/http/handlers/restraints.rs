//! Restriction of processing (PIPL Art. 47) and legal hold: asked for at the desk, carried out once the protection officer agreed,
//! and lifted the same way.
//! Never a value of the resident and never a word that somebody wrote freely: codes say why, and a document is named by its number,
//! which is kept sealed.
//! Who may not know of the person is told of nobody.

use super::super::answer::Answer;
use super::super::body::{self, Media, code_at};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{Headers, purpose};
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use super::approvals::ApprovalAskedBody;
use super::brought::is_document;
use super::consents::PROOFS;
use crate::access::{RestraintAct, Written};
use crate::operations::{Asked, RestrainRequest, ask_release, ask_restraint, carry_out_restraint};
use crate::purposes::ConsentGiver;
use crate::records::{MandateId, RestraintKind};
use axum::body::Body;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Why what is held of somebody is restricted. The first two are the person's own: it contests what is held (PIPL Art. 46), or refuses
/// its use (Art. 44); then what the vault's keepers find: more is held than may be (Network Data Regulations Art. 24), a law demands
/// that it is kept, or it cannot be erased (PIPL Art. 47).
pub(in crate::http) const RESTRICTION_REASONS: [&str; 5] =
    ["accuracy_contested", "use_refused", "excess", "retention_duty", "erasure_infeasible"];

/// How many of them are the person's own, and so need it, or the guardian, at the desk.
const OWN_REASONS_COUNT: usize = 2;

/// For what somebody's data is kept.
pub(in crate::http) const HOLD_REASONS: [&str; 5] =
    ["court_case", "criminal_case", "administrative_case", "arbitration", "inspection"];

/// Why a restraint ends.
pub(in crate::http) const RELEASE_REASONS: [&str; 4] =
    ["ground_over", "set_in_error", "corrected", "asked_by_person"];

/// A restriction that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RestrictBody {
    /// Why. `accuracy_contested` and `use_refused` need `by` and `proof`.
    #[schema(schema_with = forms::restriction_reason)]
    reason: String,
    /// Who asks for it at the desk, the person or the guardian, who alone does it for a child under 14; nothing where nobody does.
    #[serde(default)]
    #[schema(schema_with = forms::maybe_consent_giver)]
    by: Option<ConsentGiver>,
    /// By which document the desk knew who was present; together with `by`.
    #[serde(default)]
    #[schema(schema_with = forms::maybe_identity_proof)]
    proof: Option<String>,
}

/// A legal hold that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct HoldBody {
    /// For what.
    #[schema(schema_with = forms::hold_reason)]
    reason: String,
    /// Number of the document of court or organ; it is kept sealed, and nobody's identity number or telephone.
    #[schema(schema_with = forms::document)]
    document: String,
}

/// The end of a restraint that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ReleaseBody {
    /// Why.
    #[schema(schema_with = forms::release_reason)]
    reason: String,
}

/// What was carried out.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RestrainedBody {
    /// The request.
    id: String,
    /// How many records this call marked, or released.
    records: usize,
}

pub(in crate::http) async fn restrict(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<ApprovalAskedBody>, Problem> {
    caller.must_serve(ASKED, &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let body: RestrictBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let (reason, present) = caller.understood(restriction_of(&body), &rooms).await?;
    let subject = caller.named(&id, &rooms).await?;
    let kind = RestraintKind::Restriction;
    let request = RestrainRequest { subject, kind, reason, present, document: None };
    asked(&rooms, &caller.asked(purpose), &request).await
}

pub(in crate::http) async fn hold(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<ApprovalAskedBody>, Problem> {
    caller.must_serve(ASKED, &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let body: HoldBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let reason = caller.understood(hold_reason_of(&body), &rooms).await?;
    let subject = caller.named(&id, &rooms).await?;
    let (kind, document) = (RestraintKind::LegalHold, Some(body.document));
    let request = RestrainRequest { subject, kind, reason, present: None, document };
    asked(&rooms, &caller.asked(purpose), &request).await
}

pub(in crate::http) async fn release(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<ApprovalAskedBody>, Problem> {
    caller.must_serve(ASKED, &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let body: ReleaseBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let reason = code_at("reason", &RELEASE_REASONS, &body.reason);
    let reason = caller.understood(reason, &rooms).await?;
    let restraint: MandateId = caller.named(&id, &rooms).await?;
    let territory = rooms.territory.load();
    let (id, recorded) = ask_release(
        &caller.asked(purpose),
        restraint,
        reason,
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
) -> Result<Answer<RestrainedBody>, Problem> {
    caller.must_serve(Written::Restraint(RestraintAct::Restrict), &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let id: MandateId = caller.named(&id, &rooms).await?;
    let territory = rooms.territory.load();
    let done = carry_out_restraint(
        &caller.asked(purpose),
        id,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
    )
    .await?;
    let body = RestrainedBody { id: id.to_string(), records: done.records_count };
    Ok(Answer::new(body, done.recorded, rooms.trail.origin()))
}

/// What a refusal of whoever serves no residents is recorded as.
const ASKED: Written = Written::Restraint(RestraintAct::Ask);

async fn asked(
    rooms: &Rooms,
    frame: &Asked<'_>,
    request: &RestrainRequest,
) -> Result<Answer<ApprovalAskedBody>, Problem> {
    let territory = rooms.territory.load();
    let (id, recorded) = ask_restraint(
        frame,
        request,
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

type Present = Option<(ConsentGiver, &'static str)>;

/// Why, and who is present, if its words have a form: both or nothing of who is present, and somebody for the person's own reasons.
fn restriction_of(body: &RestrictBody) -> Result<(&'static str, Present), Wrong> {
    let reason = code_at("reason", &RESTRICTION_REASONS, &body.reason)?;
    let present = match (body.by, &body.proof) {
        (None, None) => None,
        (Some(by), Some(proof)) => Some((by, code_at("proof", &PROOFS, proof)?)),
        (Some(_), None) => return Err(Wrong::at("proof", "missing")),
        (None, Some(_)) => return Err(Wrong::at("by", "missing")),
    };
    let is_own = RESTRICTION_REASONS.iter().take(OWN_REASONS_COUNT).any(|own| *own == reason);
    match present.is_some() || !is_own {
        true => Ok((reason, present)),
        false => Err(Wrong::at("by", "missing")),
    }
}

fn hold_reason_of(body: &HoldBody) -> Result<&'static str, Wrong> {
    let reason = code_at("reason", &HOLD_REASONS, &body.reason)?;
    match is_document(&body.document) {
        true => Ok(reason),
        false => Err(Wrong::malformed("document")),
    }
}
