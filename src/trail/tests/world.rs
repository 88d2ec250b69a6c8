//! A vault's trail in a directory that vanishes, with a clock and a chance that stand still.
//! Never trusts the trail about itself: [`World::story`] reads the journal, the store and the log again.
//! The store in memory is lost with each run, so every start replays the whole journal.

use super::disk::{Disk, DiskMedia};
use super::{Later, hand_over, later, wait};
use crate::access::{Access, ActorId, Origin, Permit, Policy, PolicySources, Standing, Written};
use crate::ambient::{Clock, Micros, NoRandomness, Random};
use crate::limits::SEGMENT_BYTES_MIN;
use crate::purposes::PurposeSet;
use crate::records::{Owner, RecordId, RecordRef, RecordType, SchemaSet, SubjectId, Target};
use crate::store::{
    Applier, Change, EngineKind, Expect, Key, Op, Reader, Stored, SystemKey, Version, open,
};
use crate::trail::integrate::LogSigner;
use crate::trail::journal::{Position, replay};
use crate::trail::{
    Announcement, Applied, Recorded, Refused, Settings, Surroundings, Trail, TrailError, TrailFault,
};
use gridvault_audit::LogReader;
use gridvault_audit::verify::{VerifierKey, verify_directory};
use gridvault_keys::{Keyring, Month, RootKey};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

pub(super) const ORIGIN: &str = "vault.example/trail-tests";
/// 2027-01-15T08:00:00Z.
pub(super) const NOW: Micros = Micros(1_800_000_000_000_000);

pub(super) fn actor() -> ActorId {
    ActorId::from_bytes([0xa1; 16])
}

pub(super) struct HeldClock {
    pub(super) now: AtomicI64,
    pub(super) monotonic: AtomicU64,
}

impl Clock for HeldClock {
    fn now(&self) -> Micros {
        Micros(self.now.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> u64 {
        self.monotonic.load(Ordering::SeqCst)
    }
}

#[derive(Default)]
struct CountingRandom(AtomicU64);

impl Random for CountingRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        let count = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        for (byte, counted) in bytes.iter_mut().zip(count.iter().cycle()) {
            *byte = *counted;
        }
        Ok(())
    }
}

pub(super) fn keyring() -> Arc<Keyring> {
    static SHARED: OnceLock<Arc<Keyring>> = OnceLock::new();
    SHARED
        .get_or_init(|| {
            let directory = tempfile::tempdir().expect("a directory");
            let root = RootKey::generate().expect("a root key");
            let month = Month::from_year_month(2026, 1).expect("a month");
            let path = directory.path().join("keyring");
            Arc::new(Keyring::create(&path, &root, month).expect("a keyring"))
        })
        .clone()
}

/// The shipped policy, as version 1, put in force by entry 1.
pub(super) fn access() -> &'static Access {
    static SHARED: OnceLock<Access> = OnceLock::new();
    SHARED.get_or_init(|| {
        let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        let read =
            |name: &str| std::fs::read_to_string(policies.join(name)).expect("a policy file");
        let (model, roles, narrowing) =
            (read("model.conf"), read("roles.toml"), read("narrowing.csv"));
        let purposes_text = read("purposes.toml");
        let lines = std::fs::read_dir(policies.join("roles")).expect("a directory").map(|file| {
            let path = file.expect("a file").path();
            let role = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (role, std::fs::read_to_string(&path).expect("a policy file"))
        });
        let sources = PolicySources {
            model: &model,
            roles: &roles,
            lines: lines.collect(),
            narrowing: &narrowing,
            purposes: &purposes_text,
            anomalies: "",
        };
        let schemas = SchemaSet::built_in().expect("schemas");
        let purposes = PurposeSet::built_in(&schemas).expect("purposes");
        let policy = wait(Policy::load(&sources, &purposes, &schemas)).expect("a policy");
        Access::new(policy, 1, 1)
    })
}

/// What a permit of these tests is about: records that it owns, and what was seen of them.
pub(super) struct Owned {
    pub(super) about: Vec<RecordRef>,
    pub(super) seen: Vec<(RecordId, u64, u64)>,
    pub(super) subjects: Vec<SubjectId>,
}

