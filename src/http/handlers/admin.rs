//! Actors, tokens, one-time codes, and the policy explained.
//! Never a value of a resident, and never an administrator made or posing as another.
//! A code or token is in one answer and nowhere else.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::strict_json::Members;
use super::super::wrong::Wrong;
use super::brought::{SecrecyTermBody, SignedTermBody, brought, maybe_moment};
use crate::access::{ActorId, Ask, Code, Duty};
use crate::ambient::Micros;
use crate::identity::{ActorKind, IssuedToken};
use crate::limits::TOKEN_LIFE_SECONDS_MAX;
use crate::operations::{
    ActorRequest, AssignmentRequest, ExplainRequest, TokenRequest, add_actor, explain_policy,
    issue_token, list_actors, policy_matrix,
};
use crate::records::is_slug;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// An actor to be enrolled.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ActorBody {
    /// Log-in name: letters, digits, dot, dash, underscore.
    #[schema(schema_with = forms::login)]
    login: String,
    /// `person` or `system`.
    #[schema(schema_with = forms::actor_kind)]
    kind: ActorKind,
    /// Where it is placed.
    #[serde(default)]
    #[schema(value_type = Vec<AssignmentBody>, max_items = 16)]
    assignments: Vec<Members<AssignmentBody>>,
    /// The subject that this person is itself, where records of it are held: the person's own record is then watched for
    /// acts of this account. Kept as a keyed tag; nobody who lists actors sees it.
    #[schema(schema_with = forms::maybe_record_id)]
    self_subject: Option<String>,
}

/// A place for an actor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AssignmentBody {
    /// The role's id.
    #[schema(schema_with = forms::slug)]
    pub(super) role: String,
    /// The area's digits: 4, 6, 9, 12 or 16; none for a role of the platform.
    #[schema(schema_with = forms::maybe_area)]
    pub(super) area: Option<String>,
    /// The line of business.
    #[schema(schema_with = forms::maybe_slug)]
    pub(super) line: Option<String>,
    /// Whether whoever holds it leads, and so agrees to what those below ask for.
    #[serde(default)]
    pub(super) lead: bool,
    /// Whether it is held as one of a pair: it counts in the windows alone that the two agree on.
    #[serde(default)]
    pub(super) pair: bool,
    /// The secrecy term that whoever is placed signed.
    #[schema(value_type = Option<SecrecyTermBody>)]
    pub(super) secrecy_term: Option<Members<SecrecyTermBody>>,
    /// First moment at which its training counts no more, RFC 3339.
    #[schema(schema_with = forms::maybe_moment)]
    pub(super) trained_until: Option<String>,
    /// First moment, RFC 3339; now if nothing is said.
    #[schema(schema_with = forms::maybe_moment)]
    pub(super) from: Option<String>,
    /// First moment no more, RFC 3339.
    #[schema(schema_with = forms::maybe_moment)]
    pub(super) to: Option<String>,
}

/// An actor that was enrolled.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ActorAddedBody {
    /// The actor's id.
    id: String,
    /// The one-time code for `POST /v1/enrol`, good for a day.
    code: String,
}

/// The directory.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ActorsBody {
    /// The actors.
    #[schema(value_type = Vec<Object>)]
    actors: Vec<serde_json::Value>,
}

/// A token that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct TokenBody {
    /// The system that may act with it.
    #[schema(schema_with = forms::maybe_actor_id)]
    via: Option<String>,
    /// How long it lives, in seconds; 12 hours at most.
    #[schema(schema_with = forms::maybe_life)]
    life_seconds: Option<i64>,
}

/// A token.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct IssuedBody {
    /// The actor.
    actor: String,
    /// The token, for the `Authorization` header.
    token: String,
}

impl IssuedBody {
    pub(super) fn of(actor: ActorId, token: &IssuedToken) -> IssuedBody {
        IssuedBody { actor: actor.to_string(), token: token.show().to_owned() }
    }
}

/// A decision to be explained.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ExplainBody {
    /// Whose decision.
    #[schema(schema_with = forms::actor_id)]
    actor: String,
    /// For which purpose.
    #[schema(schema_with = forms::slug)]
    purpose: String,
    /// Over which type of record.
    #[serde(rename = "type")]
    #[schema(schema_with = forms::record_type)]
    kind: String,
    /// In which grid.
    #[schema(schema_with = forms::grid)]
    grid: String,
    /// `read`, `create`, `update`, `delete` or `match`.
    #[schema(schema_with = forms::action)]
    action: String,
    /// For which fields.
    #[serde(default)]
    #[schema(schema_with = forms::asked_fields)]
    fields: Vec<String>,
}

