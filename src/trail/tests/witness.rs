//! The witnesses of a log: cosignatures kept, absence borne and bounded, and an older or other log refused.
//! Never waits for the asking thread: a stop ends with one more round.
//! The witnesses are real ones, over HTTP, in threads that end with the process.

use super::wait;
use super::world::{ORIGIN, Run, World, keyring};
use crate::limits::{WITNESS_AGE_MIN, WITNESS_ALERT_AGE};
use crate::trail::alarm::Alarm;
use crate::trail::lag::{Alert, Lag, Told};
use crate::trail::{Announcement, Refused, TrailError, TrailFault, Witnesses, WitnessesError};
use gridvault_audit::LogReader;
use gridvault_audit::verify::{Policy, open_checkpoint};
use gridvault_audit::witness::{CosignerKey, Keeper, Listening, serve};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use tokio::sync::watch;

/// A witness that runs, and its line in a policy.
struct Running {
    line: String,
    _directory: tempfile::TempDir,
}

fn log_key() -> String {
    gridvault_audit::verifier_key(ORIGIN, &keyring().log_signer().public_key())
}

fn running(number: u8) -> Running {
    running_at(number, || 1_800_000_000)
}

/// One whose clock says another time than the vault's.
fn running_at(number: u8, now_seconds: fn() -> u64) -> Running {
    let directory = tempfile::tempdir().expect("a directory");
    let name = format!("witness.example/w{number}");
    let key = CosignerKey::from_seed(&name, &[number; 32]).expect("a key");
    let log = format!("log {}\nquorum none\n", log_key());
    let logs = Policy::parse(log.as_bytes()).expect("a policy");
    let keeper = Keeper::open(directory.path(), key, logs).expect("a witness");
    let vkey = keeper.verifier_key();
    let listening = Listening::bind("127.0.0.1:0".parse().expect("an address")).expect("bound");
    let address = listening.address().expect("bound");
    std::thread::spawn(move || serve(listening, keeper, now_seconds));
    let line = format!("witness w{number} {vkey} http://{address}\n");
    Running { line, _directory: directory }
}

/// The line of a witness that does not answer: nothing listens on its port.
fn silent(number: u8) -> String {
    let key = CosignerKey::from_seed(&format!("witness.example/w{number}"), &[number; 32]);
    let vkey = key.expect("a key").verifier_key();
    format!("witness w{number} {vkey} http://127.0.0.1:9\n")
}

fn policy(witnesses: &str, quorum: &str) -> String {
    format!("log {}\n{witnesses}{quorum}", log_key())
}

fn witnesses(world: &World, policy: &str) -> Result<Witnesses, WitnessesError> {
    Witnesses::new(policy.as_bytes(), &log_key(), world.path("log"), None, WITNESS_AGE_MIN)
}

/// Entries that the quorum of a policy has cosigned, as the file beside the log shows.
fn cosigned(world: &World, policy: &str) -> u64 {
    let log = LogReader::open(&world.path("log"), ORIGIN).expect("a log");
    let note = log.witnessed_text().expect("read").expect("cosigned");
    let policy = Policy::parse(policy.as_bytes()).expect("a policy");
    let known = open_checkpoint(note.as_bytes(), &policy, None).expect("a note");
    assert!(policy.is_met_by(&known.cosignatures));
    known.head.size
}

fn size(world: &World) -> u64 {
    LogReader::open(&world.path("log"), ORIGIN).expect("a log").size().expect("a checkpoint")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for item in std::fs::read_dir(from).expect("listed").flatten() {
        match item.path().is_dir() {
            true => copy(&item.path(), &to.join(item.file_name())),
            false => drop(std::fs::copy(item.path(), to.join(item.file_name())).expect("copied")),
        }
    }
}

#[test]
fn the_last_checkpoint_is_cosigned_by_every_witness() {
    let (first, second) = (running(1), running(2));
    let world = World::new();
    let policy =
        policy(&format!("{}{}", first.line, second.line), "group both all w1 w2\nquorum both\n");
    for _ in 0..2 {
        let run = world.start().expect("a trail");
        run.trail.ask(witnesses(&world, &policy).expect("witnesses")).expect("asked");
        wait(run.trail.announce(Announcement::Init)).expect("recorded");
        run.stop();
        assert_eq!(cosigned(&world, &policy), size(&world));
        witnesses(&world, &policy).expect("witnesses").check().expect("nothing is behind");
    }
}

