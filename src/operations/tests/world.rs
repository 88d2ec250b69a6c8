//! A vault in memory with a worker, a head who may everything, and three administrators.
//! Never a thread of its own: calls are polled by hand, so that two can meet in one group.
//! The worker's policy is the shipped one; the head's is wide, for cases that need a right to fail later.

use crate::access::{Access, ActorId, Code, Origin, Policy, PolicySources};
use crate::ambient::{Clock, HostRandom, Micros};
use crate::identity::{
    Actor, ActorKind, ActorRecord, ActorState, AssignmentRecord, Directory, Identity, NewActor,
};
use crate::operations::{
    Asked, CreateRequest, Created, DwellingRequest, HouseholdCreated, HouseholdRequest,
    MatchRequest, Matched, OperationError, PatchRequest, Patched, PersonRequest, create_household,
    create_record, delete_record, match_record, patch_record, read_record,
};
use crate::purposes::{BasisClaim, ConsentClaim, ConsentGiver, ConsentMethod, PurposeSet};
use crate::records::{Facts, RecordId, RecordType, SchemaSet, SubjectId};
use crate::seal::Seal;
use crate::store::{Change, EngineKind, Fetched, Key, Op, Reader, SystemKey, Version, open};
use crate::territory::{CellData, CellId, GridData, MappingData, Territory, TerritoryData};
use crate::trail::{
    Announcement, FileMedia, Media, Recorded, Segment, Settings, Surroundings, Trail, TrailError,
};
use gridvault_keys::{Keyring, Month, RootKey};
use jiff::civil::{Date, date};
use serde_json::{Map, Value as Json, json};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Condvar, LazyLock, Mutex, PoisonError};
use std::task::{Context, Waker};

/// 2027-01-15T08:00:00Z.
pub(super) const NOW: Micros = Micros(1_800_000_000_000_000);
pub(super) const TODAY: Date = date(2027, 1, 15);
pub(super) const GRID: &str = "8801020010010001";
pub(super) const NEXT: &str = "8801020010010002";

pub(super) const WORKER: ActorId = ActorId::from_bytes([1; 16]);
pub(super) const NEIGHBOUR: ActorId = ActorId::from_bytes([2; 16]);
pub(super) const HEAD: ActorId = ActorId::from_bytes([3; 16]);
pub(super) const SECURITY: ActorId = ActorId::from_bytes([4; 16]);
pub(super) const SYSTEM: ActorId = ActorId::from_bytes([5; 16]);
pub(super) const OPERATOR: ActorId = ActorId::from_bytes([6; 16]);

static SCHEMAS: LazyLock<Arc<SchemaSet>> =
    LazyLock::new(|| Arc::new(SchemaSet::built_in().expect("the shipped schemas load")));
static PURPOSES: LazyLock<PurposeSet> =
    LazyLock::new(|| PurposeSet::built_in(&SCHEMAS).expect("the shipped purposes load"));
static KEYRING: LazyLock<Arc<Keyring>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory");
    let root = RootKey::generate().expect("a root key");
    let month = Month::from_year_month(2026, 1).expect("a month");
    let path = directory.path().join("keyring");
    Arc::new(Keyring::create(&path, &root, month).expect("a keyring"))
});

pub(super) fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(work)
}

