//! Opens the trail: recovery first, then the two threads, then the door for operations.
//! Never serves before the journal is applied and integrated to its end.
//! After a fault every call answers `Unavailable`, and [`Trail::fault`] tells the process to end.

use super::alarm::Alarm;
use super::committer::{Answered, Applied, Committer, Operation, Pending, Queue, Rejected};
use super::entry::{self, Announcement};
use super::integrate::{Integrator, LogSigner};
use super::journal::{Media, Writer};
use super::ledgers::CHARGE_BYTES;
use super::log_keys;
use super::permitted::{authority_expects, need_of, owns, sha256};
use super::readings::Counted;
use super::recover;
use super::refusals::{Budget, Refusals};
use super::sequence::Sequencer;
use super::space::{Need, SharedWatcher, Shown, Space, Watcher, apart};
use super::upkeep::KeyNews;
use super::witness::Asked;
use super::{Receipt, Recorded, Refused, TrailError, TrailFault, Unrecorded};
use crate::access::{ActorId, Authority, Charge, Denied, Permit};
use crate::ambient::{Clock, Random};
use crate::files::make_directory;
use crate::limits::{CHANGE_BYTES_MAX, RECENT_KEYS_COUNT_MAX, SEGMENT_BYTES_MIN, VALUE_BYTES_MAX};
use crate::records::{Owner, Target};
use crate::store::{Applier, Change, Expect, Key, Op, SystemKey, Version};
use gridvault_audit::{LogReader, Prepared, ShownCheckpoint};
use gridvault_keys::Keyring;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// Where the trail lives and what it is called.
pub struct Settings {
    /// Directory of the journal.
    pub journal_directory: PathBuf,
    /// Directory of the log.
    pub log_directory: PathBuf,
    /// Origin of the log: a schema-less URL prefix.
    pub origin: String,
    /// Size of a journal segment, in bytes.
    pub segment_bytes: u64,
    /// Every directory that the vault writes to; the room on their disks is watched.
    pub written_directories: Vec<PathBuf>,
}

/// What the trail takes from outside.
pub struct Surroundings {
    /// Keys of chain, context and log.
    pub keyring: Arc<Keyring>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Request ids of announcements.
    pub random: Arc<dyn Random>,
    /// The disk.
    pub media: Arc<dyn Media>,
}

/// The one door for change.
pub struct Trail {
    queue: Arc<Queue>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    origin: String,
    /// Size of the newest checkpoint that is on the disk. A reader of the log may see a newer one, which is not synced yet.
    pub(super) durable: watch::Receiver<u64>,
    fault: watch::Receiver<Option<Arc<TrailFault>>>,
    pub(super) log: LogReader,
    pub(super) space: Shown,
    refusals: Mutex<Refusals>,
    pub(super) counted: Counted,
    /// What the log says of the clock: which way it is in doubt, if it is.
    pub(super) clock_told: Mutex<Option<&'static str>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    pub(super) asked: Asked,
    began_empty: bool,
}

impl Settings {
    /// Makes room on a full disk out of all that is kept back, for the engine, which writes while it opens.
    ///
    /// # Errors
    /// The disk's, but that it is full.
    pub fn make_room(&self, media: Arc<dyn Media>) -> Result<(), TrailFault> {
        if !self.journal_directory.join("reserve").exists() {
            return Ok(());
        }
        watcher(self, media).0.give_up()
    }
}

