//! The load bench: starts the real server over a filled vault and drives it over HTTP, beside a bare endpoint.
//! Never counts a wrong answer, and never compares figures of two runs: sides take turns within one.
//! `cargo bench --bench load -- --help` tells the options, benches/README.md what the figures were.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod bare;
mod disk;
mod generator;
mod growth;
mod inside;
mod people;
mod prepared;
mod report;
mod requests;
#[path = "../shared/mod.rs"]
#[expect(dead_code, reason = "the bench of the parts uses the rest of it")]
mod shared;
mod vault;

use clap::{Parser, ValueEnum};
use generator::{Window, drive};
use prepared::Prepared;
use report::{Figure, Report, Side, median};
use requests::{Asker, Kind};
use serde_json::json;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use vault::Server;

/// The product's own, so that the parts that run in here have what they have there; and so has the bare endpoint.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use shared::Fallible;

/// Before a window is counted: connections are open and branches are warm.
const WARM_TIME: Duration = Duration::from_millis(200);
/// What a vault holds in memory at most: its cache 1.3 times, and 400 MB.
const RESIDENT_MIB_MAX: u64 = 1_024 * 13 / 10 + 400;
/// Connections of the first requests.
const WARM_CONNECTIONS: usize = 16;
/// People of one batch, and connections that send batches.
const BATCH_LINES: usize = 500;
const BATCH_CONNECTIONS: [usize; 2] = [1, 4];
/// Submitters of the rows about the trail alone.
const SUBMITTERS: [usize; 3] = [1, 64, 1_024];
/// Connections of the row about audit's price.
const PRICE_CONNECTIONS: usize = 64;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Row {
    Read,
    Write,
    Match,
    Query,
    /// `POST /v1/records/batch`: people in batches.
    Batch,
    /// The same path with and without the wait for the journal.
    Price,
    /// Durable entries in process, beside a prototype of group commit and a loop without submitters.
    Submitters,
    /// The same requests to a vault with more records (`--grown`). Not unless named.
    Growth,
    /// Everything is overwritten three times. Not unless named.
    Memory,
}

impl Row {
    /// Whether it is measured only when it is named: it takes minutes.
    fn is_long(self) -> bool {
        matches!(self, Row::Growth | Row::Memory)
    }
}

/// A part of the bench that is a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Bare,
    Inside,
    Unsynced,
}

#[derive(Parser)]
struct Options {
    /// Records in the vault.
    #[arg(long, default_value_t = 100_000)]
    records: usize,
    /// Records of the larger vault of the row `growth`.
    #[arg(long, default_value_t = 1_000_000)]
    grown: usize,
    /// How often a thousand people are written again at the end of the row `memory`, while it is to be flat.
    #[arg(long, default_value = "100")]
    few: NonZero<u64>,
    /// Workers, each with a token of its own; no fewer than the city has grids.
    #[arg(long, default_value_t = 10_000)]
    actors: usize,
    /// Seconds of one window.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Runs; each meets all windows once.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Numbers of connections.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
    connections: Vec<usize>,
    /// What is measured; everything but the long rows unless named.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Row>,
    /// Another program instead of the one that cargo built; for comparisons of two builds.
    #[arg(long)]
    program: Option<PathBuf>,
    /// A second program, which serves a copy of the same vault: its windows take turns with those of the first, and the
    /// processor time of both is compared.
    #[arg(long)]
    against: Option<PathBuf>,
    /// Where the vaults of a run lie, instead of beside the prepared one: a disk to be compared, or none.
    #[arg(long)]
    work: Option<PathBuf>,
    /// The bench as a server.
    #[arg(long, hide = true)]
    part: Option<Part>,
    #[arg(long, hide = true)]
    dir: Option<PathBuf>,
    #[arg(long, hide = true)]
    passphrase: Option<PathBuf>,
    /// Kinds and sizes of answers of the bare endpoint, as `kind=bytes`.
    #[arg(long, hide = true)]
    answer: Vec<String>,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn asks_for(&self, row: Row) -> bool {
        (self.only.is_empty() && !row.is_long()) || self.only.contains(&row)
    }

