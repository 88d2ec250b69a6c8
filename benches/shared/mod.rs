//! The product's rooms as a bench puts them together: the shipped policies, a vault in memory.
//! Never used by the product, and never a vault with anybody's data in it.
//! What is measured in here is the library; `load` measures the program.

use arc_swap::ArcSwap;
use gridvault::access::{Access, ActorId, Policy, PolicySources};
use gridvault::ambient::{Clock, HostClock, HostRandom, Random};
use gridvault::ceremony::{OpenWays, Place};
use gridvault::http::{Batches, Rooms};
use gridvault::identity::{
    ActorKind, ActorRecord, ActorState, AssignmentRecord, Directory, Identity, NewActor,
    ReadinessRecord, SecrecyTerm,
};
use gridvault::limits::{SEGMENT_BYTES_MIN, STORE_CACHE_BYTES};
use gridvault::oversight::{
    Anomalies, Index, IndexSettings, LogReader, Reviews, Thresholds, Watching,
};
use gridvault::purposes::PurposeSet;
use gridvault::records::SchemaSet;
use gridvault::seal::Seal;
use gridvault::store::{self, EngineKind, Key, SystemKey};
use gridvault::synthetic::{CityPlan, Extent, territory};
use gridvault::territory::{Territory, TerritoryData};
use gridvault::trail::{Announcement, Applied, FileMedia, Media, Settings, Surroundings, Trail};
use gridvault_keys::{Keyring, Month, RootKey};
use std::path::Path;
use std::sync::Arc;

/// A result of a bench.
pub type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// The shipped policy.
///
/// # Errors
/// A file that is not there or not right.
pub async fn policy(schemas: &SchemaSet, purposes: &PurposeSet) -> Fallible<Policy> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let read = |name: &str| std::fs::read_to_string(folder.join(name));
    let mut lines = Vec::new();
    for file in std::fs::read_dir(folder.join("roles"))? {
        let path = file?.path();
        let role = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        lines.push((role, std::fs::read_to_string(path)?));
    }
    let (model, roles, narrowing) =
        (read("model.conf")?, read("roles.toml")?, read("narrowing.csv")?);
    let sources = PolicySources {
        model: &model,
        roles: &roles,
        lines,
        narrowing: &narrowing,
        purposes: PurposeSet::built_in_text(),
        anomalies: "",
    };
    Ok(Policy::load(&sources, purposes, schemas).await?)
}

/// A vault in memory, with one worker of one grid.
pub struct SmallVault {
    /// Its rooms.
    pub rooms: Arc<Rooms>,
    /// Its keys.
    pub keyring: Arc<Keyring>,
    /// The worker's token.
    pub token: String,
    /// The worker.
    pub worker: ActorId,
    /// The grid.
    pub grid: String,
    _directory: tempfile::TempDir,
}

/// What the rooms of a vault stand on.
pub struct Ground<'a> {
    /// Journal, log and engine lie here.
    pub directory: &'a Path,
    /// Origin of the log.
    pub origin: &'a str,
    /// The keys.
    pub keyring: Arc<Keyring>,
    /// The engine.
    pub engine: EngineKind,
    /// The journal's disk.
    pub media: Arc<dyn Media>,
    /// Size of a journal segment, in bytes.
    pub segment_bytes: u64,
}

/// Opens the rooms over what lies there, as `gridvault serve` does, and says nothing into the log.
///
/// # Errors
/// Whatever keeps a vault from opening.
pub async fn open(ground: Ground<'_>) -> Fallible<Rooms> {
    open_at(ground, Arc::new(HostClock::new())).await
}

