//! The lines of an import: read one at a time, looked at just enough to know who stores them for what.
//! Never changes a value: the body travels byte for byte, with a capture id put in front, or in the place of its null, where it has none.
//! Longer lines than the limit are passed over, and blank lines and those that begin with `#` are no lines at all.

use crate::limits::{IMPORT_LINE_BYTES_MAX, SLUG_CHARACTERS_MAX};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::io::{BufRead, Read as _};
use std::ops::Range;
use zeroize::Zeroizing;

/// A line that can be sent.
pub(super) struct Entry {
    /// Its number, from 1.
    pub(super) number: u64,
    /// The whole line, without its end.
    pub(super) text: Zeroizing<Vec<u8>>,
    /// Where the body stands in it.
    body: Range<usize>,
    is_household: bool,
    capture: Capture,
}

/// What is needed to send a line, beside the line itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// For which purpose.
    pub(super) purpose: String,
    /// In which grid.
    pub(super) grid: String,
}

/// A line that is not sent at all.
pub(super) struct Rejected {
    /// Why.
    pub(super) why: Unsent,
    /// The line.
    pub(super) text: Zeroizing<Vec<u8>>,
}

/// Why a line is not sent at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsent {
    /// It is longer than a line may be; its bytes were passed over.
    TooLong,
    /// It is not a JSON object with route, purpose and body, or the body names no grid.
    Malformed,
    /// Its route is none that stores something.
    RouteUnknown,
    /// What it calls its purpose cannot be the name of one.
    PurposeUnknown,
    /// No token covers its grid.
    NoToken,
}

impl Unsent {
    /// The code in the quarantine file.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Unsent::TooLong => "line_too_long",
            Unsent::Malformed => "line_malformed",
            Unsent::RouteUnknown => "route_unknown",
            Unsent::PurposeUnknown => "purpose_unknown",
            Unsent::NoToken => "no_token",
        }
    }

    /// The reason in the quarantine file.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Unsent::TooLong => "longer than a line may be; not copied here",
            Unsent::Malformed => {
                "not a JSON object with route, purpose and a body that names its grid"
            }
            Unsent::RouteUnknown => "the route is neither /v1/records nor /v1/households",
            Unsent::PurposeUnknown => "the purpose is no name of one",
            Unsent::NoToken => "no token was given for this grid",
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    route: Cow<'a, str>,
    #[serde(borrow)]
    purpose: Cow<'a, str>,
    #[serde(borrow)]
    body: &'a RawValue,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    grid: Cow<'a, str>,
    /// Where its value stands, which may be null.
    #[serde(borrow, default, deserialize_with = "as_written")]
    capture_id: Option<&'a RawValue>,
}

fn as_written<'a, D: serde::Deserializer<'a>>(value: D) -> Result<Option<&'a RawValue>, D::Error> {
    Deserialize::deserialize(value).map(Some)
}

/// What a body says of its capture id.
enum Capture {
    /// Nothing.
    Unsaid,
    /// That it has none: a null, at this place of the line.
    Null(Range<usize>),
    /// Its own.
    Own,
}

impl Entry {
    /// How long the line is, in bytes of the input.
    pub(super) fn line_bytes(&self) -> u64 {
        u64::try_from(self.text.len()).unwrap_or(u64::MAX)
    }

    /// Takes a line apart; gives it back where it cannot be sent.
    pub(super) fn parse(
        number: u64,
        text: Zeroizing<Vec<u8>>,
    ) -> Result<(Entry, Address), Rejected> {
        match look(&text) {
            Ok((address, body, is_household, capture)) => {
                Ok((Entry { number, text, body, is_household, capture }, address))
            }
            Err(why) => Err(Rejected { why, text }),
        }
    }

    /// Bytes that it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + size_of::<Entry>()
    }

    /// Writes the item of a batch: the body, with a capture id in front or for its null, unless it brings its own.
    pub(super) fn write_item(&self, capture_id: &str, out: &mut Vec<u8>) {
        // Inside of the object, behind its brace.
        let inside = self.body.start + 1..self.body.end;
        out.extend_from_slice(if self.is_household { b"{\"household\":{" } else { b"{" });
        match &self.capture {
            Capture::Own => out.extend_from_slice(&self.text[inside]),
            Capture::Unsaid => {
                out.extend_from_slice(format!("\"capture_id\":\"{capture_id}\",").as_bytes());
                out.extend_from_slice(&self.text[inside]);
            }
            // A second one in front would be a key twice, which the vault refuses.
            Capture::Null(place) => {
                out.extend_from_slice(&self.text[inside.start..place.start]);
                out.extend_from_slice(format!("\"{capture_id}\"").as_bytes());
                out.extend_from_slice(&self.text[place.end..inside.end]);
            }
        }
        out.extend_from_slice(if self.is_household { b"}\n" } else { b"\n" });
    }
}