#[test]
fn one_silent_witness_of_three_changes_nothing() {
    let (first, second) = (running(1), running(2));
    let world = World::new();
    let lines = format!("{}{}{}", first.line, silent(3), second.line);
    let policy = policy(&lines, "group offices 2 w1 w2 w3\nquorum offices\n");
    let run = world.begin();
    run.trail.ask(witnesses(&world, &policy).expect("witnesses")).expect("asked");
    run.write(1, 1).ok().expect("recorded");
    run.stop();
    assert_eq!(cosigned(&world, &policy), size(&world));
}

/// One round of questions about a log that is synced up to this size, as at a stop.
fn asked_once(world: &World, policy: &str, durable: u64) -> Arc<Lag> {
    let witnesses = witnesses(world, policy).expect("witnesses");
    let lag = witnesses.lag(&*world.clock);
    let alarm =
        Alarm { queue: Arc::default(), handoff: Arc::default(), fault: watch::channel(None).0 };
    let (_, stop) = mpsc::channel();
    let durable = watch::channel(durable).1;
    witnesses.run(&lag, &*world.clock, &alarm, &durable, &stop);
    assert!(!alarm.is_raised());
    lag
}

#[test]
fn no_witness_is_asked_for_a_checkpoint_that_a_power_failure_could_take_back() {
    let witness = running(1);
    let world = World::new();
    world.begin().stop();
    let (policy, size) = (policy(&witness.line, "quorum w1\n"), size(&world));
    let seen = || {
        let log = LogReader::open(&world.path("log"), ORIGIN).expect("a log");
        log.witnessed_text().expect("read")
    };
    // It is there by its name, and the one before it is what the disk has for good.
    let lag = asked_once(&world, &policy, size - 1);
    assert_eq!(seen(), None);
    assert!(lag.age(&*world.clock).is_some(), "its entries wait all the same");
    let lag = asked_once(&world, &policy, size);
    assert_eq!((cosigned(&world, &policy), lag.age(&*world.clock)), (size, None));
}

#[test]
fn a_witness_whose_clock_is_wrong_is_not_counted_and_changes_nothing() {
    let witnesses_at = [
        running(1),
        running_at(2, || 1_800_000_301),
        running_at(3, || 1_800_000_300),
        running_at(4, || 1_799_999_699),
    ];
    let lines: String = witnesses_at.iter().map(|witness| witness.line.as_str()).collect();
    let world = World::new();
    let enough = policy(&lines, "group offices 2 w1 w2 w3 w4\nquorum offices\n");
    world.begin().stop();
    asked_once(&world, &enough, size(&world));
    assert_eq!(cosigned(&world, &enough), size(&world));
    let kept = LogReader::open(&world.path("log"), ORIGIN).expect("a log").witnessed_text();
    let kept = kept.expect("read").expect("cosigned");
    let has = |number| kept.contains(&format!("witness.example/w{number} "));
    assert_eq!([1, 2, 3, 4].map(has), [true, false, true, false], "{kept}");
    // They are missing from the quorum as if they had not answered.
    let three = policy(&lines, "group offices 3 w1 w2 w3 w4\nquorum offices\n");
    std::fs::remove_file(world.path("log/witnessed")).expect("removed");
    let lag = asked_once(&world, &three, size(&world));
    assert!(lag.age(&*world.clock).is_some());
}

#[test]
fn of_more_witnesses_than_a_note_has_room_for_those_are_kept_that_make_the_quorum() {
    let many: Vec<Running> = (1..=16).map(running).collect();
    let lines: String = many.iter().map(|witness| witness.line.as_str()).collect();
    let world = World::new();
    let last = policy(&lines, "group last all w15 w16\nquorum last\n");
    world.begin().stop();
    asked_once(&world, &last, size(&world));
    assert_eq!(cosigned(&world, &last), size(&world));
    let kept = LogReader::open(&world.path("log"), ORIGIN).expect("a log").witnessed_text();
    let kept = kept.expect("read").expect("cosigned");
    assert_eq!(kept.matches("\u{2014} witness.example/").count(), 14, "{kept}");
}

