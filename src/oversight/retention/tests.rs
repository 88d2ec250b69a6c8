//! What goes when its time is over, what stays, and that the log says so: with a clock that the tests move.
//! Never judged by the vault alone: after each pruning the verifier reads the whole log.
//! Bundles have 256 entries, and only whole ones go.

use super::*;
use crate::ambient::SteadyClock;
use crate::limits::{CLOCK_APART_MAX, SEGMENT_BYTES_MIN};
use crate::oversight::{Index, IndexSettings, QUESTION_WORDS, Question, look_up};
use crate::store::{EngineKind, open};
use crate::trail::{FileMedia, Settings, Surroundings};
use gridvault_audit::verify::{Summary, VerifierKey, verify_directory};
use gridvault_keys::{Keyring, Month, RootKey};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

const ORIGIN: &str = "vault.example/retention-tests";
/// 2027-01-15T08:00:00Z.
const NOW: i64 = 1_800_000_000_000_000;
const DAY: i64 = 86_400_000_000;
/// From 2027-01-15 the 36 months before 2030-01-15, and that day itself.
const THREE_YEARS: i64 = 1_096 * DAY;

struct MovedClock {
    now: AtomicI64,
    monotonic: AtomicU64,
}

impl MovedClock {
    /// Time passes while the vault runs.
    fn pass(&self, micros: i64) {
        self.leap(micros);
        self.monotonic.fetch_add(u64::try_from(micros).expect("forwards"), Ordering::SeqCst);
    }

