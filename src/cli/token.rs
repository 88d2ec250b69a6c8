//! `gridvault token issue`: a call to a running vault.
//! Never mints a token offline.
//! The token is printed once.

use super::client::Connection;
use super::failure::Failure;
use super::print;
use serde_json::json;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Issue a token for an actor.
    Issue {
        /// The actor's id.
        #[arg(long, allow_hyphen_values = true)]
        actor: String,
        /// The system that may act with it.
        #[arg(long, allow_hyphen_values = true)]
        via: Option<String>,
        /// How long it lives, in seconds; 12 hours at most.
        #[arg(long)]
        life_seconds: Option<i64>,
        #[command(flatten)]
        connection: Connection,
    },
}

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    let Command::Issue { actor, via, life_seconds, connection } = command;
    let path = format!("/v1/admin/actors/{actor}/tokens");
    let answer = connection.post(&path, &json!({"via": via, "life_seconds": life_seconds}))?;
    let token = answer["token"].as_str().unwrap_or_default().to_owned();
    print(&if json { answer.to_string() } else { token });
    Ok(())
}
