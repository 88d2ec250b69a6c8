//! Asks witnesses to cosign the log's checkpoints, and knows how long the oldest entry has waited for them.
//! Never in the way of a request: a thread of its own, whose slowness shows in an age and, past a limit, stops data.
//! A log that is behind what a witness has seen of it, or differs from it, stops the vault.

use super::alarm::Alarm;
use super::journal::is_full;
use super::lag::{Alert, Lag, Told};
use super::readings::Readings;
use super::{Trail, TrailFault};
use crate::access::{ConsentAct, EmergencyAct, Written};
use crate::ambient::Clock;
use crate::limits::{WITNESS_INTERVAL, WITNESS_PAUSE_MAX, WITNESS_PAUSE_MIN, WITNESS_TIME_MAX};
use gridvault_audit::constants::{
    COSIGNATURE_BACKDATED_SECONDS_MAX, COSIGNATURE_FUTURE_SECONDS_MAX, LOG_SIGNATURES_MAX,
    NOTE_SIGNATURES_MAX,
};
use gridvault_audit::fetch::{Client, Submitted};
use gridvault_audit::verify::{
    Cosignature, Cosigned, Policy, VerifierKey, open_checkpoint, open_view,
};
use gridvault_audit::{LogError, LogReader, keep_witnessed};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Lines of witnesses that find room in a note, beside those of the log while one key of it follows another.
const WITNESS_LINES_MAX: usize = NOTE_SIGNATURES_MAX - LOG_SIGNATURES_MAX;

/// How far the clock of a witness may be from this host's, in seconds: as an auditor has it, before and behind.
const COSIGNATURE_SECONDS_APART_MAX: u64 =
    if COSIGNATURE_FUTURE_SECONDS_MAX < COSIGNATURE_BACKDATED_SECONDS_MAX {
        COSIGNATURE_FUTURE_SECONDS_MAX
    } else {
        COSIGNATURE_BACKDATED_SECONDS_MAX
    };

/// Why a policy of witnesses cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WitnessesError {
    /// A line of it is wrong.
    #[error("the policy of witnesses: {0}")]
    Policy(#[from] gridvault_audit::verify::PolicyError),
    /// It does not name this vault's log under its own key.
    #[error("the policy of witnesses does not name this vault's log and key")]
    LogMissing,
    /// Its quorum cannot be reached by the witnesses that have a URL.
    #[error("the policy of witnesses has no quorum among those with a URL")]
    QuorumUnreachable,
    /// No quorum of it finds room in a note.
    #[error(
        "the quorum of the policy of witnesses takes {least} of them, and a note has room for {WITNESS_LINES_MAX}"
    )]
    QuorumTooLarge {
        /// The fewest that make it.
        least: usize,
    },
    /// The certificates of the authorities cannot be read.
    #[error("the authorities for https cannot be used")]
    Authorities(#[source] std::io::Error),
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] LogError),
}

/// The witnesses of this vault's log.
pub struct Witnesses {
    policy: Policy,
    client: Client,
    log: LogReader,
    log_directory: PathBuf,
    origin: String,
    age_max: Duration,
}

/// What a trail knows of the witnesses that it asks.
pub(super) struct Asked {
    alarm: Alarm,
    /// Empty where none are configured.
    lag: OnceLock<Arc<Lag>>,
    /// Keys of logs that their policy names.
    logs: OnceLock<Vec<VerifierKey>>,
    thread: Mutex<Option<AskingThread>>,
}

/// The thread that asks; it ends once its sender is gone.
pub(super) type AskingThread = (mpsc::Sender<()>, JoinHandle<()>);

impl Asked {
    pub(super) fn nobody(alarm: Alarm) -> Asked {
        Asked { alarm, lag: OnceLock::new(), logs: OnceLock::new(), thread: Mutex::default() }
    }

    /// Whether a log under this key is one of theirs; so it is where none are asked.
    pub(super) fn names_log(&self, key: &VerifierKey) -> bool {
        self.logs.get().is_none_or(|logs| logs.contains(key))
    }

    pub(super) fn readings(&self) -> Readings {
        self.alarm.handoff.readings()
    }