#[test]
fn a_quorum_that_finds_no_room_in_a_note_is_refused_before_anybody_is_asked() {
    let world = World::new();
    let lines: String = (1..=16).map(silent).collect();
    let of = |quorum| {
        let names: String = (1..=16).map(|number| format!(" w{number}")).collect();
        policy(&lines, &format!("group offices {quorum}{names}\nquorum offices\n"))
    };
    witnesses(&world, &of(14)).expect("it finds room");
    let refused = witnesses(&world, &of(15)).err();
    assert!(matches!(refused, Some(WitnessesError::QuorumTooLarge { least: 15 })), "{refused:?}");
}

#[test]
fn witnesses_that_are_away_too_long_stop_data_and_nothing_else() {
    let world = World::new();
    let run = world.begin();
    let recorded = run.write(1, 1).ok().expect("recorded");
    wait(run.trail.covered(recorded.index())).expect("covered");
    let policy = policy(&silent(1), "quorum w1\n");
    assert!(run.trail.is_witnessed() && run.trail.witness_lag().is_none(), "none are asked yet");
    run.trail.ask(witnesses(&world, &policy).expect("witnesses")).expect("asked");
    let limit = i64::try_from(WITNESS_AGE_MIN.as_micros()).expect("small");
    world.clock.now.fetch_add(limit - 1_000_000, Ordering::SeqCst);
    run.write(1, 2).ok().expect("not yet");
    world.clock.now.fetch_add(2_000_000, Ordering::SeqCst);
    let refused = run.write(1, 3);
    assert!(matches!(refused, Err(Refused::Trail(TrailError::Unwitnessed))));
    assert!(run.trail.witness_lag().is_some_and(|age| age > WITNESS_AGE_MIN));
    assert!(run.trail.is_writable(), "what is no data is still recorded");
    wait(run.trail.announce(Announcement::Heartbeat)).expect("recorded");
    run.stop();
}

#[test]
fn a_clock_that_is_set_back_gives_data_no_more_time_without_witnesses() {
    let world = World::new();
    let run = world.begin();
    let recorded = run.write(1, 1).ok().expect("recorded");
    wait(run.trail.covered(recorded.index())).expect("covered");
    let policy = policy(&silent(1), "quorum w1\n");
    run.trail.ask(witnesses(&world, &policy).expect("witnesses")).expect("asked");
    world.clock.now.fetch_sub(86_400_000_000, Ordering::SeqCst);
    let limit = u64::try_from(WITNESS_AGE_MIN.as_micros()).expect("small");
    world.clock.monotonic.fetch_add(limit, Ordering::SeqCst);
    assert!(run.trail.is_witnessed());
    assert_eq!(run.trail.witness_lag(), Some(WITNESS_AGE_MIN));
    world.clock.monotonic.fetch_add(1, Ordering::SeqCst);
    assert!(matches!(run.write(1, 2), Err(Refused::Trail(TrailError::Unwitnessed))));
    run.stop();
}

#[test]
fn an_entry_that_comes_behind_a_witnessed_one_has_its_own_time() {
    let world = World::new();
    let lag = Lag::none(WITNESS_AGE_MIN);
    let pass = |micros| {
        world.clock.monotonic.fetch_add(micros, Ordering::SeqCst);
    };
    let now = world.clock.now.load(Ordering::SeqCst);
    let age = || lag.age(&*world.clock).map(|age| age.as_micros());
    lag.waits(5, now, &*world.clock);
    pass(7);
    // The same one, and one round that could not read what is witnessed.
    lag.waits(5, now, &*world.clock);
    lag.waits(0, now, &*world.clock);
    assert_eq!(age(), Some(7));
    lag.waits(6, now, &*world.clock);
    assert_eq!(age(), Some(0));
    pass(3);
    lag.ends();
    assert_eq!(age(), None);
    lag.waits(6, now, &*world.clock);
    assert_eq!(age(), Some(0));
}

#[test]
fn a_log_that_was_put_back_is_refused_and_says_how_far_behind_it_is() {
    let witness = running(1);
    let world = World::new();
    let policy = policy(&witness.line, "quorum w1\n");
    let run = world.begin();
    run.trail.ask(witnesses(&world, &policy).expect("witnesses")).expect("asked");
    run.stop();
    let before = size(&world);
    copy(&world.path("log"), &world.path("old"));
    let run = world.start().expect("a trail");
    run.trail.ask(witnesses(&world, &policy).expect("witnesses")).expect("asked");
    wait(run.trail.announce(Announcement::Heartbeat)).expect("recorded");
    run.stop();
    let after = size(&world);
    std::fs::remove_dir_all(world.path("log")).expect("removed");
    copy(&world.path("old"), &world.path("log"));
    let fault = witnesses(&world, &policy).expect("witnesses").check().expect_err("behind");
    let TrailFault::Behind { who, size, seen } = &fault else { panic!("{fault}") };
    assert_eq!((who.as_str(), *size, *seen), ("w1", before, after));
    assert!(fault.to_string().contains(&format!("it is {} behind", after - before)), "{fault}");
}