/// A decision explained.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ExplainedBody {
    /// Whether it would be allowed.
    allowed: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// The view of each field that would be shown.
    #[schema(value_type = Object)]
    views: std::collections::BTreeMap<String, &'static str>,
    /// The fields that would be withheld, and why.
    #[schema(value_type = Object)]
    withheld: std::collections::BTreeMap<String, &'static str>,
    /// The rule that decides.
    rule: Option<String>,
    /// The role that carries it.
    role: Option<String>,
    /// Its area.
    scope: Option<String>,
    /// The line of business that its assignment is bound to.
    line: Option<String>,
    /// What the assignment has of each field, with its conditions: `read:raw/task` is in clear inside an open task.
    #[schema(value_type = Object)]
    granted: std::collections::BTreeMap<String, Vec<&'static str>>,
}

/// The matrix of rights.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct MatrixBody {
    /// Every cell that grants something.
    cells: Vec<CellBody>,
}

/// A cell of the matrix.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct CellBody {
    /// The role.
    role: String,
    /// The type of record.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The class.
    class: &'static str,
    /// The purpose group.
    group: &'static str,
    /// What is granted.
    granted: Vec<&'static str>,
}

pub(in crate::http) async fn add(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<ActorAddedBody>, Problem> {
    caller.must_have(Duty::ActorAdd, &rooms).await?;
    let body: ActorBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let request = caller.understood(actor_request(body), &rooms).await?;
    let territory = rooms.territory.load();
    let added = add_actor(
        &caller.actor,
        request,
        &caller.origin,
        caller.now,
        rooms.identity.directory(),
        &rooms.access,
        &rooms.trail,
        &rooms.purposes,
        &territory,
        &rooms.store,
        &rooms.seal,
        &*rooms.random,
    )
    .await?;
    let body = ActorAddedBody { id: added.id.to_string(), code: added.code.show().to_owned() };
    Ok(Answer::new(body, added.recorded, rooms.trail.origin()).created())
}

fn actor_request(body: ActorBody) -> Result<ActorRequest, Wrong> {
    let assignments = body.assignments.into_iter();
    let assignments = assignments.map(|Members(asked)| assignment_request(asked));
    let assignments = assignments.collect::<Result<Vec<_>, Wrong>>()?;
    let self_subject = body.self_subject.as_deref().map(str::parse).transpose();
    let self_subject = self_subject.map_err(|_| Wrong::malformed("self_subject"))?;
    Ok(ActorRequest { login: body.login, kind: body.kind, assignments, self_subject })
}

/// A post that is asked for, if its words have a form.
pub(super) fn assignment_request(asked: AssignmentBody) -> Result<AssignmentRequest, Wrong> {
    let moment = |place, text: Option<String>| {
        maybe_moment(text.as_deref()).ok_or_else(|| Wrong::at(place, "wrong_time"))
    };
    Ok(AssignmentRequest {
        role: asked.role,
        area: asked.area,
        line: match asked.line {
            Some(line) if !is_slug(&line) => return Err(Wrong::malformed("line")),
            line => line,
        },
        lead: asked.lead,
        pair: asked.pair,
        readiness: brought(asked.secrecy_term, asked.trained_until.as_deref())?,
        from: moment("from", asked.from)?,
        until: moment("to", asked.to)?,
    })
}

pub(in crate::http) async fn list(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
) -> Result<Answer<ActorsBody>, Problem> {
    let directory = rooms.identity.directory();
    let (records, recorded) = list_actors(
        &caller.actor,
        &caller.origin,
        caller.now,
        directory,
        &rooms.access,
        &rooms.trail,
    )
    .await?;
    let actors = records
        .into_iter()
        .map(|record| {
            let assignments: Vec<serde_json::Value> = record
                .assignments
                .iter()
                .map(|one| {
                    serde_json::json!({
                        "id": ActorId::from_bytes(one.id), "role": one.role, "area": one.area,
                        "line": one.line, "lead": one.lead,
                        "pair": one.windows.is_some(),
                        "confirmed": one.unconfirmed_by.is_none(),
                        "secrecy_term": one.readiness.secrecy_term.as_ref().map(SignedTermBody::of),
                        "trained_until":
                            one.readiness.trained_until.map(|until| Micros(until).rfc3339()),
                        "from": Micros(one.from).rfc3339(),
                        "to": one.until.map(|until| Micros(until).rfc3339()),
                    })
                })
                .collect();
            serde_json::json!({
                "id": record.id, "login": record.login, "kind": record.kind,
                "state": record.state, "assignments": assignments,
            })
        })
        .collect();
    Ok(Answer::new(ActorsBody { actors }, recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn token(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(actor): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<IssuedBody>, Problem> {
    caller.must_have(Duty::TokenIssue, &rooms).await?;
    let body: TokenBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let actor = caller.named(&actor, &rooms).await?;
    let via = body.via.as_deref().map(str::parse).transpose();
    let via = caller.understood(via.map_err(|_| Wrong::malformed("via")), &rooms).await?;
    let life_seconds = body.life_seconds.unwrap_or(TOKEN_LIFE_SECONDS_MAX);
    let issued = issue_token(
        &caller.actor,
        TokenRequest { actor, via, life_seconds },
        &caller.origin,
        caller.now,
        &rooms.identity,
        &rooms.access,
        &rooms.trail,
    )
    .await?;
    let body = IssuedBody::of(actor, &issued.token);
    Ok(Answer::new(body, issued.recorded, rooms.trail.origin()).created())
}

/// What is to be explained.
fn explain_request(body: ExplainBody, rooms: &Rooms) -> Result<ExplainRequest<'_>, Wrong> {
    let ask = match body.action.as_str() {
        "read" => Ask::Read,
        "create" => Ask::Create,
        "update" => Ask::Update,
        "delete" => Ask::Delete,
        "match" => Ask::Match,
        _ => return Err(Wrong::unknown_code("action")),
    };
    let purpose = rooms.purposes.get(&body.purpose).filter(|purpose| purpose.active);
    if !body.fields.iter().all(|field| is_slug(field)) {
        return Err(Wrong::malformed("fields"));
    }
    Ok(ExplainRequest {
        actor: body.actor.parse().map_err(|_| Wrong::malformed("actor"))?,
        purpose: purpose.ok_or_else(|| Wrong::at("purpose", "unknown"))?,
        record_type: body.kind.parse().map_err(|_| Wrong::unknown_code("type"))?,
        grid: body.grid,
        ask,
        fields: body.fields,
    })
}

pub(in crate::http) async fn explain(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<ExplainedBody>, Problem> {
    caller.must_have(Duty::PolicyExplain, &rooms).await?;
    let body: ExplainBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let request = caller.understood(explain_request(body, &rooms), &rooms).await?;
    let territory = rooms.territory.load();
    let explained = explain_policy(
        &caller.actor,
        request,
        &caller.origin,
        caller.now,
        &rooms.identity,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
    )
    .await?;
    let explanation = explained.explanation;
    let given = explanation.views.given.into_iter();
    let withheld = explanation.views.withheld.into_iter();
    let body = ExplainedBody {
        allowed: explanation.refused.is_none(),
        code: explanation.refused.map(Code::as_str),
        views: given.map(|field| (field.field, field.view.as_str())).collect(),
        withheld: withheld.map(|(field, why)| (field, why.as_str())).collect(),
        rule: explanation.account.rule,
        role: explanation.account.role.map(|role| role.as_str().to_owned()),
        scope: explanation.account.scope,
        line: explanation.line,
        granted: explanation.granted.into_iter().collect(),
    };
    Ok(Answer::new(body, explained.recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn matrix(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
) -> Result<Answer<MatrixBody>, Problem> {
    let (cells, recorded) =
        policy_matrix(&caller.actor, &caller.origin, caller.now, &rooms.access, &rooms.trail)
            .await?;
    let cells = cells
        .into_iter()
        .map(|cell| CellBody {
            role: cell.role,
            kind: cell.record_type.as_str(),
            class: cell.class.as_str(),
            group: cell.group.as_str(),
            granted: cell.granted,
        })
        .collect();
    Ok(Answer::new(MatrixBody { cells }, recorded, rooms.trail.origin()))
}