/// A call that was not waited for yet.
pub(super) type Later<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Lets a call go as far as the trail. It must not be answered yet.
pub(super) fn hand_over<T>(call: &mut Later<'_, T>) {
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

/// A gate before every sync of the journal.
#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    closed: bool,
    waiting: bool,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.closed {
            state.waiting = true;
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting = false;
    }

    fn set(&self, closed: bool) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = closed;
        self.changed.notify_all();
    }

    fn wait_for_somebody(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.waiting {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

struct GatedMedia(Arc<Gate>);

struct GatedSegment(Arc<Gate>, Box<dyn Segment>);

impl Media for GatedMedia {
    fn allocate(&self, path: &Path, length: u64) -> io::Result<Box<dyn Segment>> {
        Ok(Box::new(GatedSegment(self.0.clone(), FileMedia.allocate(path, length)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Segment>> {
        Ok(Box::new(GatedSegment(self.0.clone(), FileMedia.open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        FileMedia.rename(from, to)
    }
}

impl Segment for GatedSegment {
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

struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Micros {
        NOW
    }

    fn monotonic(&self) -> u64 {
        0
    }
}

fn policy() -> Policy {
    let policies = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("policies");
    let read = |name: &str| std::fs::read_to_string(policies.join(name)).expect("a policy file");
    let (model, roles, mut narrowing) =
        (read("model.conf"), read("roles.toml"), read("narrowing.csv"));
    let of_others = |line: &&str| !line.contains(",grid_head,");
    narrowing = narrowing.lines().filter(of_others).map(|line| format!("{line}\n")).collect();
    for purpose in PURPOSES.iter() {
        narrowing.push_str(&format!("{},grid_head,*,raw,write\n", purpose.id));
    }
    let lines = std::fs::read_dir(policies.join("roles")).expect("a directory").map(|file| {
        let path = file.expect("a file").path();
        let role = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let wide = ["read:raw", "write", "delete"].map(|a| format!("grid,any,any,any,{a},allow\n"));
        let shipped = std::fs::read_to_string(&path).expect("a policy file");
        let text = if role == "grid_head" { wide.concat() } else { shipped };
        (role, text)
    });
    let sources = PolicySources {
        model: &model,
        roles: &roles,
        lines: lines.collect(),
        narrowing: &narrowing,
        purposes: PurposeSet::built_in_text(),
    };
    wait(Policy::load(&sources, &PURPOSES, &SCHEMAS)).expect("a policy that loads")
}

fn territory() -> Territory {
    let places = [(1, GRID), (2, NEXT)];
    let grids = places.map(|(_, text)| GridData {
        code: text.parse().expect("a grid code"),
        name: "网格".to_owned(),
        host_grid: None,
        valid_from: 0,
        valid_to: None,
        predecessors: Vec::new(),
        aliases: Vec::new(),
    });
    let cells = places.map(|(cell, text)| CellData {
        cell: CellId::new(cell),
        mapping: vec![MappingData { grid: text.parse().expect("a grid code"), from: 0, to: None }],
    });
    let data = TerritoryData { areas: Vec::new(), grids: grids.into(), cells: cells.into() };
    Territory::from_data(data).expect("a territory")
}

fn actor_record(id: ActorId, role: &str, area: Option<&str>) -> ActorRecord {
    let assignment = AssignmentRecord {
        id: *id.as_bytes(),
        role: role.to_owned(),
        area: area.map(str::to_owned),
        line: None,
        from: 0,
        until: None,
    };
    ActorRecord {
        id,
        login: format!("actor{}", id.as_bytes()[0]),
        kind: if role.is_empty() { ActorKind::System } else { ActorKind::Person },
        state: ActorState::Active,
        assignments: if role.is_empty() { Vec::new() } else { vec![assignment] },
        tokens_from: 0,
    }
}

pub(super) struct World {
    _directory: tempfile::TempDir,
    gate: Arc<Gate>,
    pub(super) trail: Trail,
    pub(super) reader: Reader,
    pub(super) seal: Arc<Seal>,
    pub(super) access: Access,
    pub(super) identity: Identity,
    pub(super) territory: Territory,
    pub(super) random: Arc<HostRandom>,
    pub(super) origin: Origin,
}

impl World {
    pub(super) fn new() -> World {
        let directory = tempfile::tempdir().expect("a directory");
        let (reader, applier) =
            open(directory.path(), EngineKind::Memory, 0).expect("a store in memory");
        let seal = Arc::new(Seal::new(KEYRING.clone(), SCHEMAS.clone()).expect("a seal"));
        let actors = Arc::new(Directory::new(KEYRING.clone()));
        let gate = Arc::new(Gate::default());
        let random = Arc::new(HostRandom::new());
        let settings = Settings {
            journal_directory: directory.path().join("journal"),
            log_directory: directory.path().join("log"),
            origin: "vault.example/operation-tests".into(),
            segment_bytes: 0,
        };
        let around = Surroundings {
            keyring: KEYRING.clone(),
            clock: Arc::new(StillClock),
            random: random.clone(),
            media: Arc::new(GatedMedia(gate.clone())),
        };
        let listeners: Vec<Arc<dyn crate::trail::Applied>> = vec![seal.clone(), actors.clone()];
        let trail = Trail::start(applier, settings, around, listeners).expect("a trail");
        let identity =
            Identity::new(actors, KEYRING.token_signer(), "vault.example/x", random.clone());
        let world = World {
            _directory: directory,
            gate,
            trail,
            reader,
            seal,
            access: Access::new(policy(), 1, 1),
            identity,
            territory: territory(),
            random,
            origin: Origin::default(),
        };
        world.set_policy_version(0);
        for (id, role, area) in [
            (WORKER, "grid_worker", Some(GRID)),
            (NEIGHBOUR, "grid_worker", Some(NEXT)),
            (HEAD, "grid_head", Some(GRID)),
            (SECURITY, "security_admin", None),
            (SYSTEM, "", None),
            (OPERATOR, "street_operator", Some("880102001")),
        ] {
            let record = actor_record(id, role, area);
            let change =
                world.identity.directory().addition(&NewActor { record }).expect("an actor");
            world.announce(change);
        }
        world
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

    pub(super) fn actor(&self, id: ActorId) -> Actor {
        let token = self.identity.issue(id, None, 600, NOW).expect("a token");
        self.identity.authenticate(token.show(), NOW).expect("an active actor")
    }

    fn asked<'a>(&'a self, actor: &'a Actor, purpose: &str) -> Asked<'a> {
        let purpose = PURPOSES.get(purpose).expect("a shipped purpose");
        Asked { actor, purpose, case: None, origin: &self.origin, now: NOW }
    }

    pub(super) async fn create_async(
        &self,
        who: &Actor,
        purpose: &str,
        request: CreateRequest,
    ) -> Result<Created, OperationError> {
        create_record(
            &self.asked(who, purpose),
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
        let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
        let opened = read_record(
            &self.asked(who, purpose),
            id,
            &fields,
            &self.reader,
            &self.seal,
            &self.access,
            &self.trail,
            &SCHEMAS,
            &self.territory,
        )
        .await?;
        Ok(Json::Object(opened.view().fields))
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

/// What an operation gave, or the code of its refusal.
pub(super) type Done<T> = Result<T, Code>;

/// A refusal is always in the log.
pub(super) fn done<T>(result: Result<T, OperationError>) -> Done<T> {
    result.map_err(|error| match error {
        OperationError::Refused { code, recorded, .. } => {
            assert!(recorded.is_some(), "{code:?} was not recorded");
            code
        }
        other => panic!("{other:?}"),
    })
}

pub(super) fn map(json: Json) -> Map<String, Json> {
    let Json::Object(map) = json else { panic!("an object") };
    map
}

pub(super) fn person(claim: BasisClaim, fields: Json) -> CreateRequest {
    CreateRequest {
        record_type: RecordType::Person,
        grid: GRID.to_owned(),
        subject: None,
        fields: map(fields),
        basis: claim,
        retain_until: None,
    }
}

/// A claim on a basis of a purpose, with consent of that giver.
pub(super) fn claim_on(purpose: &str, legal_basis: &str, by: Option<ConsentGiver>) -> BasisClaim {
    let notice = PURPOSES.get(purpose).expect("a purpose").live_notice(TODAY).expect("a notice");
    BasisClaim {
        purpose: purpose.to_owned(),
        legal_basis: legal_basis.to_owned(),
        notice: notice.id.clone(),
        consent: by.map(|by| ConsentClaim { by, method: ConsentMethod::Written, given_on: TODAY }),
    }
}

pub(super) fn registration() -> BasisClaim {
    claim_on("residence_registration", "residence_permit_duty", None)
}

pub(super) fn contact(by: ConsentGiver) -> BasisClaim {
    claim_on("household_contact", "household_contact_consent", Some(by))
}

/// An adult that the worker registered.
pub(super) fn adult(world: &World) -> (RecordId, SubjectId) {
    let created = world.create(
        WORKER,
        registration(),
        json!({"name": "王伟", "birth_date": "1980-01-01", "phone": "12900001234"}),
    );
    let created = created.expect("created");
    (created.id, created.subject.expect("a person"))
}

/// A child under 14 that the worker registered.
pub(super) fn child(world: &World) -> (RecordId, SubjectId) {
    let created = world.create(
        WORKER,
        registration(),
        json!({"name": "王小明", "birth_date": "2018-05-01", "guardian_name": "王伟"}),
    );
    let created = created.expect("created");
    (created.id, created.subject.expect("a person"))
}

/// A household of one person in a new dwelling.
pub(super) fn household(person: Json) -> HouseholdRequest {
    HouseholdRequest {
        grid: GRID.to_owned(),
        basis: registration(),
        fields: map(json!({"kind": "family"})),
        dwelling: Some(DwellingRequest::New(map(
            json!({"address": "工农路58号", "kind": "dwelling"}),
        ))),
        people: vec![PersonRequest {
            reference: "p1".to_owned(),
            fields: map(person),
            guardians: Vec::new(),
            residence: map(json!({"move_in_date": "2026-01-01"})),
            basis: None,
        }],
    }
}
