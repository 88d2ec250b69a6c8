//! The headers and query strings that carry meaning: purpose, expected version, field list.
//! Never a personal value in any of them; what has not the shape of its kind is refused, not echoed.
//! Each comes once or not at all.

use super::caller::Caller;
use super::problem::Problem;
use super::rooms::Rooms;
use super::wrong::Wrong;
use crate::access::Code;
use crate::limits::{QUERY_BYTES_MAX, READ_FIELDS_COUNT_MAX};
use crate::operations::Case;
use crate::purposes::Purpose;
use crate::records::is_slug;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use std::convert::Infallible;

/// The headers of a request, taken and not copied. It comes behind every other extractor that reads them.
pub(super) struct Headers(pub(super) HeaderMap);

impl<S: Sync> FromRequestParts<S> for Headers {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Headers, Infallible> {
        Ok(Headers(std::mem::take(&mut parts.headers)))
    }
}

/// The purpose that a data request names.
pub(super) async fn purpose<'a>(
    caller: &Caller,
    headers: &HeaderMap,
    rooms: &'a Rooms,
) -> Result<&'a Purpose, Problem> {
    match find_purpose(headers, rooms) {
        Ok(purpose) => {
            let _first = caller.noting.purpose.set(purpose.id.as_str().to_owned());
            Ok(purpose)
        }
        Err(code) => Err(caller.turn_away(rooms, code).await),
    }
}

fn find_purpose<'a>(headers: &HeaderMap, rooms: &'a Rooms) -> Result<&'a Purpose, Code> {
    let mut values = headers.get_all("purpose").iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(Code::PurposeMissing),
        (Some(value), None) => value.to_str().map_err(|_| Code::PurposeUnknown)?,
        (Some(_), Some(_)) => return Err(Code::PurposeUnknown),
    };
    rooms.purposes.get(value).filter(|purpose| purpose.active).ok_or(Code::PurposeUnknown)
}

/// What a request names as its case, where it names one: a task, approval or emergency by its id, or `echo`.
pub(super) async fn case(
    caller: &Caller,
    headers: &HeaderMap,
    rooms: &Rooms,
) -> Result<Option<Case>, Problem> {
    let mut values = headers.get_all("case").iter();
    let found = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().ok().and_then(case_of),
        (Some(_), Some(_)) => None,
    };
    match found {
        Some(id) => Ok(Some(id)),
        None => Err(caller.turn_away_for(rooms, Wrong::at("Case", "malformed")).await),
    }
}

/// The same for a write or a list, under a mandate or under none: what one wrote oneself opens a look and nothing else.
pub(super) async fn case_of_work(
    caller: &Caller,
    headers: &HeaderMap,
    rooms: &Rooms,
) -> Result<Option<Case>, Problem> {
    match case(caller, headers, rooms).await? {
        Some(Case::Echo) => {
            Err(caller.turn_away_for(rooms, Wrong::at("Case", "not_for_this_call")).await)
        }
        other => Ok(other),
    }
}

/// What a write under a case has in common with its repeat, beside everything else.
pub(super) fn case_bytes(case: Option<&Case>) -> &[u8] {
    match case {
        Some(Case::Mandate(id)) => id.as_bytes(),
        Some(Case::Echo) | None => &[],
    }
}

fn case_of(text: &str) -> Option<Case> {
    match text {
        "echo" => Some(Case::Echo),
        id => id.parse().ok().map(Case::Mandate),
    }
}

/// The version that a write expects (RFC 9110 section 13.1.1): one strong tag.
pub(super) async fn expected_version(
    caller: &Caller,
    headers: &HeaderMap,
    rooms: &Rooms,
) -> Result<u64, Problem> {
    let mut values = headers.get_all(header::IF_MATCH).iter();
    let tag = match (values.next(), values.next()) {
        (None, _) => {
            let problem = caller.turn_away(rooms, Code::VersionConflict).await;
            return Err(problem.with_status(StatusCode::PRECONDITION_REQUIRED));
        }
        (Some(value), None) => value.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => "",
    };
    // A weak tag never matches in a write.
    if tag.starts_with("W/") {
        return Err(caller.turn_away(rooms, Code::VersionConflict).await);
    }
    let digits = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    match digits.parse() {
        Ok(version) if plain => Ok(version),
        _ => Err(caller.turn_away_for(rooms, Wrong::at("If-Match", "malformed")).await),
    }
}

