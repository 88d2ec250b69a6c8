//! A vault's store, trail and seal in memory, with a policy that opens everything to its one worker.
//! Never trusted about itself: what is compared is what lies in the store.
//! A copy of the store can be changed at will, and is read through the same seal.

pub(super) use super::setting::{CELL, GRID, SCHEMAS, keyring, new_keyring, schemas_with};
use super::setting::{access, territory};
use crate::access::{
    Access, ActorId, Ask, Assignment, Candidate, Code, Item, List, Matter, Origin, Permit,
    Question, Readiness, RoleId, Standing, Written,
};
use crate::ambient::{Clock, HostRandom, Micros};
use crate::purposes::{Purpose, PurposeSet};
use crate::records::{
    BasisFact, Facts, Handle, PlainFields, RecordId, RecordType, SchemaSet, SubjectId, SubjectSlot,
    Value,
};
use crate::seal::SealError;
use crate::seal::{
    Draft, KeyHold, KeySource, NewRecord, Opened, OpenedPage, Patch, Removal, Revision, Seal,
};
use crate::store::{
    Applier, Change, EngineKind, Expect, Fetched, Key, Op, Page, Reader, Row, Sealed, Stored,
    SystemKey, Version, open,
};
use crate::territory::Territory;
use crate::trail::{Announcement, FileMedia, Settings, Surroundings, Trail};
use jiff::civil::{Date, date};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// 2027-01-15T08:00:00Z.
pub(super) const NOW: Micros = Micros(1_800_000_000_000_000);
pub(super) const TODAY: Date = date(2027, 1, 15);
pub(super) const WORKER: ActorId = ActorId::from_bytes([0xa1; 16]);

pub(super) fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(work)
}

pub(super) struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Micros {
        NOW
    }

    fn monotonic(&self) -> u64 {
        0
    }
}

pub(super) fn standing() -> Standing {
    let assignment = Assignment {
        id: [1; 16],
        role: RoleId::new("grid_worker"),
        area: Some(GRID.parse().expect("an area")),
        line: None,
        lead: false,
        confirmed: true,
        windows: None,
        ready: Readiness { secrecy_signed: Some(Micros(0)), trained_until: Some(Micros(i64::MAX)) },
        from: Micros(0),
        until: None,
    };
    Standing {
        actor: WORKER,
        version: 1,
        assignments: Arc::new([assignment]),
        via: None,
        session: [3; 16],
        strength: 1,
    }
}

pub(super) struct World {
    pub(super) directory: tempfile::TempDir,
    pub(super) trail: Trail,
    pub(super) reader: Reader,
    pub(super) seal: Arc<Seal>,
    pub(super) schemas: Arc<SchemaSet>,
    access: Access,
    territory: Territory,
    purpose: Purpose,
}

impl World {
    pub(super) fn new() -> World {
        World::with(SCHEMAS.clone())
    }

    pub(super) fn with(schemas: Arc<SchemaSet>) -> World {
        let directory = tempfile::tempdir().expect("a directory");
        let (reader, applier) =
            open(directory.path(), EngineKind::Memory, 0).expect("a store in memory");
        let seal = Arc::new(Seal::new(keyring(), schemas.clone()).expect("a seal"));
        let settings = Settings {
            journal_directory: directory.path().join("journal"),
            log_directory: directory.path().join("log"),
            origin: "vault.example/seal-tests".into(),
            segment_bytes: 0,
            written_directories: Vec::new(),
        };
        let around = Surroundings {
            keyring: keyring(),
            clock: Arc::new(StillClock),
            random: Arc::new(HostRandom::new()),
            media: Arc::new(FileMedia),
        };
        let trail = Trail::start(applier, settings, around, vec![seal.clone()]).expect("a trail");
        let access = access(&schemas);
        let purposes = PurposeSet::built_in(&schemas).expect("the shipped purposes load");
        let purpose = purposes.get("record_correction").expect("a purpose").clone();
        let world = World {
            directory,
            trail,
            reader,
            seal,
            schemas,
            access,
            territory: territory(),
            purpose,
        };
        let policy = Announcement::PolicyActivated { digest: [1; 32], version: 1 };
        let worker = Announcement::Enrolled { actor: *WORKER.as_bytes(), role: "none".into() };
        for (said, key) in
            [(policy, Key::system(SystemKey::Policy)), (worker, Key::actor(WORKER.as_bytes()))]
        {
            let mut change = Change::default();
            change.put_new(key, b"v1".to_vec());
            wait(world.trail.announce_change(said, change)).expect("recorded");
        }
        world
    }

