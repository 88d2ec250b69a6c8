//! Opens a vault: unlocks, recovers, and hands the rooms to each other.
//! Never serves by itself, and never before the journal is applied to its end.
//! The one place where the Applier passes from the store to the trail.

use super::failure::Failure;
use super::opening::{envelopes, open_with_passphrase};
use super::policy_files::{self, Policies};
use super::{
    clock, found_anew, metrics, pkcs11, privacy, rebuild, retention, second_place, ship, snapshots,
};
use crate::access::Access;
use crate::ambient::{BelievedClock, Clock, HostRandom, Micros, Random};
use crate::ceremony::{self, OpenWays, Place, Told};
use crate::config::{Config, layout};
use crate::http::{Batches, Rooms};
use crate::identity::{Directory, Identity};
use crate::jobs::{
    Expiry, ExpirySettings, Rotation, RotationSettings, RotationWaker, Scrub, ScrubSettings,
};
use crate::limits::EXPIRY_CLOCK_LEAP_MAX;
use crate::operations::destroy_keys;
use crate::oversight::{
    Anomalies, Index, IndexSettings, LogReader, Retention, Reviews, Shipper, Thresholds, Watching,
};
use crate::records::SchemaSet;
use crate::seal::Seal;
use crate::store::{
    self, Applier, Change, EngineKind, Expect, Key, Op, Reader, StoreError, Stored, SystemKey,
    Version,
};
use crate::territory::{Territory, TerritoryData};
use crate::trail::{
    Announcement, Applied, FileMedia, Media, Recorded, Settings, Snapshots, Space, Surroundings,
    Trail, TrailError, Witnesses, WitnessesError, hold_in_doubt,
};
use crate::unlock::WatchedToken;
use arc_swap::ArcSwap;
use gridvault_audit::verifier_key;
use gridvault_keys::{KeyError, Keyring, KeyringLock, RootKey, Signer};
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// An open vault.
pub(super) struct Vault {
    pub(super) rooms: Arc<Rooms>,
    /// The key that verifies the log, for auditors.
    pub(super) log_key: String,
    /// Sends entries to a receiver as long as it is held.
    pub(super) shipper: Option<Shipper>,
    /// Holds the store against the log as long as it is held.
    pub(super) scrub: Scrub,
    /// Removes what is past its end as long as it is held.
    pub(super) expiry: Expiry,
    /// Replaces keys, where two people wanted it, as long as it is held.
    pub(super) rotation: Rotation,
    /// Ends the retention of old entries.
    pub(super) retention: Retention,
    /// Makes snapshots of the store.
    pub(super) snapshots: Snapshots,
    /// Tells an operator's collector how the vault does.
    pub(super) metrics: Option<JoinHandle<()>>,
}

/// Parts of the tree of grids are stored in pieces of this size, in bytes.
const TERRITORY_PART_BYTES: usize = 48 * 1024;