impl Trail {
    /// Recovers and starts. The only holder of the [`Applier`].
    ///
    /// # Errors
    /// [`TrailFault::Corrupt`] when the journal or the log is not what was written, else the disk's.
    pub fn start(
        mut applier: Applier,
        settings: Settings,
        around: Surroundings,
        listeners: Vec<Arc<dyn Applied>>,
    ) -> Result<Trail, TrailFault> {
        let Surroundings { keyring, clock, random, media } = around;
        let begins = make_directory(&settings.journal_directory).map_err(TrailFault::Journal)?;
        let (watcher, space) = looking(&settings, media.clone())?;
        let segment_bytes = settings.segment_bytes.max(SEGMENT_BYTES_MIN);
        let Settings { journal_directory, log_directory, origin, .. } = settings;
        let signer = LogSigner::of(&origin, &keyring);
        let chain = keyring.chain();
        recover::hold_together(&journal_directory, &log_directory, &chain, &applier, &signer)?;
        let mut log = recover::open_log(&log_directory, &signer, begins, watcher.relief())?;
        let done_again =
            recover::recover(&journal_directory, &*media, &chain, &mut applier, &mut log, &signer)?;
        let (replayed, marked) =
            recover::move_mark(&journal_directory, &chain, &applier, done_again)?;
        let writer = Writer::open(&journal_directory, media, chain, segment_bytes, replayed.end)?;
        let (fault_sender, fault) = watch::channel(None);
        let (durable_sender, durable) = watch::channel(log.size());
        let queue = Arc::new(Queue::default());
        let alarm = Alarm { queue: queue.clone(), handoff: Arc::default(), fault: fault_sender };
        let integrator = Integrator {
            alarm: alarm.clone(),
            log,
            origin: origin.clone(),
            keyring: keyring.clone(),
            flusher: applier.flusher(),
            journal_directory,
            chain: keyring.chain(),
            position: replayed.end,
            marked,
            unmarked_bytes: 0,
            watcher,
            space: space.clone(),
            durable: durable_sender,
        };
        let committer = Committer {
            sequencer: Sequencer::new(&applier, RECENT_KEYS_COUNT_MAX),
            writer,
            applier,
            alarm: alarm.clone(),
            listeners,
            clock: clock.clone(),
            keyring: keyring.clone(),
            last_time: 0,
        };
        let log = LogReader::open(&log_directory, &origin).map_err(TrailFault::Log)?;
        let committing = alarm.spawn("committer", move || committer.run())?;
        let integrating = alarm.spawn("integrator", move || integrator.run())?;
        Ok(Trail {
            log: log_keys::believing(log, keyring.clone()),
            queue,
            keyring,
            clock,
            random,
            origin,
            durable,
            fault,
            space,
            refusals: Mutex::default(),
            counted: Counted::default(),
            clock_told: Mutex::default(),
            threads: Mutex::new(vec![committing, integrating]),
            asked: Asked::nobody(alarm),
            began_empty: replayed.end.index == 0,
        })
    }

    /// Records a permit that changes nothing.
    ///
    /// # Errors
    /// [`Refused`]; nothing happened then.
    pub async fn append<T: Target>(&self, permit: Permit<T>) -> Result<Receipt<T>, Refused<T>> {
        self.record(permit, Change::default()).await
    }

    /// Records a permit together with its change: both are durable or neither is.
    ///
    /// # Errors
    /// [`Refused`]; nothing happened then. [`TrailError::Foreign`] when a key of the change belongs neither to the
    /// permit's target nor to its caller's own memory.
    pub async fn commit<T: Target>(
        &self,
        permit: Permit<T>,
        change: Change,
    ) -> Result<Receipt<T>, Refused<T>> {
        let today = self.clock.now().utc_days();
        let owned = change.ops.iter().all(|op| owns(&permit, op, today));
        if !owned {
            return Err(Refused::Trail(TrailError::Foreign));
        }
        self.record(permit, change).await
    }

    async fn record<T: Target>(
        &self,
        permit: Permit<T>,
        change: Change,
    ) -> Result<Receipt<T>, Refused<T>> {
        self.may_record(permit.account().written).map_err(Refused::Trail)?;
        let digests = change.ops.iter().filter_map(|op| match op {
            Op::Put(key, _, payload) if key.is_row() => Some(sha256(payload)),
            _ => None,
        });
        let entry = entry::allowed(permit.account(), digests, &self.keyring, &*self.clock)
            .map_err(Refused::Trail)?;
        let mut change = change;
        change.expects.extend(authority_expects(permit.authority()));
        if let Some((id, _)) = permit.authority().mandate.filter(|_| permit.authority().spends) {
            // Used up with the entry that used it: of two that come at once one is decided again, and finds it gone.
            change.put_new(Key::spent(id), Vec::new());
        }
        change.expects.extend(permit.target().seen().into_iter().map(|(id, version, stamp)| {
            Expect { key: Key::row(id), version: Version(version), stamp }
        }));
        let authority = *permit.authority();
        let charges = permit.charges().to_vec();
        let need = need_of(permit.account().written);
        let answer = self.enqueue(entry, Some(authority), change, charges, need);
        let answer = answer.map_err(Refused::Trail)?;
        match answered(answer).await {
            Ok(Recorded { index, leaf }) => Ok(Receipt { permit, index, leaf }),
            Err(Rejected::Stale) => Err(Refused::Stale(permit.into_target())),
            Err(Rejected::Limit) => Err(Refused::Limit(permit.into_target())),
            Err(Rejected::Error(error)) => Err(Refused::Trail(error)),
        }
    }

