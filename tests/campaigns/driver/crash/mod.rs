//! Kill -9 at random moments under mixed load, or the power of the disk, over and over in the same vault, judged after every start.
//! Never asks the vault what should be there: the client's own list outside of it says so.
//! A round passes when nothing acknowledged is lost, nothing is half there and the log verifies.

mod control;
mod examiners;
mod judge;
mod list;
mod load;
mod model;
mod power;
mod round;
mod state;

use crate::client::{Ask, Client};
use crate::dice::Dice;
use crate::fault::Fault;
use crate::log::verify;
use crate::page::Page;
use crate::policies;
use crate::tally::{Tally, say};
use crate::vault::{Programs, Start, Vault, end};
use judge::{Judge, Verdict};
use list::{Answer, Attempt, List, Tried};
use load::Load;
use model::{SAFETY, basis};
use power::Disk;
use serde_json::json;
use state::State;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Rounds that one vault lives through, and where its disk loses its power: then each start does all of its journal again.
const VAULT_ROUNDS_MAX: u64 = 100;
const POWER_ROUNDS_MAX: u64 = 20;
/// Client threads.
const THREADS_COUNT: usize = 8;
/// Events of each thread that are stored before the first round: no number tells of an untold one.
const EVENTS_COUNT: usize = 4;
/// Answers that a round must have had before its kill: one for each thread. A round has some thousand where nothing else
/// runs; one with fewer than these fell on nothing and teaches nothing.
const ACKNOWLEDGED_COUNT_MIN: u64 = THREADS_COUNT as u64;
/// How long such a round may wait for them, where a disk takes its time.
const ANSWERS_WAIT_MAX: Duration = Duration::from_secs(30);
const ANSWERS_LOOK: Duration = Duration::from_millis(10);
/// Load before the kill, in milliseconds.
const LOAD_MS: (usize, usize) = (200, 800);
/// Rounds in a hundred that wait before their load, and how long: lives long enough for the vault to move its
/// mark, which it does every five seconds, so that kills fall before, at and behind it.
const PAUSE_PERCENT: usize = 12;
const PAUSE_MS: (usize, usize) = (2_500, 5_500);
/// Starts in a hundred that are themselves killed, how many in a row, and after how long at most.
const INTERRUPTED_PERCENT: usize = 25;
const INTERRUPTED_COUNT_MAX: usize = 3;
const INTERRUPTED_MS_MAX: usize = 400;
/// The goal for the time from start to readiness, at 99 of 100 starts.
const READY_GOAL: Duration = Duration::from_secs(2);
/// Failed rounds after which going on teaches nothing.
const FAILED_COUNT_MAX: u64 = 20;
/// Stream of chance of the judge; threads have those below.
const JUDGE_STREAM: u64 = THREADS_COUNT as u64;
/// Streams of chance of one round.
const STREAMS_PER_ROUND: u64 = JUDGE_STREAM + 1;

/// Options of the campaign.
#[derive(clap::Args)]
pub struct Arguments {
    /// Rounds in all; those that the state has already are not run again.
    #[arg(long, default_value_t = 1_000)]
    rounds: u64,
    /// Where figures, lists and vaults are kept; a folder that vanishes unless named.
    #[arg(long)]
    state: Option<PathBuf>,
    /// The same seed gives the same loads.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where an ext4 on a loop device is mounted (root): the vault lies there, and it is the disk's power that goes, with everything that was
    /// not synced. All of it may be lost.
    #[arg(long)]
    disk: Option<PathBuf>,
    #[command(flatten)]
    programs: Programs,
}

/// What all rounds share.
struct Campaign {
    folder: PathBuf,
    program: PathBuf,
    verifier: PathBuf,
    state: State,
    /// What loses its power, where that is how a vault ends.
    disk: Option<Disk>,
    /// Whether the judge was seen to fail.
    is_controlled: bool,
}

/// A vault in its rounds.
struct Life {
    start: Start,
    vault: Vault,
    judge: Judge,
    counter: AtomicU32,
    rounds: u64,
}

/// Runs the campaign.
pub fn run(arguments: &Arguments, tally: &mut Tally) -> Result<(), Fault> {
    let passing =
        tempfile::tempdir().map_err(|cause| Fault::Io { what: "a folder".into(), cause })?;
    let folder = arguments.state.clone().unwrap_or_else(|| passing.path().to_owned());
    let mut campaign = Campaign {
        program: arguments.programs.vault()?,
        verifier: arguments.programs.verifier()?,
        state: State::open(&folder, arguments.seed)?,
        disk: arguments.disk.as_deref().map(Disk::at).transpose()?,
        folder,
        is_controlled: false,
    };
    let outcome = campaign.rounds(arguments.rounds);
    if (campaign.state.failed > 0 || outcome.is_err()) && arguments.state.is_none() {
        say(&format!("kept for a look: {}", passing.keep().display()));
    }
    *tally = campaign.report();
    outcome
}

