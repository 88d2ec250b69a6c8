//! Replaces every key of subject buckets, or of index buckets, or the header key, of a vault while people read and write, and kills the vault again and again on the way.
//! Never counts a refusal as a pause: as long as the vault runs, each read and each write must be answered.
//! What is left afterwards is judged by the second implementation of the formats: no key of before, and everybody opens.

mod people;

use crate::client::{Ask, Client};
use crate::dice::Dice;
use crate::fault::Fault;
use crate::keys::{Known, demo_rings};
use crate::log::verify;
use crate::page::Page;
use crate::tally::Tally;
use crate::vault::{Programs, Start, Vault, new_folder, prepend};
use people::{Figures, People};
use serde_json::{Value, json};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

/// Keys of subject buckets, at the beginning of a ring, and as many of index buckets behind them.
const BUCKETS_COUNT: usize = 4_096;
/// Where the header key lies in a ring: behind the buckets, 60 months and the base key of the index.
const HEADER_AT: usize = 2 * BUCKETS_COUNT + 60 + 1;
/// Shortest life of the vault between two kills, and the longest with this many people: a group of buckets takes about as long. With more it
/// takes longer, and kills are to fall over all of it; with few a fast machine is through with all keys in a second, and one is to fall before.
const LIFE_MILLIS: (usize, usize) = (200, 2_500);
const LIFE_PERSONS: usize = 60_000;
const LIFE_FEW_MILLIS: usize = 500;
/// How often is looked whether the rotation has ended, once nobody is killed any more.
const POLL: Duration = Duration::from_secs(1);

/// Options of the campaign.
#[derive(clap::Args)]
pub struct Arguments {
    /// How many people the vault holds; each has about three records.
    #[arg(long, default_value_t = 60_000)]
    persons: u32,
    /// How often the vault is killed while it is at work.
    #[arg(long, default_value_t = 100)]
    kills: u32,
    /// Seconds that people work before the rotation, for the comparison.
    #[arg(long, default_value_t = 20.0)]
    quiet: f64,
    /// The share of a processor that the rotation takes.
    #[arg(long, default_value_t = 20)]
    percent: u32,
    /// Which keys: subjects, index or header.
    #[arg(long, default_value = "subjects", value_parser = ["subjects", "index", "header"])]
    what: String,
    /// Seed of the moments of the kills.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Longest time of the rotation, in minutes.
    #[arg(long, default_value_t = 120)]
    minutes: u64,
    #[command(flatten)]
    programs: Programs,
}

/// Runs the campaign.
pub fn run(arguments: &Arguments, tally: &mut Tally) -> Result<(), Fault> {
    let folder = new_folder()?;
    let start =
        Start { persons: arguments.persons, ..Start::below(folder.path(), &arguments.programs)? };
    start.serve()?.kill();
    let before = demo_rings(&start.directory)?;
    prepend(&start.directory, &format!("rotation_percent = {}\n", arguments.percent))?;
    let vault = start.serve()?;
    let mut people = People::of(&vault.page)?;
    let quiet = people.work(&vault.page, Duration::from_secs_f64(arguments.quiet))?;
    tally.check("people work in quiet", quiet.outcome());

    let begun = Instant::now();
    ask(&vault.page, &arguments.what)?;
    let mut turning = Turning { start: &start, people: &mut people, during: Figures::default() };
    let vault = turning.kill_and_go_on(vault, arguments, tally)?;
    turning.go_on_to_the_end(&vault.page, begun, Duration::from_secs(60 * arguments.minutes))?;
    let took = begun.elapsed();
    let during = turning.during;
    tally.check("nobody is refused while keys are replaced", during.outcome());
    tally.check("the rotation ends", ended(&vault.page, keys_of(&arguments.what).len(), took)?);
    let written = people.judge(&vault.page)?;
    tally.check("what was written last is what is read", written);
    let found = people.judge_found(&vault.page)?;
    tally.check("everybody is found by what was written last", found);
    compare(&quiet, &during, tally);
    let page = vault.page.clone();
    // In order: what a killed process had in hand is in the journal alone, and the store is looked at as it lies.
    vault.stop(&start)?;
    judge_keys(&start.directory, &arguments.what, &before, tally)?;
    let (status, said) = verify(&arguments.programs.verifier()?, &page.log, &page.key)?;
    tally.holds("the log verifies", status == Some(0), said);
    Ok(())
}

/// A rotation under way, and who works meanwhile.
struct Turning<'a> {
    start: &'a Start,
    people: &'a mut People,
    during: Figures,
}

