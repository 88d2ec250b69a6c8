//! The search index under measure: how fast it is made, how far it lags while the log grows, how long a page takes.
//! Never a vault: a log of invented entries, the index over it, and the look-up that the officers' route does.
//! `cargo bench --bench search -- --entries 10000000`; it prints figures and judges whether what was found is right.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use clap::Parser;
use compact_str::CompactString;
use gridvault::oversight::{
    Index, IndexSettings, LogEntry, LogReader, Page, QUESTION_WORDS, Question, look_up,
};
use gridvault_audit::{Draft, Event, Log, NoteSigner, Outcome};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const ORIGIN: &str = "bench.example/log";
/// 2026-01-01T00:00:00Z, in microseconds.
const START: u64 = 1_767_225_600_000_000;
const ACTORS: u64 = 11_000;
const GRIDS: u64 = 10_000;
/// Entries that are appended at once.
const CHUNK: u64 = 8_192;
/// Longest time for the index to catch up, in seconds.
const CATCH_UP_SECONDS_MAX: u64 = 3_600;

#[derive(Parser)]
struct Arguments {
    /// Entries in the log before anything is measured.
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Entries per second that are written while pages are measured.
    #[arg(long, default_value_t = 20_000)]
    rate: u64,
    /// Pages of each kind.
    #[arg(long, default_value_t = 200)]
    pages: usize,
    /// Where log and index are written; a temporary directory by itself.
    #[arg(long)]
    dir: Option<std::path::PathBuf>,
    /// What cargo says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

struct Signer(Ed25519KeyPair);

impl NoteSigner for Signer {
    fn key_name(&self) -> &str {
        ORIGIN
    }

    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().expect("an Ed25519 key has 32 bytes")
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().expect("an Ed25519 signature has 64 bytes")
    }
}