impl Target for Owned {
    fn records(&self) -> &[RecordRef] {
        &self.about
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.seen.clone()
    }

    fn owns(&self, owner: Owner) -> bool {
        self.about.iter().any(|record| owner == Owner::Record(record.id))
            || self.subjects.iter().any(|subject| owner == Owner::Subject(*subject))
    }
}

pub(super) fn record(number: u8) -> RecordId {
    RecordId::from_bytes([number; 16])
}

pub(super) fn owned(number: u8) -> Owned {
    let about = vec![RecordRef { id: record(number), record_type: RecordType::Person }];
    Owned { about, seen: Vec::new(), subjects: Vec::new() }
}

/// A permit of the actor in this version, for a record and what was seen of it.
pub(super) fn permit_under(actor_version: u64, target: Owned) -> Permit<Owned> {
    let standing = Standing {
        actor: actor(),
        version: actor_version,
        assignments: Arc::new([]),
        via: None,
        session: [3; 16],
        strength: 1,
    };
    access().permit_known(&standing, Written::Update, &Origin::default(), target)
}

pub(super) fn permit(target: Owned) -> Permit<Owned> {
    permit_under(1, target)
}

/// A change of two keys of one record: half of it must never be seen.
pub(super) fn change_of(number: u8, version: u64) -> Change {
    let payload = vec![number; 40 + usize::try_from(version).expect("a small version")];
    let ops = vec![
        Op::Put(Key::row(record(number)), Version(version), payload.clone()),
        Op::Put(Key::retention(7, record(number)), Version(version), payload),
    ];
    Change { ops, expects: Vec::new() }
}

/// An operation that was acknowledged, with the steps that it brought.
pub(super) type Acknowledged = (Recorded, Vec<Op>);

pub(super) struct World {
    directory: tempfile::TempDir,
    pub(super) clock: Arc<HeldClock>,
    pub(super) disk: Arc<Disk>,
    pub(super) engine: EngineKind,
    pub(super) keyring: Arc<Keyring>,
    /// What seals a keyring of its own.
    pub(super) root: RootKey,
}

pub(super) struct Run {
    pub(super) trail: Trail,
    pub(super) reader: Reader,
    pub(super) disk: Arc<Disk>,
}

/// Everything that is kept, read again.
#[derive(Debug, PartialEq)]
pub(super) struct Story {
    /// Number of entries in each frame.
    pub(super) frames: Vec<usize>,
    /// Entries and their steps.
    pub(super) entries: Vec<(Vec<u8>, Vec<Op>)>,
}

impl World {
    pub(super) fn new() -> World {
        World {
            directory: tempfile::tempdir().expect("a directory"),
            clock: Arc::new(HeldClock { now: AtomicI64::new(NOW.0), monotonic: AtomicU64::new(0) }),
            disk: Arc::new(Disk::default()),
            engine: EngineKind::Memory,
            keyring: keyring(),
            root: RootKey::generate().expect("a root key"),
        }
    }

    pub(super) fn on_sled() -> World {
        World { engine: EngineKind::Sled, ..World::new() }
    }

    /// With a keyring in a file of its own, whose bucket keys may be replaced.
    pub(super) fn with_own_keys() -> World {
        let world = World::on_sled();
        let month = Month::from_year_month(2026, 1).expect("a month");
        let keyring = Keyring::create(&world.path("keyring"), &world.root, month);
        let keyring = keyring.expect("a keyring");
        World { keyring: Arc::new(keyring), ..world }
    }