    /// Values that were checked against the schema.
    pub(super) fn values(&self, record_type: RecordType, json: Json) -> PlainFields {
        let schema = self.schemas.get(record_type).expect("a schema");
        let Json::Object(body) = json else { panic!("an object") };
        body.into_iter()
            .map(|(name, value)| {
                let field = schema.field(&name).expect("a field");
                let value = Value::parse(field, value, TODAY).expect("a right value");
                (name, value)
            })
            .collect()
    }

    /// A person record of a new subject, with a subject for every slot that is filled.
    pub(super) fn person(&self, number: u8, json: Json) -> NewRecord {
        let schema = self.schemas.get(RecordType::Person).expect("a schema");
        let fields = self.values(RecordType::Person, json);
        let mut subjects = vec![(SubjectSlot::Own, subject(number))];
        for part in schema.sections() {
            let filled = schema.fields_of(&part.name).any(|f| fields.get(&f.name).is_some());
            if filled && !subjects.iter().any(|(slot, _)| *slot == part.subject) {
                let count = u8::try_from(subjects.len()).expect("few slots");
                subjects.push((part.subject.clone(), subject(number + 100 + count)));
            }
        }
        let facts = facts(number, &subjects);
        NewRecord {
            id: record(number),
            record_type: RecordType::Person,
            cell: CELL,
            fields,
            facts: Arc::new(facts),
            subjects,
        }
    }

    pub(super) fn permit<T>(&self, target: T) -> Permit<T> {
        self.access.permit_known(&standing(), Written::Update, &Origin::default(), target)
    }

    pub(super) fn sealed_draft(&self, items: Vec<NewRecord>) -> (Permit<Draft>, Change) {
        let new = items.iter().flat_map(|item| &item.subjects);
        let keys: BTreeMap<SubjectId, KeySource> =
            new.map(|(_, subject)| (*subject, KeySource::New)).collect();
        let permit = self.permit(Draft::new(items, keys, Vec::new(), Micros(0)));
        let change = self.seal.seal_new(&permit).expect("sealed");
        (permit, change)
    }

    pub(super) fn store(&self, items: Vec<NewRecord>) {
        let (permit, change) = self.sealed_draft(items);
        let _receipt = wait(self.trail.commit(permit, change)).ok().expect("stored");
    }

    /// Stores a person and gives its record.
    pub(super) fn store_person(&self, number: u8, json: Json) -> RecordId {
        self.store(vec![self.person(number, json)]);
        record(number)
    }

    pub(super) fn fetch(&self, id: RecordId) -> Sealed {
        fetch(&self.reader, id)
    }

    pub(super) fn row(&self, id: RecordId) -> Row {
        self.fetch(id).row().clone()
    }

    pub(super) fn patch(&self, id: RecordId, set: Json, remove: &[&str]) -> Revised {
        let sealed = self.fetch(id);
        let set = self.values(sealed.row().header.record_type, set);
        let patch = Patch {
            set,
            remove: remove.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>(),
            ..Patch::blank(NOW)
        };
        Revised { sealed, patch }
    }

    /// Merges and stores a patch; gives the steps that it took.
    pub(super) fn revise(&self, revised: Revised) -> Vec<Op> {
        let holds = self.holds_on_others(&revised.sealed);
        let permit = self.permit(Revision::new(revised.sealed, revised.patch, holds));
        let change = self.seal.merge(&permit).expect("merged");
        let ops = change.ops.clone();
        let _receipt = wait(self.trail.commit(permit, change)).ok().expect("stored");
        ops
    }

    pub(super) fn merge_fails(&self, revised: Revised) -> SealError {
        let permit = self.permit(Revision::new(revised.sealed, revised.patch, Vec::new()));
        self.seal.merge(&permit).err().expect("refused")
    }

