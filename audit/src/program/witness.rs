//! `witness`: makes a witness's key, and runs a witness for the logs of a policy.
//! Never listens beyond this machine unless it is told to, and never overwrites a key.
//! The directory is the witness's memory: who puts an old one back makes it forget.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use gridvault_audit::witness::{CosignerKey, Keeper, Listening, WitnessError, serve};
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

use super::now_seconds;
use super::report::Answer;
use super::trust::Trust;

/// Where a witness listens unless it is told otherwise.
const LISTEN_DEFAULT: &str = "127.0.0.1:8490";

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a witness: a directory with a new key; prints the verifier key for policies
    Init {
        /// Directory of the witness, which is made
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// Name of the witness: a URL without its scheme, such as `witness.example/office`
        #[arg(long)]
        name: String,
    },
    /// Serve: cosign continuations, show the latest checkpoints
    Serve(Serve),
}

#[derive(Args)]
pub(super) struct Serve {
    /// Directory of the witness, made by `witness init`
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    #[command(flatten)]
    trust: Trust,
    /// Address to listen on
    #[arg(long, default_value = LISTEN_DEFAULT)]
    listen: SocketAddr,
}

pub(super) fn run(command: &Command) -> Answer {
    match command {
        Command::Init { dir, name } => match init(dir, name) {
            Ok(vkey) => Answer::Done(vkey),
            Err(error) => Answer::Failed(error),
        },
        Command::Serve(arguments) => run_serve(arguments),
    }
}

fn init(directory: &Path, name: &str) -> Result<String, String> {
    let mut seed = Zeroizing::new([0; 32]);
    SystemRandom::new()
        .fill(&mut *seed)
        .map_err(|_| "the system gives no random bytes".to_owned())?;
    let file = CosignerKey::file(name, &seed).map_err(|error| error.to_string())?;
    let vkey = CosignerKey::from_seed(name, &seed).map_err(|error| error.to_string())?;
    let wrote = || -> std::io::Result<()> {
        std::fs::create_dir_all(directory)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut out = options.open(directory.join("key"))?;
        out.write_all(file.as_bytes())?;
        out.sync_all()?;
        std::fs::File::open(directory)?.sync_all()
    };
    wrote().map_err(|error| format!("key cannot be written: {error}"))?;
    Ok(vkey.verifier_key())
}

fn run_serve(arguments: &Serve) -> Answer {
    let policy = match arguments.trust.policy() {
        Ok(policy) => policy,
        Err(answer) => return answer,
    };
    let key = std::fs::read_to_string(arguments.dir.join("key")).map(Zeroizing::new);
    let key = match key {
        Ok(key) => CosignerKey::parse(&key),
        Err(error) => return Answer::Failed(format!("key cannot be read: {error}")),
    };
    let keeper = match key {
        Ok(key) => Keeper::open(&arguments.dir, key, policy),
        Err(error) => return Answer::Failed(error.to_string()),
    };
    let keeper = match keeper {
        Ok(keeper) => keeper,
        Err(error @ WitnessError::Io(_)) => {
            return Answer::Storage(format!("the witness cannot start: {error}"));
        }
        Err(error) => return Answer::Failed(format!("the witness cannot start: {error}")),
    };
    let vkey = keeper.verifier_key();
    let listening = match Listening::bind(arguments.listen) {
        Ok(listening) => listening,
        Err(error) => return Answer::Failed(format!("cannot listen: {error}")),
    };
    let told = listening.address().and_then(|address| {
        writeln!(std::io::stdout(), "witness {vkey}\nserving on http://{address}")
    });
    if let Err(error) = told {
        return Answer::Failed(format!("cannot listen: {error}"));
    }
    match serve(listening, keeper, now_seconds) {
        Ok(never) => match never {},
        Err(error) => Answer::Failed(format!("cannot serve: {error}")),
    }
}
