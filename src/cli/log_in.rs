//! `gridvault log-in`: a token for the next hours, by the key that its holder enrolled with.
//! Never prints the token when a file is named for it, and puts a new one in the place of an old one in one step.
//! A proof is good once, one a second, and none right behind a start: who comes too soon is tried twice more.

use super::client::Connection;
use super::failure::Failure;
use super::log_in_key::Known;
use super::print;
use crate::ambient::{Clock as _, HostClock};
use crate::files::replace;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// Until another proof is taken: of one actor one a second, and none in the first seconds of a vault.
const AGAIN_PAUSES: [Duration; 2] = [Duration::from_millis(1_100), Duration::from_millis(5_100)];

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The file of the key, which `gridvault enrol --key` wrote.
    #[arg(long, env = "GRIDVAULT_KEY_FILE")]
    key: PathBuf,
    /// The file for the token, readable by its owner alone, in place of one that is there; printed if none is named.
    #[arg(long)]
    out: Option<PathBuf>,
    /// The system that acts for its holder with the token.
    #[arg(long, allow_hyphen_values = true)]
    via: Option<String>,
    /// How long the token lives, in seconds; 12 hours at most.
    #[arg(long)]
    life_seconds: Option<i64>,
    /// The origin of the vault, where it was restored under another than the key was enrolled with.
    #[arg(long)]
    origin: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    arguments.connection.check()?;
    let key = Known::read(&arguments.key)?;
    let clock = HostClock::new();
    let ask = || {
        let (via, origin) = (arguments.via.as_deref(), arguments.origin.as_deref());
        let proof = key.proof(via, origin, clock.now().seconds());
        let body = json!({"proof": *proof, "life_seconds": arguments.life_seconds});
        arguments.connection.post_open("/v1/log-in", &body)
    };
    let mut answer = ask();
    for pause in AGAIN_PAUSES {
        if answer.is_ok() {
            break;
        }
        std::thread::sleep(pause);
        answer = ask();
    }
    let answer = answer?;
    let token = answer["token"].as_str().unwrap_or_default();
    let Some(path) = &arguments.out else {
        print(&if json { answer.to_string() } else { token.to_owned() });
        return Ok(());
    };
    replace(path, token.as_bytes()).map_err(|error| Failure::failed("the token file", &error))?;
    let actor = answer["actor"].as_str().unwrap_or_default();
    print(&if json { json!({"actor": actor}).to_string() } else { format!("logged in {actor}") });
    Ok(())
}