impl Campaign {
    /// Rounds up to this number in all, each vault in its time.
    fn rounds(&mut self, rounds: u64) -> Result<(), Fault> {
        let mut life = None;
        while self.state.rounds < rounds && self.state.failed < FAILED_COUNT_MAX {
            let mut current = match life.take() {
                Some(life) => life,
                None => self.begin()?,
            };
            let outcome = self.round(&mut current);
            let is_sound = self.record(outcome)?;
            let lives = if self.disk.is_some() { POWER_ROUNDS_MAX } else { VAULT_ROUNDS_MAX };
            let is_over = current.rounds >= lives || self.state.rounds >= rounds;
            match (is_sound, is_over) {
                (false, _) => self.keep(current)?,
                (true, true) => self.finish(current)?,
                (true, false) => life = Some(current),
            }
        }
        Ok(())
    }

    /// A fresh vault, with the events of each thread.
    fn begin(&mut self) -> Result<Life, Fault> {
        self.state.vaults += 1;
        let directory = self.disk.as_ref().map_or(&*self.folder, Disk::directory).join("vault");
        remove(&directory)?;
        let output = self.folder.join("vault-output");
        for extension in ["out", "err"] {
            let _none_yet = std::fs::remove_file(output.with_extension(extension));
        }
        let start = Start {
            program: self.program.clone(),
            before: &[],
            directory,
            output,
            persons: 60,
            log_level: "info",
            policies: Some(policies::wide(&self.folder)?),
        };
        let vault = start.serve()?;
        let mut dice = Dice::new(self.state.seed, u64::MAX - self.state.vaults);
        if !self.is_controlled {
            control::check(&vault.page, &mut dice, events)?;
            say("the judge finds what is told falsely");
            self.is_controlled = true;
        }
        let judge = Judge::begin(&vault.page)?;
        let mut life = Life { start, vault, judge, counter: AtomicU32::new(0), rounds: 0 };
        let events = events(&life.vault.page, &mut dice)?;
        let verdict = life.judge.judge(&life.vault.page, events, &mut dice, true)?;
        match verdict.failures.first() {
            None => Ok(life),
            Some(failure) => Err(Fault::Refused(failure.clone())),
        }
    }

    /// Load, kill, perhaps a start that is killed too, start, judgement.
    fn round(&mut self, life: &mut Life) -> Result<Verdict, Fault> {
        life.rounds += 1;
        let first_stream = self.state.rounds * STREAMS_PER_ROUND;
        let mut dice = Dice::new(self.state.seed, first_stream + JUDGE_STREAM);
        let lists = self.folder.join("lists");
        remove(&lists)?;
        std::fs::create_dir_all(&lists).map_err(|error| Fault::io("making", &lists, error))?;
        let load = Duration::from_millis(dice.between(LOAD_MS.0, LOAD_MS.1) as u64);
        if dice.percent(PAUSE_PERCENT) {
            let pause = dice.between(PAUSE_MS.0, PAUSE_MS.1);
            std::thread::sleep(Duration::from_millis(pause as u64));
        }
        self.load_and_kill(life, &lists, load, first_stream)?;
        let log = life.vault.page.log.clone();
        let key = life.vault.page.key.clone();
        let mut verdict = Verdict::default();
        self.check_log(&log, &key, "as it was left", &mut verdict)?;
        for _ in 0..INTERRUPTED_COUNT_MAX {
            if !dice.percent(INTERRUPTED_PERCENT) {
                break;
            }
            let mut child = life.start.spawn()?;
            std::thread::sleep(Duration::from_millis(dice.below(INTERRUPTED_MS_MAX) as u64));
            // One that ended by itself could not start.
            self.cut(&life.start, &mut child)?;
            self.state.interrupted += 1;
        }
        let made_again = stores_made_again(&life.start);
        life.vault = life.start.serve()?;
        if self.disk.is_some() && stores_made_again(&life.start) == made_again {
            verdict.failures.push("the store was believed behind a power failure".to_owned());
        }
        let ready = life.vault.ready_in;
        self.state.ready_us.push(u64::try_from(ready.as_micros()).unwrap_or(u64::MAX));
        let mut tried = Vec::new();
        for thread in 0..THREADS_COUNT {
            tried.extend(list::read(&lists, thread)?);
        }
        let started = Instant::now();
        let judged = life.judge.judge(&life.vault.page, tried, &mut dice, false)?;
        verdict.failures.extend(judged.failures.iter().cloned());
        if judged.acknowledged < ACKNOWLEDGED_COUNT_MIN {
            let count = judged.acknowledged;
            verdict.failures.push(format!("{count} answers before the kill: it fell on nothing"));
        }
        self.check_log(&log, &key, "after recovery", &mut verdict)?;
        say(&format!(
            "round {}: {} ms of load, {} answered, {} under way ({} whole, {} absent), ready in {} ms, {} looked at in {} ms{}",
            self.state.rounds + 1,
            load.as_millis(),
            judged.acknowledged,
            judged.under_way,
            judged.whole,
            judged.absent,
            ready.as_millis(),
            judged.looked_at,
            started.elapsed().as_millis(),
            if verdict.failures.is_empty() { "" } else { "  FAILED" }
        ));
        Ok(Verdict { failures: verdict.failures, ..judged })
    }

