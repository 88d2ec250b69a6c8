//! Input that must not get in, told by tables: what is sent, and the status and code that it gets.
//! Never believes the answer alone: the record is as it was, and the log holds a refusal for each and no write at all.
//! Each table has a caller of its own in a vault of its own, so that whatever that caller changed would be its doing.

use super::actor::Actor;
use super::bodies::{REGISTRATION, adult};
use super::client::Reply;
use super::enrolment::newcomer;
use super::entries::happened;
use super::harness::Demo;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The vault of these tables. It ends with the input of the program that keeps it, however this program ends.
pub fn vault() -> &'static Demo {
    static VAULT: LazyLock<Demo> = LazyLock::new(Demo::kept);
    &VAULT
}

/// Fields of a record that a bad request could change.
const FIELDS: &str = "name,sex,birth_date,phone,current_address,residence_kind,move_in_date";

/// A record that nobody may change, and everything that is sent against it.
pub struct Untouched {
    /// Whoever sends.
    pub actor: Actor,
    /// The record.
    pub record: String,
    before: Value,
    first: u64,
    replies: Vec<(String, Reply, u16, &'static str)>,
}

impl Untouched {
    /// A new record of a new actor of the first grid, whom nobody else knows.
    pub fn by(role: &str) -> Untouched {
        let actor = newcomer(vault(), role, vault().worker(1).grid());
        let created = actor.create(&adult(actor.grid())).expect(201);
        let record = created.text_of("id").to_owned();
        let read = actor.read(&record, FIELDS, REGISTRATION).expect(200);
        let first = read.index();
        Untouched { actor, record, before: shown(&read), first, replies: Vec::new() }
    }

    /// Takes an answer, which must be that refusal.
    #[track_caller]
    pub fn refused(
        &mut self,
        what: impl Into<String>,
        reply: Reply,
        status: u16,
        code: &'static str,
    ) {
        let what = what.into();
        assert_eq!((reply.status, reply.code()), (status, code), "{what}: {}", reply.text);
        self.replies.push((what, reply, status, code));
    }

    /// Nothing has changed: the record is as it was, each refusal has its entry, and its caller wrote nothing.
    pub fn holds(self) {
        assert!(!self.replies.is_empty(), "nothing was sent");
        let read = self.actor.read(&self.record, FIELDS, REGISTRATION).expect(200);
        assert_eq!(shown(&read), self.before, "the record has changed");
        let entries = vault().entries_between(self.first + 1, read.index());
        let mut own: Vec<&Value> =
            entries.iter().filter(|entry| entry["who"] == json!(self.actor.id)).collect();
        let last = own.pop().expect("the last read");
        assert_eq!(happened(last), "data.read success");
        wrote_nothing(&own);
        for (what, reply, status, code) in &self.replies {
            let index = reply.index();
            let entry = own.iter().find(|entry| entry["seq"] == index);
            let entry =
                entry.unwrap_or_else(|| panic!("{what} ({status}) has no entry of its own"));
            assert_eq!(entry["why"], *code, "{what}");
        }
        assert_eq!(own.len(), self.replies.len(), "an entry for each and no more");
    }

    /// The same where what breaks the protocol is not recorded: the record is as it was, and its caller did nothing.
    pub fn stays_untouched(self) {
        let read = self.actor.read(&self.record, FIELDS, REGISTRATION).expect(200);
        assert_eq!(shown(&read), self.before, "the record has changed");
        let entries = vault().entries_between(self.first + 1, read.index() - 1);
        let own: Vec<&Value> =
            entries.iter().filter(|entry| entry["who"] == json!(self.actor.id)).collect();
        wrote_nothing(&own);
    }
}

/// Refusals alone.
fn wrote_nothing(entries: &[&Value]) {
    for entry in entries {
        assert_eq!(entry["out"], "denied", "it did something: {entry}");
    }
}

fn shown(read: &Reply) -> Value {
    json!([read.body["fields"], read.body["version"], read.header("etag")])
}

/// Text with one word changed, once.
#[track_caller]
pub fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1)
}