    pub(super) fn take_thread(&self) -> Option<AskingThread> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Whether a decision gives out or takes in data. Without witnesses such stops; removals, oversight and all that keeps
/// the vault go on, so that a witness is no off switch.
pub(super) fn serves_data(written: Written) -> bool {
    match written {
        Written::Create
        | Written::Household
        | Written::Update
        | Written::Read
        | Written::Match
        | Written::Counter
        | Written::Query
        | Written::Occupants
        | Written::Mandate(_)
        | Written::Emergency(EmergencyAct::Open | EmergencyAct::Ask)
        | Written::SubjectAccess(_)
        | Written::Consent(ConsentAct::Read | ConsentAct::Give)
        | Written::Changes => true,
        Written::Delete
        | Written::Protect
        | Written::Erasure(_)
        | Written::Restraint(_)
        | Written::Expiry
        | Written::FieldExpiry
        | Written::Consent(ConsentAct::Withdraw)
        | Written::Schema
        | Written::Preview
        | Written::Proof
        | Written::LogIn
        | Written::Enrol
        | Written::Stranger
        | Written::Refused
        | Written::Emergency(EmergencyAct::End | EmergencyAct::Review | EmergencyAct::List)
        | Written::Placing(_)
        | Written::Delegation(_)
        | Written::Review(_)
        | Written::Rotation(_)
        | Written::Duty(_) => false,
    }
}

impl Trail {
    /// Asks these witnesses for cosignatures from now on. Once a trail.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn ask(&self, witnesses: Witnesses) -> Result<(), TrailFault> {
        let asked = &self.asked;
        let lag = asked.lag.get_or_init(|| witnesses.lag(&*self.clock)).clone();
        let named = || witnesses.policy.logs().iter().map(|log| log.key.clone()).collect();
        asked.logs.get_or_init(named);
        let (sender, stop) = mpsc::channel();
        let (clock, alarm) = (self.clock.clone(), asked.alarm.clone());
        let durable = self.durable.clone();
        let work = move || witnesses.run(&lag, &*clock, &alarm, &durable, &stop);
        let thread = asked.alarm.spawn("witnesses", work)?;
        *asked.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some((sender, thread));
        Ok(())
    }

    /// The trail, which asks these witnesses, if there are any.
    ///
    /// # Errors
    /// As [`Trail::ask`].
    pub fn asking(self, witnesses: Option<Witnesses>) -> Result<Trail, TrailFault> {
        witnesses.map_or(Ok(()), |witnesses| self.ask(witnesses)).map(|()| self)
    }

    /// Whether there are witnesses that the log is shown to others by.
    pub fn asks_witnesses(&self) -> bool {
        self.asked.lag.get().is_some()
    }

    /// How long the oldest entry that is not witnessed yet has waited; `None` where all are, or none has to be.
    pub fn witness_lag(&self) -> Option<Duration> {
        self.asked.lag.get().and_then(|lag| lag.age(&*self.clock))
    }

    /// Whether data may be served: not where the witnesses were away for too long. Oversight and removals go on.
    pub fn is_witnessed(&self) -> bool {
        self.asked.lag.get().is_none_or(|lag| !lag.is_overdue(&*self.clock))
    }
}

/// What the asking thread remembers of one witness.
#[derive(Clone, Default)]
struct Known {
    /// Entries that it last cosigned, as far as is known.
    size: u64,
    /// Pause after its last failure, and until when it lasts, by the monotonic clock.
    pause: Duration,
    until: u64,
}

/// A signature line, and what it says.
type Line = (Cosignature, String);

/// What became of one question.
enum Answer {
    Line(Line, u64),
    Failed(String),
    Fault(TrailFault),
}

impl Witnesses {
    /// Those of a policy file (c2sp.org/tlog-policy), which must name this log under `log_key`. `authorities_pem` are
    /// trusted for https; data stops being served where the oldest entry waits longer than `age_max`.
    ///
    /// # Errors
    /// See [`WitnessesError`].
    pub fn new(
        policy_file: &[u8],
        log_key: &str,
        log_directory: PathBuf,
        authorities_pem: Option<&[u8]>,
        age_max: Duration,
    ) -> Result<Witnesses, WitnessesError> {
        let policy = Policy::parse(policy_file)?;
        let own = VerifierKey::parse(log_key).map_err(|_| WitnessesError::LogMissing)?;
        if !policy.logs().iter().any(|log| log.key == own) {
            return Err(WitnessesError::LogMissing);
        }
        let client = client_of(&policy, authorities_pem)?;
        let origin = own.name().to_owned();
        // A log that is made later is read then.
        let log = LogReader::new(&log_directory, &origin)?;
        Ok(Witnesses { policy, client, log, log_directory, origin, age_max })
    }

