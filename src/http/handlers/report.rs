//! The report of a period, for officers: as JSON, or as a page that stands alone.
//! Never a script in the page, and never a page whose digest is not in the log already.
//! Which of the two follows from `Accept`, its language from `Accept-Language`.

use super::super::answer::{Answer, put_receipt};
use super::super::caller::Caller;
use super::super::headers::{query, said};
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::titles::Language;
use super::super::vocabulary::{role_names, vocabulary};
use super::super::wrong::Wrong;
use super::reviews::officer;
use crate::access::Duty;
use crate::oversight::{Period, Reported, moment, report, report_page};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A report.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ReportBody {
    /// Counts of entries, refusals, anomalies, reviews and what is to be put right, and the state of the log.
    #[schema(value_type = Object)]
    report: crate::oversight::Report,
    /// SHA-256 over `report` as it is written here, base64url: the member `x.manifest` of its entry.
    digest: String,
}

/// A page has no use for anything but its own text and style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

pub(in crate::http) async fn make(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    caller.must_have(Duty::AuditReport, &rooms).await?;
    let [since, until] = query(&caller, raw.as_deref(), ["since", "until"], &rooms).await?;
    let (since, until) = caller.understood(period(since, until), &rooms).await?;
    let reported = report(
        officer(&caller),
        Period { since, until },
        &rooms.access,
        &rooms.trail,
        &rooms.log,
        &rooms.index,
        &rooms.anomalies,
        &rooms.reviews,
        &rooms.purposes,
    )
    .await?;
    let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if header(header::ACCEPT).is_some_and(asks_for_page) {
        let language = Language::accepted(header(header::ACCEPT_LANGUAGE).unwrap_or_default());
        return Ok(as_page(&reported, language, &rooms));
    }
    let Reported { report, digest, recorded } = reported;
    let body = ReportBody { report, digest: BASE64_URL_SAFE_NO_PAD.encode(digest) };
    Ok(Answer::new(body, recorded, rooms.trail.origin()).into_response())
}

/// Whether a page is named before JSON.
fn asks_for_page(accept: &str) -> bool {
    let mut types = accept.split(',').map(|one| one.split(';').next().unwrap_or_default().trim());
    types.find(|one| matches!(*one, "text/html" | "application/json")) == Some("text/html")
}

fn as_page(reported: &Reported, language: Language, rooms: &Rooms) -> Response {
    let role = role_names(rooms);
    let page = report_page(reported, language == Language::Chinese, &vocabulary(rooms, &role));
    let mut response = page.into_response();
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, html);
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    put_receipt(headers, rooms.trail.origin(), reported.recorded);
    response
}

/// The period from its two ends.
fn period(since: Option<String>, until: Option<String>) -> Result<(u64, u64), Wrong> {
    let end = |text, place| {
        let end = said(text, place, moment)?;
        end.ok_or_else(|| Wrong::at(place, "missing"))
    };
    let (since, until) = (end(since, "since")?, end(until, "until")?);
    match since < until {
        true => Ok((since, until)),
        false => Err(Wrong::out_of_range("until")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_for_those_who_name_it_first() {
        for page in
            ["text/html", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "a/b, text/html"]
        {
            assert!(asks_for_page(page), "{page}");
        }
        for json in ["application/json", "*/*", "application/json, text/html", ""] {
            assert!(!asks_for_page(json), "{json}");
        }
    }
}