#[test]
fn another_log_in_the_place_of_the_cosigned_one_is_refused() {
    let witness = running(1);
    let (world, other) = (World::new(), World::new());
    let policy = policy(&witness.line, "quorum w1\n");
    let run = world.begin();
    run.trail.ask(witnesses(&world, &policy).expect("witnesses")).expect("asked");
    run.stop();
    other.clock.now.fetch_add(1, Ordering::SeqCst);
    let run = other.begin();
    run.write(1, 1).ok().expect("recorded");
    run.stop();
    let fault = witnesses(&other, &policy).expect("witnesses").check().expect_err("forked");
    assert!(matches!(fault, TrailFault::Forked { .. }), "{fault}");
}

#[test]
fn a_running_log_that_a_witness_knows_otherwise_stops() {
    let witness = running(1);
    let (world, other) = (World::new(), World::new());
    let policy = policy(&witness.line, "quorum w1\n");
    let run = world.begin();
    for version in 1..=4 {
        run.write(1, version).ok().expect("recorded");
    }
    run.trail.ask(witnesses(&world, &policy).expect("witnesses")).expect("asked");
    run.stop();
    other.clock.now.fetch_add(1, Ordering::SeqCst);
    let run = other.begin();
    run.trail.ask(witnesses(&other, &policy).expect("witnesses")).expect("asked");
    let fault = wait(run.trail.fault());
    assert!(matches!(&*fault, TrailFault::Behind { .. } | TrailFault::Forked { .. }), "{fault}");
}

/// A vault that is witnessed, and a copy of its whole directory. Both have stopped.
fn cloned(policy: &str) -> [World; 2] {
    let (original, clone) = (World::on_sled(), World::on_sled());
    let run = original.begin();
    run.trail.ask(witnesses(&original, policy).expect("witnesses")).expect("asked");
    run.stop();
    assert_eq!(cosigned(&original, policy), size(&original));
    copy(&original.path("."), &clone.path("."));
    // Else the two would say the same.
    clone.clock.now.fetch_add(1, Ordering::SeqCst);
    [original, clone]
}

/// Starts one as the program does: held against the witnesses first.
fn served(world: &World, policy: &str) -> Run {
    witnesses(world, policy).expect("witnesses").check().expect("it is what was cosigned");
    world.start().expect("a trail")
}

#[test]
fn a_clone_beside_its_original_is_refused_by_the_witness_whatever_the_length_of_its_log() {
    for (written, further) in [(1, 4), (4, 1), (2, 2)] {
        let witness = running(1);
        let policy = policy(&witness.line, "quorum w1\n");
        let [original, clone] = cloned(&policy);
        let (run, other) = (served(&original, &policy), served(&clone, &policy));
        for version in 1..=written {
            run.write(1, version).ok().expect("recorded");
        }
        run.trail.ask(witnesses(&original, &policy).expect("witnesses")).expect("asked");
        await_cosigned(&original, &policy);
        // Nothing on its own disk tells the clone: it takes what comes, until it asks.
        let mut last = other.announce_start().expect("recorded");
        for version in 1..=further {
            last = other.write(1, version).ok().expect("recorded");
        }
        wait(other.trail.covered(last.index())).expect("covered");
        other.trail.ask(witnesses(&clone, &policy).expect("witnesses")).expect("asked");
        let fault = wait(other.trail.fault());
        let is_told = matches!(&*fault, TrailFault::Behind { .. } | TrailFault::Forked { .. });
        assert!(is_told, "{written} {further}: {fault}");
        assert!(!other.trail.is_writable());
        assert!(matches!(other.write(1, 9), Err(Refused::Trail(_))), "nothing more is taken in");
        drop(other);
        let fault = witnesses(&clone, &policy).expect("witnesses").check().expect_err("another");
        assert!(matches!(fault, TrailFault::Behind { .. } | TrailFault::Forked { .. }), "{fault}");
        // The original goes on, and its end is cosigned too.
        run.write(2, 1).ok().expect("recorded");
        run.stop();
        assert_eq!(cosigned(&original, &policy), size(&original));
        witnesses(&original, &policy).expect("witnesses").check().expect("nothing else is known");
    }
}

