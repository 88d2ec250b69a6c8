//! Work that goes on while its caller's rights end: a batch whose lines still come.
//! Never a line that is stored behind the end of token, state or post of whoever sends it.
//! Nobody sleeps here: the end is waited for where it shows.

use super::actor::Actor;
use super::batch::{converse, parse};
use super::bodies::adult;
use super::harness::{await_until, shared};
use super::placing::{newcomer, place, post_of, set_state, word};
use super::tokens::has_ended;
use super::wire::Conversation;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Time for a client to send a line.
const LINE_TIME: Duration = Duration::from_secs(10);

const GRID: &str = "8801020010010003";
const NEXT: &str = "8801020010010002";

/// Sends a record of a grid and gives the answer to it.
fn line(conversation: &mut Conversation, grid: &str) -> Value {
    conversation.send(format!("{}\n", adult(grid)).as_bytes());
    parse(&conversation.line().expect("an answer"))
}

/// A batch whose first line was stored.
fn begun(worker: &Actor) -> Conversation {
    let mut conversation = converse(worker, None);
    conversation.send(format!("{}\n", adult(GRID)).as_bytes());
    assert_eq!(conversation.status(), 200);
    let first = parse(&conversation.line().expect("an answer"));
    assert_eq!(first["status"], 201, "{first}");
    conversation
}

/// The next line is refused with that code, and with it the batch ends.
fn ends(mut conversation: Conversation, code: &str) {
    let item = line(&mut conversation, GRID);
    assert_eq!((&item["status"], &item["problem"]["code"]), (&json!(401), &json!(code)), "{item}");
    assert!(item["problem"]["audit_index"].is_u64(), "the refusal has its entry");
    assert_eq!(conversation.line(), None);
}

#[test]
fn a_batch_takes_no_line_more_once_its_caller_is_suspended() {
    let demo = shared();
    let worker = newcomer(demo, GRID);
    let conversation = begun(&worker);
    set_state(&demo.role("security_admin"), &worker.id, "suspended").expect(200);
    ends(conversation, "token_invalid");
}

#[test]
fn a_batch_takes_no_line_more_once_its_token_has_ended() {
    let demo = shared();
    let worker = newcomer(demo, GRID);
    let path = format!("/v1/admin/actors/{}/tokens", worker.id);
    let issued = demo.role("security_admin").post(&path, &json!({"life_seconds": 4})).expect(201);
    let short = Actor { token: issued.text_of("token").to_owned(), ..worker };
    let conversation = begun(&short);
    await_until("the token has ended", || has_ended(&short));
    ends(conversation, "token_expired");
}

#[test]
fn a_post_that_ends_carries_no_further_line_and_the_others_go_on() {
    let demo = shared();
    let (worker, security) = (newcomer(demo, GRID), demo.role("security_admin"));
    let post = json!({"role": "grid_worker", "area": NEXT});
    let placed = place(&security, &worker.id, &post).expect(201);
    let mut conversation = begun(&worker);
    assert_eq!(line(&mut conversation, NEXT)["status"], 201);
    word(&security, &worker.id, "end", &post_of(&placed)).expect(200);
    let item = line(&mut conversation, NEXT);
    assert_eq!(item["problem"]["code"], "out_of_territory", "{item}");
    assert_eq!(line(&mut conversation, GRID)["status"], 201, "its other post stands");
    conversation.finish();
    assert_eq!(conversation.line(), None);
}

#[test]
fn a_batch_that_waits_for_a_line_ends_by_itself_with_the_rights_of_its_caller() {
    let demo = shared();
    for state in ["suspended", "left"] {
        let worker = newcomer(demo, GRID);
        let mut conversation = begun(&worker);
        set_state(&demo.role("security_admin"), &worker.id, state).expect(200);
        let since = Instant::now();
        // It sends nothing, and is told all the same: within a second, on a machine that does nothing else.
        let item = parse(&conversation.line().expect("the end"));
        assert!(since.elapsed() < LINE_TIME / 2, "{:?} after {state}", since.elapsed());
        assert_eq!((&item["line"], &item["status"]), (&json!(2), &json!(401)), "{item}");
        assert_eq!(item["problem"]["code"], "token_invalid");
        assert_eq!(conversation.line(), None);
    }
}
