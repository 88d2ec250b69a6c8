//! Ten times as many connections as saturate the vault, by a few actors, beside callers with one request at a time.
//! Never lets the flood decide what is measured: both runs have the same callers, and the vault is saturated in both.
//! Good callers are all answered, and their times are held against those under a crowd that fills the vault just so.

use crate::fault::Fault;
use crate::log::verify;
use crate::page::{Actor, Page};
use crate::policies;
use crate::tally::{Tally, say};
use crate::vault::{Programs, Start, new_folder};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Connections that saturate the vault.
const CROWD_COUNT: usize = 64;
/// As many times over in the flood.
const TIMES: usize = 10;
/// Before anything is measured: connections are opened and tokens remembered.
const WARM_TIME: Duration = Duration::from_secs(2);
/// Longest wait for one answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);
/// A good caller's pause between an answer and its next request.
const THINK_TIME: Duration = Duration::from_millis(5);
/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// Options of the campaign.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    programs: Programs,
    /// Seconds of each run.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Runs of each kind, by turns; medians are judged.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// How many times as slow the flood may make a good caller's slow answers.
    #[arg(long, default_value_t = 2.0)]
    ratio: f64,
}

/// What one run showed.
struct Figures {
    p50: Duration,
    p99: Duration,
    good: usize,
    crowd: [u64; CROWD_OUTCOMES.len()],
}

/// What a call of the crowd comes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Answered,
    /// 429: this caller has too many on their way.
    Throttled,
    /// 503: the vault has.
    Overloaded,
    /// Either of the two, and not told when to come again.
    Untimed,
}

/// In the order of the figures.
const CROWD_OUTCOMES: [(Outcome, &str); 4] = [
    (Outcome::Answered, "answered"),
    (Outcome::Throttled, "429"),
    (Outcome::Overloaded, "503"),
    (Outcome::Untimed, "without a time"),
];

/// How often each outcome was met, by all of the crowd.
#[derive(Default)]
struct Counts([AtomicU64; CROWD_OUTCOMES.len()]);

impl Counts {
    fn add(&self, outcome: Outcome) {
        let place = CROWD_OUTCOMES.iter().position(|(one, _)| *one == outcome);
        self.0[place.expect("each has a place")].fetch_add(1, Ordering::Relaxed);
    }
}

impl Figures {
    fn count(&self, outcome: Outcome) -> u64 {
        let outcomes = CROWD_OUTCOMES.iter().zip(self.crowd);
        outcomes.filter(|((one, _), _)| *one == outcome).map(|(_, count)| count).sum()
    }

    fn crowd_in_words(&self) -> String {
        let outcomes = CROWD_OUTCOMES.iter().zip(self.crowd);
        let words: Vec<_> = outcomes.map(|((_, word), count)| format!("{count} {word}")).collect();
        words.join(", ")
    }
}

