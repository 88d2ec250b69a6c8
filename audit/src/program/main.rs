//! The auditor's program: verifies a log or an offline proof with keys from outside, makes proofs, and runs a witness.
//! Never takes a key from the log that it judges, and opens no connection unless it was built and told to.
//! Exit status: 0 it holds, 1 it could not be judged or done, 2 wrong usage, 3 tampering found, 4 the storage failed.

mod certificate;
mod digests;
mod files;
mod pack;
mod proof;
mod report;
mod trust;
mod verify;
#[cfg(feature = "witness")]
mod witness;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use report::print;

/// Verifies the audit log of a vault
#[derive(Parser)]
#[command(name = "gridvault-audit", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print the result as one line of JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Verify a whole log: signatures, quorum, entries, tiles, root and the content of every entry
    Verify(verify::Arguments),
    /// Check that an entry is in a log by a `.tlog-proof` file, or make such a file
    #[command(subcommand)]
    Proof(proof::Command),
    /// Check an evidence pack: its entries, proofs, digests and seal
    Pack(pack::Arguments),
    /// Check the certificate of an erasure: its steps, the destruction of the keys, and its seal
    Certificate(certificate::Arguments),
    /// Keep the latest checkpoints of logs and cosign their continuations
    #[cfg(feature = "witness")]
    #[command(subcommand)]
    Witness(witness::Command),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse_from(proof::with_word(std::env::args_os()));
    let answer = match &arguments.command {
        Command::Verify(command) => verify::run(command),
        Command::Proof(command) => proof::run(command),
        Command::Pack(command) => pack::run(command),
        Command::Certificate(command) => certificate::run(command),
        #[cfg(feature = "witness")]
        Command::Witness(command) => witness::run(command),
    };
    match print(&answer, arguments.json) {
        Ok(()) => ExitCode::from(answer.status()),
        Err(_) => ExitCode::from(answer.status().max(1)),
    }
}

/// The time by this machine's clock, in seconds since 1970.
fn now_seconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |time| time.as_secs())
}
