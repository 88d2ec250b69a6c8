//! The other side of the ratios: a bare axum endpoint that answers JSON of the same size and does nothing else.
//! Never a check, a look-up or a log; no time limit either; the runtime is set up as the product sets up its own.
//! The answer is written from a struct at each request, as such endpoints do.

use super::Fallible;
use super::requests::{Kind, PAGE_COUNT};
use super::vault::SERVING;
use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde::Serialize;
use std::sync::Arc;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

#[derive(Clone, Serialize)]
struct Fields {
    name: String,
    sex: String,
    birth_date: String,
    phone: String,
    current_address: String,
    residence_kind: String,
    move_in_date: String,
    household_relation: String,
}

/// No item of a page is smaller.
const ITEM_BYTES_MIN: usize = 128;

/// What a record's answer looks like; `note` fills it up to the size.
#[derive(Clone, Serialize)]
struct Answer {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Fields>,
    note: String,
}

fn answer(bytes: usize) -> Fallible<Answer> {
    let text = str::to_owned;
    let fields = Fields {
        name: text("陈安柏"),
        sex: text("1"),
        birth_date: text("1971-02-03"),
        phone: text("12000000001"),
        current_address: text("澜川市望澜区桂花桥街道工农社区试验路001号1单元0101室"),
        residence_kind: text("registered_resident"),
        move_in_date: text("2019-03-01"),
        household_relation: text("02"),
    };
    let id = text("01a20000-0000-7000-8000-000000000001");
    let mut answer =
        Answer { id, kind: text("person"), version: 1, fields: Some(fields), note: String::new() };
    if serde_json::to_vec(&answer)?.len() > bytes {
        answer.fields = None;
    }
    let length = serde_json::to_vec(&answer)?.len();
    answer.note = "x".repeat(bytes.saturating_sub(length));
    Ok(answer)
}

/// A page of as many answers as a query gives, of this size together; of fewer where the vault has so few records that
/// they would be smaller than an answer can be.
fn page(bytes: usize) -> Fallible<Vec<Answer>> {
    let count = usize::try_from(PAGE_COUNT)?.min(bytes / ITEM_BYTES_MIN).max(1);
    // Brackets, and a comma behind each but the last.
    let each = (bytes.saturating_sub(count + 1)) / count;
    let mut page = (0..count).map(|_| answer(each)).collect::<Fallible<Vec<Answer>>>()?;
    let length = serde_json::to_vec(&page)?.len();
    page[0].note.push_str(&"x".repeat(bytes.saturating_sub(length)));
    Ok(page)
}

/// Serves an endpoint for each kind of request with answers of these sizes, until it is killed.
///
/// # Errors
/// The system's.
pub async fn serve(sizes: &[(String, usize)]) -> Fallible<()> {
    let mut router = Router::new();
    for (kind, bytes) in sizes {
        let path = format!("/{kind}");
        if kind == Kind::Query.as_str() {
            let page = Arc::new(page(*bytes)?);
            router = router.route(&path, get(async move || axum::Json(&*page).into_response()));
        } else {
            let answer = Arc::new(answer(*bytes)?);
            router = router.route(&path, get(async move || axum::Json(&*answer).into_response()));
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{SERVING}{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service =
            router.clone().map_request(|request: hyper::Request<hyper::body::Incoming>| {
                request.map(axum::body::Body::new)
            });
        let connection = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        tokio::spawn(async move {
            let _ended = connection.await;
        });
    }
}
