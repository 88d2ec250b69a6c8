//! Fills the disk beside a serving vault, to a floor and to the last byte, and makes room again.
//! Never fills a disk that is not small: the directory must lie on a file system made for this.
//! What was acknowledged is there at the end, and the vault needed no hand.

use crate::client::{Ask, Client, Reply};
use crate::fault::Fault;
use crate::log::verify;
use crate::page::Page;
use crate::tally::Tally;
use crate::vault::{Programs, Start, Vault};
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Largest file system that this fills, in bytes.
const DISK_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Left free where the vault must call the disk nearly full: it does below 192 MiB.
const LOW_BYTES: u64 = 96 * 1024 * 1024;
/// Zeros are written in pieces of this size.
const PIECE_BYTES: usize = 256 * 1024;
/// Longest time for the vault to see what has become of the disk.
const SEEN_TIME_MAX: Duration = Duration::from_secs(10);
/// Long enough for mark and checkpoint to be written, so that nothing is under way when the last byte goes.
const CALM_TIME: Duration = Duration::from_secs(7);
/// Reads on a full disk.
const READS_COUNT: usize = 2_000;
/// The purpose of every request.
const PURPOSE: &str = "safety_inspection";

/// Options of the campaign.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    programs: Programs,
    /// A directory on a small file system of its own; everything in it may be lost.
    #[arg(long)]
    disk: PathBuf,
    /// Where the vault's output goes, on another disk.
    #[arg(long)]
    output: PathBuf,
}

/// A record that was acknowledged.
struct Kept {
    id: String,
    address: String,
}

/// The vault with what it was told.
struct Scene {
    start: Start,
    vault: Vault,
    client: Client,
    kept: Vec<Kept>,
    asked: u32,
}

/// Runs the campaign.
pub fn run(arguments: &Arguments, tally: &mut Tally) -> Result<(), Fault> {
    let disk = Disk::at(&arguments.disk)?;
    let start = Start {
        program: arguments.programs.vault()?,
        before: &[],
        directory: arguments.disk.join("vault"),
        output: arguments.output.join("vault"),
        persons: 60,
        log_level: "info",
        policies: None,
    };
    let vault = start.serve()?;
    let client = Client::new(&vault.page.url);
    let mut scene = Scene { start, vault, client, kept: Vec::new(), asked: 0 };
    tally.check("a disk with room takes everything", scene.takes_everything());
    nearly_full(&disk, &mut scene, tally)?;
    full(&disk, &mut scene, tally)?;
    used_up(&disk, &mut scene, tally)?;
    disk.empty()?;
    tally.check("with room again everything goes on without hands", scene.goes_on());
    scene.vault.kill();
    scene.restart()?;
    tally.check("nothing acknowledged is lost", scene.holds());
    scene.vault.kill();
    let page = &scene.vault.page;
    let (status, said) = verify(&arguments.programs.verifier()?, &page.log, &page.key)?;
    let verdict = if status == Some(0) { Ok(said) } else { Err(format!("{status:?}: {said}")) };
    tally.check("the log verifies", verdict);
    Ok(())
}

/// Below the floor nothing new is stored, and everything else goes on.
fn nearly_full(disk: &Disk, scene: &mut Scene, tally: &mut Tally) -> Result<(), Fault> {
    disk.leave(LOW_BYTES)?;
    tally.check("a nearly full disk stores nothing new", scene.stores_nothing_new());
    tally.check("on a nearly full disk everything else goes on", scene.records_everything_else());
    disk.empty()?;
    tally.check("with room again it stores without hands", scene.goes_on());
    Ok(())
}

/// Without a free byte entries are kept out of the reserve; a start works too.
fn full(disk: &Disk, scene: &mut Scene, tally: &mut Tally) -> Result<(), Fault> {
    disk.leave(0)?;
    tally.check("a full disk stores nothing new", scene.stores_nothing_new());
    tally.check("on a full disk reads go on", scene.reads(READS_COUNT));
    scene.vault.kill();
    let started = scene.restart();
    let started = started.map(|()| "ready".to_owned()).map_err(|fault| fault.to_string());
    tally.check("a killed vault starts on a full disk", started);
    tally.check("and reads go on there", scene.reads(READS_COUNT / 10));
    Ok(())
}