    fn load_and_kill(
        &self,
        life: &mut Life,
        lists: &Path,
        load: Duration,
        first_stream: u64,
    ) -> Result<(), Fault> {
        let page = life.vault.page.clone();
        let model = &life.judge.model;
        let (is_killed, answered) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let mut threads = Vec::new();
            for thread in 0..THREADS_COUNT {
                let own = model.records.iter();
                let own = own.filter(|(_, record)| record.is_live && record.thread == thread);
                let load = Load {
                    thread,
                    round: self.state.rounds,
                    page: &page,
                    dice: Dice::new(self.state.seed, first_stream + thread as u64),
                    own: own.map(|(id, record)| (id.clone(), record.clone())).collect(),
                    counter: &life.counter,
                    list: List::create(lists, thread)?,
                    is_killed: &is_killed,
                    loses_power: self.disk.is_some(),
                    answered: &answered,
                    matched: life.judge.matched.get(&thread).cloned().unwrap_or_default(),
                };
                threads.push(scope.spawn(|| load.run()));
            }
            std::thread::sleep(load);
            let began = Instant::now();
            while answered.load(Ordering::SeqCst) < ACKNOWLEDGED_COUNT_MIN
                && began.elapsed() < ANSWERS_WAIT_MAX
            {
                std::thread::sleep(ANSWERS_LOOK);
            }
            // Set first: who sees it gone before this saw it end by itself.
            is_killed.store(true, Ordering::SeqCst);
            let killed = self.cut(&life.start, life.vault.child());
            let mut outcome = Ok(());
            for thread in threads {
                let ended = thread.join().map_err(|_| Fault::Malformed("a thread of the load"))?;
                outcome = outcome.and(ended);
            }
            // How it ended says more than who was not answered.
            killed.and(outcome)
        })
    }

    /// Ends a vault that must have run until then. One whose disk lost its power may see that and stop before it is killed.
    fn cut(&self, start: &Start, child: &mut Child) -> Result<(), Fault> {
        let Some(disk) = &self.disk else { return start.kill_alive(child) };
        start.check_alive(child)?;
        disk.lose_power()?;
        end(child);
        disk.come_back()
    }

    fn check_log(
        &self,
        log: &Path,
        key: &str,
        when: &str,
        verdict: &mut Verdict,
    ) -> Result<(), Fault> {
        let (status, said) = verify(&self.verifier, log, key)?;
        if status != Some(0) {
            verdict.failures.push(format!("the log {when}: status {status:?}, {said}"));
        }
        Ok(())
    }

    /// Takes a round into account; says whether the vault may live on.
    fn record(&mut self, outcome: Result<Verdict, Fault>) -> Result<bool, Fault> {
        self.state.rounds += 1;
        let round = self.state.rounds;
        // A vault that does not come back is the worst failure of all, not the end of the campaign.
        let verdict = outcome.unwrap_or_else(|fault| Verdict {
            failures: vec![format!("the round could not be judged: {fault}")],
            ..Verdict::default()
        });
        self.state.acknowledged += verdict.acknowledged;
        self.state.under_way += verdict.under_way;
        self.state.whole += verdict.whole;
        self.state.absent += verdict.absent;
        self.state.looked_at += verdict.looked_at;
        let is_sound = verdict.failures.is_empty();
        if is_sound {
            self.state.passed += 1;
        } else {
            self.state.failed += 1;
        }
        for failure in verdict.failures {
            say(&format!("FAILED  round {round}: {failure}"));
            self.state.failures.push(format!("round {round}: {failure}"));
        }
        self.state.save(&self.folder)?;
        Ok(is_sound)
    }

    /// A vault that failed stays for a look, with its lists.
    fn keep(&self, mut life: Life) -> Result<(), Fault> {
        life.vault.kill();
        let folder = self.folder.join(format!("failed-round-{}", self.state.rounds));
        std::fs::create_dir_all(&folder).map_err(|e| Fault::io("making", &folder, e))?;
        for name in ["lists", "vault-output.out", "vault-output.err"] {
            let from = self.folder.join(name);
            std::fs::rename(&from, folder.join(name))
                .map_err(|e| Fault::io("keeping", &from, e))?;
        }
        // It may lie on another disk.
        let mut copy = Command::new("cp");
        let copied = copy.arg("-a").arg(&life.start.directory).arg(folder.join("vault")).status();
        match copied.map_err(|e| Fault::io("keeping", &life.start.directory, e))?.success() {
            true => Ok(()),
            false => Err(Fault::Malformed("the copy of a vault that failed")),
        }
    }

    /// At the end of its rounds every record of a vault is read once more.
    fn finish(&mut self, mut life: Life) -> Result<(), Fault> {
        let mut dice = Dice::new(self.state.seed, u64::MAX / 2 + self.state.vaults);
        let verdict = life.judge.judge(&life.vault.page, Vec::new(), &mut dice, true)?;
        say(&format!("every record read again: {} looked at", verdict.looked_at));
        self.state.looked_at += verdict.looked_at;
        if verdict.failures.is_empty() {
            self.state.vaults_reread += 1;
            self.state.save(&self.folder)?;
            life.vault.kill();
            return remove(&life.start.directory);
        }
        for failure in verdict.failures {
            say(&format!("FAILED  after round {}: {failure}", self.state.rounds));
            self.state.failures.push(format!("after round {}: {failure}", self.state.rounds));
        }
        // The last round showed too little, so it is not counted as passed.
        self.state.passed -= 1;
        self.state.failed += 1;
        self.state.save(&self.folder)?;
        self.keep(life)
    }

    fn report(self) -> Tally {
        let state = self.state;
        let ms = |thousandths| state.ready_within_us(thousandths) as f64 / 1_000.0;
        say(&format!(
            "{} rounds in {} vaults ({} read again whole); {} answers, {} under way: {} writes whole, {} absent",
            state.rounds,
            state.vaults,
            state.vaults_reread,
            state.acknowledged,
            state.under_way,
            state.whole,
            state.absent
        ));
        say(&format!("{} looked at; {} starts interrupted", state.looked_at, state.interrupted));
        let mut tally = Tally::of(state.passed, state.failed);
        if state.ready_us.is_empty() {
            return tally;
        }
        tally.holds(
            "kills fell on writes, which were said again under their keys",
            state.whole + state.absent > 0,
            format!("{} answered as they were, {} done then", state.whole, state.absent),
        );
        let within =
            format!("p50 {:.0} ms, p99 {:.0} ms, max {:.0} ms", ms(500), ms(990), ms(1_000));
        if self.disk.is_some() {
            // Each of these starts made the store again of the whole journal, which takes as long as that is.
            say(&format!("ready again: {within}"));
            return tally;
        }
        let goal_us = u64::try_from(READY_GOAL.as_micros()).unwrap_or(u64::MAX);
        let holds = state.ready_within_us(990) <= goal_us;
        tally.holds("ready again within 2 s at 99 of 100 starts", holds, within);
        tally
    }
}

