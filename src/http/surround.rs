//! What surrounds every request: an id, a place among those worked on, and the form of a refusal.
//! Never lets a panic or an unknown path answer in another form than everything else.
//! The outermost layer; it knows nothing of what is asked.

use super::admission::Admission;
use super::caller::{Caller, origin_of, refuse};
use super::damage::Noting;
use super::kept::Kept;
use super::problem::Problem;
use super::reply::{is_retryable, law_of};
use super::rooms::Rooms;
use super::routes::{Guard, ROUTES};
use super::titles::{Language, title_of};
use crate::access::{Code, Origin};
use crate::limits::{DEVICE_CHARACTERS_MAX, RATE_LIMITED_PAUSE};
use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tower::ServiceExt as _;
use utoipa::ToSchema;
use uuid::Uuid;

/// On every answer: the request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// On every answer of a vault whose people are invented.
const SYNTHETIC: HeaderName = HeaderName::from_static("synthetic");

/// The calls whose body is read before it is known who sends it: those of the table that are guarded by a code, all of them `POST`.
const STRANGERS: [&str; 2] = ["/v1/enrol", "/v1/log-in"];

/// Problem details (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(super) struct ProblemBody {
    /// A URN made of the code.
    #[serde(rename = "type")]
    kind: String,
    /// What happened and what to do next, in the caller's language.
    title: &'static str,
    /// The status.
    status: u16,
    /// The stable code.
    code: &'static str,
    /// The request's id.
    request_id: String,
    /// Index of the entry that records the refusal; absent where it was only counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_index: Option<u64>,
    /// Whether the same request may succeed later.
    retryable: bool,
    /// What it is about: fields, members of the body or the query string, and headers, which begin with a capital letter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pointers: Vec<PointerBody>,
    /// The article that refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    law: Option<&'static str>,
}

impl ProblemBody {
    /// What a refused caller reads.
    pub(super) fn of(problem: Problem, request_id: &str, language: Language) -> ProblemBody {
        let Problem { code, status, pointers, audit_index, .. } = problem;
        ProblemBody {
            kind: format!("urn:gridvault:problem:{}", code.as_str()),
            title: title_of(code, status, !pointers.is_empty(), language),
            status: status.as_u16(),
            code: code.as_str(),
            request_id: request_id.to_owned(),
            audit_index,
            retryable: is_retryable(code),
            pointers: pointers
                .into_iter()
                .map(|(field, reason)| PointerBody { field, reason })
                .collect(),
            law: law_of(code),
        }
    }
}

/// What is wrong, in the vault's own words.
#[derive(Serialize, ToSchema)]
pub(super) struct PointerBody {
    /// The field, member or header, with what it stands in in front; `?` for a name that the interface does not have.
    field: String,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// The address of a connection's other end, written once for all its requests.
#[derive(Clone)]
pub(super) struct Peer {
    text: Arc<str>,
    ip: IpAddr,
}

impl Peer {
    pub(super) fn new(address: SocketAddr) -> Peer {
        let ip = address.ip();
        Peer { text: ip.to_string().into(), ip }
    }

    pub(super) fn ip(&self) -> IpAddr {
        self.ip
    }
}

/// The way in, the same for every request: the router over the table, and what surrounds it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) router: Router,
    pub(super) rooms: Arc<Rooms>,
    pub(super) admission: Arc<Admission>,
}

/// Gives the request an id and a place, and its refusal a form.
pub(super) async fn surround(door: Door, mut request: Request) -> Response {
    let Door { router, rooms, admission } = door;
    let language = language_of(request.headers());
    let Ok(id) = rooms.random.bytes16() else {
        return finish(Problem::unrecorded(Code::Internal).into_response(), [0; 16], language);
    };
    let origin = origin(&request, id);
    let noting = Arc::new(Noting::default());
    request.extensions_mut().insert(origin.clone());
    request.extensions_mut().insert(noting.clone());
    request.extensions_mut().insert(admission.clone());
    // Whether the process lives is asked most when it is loaded, and costs nothing.
    let about_health = matches!(request.uri().path(), "/healthz" | "/readyz");
    // What brings its body before it is known who sends it could be kept back for long, so it takes no place of the others.
    let place = match request.method() == Method::POST && STRANGERS.contains(&request.uri().path())
    {
        true => admission.stranger(source_of_peer(&request)),
        false => admission.place(),
    };
    let admitted = about_health || (place.is_some() && !rooms.trail.is_late());
    let response = if admitted {
        // A defect in one request is one request's answer, and a client that goes away does not stop an operation
        // between its entry and its end. The place goes with it: what nobody waits for any more is still worked on.
        let recording = rooms.clone();
        let work = Kept::new(async move {
            let _place = place;
            match router.oneshot(request).await {
                Ok(response) => noting.answered(response, &origin, &recording).await,
                Err(never) => match never {},
            }
        });
        work.await.unwrap_or_else(|_| Problem::unrecorded(Code::Internal).into_response())
    } else {
        Problem::unrecorded(Code::Overloaded).into_response()
    };
    let problem = response.extensions().get::<Problem>();
    if problem.is_some_and(|problem| problem.code == Code::RateLimited) {
        // The place is free again; only the one who takes too many waits.
        tokio::time::sleep(RATE_LIMITED_PAUSE).await;
    }
    finished(response, rooms.synthetic, id, language)
}

