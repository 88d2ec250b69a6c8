//! A vault whose disk has fallen behind: whoever comes then is told so, and when to come again.
//! Never a slow disk: it is held before a sync until the test lets it go on, and the clock is moved.
//! What was taken before is still done, each with its entry.

use super::client::{Call, Reply};
use super::harness::await_until;
use super::town::{COMMUNITY, OnItsWay, Told, Town, in_area};
use super::wire::send_from;
use gridvault::limits::{PENDING_SHORT_COUNT, RETRY_SECONDS};
use gridvault::trail::{FileMedia, Media, Room, Segment};
use serde_json::{Value, json};
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Calls of each caller that are on their way: as many as one may have while the vault is busy.
const CALLS_COUNT: usize = 4;
/// Where every known caller is answered, with an entry.
const FORMS: &str = "/v1/purposes";

/// Files whose syncs wait while they are held.
#[derive(Clone, Default)]
struct Disk(Arc<(Mutex<Hand>, Condvar)>);

#[derive(Default)]
struct Hand {
    holds: bool,
    somebody_waits: bool,
}

/// A disk that is held. Dropped, it goes on: a test that fails must end.
struct Held<'a>(&'a Disk);

impl Disk {
    fn hold(&self) -> Held<'_> {
        self.set(true);
        Held(self)
    }

    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, holds: bool) {
        self.hand().holds = holds;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let mut hand = self.hand();
        while hand.holds {
            hand.somebody_waits = true;
            hand = self.0.1.wait(hand).unwrap_or_else(PoisonError::into_inner);
        }
        hand.somebody_waits = false;
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
    // A fresh keyring has the key of this month alone, under which an entry has whence its caller came.
    let today = jiff::Timestamp::now().to_string();
    let (month, _) = today.split_at("2026-01".len());
    let at = |minute: u32| format!("{month}-01T09:{minute:02}:00Z");
    let town = Town::over(&at(0), Arc::new(disk.clone()));
    let url = town.serve();
    let get = |path: &str| Call::new("GET", format!("{url}{path}"));
    let callers = 2 * PENDING_SHORT_COUNT / CALLS_COUNT;
    let post = [in_area("community_cadre", COMMUNITY)];
    let tokens: Vec<String> =
        (0..callers).map(|_| town.token(town.somebody(&post), None)).collect();
    get(FORMS).token(&tokens[0]).send().expect(200);
    let held = disk.hold();
    // The first goes to the disk alone; whoever comes then waits behind it.
    let first = town.on_its_way(&tokens[0], FORMS);
    await_until("somebody waits for the disk", || disk.hand().somebody_waits);
    let calls: Vec<_> = tokens[1..]
        .iter()
        .flat_map(|token| [token; CALLS_COUNT])
        .map(|token| town.on_its_way(token, FORMS))
        .collect();
    // An open call has no entry, so it waits for no disk: it is turned away at the door or not at all.
    let mut minute = 0;
    await_until("the vault is behind", || {
        minute = (minute + 1).min(50);
        town.now_it_is(&at(minute));
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
    late.into_iter().for_each(|call| drop(town.arrived(call).refused("overloaded")));
    drop(held);
    assert!(town.arrived(first).done()["receipt"]["index"].is_u64());
    let answers: Vec<Told> = waiting.into_iter().map(|call| town.arrived(call)).collect();
    let (done, turned): (Vec<_>, Vec<_>) = answers.into_iter().partition(|one| one.status == 200);
    assert!(done.len() >= PENDING_SHORT_COUNT, "{} had waited", done.len());
    done.into_iter().for_each(|one| assert!(one.body["receipt"]["index"].is_u64()));
    turned.into_iter().for_each(|one| drop(one.refused("overloaded")));
    await_until("it takes whoever comes", || of(&tokens[0]).status == 200);
    get(FORMS).token("no token at all").send().refused(401, "token_invalid");
}