/// Runs the campaign.
pub fn run(arguments: &Arguments, tally: &mut Tally) -> Result<(), Fault> {
    let folder = new_folder()?;
    let policies = Some(policies::wide(folder.path())?);
    let start = Start { policies, ..Start::below(folder.path(), &arguments.programs)? };
    let mut vault = start.serve()?;
    let length = Duration::from_secs(arguments.seconds);
    let (mut quiet, mut flooded) = (Vec::new(), Vec::new());
    for _ in 0..arguments.runs.max(1) {
        quiet.push(measure(&vault.page, CROWD_COUNT, length)?);
        flooded.push(measure(&vault.page, CROWD_COUNT * TIMES, length)?);
    }
    for (what, runs) in [("saturated", &quiet), ("flooded", &flooded)] {
        for one in runs {
            say(&format!(
                "  {what:10} good callers p50 {:.2} ms, p99 {:.2} ms of {}; crowd: {}",
                millis(one.p50),
                millis(one.p99),
                one.good,
                one.crowd_in_words()
            ));
        }
    }
    let least = flooded.iter().map(|one| one.count(Outcome::Throttled)).min().unwrap_or_default();
    // By actor: a flood of few callers is turned away as theirs, whether or not the vault as a whole is full.
    let said = format!("at least {least} times in a run");
    tally.holds("each flood is turned away with 429", least > 0, said);
    let all = quiet.iter().chain(&flooded);
    let untimed: u64 = all.map(|one| one.count(Outcome::Untimed)).sum();
    let said = format!("{untimed} were not");
    tally.holds("whoever is turned away is told when to come again", untimed == 0, said);
    let (before, after) = (median(&quiet), median(&flooded));
    let ratio = after.as_secs_f64() / before.as_secs_f64();
    let said =
        format!("p99 {:.2} ms against {:.2} ms: {ratio:.2} x", millis(after), millis(before));
    tally.holds("good callers hardly notice", ratio <= arguments.ratio, said);
    vault.kill();
    let (status, said) = verify(&arguments.programs.verifier()?, &vault.page.log, &vault.page.key)?;
    let verdict = if status == Some(0) { Ok(said) } else { Err(format!("{status:?}: {said}")) };
    tally.check("the log verifies", verdict);
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn median(runs: &[Figures]) -> Duration {
    let mut times: Vec<Duration> = runs.iter().map(|one| one.p99).collect();
    times.sort();
    times[times.len() / 2]
}

/// A crowd of so many connections, shared by the heads of the grids, and each grid's worker beside it.
fn measure(page: &Page, crowd: usize, length: Duration) -> Result<Figures, Fault> {
    let of = |role: &'static str| page.actors.iter().filter(move |actor| actor.role == role);
    let heads: Vec<&Actor> = of("grid_head").collect();
    if heads.is_empty() {
        return Err(Fault::Malformed("demo.json"));
    }
    let (stop, warm) = (AtomicBool::new(false), AtomicBool::new(true));
    let counts = Counts::default();
    let mut times = std::thread::scope(|scope| -> Result<Vec<Duration>, Fault> {
        for number in 0..crowd {
            let head = request(heads[number % heads.len()]);
            let (stop, counts) = (&stop, &counts);
            scope.spawn(move || besiege(page, &head, stop, counts));
        }
        let good: Vec<_> = of("grid_worker")
            .map(|actor| {
                let head = request(actor);
                let (stop, warm) = (&stop, &warm);
                scope.spawn(move || call(page, &head, stop, warm))
            })
            .collect();
        std::thread::sleep(WARM_TIME);
        warm.store(false, Ordering::Relaxed);
        std::thread::sleep(length);
        stop.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for caller in good {
            times.extend(caller.join().map_err(|_| Fault::Malformed("a caller"))??);
        }
        Ok(times)
    })?;
    times.sort();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    Ok(Figures {
        p50: at(50),
        p99: at(99),
        good: times.len(),
        crowd: counts.0.map(AtomicU64::into_inner),
    })
}

/// The form of a record type: token, entry and sync as for any read, and every role may have it.
fn request(actor: &Actor) -> Vec<u8> {
    let head = "GET /v1/schemas/residence HTTP/1.1\r\nhost: vault\r\n";
    format!("{head}authorization: Bearer {}\r\n\r\n", actor.token).into_bytes()
}

/// Asks again at once, whatever the answer is, until it is over.
fn besiege(page: &Page, request: &[u8], stop: &AtomicBool, counts: &Counts) {
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut line) = Line::open(page) else { continue };
        while !stop.load(Ordering::Relaxed) {
            match line.ask(request) {
                Ok((200, _)) => counts.add(Outcome::Answered),
                Ok((429 | 503, None)) => counts.add(Outcome::Untimed),
                Ok((429, Some(_))) => counts.add(Outcome::Throttled),
                Ok((503, Some(_))) => counts.add(Outcome::Overloaded),
                _ => break,
            }
        }
    }
}

/// One request at a time, each of which must be answered; gives their times once it is warm.
fn call(
    page: &Page,
    request: &[u8],
    stop: &AtomicBool,
    warm: &AtomicBool,
) -> Result<Vec<Duration>, Fault> {
    let mut line = Line::open(page)?;
    let mut times = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        let (status, _) = line.ask(request)?;
        if status != 200 {
            return Err(Fault::Refused(format!("a good caller got {status}")));
        }
        if !warm.load(Ordering::Relaxed) {
            times.push(started.elapsed());
        }
        std::thread::sleep(THINK_TIME);
    }
    Ok(times)
}

/// A connection: cheaper than a client, so that the load leaves the machine to the vault.
struct Line(BufReader<TcpStream>);

impl Line {
    fn open(page: &Page) -> Result<Line, Fault> {
        let fail = |cause| Fault::Io { what: "connecting".into(), cause };
        let address = page.url.strip_prefix("http://").ok_or(Fault::Malformed("demo.json"))?;
        let stream = TcpStream::connect(address).map_err(fail)?;
        stream.set_nodelay(true).map_err(fail)?;
        stream.set_read_timeout(Some(ANSWER_TIME_MAX)).map_err(fail)?;
        Ok(Line(BufReader::new(stream)))
    }

    /// The status of the answer, which is read whole, and the seconds after which to come again, where it names some.
    fn ask(&mut self, request: &[u8]) -> Result<(u16, Option<u32>), Fault> {
        let fail = |cause| Fault::Io { what: "an answer".into(), cause };
        self.0.get_mut().write_all(request).map_err(fail)?;
        let (mut status, mut length, mut pause) = (0, 0, None);
        let mut line = String::new();
        loop {
            line.clear();
            self.0.read_line(&mut line).map_err(fail)?;
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
                status = rest.get(..3).and_then(|code| code.parse().ok()).unwrap_or_default();
            } else if let Some(rest) = text.strip_prefix("content-length: ") {
                length = rest.parse().unwrap_or_default();
            } else if let Some(rest) = text.strip_prefix("retry-after: ") {
                pause = rest.parse().ok().filter(|seconds| *seconds > 0);
            }
        }
        if status == 0 {
            return Err(Fault::Malformed("an answer"));
        }
        let mut body = Vec::new();
        let taken = (&mut self.0).take(length.min(ANSWER_BYTES_MAX)).read_to_end(&mut body);
        taken.map_err(fail)?;
        Ok((status, pause))
    }
}
