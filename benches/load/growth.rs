//! What a vault does when it grows and when everything in it is written again: rates beside a smaller vault, and memory.
//! Never a smaller working set for the larger vault: both are asked for the same people.
//! Both vaults serve in one run, and their windows take turns.

use super::prepared::{self, Prepared};
use super::report::{Figure, Report, Side, median};
use super::requests::{Asker, Kind};
use super::vault::{PROGRAM, Server};
use super::{Fallible, Options, RESIDENT_MIB_MAX, WARM_CONNECTIONS, Window, drive, window};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Connections of the rows about growth, and of the overwrites.
const CONNECTIONS: usize = 64;
/// How often everything is written again before memory is judged: until the engine's buffers are as full as they get, and the first snapshot
/// was made.
const OVERWRITES_BEFORE: u64 = 2;
/// How often altogether.
const OVERWRITES: u64 = OVERWRITES_BEFORE + 3;
/// What is resident after the last three times, at most, in percent of what was before them.
const FLAT_PERCENT: u64 = 120;
/// People who are written again and again at the end: nothing new is stored, so nothing but what is kept of a write for good can grow.
const FEW_COUNT: usize = 1_000;
/// How often before memory is looked at: it grows by a kilobyte a write until the engine's buffers are as full as they get, somewhere
/// before three hundred thousand writes, and is flat from there on.
const FEW_ROUNDS_BEFORE: u64 = 300;
/// Looks at memory afterwards, which are shown; the last is judged.
const LOOKS: u64 = 5;
/// What may stay in memory of each of these writes, at most, in bytes: less than the key, the row or the entry of one.
const KEPT_BYTES_MAX: u64 = 100;
/// What stands behind that number in a snapshot: a tag and a digest.
const BEHIND_BYTES: usize = 64;

fn serve(
    options: &Options,
    prepared: &Prepared,
    work: &Path,
    name: &str,
) -> Fallible<(Server, PathBuf)> {
    let place = work.join(name);
    prepared::copy(&prepared.vault, &place)?;
    let program = options.program.as_deref().unwrap_or(Path::new(PROGRAM));
    Ok((Server::vault(program, &place, &prepared.passphrase)?, place))
}

/// A vault with more records beside the usual one, asked for the same people.
///
/// # Errors
/// The system's, or an answer that is not the expected one.
pub fn growth(
    options: &Options,
    target: &Path,
    work: &Path,
    small: &Prepared,
    report: &mut Report,
) -> Fallible<()> {
    let large = prepared::prepare(target, options.grown, options.actors)?;
    let working = small.records.len();
    let (one, one_place) = serve(options, small, work, "work-small")?;
    let (other, other_place) = serve(options, &large, work, "work-large")?;
    let mut askers = [Asker::new(small), Asker::new(&large).within(working)];
    let kinds = [Kind::Read, Kind::Write, Kind::Query];
    for (server, asker) in [&one, &other].into_iter().zip(&mut askers) {
        drive(server.address(), WARM_CONNECTIONS, &mut asker.each_worker(), Window::All)?;
        // Pages and keys of the people that are asked for are in the cache afterwards.
        drive(server.address(), CONNECTIONS, &mut asker.all_read(working), Window::All)?;
    }
    let sides = [Side::Vault, Side::Grown];
    for run in 1..=options.runs {
        for kind in kinds {
            for ((server, asker), side) in [&one, &other].into_iter().zip(&mut askers).zip(sides) {
                let figure = window(server, CONNECTIONS, &mut asker.of_vault(kind), options)?;
                report.add(run, figure.of(kind, CONNECTIONS, side))?;
            }
        }
    }
    println!(
        "\n| kind, {CONNECTIONS} connections | {working} records/s | {} records/s | ratio | p99 ms | p99 ms | \
         CPU us | CPU us |\n|---|---|---|---|---|---|---|---|",
        large.records.len()
    );
    for kind in kinds {
        let of = |side, what| report.median(kind, CONNECTIONS, side, what);
        let rate = |figure: &Figure| figure.rate;
        let (p99, processor) = (|figure: &Figure| figure.p99, |figure: &Figure| figure.processor);
        let [few, many] = sides.map(|side| of(side, rate));
        println!(
            "| {} | {few:.0} | {many:.0} | {:.2} | {:.2} | {:.2} | {:.1} | {:.1} |",
            kind.as_str(),
            many / few,
            of(Side::Vault, p99),
            of(Side::Grown, p99),
            of(Side::Vault, processor),
            of(Side::Grown, processor),
        );
    }
    for (server, name) in [(&one, "small"), (&other, "large")] {
        println!("resident, {name}: {} MiB", server.resident_bytes() / (1 << 20));
    }
    drop((one, other));
    std::fs::remove_dir_all(one_place)?;
    std::fs::remove_dir_all(other_place)?;
    Ok(())
}