    /// Judges the files of a policy without the log's key: what is wrong with them is wrong at a start too. Whether the policy names
    /// the key that is in force only a start sees.
    ///
    /// # Errors
    /// As [`Witnesses::new`]; [`WitnessesError::LogMissing`] where no log of the policy has the origin.
    pub fn judge(
        policy_file: &[u8],
        origin: &str,
        authorities_pem: Option<&[u8]>,
    ) -> Result<(), WitnessesError> {
        let policy = Policy::parse(policy_file)?;
        if !policy.logs().iter().any(|log| log.key.name() == origin) {
            return Err(WitnessesError::LogMissing);
        }
        client_of(&policy, authorities_pem).map(drop)
    }

    /// Holds the log, before it is opened for writing, against what was cosigned of it: by the file beside it and by each
    /// witness that answers. What was cosigned was durable before, so the log must have it.
    ///
    /// # Errors
    /// [`TrailFault::Behind`], [`TrailFault::Forked`], [`TrailFault::Log`].
    pub fn check(&self) -> Result<(), TrailFault> {
        if let Some(note) = self.log.witnessed_text().map_err(TrailFault::Log)? {
            self.compare("the last cosigned checkpoint", note.as_bytes())?;
        }
        for witness in self.policy.witnesses() {
            let Some(url) = &witness.url else { continue };
            match self.client.view(url, &self.origin) {
                Ok(Some(note)) => self.compare(&witness.name, &note)?,
                Ok(None) => {
                    tracing::info!(witness = witness.name, "a witness has seen nothing yet")
                }
                Err(error) => {
                    tracing::warn!(witness = witness.name, %error, "a witness does not answer");
                }
            }
        }
        Ok(())
    }

    /// Holds the log against a note. Only one that this log's key signed and a witness cosigned counts: anybody can claim.
    fn compare(&self, who: &str, note: &[u8]) -> Result<(), TrailFault> {
        let Ok(Cosigned { head, .. }) = open_view(note, &self.policy, None) else {
            tracing::warn!(witness = who, "a witness shows what is no checkpoint of this log");
            return Ok(());
        };
        if head.origin != self.origin {
            return Ok(());
        }
        let size = self.log.size().map_err(TrailFault::Log)?;
        if head.size > size {
            return Err(TrailFault::Behind { who: who.to_owned(), size, seen: head.size });
        }
        let root = self.log.root(head.size).map_err(TrailFault::Log)?;
        match root == head.root {
            true => Ok(()),
            false => Err(TrailFault::Forked { who: who.to_owned(), size: head.size }),
        }
    }

    /// What is known before the first question.
    pub(super) fn lag(&self, clock: &dyn Clock) -> Arc<Lag> {
        let lag = Lag::none(self.age_max);
        if let Ok(size) = self.log.size() {
            let _read_again_in_the_first_round = self.show_lag(&lag, size, clock);
        }
        Arc::new(lag)
    }

    /// Entries that a quorum has cosigned.
    fn cosigned(&self) -> u64 {
        let note = self.log.witnessed_text().ok().flatten().unwrap_or_default();
        let opened = open_checkpoint(note.as_bytes(), &self.policy, None).ok();
        opened
            .filter(|known| self.policy.is_met_by(&known.cosignatures))
            .map_or(0, |known| known.head.size)
    }

    fn show_lag(&self, lag: &Lag, size: u64, clock: &dyn Clock) -> Result<(), LogError> {
        #[derive(serde::Deserialize)]
        struct Time {
            t: i64,
        }
        let cosigned = self.cosigned();
        if cosigned >= size {
            lag.ends();
            return Ok(());
        }
        // Nothing is pruned unwitnessed, but witnesses may have been named only afterwards.
        let entry = self.log.entry(cosigned.max(self.log.minimum()?.index))?;
        let oldest = serde_json::from_slice(&entry).map_or(0, |Time { t }| t);
        lag.waits(cosigned, oldest, clock);
        Ok(())
    }

