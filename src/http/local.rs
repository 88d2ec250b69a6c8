//! Calls from inside the process, through the same door as any other.
//! Never a way around a check: token, purpose and entry are as over the wire.
//! For the demo's first data, and for tests that need no socket.

use super::rooms::Rooms;
use super::routes::door;
use super::surround::{Door, surround};
use axum::body::Body;
use axum::http::{Method, Request, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use std::sync::Arc;

/// The door, called without a socket. Cheap to clone.
#[derive(Clone)]
pub struct Local(Door);

/// One call.
#[derive(Clone, Copy, Default)]
pub struct Call<'a> {
    /// The caller's token.
    pub token: Option<&'a str>,
    /// The purpose.
    pub purpose: Option<&'a str>,
    /// What it acts under: a task, an approval.
    pub case: Option<&'a str>,
    /// The version that a write expects.
    pub version: Option<u64>,
    /// The body.
    pub body: Option<&'a Value>,
}

impl Local {
    /// A door to these rooms.
    pub fn new(rooms: Arc<Rooms>) -> Local {
        Local(door(rooms))
    }

    /// Makes a call; gives status and body, `null` for a body that is not JSON.
    pub async fn call(&self, method: Method, path: &str, call: Call<'_>) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = call.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(purpose) = call.purpose {
            request = request.header("purpose", purpose);
        }
        if let Some(case) = call.case {
            request = request.header("case", case);
        }
        if let Some(version) = call.version {
            request = request.header(header::IF_MATCH, format!("\"{version}\""));
        }
        let body = match call.body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let Ok(request) = request.body(body) else { return (400, Value::Null) };
        let response = surround(self.0.clone(), request).await;
        let status = response.status().as_u16();
        let bytes = match response.into_body().collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(_) => return (status, Value::Null),
        };
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}