    /// Records a refusal, within its budget.
    ///
    /// # Errors
    /// [`Unrecorded::Counted`] over the budget: the summary will have it.
    pub async fn refuse(&self, denied: Denied) -> Result<Recorded, Unrecorded> {
        self.counted.refused.fetch_add(1, Ordering::Relaxed);
        let account = denied.account();
        let now = self.clock.now();
        let budget = {
            let mut refusals = self.lock_refusals();
            match account.actor {
                // A line of a batch that is not well formed tells of a bad file, not of an intruder.
                Some(actor) if account.origin.in_batch && denied.why().is_of_form() => {
                    refusals.line(actor, now)
                }
                Some(actor) => refusals.known(actor, now),
                None => {
                    refusals.stranger(account.origin.address.as_deref().unwrap_or_default(), now)
                }
            }
        };
        if budget == Budget::Count {
            return Err(Unrecorded::Counted);
        }
        let recorded = self.record_refusal(&denied, budget == Budget::RecordAndLock).await;
        recorded.map_err(|error| {
            self.lock_refusals().count(1);
            Unrecorded::Trail(error)
        })
    }

    async fn record_refusal(&self, denied: &Denied, locks: bool) -> Result<Recorded, TrailError> {
        let (account, why) = (denied.account(), denied.why().as_str());
        let entry = entry::denied(account, why, &self.keyring, &*self.clock)?;
        let lock_out = account.actor.filter(|_| locks);
        let lock_out = lock_out
            .map(|actor| self.announced(&Announcement::LockedOut { actor: *actor.as_bytes() }))
            .transpose()?;
        let refused = self.enqueue(entry, None, Change::default(), Vec::new(), Need::Entry)?;
        // In line before anything is awaited: a caller that goes away must not take its lock-out with it.
        let lock_out = lock_out
            .map(|entry| self.enqueue(entry, None, Change::default(), Vec::new(), Need::Entry))
            .transpose();
        let recorded = answered(refused).await.map_err(unchanged)?;
        if let Ok(Some(lock_out)) = lock_out {
            let _recorded_too = answered(lock_out).await;
        }
        Ok(recorded)
    }

    /// Whether an actor used up its budget of refusals for this hour. A yes is counted.
    pub fn is_locked_out(&self, actor: ActorId) -> bool {
        let mut refusals = self.lock_refusals();
        let locked = refusals.is_locked_out(actor, self.clock.now());
        if locked {
            refusals.count(1);
        }
        locked
    }

    /// Records what the vault itself has to say.
    ///
    /// # Errors
    /// When the trail takes nothing more.
    pub async fn announce(&self, announcement: Announcement) -> Result<Recorded, TrailError> {
        self.announce_change(announcement, Change::default()).await
    }

    /// Records what the vault itself changes: its policy, its first administrators, its tree of grids.
    /// Touches system, actor and enrolment keys alone.
    ///
    /// # Errors
    /// [`TrailError::Foreign`] for any other key, else as [`Trail::announce`].
    pub async fn announce_change(
        &self,
        announcement: Announcement,
        change: Change,
    ) -> Result<Recorded, TrailError> {
        let of_the_vault = |op: &Op| {
            matches!(
                op.key().owner(),
                Some(Owner::System | Owner::Actor(_) | Owner::Enrolment | Owner::Login)
            )
        };
        if !change.ops.iter().all(of_the_vault) {
            return Err(TrailError::Foreign);
        }
        let entry = self.announced(&announcement)?;
        let need = match announcement {
            Announcement::Stop => Need::Stop,
            _ => Need::Entry,
        };
        self.submit(entry, change, Vec::new(), need).await.map_err(unchanged)
    }

