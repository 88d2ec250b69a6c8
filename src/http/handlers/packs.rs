//! Evidence packs, for officers.
//! Never a pack whose digest is not in the log already.
//! An archive that any tool opens; its receipt stands in the head of the answer.

use super::super::answer::put_receipt;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use crate::access::Duty;
use crate::oversight::{QUESTION_WORDS, Question, make_pack};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What a pack is made of: conditions that all hold, as in a search.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct PackBody {
    /// Who acted.
    #[schema(schema_with = forms::maybe_actor_id)]
    actor: Option<String>,
    /// Which actor an act was about.
    #[schema(schema_with = forms::maybe_actor_id)]
    about: Option<String>,
    /// Which record: its id or its handle.
    #[schema(schema_with = forms::maybe_id_or_handle)]
    record: Option<String>,
    /// Which subject: its id or its handle.
    #[schema(schema_with = forms::maybe_id_or_handle)]
    subject: Option<String>,
    /// In which grid or area.
    #[schema(schema_with = forms::maybe_area)]
    grid: Option<String>,
    /// For which purpose.
    #[schema(schema_with = forms::maybe_slug)]
    purpose: Option<String>,
    /// How it ended.
    #[schema(schema_with = forms::maybe_outcome)]
    outcome: Option<String>,
    /// Family of events, or family and action.
    #[schema(schema_with = forms::maybe_event)]
    event: Option<String>,
    /// In which task.
    #[schema(schema_with = forms::maybe_actor_id)]
    task: Option<String>,
    /// In which case.
    #[schema(schema_with = forms::maybe_actor_id)]
    case: Option<String>,
    /// Not before this moment.
    #[schema(schema_with = forms::maybe_moment)]
    since: Option<String>,
    /// Before this moment.
    #[schema(schema_with = forms::maybe_moment)]
    until: Option<String>,
    /// On this day of the country's time; not beside the two.
    #[schema(schema_with = forms::maybe_day)]
    day: Option<String>,
}

impl PackBody {
    /// A pack without any condition would be the log itself, which is verified as a whole and not packed.
    fn question(self) -> Result<Question, Wrong> {
        let mut members = [const { None }; QUESTION_WORDS.len()];
        let given = [
            ("actor", self.actor),
            ("about", self.about),
            ("record", self.record),
            ("subject", self.subject),
            ("grid", self.grid),
            ("purpose", self.purpose),
            ("outcome", self.outcome),
            ("event", self.event),
            ("task", self.task),
            ("case", self.case),
            ("since", self.since),
            ("until", self.until),
            ("day", self.day),
        ];
        for (word, value) in given {
            let place = QUESTION_WORDS.iter().position(|known| *known == word);
            members[place.ok_or_else(|| Wrong::malformed(word))?] = value;
        }
        let question = Question::parse(members).map_err(Wrong::malformed)?;
        match question.is_plain() {
            true => Err(Wrong::at("body", "asks_for_nothing")),
            false => Ok(question),
        }
    }
}

pub(in crate::http) async fn make(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    caller.must_have(Duty::AuditExport, &rooms).await?;
    let body: PackBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let question = caller.understood(body.question(), &rooms).await?;
    let pack = make_pack(
        &caller.actor,
        question,
        &caller.origin,
        caller.now,
        &rooms.access,
        &rooms.trail,
        &rooms.log,
        &rooms.trail.log_key(),
        &rooms.index,
        &rooms.store,
        &rooms.seal,
    )
    .await?;
    let mut response = pack.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    put_receipt(headers, rooms.trail.origin(), pack.recorded);
    Ok(response)
}