/// Everything is written again, several times: what the process holds afterwards each time.
///
/// # Errors
/// As [`growth`].
pub fn memory(
    options: &Options,
    work: &Path,
    prepared: &Prepared,
    report: &mut Report,
) -> Fallible<()> {
    let (server, place) = serve(options, prepared, work, "work-memory")?;
    let asker = Asker::new(prepared);
    drive(server.address(), WARM_CONNECTIONS, &mut asker.each_worker(), Window::All)?;
    let (mut rates, mut residents) = (Vec::new(), Vec::new());
    println!(
        "\n| everything overwritten | writes/s | resident MiB | disk MiB |\n|---|---|---|---|"
    );
    for round in 0..=OVERWRITES {
        if round > 0 {
            let mut source = asker.overwrite(round);
            let outcome = drive(server.address(), CONNECTIONS, &mut source, Window::All)?;
            rates.push(outcome.rate());
        }
        let resident = server.resident_bytes() / (1 << 20);
        let disk = disk_bytes(&place)? / (1 << 20);
        residents.push(resident);
        let rate = rates.last().copied().unwrap_or(f64::NAN);
        println!("| {round} times | {rate:.0} | {resident} | {disk} |");
        report.line(
            &json!({"overwrites": round, "rate": rate, "resident_mib": resident, "disk_mib": disk}),
        )?;
    }
    println!("median {:.0} overwrites/s", median(rates));
    if let Some(sealed) = sealed_bytes(&place)? {
        let times = disk_bytes(&place)? as f64 / sealed as f64;
        println!("disk: {times:.1} times the sealed bytes of the newest snapshot (goal 4)");
    }
    let before = residents[usize::try_from(OVERWRITES_BEFORE)?];
    let last = residents[residents.len() - 1];
    println!("resident after the last three against before: {:.2}", last as f64 / before as f64);
    if last * 100 > before * FLAT_PERCENT {
        return Err("memory is not flat through overwrites of everything".into());
    }
    if last > RESIDENT_MIB_MAX {
        return Err("the vault holds more in memory than 1.3 times its cache and 400 MB".into());
    }
    few(options, &server, &asker, prepared, report)?;
    drop(server);
    std::fs::remove_dir_all(place)?;
    Ok(())
}

/// The same few people are written again and again: what stays in memory of each write.
fn few(
    options: &Options,
    server: &Server,
    asker: &Asker<'_>,
    prepared: &Prepared,
    report: &mut Report,
) -> Fallible<()> {
    let count = prepared.records.len().min(FEW_COUNT);
    let mut version = OVERWRITES;
    let mut write = |rounds: u64| -> Fallible<u64> {
        for _ in 0..rounds {
            version += 1;
            let mut source = asker.overwrite_few(version, count);
            drive(server.address(), CONNECTIONS, &mut source, Window::All)?;
        }
        Ok(server.resident_bytes())
    };
    let before = write(FEW_ROUNDS_BEFORE)?;
    let rounds = options.few.get().div_ceil(LOOKS);
    let (mut after, mut grown) = (before, Vec::new());
    for _ in 0..LOOKS {
        let resident = write(rounds)?;
        println!("| the few {rounds} times more | | {} | |", resident >> 20);
        grown.push(resident.saturating_sub(after));
        after = resident;
    }
    // A snapshot, or a buffer that grew, is a step in one look; what each write leaves for good is in every one.
    grown.sort_unstable();
    let writes = rounds * count as u64;
    let kept = grown[grown.len() / 2] / writes;
    println!(
        "kept of a write: {kept} bytes (median of {LOOKS} times {writes} writes of {count} people; {} MiB before and {} after)",
        before >> 20,
        after >> 20
    );
    report.line(&json!({"few_writes": writes, "before": before, "after": after, "kept": kept}))?;
    if kept > KEPT_BYTES_MAX {
        return Err(format!("a write leaves {kept} bytes in memory for good").into());
    }
    Ok(())
}

/// Bytes of all row payloads in the newest snapshot, if there is one: the end of its last block (docs/backup.md).
fn sealed_bytes(vault: &Path) -> Fallible<Option<u64>> {
    let entries = match std::fs::read_dir(vault.join("snapshots")) {
        Ok(entries) => entries.collect::<Result<Vec<_>, _>>()?,
        Err(_) => return Ok(None),
    };
    let paths = entries.into_iter().map(|entry| entry.path());
    let newest = paths.filter(|path| path.extension().is_some_and(|it| it == "snapshot")).max();
    let Some(newest) = newest else { return Ok(None) };
    let bytes = std::fs::read(newest)?;
    let end = bytes.len().checked_sub(BEHIND_BYTES).and_then(|at| bytes.get(..at));
    Ok(end.and_then(|end| end.last_chunk()).map(|number| u64::from_be_bytes(*number)))
}

/// Bytes of all files below a directory.
fn disk_bytes(directory: &Path) -> Fallible<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        bytes += if kind.is_dir() { disk_bytes(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}