/// Opens the vault of a configuration with an unlocked keyring.
pub(super) async fn open(config: &Config, keyring: Keyring) -> Result<Vault, Failure> {
    let keyring = Arc::new(keyring);
    let steady = Arc::new(clock::of_host());
    let clock: Arc<dyn Clock> = steady.clone();
    let random: Arc<dyn Random> = Arc::new(HostRandom::new());
    let Policies { policy, purposes, schemas, thresholds } =
        policy_files::load(config.policies.as_deref()).await?;
    let schemas = Arc::new(schemas);
    let actors = Arc::new(Directory::new(keyring.clone()));
    let seal = Seal::new(keyring.clone(), schemas.clone());
    let seal = Arc::new(seal.map_err(|error| Failure::failed("the seal cannot start", &error))?);
    let reviews = Arc::new(Reviews::new(seal.clone()));
    let settings = settings_of(config);
    let media: Arc<dyn Media> = Arc::new(FileMedia);
    settings.make_room(media.clone()).map_err(|fault| Failure::from(&fault))?;
    let witnesses = checked_witnesses(config, &log_keys(config, &keyring))?;
    let (reader, applier) = store_of(config, &keyring).await?;
    let around = around(&keyring, &clock, &random, &media);
    let waker = RotationWaker::default();
    let listeners: Vec<Arc<dyn Applied>> =
        vec![seal.clone(), actors.clone(), reviews.clone(), Arc::new(waker.clone())];
    let trail = Trail::start(applier, settings, around, listeners)
        .and_then(|trail| trail.asking(witnesses))
        .map_err(|fault| Failure::from(&fault))?;
    let trail = Arc::new(trail);
    let snapshots = snapshots::begin(config, &trail, media)?;
    let (log, index) = open_log(config, &trail)?;
    let retention = retention::begin(config, &log, &clock)?;
    // Before anything is told or decided by it.
    let passed_over = clock::hold(&steady, retention.last_before(), config.believe_clock);
    load(&actors, &reviews, &reader).await?;
    let fail = |error| Failure::storage("the store cannot be read", &error);
    let in_force = reader.get(&Key::system(SystemKey::Policy)).await.map_err(fail)?;
    let told = (&*keyring, &*actors, clock.now());
    announce_start(&trail, &reader, config, &*random, told).await?;
    clock::tell(&trail, passed_over).await?;
    let (version, activated) = activate(&trail, in_force, policy.digest()).await?;
    finish_erasures(&reader, &seal, &trail).await;
    let territory = read_territory(&reader).await?;
    let anomalies =
        watch(config, &trail, &log, thresholds, &schemas, actors.clone(), reviews.clone())?;
    let (chance, now) = (random.clone(), clock.now());
    let rooms = Rooms {
        identity: Identity::new(actors, keyring.clone(), &config.origin, chance, now).into(),
        access: Arc::new(Access::new(policy, version, activated)),
        trail,
        seal,
        store: reader,
        schemas,
        purposes: Arc::new(purposes),
        territory: Arc::new(ArcSwap::from_pointee(territory)),
        log,
        index,
        anomalies,
        reviews,
        erasures: second_place::open(config, &keyring)?,
        repeats: Arc::default(),
        echoes: crate::operations::Echoes::default(),
        first_words: crate::operations::FirstWords::default(),
        batches: Batches::default(),
        clock,
        random,
        ways: ways_of(config, &keyring),
        unseal_from_network: config.unseal_from_network,
        seal_asked: Arc::default(),
        synthetic: config.synthetic,
    };
    beside(config, rooms, retention, snapshots, waker).await
}

/// What the trail takes from outside.
fn around(
    keyring: &Arc<Keyring>,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
    media: &Arc<dyn Media>,
) -> Surroundings {
    Surroundings {
        keyring: keyring.clone(),
        clock: clock.clone(),
        random: random.clone(),
        media: media.clone(),
    }
}

/// The store, opened beside whatever else is asked meanwhile: to make it again takes as long as its journal is.
async fn store_of(config: &Config, keyring: &Arc<Keyring>) -> Result<(Reader, Applier), Failure> {
    let (config, keyring) = (config.clone(), keyring.clone());
    let opened = tokio::task::spawn_blocking(move || open_store(&config, &keyring)).await;
    opened.map_err(|error| Failure::failed("the store cannot be opened", &error))?
}

/// Opens the store, and makes it again first where the power went under it: journal and snapshots were synced, its own files were not.
fn open_store(config: &Config, keyring: &Keyring) -> Result<(Reader, Applier), Failure> {
    let path = config.directory.join(layout::STORE);
    let open = || store::open(&path, EngineKind::Sled, config.store_cache_bytes);
    let opened = match open() {
        Err(doubt @ StoreError::LeftOpen) => {
            make_store_again(config, keyring, &doubt)?;
            open()
        }
        opened => opened,
    };
    let opened =
        opened.map_err(|error| Failure::of_the_store("the store cannot be opened", &error))?;
    rebuild::clear_away(&config.directory)?;
    Ok(opened)
}

fn make_store_again(config: &Config, keyring: &Keyring, doubt: &StoreError) -> Result<(), Failure> {
    let path = config.directory.join(layout::STORE);
    let checkpoint = Key::system(SystemKey::Checkpoint);
    let told = store::told_in_doubt(&path, &checkpoint, config.store_cache_bytes);
    if let Some(told) = &told {
        let held = hold_in_doubt(&settings_of(config), keyring, told);
        held.map_err(|fault| Failure::from(&fault))?;
    }
    if told.is_none() && !config.directory.join(layout::LOG).exists() {
        // The very first start, before anybody was told anything.
        let removed = std::fs::remove_dir_all(&path);
        return removed.map_err(|error| Failure::storage("the store cannot be begun", &error));
    }
    tracing::warn!(why = %doubt, "the store is made again of the newest snapshot and the journal");
    rebuild::make_again(config, keyring, None).map(drop)
}

