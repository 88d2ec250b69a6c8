//! A vault in memory with a worker, a head who may everything, and an administrator.
//! Never a thread of its own: calls are polled by hand, so that two can meet in one group.
//! Every call goes through the operation as the door would make it.

pub(super) use super::gate::NOW;
pub(super) use super::samples::*;
pub(super) use super::setting::{FAR, GRID, NEXT};

use super::gate::{Gate, GatedMedia, StillClock};
use super::setting::{KEYRING, PURPOSES, SCHEMAS, actor_record, policy, territory};
use crate::access::{Access, ActorId, Origin};
use crate::ambient::{HostRandom, Micros};
use crate::identity::{Actor, ActorRecord, Directory, Identity, NewActor};
use crate::operations::{
    Asked, Case, CreateRequest, Created, Echoes, FirstWords, HouseholdCreated, HouseholdRequest,
    MatchRequest, Matched, Met, Once, OperationError, PatchRequest, Patched, QueryRequest, Repeats,
    create_household, create_record, delete_record, match_record, patch_record, query_records,
    read_record,
};
use crate::purposes::BasisClaim;
use crate::records::{Facts, RecordId, RecordType};
use crate::seal::Seal;
use crate::store::{Change, EngineKind, Fetched, Key, Op, Reader, SystemKey, Version, open};
use crate::territory::Territory;
use crate::trail::{Announcement, Recorded, Settings, Surroundings, Trail, TrailError};
use gridvault_keys::Keyring;
use serde_json::{Value as Json, json};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

pub(super) const WORKER: ActorId = ActorId::from_bytes([1; 16]);
pub(super) const NEIGHBOUR: ActorId = ActorId::from_bytes([2; 16]);
pub(super) const HEAD: ActorId = ActorId::from_bytes([3; 16]);
pub(super) const SECURITY: ActorId = ActorId::from_bytes([4; 16]);
pub(super) const SYSTEM: ActorId = ActorId::from_bytes([5; 16]);
pub(super) const OPERATOR: ActorId = ActorId::from_bytes([6; 16]);
pub(super) const DESK: ActorId = ActorId::from_bytes([7; 16]);

pub(super) fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(work)
}

/// A page: its records and where the next one begins.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) ids: Vec<RecordId>,
    pub(super) cursor: Option<String>,
}