    /// The named people of a record, as if no other record held them.
    fn holds_on_others(&self, sealed: &Sealed) -> Vec<KeyHold> {
        let others = sealed.row().header.subjects.iter().skip(1);
        others.map(|subject| self.hold(*subject, true)).collect()
    }

    pub(super) fn hold(&self, subject: SubjectId, is_last: bool) -> KeyHold {
        let stored = wait(self.reader.get(&Key::subject_key(subject))).expect("a store");
        let wrapped = stored.map(|stored| stored.payload).unwrap_or_default();
        KeyHold { subject, wrapped, expect: self.key_expect(subject), is_last }
    }

    pub(super) fn key_expect(&self, subject: SubjectId) -> Expect {
        let key = Key::subject_key(subject);
        let stored = wait(self.reader.get(&key)).expect("a store");
        let version = stored.map_or(Version::ABSENT, |stored| stored.version);
        Expect { key, version, stamp: self.reader.stamp() }
    }

    pub(super) fn remove(&self, id: RecordId, last_of: &[SubjectId]) -> Vec<Op> {
        let sealed = self.fetch(id);
        let subjects = sealed.row().header.subjects.clone();
        let holds = subjects.iter().map(|one| self.hold(*one, last_of.contains(one))).collect();
        let permit = self.permit(Removal::new(sealed, holds));
        let change = self.seal.remove(&permit).expect("removed");
        let ops = change.ops.clone();
        let _receipt = wait(self.trail.commit(permit, change)).ok().expect("stored");
        ops
    }

    /// Reads fields of a sealed record as the product does: facts, decision, entry, opening.
    pub(super) fn read(&self, sealed: Sealed, fields: &[&str]) -> Result<Opened, SealError> {
        let facts = self.seal.facts(&sealed)?;
        let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
        let (standing, origin) = (standing(), Origin::default());
        let question = Question {
            standing: &standing,
            origin: &origin,
            now: NOW,
            territory: &self.territory,
            schemas: &self.schemas,
            purpose: &self.purpose,
            mandate: None,
            ask: Ask::Read,
        };
        let matter = Matter::Present {
            record_type: sealed.row().header.record_type,
            cell: sealed.row().header.cell,
            facts: &facts,
            versions: None,
        };
        let items = [Item { matter, fields: &fields }];
        let permit = self.access.decide(&question, &items, Vec::new(), sealed).ok();
        let receipt = wait(self.trail.append(permit.expect("a permit"))).ok().expect("recorded");
        self.seal.open(receipt)
    }

    /// Lists sealed records of one type as the product does: facts, plan, decision, entry, opening.
    pub(super) fn list(
        &self,
        sealed: Vec<Sealed>,
        fields: &[&str],
    ) -> Result<OpenedPage, SealError> {
        let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
        let (standing, origin) = (standing(), Origin::default());
        let question = Question {
            standing: &standing,
            origin: &origin,
            now: NOW,
            territory: &self.territory,
            schemas: &self.schemas,
            purpose: &self.purpose,
            mandate: None,
            ask: Ask::List,
        };
        let record_type = RecordType::Person;
        let list =
            List { record_type, fields: &fields, matched: None, within: None, in_clear: None };
        let plan = self.access.plan_list(&question, &list).ok().expect("a plan");
        let candidates = sealed.into_iter().map(|sealed| {
            let facts = self.seal.listed_facts(&sealed)?;
            Ok(Candidate { cell: sealed.row().header.cell, facts, target: sealed })
        });
        let candidates = candidates.collect::<Result<Vec<_>, SealError>>()?;
        let permit: Permit<Page> = plan.permit(0, candidates, Vec::new());
        let receipt = wait(self.trail.append(permit)).ok().expect("recorded");
        self.seal.open_page(receipt)
    }

    pub(super) fn shown(&self, id: RecordId, fields: &[&str]) -> Json {
        seen(&self.read(self.fetch(id), fields).expect("opened")).fields
    }

    /// Everything in the store.
    pub(super) fn everything(&self) -> Vec<(Key, Stored)> {
        wait(self.reader.scan(&Key::from_bytes(&[]), None, usize::MAX)).expect("a store")
    }