/// The ways to its root key, which change beside the requests.
fn ways_of(config: &Config, keyring: &Arc<Keyring>) -> Arc<OpenWays> {
    Arc::new(OpenWays::new(place_of(config), keyring.clone()))
}

/// Starts what works beside the requests.
async fn beside(
    config: &Config,
    rooms: Rooms,
    retention: Retention,
    snapshots: Snapshots,
    waker: RotationWaker,
) -> Result<Vault, Failure> {
    second_place::agree(config, &rooms).await?;
    found_anew::agree(config, &rooms).await?;
    let shipper = ship::start(config, &rooms.trail, rooms.log.clone()).await?;
    let last_before = retention.last_before();
    let retention = retention::for_whoever_needs_it(retention, &rooms.reviews, shipper.as_ref());
    let scrub = scrub(config, &rooms)?;
    let expiry = expiry(config, &rooms, last_before)?;
    let rotation = rotation(config, &rooms, waker)?;
    let beside = (&scrub, &expiry, &rotation, &retention);
    let metrics = metrics::start(config, &rooms, beside, shipper.as_ref()).await?;
    let log_key = rooms.trail.log_key();
    let rooms = Arc::new(rooms);
    Ok(Vault { rooms, log_key, shipper, scrub, expiry, rotation, retention, snapshots, metrics })
}

/// Where the trail writes.
pub(super) fn settings_of(config: &Config) -> Settings {
    let directory = &config.directory;
    Settings {
        journal_directory: directory.join(layout::JOURNAL),
        log_directory: directory.join(layout::LOG),
        origin: config.origin.clone(),
        segment_bytes: config.journal_segment_bytes,
        written_directories: [layout::JOURNAL, layout::LOG, layout::STORE, layout::SNAPSHOTS]
            .map(|name| directory.join(name))
            .into(),
    }
}

/// Fills the pictures that follow the store from here on.
async fn load(actors: &Directory, reviews: &Reviews, reader: &Reader) -> Result<(), Failure> {
    actors
        .load(reader)
        .await
        .map_err(|error| Failure::storage("the directory of actors cannot be read", &error))?;
    reviews
        .load(reader)
        .await
        .map_err(|error| Failure::storage("the reviews cannot be read", &error))
}

/// What can be made again is the first that takes no more room on a disk that fills up.
fn has_ample_room(trail: &Arc<Trail>) -> Box<dyn Fn() -> bool + Send> {
    let trail = trail.clone();
    Box::new(move || trail.space() == Space::Ample)
}

fn open_log(config: &Config, trail: &Arc<Trail>) -> Result<(LogReader, Index), Failure> {
    let log = trail.log_reader();
    let (directory, has_room) = (config.directory.join(layout::INDEX), has_ample_room(trail));
    let index = Index::start(IndexSettings { directory, log: log.clone(), has_room });
    let index = index.map_err(|error| Failure::failed("the search index cannot start", &error))?;
    Ok((log, index))
}

/// Looks for anomalies from now on. Whose own record something is and which post lapsed, the directory alone can tell; what was
/// looked into, the reviews.
fn watch(
    config: &Config,
    trail: &Arc<Trail>,
    log: &LogReader,
    thresholds: Thresholds,
    schemas: &Arc<SchemaSet>,
    actors: Arc<Directory>,
    reviews: Arc<Reviews>,
) -> Result<Anomalies, Failure> {
    let (log, schemas) = (log.clone(), schemas.clone());
    let posts = actors.clone();
    let is_own = Box::new(move |actor: &_, handle: &str| actors.is_own(actor, handle));
    let lapsed = Box::new(move |actor: &_, after, through| posts.lapsed(actor, after, through));
    let is_reviewed = Box::new(move |id: &_| reviews.of(id).is_some());
    let (directory, has_room) = (config.directory.join(layout::ANOMALIES), has_ample_room(trail));
    let watching =
        Watching { directory, log, has_room, thresholds, schemas, is_own, lapsed, is_reviewed };
    Anomalies::start(watching)
        .map_err(|error| Failure::failed("the search for anomalies cannot start", &error))
}