type Looked = (Address, Range<usize>, bool, Capture);

fn look(text: &[u8]) -> Result<Looked, Unsent> {
    let text = std::str::from_utf8(text).map_err(|_| Unsent::Malformed)?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| Unsent::Malformed)?;
    let body = envelope.body.get();
    let inner: Body<'_> = serde_json::from_str(body).map_err(|_| Unsent::Malformed)?;
    // A list of two values would be taken for the struct as well.
    if !body.starts_with('{') {
        return Err(Unsent::Malformed);
    }
    let is_household = match &*envelope.route {
        "/v1/records" => false,
        "/v1/households" => true,
        _ => return Err(Unsent::RouteUnknown),
    };
    let purpose = envelope.purpose.into_owned();
    if !crate::records::is_slug(&purpose) || purpose.chars().count() > SLUG_CHARACTERS_MAX {
        return Err(Unsent::PurposeUnknown);
    }
    // All of them point into the same text.
    let place = |part: &str| {
        let start = part.as_ptr().addr() - text.as_ptr().addr();
        start..start + part.len()
    };
    let capture = match inner.capture_id.map(RawValue::get) {
        None => Capture::Unsaid,
        Some(written) if written == "null" => Capture::Null(place(written)),
        Some(_) => Capture::Own,
    };
    let address = Address { purpose, grid: inner.grid.into_owned() };
    Ok((address, place(body), is_household, capture))
}

/// What stands next in the input.
pub(super) enum Next {
    /// A line with its number, and how many bytes of the input it took.
    Line(u64, Zeroizing<Vec<u8>>, u64),
    /// A line that is too long.
    TooLong(u64, u64),
    /// Nothing more.
    End,
}

/// The input, line by line.
pub(super) struct Input<R> {
    source: R,
    number: u64,
}

impl<R: BufRead> Input<R> {
    /// From its first line on.
    pub(super) fn new(source: R) -> Input<R> {
        Input { source, number: 0 }
    }

    /// The next line that is one.
    pub(super) fn next(&mut self) -> std::io::Result<Next> {
        let mut skipped = 0;
        loop {
            let mut text = Zeroizing::new(Vec::new());
            let limit = u64::try_from(IMPORT_LINE_BYTES_MAX + 1).unwrap_or(u64::MAX);
            let read = (&mut self.source).take(limit).read_until(b'\n', &mut text)?;
            if read == 0 {
                return Ok(Next::End);
            }
            self.number += 1;
            skipped += u64::try_from(read).unwrap_or(u64::MAX);
            let ends = text.last() == Some(&b'\n');
            if !ends && text.len() > IMPORT_LINE_BYTES_MAX {
                let rest = self.pass_over()?;
                return Ok(Next::TooLong(self.number, skipped + rest));
            }
            while matches!(text.last(), Some(b'\n' | b'\r')) {
                text.pop();
            }
            let is_blank = text.iter().all(u8::is_ascii_whitespace);
            if !is_blank && text[0] != b'#' {
                return Ok(Next::Line(self.number, text, skipped));
            }
        }
    }

