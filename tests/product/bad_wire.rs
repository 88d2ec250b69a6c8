//! Requests that two readers would cut in two ways: the second of them would belong to somebody else.
//! Never a hidden request that is answered or done: each hides a removal by someone who may remove.
//! What breaks the protocol gets 400 without a word or an end without one, and reaches no route.

use super::bad_input::{Untouched, vault};
use super::bodies::REGISTRATION;
use super::wire::raw_from;
use std::net::Ipv4Addr;

/// A removal that would succeed, if it were read as a request.
fn hidden(kept: &Untouched) -> String {
    let body = r#"{"reason":"hidden"}"#;
    format!(
        "DELETE /v1/records/{} HTTP/1.1\r\nhost: vault\r\nauthorization: Bearer {}\r\npurpose: {REGISTRATION}\r\n\
         if-match: \"1\"\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        kept.record,
        kept.actor.token,
        body.len()
    )
}

/// What comes back for a request with these header lines and this body, with the hidden one at its end.
fn answers(number: u8, lines: &str, body: &str, kept: &Untouched) -> Vec<u16> {
    let request = format!(
        "POST /v1/enrol HTTP/1.1\r\nhost: vault\r\ncontent-type: application/json\r\n{lines}\r\n\r\n{body}{}",
        hidden(kept)
    );
    statuses(&raw_from(Ipv4Addr::new(127, 9, 0, number), vault().url(), request.as_bytes()))
}

/// The status of each answer; the next one follows a body at once.
fn statuses(text: &str) -> Vec<u16> {
    let lines = text.match_indices("HTTP/1.1 ").map(|(at, line)| &text[at + line.len()..]);
    lines.filter_map(|rest| rest.get(..3)?.parse().ok()).collect()
}

#[test]
fn length_that_two_readers_could_read_differently_hides_no_request() {
    let kept = Untouched::by("grid_head");
    let zero = "0\r\n\r\n";
    let mut wrong = Vec::new();
    for (number, (lines, body)) in (1..).zip([
        ("content-length: 5\r\ntransfer-encoding: chunked", zero),
        ("transfer-encoding: chunked\r\ncontent-length: 5", zero),
        ("content-length: 0\r\ncontent-length: 5", ""),
        ("content-length: 0\r\ncontent-length: 900", ""),
        ("content-length: 0, 900", ""),
        ("content-length: +0", ""),
        ("content-length: 0x0", ""),
        ("content-length: 18446744073709551616", ""),
        ("content-length:\u{b}0", ""),
        ("content-length : 0", ""),
        (" content-length: 0", ""),
        ("x: y\r\n content-length: 900", ""),
        ("x: y\r\n\tcontent-length: 900", ""),
        ("transfer-encoding: xchunked", zero),
        ("transfer-encoding: chunked, identity", zero),
        ("transfer-encoding: identity, chunked, identity", zero),
        ("transfer-encoding: gzip", zero),
        ("transfer-encoding: \u{b}chunked", zero),
        ("transfer-encoding: \"chunked\"", zero),
        ("transfer-encoding: chunked\r\ntransfer-encoding: identity", zero),
        ("transfer-encoding : chunked", zero),
        ("transfer\u{0}-encoding: chunked", zero),
        ("x: \rtransfer-encoding: chunked", zero),
        ("x: y\rcontent-length: 900", ""),
        ("transfer-encoding: chunked", "0x0\r\n\r\n"),
        ("transfer-encoding: chunked", "-1\r\n\r\n"),
        ("transfer-encoding: chunked", "+0\r\n\r\n"),
        ("transfer-encoding: chunked", "FFFFFFFFFFFFFFFFF\r\n\r\n"),
        ("transfer-encoding: chunked", "10000000000000000\r\n"),
        ("transfer-encoding: chunked", "1\r\nab\r\n0\r\n\r\n"),
        ("transfer-encoding: chunked", "0;a=\rb\r\n\r\n"),
        ("transfer-encoding: chunked", "g\r\n\r\n"),
        ("transfer-encoding: chunked", "\r\n\r\n"),
    ]) {
        let found = answers(number, lines, body, &kept);
        if found.len() > 1 || found.iter().any(|status| ![400, 413, 415, 501].contains(status)) {
            wrong.push((lines, body, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    kept.stays_untouched();
}

#[test]
fn line_of_a_request_that_is_none_reaches_no_route() {
    let kept = Untouched::by("grid_head");
    let end = "host: vault\r\ncontent-length: 0\r\n\r\n";
    for (number, line) in (1..).zip([
        "GET /healthz\r\n\r\n".to_owned(),
        format!("GET /healthz HTTP/0.9\r\n{end}"),
        format!("GET /healthz HTTP/2.0\r\n{end}"),
        format!("GET /healthz HTTP/1.10\r\n{end}"),
        format!("GET /healthz http/1.1\r\n{end}"),
        format!("GET  /healthz HTTP/1.1\r\n{end}"),
        format!("GET /healthz  HTTP/1.1\r\n{end}"),
        format!("GET\t/healthz HTTP/1.1\r\n{end}"),
        format!(" GET /healthz HTTP/1.1\r\n{end}"),
        format!("GET /health\0z HTTP/1.1\r\n{end}"),
        format!("G\u{1}T /healthz HTTP/1.1\r\n{end}"),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}".to_owned(),
    ]) {
        let bytes = format!("{line}{}", hidden(&kept));
        let text = raw_from(Ipv4Addr::new(127, 9, 1, number), vault().url(), bytes.as_bytes());
        let found = statuses(&text);
        assert!(!text.contains("alive"), "{line:?} was answered {text}");
        assert!(
            found.iter().all(|status| *status == 400) && found.len() <= 1,
            "{line:?}: {found:?}"
        );
    }
    kept.stays_untouched();
}

#[test]
fn value_that_came_in_is_in_no_header_that_goes_out() {
    let kept = Untouched::by("grid_head");
    for (number, value) in (1..).zip([
        "x%0d%0aset-cookie:%20a=b",
        "x\u{85}set-cookie: a=b",
        "%E5%98%8A%E5%98%8Dset-cookie:a=b",
    ]) {
        let request = format!(
            "GET /v1/records/{value}?fields={value} HTTP/1.1\r\nhost: vault\r\nuser-agent: {value}\r\n\
             accept-language: {value}\r\nauthorization: Bearer {}\r\npurpose: {value}\r\nconnection: close\r\n\r\n",
            kept.actor.token
        );
        let text = raw_from(Ipv4Addr::new(127, 9, 2, number), vault().url(), request.as_bytes());
        assert!(!text.contains("a=b"), "{text}");
    }
    kept.stays_untouched();
}