/// Holds the store against the log from now on.
fn scrub(config: &Config, rooms: &Rooms) -> Result<Scrub, Failure> {
    Scrub::start(ScrubSettings {
        store: rooms.store.clone(),
        seal: rooms.seal.clone(),
        log: rooms.log.clone(),
        trail: rooms.trail.clone(),
        clock: rooms.clock.clone(),
        rest: config.scrub_rest,
    })
    .map_err(|error| Failure::failed("the scrub cannot start", &error))
}

/// Removes what is past its end from now on, by a clock that is held against the last entry before this run.
fn expiry(config: &Config, rooms: &Rooms, last_before: Option<Micros>) -> Result<Expiry, Failure> {
    Expiry::start(ExpirySettings {
        store: rooms.store.clone(),
        seal: rooms.seal.clone(),
        access: rooms.access.clone(),
        trail: rooms.trail.clone(),
        schemas: rooms.schemas.clone(),
        purposes: rooms.purposes.clone(),
        territory: rooms.territory.clone(),
        today: BelievedClock::new(rooms.clock.clone(), last_before, EXPIRY_CLOCK_LEAP_MAX),
        clock: rooms.clock.clone(),
        random: rooms.random.clone(),
        rest: config.expiry_rest,
    })
    .map_err(|error| Failure::failed("the removal of what is past its end cannot start", &error))
}

/// Goes on with a rotation of keys from now on, and begins one as soon as two people want it.
fn rotation(config: &Config, rooms: &Rooms, waker: RotationWaker) -> Result<Rotation, Failure> {
    Rotation::start(RotationSettings {
        store: rooms.store.clone(),
        seal: rooms.seal.clone(),
        identity: rooms.identity.clone(),
        trail: rooms.trail.clone(),
        clock: rooms.clock.clone(),
        percent: config.rotation_percent,
        waker,
    })
    .map_err(|error| Failure::failed("the rotation of keys cannot start", &error))
}

/// The witnesses of the configuration. The log is held against what they have seen before anything is written: one that was
/// put back must not grow another history.
fn checked_witnesses(config: &Config, log_keys: &[String]) -> Result<Option<Witnesses>, Failure> {
    let witnesses = witnesses(config, log_keys)?;
    if let Some(found) = &witnesses {
        found.check().map_err(|fault| Failure::from(&fault))?;
    }
    Ok(witnesses)
}

/// The keys that sign the log, as its verifiers are given them: two while one follows the other.
fn log_keys(config: &Config, keyring: &Keyring) -> Vec<String> {
    let (signer, next) = keyring.log_signers();
    let named = |signer: &Signer| verifier_key(&config.origin, &signer.public_key());
    [named(&signer)].into_iter().chain(next.as_ref().map(named)).collect()
}

/// The policy of witnesses and the authorities for https, as their files have them.
type WitnessFiles = (Vec<u8>, Option<Vec<u8>>);

fn witness_files(config: &Config) -> Result<Option<WitnessFiles>, Failure> {
    let Some(policy) = &config.witness_policy else { return Ok(None) };
    let read = |what: &str, path: &Path| {
        std::fs::read(path).map_err(|error| Failure::failed(what, &error))
    };
    let policy = read("the policy of witnesses cannot be read", policy)?;
    let authorities = config
        .witness_ca_file
        .as_deref()
        .map(|path| read("the authorities for https cannot be read", path))
        .transpose()?;
    Ok(Some((policy, authorities)))
}

/// Judges the files of the witnesses without the vault's keys.
pub(super) fn judge_witnesses(config: &Config) -> Result<(), Failure> {
    let Some((policy, authorities)) = witness_files(config)? else { return Ok(()) };
    Witnesses::judge(&policy, &config.origin, authorities.as_deref())
        .map_err(|error| Failure::failed("the witnesses", &error))
}