    /// Goes to the end of a line without keeping it.
    fn pass_over(&mut self) -> std::io::Result<u64> {
        let mut passed = 0;
        loop {
            let ready = self.source.fill_buf()?;
            if ready.is_empty() {
                return Ok(passed);
            }
            let end = ready.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let count = end.unwrap_or(ready.len());
            self.source.consume(count);
            passed += u64::try_from(count).unwrap_or(u64::MAX);
            if end.is_some() {
                return Ok(passed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<(Entry, Address), Unsent> {
        Entry::parse(1, line.as_bytes().to_vec().into()).map_err(|rejected| rejected.why)
    }

    fn item(line: &str) -> String {
        let (entry, _) = parse(line).unwrap_or_else(|unsent| panic!("{unsent:?}"));
        let mut out = Vec::new();
        entry.write_item("c-1", &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn a_body_travels_byte_for_byte_with_a_capture_id_in_front() {
        let record = r#"{"route":"/v1/records","purpose":"p_1","body": {"grid":"88", "x" : [1.50,"\u7ea2"]} }"#;
        assert_eq!(
            item(record),
            "{\"capture_id\":\"c-1\",\"grid\":\"88\", \"x\" : [1.50,\"\\u7ea2\"]}\n"
        );
        let household = r#"{"body":{"grid":"88"},"expected":{"code":"x"},"purpose":"p","route":"/v1/households","synthetic":true}"#;
        assert_eq!(item(household), "{\"household\":{\"capture_id\":\"c-1\",\"grid\":\"88\"}}\n");
        let own =
            r#"{"route":"/v1/records","purpose":"p","body":{"capture_id":"mine","grid":"88"}}"#;
        assert_eq!(item(own), "{\"capture_id\":\"mine\",\"grid\":\"88\"}\n");
        let empty = own.replace("\"mine\"", " \"\"");
        assert_eq!(item(&empty), "{\"capture_id\": \"\",\"grid\":\"88\"}\n", "judged by the vault");
    }

    #[test]
    fn a_capture_id_that_is_null_is_as_one_that_is_left_out() {
        let of = |body: &str, route: &str| {
            item(&format!(r#"{{"route":"{route}","purpose":"p","body":{body}}}"#))
        };
        let record = of(r#"{"grid":"88","capture_id" : null ,"x":null}"#, "/v1/records");
        assert_eq!(record, "{\"grid\":\"88\",\"capture_id\" : \"c-1\" ,\"x\":null}\n");
        let household = of(r#"{"capture_id":null,"grid":"88"}"#, "/v1/households");
        assert_eq!(household, "{\"household\":{\"capture_id\":\"c-1\",\"grid\":\"88\"}}\n");
        let twice = r#"{"route":"/v1/records","purpose":"p","body":{"capture_id":null,"grid":"8","capture_id":null}}"#;
        assert_eq!(parse(twice).err(), Some(Unsent::Malformed));
    }

    #[test]
    fn a_line_that_cannot_be_sent_says_why() {
        let line = |route: &str, purpose: &str, body: &str| {
            format!(r#"{{"route":"{route}","purpose":"{purpose}","body":{body}}}"#)
        };
        let good = r#"{"grid":"88"}"#;
        for (text, why) in [
            (line("/v1/records", "p", r#"{"type":"x"}"#), Unsent::Malformed),
            (line("/v1/records", "p", r#"["88",null]"#), Unsent::Malformed),
            (line("/v1/records", "p", r#"{"grid":"8","grid":"9"}"#), Unsent::Malformed),
            (line("/v1/records", "p", r#"{"grid":88}"#), Unsent::Malformed),
            (line("/v1/records/match", "p", good), Unsent::RouteUnknown),
            (line("/v1/records", "p q", good), Unsent::PurposeUnknown),
            (line("/v1/records", "p\\r\\nx: y", good), Unsent::PurposeUnknown),
            (
                line("/v1/records", &"p".repeat(SLUG_CHARACTERS_MAX + 1), good),
                Unsent::PurposeUnknown,
            ),
            ("[]".into(), Unsent::Malformed),
            (format!("{} x", line("/v1/records", "p", good)), Unsent::Malformed),
        ] {
            assert_eq!(parse(&text).err(), Some(why), "{text}");
        }
        let bytes = b"{\"route\":\"\xff\"}".to_vec();
        assert!(matches!(
            Entry::parse(1, bytes.into()),
            Err(Rejected { why: Unsent::Malformed, .. })
        ));
        assert!(parse(&line("/v1/records", &"p".repeat(SLUG_CHARACTERS_MAX), good)).is_ok());
    }

    #[test]
    fn lines_are_read_up_to_the_limit_and_longer_ones_passed_over() {
        let (fits, longer) =
            ("x".repeat(IMPORT_LINE_BYTES_MAX), "y".repeat(IMPORT_LINE_BYTES_MAX + 1));
        let text = format!("# told\n\n{fits}\n{longer}\n \r\nlast");
        let mut input = Input::new(std::io::BufReader::with_capacity(64, text.as_bytes()));
        let mut seen = Vec::new();
        let mut bytes = 0;
        loop {
            match input.next().expect("a text in memory") {
                Next::Line(number, text, took) => {
                    seen.push((number, text.len()));
                    bytes += took;
                }
                Next::TooLong(number, took) => {
                    seen.push((number, 0));
                    bytes += took;
                }
                Next::End => break,
            }
        }
        assert_eq!(seen, [(3, IMPORT_LINE_BYTES_MAX), (4, 0), (6, 4)]);
        assert_eq!(bytes, text.len() as u64);
    }
}