/// The members of a query string, each at most once, of the names that the call knows.
pub(super) async fn query<const N: usize>(
    caller: &Caller,
    raw: Option<&str>,
    names: [&'static str; N],
    rooms: &Rooms,
) -> Result<[Option<String>; N], Problem> {
    caller.understood(parse_query(raw.unwrap_or_default(), names), rooms).await
}

/// What a member of a query string says, if it is there.
pub(super) fn said<T>(
    member: Option<String>,
    place: &'static str,
    of: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Wrong> {
    member.map(|text| of(&text).ok_or_else(|| Wrong::malformed(place))).transpose()
}

/// How long a page may be, by the member `limit`: the usual where it is not there, and no longer than the longest.
pub(super) fn page_limit(limit: Option<&str>, usual: usize, most: usize) -> Result<usize, Wrong> {
    let limit = limit.map_or(Ok(usual), str::parse).ok();
    let limit = limit.filter(|limit| (1..=most).contains(limit));
    limit.ok_or_else(|| Wrong::out_of_range("limit"))
}

const ESCAPES: &[(&str, &str)] =
    &[("%2C", ","), ("%2c", ","), ("%3A", ":"), ("%3a", ":"), ("%2F", "/"), ("%2f", "/")];

fn parse_query<const N: usize>(
    raw: &str,
    names: [&'static str; N],
) -> Result<[Option<String>; N], Wrong> {
    if raw.len() > QUERY_BYTES_MAX {
        return Err(Wrong::at("?", "too_long"));
    }
    let mut values = [const { None }; N];
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let place = names.iter().position(|known| *known == name);
        let place = place.ok_or_else(|| Wrong::at("?", "unknown_member"))?;
        let name = names[place];
        if !pair.contains('=') {
            return Err(Wrong::at(name, "missing"));
        }
        // Field names, numbers, hashes, times and rules need no escapes, so none are taken but those of comma, colon and
        // slash, which many clients write by themselves.
        let value = match value.contains('%') {
            true => ESCAPES
                .iter()
                .fold(value.to_owned(), |value, (escape, sign)| value.replace(escape, sign)),
            false => value.to_owned(),
        };
        let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-,.:/".contains(&b));
        if !plain {
            return Err(Wrong::at(name, "wrong_character"));
        }
        if values[place].replace(value).is_some() {
            return Err(Wrong::at(name, "repeated"));
        }
    }
    Ok(values)
}

/// The field names of a read: at least one, none twice, each with the shape of a name.
pub(super) fn field_names(list: Option<&str>) -> Result<Vec<String>, Wrong> {
    let list = list.ok_or_else(|| Wrong::at("fields", "missing"))?;
    checked_field_names(list.split(',').map(str::to_owned).collect())
}

/// The same for a list of names.
pub(super) fn checked_field_names(names: Vec<String>) -> Result<Vec<String>, Wrong> {
    let wrong = |reason| Err(Wrong::at("fields", reason));
    if names.is_empty() {
        return wrong("missing");
    }
    if names.len() > READ_FIELDS_COUNT_MAX {
        return wrong("too_many");
    }
    if !names.iter().all(|name| is_slug(name)) {
        return wrong("malformed");
    }
    if names.iter().enumerate().any(|(at, name)| names[..at].contains(name)) {
        return wrong("repeated");
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_takes_known_members_once() {
        assert_eq!(parse_query("fields=a,b", ["fields"]), Ok([Some("a,b".to_owned())]));
        assert_eq!(parse_query("", ["fields"]), Ok([None]));
        for escaped in ["fields=a%2Cb", "fields=a%2cb"] {
            assert_eq!(parse_query(escaped, ["fields"]), Ok([Some("a,b".to_owned())]));
        }
        for (escaped, plain) in [("since=1%3A2%3a3", "1:2:3"), ("since=a%2Fb%2fc", "a/b/c")] {
            assert_eq!(parse_query(escaped, ["since"]), Ok([Some(plain.to_owned())]));
        }
        for (bad, place, reason) in [
            ("fields", "fields", "missing"),
            ("fields=a&fields=b", "fields", "repeated"),
            ("other=1", "?", "unknown_member"),
            ("fields=%41", "fields", "wrong_character"),
            ("fields=a b", "fields", "wrong_character"),
        ] {
            assert_eq!(parse_query(bad, ["fields"]), Err(Wrong::at(place, reason)), "{bad}");
        }
    }

    #[test]
    fn field_names_are_taken_at_the_limit_and_refused_beyond_it() {
        let list = |count: usize| {
            (0..count).map(|number| format!("f{number}")).collect::<Vec<_>>().join(",")
        };
        assert!(field_names(Some(&list(READ_FIELDS_COUNT_MAX))).is_ok());
        assert!(field_names(Some(&list(READ_FIELDS_COUNT_MAX + 1))).is_err());
        for (bad, reason) in [
            (None, "missing"),
            (Some(""), "malformed"),
            (Some("a,,b"), "malformed"),
            (Some("a,a"), "repeated"),
            (Some("张三"), "malformed"),
        ] {
            assert_eq!(field_names(bad), Err(Wrong::at("fields", reason)), "{bad:?}");
        }
    }
}