    /// Records what becomes of keys, together with the wrapped keys that it writes anew, what it seals anew under another header key, the
    /// index terms that it moves, the erasures that it completes and how far a rotation is. Nothing where something moved on since it was looked at: then nothing happened.
    ///
    /// # Errors
    /// [`TrailError::Foreign`] for any other key, else as [`Trail::announce`].
    pub async fn announce_keys(
        &self,
        announcement: Announcement,
        change: Change,
    ) -> Result<Option<Recorded>, TrailError> {
        let of_keys = |op: &Op| match op {
            Op::Put(key, ..) => {
                key.subject_of_key().is_some()
                    || key.is_of_erasure()
                    || key.is_of_terms()
                    || key.is_by_header()
                    || key.is_sealed_anew()
            }
            Op::Delete(key) => key.waiting_erasure().is_some() || key.term_parts().is_some(),
        };
        if !change.ops.iter().all(of_keys) {
            return Err(TrailError::Foreign);
        }
        // What is sealed anew beside a row is there beside what it was: a walk must not fill the disk to its floor.
        let need = match announcement {
            Announcement::OfKeys(KeyNews::SealedAnew { values: 1.. }) => Need::Growth,
            _ => Need::Entry,
        };
        let entry = self.announced(&announcement)?;
        match self.submit(entry, change, Vec::new(), need).await {
            Ok(recorded) => Ok(Some(recorded)),
            Err(Rejected::Stale) => Ok(None),
            Err(rejected) => Err(unchanged(rejected)),
        }
    }

    /// Records what the vault itself has to say together with the last durable checkpoint, which the store keeps from then
    /// on: a start finds a log behind it. A start, a stop and the heartbeat do so, so no request pays for it.
    ///
    /// # Errors
    /// As [`Trail::announce`].
    pub async fn announce_keeping(
        &self,
        announcement: Announcement,
    ) -> Result<Recorded, TrailError> {
        let mut change = Change::default();
        // What cannot be read now is found by whoever reads the log next; the entry matters more. What is seen there and not
        // yet said to be durable may not be synced: a power failure would take it back, and the log seem put back by it.
        let durable = *self.durable.borrow();
        if let Ok(Some(ShownCheckpoint { note, size })) = self.log.shown(false)
            && (1..=durable).contains(&size)
        {
            let key = Key::system(SystemKey::Checkpoint);
            change.ops.push(Op::Put(key, Version(size), note.into_bytes()));
        }
        self.announce_change(announcement, change).await
    }

    fn announced(&self, announcement: &Announcement) -> Result<Prepared, TrailError> {
        let request = self.random.bytes16().map_err(|_| TrailError::Unavailable)?;
        entry::prepared(&entry::announced(announcement, request))
    }

    /// Says how many refusals were only counted, if any were.
    ///
    /// # Errors
    /// As [`Trail::announce`].
    pub async fn summarise_refusals(&self) -> Result<(), TrailError> {
        let count = self.lock_refusals().take_counted();
        if count == 0 {
            return Ok(());
        }
        let summarised = self.announce(Announcement::Refusals { count }).await;
        // What found no place in line is in the next summary.
        summarised.map(|_| ()).inspect_err(|_| self.lock_refusals().count(count))
    }

    fn lock_refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn submit(
        &self,
        entry: Prepared,
        change: Change,
        charges: Vec<Charge>,
        need: Need,
    ) -> Result<Recorded, Rejected> {
        answered(self.enqueue(entry, None, change, charges, need).map_err(Rejected::Error)?).await
    }

    /// Puts an operation in line. It is done whether or not anybody waits for the answer.
    fn enqueue(
        &self,
        entry: Prepared,
        authority: Option<Authority>,
        change: Change,
        charges: Vec<Charge>,
        need: Need,
    ) -> Result<Answer, TrailError> {
        if !self.space.takes(need) {
            return Err(TrailError::Full);
        }
        // The store would refuse a value that is too long only after the journal took it, and again at every start.
        let fits = |op: &Op| !matches!(op, Op::Put(.., payload) if payload.len() > VALUE_BYTES_MAX);
        let bytes = change.size_bytes() + charges.len() * CHARGE_BYTES;
        if bytes > CHANGE_BYTES_MAX || !change.ops.iter().all(fits) {
            return Err(TrailError::TooLarge);
        }
        let (reply, answer) = oneshot::channel();
        let Change { ops, expects } = change;
        let since = self.clock.monotonic();
        let operation = Operation { entry, authority, expects, charges, ops, bytes, need, since };
        self.queue.push(Pending { operation: Box::new(operation), reply })?;
        Ok(answer)
    }

    /// Whether no entry was there when it started: then it is for whoever started it to write the first.
    pub fn began_empty(&self) -> bool {
        self.began_empty
    }

