//! Clients that do not write, do not end or do not read: each is cut off in its time, and others do not notice.
//! Never a wait without a bound here either: whoever is not cut off fails the test when the socket's own time is over.
//! The pace of whole answers and bodies is tried to its limit beside the code, where time can be moved.

use super::bodies::REGISTRATION;
use super::harness::shared;
use super::wire::connect;
use gridvault::limits::{BODY_PACE_TIME, BODY_TIME_MAX, HEADER_TIME_MAX, HEADERS_COUNT_MAX};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

/// Time that a loaded machine may take on top.
const SLACK: Duration = Duration::from_secs(10);

fn connected(last: u8) -> TcpStream {
    connect(Ipv4Addr::new(127, 10, 0, last), shared().url())
}

/// What comes until the server closes, and after how long it does.
fn until_closed(mut stream: TcpStream) -> (String, Duration) {
    let start = Instant::now();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the server closes in its time");
    (String::from_utf8(bytes).expect("UTF-8"), start.elapsed())
}

#[test]
fn head_that_does_not_end_is_cut_off() {
    let mut stream = connected(1);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost:").expect("taken");
    let (answer, after) = until_closed(stream);
    assert!(!answer.contains("alive"), "{answer}");
    assert!(after < HEADER_TIME_MAX + SLACK, "{after:?}");
}

#[test]
fn connection_without_a_request_is_closed_at_first_and_between_two() {
    let (answer, after) = until_closed(connected(2));
    assert_eq!(answer, "");
    assert!(after < HEADER_TIME_MAX + SLACK, "{after:?}");
    let mut stream = connected(3);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: vault\r\n\r\n").expect("taken");
    let (answer, after) = until_closed(stream);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(after < HEADER_TIME_MAX + SLACK, "{after:?}");
}

#[test]
fn body_that_trickles_is_refused_before_its_time_is_over() {
    let worker = shared().worker(5);
    let mut stream = connected(4);
    let head = format!(
        "POST /v1/records HTTP/1.1\r\nhost: vault\r\nauthorization: Bearer {}\r\npurpose: {REGISTRATION}\r\n\
         content-type: application/json\r\ncontent-length: 100000\r\n\r\n{{",
        worker.token
    );
    stream.write_all(head.as_bytes()).expect("taken");
    let (answer, after) = until_closed(stream);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("schema_invalid"), "{answer}");
    assert!(after >= BODY_PACE_TIME, "{after:?}");
    assert!(after < BODY_TIME_MAX + SLACK, "{after:?}");
}

#[test]
fn headers_are_taken_to_their_number_and_refused_beyond_it() {
    let with = |last: u8, count: usize| {
        let mut stream = connected(last);
        // Two of them are host and connection.
        let lines: String = (2..count).map(|number| format!("x-{number}: y\r\n")).collect();
        let head =
            format!("GET /healthz HTTP/1.1\r\nhost: vault\r\nconnection: close\r\n{lines}\r\n");
        stream.write_all(head.as_bytes()).expect("taken");
        until_closed(stream).0
    };
    assert!(with(5, HEADERS_COUNT_MAX).starts_with("HTTP/1.1 200"));
    assert!(with(6, HEADERS_COUNT_MAX + 1).starts_with("HTTP/1.1 431"));
}