    /// The same with the ring opened anew, as the next process has it.
    pub(super) fn with_ring_opened_anew(self) -> World {
        let (keyring, _) = Keyring::open(&self.path("keyring"), &self.root).expect("the ring");
        World { keyring: Arc::new(keyring), ..self }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Lets go of a run without the entry of its stop, and waits until its threads have let go of the store.
    pub(super) fn abandon(&self, run: Run) {
        drop(run);
        let lock = std::fs::File::open(self.path("store/lock")).expect("the store's lock");
        lock.lock().expect("free");
    }

    /// Opens the store and starts the trail over it.
    pub(super) fn start(&self) -> Result<Run, TrailFault> {
        self.start_with(self.clock.clone(), Vec::new())
    }

    pub(super) fn start_with(
        &self,
        clock: Arc<dyn Clock>,
        listeners: Vec<Arc<dyn Applied>>,
    ) -> Result<Run, TrailFault> {
        if self.engine == EngineKind::Memory {
            // The mark says what the store holds, and this store holds nothing.
            let _nothing_there = std::fs::remove_file(self.path("journal/mark"));
        }
        let store = open(&self.path("store"), self.engine, 16 << 20).expect("a store");
        self.start_over(store, clock, listeners)
    }

    /// The same over a store that somebody opened.
    pub(super) fn start_over(
        &self,
        (reader, applier): (Reader, Applier),
        clock: Arc<dyn Clock>,
        listeners: Vec<Arc<dyn Applied>>,
    ) -> Result<Run, TrailFault> {
        let around = Surroundings {
            keyring: self.keyring.clone(),
            clock,
            random: Arc::new(CountingRandom::default()),
            media: Arc::new(DiskMedia(self.disk.clone())),
        };
        let trail = Trail::start(applier, self.settings(), around, listeners)?;
        Ok(Run { trail, reader, disk: self.disk.clone() })
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            journal_directory: self.path("journal"),
            log_directory: self.path("log"),
            origin: ORIGIN.into(),
            segment_bytes: SEGMENT_BYTES_MIN,
            written_directories: vec![self.path("journal"), self.path("log")],
        }
    }

    /// A started trail with its first entries: policy version 1 and the actor in version 1.
    pub(super) fn begin(&self) -> Run {
        let run = self.start().expect("a trail");
        run.introduce(&mut Vec::new()).expect("recorded");
        run
    }

    /// Journal and log, read with nothing of the trail but the frame reader, and held against each other.
    /// The log is judged by the verifier, and must hold exactly the journal's entries.
    pub(super) fn story(&self) -> Story {
        let story = self.journal();
        let signer = self.keyring.log_signer();
        let key = gridvault_audit::verifier_key(ORIGIN, &signer.public_key());
        let key = VerifierKey::parse(&key).expect("a key");
        let summary = verify_directory(&self.path("log"), &key, None).expect("a log that verifies");
        assert_eq!(summary.head.size, story.entries.len() as u64);
        let log = LogReader::open(&self.path("log"), ORIGIN).expect("a log");
        let logged = log.entries(0, usize::MAX).expect("entries");
        assert!(logged.iter().eq(story.entries.iter().map(|(entry, _)| entry)));
        story
    }

    /// The journal alone. Its frames are contiguous, or reading it fails.
    pub(super) fn journal(&self) -> Story {
        let mut story = Story { frames: Vec::new(), entries: Vec::new() };
        let chain = self.keyring.chain();
        replay(&self.path("journal"), &chain, Position::START, |frame| {
            assert_eq!(frame.first_index, story.entries.len() as u64);
            story.frames.push(frame.entries.len());
            story.entries.extend(frame.entries);
            Ok(())
        })
        .expect("a journal that reads");
        story
    }
}

impl Story {
    /// The store that the steps make.
    fn store(&self) -> BTreeMap<Key, Stored> {
        let mut store = BTreeMap::new();
        for (index, (_, ops)) in (0..).zip(&self.entries) {
            for op in ops {
                match op {
                    Op::Put(key, version, payload) => {
                        let payload = payload.clone();
                        store.insert(key.clone(), Stored { version: *version, index, payload });
                    }
                    Op::Delete(key) => {
                        store.remove(key);
                    }
                }
            }
        }
        store
    }

