//! Forms, code lists and purposes, for whoever builds a screen.
//! Never a value of a resident.
//! Open to every known caller, and recorded.

use super::super::answer::Answer;
use super::super::caller::Caller;
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use crate::access::Code;
use crate::operations::describe;
use crate::records::RecordType;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// The form of a record type.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct SchemaBody {
    /// The schema.
    #[schema(value_type = Object)]
    schema: Value,
}

/// All code lists.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct CodeListsBody {
    /// The lists.
    #[schema(value_type = Vec<Object>)]
    code_lists: Vec<Value>,
}

/// All active purposes.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct PurposesBody {
    /// The purposes.
    #[schema(value_type = Vec<Object>)]
    purposes: Vec<Value>,
}

pub(in crate::http) async fn schema(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(kind): Named,
) -> Result<Answer<SchemaBody>, Problem> {
    let found = kind.parse::<RecordType>().ok().and_then(|kind| rooms.schemas.get(kind));
    let Some(schema) = found else {
        return Err(caller.turn_away(&rooms, Code::NotFound).await);
    };
    answer(&rooms, &caller, SchemaBody { schema: schema.to_public_json() }).await
}

pub(in crate::http) async fn code_lists(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
) -> Result<Answer<CodeListsBody>, Problem> {
    let code_lists = rooms.schemas.code_lists().map(|list| list.to_public_json()).collect();
    answer(&rooms, &caller, CodeListsBody { code_lists }).await
}

pub(in crate::http) async fn purposes(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
) -> Result<Answer<PurposesBody>, Problem> {
    let active = rooms.purposes.iter().filter(|purpose| purpose.active);
    let purposes = active.map(|purpose| purpose.to_public_json()).collect();
    answer(&rooms, &caller, PurposesBody { purposes }).await
}

async fn answer<T: Serialize>(
    rooms: &Rooms,
    caller: &Caller,
    body: T,
) -> Result<Answer<T>, Problem> {
    let described = describe(&caller.actor, &caller.origin, &rooms.access, &rooms.trail).await?;
    Ok(Answer::new(body, described.recorded, rooms.trail.origin()))
}
