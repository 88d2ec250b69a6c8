//! An identity over a store in memory, and tokens signed with the vault's own key.
//! Never a clock: the second is given.
//! Whatever is put into the store is applied to the directory too, as the trail does.

use crate::access::ActorId;
use crate::ambient::{Micros, NoRandomness, Random};
use crate::identity::{
    ActorKind, ActorRecord, ActorState, AssignmentRecord, Directory, Identity, IdentityError,
    NewActor, ReadinessRecord,
};
use crate::store::{Applier, Change, EngineKind, Reader, open};
use crate::trail::Applied as _;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_keys::{Keyring, Month, RootKey, Signer};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

pub(super) const ORIGIN: &str = "vault.example/identity-tests";
/// 2027-01-15T08:00:00Z, in seconds.
pub(super) const NOW: i64 = 1_800_000_000;
/// When the process began.
pub(super) const BEGUN: i64 = NOW - 3_600;

pub(in crate::identity) const WORKER: ActorId = ActorId::from_bytes([0xa1; 16]);
pub(super) const OTHER: ActorId = ActorId::from_bytes([0xb2; 16]);
pub(super) const SYSTEM: ActorId = ActorId::from_bytes([0xc3; 16]);
pub(super) const NOBODY: ActorId = ActorId::from_bytes([0xd4; 16]);

pub(super) fn at(seconds: i64) -> Micros {
    Micros(seconds * 1_000_000)
}

pub(super) fn new_keyring() -> Arc<Keyring> {
    let directory = tempfile::tempdir().expect("a directory");
    let root = RootKey::generate().expect("a root key");
    let month = Month::from_year_month(2026, 1).expect("a month");
    let path = directory.path().join("keyring");
    Arc::new(Keyring::create(&path, &root, month).expect("a keyring"))
}

static KEYRING: LazyLock<Arc<Keyring>> = LazyLock::new(new_keyring);

pub(super) fn keyring() -> Arc<Keyring> {
    KEYRING.clone()
}

#[derive(Default)]
pub(super) struct CountingRandom(AtomicU64);

impl Random for CountingRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        let count = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        for (byte, counted) in bytes.iter_mut().zip(count.iter().cycle()) {
            *byte = *counted;
        }
        Ok(())
    }
}

pub(super) fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(work)
}

pub(in crate::identity) fn record(id: ActorId, login: &str) -> ActorRecord {
    ActorRecord {
        id,
        login: login.to_owned(),
        kind: ActorKind::Person,
        state: ActorState::Active,
        assignments: vec![assignment("grid_worker", Some("8801020010010001"))],
        tokens_from: 0,
        own: None,
        log_in_key: None,
    }
}

pub(super) fn assignment(role: &str, area: Option<&str>) -> AssignmentRecord {
    AssignmentRecord {
        id: [1; 16],
        role: role.to_owned(),
        area: area.map(str::to_owned),
        line: None,
        lead: false,
        unconfirmed_by: None,
        windows: None,
        readiness: ReadinessRecord::default(),
        from: 0,
        until: None,
    }
}

/// A directory with a worker, another person and a system.
pub(super) struct World {
    pub(super) identity: Identity,
    pub(super) reader: Reader,
    applier: Applier,
    signer: Signer,
    key_id: String,
}

impl World {
    pub(super) fn new() -> World {
        let mut world = World::empty();
        world.add(record(WORKER, "worker"));
        world.add(record(OTHER, "other"));
        let mut system = record(SYSTEM, "system");
        (system.kind, system.assignments) = (ActorKind::System, Vec::new());
        world.add(system);
        world
    }

    pub(super) fn empty() -> World {
        World::under(keyring())
    }

    /// The same with keys of its own.
    pub(super) fn under(keyring: Arc<Keyring>) -> World {
        let (reader, applier) =
            open(Path::new("nowhere"), EngineKind::Memory, 0).expect("a store in memory");
        let directory = Arc::new(Directory::new(keyring.clone()));
        let random = Arc::new(CountingRandom::default());
        let signer = keyring.token_signer();
        let identity = Identity::new(directory, keyring, ORIGIN, random, at(BEGUN));
        let issued = identity.issue(WORKER, None, 1, at(NOW)).expect("a token");
        let key_id = part(issued.show(), 0)["kid"].as_str().expect("a key id").to_owned();
        World { identity, reader, applier, signer, key_id }
    }

    pub(super) fn directory(&self) -> &Directory {
        self.identity.directory()
    }

    /// As the trail does it: applied to the store, then to those who keep a picture of it.
    pub(super) fn apply(&mut self, change: &Change) {
        self.applier.apply(change.ops.iter().map(|op| (0, op))).expect("applied");
        self.identity.directory().applied(&change.ops);
    }

    pub(super) fn add(&mut self, record: ActorRecord) {
        let change = self.directory().addition(&NewActor { record }).expect("an actor");
        self.apply(&change);
    }

    pub(super) fn change(&mut self, id: ActorId, edit: impl FnOnce(&mut ActorRecord)) {
        let mut record = self.directory().record(&id).expect("an actor");
        edit(&mut record);
        let change = self.directory().replacement(&record).expect("an actor");
        self.apply(&change);
    }

    pub(super) fn header(&self) -> Value {
        json!({"alg": "EdDSA", "kid": self.key_id, "typ": "at+jwt"})
    }

    /// What a good token of the worker claims.
    pub(super) fn claims(&self) -> Value {
        json!({
            "iss": ORIGIN, "sub": WORKER, "aud": ORIGIN, "jti": ActorId::from_bytes([5; 16]),
            "exp": NOW + 600, "nbf": NOW, "iat": NOW,
        })
    }

    /// Any header and claims under a right signature.
    pub(super) fn signed(&self, header: &str, claims: &str) -> String {
        let body = format!("{}.{}", encoded(header), encoded(claims));
        format!("{body}.{}", encoded(self.signer.sign(body.as_bytes())))
    }

    pub(super) fn with_header(&self, edit: impl FnOnce(&mut Value)) -> String {
        let mut header = self.header();
        edit(&mut header);
        self.signed(&header.to_string(), &self.claims().to_string())
    }

    pub(super) fn with_claims(&self, edit: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims();
        edit(&mut claims);
        self.signed(&self.header().to_string(), &claims.to_string())
    }

    pub(super) fn good(&self) -> String {
        self.with_claims(|_| {})
    }

    pub(super) fn enter(&self, token: &str) -> Result<ActorId, IdentityError> {
        self.enter_at(token, NOW)
    }

    pub(super) fn enter_at(&self, token: &str, seconds: i64) -> Result<ActorId, IdentityError> {
        self.identity.authenticate(token, at(seconds)).map(|actor| actor.standing().actor)
    }
}

pub(super) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A part of a token, read.
pub(super) fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).expect("a part");
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}
