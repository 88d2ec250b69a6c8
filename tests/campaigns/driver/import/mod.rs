//! A street of people goes in through the import; then each value is looked at again, by whoever may and with the key.
//! Never takes the importer's word: what was stored is read back record by record and counted in the store.
//! What must be refused has to stand in the quarantine file with the code that it must get, and nothing else there.

mod quarantine;
mod readback;
mod records;
mod rows;
mod staff;

use crate::desk::Desk;
use crate::fault::Fault;
use crate::log::verify;
use crate::tally::{Tally, say};
use crate::town::{Stopped, Town};
use crate::vault::{Programs, new_folder, tail};
use records::Records;
use serde_json::Value;
use staff::Staff;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Options of the campaign.
#[derive(clap::Args)]
pub struct Arguments {
    /// How many people.
    #[arg(long, default_value_t = 60_000)]
    persons: u32,
    /// Only the first community instead of a street.
    #[arg(long)]
    community: bool,
    /// The seed of the city.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Connections of the import.
    #[arg(long, default_value_t = 8)]
    connections: u8,
    #[command(flatten)]
    programs: Programs,
}

/// Runs the campaign.
pub fn run(arguments: &Arguments, tally: &mut Tally) -> Result<(), Fault> {
    let folder = new_folder()?;
    let desk = Desk::below(folder.path(), folder.path(), &arguments.programs)?;
    make_city(&desk, arguments)?;
    let town = Town::make(&desk)?;
    let staff = Staff::enrol(&desk, &town)?;
    say(&format!("{} grids, {} actors", staff.grids().len(), staff.count()));
    let before = (processor_seconds(&town.process().to_string(), [12, 13])?, children_seconds()?);
    let seconds = import(&desk, &town, arguments.connections, tally)?;
    let used = (
        processor_seconds(&town.process().to_string(), [12, 13])? - before.0,
        children_seconds()? - before.1,
    );
    let records = Records::read(&desk)?;
    quarantine::check(&desk, &records, tally)?;
    let speed = records.people() as f64 / seconds;
    // On a machine that does other things as well, the processor's time tells more than the clock.
    say(&format!(
        "imported {} people and {} records in {seconds:.1} s: {speed:.0} people/s; processor: vault {:.1} s, import {:.1} s",
        records.people(),
        records.all().len(),
        used.0,
        used.1,
    ));
    say_again(&desk, &town, arguments.connections, tally)?;
    let today =
        jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8))).date();
    readback::by_workers(&town, &staff, &records, today, tally)?;
    readback::by_streets(&town, &staff, &records, today, tally)?;
    readback::by_match(&town, &records, tally)?;
    let Stopped { log_key: key, directory, .. } = town.stop(tally)?;
    rows::check(&desk, &directory, &records, today, tally)?;
    let verifier = arguments.programs.verifier()?;
    let (status, said) = verify(&verifier, &directory.join("log"), &key)?;
    let outcome = if status == Some(0) { Ok(said) } else { Err(format!("{status:?}: {said}")) };
    tally.check("the log verifies", outcome);
    Ok(())
}

/// The city as NDJSON, with what must be refused, and its tree of grids.
fn make_city(desk: &Desk, arguments: &Arguments) -> Result<(), Fault> {
    let extent: &[&str] = if arguments.community { &["--community"] } else { &["--size", "m"] };
    for (name, what) in [("city.ndjson", "--refusals"), ("territory.json", "--territory")] {
        desk.synth(name, &[&[what], extent].concat(), arguments.persons, arguments.seed)?;
    }
    Ok(())
}

fn import_command(desk: &Desk, town: &Town, connections: u8) -> Command {
    let mut command = desk.command();
    command
        .args(["--json", "import", "--url", town.url(), "--connections", &connections.to_string()])
        .arg("--tokens")
        .arg(desk.path("tokens.ndjson"))
        .arg("--answers")
        .arg(desk.path("answers.ndjson"))
        .arg(desk.path("city.ndjson"));
    command
}

/// Imports the city; gives how many seconds it took.
fn import(desk: &Desk, town: &Town, connections: u8, tally: &mut Tally) -> Result<f64, Fault> {
    let started = Instant::now();
    let mut command = import_command(desk, town, connections);
    let errors = desk.path("import.err");
    let file = std::fs::File::create(&errors).map_err(|e| Fault::io("making", &errors, e))?;
    let output = desk.output(command.stderr(file))?;
    let seconds = started.elapsed().as_secs_f64();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let sound = summary["complete"] == true && summary["under_way"] == 0;
    let said = summary.to_string();
    let outcome = if sound { Ok(said) } else { Err(format!("{said} {}", tail(&errors))) };
    tally.check("the import comes to its end", outcome);
    // Some lines must be refused, and whoever starts an import learns that.
    let refused = summary["refused"].as_u64().unwrap_or_default();
    let status = output.status.code();
    let right = status == Some(if refused > 0 { 1 } else { 0 });
    let said = format!("status {status:?} with {refused} lines refused");
    tally.holds("its status says so", right, said);
    Ok(seconds)
}

/// The same command again sends nothing.
fn say_again(desk: &Desk, town: &Town, connections: u8, tally: &mut Tally) -> Result<(), Fault> {
    let before = size(&desk.path("answers.ndjson"))?;
    let output = desk.output(&mut import_command(desk, town, connections))?;
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let same = size(&desk.path("answers.ndjson"))? == before && summary["complete"] == true;
    let said = summary.to_string();
    tally.holds("the same command again does nothing", same, said);
    Ok(())
}

/// Seconds of the processor that a process had, from two members of its status line (proc(5)), counted from 1 behind the name.
fn processor_seconds(process: &str, members: [usize; 2]) -> Result<f64, Fault> {
    /// Units of the line in a second, on every Linux.
    const UNITS: f64 = 100.0;
    let path = PathBuf::from(format!("/proc/{process}/stat"));
    let line = std::fs::read_to_string(&path).map_err(|e| Fault::io("reading", &path, e))?;
    let behind = line.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let words: Vec<&str> = behind.split_whitespace().collect();
    let units = members.map(|at| words.get(at - 1).and_then(|word| word.parse::<f64>().ok()));
    Ok(units.into_iter().flatten().sum::<f64>() / UNITS)
}

/// Seconds of the processor that the ended commands of this campaign had.
fn children_seconds() -> Result<f64, Fault> {
    processor_seconds("self", [14, 15])
}

fn size(path: &Path) -> Result<u64, Fault> {
    let found = std::fs::metadata(path).map_err(|error| Fault::io("looking at", path, error))?;
    Ok(found.len())
}