/// How often the vault has said that it makes its store again.
fn stores_made_again(start: &Start) -> usize {
    let said = std::fs::read(start.output.with_extension("err")).unwrap_or_default();
    String::from_utf8_lossy(&said).matches("the store is made again").count()
}

/// Stores the events of each thread in calm.
fn events(page: &Page, dice: &mut Dice) -> Result<Vec<Tried>, Fault> {
    let client = Client::new(&page.url);
    let mut tried = Vec::new();
    for thread in 0..THREADS_COUNT {
        for _ in 0..EVENTS_COUNT {
            let grid = dice.one_of(&page.grids()).clone();
            let body = json!({
                "type": "event", "grid": grid, "basis": basis(SAFETY),
                "fields": {
                    "kind": "clutter", "matter": "楼道堆放杂物", "severity": "ordinary",
                    "state": "handle", "handling_note": "已通知清理",
                    "responsible_name": crate::people::name(dice),
                    "responsible_phone": crate::people::phone(dice),
                },
            });
            let token = page.token("grid_worker", Some(&grid))?;
            let ask = Ask::new("POST", "/v1/records", token).purpose(SAFETY).json(&body);
            let reply = client.send(&ask)?;
            let answer = Some(Answer { status: reply.status, body: reply.json() });
            tried.push(Tried { thread, attempt: Attempt::Create { body }, said: None, answer });
        }
    }
    Ok(tried)
}

fn remove(folder: &Path) -> Result<(), Fault> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Fault::io("removing", folder, error))
        }
        _ => Ok(()),
    }
}