impl Turning<'_> {
    /// Kills the vault as often as it is asked for, or until the rotation has ended by itself.
    fn kill_and_go_on(
        &mut self,
        mut vault: Vault,
        arguments: &Arguments,
        tally: &mut Tally,
    ) -> Result<Vault, Fault> {
        let mut dice = Dice::new(arguments.seed, 0);
        let mut met: Vec<u64> = Vec::new();
        let longest = LIFE_MILLIS.1 * arguments.persons as usize / LIFE_PERSONS;
        let longest = longest.max(LIFE_FEW_MILLIS);
        while met.len() < arguments.kills as usize {
            let life = dice.between(LIFE_MILLIS.0, longest) as u64;
            self.during.add(self.people.work(&vault.page, Duration::from_millis(life))?);
            let rotation = rotation(&vault.page)?;
            if rotation["state"] == "ended" {
                break;
            }
            let_go_on(&vault.page, &rotation)?;
            met.push(rotation["keys_done"].as_u64().unwrap_or_default());
            vault.kill();
            drop(vault);
            vault = self.start.serve()?;
        }
        let (count, last) = (met.len(), met.last().copied());
        met.dedup();
        let said = format!("{count} times, in {} groups, the last at {last:?} keys", met.len());
        tally.holds("it is killed on the way", count > 0, said);
        Ok(vault)
    }

    fn go_on_to_the_end(
        &mut self,
        page: &Page,
        begun: Instant,
        longest: Duration,
    ) -> Result<(), Fault> {
        loop {
            let rotation = rotation(page)?;
            if rotation["state"] == "ended" {
                return Ok(());
            }
            let_go_on(page, &rotation)?;
            if begun.elapsed() > longest {
                return Err(Fault::OutOfTime { what: "the end of the rotation", limit: longest });
            }
            self.during.add(self.people.work(page, POLL)?);
        }
    }
}

/// Has a header key destroyed, once everything is sealed under the one that follows it.
fn let_go_on(page: &Page, rotation: &Value) -> Result<(), Fault> {
    if rotation["state"] != "held" {
        return Ok(());
    }
    agree(page, rotation)
}

/// One administrator asks, another one agrees.
fn ask(page: &Page, what: &str) -> Result<(), Fault> {
    let client = Client::new(&page.url);
    let ask = Ask::new("POST", "/v1/admin/keys/rotate", page.token("system_admin", None)?);
    let asked = client.must(&ask.json(&json!({"what": what})), 201)?;
    agree(page, &asked["rotation"])
}

fn agree(page: &Page, rotation: &Value) -> Result<(), Fault> {
    let id = rotation["id"].as_str().ok_or(Fault::Malformed("a rotation"))?;
    let path = format!("/v1/admin/keys/jobs/{id}/decide");
    let agree = Ask::new("POST", path, page.token("security_admin", None)?);
    Client::new(&page.url).must(&agree.json(&json!({"decision": "grant"})), 200).map(drop)
}

fn rotation(page: &Page) -> Result<Value, Fault> {
    let ask = Ask::new("GET", "/v1/admin/keys/status", page.token("system_admin", None)?);
    Ok(Client::new(&page.url).must(&ask, 200)?["rotation"].clone())
}

fn ended(page: &Page, count: usize, took: Duration) -> Result<Result<String, String>, Fault> {
    let rotation = rotation(page)?;
    let (done, keys) = (&rotation["keys_done"], &rotation["keys"]);
    let said = format!("{done} of {keys} keys in {:.2} minutes", took.as_secs_f64() / 60.0);
    let whole = done.as_u64() == Some(count as u64) && done == keys;
    Ok(if whole { Ok(said) } else { Err(said) })
}

/// What it cost those who worked: figures, and no verdict.
fn compare(quiet: &Figures, during: &Figures, tally: &mut Tally) {
    let line = |what: &str, of: fn(&Figures) -> f64| {
        let (before, then) = (of(quiet), of(during));
        format!("{what} {before:.1} in quiet, {then:.1} meanwhile ({:.2})", then / before)
    };
    let lines = [
        line("reads a second", Figures::rate),
        line("p50 us", |figures| figures.micros(0.50)),
        line("p99 us", |figures| figures.micros(0.99)),
    ];
    tally.check("what it cost is known", Ok(lines.join("; ")));
}

/// Where such keys lie in a ring.
fn keys_of(what: &str) -> Range<usize> {
    match what {
        "index" => BUCKETS_COUNT..2 * BUCKETS_COUNT,
        "header" => HEADER_AT..HEADER_AT + 1,
        _ => 0..BUCKETS_COUNT,
    }
}

/// No such key of before is in either slot, and today's open everybody.
fn judge_keys(
    directory: &Path,
    what: &str,
    before: &[Vec<[u8; 32]>],
    tally: &mut Tally,
) -> Result<(), Fault> {
    let keys = keys_of(what);
    let former: Vec<&[u8; 32]> = before.iter().flat_map(|slot| &slot[keys.clone()]).collect();
    let now = demo_rings(directory)?;
    let left = now.iter().flatten().filter(|key| former.contains(key)).count();
    let said = format!("{left} of {} in {} slots", former.len(), now.len());
    tally.holds("no key of before is in the keyring", left == 0, said);
    let opened = match Known::of(directory) {
        Ok(known) => Ok(format!("{} keys", known.keys.len())),
        Err(fault) => Err(fault.to_string()),
    };
    tally.check("today's keys open the first rows", opened);
    Ok(())
}
