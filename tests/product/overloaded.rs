//! A vault whose disk has fallen behind: whoever comes then is told so, and when to come again.
//! Never a slow disk: it is held before a sync until the test lets it go on, and the clock is moved.
//! What was taken before is still done, each with its entry.

use super::client::{Call, Reply};
use super::harness::await_until;
use super::town::{COMMUNITY, OnItsWay, Town, in_area};
use super::wire::send_from;
use gridvault::limits::{PENDING_SHORT_COUNT, RETRY_SECONDS};
use gridvault::trail::{FileMedia, Media, Room, Segment};
use serde_json::{Value, json};
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Calls of each caller that are on their way: as many as one may have while the vault is busy.
const CALLS_COUNT: usize = 4;
/// Where every known caller is answered, with an entry.
const FORMS: &str = "/v1/purposes";

/// Files whose syncs wait while they are held.
#[derive(Clone, Default)]
struct Disk(Arc<(Mutex<bool>, Condvar)>);

/// A disk that is held. Dropped, it goes on: a test that fails must end.
struct Held<'a>(&'a Disk);

impl Disk {
    fn hold(&self) -> Held<'_> {
        self.set(true);
        Held(self)
    }

    fn set(&self, held: bool) {
        let (state, changed) = &*self.0;
        *state.lock().unwrap_or_else(PoisonError::into_inner) = held;
        changed.notify_all();
    }

    fn pass(&self) {
        let (state, changed) = &*self.0;
        let mut held = state.lock().unwrap_or_else(PoisonError::into_inner);
        while *held {
            held = changed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

struct HeldSegment(Disk, Box<dyn Segment>);

impl Media for Disk {
    fn allocate(&self, path: &Path, length: u64) -> io::Result<Box<dyn Segment>> {
        Ok(Box::new(HeldSegment(self.clone(), FileMedia.allocate(path, length)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Segment>> {
        Ok(Box::new(HeldSegment(self.clone(), FileMedia.open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        FileMedia.rename(from, to)
    }

    fn room(&self, directory: &Path) -> io::Result<Room> {
        FileMedia.room(directory)
    }

    fn hold(&self, path: &Path, bytes: u64) -> io::Result<()> {
        FileMedia.hold(path, bytes)
    }
}

impl Segment for HeldSegment {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.1.write_at(offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.pass();
        self.1.sync()
    }

    fn is_still(&self, path: &Path) -> io::Result<bool> {
        self.1.is_still(path)
    }
}

/// Told to come again, and when, and by nothing that was looked at.
#[track_caller]
fn turned_away(reply: &Reply) {
    assert_eq!((reply.status, reply.code()), (503, "overloaded"), "{}", reply.text);
    assert_eq!(reply.header("retry-after"), RETRY_SECONDS.to_string());
    assert_eq!(reply.body["retryable"], json!(true));
    assert_eq!(reply.body["audit_index"], Value::Null, "nobody could record it");
}

#[test]
fn vault_that_is_behind_says_when_to_come_again_before_it_looks_at_token_or_body() {
    let disk = Disk::default();
    let town = Town::over("2026-03-02T09:00:00Z", Arc::new(disk.clone()));
    let url = town.serve();
    let get = |path: &str| Call::new("GET", format!("{url}{path}"));
    let callers = PENDING_SHORT_COUNT / CALLS_COUNT + 2;
    let post = [in_area("community_cadre", COMMUNITY)];
    let tokens: Vec<String> =
        (0..callers).map(|_| town.token(town.somebody(&post), None)).collect();
    get(FORMS).token(&tokens[0]).send().expect(200);
    let held = disk.hold();
    let calls: Vec<_> = tokens
        .iter()
        .flat_map(|token| [token; CALLS_COUNT])
        .map(|token| town.on_its_way(token, FORMS))
        .collect();
    // An open call has no entry, so it waits for no disk: it is turned away at the door or not at all.
    let mut minute = 0;
    await_until("the vault is behind", || {
        minute = (minute + 1).min(50);
        town.now_it_is(&format!("2026-03-02T09:{minute:02}:00Z"));
        get("/openapi.json").send().status == 503
    });
    for open in ["/openapi.json", "/log/checkpoint", "/nowhere"] {
        turned_away(&get(open).send());
    }
    let of = |token: &str| get(FORMS).token(token).send();
    turned_away(&of(&tokens[0]));
    turned_away(&of("no token at all"));
    // The body is announced and never sent: who reads it would wait for it.
    let head = format!(
        "POST /v1/records HTTP/1.1\r\nhost: vault\r\nauthorization: Bearer {}\r\n\
         purpose: residence_registration\r\ncontent-type: application/json\r\n\
         content-length: 4096\r\nconnection: close\r\n\r\n",
        tokens[0]
    );
    turned_away(&send_from(Ipv4Addr::LOCALHOST, &url, head.as_bytes()));
    assert_eq!(get("/healthz").send().status, 200, "it lives");
    // Nobody is given anything before its entry is durable; who came when it was late already has come in vain.
    let (late, waiting): (Vec<_>, Vec<_>) = calls.into_iter().partition(OnItsWay::is_answered);
    assert!(waiting.len() >= PENDING_SHORT_COUNT, "{} wait", waiting.len());
    late.into_iter().for_each(|call| drop(town.arrived(call).refused("overloaded")));
    drop(held);
    for call in waiting {
        assert!(town.arrived(call).done()["receipt"]["index"].is_u64());
    }
    await_until("it takes whoever comes", || of(&tokens[0]).status == 200);
    get(FORMS).token("no token at all").send().refused(401, "token_invalid");
}