    /// Every acknowledged operation is where its receipt says, whole, and the store is what the steps make.
    pub(super) fn holds(&self, acknowledged: &[Acknowledged], reader: &Reader) {
        for (recorded, ops) in acknowledged {
            let index = usize::try_from(recorded.index()).expect("a small index");
            let (entry, kept) = &self.entries[index];
            assert_eq!(gridvault_audit::leaf_hash(entry), *recorded.leaf());
            assert_eq!(kept, ops);
        }
        let found = wait(reader.scan(&Key::from_bytes(&[]), None, usize::MAX)).expect("a store");
        assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), self.store());
    }

    /// As [`Story::holds`], and whatever was not acknowledged is the last frame as a whole.
    pub(super) fn holds_all_but_the_last(&self, acknowledged: &[Acknowledged], reader: &Reader) {
        self.holds(acknowledged, reader);
        let over = self.entries.len() - acknowledged.len();
        assert!(over == 0 || Some(&over) == self.frames.last(), "{over} of {:?}", self.frames);
    }
}

impl Run {
    pub(super) fn introduce(&self, done: &mut Vec<Acknowledged>) -> Result<(), TrailError> {
        done.push((wait(self.trail.announce(Announcement::Init))?, Vec::new()));
        let policy = Announcement::PolicyActivated { digest: [1; 32], version: 1 };
        let enrolled = Announcement::Enrolled { actor: *actor().as_bytes(), role: "none".into() };
        for (said, key) in
            [(policy, Key::system(SystemKey::Policy)), (enrolled, Key::actor(actor().as_bytes()))]
        {
            let mut change = Change::default();
            change.put_new(key, b"v1".to_vec());
            let ops = change.ops.clone();
            done.push((wait(self.trail.announce_change(said, change))?, ops));
        }
        done.push((self.announce_start()?, Vec::new()));
        Ok(())
    }

    pub(super) fn announce_start(&self) -> Result<Recorded, TrailError> {
        let start = Announcement::Start { build: [0; 32], configuration: [0; 32], boot: [0; 16] };
        wait(self.trail.announce(start))
    }

    /// The first entries and some writes, one after the other, until one is refused. What was
    /// acknowledged, and whether everything was.
    pub(super) fn work(&self) -> (Vec<Acknowledged>, bool) {
        let mut done = Vec::new();
        if self.introduce(&mut done).is_err() {
            return (done, false);
        }
        for step in 0..6u8 {
            let change = change_of(step % 3, u64::from(step) + 1);
            let ops = change.ops.clone();
            match self.write(step % 3, u64::from(step) + 1) {
                Ok(recorded) => done.push((recorded, ops)),
                Err(_) => return (done, false),
            }
        }
        (done, true)
    }

    pub(super) fn write(&self, number: u8, version: u64) -> Result<Recorded, Refused<Owned>> {
        wait(self.trail.commit(permit(owned(number)), change_of(number, version)))
            .map(|receipt| receipt.recorded())
    }

    /// What the store holds of a record now, as a permit for it would say.
    pub(super) fn look(&self, number: u8) -> Owned {
        let stamp = self.reader.stamp();
        let row = wait(self.reader.get(&Key::row(record(number)))).expect("a store");
        let version = row.map_or(0, |row| row.version.0);
        Owned { seen: vec![(record(number), version, stamp)], ..owned(number) }
    }

    /// Lets all of them be sequenced in one group, in this order.
    pub(super) fn in_one_group<T>(&self, mut calls: Vec<Later<'_, T>>) -> Vec<T> {
        self.disk.hold();
        let mut before = later(self.trail.announce(Announcement::Heartbeat));
        hand_over(&mut before);
        self.disk.wait_until_held();
        for call in &mut calls {
            hand_over(call);
        }
        self.disk.release();
        wait(async {
            before.await.expect("recorded");
            let mut answers = Vec::new();
            for call in calls {
                answers.push(call.await);
            }
            answers
        })
    }

    pub(super) fn stop(self) -> Reader {
        wait(self.trail.stop()).expect("stopped in order");
        self.reader
    }
}

pub(super) fn log_signer() -> LogSigner {
    LogSigner::of(ORIGIN, &keyring())
}

/// An expectation that was formed long ago.
pub(super) fn expect(key: Key, version: u64) -> Expect {
    Expect { key, version: Version(version), stamp: 0 }
}
