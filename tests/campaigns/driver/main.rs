//! Drives the campaigns against built programs of the product: each command starts vaults, loads and judges them.
//! Never reaches past loopback, and never ends a process that it did not start.
//! The last line of every campaign is its tally, and the exit status says whether anything failed.

mod client;
mod crash;
mod desk;
mod dice;
mod diskfull;
mod enrolment;
mod erasure;
mod existence;
mod fault;
mod import;
mod keys;
mod log;
mod overload;
mod page;
mod people;
mod pkcs11;
mod planted;
mod policies;
mod pycasbin;
mod rebuild;
mod release;
mod rotation;
mod schemathesis;
mod sealing;
mod syncs;
mod syscalls;
mod tally;
mod town;
mod vault;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tally::Tally;

#[derive(Parser)]
#[command(name = "campaign", about = "Long suites against the built programs of Gridvault")]
struct Arguments {
    #[command(subcommand)]
    campaign: Campaign,
}

#[derive(Subcommand)]
enum Campaign {
    /// Kill -9 at random moments under mixed load; nothing acknowledged may be lost.
    Crash(crash::Arguments),
    /// A disk that fills up and is emptied; nothing new is stored, nothing is lost, no hand is needed.
    Diskfull(diskfull::Arguments),
    /// Ten times as many callers as the vault can bear, most of them a few actors' floods.
    Overload(overload::Arguments),
    /// A street of people through the import; every value looked at again, over HTTP and with the key.
    Import(import::Arguments),
    /// Marked values go in; none may be found outside of what is sealed.
    Planted(planted::Arguments),
    /// The same questions to the product's policy and to pycasbin; every answer must be the same.
    Pycasbin(pycasbin::Arguments),
    /// One read and one write, each with exactly one sync of the journal before its answer.
    Syscalls(syscalls::Arguments),
    /// A vault is sealed; no key of before may be in its process.
    Sealing(sealing::Arguments),
    /// A store that is lost after a kill, made again from snapshot and journal.
    Rebuild(rebuild::Arguments),
    /// People are erased; no copy of their keys on the raw disk opens, and an older backup brings them not back.
    Erasure(erasure::Arguments),
    /// Every bucket key is replaced while people work and the vault is killed; nobody is refused, and no former key is left.
    Rotation(rotation::Arguments),
    /// A vault that a PKCS#11 token opens; a wrong PIN, and the token taken out.
    Pkcs11(pkcs11::Arguments),
    /// What may not be known of takes as long as what never was.
    Existence(existence::Arguments),
    /// Every call of the OpenAPI document, with well-formed and with broken data, as several callers.
    Schemathesis(schemathesis::Arguments),
    /// What a stranger does first: start, read, be refused, verify, tamper.
    Release(release::Arguments),
}

fn main() -> ExitCode {
    let mut tally = Tally::default();
    let outcome = match Arguments::parse().campaign {
        Campaign::Crash(arguments) => crash::run(&arguments, &mut tally),
        Campaign::Diskfull(arguments) => diskfull::run(&arguments, &mut tally),
        Campaign::Overload(arguments) => overload::run(&arguments, &mut tally),
        Campaign::Import(arguments) => import::run(&arguments, &mut tally),
        Campaign::Planted(arguments) => planted::run(&arguments, &mut tally),
        Campaign::Pycasbin(arguments) => pycasbin::run(&arguments, &mut tally),
        Campaign::Syscalls(arguments) => syscalls::run(&arguments, &mut tally),
        Campaign::Sealing(arguments) => sealing::run(&arguments, &mut tally),
        Campaign::Rebuild(arguments) => rebuild::run(&arguments, &mut tally),
        Campaign::Erasure(arguments) => erasure::run(&arguments, &mut tally),
        Campaign::Rotation(arguments) => rotation::run(&arguments, &mut tally),
        Campaign::Pkcs11(arguments) => pkcs11::run(&arguments, &mut tally),
        Campaign::Existence(arguments) => existence::run(&arguments, &mut tally),
        Campaign::Schemathesis(arguments) => schemathesis::run(&arguments, &mut tally),
        Campaign::Release(arguments) => release::run(&arguments, &mut tally),
    };
    if let Err(fault) = outcome {
        tally.check("the campaign goes on to its end", Err(fault.to_string()));
    }
    tally.finish()
}