    /// Asks until the trail ends, and once more then, so that the last checkpoint is witnessed too. `durable` is the size of the
    /// newest checkpoint that is on the disk.
    pub(super) fn run(
        self,
        lag: &Lag,
        clock: &dyn Clock,
        alarm: &Alarm,
        durable: &watch::Receiver<u64>,
        stop: &Receiver<()>,
    ) {
        let mut known = vec![Known::default(); self.policy.witnesses().len()];
        let mut alert = Alert::default();
        loop {
            let ends = stop.recv_timeout(WITNESS_INTERVAL) == Err(RecvTimeoutError::Disconnected);
            if let Err(fault) = self.round(&mut known, lag, clock, durable) {
                alarm.raise(fault);
                return;
            }
            match alert.look(lag.age(clock)) {
                Some(Told::Late(age)) => tracing::error!(
                    seconds = age.as_secs(),
                    "the oldest entry is not witnessed yet"
                ),
                Some(Told::Over) => tracing::info!("every entry is witnessed again"),
                None => {}
            }
            if ends {
                return;
            }
        }
    }

    /// Asks every witness that has not cosigned the newest checkpoint and is not paused.
    fn round(
        &self,
        known: &mut [Known],
        lag: &Lag,
        clock: &dyn Clock,
        durable: &watch::Receiver<u64>,
    ) -> Result<(), TrailFault> {
        let Some(note) = self.log.checkpoint_text().map_err(TrailFault::Log)? else {
            return Ok(());
        };
        let opened = open_checkpoint(note.as_bytes(), &self.policy, None);
        let Ok(Cosigned { head, .. }) = opened else { return Ok(()) };
        // A checkpoint is seen before it is synced: a power failure may take one back that the disk does not have yet, and a witness
        // that cosigned it would refuse the vault for ever. The next round finds it on the disk.
        let is_durable = head.size <= *durable.borrow();
        if is_durable && self.cosigned() < head.size {
            let lines = self.ask(known, &note, head.size, clock)?;
            self.keep(&note, lines)?;
        }
        self.show_lag(lag, head.size, clock).map_err(TrailFault::Log)
    }