/// The witness cannot know which of two is the original: whoever is cosigned first goes on, and the other stops and says so.
#[test]
fn of_a_clone_that_is_cosigned_first_it_is_the_original_that_is_refused() {
    let witness = running(1);
    let policy = policy(&witness.line, "quorum w1\n");
    let [original, clone] = cloned(&policy);
    let (run, other) = (served(&original, &policy), served(&clone, &policy));
    other.write(1, 1).ok().expect("recorded");
    other.trail.ask(witnesses(&clone, &policy).expect("witnesses")).expect("asked");
    await_cosigned(&clone, &policy);
    for version in 1..=3 {
        run.write(1, version).ok().expect("recorded");
    }
    run.trail.ask(witnesses(&original, &policy).expect("witnesses")).expect("asked");
    let fault = wait(run.trail.fault());
    let is_told = matches!(&*fault, TrailFault::Behind { .. } | TrailFault::Forked { .. });
    assert!(is_told, "{fault}");
    other.stop();
    let fault = witnesses(&original, &policy).expect("witnesses").check().expect_err("another");
    assert!(matches!(fault, TrailFault::Behind { .. } | TrailFault::Forked { .. }), "{fault}");
}

/// Waits until the witness has cosigned everything that the log has.
fn await_cosigned(world: &World, policy: &str) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let log = LogReader::open(&world.path("log"), ORIGIN).expect("a log");
    let before = cosigned(world, policy);
    while cosigned(world, policy) == before || cosigned(world, policy) < size(world) {
        assert!(std::time::Instant::now() < until, "it is not cosigned: {:?}", log.size());
        std::thread::yield_now();
    }
}

#[test]
fn a_policy_must_name_this_log_and_a_quorum_that_can_be_asked() {
    let world = World::new();
    let refused = |policy: &str| witnesses(&world, policy).err().expect("refused");
    let other = gridvault_audit::verifier_key("other.example/log", &[0x66; 32]);
    let of_another = format!("log {other}\n{}quorum w1\n", silent(1));
    assert!(matches!(refused(&of_another), WitnessesError::LogMissing | WitnessesError::Policy(_)));
    assert!(matches!(refused(&format!("{}quorum w1\n", silent(1))), WitnessesError::LogMissing));
    let none = policy("", "quorum none\n");
    assert!(matches!(refused(&none), WitnessesError::QuorumUnreachable));
    let no_url = silent(1).replace(" http://127.0.0.1:9", "");
    assert!(matches!(refused(&policy(&no_url, "quorum w1\n")), WitnessesError::QuorumUnreachable));
    assert!(matches!(refused("quorum w1\n"), WitnessesError::Policy(_)));
}

#[test]
fn operator_is_told_once_when_the_oldest_entry_waits_a_minute_and_once_when_it_is_over() {
    let world = World::new();
    let run = world.begin();
    let recorded = wait(run.trail.announce(Announcement::Heartbeat)).expect("recorded");
    wait(run.trail.covered(recorded.index())).expect("covered");
    let policy = policy(&silent(1), "quorum w1\n");
    run.trail.ask(witnesses(&world, &policy).expect("witnesses")).expect("asked");
    let mut alert = Alert::default();
    let age = WITNESS_ALERT_AGE;
    let just_below = i64::try_from(age.as_micros()).expect("small") - 1;
    world.clock.now.fetch_add(just_below, Ordering::SeqCst);
    assert_eq!(alert.look(run.trail.witness_lag()), None);
    world.clock.now.fetch_add(1, Ordering::SeqCst);
    assert_eq!(alert.look(run.trail.witness_lag()), Some(Told::Late(age)));
    world.clock.now.fetch_add(1_000_000, Ordering::SeqCst);
    assert_eq!(alert.look(run.trail.witness_lag()), None, "once is enough");
    assert_eq!(alert.look(None), Some(Told::Over));
    assert_eq!(alert.look(None), None);
    run.stop();
}