/// An answer with the headers that every one has.
pub(super) fn finished(
    mut response: Response,
    synthetic: bool,
    id: [u8; 16],
    language: Language,
) -> Response {
    let headers = response.headers_mut();
    // Only what the whole world may have says otherwise.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if synthetic {
        headers.insert(SYNTHETIC, HeaderValue::from_static("true"));
    }
    finish(response, id, language)
}

/// Where a request comes from; calls from inside the process come from nowhere.
fn source_of_peer(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<Peer>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), Peer::ip)
}

fn origin(request: &Request, id: [u8; 16]) -> Origin {
    let address = request.extensions().get::<Peer>().map(|peer| peer.text.clone());
    let device = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let device = device.map(|text| {
        let end = text.char_indices().nth(DEVICE_CHARACTERS_MAX).map_or(text.len(), |(at, _)| at);
        Arc::from(&text[..end])
    });
    Origin { request: id, address, device, reason: None, in_batch: false }
}

pub(super) fn language_of(headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Language::accepted(accepted.unwrap_or_default())
}

/// Writes the body of a refusal, and the request's id on every answer.
fn finish(mut response: Response, id: [u8; 16], language: Language) -> Response {
    let request_id = Uuid::from_bytes(id).to_string();
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let (status, retry_seconds) = (problem.status, problem.retry_seconds);
        let body = ProblemBody::of(problem, &request_id, language);
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        // The router measured the body that was to be written here.
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 15.5.2: a 401 names the scheme that would be taken.
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        *response.body_mut() = Body::from(bytes);
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// A path that is not in the table: a stranger gets 401, a known caller 404, both recorded.
pub(super) async fn unknown_path(State(rooms): State<Arc<Rooms>>, caller: Caller) -> Problem {
    caller.turn_away(&rooms, Code::NotFound).await
}

/// A method that the path does not have, in the same way; but what is open to everyone tells everyone its methods.
pub(super) async fn unknown_method(
    State(rooms): State<Arc<Rooms>>,
    request: Request,
) -> Result<Problem, Problem> {
    let (mut parts, _) = request.into_parts();
    let path = parts.uri.path();
    // Of two that fit, the one with fewer names in its path is meant.
    let fitting = ROUTES.iter().filter(|route| route.fits(path));
    let route = fitting.min_by_key(|route| route.path.matches('{').count());
    let open = route.is_some_and(|route| route.guard != Guard::Token);
    if open && !parts.headers.contains_key(header::AUTHORIZATION) {
        let origin = origin_of(&parts);
        return Ok(turn_stranger_away(&rooms, &origin, Code::MethodNotAllowed).await);
    }
    let caller = Caller::from_request_parts(&mut parts, &rooms).await?;
    Ok(caller.turn_away(&rooms, Code::MethodNotAllowed).await)
}

/// The refusal of a request that needs no identity and makes no sense.
pub(super) async fn turn_stranger_away(rooms: &Rooms, origin: &Origin, code: Code) -> Problem {
    refuse(rooms, rooms.access.refuse(None, code, origin), code).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn device_of(agent: &str) -> Option<Arc<str>> {
        let request = Request::builder().header(header::USER_AGENT, agent).body(Body::empty());
        origin(&request.expect("a request"), [0; 16]).device
    }

    #[test]
    fn calls_of_strangers_are_those_of_the_table_that_a_code_guards() {
        let guarded = ROUTES.iter().filter(|route| route.guard == Guard::Code);
        let guarded: Vec<_> = guarded.map(|route| (&route.method, route.path)).collect();
        assert_eq!(guarded, STRANGERS.map(|path| (&Method::POST, path)));
    }

    #[test]
    fn description_of_a_client_is_kept_to_its_length_and_cut_beyond_it() {
        let longest = "a".repeat(DEVICE_CHARACTERS_MAX);
        assert_eq!(device_of(&longest).as_deref(), Some(longest.as_str()));
        assert_eq!(device_of(&format!("{longest}b")).as_deref(), Some(longest.as_str()));
        assert_eq!(device_of("网格通").as_deref(), None);
    }
}