fn witnesses(config: &Config, log_keys: &[String]) -> Result<Option<Witnesses>, Failure> {
    let Some((policy, authorities)) = witness_files(config)? else { return Ok(None) };
    let log_directory = config.directory.join(layout::LOG);
    let age_max = config.witness_age_max;
    let mut made = Err(WitnessesError::LogMissing);
    for key in log_keys {
        let directory = log_directory.clone();
        made = Witnesses::new(&policy, key, directory, authorities.as_deref(), age_max);
        if !matches!(made, Err(WitnessesError::LogMissing)) {
            break;
        }
    }
    made.map(Some).map_err(|error| Failure::failed("the witnesses", &error))
}

/// Destroys the keys of whoever was erased before the process before ended, and before anybody is served. What keeps it from
/// being done keeps nobody else from being served: it waits, and is tried again with the next erasure and at the next start.
async fn finish_erasures(reader: &Reader, seal: &Arc<Seal>, trail: &Trail) {
    match destroy_keys(reader, seal, trail).await {
        Ok(None) => {}
        Ok(Some(recorded)) => {
            tracing::info!(index = recorded.index(), "the keys of erased people are destroyed");
        }
        Err(error) => {
            tracing::error!(%error, "the keys of erased people are still to be destroyed");
        }
    }
}

/// Records that this process starts, and first that the vault is new where it is; then what a ceremony did at the host.
async fn announce_start(
    trail: &Trail,
    reader: &Reader,
    config: &Config,
    random: &dyn Random,
    told: (&Keyring, &Directory, Micros),
) -> Result<(), Failure> {
    // By the log and not by what the store lacks: a first start may have ended right behind this entry, before a policy was in force.
    if trail.began_empty() {
        let mut kept = Told::read(reader).await?;
        let known = told.0.root_id().map(|root| kept.kept(root)).unwrap_or_default();
        recorded(trail.announce_change(Announcement::Init, known).await)?;
    }
    let boot = random.bytes16().map_err(|error| Failure::failed("the start", &error))?;
    let start = Announcement::Start { build: build(), configuration: config.digest(), boot };
    recorded(trail.announce_keeping(start).await)?;
    rebuild::tell(trail, &config.directory).await?;
    let (keyring, actors, now) = told;
    Ok(ceremony::finish(&place_of(config), trail, reader, keyring, actors, now).await?)
}

/// Which vault it is, and where the ways to its root key lie.
pub(super) fn place_of(config: &Config) -> Place {
    Place { directory: config.directory.clone(), vault: config.origin.clone() }
}

fn recorded(outcome: Result<Recorded, TrailError>) -> Result<(), Failure> {
    outcome.map(drop).map_err(|error| Failure::storage("the start cannot be recorded", &error))
}

/// SHA-256 of the running program; zeros where the system does not let it be read.
fn build() -> [u8; 32] {
    let mut digest = [0; 32];
    // Not what lies at its path by now, which may be another one.
    let bytes = std::fs::read(super::handover::PROGRAM).unwrap_or_default();
    if !bytes.is_empty() {
        digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref());
    }
    digest
}

/// Puts the policy in force, with an entry when it is not the one that was in force before.
async fn activate(
    trail: &Trail,
    in_force: Option<Stored>,
    digest: &[u8; 32],
) -> Result<(u64, u64), Failure> {
    if let Some(Stored { version, index, payload }) = &in_force
        && payload == digest
    {
        return Ok((version.0, *index));
    }
    let key = Key::system(SystemKey::Policy);
    let version = in_force.map_or(Version::ABSENT, |stored| stored.version);
    let change = Change {
        ops: vec![Op::Put(key.clone(), version.next(), digest.to_vec())],
        expects: vec![Expect { key, version, stamp: 0 }],
    };
    let version = version.next().0;
    let announcement = Announcement::PolicyActivated { digest: *digest, version };
    let recorded = trail
        .announce_change(announcement, change)
        .await
        .map_err(|error| Failure::storage("the policy cannot be put in force", &error))?;
    Ok((version, recorded.index()))
}

