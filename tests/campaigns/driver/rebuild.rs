//! Loses a vault's store after a kill, and has it made again from snapshot and journal: every record must be there as it was.
//! Never compares with what the vault says of itself alone: the lines of its store before and after, and a value that was read.
//! A snapshot that was changed must be named, and a backup that was made beside the writer must verify.

use crate::client::{Ask, Client};
use crate::dice::Dice;
use crate::fault::Fault;
use crate::people;
use crate::tally::Tally;
use crate::vault::{Programs, Start, Vault, new_folder, tail};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Longest wait until a snapshot is made and the journal before it is gone.
const SNAPSHOT_TIME_MAX: Duration = Duration::from_secs(120);
/// How often is looked whether it is.
const SNAPSHOT_POLL: Duration = Duration::from_millis(200);
/// The smallest segment, in bytes: so a small vault has several.
const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;
/// Changes behind the snapshot.
const CHANGES_COUNT: u32 = 100;
/// How often so many may be needed until a segment is closed.
const FILLS_COUNT_MAX: u32 = 200;
/// Exit status of a fault of the store.
const STATUS_STORAGE: i32 = 4;

/// Options of the campaign.
#[derive(clap::Args)]
pub struct Arguments {
    /// How many people the vault holds.
    #[arg(long, default_value_t = 20_000)]
    persons: u32,
    #[command(flatten)]
    programs: Programs,
}

/// Runs the campaign.
pub fn run(arguments: &Arguments, tally: &mut Tally) -> Result<(), Fault> {
    let folder = new_folder()?;
    let start =
        Start { persons: arguments.persons, ..Start::below(folder.path(), &arguments.programs)? };
    start.serve()?.kill();
    configure(&start.directory)?;
    let mut vault = start.serve()?;
    fill(&start, &vault)?;
    tally.check("a snapshot is made and the journal before it goes", snapshot(&start, &vault)?);
    change(&vault)?;
    let last = read(&vault)?;
    let backup = Gridvault { start: &start, folder: folder.path() };
    backup.judge_backup(&vault, tally)?;
    vault.kill();
    drop(vault);
    let before = backup.digests("before")?;
    lose(&start.directory)?;
    refused(&backup, tally)?;
    backup.judge_damage(tally)?;
    let begun = Instant::now();
    let made = backup.run(&["--json", "store", "rebuild"])?;
    let took = format!("{:.2} s, {}", begun.elapsed().as_secs_f64(), said(&made));
    tally.holds("the store is made again", made.status.success(), took);
    let after = backup.digests("after")?;
    let lines = format!("{} lines", before.len());
    tally.holds("the store's lines are those of before", before == after, lines);
    let vault = start.serve()?;
    let again = read(&vault)?;
    let same = ["fields", "version"].iter().all(|name| again[name] == last[name]);
    let version = format!("version {}", again["version"]);
    tally.holds("what was changed last is read as it was", same, version);
    Ok(())
}

/// Small segments, and a snapshot as soon as one is closed.
fn configure(directory: &Path) -> Result<(), Fault> {
    let path = directory.join("config");
    let text = std::fs::read_to_string(&path).map_err(|e| Fault::io("reading", &path, e))?;
    let kept = text.lines().filter(|line| !line.starts_with("journal_segment_bytes"));
    let mut changed = format!(
        "journal_segment_bytes = {SEGMENT_BYTES}\nsnapshot_journal_bytes = {SEGMENT_BYTES}\nsnapshots_kept = 1\n"
    );
    kept.for_each(|line| {
        changed.push_str(line);
        changed.push('\n');
    });
    std::fs::write(&path, changed).map_err(|e| Fault::io("writing", &path, e))
}

fn names(directory: &Path, ending: &str) -> Vec<String> {
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(ending)).collect();
    names.sort_unstable();
    names
}

/// Changes somebody until a segment is closed.
fn fill(start: &Start, vault: &Vault) -> Result<(), Fault> {
    for _ in 0..FILLS_COUNT_MAX {
        if names(&start.directory.join("journal"), ".segment").len() > 1 {
            return Ok(());
        }
        change(vault)?;
    }
    Err(Fault::Malformed("the journal"))
}

/// Waits for a snapshot and for the first segment to go.
fn snapshot(start: &Start, vault: &Vault) -> Result<Result<String, String>, Fault> {
    let begun = Instant::now();
    let (snapshots, journal) = (start.directory.join("snapshots"), start.directory.join("journal"));
    while begun.elapsed() < SNAPSHOT_TIME_MAX {
        let gone = names(&journal, ".segment")
            .first()
            .is_some_and(|name| !name.starts_with("0000000000000000"));
        if let (true, Some(name)) = (gone, names(&snapshots, ".snapshot").first()) {
            return Ok(Ok(format!("{name} after {:.1} s", begun.elapsed().as_secs_f64())));
        }
        // A vault that makes one serves as before.
        read(vault)?;
        std::thread::sleep(SNAPSHOT_POLL);
    }
    Ok(Err(format!("none; {}", tail(&start.output.with_extension("err")))))
}

