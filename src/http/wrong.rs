//! What is wrong with a request as such: its code, and the place and the reason in the vault's own words.
//! Never a word of the client: a name that no body of the interface has becomes `?`, and a value is never looked at.
//! A place is a member of a body, a member of a query string or, with a capital letter, a header.

use super::openapi;
use super::strict_json::{self, Members};
use crate::access::Code;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// A place for what has no name of its own.
const NAMELESS: &str = "?";
/// A place for what is wrong with a body as a whole.
const BODY: &str = "body";

/// Why a request is turned away before anything is decided about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The code.
    pub(super) code: Code,
    /// Place and reason, where there are any.
    pub(super) at: Option<(String, &'static str)>,
}

impl Wrong {
    /// Something at a place, both in the vault's own words.
    pub(super) fn at(place: &'static str, reason: &'static str) -> Wrong {
        Wrong { code: Code::SchemaInvalid, at: Some((place.to_owned(), reason)) }
    }

    /// Something at a place that has not the form of what goes there.
    pub(super) fn malformed(place: &'static str) -> Wrong {
        Wrong::at(place, "malformed")
    }

    /// A word at a place that is none of those that go there.
    pub(super) fn unknown_code(place: &'static str) -> Wrong {
        Wrong::at(place, "unknown_code")
    }

    /// A number or a moment at a place that is beyond what goes there.
    pub(super) fn out_of_range(place: &'static str) -> Wrong {
        Wrong::at(place, "out_of_range")
    }

    /// A text at a place that is no moment.
    pub(super) fn wrong_time(place: &'static str) -> Wrong {
        Wrong::at(place, "wrong_time")
    }
}

impl From<Code> for Wrong {
    fn from(code: Code) -> Wrong {
        Wrong { code, at: None }
    }
}

/// Why a body makes no `T`. For one that was refused already: it is read once more, with an eye on where it goes wrong.
pub(super) fn why_not<T: DeserializeOwned>(body: &[u8]) -> Wrong {
    let value = match strict_json::parse_or_reason(body) {
        Ok(value) => value,
        Err(reason) => return Wrong::at(BODY, reason),
    };
    let mut track = serde_path_to_error::Track::new();
    let deserializer = serde_path_to_error::Deserializer::new(value, &mut track);
    match <Members<T> as serde::Deserialize>::deserialize(deserializer) {
        Ok(_) => Code::SchemaInvalid.into(),
        Err(error) => at_path(&track.path(), &error.to_string()),
    }
}

/// The place that a path and the error behind it lead to. Of the error's text only what the vault wrote is taken.
fn at_path(path: &serde_path_to_error::Path, error: &str) -> Wrong {
    let mut names: Vec<&str> = Vec::new();
    for segment in path.iter() {
        let Segment::Map { key } = segment else { continue };
        names.push(own_name(key));
        if names.last() == Some(&NAMELESS) {
            break;
        }
    }
    let missing = error.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let reason = if let Some(name) = missing {
        names.push(own_name(name));
        "missing"
    } else if error.starts_with("unknown field") {
        "unknown_member"
    } else if error.starts_with("unknown variant") {
        "unknown_code"
    } else if error.starts_with("invalid type") {
        "wrong_type"
    } else {
        "malformed"
    };
    let place = if names.is_empty() { BODY.to_owned() } else { names.join(".") };
    Wrong { code: Code::SchemaInvalid, at: Some((place, reason)) }
}

/// A name if the interface has it, whatever body it is of.
fn own_name(name: &str) -> &str {
    static NAMES: OnceLock<BTreeSet<String>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let document: Value = serde_json::from_str(&openapi::document()).unwrap_or_default();
        let mut names = BTreeSet::new();
        gather(&document, &mut names);
        names
    });
    if names.contains(name) { name } else { NAMELESS }
}

/// The names of all members of all bodies, as the document of the interface has them.
fn gather(part: &Value, names: &mut BTreeSet<String>) {
    match part {
        Value::Object(members) => {
            for (name, inner) in members {
                if let ("properties", Value::Object(properties)) = (name.as_str(), inner) {
                    names.extend(properties.keys().cloned());
                }
                gather(inner, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::handlers::households::HouseholdBody;
    use super::super::handlers::records::CreateBody;
    use super::*;

    fn told<T: DeserializeOwned>(body: &str) -> String {
        let request = strict_json::parse(body.as_bytes()).and_then(strict_json::request::<T>);
        assert!(request.is_err(), "{body}");
        let wrong = why_not::<T>(body.as_bytes());
        assert_eq!(wrong.code, Code::SchemaInvalid);
        let (place, reason) = wrong.at.expect("a place");
        format!("{place}: {reason}")
    }

    const BASIS: &str = r#""basis":{"purpose":"p","legal_basis":"l","notice":"n"}"#;

    #[test]
    fn what_is_wrong_with_a_body_is_told_by_its_place_and_never_in_the_words_of_the_client() {
        let record = |inner: &str| format!("{{\"fields\":{{}},{inner}}}");
        for (body, expected) in [
            (record(&format!(r#""type":"person",{BASIS}"#)), "grid: missing"),
            (record(&format!(r#""type":"person","grid":88,{BASIS}"#)), "grid: wrong_type"),
            (
                record(&format!(r#""type":"person","grid":"8","周明远":1,{BASIS}"#)),
                "?: unknown_member",
            ),
            (
                record(&format!(r#""type":"person","grid":"8","limit":1,{BASIS}"#)),
                "limit: unknown_member",
            ),
            (
                record(r#""type":"person","grid":"8","basis":{"purpose":"p","legal_basis":"l"}"#),
                "basis.notice: missing",
            ),
            (record(r#""type":"person","grid":"8","basis":[]"#), "basis: wrong_type"),
            (
                record(
                    r#""type":"p","grid":"8","basis":{"purpose":"p","legal_basis":"l","notice":"n","consent":{"by":"tante","method":"oral","given_on":"2026-01-01"}}"#,
                ),
                "basis.consent.by: unknown_code",
            ),
            (
                record(
                    r#""type":"p","grid":"8","basis":{"purpose":"p","legal_basis":"l","notice":"n","consent":{"by":"self","method":"oral","given_on":"gestern"}}"#,
                ),
                "basis.consent.given_on: malformed",
            ),
            (record(r#""type":"person","grid":"8","#), "body: not_json"),
            (record(r#""type":"a","type":"b""#), "body: repeated_member"),
            ("[]".to_owned(), "body: wrong_type"),
            (String::new(), "body: not_json"),
        ] {
            assert_eq!(told::<CreateBody>(&body), expected, "{body}");
        }
        let deep = format!("{{\"fields\":{}{}}}", "[".repeat(40), "]".repeat(40));
        assert_eq!(told::<CreateBody>(&deep), "body: too_deep");
        let person = |inner: &str| format!(r#"{{"grid":"8",{BASIS},"people":[{{{inner}}}]}}"#);
        assert_eq!(told::<HouseholdBody>(&person(r#""fields":{}"#)), "people.ref: missing");
        assert_eq!(
            told::<HouseholdBody>(&person(r#""ref":"a","fields":7"#)),
            "people.fields: malformed"
        );
    }
}
