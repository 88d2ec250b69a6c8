//! A roster: posts as they should be, line by line, or what it would change.
//! Never all or nothing: one line that is wrong fails alone.
//! Each line that changes something is an entry of its own, and so is the roster.

use super::super::answer::Answer;
use super::super::body::{self, Media, so_many};
use super::super::caller::Caller;
use super::super::forms;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::strict_json::{self, Members};
use super::admin::{AssignmentBody, assignment_request};
use super::brought::SecrecyTermBody;
use super::placing::placing;
use crate::access::{ActorId, Code, PlacingAct};
use crate::limits::ROSTER_LINES_COUNT_MAX;
use crate::operations::{LineOutcome, Named, RosterLine, RosterRooms, import_roster};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A roster.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RosterBody {
    /// Whether to say what it would change, and change nothing.
    #[serde(default)]
    dry_run: bool,
    /// The posts as they should be.
    #[schema(value_type = Vec<RosterLineBody>, min_items = 1, max_items = 500)]
    lines: Vec<serde_json::Value>,
}

/// A line of a roster: whom, and the post as it should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RosterLineBody {
    /// Whom, by id; else by log-in name.
    #[schema(schema_with = forms::maybe_actor_id)]
    actor: Option<String>,
    /// Whom, by log-in name; else by id.
    #[schema(schema_with = forms::maybe_login)]
    login: Option<String>,
    /// Whether the post should be over; it ends now.
    #[serde(default)]
    ends: bool,
    /// The role's id.
    #[schema(schema_with = forms::slug)]
    role: String,
    /// The area's digits.
    #[schema(schema_with = forms::maybe_area)]
    area: Option<String>,
    /// The line of business.
    #[schema(schema_with = forms::maybe_slug)]
    line: Option<String>,
    /// Whether whoever holds it leads.
    #[serde(default)]
    lead: bool,
    /// Whether it is held as one of a pair.
    #[serde(default)]
    pair: bool,
    /// The secrecy term that was signed; what is known stays where nothing is said.
    #[schema(value_type = Option<SecrecyTermBody>)]
    secrecy_term: Option<Members<SecrecyTermBody>>,
    /// First moment at which the training counts no more, RFC 3339; what is known stays where nothing is said.
    #[schema(schema_with = forms::maybe_moment)]
    trained_until: Option<String>,
    /// First moment of a post that is not there yet, RFC 3339; now if nothing is said.
    #[schema(schema_with = forms::maybe_moment)]
    from: Option<String>,
    /// First moment no more, RFC 3339; a later one than is known is a further post, to be confirmed like any.
    #[schema(schema_with = forms::maybe_moment)]
    to: Option<String>,
}

/// What became of a roster.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ImportedBody {
    /// Whether nothing was changed, because it was only looked what would be.
    dry_run: bool,
    /// What became of each line, in order.
    lines: Vec<ImportedLineBody>,
}

/// What became of a line.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ImportedLineBody {
    /// Its number, from 1.
    line: usize,
    /// `new`, `changed`, `ended`, `unchanged` or `refused`.
    outcome: &'static str,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// Whom it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    /// The post; of a look beforehand, only one that is there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    assignment: Option<String>,
    /// Whether the post counts; else its community has to confirm it, or a second administrator one of oversight.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed: Option<bool>,
    /// Index of its entry, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_index: Option<u64>,
}

impl ImportedLineBody {
    fn of(place: usize, line: LineOutcome, dry_run: bool) -> ImportedLineBody {
        let new = line.outcome == Ok(crate::operations::Difference::New);
        let assignment = line.assignment.filter(|_| !(dry_run && new));
        ImportedLineBody {
            line: place + 1,
            outcome: line.outcome.map_or("refused", |difference| difference.as_str()),
            code: line.outcome.err().map(Code::as_str),
            actor: line.actor.map(|actor| actor.to_string()),
            assignment: assignment.map(|id| ActorId::from_bytes(id).to_string()),
            confirmed: line.outcome.is_ok().then_some(line.confirmed),
            audit_index: line.recorded.map(|entry| entry.index()),
        }
    }
}

pub(in crate::http) async fn import(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<ImportedBody>, Problem> {
    caller.must_place(PlacingAct::Import, &rooms).await?;
    let body: RosterBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let counted = so_many("lines", body.lines.len(), 1..=ROSTER_LINES_COUNT_MAX);
    caller.understood(counted, &rooms).await?;
    let dry_run = body.dry_run;
    let lines = body.lines.into_iter().map(|line| line_of(line).ok_or(Code::SchemaInvalid));
    let territory = rooms.territory.load();
    let beside =
        RosterRooms { purposes: &rooms.purposes, territory: &territory, random: &*rooms.random };
    let placing = placing(&caller, &rooms);
    let imported = import_roster(&placing, lines, dry_run, &beside).await?;
    let lines = imported.lines.into_iter().enumerate();
    let lines = lines.map(|(place, line)| ImportedLineBody::of(place, line, dry_run)).collect();
    let body = ImportedBody { dry_run, lines };
    Ok(Answer::new(body, imported.recorded, rooms.trail.origin()))
}

fn line_of(line: serde_json::Value) -> Option<RosterLine> {
    let line: RosterLineBody = strict_json::request(line).ok()?;
    let who = match (line.actor, line.login) {
        (Some(actor), None) => Named::Actor(actor.parse().ok()?),
        (None, Some(login)) => Named::Login(login),
        _ => return None,
    };
    let post = assignment_request(AssignmentBody {
        role: line.role,
        area: line.area,
        line: line.line,
        lead: line.lead,
        pair: line.pair,
        secrecy_term: line.secrecy_term,
        trained_until: line.trained_until,
        from: line.from,
        to: line.to,
    })
    .ok()?;
    Some(RosterLine { who, post, ends: line.ends })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_names_one_person_in_one_way_and_a_post() {
        let good = json!({"login": "worker", "role": "grid_worker", "area": "8801020010010001"});
        assert!(line_of(good.clone()).is_some());
        let with = |name: &str, value: serde_json::Value| {
            let mut line = good.clone();
            line[name] = value;
            line_of(line)
        };
        assert!(with("actor", json!("AAAAAAAAAAAAAAAAAAAAAA")).is_none(), "named twice");
        assert!(with("login", json!(null)).is_none(), "nobody");
        assert!(with("to", json!("tomorrow")).is_none());
        assert!(with("trained_until", json!("soon")).is_none());
        assert!(with("secrecy_term", json!({"document": "B-1"})).is_none());
        assert!(with("secrecy_term", json!(["2026-01-01T00:00:00Z", "B-1"])).is_none());
        assert!(with("wage", json!(7)).is_none(), "what a roster has no room for");
        let signed = json!({"signed_at": "2026-01-01T00:00:00Z", "document": "B-1"});
        assert!(with("secrecy_term", signed).is_some());
        assert!(line_of(json!(["worker"])).is_none());
    }
}