fn read(vault: &Vault) -> Result<Value, Fault> {
    let (page, client) = (&vault.page, Client::new(&vault.page.url));
    let token = page.token("grid_head", Some(&page.sample.grid))?;
    let path = format!("/v1/records/{}?fields=name,phone", page.sample.record);
    client.must(&Ask::new("GET", path, token).purpose(&page.sample.purpose), 200)
}

/// Changes the sample person again and again.
fn change(vault: &Vault) -> Result<(), Fault> {
    let (page, client) = (&vault.page, Client::new(&vault.page.url));
    let token = page.token("grid_worker", Some(&page.sample.grid))?;
    let mut version = read(vault)?["version"].as_u64().ok_or(Fault::Malformed("a record"))?;
    let mut dice = Dice::new(7, 0);
    for _ in 0..CHANGES_COUNT {
        let phone = people::phone(&mut dice);
        let path = format!("/v1/records/{}", page.sample.record);
        let ask = Ask::new("PATCH", path, token).purpose(&page.sample.purpose).version(version);
        let done = client.must(&ask.json(&json!({"fields": {"phone": phone}})), 200)?;
        version = done["version"].as_u64().ok_or(Fault::Malformed("a change"))?;
    }
    Ok(())
}

fn lose(directory: &Path) -> Result<(), Fault> {
    let store = directory.join("store");
    std::fs::remove_dir_all(&store).map_err(|e| Fault::io("removing", &store, e))
}

fn refused(gridvault: &Gridvault<'_>, tally: &mut Tally) -> Result<(), Fault> {
    let started = gridvault.run(&["demo", "--listen", "127.0.0.1:0"])?;
    let told = String::from_utf8_lossy(&started.stderr).contains("gridvault store rebuild");
    let refused = started.status.code() == Some(STATUS_STORAGE) && told;
    let says = said(&started);
    tally.holds("a start without the store names the command", refused, says);
    Ok(())
}

/// The program, run over the vault's directory.
struct Gridvault<'a> {
    start: &'a Start,
    folder: &'a Path,
}

impl Gridvault<'_> {
    fn run(&self, arguments: &[&str]) -> Result<Output, Fault> {
        let mut command = Command::new(&self.start.program);
        command.args(arguments).arg("--dir").arg(&self.start.directory).stdin(Stdio::null());
        command.output().map_err(|e| Fault::io("running", &self.start.program, e))
    }

    /// The lines of the store's records, without the number of entries, which grows with every look.
    fn digests(&self, name: &str) -> Result<Vec<String>, Fault> {
        let out = self.folder.join(name);
        let listed = self.run(&["store", "digests", "--out", &out.display().to_string()])?;
        if !listed.status.success() {
            return Err(Fault::Refused(said(&listed)));
        }
        let text = std::fs::read_to_string(&out).map_err(|e| Fault::io("reading", &out, e))?;
        Ok(text.lines().filter(|line| !line.starts_with("size ")).map(str::to_owned).collect())
    }

    fn judge_backup(&self, vault: &Vault, tally: &mut Tally) -> Result<(), Fault> {
        let bulk = self.folder.join("bulk").display().to_string();
        let made = self.run(&["backup", "create", "--out", &bulk])?;
        let judged = Command::new(&self.start.program)
            .args(["backup", "verify", "--bulk", &bulk, "--log-key", &vault.page.key])
            .output()
            .map_err(|e| Fault::io("running", &self.start.program, e))?;
        let well = made.status.success() && judged.status.success();
        let says = if made.status.success() { said(&judged) } else { said(&made) };
        tally.holds("a bulk part made beside the vault verifies", well, says);
        Ok(())
    }

    /// A changed byte of the snapshot is named, and nothing is made of it.
    fn judge_damage(&self, tally: &mut Tally) -> Result<(), Fault> {
        let snapshots = self.start.directory.join("snapshots");
        let Some(name) = names(&snapshots, ".snapshot").pop() else { return Ok(()) };
        let path: PathBuf = snapshots.join(&name);
        let whole = std::fs::read(&path).map_err(|e| Fault::io("reading", &path, e))?;
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        std::fs::write(&path, changed).map_err(|e| Fault::io("writing", &path, e))?;
        let made = self.run(&["store", "rebuild"])?;
        std::fs::write(&path, whole).map_err(|e| Fault::io("writing", &path, e))?;
        let named = String::from_utf8_lossy(&made.stderr).contains(&name);
        let refused = made.status.code() == Some(STATUS_STORAGE) && named;
        let says = said(&made);
        tally.holds("a changed snapshot is named", refused, says);
        Ok(())
    }
}

/// The last thing that a program said.
fn said(output: &Output) -> String {
    let text = [&output.stderr[..], &output.stdout].concat();
    let text = String::from_utf8_lossy(&text);
    text.trim().lines().last().unwrap_or_default().chars().take(300).collect()
}
