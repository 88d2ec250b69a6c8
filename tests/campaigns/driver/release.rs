//! What a stranger does first with the built program: start it, do what it prints, be refused, verify, tamper.
//! Never says more of a step than was seen: every command is run as it is printed.
//! The vault is invented, small and gone at the end.

use crate::client::{Ask, Client, receipt};
use crate::fault::Fault;
use crate::log::{entries, verify};
use crate::page::Page;
use crate::tally::{Tally, say};
use crate::vault::{Programs, Start, Vault, new_folder, tail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How the documents start the program; cargo becomes the program, so its process is the vault's.
const BY_CARGO: &[&str] = &["run", "--release", "--quiet", "--"];
/// People of the community.
const PERSONS: u32 = 1_000;
/// The goal for the time from start to readiness, with all of them stored.
const READY_GOAL: Duration = Duration::from_secs(5);
/// What the program prints for a stranger to try.
const CURL_LINES_COUNT: usize = 3;
/// Exit status of a verifier that found tampering.
const STATUS_TAMPERED: i32 = 3;
/// A verifier key that fits no log: the example of the signed-note specification (c2sp.org/signed-note).
const OTHER_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

/// Options of the campaign.
#[derive(clap::Args)]
pub struct Arguments {
    /// Starts the vault as the documents say, by cargo, from the folder of the workspace.
    #[arg(long, conflicts_with = "program")]
    by_cargo: bool,
    #[command(flatten)]
    programs: Programs,
}

/// Runs the campaign.
pub fn run(arguments: &Arguments, tally: &mut Tally) -> Result<(), Fault> {
    let folder = new_folder()?;
    let (program, before): (PathBuf, &'static [&'static str]) = match arguments.by_cargo {
        true => ("cargo".into(), BY_CARGO),
        false => (arguments.programs.vault()?, &[]),
    };
    let start = Start {
        program,
        before,
        directory: folder.path().join("vault"),
        output: folder.path().join("output"),
        persons: PERSONS,
        log_level: "info",
        policies: None,
    };
    let verifier = arguments.programs.verifier()?;
    let vault = start.serve()?;
    let took =
        format!("{:.2} s from start to readiness, {PERSONS} people", vault.ready_in.as_secs_f64());
    tally.holds("the demo is ready within 5 s", vault.ready_in <= READY_GOAL, took);
    curl_lines(&start, tally)?;
    let last = neighbours(&vault.page, tally)?;
    let _covered = entries(&vault.page, 0, last)?;
    verdicts(&vault, &verifier, folder.path(), tally)
}

/// The lines that the program prints, run by a shell exactly as they are.
fn curl_lines(start: &Start, tally: &mut Tally) -> Result<(), Fault> {
    let found = Command::new("curl").arg("--version").stdout(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        return Err(Fault::ToolMissing("curl"));
    }
    let path = start.output.with_extension("out");
    let printed = std::fs::read_to_string(&path).map_err(|e| Fault::io("reading", &path, e))?;
    let lines: Vec<&str> =
        printed.lines().map(str::trim).filter(|line| line.starts_with("curl ")).collect();
    if lines.len() != CURL_LINES_COUNT {
        tally.check("printed lines", Err(format!("{} of {CURL_LINES_COUNT}", lines.len())));
    }
    for line in lines {
        let output = Command::new("sh")
            .args(["-c", line])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Fault::io("starting", Path::new("sh"), error))?;
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        // The token in the line is the demo's, and still nothing to print.
        let what = line.rsplit('/').next().unwrap_or_default().trim_end_matches('\'');
        let what = what.split_once('?').map_or(what, |(_, query)| query);
        let sound = output.status.success() && answer.is_object() && answer["code"].is_null();
        let said = match answer.as_object() {
            Some(members) => members.keys().cloned().collect::<Vec<_>>().join(", "),
            None => tail(&path),
        };
        let outcome = if sound { Ok(said) } else { Err(format!("{} {said}", answer["code"])) };
        tally.check(&format!("printed line for {what}"), outcome);
    }
    Ok(())
}