    fn window(&self) -> Window {
        Window::Timed { warm: WARM_TIME, counted: Duration::from_secs_f64(self.seconds) }
    }

    fn kinds(&self) -> Vec<Kind> {
        let rows = [
            (Row::Read, Kind::Read),
            (Row::Write, Kind::Write),
            (Row::Match, Kind::Match),
            (Row::Query, Kind::Query),
        ];
        rows.into_iter().filter(|(row, _)| self.asks_for(*row)).map(|(_, kind)| kind).collect()
    }
}

fn main() -> std::process::ExitCode {
    let options = Options::parse();
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match options.part {
        Some(part) => runtime()
            .map_err(Into::into)
            .and_then(|runtime| runtime.block_on(serve_part(part, &options))),
        None => measure(&options),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn serve_part(part: Part, options: &Options) -> Fallible<()> {
    if part == Part::Bare {
        let sizes = options.answer.iter().map(|answer| {
            let (kind, bytes) = answer.split_once('=').ok_or("kind=bytes")?;
            Ok((kind.to_owned(), bytes.parse::<usize>()?))
        });
        return bare::serve(&sizes.collect::<Fallible<Vec<_>>>()?).await;
    }
    let directory = options.dir.as_deref().ok_or("--dir")?;
    let passphrase = options.passphrase.as_deref().ok_or("--passphrase")?;
    inside::run(directory, passphrase, part == Part::Inside).await
}

fn measure(options: &Options) -> Fallible<()> {
    let target = std::env::current_exe()?;
    let target = target.ancestors().nth(3).ok_or("no target directory")?.join("load");
    std::fs::create_dir_all(&target)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let mut report = Report::new(&target.join(format!("results-{now}.jsonl")))?;
    let prepared = prepared::prepare(&target, options.records, options.actors)?;
    let work = options.work.as_deref().unwrap_or(&target);
    let kinds = options.kinds();
    if !kinds.is_empty() {
        over_http(options, work, &prepared, &kinds, &mut report)?;
    }
    if options.asks_for(Row::Batch) {
        batches(options, work, &prepared, &mut report)?;
    }
    if options.asks_for(Row::Price) {
        price(options, work, &prepared, &mut report)?;
    }
    if options.asks_for(Row::Submitters) {
        submitters(options, work, &mut report)?;
    }
    if options.asks_for(Row::Growth) {
        growth::growth(options, &target, work, &prepared, &mut report)?;
    }
    if options.asks_for(Row::Memory) {
        growth::memory(options, work, &prepared, &mut report)?;
    }
    Ok(())
}

/// Bytes of an answer of each kind, asked of the vault itself.
fn probe(server: &Server, asker: &mut Asker<'_>, kinds: &[Kind]) -> Fallible<Vec<(Kind, usize)>> {
    let sized = |kind: &Kind| {
        let mut one = generator::Once::new(asker.of_vault(*kind));
        drive(server.address(), 1, &mut one, Window::All)?;
        Ok((*kind, one.answer_bytes))
    };
    kinds.iter().map(sized).collect()
}

fn over_http(
    options: &Options,
    target: &Path,
    prepared: &Prepared,
    kinds: &[Kind],
    report: &mut Report,
) -> Fallible<()> {
    let work = target.join("work");
    prepared::copy(&prepared.vault, &work)?;
    let program = options.program.as_deref().unwrap_or(Path::new(vault::PROGRAM));
    let server = Server::vault(program, &work, &prepared.passphrase)?;
    let mut asker = Asker::new(prepared);
    let sizes = probe(&server, &mut asker, kinds)?;
    drive(server.address(), WARM_CONNECTIONS, &mut asker.each_worker(), Window::All)?;
    let other = match &options.against {
        Some(program) => {
            let work = target.join("work-against");
            prepared::copy(&prepared.vault, &work)?;
            let other = Server::vault(program, &work, &prepared.passphrase)?;
            drive(other.address(), WARM_CONNECTIONS, &mut asker.each_worker(), Window::All)?;
            Some((other, work))
        }
        None => None,
    };
    let words = sizes.iter().map(|(kind, bytes)| format!("--answer={}={bytes}", kind.as_str()));
    let mut arguments = vec!["--part".to_owned(), "bare".to_owned()];
    arguments.extend(words);
    let bare = Server::part(&arguments)?;
    let mut syncs = Vec::new();
    for run in 1..=options.runs {
        for (kind, bytes) in &sizes {
            for count in &options.connections {
                let figure = window(&server, *count, &mut asker.of_vault(*kind), options)?;
                report.add(run, figure.of(*kind, *count, Side::Vault))?;
                if let Some((other, _)) = &other {
                    let figure = window(other, *count, &mut asker.of_vault(*kind), options)?;
                    report.add(run, figure.of(*kind, *count, Side::Against))?;
                }
                let figure = window(&bare, *count, &mut asker.of_bare(*kind, *bytes), options)?;
                report.add(run, figure.of(*kind, *count, Side::Bare))?;
            }
        }
        syncs.push(disk::sync_millis(&work)?);
    }
    report.show(kinds, &options.connections);
    if let Some((other, work)) = other {
        report.compare(kinds, &options.connections);
        drop(other);
        std::fs::remove_dir_all(&work)?;
    } else {
        drive(server.address(), 1, &mut asker.read_back(), Window::All)?;
    }
    let sync = median(syncs);
    let resident = server.resident_bytes() / (1 << 20);
    println!("\none fdatasync of a preallocated file: {sync:.3} ms");
    if kinds.contains(&Kind::Read) && options.connections.contains(&1) {
        let p50 = report.median(Kind::Read, 1, Side::Vault, |figure| figure.p50);
        println!("read, one connection: p50 {p50:.3} ms = fdatasync + {:.3} ms", p50 - sync);
    }
    println!("resident: {resident} MiB (1.3 x cache + 400 MB = {RESIDENT_MIB_MAX} MiB)");
    report.line(&json!({"fdatasync_ms": sync, "resident_mib": resident}))?;
    drop(server);
    std::fs::remove_dir_all(&work)?;
    Ok(())
}

/// What one window gave, before it is known whose it was.
struct Measured {
    rate: f64,
    p50: f64,
    p99: f64,
    processor: f64,
}

impl Measured {
    fn of(self, kind: Kind, connections: usize, side: Side) -> Figure {
        let Measured { rate, p50, p99, processor } = self;
        Figure { kind, connections, side, rate, p50, p99, processor }
    }
}

fn window(
    server: &Server,
    connections: usize,
    source: &mut dyn generator::Source,
    options: &Options,
) -> Fallible<Measured> {
    let mut counted = generator::Counted::new(source);
    let before = server.processor_seconds();
    let outcome = drive(server.address(), connections, &mut counted, options.window())?;
    let used = server.processor_seconds() - before;
    Ok(Measured {
        rate: outcome.rate(),
        p50: outcome.millis(0.5),
        p99: outcome.millis(0.99),
        processor: used * 1e6 / counted.answers as f64,
    })
}

/// People in batches: what an import can do.
fn batches(
    options: &Options,
    target: &Path,
    prepared: &Prepared,
    report: &mut Report,
) -> Fallible<()> {
    let work = target.join("work");
    prepared::copy(&prepared.vault, &work)?;
    let program = options.program.as_deref().unwrap_or(Path::new(vault::PROGRAM));
    let server = Server::vault(program, &work, &prepared.passphrase)?;
    let mut asker = Asker::new(prepared);
    println!(
        "\n| connections | persons/s in batches of {BATCH_LINES} | CPU us a person |\n|---|---|---|"
    );
    for count in BATCH_CONNECTIONS {
        let (mut rates, mut processors) = (Vec::new(), Vec::new());
        for run in 1..=options.runs {
            let measured = window(&server, count, &mut asker.batches(BATCH_LINES), options)?;
            let lines = BATCH_LINES as f64;
            let (rate, processor) = (measured.rate * lines, measured.processor / lines);
            let line =
                json!({"run": run, "batch": count, "persons": rate, "processor_us": processor});
            report.line(&line)?;
            rates.push(rate);
            processors.push(processor);
        }
        println!("| {count} | {:.0} | {:.1} |", median(rates), median(processors));
    }
    drop(server);
    std::fs::remove_dir_all(&work)?;
    Ok(())
}

/// The product's rooms inside the bench, with and without syncs.
fn price(
    options: &Options,
    target: &Path,
    prepared: &Prepared,
    report: &mut Report,
) -> Fallible<()> {
    let start = |name: &str, synced| {
        let work = target.join(name);
        prepared::copy(&prepared.vault, &work)?;
        let arguments = inside::arguments(&work, &prepared.passphrase, synced);
        Ok::<_, Box<dyn std::error::Error>>((Server::part(&arguments)?, work))
    };
    let (synced, one) = start("work-inside", true)?;
    let (unsynced, other) = start("work-unsynced", false)?;
    let mut asker = Asker::new(prepared);
    for server in [&synced, &unsynced] {
        drive(server.address(), WARM_CONNECTIONS, &mut asker.each_worker(), Window::All)?;
    }
    for run in 1..=options.runs {
        for (server, side) in [(&synced, Side::Inside), (&unsynced, Side::Unsynced)] {
            let mut source = asker.of_vault(Kind::Read);
            let figure = window(server, PRICE_CONNECTIONS, &mut source, options)?;
            report.add(run, figure.of(Kind::Read, PRICE_CONNECTIONS, side))?;
        }
    }
    let rate = |side| report.median(Kind::Read, PRICE_CONNECTIONS, side, |figure| figure.rate);
    let (with, without) = (rate(Side::Inside), rate(Side::Unsynced));
    println!(
        "\naudit's price, {PRICE_CONNECTIONS} connections: {with:.0}/s with, {without:.0}/s without the wait \
         for the journal: {:.2}",
        with / without
    );
    drop((synced, unsynced));
    std::fs::remove_dir_all(one)?;
    std::fs::remove_dir_all(other)?;
    Ok(())
}

/// The trail, the prototype of group commit and, as a ceiling, the loop that nobody submits to.
fn submitters(options: &Options, target: &Path, report: &mut Report) -> Fallible<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let time = Duration::from_secs_f64(options.seconds);
    println!(
        "\n| submitters | trail entries/s | prototype | ratio | loop | trail CPU us | prototype CPU us |\n\
         |---|---|---|---|---|---|---|"
    );
    for count in SUBMITTERS {
        let [mut ours, mut least, mut bare] = [const { Vec::new() }; 3];
        let [mut ours_us, mut least_us] = [const { Vec::new() }; 2];
        for run in 1..=options.runs {
            let trail = runtime.block_on(inside::trail_rate(target, count, time))?;
            let prototype = runtime.block_on(disk::group_rate(target, count, time))?;
            let alone = disk::loop_rate(target, count, time)?;
            report.line(&json!({
                "run": run, "submitters": count,
                "trail": trail.rate, "prototype": prototype.rate, "loop": alone,
                "trail_us": trail.processor, "prototype_us": prototype.processor,
            }))?;
            ours.push(trail.rate);
            least.push(prototype.rate);
            bare.push(alone);
            ours_us.push(trail.processor);
            least_us.push(prototype.processor);
        }
        let (ours, least, bare) = (median(ours), median(least), median(bare));
        println!(
            "| {count} | {ours:.0} | {least:.0} | {:.2} | {bare:.0} | {:.1} | {:.1} |",
            ours / least,
            median(ours_us),
            median(least_us)
        );
    }
    Ok(())
}