/// Numbers that look random and are the same in every run (splitmix64).
fn mixed(number: u64) -> u64 {
    let mut word = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

fn id(kind: u8, number: u64) -> [u8; 16] {
    let mut id = [kind; 16];
    id[..8].copy_from_slice(&mixed(number).to_be_bytes());
    id[8..15].copy_from_slice(&number.to_be_bytes()[1..]);
    id
}

/// One in twenty is a refusal, one in fifty a page of a list; the rest are reads and writes of one record.
fn entry(seq: u64, population: u64) -> Vec<u8> {
    let dice = mixed(seq);
    let worker = dice % ACTORS;
    let grid = worker % GRIDS;
    let record = |draw: u64| (mixed(draw) % (population / GRIDS).max(1)) * GRIDS + grid;
    let (event, outcome, records) = match dice >> 32 {
        roll if roll % 20 == 0 => (Event::AccessDenied, Outcome::Denied, 1),
        roll if roll % 50 == 1 => (Event::DataQuery, Outcome::Success, 50),
        roll if roll % 5 == 2 => (Event::DataUpdate, Outcome::Success, 1),
        _ => (Event::DataRead, Outcome::Success, 1),
    };
    let request = id(9, seq);
    let mut draft = Draft::new(event, outcome, request);
    draft.who = Some(id(1, worker));
    draft.role = Some("grid_worker".into());
    draft.scope = Some(format!("8801020010{grid:06}").into());
    draft.asg = Some(id(4, worker));
    draft.sess = Some(id(5, worker * 1_000 + seq / 1_000_000));
    draft.aal = Some(1);
    draft.rec = (0..records).map(|number| id(2, record(seq * 64 + number))).collect();
    draft.sub = (0..records).map(|number| id(3, record(seq * 64 + number))).collect();
    draft.n = (records > 1).then_some(records);
    draft.grid = Some(format!("8801020010{grid:06}").into());
    draft.typ = Some("person".into());
    draft.fld = vec!["name".into(), "phone".into()];
    draft.view = vec!["raw".into(), "masked".into()];
    draft.pur = Some(["residence_registration", "household_contact"][(dice % 2) as usize].into());
    draft.pol = Some(2);
    draft.rule = Some("grid_worker/7".into());
    if outcome == Outcome::Denied {
        draft.why = Some("not_found".into());
    }
    draft.encode(seq, START + seq * 10_000, seq * 10_000).expect("an entry of usual length")
}

/// Appends entries up to a size and publishes them.
fn grow(log: &mut Log, signer: &Signer, to: u64, population: u64) -> Fallible<u64> {
    let mut bytes = 0;
    while log.size() < to {
        let first = log.size();
        let entries: Vec<Vec<u8>> =
            (first..to.min(first + CHUNK)).map(|seq| entry(seq, population)).collect();
        bytes += entries.iter().map(Vec::len).sum::<usize>() as u64;
        log.append(first, &entries)?;
    }
    log.publish(signer)?;
    Ok(bytes)
}

fn question(members: &[(&str, &str)]) -> Fallible<Question> {
    let mut values = [const { None }; QUESTION_WORDS.len()];
    for (word, value) in members {
        let place = QUESTION_WORDS.iter().position(|known| known == word).ok_or("no such word")?;
        values[place] = Some((*value).to_owned());
    }
    Ok(Question::parse(values).map_err(|wrong| format!("{members:?}: {wrong}"))?)
}

/// A question of each kind about somebody or something that a sampled entry names.
fn questions(sample: &LogEntry, later: &str) -> Fallible<Vec<(&'static str, Question)>> {
    let word = |value: &Option<CompactString>| value.clone().unwrap_or_default();
    let (who, grid) = (word(&sample.who), word(&sample.grid));
    let (record, subject) = (&sample.rec[0], &sample.sub[0]);
    let street = &grid[..9];
    Ok(vec![
        ("actor", question(&[("actor", &who)])?),
        ("record", question(&[("record", record)])?),
        ("subject, oldest first", question(&[("subject", subject), ("order", "oldest")])?),
        ("grid and refused", question(&[("grid", &grid), ("outcome", "denied")])?),
        (
            "street, event, purpose",
            question(&[
                ("grid", street),
                ("event", "data.update"),
                ("purpose", "household_contact"),
            ])?,
        ),
        ("actor and a time", question(&[("actor", &who), ("since", later)])?),
        (
            "refused in a time, oldest",
            question(&[("outcome", "denied"), ("since", later), ("order", "oldest")])?,
        ),
        ("everything", question(&[("outcome", "success")])?),
        ("nobody", question(&[("actor", "AAAAAAAAAAAAAAAAAAAAAA"), ("outcome", "denied")])?),
    ])
}

/// Every entry of a page has what was asked, and none is missing between its first and its last.
fn is_right(page: &Page, question: &Question, log: &LogReader) -> Fallible<bool> {
    let places: Vec<u64> = page
        .entries
        .iter()
        .filter_map(|entry| LogEntry::parse(entry).map(|entry| entry.seq))
        .collect();
    let (Some(least), Some(most)) = (places.iter().min(), places.iter().max()) else {
        return Ok(true);
    };
    // A walk over a stretch at its end is enough, and short.
    let from = most.saturating_sub(5_000).max(*least);
    let walked = log.entries(from, (most - from + 1) as usize)?;
    let walked = walked.iter().filter_map(|entry| LogEntry::parse(entry));
    let walked: Vec<u64> =
        walked.filter(|entry| question.holds(entry)).map(|entry| entry.seq).collect();
    let mut found: Vec<u64> = places.into_iter().filter(|place| *place >= from).collect();
    found.sort_unstable();
    Ok(found == walked)
}

/// Resident memory of this process, in MiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1_024
}

