//! Clients that do not write, do not end or do not read: each is cut off in its time, and others do not notice.
//! Never a wait without a bound here either: whoever is not cut off fails the test when the socket's own time is over.
//! The pace of whole answers and bodies is tried to its limit beside the code, where time can be moved.

use super::bodies::{REGISTRATION, unknown_id};
use super::harness::shared;
use super::wire::{connect, send_from};
use gridvault::limits::{
    BODY_PACE_TIME, BODY_TIME_MAX, HEADER_TIME_MAX, HEADERS_COUNT_MAX, STRANGER_BODY_BYTES_MAX,
    STRANGER_SOURCE_REQUESTS_COUNT_MAX,
};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

/// Time that a loaded machine may take on top.
const SLACK: Duration = Duration::from_secs(10);

fn connected(last: u8) -> TcpStream {
    connect(Ipv4Addr::new(127, 10, 0, last), shared().url())
}

/// What comes until the server closes, and how long after the start it does. The start is taken before anything is sent: the
/// server's time begins when it comes.
fn until_closed(start: Instant, mut stream: TcpStream) -> (String, Duration) {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the server closes in its time");
    (String::from_utf8(bytes).expect("UTF-8"), start.elapsed())
}

#[test]
fn head_that_does_not_end_is_cut_off() {
    let start = Instant::now();
    let mut stream = connected(1);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost:").expect("taken");
    let (answer, after) = until_closed(start, stream);
    assert!(!answer.contains("alive"), "{answer}");
    assert!(after < HEADER_TIME_MAX + SLACK, "{after:?}");
}

#[test]
fn connection_without_a_request_is_closed_at_first_and_between_two() {
    let start = Instant::now();
    let (answer, after) = until_closed(start, connected(2));
    assert_eq!(answer, "");
    assert!(after < HEADER_TIME_MAX + SLACK, "{after:?}");
    let start = Instant::now();
    let mut stream = connected(3);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: vault\r\n\r\n").expect("taken");
    let (answer, after) = until_closed(start, stream);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(after < HEADER_TIME_MAX + SLACK, "{after:?}");
}

#[test]
fn body_that_trickles_is_refused_before_its_time_is_over() {
    let worker = shared().worker(5);
    let start = Instant::now();
    let mut stream = connected(4);
    let head = format!(
        "POST /v1/records HTTP/1.1\r\nhost: vault\r\nauthorization: Bearer {}\r\npurpose: {REGISTRATION}\r\n\
         content-type: application/json\r\ncontent-length: 100000\r\n\r\n{{",
        worker.token
    );
    stream.write_all(head.as_bytes()).expect("taken");
    let (answer, after) = until_closed(start, stream);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("schema_invalid"), "{answer}");
    assert!(after >= BODY_PACE_TIME, "{after:?}");
    assert!(after < BODY_TIME_MAX + SLACK, "{after:?}");
}

/// A log-in of nobody, with a body of that length; the body itself is the caller's to send.
fn log_in_head(length: usize) -> String {
    format!(
        "POST /v1/log-in HTTP/1.1\r\nhost: vault\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    )
}

fn log_in(last: u8, body: &str) -> u16 {
    let request = format!("{}{body}", log_in_head(body.len()));
    send_from(Ipv4Addr::new(127, 10, 0, last), shared().url(), request.as_bytes()).status
}

#[test]
fn strangers_whose_bodies_do_not_come_keep_out_neither_other_sources_nor_whoever_has_a_token() {
    let nobody = r#"{"proof":"a.b.c"}"#;
    let mut slow: Vec<TcpStream> = Vec::new();
    // Those of a round are cut off in the pace of a body, so a loaded machine may need another one.
    let full = (0..10).any(|_| {
        slow.extend((0..STRANGER_SOURCE_REQUESTS_COUNT_MAX).map(|_| {
            let mut stream = connected(7);
            stream.write_all(log_in_head(nobody.len()).as_bytes()).expect("taken");
            stream
        }));
        (0..10).any(|_| log_in(7, nobody) == 503)
    });
    assert!(full, "one source has places without end");
    assert_eq!(log_in(8, nobody), 401);
    let head = format!(
        "GET /v1/records/{}?fields=name HTTP/1.1\r\nhost: vault\r\nconnection: close\r\npurpose: {REGISTRATION}\r\n\
         authorization: Bearer {}\r\n\r\n",
        unknown_id(),
        shared().worker(5).token
    );
    let known = send_from(Ipv4Addr::new(127, 10, 0, 7), shared().url(), head.as_bytes());
    known.refused(404, "not_found");
    drop(slow);
}

#[test]
fn a_strangers_body_is_taken_to_its_small_limit_and_refused_beyond_it() {
    let of = |bytes: usize| format!("{:bytes$}", r#"{"proof":"a.b.c"}"#);
    assert_eq!(log_in(9, &of(STRANGER_BODY_BYTES_MAX)), 401);
    assert_eq!(log_in(9, &of(STRANGER_BODY_BYTES_MAX + 1)), 413);
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
        until_closed(Instant::now(), stream).0
    };
    assert!(with(5, HEADERS_COUNT_MAX).starts_with("HTTP/1.1 200"));
    assert!(with(6, HEADERS_COUNT_MAX + 1).starts_with("HTTP/1.1 431"));
}