    /// The log's origin, as receipts name it.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Waits until a checkpoint that is on the disk covers an entry, however long that takes: a disk without room holds it up.
    ///
    /// # Errors
    /// [`TrailError::Unavailable`] once no further checkpoint comes, because the trail stopped.
    pub async fn covered(&self, index: u64) -> Result<(), TrailError> {
        let mut durable = self.durable.clone();
        // The integrator has the other end, and lets go of it with whatever ends it.
        let covered = durable.wait_for(|size| *size > index).await;
        covered.map(drop).map_err(|_| TrailError::Unavailable)
    }

    /// The same for a bounded time.
    ///
    /// # Errors
    /// As [`Trail::covered`], and when none covers it in that time.
    pub async fn covered_within(&self, index: u64, limit: Duration) -> Result<(), TrailError> {
        let covered = tokio::time::timeout(limit, self.covered(index)).await;
        covered.unwrap_or(Err(TrailError::Unavailable))
    }

    /// Whether entries can be recorded now.
    pub fn is_writable(&self) -> bool {
        self.fault.borrow().is_none()
    }

    /// What may still be taken in, as the disk was last seen.
    pub fn space(&self) -> Space {
        self.space.space()
    }

    /// Whether whoever comes now would wait too long, so that it is better told at once.
    pub fn is_late(&self) -> bool {
        self.queue.is_late(self.clock.monotonic())
    }

    /// Returns the fault that stopped the trail. Never returns while there is none.
    pub async fn fault(&self) -> Arc<TrailFault> {
        let mut fault = self.fault.clone();
        match fault.wait_for(Option::is_some).await {
            Ok(found) => found.clone().unwrap_or_else(|| Arc::new(TrailFault::Thread)),
            Err(_) => std::future::pending().await,
        }
    }

    /// Says what was only counted and that the vault stops, lets what waits finish, publishes and marks.
    ///
    /// # Errors
    /// The fault that stopped the trail, if one did.
    pub async fn stop(&self) -> Result<(), Arc<TrailFault>> {
        let _unrecordable = self.summarise_refusals().await;
        let _unrecordable = self.announce_keeping(Announcement::Stop).await;
        self.queue.close();
        let threads: Vec<JoinHandle<()>> =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let asking = self.asked.take_thread();
        let joined = tokio::task::spawn_blocking(move || {
            let ended = threads.into_iter().all(|thread| thread.join().is_ok());
            // Only now is the last checkpoint there, which the witnesses are asked for once more.
            let asked = asking.is_none_or(|(sender, thread)| {
                drop(sender);
                thread.join().is_ok()
            });
            ended && asked
        });
        if !joined.await.unwrap_or(false) {
            return Err(Arc::new(TrailFault::Thread));
        }
        match &*self.fault.borrow() {
            Some(fault) => Err(fault.clone()),
            None => Ok(()),
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// The committer's answer on its way. Nothing comes when the committer is gone.
type Answer = oneshot::Receiver<Answered>;

async fn answered(answer: Answer) -> Result<Recorded, Rejected> {
    let answered = answer.await.map(|(outcome, _operation)| outcome);
    answered.unwrap_or(Err(Rejected::Error(TrailError::Unavailable)))
}

/// Why something that waits for no version and charges nothing was not recorded.
pub(super) fn unchanged(rejected: Rejected) -> TrailError {
    match rejected {
        Rejected::Error(error) => error,
        Rejected::Stale | Rejected::Limit => TrailError::Unavailable,
    }
}

/// One that has looked once: whatever writes first finds what the reserve gave up for it.
fn looking(
    settings: &Settings,
    media: Arc<dyn Media>,
) -> Result<(SharedWatcher, Shown), TrailFault> {
    let (watcher, shown) = watcher(settings, media);
    let watcher = SharedWatcher::new(watcher);
    watcher.look()?;
    Ok((watcher, shown))
}

/// As much is kept back as the log needs for the entries of a whole segment.
fn watcher(settings: &Settings, media: Arc<dyn Media>) -> (Watcher, Shown) {
    let shown = Shown::default();
    let watcher = Watcher::new(
        media,
        apart(&settings.written_directories),
        settings.journal_directory.join("reserve"),
        settings.segment_bytes.max(SEGMENT_BYTES_MIN),
        shown.clone(),
    );
    (watcher, shown)
}