    pub(super) fn keys(&self) -> BTreeSet<Key> {
        self.everything().into_iter().map(|(key, _)| key).collect()
    }

    /// A copy of the store in an intruder's hands, for a vault that holds no key from before.
    pub(super) fn stolen(&self) -> Stolen {
        self.seal.keys.clear();
        let (reader, mut applier) =
            open(Path::new("nowhere"), EngineKind::Memory, 0).expect("a store in memory");
        let everything = self.everything();
        let ops: Vec<Op> = everything
            .into_iter()
            .map(|(key, stored)| Op::Put(key, stored.version, stored.payload))
            .collect();
        applier.apply(ops.iter().map(|op| (0, op))).expect("applied");
        // A look at the copy is as new as one at the vault, or the trail would call it stale.
        while reader.stamp() <= self.reader.stamp() {
            applier.apply([]).expect("applied");
        }
        Stolen { reader, applier }
    }
}

/// What an answer shows of an opened record.
pub(super) struct Seen {
    pub(super) fields: Json,
    pub(super) masked: Vec<String>,
    pub(super) withheld: Vec<(String, Code)>,
}

pub(super) fn seen(opened: &Opened) -> Seen {
    let shown = opened.view();
    let owned = |field: &str| field.to_owned();
    Seen {
        fields: serde_json::to_value(shown.fields()).expect("values are JSON"),
        masked: shown.masked().map(owned).collect(),
        withheld: shown.withheld().map(|(field, why)| (owned(field), why)).collect(),
    }
}

/// A record with a patch for it.
pub(super) struct Revised {
    pub(super) sealed: Sealed,
    pub(super) patch: Patch,
}

/// A store that an intruder changes.
pub(super) struct Stolen {
    pub(super) reader: Reader,
    applier: Applier,
}

impl Stolen {
    pub(super) fn put(&mut self, key: Key, payload: Vec<u8>) {
        let op = Op::Put(key, Version(1), payload);
        self.applier.apply([(0, &op)]).expect("applied");
    }

    pub(super) fn delete(&mut self, key: Key) {
        self.applier.apply([(0, &Op::Delete(key))]).expect("applied");
    }

    /// Puts a row in place of its record's.
    pub(super) fn put_row(&mut self, row: &Row) -> Sealed {
        self.put(Key::row(row.header.id), row.encode());
        fetch(&self.reader, row.header.id)
    }
}

pub(super) fn fetch(reader: &Reader, id: RecordId) -> Sealed {
    match wait(reader.fetch(id)).expect("a row that parses") {
        Fetched::Found(sealed) => sealed,
        _ => panic!("no record"),
    }
}

pub(super) fn record(number: u8) -> RecordId {
    RecordId::from_bytes([number; 16])
}

pub(super) fn subject(number: u8) -> SubjectId {
    let mut bytes = [0x77; 16];
    bytes[0] = number;
    SubjectId::from_bytes(bytes)
}

pub(super) fn facts(number: u8, subjects: &[(SubjectSlot, SubjectId)]) -> Facts {
    let handles = subjects.iter().map(|(_, subject)| {
        let mut handle = *subject.as_bytes();
        handle[15] = 0xff;
        (*subject.as_bytes(), Handle::from_bytes(handle))
    });
    Facts {
        turns_14: Some(3_000),
        turns_18: Some(4_461),
        bases: vec![BasisFact {
            purpose: "record_correction".to_owned(),
            legal_basis: "pipl_accuracy_duty".to_owned(),
            notice: "record_correction_notice_1".to_owned(),
            consent: None,
        }],
        record_handle: Handle::from_bytes([number; 16]),
        subject_handles: handles.collect(),
        retain_until: Some(30_000),
        ..Facts::of_nobody()
    }
}

/// The sealed bytes of a section.
pub(super) fn bytes_of<'a>(row: &'a Row, section: &str) -> &'a [u8] {
    &row.sections.iter().find(|held| *held.name == *section).expect("a section").bytes
}

/// Puts other bytes into a section.
pub(super) fn replace(row: &mut Row, section: &str, bytes: &[u8]) {
    let held = row.sections.iter_mut().find(|held| *held.name == *section).expect("a section");
    held.bytes = bytes.to_vec().into();
}