/// Sets the tree of grids of a new vault.
pub(super) async fn set_territory(vault: &Vault, data: TerritoryData) -> Result<(), Failure> {
    let fail = |error: &(dyn std::error::Error + 'static)| {
        Failure::failed("the tree of grids cannot be set", error)
    };
    let bytes = serde_json::to_vec(&data).map_err(|error| fail(&error))?;
    let territory = Territory::from_data(data).map_err(|error| fail(&error))?;
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref());
    let mut change = Change::default();
    for (part, piece) in bytes.chunks(TERRITORY_PART_BYTES).enumerate() {
        let part = u16::try_from(part)
            .map_err(|_| Failure::Failed("the tree of grids is too large".into()))?;
        change.put_new(Key::system(SystemKey::Territory(part)), piece.to_vec());
    }
    let announcement = Announcement::TerritorySet { digest };
    vault.rooms.trail.announce_change(announcement, change).await.map_err(|error| fail(&error))?;
    vault.rooms.territory.store(Arc::new(territory));
    Ok(())
}

async fn read_territory(reader: &Reader) -> Result<Territory, Failure> {
    let fail = |error: &(dyn std::error::Error + 'static)| {
        Failure::storage("the tree of grids cannot be read", error)
    };
    let parts = reader
        .scan(&Key::territory_prefix(), None, usize::from(u16::MAX))
        .await
        .map_err(|error| fail(&error))?;
    if parts.is_empty() {
        return Territory::from_data(TerritoryData::default()).map_err(|error| fail(&error));
    }
    let bytes: Vec<u8> = parts.into_iter().flat_map(|(_, stored)| stored.payload).collect();
    let data = serde_json::from_slice(&bytes).map_err(|error| fail(&error))?;
    Territory::from_data(data).map_err(|error| fail(&error))
}

/// Takes the keys of a vault for this process, before anything of it is read. No other process of the vault runs as long as it
/// is held, not even one that waits sealed.
pub(super) fn hold(config: &Config) -> Result<KeyringLock, Failure> {
    KeyringLock::take(&config.directory.join(layout::KEYRING)).map_err(|error| match error {
        // Nothing is wrong with what is stored: a process of the vault runs, and this one is one too many.
        KeyError::KeyringInUse => Failure::failed("the vault's keys", &error),
        error => Failure::storage("the vault's keys", &error),
    })
}

/// Whether another process has the keys of a vault.
pub(super) fn are_held(config: &Config) -> bool {
    let taken = KeyringLock::take(&config.directory.join(layout::KEYRING));
    matches!(taken, Err(KeyError::KeyringInUse))
}

/// Opens the keyring of a vault with the passphrase in a file, or with its token and the PIN in one. Gives the token, which
/// must stay.
pub(super) fn unlock(
    config: &Config,
    held: &KeyringLock,
) -> Result<(Keyring, Option<WatchedToken>), Failure> {
    let (root, token) = match (&config.passphrase_file, &config.pin_file) {
        (Some(file), None) => (open_with_passphrase(&envelopes(config)?, file)?, None),
        (None, Some(file)) => pkcs11::open(config, &envelopes(config)?, file)?,
        (None, None) => {
            let text = "name the file that holds the passphrase, or the PIN of the token: \
                        --passphrase-file, --pin-file";
            return Err(Failure::Usage(text.into()));
        }
        (Some(_), Some(_)) => {
            let text = "name a passphrase file or a PIN file, not both";
            return Err(Failure::Usage(text.into()));
        }
    };
    Ok((open_keyring(&config.directory, &root, held)?, token))
}

/// Opens the keyring under a root key; says when a slot had to be repaired.
pub(super) fn open_keyring(
    directory: &Path,
    root: &RootKey,
    _held: &KeyringLock,
) -> Result<Keyring, Failure> {
    // Not before: what a passphrase is stretched in is given back to the host first, which locked pages are not.
    privacy::lock_pages();
    let (keyring, health) = Keyring::open(&directory.join(layout::KEYRING), root)
        .map_err(|error| Failure::storage("the keyring cannot be opened", &error))?;
    if health != gridvault_keys::KeyringHealth::Whole {
        tracing::warn!(?health, "the keyring was repaired");
    }
    if keyring.uses_were_lost() {
        tracing::warn!(
            "how often the keys sealed before is not known: each counts as used a good deal"
        );
    }
    Ok(keyring)
}
