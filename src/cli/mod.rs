//! One file per command: parse, call, print, and an exit status that machines can rely on.
//! Never does what a room should do; it opens the vault and hands the rooms to each other.
//! Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 tampering found, 4 storage fault.

mod actor;
mod administrator;
mod agree;
mod approval;
mod audit;
mod audit_export;
mod audit_review;
mod audit_tail;
mod await_unseal;
mod backup;
mod break_glass;
mod ceremony;
mod client;
mod clock;
mod config;
mod counter_check;
mod delegation;
mod demo;
mod doctor;
mod enrol;
mod failure;
mod found_anew;
mod from_here;
mod handover;
mod hidden;
mod import;
mod init;
mod keys;
mod log_in;
mod log_in_key;
mod metrics;
mod official;
mod opening;
mod parts;
mod passphrase;
mod pkcs11;
mod policy;
mod policy_files;
mod post;
mod privacy;
mod provider;
mod rebuild;
mod restoring;
mod restraint;
mod retention;
mod roster;
mod said;
mod seal;
mod second_place;
mod serve;
mod shares;
mod ship;
mod signals;
mod snapshots;
mod store;
mod subject;
mod synth;
mod task;
mod token;
mod unseal;
mod vault;

use clap::{Parser, Subcommand};
use failure::Failure;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Parser)]
#[command(
    name = "gridvault",
    version,
    about = "A protected store for personal data collected in grids"
)]
struct Arguments {
    /// Print results for machines.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A fresh vault with a synthetic community and sample actors, serving.
    Demo(demo::Arguments),
    /// Make a vault and enrol its three administrators.
    Init(init::Arguments),
    /// Serve a vault.
    Serve(serve::Arguments),
    /// Bring a passphrase, or one share, to a sealed vault; read from the terminal or standard input.
    Unseal(unseal::Arguments),
    /// Seal a running vault.
    Seal(seal::Arguments),
    /// Turn a one-time code into a token, once.
    Enrol(enrol::Arguments),
    /// Turn the key that one enrolled with into a token for the next hours.
    LogIn(log_in::Arguments),
    /// Look at a vault's configuration.
    #[command(subcommand)]
    Config(config::Command),
    /// Administrators of a vault that does not serve.
    #[command(subcommand)]
    Administrator(administrator::Command),
    /// Tokens of a running vault.
    #[command(subcommand)]
    Token(token::Command),
    /// Actors of a running vault.
    #[command(subcommand)]
    Actor(actor::Command),
    /// Posts of a running vault: given, confirmed, ended, and what ends soon.
    #[command(subcommand)]
    Post(post::Command),
    /// Tasks of a running vault.
    #[command(subcommand)]
    Task(task::Command),
    /// What a second person is asked for.
    #[command(subcommand)]
    Approval(approval::Command),
    /// Windows in which somebody stands in.
    #[command(subcommand)]
    Delegation(delegation::Command),
    /// Emergency access over the dwellings of an urgent event.
    #[command(subcommand)]
    BreakGlass(break_glass::Command),
    /// Requests of organs, by a document.
    #[command(subcommand)]
    Official(official::Command),
    /// Protected addresses and consents, for the resident who is present.
    #[command(subcommand)]
    Subject(subject::Command),
    /// Check the number that whoever stands at the counter shows: a case for half an hour.
    CounterCheck(counter_check::Arguments),
    /// Policies.
    #[command(subcommand)]
    Policy(policy::Command),
    /// A synthetic city as NDJSON; never real people.
    Synth(synth::Arguments),
    /// Send a file of records to a running vault; it can be stopped and gone on with.
    Import(import::Arguments),
    /// Rotation of keys of a running vault; its root key, and the ways to that, also of one that does not run.
    #[command(subcommand)]
    Keys(keys::Command),
    /// What the host of a vault lacks.
    Doctor(doctor::Arguments),
    /// The store of a vault that does not serve.
    #[command(subcommand)]
    Store(store::Command),
    /// Backups of a vault, and a vault of a backup.
    #[command(subcommand)]
    Backup(backup::Command),
    /// The audit log of a running vault.
    #[command(subcommand)]
    Audit(audit::Command),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let Arguments { json, command } = Arguments::parse();
    start_logging();
    // Nearly each comes to hold keys, a token, a code or what opens a vault: none is left out, so that none can be forgotten.
    privacy::keep_memory_private();
    let outcome = match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Init(arguments) => init::run(&arguments, json),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Unseal(arguments) => unseal::run(&arguments, json),
        Command::Seal(arguments) => seal::run(&arguments, json),
        Command::Enrol(arguments) => enrol::run(&arguments, json),
        Command::Administrator(command) => administrator::run(&command, json),
        Command::LogIn(arguments) => log_in::run(&arguments, json),
        Command::Config(command) => config::run(&command, json),
        Command::Token(command) => token::run(&command, json),
        Command::Actor(command) => actor::run(&command, json),
        Command::Post(command) => post::run(&command, json),
        Command::Task(command) => task::run(&command, json),
        Command::Approval(command) => approval::run(&command, json),
        Command::Delegation(command) => delegation::run(&command, json),
        Command::BreakGlass(command) => break_glass::run(&command, json),
        Command::Official(command) => official::run(&command, json),
        Command::Subject(command) => subject::run(&command, json),
        Command::CounterCheck(arguments) => counter_check::run(&arguments, json),
        Command::Policy(command) => policy::run(&command, json),
        Command::Synth(arguments) => synth::run(&arguments),
        Command::Import(arguments) => import::run(&arguments, json),
        Command::Keys(command) => keys::run(&command, json),
        Command::Doctor(arguments) => doctor::run(&arguments, json),
        Command::Store(command) => store::run(&command, json),
        Command::Backup(command) => backup::run(&command, json),
        Command::Audit(command) => audit::run(&command, json),
    };
    match outcome.and_then(|()| printed()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(json);
            ExitCode::from(failure.status())
        }
    }
}

fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("GRIDVAULT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// Whether a line could not be printed.
static UNPRINTED: AtomicBool = AtomicBool::new(false);

/// Prints a line; a closed pipe is the reader's choice, not a failure. Any other way of not being printed ends the command badly.
fn print(line: &str) {
    use std::io::Write as _;
    let outcome = writeln!(std::io::stdout(), "{line}");
    if outcome.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe) {
        UNPRINTED.store(true, Ordering::Relaxed);
    }
}

/// Fails where something that the command had to say was not printed.
fn printed() -> Result<(), Failure> {
    match UNPRINTED.load(Ordering::Relaxed) {
        true => Err(Failure::Failed("what was to be printed could not be written".into())),
        false => Ok(()),
    }
}

/// A runtime for commands that open a vault.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("the runtime cannot start", &error))
}