/// A call that was not waited for yet.
pub(super) type Later<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Lets a call go as far as the trail. It must not be answered yet.
pub(super) fn hand_over<T>(call: &mut Later<'_, T>) {
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

pub(super) struct World {
    directory: tempfile::TempDir,
    gate: Arc<Gate>,
    pub(super) trail: Trail,
    pub(super) reader: Reader,
    pub(super) seal: Arc<Seal>,
    pub(super) access: Access,
    pub(super) identity: Identity,
    pub(super) territory: Territory,
    pub(super) random: Arc<HostRandom>,
    pub(super) repeats: Repeats,
    pub(super) first_words: FirstWords,
    pub(super) origin: Origin,
    pub(super) met: Met,
}

impl World {
    pub(super) fn new() -> World {
        World::under(KEYRING.clone())
    }

    /// A world with keys of its own.
    pub(super) fn under(keyring: Arc<Keyring>) -> World {
        let world = World::begin(tempfile::tempdir().expect("a directory"), keyring);
        world.set_policy_version(0);
        for (id, role, area) in [
            (WORKER, "grid_worker", Some(GRID)),
            (NEIGHBOUR, "grid_worker", Some(NEXT)),
            (HEAD, "grid_head", Some(GRID)),
            (SECURITY, "security_admin", None),
            (SYSTEM, "", None),
            (OPERATOR, "street_operator", Some("880102001")),
            (DESK, "resident_desk", Some("880102001")),
        ] {
            let record = actor_record(id, role, area);
            let change =
                world.identity.directory().addition(&NewActor { record }).expect("an actor");
            world.announce(change);
        }
        world
    }

    /// The world that a crash leaves: its journal replayed over an empty store, under the keys that are given.
    pub(super) fn after_crash(self, keyring: Arc<Keyring>) -> World {
        let World { directory, trail, .. } = self;
        // Whatever waits was answered, so all that is lost is what is in memory.
        wait(trail.stop()).expect("stopped");
        drop(trail);
        // The store is empty, so nothing of the journal counts as done.
        std::fs::remove_file(directory.path().join("journal/mark")).expect("a mark");
        let world = World::begin(directory, keyring);
        wait(world.identity.directory().load(&world.reader)).expect("the directory");
        world
    }

    /// Recovers what is in a directory.
    fn begin(directory: tempfile::TempDir, keyring: Arc<Keyring>) -> World {
        let (reader, applier) =
            open(directory.path(), EngineKind::Memory, 0).expect("a store in memory");
        let seal = Arc::new(Seal::new(keyring.clone(), SCHEMAS.clone()).expect("a seal"));
        let actors = Arc::new(Directory::new(keyring.clone()));
        let gate = Arc::new(Gate::default());
        let random = Arc::new(HostRandom::new());
        let settings = Settings {
            journal_directory: directory.path().join("journal"),
            log_directory: directory.path().join("log"),
            origin: "vault.example/operation-tests".into(),
            segment_bytes: 0,
            written_directories: Vec::new(),
        };
        let around = Surroundings {
            keyring: keyring.clone(),
            clock: Arc::new(StillClock),
            random: random.clone(),
            media: Arc::new(GatedMedia(gate.clone())),
        };
        let listeners: Vec<Arc<dyn crate::trail::Applied>> = vec![seal.clone(), actors.clone()];
        let trail = Trail::start(applier, settings, around, listeners).expect("a trail");
        let identity =
            Identity::new(actors, keyring.clone(), "vault.example/x", random.clone(), Micros(0));
        World {
            directory,
            gate,
            trail,
            reader,
            seal,
            access: Access::new(policy(), 1, 1),
            identity,
            territory: territory(),
            random,
            repeats: Repeats::default(),
            first_words: FirstWords::default(),
            origin: Origin::default(),
            met: Met::default(),
        }
    }

    /// Every entry, once nothing more is written: the bytes of all bundles.
    pub(super) fn log_at_its_end(self) -> String {
        wait(self.trail.stop()).expect("stopped");
        let bundles = self.directory.path().join("log/tile/entries");
        let mut text = String::new();
        for entry in std::fs::read_dir(bundles).expect("bundles") {
            let path = entry.expect("one").path();
            let width = |it: &PathBuf| it.file_name()?.to_str()?.parse::<u16>().ok();
            let files = match path.is_dir() {
                true => std::fs::read_dir(path)
                    .expect("partial ones")
                    .map(|it| it.expect("one").path())
                    .max_by_key(width),
                false => Some(path),
            };
            let bytes =
                files.map(|path| std::fs::read(path).expect("a bundle")).unwrap_or_default();
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
        text
    }

    pub(super) fn announce(&self, change: Change) {
        let said = Announcement::Enrolled { actor: [0; 16], role: "none".into() };
        wait(self.trail.announce_change(said, change)).expect("recorded");
    }

    /// Moves the version of the policy on from the one that stands in the store.
    pub(super) fn set_policy_version(&self, from: u64) {
        let key = Key::system(SystemKey::Policy);
        let op = Op::Put(key, Version(from).next(), b"digest".to_vec());
        self.announce(Change { ops: vec![op], expects: Vec::new() });
    }

    pub(super) fn change_actor(&self, id: ActorId, edit: impl FnOnce(&mut ActorRecord)) {
        let mut record = self.identity.directory().record(&id).expect("an actor");
        edit(&mut record);
        self.announce(self.identity.directory().replacement(&record).expect("an actor"));
    }

    /// Lets the worker work in a grid of another street too: so somebody gets records in two.
    pub(super) fn worker_of_two_streets(&self) {
        self.change_actor(WORKER, |record| {
            let far = actor_record(ActorId::from_bytes([9; 16]), "grid_worker", Some(FAR));
            record.assignments.extend(far.assignments);
        });
    }

    pub(super) fn actor(&self, id: ActorId) -> Actor {
        let token = self.identity.issue(id, None, 600, NOW).expect("a token");
        self.identity.authenticate(token.show(), NOW).expect("an active actor")
    }

    pub(super) fn asked<'a>(&'a self, actor: &'a Actor, purpose: &str) -> Asked<'a> {
        let purpose = PURPOSES.get(purpose).expect("a shipped purpose");
        let (origin, met) = (&self.origin, &self.met);
        Asked { actor, purpose, case: None, origin, now: NOW, once: None, met }
    }

    /// The frame of a request at a time, under a key if one is given.
    pub(super) fn asked_at<'a>(
        &'a self,
        actor: &'a Actor,
        purpose: &str,
        now: Micros,
        once: Option<&'a Once>,
    ) -> Asked<'a> {
        Asked { now, once, ..self.asked(actor, purpose) }
    }

    pub(super) async fn create_async(
        &self,
        who: &Actor,
        purpose: &str,
        request: CreateRequest,
    ) -> Result<Created, OperationError> {
        self.create_once(who, purpose, request, NOW, None).await
    }

    /// Creates a record at a time, under a key if one is given.
    pub(super) async fn create_once(
        &self,
        who: &Actor,
        purpose: &str,
        request: CreateRequest,
        now: Micros,
        once: Option<&Once>,
    ) -> Result<Created, OperationError> {
        create_record(
            &self.asked_at(who, purpose, now, once),
            request,
            &self.reader,
            &self.seal,
            &self.access,
            &self.trail,
            &SCHEMAS,
            &self.territory,
            &*self.random,
        )
        .await
    }

    /// Creates a person in the worker's grid.
    pub(super) fn create(&self, who: ActorId, claim: BasisClaim, fields: Json) -> Done<Created> {
        self.create_request(who, person(claim, fields))
    }

    pub(super) fn create_request(&self, who: ActorId, request: CreateRequest) -> Done<Created> {
        let (actor, purpose) = (self.actor(who), request.basis.purpose.clone());
        done(wait(self.create_async(&actor, &purpose, request)))
    }

    pub(super) fn create_household(
        &self,
        who: ActorId,
        request: HouseholdRequest,
    ) -> Done<HouseholdCreated> {
        let (actor, purpose) = (self.actor(who), request.basis.purpose.clone());
        let asked = self.asked(&actor, &purpose);
        done(wait(create_household(
            &asked,
            request,
            &self.reader,
            &self.seal,
            &self.access,
            &self.trail,
            &SCHEMAS,
            &self.territory,
            &*self.random,
        )))
    }

    pub(super) async fn patch_async(
        &self,
        who: &Actor,
        purpose: &str,
        request: PatchRequest,
    ) -> Result<Patched, OperationError> {
        patch_record(
            &self.asked(who, purpose),
            request,
            &self.reader,
            &self.seal,
            &self.access,
            &self.trail,
            &SCHEMAS,
            &PURPOSES,
            &self.territory,
            &*self.random,
        )
        .await
    }

    /// Patches a record as it is now; gives its new version.
    pub(super) fn patch(
        &self,
        who: ActorId,
        purpose: &str,
        id: RecordId,
        fields: Json,
        basis: Option<BasisClaim>,
    ) -> Done<u64> {
        let request = PatchRequest { id, version: self.version(id), fields: map(fields), basis };
        let actor = self.actor(who);
        done(wait(self.patch_async(&actor, purpose, request))).map(|patched| patched.version)
    }

    pub(super) async fn read_async(
        &self,
        who: &Actor,
        purpose: &str,
        id: RecordId,
        fields: &[&str],
    ) -> Result<Json, OperationError> {
        self.read_within(who, purpose, None, id, fields).await
    }

    /// The same under a case, if one is named.
    pub(super) async fn read_within(
        &self,
        who: &Actor,
        purpose: &str,
        case: Option<Case>,
        id: RecordId,
        fields: &[&str],
    ) -> Result<Json, OperationError> {
        let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
        let opened = read_record(
            &Asked { case, ..self.asked(who, purpose) },
            id,
            &fields,
            &self.reader,
            &self.seal,
            &self.access,
            &self.trail,
            &SCHEMAS,
            &self.territory,
            &Echoes::default(),
        )
        .await?;
        Ok(serde_json::to_value(opened.view().fields()).expect("JSON"))
    }

    pub(super) fn read(
        &self,
        who: ActorId,
        purpose: &str,
        id: RecordId,
        fields: &[&str],
    ) -> Done<Json> {
        let actor = self.actor(who);
        done(wait(self.read_async(&actor, purpose, id, fields)))
    }

    pub(super) async fn delete_async(
        &self,
        who: &Actor,
        id: RecordId,
        version: u64,
    ) -> Result<(), OperationError> {
        delete_record(
            &self.asked(who, "residence_registration"),
            id,
            version,
            &self.reader,
            &self.seal,
            &self.access,
            &self.trail,
            &SCHEMAS,
            &self.territory,
        )
        .await
        .map(drop)
    }

    pub(super) fn matched(
        &self,
        who: ActorId,
        purpose: &str,
        field: &str,
        value: &str,
    ) -> Done<Matched> {
        let actor = self.actor(who);
        let request = MatchRequest {
            record_type: RecordType::Person,
            field: field.to_owned(),
            value: json!(value),
        };
        done(wait(match_record(
            &self.asked(&actor, purpose),
            request,
            &self.reader,
            &self.seal,
            &self.access,
            &self.trail,
            &SCHEMAS,
            &self.territory,
        )))
    }

    pub(super) fn query(&self, who: ActorId, request: QueryRequest) -> Done<Listed> {
        self.query_at(who, request, NOW)
    }

    pub(super) fn query_at(
        &self,
        who: ActorId,
        request: QueryRequest,
        now: Micros,
    ) -> Done<Listed> {
        self.query_by(&self.actor(who), request, now)
    }

    /// By an actor as it was when it was looked up.
    pub(super) fn query_as(&self, actor: &Actor, request: QueryRequest) -> Done<Listed> {
        self.query_by(actor, request, NOW)
    }

    fn query_by(&self, actor: &Actor, request: QueryRequest, now: Micros) -> Done<Listed> {
        let asked = Asked { now, ..self.asked(actor, "residence_registration") };
        let queried = done(wait(query_records(
            &asked,
            request,
            &self.reader,
            &self.seal,
            &self.access,
            &self.trail,
            &SCHEMAS,
            &self.territory,
        )))?;
        let ids = queried.page.items().map(|item| item.id()).collect();
        Ok(Listed { ids, cursor: queried.cursor.map(|cursor| cursor.as_str().to_owned()) })
    }

    pub(super) fn facts(&self, id: RecordId) -> Facts {
        match wait(self.reader.fetch(id)).expect("a store") {
            Fetched::Found(sealed) => self.seal.facts(&sealed).expect("facts"),
            _ => panic!("no record"),
        }
    }

    pub(super) fn version(&self, id: RecordId) -> u64 {
        let stored = wait(self.reader.get(&Key::row(id))).expect("a store");
        stored.map_or(0, |stored| stored.version.0)
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        wait(self.reader.get(key)).expect("a store").is_some()
    }

    /// Lets a call go on until so many further entries are durable, and drops it then: what was committed is there and nothing
    /// comes after it, as if the process had ended between two steps.
    pub(super) fn crash_after<T>(&self, steps: u64, mut call: Later<'_, T>) {
        // Each step is a group of its own here, and is applied before its answer comes.
        let before = self.reader.stamp();
        wait(std::future::poll_fn(|context| {
            if self.reader.stamp() >= before + steps {
                return Poll::Ready(());
            }
            // No step is durable while the call is looked at, so it never goes two steps at once.
            self.gate.set(true);
            let looked = call.as_mut().poll(context);
            self.gate.set(false);
            assert!(looked.is_pending(), "it ended before so many steps");
            Poll::Pending
        }));
    }

    /// Lets calls meet in one group, in this order: all have decided before the first is sequenced.
    pub(super) fn in_one_group<T>(&self, mut calls: Vec<Later<'_, T>>) -> Vec<T> {
        self.gate.set(true);
        let mut before: Later<'_, Result<Recorded, TrailError>> =
            Box::pin(self.trail.announce(Announcement::Heartbeat));
        hand_over(&mut before);
        self.gate.wait_for_somebody();
        for call in &mut calls {
            hand_over(call);
        }
        self.gate.set(false);
        wait(async {
            before.await.expect("recorded");
            let mut answers = Vec::new();
            for call in calls {
                answers.push(call.await);
            }
            answers
        })
    }
}