/// Every worker reads the sample: its own in clear, all others as if it were not there. Gives the last entry.
fn neighbours(page: &Page, tally: &mut Tally) -> Result<u64, Fault> {
    let client = Client::new(&page.url);
    let path = format!("/v1/records/{}?fields=name", page.sample.record);
    let nobody = "/v1/records/0190a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b?fields=name";
    let mut last = 0;
    for grid in page.grids() {
        let token = page.token("grid_worker", Some(&grid))?;
        let purpose = &page.sample.purpose;
        let reply = client.send(&Ask::new("GET", &path, token).purpose(purpose))?;
        let answer = reply.json();
        let entry = receipt(&answer).map(|receipt| receipt.index);
        last = last.max(entry.or(answer["audit_index"].as_u64()).unwrap_or_default());
        if grid == page.sample.grid {
            let sound =
                reply.status == 200 && answer["fields"]["name"].is_string() && entry.is_some();
            let said = format!("status {}, entry {entry:?}", reply.status);
            tally.holds("the worker reads the sample", sound, said);
            continue;
        }
        let absent = client.send(&Ask::new("GET", nobody, token).purpose(purpose))?;
        let same = shape(&answer) == shape(&absent.json());
        let sound = reply.status == 404 && answer["code"] == "not_found" && same;
        let said = format!("status {}, as for a record that never was: {same}", reply.status);
        let what = format!("the worker of {grid} does not");
        tally.holds(&what, sound, said);
    }
    Ok(last)
}

/// A problem without what differs from request to request.
fn shape(problem: &Value) -> Value {
    let mut shape = problem.clone();
    if let Some(members) = shape.as_object_mut() {
        members.remove("request_id");
        members.remove("audit_index");
    }
    shape
}

/// The verifier with the right key, with another, and over a copy with one flipped byte.
fn verdicts(vault: &Vault, verifier: &Path, folder: &Path, tally: &mut Tally) -> Result<(), Fault> {
    let page = &vault.page;
    let (status, said) = verify(verifier, &page.log, &page.key)?;
    let outcome = if status == Some(0) { Ok(said) } else { Err(format!("{status:?}: {said}")) };
    tally.check("the log verifies", outcome);
    let (status, said) = verify(verifier, &page.log, OTHER_KEY)?;
    let refused = status.is_some_and(|status| status != 0);
    let said = format!("status {status:?}: {said}");
    tally.holds("not with another key", refused, said);
    let copy = folder.join("copy");
    copy_all(&page.log, &copy)?;
    let bundle = copy.join("tile/entries/000");
    let index = flip(&bundle)?;
    let (status, said) = verify(verifier, &copy, &page.key)?;
    let found = status == Some(STATUS_TAMPERED) && said.contains(&format!("entry {index}"));
    let said = format!("status {status:?}: {said}");
    tally.holds("one flipped byte is found", found, said);
    Ok(())
}

/// Flips one bit of an entry in the middle of a bundle; gives the entry's index.
fn flip(bundle: &Path) -> Result<usize, Fault> {
    let mut bytes = std::fs::read(bundle).map_err(|error| Fault::io("reading", bundle, error))?;
    let (mut place, mut index) = (0, 0);
    // Each entry follows its length, two bytes with the high one first (c2sp.org/tlog-tiles).
    while place < bytes.len() / 2 {
        let [high, low] = [bytes[place], bytes[place + 1]];
        place += 2 + usize::from(u16::from_be_bytes([high, low]));
        index += 1;
    }
    let Some(byte) = bytes.get_mut(place + 20) else {
        return Err(Fault::Malformed("an entry bundle"));
    };
    *byte ^= 1;
    std::fs::write(bundle, bytes).map_err(|error| Fault::io("writing", bundle, error))?;
    say(&format!("flipped one bit of entry {index} in a copy"));
    Ok(index)
}

fn copy_all(from: &Path, to: &Path) -> Result<(), Fault> {
    let mut folders: Vec<(PathBuf, PathBuf)> = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = folders.pop() {
        std::fs::create_dir_all(&to).map_err(|error| Fault::io("making", &to, error))?;
        let fail = |error| Fault::io("copying", &from, error);
        for entry in std::fs::read_dir(&from).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let target = to.join(entry.file_name());
            if entry.file_type().map_err(fail)?.is_dir() {
                folders.push((entry.path(), target));
            } else {
                std::fs::copy(entry.path(), target).map_err(fail)?;
            }
        }
    }
    Ok(())
}