/// The same, by a clock that is given.
///
/// # Errors
/// As [`open`].
pub async fn open_at(ground: Ground<'_>, clock: Arc<dyn Clock>) -> Fallible<Rooms> {
    let Ground { directory, origin, keyring, engine, media, segment_bytes } = ground;
    let random: Arc<dyn Random> = Arc::new(HostRandom::new());
    let schemas = Arc::new(SchemaSet::built_in()?);
    let purposes = PurposeSet::built_in(&schemas)?;
    let policy = policy(&schemas, &purposes).await?;
    let (store, applier) = store::open(&directory.join("store"), engine, STORE_CACHE_BYTES)?;
    let actors = Arc::new(Directory::new(keyring.clone()));
    let seal = Arc::new(Seal::new(keyring.clone(), schemas.clone())?);
    let reviews = Arc::new(Reviews::new(seal.clone()));
    let around = Surroundings {
        keyring: keyring.clone(),
        clock: clock.clone(),
        random: random.clone(),
        media,
    };
    let settings = Settings {
        journal_directory: directory.join("journal"),
        log_directory: directory.join("log"),
        origin: origin.to_owned(),
        segment_bytes,
        written_directories: ["journal", "log", "store"].map(|name| directory.join(name)).into(),
    };
    settings.make_room(around.media.clone())?;
    let listeners: Vec<Arc<dyn Applied>> = vec![seal.clone(), actors.clone(), reviews.clone()];
    let trail = Trail::start(applier, settings, around, listeners)?;
    actors.load(&store).await?;
    reviews.load(&store).await?;
    // Where no policy was ever put in force, every permit relies on version 0.
    let in_force = store.get(&Key::system(SystemKey::Policy)).await?;
    let (version, activated) = in_force.map_or((0, 1), |stored| (stored.version.0, stored.index));
    let parts = store.scan(&Key::territory_prefix(), None, usize::from(u16::MAX)).await?;
    let tree: Vec<u8> = parts.into_iter().flat_map(|(_, stored)| stored.payload).collect();
    let territory = match tree.is_empty() {
        true => sample_territory(&*clock),
        false => serde_json::from_slice(&tree)?,
    };
    let log = LogReader::open(&directory.join("log"), origin)?;
    let index = IndexSettings {
        directory: directory.join("index"),
        log: log.clone(),
        has_room: Box::new(|| true),
    };
    let is_role = |word: &str| policy.role(word).is_some();
    let is_purpose = |word: &str| purposes.get(word).is_some();
    let thresholds = Thresholds::read(Thresholds::built_in_text(), is_role, is_role, is_purpose)?;
    let watching = Watching {
        directory: directory.join("anomalies"),
        log: log.clone(),
        has_room: Box::new(|| true),
        thresholds,
        schemas: schemas.clone(),
        is_own: Box::new({
            let actors = actors.clone();
            move |actor, handle| actors.is_own(actor, handle)
        }),
        lapsed: Box::new({
            let actors = actors.clone();
            move |actor, after, through| actors.lapsed(actor, after, through)
        }),
        is_reviewed: Box::new(|_| false),
    };
    let place = Place { directory: directory.to_path_buf(), vault: origin.to_owned() };
    Ok(Rooms {
        identity: Arc::new(Identity::new(
            actors,
            keyring.clone(),
            origin,
            random.clone(),
            clock.now(),
        )),
        access: Arc::new(Access::new(policy, version, activated)),
        trail: Arc::new(trail),
        seal,
        store,
        schemas,
        purposes: Arc::new(purposes),
        territory: Arc::new(ArcSwap::from_pointee(Territory::from_data(territory)?)),
        log,
        index: Index::start(index)?,
        anomalies: Anomalies::start(watching)?,
        reviews,
        erasures: None,
        repeats: Arc::default(),
        echoes: Default::default(),
        first_words: Default::default(),
        batches: Batches::default(),
        clock,
        random,
        ways: Arc::new(OpenWays::new(place, keyring)),
        unseal_from_network: false,
        seal_asked: Arc::default(),
        synthetic: false,
    })
}

fn sample_territory(clock: &dyn Clock) -> TerritoryData {
    territory(&CityPlan {
        persons: 60,
        seed: 7,
        today: clock.now().local_date(),
        extent: Extent::Community,
    })
}

/// A keyring that is made for this run.
///
/// # Errors
/// The system's.
pub fn fresh_keyring(directory: &Path) -> Fallible<Arc<Keyring>> {
    let (year, month) = HostClock::new().now().year_month();
    let month = Month::from_year_month(year, month)?;
    let keyring = Keyring::create(&directory.join("keyring"), &RootKey::generate()?, month)?;
    Ok(Arc::new(keyring))
}

/// Makes the vault.
///
/// # Errors
/// Whatever keeps a vault from being made.
pub async fn small_vault() -> Fallible<SmallVault> {
    let directory = tempfile::tempdir()?;
    let keyring = fresh_keyring(directory.path())?;
    let ground = Ground {
        directory: directory.path(),
        origin: "bench.gridvault.example/parts",
        keyring: keyring.clone(),
        engine: EngineKind::Memory,
        media: Arc::new(FileMedia),
        segment_bytes: SEGMENT_BYTES_MIN,
    };
    let rooms = open(ground).await?;
    let grid = rooms.territory.load().grids().next().ok_or("a grid")?.code().to_string();
    let worker = ActorId::from_bytes(rooms.random.bytes16()?);
    let actors = rooms.identity.directory();
    let change = actors.addition(&NewActor { record: worker_of(worker, &grid) })?;
    let enrolled =
        Announcement::Enrolled { actor: *worker.as_bytes(), role: "grid_worker".to_owned() };
    rooms.trail.announce_change(enrolled, change).await?;
    let token = rooms.identity.issue(worker, None, 3_600, rooms.clock.now())?.show().to_owned();
    Ok(SmallVault { rooms: Arc::new(rooms), keyring, token, worker, grid, _directory: directory })
}

fn worker_of(id: ActorId, grid: &str) -> ActorRecord {
    let assignment = AssignmentRecord {
        id: [7; 16],
        role: "grid_worker".to_owned(),
        area: Some(grid.to_owned()),
        line: None,
        lead: false,
        unconfirmed_by: None,
        windows: None,
        readiness: ReadinessRecord {
            secrecy_term: Some(SecrecyTerm { signed: 0, document: "bench".to_owned() }),
            trained_until: Some(i64::MAX),
        },
        from: 0,
        until: None,
    };
    ActorRecord {
        id,
        login: "worker".to_owned(),
        kind: ActorKind::Person,
        state: ActorState::Active,
        assignments: vec![assignment],
        tokens_from: 0,
        own: None,
        log_in_key: None,
    }
}