fn main() -> Fallible<()> {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir()?;
    let directory = arguments.dir.clone().unwrap_or_else(|| temporary.path().to_path_buf());
    let population = (arguments.entries / 4).max(GRIDS * 10);
    let signer = Signer(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).map_err(|_| "no key")?);
    let mut log = Log::create(&directory.join("log"), ORIGIN)?;
    let start = Instant::now();
    let bytes = grow(&mut log, &signer, arguments.entries, population)?;
    println!("log of {} entries, {} MB, in {:.1} s", log.size(), bytes / 1_000_000, seconds(start));

    let (memory, start) = (resident(), Instant::now());
    let reader = LogReader::open(&directory.join("log"), ORIGIN)?;
    let settings = IndexSettings {
        directory: directory.join("index"),
        log: reader.clone(),
        has_room: Box::new(|| true),
    };
    let index = Index::start(settings)?;
    while index.state().indexed < log.size() {
        if start.elapsed().as_secs() > CATCH_UP_SECONDS_MAX {
            return Err("the index did not catch up".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let (spent, state) = (seconds(start), index.state());
    println!(
        "index made in {spent:.1} s, {:.0} entries/s; {} segments, {} MB, {:.0} B an entry; {} MiB more memory",
        log.size() as f64 / spent,
        state.segments,
        state.bytes / 1_000_000,
        state.bytes as f64 / log.size() as f64,
        resident().saturating_sub(memory),
    );
    let wrong = measure(&arguments, &index, &reader, log, signer, population)?;
    reopen(&directory, index, &reader)?;
    println!("{} passed, {wrong} failed", u64::from(wrong == 0));
    if wrong == 0 { Ok(()) } else { Err("a page was not right".into()) }
}

fn seconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64()
}

/// Pages of every kind while the log grows; gives how many were wrong.
fn measure(
    arguments: &Arguments,
    index: &Index,
    reader: &LogReader,
    log: Log,
    signer: Signer,
    population: u64,
) -> Fallible<u64> {
    let stop = Arc::new(AtomicBool::new(false));
    let published = Arc::new(AtomicU64::new(log.size()));
    let writer = write_on(log, signer, arguments.rate, population, stop.clone(), published.clone());
    let lag = watch(index.clone(), published, stop.clone());
    let (mut wrong, mut times) = (0, Vec::new());
    for number in 0..arguments.pages as u64 {
        let sample = mixed(number) % arguments.entries;
        let sample = LogEntry::parse(&reader.entry(sample)?).ok_or("an entry is none")?;
        let middle = START + arguments.entries / 2 * 10_000;
        let later = jiff::Timestamp::from_microsecond(i64::try_from(middle)?)?.to_string();
        for (kind, question) in questions(&sample, &later)? {
            let start = Instant::now();
            let page = look_up(&question, None, reader, index)?;
            let spent = start.elapsed();
            if !is_right(&page, &question, reader)? {
                wrong += 1;
                println!("wrong: {kind} about entry {}", sample.seq);
            }
            times.push((kind, spent, page.entries.len()));
        }
    }
    stop.store(true, Ordering::Release);
    let written = writer.join().map_err(|_| "the writer broke")?;
    let (entries, age) = lag.join().map_err(|_| "the watcher broke")?;
    println!(
        "{written:.0} entries/s written meanwhile; index at most {entries} entries behind what is published, for at most {:.2} s",
        age.as_secs_f64()
    );
    print_times(&times);
    Ok(wrong)
}

fn print_times(times: &[(&str, Duration, usize)]) {
    println!("| page | entries | median ms | p99 ms | most ms |\n|---|---|---|---|---|");
    let mut kinds: Vec<&str> = times.iter().map(|(kind, ..)| *kind).collect();
    kinds.dedup();
    let mut seen = std::collections::BTreeSet::new();
    for kind in kinds.into_iter().filter(|kind| seen.insert(*kind)) {
        let own = times.iter().filter(|(other, ..)| *other == kind);
        let mut spent: Vec<f64> = own.clone().map(|(_, t, _)| t.as_secs_f64() * 1_000.0).collect();
        spent.sort_by(f64::total_cmp);
        let at = |part: f64| spent[((spent.len() - 1) as f64 * part) as usize];
        let entries = own.map(|(.., count)| count).sum::<usize>() / spent.len();
        println!("| {kind} | {entries} | {:.2} | {:.2} | {:.2} |", at(0.5), at(0.99), at(1.0));
    }
}

/// Writes at a rate, published every half second as a vault does it. Gives the rate that it reached.
fn write_on(
    mut log: Log,
    signer: Signer,
    rate: u64,
    population: u64,
    stop: Arc<AtomicBool>,
    published: Arc<AtomicU64>,
) -> std::thread::JoinHandle<f64> {
    std::thread::spawn(move || {
        let (start, first) = (Instant::now(), log.size());
        while !stop.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(500));
            let due = first + (seconds(start) * rate as f64) as u64;
            grow(&mut log, &signer, due, population).expect("the bench's own log grows");
            published.store(log.size(), Ordering::Release);
        }
        (log.size() - first) as f64 / seconds(start)
    })
}

/// The greatest distance between what is published and what is indexed, and the longest time that it lasted.
fn watch(
    index: Index,
    published: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
) -> std::thread::JoinHandle<(u64, Duration)> {
    std::thread::spawn(move || {
        let (mut most, mut longest, mut since) = (0, Duration::ZERO, None);
        while !stop.load(Ordering::Acquire) {
            let behind = published.load(Ordering::Acquire).saturating_sub(index.state().indexed);
            most = most.max(behind);
            since = (behind > 0).then(|| since.unwrap_or_else(Instant::now));
            longest = longest.max(since.map_or(Duration::ZERO, |since| since.elapsed()));
            std::thread::sleep(Duration::from_millis(5));
        }
        (most, longest)
    })
}

/// How soon a start has the index again.
fn reopen(directory: &Path, index: Index, reader: &LogReader) -> Fallible<()> {
    let size = reader.size()?;
    while index.state().indexed < size {
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(index);
    let start = Instant::now();
    let settings = IndexSettings {
        directory: directory.join("index"),
        log: reader.clone(),
        has_room: Box::new(|| true),
    };
    let index = Index::start(settings)?;
    while index.state().indexed < size {
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("a start has it again in {:.2} s", seconds(start));
    Ok(())
}