/// Once the reserve is used up as well, nothing is let out that could not be recorded.
fn used_up(disk: &Disk, scene: &mut Scene, tally: &mut Tally) -> Result<(), Fault> {
    let started = Instant::now();
    loop {
        std::thread::sleep(CALM_TIME);
        disk.leave(0)?;
        let refused = scene.read(0)?;
        if refused.status == 507 {
            break;
        }
        if started.elapsed() > SEEN_TIME_MAX * 10 {
            return Err(Fault::OutOfTime { what: "a used up reserve", limit: SEEN_TIME_MAX * 10 });
        }
    }
    tally.check("without room for an entry nothing is let out", scene.lets_nothing_out());
    Ok(())
}

impl Scene {
    fn page(&self) -> &Page {
        &self.vault.page
    }

    fn ask(&self, method: &'static str, path: String, role: &str) -> Result<Ask, Fault> {
        let token = self.page().token(role, Some(&self.page().sample.grid))?;
        Ok(Ask::new(method, path, token).purpose(PURPOSE))
    }

    /// Stores a place; keeps what was acknowledged.
    fn create(&mut self) -> Result<Reply, Fault> {
        self.asked += 1;
        let address = format!("澜川市望澜区桂花桥街道试验路{}号", self.asked);
        let body = json!({
            "type": "place", "grid": self.page().sample.grid,
            "fields": {"address": address, "kind": "dwelling"},
            "basis": {
                "purpose": PURPOSE, "legal_basis": "fire_safety_duty",
                "notice": format!("{PURPOSE}_notice_1"),
            },
        });
        let ask = self.ask("POST", "/v1/records".into(), "grid_worker")?.json(&body);
        let reply = self.client.send(&ask)?;
        if reply.status == 201 {
            let id = reply.json()["id"].as_str().unwrap_or_default().to_owned();
            self.kept.push(Kept { id, address });
        }
        Ok(reply)
    }

    fn read(&self, at: usize) -> Result<Reply, Fault> {
        let path = format!("/v1/records/{}?fields=address", self.kept[at % self.kept.len()].id);
        self.client.send(&self.ask("GET", path, "grid_worker")?)
    }

    fn patch(&self, at: usize) -> Result<Reply, Fault> {
        let path = format!("/v1/records/{}", self.kept[at].id);
        let body = json!({"fields": {"address": "changed"}});
        self.client.send(&self.ask("PATCH", path, "grid_worker")?.version(1).json(&body))
    }

    /// Removes the last record that was acknowledged.
    fn remove_last(&mut self) -> Result<Reply, Fault> {
        let last = self.kept.last().ok_or(Fault::Malformed("the list of records"))?;
        let path = format!("/v1/records/{}", last.id);
        let body = json!({"reason": "stored for a campaign"});
        let ask = self.ask("DELETE", path, "grid_head")?.version(1).json(&body);
        let reply = self.client.send(&ask)?;
        if reply.status == 200 {
            self.kept.pop();
        }
        Ok(reply)
    }

    fn restart(&mut self) -> Result<(), Fault> {
        self.vault = self.start.serve()?;
        self.client = Client::new(&self.vault.page.url);
        Ok(())
    }

    fn takes_everything(&mut self) -> Result<String, String> {
        for _ in 0..200 {
            must(self.create(), 201)?;
        }
        must(self.read(0), 200)?;
        Ok(format!("{} records", self.kept.len()))
    }

    /// From some moment on, and then for good.
    fn stores_nothing_new(&mut self) -> Result<String, String> {
        let seen = until("a refusal", || Ok(self.create()?.status == 507))?;
        let reply = self.create().map_err(|fault| fault.to_string())?;
        must(Ok(reply.clone()), 507)?;
        if reply.json()["code"] != "storage_full" || !reply.head.contains("retry-after: ") {
            return Err(format!("not the promised refusal: {} {}", reply.head, reply.json()));
        }
        must(self.patch(0), 507)?;
        Ok(format!("507 after {} ms", seen.as_millis()))
    }

