//! An answer that carries data: it can only be made from a proof that its entry is durable.
//! Never without a receipt in body and header.
//! Nothing is cached on the way.

use super::problem::Problem;
use super::written::{Object, Written};
use crate::access::Code;
use crate::operations::Saying;
use crate::trail::Recorded;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;

/// Bytes of most answers about one record.
const ANSWER_BYTES_USUAL: usize = 1_024;
/// Headers of an answer, those of the connection among them.
const HEADERS_COUNT: usize = 12;

/// Where the receipt stands in the head of an answer: log and index of the entry.
const AUDIT_RECEIPT: HeaderName = HeaderName::from_static("audit-receipt");

/// An answer with its receipt.
pub struct Answer<T> {
    body: T,
    recorded: Recorded,
    status: StatusCode,
    version: Option<u64>,
    replayed: bool,
    log: String,
}

/// Where the entry of an answer is.
#[derive(Serialize, ToSchema)]
pub(super) struct ReceiptBody {
    /// Origin of the log.
    log: String,
    /// Index of the entry.
    index: u64,
    /// Leaf hash of the entry, base64url (RFC 6962 section 2.1).
    leaf: String,
}

impl ReceiptBody {
    /// Only from what the trail recorded.
    pub(super) fn of(recorded: Recorded, log: &str) -> ReceiptBody {
        ReceiptBody {
            log: log.to_owned(),
            index: recorded.index(),
            leaf: BASE64_URL_SAFE_NO_PAD.encode(recorded.leaf()),
        }
    }
}

impl<T: Written> Answer<T> {
    /// Only from what the trail recorded.
    pub(super) fn new(body: T, recorded: Recorded, log: &str) -> Answer<T> {
        let log = log.to_owned();
        Answer { body, recorded, status: StatusCode::OK, version: None, replayed: false, log }
    }

    /// As the answer to a creation: 201, 201 again for the same request, 200 for a capture that was stored before.
    pub(super) fn created_as(self, saying: Saying) -> Answer<T> {
        match saying {
            Saying::First | Saying::Again => self.created().replayed(saying),
            Saying::Captured => self,
        }
    }

    /// Says so where it was said before.
    pub(super) fn replayed(self, saying: Saying) -> Answer<T> {
        Answer { replayed: saying == Saying::Again, ..self }
    }

    /// As 201.
    pub(super) fn created(self) -> Answer<T> {
        Answer { status: StatusCode::CREATED, ..self }
    }

    /// With the record's version as entity tag.
    pub(super) fn versioned(self, version: u64) -> Answer<T> {
        Answer { version: Some(version), ..self }
    }
}

/// The receipt in the head alone, for answers that are not JSON.
pub(super) fn put_receipt(headers: &mut HeaderMap, log: &str, recorded: Recorded) {
    if let Ok(receipt) = HeaderValue::try_from(format!("{log}#{}", recorded.index())) {
        headers.insert(AUDIT_RECEIPT, receipt);
    }
}

impl<T: Written> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let receipt = ReceiptBody::of(self.recorded, &self.log);
        let Some(bytes) = with_receipt(&self.body, &receipt) else {
            return Problem::unrecorded(Code::Internal).into_response();
        };
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        // Those that are set here and those that the surrounding layer adds find room at once.
        headers.reserve(HEADERS_COUNT);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        put_receipt(headers, &self.log, self.recorded);
        if self.replayed {
            headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        if let Some(tag) =
            self.version.and_then(|version| HeaderValue::try_from(format!("\"{version}\"")).ok())
        {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}

/// The answer's object, the receipt its last member.
fn with_receipt(body: &impl Written, receipt: &ReceiptBody) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(ANSWER_BYTES_USUAL);
    body.write(&mut bytes).ok()?;
    let mut object = Object::reopened(&mut bytes)?;
    object.value("receipt", receipt).ok()?;
    object.end();
    Some(bytes)
}