    /// Somebody sets the clock.
    fn leap(&self, micros: i64) {
        self.now.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Micros {
        Micros(self.now.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> u64 {
        self.monotonic.load(Ordering::SeqCst)
    }
}

fn month(year: i32, number: u8) -> Month {
    Month::from_year_month(year, number).expect("a month")
}

struct World {
    directory: tempfile::TempDir,
    root: RootKey,
    keyring: Arc<Keyring>,
    clock: Arc<MovedClock>,
    trail: Arc<Trail>,
    runtime: tokio::runtime::Runtime,
}

impl World {
    /// A log with its policy and so many entries in all, of one moment.
    fn with(count: u64) -> World {
        let directory = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(MovedClock { now: AtomicI64::new(NOW), monotonic: AtomicU64::new(0) });
        let path = |name: &str| directory.path().join(name);
        let (_, applier) = open(&path("store"), EngineKind::Memory, 0).expect("a store");
        let settings = Settings {
            journal_directory: path("journal"),
            log_directory: path("log"),
            origin: ORIGIN.into(),
            segment_bytes: SEGMENT_BYTES_MIN,
            written_directories: Vec::new(),
        };
        let root = RootKey::generate().expect("a root key");
        let keyring = Keyring::create(&path("keyring"), &root, month(2026, 1));
        let keyring = Arc::new(keyring.expect("a keyring"));
        let around = Surroundings {
            keyring: keyring.clone(),
            clock: clock.clone(),
            random: Arc::new(crate::ambient::HostRandom::new()),
            media: Arc::new(FileMedia),
        };
        let trail = Trail::start(applier, settings, around, Vec::new()).expect("a trail");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime");
        let world = World { directory, root, keyring, clock, trail: Arc::new(trail), runtime };
        world.say(Announcement::PolicyActivated { digest: [5; 32], version: 1 });
        world.grow(count - 1);
        world
    }

    fn say(&self, announcement: Announcement) -> u64 {
        self.runtime.block_on(self.trail.announce(announcement)).expect("recorded").index()
    }

    /// More entries, in few groups.
    fn grow(&self, count: u64) {
        let last = self.runtime.block_on(async {
            let mut all = tokio::task::JoinSet::new();
            let local = tokio::task::LocalSet::new();
            for _ in 0..count {
                let trail = self.trail.clone();
                let said = async move { trail.announce(Announcement::Heartbeat).await };
                all.spawn_local_on(said, &local);
            }
            let mut last = 0;
            local
                .run_until(async {
                    while let Some(said) = all.join_next().await {
                        last = last.max(said.expect("run").expect("recorded").index());
                    }
                })
                .await;
            self.trail.covered(last).await.expect("covered");
            last
        });
        assert_eq!(self.log().size().expect("read"), last + 1);
    }

    fn log(&self) -> LogReader {
        LogReader::open(&self.directory.path().join("log"), ORIGIN).expect("a log")
    }

    fn retention(&self, floors: Vec<Floor>) -> Retention {
        let settings = RetentionSettings { log: self.log(), months: 36, floors };
        Retention::new(settings, self.clock.clone()).expect("a log that reads")
    }

    fn step(&self, retention: &mut Retention) -> Step {
        self.runtime.block_on(retention.step(&self.trail)).expect("a step")
    }

    /// Prunes what is due; gives where the log begins then.
    fn prune(&self, retention: &mut Retention) -> u64 {
        if self.step(retention) == Step::Recorded {
            let recorded = retention.pending.expect("recorded").recorded;
            self.runtime.block_on(self.trail.covered(recorded)).expect("covered");
            assert!(matches!(self.step(retention), Step::Pruned(_)));
        }
        self.log().minimum().expect("read").index
    }

    /// The log as an auditor reads it.
    fn verified(&self) -> Summary {
        let signer = self.keyring.log_signer();
        let key = gridvault_audit::verifier_key(ORIGIN, &signer.public_key());
        let key = VerifierKey::parse(&key).expect("a key");
        verify_directory(&self.directory.path().join("log"), &key, None).expect("it verifies")
    }

    fn bundles(&self) -> Vec<u64> {
        let path = self.directory.path().join("log/tile/entries");
        let has = |number: &u64| path.join(format!("{number:03}")).exists();
        (0..20).filter(has).collect()
    }
}

#[test]
fn whole_bundles_go_when_every_entry_of_them_is_old_enough_and_an_entry_says_which() {
    let world = World::with(600);
    let mut retention = world.retention(Vec::new());
    world.clock.pass(THREE_YEARS);
    assert_eq!(world.step(&mut retention), Step::Nothing, "not at three years sharp");
    world.clock.pass(1);
    assert_eq!(world.prune(&mut retention), 512);
    assert_eq!(world.bundles(), Vec::<u64>::new(), "the third is not full");
    assert_eq!(world.verified().minimum, 512);
    let minimum = world.log().minimum().expect("read");
    let entry = LogEntry::parse(&world.log().entry(minimum.recorded).expect("kept"));
    let entry = entry.expect("an entry");
    assert_eq!(
        (entry.event().as_str(), entry.out.as_str(), entry.who.as_deref()),
        ("sys.prune", "success", None)
    );
    let number = |name: &str| entry.x[name].as_u64().expect("a number");
    assert_eq!((number("from"), number("minimum"), number("policy_at")), (0, 512, 0));
    assert_eq!(number("before"), u64::try_from(NOW + 1).expect("a time"));
    assert_eq!(digest(&entry, "policy"), Some([5; 32]));
    assert_eq!(world.step(&mut retention), Step::Nothing, "once is enough");
}

#[test]
fn bundle_with_one_young_entry_stays_and_so_does_all_behind_it() {
    let world = World::with(300);
    let mut retention = world.retention(Vec::new());
    world.clock.pass(DAY);
    world.grow(500);
    world.clock.pass(THREE_YEARS - DAY + 1);
    assert_eq!(world.prune(&mut retention), 256, "the second bundle has entries of both days");
    assert_eq!(world.bundles(), [1, 2]);
    world.clock.pass(DAY);
    assert_eq!(world.prune(&mut retention), 768);
    assert_eq!(world.verified().minimum, 768);
}

#[test]
fn second_pruning_names_the_policy_that_the_first_took_away() {
    let world = World::with(600);
    let mut retention = world.retention(Vec::new());
    world.clock.pass(THREE_YEARS + 1);
    assert_eq!(world.prune(&mut retention), 512);
    world.grow(300);
    world.clock.pass(THREE_YEARS + 1);
    assert_eq!(world.prune(&mut retention), 768);
    let policy = |world: &World| {
        let minimum = world.log().minimum().expect("read");
        let entry = LogEntry::parse(&world.log().entry(minimum.recorded).expect("kept"));
        policy_of(&entry.expect("an entry"), "policy_at", "policy")
    };
    assert_eq!(policy(&world), Some((0, [5; 32])));
    let second = world.say(Announcement::PolicyActivated { digest: [6; 32], version: 2 });
    world.grow(400);
    world.clock.pass(THREE_YEARS + 1);
    world.prune(&mut retention);
    assert_eq!(policy(&world), Some((second, [6; 32])));
    world.verified();
}

#[test]
fn nothing_goes_that_somebody_still_needs() {
    let world = World::with(1_100);
    for (floor, expected) in [(0, 0), (255, 0), (256, 256), (700, 512)] {
        let mut retention = world.retention(vec![Box::new(move || floor), Box::new(|| 900)]);
        world.clock.pass(THREE_YEARS + 1);
        assert_eq!(world.prune(&mut retention), expected, "{floor}");
        world.verified();
    }
}

#[test]
fn nothing_goes_before_its_record_is_shown_and_a_record_that_was_not_followed_is_made_again() {
    let world = World::with(300);
    let mut retention = world.retention(Vec::new());
    world.clock.pass(THREE_YEARS + 1);
    assert_eq!(world.step(&mut retention), Step::Recorded);
    assert_eq!(world.bundles(), [0]);
    let recorded = retention.pending.expect("recorded").recorded;
    world.runtime.block_on(world.trail.covered(recorded)).expect("covered");
    // The process ends here.
    let mut retention = world.retention(Vec::new());
    world.clock.pass(1);
    assert_eq!(world.prune(&mut retention), 256);
    world.verified();
}

#[test]
fn pruning_that_a_crash_broke_off_is_brought_to_its_end() {
    let world = World::with(600);
    let mut retention = world.retention(Vec::new());
    world.clock.pass(THREE_YEARS + 1);
    assert_eq!(world.prune(&mut retention), 512);
    let left = world.directory.path().join("log/tile/entries/001");
    std::fs::write(&left, b"left over").expect("written");
    let mut retention = world.retention(Vec::new());
    assert_eq!(world.step(&mut retention), Step::Nothing);
    assert!(!left.exists());
}

#[test]
fn clock_that_leapt_prunes_nothing() {
    let world = World::with(300);
    world.clock.leap(20 * THREE_YEARS);
    let mut retention = world.retention(Vec::new());
    assert_eq!(world.step(&mut retention), Step::Nothing);
    // Entries of the time that it shows do not make it true for this run.
    world.grow(10);
    assert_eq!(world.step(&mut retention), Step::Nothing);
    world.clock.pass(THREE_YEARS);
    let leap = i64::try_from(RETENTION_CLOCK_LEAP_MAX.as_micros()).expect("small");
    assert_eq!(world.prune(&mut retention), 256, "three years passed, by what nobody sets");
    assert!(leap < THREE_YEARS);
}

#[test]
fn clock_that_went_back_prunes_nothing() {
    let world = World::with(300);
    let mut retention = world.retention(Vec::new());
    world.clock.pass(THREE_YEARS + 1);
    world.clock.leap(-THREE_YEARS);
    assert_eq!(world.step(&mut retention), Step::Nothing);
}

#[test]
fn nothing_is_pruned_while_the_clock_is_in_doubt() {
    let world = World::with(300);
    let steady = SteadyClock::new(world.clock.clone(), CLOCK_APART_MAX);
    let settings = RetentionSettings { log: world.log(), months: 36, floors: Vec::new() };
    let clock: Arc<dyn Clock> = Arc::new(steady);
    let mut retention = Retention::new(settings, clock.clone()).expect("a log that reads");
    world.clock.pass(THREE_YEARS + 1);
    assert!(clock.doubt().is_none());
    world.clock.leap(DAY);
    assert_eq!(world.step(&mut retention), Step::Nothing);
    world.clock.leap(-DAY);
    clock.settle();
    assert_eq!(world.prune(&mut retention), 256);
}

#[test]
fn index_lets_go_of_what_was_pruned_and_begins_there_when_it_is_made_again() {
    let world = World::with(600);
    let settings = || IndexSettings {
        directory: world.directory.path().join("index"),
        log: world.log(),
        has_room: Box::new(|| true),
    };
    let caught_up = |index: &Index| {
        let size = world.log().size().expect("read");
        crate::oversight::world::until(|| {
            let state = index.state();
            state.indexed == size && !state.failing && !state.rebuilding
        });
    };
    let index = Index::start(settings()).expect("a thread");
    caught_up(&index);
    let mut retention = world.retention(Vec::new());
    world.clock.pass(THREE_YEARS + 1);
    assert_eq!(world.prune(&mut retention), 512);
    caught_up(&index);
    index.rebuild();
    caught_up(&index);
    drop(index);
    let index = Index::start(settings()).expect("a thread");
    caught_up(&index);
    for order in ["oldest", "newest"] {
        let mut members = [const { None }; QUESTION_WORDS.len()];
        for (word, value) in [("event", "sys"), ("order", order)] {
            let place = QUESTION_WORDS.iter().position(|known| *known == word);
            members[place.expect("a word")] = Some(value.to_owned());
        }
        let question = Question::parse(members).expect("a question");
        let page = look_up(&question, None, &world.log(), &index).expect("a page");
        let seq = |bytes: &Vec<u8>| LogEntry::parse(bytes).expect("an entry").seq;
        let mut found: Vec<u64> = page.entries.iter().map(seq).collect();
        found.sort_unstable();
        let size = world.log().size().expect("read");
        assert_eq!((page.minimum, found), (512, (512..size).collect()), "{order}");
    }
}

/// Makes the entries of a bundle old, as whoever has the disk and no key can; gives what was there before.
fn make_old(world: &World, bundle: u64) -> Vec<u8> {
    let path = world.directory.path().join(format!("log/tile/entries/{bundle:03}"));
    let bytes = std::fs::read(&path).expect("a bundle");
    let mut changed = bytes.clone();
    let (young, old) = (b"\"t\":18", b"\"t\":10");
    for at in 0..changed.len() - young.len() {
        if changed[at..].starts_with(young) {
            changed[at..at + old.len()].copy_from_slice(old);
        }
    }
    assert_ne!(changed, bytes);
    std::fs::write(&path, changed).expect("changed");
    bytes
}

#[test]
fn entries_that_were_made_old_on_the_disk_are_refused_and_none_of_them_goes() {
    let world = World::with(600);
    let mut retention = world.retention(Vec::new());
    let fails = retention.watch();
    assert_eq!(world.step(&mut retention), Step::Nothing);
    let before = [make_old(&world, 0), make_old(&world, 1)];
    let size = world.log().size().expect("read");
    let refused = world.runtime.block_on(retention.step(&world.trail));
    let is_named = |error| {
        matches!(error, OversightError::Log(gridvault_audit::LogError::EntryDiffers { index: 0 }))
    };
    assert!(refused.is_err_and(is_named));
    assert!(fails());
    assert_eq!(world.bundles(), [0, 1]);
    assert_eq!(world.log().minimum().expect("read"), Minimum::default());
    // Not by the next process either.
    let mut next = world.retention(Vec::new());
    assert!(world.runtime.block_on(next.step(&world.trail)).is_err());
    assert_eq!(world.bundles(), [0, 1]);
    world.grow(1);
    assert_eq!(world.log().size().expect("read"), size + 1, "nobody signed for a pruning");
    for (bundle, bytes) in before.iter().enumerate() {
        let path = world.directory.path().join(format!("log/tile/entries/{bundle:03}"));
        std::fs::write(path, bytes).expect("put back");
    }
    assert_eq!(world.step(&mut retention), Step::Nothing);
    assert!(!fails());
    assert_eq!(world.verified().minimum, 0);
}

#[test]
fn search_shows_no_entry_that_was_changed_on_the_disk() {
    let world = World::with(600);
    let settings = IndexSettings {
        directory: world.directory.path().join("index"),
        log: world.log(),
        has_room: Box::new(|| true),
    };
    let index = Index::start(settings).expect("a thread");
    crate::oversight::world::until(|| index.state().indexed == 600);
    let look = || {
        let mut members = [const { None }; QUESTION_WORDS.len()];
        for (word, value) in [("event", "sys"), ("order", "oldest")] {
            let place = QUESTION_WORDS.iter().position(|known| *known == word);
            members[place.expect("a word")] = Some(value.to_owned());
        }
        let question = Question::parse(members).expect("a question");
        look_up(&question, None, &world.log(), &index).map(|page| page.entries.len())
    };
    assert!(look().expect("a page") > 0);
    make_old(&world, 0);
    let refused = look().expect_err("an entry that is not the log's");
    assert!(matches!(refused, OversightError::Log(error) if error.is_of_other_bytes()));
}

#[test]
fn beginning_that_no_entry_records_is_refused_at_a_start_and_by_a_run_and_nothing_goes() {
    let world = World::with(600);
    let mut running = world.retention(Vec::new());
    let path = world.directory.path().join("log/minimum");
    for text in ["256\n300\n", "512\n599\n", "256\n9999\n"] {
        std::fs::write(&path, text).expect("written");
        let settings = RetentionSettings { log: world.log(), months: 36, floors: Vec::new() };
        assert!(Retention::new(settings, world.clock.clone()).is_err(), "{text}");
        assert!(world.runtime.block_on(running.step(&world.trail)).is_err(), "{text}");
        assert_eq!(world.bundles(), [0, 1]);
    }
    std::fs::remove_file(&path).expect("removed");
    world.clock.pass(THREE_YEARS + 1);
    assert_eq!(world.prune(&mut running), 512);
    // The right entry, and another bound than it says.
    world.grow(200);
    let recorded = world.log().minimum().expect("read").recorded;
    for (text, is_right) in
        [(format!("256\n{recorded}\n"), false), (format!("512\n{recorded}\n"), true)]
    {
        std::fs::write(&path, &text).expect("written");
        let settings = RetentionSettings { log: world.log(), months: 36, floors: Vec::new() };
        let begun = Retention::new(settings, world.clock.clone());
        assert_eq!(begun.is_ok(), is_right, "{text}");
    }
    assert_eq!(world.verified().minimum, 512);
}

#[test]
fn first_kept_entry_of_a_time_that_is_still_to_come_ends_no_key() {
    let world = World::with(256);
    let mut retention = world.retention(Vec::new());
    let kept = sealed(&world.keyring, 2027, 2);
    // The host's clock is ahead for a while: what is written then has a time of twenty years on.
    world.clock.leap(20 * 365 * DAY);
    world.grow(1);
    world.clock.leap(-20 * 365 * DAY);
    world.clock.pass(THREE_YEARS + 1);
    assert_eq!(world.prune(&mut retention), 256);
    assert_eq!(world.step(&mut retention), Step::Nothing);
    assert!(ring(&world).open_context(&[1; 16], b"entry", &kept).is_ok());
    assert_eq!(ended(&world), [""; 0]);
}

/// The ring as the next process has it.
fn ring(world: &World) -> Keyring {
    let path = world.directory.path().join("keyring");
    Keyring::open(&path, &world.root).expect("the ring").0
}

/// Which entries say that context keys are destroyed, and of which months.
fn ended(world: &World) -> Vec<String> {
    let log = world.log();
    let minimum = log.minimum().expect("read").index;
    let entries = log.entries(minimum, usize::MAX).expect("read");
    let entries = entries.iter().filter_map(|bytes| LogEntry::parse(bytes));
    let months = entries.filter(|entry| entry.event() == "key.destroy");
    months.map(|entry| entry.x["months"].as_str().expect("months").to_owned()).collect()
}

fn sealed(keyring: &Keyring, year: i32, number: u8) -> Vec<u8> {
    let sealed = keyring.seal_context(month(year, number), &[1; 16], b"entry", b"reason");
    sealed.expect("sealed")
}

#[test]
fn context_keys_of_months_of_which_nothing_is_kept_go_and_an_entry_says_which() {
    let world = World::with(256);
    let old = sealed(&world.keyring, 2027, 1);
    let opens = |keyring: &Keyring| keyring.open_context(&[1; 16], b"entry", &old).is_ok();
    let mut retention = world.retention(Vec::new());
    // On the 16th of February, a month later than the first bundle.
    world.clock.pass(32 * DAY);
    world.grow(300);
    world.clock.pass(THREE_YEARS - 32 * DAY);
    assert_eq!(world.step(&mut retention), Step::Nothing);
    assert!(opens(&world.keyring) && opens(&ring(&world)));
    world.clock.pass(1);
    assert_eq!(world.prune(&mut retention), 256);
    assert_eq!(world.step(&mut retention), Step::Nothing);
    assert!(!opens(&world.keyring) && !opens(&ring(&world)));
    let all = "2026-01,2026-02,2026-03,2026-04,2026-05,2026-06,2026-07,2026-08,2026-09,2026-10,\
               2026-11,2026-12,2027-01";
    world.grow(1);
    assert_eq!(ended(&world), [all]);
    for keyring in [&*world.keyring, &ring(&world)] {
        let kept = sealed(keyring, 2027, 2);
        assert!(keyring.open_context(&[1; 16], b"entry", &kept).is_ok());
        assert!(keyring.seal_context(month(2027, 1), &[1; 16], b"", b"").is_err());
        assert!(keyring.months_untold().is_empty());
    }
    // Once is enough, in this process and in the next.
    let mut retention = world.retention(Vec::new());
    assert_eq!(world.step(&mut retention), Step::Nothing);
    world.grow(1);
    assert_eq!(ended(&world).len(), 1);
    assert_eq!(world.verified().minimum, 256);
}

#[test]
fn month_whose_entries_are_kept_in_part_keeps_its_key() {
    let world = World::with(256);
    let mut retention = world.retention(Vec::new());
    world.clock.pass(DAY);
    world.grow(300);
    world.clock.pass(THREE_YEARS - DAY + 1);
    assert_eq!(world.prune(&mut retention), 256);
    assert_eq!(world.step(&mut retention), Step::Nothing);
    let kept = sealed(&world.keyring, 2027, 1);
    assert!(ring(&world).open_context(&[1; 16], b"entry", &kept).is_ok());
    assert!(world.keyring.seal_context(month(2026, 12), &[1; 16], b"", b"").is_err());
}

#[test]
fn ring_that_cannot_be_written_keeps_nothing_from_being_pruned_and_the_next_process_ends_the_keys()
{
    let world = World::with(256);
    let mut retention = world.retention(Vec::new());
    world.clock.pass(32 * DAY);
    world.grow(300);
    world.clock.pass(THREE_YEARS - 32 * DAY + 1);
    let path = |name: &str| world.directory.path().join(name);
    std::fs::rename(path("keyring"), path("aside")).expect("moved");
    assert_eq!(world.prune(&mut retention), 256);
    let failed = world.runtime.block_on(retention.step(&world.trail));
    assert!(failed.is_err());
    std::fs::rename(path("aside"), path("keyring")).expect("moved");
    // What a crash between the ring and the entry leaves is said by the next process.
    let next = ring(&world);
    next.destroy_months_before(month(2027, 2)).expect("destroyed");
    assert_eq!(ring(&world).months_untold().len(), 13);
}

#[test]
fn vault_records_contexts_for_longer_than_its_ring_has_places_for_months() {
    let world = World::with(256);
    let first = sealed(&world.keyring, 2027, 1);
    // Nothing is pruned in these years, as where somebody still needs everything.
    let hold = || -> Vec<Floor> { vec![Box::new(|| 0)] };
    for month_count in 1..=10 * 12 {
        world.clock.pass(30 * DAY);
        world.grow(1);
        // A process now and then: what is old by the last entry is believed.
        let mut retention = world.retention(hold());
        assert_eq!(world.step(&mut retention), Step::Nothing, "month {month_count}");
        let (year, number) = world.clock.now().year_month();
        let now = sealed(&world.keyring, year, number);
        assert!(ring(&world).open_context(&[1; 16], b"entry", &now).is_ok(), "{year}-{number}");
        assert!(world.keyring.months_ahead(month(year, number)) >= 5, "{year}-{number}");
    }
    assert!(world.keyring.open_context(&[1; 16], b"entry", &first).is_err());
    let (year, number) = world.clock.now().months_before(CONTEXTS_MONTHS_MAX).year_month();
    assert!(world.keyring.seal_context(month(year, number), &[1; 16], b"", b"").is_ok());
}
