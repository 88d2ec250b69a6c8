//! Requests that two readers would cut in two ways, and heads without an end.
//! Never a second answer to what may be one request, and never a process that goes down with its client.
//! What breaks the protocol is refused by the protocol; nothing of it reaches a route.

use super::client::Reply;
use super::harness::shared;
use super::wire::send_from;
use gridvault::limits::HEADER_BYTES_MAX;
use std::net::Ipv4Addr;

fn send(last: u8, request: &str) -> Reply {
    send_from(Ipv4Addr::new(127, 6, 0, last), shared().url(), request.as_bytes())
}

#[test]
fn request_of_two_lengths_gets_one_answer_and_the_end() {
    let hidden = "GET /healthz HTTP/1.1\r\nhost: vault\r\n\r\n";
    let reply = send(
        1,
        &format!(
            "POST /v1/enrol HTTP/1.1\r\nhost: vault\r\ncontent-length: 4\r\n\
             transfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
        ),
    );
    assert_eq!(reply.status, 415);
    assert!(!reply.text.contains("alive"), "the hidden request was answered: {}", reply.text);
}

#[test]
fn head_that_breaks_the_protocol_reaches_no_route() {
    for (last, line) in [
        (2, "content-length: 4\r\ncontent-length: 5"),
        (3, "content-length: -1"),
        (4, "content-length: 1e1"),
        (5, "transfer-encoding: chunked, identity"),
        (6, "purpose : residence_registration"),
        (7, "purpose: a\0b"),
        (8, "no colon"),
    ] {
        let head = format!("POST /v1/enrol HTTP/1.1\r\nhost: vault\r\n{line}\r\n\r\nabcde");
        let reply = send(last, &head);
        assert_eq!((reply.status, reply.text.as_str()), (400, ""), "{line}");
    }
}

#[test]
fn head_beyond_its_limit_is_refused() {
    let filler = "a".repeat(HEADER_BYTES_MAX);
    let head = format!("GET /healthz HTTP/1.1\r\nhost: vault\r\nfiller: {filler}\r\n\r\n");
    assert_eq!(send(9, &head).status, 431);
    let target = format!("GET /{filler} HTTP/1.1\r\nhost: vault\r\n\r\n");
    assert!([414, 431].contains(&send(10, &target).status));
    shared().get("/healthz").expect(200);
}
