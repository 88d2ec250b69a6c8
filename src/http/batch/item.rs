//! One line of a batch and one answer to it, as they stand on the wire.
//! Never through a tree of JSON: a line is read into its request, and an answer is written as bytes.
//! Every answer that says that something is stored names its entry.

use super::super::answer::ReceiptBody;
use super::super::handlers::households::{HouseholdBody, HouseholdCreatedBody};
use super::super::handlers::records::{BasisBody, CreateBody, CreatedBody};
use super::super::problem::Problem;
use super::super::strict_json::{Members, StrictObject};
use super::super::surround::ProblemBody;
use super::super::titles::Language;
use super::super::wrong::{Wrong, why_not};
use crate::operations::{CreateRequest, Created, HouseholdCreated, HouseholdRequest, Saying};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a line asks for.
pub(super) enum Request {
    Record(CreateRequest),
    Household(Box<HouseholdRequest>),
}

/// A line: a record to be stored, or a household under its name.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the shape of a line, for the OpenAPI document")]
pub(in crate::http) enum LineBody {
    /// As the body of `POST /v1/records`.
    Record(CreateBody),
    /// As the body of `POST /v1/households`.
    Household {
        /// The household.
        household: HouseholdBody,
    },
}

/// The same with every member in its place, so that a line is read once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnyBody {
    household: Option<Members<HouseholdBody>>,
    #[serde(rename = "type")]
    kind: Option<String>,
    grid: Option<String>,
    subject: Option<String>,
    fields: Option<StrictObject>,
    basis: Option<Members<BasisBody>>,
    retain_until: Option<String>,
    capture_id: Option<String>,
    external_ref: Option<String>,
}

/// Reads a line.
pub(super) fn parse(line: &[u8]) -> Result<Request, Wrong> {
    let Members(body): Members<AnyBody> =
        serde_json::from_slice(line).map_err(|_| why_not::<AnyBody>(line))?;
    match body {
        AnyBody {
            household: Some(Members(household)),
            kind: None,
            grid: None,
            subject: None,
            fields: None,
            basis: None,
            retain_until: None,
            capture_id: None,
            external_ref: None,
        } => Ok(Request::Household(Box::new(household.into_request()?))),
        AnyBody {
            household: None,
            kind: Some(kind),
            grid: Some(grid),
            subject,
            fields: Some(fields),
            basis,
            retain_until,
            capture_id,
            external_ref,
        } => {
            let body = CreateBody {
                kind,
                grid,
                subject,
                fields,
                basis,
                retain_until,
                capture_id,
                external_ref,
            };
            Ok(Request::Record(body.into_request()?))
        }
        AnyBody { household: Some(_), .. } => Err(Wrong::at("household", "not_with_others")),
        AnyBody { kind: None, .. } => Err(Wrong::at("type", "missing")),
        AnyBody { grid: None, .. } => Err(Wrong::at("grid", "missing")),
        AnyBody { .. } => Err(Wrong::at("fields", "missing")),
    }
}

/// The answer to one line.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(in crate::http) enum BatchItemBody {
    /// A record is stored.
    Record(StoredBody<CreatedBody>),
    /// A household is stored.
    Household(StoredBody<HouseholdCreatedBody>),
    /// Nothing is stored.
    Refused(RefusedBody),
}

/// What a line stored.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct StoredBody<T> {
    /// The line, counting from 1.
    line: u32,
    /// 201; 200 for a capture that was stored before.
    status: u16,
    /// Ids and version.
    #[serde(flatten)]
    body: T,
    /// Whether the same line was stored before under the same key; absent otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replayed: bool,
    /// Where its entry is.
    receipt: ReceiptBody,
}

/// Why a line stored nothing.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RefusedBody {
    /// The line, counting from 1.
    line: u32,
    /// The status that the line would have had alone.
    status: u16,
    /// Why.
    problem: ProblemBody,
}

impl BatchItemBody {
    /// The answer to a line that stores a record.
    pub(super) fn record(line: u32, created: Created, log: &str) -> Vec<u8> {
        let (status, replayed) = told(created.saying);
        let receipt = ReceiptBody::of(created.recorded, log);
        let body = CreatedBody::from(created);
        BatchItemBody::Record(StoredBody { line, status, body, replayed, receipt }).encode()
    }

    /// The answer to a line that stores a household.
    pub(super) fn household(line: u32, created: HouseholdCreated, log: &str) -> Vec<u8> {
        let (status, replayed) = told(created.saying);
        let receipt = ReceiptBody::of(created.recorded, log);
        let body = HouseholdCreatedBody::from(created);
        BatchItemBody::Household(StoredBody { line, status, body, replayed, receipt }).encode()
    }

    /// The answer to a line that stores nothing.
    pub(super) fn refused(
        line: u32,
        problem: Problem,
        request_id: &str,
        language: Language,
    ) -> Vec<u8> {
        let status = problem.status.as_u16();
        let problem = ProblemBody::of(problem, request_id, language);
        BatchItemBody::Refused(RefusedBody { line, status, problem }).encode()
    }

    fn encode(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// Status, and whether it was said before.
fn told(saying: Saying) -> (u16, bool) {
    match saying {
        Saying::First => (201, false),
        Saying::Again => (201, true),
        Saying::Captured => (200, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Code;
    use serde_json::json;

    fn parsed(line: &str) -> Result<&'static str, Code> {
        parse(line.as_bytes()).map_err(|wrong| wrong.code).map(|request| match request {
            Request::Record(_) => "record",
            Request::Household(_) => "household",
        })
    }

    #[test]
    fn a_line_is_a_record_or_a_household_and_nothing_else() {
        let basis = json!({"purpose": "p", "legal_basis": "b", "notice": "n"});
        let record = json!({"type": "person", "grid": "g", "fields": {}, "basis": basis});
        let household = json!({"household": {"grid": "g", "basis": basis, "people": []}});
        assert_eq!(parsed(&record.to_string()), Ok("record"));
        assert_eq!(parsed(&household.to_string()), Ok("household"));
        let mut both = record.clone();
        both["household"] = household["household"].clone();
        let mut unbased = record.clone();
        unbased["basis"] = json!(null);
        assert_eq!(parsed(&unbased.to_string()), Err(Code::BasisMissing));
        for bad in [
            both.to_string(),
            String::new(),
            "{}".to_owned(),
            "[]".to_owned(),
            "null".to_owned(),
            format!("{record} {record}"),
            record.to_string().replace("\"grid\"", "\"grit\""),
            record.to_string().replacen('{', "{\"grid\":\"h\",", 1),
            record.to_string().replace("\"fields\":{}", "\"fields\":{\"a\":1,\"a\":2}"),
        ] {
            assert_eq!(parsed(&bad), Err(Code::SchemaInvalid), "{bad}");
        }
        assert_eq!(parse(b"{\"type\":\"\xff\"}").err(), Some(Wrong::at("body", "not_json")));
    }
}