    fn records_everything_else(&mut self) -> Result<String, String> {
        must(self.read(0), 200)?;
        must(self.remove_last(), 200)?;
        must(self.client.send(&Ask::open("GET", "/v1/purposes")), 401)?;
        must(self.client.send(&Ask::open("GET", "/readyz")), 200)?;
        let token = self.page().token("compliance_auditor", None).map_err(|f| f.to_string())?;
        must(self.client.send(&Ask::new("GET", "/v1/audit/entries?from=0&limit=5", token)), 200)?;
        Ok("read, removal, refusal, oversight".to_owned())
    }

    fn reads(&mut self, count: usize) -> Result<String, String> {
        for at in 0..count {
            must(self.read(at), 200)?;
        }
        Ok(format!("{count} reads"))
    }

    fn lets_nothing_out(&mut self) -> Result<String, String> {
        for at in 0..20 {
            let reply = must(self.read(at), 507)?;
            if reply.json()["fields"] != Value::Null {
                return Err("a value came out without an entry".to_owned());
            }
        }
        must(self.create(), 507)?;
        must(self.client.send(&Ask::open("GET", "/readyz")), 507)?;
        must(self.client.send(&Ask::open("GET", "/healthz")), 200)?;
        Ok("507, and the process lives".to_owned())
    }

    fn goes_on(&mut self) -> Result<String, String> {
        let seen = until("a write", || Ok(self.create()?.status == 201))?;
        for _ in 0..20 {
            must(self.create(), 201)?;
        }
        must(self.read(0), 200)?;
        must(self.remove_last(), 200)?;
        Ok(format!("201 after {} ms", seen.as_millis()))
    }

    fn holds(&self) -> Result<String, String> {
        for (at, kept) in self.kept.iter().enumerate() {
            let reply = must(self.read(at), 200)?.json();
            if reply["fields"]["address"] != kept.address.as_str() || reply["version"] != 1 {
                return Err(format!("record {} is another: {reply}", kept.id));
            }
        }
        Ok(format!("{} records", self.kept.len()))
    }
}

fn must(reply: Result<Reply, Fault>, status: u16) -> Result<Reply, String> {
    let reply = reply.map_err(|fault| fault.to_string())?;
    if reply.status == status {
        return Ok(reply);
    }
    Err(format!("{status} was due and {} came: {}", reply.status, reply.json()))
}

/// Tries until it has happened; gives how long that took.
fn until(
    what: &'static str,
    mut happened: impl FnMut() -> Result<bool, Fault>,
) -> Result<Duration, String> {
    let started = Instant::now();
    while !happened().map_err(|fault| fault.to_string())? {
        if started.elapsed() > SEEN_TIME_MAX {
            return Err(Fault::OutOfTime { what, limit: SEEN_TIME_MAX }.to_string());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(started.elapsed())
}

/// The small file system, and the file that fills it.
struct Disk {
    directory: PathBuf,
    filler: PathBuf,
}

impl Disk {
    fn at(directory: &Path) -> Result<Disk, Fault> {
        let found = rustix::fs::statvfs(directory);
        let found = found.map_err(|error| Fault::io("looking at", directory, error.into()))?;
        if found.f_blocks.saturating_mul(found.f_frsize) > DISK_BYTES_MAX {
            return Err(Fault::Malformed("the disk to be filled"));
        }
        let filler = directory.join("filler");
        Ok(Disk { directory: directory.to_owned(), filler })
    }

    fn free(&self) -> Result<u64, Fault> {
        let found = rustix::fs::statvfs(&self.directory);
        let found =
            found.map_err(|error| Fault::io("looking at", &self.directory, error.into()))?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// Writes until only so much is left; to the last byte for 0.
    fn leave(&self, bytes: u64) -> Result<(), Fault> {
        let fail = |error| Fault::io("filling", &self.filler, error);
        let mut file: File =
            OpenOptions::new().create(true).append(true).open(&self.filler).map_err(fail)?;
        let zeros = vec![0; PIECE_BYTES];
        while bytes == 0 || self.free()? > bytes {
            match file.write_all(&zeros) {
                Ok(()) => {}
                // As any other writer it stops here, and does not take what the vault gives up afterwards.
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull && bytes == 0 => {
                    break;
                }
                Err(error) => return Err(fail(error)),
            }
        }
        Ok(())
    }

    fn empty(&self) -> Result<(), Fault> {
        std::fs::remove_file(&self.filler).map_err(|e| Fault::io("removing", &self.filler, e))
    }
}
