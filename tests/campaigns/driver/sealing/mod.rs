//! Seals a serving vault and looks through its memory: no key of before may be in it.
//! Never trusts that it looked at the right bytes: the same keys must be found in the process before it was sealed, and those
//! that open the keyring, which no open vault keeps, in one that is just opening it.
//! Memory is looked at as a core file of the whole process shows it, which root alone can take.

mod memory;
mod opening;

use crate::client::{Ask, Client};
use crate::fault::Fault;
use crate::keys::{Kind, Known};
use crate::tally::Tally;
use crate::vault::{Programs, Start, Vault, new_folder};
use memory::Counts;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait until the vault answers sealed.
const SEALED_TIME_MAX: Duration = Duration::from_secs(60);
/// How often is looked whether it does.
const SEALED_POLL: Duration = Duration::from_millis(20);
/// Bucket keys of subjects and of index terms that must be found before: all of them lie in one buffer.
const RING_KEYS_COUNT_MIN: usize = 8_000;

/// Options of the campaign.
#[derive(clap::Args)]
pub struct Arguments {
    /// How many people the vault holds.
    #[arg(long, default_value_t = 300)]
    persons: u32,
    #[command(flatten)]
    programs: Programs,
}

/// Runs the campaign.
pub fn run(arguments: &Arguments, tally: &mut Tally) -> Result<(), Fault> {
    let folder = new_folder()?;
    let start =
        Start { persons: arguments.persons, ..Start::below(folder.path(), &arguments.programs)? };
    let mut vault = start.serve()?;
    let client = Client::new(&vault.page.url);
    // What is read is opened with a section key, which the process keeps for the next time.
    read(&client, &vault)?;
    let before = core_of(&vault, &folder.path().join("before"))?;
    let origin = vault.page.origin.clone();
    let seal = Ask::new("POST", "/v1/admin/seal", vault.page.token("system_admin", None)?);
    client.must(&seal.json(&json!({"vault": origin})), 200)?;
    await_sealed(&vault, tally)?;
    let after = core_of(&vault, &folder.path().join("after"))?;
    // One process at a time has a vault's keys, sealed or not.
    vault.kill();
    let known = Known::of(&start.directory)?;
    let opening = opening::core_of(&start, folder.path())?;
    judge(&known, &Cores { opening, before, after }, tally)
}

/// The memory of three moments.
struct Cores {
    /// A process that opens the vault.
    opening: PathBuf,
    /// The one that serves it.
    before: PathBuf,
    /// The same, sealed.
    after: PathBuf,
}

fn read(client: &Client, vault: &Vault) -> Result<(), Fault> {
    let page = &vault.page;
    let token = page.token("grid_worker", Some(&page.sample.grid))?;
    let path = format!("/v1/records/{}?fields=name,phone", page.sample.record);
    let read = Ask::new("GET", path, token).purpose(&page.sample.purpose);
    client.must(&read, 200).map(drop)
}

fn await_sealed(vault: &Vault, tally: &mut Tally) -> Result<(), Fault> {
    let started = Instant::now();
    loop {
        let ready = Client::new(&vault.page.url).send(&Ask::open("GET", "/readyz"));
        let sealed = |body: &[u8]| String::from_utf8_lossy(body).contains("\"code\":\"sealed\"");
        if ready.is_ok_and(|reply| reply.status == 503 && sealed(&reply.body)) {
            break;
        }
        if started.elapsed() > SEALED_TIME_MAX {
            return Err(Fault::OutOfTime { what: "sealing", limit: SEALED_TIME_MAX });
        }
        std::thread::sleep(SEALED_POLL);
    }
    let said = format!("after {} ms, in the same process", started.elapsed().as_millis());
    tally.check("the vault answers sealed", Ok(said));
    Ok(())
}

/// A core file of a running process. Its memory goes on.
fn core_of(vault: &Vault, prefix: &Path) -> Result<PathBuf, Fault> {
    let process = vault.process().to_string();
    let outcome = Command::new("gcore")
        .args(["-a", "-o"])
        .arg(prefix)
        .arg(&process)
        .stdin(Stdio::null())
        .output()
        .map_err(|_| Fault::ToolMissing("gcore (package gdb)"))?;
    let file = PathBuf::from(format!("{}.{process}", prefix.display()));
    if outcome.status.success() && file.is_file() {
        return Ok(file);
    }
    Err(Fault::Refused(String::from_utf8_lossy(&outcome.stderr).trim().to_owned()))
}

fn judge(known: &Known, cores: &Cores, tally: &mut Tally) -> Result<(), Fault> {
    let (counts, bytes) = memory::look(known, &cores.opening)?;
    let seen = counts.found(Kind::Wrapping) == 1 && counts.found(Kind::Root) == 1;
    let said = format!("{bytes} bytes: {}", told(&counts, known));
    tally.holds("the judge finds what opens the keyring", seen, said);
    let (counts, bytes) = memory::look(known, &cores.before)?;
    let found = |kind: Kind| counts.found(kind);
    // The root key is among them: the keyring is written again under it at each erasure.
    let seen = found(Kind::Ring) >= RING_KEYS_COUNT_MIN
        && found(Kind::Root) > 0
        && found(Kind::Subject) > 0
        && found(Kind::Section) > 0;
    let said = format!("{bytes} bytes: {}", told(&counts, known));
    tally.holds("the judge finds keys before", seen, said);
    let wiped = found(Kind::Wrapping) == 0;
    let said = "what opened the envelope of the root key".to_owned();
    tally.holds("an open vault does not keep", wiped, said);
    let (counts, bytes) = memory::look(known, &cores.after)?;
    let none = Kind::ALL.iter().all(|kind| counts.found(*kind) == 0);
    let said = format!("{bytes} bytes: {}", told(&counts, known));
    tally.holds("no key is left after", none, said);
    Ok(())
}

fn told(counts: &Counts, known: &Known) -> String {
    let one = |kind: &Kind| {
        let all = known.keys.iter().filter(|key| key.kind == *kind).count();
        format!("{} of {all} {}", counts.found(*kind), kind.name())
    };
    Kind::ALL.iter().map(one).collect::<Vec<String>>().join(", ")
}
