//! People are erased from a vault whose whole life lies on one disk; then every copy of their keys on that raw disk is tried against
//! every key that there is, and their values to make a term that is on it.
//! Never believes a file system: what it forgot is there still, and the disk is read from its first byte to its last.
//! A backup from before must bring everybody back who stayed, and nobody who was erased.

mod life;
mod proof;
mod terms;

use crate::desk::Desk;
use crate::fault::Fault;
use crate::keys::ring_of;
use crate::log::verify;
use crate::tally::Tally;
use crate::town::{PASSPHRASE, Town};
use crate::vault::{Programs, new_folder};
use life::{Life, Person};
use std::path::{Path, PathBuf};
use terms::Terms;

/// Options of the campaign.
#[derive(clap::Args)]
pub struct Arguments {
    /// A directory on a disk of its own, which holds nothing.
    #[arg(long)]
    disk: PathBuf,
    /// That disk, as a file.
    #[arg(long)]
    image: PathBuf,
    /// How many people the vault holds.
    #[arg(long, default_value_t = 1_000)]
    persons: usize,
    /// How many of them are erased.
    #[arg(long, default_value_t = 100)]
    erased: usize,
    #[command(flatten)]
    programs: Programs,
}

/// Runs the campaign.
pub fn run(arguments: &Arguments, tally: &mut Tally) -> Result<(), Fault> {
    let folder = new_folder()?;
    let desk = Desk::below(folder.path(), &arguments.disk, &arguments.programs)?;
    desk.synth("territory.json", &["--territory", "--community"], 300, 1)?;
    let mut life = Life::begin(&desk, arguments.persons)?;
    let stopped = life.town.stop(tally)?;
    life::configure(&stopped.directory, &desk.path("ledger"))?;
    let old_ring = ring_of(&stopped.directory, PASSPHRASE)?;
    let copies = proof::wrapped_keys(&stopped.directory, &life.people)?;
    proof::control(&old_ring, &life.people, &copies, tally);
    let terms = Terms::of(&stopped.directory, &life.people)?;
    terms.control(&old_ring, &life.people, tally);
    life.town = Town::again(&desk, stopped)?;
    let bulk = arguments.disk.join("bulk");
    backup(&desk, &["create", "--out", text(&bulk)?])?;
    let (gone, staying) = life.people.split_at(arguments.erased);
    let erased = life.erase(gone)?;
    tally.check("people are erased", Ok(format!("{erased}, each by a desk and an officer")));
    life.go_on(staying)?;
    let keys = desk.path("key-part");
    let recipient = desk.run(&["backup", "recipient", "--out", text(&desk.path("secret"))?])?;
    desk.write("recipients", recipient)?;
    let recipients = desk.path("recipients");
    let fixed = ["keys", "--recipients", text(&recipients)?, "--bulk", text(&bulk)?];
    backup(&desk, &[&fixed[..], &["--out", text(&keys)?]].concat())?;
    life.judge("the vault", gone, staying, tally)?;
    let stopped = life.town.stop(tally)?;

    let log =
        verify(&arguments.programs.verifier()?, &stopped.directory.join("log"), &stopped.log_key)?;
    let shown = log.1.contains(&format!("; {} people were erased", gone.len()));
    let outcome = if log.0 == Some(0) && shown { Ok(log.1) } else { Err(log.1) };
    tally.check("the log verifies, and the verifier counts the erased", outcome);
    proof::tombstones(&stopped.directory, gone, tally)?;
    let ring = ring_of(&stopped.directory, PASSPHRASE)?;
    proof::raw(arguments, &ring, gone, &copies, tally)?;
    terms.raw(arguments, &ring, gone, tally)?;
    proof::who_stays(&ring, &stopped.directory, staying, tally)?;
    restored(arguments, &desk, &stopped, (&bulk, &keys), life.staff, (gone, staying), tally)
}

fn text(path: &Path) -> Result<&str, Fault> {
    path.to_str().ok_or(Fault::Malformed("the path of the disk"))
}

/// A command of the backup over the vault.
fn backup(desk: &Desk, arguments: &[&str]) -> Result<String, Fault> {
    let (what, rest) = arguments.split_first().ok_or(Fault::Malformed("a command"))?;
    desk.run(&[&["backup", *what, "--dir", text(&desk.vault)?][..], rest].concat())
}

/// An older bulk part with the newest key part, judged by those who work there afterwards.
fn restored(
    arguments: &Arguments,
    desk: &Desk,
    before: &crate::town::Stopped,
    (bulk, keys): (&Path, &Path),
    staff: life::Staff,
    (gone, staying): (&[Person], &[Person]),
    tally: &mut Tally,
) -> Result<(), Fault> {
    const ORIGIN: &str = "import.gridvault.invalid/log-2";
    let directory = arguments.disk.join("restored");
    let passphrase = desk.path("passphrase");
    let persons = &before.administrators;
    let said = desk.run(&[
        "backup",
        "restore",
        "--bulk",
        text(bulk)?,
        "--keys",
        text(keys)?,
        "--identity",
        text(&desk.path("secret"))?,
        "--passphrase-file",
        text(&passphrase)?,
        "--log-key",
        &before.log_key,
        "--dir",
        text(&directory)?,
        "--origin",
        ORIGIN,
        "--unsigned",
        "--person",
        &persons[0],
        "--person",
        &persons[2],
        "--erasure-ledger",
        text(&desk.path("ledger"))?,
    ])?;
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("subject keys")).collect();
    tally.check("an older bulk part is restored with the newest key part", Ok(lines.join("; ")));
    // Of the configuration a restore takes over sizes alone: the policies are the operator's to name again.
    life::name_policies(&directory, &crate::policies::wide(&desk.path("policies-again"))?)?;
    let code = desk.run(&[
        "administrator",
        "code",
        "--dir",
        text(&directory)?,
        "--passphrase-file",
        text(&passphrase)?,
        "--login",
        "sec",
        "--unsigned",
        "--person",
        &persons[0],
        "--person",
        &persons[2],
    ])?;
    let town = Town::restored(desk, &directory, code.trim())?;
    let life = Life::after_restore(town, staff)?;
    life.judge("the restored vault", gone, staying, tally)?;
    life.town.stop(tally).map(drop)
}