    /// The signature lines of those that cosigned. They are asked at once, so that a slow one holds up nobody else.
    fn ask(
        &self,
        known: &mut [Known],
        note: &str,
        size: u64,
        clock: &dyn Clock,
    ) -> Result<Vec<Line>, TrailFault> {
        let now = clock.monotonic();
        let answers: Vec<Option<Answer>> = std::thread::scope(|scope| {
            let asked: Vec<_> = self
                .policy
                .witnesses()
                .iter()
                .zip(known.iter())
                .map(|(witness, known)| {
                    let url = witness.url.as_deref().filter(|_| known.until <= now)?;
                    Some(scope.spawn(move || {
                        self.ask_one(&witness.name, url, known.size, note, size, clock)
                    }))
                })
                .collect();
            let joined = |thread: std::thread::ScopedJoinHandle<'_, Answer>| {
                thread.join().unwrap_or_else(|_| Answer::Failed("its thread ended".to_owned()))
            };
            asked.into_iter().map(|thread| thread.map(joined)).collect()
        });
        let mut lines = Vec::new();
        for ((answer, known), witness) in
            answers.into_iter().zip(known).zip(self.policy.witnesses())
        {
            match answer {
                None => {}
                Some(Answer::Line(line, size)) => {
                    lines.push(line);
                    *known = Known { size, ..Known::default() };
                }
                Some(Answer::Failed(why)) => {
                    known.pause = (known.pause * 2).clamp(WITNESS_PAUSE_MIN, WITNESS_PAUSE_MAX);
                    known.until = now + u64::try_from(known.pause.as_micros()).unwrap_or(u64::MAX);
                    known.size = 0;
                    tracing::warn!(witness = witness.name, why, "a witness did not cosign");
                }
                Some(Answer::Fault(fault)) => return Err(fault),
            }
        }
        Ok(lines)
    }

    /// Asks one witness: from the size that it is thought to have, and once more from the size that it says it has.
    fn ask_one(
        &self,
        name: &str,
        url: &str,
        thought: u64,
        note: &str,
        size: u64,
        clock: &dyn Clock,
    ) -> Answer {
        let mut old = thought.min(size);
        for _ in 0..2 {
            let proof = match self.log.consistency_proof(old, size) {
                Ok(proof) => proof,
                Err(error) => return Answer::Fault(TrailFault::Log(error)),
            };
            match self.client.add_checkpoint(url, old, &proof, note) {
                Ok(Submitted::Cosigned(lines)) => {
                    return self.take(name, note, &lines, size, clock);
                }
                Ok(Submitted::Conflict(seen)) if seen <= size && seen != old => old = seen,
                // A longer log that does not continue what was cosigned is refused for its proof, and a shorter one for its size.
                Ok(Submitted::Conflict(_) | Submitted::ProofWrong) => {
                    return self.suspect(name, url);
                }
                Ok(refusal) => return Answer::Failed(format!("it refused: {refusal:?}")),
                Err(error) => return Answer::Failed(error.to_string()),
            }
        }
        Answer::Failed("it moves while it is asked".to_owned())
    }

    /// A witness says that it knows as much as this log or more, or another beginning of it: it can show so, or it is wrong.
    fn suspect(&self, name: &str, url: &str) -> Answer {
        match self.client.view(url, &self.origin) {
            Ok(Some(view)) => match self.compare(name, &view) {
                Err(fault) => Answer::Fault(fault),
                Ok(()) => Answer::Failed("it claims more than it can show".to_owned()),
            },
            _ => Answer::Failed("it claims more than it shows".to_owned()),
        }
    }

    /// The line by this witness among those that it sent, if it holds.
    fn take(&self, name: &str, note: &str, lines: &str, size: u64, clock: &dyn Clock) -> Answer {
        for line in lines.split_inclusive('\n') {
            let signed = format!("{note}{line}");
            let Ok(opened) = open_checkpoint(signed.as_bytes(), &self.policy, None) else {
                continue;
            };
            let own = |given: &&Cosignature| self.policy.witness(given.witness).name == name;
            let Some(given) = opened.cosignatures.iter().find(own) else { continue };
            // No auditor would count it, so it must not be what the quorum is made with here.
            let now = u64::try_from(clock.now().0 / 1_000_000).unwrap_or(0);
            let apart = given.time_seconds.abs_diff(now);
            return match apart > COSIGNATURE_SECONDS_APART_MAX {
                true => Answer::Failed(format!("its clock is {apart} seconds from this host's")),
                false => Answer::Line((given.clone(), line.to_owned()), size),
            };
        }
        Answer::Failed("its cosignature does not hold".to_owned())
    }

    /// Keeps a note under which these lines make the quorum: those that do, and of the others as many as find room.
    fn keep(&self, note: &str, lines: Vec<Line>) -> Result<(), TrailFault> {
        let given: Vec<Cosignature> = lines.iter().map(|(given, _)| given.clone()).collect();
        let Some(least) = self.policy.least_quorum(&given) else { return Ok(()) };
        let (quorum, others): (Vec<Line>, Vec<Line>) =
            lines.into_iter().partition(|(given, _)| least.contains(&given.witness));
        let chosen = quorum.into_iter().chain(others).take(WITNESS_LINES_MAX);
        let note: String =
            [note.to_owned()].into_iter().chain(chosen.map(|(_, line)| line)).collect();
        let opened = open_checkpoint(note.as_bytes(), &self.policy, None);
        if !opened.is_ok_and(|known| self.policy.is_met_by(&known.cosignatures)) {
            return Ok(());
        }
        match keep_witnessed(&self.log_directory, &self.origin, &note) {
            // There is room for it later; the entries count as not witnessed until then.
            Err(LogError::Io(error)) if is_full(&error) => Ok(()),
            other => other.map_err(TrailFault::Log),
        }
    }
}

/// What calls the witnesses of a policy that those who have an address can fulfil.
fn client_of(policy: &Policy, authorities_pem: Option<&[u8]>) -> Result<Client, WitnessesError> {
    let reachable: Vec<Cosignature> = policy
        .witness_ids()
        .filter(|id| policy.witness(*id).url.is_some())
        .map(|witness| Cosignature { witness, time_seconds: 0 })
        .collect();
    let least = policy.least_quorum(&reachable).filter(|_| policy.asks_for_witnesses());
    match least.ok_or(WitnessesError::QuorumUnreachable)?.len() {
        0..=WITNESS_LINES_MAX => {}
        least => return Err(WitnessesError::QuorumTooLarge { least }),
    }
    if reachable.len() > WITNESS_LINES_MAX {
        tracing::warn!(
            witnesses = reachable.len(),
            room = WITNESS_LINES_MAX,
            "a note has no room for all witnesses: cosignatures beyond the quorum are left out"
        );
    }
    Client::new(None, authorities_pem, Some(WITNESS_TIME_MAX)).map_err(WitnessesError::Authorities)
}
